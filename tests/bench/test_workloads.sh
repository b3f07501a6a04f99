# ./dev bench in small: its specs run, their answers are those of the sqlite3 command, and an answer
# that is wrong is noticed. It needs Python, as benchmarks do; without it this is skipped. With
# QUERN_BENCH_PEERS naming a Python that has peers, every workload is held against theirs, too.
source "$QUERN_ROOT/tests/support/cluster.sh"
if ! python3 -c '' 2>/dev/null || ! command -v sqlite3 >/dev/null; then
  echo "SKIPPED: the workloads were NOT run: no python3 or no sqlite3" >&2
  exit 77
fi
fail() {
  echo "FAILED: $*" >&2
  exit 1
}
export PYTHONPATH=$QUERN_ROOT PYTHONDONTWRITEBYTECODE=1
python3 -m bench.run --quern "$QUERN" --peers python3 --engines sqlite3 --only W1,W2,W3 --rows 20000 \
  --runs 0 --data "$folder/bench" >"$folder/table"
for workload in W1 W2 W3; do
  grep -F "**$workload**" "$folder/table" | grep -qF '**Quern**' || fail "no line of ours for $workload"
done
[[ $(grep -c 'sqlite3 .*import.db' "$folder/table") == 3 ]] || fail "not three answers of sqlite3"

cd "$folder/bench/out"
python3 -m bench.answers W2 W2.db W2-sqlite3.db || fail "equal answers are said to differ"
change() { # SQL: makes the peer's answer wrong
  cp W2-sqlite3.db wrong.db
  sqlite3 wrong.db "$1"
  python3 -m bench.answers W2 W2.db wrong.db >/dev/null 2>&1 && fail "not noticed: $1"
  return 0
}
first="(select min(customer_id) from answer)"
change "update answer set total = total + 0.01 where customer_id = $first"
change "update answer set mean = mean * 1.00000001 where customer_id = $first"
change "update answer set last_ts = null where customer_id = $first"
change "delete from answer where customer_id = $first"
change "insert into answer select * from answer where customer_id = $first"

if [[ -z ${QUERN_BENCH_PEERS:-} ]]; then
  echo "SKIPPED in part: QUERN_BENCH_PEERS names no Python; answers were compared with sqlite3 alone" >&2
  exit 0
fi
cd "$QUERN_ROOT"
python3 -m bench.run --quern "$QUERN" --engines duckdb,polars,pyarrow,pandas,sklearn --rows 20000 --runs 0 \
  --data "$folder/peers" >"$folder/table" || fail "a peer failed or has another answer"
if missing=$(grep '^missing' "$folder/table"); then echo "SKIPPED in part: $missing" >&2; fi

peer=${QUERN_BENCH_PEERS%%:*}
cd "$folder/peers"
sed 's/,call,/,sms,/' events-20000-1000-7.csv >wrong.csv
"$QUERN" convert wrong.csv wrong.parquet --quiet
cd "$QUERN_ROOT"
"$peer" -m bench.answers convert "$folder/peers/out/convert.parquet" "$folder/peers/wrong.parquet" \
  >"$folder/differs" 2>&1 && fail "a column of another file is not noticed"
grep -q 'column kind has other values' "$folder/differs" || fail "not said: $(cat "$folder/differs")"
