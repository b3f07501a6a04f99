# A dataset that is written, read at its snapshots, pruned, joined and let go; folders that somebody
# else named; files converted there and back.
source "$QUERN_ROOT/tests/support/cluster.sh"
source "$QUERN_ROOT/tests/support/lake.sh"
"$QUERN" generate events --rows 5000 --seed 3 --out "$folder/events.csv"
for format in csv jsonl parquet; do
  rm -rf "$folder/lake" "$folder"/*.db "$folder/.quern"
  cat >"$folder/write.yaml" <<SPEC
version: 1
name: write
sources: {events: {path: events.csv, chunk_size: 64KiB}}
jobs:
  days:
    kind: etl
    from: events
    derive: {dt: "date(ts)", note: "nullif(kind, 'sms')", empty: "''"}
    into: {lake: days, format: $format, partition_by: [note, empty], write_disposition: append}
  whole: {kind: etl, from: events, derive: {dt: "date(ts)", note: "nullif(kind, 'sms')", empty: "''"}, into: whole}
SPEC
  "$QUERN" run "$folder/write.yaml" --workers 2 --quiet
  "$QUERN" run "$folder/write.yaml" --workers 1 --quiet
  cat >"$folder/read.yaml" <<SPEC
version: 1
name: read
warehouse: write.db
sources:
  new: {lake: days}
  old: {path: lake/days, snapshot: 1}
jobs:
  all_rows: {kind: etl, from: new, into: all_rows}
  first: {kind: etl, from: old, into: first}
  texts: {kind: etl, from: new, filter: "note is null and amount > 0.1 and empty = ''", into: texts}
SPEC
  "$QUERN" run "$folder/read.yaml" --workers 2 --quiet
  sql() { sqlite3 "$folder/write.db" "$1"; }
  expect "$format: rows of both loads" 10000 "$(sql 'select count(*) from all_rows')"
  expect "$format: rows of snapshot 1 that differ" 0 \
    "$(sql 'select count(*) from (select * from first except select * from whole)')"
  expect "$format: and the other way" 0 "$(sql 'select count(*) from (select * from whole except select * from first)')"
  expect "$format: rows that a filter keeps" "$(sql "select count(*) from all_rows where note is null and amount > 0.1")" \
    "$(sql 'select count(*) from texts')"
  expect "$format: rows that it read" "$(sql "select count(*) from all_rows where note is null")" \
    "$(sql "select rows_in from _quern_jobs where job = 'texts'")"
  "$QUERN" lake compact "$folder/lake/days" --quiet >/dev/null
  "$QUERN" lake expire "$folder/lake/days" --keep 1 --quiet >/dev/null
  expect "$format: files that are left" "$("$QUERN" lake files "$folder/lake/days" | wc -l)" \
    "$(find "$folder/lake/days" -name "*.$format" | wc -l)"
  before=$(sql 'select count(*), sum(cast(round(amount * 100) as integer)) from all_rows')
  sed -i 's/, snapshot: 1//' "$folder/read.yaml"
  "$QUERN" run "$folder/read.yaml" --workers 2 --quiet
  expect "$format: rows after joining" "$before" "$(sql 'select count(*), sum(cast(round(amount * 100) as integer)) from all_rows')"
done

# Files whose least and greatest values rule their rows out are not read; nor are such row groups.
for format in csv jsonl parquet; do
  cat >"$folder/ranges.yaml" <<SPEC
version: 1
name: ranges
warehouse: ranges-$format.db
sources: {events: {path: events.csv, chunk_size: 32KiB}}
jobs:
  load: {kind: etl, from: events, into: {lake: ranges_$format, format: $format, file_size: 1KiB}}
SPEC
  "$QUERN" run "$folder/ranges.yaml" --workers 2 --quiet
  cat >"$folder/ranges.yaml" <<SPEC
version: 1
name: ranges
warehouse: ranges-$format.db
sources: {files: {lake: ranges_$format}}
jobs:
  late: {kind: etl, from: files, filter: "ts >= '2025-12-20' and kind <> 'call'", into: late}
  none: {kind: etl, from: files, filter: "ts < '2000-01-01'", into: none}
SPEC
  "$QUERN" run "$folder/ranges.yaml" --workers 2 --quiet
  sql() { sqlite3 "$folder/ranges-$format.db" "$1"; }
  expect "$format: rows of late files" \
    "$(sqlite3 "$folder/write.db" "select count(*) from whole where ts >= '2025-12-20' and kind <> 'call'")" \
    "$(sql 'select count(*) from late')"
  expect "$format: early files were not read" 1 \
    "$(sql "select rows_in < 2000 and rows_in = rows_out + rows_filtered from _quern_jobs where job = 'late'")"
  expect "$format: nothing read" 0 "$(sql "select rows_in from _quern_jobs where job = 'none'")"
done
"$QUERN" convert "$folder/events.csv" "$folder/groups.parquet" --quiet
cat >"$folder/groups.yaml" <<'SPEC'
version: 1
name: groups
sources: {events: {path: groups.parquet}}
jobs:
  none: {kind: etl, from: events, filter: "ts < '2000-01-01'", into: none}
SPEC
"$QUERN" run "$folder/groups.yaml" --workers 2 --quiet
expect "rows of groups that were passed over are filtered" "5000|0|5000" \
  "$(sqlite3 "$folder/groups.db" "select rows_in, rows_out, rows_filtered from _quern_jobs where job = 'none'")"

# Joining keeps what the files are compressed with.
cat >"$folder/packed.yaml" <<'SPEC'
version: 1
name: packed
sources: {events: {path: events.csv}}
jobs:
  load: {kind: etl, from: events, into: {lake: packed, format: parquet, codec: zstd, level: 9, write_disposition: append}}
SPEC
for _ in 1 2 3; do "$QUERN" run "$folder/packed.yaml" --workers 1 --quiet; done
before=$(cat "$folder"/lake/packed/*.parquet | wc -c)
"$QUERN" lake compact "$folder/lake/packed" --quiet >/dev/null
joined=$("$QUERN" lake files "$folder/lake/packed")
expect "codec and level of the joined file" '  "codec": "zstd",  "level": 9,' \
  "$(grep -hE '"(codec|level)"' "$(newest "$folder/lake/packed")" | tr -d '\n')"
after=$(wc -c <"$joined")
((after < before && after * 100 > before * 90)) || { echo "FAILED: $before bytes became $after"; exit 1; }
"$QUERN" convert "$joined" "$folder/joined.csv" --quiet
expect "rows of the joined file" 15001 "$(wc -l <"$folder/joined.csv")"

# A file's run that was given up leaves nothing behind; one under way is left alone.
mkdir -p "$folder/out"
touch "$folder/out/.flat.csv."{20260101T000000-0badcafe,20260101T000000-0badbeef} "$folder/out/.flat.csv.mine"
exec 9>"$folder/out/.flat.csv.20260101T000000-0badbeef"
flock 9
"$QUERN" convert "$folder/events.csv" "$folder/out/flat.csv" --quiet
expect "what is beside the file" ".flat.csv.20260101T000000-0badbeef .flat.csv.mine flat.csv" \
  "$(cd "$folder/out" && ls -A | sort | tr '\n' ' ' | sed 's/ $//')"
exec 9>&-

# Bloom filters: larger files, the same rows; of Parquet alone, of columns that there are.
"$QUERN" convert "$folder/events.csv" "$folder/bloom.parquet" --bloom event_id,kind --quiet
"$QUERN" convert "$folder/bloom.parquet" "$folder/bloom.csv" --quiet
"$QUERN" convert "$folder/groups.parquet" "$folder/plain.csv" --quiet
cmp "$folder/bloom.csv" "$folder/plain.csv" || { echo "FAILED: other rows with filters"; exit 1; }
(($(wc -c <"$folder/bloom.parquet") > $(wc -c <"$folder/groups.parquet"))) || { echo "FAILED: no filters"; exit 1; }
for wrong in "bloom.csv kind" "bloom2.parquet kinds"; do
  set -- $wrong
  code=0
  "$QUERN" convert "$folder/events.csv" "$folder/$1" --bloom "$2" --quiet 2>"$folder/said" || code=$?
  [[ $code != 0 ]] && grep -qE "have no bloom filters|no column 'kinds'" "$folder/said" ||
    { echo "FAILED: $wrong: $(cat "$folder/said")"; exit 1; }
done

# Another schema is not appended, and nothing changes.
sed -i 's/dt: "date(ts)", //' "$folder/write.yaml"
code=0
"$QUERN" run "$folder/write.yaml" --workers 1 --quiet 2>"$folder/said" || code=$?
expect "exit code of a load that does not fit" 1 "$code"
grep -q "cannot be appended to dataset days" "$folder/said" || { echo "FAILED: $(cat "$folder/said")"; exit 1; }

# Folders that somebody else named.
for value in 2026-01-01 2026-02-01 __HIVE_DEFAULT_PARTITION__; do
  mkdir -p "$folder/hive/dt=$value"
  printf 'a\n1\n' >"$folder/hive/dt=$value/f.csv"
done
"$QUERN" convert "$folder/hive" "$folder/hive.csv" --quiet
expect "rows with their folders' values" "a,dt;1,2026-01-01;1,2026-02-01;1,;" "$(tr '\n' ';' <"$folder/hive.csv")"
expect "a query of them" "dt,sum(a);2026-02-01,1;" \
  "$("$QUERN" query "select dt, sum(a) from '$folder/hive' where dt > '2026-01-31' group by dt" --csv | tr '\n' ';')"

# Names and values that need care: none shares a folder with another, or with NULL.
printf 'i,a:b,_u\n1,,x\n2,__HIVE_DEFAULT_PARTITION__,x\n3,%%5F_HIVE_DEFAULT_PARTITION__,x\n4,"",x\n5,..,%%\n' >"$folder/odd.csv"
cat >"$folder/odd.yaml" <<'SPEC'
version: 1
name: odd
sources: {odd: {path: odd.csv, columns: [{name: "a:b", type: text}]}}
jobs: {load: {kind: etl, from: odd, into: {lake: odd, format: csv, partition_by: ["a:b", _u]}}}
SPEC
"$QUERN" run "$folder/odd.yaml" --workers 1 --quiet
cp -r "$folder/lake/odd" "$folder/copy"
rm -r "$folder/copy/_quern"
for path in "$folder/lake/odd" "$folder/copy"; do
  "$QUERN" convert "$path" "$folder/odd2.csv" --quiet
  expect "odd values of $path" "$(sort "$folder/odd.csv")" "$(sort "$folder/odd2.csv")"
done
expect "a query of the dataset" "i,a:b,_u;5,..,%;" \
  "$("$QUERN" query "select * from lake.odd where i = 5" --lake "$folder/lake" --csv | tr '\n' ';')"
"$QUERN" run "$folder/odd.yaml" --workers 1 --quiet
"$QUERN" lake expire "$folder/lake/odd" --keep 1 --quiet
expect "files of the newest snapshot" 5 "$(find "$folder/lake/odd" -name '*.csv' | wc -l)"

# There and back; a row that cannot be read ends it, or is kept.
"$QUERN" convert "$folder/events.csv" "$folder/e.jsonl" --quiet
"$QUERN" convert "$folder/events.csv" "$folder/e.csv" --quiet
"$QUERN" convert "$folder/e.jsonl" "$folder/e2.jsonl" --quiet --workers 2
"$QUERN" convert "$folder/e.csv" "$folder/e2.csv" --quiet --workers 2
cmp "$folder/e.csv" "$folder/e2.csv" || { echo "FAILED: another file"; exit 1; }
expect "rows there and back" 5000 "$(wc -l <"$folder/e2.jsonl")"
# What CSV writes of doubles it reads: infinities from a file and from a dataset, NaN as NULL.
printf 'a,b\ninf,1\n-inf,2\n1.5,3\n,4\n0.1234567890123456,5\n' >"$folder/wide.csv"
"$QUERN" convert "$folder/wide.csv" "$folder/wide.parquet" --quiet
"$QUERN" convert "$folder/wide.parquet" "$folder/wide2.csv" --quiet
cmp "$folder/wide.csv" "$folder/wide2.csv" || { echo "FAILED: other infinities"; exit 1; }
printf 'a,b\nInfinity,1\n-INF,2\n1.5,3\nnan,4\n0.1234567890123456,5\n' >"$folder/spelled.csv"
"$QUERN" convert "$folder/spelled.csv" "$folder/spelled2.csv" --quiet
cmp "$folder/wide.csv" "$folder/spelled2.csv" || { echo "FAILED: other spellings of infinities"; exit 1; }
cat >"$folder/wide.yaml" <<SPEC
version: 1
name: wide
sources: {wide: {path: wide.parquet}}
jobs: {out: {kind: etl, from: wide, into: {lake: wide, format: csv}}}
SPEC
"$QUERN" run "$folder/wide.yaml" --quiet
"$QUERN" convert "$folder/lake/wide" "$folder/wide3.csv" --quiet
cmp "$folder/wide.csv" "$folder/wide3.csv" || { echo "FAILED: a dataset with other infinities"; exit 1; }
printf 'a,b\n1,2\n3,4,5\n6,7\n' >"$folder/bad.csv"
code=0
"$QUERN" convert "$folder/bad.csv" "$folder/bad.jsonl" --quiet 2>"$folder/said" || code=$?
expect "exit code of a file with a bad row" 1 "$code"
[[ ! -e $folder/bad.jsonl ]] || { echo "FAILED: half a file"; exit 1; }
grep -q "bad.csv:3:1: expected 2 fields, got 3" "$folder/said" || { echo "FAILED: $(cat "$folder/said")"; exit 1; }
"$QUERN" convert "$folder/bad.csv" "$folder/bad.jsonl" --quiet --quarantine "$folder/refused.jsonl"
expect "good rows" 2 "$(wc -l <"$folder/bad.jsonl")"
grep -q '"line":3,.*"raw":"3,4,5"' "$folder/refused.jsonl" || { echo "FAILED: $(cat "$folder/refused.jsonl")"; exit 1; }
echo "written, read at any snapshot, pruned, joined, converted"
