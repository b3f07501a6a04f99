"""pandas and scikit-learn: the small pipeline of W6, as one would write it."""

import sqlite3

import pandas as pd
import sklearn
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from bench.peers.common import main, route

TEXTS = ["region", "plan", "payment_method"]


def clean(path):
    table = pd.read_csv(path)
    table = table[table["age"] < 85].drop(columns="signup_date")
    table["charge_per_year"] = (table["monthly_charge"] * 12).round(2)
    table["paperless"] = (table["paperless"] == "yes").astype(int)
    table["total_charge"] = table["total_charge"].fillna(round(table["total_charge"].mean(), 2))
    return table


def fit(table):
    numbers = [c for c in table.columns if c not in [*TEXTS, "customer_id", "churned"]]
    prepare = ColumnTransformer([
        ("numeric", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
        ("categorical", OneHotEncoder(handle_unknown="ignore", sparse_output=False), TEXTS)])
    model = LogisticRegression(C=1.0, solver="newton-cholesky", tol=1e-12)
    return make_pipeline(prepare, model).fit(table, table["churned"])


@route("W6", "to_sql.db")
def churn(inputs, out):
    table = clean(inputs["customers"])
    scores = fit(table).predict_proba(table)[:, 1]
    answer = table[["customer_id"]].assign(split="train", label=table["churned"], score=scores)
    with sqlite3.connect(out) as db:
        table.to_sql("clean", db, index=False)
        answer.to_sql("answer", db, index=False)


if __name__ == "__main__":
    main(f"{sklearn.__version__}, pandas {pd.__version__}")
