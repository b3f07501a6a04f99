/* logistic: ridge-penalised logistic regression by Newton's method (IRLS), over spread-out rows.
 *
 *     objective  f(w) = sum log-loss(w) + l2/2 sum_j w_j^2      (the intercept is not penalised)
 *
 * which is scikit-learn's LogisticRegression(C = 1/l2) up to a factor. A round evaluates f, its
 * gradient and Hessian at one point: every chunk gives its part, parts are added in chunk order,
 * and qn_logistic_step() decides where to look next:
 *
 *     evaluate(w) -> f fell?  no: halve the step
 *                             yes: d = H^-1 g;  max |d| <= tol * max(1, max |w|): done, else w - d
 *
 * The Newton step bounds the distance to the solution, whatever the conditioning, which a
 * gradient's size does not. Columns are those of the design; pinned ones stay 0 and take no part.
 *
 * Without a penalty two things make the solution not exist: a column that is a combination of
 * others, and classes that a combination of columns separates (coefficients grow for ever). Both
 * fail with the column's name. Standard errors are roots of the diagonal of H^-1 at the solution,
 * H with the penalty. */
#ifndef QN_JOBS_LEARN_LOGISTIC_H
#define QN_JOBS_LEARN_LOGISTIC_H

#include "base/buf.h"
#include "jobs/learn/design.h"

struct qn_logistic_params {
    double l2, tol;
    uint32_t max_iter; /* rounds at most */
};
#define QN_LOGISTIC_DEFAULT_L2 1.0
#define QN_LOGISTIC_DEFAULT_TOL 1e-9
enum { QN_LOGISTIC_DEFAULT_MAX_ITER = 100 };

/* f, g and H of some rows, without the penalty. */
struct qn_logistic_sums {
    uint32_t n; /* columns */
    uint64_t rows;
    double loss;
    double *gradient; /* [n] */
    double *hessian;  /* [n][n], lower triangle */
};
QN_CHECK qn_code qn_logistic_sums_init(struct qn_logistic_sums *sums, uint32_t n,
                                       struct qn_err *err);
void qn_logistic_sums_fini(struct qn_logistic_sums *sums);

/* Adds the rows of a design. */
void qn_logistic_add(struct qn_logistic_sums *sums, const struct qn_design *design,
                     const double *weights);
void qn_logistic_sums_pack(struct qn_buf *out, const struct qn_logistic_sums *sums);
/* Adds what another pack of the same width wrote. */
QN_CHECK qn_code qn_logistic_sums_merge(struct qn_logistic_sums *sums, struct qn_strv bytes,
                                        struct qn_err *err);

/* Where the search is: what a round hands to the next. */
struct qn_logistic_state {
    uint32_t n;
    uint32_t rounds; /* evaluated so far */
    bool converged;
    uint64_t rows;
    double objective, loss; /* at `best` */
    double *at;             /* the point to evaluate; the solution once converged */
    double *best;           /* the best point so far */
    double *step;           /* from best to the full Newton point */
    double fraction;        /* of that step that `at` is */
    double *covariance;     /* [n][n], lower triangle: set once converged */
};
/* All zero: where every search starts. */
QN_CHECK qn_code qn_logistic_state_init(struct qn_logistic_state *state, uint32_t n,
                                        struct qn_err *err);
void qn_logistic_state_fini(struct qn_logistic_state *state);
void qn_logistic_state_pack(struct qn_buf *out, const struct qn_logistic_state *state);
/* Into a zeroed or initialised state of any width; QN_EWIRE unless it has n columns. */
QN_CHECK qn_code qn_logistic_state_unpack(struct qn_strv bytes, uint32_t n,
                                          struct qn_logistic_state *state, struct qn_err *err);

/* What went wrong, for the caller to put into words. */
enum qn_logistic_trouble {
    QN_LOGISTIC_FINE,
    QN_LOGISTIC_ALIASED,      /* column is a combination of the columns before it */
    QN_LOGISTIC_SEPARATED,    /* the column's coefficient grows for ever */
    QN_LOGISTIC_NOT_CONVERGED /* max_iter rounds were not enough */
};

/* One decision. `sums` are of state->at over all training rows and are used up; pinned[j] keeps
 * coefficient j at 0 (NULL: none). QN_EINPUT with *trouble and *column set. */
QN_CHECK qn_code qn_logistic_step(struct qn_logistic_state *state, struct qn_logistic_sums *sums,
                                  const struct qn_logistic_params *params, const bool *pinned,
                                  enum qn_logistic_trouble *trouble, uint32_t *column,
                                  struct qn_err *err);

#endif
