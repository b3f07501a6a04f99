# A second run into a warehouse that a first one writes to is refused, and leaves the first alone.
source "$QUERN_ROOT/tests/support/cluster.sh"
make_pipeline 20000
"$QUERN" coordinator "$folder/quern.yaml" --listen "ipc://$folder/c" --quiet 2>"$folder/first.txt" &
first=$!
for _ in $(seq 1 200); do [[ -S "$folder/c" ]] && break; sleep 0.01; done
code=0
text=$("$QUERN" run "$folder/quern.yaml" --state "$folder/other" --quiet 2>&1) || code=$?
expect "exit code of the second run" 1 "$code"
grep -q "another run writes to the warehouse $folder/cluster.db" <<<"$text" || { echo "FAILED: $text"; exit 1; }
"$QUERN" worker --connect "ipc://$folder/c" --quiet
wait $first || { echo "FAILED: the first run ended with $?: $(cat "$folder/first.txt")"; exit 1; }
"$QUERN" run "$folder/quern.yaml" --state "$folder/other" --quiet
expect "runs" "success 2" "$(count "select status || ' ' || count(*) from _quern_runs group by status")"
