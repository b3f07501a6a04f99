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

# A tower of brackets is refused at once, not after the parser has climbed it.
head -c 1000000 /dev/zero | tr '\0' '[' >"$folder/tower.yaml"
code=0
text=$(timeout 5 "$QUERN" validate "$folder/tower.yaml" 2>&1) || code=$?
expect "exit code of the tower" 2 "$code"
grep -q "tower.yaml:1:25: nested more than 24 levels deep" <<<"$text" || { echo "FAILED: ${text:0:300}"; exit 1; }
