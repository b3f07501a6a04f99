# Empty files of a folder give no rows and a warning; the warning shows where people look. Nothing but
# empty files needs declared columns. plan --json tells how the files are written.
source "$QUERN_ROOT/tests/support/cluster.sh"
mkdir "$folder/in"
: >"$folder/in/a.csv"
printf 'id;n\n1;10\n' >"$folder/in/b.csv"
printf '\xEF\xBB\xBF' >"$folder/in/c.csv"
cat >"$folder/quern.yaml" <<'SPEC'
version: 1
name: cluster
sources: {rows: {path: "in/*.csv", chunk_size: 1}}
jobs: {stg: {kind: etl, from: rows, into: stg}}
SPEC
spec=$folder/quern.yaml
warning="warning: source rows: 2 of 3 files are empty and give no rows, .*in/a.csv the first of them"
for command in validate plan "run --workers 1 --quiet"; do
  "$QUERN" $command "$spec" >"$folder/out" 2>"$folder/said"
  grep -q "$warning" "$folder/said" || { echo "FAILED: $command says: $(cat "$folder/said")"; exit 1; }
done
expect "rows" "1|10" "$(count 'select * from stg')"
expect "files in the ledger" 3 "$(count 'select count(*) from _quern_inputs')"
"$QUERN" validate "$spec" --json 2>"$folder/said" | grep -q '"severity":"warning"' ||
  { echo "FAILED: validate --json is silent"; exit 1; }
"$QUERN" plan "$spec" --json 2>"$folder/said" >"$folder/out"
expect "the plan" "delimiter ';', quote '\"', doubled, header, utf-8" \
  "$(sqlite3 :memory: "select json_extract(readfile('$folder/out'), '\$.sources[0].dialect')")"

rm "$folder/in/b.csv"
code=0
"$QUERN" validate "$spec" 2>"$folder/said" || code=$?
expect "exit code without columns" 2 "$code"
grep -q "in/c.csv: all 2 files are empty and no columns are declared" "$folder/said" ||
  { cat "$folder/said"; exit 1; }
sed -i 's/chunk_size: 1/&, columns: [{name: id, type: integer}]/' "$spec"
"$QUERN" run "$spec" --workers 1 --quiet 2>"$folder/said"
expect "rows of empty files" 0 "$(count 'select count(*) from stg')"
