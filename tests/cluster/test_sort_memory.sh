# ORDER BY past its memory: the same rows in the same order, and no file that outlives it, however it
# ends.
source "$QUERN_ROOT/tests/support/cluster.sh"
cd "$folder"
"$QUERN" generate events --rows 300000 --customers 1000 --seed 7 --out events.csv
seq 0 40 | sed '1s/.*/n/' >forty.csv
mkdir scratch
export TMPDIR=$folder/scratch

answer() { # memory, query
  "$QUERN" query "$2" --memory "$1" --csv --quiet
}
sorted="SELECT * FROM 'events.csv' (on_malformed skip) ORDER BY kind, amount DESC NULLS LAST, duration"
whole=$(answer 2GiB "$sorted" | md5sum)
expect "order within 16 MiB" "$whole" "$(answer 16MiB "$sorted" | md5sum)"
first="$sorted LIMIT 20 OFFSET 199990"
expect "the first rows within 16 MiB" "$(answer 2GiB "$first" | md5sum)" \
  "$(answer 16MiB "$first" | md5sum)"
expect "what is left of scratch" "" "$(ls scratch)"

# Interrupted in the middle.
"$QUERN" query "SELECT e.* FROM 'events.csv' (on_malformed skip) AS e CROSS JOIN 'forty.csv' AS f
  ORDER BY ts, n" --memory 16MiB --csv --quiet >/dev/null &
query=$!
for _ in $(seq 200); do
  readlink /proc/$query/fd/* 2>/dev/null | grep -q deleted && break
  sleep 0.05
done
readlink /proc/$query/fd/* | grep -q deleted || { echo "FAILED: no run was set aside"; exit 1; }
kill -INT $query
code=0
wait $query || code=$?
expect "exit code of an interrupted query" 130 "$code"
expect "what is left of scratch once interrupted" "" "$(ls scratch)"
