"""Asks DuckDB what `quern query` answered: tables, queries and answers are in a folder that
tests/conformance/test_query_oracle.c left (QUERN_QUERY_DUMP).

Each query was answered over files of several formats.

Queries say what differs between engines as @...@: tables, integer division, LIKE without case.
"""
import collections
import datetime
import decimal
import glob
import math
import re
import sys

import duckdb

TYPES = {"id": "BIGINT", "k": "BIGINT", "n": "BIGINT", "g": "VARCHAR", "s": "VARCHAR",
         "p": "DECIMAL(18,2)", "x": "DOUBLE", "d": "DATE", "b": "BOOLEAN",
         "q": "DECIMAL(16,2)", "t": "TIMESTAMP"}
SPELLINGS = {"/": "//", "like": "ILIKE", "year": "year({})", "month": "month({})",
             "day": "day({})", "days": "({} - {})", "plus": "({} + {})", "date": "DATE '{}'",
             "side": "", "end": "", "counted": "", "counted_end": "",
             "intersect_all": "INTERSECT ALL", "except_all": "EXCEPT ALL",
             "keep": "", "kept": "", "qualify": " QUALIFY {}", "first": "SELECT DISTINCT ON ({})",
             "ordered": " ORDER BY {}", "all": "ALL"}


def spell(query):
    def one(match):
        name, *args = match.group(1).split("~")
        return SPELLINGS.get(name, name).format(*args)
    return re.sub("@([^@]+)@", one, query)


def theirs(value):
    """A value of DuckDB's as it would stand in our CSV, or a number."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float, decimal.Decimal)):
        return float(value)
    if isinstance(value, (datetime.date, datetime.datetime)):
        return str(value)
    raise TypeError(f"a {type(value)} is not expected")


def fields(line):
    """Of one record; NULL is an empty field without quotes, which Python's reader cannot tell."""
    at = 0
    while True:
        if line.startswith('"', at):
            match = re.compile(r'"((?:[^"]|"")*)"').match(line, at)
            yield match.group(1).replace('""', '"')
            at = match.end()
        else:
            end = line.find(",", at)
            end = len(line) if end < 0 else end
            yield line[at:end] or None
            at = end
        if at >= len(line):
            return
        at += 1


def ours(path):
    with open(path, encoding="utf-8", newline="") as file:
        lines = file.read().split("\n")[1:-1]
    return [tuple(fields(line)) for line in lines]


def equal(a, b):
    if isinstance(b, float):
        return a is not None and math.isclose(float(a), b, rel_tol=1e-9, abs_tol=1e-9)
    return a == b


def sortable(row):
    def key(value):
        try:
            return (1, f"{float(value) + 0.0:.9g}")
        except (TypeError, ValueError):
            return (0, "") if value is None else (2, str(value))
    return tuple(key(value) for value in row)


def agree(mine, others, order):
    """As test_query_oracle.c compares: order is "total", "bag", or keys ("3 1 "), cut behind them."""
    if len(mine) != len(others):
        return False
    if order[0].isdigit():
        keys = [int(key) - 1 for key in order.removesuffix("cut").split()]
        if not all(equal(a[key], b[key]) for a, b in zip(mine, others) for key in keys):
            return False
        if order.endswith("cut"):
            return True
    if order != "total":
        mine, others = sorted(mine, key=sortable), sorted(others, key=sortable)
    return all(len(a) == len(b) and all(map(equal, a, b)) for a, b in zip(mine, others))


def main(folder):
    db = duckdb.connect()
    columns = "{" + ", ".join(f"'{name}': '{kind}'" for name, kind in TYPES.items()) + "}"
    for table in ("t1", "t2", "t3"):
        db.execute(f"CREATE TABLE {table} AS SELECT * FROM read_csv('{folder}/{table}.csv', "
                   f"columns={columns}, header=true, allow_quoted_nulls=false)")
    agreed, total = collections.Counter(), 0
    with open(f"{folder}/queries.txt", encoding="utf-8") as file:
        for line in file:
            seed, order, query = line.rstrip("\n").split("\t", 2)
            total += 1
            found = [tuple(map(theirs, row)) for row in db.execute(spell(query)).fetchall()]
            for path in glob.glob(f"{folder}/answer_{seed}_*.csv"):
                answer, name = ours(path), path.rsplit("_", 1)[1].removesuffix(".csv")
                if agree(answer, found, order):
                    agreed[name] += 1
                    continue
                print(f"seed {seed}, {name}: {query}\n"
                      f"  quern:  {answer[:8]}\n  DuckDB: {found[:8]}")
    for name, n in sorted(agreed.items()):
        print(f"{n} of {total} queries over {name} agree with DuckDB {duckdb.__version__}")
    return 0 if total and agreed and all(n == total for n in agreed.values()) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
