"""Logistic regression beside scikit-learn's lbfgs.

    QUERN=build/quern python -m bench.logistic [--rows N...] [--l2 X] [--pairs N] [--peers NAME...]
                                               [--memory]

How it is timed is said in bench/train.py. The peer gets the matrix that the preparation of our model
file makes: the same rows imputed, scaled and one-hot encoded, as doubles; making it is not counted,
while our `fit` makes its own in the first round, from the CSV file. Both minimise the same sum with
the same penalty.

`sklearn` stops where it does by default (tol 1e-4), which is short of the solution; `sklearn-tight` goes
on to 1e-8. How far their margins (log-odds) of held-out rows and their coefficients are from ours
is said: ours are the solution to 1e-9."""

import json

from bench import train

JOB = """    algorithm: logistic_regression
    features: {{exclude: [signup_date]}}
    params: {{l2: {l2}}}
"""


def rows_of(customers, training):
    """As the model file says: fills, scales, categories; columns in the order of its terms."""
    import numpy as np
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    label = customers["churned"].to_numpy()
    customers = customers.drop(columns=["churned", "signup_date"])
    numbers = [name for name in customers if customers[name].dtype.kind in "ifb"]
    texts = [name for name in customers if name not in numbers]
    for name in texts:
        column = customers[name].astype(object)
        customers[name] = column.where(column.notna(), None)
    steps = [("numbers", make_pipeline(SimpleImputer(), StandardScaler()), numbers),
             ("texts", make_pipeline(
                 SimpleImputer(strategy="most_frequent", missing_values=None),
                 OneHotEncoder(sparse_output=False, handle_unknown="ignore")), texts)]
    transform = ColumnTransformer(steps).fit(customers[training])
    return {side: (np.ascontiguousarray(transform.transform(customers[wanted])), label[wanted])
            for side, wanted in {"train": training, "test": ~training}.items()}


def lbfgs(tol):
    def peer(options):
        from sklearn.linear_model import LogisticRegression

        model = LogisticRegression(C=1 / options.l2, solver="lbfgs", tol=tol, max_iter=1000)

        class Fitted:
            def __init__(self, rows, label):
                self.model = model.fit(rows, label)

            def __call__(self, test):
                self.margins, self.test = self.model.decision_function(test), test
                return self.margins

        return Fitted

    return peer


def inspect(fitted, folder):
    """How far it is from our model."""
    import numpy as np

    with open(f"{folder}/model.json") as file:
        terms = json.load(file)["terms"]
    ours = np.array([term["coefficient"] for term in terms])
    margins = ours[0] + fitted.test @ ours[1:]
    theirs = np.concatenate([fitted.model.intercept_, fitted.model.coef_[0]])
    return {"told": [f"{fitted.model.n_iter_[0]} rounds",
                     f"margins within {np.abs(margins - fitted.margins).max():.0e}",
                     f"coefficients within {np.abs(ours - theirs).max():.0e} of ours"]}


def add_options(parser):
    parser.add_argument("--l2", type=float, default=1.0)


KIND = train.Kind(
    module="bench.logistic", job=JOB, rows_of=rows_of, add_options=add_options, inspect=inspect,
    peers={"sklearn": lbfgs(1e-4), "sklearn-tight": lbfgs(1e-8)},
    describe=lambda options: f"logistic regression with l2 {options.l2:g}")

if __name__ == "__main__":
    train.main(KIND, __doc__)
