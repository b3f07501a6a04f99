"""Dask: pandas frames by blocks of the file, two processes or two threads."""

import dask
import dask.dataframe as dd

from bench.peers.common import CUSTOMERS, KEPT, KINDS, THREADS, main, route

BLOCK = "64MB"


def read(path, wanted):
    if path.endswith(".parquet"):
        table = dd.read_parquet(path, columns=wanted)
        return table.assign(amount=table["amount"].astype("float64"))
    dtypes = {c: "int64" if CUSTOMERS.get(c) == "integer" else "str" for c in wanted}
    dtypes |= {c: "float64" for c in wanted if c in ("amount", "monthly_charge", "total_charge")}
    return dd.read_csv(path, usecols=wanted, blocksize=BLOCK, dtype=dtypes, keep_default_na=False,
                       na_values={"amount": [""], "total_charge": [""]})


def by_kind(inputs):
    events = read(inputs["events"], ["kind", "amount", "duration"])
    events["cents"] = (events["amount"] * 100).round()
    events["dirty"] = events["duration"] == "n/a"
    answer = events.groupby("kind").agg({"duration": "size", "cents": ["sum", "count"],
                                         "dirty": "sum"}).compute()
    answer.columns = ["n", "cents", "valued", "dirty"]
    answer["total"] = answer["cents"] / 100
    answer["mean"] = answer["total"] / answer["valued"]
    return answer[["n", "total", "mean", "dirty"]]


def by_customer(inputs):
    """Timestamps stay texts: the greatest text is the last time."""
    events = read(inputs["events"], ["customer_id", "ts", "kind", "amount"])
    events["cents"] = (events["amount"] * 100).round()
    for name, kind in KINDS.items():
        events[name] = (events["kind"] == kind).astype("int32")
    groups = events.groupby("customer_id")
    sums = groups[["cents", *KINDS]].sum()
    valued = groups["cents"].count()
    parts = dask.compute(groups.size(), sums, valued, groups["cents"].max(), groups["ts"].max())
    n, sums, valued, largest, last = parts
    answer = n.to_frame("n")
    answer["total"] = (sums["cents"] / 100).where(valued > 0)
    answer["mean"] = answer["total"] / valued
    answer["largest"] = largest / 100
    answer["last_ts"] = last
    return answer.join(sums[list(KINDS)])


def kinds(inputs, out):
    by_kind(inputs).to_csv(out)


def usage(inputs, out):
    by_customer(inputs).reset_index().to_parquet(out)


def customer_usage(inputs, out):
    customers = read(inputs["customers"], KEPT).compute()
    customers.merge(by_customer(inputs), on="customer_id", how="left").to_parquet(out)


def under(scheduler, answer):
    def run(inputs, out):
        with dask.config.set(scheduler=scheduler, num_workers=THREADS):
            answer(inputs, out)

    return run


for scheduler in ("processes", "threads"):
    route("W1", f"{scheduler}.csv")(under(scheduler, kinds))
    route("W2", f"{scheduler}.parquet")(under(scheduler, usage))
    route("W7", f"{scheduler}.parquet")(under(scheduler, customer_usage))

if __name__ == "__main__":
    main(dask.__version__, ["csv", "parquet"])
