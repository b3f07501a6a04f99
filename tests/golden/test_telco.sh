# The public Telco file through examples/telco: every row accounted for, blanks imputed and counted.
source "$QUERN_ROOT/tests/support/cluster.sh"
data=$QUERN_DATA/telco-churn/WA_Fn-UseC_-Telco-Customer-Churn.csv
[[ -f $data ]] || { echo "SKIPPED: no Telco file at $data"; exit 77; }
cp "$QUERN_ROOT/examples/telco/quern.yaml" "$folder/quern.yaml"
started=$(date +%s%N)
"$QUERN" run "$folder/quern.yaml" --set "data=$data" --workers 2 --warehouse "$folder/cluster.db" --quiet
echo "took $((($(date +%s%N) - started) / 1000000)) ms"
expect "staging plus quarantine" 7043 \
  "$(count 'select (select count(*) from stg_customers) + (select count(*) from _quern_quarantine)')"
expect "blanks counted and imputed" "11|11" \
  "$(count "select nulls, imputed from _quern_profile where \"column\" = 'TotalCharges'")"
expect "no blank left" 0 "$(count 'select count(*) from stg_customers where TotalCharges is null')"
expect "mean of the others, rounded" 2283.3 \
  "$(count 'select TotalCharges from stg_customers where tenure = 0 limit 1')"
expect "held-out rows are a fifth of both classes" "374|1409" "$(count \
  "select group_concat(cast(value as integer), '|') from (select value from _quern_model_metrics
   where split = 'test' and metric in ('rows', 'positives') order by metric)")"
expect "held-out roc_auc of at least 0.83" 1 "$(count \
  "select value >= 0.83 from _quern_model_metrics where split = 'test' and metric = 'roc_auc'")"
expect "held-out log_loss of at most 0.44" 1 "$(count \
  "select value <= 0.44 from _quern_model_metrics where split = 'test' and metric = 'log_loss'")"
expect "the version is champion" "churn|1" \
  "$(count "select name, version from _quern_model_aliases where alias = 'champion'")"
expect "every customer has a score" 7043 "$(count 'select count(distinct customerID) from churn_scores')"
expect "a score is the same in training and scoring" 0 "$(count \
  'select count(*) from churn_scores join churn_predictions p using (customerID)
   where churn_scores.score <> p.score')"
digest=$("$QUERN" digest "$folder/cluster.db")
"$QUERN" run "$folder/quern.yaml" --set "data=$data" --workers 3 --warehouse "$folder/again.db" \
  --state "$folder/again" --quiet
expect "tables and model with another number of workers" "$digest" "$("$QUERN" digest "$folder/again.db")"
