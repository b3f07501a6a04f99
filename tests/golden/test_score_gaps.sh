# What a model does not know of the rows it scores is counted: categories that training never saw, and
# columns that are not there; whatever the chunks and workers, and for both algorithms.
source "$QUERN_ROOT/tests/support/cluster.sh"
cd "$folder"
"$QUERN" generate churn --rows 3000 --seed 4 --out train.csv --quiet
# Rows to score: `plan` of every tenth one is new, `region` is gone.
awk -F, -v OFS=, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i }
  NR > 1 && NR % 10 == 0 { $at["plan"] = NR == 10 ? "gold" : "tin" }
  { $at["region"] = "drop me"; print }' train.csv | sed 's/drop me,//' >odd.csv
awk -F, -v OFS=, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i }
  NR > 1 && NR % 10 == 0 { $at["plan"] = NR == 10 ? "gold" : "tin" }
  NR > 1 { $at["region"] = "" }
  { print }' train.csv >gaps.csv
fit() { # model, lines
  cat <<END
  $1:
    kind: train
    from: train
    label: churned
    key: customer_id
    features: {exclude: [signup_date]}
    split: {method: hash, test: 0.2}
    register: {model: $1}
$2
END
}
score() { # job, source, model, more
  echo "  $1: {kind: score, from: $2, model: $3, key: customer_id, into: $1${4:-}}"
}
cat >spec.yaml <<END
version: 1
name: gaps
warehouse: w.db
params: {chunk: 1MiB}
sources:
  train: {path: train.csv}
  odd: {path: odd.csv, chunk_size: "\${param:chunk}"}
  gaps: {path: gaps.csv, columns: [{name: region, type: text}]}
jobs:
$(fit trees "    algorithm: gradient_boosting
    params: {num_rounds: 10}")
$(fit line "    algorithm: logistic_regression")
$(score trees_odd odd trees ", missing_columns: warn")
$(score line_odd odd line ", missing_columns: warn, contributions: true")
$(score trees_gaps gaps trees)
$(score line_gaps gaps line)
END
told="line_gaps|plan|unknown_category|300|3000|'gold'
line_odd|plan|unknown_category|300|3000|'gold'
line_odd|region|missing_column|3000|3000|'region'
trees_gaps|plan|unknown_category|300|3000|'gold'
trees_odd|plan|unknown_category|300|3000|'gold'
trees_odd|region|missing_column|3000|3000|'region'"
for way in "1 1MiB" "2 16KiB"; do
  read -r workers chunk <<<"$way"
  rm -rf w.db* .quern
  "$QUERN" run spec.yaml --workers "$workers" --set chunk="$chunk" --quiet
  expect "told of, $way" "$told" "$(sqlite3 w.db "select job, \"column\", test, failures, rows,
    substr(message, instr(message, case test when 'unknown_category' then 'them ' else 'column ' end)
      + case test when 'unknown_category' then 5 else 7 end, case test when 'unknown_category' then 6
      else 8 end) from _quern_tests where job like '%\_%' escape '\' order by 1, 2")"
  expect "warnings, $way" "warn|warn" "$(sqlite3 w.db "select distinct severity, status from _quern_tests
    where test in ('unknown_category', 'missing_column')")"
  for model in trees line; do
    expect "$model: no column is no value" 3000 "$(sqlite3 w.db "select count(*) from ${model}_odd o
      join ${model}_gaps g on o.customer_id = g.customer_id and o.score = g.score")"
  done
  "$QUERN" digest w.db >"digest.$workers"
done
cmp digest.1 digest.2

sed -i 's/, missing_columns: warn//' spec.yaml
code=0
"$QUERN" run spec.yaml --select trees_odd --quiet >said 2>&1 || code=$?
expect "exit code without a column" 1 "$code"
grep -q "the rows lack what the model needs: 'region' (missing_columns: warn" said ||
  { echo "FAILED: it says: $(cat said)"; exit 1; }

# A batch whose numbers are all missing, and one without a row: texts as far as a reader can tell.
awk -F, -v OFS=, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i } NR > 1 { $at["age"] = "" } { print }' train.csv >blank.csv
awk -F, -v OFS=, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i } NR == 9 { $at["age"] = "old" } NR > 1 && NR != 9 { $at["age"] = "" }
  { print }' train.csv >words.csv
head -n 1 train.csv >none.csv
cut -d, -f1,2,4- train.csv >no_age.csv
cat >more.yaml <<END
version: 1
name: more
warehouse: w.db
sources: {blank: {path: blank.csv}, none: {path: none.csv}, words: {path: words.csv}, no_age: {path: no_age.csv}}
jobs:
$(for model in trees line; do
  score ${model}_blank blank $model
  score ${model}_none none $model
  score ${model}_no_age no_age $model ", missing_columns: warn"
  score ${model}_words words $model
done)
END
"$QUERN" run more.yaml --quiet --select trees_blank trees_none trees_no_age line_blank line_none line_no_age 2>said || { cat said; exit 1; }
for model in trees line; do
  expect "$model: a column without values is none" 3000 "$(sqlite3 w.db "select count(*) from ${model}_blank
    join ${model}_no_age using (customer_id, score)")"
  expect "$model: no rows" 0 "$(sqlite3 w.db "select count(*) from ${model}_none")"
  code=0
  "$QUERN" run more.yaml --select ${model}_words --quiet >said 2>&1 || code=$?
  expect "exit code of words for numbers" 1 "$code"
  grep -q "the rows lack what the model needs: 'age' (text, not integer)" said || { cat said; exit 1; }
done
