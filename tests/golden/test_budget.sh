# What a run may cost on the machine of the tests, with room to spare: a spec's mistakes in 50 ms, a
# job of a thousand rows in 150 ms, a million events to a model in 10 s and 200 MB of coordinator.
# The best of a few tries counts, so that a busy machine does not fail it.
source "$QUERN_ROOT/tests/support/cluster.sh"
[[ -z ${QUERN_SANITIZED:-} ]] || { echo "SKIPPED: sanitizers cost what is measured here"; exit 77; }

best_ms() { # most, command...: of up to 15 tries, or the first one within `most`
  local most=$1 best=999999 started spent
  shift
  for _ in $(seq 15); do
    started=$(date +%s%N)
    "$@" >"$folder/said" 2>&1 || true
    spent=$((($(date +%s%N) - started) / 1000000))
    [[ $spent -ge $best ]] || best=$spent
    [[ $best -ge $most ]] || break
  done
  echo "$best"
}
within() { # what, most, got
  echo "$1: $3 ms (at most $2)"
  [[ $3 -lt $2 ]] || { echo "FAILED: too slow"; exit 1; }
}

printf 'a,b\n1,2\n' >"$folder/t.csv"
cat >"$folder/bad.yaml" <<'SPEC'
version: 1
name: bad
wharehouse: x.db
sources:
  t: {path: t.csv, on_malformed: quarantin}
jobs:
  one: {kind: etl, from: tt}
  two: {kind: etl, from: t, drop: [c], data_tests: [{not_nul: {column: a}}]}
SPEC
within "five mistakes" 50 "$(best_ms 50 "$QUERN" validate "$folder/bad.yaml")"
expect "mistakes" 5 "$(grep -c 'bad.yaml:[0-9]*:[0-9]*: ' "$folder/said")"

"$QUERN" generate churn --rows 1000 --out "$folder/thousand.csv"
cat >"$folder/small.yaml" <<'SPEC'
version: 1
name: small
sources: {rows: {path: thousand.csv}}
jobs: {kept: {kind: etl, from: rows, filter: age >= 18, data_tests: [{not_null: {column: age}}], into: kept}}
SPEC
small() {
  rm -rf "$folder/.quern" "$folder"/small.db*
  "$QUERN" run "$folder/small.yaml" --workers 1
}
within "a thousand rows" 150 "$(best_ms 150 small)"
expect "rows" 1000 "$(sqlite3 "$folder/small.db" 'select count(*) from kept')"

"$QUERN" generate churn --rows 50000 --seed 7 --out "$folder/customers.csv"
"$QUERN" generate events --rows 1000000 --customers 50000 --seed 7 --out "$folder/events.csv"
big() {
  rm -rf "$folder/.quern" "$folder"/big.db*
  "$QUERN" run "$QUERN_ROOT/examples/churn/quern.yaml" --set "data=$folder" --workers 2 \
    --warehouse "$folder/big.db" --state "$folder/.quern" --json
}
within "a million events to a model" 10000 "$(best_ms 10000 big)"
mv "$folder/said" "$folder/json"
field() { sqlite3 :memory: "select readfile('$folder/json') ->> '$1'"; }
expect "events and what became of them" "1000000|success" "$(field '$.jobs[0].rows_in')|$(field '$.status')"
echo "coordinator: $(($(field '$.coordinator.peak_bytes') / 1000000)) MB at most"
[[ $(field '$.coordinator.peak_bytes') -lt 200000000 ]] || { echo "FAILED: too much memory"; exit 1; }

# Where the time went: every stage of every job, and workers cannot have used more than there was.
expect "jobs with timings" 5 \
  "$(sqlite3 "$folder/big.db" 'select count(distinct job) from _quern_timings where seconds > 0')"
expect "jobs whose stages add up to at most the job" 5 "$(sqlite3 "$folder/big.db" \
  'select count(*) from _quern_jobs as j where seconds + 0.05 >=
   (select sum(seconds) from _quern_timings as t where t.job = j.job)')"
expect "stages whose workers used more processor than time" 0 "$(sqlite3 "$folder/big.db" \
  'select count(*) from _quern_timings where cpu_seconds > worker_seconds + 0.05 or worker_seconds > 2 * seconds + 0.1')"
"$QUERN" status "$folder/big.db" >"$folder/said"
sed -n '/where the time went/,/^$/p' "$folder/said"
for job in usage customer_usage features churn churn_scores; do
  grep -qE "^  $job +[0-9.]+ s +[0-9.]+ s +[0-9.]+ s   [a-z]+ .*[0-9]" "$folder/said" ||
    { echo "FAILED: where did the time of $job go?"; cat "$folder/said"; exit 1; }
done
