# What the tests of the lake share: a pipeline that writes a dataset and a file, and what is in them.
# Sourced after cluster.sh.

make_lake_pipeline() { # rows, and how rows come to what is there: events to folders in small files, and to one file
  "$QUERN" generate events --rows "$1" --seed 7 --out "$folder/events.csv"
  cat >"$folder/quern.yaml" <<SPEC
version: 1
name: cluster
seed: 7
lake: lake
sources:
  events: {path: events.csv, chunk_size: 256KiB}
jobs:
  days:
    kind: etl
    from: events
    into: {lake: days, format: csv, partition_by: [kind, channel], file_size: 200KiB, write_disposition: ${2:-replace}}
  counted: {kind: etl, from: days, group_by: kind, aggregate: {n: count(*)}, into: counted}
  flat: {kind: etl, from: events, filter: "kind <> 'sms'", into: {file: out/flat.jsonl}}
SPEC
}

newest() { # dataset folder: its newest manifest
  { find "$1/_quern/snapshots" -name '*.json' -size +0 2>/dev/null || true; } | sort | tail -1
}

nameless() { # stdin without what differs from run to run
  sed -E 's/[0-9]{8}T[0-9]{6}-[0-9a-f]{8}/RUN/g; /"(time|run|spec_sha256)": /d'
}

lake_digest() { # dataset folder: what its newest snapshot says and what its files hold
  local manifest path
  manifest=$(newest "$1")
  {
    nameless <"$manifest"
    sed -nE 's/.*"path": "([^"]+)".*/\1/p' "$manifest" | while IFS= read -r path; do
      sha256sum <"$1/$path"
    done
  } | sha256sum
}

answer() { # of make_lake_pipeline
  lake_digest "$folder/lake/days"
  sha256sum <"$folder/out/flat.jsonl"
  "$QUERN" digest "$folder/cluster.db"
}

forget() {
  rm -rf "$folder/.quern" "$folder"/cluster.db* "$folder/lake" "$folder/out"
}
