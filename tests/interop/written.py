"""Files that interop.parquet_cases wrote, read by PyArrow, DuckDB and Polars and compared to the
last bit with what was written.

    python written.py FOLDER
"""
import decimal
import glob
import os
import struct
import sys

import duckdb
import numpy
import polars
import pyarrow
import pyarrow.compute
import pyarrow.parquet

READERS = {}


def reader(function):
    READERS[function.__name__] = function
    return function


@reader
def pyarrow_(path):
    return pyarrow.parquet.ParquetFile(path, page_checksum_verification=True).read()


connection = duckdb.connect()


@reader
def duckdb_(path):
    return connection.sql("select * from read_parquet('%s')" % path).to_arrow_table()


@reader
def polars_(path):
    return polars.read_parquet(path).to_arrow()


def arrow_type(name):
    if name.startswith("decimal"):
        precision, scale = name[8:-1].split(",")
        return pyarrow.decimal128(int(precision), int(scale))
    return {
        "boolean": pyarrow.bool_(), "integer": pyarrow.int64(), "double": pyarrow.float64(),
        "date": pyarrow.date32(), "timestamp": pyarrow.timestamp("us"), "text": pyarrow.string(),
    }[name]


def value(text, kind):
    """A field of a .rows file as Arrow takes it."""
    if text == "\\N":
        return None
    if pyarrow.types.is_boolean(kind):
        return text == "1"
    if pyarrow.types.is_floating(kind):
        return struct.unpack(">d", bytes.fromhex(text))[0]
    if pyarrow.types.is_string(kind):
        return bytes.fromhex(text[1:]).decode()
    if pyarrow.types.is_decimal(kind):
        return decimal.Decimal(int(text)).scaleb(-kind.scale)
    return int(text)


def expected(folder, case, schema):
    with open(os.path.join(folder, case + ".rows"), encoding="ascii") as file:
        rows = [line.rstrip("\n").split("\t") for line in file]
    columns = []
    for index, field in enumerate(schema):
        values = [value(row[index], field.type) for row in rows]
        if pyarrow.types.is_temporal(field.type):
            width = pyarrow.int32() if pyarrow.types.is_date32(field.type) else pyarrow.int64()
            columns.append(pyarrow.array(values, width).cast(field.type))
        else:
            columns.append(pyarrow.array(values, field.type))
    return pyarrow.table(columns, schema=schema)


def bits(column):
    """Doubles as integers: NaN and -0 compare as what they are."""
    array = column.combine_chunks()
    if isinstance(array, pyarrow.ChunkedArray):  # as some releases leave it
        array = pyarrow.concat_arrays(array.chunks or [pyarrow.array([], array.type)])
    if not pyarrow.types.is_floating(array.type):
        return array
    mask = array.is_null().to_numpy(zero_copy_only=False)
    words = pyarrow.compute.fill_null(array, 0.0).to_numpy(zero_copy_only=False)
    return pyarrow.array(words.view(numpy.int64), mask=mask)


def differences(table, truth):
    if table.column_names != truth.column_names:
        return ["columns %s" % table.column_names]
    found = []
    for name in truth.column_names:
        column = table.column(name)
        if column.type != truth.schema.field(name).type:
            column = column.cast(truth.schema.field(name).type)
        if not bits(column).equals(bits(truth.column(name))):
            found.append(name)
    return found


def check_statistics(path, truth):
    """Bounds hold for every value of their row group, and NULLs are counted."""
    found, first = [], 0
    meta = pyarrow.parquet.ParquetFile(path).metadata
    for group in range(meta.num_row_groups):
        rows = meta.row_group(group).num_rows
        part = truth.slice(first, rows)
        first += rows
        for index, name in enumerate(truth.column_names):
            statistics = meta.row_group(group).column(index).statistics
            column = part.column(name)
            if column.null_count == rows and statistics is None:
                continue  # PyArrow shows none without bounds
            if statistics is None or statistics.null_count != column.null_count:
                found.append("NULLs of %s in group %d" % (name, group))
                continue
            values = [v for v in column.to_pylist() if v is not None and v == v]
            if statistics.has_min_max != bool(values):
                if not pyarrow.types.is_string(column.type):  # a bound past the last text: none
                    found.append("bounds of %s in group %d" % (name, group))
            elif values and not (statistics.min <= min(values) and max(values) <= statistics.max):
                found.append("bounds of %s in group %d" % (name, group))
    return found


def check_blooms(path, truth):
    """DuckDB excludes no value of a column by its filter, and most of those that are not there."""
    meta, found = pyarrow.parquet.ParquetFile(path).metadata, []
    if not meta.num_row_groups:
        return found
    for index, name in enumerate(truth.column_names):
        if meta.row_group(0).column(index).bloom_filter_offset is None:
            continue
        values = [v for v in truth.slice(0, meta.row_group(0).num_rows).column(name).to_pylist()
                  if v is not None and v == v][:20]
        for value in values:
            excluded = duckdb.execute(
                "select bloom_filter_excludes from parquet_bloom_probe('%s', '%s', ?) "
                "where row_group_id = 0" % (path, name), [value]).fetchone()
            if excluded and excluded[0]:
                found.append("filter of %s excludes %r" % (name, value))
    return found


def main(folder):
    with open(os.path.join(folder, "columns.txt"), encoding="ascii") as file:
        schema = pyarrow.schema([(name, arrow_type(kind))
                                 for name, kind in (line.split() for line in file)])
    truths, failures, n_files, n_columns, n_blooms = {}, 0, 0, 0, 0
    for path in sorted(glob.glob(os.path.join(folder, "*.parquet"))):
        case = os.path.basename(path).split(".")[0]
        if case not in truths:
            truths[case] = expected(folder, case, schema)
        n_files += 1
        complaints = [("statistics", text) for text in check_statistics(path, truths[case])]
        if "bloom" in os.path.basename(path):
            complaints += [("bloom filter", text) for text in check_blooms(path, truths[case])]
            n_blooms += 1
        for name, read in READERS.items():
            n_columns += len(schema)
            try:
                found = differences(read(path), truths[case])
            except Exception as error:  # whatever a reader has against the file
                found = [str(error).splitlines()[0]]
            complaints += [(name.rstrip("_"), text) for text in found]
        for name, text in complaints:
            failures += 1
            print("%s: %s: %s" % (os.path.basename(path), name, text))
    print("written by us: %d files x %d readers, %d columns compared, %d failures" %
          (n_files, len(READERS), n_columns, failures))
    return 1 if failures or not n_files or not n_blooms else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
