# The public Telco file with a search of tree parameters: what it chooses is as good as what people
# found by hand, the folds foretell the held-out rows, and mistakes are said at their place.
source "$QUERN_ROOT/tests/support/cluster.sh"
data=$QUERN_DATA/telco-churn/WA_Fn-UseC_-Telco-Customer-Churn.csv
[[ -f $data ]] || { echo "SKIPPED: no Telco file at $data"; exit 77; }
cat >"$folder/quern.yaml" <<'SPEC'
version: 1
name: search
seed: 42
params: {data: telco.csv}
sources:
  customers:
    path: "${param:data}"
    columns:
      - {name: TotalCharges, type: "decimal(10,2)", null_values: ["", " "]}
jobs:
  churn:
    kind: train
    from: customers
    label: Churn
    positive: "Yes"
    key: customerID
    split: {method: hash, test: 0.2, stratify: true}
    algorithm: gradient_boosting
    params: {num_rounds: 80}
    search:
      method: grid
      folds: 5
      params:
        num_leaves: [2, 8, 64]
        learning_rate: [0.002, 0.08]
    register: {model: churn}
SPEC
"$QUERN" run "$folder/quern.yaml" --set "data=$data" --workers 2 --warehouse "$folder/cluster.db" --quiet
expect "fits" 30 "$(count 'select count(*) from _quern_model_candidates where fold is not null')"
expect "the one chosen" '{"num_leaves": 8, "learning_rate": 0.08}' \
  "$(count 'select params from _quern_model_candidates where chosen and fold is null')"
best="(select value from _quern_model_candidates where chosen and fold is null)"
expect "mean over folds of at least 0.845" 1 "$(count "select $best >= 0.845")"
expect "a mean is that of its folds" 0 "$(count \
  "select count(*) from _quern_model_candidates m where fold is null and abs(value - (select avg(value)
   from _quern_model_candidates f where f.candidate = m.candidate and f.fold is not null)) > 1e-12")"
expect "the folds foretell the held-out rows" 1 "$(count \
  "select abs(value - $best) < 0.02 from _quern_model_metrics where split = 'test' and metric = 'roc_auc'")"
expect "the model has what was chosen" "8|0.08" "$(count "select json_extract(parameters, '\$.num_leaves'),
  json_extract(parameters, '\$.learning_rate') from _quern_models")"

sed 's/\[2, 8, 64\]/[]/' "$folder/quern.yaml" >"$folder/wrong.yaml"
if "$QUERN" validate "$folder/wrong.yaml" --set "data=$data" 2>"$folder/said" >&2; then exit 1; fi
grep -q "wrong.yaml:24:.*'num_leaves' has nothing to choose from" "$folder/said" ||
  { echo "FAILED: a mistake is not said at its place"; cat "$folder/said"; exit 1; }
