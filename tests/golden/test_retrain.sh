# `retrain`: a model is fitted again when the rows that came since it was trained have drifted, and
# there are enough of them; else the champion stays, and the run says why.
source "$QUERN_ROOT/tests/support/cluster.sh"
cd "$folder"
# rows: file, first id, rows, by how much the mean of a is moved, share of plan "new"
rows() {
  awk -v first="$2" -v n="$3" -v shift="$4" -v new="$5" '
    function u() { seed = (seed * 16807) % 2147483647; return seed / 2147483647 }
    BEGIN { seed = 20261125 + first; print "id,a,b,plan,y"
      for (i = 0; i < n; i++) { a = u() * 6 - 3 + shift; b = u() * 6 - 3
        plan = u() < new ? "new" : u() < 0.3 ? "" : "old"
        printf "k%d,%.6f,%s,%s,%d\n", first + i, a, u() < 0.1 ? "" : b, plan,
          u() < 1 / (1 + exp(-(a + 0.8 * b - 1))) } }' >"$1"
}
spec() { # from, retrain
  cat >quern.yaml <<SPEC
version: 1
name: retrain
seed: 3
warehouse: cluster.db
sources:
  rows: {path: data/, columns: [{name: id, type: text}, {name: b, type: double}, {name: plan, type: text}]}
jobs:
  stage:
    kind: etl
    from: rows
    derive: {c: a * 2}
  latest:
    kind: etl
    from: stage
    dedupe: {by: [id]}
  fit:
    kind: train
    from: $1
    label: y
    key: id
    split: {test: 0.3, stratify: true}
    algorithm: logistic_regression
    register: {model: m, promote: {alias: champion, when: [{metric: roc_auc, min: 0.6}]}}
    retrain: {on_drift: {metric: ${3:-psi}, any_feature_above: 0.25}, min_new_rows: $2}
    into: fitted
  scores:
    kind: score
    from: $1
    model: m@champion
    into: scores
SPEC
}
run() { # workers
  "$QUERN" run quern.yaml --workers "${1:-2}" --quiet >run.out
  "$QUERN" digest cluster.db >digest
}
versions() { count 'select count(*) from _quern_models'; }
said() { count "select status || ': ' || message from _quern_tests where test = 'retrain' order by rowid desc limit 1"; }
last="(select run_id from _quern_runs order by rowid desc limit 1)"
says() { # what is meant, pattern
  # shellcheck disable=SC2053
  [[ $(said) == $2 ]] || { printf 'FAILED: %s\n  expected: %s\n  got:      %s\n' "$1" "$2" "$(said)"; exit 1; }
}
begin() { # from, min_new_rows
  rm -rf .quern cluster.db* data
  mkdir data
  rows data/1.csv 0 4000 0 0
  spec "$@"
  run
  expect "the first run trains, $1" 1 "$(versions)"
  says "why it does" "pass: trained: there is no m@champion yet"
  expect "nothing to compare with" 0 "$(count 'select count(*) from _quern_drift')"
}

for from in rows stage latest; do
  begin "$from" 1000
  fitted=$(grep 'table.*fitted' digest)
  run
  says "no new file, $from" "pass: kept champion v1: 0 new rows < min_new_rows 1000"
  cp data/1.csv data/0.csv # the same rows under another name are no news
  run
  says "a copy, $from" "pass: kept champion v1: 0 new rows < min_new_rows 1000"
  rm data/0.csv
  rows data/2.csv 4000 1500 0 0
  run
  says "rows as before, $from" "pass: kept champion v1: largest psi 0.0* at * < 0.25 (1500 new rows)"
  expect "what was kept, $from" "1|$fitted" "$(versions)|$(grep 'table.*fitted' digest)"
  expect "a kept job balances, $from" "success|5500|5500" "$(count "select status, rows_in, rows_absorbed from _quern_jobs where job = 'fit' and run_id = $last")"
  expect "scores go on, $from" "5500|1|1" "$(count 'select count(*), min(model_version), max(model_version) from scores')"
  rm data/2.csv
  rows data/2.csv 4000 900 2 0
  run 1
  says "too few, $from" "pass: kept champion v1: 900 new rows < min_new_rows 1000; largest psi * at a > 0.25"
  rows data/3.csv 5000 4000 2 0
  run 3
  says "enough that have drifted, $from" "pass: trained, as rows drifted from those of champion v1: largest psi * at a > 0.25 (4900 new rows)"
  expect "a second version, $from" "2|2" "$(versions)|$(count "select version from _quern_model_aliases where alias = 'champion'")"
  run
  says "and then all is well, $from" "pass: kept champion v2: 0 new rows < min_new_rows 1000"
done

# What is stored adds up: psi by its formula, from the bins that stand beside it.
begin rows 1
rows data/2.csv 4000 3000 0.5 0.2
run
says "a category that is new" "pass: trained, as rows drifted from those of champion v1: largest psi * at plan > 0.25 (3000 new rows)"
expect "features" "a|2800|3000
b|2800|3000
plan|2800|3000" "$(count "select feature, baseline_rows > 2700 and baseline_rows < 2900, rows from _quern_drift where run_id = $last order by 1" | sed 's/|1|/|2800|/')"
expect "psi and js by hand" 3 "$(count "with bins as (select feature, psi, js, baseline_rows as n, rows as m,
    value ->> 'before' as b, value ->> 'now' as w from _quern_drift, json_each(bins) where run_id = $last),
  shares as (select *, max(b, iif(w, 0.5, 0)) * 1.0 / n as p, max(w, iif(b, 0.5, 0)) * 1.0 / m as q,
    b * 1.0 / n as x, w * 1.0 / m as z from bins where b + w > 0),
  sums as (select feature, psi, js, sum((q - p) * ln(q / p)) as mine,
    sum(iif(x, x * ln(2 * x / (x + z)), 0) + iif(z, z * ln(2 * z / (x + z)), 0)) / 2 / ln(2) as mine_js
    from shares group by feature)
  select count(*) from sums where abs(psi - mine) < 1e-12 and abs(js - mine_js) < 1e-12")"
expect "bins hold every row" 0 "$(count "select count(*) from _quern_drift where
  (select sum(value ->> 'before') from json_each(bins)) <> baseline_rows
  or (select sum(value ->> 'now') from json_each(bins)) <> rows")"
expect "missing values and other categories" "1|1" "$(count "select max(value ->> 'missing'), max(value ->> 'others')
  from _quern_drift, json_each(bins) where feature = 'plan'")"
expect "a tenth of the training rows a bin" 1 "$(count "select count(*) = 10 and min(value ->> 'before') > 0.08 * baseline_rows
  from _quern_drift, json_each(bins) where feature = 'a' and value ->> 'before' > 0 and run_id = $last")"

# A file that grew counts from where it ended; one whose bytes changed counts as a whole.
begin rows 1
rows more.csv 4000 500 3 0
tail -n +2 more.csv >>data/1.csv
run
says "a file that grew" "pass: kept champion v1: largest psi 0.* at a < 0.25 (500 new rows)"
sed -i '2s/^k0,/k_,/' data/1.csv
run
says "a file that changed" "pass: kept champion v1: largest psi 0.* at a < 0.25 (4500 new rows)"

# js has a scale of its own; without `retrain` drift is measured as well.
begin rows 1 js
rows data/2.csv 4000 2000 3 0
run
says "js" "pass: trained, as rows drifted from those of champion v1: largest js * at a > 0.25 (2000 new rows)"
sed -i '/retrain:/d' quern.yaml
rows data/3.csv 6000 2000 -2 0
run
expect "told without retrain" "2|1|3" "$(count "select version, psi > 0.25, (select count(*) from _quern_models)
  from _quern_drift where run_id = $last and feature = 'a'")"
expect "and not decided by" 1 "$(count "select count(*) = 0 from _quern_tests where run_id = $last and test = 'retrain'")"

# Mistakes, each where it stands.
spec rows 1
sed -i 's/^    retrain: .*/    retrain: {on_drift: {metric: kl, any_feature_above: -1, feature: a}, min_new_rows: some}/; s/^    from: rows$/    from: fit/; /register:/d' quern.yaml
code=0
"$QUERN" validate quern.yaml >said 2>&1 || code=$?
expect "exit code of mistakes" 2 "$code"
for words in "quern.yaml:23:34: " "quern.yaml:23:57: " "unknown key 'feature'" "quern.yaml:23:88: "; do
  grep -qF "$words" said || { echo "FAILED: '$words' is not in"; cat said; exit 1; }
done
spec rows 1
sed -i '/register:/d; /^  scores:/,$d' quern.yaml
"$QUERN" validate quern.yaml >said 2>&1 && exit 1
grep -qF "quern.yaml:23:14: retrain keeps the champion, and this job registers no model" said || { cat said; exit 1; }
spec rows 1
sed -i '/^  scores:/,$s/from: rows/from: fit/' quern.yaml
"$QUERN" validate quern.yaml >said 2>&1 && exit 1
grep -qF "job fit gives no rows when it keeps its champion" said || { cat said; exit 1; }
