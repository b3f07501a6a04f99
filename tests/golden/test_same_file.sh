# One file under several spellings is one: read once, written by one job, and not both read and written.
source "$QUERN_ROOT/tests/support/cluster.sh"
mkdir -p "$folder/in/sub"
printf 'a\n1\n2\n' >"$folder/in/x.csv"
spec() { # the path of the source, files of two jobs
  cat >"$folder/quern.yaml" <<SPEC
version: 1
name: cluster
sources: {rows: {path: $1}}
jobs:
  first: {kind: etl, from: rows, into: {file: $2}}
  second: {kind: etl, from: rows, into: {file: $3}}
SPEC
}
refused() { # what it says
  local code=0
  "$QUERN" validate "$folder/quern.yaml" >/dev/null 2>"$folder/said" || code=$?
  expect "exit code for '$1'" 2 "$code"
  grep -q "$1" "$folder/said" || { echo "FAILED: expected '$1', got: $(cat "$folder/said")"; exit 1; }
}
spec '[in/, ./in/x.csv, in/sub/../x.csv, in//x.csv, "in/./*.csv"]' one.csv two.csv
"$QUERN" run "$folder/quern.yaml" --workers 1 --quiet
expect "each row once" "a 1 2" "$(paste -sd ' ' "$folder/one.csv")"
expect "the file's name" "$folder/in/x.csv" "$(count 'select distinct file from _quern_inputs')"
for second in ./one.csv in/../one.csv "$folder//one.csv"; do
  spec in one.csv "$second"
  refused "job first fills file $folder/one.csv already"
done
spec in in/sub/../x.csv two.csv
refused "quern.yaml:5:47: source rows reads this file"
code=0
"$QUERN" convert "$folder/in/x.csv" "$folder/in/./x.csv" --quiet 2>"$folder/said" || code=$?
expect "exit code of converting a file to itself" 2 "$code"
grep -q "reads this file" "$folder/said" || { echo "FAILED: it says: $(cat "$folder/said")"; exit 1; }
expect "the file" "a 1 2" "$(paste -sd ' ' "$folder/in/x.csv")"
