/* logistic_sums: log-loss, gradient and Hessian of some rows at one point, without the penalty.
 *
 * Rows are taken block by block, and parts of chunks are added in chunk order, so the sums are the
 * same to the last bit whoever computes them. */
#ifndef QN_JOBS_LEARN_LOGISTIC_SUMS_H
#define QN_JOBS_LEARN_LOGISTIC_SUMS_H

#include "base/buf.h"
#include "jobs/learn/design.h"

/* What of the rows is asked for. */
struct qn_logistic_want {
    bool hessian;
    bool sample;             /* of the blocks of a chunk every 16th only, the first one included */
    double class_weights[2]; /* of a row, by its label */
};

struct qn_logistic_sums {
    uint32_t n;       /* columns */
    bool has_hessian; /* else it is NULL */
    uint64_t rows;
    double loss;
    double *gradient; /* [n] */
    double *hessian;  /* [n][n], lower triangle */
};
QN_CHECK qn_code qn_logistic_sums_init(struct qn_logistic_sums *sums, uint32_t n, bool hessian,
                                       struct qn_err *err);
void qn_logistic_sums_fini(struct qn_logistic_sums *sums);

/* Adds the rows of a design. */
void qn_logistic_add(struct qn_logistic_sums *sums, const struct qn_design *design,
                     const double *weights, const struct qn_logistic_want *want);
void qn_logistic_sums_pack(struct qn_buf *out, const struct qn_logistic_sums *sums);
/* Adds what another pack of the same width and want wrote. */
QN_CHECK qn_code qn_logistic_sums_merge(struct qn_logistic_sums *sums, struct qn_strv bytes,
                                        struct qn_err *err);

#endif
