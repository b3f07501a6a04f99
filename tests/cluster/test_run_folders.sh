# A run's folder goes when the run is over or given up, whenever it was killed; never while it can go
# on, and nothing outside of the state folder goes with it.
source "$QUERN_ROOT/tests/support/cluster.sh"
make_pipeline 2000
state=$folder/.quern
folders() { find "$state" -mindepth 1 -maxdepth 1 -type d -printf '%f\n' | sort; }

killed_run() { # words...: a coordinator that no worker joins, killed once its folder is there
  local before after
  before=$(folders 2>/dev/null || true)
  "$QUERN" coordinator "$@" --listen "ipc://$folder/s" --quiet 2>/dev/null &
  local pid=$!
  for _ in $(seq 200); do
    after=$(comm -13 <(echo "$before") <(folders 2>/dev/null || true))
    [[ -n $after && -d $state/$after/parts ]] && break
    sleep 0.02
  done
  kill -9 "$pid"
  wait "$pid" 2>/dev/null || true
  touch "$state/$after/parts/one" "$state/$after/spool/two"
  killed=$after
}

# Given up: the data changed, so nobody can go on with it.
killed_run "$folder/quern.yaml"
given_up=$killed
[[ -n $given_up ]] || { echo "FAILED: no run folder"; exit 1; }
tail -n 1 "$folder/events.csv" >>"$folder/events.csv.more"
cat "$folder/events.csv.more" >>"$folder/events.csv"

# Given up, and killed before its first commit: the warehouse never heard of it.
killed_run "$folder/quern.yaml"
[[ -n $killed ]] || { echo "FAILED: no second run folder"; exit 1; }
rm -f "$folder"/cluster.db*
cat "$folder/events.csv.more" >>"$folder/events.csv"

# Another warehouse has a run in the same state folder: that one can go on.
sed 's/^name: cluster/name: other/' "$folder/quern.yaml" >"$folder/other.yaml"
killed_run "$folder/other.yaml" --warehouse "$folder/other.db"
other=$killed

# What an earlier life did not come to remove, a stranger's folder, and a way out.
mkdir -p "$state/20200101T000000-00000000/parts" "$state/notes" "$folder/outside"
touch "$state/20200101T000000-00000000/parts/old" "$folder/outside/file"
ln -s "$folder/outside" "$state/20200101T000000-00000001"
mkdir -p "$state/20200101T000000-00000002"
ln -s "$folder/outside" "$state/20200101T000000-00000002/parts"

"$QUERN" run "$folder/quern.yaml" --workers 1 --quiet
expect "folders after the next run" "$(printf '%s\nnotes' "$other")" "$(folders)"
[[ -f $folder/outside/file ]] || { echo "FAILED: a link was followed"; exit 1; }
"$QUERN" run "$folder/other.yaml" --warehouse "$folder/other.db" --workers 1 --quiet
expect "folders in the end" notes "$(folders)"
expect "runs of the other warehouse" "$other" "$(sqlite3 "$folder/other.db" 'select run_id from _quern_runs')"
