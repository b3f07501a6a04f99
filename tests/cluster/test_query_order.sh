# What SQLite answers of a query depends on the rows alone: not on how many workers read them, how
# the files are cut, nor, of sums, on the order in which they stand.
source "$QUERN_ROOT/tests/support/cluster.sh"
cd "$folder"
"$QUERN" generate events --rows 30000 --customers 300 --seed 5 --out events.csv
(head -1 events.csv && tail -n +2 events.csv | tac) >turned.csv

answer() { # file, options of it, workers, query with FILE in it
  "$QUERN" query "${4//FILE/\'$1\' (on_malformed skip, chunk_size \'$2\')}" --workers "$3" --csv --quiet
}

same() { # what, query: for 1 to 8 workers and other chunks
  local whole
  whole=$(answer events.csv 64KiB 1 "$2")
  [[ $(wc -l <<<"$whole") -gt 3 ]] || { echo "FAILED: $1: $whole"; exit 1; }
  for workers in 2 3 8; do
    expect "$1 with $workers workers" "$whole" "$(answer events.csv 64KiB $workers "$2")"
  done
  expect "$1 in other chunks" "$whole" "$(answer events.csv 200KiB 2 "$2")"
}

share="CAST(amount AS double) / 3"
sums="SELECT kind, sum($share) AS s, avg($share) AS a, sum(DISTINCT $share) AS d FROM FILE AS e
  WHERE customer_id IN (SELECT customer_id FROM FILE) OR kind = 'x' GROUP BY kind ORDER BY kind"
slides="SELECT event_id, sum($share) OVER (PARTITION BY kind ORDER BY event_id ROWS 50 PRECEDING) AS s,
  avg(amount) OVER (PARTITION BY customer_id) AS a FROM FILE ORDER BY event_id"
same sums "$sums"
same slides "$slides"
same texts "SELECT customer_id, string_agg(event_id, ' ' ORDER BY amount DESC) AS ids FROM FILE GROUP BY customer_id"
same steps "WITH RECURSIVE t(n) AS (SELECT count(*) FROM FILE UNION ALL SELECT n / 2 FROM t WHERE n > 0)
  SELECT n FROM t"
for query in "$sums" "$slides"; do
  expect "sums of turned rows" "$(answer events.csv 64KiB 2 "$query" | md5sum)" \
    "$(answer turned.csv 64KiB 3 "$query" | md5sum)"
done

# Of a LIMIT the tasks keep back what comes too late, and nothing else.
for order in "event_id DESC" "kind, amount DESC" "amount NULLS LAST, kind DESC" "channel DESC NULLS FIRST" "amount * 2, ts DESC"; do
  for chunk in 64KiB 1MiB; do
    all=$(answer events.csv $chunk 2 "SELECT * FROM FILE ORDER BY $order")
    expect "the first rows by $order" "$(sed -n '7,26p' <<<"$all")" \
      "$(answer events.csv $chunk 3 "SELECT * FROM FILE ORDER BY $order LIMIT 20 OFFSET 5" | tail -n +2)"
  done
done
groups="SELECT customer_id, count(*) AS n, sum(amount) AS s FROM FILE GROUP BY customer_id ORDER BY n DESC, s"
expect "the first groups" "$(answer events.csv 64KiB 2 "$groups" | head -n 6)" \
  "$(answer events.csv 64KiB 2 "$groups LIMIT 5")"

# Of Parquet the reader passes over row groups that have none of them.
"$QUERN" generate events --rows 260000 --customers 300 --seed 6 --out many.csv
"$QUERN" convert many.csv many.parquet --quiet
for order in ts "ts DESC" "amount NULLS FIRST" "amount NULLS FIRST, event_id DESC" "duration DESC, ts"; do
  query="SELECT event_id, ts, amount, duration FROM 'many.parquet' WHERE kind <> 'sms' ORDER BY $order"
  expect "the first rows of Parquet by $order" "$("$QUERN" query "$query" --csv --quiet | sed -n '1,21p')" \
    "$("$QUERN" query "$query LIMIT 20" --csv --quiet)"
done
