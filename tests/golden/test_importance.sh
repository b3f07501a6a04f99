# Importances of a run are the same whatever the workers and the size of chunks, and the spec can
# leave them out.
source "$QUERN_ROOT/tests/support/cluster.sh"
cd "$folder"
"$QUERN" generate churn --rows 3000 --seed 5 --out rows.csv >/dev/null
write_spec() { # chunk size, evaluate
  cat >quern.yaml <<SPEC
version: 1
name: importance
seed: 8
warehouse: w.db
sources: {rows: {path: rows.csv, chunk_size: $1}}
jobs:
  fit: {kind: train, from: rows, label: churned, key: customer_id, features: {exclude: [signup_date]},
    algorithm: gradient_boosting, params: {num_rounds: 20}, evaluate: {importance: $2}, register: {model: m}}
SPEC
}
told() { # workers
  rm -rf w.db* .quern
  "$QUERN" run quern.yaml --workers "$1" --quiet
  sqlite3 w.db "select kind, feature, metric, printf('%.17g', value), printf('%.17g', spread), repeats, rows
    from _quern_model_importance; select feature, low, high, level, rows from _quern_model_shap"
}
write_spec 64MiB '{rows: 300, shap_rows: 200}'
told 1 >one
[[ $(wc -l <one) -gt 100 ]] || { echo "FAILED: too little is told"; cat one; exit 1; }
told 3 >three
expect "three workers" "" "$(diff one three)"
write_spec 32KiB '{rows: 300, shap_rows: 200}'
told 2 >small
expect "chunks" 1 "$(sqlite3 w.db "select chunks > 3 from _quern_jobs")"
expect "small chunks" "" "$(diff one small)"
write_spec 64MiB '{repeats: 0, shap_rows: 0}'
told 2 >none
expect "gain alone" gain "$(cut -d'|' -f1 none | sort -u)"
