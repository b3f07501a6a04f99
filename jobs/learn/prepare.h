/* prepare: how columns become the design matrix, fitted on the training rows and nothing else.
 *
 *   numeric      missing -> fill (mean, median, most frequent value, or a constant);
 *                then (x - mean) / scale, mean and population standard deviation of the filled
 *                column (scale: standard), or as it is (scale: none). Booleans are 0 and 1.
 *   categorical  missing -> fill (most frequent category, or a constant); then one column of 0/1
 *                a category, categories sorted bytewise, without the first when drop is `first`.
 *
 * Columns of the matrix: the intercept, the numeric features in order, then the categories of each
 * categorical feature in order. scikit-learn's SimpleImputer, StandardScaler and OneHotEncoder
 * give the same values (docs/training.md). A numeric column without spread has scale 1 and
 * takes no part in the fit. */
#ifndef QN_JOBS_LEARN_PREPARE_H
#define QN_JOBS_LEARN_PREPARE_H

#include "base/arena.h"
#include "base/buf.h"
#include "flow/schema.h"

enum qn_fill_rule {
    QN_FILL_MEAN,
    QN_FILL_MEDIAN,
    QN_FILL_MOST_FREQUENT,
    QN_FILL_CONSTANT,
    QN_N_FILL_RULES
};
const char *qn_fill_rule_name(enum qn_fill_rule impute); /* "mean", ... */

/* What the spec asks for. */
struct qn_prepare_feature {
    const char *name;
    struct qn_type type;
    bool categorical; /* TEXT; everything else is numeric */
};
struct qn_prepare_plan {
    const struct qn_prepare_feature *features;
    uint32_t n_features;
    enum qn_fill_rule numeric_impute, categorical_impute;
    double numeric_fill;          /* CONSTANT */
    const char *categorical_fill; /* CONSTANT */
    bool standardise, drop_first, refuse_unknown;
    bool only_samples; /* no means and spreads: bins do without */
};

/* What came out. */
struct qn_prepared_feature {
    const char *name;
    struct qn_type type;
    bool categorical;
    enum qn_fill_rule impute;
    uint64_t rows, missing; /* training rows, and those of them that had no value */
    uint32_t column;        /* first of its columns */
    uint32_t n_columns;
    /* numeric */
    double fill, mean, scale;
    bool constant; /* no spread: left out of the fit */
    /* categorical */
    struct qn_strv fill_text;   /* missing and nothing to fill with: data NULL, all columns 0 */
    struct qn_strv *categories; /* sorted bytewise, NUL-terminated */
    uint32_t n_categories;
    bool drop_first, refuse_unknown;
};
struct qn_prepared {
    struct qn_arena arena;
    struct qn_prepared_feature *features;
    uint32_t n_features;
    uint32_t n_dense;       /* intercept and numeric columns */
    uint32_t n_categorical; /* features, not columns */
    uint32_t n_columns;
};

void qn_prepared_init(struct qn_prepared *prepared);
void qn_prepared_fini(struct qn_prepared *prepared);

/* Lays out columns once features, categories and drop_first are set: fills column, n_columns and
 * the counts. QN_ELIMIT past QN_MAX_FEATURES, naming the widest feature. */
QN_CHECK qn_code qn_prepared_lay_out(struct qn_prepared *prepared, struct qn_err *err);

/* Feature and category (UINT32_MAX: numeric) of a column other than the intercept. */
const struct qn_prepared_feature *qn_prepared_column(const struct qn_prepared *prepared,
                                                     uint32_t column, uint32_t *category);
/* "(intercept)", "tenure", "Contract=One year": appended to out. */
void qn_prepared_column_name(const struct qn_prepared *prepared, uint32_t column,
                             struct qn_buf *out);

void qn_prepared_pack(struct qn_buf *out, const struct qn_prepared *prepared);
/* Into an initialised `prepared` (finish it also on failure); QN_EWIRE on bytes no pack wrote. */
QN_CHECK qn_code qn_prepared_unpack(struct qn_strv bytes, struct qn_prepared *prepared,
                                    struct qn_err *err);
/* What every reader of a prepared must hold to: finite numbers, positive scales, sorted categories,
 * known types. False when it does not. */
bool qn_prepared_is_sound(const struct qn_prepared *prepared);

#endif
