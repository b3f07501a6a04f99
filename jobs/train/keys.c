/* What a train job may hold. */
#include "spec/keys.h"
#include "jobs/into.h"
#include "jobs/train/train.h"

static const char *const kinds[] = {"train", NULL};
static const char *const algorithms[] = {"logistic_regression", "gradient_boosting", NULL};
static const char *const calibrations[] = {"platt", "isotonic", NULL};
static const char *const guards[] = {"warn", "refuse", "off", NULL};
static const char *const methods[] = {"hash", "time", "column", NULL};
static const char *const numeric_fills[] = {"mean", "median", "most_frequent", "constant", NULL};
static const char *const category_fills[] = {"most_frequent", "constant", NULL};
static const char *const scales[] = {"standard", "none", NULL};
static const char *const encodings[] = {"one_hot", NULL};
static const char *const unknowns[] = {"ignore", "error", NULL};
static const char *const drops[] = {"none", "first", NULL};

static const struct qn_key feature_keys[] = {
    {.name = "include",
     .shape = QN_SHAPE_LIST,
     .item = QN_SHAPE_TEXT,
     .or_single = true,
     .doc = "columns that are features; default: all but key and label"},
    {.name = "exclude",
     .shape = QN_SHAPE_LIST,
     .item = QN_SHAPE_TEXT,
     .or_single = true,
     .doc = "columns that are none"},
};
static const struct qn_spec_keys feature_object = QN_KEYS("features", feature_keys);

static const struct qn_key numeric_keys[] = {
    {.name = "impute",
     .shape = QN_SHAPE_ENUM,
     .values = numeric_fills,
     .doc = "what fills missing numbers: mean (default), median, most_frequent or constant"},
    {.name = "fill_value", .shape = QN_SHAPE_NUMBER, .doc = "of impute: constant"},
    {.name = "scale",
     .shape = QN_SHAPE_ENUM,
     .values = scales,
     .doc = "standard (default): mean 0 and deviation 1; none"},
};
static const struct qn_spec_keys numeric_object = QN_KEYS("prepare.numeric", numeric_keys);

static const struct qn_key categorical_keys[] = {
    {.name = "impute",
     .shape = QN_SHAPE_ENUM,
     .values = category_fills,
     .doc = "what fills missing texts: most_frequent (default) or constant"},
    {.name = "fill_value", .shape = QN_SHAPE_TEXT, .doc = "of impute: constant"},
    {.name = "encode", .shape = QN_SHAPE_ENUM, .values = encodings, .doc = "one_hot (default)"},
    {.name = "handle_unknown",
     .shape = QN_SHAPE_ENUM,
     .values = unknowns,
     .doc = "a category that training never saw: ignore (default; all its columns 0) or error"},
    {.name = "drop",
     .shape = QN_SHAPE_ENUM,
     .values = drops,
     .doc = "first leaves the first category out; default: none, first when params.l2 is 0"},
};
static const struct qn_spec_keys categorical_object =
    QN_KEYS("prepare.categorical", categorical_keys);

static const struct qn_key prepare_keys[] = {
    {.name = "numeric",
     .shape = QN_SHAPE_OBJECT,
     .object = &numeric_object,
     .doc = "numbers and booleans"},
    {.name = "categorical",
     .shape = QN_SHAPE_OBJECT,
     .object = &categorical_object,
     .doc = "texts"},
};
static const struct qn_spec_keys prepare_object = QN_KEYS("prepare", prepare_keys);

static const struct qn_key split_keys[] = {
    {.name = "method",
     .shape = QN_SHAPE_ENUM,
     .values = methods,
     .doc = "hash (default): by the key's hash; time: the latest rows are held out; column: by its "
            "values"},
    {.name = "column", .shape = QN_SHAPE_TEXT, .doc = "time, column: what the split goes by"},
    {.name = "by",
     .shape = QN_SHAPE_TEXT,
     .doc = "hash: rows of one value of this column stay on one side; default: the key"},
    {.name = "test",
     .shape = QN_SHAPE_NUMBER,
     .or_list = true,
     .min = 0,
     .max = 0.95,
     .doc = "share of rows held out; default 0.2. column: values of those rows"},
    {.name = "validation",
     .shape = QN_SHAPE_NUMBER,
     .or_list = true,
     .min = 0,
     .max = 0.95,
     .doc = "share of rows for choices; default 0. column: their values"},
    {.name = "calibration",
     .shape = QN_SHAPE_NUMBER,
     .or_list = true,
     .min = 0,
     .max = 0.95,
     .doc = "share of rows for calibrate; default 0.1 with it, 0 without. column: their values"},
    {.name = "train",
     .shape = QN_SHAPE_LIST,
     .item = QN_SHAPE_SCALAR,
     .doc = "column: values of rows to train on; default: all that no other side lists"},
    {.name = "test_from",
     .shape = QN_SHAPE_TEXT,
     .doc = "time: rows of this time or later are held out"},
    {.name = "validation_from",
     .shape = QN_SHAPE_TEXT,
     .doc = "time: rows of this time or later, up to the next side, are for choices"},
    {.name = "calibration_from",
     .shape = QN_SHAPE_TEXT,
     .doc = "time: rows of this time or later, up to test, are for calibrate"},
    {.name = "stratify", .shape = QN_SHAPE_BOOL, .doc = "the same share of both classes"},
};
static const struct qn_spec_keys split_object = QN_KEYS("split", split_keys);

static const struct qn_key when_keys[] = {
    {.name = "metric",
     .shape = QN_SHAPE_TEXT,
     .required = true,
     .doc = "of the held-out rows: roc_auc, log_loss, ..."},
    {.name = "min", .shape = QN_SHAPE_NUMBER, .doc = "at least"},
    {.name = "max", .shape = QN_SHAPE_NUMBER, .doc = "at most"},
    {.name = "vs",
     .shape = QN_SHAPE_IDENTIFIER,
     .doc = "better than the version of this alias, on rows that neither was trained on"},
    {.name = "confidence",
     .shape = QN_SHAPE_NUMBER,
     .min = 0.5,
     .max = 0.9999,
     .doc = "of vs, one-sided: default 0.95"},
    {.name = "margin",
     .shape = QN_SHAPE_NUMBER,
     .min = 0,
     .max = 1e9,
     .doc = "of vs: worse by less than this is good enough"},
};
static const struct qn_spec_keys when_object = QN_KEYS("promote.when", when_keys);

static const struct qn_key promote_keys[] = {
    {.name = "alias", .shape = QN_SHAPE_IDENTIFIER, .required = true, .doc = "such as champion"},
    {.name = "when",
     .shape = QN_SHAPE_LIST,
     .item = QN_SHAPE_OBJECT,
     .object = &when_object,
     .or_single = true,
     .doc = "conditions; all must hold"},
};
static const struct qn_spec_keys promote_object = QN_KEYS("promote", promote_keys);

static const struct qn_key register_keys[] = {
    {.name = "model", .shape = QN_SHAPE_IDENTIFIER, .required = true, .doc = "name of the model"},
    {.name = "promote",
     .shape = QN_SHAPE_OBJECT,
     .object = &promote_object,
     .doc = "when the new version gets an alias"},
};
static const struct qn_spec_keys register_object = QN_KEYS("register", register_keys);

static const struct qn_key cost_keys[] = {
    {.name = "false_positive",
     .shape = QN_SHAPE_NUMBER,
     .min = 0,
     .max = 1e12,
     .required = true,
     .doc = "of a row that is called positive and is not"},
    {.name = "false_negative",
     .shape = QN_SHAPE_NUMBER,
     .min = 0,
     .max = 1e12,
     .required = true,
     .doc = "of a row that is positive and was not called so"},
};
static const struct qn_spec_keys cost_object = QN_KEYS("evaluate.threshold.cost", cost_keys);

static const struct qn_key threshold_keys[] = {
    {.name = "cost",
     .shape = QN_SHAPE_OBJECT,
     .object = &cost_object,
     .doc = "the threshold of the least cost"},
    {.name = "budget",
     .shape = QN_SHAPE_NUMBER,
     .min = 1e-9,
     .max = 1e15,
     .doc = "rows that may be called positive: below 1 a share, else how many of all rows"},
};
static const struct qn_spec_keys threshold_object = QN_KEYS("evaluate.threshold", threshold_keys);

static const struct qn_key importance_keys[] = {
    {.name = "metric",
     .shape = QN_SHAPE_TEXT,
     .doc = "of permutations: roc_auc (default), average_precision, log_loss or brier"},
    {.name = "repeats",
     .shape = QN_SHAPE_INT,
     .min = 0,
     .max = 100,
     .doc = "permutations of each feature; default 5, 0: none"},
    {.name = "rows",
     .shape = QN_SHAPE_INT,
     .min = 10,
     .max = 10000000,
     .doc = "held-out rows for them, at most about so many; default 10,000"},
    {.name = "shap_rows",
     .shape = QN_SHAPE_INT,
     .min = 0,
     .max = 1000000,
     .doc = "held-out rows whose contributions are summed up; default 1,000, 0: none"},
};
static const struct qn_spec_keys importance_object =
    QN_KEYS("evaluate.importance", importance_keys);

static const struct qn_key evaluate_keys[] = {
    {.name = "slices",
     .shape = QN_SHAPE_LIST,
     .item = QN_SHAPE_TEXT,
     .or_single = true,
     .doc = "columns whose values are measured apart"},
    {.name = "threshold",
     .shape = QN_SHAPE_OBJECT,
     .object = &threshold_object,
     .doc = "from which score on a row is worth the effort"},
    {.name = "importance",
     .shape = QN_SHAPE_OBJECT,
     .object = &importance_object,
     .doc = "what features are worth to the model, on held-out rows"},
};
static const struct qn_spec_keys evaluate_object = QN_KEYS("evaluate", evaluate_keys);

static const char *const drift_metrics[] = {"psi", "js", NULL};

static const struct qn_key on_drift_keys[] = {
    {.name = "metric",
     .shape = QN_SHAPE_ENUM,
     .values = drift_metrics,
     .doc = "psi (default): population stability index; js: Jensen-Shannon divergence in bits"},
    {.name = "any_feature_above",
     .shape = QN_SHAPE_NUMBER,
     .min = 0,
     .max = 1e9,
     .required = true,
     .doc = "train when the metric of some feature is above this, such as 0.25"},
};
static const struct qn_spec_keys on_drift_object = QN_KEYS("retrain.on_drift", on_drift_keys);

static const struct qn_key retrain_keys[] = {
    {.name = "on_drift",
     .shape = QN_SHAPE_OBJECT,
     .object = &on_drift_object,
     .required = true,
     .doc = "how far rows must have moved from the champion's training rows"},
    {.name = "min_new_rows",
     .shape = QN_SHAPE_INT,
     .min = 0,
     .max = 1e15,
     .doc = "labelled rows that must have come since; default 1"},
};
static const struct qn_spec_keys retrain_object = QN_KEYS("retrain", retrain_keys);

static const struct qn_key train_keys[] = {
    {.name = "kind", .shape = QN_SHAPE_ENUM, .values = kinds, .required = true, .doc = "train"},
    {.name = "from", .shape = QN_SHAPE_TEXT, .required = true, .doc = "a source or a job"},
    {.name = "label",
     .shape = QN_SHAPE_TEXT,
     .required = true,
     .doc = "column to predict: boolean, 0/1, or text of two values"},
    {.name = "positive",
     .shape = QN_SHAPE_TEXT,
     .doc = "the value of a text label that counts as 1"},
    {.name = "key",
     .shape = QN_SHAPE_TEXT,
     .required = true,
     .doc = "column that names the row; rows of one key stay on one side of the split"},
    {.name = "features",
     .shape = QN_SHAPE_OBJECT,
     .object = &feature_object,
     .doc = "which columns describe the row"},
    {.name = "prepare",
     .shape = QN_SHAPE_OBJECT,
     .object = &prepare_object,
     .doc = "how features become numbers, for logistic_regression; fitted on the training rows"},
    {.name = "split",
     .shape = QN_SHAPE_OBJECT,
     .object = &split_object,
     .doc = "which rows are held out"},
    {.name = "calibrate",
     .shape = QN_SHAPE_ENUM,
     .values = calibrations,
     .doc = "platt or isotonic: scores as probabilities, fitted on split.calibration rows"},
    {.name = "algorithm",
     .shape = QN_SHAPE_ENUM,
     .values = algorithms,
     .required = true,
     .doc = "logistic_regression or gradient_boosting"},
    {.name = "params",
     .shape = QN_SHAPE_OBJECT,
     .object = &qn_train_params_keys,
     .doc = "of the algorithm"},
    {.name = "search",
     .shape = QN_SHAPE_OBJECT,
     .object = &qn_search_keys,
     .doc = "parameters that are chosen by cross-validation on the training rows"},
    {.name = "label_time",
     .shape = QN_SHAPE_TEXT,
     .doc = "column with the time for which the label is told; no feature, and dates after it are "
            "told of"},
    {.name = "guards",
     .shape = QN_SHAPE_ENUM,
     .values = guards,
     .doc = "what makes a model look better than it is: warn (default), refuse or off"},
    {.name = "evaluate",
     .shape = QN_SHAPE_OBJECT,
     .object = &evaluate_object,
     .doc = "what is measured besides the usual metrics"},
    {.name = "register",
     .shape = QN_SHAPE_OBJECT,
     .object = &register_object,
     .doc = "where the model goes"},
    {.name = "retrain",
     .shape = QN_SHAPE_OBJECT,
     .object = &retrain_object,
     .doc = "train only when rows have drifted; else the champion stays"},
    {.name = "into",
     .shape = QN_SHAPE_OBJECT,
     .object = &qn_into_keys,
     .or_text = true,
     .doc = "the table that gets key, split, label and score of every row"},
};
const struct qn_spec_keys qn_train_keys = QN_KEYS("train job", train_keys);
