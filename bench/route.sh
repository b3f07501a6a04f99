#!/usr/bin/env bash
# The whole route, timed from outside: `QUERN=build/quern bench/route.sh`. Medians of five runs, wall
# clock, every process included; the machine is named first.
set -euo pipefail
quern=$(realpath "${QUERN:-build/quern}")
root=$(cd "$(dirname "$0")/.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

median() { # command: milliseconds, whatever its exit code
  local started
  for _ in 1 2 3 4 5; do
    rm -rf .quern ./*.db*
    started=$(date +%s%N)
    "$@" >/dev/null 2>&1 || true
    echo $((($(date +%s%N) - started) / 1000000))
  done | sort -n | sed -n 3p
}

echo "$(nproc) cores, $(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2 | xargs), $("$quern" version)"
"$quern" generate churn --rows 50000 --seed 7 --out customers.csv
"$quern" generate events --rows 1000000 --customers 50000 --seed 7 --out events.csv
cp "$root/examples/churn/quern.yaml" churn.yaml
echo "1,000,000 events to a churn model, 2 workers: $(median "$quern" run churn.yaml --set data=. --workers 2) ms"

rm -rf .quern ./*.db*
"$quern" coordinator churn.yaml --set data=. --listen "ipc://$folder/c" --quiet &
coordinator=$!
"$quern" worker --connect "ipc://$folder/c" --quiet &
"$quern" worker --connect "ipc://$folder/c" --quiet &
peak=0
while kill -0 $coordinator 2>/dev/null; do
  now=$(awk '/VmHWM/ { print $2 }' /proc/$coordinator/status 2>/dev/null || true)
  if [[ ${now:-0} -gt $peak ]]; then peak=$now; fi
  sleep 0.01
done
wait
echo "the coordinator's peak memory in that: $peak KB"

"$quern" generate events --rows 1000 --seed 1 --out small.csv
printf 'version: 1\nname: small\nsources: {e: {path: small.csv}}\njobs: {a: {kind: etl, from: e, into: a}}\n' >small.yaml
echo "1,000 rows into a table, 1 worker: $(median "$quern" run small.yaml --workers 1) ms"
echo "a spec of six mistakes: $(median "$quern" validate "$root/tests/golden/spec/five_mistakes.yaml") ms"
