# Parquet beside PyArrow, DuckDB and Polars: what they write we read, and what we write they read,
# every type, encoding, codec and version of pages, to the last bit. They are no part of Quern:
# without them this is skipped. PYTHON names another interpreter.
set -euo pipefail
python=${PYTHON:-python3}
if ! "$python" -c 'import duckdb, polars, pyarrow.parquet, numpy' 2>/dev/null; then
  echo "SKIPPED: $python lacks duckdb, polars, pyarrow or numpy"
  echo "SKIPPED: Parquet was NOT compared with other programs" >&2
  exit 77
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/ours" "$folder/theirs"
tools=$(dirname "$QUERN")/tests
"$tools/interop.parquet_cases" "$folder/ours"
"$python" "$QUERN_ROOT/tests/interop/written.py" "$folder/ours"
"$python" "$QUERN_ROOT/tests/interop/read_hand.py" "$folder/theirs" "$tools/interop.parquet_rows"
"$python" "$QUERN_ROOT/tests/interop/read.py" "$folder/theirs" "$tools/interop.parquet_rows" \
  "$folder/ours"
find "$folder/theirs" -name '*.parquet' | sort | "$tools/interop.parquet_only"
