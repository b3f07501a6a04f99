# A run that is killed while it compares its model with the champion, and goes on after somebody has
# moved the alias: it compares with the version that it began with, once it had settled on one.
source "$QUERN_ROOT/tests/support/cluster.sh"
cd "$folder"
awk 'function u() { seed = (seed * 16807) % 2147483647; return seed / 2147483647 }
  BEGIN { seed = 5; print "id,a,b,y"
    for (i = 0; i < 40000; i++) { a = u() * 6 - 3; b = u() * 6 - 3
      printf "k%d,%.6f,%.6f,%d\n", i, a, b, u() < 1 / (1 + exp(-(a + b - 1))) } }' >rows.csv
spec() { # features
  cat >quern.yaml <<SPEC
version: 1
name: kept
seed: 3
warehouse: cluster.db
sources:
  rows: {path: rows.csv, chunk_size: 16KiB, columns: [{name: id, type: text}]}
jobs:
  fit:
    kind: train
    from: rows
    label: y
    key: id
    features: {include: [$1]}
    split: {test: 0.3}
    algorithm: logistic_regression
    register: {model: m, promote: {alias: champion, when: [{metric: roc_auc, vs: champion}]}}
SPEC
}
spec a
begun=$(date +%s%N)
"$QUERN" run quern.yaml --workers 2 --quiet >run.out
took_ms=$((($(date +%s%N) - begun) / 1000000))
"$QUERN" run quern.yaml --workers 2 --quiet --full-refresh >run.out # the same again: version 2
spec a,b
cp cluster.db before.db
settled=0 kills=0
RANDOM=7
for round in $(seq 1 30); do # as many as it takes to kill enough before they are over
  [[ $kills -lt 6 || $settled -lt 1 ]] || break
  rm -rf .quern cluster.db*
  cp before.db cluster.db
  "$QUERN" run quern.yaml --workers 2 --quiet >run.out 2>&1 &
  run=$!
  after_ms=$((RANDOM % took_ms))
  sleep "$(printf %d.%03d $((after_ms / 1000)) $((after_ms % 1000)))"
  kill -9 "$run" 2>/dev/null || true
  wait "$run" 2>/dev/null || true
  [[ $(count 'select count(*) from _quern_models') == 2 ]] || continue # it was over
  [[ $(count "select count(*) from _quern_runs where status = 'running'") == 1 ]] || continue
  kills=$((kills + 1))
  used=$(count "select version from _quern_model_uses where run_id = (select run_id from _quern_runs where status = 'running')")
  "$QUERN" models promote m:2 --alias champion --warehouse cluster.db >run.out
  "$QUERN" run quern.yaml --workers 2 --quiet >run.out
  expect "what round $round compares with" "${used:-2}" \
    "$(count 'select against from _quern_model_comparisons where version = 3')"
  expect "what is written of round $round" "${used:-2}" \
    "$(count 'select version from _quern_model_uses where run_id = (select run_id from _quern_models where version = 3)')"
  [[ -z $used ]] || settled=$((settled + 1))
done
[[ $kills -ge 6 ]] || { echo "FAILED: only $kills runs were killed"; exit 1; }
echo "$kills runs killed, $settled of them after they had settled on a champion"
