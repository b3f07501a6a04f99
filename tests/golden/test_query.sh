# Queries and what `quern query` says: NAME.sql (options behind "-- " in its first line) against
# NAME.expected. QUERN_UPDATE=1 writes what is said today.
source "$QUERN_ROOT/tests/support/cluster.sh"
cases=$QUERN_ROOT/tests/golden/query
cp "$cases"/*.csv "$folder"
cd "$folder"
for sql in "$cases"/*.sql; do
  name=$(basename "$sql" .sql)
  options=()
  read -r first <"$sql"
  [[ $first == "-- "* ]] && read -ra options <<<"${first#-- }"
  code=0
  "$QUERN" query --no-color "${options[@]}" -- "$(cat "$sql")" >said 2>&1 || code=$?
  # The leak check of ASan says so when a thread ends while it looks; that is not ours.
  sed -i "s|$folder/||; /^==[0-9]*==Unable to get registers from thread/d" said
  [[ $code == 0 ]] || echo "exit code $code" >>said
  [[ -z ${QUERN_UPDATE:-} ]] || cp said "$cases/$name.expected"
  diff -u "$cases/$name.expected" said || { echo "FAILED: $name"; exit 1; }
done

# The same for any number of workers, byte by byte.
"$QUERN" generate events --rows 60000 --seed 3 --out events.csv
query="SELECT e.kind, e.channel, count(*) AS n, sum(e.amount) AS total, max(o.name) AS name
  FROM 'events.csv' (chunk_size '256KiB') AS e LEFT JOIN 'customers.csv' AS o ON e.duration = CAST(o.id AS text)
  WHERE e.amount > 1 GROUP BY e.kind, e.channel"
"$QUERN" query "$query" --csv --workers 1 >one
"$QUERN" query "$query" --csv --workers 3 >three
cmp one three
[[ $(wc -l <one) -gt 5 ]] || { echo "FAILED: $(cat one)"; exit 1; }

# Rows without an order come as they stand in the file, however few are asked for.
"$QUERN" query "SELECT * FROM 'events.csv' (chunk_size '64KiB') LIMIT 5000" --csv --workers 3 >first
head -5001 events.csv | cut -d, -f1 >ids
cut -d, -f1 first | cmp - ids

# A file takes the rows, and is there when all of them are.
"$QUERN" query "SELECT id, amount FROM 'orders.csv'" --out rows.jsonl
expect "rows of rows.jsonl" 7 "$(wc -l <rows.jsonl)"
expect "a refused suffix" 2 "$("$QUERN" query "SELECT 1" --out rows.what 2>/dev/null; echo $?)"
printf 'id,x\n1,2\n' >broken.csv
for i in $(seq 20000); do echo "$i,5"; done >>broken.csv
echo "x,y,z" >>broken.csv
code=0
"$QUERN" query "SELECT * FROM 'broken.csv'" --out never.csv 2>said || code=$?
expect "exit code of a file with a broken line" 1 "$code"
grep -q "broken.csv:20003" said || { echo "FAILED: $(cat said)"; exit 1; }
[[ ! -e never.csv ]] || { echo "FAILED: half an answer"; exit 1; }

# A sum past 18 digits of a decimal fails, whoever adds it up: the type holds no more.
printf 'id,p\n1,9000000000000001.00\n2,9000000000000002.00\n' >large.csv
for item in "sum(p)" "sum(p) + 1" "sum(DISTINCT p)" "sum(p) OVER ()" "sum(p) OVER () + 1"; do
  expect "exit code of $item" 1 "$("$QUERN" query "SELECT $item FROM 'large.csv'" >said 2>&1; echo $?)"
done

# FULL joins find their rows by an index: one by one this would take an hour.
expect "rows of a FULL join" 60000 "$(timeout 60 "$QUERN" query \
  "SELECT count(*) FROM 'events.csv' a FULL JOIN 'events.csv' b ON a.event_id = b.event_id" --csv | tail -1)"

# Nobody reads on: no complaint, and nothing is left over.
"$QUERN" query "SELECT * FROM 'events.csv'" --csv --state scratch | head -1 >/dev/null
expect "what is left of scratch" "" "$(ls scratch)"

# Datasets of a lake, by name.
cat >lake.yaml <<'SPEC'
version: 1
name: fill
sources: {orders: {path: orders.csv}}
jobs: {all_orders: {kind: etl, from: orders, into: {lake: orders}}}
SPEC
"$QUERN" run lake.yaml --quiet
expect "rows of a dataset" 7 "$("$QUERN" query "SELECT count(*) FROM lake.orders" --csv | tail -1)"
mkdir -p elsewhere
expect "rows of a dataset elsewhere" 3 \
  "$(cd elsewhere && "$QUERN" query "SELECT id FROM lake.orders LIMIT 3" --lake ../lake --csv | tail -n +2 | wc -l)"

# Tables of a warehouse, alone and beside files.
cat >table.yaml <<'SPEC'
version: 1
name: table
warehouse: table.db
sources: {orders: {path: orders.csv}}
jobs: {kept: {kind: etl, from: orders, into: kept}}
SPEC
"$QUERN" run table.yaml --quiet
expect "rows of a table" 7 "$("$QUERN" query "SELECT count(*) FROM kept" --warehouse table.db --csv | tail -1)"
expect "a table beside a file" 7 "$("$QUERN" query \
  "SELECT count(*) FROM kept k JOIN 'orders.csv' o ON k.id = o.id" --warehouse table.db --csv | tail -1)"
