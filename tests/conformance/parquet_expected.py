"""Writes parquet_expected.txt: what pyarrow (or duckdb) finds in the files of apache/parquet-testing,
a line a column, in the words of docs/formats/parquet.md. Needs both; tests only need what it wrote.

    python3 tests/conformance/parquet_expected.py FOLDER > tests/conformance/parquet_expected.txt

    file | column | rows | NULLs | hash of all values | the first three values

The hash is the sum of (row + 1) * FNV-1a of the value's text, modulo 2^64. Doubles count by their
bits in hexadecimal, and those that are no number are NULL. Rows with a moment past the year 9999
are left out: they go to quarantine. Where that would leave nothing (RAW) moments are integers.
"""
import datetime
import decimal
import glob
import json
import math
import os
import struct
import sys
import uuid

import pyarrow as pa
import pyarrow.parquet as pq

RAW = ["nested_structs.rust.parquet"]
BY_DUCKDB = ["incorrect_map_schema.parquet"]  # pyarrow refuses a key that may be NULL
REFUSED = ["datapage_v1-corrupt-checksum.parquet", "rle-dict-uncompressed-corrupt-checksum.parquet"]
MASK = (1 << 64) - 1
EPOCH = datetime.datetime(1970, 1, 1)
LAST = 253402300800 * 10**6  # the year 10000, in microseconds
FIRST = -377705116800 * 10**6


def fnv(data):
    h = 0xCBF29CE484222325
    for byte in data:
        h = (h ^ byte) * 0x100000001B3 & MASK
    return h


def escape(data):
    def valid(d):
        try:
            return d.decode("utf-8")
        except UnicodeDecodeError:
            return None

    text = valid(data)
    if text is not None and "\0" not in text and "\\x" not in text:
        return text
    out, at = "", 0
    while at < len(data):
        for n in (1, 2, 3, 4):
            char = valid(data[at:at + n])
            if char and len(char) == 1 and char not in "\0\\":
                out += char
                at += n
                break
        else:
            out += "\\x%02X" % data[at]
            at += 1
    return out


def moment(micros):
    whole, rest = divmod(micros, 10**6)
    text = (EPOCH + datetime.timedelta(seconds=whole)).strftime("%Y-%m-%d %H:%M:%S")
    text = "0" * (19 - len(text)) + text
    return text + (".%06d" % rest if rest else "")


def scalar(value, kind):
    """(text, is a JSON number) of a value that is not NULL."""
    if pa.types.is_boolean(kind):
        return ("true" if value.as_py() else "false"), True
    if pa.types.is_integer(kind):
        return str(value.as_py()), True
    if pa.types.is_floating(kind):
        number = float(value.as_py())
        return None if math.isnan(number) else struct.pack(">d", number).hex(), True
    if pa.types.is_decimal(kind):
        return format(value.as_py(), ".%df" % kind.scale), True
    if pa.types.is_date(kind):
        return value.as_py().isoformat(), False
    if pa.types.is_timestamp(kind):
        return moment(value.value * {"ms": 1000, "us": 1}[kind.unit]), False
    if pa.types.is_time(kind):
        return value.as_py().isoformat(timespec="microseconds"), False
    if pa.types.is_null(kind):
        return None, False
    data = value.as_py()
    return (escape(data) if isinstance(data, bytes) else str(data)), False


def nested(value, kind):
    """JSON text, as columns of lists and maps have it."""
    if isinstance(kind, pa.BaseExtensionType):
        kind = kind.storage_type
    if not value.is_valid:
        return "null"
    if pa.types.is_map(kind):
        pairs = value.values
        keys, items = pairs.field(0), pairs.field(1)
        return "{" + ",".join(
            json.dumps(scalar(k, kind.key_type)[0], ensure_ascii=False) + ":" +
            nested(v, kind.item_type) for k, v in zip(keys, items)) + "}"
    if pa.types.is_list(kind):
        return "[" + ",".join(nested(v, kind.value_type) for v in value.values or []) + "]"
    if pa.types.is_struct(kind):
        return "{" + ",".join(
            json.dumps(f.name) + ":" + nested(value[f.name], f.type) for f in kind) + "}"
    if pa.types.is_floating(kind):
        return repr(value.as_py())
    text, bare = scalar(value, kind)
    return text if bare else json.dumps(text, ensure_ascii=False)


def is_nested(kind):
    return pa.types.is_list(kind) or pa.types.is_map(kind)


def flatten(name, kind, array):
    if pa.types.is_struct(kind):
        for i, field in enumerate(kind):
            part = array.flatten()[i]
            yield from flatten(name + "." + field.name, field.type, part)
    else:
        yield name, kind, array


def is_far(value, kind):
    if not pa.types.is_timestamp(kind) or not value.is_valid:
        return False
    micros = value.value * {"ms": 1000, "us": 1}[kind.unit]
    return not FIRST <= micros < LAST


def describe(path):
    table = pq.ParquetFile(path, coerce_int96_timestamp_unit="us").read()
    raw = os.path.basename(path) in RAW
    columns = []
    for field in table.schema:
        array = table[field.name].combine_chunks()
        if isinstance(array, pa.ChunkedArray):
            array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], field.type)
        columns += list(flatten(field.name, field.type, array))
    if raw:
        columns = [(n, pa.int64(), a.cast(pa.int64())) if pa.types.is_timestamp(k) else (n, k, a)
                   for n, k, a in columns]
    far = {i for _, kind, array in columns for i in range(len(array)) if is_far(array[i], kind)}
    for name, kind, array in columns:
        texts = []
        for i in range(len(array)):
            if i in far:
                continue
            value = array[i]
            if not value.is_valid:
                texts.append(None)
            else:
                texts.append(nested(value, kind) if is_nested(kind) else scalar(value, kind)[0])
        yield line(path, name, texts)


def line(path, name, texts):
    total = sum((i + 1) * fnv(t.encode()) for i, t in enumerate(texts) if t is not None) & MASK
    shown = " ".join("NULL" if t is None else "'%s'" % t[:40].replace("\n", " ")
                     for t in texts[:3])
    return "%s | %s | %d | %d | %016x | %s" % (os.path.basename(path), name, len(texts),
                                               sum(t is None for t in texts), total, shown)


def describe_by_duckdb(path):
    """Columns that are maps of texts."""
    import duckdb
    table = duckdb.execute("select * from read_parquet(?)", [path])
    names = [column[0] for column in table.description]
    for name, values in zip(names, zip(*table.fetchall())):
        yield line(path, name, [None if v is None else
                                json.dumps(v, ensure_ascii=False, separators=(",", ":"))
                                for v in values])


def main():
    for path in sorted(glob.glob(sys.argv[1] + "/*.parquet")):
        if os.path.basename(path) in REFUSED:
            continue
        try:
            by_duckdb = os.path.basename(path) in BY_DUCKDB
            for column in describe_by_duckdb(path) if by_duckdb else describe(path):
                print(column)
        except Exception:
            print("# %s: pyarrow %s cannot read it" % (
                os.path.basename(path), pa.__version__))


main()
