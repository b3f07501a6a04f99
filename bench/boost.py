"""Gradient boosting beside LightGBM, XGBoost and scikit-learn, whichever this Python has.

    QUERN=build/quern python -m bench.boost [--rows N...] [--trees N] [--leaves N] [--pairs N]
                                            [--peers NAME...] [--memory]

How it is timed is said in bench/train.py. Our first round cuts values into bins, the pass before it
reads the file and finds where to cut. Of the others `fit` is finding bins, cutting and training of
a data frame in memory: reading a file is not counted. So our `fit` leaves out what is a small part
of theirs, and `with prepare` counts reading, which theirs does not; both are compared with the whole
of theirs."""

from bench import train

JOB = """    algorithm: gradient_boosting
    params: {{num_rounds: {trees}, num_leaves: {leaves}}}
"""


def rows_of(customers, training):
    import pandas as pd

    day = pd.to_datetime(customers["signup_date"]) - pd.Timestamp("1970-01-01")
    customers["signup_date"] = day.dt.days
    label = customers["churned"].to_numpy()
    customers = customers.drop(columns="churned")
    for name in customers:
        if customers[name].dtype.kind not in "ifb":
            customers[name] = customers[name].astype("category")
    return {side: (customers[wanted], label[wanted])
            for side, wanted in {"train": training, "test": ~training}.items()}


def lightgbm(options):
    import lightgbm as library
    import pandas  # noqa: F401: what pickles need

    params = {"objective": "binary", "num_leaves": options.leaves, "num_threads": 2, "verbose": -1}

    def fit(rows, label):
        return library.train(params, library.Dataset(rows, label), options.trees).predict

    return fit


def xgboost(options):
    import pandas  # noqa: F401
    import xgboost as library

    model = library.XGBClassifier(
        tree_method="hist", grow_policy="lossguide", max_leaves=options.leaves, max_depth=0,
        n_estimators=options.trees, learning_rate=0.1, n_jobs=2, enable_categorical=True,
        max_bin=255)

    def fit(rows, label):
        model.fit(rows, label)
        return lambda test: model.predict_proba(test)[:, 1]

    return fit


def sklearn(options):
    import pandas  # noqa: F401
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(
        max_iter=options.trees, max_leaf_nodes=options.leaves, learning_rate=0.1,
        early_stopping=False, categorical_features="from_dtype")

    def fit(rows, label):
        model.fit(rows, label)
        return lambda test: model.predict_proba(test)[:, 1]

    return fit


def add_options(parser):
    parser.add_argument("--trees", type=int, default=100)
    parser.add_argument("--leaves", type=int, default=31)


KIND = train.Kind(
    module="bench.boost", job=JOB, rows_of=rows_of, add_options=add_options,
    peers={"lightgbm": lightgbm, "xgboost": xgboost, "sklearn": sklearn},
    describe=lambda options: f"{options.trees} trees of {options.leaves} leaves")

if __name__ == "__main__":
    train.main(KIND, __doc__)
