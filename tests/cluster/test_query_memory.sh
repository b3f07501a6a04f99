# What the command itself keeps of a query: counts of set operations and SQLite's sorts stay within
# --memory, the answer is the same, and what is put aside lies in the run's folder.
source "$QUERN_ROOT/tests/support/cluster.sh"
cd "$folder"
"$QUERN" generate events --rows 400000 --customers 100000 --seed 7 --out events.csv
events="'events.csv' (on_malformed skip)"
mkdir scratch

peak=0 # of the command last run: MiB of its own, not of its workers
answer() { # memory, query; the answer is left in a file of that name
  local pid now
  TMPDIR=/nowhere SQLITE_TMPDIR=/nowhere "$QUERN" query "$2" --memory "$1" --csv --quiet \
    --state scratch >"$1" &
  pid=$! peak=0 outside=
  while now=$(awk '/^VmHWM/ {print int($2 / 1024)}' "/proc/$pid/status" 2>/dev/null) && [[ $now ]]; do
    ((now > peak)) && peak=$now
    outside+=$(readlink "/proc/$pid/fd/"* 2>/dev/null | grep etilqs | grep -v "^$folder/scratch/" || true)
    sleep 0.02
  done
  wait $pid
}

same() { # what, query
  answer 1GiB "$2"
  local much=$peak
  answer 8MiB "$2"
  cmp 1GiB 8MiB || { echo "FAILED: $1 has another answer within 8 MiB"; exit 1; }
  echo "$1: $much MiB with 1 GiB, $peak MiB with 8 MiB"
  [[ -n ${QUERN_SANITIZED:-} ]] || ((peak <= $3)) || { echo "FAILED: more than $3 MiB"; exit 1; }
  expect "files of SQLite elsewhere" "" "$outside"
  expect "what is left of scratch" "" "$(ls scratch)"
}

same UNION "SELECT customer_id, ts, amount FROM $events UNION SELECT customer_id, ts, duration FROM
  (SELECT customer_id, ts, amount AS duration FROM $events WHERE kind <> 'call') AS q" 32
same EXCEPT "SELECT customer_id, ts FROM $events EXCEPT SELECT customer_id, ts FROM $events
  WHERE kind = 'call'" 32
same windows "SELECT customer_id, ts, sum(amount) OVER (PARTITION BY kind ORDER BY ts, customer_id)
  FROM $events" 48
same "sums of different values" "SELECT kind, sum(DISTINCT length(customer_id) + length(ts) *
  amount) FROM $events GROUP BY kind" 48
