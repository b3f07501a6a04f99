# What Quern's reader gives for a public suite of awkward files, beside DuckDB and a second reader.
# Python and DuckDB are no part of Quern: without them this is skipped. PYTHON names another
# interpreter.
source "$QUERN_ROOT/tests/support/cluster.sh"
python=${PYTHON:-python3}
if ! "$python" -c 'import duckdb' 2>/dev/null; then
  echo "SKIPPED: $python has no duckdb"
  echo "SKIPPED: expectations of CSV files were NOT compared with DuckDB" >&2
  exit 77
fi
files="${QUERN_DATA:-}/csv-duckdb"
[[ -d $files ]] || { echo "SKIPPED: no $files (QUERN_DATA is the folder of test data)"; exit 77; }
"$python" "$QUERN_ROOT/tests/parity/csv_parity.py" "$files" "$QUERN_ROOT/tests/conformance/csv_expected.h"
