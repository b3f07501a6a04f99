"""A search of eight candidates over five folds beside the same loop of LightGBM and scikit-learn,
whichever this Python has: the same rows, parameters and cores. Prints time, the mean ROC-AUC of the
folds of what was chosen, and the ratio to the best of the others.

    QUERN=build/quern python -m bench.search [--rows N] [--trees N] [--repeat N]

`search` is, of Quern, its two stages: rows are read once more, then each fold of each candidate is
a fit of its own, imputation, scaling and bins of its rows included. Of the others it is binning,
training and scoring of a data frame; reading the file is not counted. LightGBM also runs as `cv`,
which bins all rows once for all folds of a candidate, and measures after every tree. Folds are each
one's own, of the same size.
"""

import argparse
import itertools
import os
import sqlite3
import sys
import tempfile
import time

from bench import train

GRID = {"num_leaves": [15, 31], "learning_rate": [0.05, 0.1], "min_data_in_leaf": [20, 100]}
JOB = """    algorithm: gradient_boosting
    features: {{exclude: signup_date}}
    params: {{num_rounds: {trees}}}
    search: {{folds: 5, params: {grid}}}
"""


def quern(folder, args):
    train.write_spec(folder, JOB.format(trees=args.trees, grid=str(GRID).replace("'", "")))
    cost = train.run(folder)
    with sqlite3.connect(f"{folder}/bench.db") as db:
        search = db.execute("select sum(seconds) from _quern_timings where name like 'search%'"
                            ).fetchone()[0]
        auc, chosen = db.execute("select value, params from _quern_model_candidates where chosen "
                                 "and fold is null").fetchone()
        split = dict(db.execute("select customer_id, split from predictions"))
    return {"search": search, "total": cost["wall"], "auc": auc, "chosen": chosen}, split


def frame(folder, split):
    import pandas as pd

    rows = pd.read_csv(f"{folder}/customers.csv", keep_default_na=False, na_values=[""])
    rows = rows[(rows["customer_id"].map(split) == "train").to_numpy()]
    label = rows["churned"].to_numpy()
    rows = rows.drop(columns=["customer_id", "churned", "signup_date"])
    for name in rows:
        if rows[name].dtype.kind not in "ifb":
            rows[name] = rows[name].astype("category")
    return rows, label


def candidates():
    return [dict(zip(GRID, values)) for values in itertools.product(*GRID.values())]


def folds():
    from sklearn.model_selection import StratifiedKFold

    return StratifiedKFold(5, shuffle=True, random_state=1)


def mean_auc(rows, label, fit):
    from sklearn.metrics import roc_auc_score

    aucs = []
    for train, test in folds().split(rows, label):
        predict = fit(rows.iloc[train], label[train])
        aucs.append(roc_auc_score(label[test], predict(rows.iloc[test])))
    return sum(aucs) / len(aucs)


def lightgbm(rows, label, args):
    import lightgbm

    def fit(params):
        params = {"objective": "binary", "num_threads": 2, "verbose": -1, **params}
        return lambda x, y: lightgbm.train(params, lightgbm.Dataset(x, y), args.trees).predict

    return max(mean_auc(rows, label, fit(params)) for params in candidates())


def lightgbm_cv(rows, label, args):
    import lightgbm

    best = 0
    for params in candidates():
        params = {"objective": "binary", "metric": "auc", "num_threads": 2, "verbose": -1, **params}
        found = lightgbm.cv(params, lightgbm.Dataset(rows, label), args.trees,
                            folds=list(folds().split(rows, label)))
        best = max(best, found["valid auc-mean"][-1])
    return best


def sklearn(rows, label, args):
    from sklearn.ensemble import HistGradientBoostingClassifier

    def fit(params):
        return lambda x, y: (lambda model: lambda z: model.predict_proba(z)[:, 1])(
            HistGradientBoostingClassifier(
                max_iter=args.trees, max_leaf_nodes=params["num_leaves"], early_stopping=False,
                learning_rate=params["learning_rate"], min_samples_leaf=params["min_data_in_leaf"],
                categorical_features="from_dtype").fit(x, y))

    return max(mean_auc(rows, label, fit(params)) for params in candidates())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=100000)
    parser.add_argument("--trees", type=int, default=100)
    parser.add_argument("--repeat", type=int, default=1)
    args = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    with tempfile.TemporaryDirectory() as folder:
        train.generate(args.rows, f"{folder}/customers.csv")
        runs = [quern(folder, args) for _ in range(args.repeat)]
        best, split = min(runs, key=lambda run: run[0]["search"])
        print(f"{args.rows} rows, 8 candidates x 5 folds, {args.trees} trees, two cores")
        print(f"quern        search {best['search']:6.2f} s, whole run {best['total']:6.2f} s, "
              f"roc_auc {best['auc']:.5f} with {best['chosen']}")
        took = {}
        data = None
        for name, who in (("lightgbm", lightgbm), ("lightgbm.cv", lightgbm_cv), ("sklearn", sklearn)):
            try:
                __import__(name.split(".")[0])
            except ImportError:
                print(f"{name:12s} SKIPPED: this Python has none")
                continue
            data = data or frame(folder, split)
            began = time.time()
            auc = who(*data, args)
            took[name] = time.time() - began
            print(f"{name:12s} search {took[name]:6.2f} s, roc_auc {auc:.5f}")
        if took:
            who = min(took, key=took.get)
            print(f"ratio to {who}: {best['search'] / took[who]:.2f}")
    return 0


sys.exit(main())
