# What another compiler makes of the same sources gives the same tables, models, files and pages, byte
# for byte. `./dev compilers` builds the other command and says where it is.
source "$QUERN_ROOT/tests/support/cluster.sh"
other=${QUERN_OTHER:-}
[[ -x $other ]] || { echo "SKIPPED: no command of another compiler; ./dev compilers builds one with clang"; exit 77; }
other=$(realpath "$other")
cd "$folder"
"$QUERN" generate churn --rows 12000 --seed 7 --out customers.csv
"$QUERN" generate events --rows 30000 --customers 12000 --seed 7 --out events.csv
# 305 columns so that L-BFGS begins the fit.
awk 'BEGIN { srand(5); printf "id,y"; for (c = 0; c < 305; c++) printf ",f%d", c; print ""
  for (r = 0; r < 800; r++) { printf "r%d,%d", r, rand() < 0.4; for (c = 0; c < 305; c++) printf ",%.3f", rand(); print "" } }' >wide.csv
cat >quern.yaml <<'SPEC'
version: 1
name: compilers
seed: 7
warehouse: cluster.db
sources:
  customers: {path: customers.csv, chunk_size: 128KiB}
  events: {path: events.csv, chunk_size: 256KiB, on_malformed: quarantine, columns: [{name: duration, type: integer}]}
  wide: {path: wide.csv, chunk_size: 512KiB, columns: [{name: id, type: text}]}
jobs:
  usage:
    kind: etl
    from: events
    group_by: [customer_id]
    aggregate: {events: count(*), spent: sum(amount), middle: median(duration), spread: stddev(amount), last: max(ts)}
    into: usage
  stg:
    kind: etl
    from: customers
    impute: {total_charge: {strategy: mean, round: 2}}
    join: {to: usage, on: [customer_id], how: left}
    derive:
      charge: ln(total_charge + 1)
      decay: exp(-tenure_months / 12.0) * pow(age, 0.3) + sqrt(monthly_charge)
      wave: sin(age) + tanh(support_calls) + log10(monthly_charge)
    drop: [signup_date, last]
    into: stg
  files: {kind: etl, from: stg, into: {file: stg.parquet}}
SPEC
train() { # name, from, more lines
  printf '  %s:\n    kind: train\n    from: %s\n    register: {model: %s}\n    into: %s_predictions\n' "$1" "$2" "$1" "$1"
  printf '    %s\n' "${@:3}"
}
common=('label: churned' 'key: customer_id' 'evaluate: {slices: [plan], threshold: {cost: {false_positive: 1, false_negative: 5}}}'
  'split: {test: 0.2, validation: 0.1, stratify: true}')
{
  train boosted stg "${common[@]}" 'algorithm: gradient_boosting' 'calibrate: isotonic' \
    'params: {num_rounds: 40, early_stopping_rounds: 5, bagging_fraction: 0.7, feature_fraction: 0.7, lambda_l1: 0.1, lambda_l2: 1.5, monotone: {tenure_months: -1}}' \
    'search: {method: halving, trials: 5, folds: 3, params: {num_leaves: [7, 15, 31], learning_rate: {min: 0.03, max: 0.5, log: true}}}'
  train plain stg "${common[@]}" 'algorithm: logistic_regression' 'calibrate: platt' 'params: {l2: 0, class_weight: balanced}'
  train elastic stg "${common[@]}" 'algorithm: logistic_regression' \
    'search: {folds: 4, metric: log_loss, params: {l1: [0.5, 3], l2: [0.1, 5]}}'
  train many wide 'label: y' 'key: id' 'split: {test: 0.2}' 'algorithm: logistic_regression' 'params: {l2: 3}'
  printf '  scores: {kind: score, from: stg, model: boosted, contributions: true, into: scores}\n'
} >>quern.yaml

answer() { # command, folder: what it makes, as a list of digests
  mkdir "$2"
  rm -rf .quern cluster.db* stg.parquet
  "$1" run quern.yaml --workers 2 --quiet
  mv cluster.db stg.parquet "$2"
  "$1" digest "$2/cluster.db" >"$2/digest"
  local model form
  for model in boosted plain elastic many; do
    "$1" models show "$model" --json --warehouse "$2/cluster.db" | grep -o '"metrics":.*' >"$2/$model.metrics"
    for form in c json lightgbm xgboost; do
      [[ $form != lightgbm && $form != xgboost || $model == boosted ]] || continue
      "$1" models export "$model" --format "$form" --out "$2/$model.$form" --warehouse "$2/cluster.db" --quiet
    done
  done
  "$1" query "select plan, avg(charge), stddev(decay), sum(wave) from '$2/stg.parquet' group by 1 order by 1" --csv >"$2/query.csv"
  "$1" convert "$2/stg.parquet" "$2/stg.csv" --quiet
}
answer "$QUERN" ours
answer "$other" theirs
rm ours/cluster.db theirs/cluster.db
diff -rq ours theirs || { echo "FAILED: $(basename "$other") makes something else"; diff ours/digest theirs/digest; exit 1; }
echo "the same $(wc -l <ours/digest) tables and models, and $(find ours -type f | wc -l) files"
