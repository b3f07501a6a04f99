/* lbfgs: the direction of limited-memory BFGS (Nocedal and Wright, Numerical Optimization, 7.4):
 * minus the gradient times an estimate of the inverse Hessian made of the last few moves. */
#ifndef QN_JOBS_LEARN_LBFGS_H
#define QN_JOBS_LEARN_LBFGS_H

#include "base/buf.h"

enum { QN_LBFGS_PAIRS = 10 };

struct qn_lbfgs {
    uint32_t n;       /* columns */
    uint32_t n_pairs; /* oldest first */
    double *moves;    /* [QN_LBFGS_PAIRS][n]: of the point */
    double *changes;  /* [QN_LBFGS_PAIRS][n]: of the gradient */
};

QN_CHECK qn_code qn_lbfgs_init(struct qn_lbfgs *lbfgs, uint32_t n, struct qn_err *err);
void qn_lbfgs_fini(struct qn_lbfgs *lbfgs);

/* Takes in a move and what it did to the gradient; one without curvature is passed over. */
void qn_lbfgs_add(struct qn_lbfgs *lbfgs, const double *move, const double *change);
/* gradient[n] to direction[n]; without pairs the direction has a length of 1 at most. */
void qn_lbfgs_direction(const struct qn_lbfgs *lbfgs, const double *gradient, double *direction);

void qn_lbfgs_pack(struct qn_buf *out, const struct qn_lbfgs *lbfgs);
/* Into an initialised one; in->failed on what no pack wrote. */
void qn_lbfgs_unpack(struct qn_unpack *in, struct qn_lbfgs *lbfgs);

#endif
