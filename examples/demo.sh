#!/usr/bin/env bash
# What `./dev demo` runs: synthetic customers and events, then a churn model retrained by a
# coordinator and two workers, each a process of its own as on three machines.
set -euo pipefail
cd "$(dirname "$0")/.."
quern=${QUERN:-build/quern}
folder=${QUERN_DEMO:-$PWD/build/demo}
customers=${QUERN_DEMO_CUSTOMERS:-50000}
events=${QUERN_DEMO_EVENTS:-1000000}

socket=$(mktemp -d) # a path short enough for a Unix socket, wherever the project lies
endpoint=ipc://$socket/quern
pids=()
clean_up() {
  local pid
  for pid in "${pids[@]}"; do
    kill "$pid" 2>/dev/null || true
  done
  wait 2>/dev/null || true
  rm -rf "$socket"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

rm -rf "$folder"
mkdir -p "$folder"
echo "generating $customers customers and $events events in $folder" >&2
"$quern" generate churn --rows "$customers" --seed 7 --out "$folder/customers.csv"
"$quern" generate events --rows "$events" --customers "$customers" --seed 7 --out "$folder/events.csv"

echo "starting a coordinator and two workers at $endpoint" >&2
"$quern" coordinator examples/churn/quern.yaml --listen "$endpoint" --set "data=$folder" \
  --warehouse "$folder/churn.db" --state "$folder/state" &
coordinator=$!
pids+=("$coordinator")
for _ in 1 2; do
  "$quern" worker --connect "$endpoint" --quiet &
  pids+=("$!")
done
wait "$coordinator"

cat >&2 <<NEXT

the model, and where it comes from
  $quern models show churn@champion --warehouse $folder/churn.db
the same run with four workers, in one command
  $quern run examples/churn/quern.yaml --set data=$folder --workers 4 --warehouse /tmp/churn.db
NEXT
