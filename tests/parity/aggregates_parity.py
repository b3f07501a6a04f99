"""Groups rows by every aggregate in Quern and in DuckDB and compares.

Rows are made from a seed: NULLs, values that tie, groups of one row, a group whose values are all
NULL, texts past ASCII, numbers of all types. What is exact must be equal; doubles must agree to
1e-9; approximations must lie where they promise to."""

import os
import random
import sqlite3
import subprocess
import sys

import duckdb

QUERN = os.environ["QUERN"]
ROWS = 20000
COLUMNS = [  # name, Quern's type, DuckDB's
    ("id", "integer", "BIGINT"),
    ("g", "text", "VARCHAR"),
    ("i", "integer", "BIGINT"),
    ("d", "decimal(12,2)", "DECIMAL(12,2)"),
    ("x", "double", "DOUBLE"),
    ("t", "text", "VARCHAR"),
    ("b", "boolean", "BOOLEAN"),
    ("day", "date", "DATE"),
    ("ts", "timestamp", "TIMESTAMP"),
]
TYPES = [name for name, _, _ in COLUMNS[2:]]
NUMBERS = ["i", "d", "x"]
FILTER = " filter (where i > 3)"


def first(value, order, rank):
    """DuckDB's first row by (order, id) of those that have both."""
    rows = f"filter (where {value} is not null and {order} is not null)"
    return f"first({value} order by {order} {rank}) {rows}"


def aggregates():
    """Pairs: a call of Quern's, the expression of DuckDB's that must be the same."""
    for c in TYPES:
        yield f"count({c})", f"count({c})"
        yield f"count(distinct {c})", f"count(distinct {c})"
        # DuckDB's mode takes the first of several; the smallest is ours.
        counts = f"list_transform(list_sort(map_entries(histogram({c}))), lambda e: {{'n': -(e.value::BIGINT), 'v': e.key}})"
        yield f"mode({c})", f"list_sort({counts})[1].v"
        yield f"min({c})", f"min({c})"
        yield f"max({c})", f"max({c})"
        yield f"first({c} order by ts)", first(c, "ts", "asc, id asc")
        yield f"last({c} order by ts)", first(c, "ts", "desc, id desc")
        yield f"first({c} order by t desc)", first(c, "t", "desc, id asc")
        yield f"arg_min({c}, x)", first(c, "x", "asc, id asc")
        yield f"arg_max({c}, x)", first(c, "x", "desc, id asc")
        yield f"last({c})", first(c, "id", "desc")
    for c in NUMBERS:
        for call in ["sum", "avg", "stddev", "variance", "stddev_pop", "var_pop"]:
            yield f"{call}({c})", f"{call}({c})"
    for c in NUMBERS + ["ts"]:
        yield f"median({c})", median(c, 0.5)
        for q in [0, 0.1, 0.25, 0.9, 1]:
            yield f"quantile({c}, {q})", median(c, q)
            yield f"quantile_disc({c}, {q})", f"quantile_disc({c}, {q})"
    yield "median(day)", "median(day)"
    yield "quantile_disc(day, 0.3)", "quantile_disc(day, 0.3)"
    yield "bool_and(b)", "bool_and(b)"
    yield "bool_or(b)", "bool_or(b)"


def median(column, q):
    """Of decimals DuckDB's is a decimal; ours is a double."""
    return f"quantile_cont({column}::DOUBLE, {q})" if column == "d" else f"quantile_cont({column}, {q})"


def rows():
    rng = random.Random(7)
    for i in range(ROWS):
        g = "lonely%d" % i if rng.random() < 0.01 else rng.choice(["a", "b", "ü", "", "empty"])
        row = [
            rng.randrange(8),
            "%.2f" % rng.gauss(20, 15),
            repr(rng.choice([rng.random(), rng.gauss(0, 1e6), 1.5, -0.0])),
            rng.choice(["red", "grün", "a text of more than a few bytes", "r"]) + rng.choice("12 "),
            rng.choice(["true", "false"]),
            "20%02d-%02d-%02d" % (rng.randrange(20, 24), rng.randrange(1, 13), rng.randrange(1, 28)),
            "2024-01-%02d 00:%02d:%02d.%06d"
            % (rng.randrange(1, 30), rng.randrange(60), rng.randrange(60), rng.choice([0, 1, 250000])),
        ]
        yield [i, g] + ["" if g == "empty" or rng.random() < 0.1 else v for v in row]


def write_inputs(folder, calls, keys):
    with open(f"{folder}/rows.csv", "w") as out:
        out.write(",".join(name for name, _, _ in COLUMNS) + "\n")
        for row in rows():
            out.write(",".join(str(v) for v in row) + "\n")
    columns = "\n".join(f'      - {{name: {n}, type: "{t}"}}' for n, t, _ in COLUMNS)
    lines = "\n".join(f'      c{i}: "{call}"' for i, call in enumerate(calls))
    group_by = f"    group_by: [{keys}]\n" if keys else ""
    with open(f"{folder}/quern.yaml", "w") as out:
        out.write(
            f"version: 1\nname: parity\nseed: 7\nsources:\n  rows:\n    path: rows.csv\n"
            f"    chunk_size: 64KiB\n    columns:\n{columns}\njobs:\n  groups:\n    kind: etl\n"
            f"    from: rows\n{group_by}    aggregate:\n{lines}\n    into: groups\n"
        )


def same(got, want, is_real):
    if got is None or want is None or not is_real:
        return got == want
    return abs(got - want) <= 1e-9 * max(1, abs(want))


def as_quern(value):
    """As Quern's warehouse holds it."""
    if value is None or isinstance(value, (int, float, str)):
        return int(value) if isinstance(value, bool) else value
    text = str(value)
    if text[:1] in "-0123456789" and text.count("-") < 2 and ":" not in text:
        return float(text)
    return text.rstrip("0").rstrip(".") if "." in text else text


def quern_value(value):
    if isinstance(value, str) and value.count(":") == 2 and "." in value:
        return value.rstrip("0").rstrip(".")
    return value


def compare(folder, con, keys):
    pairs = list(aggregates())
    pairs += [(a + FILTER, b.replace("filter (where ", "filter (where i > 3 and ") if "filter" in b
               else b + FILTER) for a, b in pairs if "histogram" not in b]
    write_inputs(folder, [a for a, _ in pairs], keys)
    subprocess.run(f"rm -rf {folder}/.quern {folder}/parity.db*", shell=True, check=True)
    subprocess.run([QUERN, "run", f"{folder}/quern.yaml", "--workers", "2", "--quiet"], check=True)
    types = ", ".join(f"'{n}': '{t}'" for n, _, t in COLUMNS)
    source = f"read_csv('{folder}/rows.csv', columns={{{types}}}, header=true, auto_detect=false)"
    by = f" group by {keys}" if keys else ""
    key = f"coalesce({keys}, '')" if keys else "''"
    want = con.execute(f"select {key}, {', '.join(b for _, b in pairs)} from {source}{by}").fetchall()
    rows = sqlite3.connect(f"{folder}/parity.db").execute(
        f"select {key}, {', '.join(f'c{i}' for i in range(len(pairs)))} from groups").fetchall()
    got, failures = {row[0]: row[1:] for row in rows}, 0
    if set(got) != {row[0] for row in want}:
        print(f"FAILED: groups {sorted(got)[:9]}, DuckDB has others")
        failures += 1
    for name, *values in want:
        for i, value in enumerate(values):
            mine, theirs = quern_value(got.get(name, [None] * len(pairs))[i]), as_quern(value)
            if not same(mine, theirs, isinstance(theirs, float)):
                failures += 1
                if failures < 20:
                    print(f"FAILED: {pairs[i][0]} of '{name}': {mine!r}, DuckDB has {theirs!r}")
    print(f"  {len(pairs)} aggregates of {len(want)} groups by {keys or 'nothing'}")
    return failures


def main():
    folder = sys.argv[1]
    con = duckdb.connect()
    failures = sum(compare(folder, con, keys) for keys in ["g", "t", ""])
    print(f"{failures} differences")
    return failures != 0


sys.exit(main())
