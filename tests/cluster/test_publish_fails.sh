# What a table of the user's refuses when a job publishes fails that job, whole; others go on.
source "$QUERN_ROOT/tests/support/cluster.sh"
printf 'k,v\n1,a\n2,b\n3,c\n' >"$folder/t.csv"
cat >"$folder/quern.yaml" <<'SPEC'
version: 1
name: cluster
sources: {t: {path: t.csv}}
jobs:
  once: {kind: etl, from: t, into: {table: once, write_disposition: append}}
  after: {kind: etl, from: once, into: after}
  other: {kind: etl, from: t, derive: {w: k * 2}, into: other}
SPEC
"$QUERN" run "$folder/quern.yaml" --workers 1 --quiet
count 'create unique index one_key on once(k)'
code=0
"$QUERN" run "$folder/quern.yaml" --workers 1 --quiet 2>"$folder/said" || code=$?
expect "exit code" 1 "$code"
grep -qi "job once failed: .*unique" "$folder/said" || { cat "$folder/said"; exit 1; }
expect "jobs" "after skipped, once failed, other success" \
  "$(count "select group_concat(job || ' ' || status, ', ') from (select * from _quern_jobs
     where run_id = (select run_id from _quern_runs order by rowid desc limit 1) order by job)")"
expect "rows of the table" 3 "$(count 'select count(*) from once')"
expect "runs" "success, failed" "$(count "select group_concat(status, ', ') from (select status from _quern_runs order by rowid)")"
count 'drop index one_key'
"$QUERN" run "$folder/quern.yaml" --workers 1 --quiet
expect "rows once it may" 6 "$(count 'select count(*) from once')"
