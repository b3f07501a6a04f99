# Workers that are killed before the run has let them begin cost it nothing but their start anew: the
# run is not ended by it.
source "$QUERN_ROOT/tests/support/cluster.sh"
cd "$folder"
mkdir parts
for number in $(seq 400); do printf 'id,x\n%d,%d\n' "$number" $((number * 7 % 13)) >"parts/$number.csv"; done
cat >quern.yaml <<'SPEC'
version: 1
name: cluster
sources: {parts: {path: parts/}}
jobs: {all: {kind: etl, from: parts, into: all_rows}}
SPEC
expected=$(fresh_run 1)
for try in $(seq 8); do
  rm -rf .quern cluster.db*
  "$QUERN" run quern.yaml --workers 1 --quiet &
  run=$!
  victim=
  while [[ -z $victim ]] && kill -0 "$run" 2>/dev/null; do victim=$(pgrep -P "$run" || true); done
  kill -9 $victim 2>/dev/null || true
  code=0
  wait "$run" || code=$?
  expect "exit code of run $try, whose worker was killed as it started" 0 "$code"
  expect "digest of run $try" "$expected" "$("$QUERN" digest cluster.db)"
done
