# The aggregates of Quern beside DuckDB's, on the same rows. Python and DuckDB are no part of Quern:
# without them this is skipped. PYTHON names another interpreter.
source "$QUERN_ROOT/tests/support/cluster.sh"
python=${PYTHON:-python3}
if ! "$python" -c 'import duckdb' 2>/dev/null; then
  echo "SKIPPED: $python has no duckdb"
  echo "SKIPPED: the aggregates were NOT compared with DuckDB" >&2
  exit 77
fi
"$python" "$QUERN_ROOT/tests/parity/aggregates_parity.py" "$folder"
