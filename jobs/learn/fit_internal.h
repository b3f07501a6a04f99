/* fit_internal: what a fit has gathered, for the files that make something of it: fit.c the
 * preparation of a linear model, bins_fit.c the bins of trees. */
#ifndef QN_JOBS_LEARN_FIT_INTERNAL_H
#define QN_JOBS_LEARN_FIT_INTERNAL_H

#include "base/exact_sum.h"
#include "jobs/learn/dict.h"
#include "jobs/learn/fit.h"
#include "jobs/learn/sample.h"

struct qn_feature_fit {
    uint64_t rows, missing;
    /* numeric */
    struct qn_exact_sum sum, squares;
    double low[2], high[2]; /* by class */
    struct qn_sample sample;
    /* categories; of numeric features their values, when the most frequent one is asked for */
    struct qn_dict dict;
};

struct qn_fit {
    const struct qn_prepare_plan *plan;
    struct qn_feature_fit *features;
    uint64_t rows[2]; /* by class */
    double *scratch;  /* values of one batch */
    uint32_t scratch_rows;
};

#endif
