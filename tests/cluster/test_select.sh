# --select runs jobs and what they need; --full-refresh gives an unfinished run up; an interrupt ends
# a run with 130 and the same command goes on with it.
source "$QUERN_ROOT/tests/support/cluster.sh"
"$QUERN" generate events --rows 30000 --seed 7 --out "$folder/events.csv"
cat >"$folder/quern.yaml" <<'SPEC'
version: 1
name: cluster
sources: {events: {path: events.csv, chunk_size: 64KiB, on_malformed: quarantine}}
jobs:
  a: {kind: etl, from: events, into: a}
  b: {kind: etl, from: a, group_by: [kind], aggregate: {n: count(*)}, into: b}
  c: {kind: etl, from: events, into: c}
  d: {kind: etl, from: b, into: d}
SPEC
spec=$folder/quern.yaml
jobs() { # of the last run
  count "select group_concat(job || ' ' || status, ', ') from (select * from _quern_jobs where run_id =
    (select run_id from _quern_runs order by rowid desc limit 1) order by job)"
}
runs() { count "select group_concat(status, ', ') from (select status from _quern_runs order by rowid)"; }

"$QUERN" run "$spec" --workers 1 --quiet --select b
expect "b and what it needs" "a success, b success" "$(jobs)"
"$QUERN" run "$spec" --workers 1 --quiet --select c d
expect "two and what they need" "a success, b success, c success, d success" "$(jobs)"
"$QUERN" run --select c "$spec" --workers 1 --quiet
expect "c needs nobody" "c success" "$(jobs)"
code=0
"$QUERN" run "$spec" --select bb 2>"$folder/said" || code=$?
expect "exit code of an unknown job" 2 "$code"
grep -q "no job 'bb'; did you mean 'b'" "$folder/said" || { cat "$folder/said"; exit 1; }
expect "planned jobs" "job a job b" \
  "$("$QUERN" plan "$spec" --select b | awk '$1 == "job" {print $1, $2}' | tr '\n' ' ' | sed 's/ $//')"
expect "runs" "success, success, success" "$(runs)"

# Interrupted where it stands (no worker comes), then gone on with, or not.
interrupt() { # options of the run
  "$QUERN" coordinator "$spec" --listen "ipc://$folder/c" --quiet "$@" &
  local pid=$! code=0
  until [[ $(sed -n 2p "$folder/.quern/lock") == ipc://* ]]; do sleep 0.02; done # it listens
  until [[ $(count "select status from _quern_runs order by rowid desc limit 1") == running ]]; do sleep 0.02; done
  kill -INT $pid
  wait $pid || code=$?
  expect "exit code when interrupted" 130 "$code"
}
interrupt --select b
"$QUERN" run "$spec" --workers 1 --quiet --select b
expect "gone on with" "success, success, success, success" "$(runs)"
interrupt --select b
scratch=$(find "$folder/.quern" -mindepth 1 -maxdepth 1 -type d)
[[ -n $scratch ]] || { echo "FAILED: an unfinished run has no scratch"; exit 1; }
"$QUERN" run "$spec" --workers 1 --quiet --select b --full-refresh
expect "given up" "success, success, success, success, cancelled, success" "$(runs)"
[[ ! -e $scratch ]] || { echo "FAILED: scratch of a run that was given up stays"; exit 1; }
interrupt --select b
interrupt --select c # of other jobs: another run, which takes its place
expect "another selection is another run" "cancelled, running" "$(runs | sed 's/.*success, //')"

# `quern run` with its workers, interrupted as by Ctrl-C: the whole process group at once.
rm -rf "$folder/.quern" "$folder"/cluster.db*
"$QUERN" generate events --rows 400000 --seed 7 --out "$folder/events.csv"
set -m
"$QUERN" run "$spec" --workers 2 --quiet 2>"$folder/said" &
pid=$!
set +m
until [[ $(count "select count(*) > 3 from _quern_commits" 2>/dev/null) == 1 ]]; do sleep 0.01; done
kill -INT -- -$pid
code=0
wait $pid || code=$?
expect "exit code of Ctrl-C" 130 "$code"
before=$(count 'select job, chunk, attempt from _quern_commits order by 1, 2')
"$QUERN" run "$spec" --workers 2 --quiet
expect "the same run to its end" success "$(runs)"
after=$(count 'select job, chunk, attempt from _quern_commits order by 1, 2')
expect "what was committed stays" "$(sort <<<"$before")" \
  "$(comm -12 <(sort <<<"$before") <(sort <<<"$after"))"
