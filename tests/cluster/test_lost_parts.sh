# A committed part that is deleted, cut short or damaged while the run goes on is made again by the
# one task that made it: the same digest, the same ledger, no row twice.
source "$QUERN_ROOT/tests/support/cluster.sh"
"$QUERN" generate events --rows 200000 --customers 20000 --seed 7 --out "$folder/events.csv"
"$QUERN" generate churn --rows 20000 --seed 7 --out "$folder/customers.csv"
cat >"$folder/quern.yaml" <<'SPEC'
version: 1
name: cluster
seed: 7
sources:
  events: {path: events.csv, chunk_size: 1MiB, columns: [{name: amount, type: "decimal(12,2)"}]}
  customers: {path: customers.csv, chunk_size: 256KiB}
jobs:
  people: {kind: etl, from: customers, filter: age >= 30}
  usage:
    kind: etl
    from: events
    filter: amount is not null
    group_by: [customer_id]
    aggregate: {events: count(*), total: sum(amount), last: max(ts)}
    into: usage
  both:
    kind: etl
    from: usage
    join: {to: people, on: [customer_id], how: left}
    into: both
SPEC
expected=$(fresh_run 2)
ledger() { count 'select job, stage, round, chunk, rows, rows_in, rows_out from _quern_commits order by 1, 2, 3, 4'; }
kept=$(ledger)
jobs=$(count 'select job, status, rows_in, rows_out, rows_quarantined, rows_filtered, rows_absorbed from _quern_jobs order by 1')
tasks=$(count 'select sum(tasks) from _quern_timings')

# A run with one worker that is stopped once the part is there; false: it was over too soon.
stop_at_part() { # name of the part; sets run, worker and path
  rm -rf "$folder/.quern" "$folder"/cluster.db*
  "$QUERN" run "$folder/quern.yaml" --workers 1 >"$folder/said" 2>&1 &
  run=$! worker= path=
  while kill -0 "$run" 2>/dev/null; do
    worker=$(pgrep -P "$run" | head -n 1 || true)
    path=$(echo "$folder"/.quern/*/parts/"$1".part)
    if [[ -n $worker && -e $path ]] && kill -STOP "$worker" 2>/dev/null; then return 0; fi
  done
  wait "$run" || { echo "FAILED: a run that nobody hurt"; cat "$folder/said"; exit 1; }
  return 1
}

# Hurts the part, which is committed by then, while the worker stands still.
hurt_part() { # name of the part, command that takes its path
  local part=$1 hurt=$2 run worker path tries=0
  until stop_at_part "$part"; do
    tries=$((tries + 1))
    [[ $tries -lt 20 ]] || { echo "FAILED: $part was never seen"; cat "$folder/said"; exit 1; }
  done
  sleep 0.05 # what is on its way to the coordinator arrives
  if [[ -e $path ]]; then $hurt "$path"; fi # a run that is over has removed it
  kill -CONT "$worker"
  wait "$run" || { echo "FAILED: $hurt $part"; cat "$folder/said"; exit 1; }
  expect "digest after $hurt $part" "$expected" "$("$QUERN" digest "$folder/cluster.db")"
  expect "ledger after $hurt $part" "$kept" "$(ledger)"
  expect "jobs after $hurt $part" "$jobs" \
    "$(count 'select job, status, rows_in, rows_out, rows_quarantined, rows_filtered, rows_absorbed from _quern_jobs order by 1')"
  again=$(grep -c "runs again" "$folder/said" || true)
}
cut() { truncate -s -1 "$1"; }
flip() { # a byte in the middle
  local at=$(($(stat -c %s "$1") / 2)) byte
  byte=$(od -An -tu1 -j $at -N 1 "$1")
  printf "%b" "\\x$(printf %x $((byte ^ 1)))" | dd of="$1" bs=1 seek=$at conv=notrunc status=none
}

missed=0 seen=0
for part in 1-0-0 0-0-0; do # of a shuffle, of the side of a join
  for hurt in rm cut flip; do
    hurt_part "$part" "$hurt"
    if [[ $again -eq 0 ]]; then missed=$((missed + 1)); else seen=$((seen + 1)); fi
    more=$(($(count 'select sum(tasks) from _quern_timings') - tasks))
    [[ $again -le 1 && $more -le 3 ]] ||
      { echo "FAILED: $again parts were made again after $hurt $part, $more tasks more"; cat "$folder/said"; exit 1; }
  done
done
echo "$seen lost parts were made again, $missed were hurt when nobody read them any more"
[[ $seen -ge 3 ]] || { echo "FAILED: too few were lost to mean anything"; exit 1; }
