"""Gradient boosting beside LightGBM, XGBoost and scikit-learn, whichever this Python has: the same
rows, split, parameters and cores.

    QUERN=build/quern python -m bench.boost [--rows N...] [--trees N] [--leaves N] [--pairs N]
                                            [--peers NAME...] [--memory]

Runs follow one another: ours, then each peer, each a process of its own; and so on, --pairs times.
A ratio is that of ours to the best peer beside it; shown are medians. --rows of several numbers
takes each in turn; `--peers` without names takes ours alone.

What is timed, of Quern, is stages of a train job with two workers (_quern_timings): `fit` is all
rounds, of which the first cuts values into bins; `with bins` adds the pass before, which reads the
file and finds where to cut. Of the others `fit` is finding bins, cutting and training of a data
frame in memory: reading a file is not counted. So `fit` leaves out what is a small part of theirs,
and `with bins` counts reading, which theirs does not; both are compared with the whole of theirs.

--memory runs each once more and samples the peak of private and shared memory of all processes
together. Peers start from a pickle of the training rows, not from CSV."""

import argparse
import json
import os
import pickle
import sqlite3
import statistics
import sys
import tempfile
import time

from bench import measure

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
CHUNK_BYTES = 20 << 20


# --- ours ----------------------------------------------------------------------------------------


def write_spec(folder, args):
    """An even number of chunks, so that neither of two workers has more than the other."""
    size = os.path.getsize(f"{folder}/customers.csv")
    chunk = -(-size // max(2, 2 * round(size / 2 / CHUNK_BYTES))) + 1024
    with open(f"{folder}/quern.yaml", "w") as out:
        out.write(SPEC.format(chunk=chunk, trees=args.trees, leaves=args.leaves))


def quern(folder, args, memory=False):
    for name in os.listdir(folder):
        if name.startswith("bench.db"):
            os.remove(f"{folder}/{name}")
    command = [os.environ["QUERN"], "run", f"{folder}/quern.yaml", "--workers", "2", "--quiet",
               "--full-refresh"]
    cost = measure.run(command, memory=memory)[1]
    with sqlite3.connect(f"{folder}/bench.db") as db:
        took = dict(db.execute("select name, seconds from _quern_timings"))
        auc = db.execute("select value from _quern_model_metrics where split = 'test' and "
                         "metric = 'roc_auc'").fetchone()[0]
    return cost | {"fit": took["round"], "with bins": took["prepare"] + took["round"], "auc": auc}


# --- the others ----------------------------------------------------------------------------------


def write_frame(folder):
    """The rows as peers take them, split as our last run split them."""
    import pandas as pd

    with sqlite3.connect(f"{folder}/bench.db") as db:
        split = dict(db.execute("select customer_id, split from predictions"))
    rows = pd.read_csv(f"{folder}/customers.csv", keep_default_na=False, na_values=[""])
    rows["signup_date"] = (pd.to_datetime(rows["signup_date"]) - pd.Timestamp("1970-01-01")).dt.days
    train = (rows["customer_id"].map(split) == "train").to_numpy()
    label = rows["churned"].to_numpy()
    rows = rows.drop(columns=["customer_id", "churned"])
    for name in rows:
        if rows[name].dtype.kind not in "ifb":
            rows[name] = rows[name].astype("category")
    for side, wanted in {"train": train, "test": ~train}.items():
        with open(f"{folder}/{side}.pickle", "wb") as out:
            pickle.dump((rows[wanted], label[wanted]), out)


def lightgbm(trees, leaves):
    import lightgbm as library

    params = {"objective": "binary", "num_leaves": leaves, "num_threads": 2, "verbose": -1}

    def fit(rows, label):
        return library.train(params, library.Dataset(rows, label), trees).predict

    return fit


def xgboost(trees, leaves):
    import xgboost as library

    model = library.XGBClassifier(
        tree_method="hist", grow_policy="lossguide", max_leaves=leaves, max_depth=0,
        n_estimators=trees, learning_rate=0.1, n_jobs=2, enable_categorical=True, max_bin=255)

    def fit(rows, label):
        model.fit(rows, label)
        return lambda test: model.predict_proba(test)[:, 1]

    return fit


def sklearn(trees, leaves):
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(
        max_iter=trees, max_leaf_nodes=leaves, learning_rate=0.1, early_stopping=False,
        categorical_features="from_dtype")

    def fit(rows, label):
        model.fit(rows, label)
        return lambda test: model.predict_proba(test)[:, 1]

    return fit


PEERS = {"lightgbm": lightgbm, "xgboost": xgboost, "sklearn": sklearn}


def serve(name, folder, trees, leaves, score):
    """One fit, in the process of a peer. The library is loaded before the clock starts."""
    import pandas  # noqa: F401: what pickles need

    fit = PEERS[name](trees, leaves)
    with open(f"{folder}/train.pickle", "rb") as file:
        rows, label = pickle.load(file)
    began = time.perf_counter()
    predict = fit(rows, label)
    result = {"fit": time.perf_counter() - began}
    if score:
        from sklearn.metrics import roc_auc_score

        with open(f"{folder}/test.pickle", "rb") as file:
            rows, label = pickle.load(file)
        result["auc"] = roc_auc_score(label, predict(rows))
    print(json.dumps(result))


def peer(name, folder, args, score=False, memory=False):
    command = [sys.executable, "-m", "bench.boost", "--serve", name, folder, str(args.trees),
               str(args.leaves), str(int(score))]
    output, cost = measure.run(command, memory=memory)
    return cost | json.loads(output)


def importable(name):
    try:
        __import__(name)
    except ImportError:
        print(f"{name:9s} SKIPPED: this Python has none")
        return False
    return True


# --- all -----------------------------------------------------------------------------------------


def median(runs, key):
    return statistics.median(run[key] for run in runs)


def show(ours, theirs, memory, others):
    mib = {name: f", memory {one['memory']:5.0f} MiB" for name, one in memory.items()}
    print(f"quern     fit {median(ours, 'fit'):6.2f} s, with bins {median(ours, 'with bins'):6.2f} s, "
          f"whole run {median(ours, 'wall'):6.2f} s, roc_auc {ours[0]['auc']:.5f}"
          f"{mib.get('quern', '')}")
    for name, runs in theirs.items():
        print(f"{name:9s} fit {median(runs, 'fit'):6.2f} s, roc_auc {runs[0]['auc']:.5f}"
              f"{mib.get(name, '')}")
    if theirs:
        best = [min(runs[i]["fit"] for runs in theirs.values()) for i in range(len(ours))]
        for key in ("fit", "with bins"):
            ratios = [run[key] / beside for run, beside in zip(ours, best)]
            print(f"{key + ' / best peer, of pairs':32s} {statistics.median(ratios):.2f} "
                  f"({min(ratios):.2f} to {max(ratios):.2f})")
    if theirs and memory:
        least = min(memory[name]["memory"] for name in theirs)
        print(f"{'memory / least of peers':32s} {memory['quern']['memory'] / least:.2f}")
    print(f"others used {others:.2f} cores at most meanwhile", flush=True)


def compare(folder, rows, args, peers):
    measure.run([os.environ["QUERN"], "generate", "churn", "--rows", str(rows), "--seed", "7",
                 "--out", f"{folder}/customers.csv"])
    write_spec(folder, args)
    quern(folder, args)
    if peers:
        write_frame(folder)
    ours, theirs, memory = [], {name: [] for name in peers}, {}
    for pair in range(args.pairs):
        ours.append(quern(folder, args))
        for name in peers:
            theirs[name].append(peer(name, folder, args, score=pair == 0))
    if args.memory:
        memory = {"quern": quern(folder, args, memory=True)}
        memory |= {name: peer(name, folder, args, memory=True) for name in peers}
    print(f"{rows} rows, {args.trees} trees of {args.leaves} leaves, two cores, "
          f"{args.pairs} runs each")
    others = max(run["others"] for runs in [ours, *theirs.values()] for run in runs)
    show(ours, theirs, memory, others)
    return median(ours, "fit")


def main():
    if sys.argv[1:2] == ["--serve"]:
        name, folder, *numbers = sys.argv[2:]
        serve(name, folder, *map(int, numbers))
        return
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, nargs="+", default=[1000000])
    parser.add_argument("--trees", type=int, default=100)
    parser.add_argument("--leaves", type=int, default=31)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--peers", nargs="*", choices=list(PEERS), default=list(PEERS))
    parser.add_argument("--memory", action="store_true")
    args = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "2"
    peers = [name for name in args.peers if importable(name)]
    took = {}
    for rows in args.rows:
        with tempfile.TemporaryDirectory() as folder:
            took[rows] = compare(folder, rows, args, peers)
    for rows in took:
        if len(took) > 1:
            print(f"{rows:9d} rows: fit {took[rows] / rows * 1e6:.2f} s a million")


if __name__ == "__main__":
    main()
