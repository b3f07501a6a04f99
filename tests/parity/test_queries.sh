# Generated queries, answered by Quern, SQLite and DuckDB over the same rows. Python and DuckDB are no
# part of Quern: without them this is skipped. PYTHON names another interpreter, QUERN_QUERIES more.
source "$QUERN_ROOT/tests/support/cluster.sh"
python=${PYTHON:-python3}
if ! "$python" -c 'import duckdb' 2>/dev/null; then
  echo "SKIPPED: $python has no duckdb"
  echo "SKIPPED: queries were NOT compared with DuckDB" >&2
  exit 77
fi
export QUERN_QUERY_DUMP=$folder QUERN_QUERIES=${QUERN_QUERIES:-100}
tests/test.conformance.query_oracle
"$python" "$QUERN_ROOT/tests/parity/query_parity.py" "$folder"
