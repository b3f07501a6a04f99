/* artefact: the model file. JSON with sorted keys and numbers of 17 digits, so the same fit gives
 * the same bytes; it holds nothing but what follows from inputs, spec and seed.
 *
 *     {"format": "quern-model", "format_version": 1, "algorithm": "logistic_regression",
 *      "label": {"column", "positive", "negative"}, "key": "customerID",
 *      "split": {...}, "calibration": {...},       see split_json.h, calibrate.h
 *      "baseline": [...],                          see baseline.h
 *      "training": {"rows", "positives", ...}, "params": {...}, "features": [...], ...}
 *
 * logistic_regression:
 *      "features": [{"name", "type", "kind": "numeric", "impute", "fill", "mean", "scale",
 *                    "constant", "rows", "missing"},
 *                   {"name", "type", "kind": "categorical", "impute", "fill", "categories",
 *                    "drop": "none|first", "handle_unknown": "ignore|error", "rows", "missing"}],
 *      "terms": [{"name", "feature", "category", "coefficient", "std_error", "z", "p_value",
 *                 "odds_ratio", "original": {"coefficient", "std_error", "odds_ratio"}}],
 *      "params": {"class_weight", "l1", "l2", "max_iter", "scale_pos_weight", "tol"},
 *      "training": {..., "rounds", "objective", "log_loss"}
 *
 * terms[0] is the intercept; "coefficient" is on the scale of the prepared columns, "original" on
 * that of the columns as they come. Numbers that do not exist (the standard error of a constant
 * column, or of any with l1) are null.
 *
 * gradient_boosting: see boost_model.h.
 *
 * A reader refuses other format versions. */
#ifndef QN_JOBS_LEARN_ARTEFACT_H
#define QN_JOBS_LEARN_ARTEFACT_H

#include "jobs/learn/algorithm.h"
#include "jobs/learn/baseline.h"
#include "jobs/learn/calibrate.h"
#include "jobs/learn/split.h"

struct qn_artefact_facts {
    const char *label, *positive, *negative; /* the latter two NULL unless the label is text */
    struct qn_model_rows from;
    const struct qn_calibration *calibration;
    const struct qn_baseline *baseline;
    uint64_t rows, positives; /* training */
};

/* Appends the model file to `out`, and its parameters alone, as one line of JSON, to `params`. */
QN_CHECK qn_code qn_artefact_write(const struct qn_artefact_facts *facts,
                                   const struct qn_algorithm *algorithm, const void *plan,
                                   struct qn_strv prepared, struct qn_strv state,
                                   struct qn_buf *out, struct qn_buf *params, struct qn_err *err);

#endif
