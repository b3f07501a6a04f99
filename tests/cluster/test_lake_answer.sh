# Datasets and files are the same bytes for any number of workers and slots, whether parts are left in
# a shared folder or sent, and hold every row once.
source "$QUERN_ROOT/tests/support/cluster.sh"
source "$QUERN_ROOT/tests/support/lake.sh"
make_lake_pipeline 60000
"$QUERN" run "$folder/quern.yaml" --workers 1 --quiet
expected=$(answer)
for workers in "2" "3 --slots 2"; do
  forget
  # shellcheck disable=SC2086
  "$QUERN" run "$folder/quern.yaml" --workers $workers --quiet
  expect "the answer of $workers workers" "$expected" "$(answer)"
done

forget
"$QUERN" coordinator "$folder/quern.yaml" --listen "ipc://$folder/c" --quiet &
coordinator=$!
for _ in $(seq 200); do
  proof=$(find "$folder/.quern" -path '*/spool/.*' -type f 2>/dev/null || true)
  if [[ $proof ]]; then break; fi
  sleep 0.01
done
rm "$proof"
"$QUERN" worker --connect "ipc://$folder/c" --quiet
wait $coordinator
expect "the answer when parts are sent" "$expected" "$(answer)"

# Rows of all files, without their headers, are those of the source.
rows=0
while IFS= read -r -d '' file; do
  rows=$((rows + $(wc -l <"$file") - 1))
done < <(find "$folder/lake/days" -name '*.csv' -print0)
expect "rows in files" 60000 "$rows"
expect "rows in the manifest" 60000 "$(sed -nE 's/^  "rows": ([0-9]+),/\1/p' "$(newest "$folder/lake/days")")"
expect "rows counted by the next job" 60000 "$(count 'select sum(n) from counted')"
expect "rows in the file" "$(count "select sum(n) from counted where kind <> 'sms'")" "$(wc -l <"$folder/out/flat.jsonl")"
expect "what is left of the load" "" "$(ls -A "$folder/lake/days/_quern/loads")"
expect "what is left beside the file" "flat.jsonl" "$(ls -A "$folder/out")"
largest=$(find "$folder/lake/days" -name '*.csv' -size +220k | wc -l)
expect "files far past file_size" 0 "$largest"
echo "the same bytes for any workers"
