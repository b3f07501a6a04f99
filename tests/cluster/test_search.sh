# A search chooses the same, and the model is the same bytes, for any number of workers and slots and
# whoever is killed meanwhile; and it is the model of a job with the parameters that were chosen.
source "$QUERN_ROOT/tests/support/cluster.sh"
write_spec() { # params and search
  make_fit 6000 128KiB <<JOB
    split: {method: hash, test: 0.2}
    algorithm: gradient_boosting
$1
JOB
}
write_spec '    params: {num_rounds: 10}
    search:
      method: halving
      trials: 6
      folds: 3
      params: {num_leaves: [2, 4, 8, 16], learning_rate: {min: 0.03, max: 0.5, log: true}}'
expected=$(fresh_run 1)
model=$(count "select sha256 from _quern_models")
expect "fits" "6*3 2*3" "$(count "select group_concat(n || '*3', ' ') from (select count(distinct candidate) as n from _quern_model_candidates where fold is not null group by share order by share)")"
expect "the chosen one has the best mean" 1 "$(count "select chosen from _quern_model_candidates where fold is null and share = 1 order by value desc, candidate limit 1")"
same_choice() { # what, digest
  expect "digest with $1" "$expected" "$2"
  expect "model with $1" "$model" "$(count "select sha256 from _quern_models")"
}
same_choice "3 workers" "$(fresh_run 3)"
same_choice "two slots" "$(fresh_run "2 --slots 2")"

RANDOM=5
kills=0
for schedule in $(seq 1 30); do # until enough were killed before they were over
  [[ $kills -lt 4 ]] || break
  rm -rf "$folder/.quern" "$folder"/cluster.db*
  "$QUERN" run "$folder/quern.yaml" --workers 2 --quiet 2>/dev/null &
  run=$!
  sleep "0.$(printf %03d $((20 + RANDOM % 300)))"
  victim=$(pgrep -P "$run" | head -n 1 || true)
  if [[ -n $victim ]]; then kill -9 "$victim" 2>/dev/null || true; fi
  sleep "0.0$(printf %02d $((RANDOM % 60)))"
  kill -9 "$run" 2>/dev/null || true
  wait "$run" 2>/dev/null || true
  if was_over; then continue; fi
  kills=$((kills + 1))
  "$QUERN" run "$folder/quern.yaml" --workers 2 --quiet >/dev/null
  same_choice "schedule $schedule" "$("$QUERN" digest "$folder/cluster.db")"
done
[[ $kills -ge 2 ]] || { echo "FAILED: only $kills runs were killed"; exit 1; }

chosen=$(count "select params from _quern_model_candidates where chosen and fold is null")
"$QUERN" models show churn --warehouse "$folder/cluster.db" >"$folder/card"
grep -qF "* " "$folder/card" && grep -qF "$chosen" "$folder/card" ||
  { echo "FAILED: the card does not show the choice"; cat "$folder/card"; exit 1; }
write_spec "    params: {num_rounds: 10, ${chosen#\{}"
fresh_run 2 >/dev/null
expect "the model of a job with those params" "$model" "$(count "select sha256 from _quern_models")"
echo "same choice; $kills runs killed"
