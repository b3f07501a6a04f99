# kill -9 of workers at random moments: the run goes on and the digest is the same.
source "$QUERN_ROOT/tests/support/cluster.sh"
make_pipeline 200000
expected=$(fresh_run 2)
kills=0
RANDOM=42
for round in $(seq 1 20); do
  rm -rf "$folder/.quern" "$folder"/cluster.db*
  "$QUERN" run "$folder/quern.yaml" --workers 2 --quiet 2>/dev/null &
  run=$!
  for _ in 1 2; do
    sleep "0.0$((RANDOM % 9 + 1))"
    victim=$(pgrep -P "$run" | head -n 1 || true)
    if [[ -n $victim ]] && kill -9 "$victim" 2>/dev/null; then kills=$((kills + 1)); fi
  done
  wait "$run" || { echo "FAILED: round $round ended with $?"; exit 1; }
  expect "digest of round $round" "$expected" "$("$QUERN" digest "$folder/cluster.db")"
  expect "rows of round $round" 200000 \
    "$(count 'select (select count(*) from clean) + (select count(*) from _quern_quarantine where job = "clean")')"
done
[[ $kills -ge 10 ]] || { echo "FAILED: only $kills workers were killed"; exit 1; }
echo "$kills workers killed in 20 runs, same digest"
