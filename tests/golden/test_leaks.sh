# One file a trap: features that are the label in disguise, identifiers, one customer under two keys,
# dates after the label's time, gaps filled before the split. Each is named, and `guards: refuse` fails.
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
}
spec() { # more keys of the train job, and of the etl job
  cat >quern.yaml <<SPEC
version: 1
name: leaks
seed: 1
warehouse: cluster.db
sources:
  rows: {path: rows.csv, chunk_size: 32KiB}
jobs:
  stg:
    kind: etl
    from: rows
    into: stg
    ${2:-}
  fit:
    kind: train
    from: stg
    label: y
    key: customer
    features: {exclude: [last_call, told]}
    split: {test: 0.25, stratify: true}
    algorithm: logistic_regression
    register: {model: m}
    ${1:-}
SPEC
}
run() {
  rm -rf .quern cluster.db*
  "$QUERN" run quern.yaml --workers 2 --quiet >run.out 2>&1
}
told() { count "select test || coalesce(' of ' || \"column\", '') from _quern_tests where job = 'fit' order by rowid"; }
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
  expect "status with guards: refuse" fail "$(count "select status from _quern_tests where job = 'fit'")"
  expect "no model with guards: refuse" 0 "$(count 'select count(*) from _quern_models')"
  grep -q "guards: refuse: ${1%% *}: " run.out || { echo "FAILED: the run does not say why"; cat run.out; exit 1; }
}

rows ''
spec 'label_time: told'
run
expect "nothing is told of honest rows" "" "$(told)"

rows 'hint = (u() < 0.004) == y ? "kept" : "cancelled"'
trap_is_named "leak of hint" "'hint' alone ranks the labels"
rows 'number = y * 50 + int(u() * 51)'
trap_is_named "leak of number" "'number' alone ranks the labels"
rows 'if (!y && u() > 0.01) number = ""'
trap_is_named "leak of number" "whether 'number' is missing ranks the labels"
rows 'hint = y ? "gone" : "here"'
trap_is_named "separates of hint" "'hint' alone tells the label"
rows 'number = 7000 + i'
trap_is_named "identifier of number" "they rise from row to row"
rows 'number = 100000 + (i * 7919) % 90001'
trap_is_named "identifier of number" "'number' has 22"
rows 'hint = "h" i' 1500
trap_is_named "identifier of hint" "it names rows"
rows 'if (i % 12 == 5) { customer = "again" i; age = age0; plan = plan0; usage = usage0; number = number0; hint = hint0; y = y0 }
      age0 = age; plan0 = plan; usage0 = usage; number0 = number; hint0 = hint; y0 = y'
trap_is_named "twins" "'again"
rows 'if (i == 77) call = "2026-03-05"'
trap_is_named "late of last_call" "first in that of 'c77'" 'label_time: told'
rows 'if (u() < 0.1) number = ""'
trap_is_named "fitted_before of number" "job stg has filled the gaps of 'number' with the mean" '' 'impute: {number: {strategy: mean}}'
