"""Gradient boosting beside LightGBM, XGBoost and scikit-learn, whichever this Python has: the same
rows, parameters and cores. Prints time, ROC-AUC on the held-out rows, memory, and the ratio to the
best of the others.

    QUERN=build/quern python bench/boost.py [--rows N] [--trees N] [--leaves N] [--repeat N]

`fit` is, of Quern, all rounds of the train job: in the first of them the workers read the file and cut
it into bins. `with bins` adds the pass before, which reads the file too and finds where to cut. Of the
others it is binning and training of a data frame; reading the file is not counted.
"""

import argparse
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time

SPEC = """
version: 1
name: bench
seed: 42
warehouse: bench.db
sources:
  customers: {{path: customers.csv, chunk_size: {chunk}}}
jobs:
  churn:
    kind: train
    from: customers
    label: churned
    key: customer_id
    split: {{method: hash, test: 0.2}}
    algorithm: gradient_boosting
    params: {{num_rounds: {trees}, num_leaves: {leaves}}}
    register: {{model: churn}}
    into: predictions
"""


def quern(folder, args):
    size = os.path.getsize(f"{folder}/customers.csv")
    chunk = -(-size // max(2, 2 * round(size / 2 / (20 << 20)))) + 1024  # an even number of chunks
    with open(f"{folder}/quern.yaml", "w") as out:
        out.write(SPEC.format(chunk=chunk, trees=args.trees, leaves=args.leaves))
    for name in os.listdir(folder):
        if name.startswith("bench.db"):
            os.remove(f"{folder}/{name}")
    began = time.time()
    subprocess.run([os.environ["QUERN"], "run", f"{folder}/quern.yaml", "--workers", "2", "--quiet",
                    "--full-refresh"], check=True)
    total = time.time() - began
    with sqlite3.connect(f"{folder}/bench.db") as db:
        took = dict(db.execute("select name, seconds from _quern_timings"))
        auc = db.execute("select value from _quern_model_metrics where split = 'test' and "
                         "metric = 'roc_auc'").fetchone()[0]
        split = dict(db.execute("select customer_id, split from predictions"))
    return {"fit": took["round"], "with bins": took["prepare"] + took["round"], "total": total,
            "auc": auc, "stages": took}, split


def frame(folder, split):
    import pandas as pd

    rows = pd.read_csv(f"{folder}/customers.csv", keep_default_na=False, na_values=[""])
    rows["signup_date"] = (pd.to_datetime(rows["signup_date"]) - pd.Timestamp("1970-01-01")).dt.days
    train = (rows["customer_id"].map(split) == "train").to_numpy()
    label = rows["churned"].to_numpy()
    rows = rows.drop(columns=["customer_id", "churned"])
    for name in rows:
        if rows[name].dtype.kind not in "ifb":
            rows[name] = rows[name].astype("category")
    return rows[train], label[train], rows[~train], label[~train]


def lightgbm(train, label, test, args):
    import lightgbm

    params = {"objective": "binary", "num_leaves": args.leaves, "num_threads": 2, "verbose": -1}
    model = lightgbm.train(params, lightgbm.Dataset(train, label), args.trees)
    return lambda: model.predict(test)


def xgboost(train, label, test, args):
    import xgboost

    model = xgboost.XGBClassifier(
        tree_method="hist", grow_policy="lossguide", max_leaves=args.leaves, max_depth=0,
        n_estimators=args.trees, learning_rate=0.1, n_jobs=2, enable_categorical=True, max_bin=255,
    ).fit(train, label)
    return lambda: model.predict_proba(test)[:, 1]


def sklearn(train, label, test, args):
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(
        max_iter=args.trees, max_leaf_nodes=args.leaves, learning_rate=0.1, early_stopping=False,
        categorical_features="from_dtype",
    ).fit(train, label)
    return lambda: model.predict_proba(test)[:, 1]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1000000)
    parser.add_argument("--trees", type=int, default=100)
    parser.add_argument("--leaves", type=int, default=31)
    parser.add_argument("--repeat", type=int, default=3)
    args = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([os.environ["QUERN"], "generate", "churn", "--rows", str(args.rows), "--seed",
                        "7", "--out", f"{folder}/customers.csv"], check=True)
        runs = [quern(folder, args) for _ in range(args.repeat)]
        best, split = min(runs, key=lambda run: run[0]["fit"])
        memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10
        print(f"{args.rows} rows, {args.trees} trees of {args.leaves} leaves, two cores")
        print(f"quern     fit {best['fit']:6.2f} s, with bins {best['with bins']:6.2f} s, whole run "
              f"{best['total']:6.2f} s, roc_auc {best['auc']:.5f}, largest process {memory} MiB")
        peers = {}
        data = None
        for who in (lightgbm, xgboost, sklearn):
            try:
                __import__(who.__name__)
            except ImportError:
                print(f"{who.__name__:9s} SKIPPED: this Python has none")
                continue
            data = data or frame(folder, split)
            from sklearn.metrics import roc_auc_score

            took = []
            for _ in range(args.repeat):
                began = time.time()
                predict = who(data[0], data[1], data[2], args)
                took.append(time.time() - began)
            peers[who.__name__] = min(took)
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
            print(f"{who.__name__:9s} fit {min(took):6.2f} s, roc_auc "
                  f"{roc_auc_score(data[3], predict()):.5f}, process so far {memory} MiB")
        if peers:
            who = min(peers, key=peers.get)
            print(f"ratio to {who}: fit {best['fit'] / peers[who]:.2f}, with bins "
                  f"{best['with bins'] / peers[who]:.2f}")
    return 0


sys.exit(main())
