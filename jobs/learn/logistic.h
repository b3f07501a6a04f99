/* logistic: penalised logistic regression, over spread-out rows.
 *
 *     objective  f(w) = sum c log-loss(w) + l2/2 sum_j w_j^2 + l1 sum_j |w_j|
 *
 * c is the weight of the row's class; the intercept is not penalised. scikit-learn's
 * LogisticRegression has C = 1 / (l1 + l2) and l1_ratio = l1 / (l1 + l2); glmnet, for n rows,
 * lambda = (l1 + l2) / n and alpha = l1 / (l1 + l2). A round evaluates f and its derivatives at one
 * point: every chunk gives its part, parts are added in chunk order, and qn_logistic_step() decides
 * where to look next. A search goes through up to three phases:
 *
 *     SAMPLE  a start, where there are many rows: a sixteenth of them, and few digits
 *     DESCEND a start, where there are many columns: L-BFGS, which needs no Hessian
 *     NEWTON  evaluate(w) -> f fell?  no: halve the step
 *                                     yes: d = H^-1 g;  max |d| <= tol * max(1, max |w|): done,
 *                                     with w - d, else on from there
 *
 * so that the end is judged alike whatever the start was: the Newton step bounds the distance to
 * the solution, whatever the conditioning, which a gradient's size does not. With l1 the step is
 * that of coordinate descent on the quadratic with the absolute penalty. Columns are those of the
 * design; pinned ones stay 0 and take no part.
 *
 * Without a penalty two things make the solution not exist: a column that is a combination of
 * others, and classes that a combination of columns separates (coefficients grow for ever). Both
 * fail with the column's name. Standard errors are roots of the diagonal of H^-1 at the solution,
 * H with the penalty; with l1 there are none. */
#ifndef QN_JOBS_LEARN_LOGISTIC_H
#define QN_JOBS_LEARN_LOGISTIC_H

#include "base/buf.h"
#include "jobs/learn/lbfgs.h"
#include "jobs/learn/logistic_sums.h"

struct qn_logistic_params {
    double l1, l2, tol;
    uint32_t max_iter;      /* rounds at most */
    bool balanced;          /* classes weigh alike: all rows / (2 rows of the class) a row */
    double positive_weight; /* of a row, besides; negative ones weigh 1 */
};
#define QN_LOGISTIC_DEFAULT_L2 1.0
#define QN_LOGISTIC_DEFAULT_TOL 1e-9
enum { QN_LOGISTIC_DEFAULT_MAX_ITER = 100 };

enum qn_logistic_phase {
    QN_LOGISTIC_SAMPLE,
    QN_LOGISTIC_DESCEND,
    QN_LOGISTIC_NEWTON,
    QN_LOGISTIC_DONE
};

/* Where the search is: what a round hands to the next. */
struct qn_logistic_state {
    uint32_t n;
    enum qn_logistic_phase phase;
    uint64_t all_rows;       /* training rows */
    double class_weights[2]; /* of a row, by label */
    uint32_t rounds;         /* evaluated so far */
    bool begun;              /* this phase has a best point */
    uint32_t steps;          /* of Newton's method in this phase */
    double objective, loss;  /* at it */
    double *at;              /* the point to evaluate; the solution once done */
    double *best;            /* the best point so far */
    double *step;            /* from best to the whole step's end */
    double fraction;         /* of that step that `at` is */
    double *gradient;        /* DESCEND: at `best` */
    struct qn_lbfgs lbfgs;   /* DESCEND */
    bool has_covariance;     /* done, without l1 */
    double *covariance;      /* [n][n], lower triangle */
};
/* All zero: where every search of n columns over training rows[label] starts. */
QN_CHECK qn_code qn_logistic_state_init(struct qn_logistic_state *state, uint32_t n,
                                        const uint64_t rows[2],
                                        const struct qn_logistic_params *params,
                                        struct qn_err *err);
void qn_logistic_state_fini(struct qn_logistic_state *state);
void qn_logistic_state_pack(struct qn_buf *out, const struct qn_logistic_state *state);
/* Into a zeroed or initialised state of any width; QN_EWIRE unless it has n columns. */
QN_CHECK qn_code qn_logistic_state_unpack(struct qn_strv bytes, uint32_t n,
                                          struct qn_logistic_state *state, struct qn_err *err);

/* What the next round has to evaluate at state->at. */
struct qn_logistic_want qn_logistic_wants(const struct qn_logistic_state *state);

/* What went wrong, for the caller to put into words. */
enum qn_logistic_trouble {
    QN_LOGISTIC_FINE,
    QN_LOGISTIC_ALIASED,      /* column is a combination of the columns before it */
    QN_LOGISTIC_SEPARATED,    /* the column's coefficient grows for ever */
    QN_LOGISTIC_NOT_CONVERGED /* max_iter rounds were not enough */
};

/* What a decision is made from. */
struct qn_logistic_round {
    struct qn_logistic_sums *sums; /* of state->at, as wanted; used up */
    const bool *pinned;            /* keeps coefficient j at 0; NULL: none */
};

/* One decision. QN_EINPUT with *trouble and *column set. */
QN_CHECK qn_code qn_logistic_step(struct qn_logistic_state *state,
                                  const struct qn_logistic_round *round,
                                  const struct qn_logistic_params *params,
                                  enum qn_logistic_trouble *trouble, uint32_t *column,
                                  struct qn_err *err);

#endif
