# Groups past a worker's memory are set aside in files: the same digest at any memory, with 1, 2 and 4
# workers and slots, with workers killed while they do, and no file left behind.
source "$QUERN_ROOT/tests/support/cluster.sh"
"$QUERN" generate events --rows 150000 --customers 40000 --seed 7 --out "$folder/events.csv"
cat >"$folder/quern.yaml" <<'SPEC'
version: 1
name: cluster
seed: 7
sources:
  events:
    path: events.csv
    chunk_size: 512KiB
    columns:
      - {name: amount, type: "decimal(12,2)"}
      - {name: duration, type: text}
jobs:
  by_customer:
    kind: etl
    from: events
    group_by: [customer_id, kind]
    aggregate: {n: count(*), total: sum(amount), last_ts: max(ts), first_ts: min(ts)}
    into: by_customer
SPEC

run_with() { # arguments: a run from nothing; prints its digest
  rm -rf "$folder/.quern" "$folder"/cluster.db*
  "$QUERN" run "$folder/quern.yaml" --quiet "$@"
  "$QUERN" digest "$folder/cluster.db"
}

expected=$(run_with --workers 2)
expect "digest with 1 MiB a worker" "$expected" "$(run_with --workers 1 --memory 1MiB)"
expect "digest with 3 MiB a worker" "$expected" "$(run_with --workers 2 --memory 3MiB --slots 2)"
expect "digest with 16 MiB a worker" "$expected" "$(run_with --workers 4 --memory 16MiB)"

# A worker says that it set groups aside.
rm -rf "$folder/.quern" "$folder"/cluster.db*
"$QUERN" coordinator "$folder/quern.yaml" --listen "ipc://$folder/c" --quiet &
coordinator=$!
"$QUERN" worker --connect "ipc://$folder/c" --memory 1MiB --verbose 2>"$folder/log"
wait $coordinator
grep -q 'set aside' "$folder/log" || { echo "FAILED: nothing was set aside"; exit 1; }
expect "digest of that run" "$expected" "$("$QUERN" digest "$folder/cluster.db")"

kills=0
RANDOM=42
for round in $(seq 1 40); do
  [[ $kills -lt 8 ]] || break
  rm -rf "$folder/.quern" "$folder"/cluster.db*
  "$QUERN" run "$folder/quern.yaml" --workers 2 --memory 1MiB --quiet 2>/dev/null &
  run=$!
  kill_workers "$run"
  wait "$run" || { echo "FAILED: round $round ended with $?"; exit 1; }
  expect "digest of round $round" "$expected" "$("$QUERN" digest "$folder/cluster.db")"
  expect "scratch files left" "" "$(find "$folder" -name 'scratch-*')"
done
[[ $kills -ge 5 ]] || { echo "FAILED: only $kills workers were killed"; exit 1; }
echo "$kills workers killed, the same digest"
