# A file that may not grow as far as it would, which is what a full disk looks like from inside: the run
# ends with a reason and a way on, and goes on from there.
source "$QUERN_ROOT/tests/support/cluster.sh"
make_pipeline 100000
expected=$(fresh_run 2)
rm -rf "$folder/.quern" "$folder"/cluster.db*
code=0
(ulimit -f 2048 && "$QUERN" run "$folder/quern.yaml" --workers 2 >/dev/null) 2>"$folder/said" || code=$?
expect "exit code" 1 "$code"
grep -q "cannot .*\(File too large\|is full\|disk I/O error\)" "$folder/said" ||
  { echo "FAILED: no reason: $(cat "$folder/said")"; exit 1; }
grep -q "the same command goes on with run $(count 'select run_id from _quern_runs')" "$folder/said" ||
  { echo "FAILED: no way on: $(cat "$folder/said")"; exit 1; }
"$QUERN" run "$folder/quern.yaml" --workers 2 --quiet
expect "runs" "success" "$(count 'select status from _quern_runs')"
expect "digest" "$expected" "$("$QUERN" digest "$folder/cluster.db")"
