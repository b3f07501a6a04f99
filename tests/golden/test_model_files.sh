# Models as files: the C file compiles alone, without a warning, and scores to the last bit like the
# score job, missing and unknown values too; what features add comes to the margin; a model goes out
# as LightGBM's text and comes back as the same model.
source "$QUERN_ROOT/tests/support/cluster.sh"
cd "$folder"

made_up() { # rows, first seed, a category that training has not
  awk -v n="$1" -v seed="$2" -v extra="$3" 'function draw(k) {
      seed = (seed * 1103515245 + 12345) % 2147483648; return int(seed / 65536) % k }
    BEGIN {
      split("basic,two words,back\\slash,what??/,Zürich,*/x,it'\''s", plans, ",")
      print "id,usage,tenure,plan,region,shop,churned"
      for (i = 0; i < n; i++) {
        usage = draw(900) / 8; tenure = draw(72); plan = 1 + draw(7); region = draw(40); shop = draw(700)
        churned = (usage / 60 - tenure / 20 + (plan > 4) + (region % 3) - 1 + (shop % 5 == 0) + draw(100) / 50 > 0.5)
        print i "," (draw(10) ? usage : "") "," (draw(15) ? tenure : "") "," \
          (draw(12) ? plans[plan] : (draw(2) ? extra : "")) ",r" region ",s" shop "," churned
      }
    }'
}
made_up 3000 1 basic >train.csv
made_up 2000 99 "never seen" >rows.csv
columns='[{name: id, type: integer}, {name: usage, type: double}, {name: tenure, type: integer},
  {name: plan, type: text}, {name: region, type: text}, {name: shop, type: text}, {name: churned, type: integer}]'
fit="kind: train, from: train, label: churned, key: id, split: {method: hash, test: 0.2}"
cat >quern.yaml <<SPEC
version: 1
name: files
seed: 5
warehouse: w.db
sources:
  train: {path: train.csv, columns: $columns}
  rows: {path: rows.csv, columns: $columns}
jobs:
  trees: {$fit, algorithm: gradient_boosting, register: {model: trees},
    params: {num_rounds: 30, num_leaves: 15, min_data_per_group: 10, cat_smooth: 1}}
  logit: {$fit, algorithm: logistic_regression, register: {model: logit}}
  trees_platt: {$fit, algorithm: gradient_boosting, calibrate: platt, register: {model: trees_platt},
    params: {num_rounds: 80, num_leaves: 15, min_data_per_group: 10, learning_rate: 0.5}}
  trees_isotonic: {$fit, algorithm: gradient_boosting, calibrate: isotonic, register: {model: trees_isotonic},
    params: {num_rounds: 30}}
  logit_platt: {$fit, algorithm: logistic_regression, calibrate: platt, register: {model: logit_platt}}
  from_trees: {kind: score, from: rows, model: trees, contributions: true, into: from_trees}
  from_logit: {kind: score, from: rows, model: logit, contributions: true, into: from_logit}
  trees_platt_csv: {kind: score, from: rows, model: trees_platt, into: {file: trees_platt.csv}}
  trees_isotonic_csv: {kind: score, from: rows, model: trees_isotonic, into: {file: trees_isotonic.csv}}
  logit_platt_csv: {kind: score, from: rows, model: logit_platt, into: {file: logit_platt.csv}}
  trees_csv: {kind: score, from: rows, model: trees, into: {file: trees.csv}}
  logit_csv: {kind: score, from: rows, model: logit, into: {file: logit.csv}}
SPEC
"$QUERN" run quern.yaml --workers 2 --quiet
models() { "$QUERN" models "$@" --warehouse w.db; }

for model in trees logit; do
  expect "contributions of $model add up" 2000 "$(sqlite3 w.db "select count(*) from from_$model
    where abs(contribution_usage + contribution_tenure + contribution_plan + contribution_region
      + contribution_shop + contribution_bias - margin) < 1e-9")"
done
for model in trees logit trees_platt trees_isotonic logit_platt; do
  models export $model --format c --out $model.c --quiet
  ${CC:-cc} -std=c99 -Wall -Wextra -Werror -O2 -ffp-contract=off -c $model.c -o $model.o
  cat >main.c <<MAIN
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
double ${model}_score(const double *features);
double ${model}_category(int feature, const char *text);
extern const char *const *const ${model}_categories[];
extern const int ${model}_n_features;
int main(void) {
    static char line[4096];
    while (fgets(line, sizeof line, stdin)) { /* score, then features */
        double features[16];
        char *at = line, *comma;
        line[strcspn(line, "\r\n")] = 0;
        double score = strtod(at, &at);
        for (int f = 0; f < ${model}_n_features; f++) {
            at++;
            if ((comma = strchr(at, ',')))
                *comma = 0;
            features[f] = *at == 0 ? ${model}_category(f, 0)
                        : ${model}_categories[f] ? ${model}_category(f, at) : strtod(at, 0);
            at += strlen(at);
        }
        puts(${model}_score(features) == score ? "same" : "other");
    }
    return 0;
}
MAIN
  ${CC:-cc} -std=c99 main.c $model.o -o main # no -lm
  paste -d, <(tail -n +2 $model.csv | cut -d, -f2) <(tail -n +2 rows.csv | cut -d, -f2-6) >both.csv
  expect "scores of $model.c" "2000 same" "$(./main <both.csv | sort | uniq -c | sed 's/^ *//')"
done

models export trees --format lightgbm --out trees.txt --quiet
models import trees.txt --name back --columns trees.txt.columns.json | grep -q "back v1"
expect "the same file is the same version" "model back v1: from trees.txt" \
  "$(models import trees.txt --name back --columns trees.txt.columns.json)"
cat >back.yaml <<SPEC
version: 1
name: back
warehouse: w.db
sources: {rows: {path: rows.csv, columns: $columns}}
jobs:
  from_back: {kind: score, from: rows, model: back, key: id, contributions: true, into: from_back}
SPEC
"$QUERN" run back.yaml --workers 2 --quiet
expect "there and back" 2000 "$(sqlite3 w.db 'select count(*) from from_trees as a
  join from_back as b using (id) where a.margin = b.margin and abs(a.contribution_plan - b.contribution_plan) < 1e-12')"

# What cannot say a calibration says so, and the columns file has it.
for format in lightgbm xgboost; do
  models export trees_platt --format $format --out calibrated 2>said
  grep -q "trees_platt is calibrated (platt), and a model of $format cannot say so" said || { cat said; exit 1; }
  expect "calibration beside $format" "platt" "$(sqlite3 :memory: "select readfile('calibrated.columns.json') ->> '$.calibration.method'")"
  models export trees --format $format --out calibrated 2>said
  expect "nothing to warn of" "" "$(cat said)"
done
expect "calibrations are more than nothing" "2000|1" "$(sqlite3 w.db ".mode csv" ".import trees_platt.csv p" ".mode list" \
  "select count(*), count(distinct p.score) > 100 from p")"

refused() { # what the complaint holds, words
  local code=0
  "${@:2}" >said 2>&1 || code=$?
  [[ $code != 0 ]] || { echo "FAILED: ${*:2} was taken"; exit 1; }
  grep -q "$1" said || { echo "FAILED: ${*:2} says: $(cat said)"; exit 1; }
}
refused "consists of trees" models export logit --format lightgbm --out x
refused "consists of trees" models export logit --format xgboost --out x
refused "expected --format" models export trees --format onnx --out x
refused "no model tree" models export tree --format c --out x
refused "the first line" models import rows.csv --name x
expect "nothing was left behind" "" "$(ls | grep -E '^x|partial' || true)"
