# `quern models`: versions and aliases in lists, all that is known of one, names that are not there.
source "$QUERN_ROOT/tests/support/cluster.sh"
cd "$folder"
"$QUERN" init . --quiet
"$QUERN" run quern.yaml --workers 2 --quiet
sed -i 's/min: 0.75/min: 0.9999/' quern.yaml # the second version is no champion
"$QUERN" run quern.yaml --workers 2 --select churn --quiet
models() { "$QUERN" models "$@" --warehouse churn.db; }
json() { # sql over the JSON document
  sqlite3 :memory: "with doc(j) as (select readfile('json')) $1"
}

expect "listed" "churn 1 @champion
churn 2 -" "$(models list | awk '$1 == "churn" {print $1, $2, $3}')"
models list churn --json >json
expect "listed as JSON" "2|@champion|1" "$(json 'select json_array_length(j), j ->> 0 ->> "aliases",
  j ->> 0 ->> "roc_auc" > 0.75 from doc' | sed 's/ //g')"

models show churn@champion >said
for line in "model churn v1" "aliases  *@champion" "spec  *[0-9a-f]{64}" "seed  *42" \
  "usage  *.*/data/events.csv  .* 50000 rows, fingerprint [0-9a-f]{32}" \
  "roc_auc  *0\.[0-9]*  *0\.[0-9]*" "\(intercept\)( +-?[0-9.e-]+){6}" "plan=monthly( +-?[0-9.e-]+){6}"; do
  grep -qE "$line" said || { echo "FAILED: nothing like '$line' in"; cat said; exit 1; }
done
grep -qE "plan +0\.1[0-9]+ \+- 0\.0[0-9]+ +[0-9.]+$" said || { echo "FAILED: no importance of plan in"; cat said; exit 1; }
expect "the latest" "model churn v2" "$(models show churn | head -n 1)"
expect "by number" "model churn v1" "$(models show churn:1 | head -n 1)"
models show churn:1 --json >json
expect "shown as JSON" "churn|1|2|1|1|1" "$(json 'select j ->> "name", j ->> "version",
  json_array_length(j, "$.inputs"), json_array_length(j, "$.metrics") > 20,
  j ->> "$.artefact.terms[1].p_value" <= 1, typeof(j ->> "$.artefact.terms[1].odds_ratio") = "real" from doc')"
expect "importance as JSON" "plan|roc_auc|5" "$(json 'select x ->> "$.feature", x ->> "$.metric", x ->> "$.repeats" from
  (select value as x from doc, json_each(j, "$.importance") where value ->> "$.kind" = "permutation"
  order by value ->> "$.value" desc limit 1)')"

refused() { # what the complaint holds, selector
  local code=0
  models show "$2" >said 2>&1 || code=$?
  expect "exit code of show $2" 2 "$code"
  grep -q "$1" said || { echo "FAILED: show $2 says: $(cat said)"; exit 1; }
}
refused "it has churn; did you mean 'churn'" chrun
refused "versions up to 2 and @champion" churn:7
refused "versions up to 2 and @champion" churn@challenger
refused "no selector" churn:x
refused "expected NAME" @champion
sqlite3 churn.db "delete from _quern_models where name = 'churn' and version = 1" # by another hand
refused "@champion (of version 1, which is gone)" churn@champion
