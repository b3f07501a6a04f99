# kill -9 of workers, of the coordinator and of all of it at random moments while models are searched
# for, fitted, stopped early and calibrated: the same bytes come out, and no task is done again but
# those that were in flight: begun, and their results not yet known to be safe. QUERN_KILL_SCHEDULES says how many schedules of each kind (3), and
# QUERN_KILL_SEED where their random numbers begin.
source "$QUERN_ROOT/tests/support/cluster.sh"
schedules=${QUERN_KILL_SCHEDULES:-3} seed=${QUERN_KILL_SEED:-20261125}
"$QUERN" generate churn --rows 24000 --seed 7 --out "$folder/customers.csv"
write_spec() { # algorithm with params, search, folds
  cat >"$folder/quern.yaml" <<SPEC
version: 1
name: cluster
seed: 7
sources:
  customers: {path: customers.csv, chunk_size: 256KiB}
jobs:
  stg:
    kind: etl
    from: customers
    derive: {decade: "cast(age / 10 as integer)"}
    into: stg
  churn:
    kind: train
    from: stg
    label: churned
    key: customer_id
    features: {exclude: signup_date}
    split: {method: hash, test: 0.2, validation: 0.1, calibration: 0.1, stratify: true}
    $1
    register: {model: churn}
    into: predictions
  scores:
    kind: score
    from: stg
    model: churn
    into: scores
SPEC
}
said=$folder/said # of every process of a schedule

start() { # workers and options: sets run
  "$QUERN" run "$folder/quern.yaml" --workers $1 --verbose >/dev/null 2>>"$said" &
  run=$!
}
# What the log says that was begun: how often, and which tasks.
begun() { sed -n 's/.*begins task \(.*\), attempt.*/\1/p' "$said" | wc -l; }
tasks() { sed -n 's/.*begins task \(.*\), attempt.*/\1/p' "$said" | sort -u; }

tell_again() { # what was begun more than once, and where each life ended
  local again
  again=$(sed -n 's/.*begins task \(.*\), attempt.*/\1/p' "$said" | sort | uniq -d)
  grep -nE "$(paste -sd'|' <<<"$again")|killed|gone|lost|late" "$said"
}

# Tasks that were begun after a coordinator had said that it was sure of them. It says so once their
# results outlive it: each as it comes in a round, else with the commit that it is in.
begun_in_vain() {
  sed -n 's/.*\(begins\|is sure of\) task \([^,]*, stage [0-9]* round [0-9]* unit [0-9]*\).*/\1\t\2/p' "$said" |
    awk -F'\t' '$1 != "begins" {sure[$2] = 1} $1 == "begins" && $2 in sure {print $2}'
}
# Of tasks that a run which nobody hurts has, those that are left out; of rounds that one worker led, while it
# was alone, it does none by itself.
left_out() {
  local led
  led=$(sed -n 's/.*rounds \([0-9]*\) to \([0-9]*\) of job \([^ ]*\) were led.*/\1 \2 \3/p' "$said" |
    while read -r first last job; do seq -f "^$job round, stage [0-9]* round %.0f unit" "$first" "$last"; done)
  tasks | comm -23 "$folder/tasks" - | grep -vE "${led:-^$}" || true
}

kill_one() { # what: worker or run
  local victim
  if [[ $1 == worker ]]; then
    victim=$(pgrep -P "$run" | shuf -n 1 --random-source=<(yes "$RANDOM") || true)
    [[ -n $victim ]] && kill -9 "$victim" 2>/dev/null && worker_kills=$((worker_kills + 1))
  else
    kill -9 "$run" 2>/dev/null && run_kills=$((run_kills + 1))
    wait "$run" 2>/dev/null
  fi
}

# One schedule: up to three kills, spread over the time that a run takes, then on to the end.
play() { # number of the schedule
  rm -rf "$folder/.quern" "$folder"/cluster.db*
  RANDOM=$((seed + $1))
  run_kills=0 worker_kills=0
  : >"$said"
  local n=$((1 + RANDOM % 3)) what
  players=$((2 + RANDOM % 2)) # workers
  start "$players"
  for _ in $(seq "$n"); do
    sleep "$(awk -v ms=$((RANDOM % (took_ms * 9 / 10 / n + 1))) 'BEGIN {printf "%.3f", ms / 1000}')"
    kill -0 "$run" 2>/dev/null || break
    what=$([[ $((RANDOM % 3)) == 0 ]] && echo worker || echo run)
    kill_one "$what" || true
    [[ $what == worker ]] || { ! was_over || break; start "$players"; }
  done
  wait "$run" 2>/dev/null || was_over || { echo "FAILED: schedule $1 (seed $seed)"; tail -n 20 "$said"; exit 1; }
}

check_kind() { # name, spec
  local began took_ms total units further vain repeated found=0 model expected again=0 runs=0 workers=0 number
  write_spec "$2"
  began=$(date +%s%N)
  : >"$said"
  rm -rf "$folder/.quern" "$folder"/cluster.db*
  start 2
  wait "$run" || { echo "FAILED: a run that nobody hurts"; tail -n 5 "$said"; exit 1; }
  took_ms=$((($(date +%s%N) - began) / 1000000))
  expected=$("$QUERN" digest "$folder/cluster.db")
  model=$(count "select sha256 from _quern_models")
  tasks >"$folder/tasks"
  total=$(wc -l <"$folder/tasks")
  units=$(sed -n 's/^churn round, stage .* unit \([0-9]*\)$/\1/p' "$folder/tasks" | sort -n | tail -1)
  units=$((units + 1))
  expect "tasks of a run that nobody hurts: begun" "$total" "$(begun)"
  expect "tasks of a run that nobody hurts: safe" "$total" "$(grep -c 'is sure of task' "$said")"
  for number in $(seq "$schedules"); do
    play "$number"
    expect "digest of $1, schedule $number of seed $seed" "$expected" "$("$QUERN" digest "$folder/cluster.db")"
    expect "model of $1, schedule $number of seed $seed" "$model" "$(count "select sha256 from _quern_models")"
    expect "tasks of $1, schedule $number, that were left out" "" "$(left_out | head)"
    # Numbered behind the units, of which there are ${units}: leads of a worker that was alone.
    further=$(tasks | comm -13 "$folder/tasks" - | grep -v "round, stage .* unit $units\$" || true)
    expect "other tasks of $1, schedule $number, than those of a run that nobody hurts" "" "$further"
    vain=$(begun_in_vain)
    [[ -z $vain ]] || { echo "FAILED: done again, though their results were safe: $vain"; tell_again; exit 1; }
    repeated=$(($(begun) - $(tasks | wc -l)))
    found=$((found + $(awk '/ has what [0-9]* of/ {n += $(NF - 4)} END {print n + 0}' "$said")))
    echo "$1 schedule $number: $run_kills runs and $worker_kills workers killed, $repeated tasks done again, all in flight"
    again=$((again + repeated))
    runs=$((runs + run_kills)) workers=$((workers + worker_kills))
  done
  echo "$1: same model after $schedules schedules of seed $seed: $runs runs and $workers workers killed," \
    "$again of $total x $schedules tasks done again, all of them in flight when something was killed;" \
    "results of $found tasks outlived their coordinator in the middle of a round"
}

check_kind logistic_regression 'algorithm: logistic_regression
    calibrate: platt
    search: {folds: 3, params: {l2: [0.1, 10], l1: [0, 1]}}'
check_kind gradient_boosting 'algorithm: gradient_boosting
    params: {num_rounds: 12, early_stopping_rounds: 5, bagging_fraction: 0.8, feature_fraction: 0.8}
    calibrate: isotonic
    search: {method: halving, trials: 5, folds: 3, params: {num_leaves: [7, 15], learning_rate: {min: 0.05, max: 0.5, log: true}}}'
check_kind gradient_boosting_alone 'algorithm: gradient_boosting
    calibrate: platt
    params: {num_rounds: 60, num_leaves: 15}'
