"""pandas: columns read by Arrow's reader, amounts as whole cents, groups by factorised keys."""

import sqlite3

import pandas as pd
import pyarrow
import pyarrow.parquet

from bench.peers.common import CUSTOMERS, EVENTS, KEPT, KINDS, THREADS, main, route

pyarrow.set_cpu_count(THREADS)


def read(path, columns, wanted):
    if path.endswith(".parquet"):
        table = pyarrow.parquet.read_table(path, columns=wanted)
        for i, field in enumerate(table.schema):
            if pyarrow.types.is_decimal(field.type):
                table = table.set_column(i, field.name, table.column(i).cast("float64"))
        return table.to_pandas()
    dtypes = {c: "Int64" for c in wanted if columns[c] == "integer"}
    return pd.read_csv(path, engine="pyarrow", usecols=wanted, dtype=dtypes,
                       keep_default_na=False, na_values=[""])


def cents(column):
    return (column * 100).round().astype("Int64")


def by_kind(inputs):
    events = read(inputs["events"], EVENTS, ["kind", "amount", "duration"])
    events["cents"] = cents(events["amount"])
    events["dirty"] = events["duration"] == "n/a"
    answer = events.groupby("kind", sort=False).agg(
        n=("kind", "size"), total=("cents", "sum"), mean=("cents", "mean"), dirty=("dirty", "sum"))
    return answer.assign(total=answer["total"] / 100, mean=answer["mean"] / 100)


def by_customer(inputs):
    events = read(inputs["events"], EVENTS, ["customer_id", "ts", "kind", "amount"])
    events["cents"] = cents(events["amount"])
    for name, kind in KINDS.items():
        events[name] = events["kind"] == kind
    answer = events.groupby("customer_id", sort=False).agg(
        n=("ts", "size"), total=("cents", "sum"), mean=("cents", "mean"), largest=("cents", "max"),
        last_ts=("ts", "max"), **{name: (name, "sum") for name in KINDS})
    valued = answer["mean"].notna()
    return answer.assign(total=(answer["total"] / 100).where(valued), mean=answer["mean"] / 100,
                         largest=answer["largest"] / 100)


@route("W1", "csv")
def kinds(inputs, out):
    by_kind(inputs).to_csv(out)


@route("W2", "parquet")
def usage(inputs, out):
    by_customer(inputs).reset_index().to_parquet(out)


@route("W7", "parquet")
def customer_usage(inputs, out):
    customers = read(inputs["customers"], CUSTOMERS, KEPT)
    customers.merge(by_customer(inputs), on="customer_id", how="left").to_parquet(out)


@route("W3", "to_sql.db")
def customers(inputs, out):
    table = read(inputs["customers"], CUSTOMERS, KEPT)
    mean = round(cents(table["total_charge"]).mean() / 100, 2)
    table["total_charge"] = table["total_charge"].fillna(mean)
    table["signup_date"] = table["signup_date"].astype(str)
    with sqlite3.connect(out) as db:
        db.execute("pragma journal_mode = off")
        db.execute("pragma synchronous = off")
        table.to_sql("answer", db, index=False)


if __name__ == "__main__":
    main(pd.__version__, ["csv", "parquet"])
