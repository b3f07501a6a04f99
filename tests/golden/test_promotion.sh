# A champion, a challenger that adds nothing but noise, one that is better, and back again: what
# `register.promote` with `vs` and `quern models` make of them.
source "$QUERN_ROOT/tests/support/cluster.sh"
cd "$folder"
# y follows a and b; noise follows nothing.
awk 'function u() { seed = (seed * 16807) % 2147483647; return seed / 2147483647 }
  BEGIN { seed = 20261125; print "id,a,b,noise,y"
    for (i = 0; i < 6000; i++) { a = u() * 6 - 3; b = u() * 6 - 3; n = u()
      printf "k%d,%.6f,%.6f,%.6f,%d\n", i, a, b, n, u() < 1 / (1 + exp(-(a + 0.8 * b - 1))) } }' >rows.csv
spec() { # features
  cat >quern.yaml <<SPEC
version: 1
name: promotion
seed: 3
warehouse: cluster.db
sources:
  rows: {path: rows.csv, columns: [{name: id, type: text}]}
jobs:
  fit:
    kind: train
    from: rows
    label: y
    key: id
    features: {include: [$1]}
    split: {test: 0.3, stratify: true}
    algorithm: logistic_regression
    evaluate: {threshold: {budget: 0.25}}
    register:
      model: m
      promote:
        alias: champion
        when: [{metric: roc_auc, min: 0.6}, {metric: roc_auc, vs: champion}, {metric: log_loss, vs: champion, confidence: 0.9}]
    into: {table: fit_predictions}
  scores:
    kind: score
    from: rows
    model: m@champion
    into: scores
SPEC
}
train() { # features
  spec "$1"
  "$QUERN" run quern.yaml --workers "${2:-2}" --quiet >run.out
}
models() { "$QUERN" models "$@" --warehouse cluster.db; }
champion() { count "select version from _quern_model_aliases where name = 'm' and alias = 'champion'"; }
said() { count "select status || ': ' || message from _quern_tests where test = 'promote' order by rowid desc limit 1"; }
fails() { # exit code, what is said, command...
  local want=$1 words=$2 code=0
  shift 2
  "$@" >said 2>&1 || code=$?
  expect "exit code of $*" "$want" "$code"
  grep -q "$words" said || { echo "FAILED: '$words' is not in: $(cat said)"; exit 1; }
}

train a
expect "the first is champion" 1 "$(champion)"
[[ $(said) == "pass: model m becomes @champion:"*"no @champion to beat yet"* ]] || { said; exit 1; }
train a,noise
expect "a noise challenger does not promote" 1 "$(champion)"
[[ $(said) == "warn: model m does not become @champion: test roc_auc "*" does not beat "*" of @champion (v1)"* ]] || { said; exit 1; }
train a,b 3
expect "a better challenger promotes" 3 "$(champion)"
[[ $(said) == "pass: model m becomes @champion: "*" beats "*" of @champion (v1): better by 0."* ]] || { said; exit 1; }
expect "on every test row" "1|1" "$(count "select count(distinct c.rows), min(c.rows = x.value)
  from _quern_model_comparisons as c join _quern_model_metrics as x on x.version = c.version
  where x.split = 'test' and x.metric = 'rows' and c.version = 3")"
expect "comparisons" "2|1|roc_auc|0.95|0
2|1|log_loss|0.9|0
3|1|roc_auc|0.95|1
3|1|log_loss|0.9|1" "$(count "select version, against, metric, confidence, holds from _quern_model_comparisons order by version, rule")"
expect "a verdict is its interval" 0 "$(count "select count(*) from _quern_model_comparisons where holds <> (low > 0)
  or abs(value - against_value - difference * iif(metric = 'log_loss', -1, 1)) > 1e-12")"
expect "what the runs compared with and scored by" "fit|
fit|1
fit|1
scores|1
scores|1
scores|3" "$(count "select u.job, u.version from _quern_model_uses as u join _quern_runs as r using (run_id) order by job, started_at")"
expect "a quarter at most is called positive on training rows" 1 "$(count "select value <= 0.25 from
  _quern_model_metrics where version = 3 and split = 'train' and metric = 'threshold_share'")"

expect "rollback" "m@champion is version 1 now; it was version 3" "$(models rollback m)"
expect "the version before it" 1 "$(champion)"
fails 2 "nothing to go back to" models rollback m@champion
expect "by hand" "m@champion is version 2 now; it was version 1" "$(models promote m:2 --alias champion --note 'a trial')"
expect "and back" '{"name":"m","alias":"champion","version":1,"before":2}' "$(models rollback m@champion --json)"
expect "the history" "1|promote|1
2|promote|3
3|rollback|1
4|promote|2
5|rollback|1" "$(count 'select move, action, version from _quern_model_moves order by move')"
expect "the trial is told of" "a trial" "$(count 'select note from _quern_model_moves where move = 4')"
fails 2 "no alias @challenger" models rollback m@challenger
fails 2 "takes an alias" models rollback m:2
fails 2 "needs --alias" models promote m:2
fails 2 "versions up to 3" models promote m:9 --alias champion
fails 2 "no warehouse" "$QUERN" models rollback m --warehouse none.db
[[ ! -e none.db ]] || { echo "FAILED: none.db was made"; exit 1; }

models show m:3 >card
for line in "^features" "^  b  *[a-z0-9(),]*  *numeric  *0$" "promotion" "beats" "aliases that it had" "promote  *@champion" "roc_auc_std_error" "threshold_recall"; do
  grep -q "$line" card || { echo "FAILED: nothing like '$line' in"; cat card; exit 1; }
done
models show m:3 --format json >json
expect "the card as JSON" "2|1|1" "$(sqlite3 :memory: "with doc(j) as (select readfile('json')) select
  json_array_length(j, '$.comparisons'), json_array_length(j, '$.moves'), j ->> '$.comparisons[0].holds' from doc")"

# Versions 1 to 3 wrote one table of predictions after another: what promotion said is there still.
models compare m:3 m:1 >compared
grep -q "v3 against v1, test roc_auc on" compared || { cat compared; exit 1; }
sed -i 's/fit_predictions/other_predictions/; s/model: m$/model: n/; s/m@champion/n@champion/' quern.yaml
sed -i 's/include: \[a,b\]/include: [a]/' quern.yaml
"$QUERN" run quern.yaml --select fit --quiet >run.out
models compare m:3 n:1 --json >json
expect "two tables of predictions" "4|1|1" "$(sqlite3 :memory: "with doc(j) as (select readfile('json')) select
  json_array_length(j, '$.differences'), j ->> '$.differences[0].low' > 0,
  j ->> '$.differences[0].rows' > 1500 from doc")"
expect "the difference is that of the metrics" 0 "$(sqlite3 :memory: "with doc(j) as (select readfile('json')),
  d as (select value ->> 'metric' as metric, value ->> 'a' as a, value ->> 'b' as b from doc, json_each(j, '$.differences')),
  m as (select value ->> 'metric' as metric, value ->> 'a' as a, value ->> 'b' as b from doc, json_each(j, '$.metrics') where value ->> 'split' = 'test')
  select count(*) from d join m using (metric) where abs(d.a - m.a) > 1e-12 or abs(d.b - m.b) > 1e-12")"
