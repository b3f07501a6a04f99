# A side that a worker cannot hold is shuffled. Rows and their order are those that SQLite gives, and
# the same with a side that is held whole, at any memory, with 1 to 7 workers, slots, any size of
# chunks; with workers killed while they shuffle, and parts lost.
source "$QUERN_ROOT/tests/support/cluster.sh"
"$QUERN" generate events --rows 40000 --customers 3000 --seed 7 --out "$folder/events.csv"
# Keys that come never, once, several times and (one that events have, too) 2,000 times; some none.
sqlite3 >"$folder/people.csv" <<'SQL'
.mode csv
.headers on
with recursive n(i) as (select 1 union all select i + 1 from n where i < 9000)
select case when i % 41 = 0 then '' when i > 7000 then (select 'C0000777')
            else printf('C%07d', (i * 7919) % 3400 / 3 * 5) end as customer_id,
       i as person, (i * 31) % 90 as age, 'name of ' || i || case when i % 3 then ' and more' else '' end as label
from n;
SQL
write_spec() { # chunk size
  cat >"$folder/quern.yaml" <<SPEC
version: 1
name: cluster
seed: 7
sources:
  events: {path: events.csv, chunk_size: $1, columns: [{name: amount, type: "decimal(12,2)"}]}
  people: {path: people.csv, chunk_size: 64KiB}
jobs:
  e: {kind: etl, from: events, filter: "kind <> 'sms'", derive: {n: "cast(substr(event_id, 2) as integer)"}, select: [n, customer_id, amount], into: e}
  p: {kind: etl, from: people, into: p}
  few: {kind: etl, from: people, filter: "person % 100 = 1", group_by: customer_id, aggregate: {least: min(person)}}
  inner_rows:
    kind: etl
    from: events
    filter: kind <> 'sms'
    derive: {n: "cast(substr(event_id, 2) as integer)"}
    join: {to: p, on: [customer_id]}
    select: [n, customer_id, person, label, age]
    data_tests:
      - accepted_range: {column: age, max_value: 80, on_fail: quarantine}
    into: inner_rows
  left_rows:
    kind: etl
    from: events
    filter: kind = 'call'
    derive: {n: "cast(substr(event_id, 2) as integer)"}
    join:
      - {to: few, on: [customer_id], how: left}
      - {to: p, on: [customer_id], how: left}
    select: [n, least, person]
    data_tests:
      - unique: {column: person, on_fail: quarantine}
    into: left_rows
  semi_rows: {kind: etl, from: e, join: {to: p, on: [customer_id], how: semi}, into: semi_rows}
  anti_rows: {kind: etl, from: e, join: {to: p, on: [customer_id], how: anti}, into: anti_rows}
  by_age:
    kind: etl
    from: e
    join: {to: p, on: [customer_id], how: left}
    group_by: [age]
    aggregate: {rows: count(*), total: sum(amount), people: count(distinct person), last: last(label)}
    into: by_age
SPEC
}

run_with() { # arguments: a run from nothing; prints its digest
  rm -rf "$folder/.quern" "$folder"/cluster.db*
  "$QUERN" run "$folder/quern.yaml" --quiet "$@"
  "$QUERN" digest "$folder/cluster.db"
}
others() { # what a digest does not tell
  count "select job, rows_in, rows_out, rows_quarantined, rows_filtered, rows_added, rows_absorbed from _quern_jobs order by 1"
  count "select job, file, line, byte_offset, column, rule, message, raw from _quern_quarantine order by job, rowid" |
    sha256sum
}
shuffled() { count "select count(*) from _quern_timings where name = 'join match'"; }

write_spec 256KiB
expected=$(run_with --workers 2)
kept=$(others)
expect "joins that are shuffled with much memory" 0 "$(shuffled)"

# --- SQLite ---
same() { # what, what is in the table, what SQLite makes of it
  count "$2" >"$folder/got"
  count "$3" >"$folder/wanted"
  cmp -s "$folder/got" "$folder/wanted" || { echo "FAILED: $1"; diff "$folder/got" "$folder/wanted" | head -n 5; exit 1; }
  [[ -s $folder/got ]] || { echo "FAILED: $1 is empty"; exit 1; }
}
same "inner" "select * from inner_rows order by rowid" \
  "select e.n, e.customer_id, p.person, p.label, p.age from e join p using (customer_id) where p.age <= 80 order by e.rowid, p.rowid"
same "semi" "select n from semi_rows order by rowid" \
  "select n from e where customer_id in (select customer_id from p where customer_id is not null) order by rowid"
same "anti" "select n from anti_rows order by rowid" \
  "select n from e where not exists (select 1 from p where p.customer_id = e.customer_id) order by rowid"
same "groups" "select age, rows, round(total, 2), people from by_age order by 1" \
  "select p.age, count(*), round(sum(e.amount), 2), count(distinct p.person) from e left join p using (customer_id) group by 1 order by 1"

# --- any memory, workers, slots, chunks ---
again() { # what, arguments
  local what=$1
  shift
  expect "digest with $what" "$expected" "$(run_with "$@")"
  expect "rows with $what" "$kept" "$(others)"
}
again "one worker of 1 MiB" --workers 1 --memory 1MiB
expect "joins that are shuffled in 1 MiB" 5 "$(shuffled)"
again "four workers of 1 MiB, 2 slots" --workers 4 --slots 2 --memory 1MiB
again "seven workers of 1 MiB" --workers 7 --memory 1MiB
write_spec 100KiB
expect "digest with chunks of 100 KiB" "$expected" "$(run_with --workers 2 --memory 1MiB)"
write_spec 16MiB
expect "digest with one chunk" "$expected" "$(run_with --workers 2 --memory 1MiB)"
write_spec 256KiB

# --- queries ---
ask() {
  "$QUERN" query "select e.kind, count(*) as n, count(p.person) as found, sum(p.age) as ages, min(p.label) as least
    from '$folder/events.csv' e left join '$folder/people.csv' p on e.customer_id = p.customer_id
    group by e.kind order by 1" --csv "$@"
}
asked=$(ask)
expect "a query in 1 MiB" "$asked" "$(ask --memory 1MiB)"
expect "its rows without a filter on kind" "$(count "select count(*) from e left join p using (customer_id)")" \
  "$(tail -n +2 <<<"$asked" | grep -v '^sms' | awk -F, '{n += $2} END {print n}')"

# --- killed workers ---
kills=0
RANDOM=42
for round in $(seq 1 40); do
  [[ $kills -lt 4 ]] || break
  rm -rf "$folder/.quern" "$folder"/cluster.db*
  "$QUERN" run "$folder/quern.yaml" --workers 2 --memory 1MiB --quiet 2>/dev/null &
  run=$!
  kill_workers "$run"
  wait "$run" || { echo "FAILED: round $round ended with $?"; exit 1; }
  expect "digest of round $round" "$expected" "$("$QUERN" digest "$folder/cluster.db")"
  expect "rows of round $round" "$kept" "$(others)"
  expect "scratch files left" "" "$(find "$folder" -name 'scratch-*')"
done
[[ $kills -ge 3 ]] || { echo "FAILED: only $kills workers were killed"; exit 1; }

# --- the whole run killed, and gone on with ---
resumed=0
for round in 1 2 3 1 2 3 1 2 3; do
  [[ $resumed -lt 3 ]] || break
  rm -rf "$folder/.quern" "$folder"/cluster.db*
  "$QUERN" run "$folder/quern.yaml" --workers 2 --memory 1MiB --quiet 2>/dev/null &
  run=$!
  until [[ -n $(find "$folder/.quern" -name "3-$((round - 1))-1.part" 2>/dev/null) ]]; do
    kill -0 "$run" 2>/dev/null || break
  done
  kill -9 "$run" $(pgrep -P "$run") 2>/dev/null || true
  wait "$run" 2>/dev/null || true
  if was_over; then continue; fi
  resumed=$((resumed + 1))
  "$QUERN" run "$folder/quern.yaml" --quiet $([[ $round == 2 ]] || echo --memory 1MiB) # held whole
  expect "digest of the run gone on with in round $round" "$expected" "$("$QUERN" digest "$folder/cluster.db")"
  expect "rows of the run gone on with in round $round" "$kept" "$(others)"
done

[[ $resumed -ge 1 ]] || { echo "FAILED: no run was killed in time"; exit 1; }

# --- lost parts of the three shuffling stages (inner_rows is job 3) ---
seen=0
for part in 3-0-0 3-1-1 3-2-0 3-0-0 3-1-1 3-2-0 3-0-0 3-1-1 3-2-0; do
  [[ $seen -lt 3 ]] || break
  rm -rf "$folder/.quern" "$folder"/cluster.db*
  "$QUERN" run "$folder/quern.yaml" --workers 1 --memory 1MiB >"$folder/said" 2>&1 &
  run=$!
  while kill -0 "$run" 2>/dev/null; do
    worker=$(pgrep -P "$run" | head -n 1 || true)
    path=$(echo "$folder"/.quern/*/parts/"$part".part)
    if [[ -n $worker && -e $path ]]; then
      kill -STOP "$worker"
      sleep 0.05 # what is on its way to the coordinator arrives
      rm -f "$path"
      kill -CONT "$worker"
      break
    fi
  done
  wait "$run" || { echo "FAILED: without $part"; cat "$folder/said"; exit 1; }
  expect "digest without $part" "$expected" "$("$QUERN" digest "$folder/cluster.db")"
  if grep -q "runs again" "$folder/said"; then seen=$((seen + 1)); fi
done
[[ $seen -ge 1 ]] || { echo "FAILED: no part was lost to those who read it"; exit 1; }
echo "$kills workers and $resumed runs were killed, $seen lost parts were made again"
