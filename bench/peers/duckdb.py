"""DuckDB: declared columns, two threads, rows in any order."""

import glob
import importlib.util
import os

import duckdb

from bench.peers.common import (BY_CUSTOMER, BY_KIND, CODECS, CUSTOMERS, EVENTS, JOINED, KEPT,
                                THREADS, TOTALS, USAGE_TYPES, create_table, main, route,
                                sqlite_insert)

IMPUTED = """select * exclude (churned) replace (
    coalesce(total_charge, (select round(avg(total_charge), 2) from customers)) as total_charge)
    from customers"""
TO_SQLITE = {"decimal(10,2)": "double", "decimal(12,2)": "double", "decimal(18,2)": "double",
             "date": "varchar", "timestamp": "varchar"}


def connect(inputs):
    con = duckdb.connect(config={"threads": THREADS, "preserve_insertion_order": False})
    for table, path in inputs.items():
        columns = CUSTOMERS if table == "customers" else EVENTS
        if path.endswith(".jsonl"):
            con.execute(f"""create view {table} as select * from read_json('{path}',
                format = 'newline_delimited', columns = {columns})""")
            continue
        if path.endswith(".parquet"):
            con.execute(f"create view {table} as select * from read_parquet('{path}')")
            continue
        con.execute(f"""create view {table} as select * from read_csv('{path}', header = true,
            auto_detect = false, delim = ',', quote = '"', columns = {columns})""")
    return con


def extension():
    """The file of the SQLite extension, when a Python package brought it for this version."""
    for package in ("duckdb_extension_sqlite_scanner", "duckdb_ext_sqlite"):
        found = importlib.util.find_spec(package)
        if found and found.submodule_search_locations:
            folder = found.submodule_search_locations[0]
            for path in glob.glob(f"{folder}/**/sqlite_scanner.duckdb_extension", recursive=True):
                if f"v{duckdb.__version__}" in path.split(os.sep):
                    return path
    return None


def plain(query, columns):
    """With values as SQLite keeps them."""
    casts = ", ".join(f"cast({c} as {TO_SQLITE[t]}) as {c}" if t in TO_SQLITE else c
                      for c, t in columns.items())
    return f"select {casts} from ({query})"


def by_extension(query, columns):
    def answer(inputs, out):
        con = connect(inputs)
        con.execute(f"load '{extension()}'")
        con.execute(f"attach '{out}' as out (type sqlite, journal_mode 'off')")
        con.execute(create_table(columns).replace("answer", "out.answer"))
        con.execute(f"insert into out.answer {plain(query, columns)}")
        con.execute("detach out")

    return answer


def by_rows(query, columns):
    def answer(inputs, out):
        result = connect(inputs).execute(plain(query, columns))
        chunks = iter(lambda: result.fetchmany(10000), [])
        sqlite_insert(out, columns, (row for chunk in chunks for row in chunk))

    return answer


def by_copy(query, suffix):
    def answer(inputs, out):
        connect(inputs).execute(f"copy ({query}) to '{out}' (format {suffix})")

    return answer


USAGE = {"customer_id": "text", **USAGE_TYPES}
CUSTOMER = {c: CUSTOMERS[c] for c in KEPT}
FILES = {"W1": BY_KIND, "W2": BY_CUSTOMER, "W7": JOINED, "keys": TOTALS}
TABLES = {"W2": (BY_CUSTOMER, USAGE), "W3": (IMPUTED, CUSTOMER),
          "W7": (JOINED, {**CUSTOMER, **USAGE_TYPES})}

for workload, query in FILES.items():
    route(workload, "csv")(by_copy(query, "csv"))
    if workload != "W1":
        route(workload, "parquet")(by_copy(query, "parquet"))
for question, codec in CODECS.items():
    route(question, f"{codec}.parquet")(
        by_copy("select * from events", f"parquet, compression {codec}"))
for workload, (query, columns) in TABLES.items():
    if workload == "W3":
        route(workload, "executemany.db")(by_rows(query, columns))
    if extension():
        route(workload, "extension.db")(by_extension(query, columns))

if __name__ == "__main__":
    main(duckdb.__version__, ["csv", "jsonl", "parquet"])
