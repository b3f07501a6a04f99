# The same digest for 1, 2, 4 and 7 workers, with any instructions, and every row accounted for.
source "$QUERN_ROOT/tests/support/cluster.sh"
make_pipeline 60000
one=$(fresh_run 1)
expect "rows in staging and quarantine" 60000 \
  "$(count 'select (select count(*) from clean) + (select count(*) from _quern_quarantine where job = "clean")')"
[[ $(count 'select count(*) from _quern_quarantine') -gt 0 ]] || {
  echo "FAILED: dirty durations were not quarantined"
  exit 1
}
line=$(count 'select line from _quern_quarantine order by rowid desc limit 1')
raw=$(count 'select raw from _quern_quarantine order by rowid desc limit 1')
expect "the last refused row's line" "$(sed -n "${line}p" "$folder/events.csv")" "$raw"
for workers in 2 4 7; do
  expect "digest with $workers workers" "$one" "$(fresh_run $workers)"
done
for simd in scalar sse2 avx2; do
  expect "digest with QUERN_SIMD=$simd" "$one" "$(QUERN_SIMD=$simd fresh_run 2)"
done
echo "same digest for 1, 2, 4 and 7 workers, with any instructions"
