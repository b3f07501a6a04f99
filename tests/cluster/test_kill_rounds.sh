# kill -9 of coordinator and workers while a model is fitted: the run goes on at the round it was in,
# what was finished is not computed again, and the model is the same to the byte.
source "$QUERN_ROOT/tests/support/cluster.sh"
make_fit 150000 1MiB <<'JOB'
    features: {exclude: signup_date}
    algorithm: logistic_regression
JOB
expected=$(fresh_run 2)
rounds=$(count "select rounds from _quern_timings where name = 'round'")
units=$(count "select tasks / rounds from _quern_timings where name = 'round'")
[[ $rounds -ge 4 && $units -ge 8 ]] || { echo "FAILED: only $rounds rounds of $units units"; exit 1; }

RANDOM=5
kills=0 resumed_in_rounds=0 worker_kills=0 was_known=0
# Stops the workers once a round is over.
stop_in_rounds() { # the run; sets workers
  workers=()
  local log size first=0
  while kill -0 "$1" 2>/dev/null; do
    [[ ${#workers[@]} -ge 2 ]] || mapfile -t workers < <(pgrep -P "$1")
    log=("$folder"/.quern/*/parts/0-1.rounds)
    [[ -s ${log[0]} && ${#workers[@]} -ge 2 ]] || continue
    size=$(stat -c %s "${log[0]}" 2>/dev/null || echo 0)
    if [[ $first -gt 0 && $size -gt $first ]]; then
      kill -STOP "${workers[@]}" 2>/dev/null || true
      return
    fi
    [[ $first -gt 0 ]] || first=$size
  done
}
for schedule in $(seq 1 60); do # as many as it takes to hit enough rounds
  [[ $kills -ge 8 && $resumed_in_rounds -ge 4 && $worker_kills -ge 2 ]] && break
  rm -rf "$folder/.quern" "$folder"/cluster.db*
  "$QUERN" run "$folder/quern.yaml" --workers 2 --quiet 2>/dev/null &
  run=$!
  stop_in_rounds "$run"
  if ((RANDOM % 2)) && kill -9 "${workers[0]}" 2>/dev/null; then worker_kills=$((worker_kills + 1)); fi
  if ((RANDOM % 2)); then # some rounds more
    kill -CONT "${workers[@]}" 2>/dev/null || true
    sleep "0.0$(printf %02d $((RANDOM % 20)))"
  fi
  if kill -9 "$run" 2>/dev/null; then kills=$((kills + 1)); fi
  kill -9 "${workers[@]}" 2>/dev/null || true
  wait "$run" 2>/dev/null || true
  if was_over; then continue; fi
  "$QUERN" run "$folder/quern.yaml" --workers 2 --verbose 2>"$folder/said"
  expect "digest of schedule $schedule" "$expected" "$("$QUERN" digest "$folder/cluster.db")"
  at=$(sed -n 's/.*goes on at round \([0-9]*\) of.*/\1/p' "$folder/said")
  [[ -n $at ]] || continue # it was not killed in a round
  resumed_in_rounds=$((resumed_in_rounds + 1))
  known=$(sed -n 's/.* has what \([0-9]*\) of [0-9]* tasks gave/\1/p' "$folder/said")
  was_known=$((was_known + ${known:-0}))
  expect "tasks of schedule $schedule, killed in round $at" $(((rounds - at) * units - ${known:-0})) \
    "$(count "select tasks from _quern_timings where name = 'round'")"
done
[[ $kills -ge 8 && $resumed_in_rounds -ge 4 && $worker_kills -ge 2 ]] ||
  { echo "FAILED: only $kills runs were killed, $resumed_in_rounds of them in a round"; exit 1; }
echo "$kills runs killed, $resumed_in_rounds of them in a round with $was_known tasks done, $worker_kills workers; same model"
