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
