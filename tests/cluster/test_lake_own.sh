# A run that writes to a dataset and reads it, killed when its load is there and the rest is not: it goes
# on with the snapshot that it began with, and what it has loaded is not loaded again.
source "$QUERN_ROOT/tests/support/cluster.sh"
"$QUERN" generate events --rows 100000 --seed 5 --out "$folder/events.csv"
head -n 1001 "$folder/events.csv" >"$folder/new.csv"
cat >"$folder/first.yaml" <<'SPEC'
version: 1
name: first
sources: {events: {path: events.csv}}
jobs: {load: {kind: etl, from: events, into: {lake: days}}}
SPEC
cat >"$folder/quern.yaml" <<'SPEC'
version: 1
name: cluster
sources: {new: {path: new.csv}, days: {lake: days}}
jobs:
  load: {kind: etl, from: new, into: {lake: days, write_disposition: append}}
  report:
    kind: etl
    from: days
    dedupe: {by: [event_id, ts]}
    into: {table: report, indexes: [[event_id], [customer_id, ts], [ts]]}
SPEC
caught=0
for round in $(seq 1 4); do
  rm -rf "$folder"/*.db* "$folder/lake" "$folder/.quern"
  "$QUERN" run "$folder/first.yaml" --workers 1 --quiet
  "$QUERN" run "$folder/quern.yaml" --workers 1 --quiet &
  run=$!
  while [[ ! -e $folder/lake/days/_quern/snapshots/00000000000000000002.json ]]; do sleep 0.002; done
  [[ $round == 1 ]] || sleep "0.0$((round * 2))"
  kill -9 "$run" 2>/dev/null || true
  wait "$run" 2>/dev/null || true
  was_over && continue
  caught=$((caught + 1))
  "$QUERN" run "$folder/quern.yaml" --workers 2 --quiet
  expect "runs of round $round" 1 "$(count 'select count(*) from _quern_runs')"
  expect "rows of the dataset in round $round" "101000" \
    "$("$QUERN" query "select count(*) from lake.days" --lake "$folder/lake" --csv | tail -n 1)"
  expect "rows that the report saw in round $round" 100000 \
    "$(count "select rows_in from _quern_jobs where job = 'report'")"
done
[[ $caught -ge 1 ]] || { echo "FAILED: no run was caught between its load and its end"; exit 1; }
"$QUERN" run "$folder/quern.yaml" --workers 2 --quiet
expect "rows that the next run sees" 101000 \
  "$(count "select rows_in from _quern_jobs where job = 'report' order by rowid desc limit 1")"
echo "$caught runs killed behind their load"
