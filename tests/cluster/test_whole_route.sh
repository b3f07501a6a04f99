# examples/churn whole (shuffle, join, training, scores): the same digest for 1, 2, 4 and 7 workers,
# after kill -9 of workers, and after kill -9 of the run and the same command again.
source "$QUERN_ROOT/tests/support/cluster.sh"
"$QUERN" generate churn --rows 20000 --seed 7 --out "$folder/customers.csv"
"$QUERN" generate events --rows 200000 --customers 20000 --seed 7 --out "$folder/events.csv"
sed 's/on_malformed: quarantine.*/on_malformed: quarantine\n    chunk_size: 512KiB/' \
  "$QUERN_ROOT/examples/churn/quern.yaml" >"$folder/quern.yaml"
grep -q 'chunk_size: 512KiB' "$folder/quern.yaml" || { echo "FAILED: the example has no on_malformed"; exit 1; }

run() { # workers
  "$QUERN" run "$folder/quern.yaml" --set "data=$folder" --workers "$1" \
    --warehouse "$folder/cluster.db" --quiet
}
clear_state() { rm -rf "$folder/.quern" "$folder"/cluster.db*; }
digest() { "$QUERN" digest "$folder/cluster.db"; }

run 1
expected=$(digest)
[[ $(wc -l <<<"$expected") -ge 4 ]] || { echo "FAILED: tables are missing: $expected"; exit 1; }
expect "a score for every customer" 20000 "$(count 'select count(*) from churn_scores')"
expect "events counted or refused" 200000 \
  "$(count 'select (select sum(events) from usage) + (select count(*) from _quern_quarantine)')"
for workers in 2 4 7; do
  clear_state
  begun=$(date +%s%N)
  run $workers
  took_ms=$((($(date +%s%N) - begun) / 1000000))
  expect "digest with $workers workers" "$expected" "$(digest)"
done

RANDOM=5 killed=0
for round in $(seq 1 6); do
  clear_state
  run 2 2>/dev/null &
  pid=$!
  for _ in 1 2; do
    sleep "$(printf '0.%03d' $((took_ms / 10 + RANDOM % (took_ms / 4))))"
    victim=$(pgrep -P "$(pgrep -P $pid -x quern | head -n 1)" 2>/dev/null | head -n 1 || true)
    if [[ -n $victim ]] && kill -9 "$victim" 2>/dev/null; then killed=$((killed + 1)); fi
  done
  wait $pid || { echo "FAILED: round $round with killed workers ended with $?"; exit 1; }
  expect "digest of round $round with killed workers" "$expected" "$(digest)"
done

# A run that was over before it was killed is no interruption: the next one is a run of its own.
stopped=0 late=0
for delay in 030 060 090 120 150 180 210 240 270 300 330 360; do
  clear_state
  "$QUERN" run "$folder/quern.yaml" --set "data=$folder" --workers 2 \
    --warehouse "$folder/cluster.db" --quiet 2>/dev/null &
  pid=$!
  sleep "0.$delay"
  kill -9 $pid 2>/dev/null || true
  wait $pid 2>/dev/null || true
  before=$(count "select group_concat(status) from _quern_runs" 2>/dev/null || true)
  if [[ $before == *success* ]]; then
    late=$((late + 1))
    continue
  fi
  [[ -z $before ]] || stopped=$((stopped + 1))
  run 2 || { echo "FAILED: the run killed after 0.$delay s did not go on"; exit 1; }
  expect "digest after a kill at 0.$delay s" "$expected" "$(digest)"
  expect "runs after a kill at 0.$delay s" success "$(count 'select group_concat(status) from _quern_runs')"
done
echo "same digest; $killed workers and $stopped runs were killed, $late were over before"
[[ $killed -ge 4 && $stopped -ge 4 ]] || { echo "FAILED: too few were killed to mean anything"; exit 1; }
