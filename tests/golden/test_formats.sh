# The same table from files of different formats gives the same digest, with any number of workers.
source "$QUERN_ROOT/tests/support/cluster.sh"
data=${QUERN_DATA:-}/flight-summary
if [[ ! -d $data ]]; then
  echo "SKIPPED: no $data (QUERN_DATA is the folder of test data)" >&2
  exit 77
fi
digest_of() { # path, workers
  cat >"$folder/quern.yaml" <<SPEC
version: 1
name: cluster
sources: {files: {path: "$1", chunk_size: 1KiB}}
jobs:
  flights:
    kind: etl
    from: files
    select: [ORIGIN_COUNTRY_NAME, DEST_COUNTRY_NAME, count]
    into: flights
SPEC
  fresh_run "$2"
}
expected=$(digest_of "$data/csv/*.csv" 1)
expect "JSON lines" "$expected" "$(digest_of "$data/json/*.json" 1)"
expect "JSON lines, two workers" "$expected" "$(digest_of "$data/json/*.json" 2)"
expect "rows" 1502 "$(count 'select count(*) from flights')"
expected=$(digest_of "$data/csv/2010-summary.csv" 1)
expect "JSON lines of 2010" "$expected" "$(digest_of "$data/json/2010-summary.json" 2)"
expect "Parquet of 2010" "$expected" "$(digest_of "$data/parquet/2010-summary.parquet" 2)"
expect "rows of 2010" 255 "$(count 'select count(*) from flights')"
