# kill -9 of the whole run at random moments; the same command goes on to the same digest, and what
# the ledger held is not computed again.
source "$QUERN_ROOT/tests/support/cluster.sh"
make_pipeline 200000
expected=$(fresh_run 2)
kills=0
RANDOM=11
for round in $(seq 1 10); do
  rm -rf "$folder/.quern" "$folder"/cluster.db*
  "$QUERN" run "$folder/quern.yaml" --workers 2 --quiet 2>/dev/null &
  run=$!
  sleep "0.$(printf %03d $((RANDOM % 250 + 20)))"
  if kill -9 "$run" 2>/dev/null; then kills=$((kills + 1)); fi
  wait "$run" 2>/dev/null || true
  before="" runs=0
  if [[ -f $folder/cluster.db ]] && [[ $(count "select count(*) from sqlite_schema where name = '_quern_commits'") == 1 ]]; then
    runs=$(count 'select count(*) from _quern_runs')
    before=$(count 'select job, stage, chunk, attempt, digest from _quern_commits order by 1, 2, 3')
    finished=$(count "select count(*) from _quern_runs where status = 'success'")
    [[ $finished == 0 ]] || continue
  fi
  "$QUERN" run "$folder/quern.yaml" --workers 2 --quiet
  expect "digest of round $round" "$expected" "$("$QUERN" digest "$folder/cluster.db")"
  expect "indexes of round $round" "ix_clean__customer_id__ts ix_clean__kind" \
    "$(count "select group_concat(name, ' ') from (select name from sqlite_schema where tbl_name = 'clean' and type = 'index' order by 1)")"
  expect "integrity of round $round" ok "$(count 'pragma integrity_check')"
  if [[ $runs -gt 0 ]]; then
    expect "runs in round $round (it went on)" 1 "$(count 'select count(*) from _quern_runs')"
    after=$(count 'select job, stage, chunk, attempt, digest from _quern_commits order by 1, 2, 3')
    kept=$(comm -12 <(sort <<<"$before") <(sort <<<"$after"))
    expect "ledger rows kept in round $round" "$(sort <<<"$before")" "$kept"
  fi
done
[[ $kills -ge 5 ]] || { echo "FAILED: only $kills runs were killed"; exit 1; }
echo "$kills runs killed, same digest, ledger kept"
