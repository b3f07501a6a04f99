# Boosted trees are the same bytes for any number of workers and slots, with any instructions, and
# whoever is killed while they grow.
source "$QUERN_ROOT/tests/support/cluster.sh"
make_fit 60000 512KiB <<'JOB'
    split: {method: hash, test: 0.2, validation: 0.1}
    algorithm: gradient_boosting
    params: {num_rounds: 15, num_leaves: 15, early_stopping_rounds: 10, bagging_fraction: 0.8, feature_fraction: 0.8}
    into: predictions
JOB
expected=$(fresh_run 1)
model=$(count "select sha256 from _quern_models")
expect "trees" 15 "$(count "select json_array_length(json_extract(cast(artefact as text), '$.trees')) from _quern_models")"
same_model() { # what, digest
  expect "digest with $1" "$expected" "$2"
  expect "model with $1" "$model" "$(count "select sha256 from _quern_models")"
}
for workers in 2 3 8; do same_model "$workers workers" "$(fresh_run $workers)"; done
same_model "two slots" "$(fresh_run "2 --slots 2")"
same_model "one worker of two slots" "$(fresh_run "1 --slots 2")"
expect "that who is alone leads rounds" 1 \
  "$(count "select tasks < rounds * chunks / 2 from _quern_timings join _quern_jobs using (run_id, job) where name = 'round'")"
same_model "one worker of three slots" "$(fresh_run "1 --slots 3")"
same_model "rows in files" "$(fresh_run "1 --slots 2 --memory 2MiB")"
expect "that their worker leads rounds all the same" 1 \
  "$(count "select tasks < rounds * chunks / 2 from _quern_timings join _quern_jobs using (run_id, job) where name = 'round'")"
same_model "rows in files of two workers" "$(fresh_run "2 --memory 2MiB")"
for simd in scalar sse2 avx2; do same_model "QUERN_SIMD=$simd" "$(QUERN_SIMD=$simd fresh_run 2)"; done

RANDOM=11
crews=("2" "1 --slots 2") # of the latter the only one leads
kills=0 worker_kills=0 resumed=0
for schedule in $(seq 1 60); do # as many as it takes to hit enough of them in mid-growth
  [[ $kills -lt 6 || $worker_kills -lt 2 || $resumed -lt 3 ]] || break
  rm -rf "$folder/.quern" "$folder"/cluster.db*
  "$QUERN" run "$folder/quern.yaml" --workers ${crews[schedule / 2 % 2]} --quiet 2>/dev/null &
  run=$!
  for _ in $(seq 2000); do # until a round is over; before it there is a head of 16 bytes
    bytes=$(stat -c %s "$folder"/.quern/*/parts/0-1.rounds 2>/dev/null || true)
    [[ ${bytes:-0} -gt 16 ]] && break
    kill -0 "$run" 2>/dev/null || break
    sleep 0.002
  done
  sleep "0.$(printf %03d $((RANDOM % 60)))"
  if ((schedule % 2)); then
    victim=$(pgrep -P "$run" | head -n 1 || true)
    if [[ -n $victim ]] && kill -9 "$victim" 2>/dev/null; then worker_kills=$((worker_kills + 1)); fi
    sleep "0.0$(printf %02d $((RANDOM % 20)))"
  fi
  kill -9 "$run" 2>/dev/null || true
  wait "$run" 2>/dev/null || true
  if was_over; then continue; fi
  kills=$((kills + 1))
  "$QUERN" run "$folder/quern.yaml" --workers ${crews[schedule % 2]} --verbose >/dev/null 2>"$folder/said"
  same_model "schedule $schedule" "$("$QUERN" digest "$folder/cluster.db")"
  if grep -q 'goes on at round' "$folder/said"; then resumed=$((resumed + 1)); fi
done
[[ $kills -ge 4 && $worker_kills -ge 2 && $resumed -ge 2 ]] ||
  { echo "FAILED: only $kills runs and $worker_kills workers were killed, $resumed in a round"; exit 1; }
echo "same trees; $kills runs killed, $resumed of them in a round, $worker_kills workers"
