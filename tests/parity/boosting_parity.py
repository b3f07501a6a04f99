"""Quern's boosted trees beside LightGBM's: equal parameters, the same folds, the same rows.

Each fold is two files: Quern trains on one and scores the other, LightGBM is fitted to the same
rows. Held to: |difference of mean ROC-AUC| <= 0.002 and log-loss within 0.5 %, and to the least
ROC-AUC that each public file allows. Trees need not be the same: LightGBM adds in floats and cuts
its bins from another sample.

    boosting_parity.py FOLDER [ROWS]      ROWS of made-up customers; default 100000
"""

import os
import sqlite3
import subprocess
import sys

import lightgbm
import numpy as np
import pandas as pd
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import StratifiedKFold

QUERN = os.environ["QUERN"]
DATA = os.environ.get("QUERN_DATA", "")
failures = 0

SPEC = """
version: 1
name: parity
seed: 1
warehouse: parity.db
sources:
  training: {{path: train.csv, columns: {columns}}}
  testing: {{path: test.csv, columns: {columns}}}
jobs:
  fit:
    kind: train
    from: training
    label: label
    key: row
    split: {{method: hash, test: 0}}
    algorithm: gradient_boosting
    params: {params}
    register: {{model: m}}
  scores: {{kind: score, from: testing, model: m, into: scores}}
"""


def quern_scores(folder, train, test, params):
    kinds = {"i": "integer", "f": "double", "O": "text", "s": "text", "b": "boolean"}
    columns = ", ".join(
        f"{{name: {name}, type: {kinds.get(train[name].dtype.kind, 'text')}}}" for name in train.columns
    )
    text = ", ".join(f"{name}: {value}" for name, value in params.items())
    train.to_csv(f"{folder}/train.csv", index=False)
    test.to_csv(f"{folder}/test.csv", index=False)
    with open(f"{folder}/parity.yaml", "w") as out:
        out.write(SPEC.format(columns=f"[{columns}]", params=f"{{{text}}}"))
    warehouse = f"{folder}/parity.db"
    for name in os.listdir(folder):
        if name.startswith("parity.db"):
            os.remove(f"{folder}/{name}")
    subprocess.run(
        [QUERN, "run", f"{folder}/parity.yaml", "--workers", "2", "--quiet", "--full-refresh",
         "--warehouse", warehouse],
        check=True,
    )
    with sqlite3.connect(warehouse) as db:
        scores = dict(db.execute("select row, score from scores"))
    return np.array([scores[row] for row in test["row"]])


def lightgbm_scores(train, test, params):
    names = {"num_rounds": "num_iterations", "min_sum_hessian": "min_sum_hessian_in_leaf"}
    asked = {names.get(name, name): value for name, value in params.items()}
    asked |= {"objective": "binary", "verbose": -1, "deterministic": True, "force_row_wise": True,
              "num_threads": 2, "seed": 1}
    features = [name for name in train.columns if name not in ("row", "label")]
    both = pd.concat([train[features], test[features]])
    for name in features:
        if both[name].dtype.kind not in "ifb":
            both[name] = both[name].astype("category")
    fitted = lightgbm.train(asked, lightgbm.Dataset(both[: len(train)], train["label"]))
    return fitted.predict(both[len(train):])


def compare(name, rows, params, folder, least_auc=None, folds=5):
    global failures
    found = {"quern": [], "lightgbm": []}
    splits = list(StratifiedKFold(5, shuffle=True, random_state=7).split(rows, rows["label"]))
    for train, test in splits[:folds]:
        train, test = rows.iloc[train], rows.iloc[test]
        for who, scores in (("quern", quern_scores(folder, train, test, params)),
                            ("lightgbm", lightgbm_scores(train, test, params))):
            found[who].append((roc_auc_score(test["label"], scores), log_loss(test["label"], scores)))
    auc, loss = ({who: np.mean([of[i] for of in found[who]]) for who in found} for i in (0, 1))
    print(f"{name}: {len(rows)} rows, {folds} folds: roc_auc {auc['quern']:.5f}, LightGBM "
          f"{auc['lightgbm']:.5f}; log_loss {loss['quern']:.5f}, LightGBM {loss['lightgbm']:.5f}")
    if abs(auc["quern"] - auc["lightgbm"]) > 0.002:
        print(f"FAILED: {name}: roc_auc differs by more than 0.002")
        failures += 1
    if abs(loss["quern"] / loss["lightgbm"] - 1) > 0.005:
        print(f"FAILED: {name}: log_loss differs by more than 0.5 %")
        failures += 1
    if least_auc and auc["quern"] < least_auc:
        print(f"FAILED: {name}: roc_auc is below {least_auc}")
        failures += 1


def telco():
    rows = pd.read_csv(f"{DATA}/telco-churn/WA_Fn-UseC_-Telco-Customer-Churn.csv")
    rows["TotalCharges"] = pd.to_numeric(rows["TotalCharges"], errors="coerce")
    rows["label"] = (rows["Churn"] == "Yes").astype(int)
    return rows.rename(columns={"customerID": "row"}).drop(columns="Churn")


def bank():
    rows = pd.read_csv(f"{DATA}/bank-churn/Churn_Modelling.csv")
    rows = rows.rename(columns={"CustomerId": "row", "Exited": "label"})
    return rows.drop(columns=["RowNumber", "Surname"])


def customers(folder, n):
    path = f"{folder}/customers.csv"
    subprocess.run([QUERN, "generate", "churn", "--rows", str(n), "--seed", "7", "--out", path],
                   check=True)
    rows = pd.read_csv(path, keep_default_na=False, na_values=[""])
    rows["signup_day"] = (pd.to_datetime(rows["signup_date"]) - pd.Timestamp("1970-01-01")).dt.days
    rows = rows.rename(columns={"customer_id": "row", "churned": "label"})
    return rows.drop(columns="signup_date")


def shops(n):
    """More categories than a byte tells apart, and a long tail of rare ones."""
    draws = np.random.default_rng(7)
    shop, brand = draws.integers(0, 500, n), draws.zipf(1.5, n) % 300
    spend = draws.normal(size=n)
    margin = spend - 1 + draws.normal(size=500)[shop] + 0.5 * draws.normal(size=300)[brand]
    return pd.DataFrame({"row": np.arange(n), "spend": spend, "age": draws.normal(size=n),
                         "shop": [f"s{i}" for i in shop], "brand": [f"b{i}" for i in brand],
                         "label": (draws.random(n) < 1 / (1 + np.exp(-margin))).astype(int)})


def main():
    folder = sys.argv[1]
    small = {"learning_rate": 0.03, "num_leaves": 8, "num_rounds": 200, "min_data_in_leaf": 30,
             "lambda_l2": 1}
    if os.path.isdir(f"{DATA}/telco-churn"):
        compare("telco", telco(), small, folder, 0.845)
        compare("bank", bank(), small, folder, 0.860)
    else:
        print("SKIPPED: no public files to compare on")
    compare("shops", shops(30000), {"learning_rate": 0.05, "num_leaves": 15, "num_rounds": 80}, folder,
            folds=3)
    n = int(sys.argv[2]) if len(sys.argv) > 2 else 100000
    compare("customers", customers(folder, n), {"num_leaves": 31, "num_rounds": 100}, folder, folds=2)
    sys.exit(1 if failures else 0)


main()
