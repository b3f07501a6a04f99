"""Answers read from whatever file a route wrote, and compared: exactly where they are exact.

    PYTHON -m bench.answers WORKLOAD QUERN.db ANSWER       exit 1 and the first differences
"""

import csv
import glob
import os
import sqlite3
import sys

from bench.peers.common import CODECS, EVENTS

RELATIVE = 1e-9  # of doubles, where the order of additions may differ
SHOWN = 5
MANY_ROWS = 3_000_000  # more rows than are held side by side: compared by a sum of hashes

USAGE = {"n": "exact", "total": "exact", "mean": "double", "largest": "exact", "last_ts": "time",
         "calls": "exact", "texts": "exact", "data": "exact", "payments": "exact",
         "complaints": "exact"}
CUSTOMER = {"customer_id": "text", "signup_date": "time", "age": "exact", "region": "text",
            "plan": "text", "payment_method": "text", "tenure_months": "exact",
            "monthly_charge": "exact", "total_charge": "exact", "support_calls": "exact",
            "discount": "exact", "paperless": "text"}
COLUMNS = {
    "W1": {"kind": "text", "n": "exact", "total": "exact", "mean": "double", "dirty": "exact"},
    "W2": {"customer_id": "text", **USAGE},
    "W3": CUSTOMER,
    "W6": {"customer_id": "text", "label": "exact", "score": "double"},
    "W7": {**CUSTOMER, **USAGE},
    "keys": {"customer_id": "text", "n": "exact", "total": "exact"},
}


def _number(value):
    """A decimal, an integer or the nearest double to it: the same double for all three."""
    return None if value is None or value == "" or value != value else float(value)


def _time(value):
    """2026-01-31, or 2026-01-31 12:00:00."""
    if value is None or value == "" or value != value:
        return None
    text = str(value)[:19].replace("T", " ")
    return text.removesuffix(" 00:00:00") if len(text) == 10 else text


def _text(value):
    return None if value is None or value == "" else str(value)


READ = {"exact": _number, "double": _number, "time": _time, "text": _text}


def _rows_of_sqlite(path, columns):
    with sqlite3.connect(path) as db:
        yield from db.execute(f"select {', '.join(columns)} from answer")


def _rows_of_csv(path, columns):
    with open(path, newline="") as file:
        reader = csv.reader(file)
        header = next(reader)
        places = [header.index(c) for c in columns]
        for row in reader:
            yield [row[i] for i in places]


def _rows_of_parquet(path, columns):
    import pyarrow.parquet

    for batch in pyarrow.parquet.ParquetFile(path).iter_batches(columns=list(columns)):
        values = [batch.column(c).to_pylist() for c in columns]
        yield from zip(*values)


def rows(workload, path):
    """Rows of an answer as tuples of None, text and float, in any order. A folder is its parts."""
    columns = COLUMNS[workload]
    suffix = path.rsplit(".", 1)[-1]
    read = {"db": _rows_of_sqlite, "csv": _rows_of_csv, "parquet": _rows_of_parquet}[suffix]
    paths = glob.glob(f"{path}/part-*") if os.path.isdir(path) else [path]
    converters = [READ[kind] for kind in columns.values()]
    for part in paths:
        for row in read(part, columns):
            yield tuple(convert(value) for convert, value in zip(converters, row))


def _equal(a, b, kind):
    if kind != "double" or a is None or b is None:
        return a == b
    return abs(a - b) <= RELATIVE * max(abs(a), abs(b))


def _sum_of_hashes(rows_):
    n = total = 0
    for row in rows_:
        n += 1
        total += hash(row)
    return n, total


def differences(workload, ours, theirs):
    """What differs, in words; empty when the answers agree."""
    with sqlite3.connect(ours) as db:
        (count,) = db.execute("select count(*) from answer").fetchone()
    if count > MANY_ROWS:
        assert "double" not in COLUMNS[workload].values()
        a, b = _sum_of_hashes(rows(workload, ours)), _sum_of_hashes(rows(workload, theirs))
        return [] if a == b else [f"{a[0]} rows here, {b[0]} there; their hashes differ"]
    kinds, found = list(COLUMNS[workload].items()), []
    left = {row[0]: row for row in rows(workload, ours)}
    n = 0
    for row in rows(workload, theirs):
        n += 1
        mine = left.get(row[0])
        if mine is None:
            found.append(f"row {row[0]}: not in ours")
            continue
        for (name, kind), a, b in zip(kinds, mine, row):
            if not _equal(a, b, kind):
                found.append(f"row {row[0]}: {name} is {a!r} here, {b!r} there")
    if n != len(left):
        found.append(f"{len(left)} rows here, {n} there")
    return found


def differing_columns(ours, theirs):
    """Of two Parquet files of events, whose rows may stand in any order: which columns differ."""
    import pyarrow
    import pyarrow.compute
    import pyarrow.parquet

    types = {"ts": pyarrow.timestamp("us"), "amount": pyarrow.decimal128(18, 2)}

    def read(path, name, order=None):
        column = pyarrow.parquet.read_table(path, columns=[name]).column(0)
        values = column.cast(types.get(name, pyarrow.large_string()))
        return values if order is None else values.take(order)

    paths, orders = [ours, theirs], [None, None]
    if not read(ours, "event_id").equals(read(theirs, "event_id")):
        orders = [pyarrow.compute.sort_indices(read(path, "event_id")) for path in paths]
    found = []
    for name in EVENTS:
        a, b = (read(path, name, order) for path, order in zip(paths, orders))
        if len(a) != len(b):
            return [f"{len(a)} rows here, {len(b)} there"]
        if not a.equals(b):
            found.append(f"column {name} has other values")
    return found


if __name__ == "__main__":
    question, *paths = sys.argv[1:]
    found = differing_columns(*paths) if question in CODECS else differences(question, *paths)
    if found:
        print("\n".join(found[:SHOWN]))
        sys.exit(f"{len(found)} differences")
