/* lightgbm: a text model of LightGBM as it stands in the file, checked line by line, and what
 * becomes of it. */
#ifndef QN_JOBS_EXCHANGE_LIGHTGBM_H
#define QN_JOBS_EXCHANGE_LIGHTGBM_H

#include <jansson.h>

#include "jobs/learn/boost_model.h"

/* Bits of decision_type. */
enum {
    QN_LIGHTGBM_CATEGORICAL = 1,
    QN_LIGHTGBM_DEFAULT_LEFT = 2,
    QN_LIGHTGBM_MISSING_SHIFT = 2 /* and what is missing: */
};
enum { QN_LIGHTGBM_NOTHING, QN_LIGHTGBM_ZERO, QN_LIGHTGBM_NAN };

/* A tree has one split less than leaves. Every child was checked: a tree hangs together. */
struct qn_lightgbm_tree {
    uint32_t line; /* of the file, where it begins */
    uint32_t n_leaves, n_sets, n_words;
    double *feature, *gain, *threshold, *decision, *left, *right; /* [n_leaves - 1] */
    double *split_weight, *split_count;
    double *value, *weight, *count; /* [n_leaves] */
    double *first_word;             /* [n_sets + 1] */
    double *words;                  /* [n_words]: of 32 bits */
};

struct qn_lightgbm_file {
    struct qn_arena arena;
    const char *path;
    uint32_t line; /* that is read now */
    uint32_t n_features;
    struct qn_strv *names; /* [n_features] */
    struct qn_strv *infos; /* [n_features]: "[low:high]", "0:2:1" or "none" */
    struct qn_strv pandas; /* JSON: categories by categorical column; empty: not said */
    struct qn_lightgbm_tree *trees;
    uint32_t n_trees;
};

/* Texts are borrowed. Finish it also on failure. */
QN_CHECK qn_code qn_lightgbm_parse(const char *path, struct qn_strv text,
                                   struct qn_lightgbm_file *file, struct qn_err *err);
void qn_lightgbm_fini(struct qn_lightgbm_file *file);

/* Features and trees as our own; memory is that of bins. `columns`: a columns file, or NULL. */
QN_CHECK qn_code qn_lightgbm_convert(struct qn_lightgbm_file *file, const json_t *columns,
                                     struct qn_bins *bins, struct qn_tree **trees,
                                     struct qn_err *err);

/* QN_ENOTSUP at that line of the file (0: at none), and QN_EINPUT. */
qn_code qn_lightgbm_refuse(const struct qn_lightgbm_file *file, uint32_t line, struct qn_err *err,
                           const char *format, ...) __attribute__((format(printf, 4, 5)));
qn_code qn_lightgbm_wrong(const struct qn_lightgbm_file *file, uint32_t line, struct qn_err *err,
                          const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
