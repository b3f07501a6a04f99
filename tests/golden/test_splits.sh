# Splits by time, by the values of a column, and by the hash of an entity: which rows are held out,
# what becomes of rows on no side, what is refused.
source "$QUERN_ROOT/tests/support/cluster.sh"
cd "$folder"
awk 'function u() { seed = (seed * 16807) % 2147483647; return seed / 2147483647 }
  BEGIN { seed = 20261125; print "id,customer,day,ts,n,part,a,b,y"
    for (i = 0; i < 4000; i++) { a = u() * 6 - 3; b = u() * 6 - 3; d = int(u() * 300); s = int(u() * 86400)
      day = sprintf("2025-%02d-%02d", 1 + int(d / 28), 1 + d % 28)
      printf "k%d,c%d,%s,%s %02d:%02d:%02d,%d,%s,%.6f,%.6f,%d\n", i, int(u() * 700),
        i % 100 == 7 ? "" : day, day, int(s / 3600), int(s / 60) % 60, s % 60, d,
        i % 50 == 3 ? "" : i % 50 == 4 ? "odd" : u() < 0.6 ? "fit" : u() < 0.5 ? "stop" : u() < 0.5 ? "cal" : "late",
        a, b, u() < 1 / (1 + exp(-(a + 0.8 * b - 1))) } }' >rows.csv
spec() { # split, more keys
  cat >quern.yaml <<SPEC
version: 1
name: splits
seed: 3
warehouse: cluster.db
sources:
  rows: {path: rows.csv, chunk_size: 20KiB, columns: [{name: id, type: text}, {name: ts, type: ${3:-timestamp}}]}
jobs:
  all: {kind: etl, from: rows, into: all_rows}
  fit:
    kind: train
    from: rows
    label: y
    key: id
    features: {include: [a, b]}
    split: {$1}
    algorithm: gradient_boosting
    params: {num_rounds: ${4:-20}, num_leaves: 5${5:-}}
    register: {model: m}
    into: fitted
${2:-}
SPEC
}
run() { # split, more keys, type of ts; with 1 and with 3 workers
  spec "$@"
  local workers first
  for workers in 1 3; do
    rm -rf .quern cluster.db*
    "$QUERN" run quern.yaml --workers "$workers" --quiet >run.out
    "$QUERN" digest cluster.db >digest.$workers
  done
  cmp digest.1 digest.3
  expect "rows of a side, $1" "$(count "select group_concat(rows, ' ') from (select count(*) as rows from fitted group by split order by split)")" \
    "$(count "select group_concat(rows, ' ') from (select cast(value as integer) as rows from _quern_model_metrics where metric = 'rows' order by split)")"
  expect "rows in and out, $1" 1 "$(count "select rows_in = 4000 and rows_in = rows_out + rows_quarantined + rows_filtered from _quern_jobs where job = 'fit'")"
}
# The side of every row against what SQL says.
sides() { # what, sql for the side
  expect "sides by $1" 0 "$(count "select count(*) from all_rows as r left join fitted as f using (id) where f.split is not ($2)")"
}
fails() { # words, split, more keys
  spec "$2" "${3:-}"
  rm -rf .quern cluster.db*
  local code=0
  "$QUERN" run quern.yaml --quiet >said 2>&1 || code=$?
  [[ $code -ne 0 ]] && grep -qF "$1" said || { echo "FAILED: '$1' is not in: $(cat said)"; exit 1; }
}

run 'method: time, column: day, validation_from: 2025-08-01, test_from: 2025-10-01' '    guards: off'
sides day "iif(day is null, null, iif(day >= '2025-10-01', 'test', iif(day >= '2025-08-01', 'validation', 'train')))"
expect "rows without a day" "40|40|split|day|without a value it is on no side of the split" "$(count "select (select rows_quarantined from _quern_jobs where job = 'fit'),
  count(*), rule, \"column\", message from _quern_quarantine where job = 'fit'")"
expect "where they are" "$PWD/rows.csv|9|k7,c" "$(count "select file, line, substr(raw, 1, 4) from _quern_quarantine order by line limit 1")"
expect "and told of" "warn|day|40|4000|rows on no side of the split are quarantined: 40 without a value in 'day'" \
  "$(count "select status, \"column\", failures, rows, message from _quern_tests where test = 'split'")"

for type in timestamp text; do # a text that is a time is one
  run 'method: time, column: ts, test_from: 2025-10-01 12:00:00' '' "$type"
  sides "ts, $type" "iif(ts >= '2025-10-01 12:00:00', 'test', 'train')"
done
# Shares: as many of the latest rows, and all of a day are on one side.
run 'method: time, column: ts, test: 0.2, validation: 0.1'
sides "shares of ts" "case when ts >= (select ts from all_rows order by ts limit 1 offset 3200) then 'test'
  when ts >= (select ts from all_rows order by ts limit 1 offset 2800) then 'validation' else 'train' end"
run 'method: time, column: n, test: 0.25, calibration: 0.15' '    calibrate: isotonic'
sides "shares of whole numbers that tie" "case when n >= (select n from all_rows order by n limit 1 offset 3000) then 'test'
  when n >= (select n from all_rows order by n limit 1 offset 2400) then 'calibration' else 'train' end"
expect "no less than asked for" 1 "$(count "select (select count(*) from fitted where split = 'test') >= 1000")"

run 'method: column, column: part, train: [fit], validation: [stop], calibration: [cal], test: [late]' \
  '    calibrate: platt' timestamp 200 ', early_stopping_rounds: 3'
sides part "case part when 'fit' then 'train' when 'stop' then 'validation' when 'cal' then 'calibration' when 'late' then 'test' end"
expect "the fit stopped early" 1 "$(count "select json_array_length(artefact, '$.trees') < 200 from _quern_models")"
expect "values of no side" "rows on no side of the split are quarantined: 80 without a value in 'part', 80 with a value that no side takes in 'part', such as 'odd'" \
  "$(count "select message from _quern_tests where test = 'split'")"
expect "are refused one by one" "'odd' is of no side of the split|80" "$(count "select message, count(*) from _quern_quarantine where message like '%odd%'")"
run 'method: column, column: part, test: [late, odd]'
sides "a list and the rest" "iif(part in ('late', 'odd'), 'test', iif(part is null, null, 'train'))"
run 'method: column, column: n, test: [290, 291, 292, 293]'
sides "numbers" "iif(n between 290 and 293, 'test', 'train')"

run 'method: hash, by: customer, test: 0.2, validation: 0.1, stratify: true'
expect "a customer is on one side" 0 "$(count "select count(*) from (select customer from all_rows join fitted using (id) group by customer having count(distinct split) > 1)")"
expect "three sides" "test train validation" "$(count "select group_concat(distinct split) from (select split from fitted order by split)" | tr , ' ')"
expect "as many as asked for" 1 "$(count "select abs(count(*) / 4000.0 - 0.2) < 0.02 from fitted where split = 'test'")"

# Keys on both sides are told of where the split does not go by the key; the champion knows its rows.
sed -i 's/key: id/key: customer/; s/split: .*/split: {method: time, column: ts, test: 0.3}/; s/include: \[a, b\]/include: [b]/
  s/register: .*/register: {model: m, promote: {alias: champion, when: [{metric: roc_auc, vs: champion}]}}/' quern.yaml
rm -rf .quern cluster.db*
"$QUERN" run quern.yaml --quiet >run.out
said=$(count "select status || ': ' || message from _quern_tests where test = 'overlap'")
[[ $said == "warn: "*" held-out rows ("*" %) are of a key that training rows have too, such as 'c"* ]] || { echo "FAILED: $said"; exit 1; }
expect "what the model file says" "time|ts|timestamp|1" "$(count "select artefact ->> '$.split.method', artefact ->> '$.split.by', artefact ->> '$.split.by_type',
  artefact ->> '$.split.from.test' = (select ts from all_rows order by ts limit 1 offset 2800) from _quern_models")"
sed -i 's/include: \[b\]/include: [a, b]/; s/test: 0.3/test_from: 2025-08-01/' quern.yaml
"$QUERN" run quern.yaml --quiet >run.out
expect "compared on what neither has seen" "1|1" "$(count "select holds, rows = (select count(*) from all_rows where ts >=
  (select artefact ->> '$.split.from.test' from _quern_models where version = 1)) from _quern_model_comparisons")"

fails "the split by 'day' leaves no row for test: of the labelled rows 3960 are for train, 0 for validation, 0 for calibration and 0 for test, and 40 are on no side" \
  'method: time, column: day, test_from: 2027-01-01'
fails "leaves no row for train: of the labelled rows 0 are for train" 'method: time, column: n, test_from: 0'
fails "leaves no row for validation" 'method: column, column: part, validation: [nowhere], test: [late]'
fails "quern.yaml:15:35: 'b' is decimal" 'method: time, column: b, test: 0.1'
fails "quern.yaml:15:21: method: time goes by a column" 'method: time'
fails "'soon' is no time of a column that is date" 'method: time, column: day, test_from: soon'
fails "test_from is not after validation_from" 'method: time, column: day, validation_from: 2025-09-01, test_from: 2025-08-01'
fails "sides have either times to begin at or shares of the rows, not both" 'method: time, column: day, validation: 0.1, test_from: 2025-08-01'
fails "'stratify' is not for method: time" 'method: time, column: day, test: 0.1, stratify: true'
fails "'by' is not for method: column" 'method: column, column: part, by: customer, test: [late]'
fails "no value of the column is held out" 'method: column, column: part, train: [fit]'
fails "'late' is listed twice" 'method: column, column: part, validation: [late], test: [late]'
fails "shares are for the other methods" 'method: column, column: part, test: 0.2'
fails "'many' is no value of a column that is integer" 'method: column, column: n, test: [many]'
fails "lists of values are for method: column" 'test: [late]'
fails "'test_from' is not for method: hash" 'test_from: 2025-08-01'
fails "calibrate needs rows that nothing else is fitted on" 'method: time, column: day, test_from: 2025-08-01' '    calibrate: platt'
