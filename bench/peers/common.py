"""What all peers share: the tables' columns, the questions as SQL, and the command line.

    PYTHON -m bench.peers.duckdb list                version, routes, formats it reads; as JSON
    PYTHON -m bench.peers.duckdb run W2 parquet DATA OUT       answers into OUT, prints JSON

A route is one way of answering one question, from files of any format that the peer reads. It gets the paths of the inputs by name and the path
of the answer to write, whose suffix is the route's. Only its own time counts as `seconds`: start
and imports are in the wall time that the runner takes from outside.
"""

import contextlib
import json
import sqlite3
import sys
import time

THREADS = 2

EVENTS = {
    "event_id": "text",
    "customer_id": "text",
    "ts": "timestamp",
    "kind": "text",
    "amount": "decimal(10,2)",
    "duration": "text",
    "channel": "text",
}
CUSTOMERS = {
    "customer_id": "text",
    "signup_date": "date",
    "age": "integer",
    "region": "text",
    "plan": "text",
    "payment_method": "text",
    "tenure_months": "integer",
    "monthly_charge": "decimal(10,2)",
    "total_charge": "decimal(12,2)",
    "support_calls": "integer",
    "discount": "integer",
    "paperless": "text",
    "churned": "integer",
}
KINDS = {
    "calls": "call",
    "texts": "sms",
    "data": "data",
    "payments": "payment",
    "complaints": "complaint",
}

COUNTS = ", ".join(f"count(*) filter (where kind = '{k}') as {name}" for name, k in KINDS.items())
BY_KIND = """select kind, count(*) as n, sum(amount) as total, avg(cast(amount as double)) as mean,
    count(*) filter (where duration = 'n/a') as dirty from events group by kind"""
BY_CUSTOMER = f"""select customer_id, count(*) as n, sum(amount) as total,
    avg(cast(amount as double)) as mean, max(amount) as largest, max(ts) as last_ts, {COUNTS}
    from events group by customer_id"""
TOTALS = """select customer_id, count(*) as n, sum(amount) as total
    from events group by customer_id"""
KEPT = [c for c in CUSTOMERS if c != "churned"]
JOINED = f"""select {", ".join(f"c.{c}" for c in KEPT)}, u.n, u.total, u.mean, u.largest, u.last_ts,
    {", ".join(f"u.{name}" for name in KINDS)}
    from customers c left join ({BY_CUSTOMER}) u on u.customer_id = c.customer_id"""

CODECS = {"convert": "snappy", "convert-zstd": "zstd"}  # of the Parquet file that is asked for

USAGE_TYPES = {"n": "integer", "total": "decimal(18,2)", "mean": "double",
               "largest": "decimal(10,2)", "last_ts": "timestamp", **{k: "integer" for k in KINDS}}

_routes = {}


def route(question, name):
    """Marks answer(inputs, out) as the way called `name` of answering `question`."""

    def keep(answer):
        _routes[question, name] = answer
        return answer

    return keep


def sqlite_type(type_):
    return {"integer": "INTEGER", "decimal": "REAL", "double": "REAL"}.get(
        type_.split("(")[0], "TEXT")


def create_table(columns):
    fields = ", ".join(f"{name} {sqlite_type(type_)}" for name, type_ in columns.items())
    return f"create table answer ({fields})"


def sqlite_insert(out, columns, rows):
    """Rows into a new table as fast as Python's sqlite3 does it: no journal, no sync."""
    with contextlib.closing(sqlite3.connect(out, isolation_level=None)) as db:
        db.execute("pragma journal_mode = off")
        db.execute("pragma synchronous = off")
        db.execute(create_table(columns))
        db.execute("begin")
        marks = ", ".join("?" * len(columns))
        db.executemany(f"insert into answer values ({marks})", rows)
        db.execute("commit")


def main(version, reads=("csv",)):
    if sys.argv[1] == "list":
        print(json.dumps({"version": version, "routes": list(_routes), "reads": reads}))
        return
    _, _, question, name, inputs, out = sys.argv
    started = time.perf_counter()
    _routes[question, name](json.loads(inputs), out)
    print(json.dumps({"seconds": time.perf_counter() - started}))
