# `quern status`: a run that is under way, one that was broken off, one that is over; and endpoints
# where nobody is, or where somebody says nothing or nonsense.
source "$QUERN_ROOT/tests/support/cluster.sh"
make_pipeline 20000
spec=$folder/quern.yaml
field() { # path in the JSON that status prints
  sqlite3 :memory: "select readfile('$folder/json') ->> '$1'"
}

# Under way, without workers: nothing moves, so that it can be looked at.
"$QUERN" coordinator "$spec" --listen "ipc://$folder/c" --quiet &
coordinator=$!
for _ in $(seq 100); do
  "$QUERN" status "$spec" --json >"$folder/json" 2>/dev/null && [[ $(field '$.endpoint') ]] && break
  sleep 0.05
done
expect "endpoint" "ipc://$folder/c" "$(field '$.endpoint')"
expect "status" "running|0|0" "$(field '$.status')|$(field '$.workers')|$(field '$.rows_read')"
expect "jobs, needs first" "clean running, again pending" \
  "$(field '$.jobs[0].job') $(field '$.jobs[0].status'), $(field '$.jobs[1].job') $(field '$.jobs[1].status')"
[[ $(field '$.jobs[0].chunks_total') -ge 2 && $(field '$.jobs[0].chunks_done') == 0 ]] ||
  { echo "FAILED: chunks: $(cat "$folder/json")"; exit 1; }
"$QUERN" status --connect "ipc://$folder/c" >"$folder/said"
grep -q "clean .*running .*0 of [0-9]* chunks" "$folder/said" || { cat "$folder/said"; exit 1; }
(cd "$folder" && "$QUERN" status) | grep -q "running for" || { echo "FAILED: quern.yaml is not found"; exit 1; }
kill -INT $coordinator
code=0
wait $coordinator || code=$?
expect "exit code of an interrupted coordinator" 130 "$code"

# Broken off, and gone on with to the end.
"$QUERN" status "$spec" | grep -q "running, or broken off" || { echo "FAILED: broken off is not said"; exit 1; }
"$QUERN" run "$spec" --workers 2 --quiet
"$QUERN" status "$spec" --json >"$folder/json"
expect "over" "success|success|20000" \
  "$(field '$.status')|$(field '$.jobs[1].status')|$(field '$.jobs[0].rows_in')"
run=$(field '$.run_id')
"$QUERN" status "$folder/cluster.db" "$run" | grep -q "run $run of cluster: success" ||
  { echo "FAILED: a run of a warehouse is not shown"; exit 1; }
code=0
"$QUERN" status "$folder/cluster.db" nope 2>"$folder/said" || code=$?
expect "exit code of an unknown run" 2 "$code"
grep -q "the last is $run" "$folder/said" || { cat "$folder/said"; exit 1; }

# Nobody there: said soon.
unanswered() { # endpoint, what the complaint holds
  local code=0 started=$SECONDS
  "$QUERN" status --connect "$1" --patience 1 >"$folder/said" 2>&1 || code=$?
  expect "exit code at $1" 1 "$code"
  grep -qE "$2" "$folder/said" || { echo "FAILED: at $1 it says: $(cat "$folder/said")"; exit 1; }
  [[ $((SECONDS - started)) -le 4 ]] || { echo "FAILED: $1 took $((SECONDS - started)) s"; exit 1; }
}
unanswered "ipc://$folder/nobody" "nobody listens"
# A coordinator that stands still: connected, but no word.
"$QUERN" coordinator "$spec" --listen "ipc://$folder/d" --state "$folder/other" \
  --warehouse "$folder/other.db" --quiet &
still=$!
until [[ -S $folder/d ]]; do sleep 0.02; done
sleep 0.2
kill -STOP $still
unanswered "ipc://$folder/d" "did not answer|nobody listens"
kill -CONT $still
"$QUERN" status --connect "ipc://$folder/d" >/dev/null || { echo "FAILED: it does not answer again"; exit 1; }
kill -9 $still
wait $still 2>/dev/null || true
"$QUERN" status "$spec" --state "$folder/other" >/dev/null || { echo "FAILED: a dead one is asked"; exit 1; }
echo "status is told by coordinators, or by the warehouse"
