# Every aggregate in one spec: the same table for any chunk size and 1, 2, 4 and 7 workers.
source "$QUERN_ROOT/tests/support/cluster.sh"
"$QUERN" generate events --rows 40000 --customers 900 --seed 7 --out "$folder/events.csv"

calls() { # argument, order
  cat <<CALLS
      $1_count: count($1)
      $1_distinct: count(distinct $1)
      $1_few: count(distinct $1) filter (where amount > 50)
      $1_min: min($1)
      $1_max: max($1)
      $1_mode: mode($1)
      $1_first: first($1 order by $2)
      $1_last: last($1 order by $2)
      $1_latest: first($1 order by $2 desc) filter (where kind <> 'call')
      $1_top: "arg_max($1, amount)"
      $1_low: "arg_min($1, amount)"
      $1_end: last($1)
      $1_about: approx_distinct($1)
CALLS
}

numbers() { # argument
  cat <<CALLS
      $1_sum: sum($1)
      $1_avg: avg($1)
      $1_stddev: stddev($1)
      $1_var_pop: var_pop($1)
      $1_median: median($1)
      $1_tail: "quantile($1, 0.95)"
      $1_disc: "quantile_disc($1, 0.25) filter (where kind = 'call')"
      $1_approx: "approx_quantile($1, 0.5)"
      $1_any: bool_or($1 > 100)
      $1_all: bool_and($1 >= 0)
CALLS
}

write_job() { # number, group_by or nothing
  printf '  job%s:\n    kind: etl\n    from: events\n    into: table%s\n' "$1" "$1"
  printf '%s    derive: {real: "cast(amount as double) / 7"}\n    aggregate:\n' "$2"
  calls customer_id ts
  calls ts event_id
  calls amount ts
  numbers amount
  numbers real
  numbers duration
}

write_spec() { # chunk size
  cat <<SPEC
version: 1
name: cluster
seed: 7
sources:
  events:
    path: events.csv
    chunk_size: $1
    columns:
      - {name: ts, type: timestamp}
      - {name: amount, type: "decimal(12,2)"}
      - {name: duration, type: integer}
jobs:
SPEC
  write_job 1 $'    group_by: [kind]\n'
  write_job 2 $'    group_by: [customer_id]\n'
  write_job 3 ''
}

write_spec 4MiB >"$folder/quern.yaml"
one=$(fresh_run 1)
expect "groups" 901 "$(count 'select (select count(*) from table2) + (select count(*) from table3)')"
for cut in "64KiB 2" "64KiB 7" "300KiB 1" "300KiB 4"; do
  write_spec "${cut% *}" >"$folder/quern.yaml"
  expect "digest of chunks and workers $cut" "$one" "$(fresh_run "${cut#* }")"
done
echo "same digest for three chunk sizes and 1, 2, 4 and 7 workers"
