# What the cluster tests share: a folder, data, a spec, digests. Sourced, not run.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

make_fit() { # rows, size of chunks: made-up customers and a train job, whose other lines are read
  "$QUERN" generate churn --rows "$1" --seed 7 --out "$folder/customers.csv"
  cat - >"$folder/job.lines"
  cat - "$folder/job.lines" >"$folder/quern.yaml" <<SPEC
version: 1
name: cluster
seed: 7
sources:
  customers: {path: customers.csv, chunk_size: $2}
jobs:
  churn:
    kind: train
    from: customers
    label: churned
    key: customer_id
    register: {model: churn}
SPEC
  rm "$folder/job.lines"
}

make_pipeline() { # rows: events in small chunks, cleaned into one table that a second job reads
  "$QUERN" generate events --rows "$1" --seed 7 --out "$folder/events.csv"
  cat >"$folder/quern.yaml" <<'SPEC'
version: 1
name: cluster
seed: 7
sources:
  events:
    path: events.csv
    chunk_size: 256KiB
    columns:
      - {name: amount, type: "decimal(12,2)"}
      - {name: duration, type: integer}
jobs:
  clean:
    kind: etl
    from: events
    impute: {amount: {strategy: mean}}
    data_tests:
      - row_count: {min: 1}
    into: {table: clean, indexes: [[customer_id, ts], [kind]]}
  again:
    kind: etl
    from: clean
    into: again
SPEC
}

fresh_run() { # workers (and options, in one word): a run from nothing; prints its digest
  rm -rf "$folder/.quern" "$folder"/cluster.db*
  "$QUERN" run "$folder/quern.yaml" --workers $1 --quiet
  "$QUERN" digest "$folder/cluster.db"
}

count() { # sql
  sqlite3 "$folder/cluster.db" "$1"
}

# A run that was over before it was killed is followed by one of its own, not gone on with.
was_over() {
  [[ $(count "select count(*) from _quern_runs where status = 'success'" 2>/dev/null || echo 0) != 0 ]]
}

kill_workers() { # run: two of its workers, at moments that RANDOM gives; adds to kills
  local victim
  for _ in 1 2; do # a task that three workers die of is given up
    sleep "0.$((RANDOM % 2))$((RANDOM % 9 + 1))"
    victim=$(pgrep -P "$1" | head -n 1 || true)
    if [[ -n $victim ]] && kill -9 "$victim" 2>/dev/null; then kills=$((kills + 1)); fi
  done
}

expect() { # what, expected, got
  [[ $2 == "$3" ]] && return
  printf 'FAILED: %s\n  expected: %s\n  got:      %s\n' "$1" "$2" "$3"
  exit 1
}
