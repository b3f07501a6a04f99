"""Polars: the streaming engine, declared columns; its threads are set by POLARS_MAX_THREADS."""

import polars as pl

from bench.peers.common import (CODECS, CUSTOMERS, EVENTS, KEPT, KINDS, main, route,
                                sqlite_insert)


def type_of(name):
    if name.startswith("decimal"):
        precision, scale = name[8:-1].split(",")
        return pl.Decimal(int(precision), int(scale))
    return {"text": pl.String(), "integer": pl.Int64(), "date": pl.Date(),
            "timestamp": pl.Datetime("us")}[name]


def lines(path, columns):
    """Its JSON reader has no decimals, and takes no blank between date and time."""
    read = {c: {pl.Datetime: pl.String, pl.Decimal: pl.Float64}.get(type_of(t).base_type(),
                                                                   type_of(t))
            for c, t in columns.items()}
    scanned = pl.scan_ndjson(path, schema=read)
    return scanned.with_columns(
        pl.col(c).str.to_datetime(time_unit="us") if t == "timestamp" else
        pl.col(c).cast(type_of(t)) for c, t in columns.items())


def scan(inputs, table):
    columns = CUSTOMERS if table == "customers" else EVENTS
    if inputs[table].endswith(".jsonl"):
        return lines(inputs[table], columns)
    if inputs[table].endswith(".parquet"):
        return pl.scan_parquet(inputs[table])
    return pl.scan_csv(inputs[table], schema={c: type_of(t) for c, t in columns.items()})


def total(amount):
    """As SQL has it: NULL when there is nothing to add."""
    return pl.when(amount.count() > 0).then(amount.sum())


def by_kind(inputs):
    amount = pl.col("amount")
    return scan(inputs, "events").group_by("kind").agg(
        n=pl.len(), total=total(amount), mean=amount.cast(pl.Float64).mean(),
        dirty=(pl.col("duration") == "n/a").sum())


def by_customer(inputs):
    amount = pl.col("amount")
    kinds = {name: (pl.col("kind") == kind).sum() for name, kind in KINDS.items()}
    return scan(inputs, "events").group_by("customer_id").agg(
        n=pl.len(), total=total(amount), mean=amount.cast(pl.Float64).mean(),
        largest=amount.max(), last_ts=pl.col("ts").max(), **kinds)


def joined(inputs):
    customers = scan(inputs, "customers").select(KEPT)
    return customers.join(by_customer(inputs), on="customer_id", how="left")


def totals(inputs):
    return scan(inputs, "events").group_by("customer_id").agg(
        n=pl.len(), total=total(pl.col("amount")))


def imputed(inputs):
    """With values as SQLite keeps them."""
    charge = pl.col("total_charge").cast(pl.Float64)
    return scan(inputs, "customers").select(KEPT).with_columns(
        pl.col("signup_date").cast(pl.String), pl.col("monthly_charge").cast(pl.Float64),
        charge.fill_null(charge.mean().round(2))).collect(engine="streaming")


QUESTIONS = {"W1": by_kind, "W2": by_customer, "W7": joined, "keys": totals}

for workload, question in QUESTIONS.items():
    route(workload, "csv")(
        lambda inputs, out, question=question: question(inputs).sink_csv(out, engine="streaming"))
    if workload != "W1":
        route(workload, "parquet")(
            lambda inputs, out, question=question: question(inputs).sink_parquet(
                out, engine="streaming"))

for question, codec in CODECS.items():
    route(question, f"{codec}.parquet")(
        lambda inputs, out, codec=codec: scan(inputs, "events").sink_parquet(
            out, compression=codec, engine="streaming"))


@route("W3", "adbc.db")
def customers_by_adbc(inputs, out):
    imputed(inputs).write_database("answer", f"sqlite:///{out}", engine="adbc")


@route("W3", "sqlalchemy.db")
def customers_by_sqlalchemy(inputs, out):
    imputed(inputs).write_database("answer", f"sqlite:///{out}", engine="sqlalchemy")


@route("W3", "executemany.db")
def customers_by_rows(inputs, out):
    sqlite_insert(out, {c: CUSTOMERS[c] for c in KEPT}, imputed(inputs).iter_rows())


if __name__ == "__main__":
    main(pl.__version__, ["csv", "jsonl", "parquet"])
