# A run is killed when one of its jobs has appended, and is another one when it is started again, for
# there is more input: what was appended stays, which is said.
source "$QUERN_ROOT/tests/support/cluster.sh"
mkdir "$folder/in"
"$QUERN" generate events --rows 100000 --seed 5 --out "$folder/in/a.csv"
cat >"$folder/quern.yaml" <<'SPEC'
version: 1
name: cluster
sources: {events: {path: in/}}
jobs:
  few: {kind: etl, from: events, group_by: [kind], aggregate: {n: count(*)}, into: {table: few, write_disposition: append}}
  report: {kind: etl, from: events, dedupe: {by: [event_id, ts]}, into: {table: report, indexes: [[event_id], [customer_id, ts]]}}
SPEC
for round in 1 2 3; do
  rm -rf "$folder"/*.db* "$folder/.quern"
  "$QUERN" run "$folder/quern.yaml" --workers 1 --quiet &
  run=$!
  for _ in $(seq 1000); do
    [[ $(count "select count(*) from _quern_jobs where job = 'few' and status = 'success'" 2>/dev/null || echo 0) == 1 ]] && break
    sleep 0.002
  done
  kill -9 "$run" 2>/dev/null || true
  wait "$run" 2>/dev/null || true
  was_over || break
done
was_over && { echo "FAILED: no run was caught"; exit 1; }
given_up=$(count 'select run_id from _quern_runs')
head -n 100 "$folder/in/a.csv" >"$folder/in/b.csv"
"$QUERN" run "$folder/quern.yaml" --workers 2 --quiet 2>"$folder/said"
expect "what is said" 1 "$(grep -c "run $given_up did not succeed, but its job few did: what that appended stays" "$folder/said")"
expect "statuses" "cancelled success" "$(count 'select status from _quern_runs order by rowid' | paste -sd ' ')"
expect "rows of the report" 100000 "$(count 'select count(*) from report')"
"$QUERN" run "$folder/quern.yaml" --workers 2 --quiet 2>"$folder/said"
expect "what is said of a run that is over" "" "$(cat "$folder/said")"

# The same where a job failed.
sed -i 's/into: {table: report/data_tests: [{row_count: {max: 5}}], &/' "$folder/quern.yaml"
"$QUERN" run "$folder/quern.yaml" --workers 1 --quiet 2>/dev/null && { echo "FAILED: it did not fail"; exit 1; }
failed=$(count 'select run_id from _quern_runs order by rowid desc limit 1')
sed -i 's/max: 5/min: 5/' "$folder/quern.yaml"
"$QUERN" run "$folder/quern.yaml" --workers 1 --quiet 2>"$folder/said"
expect "what is said of a failed one" 1 "$(grep -c "run $failed did not succeed, but its job few did" "$folder/said")"
