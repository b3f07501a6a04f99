# A worker that does not see the coordinator's folder sends its parts, compressed; one that does leaves
# them there, plain. The answer is the same. (The proof that the folder is shared is taken away before
# the worker looks for it.)
source "$QUERN_ROOT/tests/support/cluster.sh"
make_pipeline 60000
sed -i 's/chunk_size: 256KiB/chunk_size: 1MiB/' "$folder/quern.yaml"
left=$(fresh_run 1)
left_bytes=$(count "select sum(part_bytes) from _quern_commits")

rm -rf "$folder/.quern" "$folder"/cluster.db*
"$QUERN" coordinator "$folder/quern.yaml" --listen "ipc://$folder/c" --quiet &
coordinator=$!
for _ in $(seq 200); do
  proof=$(find "$folder/.quern" -path '*/spool/.*' -type f 2>/dev/null || true)
  if [[ $proof ]]; then break; fi
  sleep 0.01
done
[[ $proof ]] || { echo "FAILED: no proof of the folder appeared"; exit 1; }
rm "$proof"
"$QUERN" worker --connect "ipc://$folder/c" --quiet
wait $coordinator
expect "the digest of a run whose parts were sent" "$left" "$("$QUERN" digest "$folder/cluster.db")"
sent_bytes=$(count "select sum(part_bytes) from _quern_commits")
((sent_bytes < left_bytes)) || { echo "FAILED: $sent_bytes bytes sent, $left_bytes left"; exit 1; }
echo "the same digest with $left_bytes bytes left in the folder and $sent_bytes sent"
