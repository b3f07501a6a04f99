# A run that is killed after a job of many groups goes on with all of that job's rows: those of every
# range of its partitions, not of the first one alone.
source "$QUERN_ROOT/tests/support/cluster.sh"
"$QUERN" generate events --rows 600000 --customers 9000 --seed 7 --out "$folder/events.csv"
cat >"$folder/quern.yaml" <<'SPEC'
version: 1
name: cluster
seed: 7
sources:
  events: {path: events.csv, chunk_size: 4MiB}
jobs:
  groups: {kind: etl, from: events, group_by: [event_id], aggregate: {last: max(ts)}, profile: false}
  again: {kind: etl, from: groups, into: again}
  both: {kind: etl, from: events, join: {to: groups, on: [event_id]}, select: [event_id, last], into: both}
SPEC
expected=$(fresh_run 2)
[[ $(count "select tasks from _quern_timings where job = 'groups' and name = 'reduce'") -gt 1 ]] ||
  { echo "FAILED: the groups make one range only"; exit 1; }
resumed=0
for round in $(seq 1 20); do
  [[ $resumed -lt 2 ]] || break
  rm -rf "$folder/.quern" "$folder"/cluster.db*
  "$QUERN" run "$folder/quern.yaml" --workers 2 --quiet --memory 64MiB 2>/dev/null &
  run=$!
  until [[ $(count "select status from _quern_jobs where job = 'groups'" 2>/dev/null) == success ]]; do
    kill -0 "$run" 2>/dev/null || break
  done
  kill -9 "$run" $(pgrep -P "$run") 2>/dev/null || true
  wait "$run" 2>/dev/null || true
  if [[ $(count "select status from _quern_jobs where job = 'both'") != success ]]; then resumed=$((resumed + 1)); fi
  "$QUERN" run "$folder/quern.yaml" --workers 2 --quiet --memory 64MiB
  expect "digest of round $round" "$expected" "$("$QUERN" digest "$folder/cluster.db")"
done
[[ $resumed -ge 1 ]] || { echo "FAILED: no run was killed in time"; exit 1; }
