# JSON lines from the spec to the warehouse: nested keys, arrays as tables of their own, raw records,
# and what becomes of keys and values that the schema does not have.
source "$QUERN_ROOT/tests/support/cluster.sh"
cat >"$folder/orders.jsonl" <<'DATA'
{"id": 1, "customer": {"name": "Ann", "address": {"city": "Bern"}}, "items": [{"sku": "a", "qty": 2}, {"sku": "b", "qty": 1}]}
{"id": 2, "customer": {"name": "Bo", "address": null}, "items": []}
{"id": 3, "customer": null, "items": [{"sku": "c", "qty": "many"}, {"sku": "d", "qty": 4}]}
{"id": 4, "customer": {"name": "Cy"}, "items": [{"sku": "e", "qty": 5}]
DATA
cat >"$folder/quern.yaml" <<'SPEC'
version: 1
name: cluster
sources:
  order_lines: {path: orders.jsonl, raw: record, chunk_size: 64}
  item_lines:
    path: orders.jsonl
    records: items
    chunk_size: 64
    columns: [{name: items.qty, type: integer}]
jobs:
  orders:
    kind: etl
    from: order_lines
    derive: {city: '"customer.address.city"'}
    select: [id, customer.name, city, items, record]
    into: orders
  order_items:
    kind: etl
    from: item_lines
    select: [id, _index, items.sku, items.qty]
    into: order_items
SPEC
one=$(fresh_run 1)
expect "two workers" "$one" "$(fresh_run 2)"
expect "orders" '1|Ann|Bern|[{"sku": "a", "qty": 2}, {"sku": "b", "qty": 1}]
2|Bo||[]
3|||[{"sku": "c", "qty": "many"}, {"sku": "d", "qty": 4}]' \
  "$(count 'select id, "customer.name", city, items from orders')"
expect "raw records" 1 "$(count "select count(*) from orders
  where record = '{\"id\": 2, \"customer\": {\"name\": \"Bo\", \"address\": null}, \"items\": []}'")"
expect "items" '1|0|a|2
1|1|b|1
3|1|d|4' "$(count 'select * from order_items')"
expect "quarantine" "order_items|3|items.qty|type|expected integer, got 'many'|{\"sku\": \"c\", \"qty\": \"many\"}
order_items|4||syntax|expected ',' or the closing bracket, got the end of the record|
orders|4||syntax|expected ',' or the closing bracket, got the end of the record|" \
  "$(count "select job, line, column, rule, message, case rule when 'type' then raw else '' end
     from _quern_quarantine order by job, line")"
expect "row equations" 'order_items|5|3|2
orders|4|3|1' "$(count 'select job, rows_in, rows_out, rows_quarantined from _quern_jobs order by job')"

# A key that comes up after the sample.
{
  for ((i = 0; i < 40000; i++)); do echo "{\"n\": $i, \"text\": \"some words to make the file long\"}"; done
  echo '{"n": 1, "late": {"x": [1, 2]}, "text": "a"}'
  for ((i = 0; i < 40000; i++)); do echo "{\"n\": $i, \"text\": \"some words to make the file long\"}"; done
} >"$folder/late.jsonl"
write_spec() { # schema_contract
  cat >"$folder/quern.yaml" <<SPEC
version: 1
name: cluster
sources: {lines: {path: late.jsonl, schema_contract: $1}}
jobs: {late: {kind: etl, from: lines, into: late}}
SPEC
}
write_spec '{}'
fresh_run 2 >"$folder/out"
expect "quarantined key" "40001|late|key" "$(count 'select line, column, rule from _quern_quarantine')"
expect "other rows" 80000 "$(count 'select count(*) from late')"
write_spec '{columns: evolve}'
fresh_run 2 >"$folder/out"
expect "kept key" '{"late":{"x": [1, 2]}}' "$(count 'select _extra from late where _extra is not null')"
expect "all rows" 80001 "$(count 'select count(*) from late')"
write_spec '{columns: freeze}'
code=0
rm -rf "$folder/.quern" "$folder"/cluster.db*
"$QUERN" run "$folder/quern.yaml" --workers 2 --quiet >"$folder/out" 2>"$folder/said" || code=$?
expect "exit code" 1 $code
grep -q "late.jsonl:40001:10: key 'late' is not in the schema" "$folder/said" ||
  { echo "FAILED: $(cat "$folder/said")"; exit 1; }
