"""Spark: SQL on two local threads. Without a JDBC driver for SQLite it has no route into W3."""

import shutil
import sys

import pyspark
from pyspark.sql import SparkSession

from bench.peers.common import (BY_CUSTOMER, BY_KIND, CUSTOMERS, EVENTS, JOINED, THREADS, TOTALS,
                                main, route)

QUESTIONS = {"W1": BY_KIND, "W2": BY_CUSTOMER, "W7": JOINED, "keys": TOTALS}
TYPES = {"text": "string", "integer": "bigint"}


def session():
    return (SparkSession.builder.master(f"local[{THREADS}]")
            .config("spark.ui.enabled", "false").config("spark.driver.memory", "4g")
            .config("spark.sql.shuffle.partitions", 2 * THREADS)
            .config("spark.sql.session.timeZone", "UTC").getOrCreate())


def answer_of(question, suffix):
    def answer(inputs, out):
        spark = session()
        spark.sparkContext.setLogLevel("ERROR")
        for table, path in inputs.items():
            columns = CUSTOMERS if table == "customers" else EVENTS
            schema = ", ".join(f"{c} {TYPES.get(t, t)}" for c, t in columns.items())
            frame = spark.read.parquet(path) if path.endswith(".parquet") else spark.read.schema(
                schema).option("header", "true").csv(path, timestampFormat="yyyy-MM-dd HH:mm:ss")
            frame.createOrReplaceTempView(table)
        writer = spark.sql(question).write
        writer.option("header", "true").format(suffix).save(out)
        spark.stop()

    return answer


for workload, question in QUESTIONS.items():
    route(workload, "csv" if workload == "W1" else "parquet")(
        answer_of(question, "csv" if workload == "W1" else "parquet"))

if __name__ == "__main__":
    if not shutil.which("java"):
        sys.exit("no java on this machine")
    main(pyspark.__version__, ["csv", "parquet"])
