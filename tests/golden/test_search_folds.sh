# What a search measures is honest: rows of one group never help to foretell each other, folds have
# their share of positives, and nothing about test rows changes what is tried, chosen or fitted.
source "$QUERN_ROOT/tests/support/cluster.sh"
cd "$folder"
# 150 households of 20 customers: who leaves is drawn once for a household, and nothing but its number
# tells of it. `pull` tells of every customer; a twentieth of all leave in `rare`.
awk 'function u() { seed = (seed * 16807) % 2147483647; return seed / 2147483647 }
  BEGIN { seed = 31; print "customer,household,pull,together,alone,rare"
    for (h = 0; h < 150; h++) { leaves = u() < 0.4; code = int(u() * 1000000)
      for (c = 0; c < 20; c++) { pull = u() * 6 - 3
        printf "c%d-%d,%d,%.4f,%d,%d,%d\n", h, c, code, pull, leaves, u() < 1 / (1 + exp(-pull)), u() < 0.05 } } }' >rows.csv
spec() { # label, features, search
  cat >quern.yaml <<SPEC
version: 1
name: folds
seed: 3
warehouse: cluster.db
sources:
  rows: {path: rows.csv}
jobs:
  fit:
    kind: train
    from: rows
    label: $1
    key: customer
    features: {include: [$2]}
    split: {test: 0.2}
    algorithm: gradient_boosting
    params: {num_rounds: 20, min_data_in_leaf: 5}
    search: {params: {num_leaves: [4, 63], learning_rate: [0.1, 0.3]}, $3}
    register: {model: m}
    into: predictions
SPEC
}
run() {
  rm -rf .quern cluster.db*
  "$QUERN" run quern.yaml --workers 2 --quiet >run.out
}
best="(select value from _quern_model_candidates where chosen and fold is null)"
holds() { # what, sql
  [[ $(count "select $2") == 1 ]] || { echo "FAILED: $1"; count "select * from _quern_model_candidates"; exit 1; }
}

# With households torn apart their number gives everything away; kept together, it says nothing.
spec together household 'folds: 5'
run
holds "rows of one household know each other" "$best > 0.95"
for method in 'method: grid' 'method: random, trials: 3' 'method: halving, eta: 2'; do
  spec together household "folds: 5, folds_by: household, $method"
  run
  holds "a household is on both sides of a fold, $method" \
    "max(value) < 0.65 from _quern_model_candidates where fold is null"
done

# 24 positives or so a fold: without shares some fold would be far from that, and its log-loss too.
spec rare pull 'folds: 5, metric: log_loss'
run
holds "folds have no even share of positives" \
  "max(value) - min(value) < 0.03 from _quern_model_candidates where candidate = 1 and fold is not null"

# Test rows change: neither a fold's metric nor the choice nor the model does; what is reported does.
for method in 'method: grid' 'method: random, trials: 3' 'method: halving, eta: 2'; do
  spec alone pull "folds: 4, $method"
  run
  tried=$(count "select candidate, params, fold, share, value, chosen from _quern_model_candidates order by 4, 1, 3")
  model=$(count "select sha256 from _quern_models")
  test_auc="(select value from _quern_model_metrics where split = 'test' and metric = 'roc_auc')"
  holds "the folds foretell the test rows, $method" "abs($test_auc - $best) < 0.05"
  "$QUERN" models show m --json --warehouse cluster.db >json
  expect "candidates on the card, $method" "$(wc -l <<<"$tried")" \
    "$(sqlite3 :memory: "select json_array_length(readfile('json'), '\$.candidates')")"
  count "select customer from predictions where split = 'test'" >held
  cp rows.csv kept.csv
  awk -F, -v OFS=, 'FNR == NR { held[$1] = 1; next } $1 in held { $5 = 1 - $5 } { print }' held kept.csv >rows.csv
  run
  expect "what is tried after test rows were changed, $method" "$tried" \
    "$(count "select candidate, params, fold, share, value, chosen from _quern_model_candidates order by 4, 1, 3")"
  expect "the model after test rows were changed, $method" "$model" "$(count "select sha256 from _quern_models")"
  holds "what is reported is of the test rows, $method" "$test_auc < 0.25"
  mv kept.csv rows.csv
done
