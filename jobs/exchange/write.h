/* write: what the writers of single formats take. Each appends to `out`, whose failure the caller
 * looks at. */
#ifndef QN_JOBS_EXCHANGE_WRITE_H
#define QN_JOBS_EXCHANGE_WRITE_H

#include <jansson.h>

#include "jobs/learn/boost_model.h"

void qn_exchange_lightgbm(struct qn_buf *out, const struct qn_boost_trees *from);
QN_CHECK qn_code qn_exchange_xgboost(struct qn_buf *out, const struct qn_boost_trees *from,
                                     struct qn_err *err);
void qn_exchange_c_trees(struct qn_buf *out, const char *name, const struct qn_boost_trees *from,
                         const struct qn_calibration *calibration);
/* Of a model file that was read once without a complaint. */
void qn_exchange_c_logistic(struct qn_buf *out, const char *name, const json_t *root,
                            const struct qn_calibration *calibration);

/* A numeric split as `x <= threshold`; the largest double where all numbers go left. */
double qn_exchange_threshold(const struct qn_bins *bins, const struct qn_tree_split *split);

/* --- C ------------------------------------------------------------------------------------- */

/* A feature of the C file. */
struct qn_c_feature {
    struct qn_strv name;
    const struct qn_strv *categories; /* NULL: numeric */
    uint32_t n_categories;
    bool refuse_unknown;
};
/* The comment above, the tables of names and categories, and NAME_category(). */
void qn_c_head(struct qn_buf *out, const char *name, const char *algorithm, bool calibrated,
               const struct qn_c_feature *features, uint32_t n);
/* NAME_score(), by a NAME_margin() that was written, and its calibration. */
void qn_c_score(struct qn_buf *out, const char *name, const struct qn_calibration *calibration);

#endif
