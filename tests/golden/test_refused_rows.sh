# A row that is refused for one column counts nowhere in its job: no mean, median or mode has it, and
# dedupe and unique do not prefer it to a row that can be read.
source "$QUERN_ROOT/tests/support/cluster.sh"
cat >"$folder/in.csv" <<'CSV'
id,amount,level,kind,ok
1,10,1,a,true
2,,,,true
1,99,9,z,maybe
3,20,3,a,false
3,1000,1000,z,perhaps
4,1000,1000,z,never
CSV
cat >"$folder/quern.yaml" <<'SPEC'
version: 1
name: cluster
sources:
  rows:
    path: in.csv
    chunk_size: 16
    columns:
      - {name: amount, type: integer}
      - {name: level, type: integer}
      - {name: ok, type: boolean}
jobs:
  filled:
    kind: etl
    from: rows
    impute: {amount: {strategy: mean}, level: {strategy: median}, kind: {strategy: most_frequent}}
    dedupe: {by: [id], keep: last}
    into: filled
  once:
    kind: etl
    from: rows
    data_tests: [{unique: {column: id, on_fail: quarantine}}]
    into: once
SPEC
"$QUERN" run "$folder/quern.yaml" --workers 1 --quiet
expect "filled" "1|10|1|a|1 2|15|2|a|1 3|20|3|a|0" \
  "$(count 'select * from filled' | paste -sd ' ')"
expect "once" "1|10|1|a|1 2||||1 3|20|3|a|0" "$(count 'select * from once' | paste -sd ' ')"
expect "refused" "filled|type|3 once|type|3" \
  "$(count 'select job, rule, count(*) from _quern_quarantine group by 1, 2' | paste -sd ' ')"

# The same where nothing but the order of the rows changes.
{ head -n 1 "$folder/in.csv"; tail -n +2 "$folder/in.csv" | tac; } >"$folder/turned.csv"
sed -i 's/in.csv/turned.csv/; s/keep: last/keep: first/' "$folder/quern.yaml"
"$QUERN" run "$folder/quern.yaml" --workers 1 --quiet
expect "filled, turned" "3|20|3|a|0 2|15|2|a|1 1|10|1|a|1" \
  "$(count 'select * from filled' | paste -sd ' ')"
