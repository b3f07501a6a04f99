# Runs that are killed around the decision to train again, and gone on with: the same decision, of
# the same rows, with the same numbers, and the same model or none. Rows are split by shares of time,
# which takes a round or two of its own.
source "$QUERN_ROOT/tests/support/cluster.sh"
cd "$folder"
mkdir data
rows() { # file, first id, rows, by how much a is moved
  awk -v first="$2" -v n="$3" -v shift="$4" 'function u() { seed = (seed * 16807) % 2147483647; return seed / 2147483647 }
    BEGIN { seed = 5 + first; print "id,ts,a,b,y"
      for (i = 0; i < n; i++) { a = u() * 6 - 3 + shift; b = u() * 6 - 3
        printf "k%d,%d,%.6f,%.6f,%d\n", first + i, u() * 1e9, a, b, u() < 1 / (1 + exp(-(a + b - 1))) } }' >"$1"
}
cat >quern.yaml <<'SPEC'
version: 1
name: retrain
seed: 3
warehouse: cluster.db
sources:
  rows: {path: data/, chunk_size: 16KiB, columns: [{name: id, type: text}]}
jobs:
  stage:
    kind: etl
    from: rows
    derive: {c: a - b}
  fit:
    kind: train
    from: stage
    label: y
    key: id
    split: {method: time, column: ts, test: 0.3, validation: 0.1}
    algorithm: gradient_boosting
    params: {num_rounds: 10, num_leaves: 7, early_stopping_rounds: 5}
    register: {model: m, promote: {alias: champion, when: [{metric: roc_auc, min: 0.6}]}}
    retrain: {on_drift: {any_feature_above: 0.25}, min_new_rows: 5000}
    into: fitted
  scores: {kind: score, from: stage, model: m@champion, into: scores}
SPEC
decided() { # what the last run decided and by what numbers
  count "select message from _quern_tests where test = 'retrain' order by rowid desc limit 1"
  count "select feature, psi, js, rows, baseline_rows, bins from _quern_drift where run_id =
    (select run_id from _quern_runs order by rowid desc limit 1) order by feature"
  "$QUERN" digest cluster.db
}
rows data/1.csv 0 20000 0
"$QUERN" run quern.yaml --workers 2 --quiet >run.out
cp cluster.db first.db
kills=0
RANDOM=11
for batch in "trained 2" "kept 0"; do
  read -r decision shift <<<"$batch"
  rows data/2.csv 20000 8000 "$shift"
  rm -rf .quern cluster.db*
  cp first.db cluster.db
  begun=$(date +%s%N)
  "$QUERN" run quern.yaml --workers 1 --quiet >run.out
  took_ms=$((($(date +%s%N) - begun) / 1000000))
  decided >want
  grep -q "^$decision.*(8000 new rows)" want || { cat want; exit 1; }
  for round in $(seq 1 10); do
    rm -rf .quern cluster.db*
    cp first.db cluster.db
    for _ in 1 2 3; do # lives that end early; the next one goes on, with other workers
      "$QUERN" run quern.yaml --workers $((RANDOM % 3 + 1)) --quiet >run.out 2>&1 &
      run=$!
      after_ms=$((RANDOM % took_ms))
      sleep "$(printf %d.%03d $((after_ms / 1000)) $((after_ms % 1000)))"
      if kill -9 "$run" 2>/dev/null; then kills=$((kills + 1)); fi
      wait "$run" 2>/dev/null || true
      [[ $(count "select count(*) from _quern_runs where status = 'success'") == 1 ]] || break
    done
    if [[ $(count "select count(*) from _quern_runs where status = 'success'") == 1 ]]; then
      "$QUERN" run quern.yaml --workers 2 --quiet >run.out
    fi
    decided >got
    cmp want got || { echo "FAILED: round $round of $decision"; diff want got | cut -c 1-300; exit 1; }
  done
done
[[ $kills -ge 20 ]] || { echo "FAILED: only $kills runs were killed"; exit 1; }
echo "$kills runs killed"
