"""How many rows a second a core scores: made-up customers, from CSV to a Parquet file of key, score and
model version, by trees and by logistic regression, beside reading the same columns alone.

    QUERN=build/quern python3 -m bench.score [--rows N...] [--trees N] [--leaves N] [--repeat N]

The models are trained on 100,000 other customers. Rows a second a core are rows over the CPU time
of the tasks (_quern_timings): reading the file, preparing, scoring, encoding the result. `read` is
an etl job that counts rows by what all features need to be read for."""

import argparse
import os
import sqlite3
import statistics
import tempfile

from bench import measure, train

FITS = """
version: 1
name: fits
seed: 42
warehouse: bench.db
sources:
  customers: {{path: training.csv}}
jobs:
  trees:
    kind: train
    from: customers
    label: churned
    key: customer_id
    algorithm: gradient_boosting
    params: {{num_rounds: {trees}, num_leaves: {leaves}}}
    register: {{model: trees}}
  logistic:
    kind: train
    from: customers
    label: churned
    key: customer_id
    features: {{exclude: [signup_date]}}
    algorithm: logistic_regression
    register: {{model: logistic}}
"""
SCORES = """
version: 1
name: scores
warehouse: bench.db
sources:
  customers: {path: customers.csv}
jobs:
  read:
    kind: etl
    from: customers
    filter: signup_date is not null
    aggregate: {COUNTS}
    into: counted
  trees: {kind: score, from: customers, model: trees, key: customer_id, into: {file: trees.parquet}}
  logistic: {kind: score, from: customers, model: logistic, key: customer_id, into: {file: logistic.parquet}}
"""
COLUMNS = ["age", "region", "plan", "payment_method", "tenure_months", "monthly_charge",
           "total_charge", "support_calls", "discount", "paperless"]


def run(folder, spec, job=None):
    """CPU seconds of the tasks, and seconds from the first of them to the last."""
    select = ["--select", job] if job else []
    measure.run([os.environ["QUERN"], "run", f"{folder}/{spec}.yaml", "--workers", "2", "--quiet",
                 "--full-refresh", *select])
    with sqlite3.connect(f"{folder}/bench.db") as db:
        return db.execute("select sum(cpu_seconds), sum(seconds) from _quern_timings where run_id = "
                          "(select run_id from _quern_runs order by rowid desc limit 1)").fetchone()


def compare(folder, rows, options):
    train.generate(rows, f"{folder}/customers.csv")
    took = {"read": [], "trees": [], "logistic": []}
    for _ in range(options.repeat):
        for job, runs in took.items():
            runs.append(run(folder, "scores", job))
    print(f"{rows} rows; {options.trees} trees of {options.leaves} leaves; two workers, medians of "
          f"{options.repeat}")
    for job, runs in took.items():
        cpu, wall = (statistics.median(values) for values in zip(*runs))
        print(f"{job:9s} {wall:6.2f} s, {cpu:6.2f} s of CPU, {rows / cpu / 1e6:5.2f} M rows/s a core",
              flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1000000])
    parser.add_argument("--trees", type=int, default=20)
    parser.add_argument("--leaves", type=int, default=31)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        counts = ", ".join(f"n_{name}: count({name})" for name in COLUMNS)
        with open(f"{folder}/fits.yaml", "w") as out:
            out.write(FITS.format(trees=options.trees, leaves=options.leaves))
        with open(f"{folder}/scores.yaml", "w") as out:
            out.write(SCORES.replace("COUNTS", counts))
        train.generate(100000, f"{folder}/training.csv", seed=8)
        run(folder, "fits")
        for rows in options.rows:
            compare(folder, rows, options)


if __name__ == "__main__":
    main()
