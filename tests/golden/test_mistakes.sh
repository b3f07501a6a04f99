# A spec with five different mistakes yields all five, each with line and column, and exit 2.
source "$QUERN_ROOT/tests/support/cluster.sh"
printf 'a,b\n1,2\n' >"$folder/t.csv"
cat >"$folder/bad.yaml" <<'SPEC'
version: 1
name: bad
wharehouse: x.db
sources:
  t: {path: t.csv, on_malformed: quarantin}
jobs:
  one:
    kind: etl
    from: tt
  two:
    kind: etl
    from: t
    drop: [c]
    data_tests: [{not_nul: {column: a}}]
SPEC
code=0
text=$("$QUERN" validate "$folder/bad.yaml" 2>&1) || code=$?
expect "exit code" 2 "$code"
for place in 3:1 5:34 9:11 13:12 14:19; do
  grep -q "bad.yaml:$place: " <<<"$text" || { echo "FAILED: nothing said of $place in"; echo "$text"; exit 1; }
done
expect "mistakes" 5 "$(grep -c 'bad.yaml:[0-9]*:[0-9]*: ' <<<"$text")"
