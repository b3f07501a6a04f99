/* model: what scores rows, whatever algorithm fitted it. Made from the states of a training run or
 * from a model file; both give the same bits. */
#ifndef QN_JOBS_LEARN_MODEL_H
#define QN_JOBS_LEARN_MODEL_H

#include "base/arena.h"
#include "base/err.h"
#include "base/strv.h"
#include "jobs/learn/calibrate.h"
#include "jobs/learn/categories.h"
#include "jobs/learn/split.h"

struct qn_baseline; /* baseline.h */

struct qn_model_feature {
    const char *name;
    struct qn_type type;
    bool categorical;
};

/* Which rows it was fitted on. */
struct qn_model_rows {
    const char *key;
    struct qn_type key_type;
    const char *by; /* the column that the split goes by; NULL: the key */
    struct qn_type by_type;
    uint64_t seed;
    const struct qn_split *split; /* NULL: a file of an older version, which does not say */
};

struct qn_model {
    const struct qn_model_ops *ops;
    const struct qn_model_feature *features;
    struct qn_categories **categories; /* by feature; NULL: a number */
    uint32_t n_features;
    /* Of a model file: */
    struct qn_arena arena;
    struct qn_model_rows rows;
    struct qn_calibration calibration; /* not in what score() gives */
    struct qn_baseline *baseline;      /* of its training rows; NULL: the file has none */
};
struct qn_model_ops {
    /* Probabilities of rows rows[0..n) of columns (by feature). One thread at a time. */
    QN_CHECK qn_code (*score)(struct qn_model *model, const struct qn_column *const *columns,
                              const uint32_t *rows, uint32_t n, double *out, struct qn_err *err);
    /* What each feature adds to the margin, the log-odds, of those rows: parts[row][feature], and
     * behind them the bias, which all rows start from. They add up to margins[row] but for
     * rounding; nothing is calibrated. */
    QN_CHECK qn_code (*explain)(struct qn_model *model, const struct qn_column *const *columns,
                                const uint32_t *rows, uint32_t n, double *parts, double *margins,
                                struct qn_err *err);
    /* By feature the summed gain of its splits; NULL: such models have none. */
    void (*gains)(const struct qn_model *model, double *out);
    void (*free)(struct qn_model *model);
};

/* The model of a model file (artefact.h). Checks everything it uses; QN_EINPUT (blame job) on what
 * no write wrote, QN_ENOTSUP on other versions and algorithms. */
QN_CHECK qn_code qn_model_read(struct qn_strv bytes, struct qn_model **out, struct qn_err *err);
void qn_model_free(struct qn_model *model);

#endif
