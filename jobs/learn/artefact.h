/* artefact: the model file. JSON with sorted keys and numbers of 17 digits, so the same fit gives
 * the same bytes; it holds nothing but what follows from inputs, spec and seed.
 *
 *     {"format": "quern-model", "format_version": 1, "algorithm": "logistic_regression",
 *      "label": {"column", "positive", "negative"}, "key": "customerID",
 *      "features": [{"name", "type", "kind": "numeric", "impute", "fill", "mean", "scale",
 *                    "constant", "rows", "missing"},
 *                   {"name", "type", "kind": "categorical", "impute", "fill", "categories",
 *                    "drop": "none|first", "handle_unknown": "ignore|error", "rows", "missing"}],
 *      "terms": [{"name", "feature", "category", "coefficient", "std_error", "z", "p_value",
 *                 "odds_ratio", "original": {"coefficient", "std_error", "odds_ratio"}}],
 *      "params": {"class_weight", "l1", "l2", "max_iter", "scale_pos_weight", "tol"},
 *      "split": {"method", "seed", "test", "validation", "stratify"},
 *      "training": {"rows", "positives", "rounds", "objective", "log_loss"}}
 *
 * terms[0] is the intercept; "coefficient" is on the scale of the prepared columns, "original" on
 * that of the columns as they come. Numbers that do not exist (the standard error of a constant
 * column, or of any with l1) are null. A reader refuses other format versions. */
#ifndef QN_JOBS_LEARN_ARTEFACT_H
#define QN_JOBS_LEARN_ARTEFACT_H

#include "base/buf.h"
#include "jobs/learn/logistic.h"
#include "jobs/learn/prepare.h"

struct qn_artefact_facts {
    const char *label, *positive, *negative; /* the latter two NULL unless the label is text */
    const char *key;
    struct qn_logistic_params params;
    double test, validation;
    bool stratified;
    uint64_t seed;
    uint64_t rows, positives; /* training */
};

/* Appends the model file. The fit has converged. */
QN_CHECK qn_code qn_artefact_write(const struct qn_artefact_facts *facts,
                                   const struct qn_prepared *prepared,
                                   const struct qn_logistic_state *fit, struct qn_buf *out,
                                   struct qn_err *err);

/* What scoring needs of it. */
struct qn_model {
    struct qn_prepared prepared; /* its arena owns everything */
    double *weights;             /* [prepared.n_columns] */
};
/* Checks everything it uses; QN_EINPUT (blame job) on what no write wrote. Finish it also on
 * failure. */
QN_CHECK qn_code qn_model_read(struct qn_strv bytes, struct qn_model *model, struct qn_err *err);
void qn_model_fini(struct qn_model *model);

#endif
