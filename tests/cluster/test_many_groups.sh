# W2's question with a group for nearly every row, under a memory in which the groups cannot stand:
# they are set aside, the digest is that of a run with memory to spare, and no process takes more
# than it was given and what code and buffers need. 2 M rows of 1 M customers; for more:
#   QUERN_GROUP_ROWS=50000000 QUERN_GROUP_KEYS=10000000 ./dev test -R many_groups
source "$QUERN_ROOT/tests/support/cluster.sh"
[[ -z ${QUERN_SANITIZED:-} ]] || { echo "SKIPPED: sanitizers take memory of their own"; exit 77; }
rows=${QUERN_GROUP_ROWS:-2000000} keys=${QUERN_GROUP_KEYS:-1000000}
"$QUERN" generate events --rows "$rows" --customers "$keys" --seed 7 --out "$folder/events.csv"
cp "$QUERN_ROOT/bench/workloads/w2.yaml" "$folder/quern.yaml"

sample() { # pids: raises peak[i] to what each has of private and shared memory, in KiB
  local i kib
  for i in "${!pids[@]}"; do
    kib=$(awk '/^Pss_(Anon|Shmem)/ { sum += $2 } END { print sum + 0 }' "/proc/${pids[i]}/smaps_rollup" 2>/dev/null || true)
    if [[ ${kib:-0} -gt ${peak[i]} ]]; then peak[i]=$kib; fi
  done
}

with_memory() { # MiB a worker: a run by a coordinator and two workers; its digest in `got`
  rm -rf "$folder/.quern" "$folder"/*.db*
  "$QUERN" coordinator "$folder/quern.yaml" --set "events=$folder/events.csv" --listen "ipc://$folder/c" \
    --warehouse "$folder/cluster.db" --quiet &
  pids=($!) peak=(0 0 0)
  for i in 1 2; do
    "$QUERN" worker --connect "ipc://$folder/c" --memory "$1MiB" --verbose 2>"$folder/log$i" &
    pids+=($!)
  done
  while kill -0 "${pids[0]}" 2>/dev/null; do
    sample
    sleep 0.01
  done
  wait "${pids[0]}" || { echo "FAILED: the run with $1 MiB"; exit 1; }
  wait
  got=$("$QUERN" digest "$folder/cluster.db")
  aside=$(cat "$folder"/log? | grep -c 'set aside' || true)
  echo "$1 MiB a worker: set aside $aside times, coordinator $((peak[0] / 1024)) MiB," \
    "workers $((peak[1] / 1024)) and $((peak[2] / 1024)) MiB at most"
}

at_most() { # what, MiB, KiB seen
  [[ $3 -gt 0 && $3 -le $(($2 * 1024)) ]] || { echo "FAILED: $1 took $(($3 / 1024)) MiB, at most $2 were allowed"; exit 1; }
}

with_memory 4096
expected=$got
expect "times that groups were set aside with memory to spare" 0 "$aside"
groups=$(count 'select count(*) from answer')
[[ $groups -gt $((keys / 2)) ]] || { echo "FAILED: only $groups groups"; exit 1; }
little=16
with_memory $little
expect "digest with $little MiB a worker" "$expected" "$got"
[[ $aside -ge 2 ]] || { echo "FAILED: groups were set aside $aside times"; exit 1; }
for i in 1 2; do at_most "worker $i" $((little + 8)) "${peak[i]}"; done
at_most "the coordinator" 80 "${peak[0]}"
expect "scratch files left" "" "$(find "$folder" -name 'scratch-*')"
