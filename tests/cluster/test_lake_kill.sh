# kill -9 of the whole run at random moments, in the midst of the load and of its end; the same command
# goes on to the same files, and a dataset that is appended to gets every row exactly once.
source "$QUERN_ROOT/tests/support/cluster.sh"
source "$QUERN_ROOT/tests/support/lake.sh"
make_lake_pipeline 100000 append
"$QUERN" run "$folder/quern.yaml" --workers 2 --quiet
expected=$(answer)
kills=0 half=0
RANDOM=5
for round in $(seq 1 9); do
  forget
  "$QUERN" run "$folder/quern.yaml" --workers 2 --quiet 2>/dev/null &
  run=$!
  sleep "0.$(printf %03d $((RANDOM % 180 + 20)))"
  if kill -9 "$run" 2>/dev/null; then kills=$((kills + 1)); fi
  wait "$run" 2>/dev/null || true
  if [[ $(newest "$folder/lake/days" 2>/dev/null) ]]; then
    expect "rows that are seen when killed in round $round" 100000 \
      "$(sed -nE 's/^  "rows": ([0-9]+),/\1/p' "$(newest "$folder/lake/days")")"
  else
    half=$((half + 1))
  fi
  [[ ! -f $folder/cluster.db ]] ||
    [[ $(sqlite3 "$folder/cluster.db" "select count(*) from sqlite_schema where name = '_quern_runs'") == 0 ]] ||
    [[ $(count "select count(*) from _quern_runs where status = 'success'") == 0 ]] || continue
  "$QUERN" run "$folder/quern.yaml" --workers 2 --quiet
  expect "answer of round $round" "$expected" "$(answer)"
done
[[ $kills -ge 4 && $half -ge 2 ]] || { echo "FAILED: only $kills runs were killed, $half before their end"; exit 1; }
echo "$kills runs killed, $half before anything was seen; the same files"
