# A worker that is alone leads the rounds of a fit; one that joins gets its share of the chunks, and
# once it is gone the other leads again. The model is that of workers of which none ever led.
source "$QUERN_ROOT/tests/support/cluster.sh"
make_fit 60000 512KiB <<'JOB'
    algorithm: gradient_boosting
    params: {num_rounds: 200, num_leaves: 15}
JOB
expected=$(fresh_run 3)
chunks=$(count "select chunks from _quern_jobs")
expect "tasks of three workers" "$(count "select rounds * $chunks from _quern_timings where name = 'round'")" \
  "$(count "select tasks from _quern_timings where name = 'round'")"

leads() { grep -c "has done task churn round, .* unit $chunks," "$1" || true; }
units() { grep "has done task churn round, " "$1" | grep -vc "unit $chunks," || true; }
await() { # what, words whose output is to exceed a number, the number
  for _ in $(seq 1000); do
    [[ $($2) -gt $3 ]] && return
    sleep 0.01
  done
  echo "FAILED: $1 never came"
  exit 1
}
rm -rf "$folder/.quern" "$folder"/cluster.db*
"$QUERN" coordinator "$folder/quern.yaml" --listen "ipc://$folder/c" --quiet &
coordinator=$!
"$QUERN" worker --connect "ipc://$folder/c" --slots 2 --verbose 2>"$folder/first" &
await "a lead" "leads $folder/first" 0
"$QUERN" worker --connect "ipc://$folder/c" --verbose 2>"$folder/second" &
second=$!
await "a share of the rounds" "units $folder/second" 20
kill -9 $second
before=$(leads "$folder/first")
await "a lead of who is left" "leads $folder/first" "$before"
wait $coordinator || { echo "FAILED: the run ended with $?"; exit 1; }
wait
expect "digest" "$expected" "$("$QUERN" digest "$folder/cluster.db")"
echo "$before leads before, $(leads "$folder/first") in all; $(units "$folder/second") tasks of who joined"
