# The public Telco file through examples/telco/boosting.yaml: trained, stopped in time, promoted,
# scored; and what a spec may get wrong about boosting is said at its place.
source "$QUERN_ROOT/tests/support/cluster.sh"
data=$QUERN_DATA/telco-churn/WA_Fn-UseC_-Telco-Customer-Churn.csv
[[ -f $data ]] || { echo "SKIPPED: no Telco file at $data"; exit 77; }
cp "$QUERN_ROOT/examples/telco/boosting.yaml" "$folder/quern.yaml"
"$QUERN" run "$folder/quern.yaml" --set "data=$data" --workers 2 --warehouse "$folder/cluster.db" --quiet
expect "held-out roc_auc of at least 0.84" 1 "$(count \
  "select value >= 0.84 from _quern_model_metrics where split = 'test' and metric = 'roc_auc'")"
expect "held-out log_loss of at most 0.43" 1 "$(count \
  "select value <= 0.43 from _quern_model_metrics where split = 'test' and metric = 'log_loss'")"
expect "the version is champion" "churn_trees|1" \
  "$(count "select name, version from _quern_model_aliases where alias = 'champion'")"
expect "every customer has a score" 7043 "$(count 'select count(distinct customerID) from churn_scores')"
expect "a score is the same in training and scoring" 0 "$(count \
  'select count(*) from churn_scores join churn_predictions p using (customerID)
   where churn_scores.score <> p.score')"
model() { count "select json_extract(cast(artefact as text), '$1') from _quern_models"; }
trees=$(model '$.training.trees')
expect "it stopped early" 1 "$((trees > 20 && trees < 400))"
expect "the model has the trees it says" "$trees" "$(count \
  "select json_array_length(cast(artefact as text), '$.trees') from _quern_models")"
expect "the loss it stopped at is that of the validation rows" 1 "$(count \
  "select abs(value - $(model '$.training.validation_log_loss')) < 1e-9 from _quern_model_metrics
   where split = 'validation' and metric = 'log_loss'")"
expect "splits of features are those of trees" 1 "$(count \
  "select sum(json_extract(f.value, '$.splits')) = (select count(*) from
     json_tree(cast(artefact as text), '$.trees') where key = 'left')
   from _quern_models, json_each(cast(artefact as text), '$.features') f")"
expect "missing values of TotalCharges in training" 1 "$(count \
  "select json_extract(value, '$.missing') between 1 and 11
   from _quern_models, json_each(cast(artefact as text), '$.features')
   where json_extract(value, '$.name') = 'TotalCharges'")"
digest=$("$QUERN" digest "$folder/cluster.db")
"$QUERN" run "$folder/quern.yaml" --set "data=$data" --workers 3 --warehouse "$folder/again.db" \
  --state "$folder/again" --quiet
expect "tables and model with another number of workers" "$digest" "$("$QUERN" digest "$folder/again.db")"

# Two names of one thing.
for balanced in 'is_unbalance: true' 'class_weight: balanced'; do
  sed "s/      monotone: .*/      $balanced/" "$QUERN_ROOT/examples/telco/boosting.yaml" >"$folder/balanced.yaml"
  "$QUERN" run "$folder/balanced.yaml" --set "data=$data" --warehouse "$folder/balanced.db" \
    --select churn --state "$folder/balanced" --quiet
done
expect "versions that differ, of class_weight and is_unbalance" 1 \
  "$(sqlite3 "$folder/balanced.db" "select count(distinct sha256) from _quern_models")"

wrong() { # what stands in the place of the monotone line, what is said
  sed "s/      monotone: .*/      $1/" "$QUERN_ROOT/examples/telco/boosting.yaml" >"$folder/wrong.yaml"
  if "$QUERN" run "$folder/wrong.yaml" --set "data=$data" --no-color >"$folder/said" 2>&1 ||
    ! grep -qF "$2" "$folder/said"; then
    echo "FAILED: '$1' does not give '$2':"
    cat "$folder/said"
    exit 1
  fi
}
wrong 'num_leaf: 3' "wrong.yaml:31:7: unknown key 'num_leaf'"
wrong 'l2: 3' "wrong.yaml:31:7: 'l2' is no parameter of gradient_boosting"
wrong 'lambda_l2: -1' "wrong.yaml:31:18"
wrong 'monotone: {tenuer: 1}' "wrong.yaml:31:18: monotone: 'tenuer' is no feature"
wrong 'monotone: {Contract: 1}' "'Contract' is text"
wrong 'monotone: {tenure: 2}' "wrong.yaml:31:26"
sed 's/validation: 0.1, //' "$QUERN_ROOT/examples/telco/boosting.yaml" >"$folder/wrong.yaml"
"$QUERN" run "$folder/wrong.yaml" --set "data=$data" --no-color >"$folder/said" 2>&1 && exit 1
grep -q 'early stopping looks at validation rows' "$folder/said"
