"""PyArrow: whole tables, grouped by its own engine."""

import pyarrow
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from bench.peers.common import CODECS, EVENTS, KINDS, THREADS, main, route

pyarrow.set_cpu_count(THREADS)
TYPES = {"text": pyarrow.string(), "timestamp": pyarrow.timestamp("us"),
         "decimal(10,2)": pyarrow.decimal128(10, 2)}


def read(path, wanted):
    if path.endswith(".parquet"):
        return pyarrow.parquet.read_table(path, columns=wanted)
    options = pyarrow.csv.ConvertOptions(
        column_types={c: TYPES[EVENTS[c]] for c in wanted}, include_columns=wanted,
        null_values=[""], strings_can_be_null=True)
    return pyarrow.csv.read_csv(path, convert_options=options)


def mean_of(table):
    """The amounts' mean as a double, which decimals do not give."""
    return table.append_column("real", table["amount"].cast("float64"))


@route("W1", "csv")
def kinds(inputs, out):
    events = mean_of(read(inputs["events"], ["kind", "amount", "duration"]))
    dirty = pc.cast(pc.fill_null(pc.equal(events["duration"], "n/a"), False), "int64")
    answer = events.append_column("dirty", dirty).group_by("kind").aggregate(
        [([], "count_all"), ("amount", "sum"), ("real", "mean"), ("dirty", "sum")])
    pyarrow.csv.write_csv(answer.rename_columns(["kind", "n", "total", "mean", "dirty"]), out)


@route("W2", "parquet")
def usage(inputs, out):
    events = mean_of(read(inputs["events"], ["customer_id", "ts", "kind", "amount"]))
    for name, kind in KINDS.items():
        events = events.append_column(name, pc.cast(pc.equal(events["kind"], kind), "int64"))
    answer = events.group_by("customer_id").aggregate(
        [([], "count_all"), ("amount", "sum"), ("real", "mean"), ("amount", "max"), ("ts", "max"),
         *((name, "sum") for name in KINDS)])
    names = ["customer_id", "n", "total", "mean", "largest", "last_ts", *KINDS]
    pyarrow.parquet.write_table(answer.rename_columns(names), out)


def convert(codec):
    def answer(inputs, out):
        table = read(inputs["events"], list(EVENTS))
        pyarrow.parquet.write_table(table, out, compression=codec)

    return answer


for question, codec in CODECS.items():
    route(question, f"{codec}.parquet")(convert(codec))

if __name__ == "__main__":
    main(pyarrow.__version__, ["csv", "parquet"])
