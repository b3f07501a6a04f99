# 200 champions and as many challengers that are in truth just as good, through the real rule and the
# real registry: promoted are about as many as the stated confidence lets past. Challengers that are
# better in truth promote, and each alias goes back by one command.
source "$QUERN_ROOT/tests/support/cluster.sh"
cd "$folder"
trials=200 better=10
# Labels follow a hidden margin m; scores s and t see it through noise of the same size, b through less.
awk -v n=1200 -v trials=$trials -v better=$better '
  function u() { seed = (seed * 16807) % 2147483647; return seed / 2147483647 }
  function normal() { return sqrt(-2 * log(u())) * cos(6.283185307179586 * u()) }
  BEGIN { seed = 20261125; printf "id"
    for (k = 1; k <= trials; k++) printf ",y%d,s%d,t%d", k, k, k
    for (k = 1; k <= better; k++) printf ",b%d", k
    print ""
    for (i = 0; i < n; i++) { printf "r%d", i
      for (k = 1; k <= trials; k++) { m = 1.2 * normal() - 1; if (k <= better) margin[k] = m
        printf ",%d,%.4f,%.4f", u() < 1 / (1 + exp(-m)), m + normal(), m + normal() }
      for (k = 1; k <= better; k++) printf ",%.4f", margin[k] + 0.2 * normal()
      print "" } }' >rows.csv
"$QUERN" convert rows.csv rows.parquet --quiet
spec() { # feature, trials
  cat <<'SPEC'
version: 1
name: rate
seed: 3
warehouse: cluster.db
sources:
  rows: {path: rows.parquet}
jobs:
SPEC
  for k in $(seq "$2"); do
    cat <<SPEC
  fit$k: {kind: train, from: rows, label: y$k, key: id, features: {include: [$1$k]}, split: {test: 0.5}, guards: off,
    algorithm: logistic_regression, register: {model: m$k, promote: {alias: champion,
    when: [{metric: roc_auc, vs: champion, confidence: 0.8}]}}}
SPEC
  done
}
train() { # feature, trials
  spec "$1" "$2" >quern.yaml
  "$QUERN" run quern.yaml --workers 2 --quiet >run.out
}
champions() { count "select count(*) from _quern_model_aliases where alias = 'champion' and version = $1"; }

train s $trials
expect "champions" $trials "$(champions 1)"
train t $trials
promoted=$(champions 2)
expect "every challenger was compared" $trials "$(count 'select count(*) from _quern_model_comparisons where version = 2')"
expect "who is promoted is who holds" "$promoted" "$(count 'select sum(holds) from _quern_model_comparisons where version = 2')"
# 40 on the average, with a standard deviation of 5.7.
[[ $promoted -ge 23 && $promoted -le 57 ]] ||
  { echo "FAILED: $promoted of $trials challengers that are no better promote at a confidence of 0.8"; exit 1; }

for k in $(count "select substr(name, 2) from _quern_model_aliases where version = 2"); do
  "$QUERN" models rollback "m$k" --warehouse cluster.db >run.out
done
expect "champions after all rollbacks" $trials "$(champions 1)"
train b $better
expect "better challengers that promote" $better "$(champions 3)"
echo "$promoted of $trials challengers that are no better promote at a confidence of 0.8; $better of $better better ones do"
