# Workers started on their own end when the run is over, busy or idle as they are: the goodbye is not
# lost, and nobody is left looking for a coordinator that is done.
source "$QUERN_ROOT/tests/support/cluster.sh"
make_pipeline 60000
for round in $(seq 1 20); do
  rm -rf "$folder/.quern" "$folder"/cluster.db*
  "$QUERN" coordinator "$folder/quern.yaml" --listen "ipc://$folder/c" --quiet &
  coordinator=$!
  workers=()
  for _ in 1 2 3; do
    timeout 5 "$QUERN" worker --connect "ipc://$folder/c" --quiet 2>/dev/null &
    workers+=($!)
    sleep "0.00$((round % 10))"
  done
  wait $coordinator || { echo "FAILED: round $round: the run ended with $?"; exit 1; }
  for worker in "${workers[@]}"; do
    wait "$worker" || { echo "FAILED: round $round: a worker was left behind ($?)"; exit 1; }
  done
done
echo "60 workers ended with their 20 runs"
