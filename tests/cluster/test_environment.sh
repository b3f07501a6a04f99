# ${env:NAME} is the coordinator's: a worker whose environment differs reads the same spec.
source "$QUERN_ROOT/tests/support/cluster.sh"
printf 'a,b\n1,\n2,5\n' >"$folder/t.csv"
cat >"$folder/quern.yaml" <<'SPEC'
version: 1
name: cluster
sources:
  t: {path: t.csv, columns: [{name: b, type: integer}]}
jobs:
  filled:
    kind: etl
    from: t
    impute: {b: {strategy: constant, value: "${env:QUERN_TEST_FILL}"}}
    into: filled
SPEC
run_with() { # the worker's environment, as env(1) takes it
  rm -rf "$folder/.quern" "$folder"/cluster.db*
  QUERN_TEST_FILL=7 "$QUERN" coordinator "$folder/quern.yaml" --listen "ipc://$folder/c" --quiet &
  local coordinator=$! worker
  env "$@" "$QUERN" worker --connect "ipc://$folder/c" --quiet --patience 10 &
  worker=$!
  timeout 20 tail --pid="$coordinator" -f /dev/null || { kill -9 "$coordinator" "$worker"; echo "FAILED: $* never ended"; exit 1; }
  wait "$coordinator" || { kill -9 "$worker" 2>/dev/null; echo "FAILED: with $* the run failed"; exit 1; }
  wait "$worker" || true
  expect "filled value with $*" 7 "$(count 'select b from filled where a = 1')"
}
run_with QUERN_TEST_FILL=9
run_with -u QUERN_TEST_FILL
echo "workers take the coordinator's environment"
