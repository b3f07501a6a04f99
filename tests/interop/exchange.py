"""Exported models in the real LightGBM and XGBoost, and models of LightGBM in Quern.

Models with monotone features, weighted classes, early stopping, sets of many categories and
calibrated scores. Rows lie exactly on every threshold of the model and the least step beside it, with
missing values, all categories and unknown ones. Held to: every row reaches the same leaf of every tree, LightGBM's
margin is within 1e-12 and XGBoost's within 1e-5 of ours; what LightGBM trained and Quern imported
scores within 1e-12.

    exchange.py FOLDER
"""

import json
import os
import sqlite3
import subprocess
import sys

import lightgbm
import numpy as np
import pandas as pd

try:
    import xgboost
except ImportError:
    xgboost = None

QUERN = os.environ["QUERN"]
failures = 0
PLANS = ["basic", "two words", 'quo"te', "back\\slash", "what??/", "Zürich", "a,b", "rare"]


def check(good, what):
    global failures
    print(f"{'ok' if good else 'FAILED'}: {what}")
    failures += not good


def quern(*words):
    subprocess.run([QUERN, *map(str, words)], check=True)


# --- rows ------------------------------------------------------------------------------------------


def made_up(n, seed):
    draw = np.random.default_rng(seed)
    rows = pd.DataFrame({
        "row": np.arange(n),
        "usage": np.round(draw.gamma(2, 30, n), 3),
        "tenure": draw.integers(0, 72, n).astype(float),
        "ratio": draw.normal(size=n) * 1e-3,
        "plan": draw.choice(PLANS, n, p=[0.3, 0.2, 0.1, 0.1, 0.1, 0.1, 0.08, 0.02]),
        "region": draw.choice([f"r{i}" for i in range(40)], n),
        "zip": draw.choice([f"z{i}" for i in range(200)], n),
        "shop": draw.choice([f"s{i}" for i in range(600)], n),
    })
    rows.loc[draw.random(n) < 0.1, "usage"] = np.nan
    rows.loc[draw.random(n) < 0.05, "tenure"] = np.nan
    rows.loc[draw.random(n) < 0.05, "plan"] = None
    region = rows["region"].str[1:].astype(int)
    margin = (rows["usage"].fillna(90) / 60 - rows["tenure"].fillna(10) / 20 + rows["ratio"] * 700
              + rows["plan"].isin(PLANS[1:4]) + np.sin(region)
              + 2 * np.cos(rows["zip"].str[1:].astype(int))
              + 2 * np.sin(rows["shop"].str[1:].astype(int)) - 1)
    rows["label"] = (draw.random(n) < 1 / (1 + np.exp(-margin))).astype(int)
    return rows


NUMBERS, TEXTS = ["usage", "tenure", "ratio"], ["plan", "region", "zip", "shop"]
FEATURES = NUMBERS + TEXTS
ZERO = float(np.float32(1e-35))  # what LightGBM takes for zero
COLUMNS = ("[{name: row, type: integer}, {name: usage, type: double}, {name: tenure, type: double}, "
           "{name: ratio, type: double}, {name: plan, type: text}, {name: region, type: text}, "
           "{name: zip, type: text}, {name: shop, type: text}")


def on_thresholds(artefact, rows, seed):
    """Rows that lie on every threshold, and by the least step of float64 and float32 beside it."""
    draw = np.random.default_rng(seed)
    found = []
    for f, feature in enumerate(artefact["features"]):
        for bound in feature.get("bounds", []):
            if abs(bound) > 1e140:  # LightGBM's way to part what is missing; no feature is so large
                continue
            near = np.float32(bound)
            values = [bound, np.nextafter(bound, -np.inf), np.nextafter(bound, np.inf),
                      float(near), float(np.nextafter(near, np.float32(-np.inf))),
                      float(np.nextafter(near, np.float32(np.inf)))]
            found += [(feature["name"], value) for value in values]
        found += [(feature["name"], text) for text in feature.get("categories", [])]
        found += [(feature["name"], None)]
        if "bounds" in feature:
            found += [(feature["name"], value) for value in (0.0, ZERO, -ZERO, np.nextafter(ZERO, 1),
                                                              np.nextafter(-ZERO, -1))]
        if "categories" in feature:
            found += [(feature["name"], "never seen")]
    out = rows.sample(len(found), replace=True, random_state=seed).reset_index(drop=True)
    for i, (name, value) in enumerate(found):
        out.loc[i, name] = value
    for name in TEXTS:
        out.loc[draw.random(len(out)) < 0.02, name] = "never seen"
    out["row"] = np.arange(len(out))
    return out


def as_csv(rows, path):
    rows.to_csv(path, index=False, float_format="%.17g")


# --- Quern ------------------------------------------------------------------------------------------


SPEC = """
version: 1
name: exchange
seed: 3
warehouse: {folder}/w.db
sources:
  training: {{path: train.csv, columns: {columns}, {{name: label, type: integer}}]}}
jobs:
  fit:
    kind: train
    from: training
    label: label
    key: row
    split: {{method: hash, test: 0.2, validation: 0.1}}
    algorithm: {algorithm}
    params: {params}
    register: {{model: {model}}}
    {more}
"""

SCORE = """
version: 1
name: scoring
warehouse: {folder}/w.db
sources:
  rows: {{path: {path}, columns: {columns}]}}
jobs:
  scores: {{kind: score, from: rows, model: {model}, key: row, contributions: true, into: scores}}
"""


def train(folder, model, algorithm, params, more):
    with open(f"{folder}/train.yaml", "w") as out:
        out.write(SPEC.format(folder=folder, columns=COLUMNS, algorithm=algorithm, params=params,
                              model=model, more=more))
    quern("run", f"{folder}/train.yaml", "--quiet", "--full-refresh")
    return artefact_of(folder, model)


def artefact_of(folder, model):
    export(folder, model, "json", f"{folder}/{model}.json")
    with open(f"{folder}/{model}.json") as file:
        return json.load(file)


def export(folder, model, form, path):
    """Says whether it was warned that scores come without their calibration."""
    done = subprocess.run([QUERN, "models", "export", model, "--warehouse", f"{folder}/w.db", "--format",
                           form, "--out", path, "--quiet"], check=True, stderr=subprocess.PIPE, text=True)
    return "cannot say so" in done.stderr


def score(folder, model, rows, columns=COLUMNS):
    as_csv(rows, f"{folder}/rows.csv")
    with open(f"{folder}/score.yaml", "w") as out:
        out.write(SCORE.format(folder=folder, columns=columns, path="rows.csv", model=model))
    quern("run", f"{folder}/score.yaml", "--quiet", "--full-refresh")
    with sqlite3.connect(f"{folder}/w.db") as db:
        found = pd.read_sql("select * from scores order by row", db)
    assert len(found) == len(rows)
    parts = found[[f"contribution_{name}" for name in FEATURES + ["bias"]]].to_numpy()
    off = np.abs(parts.sum(axis=1) - found["margin"]).max()
    check(off <= 1e-9, f"{model}: contributions add up to the margin, off by {off:.2g}")
    return found["score"].to_numpy(), found["margin"].to_numpy(), parts


def walk(artefact, rows):
    """Leaves and margin by the rules of the model file, as they are written down."""
    leaves = np.zeros((len(rows), len(artefact["trees"])), dtype=int)
    margin = np.full(len(rows), artefact["base_score"])
    names = [feature["name"] for feature in artefact["features"]]
    values = [rows[name].to_numpy(dtype=object) for name in names]
    position = [{text: i for i, text in enumerate(f.get("categories", []))}
                for f in artefact["features"]]
    zeros = [ZERO if f.get("zero_as_missing") else -1 for f in artefact["features"]]
    for t, nodes in enumerate(artefact["trees"]):
        sets = [set(node.get("categories", [])) for node in nodes]
        for r in range(len(rows)):
            at = 0
            while "left" in nodes[at]:
                node, value = nodes[at], values[nodes[at]["feature"]][r]
                if "categories" in node:
                    left = position[node["feature"]].get(value) in sets[at]
                elif value is None or value != value or abs(value) <= zeros[node["feature"]]:
                    left = node["missing"] == "left"
                else:
                    left = node["threshold"] is None or value <= node["threshold"]
                at = node["left"] + (not left)
            leaves[r, t] = at
            margin[r] += nodes[at]["value"]
    return leaves, margin


def matrix(path, rows):
    """Rows as the columns file says that libraries take them."""
    with open(path) as file:
        columns = json.load(file)["columns"]
    out = np.zeros((len(rows), len(columns)))
    for i, column in enumerate(columns):
        values = rows[column["name"]]
        if column["kind"] == "categorical":
            codes = {text: code for code, text in enumerate(column["categories"])}
            values = [np.nan if text is None or text != text else codes.get(text, len(codes))
                      for text in values]
        out[:, i] = values
    return out, columns


# --- exports ----------------------------------------------------------------------------------------


def leaf_numbers(artefact):
    """LightGBM counts leaves alone."""
    return [np.cumsum(["left" not in node for node in nodes]) - 1 for nodes in artefact["trees"]]


def place_numbers(artefact):
    """XGBoost counts nodes, with the children of a split by categories swapped."""
    out = []
    for nodes in artefact["trees"]:
        places = np.arange(len(nodes))
        for node in nodes:
            if "left" in node and "categories" in node:
                places[node["left"]], places[node["left"] + 1] = node["left"] + 1, node["left"]
        out.append(places)
    return out


def differences(leaves, numbers, theirs):
    ours = np.column_stack([numbers[t][leaves[:, t]] for t in range(leaves.shape[1])])
    return int((ours != np.asarray(theirs).reshape(ours.shape)).sum())


def calibrated(how, score):
    if not how:
        return score
    if how["method"] == "isotonic":
        return np.interp(score, how["scores"], how["values"])
    return 1 / (1 + np.exp(-(how["slope"] * np.log(score / (1 - score)) + how["intercept"])))


def check_exports(folder, model, artefact, rows):
    leaves, margin = walk(artefact, rows)
    ours, found, parts = score(folder, model, rows)
    check((found == margin).all(), f"{model}: margins to the last bit")
    raw = 1 / (1 + np.exp(-margin))
    expected = calibrated(artefact["calibration"], raw)
    check(np.abs(ours - expected).max() < 1e-13, f"{model}: {len(rows)} rows scored as the model file says")
    path = f"{folder}/{model}.txt"
    warned = export(folder, model, "lightgbm", path)
    check(warned == bool(artefact["calibration"]), f"{model}: warned of its calibration: {warned}")
    with open(path + ".columns.json") as file:
        beside = json.load(file).get("calibration")
    check(beside == artefact["calibration"], f"{model}: the calibration stands in the columns file")
    cells, _ = matrix(path + ".columns.json", rows)
    theirs = lightgbm.Booster(model_file=path)
    wrong = differences(leaves, leaf_numbers(artefact), theirs.predict(cells, pred_leaf=True))
    off = np.abs(theirs.predict(cells, raw_score=True) - margin).max()
    check(wrong == 0 and off <= 1e-12,
          f"{model}: LightGBM {lightgbm.__version__}: {wrong} of {leaves.size} leaves differ, margin off by {off:.2g}")
    check(np.abs(theirs.predict(cells) - raw).max() < 1e-15 * 4, f"{model}: LightGBM's probabilities")
    off = np.abs(theirs.predict(cells, pred_contrib=True) - parts).max()
    check(off <= 1e-9, f"{model}: contributions are LightGBM's, off by {off:.2g}")
    if xgboost is None:
        print("SKIPPED: XGBoost is not installed, and was NOT asked", file=sys.stderr)
        return
    path = f"{folder}/{model}.ubj.json"
    export(folder, model, "xgboost", path)
    single = rows.copy()  # XGBoost has no doubles: rows that floats can say
    single[NUMBERS] = single[NUMBERS].astype(np.float32).astype(float)
    leaves, margin = walk(artefact, single)
    cells, columns = matrix(path + ".columns.json", single)
    theirs = xgboost.Booster(model_file=path)
    data = xgboost.DMatrix(cells, feature_names=[c["name"] for c in columns],
                           feature_types=["c" if c["kind"] == "categorical" else "float" for c in columns],
                           enable_categorical=True)
    wrong = differences(leaves, place_numbers(artefact), theirs.predict(data, pred_leaf=True))
    off = np.abs(theirs.predict(data, output_margin=True) - margin).max()
    check(wrong == 0 and off <= 1e-5,
          f"{model}: XGBoost {xgboost.__version__}: {wrong} of {leaves.size} leaves differ, margin off by {off:.2g}")


# --- imports ----------------------------------------------------------------------------------------


def check_import(folder, name, fitted, frame, rows, columns=None, types=COLUMNS):
    path = f"{folder}/{name}.lightgbm.txt"
    fitted.save_model(path)
    more = ["--columns", columns] if columns else []
    quern("models", "import", path, "--name", name, "--warehouse", f"{folder}/w.db", "--quiet", *more)
    ours, margin, parts = score(folder, name, rows, types)
    off = max(np.abs(ours - fitted.predict(frame)).max(),
              np.abs(margin - fitted.predict(frame, raw_score=True)).max())
    check(off <= 1e-12, f"{name}: what LightGBM trained scores alike on {len(rows)} rows, off by {off:.2g}")


def check_thresholds(folder, name, fitted, known, rows):
    """Rows on every threshold of a model that LightGBM trained, and the model back in LightGBM."""
    artefact = artefact_of(folder, name)
    rows = on_thresholds(artefact, rows, 11)
    ours, margin, parts = score(folder, name, rows)
    frame = as_pandas(rows, known)
    off = max(np.abs(ours - fitted.predict(frame)).max(),
              np.abs(margin - fitted.predict(frame, raw_score=True)).max())
    check(off <= 1e-12, f"{name}: alike on {len(rows)} rows at its thresholds, off by {off:.2g}")
    # For contributions LightGBM takes what is next to nothing for 0, which it does not for scores.
    told = ~((rows[NUMBERS] != 0) & (rows[NUMBERS].abs() <= ZERO)).any(axis=1)
    off = np.abs(fitted.predict(frame, pred_contrib=True) - parts)[told].max()
    check(off <= 1e-9, f"{name}: contributions are LightGBM's, off by {off:.2g}")
    path = f"{folder}/{name}.back.txt"
    export(folder, name, "lightgbm", path)
    cells, _ = matrix(path + ".columns.json", rows)
    back = lightgbm.Booster(model_file=path).predict(cells, raw_score=True)
    check(np.abs(back - margin).max() <= 1e-12, f"{name}: written again, LightGBM scores alike")


def check_refusals(folder, rows, params, known):
    """What is not read is refused by name."""
    frame, label = as_pandas(rows, known)[NUMBERS], rows["label"]
    refused = {"linear trees": {"linear_tree": True}, "num_class": {"objective": "multiclass", "num_class": 2},
               "random forests": {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.5},
               "'regression'": {"objective": "regression"}, "sigmoid:2": {"sigmoid": 2}}
    for words, more in refused.items():
        path = f"{folder}/refused.txt"
        lightgbm.train({**params, **more}, lightgbm.Dataset(frame, label), 5).save_model(path)
        done = subprocess.run([QUERN, "models", "import", path, "--name", "x", "--warehouse", f"{folder}/w.db"],
                              stderr=subprocess.PIPE, text=True)
        check(done.returncode and words in done.stderr, f"refused: {done.stderr.strip()}")


def as_pandas(rows, known):
    frame = rows[FEATURES].copy()
    for name in TEXTS:
        texts = frame[name].where(frame[name].isin(known[name]), None)
        frame[name] = pd.Categorical(texts, categories=known[name])
    return frame


def check_imports(folder, rows, columns):
    known = {name: sorted(rows[name].dropna().unique()) for name in TEXTS}
    params = {"objective": "binary", "verbose": -1, "num_leaves": 31, "min_data_in_leaf": 5,
              "min_data_per_group": 10, "cat_smooth": 1, "num_threads": 2, "seed": 1}
    some = rows.sample(2000, random_state=1).reset_index(drop=True)
    some.loc[::17, "plan"] = "never seen"
    some["row"] = np.arange(len(some))
    some = some.drop(columns="label")
    kinds = {"mixed": {}, "unmissing": {"use_missing": False}, "extra": {"extra_trees": True},
             "dart": {"boosting": "dart"}, "goss": {"data_sample_strategy": "goss"},
             "weighted": {"is_unbalance": True, "boost_from_average": False},
             "entropy": {"objective": "cross_entropy"},
             "zeros": {"zero_as_missing": True}, "coarse": {"max_bin": 15, "num_threads": 1},
             "rising": {"monotone_constraints": [1, -1, 0, 0, 0, 0, 0]},
             "shallow": {"max_depth": 3, "path_smooth": 2, "num_threads": 8},
             "sampled": {"bagging_fraction": 0.5, "bagging_freq": 1, "feature_fraction": 0.6},
             "held": {"lambda_l1": 1, "lambda_l2": 5, "max_delta_step": 0.3, "scale_pos_weight": 4},
             "large": {"num_leaves": 255, "min_data_in_leaf": 1, "min_data_in_bin": 1},
             "single": {"max_cat_to_onehot": 300}, "many": {"max_cat_threshold": 200, "cat_l2": 0.1},
             "stopped": {"early_stopping_round": 3, "learning_rate": 0.5}}
    for name, more in kinds.items():
        data = lightgbm.Dataset(as_pandas(rows, known), rows["label"])
        checked = [data.create_valid(as_pandas(rows[:1000], known), rows["label"][:1000])]
        fitted = lightgbm.train({**params, **more}, data, 40,
                                valid_sets=checked if name == "stopped" else None)
        check_import(folder, name, fitted, as_pandas(some, known), some)
        check_thresholds(folder, name, fitted, known, some)
    check_refusals(folder, rows, params, known)
    cells, described = matrix(columns, rows)
    for f, column in enumerate(described):  # a set with the code of unknown texts is no set of texts
        if column["kind"] == "categorical":
            cells[cells[:, f] >= len(column["categories"]), f] = np.nan
    data = lightgbm.Dataset(cells, rows["label"], feature_name=FEATURES, categorical_feature=TEXTS)
    fitted = lightgbm.train(params, data, 40)
    check_import(folder, "coded", fitted, matrix(columns, some)[0], some, columns)
    digits = some.copy()
    for name, codes in zip(TEXTS, matrix(columns, some)[0].T[3:]):
        digits[name] = [None if code != code else str(int(code)) for code in codes]
    check_import(folder, "digits", fitted, matrix(columns, some)[0], digits)


def main():
    folder = sys.argv[1]
    rows = made_up(6000, 5)
    as_csv(rows, f"{folder}/train.csv")
    boosted = {
        "small": "{num_rounds: 5, num_leaves: 4}",
        "churn": "{num_rounds: 60, num_leaves: 31, min_data_in_leaf: 5, min_data_per_group: 10, cat_smooth: 1}",
        "onehot": "{num_rounds: 20, max_cat_to_onehot: 60, min_data_in_leaf: 5, cat_smooth: 1, cat_l2: 0}",
    }
    boosted |= {
        "rising_own": "{num_rounds: 20, monotone: {usage: 1, tenure: -1}}",
        "balanced": "{num_rounds: 20, is_unbalance: true, max_depth: 4}",
        "heavy": "{num_rounds: 20, scale_pos_weight: 3.5, bagging_fraction: 0.7, feature_fraction: 0.7}",
        "many_own": "{num_rounds: 20, max_cat_threshold: 200, min_data_per_group: 5, cat_smooth: 1, cat_l2: 0.1}",
        "stopped_own": "{num_rounds: 200, early_stopping_rounds: 5, learning_rate: 0.3}",
        "platt": "{num_rounds: 20}", "isotonic": "{num_rounds: 20}",
    }
    for model, params in boosted.items():
        more = f"calibrate: {model}" if model in ("platt", "isotonic") else ""
        artefact = train(folder, model, "gradient_boosting", params, more)
        if model == "stopped_own":
            check(len(artefact["trees"]) < 195, f"{model}: stopped after {len(artefact['trees'])} trees")
        if model == "many_own":
            most = max(len(node.get("categories", [])) for nodes in artefact["trees"] for node in nodes)
            check(most > 128, f"{model}: sets of up to {most} categories")
        check_exports(folder, model, artefact, on_thresholds(artefact, rows.drop(columns="label"), 9))
    check_imports(folder, rows, f"{folder}/churn.txt.columns.json")
    sys.exit(1 if failures else 0)


main()
