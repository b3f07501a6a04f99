# One file a trap: features that are the label in disguise, identifiers, one customer under two keys,
# dates after the label's time, gaps filled before the split. Each is named, and `guards: refuse` fails:
# a regression of one CSV file, trees of three Parquet files.
source "$QUERN_ROOT/tests/support/cluster.sh"
cd "$folder"

rows() { # awk that may set or change: columns of a customer i with label y; how many customers
  awk -v n="${2:-3000}" 'function u() { seed = (seed * 16807) % 2147483647; return seed / 2147483647 }
    BEGIN { seed = 17; print "customer,age,plan,usage,number,hint,told,last_call,y"
      for (i = 0; i < n; i++) {
        customer = "c" i; age = 18 + int(u() * 60); plan = u() < 0.5 ? "basic" : "pro"; usage = u() * 100
        number = int(u() * 400); y = u() < 1 / (1 + exp(3 - usage / 20)); hint = u() < 0.3 ? "x" : "z"
        told = "2026-03-01"; call = "2026-02-1" int(u() * 10)
        '"$1"'
        printf "%s,%d,%s,%.4f,%s,%s,%s,%s,%d\n", customer, age, plan, usage, number, hint, told, call, y
      } }' >rows.csv
  [[ $source == *parquet* ]] || return 0
  awk -v n="${2:-3000}" 'NR == 1 { for (f = 0; f < 3; f++) print > "rows-" f ".csv"; next }
    { print > "rows-" int((NR - 2) * 3 / n) ".csv" }' rows.csv
  for part in rows-0 rows-1 rows-2; do "$QUERN" convert $part.csv $part.parquet --quiet; done
}
spec() { # more keys of the train job, and of the etl job
  cat >quern.yaml <<SPEC
version: 1
name: leaks
seed: 1
warehouse: cluster.db
sources:
  rows: {$source}
jobs:
  stg:
    kind: etl
    from: rows
    into: stg
    ${2:-}
  fit:
    kind: train
    from: ${from:-stg}
    label: y
    key: customer
    features: {${features:-exclude: [last_call, told]}}
    split: {test: 0.25, stratify: $stratify}
    algorithm: $algorithm
    register: {model: m}
    into: predictions
    ${1:-}
SPEC
}
run() {
  rm -rf .quern cluster.db*
  "$QUERN" run quern.yaml --workers 2 --quiet >run.out 2>&1
}
told() { count "select group_concat(test || coalesce(' of ' || \"column\", ''), ' ') from (select * from _quern_tests where job = 'fit' order by rowid)"; }
trap_is_named() { # what, words of the message, more keys of the train job, of the etl job
  spec "${3:-}" "${4:-}"
  run || { echo "FAILED: $1 stops the run"; cat run.out; exit 1; }
  expect "what is told" "$1" "$(told)"
  [[ $(count "select message from _quern_tests where job = 'fit'") == *"$2"* ]] ||
    { echo "FAILED: '$2' is not in"; count "select message from _quern_tests"; exit 1; }
  spec "${3:-}
    guards: refuse" "${4:-}"
  local code=0
  run || code=$?
  expect "exit code with guards: refuse" 1 "$code"
  expect "status with guards: refuse" fail "$(count "select distinct status from _quern_tests where job = 'fit'")"
  expect "no model with guards: refuse" 0 "$(count 'select count(*) from _quern_models')"
  grep -q "guards: refuse: ${1%% *}: " run.out || { echo "FAILED: the run does not say why"; cat run.out; exit 1; }
}

traps() { # of one kind of algorithm and input
rows ''
spec 'label_time: told'
run
expect "nothing is told of honest rows" "" "$(told)"

rows 'hint = (u() < 0.004) == y ? "kept" : "cancelled"'
trap_is_named "leak of hint" "'hint' alone ranks the labels"
# Filled in for some of those who left, once they had.
rows 'number = y && u() < 0.5 ? 1 + int(u() * 200) : 0'
trap_is_named "leak of number" "'number' tells the label of"
rows 'hint = y && u() < 0.5 ? substr("pmso", 1 + int(u() * 4), 1) : ""'
trap_is_named "leak of hint" "'hint' tells the label of"
rows 'if (y && u() < 0.5) number = ""'
trap_is_named "leak of number" "(or their gaps)"
rows 'number = y * 50 + int(u() * 51)'
trap_is_named "leak of number" "'number' alone ranks the labels"
rows 'if (!y && u() > 0.01) number = ""'
trap_is_named "leak of number" "whether 'number' is missing ranks the labels"
rows 'hint = y ? "gone" : "here"'
trap_is_named "separates of hint" "'hint' alone tells the label"
rows 'number = 7000 + i'
trap_is_named "identifier of number" "they rise from row to row"
rows 'number = y ? 20 + int(u() * 30) : int(u() * 2) * 60 + int(u() * 10)'
trap_is_named "leak of number" "'number' alone, taken by ranges, ranks the labels"
rows 'number = 2 * int(u() * 400) + y'
trap_is_named "leak of number" "'number' alone, each value with one label only, ranks the labels"
rows 'hint = (u() < 0.02) == y ? "open" : "closed"'
trap_is_named "leak of hint" "'hint' alone ranks the labels"
rows 'hint = "r" int(u() * 40) * 2 + y'
trap_is_named "separates of hint" "'hint' alone tells the label"
rows 'number = 100000 + (i * 7919) % 90001'
trap_is_named "identifier of number" "'number' has 22"
rows 'number = 100000 + (i % 40 == 1 ? i - 1 : i) * 7919 % 90001'
trap_is_named "identifier of number" "different values in 22"
rows 'number = 100000000 + int(u() * 30000) * 30000 + int(u() * 30000)'
trap_is_named "identifier of number" "it names rows"
rows 'hint = "h" int(i / 3)'
trap_is_named "identifier of hint" "it names rows"
rows 'hint = "h" i' 1500
trap_is_named "identifier of hint" "it names rows"
rows 'if (i % 12 == 5) { customer = "again" i; age = age0; plan = plan0; usage = usage0; number = number0; hint = hint0; y = y0 }
      age0 = age; plan0 = plan; usage0 = usage; number0 = number; hint0 = hint; y0 = y'
trap_is_named "twins" "'again"
rows 'if (i % 12 == 5) { customer = "again" i; age = age0; plan = plan0; usage = usage0; number = number0; hint = hint0; y = y0 }
      age0 = age; plan0 = plan; usage0 = usage; number0 = number; hint0 = hint; y0 = y'
[[ $algorithm == "$regression" ]] ||
  features='include: [age, plan, usage, number, hint, last_call]' trap_is_named "twins" "'again"
twin='customer = "again" i; age = age0; plan = plan0; usage = usage0; number = number0; y = y0'
rows 'hint = "user" i "@example.org"; if (i % 12 == 5) { '"$twin"' }
      age0 = age; plan0 = plan; usage0 = usage; number0 = number; y0 = y' 1500
trap_is_named "identifier of hint twins" "names rows"
rows 'if (i == 77) call = "2026-03-05"'
trap_is_named "late of last_call" "first in that of 'c77'" 'label_time: told'
rows 'if (u() < 0.1) number = ""'
trap_is_named "fitted_before of number" "job stg has filled the gaps of 'number' with the mean" '' 'impute: {number: {strategy: mean}}'
from=two trap_is_named "fitted_before of years" "'years' is made of 'number': job stg has filled" '' \
  'impute: {number: {strategy: median}}
  one: {kind: etl, from: stg, rename: {number: count}}
  two: {kind: etl, from: one, derive: {years: "count / 12"}, drop: [count]}'
rows 'hint = "h" int(u() * 25)'
from=two trap_is_named "fitted_before of rate" "'rate' is avg(y) in job rates, of the labels of all rows" '' '
  rates: {kind: etl, from: stg, group_by: [hint], aggregate: {rate: avg(y)}}
  two: {kind: etl, from: stg, join: {to: rates, on: [hint], how: left}, drop: [hint]}'
}

# Values that few rows share, and that describe them; features that are strong and no more.
innocent() { # what, awk for the rows, more keys of the etl job
  rows "$2"
  spec '' "${3:-}"
  run || { echo "FAILED: $1 stops the run"; cat run.out; exit 1; }
  expect "what is told of $1" "" "$(told)"
}
innocents() {
  local many='a = (1 + int(u() * 1200)) * 16807 % 99991'
  innocent zips "$many; hint = sprintf(\"z%05d\", a)" 'rename: {hint: home_zip}'
  innocent "postal codes" "$many; number = a" 'rename: {number: postal_code}'
  innocent times 'number = 1500000000 + i * 977' 'rename: {number: signed_up}'
  innocent "a small group of one label" 'hint = u() < 0.01 && y ? "four" : u() < 0.5 ? "one" : "two"'
  innocent "a range of the frequent label" 'number = int(u() * 400); if (number < 20) y = 0'
  innocent "a strong feature" 'number = int(200 + 60 * y + 50 * (u() + u() + u() + u() - 2))'
}

# What test rows hold, and what becomes of them, changes no bit of a model: no mean, scale, category, bin or gap
# is theirs. Each of their values moves, one becomes a category of its own, others go missing.
test_rows_are_not_read() {
  rows 'if (u() < 0.1) number = ""'
  spec
  run
  count "select sha256 from _quern_models" >sha
  count "select customer from predictions where split = 'test'" >held
  [[ $(wc -l <held) -gt 600 ]] || { echo "FAILED: too few test rows"; exit 1; }
  awk -F, -v OFS=, 'FNR == NR { held[$1] = 1; next }
    $1 in held { $2 += 900; $3 = "new" $2; $4 = sprintf("%.4f", 1e6 - $4); $5 = $5 == "" ? 700000 : ""; $6 = ""; $9 = 1 - $9 } { print }' held rows.csv >moved.csv
  mv moved.csv rows.csv
  run
  expect "the model after all test rows were changed" "$(cat sha)" "$(count "select sha256 from _quern_models")"
}

regression=logistic_regression trees='gradient_boosting
    params: {num_rounds: 5}'
algorithm=$regression source='path: rows.csv, chunk_size: 32KiB' stratify=true
traps
innocents
source='path: rows.csv' stratify=false # one chunk: where chunks end is nothing that a model may learn
test_rows_are_not_read
algorithm=$trees
test_rows_are_not_read
source='path: rows-*.parquet' stratify=true
traps
innocents
