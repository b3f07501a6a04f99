"""Importances of Quern beside scikit-learn's permutation_importance and LightGBM's contributions, for
the same model on the same held-out rows.

Permutations are random: means of as many repeats may differ by their errors (four of them), and
features whose means are further apart than that must come in the same order. SHAP and gain are
exact: within 1e-9.

    importance_parity.py FOLDER
"""

import json
import os
import sqlite3
import subprocess
import sys

import lightgbm
import numpy as np
import pandas as pd
from sklearn.inspection import permutation_importance

QUERN, REPEATS = os.environ["QUERN"], 30
SPEC = """
version: 1
name: parity
seed: 11
warehouse: {folder}/w.db
sources: {{rows: {{path: rows.csv}}}}
jobs:
  fit:
    kind: train
    from: rows
    label: churned
    key: customer_id
    features: {{exclude: [signup_date]}}
    split: {{method: hash, test: 0.3}}
    algorithm: gradient_boosting
    params: {{num_rounds: 40, num_leaves: 15}}
    evaluate: {{importance: {{metric: {metric}, repeats: {repeats}, rows: 1000000, shap_rows: 1000000}}}}
    register: {{model: m}}
    into: predictions
"""
failures = 0


def check(good, what):
    global failures
    print(f"{'ok' if good else 'FAILED'}: {what}")
    failures += not good


class Fitted:
    """What scikit-learn takes for a classifier."""

    _estimator_type, classes_ = "classifier", np.array([0, 1])

    def __init__(self, path):
        self.booster = lightgbm.Booster(model_file=path)

    def __sklearn_tags__(self):
        from sklearn.utils import ClassifierTags, Tags, TargetTags
        return Tags(estimator_type="classifier", target_tags=TargetTags(required=True),
                    classifier_tags=ClassifierTags())

    def fit(self, cells, labels):
        return self

    def predict_proba(self, cells):
        score = self.booster.predict(cells)
        return np.column_stack([1 - score, score])


def held_out(folder, columns):
    rows = pd.read_csv(f"{folder}/rows.csv")
    with sqlite3.connect(f"{folder}/w.db") as db:
        held = pd.read_sql("select customer_id, label from predictions where split = 'test'", db)
    rows = held.merge(rows, on="customer_id")
    cells = np.zeros((len(rows), len(columns)))
    for i, column in enumerate(columns):
        values = rows[column["name"]]
        if column["kind"] == "categorical":
            codes = {text: code for code, text in enumerate(column["categories"])}
            values = [np.nan if text != text else codes.get(text, len(codes)) for text in values]
        cells[:, i] = values
    return cells, rows["label"].to_numpy()


def ours(folder, kind, names):
    with sqlite3.connect(f"{folder}/w.db") as db:
        found = {feature: (value, spread, rows) for feature, value, spread, rows in db.execute(
            "select feature, value, spread, rows from _quern_model_importance where kind = ?", (kind,))}
    return np.array([[np.nan if v is None else v for v in found[name]] for name in names])


def compare(folder, metric, scoring):
    for name in ("w.db", "w.db-wal", "w.db-shm"):
        if os.path.exists(f"{folder}/{name}"):
            os.unlink(f"{folder}/{name}")
    with open(f"{folder}/quern.yaml", "w") as out:
        out.write(SPEC.format(folder=folder, metric=metric, repeats=REPEATS))
    subprocess.run([QUERN, "run", f"{folder}/quern.yaml", "--quiet"], check=True)
    subprocess.run([QUERN, "models", "export", "m", "--warehouse", f"{folder}/w.db", "--format", "lightgbm",
                    "--out", f"{folder}/m.txt", "--quiet"], check=True)
    with open(f"{folder}/m.txt.columns.json") as file:
        columns = json.load(file)["columns"]
    names = [column["name"] for column in columns]
    cells, labels = held_out(folder, columns)
    model = Fitted(f"{folder}/m.txt")
    theirs = permutation_importance(model, cells, labels, scoring=scoring, n_repeats=REPEATS, random_state=1)
    found = ours(folder, "permutation", names)
    error = np.sqrt((found[:, 1] ** 2 + theirs.importances_std ** 2) / REPEATS)
    off = np.abs(found[:, 0] - theirs.importances_mean)
    check((off <= 4 * error + 1e-12).all(), f"{metric}: permutations differ by at most "
          f"{(off / np.maximum(error, 1e-15)).max():.1f} errors on {len(labels)} rows")
    apart = np.abs(np.subtract.outer(theirs.importances_mean, theirs.importances_mean)) > 4 * np.add.outer(error, error)
    same = np.sign(np.subtract.outer(found[:, 0], found[:, 0])) == np.sign(
        np.subtract.outer(theirs.importances_mean, theirs.importances_mean))
    check(same[apart].all(), f"{metric}: {apart.sum() // 2} pairs of features come in the same order")
    if metric != "roc_auc":
        return
    parts = np.abs(model.booster.predict(cells, pred_contrib=True)).mean(axis=0)[:-1]
    found = ours(folder, "shap", names)
    off = np.abs(found[:, 0] - parts).max()
    check(off <= 1e-9 and (found[:, 2] == len(labels)).all(), f"mean |SHAP| is LightGBM's, off by {off:.2g}")
    gain = model.booster.feature_importance("gain")
    off = np.abs(ours(folder, "gain", names)[:, 0] / np.maximum(gain, 1e-300) - 1)[gain > 0].max()
    check(off <= 1e-6, f"gain is LightGBM's, off by {off:.2g}")


def main():
    folder = sys.argv[1]
    subprocess.run([QUERN, "generate", "churn", "--rows", "8000", "--seed", "4", "--out", f"{folder}/rows.csv"],
                   check=True, stdout=subprocess.DEVNULL)
    for metric, scoring in (("roc_auc", "roc_auc"), ("log_loss", "neg_log_loss"),
                            ("average_precision", "average_precision"), ("brier", "neg_brier_score")):
        compare(folder, metric, scoring)
    sys.exit(1 if failures else 0)


main()
