"""Parquet that PyArrow, DuckDB and Polars write, read by Quern and compared to the last bit.

    python read.py FOLDER interop.parquet_rows [more .parquet files of interop.parquet_cases: FOLDER]

Every type x encoding x codec x version of pages that each of them writes, with NULLs nowhere,
somewhere and everywhere, no row, one row and many row groups."""
import datetime
import decimal
import glob
import itertools
import os
import random
import struct
import subprocess
import sys
import uuid

import duckdb
import numpy
import polars
import pyarrow
import pyarrow.parquet

ROWS = 400


# --- values: what Arrow takes, and the fields of rows_text.h that Quern may make of it -------------

def text(value):
    return "x" + value.encode().hex()


def double(value):
    return "\\N" if value != value else struct.pack(">d", value).hex()


def escaped(value):
    """Bytes as docs/formats/parquet.md says."""
    try:
        plain = value.decode()
        if "\0" not in plain and "\\x" not in plain:
            return text(plain)
    except UnicodeDecodeError:
        pass
    out, at = "", 0
    while at < len(value):
        for width in (1, 2, 3, 4):
            try:
                point = value[at:at + width].decode()
                break
            except UnicodeDecodeError:
                point = None
        if point in (None, "\0", "\\") or not point:
            out, width = out + "\\x%02X" % value[at], 1
        else:
            out += point
        at += width
    return text(out)


def time_text(units, per_second):
    digits = 9 if per_second == 10**9 else 6
    seconds, rest = divmod(units, per_second)
    return text("%02d:%02d:%02d.%0*d" % (seconds // 3600, seconds // 60 % 60, seconds % 60, digits,
                                         rest * 10**digits // per_second))


def fixed(value, scale):
    return "{:.{}f}".format(value, scale)


def integers(bits, signed):
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    return lambda r: r.choice([low, high, 0, 1, r.randint(low, high), r.randint(max(low, -9), 9)])


def narrow_float(kind):
    def draw(r):
        value = r.choice([0.0, -0.0, float("nan"), float("inf"), -float("inf"), 1.5, 0.1,
                          r.uniform(-6e4, 6e4)])
        with numpy.errstate(all="ignore"):
            return float(kind(value))
    return draw


def any_double(r):
    return r.choice([0.0, -0.0, float("nan"), float("inf"), -float("inf"), 5e-324, 1.7e308,
                     r.uniform(-1, 1), struct.unpack(">d", r.randbytes(8))[0]])


def decimals(precision, scale):
    top = 10**precision - 1

    def draw(r):
        units = r.choice([0, top, -top, r.randint(-top, top), r.randint(-99, 99)])
        return decimal.Decimal((units < 0, tuple(map(int, str(abs(units)))), -scale))
    return draw


def words(r):
    return r.choice(["", "a", "Grüße", "日本語", "🌲", "tab\tline\n", "\U0010ffff", "x" * 300,
                     "key-%04d" % r.randrange(50), "%x" % r.getrandbits(60)])


def day(r):
    return r.choice([-719162, 2932896, 0, -1, r.randint(-700000, 2900000)])


def micros(r):
    return day(r) * 86400 * 10**6 + r.randrange(86400 * 10**6)


class Column:
    """Arrow's type, values, and every form that Quern may give them."""

    def __init__(self, kind, draw, *forms, storage=None, by=("pyarrow", "duckdb", "polars")):
        self.kind, self.draw, self.forms = kind, draw, forms
        self.storage, self.by = storage, by

    def array(self, values):
        if self.storage is None:
            return pyarrow.array(values, self.kind)
        array = pyarrow.array(values, self.storage)
        if isinstance(self.kind, pyarrow.ExtensionType):
            return pyarrow.ExtensionArray.from_storage(self.kind, array)
        return array.cast(self.kind)


def number(name, scale):
    """Decimals and integers: as a number of ours, or as text where they may not fit."""
    return Column(name, decimals(name.precision, scale),
                  lambda v: str(int(v.scaleb(scale, decimal.Context(prec=60)))),
                  lambda v: text(fixed(v, scale)))


COLUMNS = {
    "bool": Column(pyarrow.bool_(), lambda r: r.random() < 0.5, lambda v: str(int(v))),
    "float": Column(pyarrow.float32(), narrow_float(numpy.float32), double),
    "double": Column(pyarrow.float64(), any_double, double),
    "half": Column(pyarrow.float16(), narrow_float(numpy.float16), double, by=("pyarrow",)),
    "decimal9": number(pyarrow.decimal128(9, 2), 2),
    "decimal18": number(pyarrow.decimal128(18, 4), 4),
    "decimal38": number(pyarrow.decimal128(38, 10), 10),
    "decimal76": Column(pyarrow.decimal256(60, 7), decimals(60, 7), lambda v: text(fixed(v, 7)),
                        by=("pyarrow",)),
    "date": Column(pyarrow.date32(), day, str, storage=pyarrow.int32()),
    "time_ms": Column(pyarrow.time32("ms"), lambda r: r.randrange(86400 * 1000),
                      lambda v: time_text(v, 10**3), lambda v: time_text(v * 10**3, 10**6),
                      lambda v: time_text(v * 10**6, 10**9), storage=pyarrow.int32()),
    "time_us": Column(pyarrow.time64("us"), lambda r: r.randrange(86400 * 10**6),
                      lambda v: time_text(v, 10**6), lambda v: time_text(v * 10**3, 10**9),
                      storage=pyarrow.int64()),
    "time_ns": Column(pyarrow.time64("ns"), lambda r: r.randrange(86400 * 10**9),
                      lambda v: time_text(v, 10**9), storage=pyarrow.int64(),
                      by=("pyarrow", "polars")),
    "timestamp_ms": Column(pyarrow.timestamp("ms"), lambda r: micros(r) // 1000,
                           lambda v: str(v * 1000), storage=pyarrow.int64()),
    "timestamp_us": Column(pyarrow.timestamp("us"), micros, str, storage=pyarrow.int64()),
    "timestamp_ns": Column(pyarrow.timestamp("ns"), lambda r: r.randint(-2**52, 2**52) * 1000,
                           lambda v: str(v // 1000), storage=pyarrow.int64()),
    "timestamp_utc": Column(pyarrow.timestamp("us", "UTC"), micros, str, storage=pyarrow.int64()),
    "text": Column(pyarrow.string(), words, text),
    "binary": Column(pyarrow.binary(), lambda r: r.choice([b"", b"\\x", words(r).encode(),
                                                           r.randbytes(r.randrange(9))]), escaped),
    "fixed": Column(pyarrow.binary(5), lambda r: r.choice([b"12345", r.randbytes(5)]), escaped,
                    by=("pyarrow",)),
    "uuid": Column(pyarrow.uuid(), lambda r: r.randbytes(16),
                   lambda v: text(str(uuid.UUID(bytes=v))), storage=pyarrow.binary(16),
                   by=("pyarrow",)),
}
for bits in (8, 16, 32, 64):
    COLUMNS["int%d" % bits] = Column(getattr(pyarrow, "int%d" % bits)(), integers(bits, True), str)
    COLUMNS["uint%d" % bits] = Column(getattr(pyarrow, "uint%d" % bits)(), integers(bits, False),
                                      str, lambda v: text(str(v)))

PATTERNS = {  # rows, share of NULLs, rows of a group
    "none": (ROWS, 0.0, ROWS),
    "some": (ROWS, 0.3, ROWS),
    "all": (ROWS, 1.0, ROWS),
    "empty": (0, 0.0, ROWS),
    "one": (1, 0.0, ROWS),
    "groups": (ROWS, 0.1, 64),
}


def make(pattern, writer):
    rows, nulls, _ = PATTERNS[pattern]
    arrays, values = {}, {}
    for name, column in COLUMNS.items():
        if writer in column.by:
            r = random.Random(name + pattern)
            values[name] = [None if r.random() < nulls else column.draw(r) for _ in range(rows)]
            arrays[name] = column.array(values[name])
    return pyarrow.table(arrays), values


# --- files ----------------------------------------------------------------------------------------

def takes(encoding, kind):
    types = pyarrow.types
    is_text = types.is_string(kind) or types.is_binary(kind)
    is_int = (types.is_integer(kind) and kind.bit_width >= 32) or types.is_temporal(kind)
    return {"PLAIN": True,
            "DELTA_BINARY_PACKED": is_int,
            "DELTA_LENGTH_BYTE_ARRAY": is_text,
            "DELTA_BYTE_ARRAY": is_text or types.is_fixed_size_binary(kind),
            "RLE": types.is_boolean(kind),
            "BYTE_STREAM_SPLIT": is_int or types.is_fixed_size_binary(kind) or
            types.is_decimal128(kind) or (types.is_floating(kind))}[encoding]


def by_pyarrow(folder):
    codecs = ["none", "snappy", "gzip", "zstd", "lz4"]
    encodings = ["dictionary", "PLAIN", "DELTA_BINARY_PACKED", "DELTA_LENGTH_BYTE_ARRAY",
                 "DELTA_BYTE_ARRAY", "RLE", "BYTE_STREAM_SPLIT"]
    for pattern in PATTERNS:
        table, values = make(pattern, "pyarrow")
        for encoding, codec, page, small in itertools.product(
                encodings, codecs, ("1.0", "2.0"), (False, True)):
            if small and codec != "snappy":
                continue  # integers for decimals and a page every few values: once an encoding
            path = "%s/pyarrow.%s.%s.%s.%s.%d.parquet" % (folder, pattern, encoding, codec, page,
                                                          small)
            chosen = {name: encoding for name in table.column_names
                      if encoding != "dictionary" and takes(encoding, table.schema.field(name).type)}
            pyarrow.parquet.write_table(
                table, path, compression=codec, data_page_version=page,
                use_dictionary=encoding == "dictionary", column_encoding=chosen or None,
                row_group_size=PATTERNS[pattern][2], write_page_checksum=True,
                store_decimal_as_integer=small, data_page_size=200 if small else None,
                write_page_index=small, version="2.6", write_statistics=codec != "gzip",
                dictionary_pagesize_limit=500 if small else None)
            yield path, values


def by_duckdb(folder):
    connection = duckdb.connect()
    for pattern in PATTERNS:
        table, values = make(pattern, "duckdb")
        connection.register("input", table)
        for codec, version in itertools.product(
                ("uncompressed", "snappy", "gzip", "zstd", "lz4_raw"), ("V1", "V2")):
            path = "%s/duckdb.%s.%s.%s.parquet" % (folder, pattern, codec, version)
            connection.execute(
                "copy (select * from input) to '%s' (format parquet, codec '%s', "
                "parquet_version '%s', row_group_size %d)" %
                (path, codec, version, PATTERNS[pattern][2]))
            yield path, values


def by_polars(folder):
    for pattern in PATTERNS:
        table, values = make(pattern, "polars")
        frame = polars.from_arrow(table)
        for codec, page in itertools.product(("uncompressed", "snappy", "gzip", "zstd", "lz4"),
                                             (None, 300)):
            path = "%s/polars.%s.%s.%s.parquet" % (folder, pattern, codec, page)
            frame.write_parquet(path, compression=codec, data_page_size=page,
                                row_group_size=PATTERNS[pattern][2])
            yield path, values


# --- comparing ------------------------------------------------------------------------------------

def differences(path, values):
    with open(path + ".ours", encoding="ascii", errors="replace") as file:
        lines = [line.rstrip("\n") for line in file]
    errors = [line for line in lines if line.startswith("error: ")]
    if errors:
        return errors[:1]
    rows = [line.split("\t") for line in lines[1:]]
    if values and len(rows) != len(next(iter(values.values()))):
        return ["%d rows" % len(rows)]
    found = []
    for index, name in enumerate(values):
        ours = [row[index] for row in rows]
        fits = any(
            all(field == ("\\N" if value is None else form(value))
                for field, value in zip(ours, values[name]))
            for form in COLUMNS[name].forms)
        if not fits:
            at = next(i for i, (field, value) in enumerate(zip(ours, values[name]))
                      if field != ("\\N" if value is None else COLUMNS[name].forms[0](value)))
            found.append("%s (%s): row %d is %s, written was %r" %
                         (name, lines[0].split("\t")[index], at, ours[at], values[name][at]))
    return found


def read_ours(tool, paths):
    subprocess.run([tool], input="\n".join(paths) + "\n", text=True, check=True)


def check_peers(folder, tool):
    failures = 0
    for name, write in (("pyarrow", by_pyarrow), ("duckdb", by_duckdb), ("polars", by_polars)):
        files = list(write(folder))
        read_ours(tool, [path for path, _ in files])
        n_columns, n_failed = 0, 0
        for path, values in files:
            n_columns += len(values)
            for complaint in differences(path, values):
                n_failed += 1
                print("%s: %s" % (os.path.basename(path), complaint))
        print("written by %s: %d files, %d columns compared, %d failures" %
              (name, len(files), n_columns, n_failed))
        failures += n_failed
    return failures


def check_own(folder, tool):
    """What interop.parquet_cases wrote, read by ourselves: but for NaN, which is NULL."""
    paths = sorted(glob.glob(os.path.join(folder, "*.parquet")))
    read_ours(tool, paths)
    failures = 0
    for path in paths:
        with open(path.rsplit(".", 4)[0] + ".rows", encoding="ascii") as file:
            truth = file.read().replace("\t7ff8000000000000\t", "\t\\N\t")
        with open(path + ".ours", encoding="ascii", errors="replace") as file:
            ours = file.read().split("\n", 1)[1]
        if ours != truth:
            failures += 1
            print("%s: read by ourselves: %s" % (os.path.basename(path), ours[:200]))
        os.unlink(path + ".ours")
    print("written by us, read by us: %d files, %d failures" % (len(paths), failures))
    return failures


def main(folder, tool, own):
    failures = check_peers(folder, tool) + check_own(own, tool)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
