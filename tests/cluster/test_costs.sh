# A small run counted, not timed: how often it waits for the disk, and how much is said for a task.
source "$QUERN_ROOT/tests/support/cluster.sh"
"$QUERN" generate churn --rows 1000 --seed 7 --out "$folder/customers.csv"
cp "$QUERN_ROOT/bench/workloads/w6.yaml" "$folder/quern.yaml"
at_most() { # what, most, got
  echo "$1: $3 (at most $2)"
  [[ $3 -le $2 ]] || { echo "FAILED"; exit 1; }
}

"$QUERN" run "$folder/quern.yaml" --workers 1 --verbose >"$folder/said" 2>&1
read -r commits to from < <(sed -n \
  's/.* run took \([0-9]*\) commits, \([0-9]*\) frames to workers and \([0-9]*\) from them.*/\1 \2 \3/p' "$folder/said")
tasks=$(sqlite3 "$folder/w6.db" 'select sum(tasks) from _quern_timings')
rounds=$(sqlite3 "$folder/w6.db" "select rounds from _quern_timings where name = 'round'")
[[ $tasks -gt 8 && $rounds -gt 3 ]] || { echo "FAILED: $tasks tasks, $rounds rounds"; exit 1; }

# Beginning, and each of the five stages that do not repeat: the last one of a job takes its rows, its
# end and the next job's beginning with it. Rounds of training commit nothing.
at_most "commits" 7 "$commits"
# A few more for heartbeats: four a second go each way.
at_most "frames to the worker" $((3 * tasks + 12)) "$to" # brief, task, ACK; WELCOME, plan
at_most "frames from it" $((3 * tasks + 12)) "$from"     # STARTED, DATA, DONE; HELLO, ATTACH
