# A reader that lists a dataset again and again, while a hundred loads and compactions come and go at
# once and one load is killed in its midst, sees all of each load or none: every snapshot holds whole
# loads alone, and all files that it names are there with all their rows.
source "$QUERN_ROOT/tests/support/cluster.sh"
source "$QUERN_ROOT/tests/support/lake.sh"
rows=700 loads=100 side=2
for i in $(seq "$side"); do
  mkdir "$folder/$i"
  "$QUERN" generate events --rows $rows --seed "$i" --out "$folder/$i/events.csv"
  cat >"$folder/$i/quern.yaml" <<SPEC
version: 1
name: load
lake: $folder/lake
sources: {events: {path: events.csv, chunk_size: 16KiB}}
jobs:
  days: {kind: etl, from: events, profile: false, into: {lake: days, format: csv, partition_by: kind, write_disposition: append}}
SPEC
done
mkdir -p "$folder/lake/days"
trap 'touch "$folder/over"; wait 2>/dev/null; rm -rf "$folder"' EXIT

writer() { # number: loads one after another
  for _ in $(seq $((loads / side))); do
    "$QUERN" run "$folder/$1/quern.yaml" --workers 1 --quiet 2>>"$folder/errors" || return 1
  done
}

tender() { # compacts and expires until the loads are over
  while [[ -d $folder && ! -e $folder/over && $SECONDS -lt 60 ]]; do
    "$QUERN" lake compact "$folder/lake/days" --json >>"$folder/compactions" 2>>"$folder/lost" || true
    "$QUERN" lake expire "$folder/lake/days" --keep 30 --quiet >/dev/null 2>>"$folder/lost" || true
    sleep 0.03
  done
}

look() { # one look of a reader: rows of the newest manifest, and of the files that it names
  local manifest said path held=0 n bad=0
  manifest=$(newest "$folder/lake/days")
  [[ $manifest ]] || return 0
  cp "$manifest" "$folder/seen.json"
  [[ -s $folder/seen.json ]] || return 0 # expired in between
  said=$(sed -nE 's/^  "rows": ([0-9]+),/\1/p' "$folder/seen.json")
  while IFS= read -r path; do
    if [[ ! -f $folder/lake/days/$path ]]; then
      bad=1
      continue
    fi
    n=$(wc -l <"$folder/lake/days/$path")
    held=$((held + n - 1))
  done < <(sed -nE 's/.*"path": "([^"]+)".*/\1/p' "$folder/seen.json")
  # A snapshot that was let go while we counted tells nothing.
  if [[ -s $manifest && $bad == 1 ]]; then echo "a file of $manifest is missing"; fi
  if [[ -s $manifest && $held != "$said" ]]; then echo "$manifest says $said rows, its files hold $held"; fi
  if ((said % rows != 0)); then echo "$manifest has $said rows: half a load"; fi
  echo looked
}

reader() {
  while [[ -d $folder && ! -e $folder/over && $SECONDS -lt 60 ]]; do look; done
}

touch "$folder/errors" "$folder/lost" "$folder/compactions"
reader >"$folder/reader" &
reader=$!
tender &
tender=$!
pids=()
for i in $(seq "$side"); do
  writer "$i" &
  pids+=($!)
done

# A load of its own that is killed, again and again until it was killed in its midst.
cp -r "$folder/1" "$folder/victim"
sed -i 's/name: load/name: victim/' "$folder/victim/quern.yaml"
killed=0
for delay in 0.03 0.05 0.07 0.09; do
  "$QUERN" run "$folder/victim/quern.yaml" --workers 1 --quiet 2>/dev/null &
  victim=$!
  sleep $delay
  if kill -9 $victim 2>/dev/null; then killed=$((killed + 1)); fi
  wait $victim 2>/dev/null || true
done
"$QUERN" run "$folder/victim/quern.yaml" --workers 1 --quiet # goes on, or begins anew

for pid in "${pids[@]}"; do
  wait "$pid" || { echo "FAILED: a load failed: $(cat "$folder/errors")"; exit 1; }
done
touch "$folder/over"
wait $reader $tender
expect "what the reader saw amiss" "" "$(grep -v '^looked$' "$folder/reader" || true)"
looks=$(grep -c '^looked$' "$folder/reader")
joined=$(grep -c snapshot "$folder/compactions")
total=$(sed -nE 's/^  "rows": ([0-9]+),/\1/p' "$(newest "$folder/lake/days")")
((total % rows == 0 && total / rows > loads)) || { echo "FAILED: $total rows in the end, of $loads loads and the killed one's"; exit 1; }
grep -vE "changed the files|is no dataset" "$folder/lost" && { echo "FAILED: a compaction failed"; exit 1; }
[[ $killed -ge 1 && $looks -ge 5 && $joined -ge 3 ]] || { echo "FAILED: $killed killed, $looks looks, $joined compactions"; exit 1; }

# What the killed load left goes, and nothing else.
"$QUERN" lake expire "$folder/lake/days" --keep 1 >/dev/null
expect "files that are there" "$("$QUERN" lake files "$folder/lake/days" | sort)" \
  "$(find "$folder/lake/days" -name '*.csv' | sort)"
expect "loads that are left" "" "$(ls "$folder/lake/days/_quern/loads")"
"$QUERN" convert "$folder/lake/days" "$folder/all.csv" --quiet
expect "rows that are read" "$total" "$(($(wc -l <"$folder/all.csv") - 1))"
echo "$looks looks at $((total / rows)) loads, $joined compactions and $killed kills: none saw half a load"
