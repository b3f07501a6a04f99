#include "jobs/learn/logistic.h"

#include <math.h>
#include <string.h>

#include "jobs/learn/cholesky.h"
#include "jobs/learn/elastic.h"

/* A pivot's share of its diagonal (1 - R^2) below which a column counts as aliased. With a penalty
 * the matrix is positive definite whatever the columns, down to rounding. */
#define ALIAS_TOLERANCE 1e-10
#define PENALISED_TOLERANCE 1e-14
/* Where classes are separated Newton's steps stay as long as they are, each adding about 1 to the
 * scores of the rows that are; elsewhere they die out long before so many. Later p would be 1 to
 * the last bit, and no step be left. */
enum { STEPS_ENOUGH = 25 };
#define DYING_STEP 1e-3
/* Coefficients of standardised columns that are not those of any start but one gone astray. */
#define FAR_OUT 12.5
/* A start from a sample has its noise, so more digits are of no use; a ridge of its own keeps
 * columns in order of which the sample shows too little. */
#define SAMPLE_TOLERANCE 1e-2
#define SAMPLE_RIDGE 1.0
/* Mean slope at which Newton's method takes over from L-BFGS. */
#define NEAR 1e-6
#define SUFFICIENT_DECREASE 1e-4
#define SHORTEST_FRACTION 1e-6

struct qn_logistic_want qn_logistic_wants(const struct qn_logistic_state *state)
{
    return (struct qn_logistic_want){
        .hessian = state->phase != QN_LOGISTIC_DESCEND,
        .sample = state->phase == QN_LOGISTIC_SAMPLE,
        .class_weights = {state->class_weights[0], state->class_weights[1]}};
}

/* --- penalties ------------------------------------------------------------------------------- */

/* What a round over a sample answers to: penalties in proportion. */
static struct qn_logistic_params of_sample(const struct qn_logistic_state *state,
                                           const struct qn_logistic_params *params,
                                           const struct qn_logistic_round *round)
{
    struct qn_logistic_params out = *params;
    double share = (double)round->sums->rows / (double)state->all_rows;
    out.l1 *= share;
    out.l2 = out.l2 * share + SAMPLE_RIDGE;
    out.tol = SAMPLE_TOLERANCE;
    return out;
}

static void pin(struct qn_logistic_sums *sums, uint32_t column)
{
    uint32_t n = sums->n;
    sums->gradient[column] = 0;
    if (!sums->has_hessian)
        return;
    for (uint32_t j = 0; j < n; j++)
        sums->hessian[column > j ? (size_t)column * n + j : (size_t)j * n + column] = 0;
    sums->hessian[(size_t)column * n + column] = 1;
}

/* The smooth part; l1 is the step's business. */
static void add_penalty(struct qn_logistic_sums *sums, const double *w, double l2,
                        const bool *pinned)
{
    uint32_t n = sums->n;
    for (uint32_t i = 1; i < n; i++) {
        sums->gradient[i] += l2 * w[i];
        if (sums->has_hessian)
            sums->hessian[(size_t)i * n + i] += l2;
    }
    for (uint32_t i = 0; pinned && i < n; i++)
        if (pinned[i])
            pin(sums, i);
}

static double objective_at(const struct qn_logistic_sums *sums, const double *w,
                           const struct qn_logistic_params *params)
{
    double squares = 0, sizes = 0;
    for (uint32_t i = 1; i < sums->n; i++) {
        squares += w[i] * w[i];
        sizes += fabs(w[i]);
    }
    return sums->loss + 0.5 * params->l2 * squares + params->l1 * sizes;
}

/* --- moves ----------------------------------------------------------------------------------- */

static double largest(const double *values, uint32_t n, uint32_t *where)
{
    double most = 0;
    *where = 0;
    for (uint32_t i = 0; i < n; i++)
        if (fabs(values[i]) > most) {
            most = fabs(values[i]);
            *where = i;
        }
    return most;
}

/* Of the best point, the intercept aside: it is no feature to put the blame on. */
static double largest_slope(const struct qn_logistic_state *state, uint32_t *column)
{
    double size = largest(state->best + 1, state->n - 1, column);
    *column += state->n > 1;
    return size;
}

/* The point that many of the steps from `best` away. */
static void move(struct qn_logistic_state *state, double fraction)
{
    state->fraction = fraction;
    for (uint32_t i = 0; i < state->n; i++)
        state->at[i] = state->best[i] + fraction * state->step[i];
}

/* On from the best point in another phase, whose objective is another. */
static void enter(struct qn_logistic_state *state, enum qn_logistic_phase phase)
{
    state->phase = phase;
    state->begun = false;
    state->steps = 0;
    state->fraction = 1;
    memcpy(state->at, state->best, state->n * sizeof(double));
}

static qn_code troubled(enum qn_logistic_trouble kind, enum qn_logistic_trouble *trouble)
{
    *trouble = kind;
    return QN_EINPUT;
}

/* The objective at `at` is worse than at `best`: look halfway. */
static qn_code halve(struct qn_logistic_state *state, enum qn_logistic_trouble *trouble)
{
    if (state->fraction < SHORTEST_FRACTION)
        return troubled(QN_LOGISTIC_NOT_CONVERGED, trouble);
    move(state, state->fraction / 2);
    return QN_OK;
}

/* --- Newton ---------------------------------------------------------------------------------- */

static qn_code newton_step(struct qn_logistic_state *state, struct qn_logistic_sums *sums,
                           const struct qn_logistic_params *params,
                           enum qn_logistic_trouble *trouble, uint32_t *column)
{
    double tolerance = params->l2 > 0 ? PENALISED_TOLERANCE : ALIAS_TOLERANCE;
    double size = largest_slope(state, column);
    uint32_t aliased;
    if (qn_cholesky_factor(sums->hessian, state->n, tolerance, &aliased) != QN_OK) {
        if (state->steps > 0 || size > FAR_OUT) /* it is weights p (1 - p) that died out */
            return troubled(QN_LOGISTIC_SEPARATED, trouble);
        *column = aliased;
        return troubled(QN_LOGISTIC_ALIASED, trouble);
    }
    for (uint32_t i = 0; i < state->n; i++)
        state->step[i] = -sums->gradient[i];
    qn_cholesky_solve(sums->hessian, state->n, state->step);
    uint32_t unused;
    if (params->l2 == 0 && state->steps >= STEPS_ENOUGH &&
        largest(state->step, state->n, &unused) > DYING_STEP * size)
        return troubled(QN_LOGISTIC_SEPARATED, trouble);
    state->steps++;
    return QN_OK;
}

/* The intercept's curvature dies out where all scores run to 0 or 1. */
static bool is_curved(const struct qn_logistic_sums *sums)
{
    for (uint32_t i = 0; i < sums->n; i++)
        if (!(sums->hessian[(size_t)i * sums->n + i] > 0))
            return false;
    return true;
}

static qn_code elastic_step(struct qn_logistic_state *state, struct qn_logistic_sums *sums,
                            const struct qn_logistic_round *round,
                            const struct qn_logistic_params *params,
                            enum qn_logistic_trouble *trouble, uint32_t *column, struct qn_err *err)
{
    double size = largest_slope(state, column);
    if (!is_curved(sums))
        return troubled(QN_LOGISTIC_SEPARATED, trouble);
    const struct qn_elastic problem = {.n = state->n,
                                       .hessian = sums->hessian,
                                       .gradient = sums->gradient,
                                       .from = state->best,
                                       .pinned = round->pinned,
                                       .l1 = params->l1,
                                       .tolerance = 0.01 * params->tol * (size > 1 ? size : 1)};
    QN_TRY(qn_elastic_solve(&problem, state->step, err));
    for (uint32_t i = 0; i < state->n; i++)
        state->step[i] -= state->best[i];
    return QN_OK;
}

/* The last step is known and costs nothing more: it is taken. */
static void finish(struct qn_logistic_state *state, const struct qn_logistic_sums *sums,
                   const struct qn_logistic_params *params)
{
    enter(state, QN_LOGISTIC_DONE);
    move(state, 1);
    state->has_covariance = params->l1 == 0;
    if (state->has_covariance)
        qn_cholesky_inverse(sums->hessian, state->n, state->covariance);
}

/* The next point from `best`, whose gradient and Hessian are in round->sums; or the end. */
static qn_code newton(struct qn_logistic_state *state, const struct qn_logistic_round *round,
                      const struct qn_logistic_params *params, enum qn_logistic_trouble *trouble,
                      uint32_t *column, struct qn_err *err)
{
    if (params->l1 > 0)
        QN_TRY(elastic_step(state, round->sums, round, params, trouble, column, err));
    else
        QN_TRY(newton_step(state, round->sums, params, trouble, column));
    uint32_t unused;
    double size = largest_slope(state, column);
    if (largest(state->step, state->n, &unused) > params->tol * (size > 1 ? size : 1))
        move(state, 1);
    else if (state->phase == QN_LOGISTIC_SAMPLE)
        enter(state, QN_LOGISTIC_NEWTON);
    else
        finish(state, round->sums, params);
    return QN_OK;
}

static void take_best(struct qn_logistic_state *state, const struct qn_logistic_sums *sums,
                      double objective)
{
    state->begun = true;
    state->objective = objective;
    state->loss = sums->loss;
    memcpy(state->best, state->at, state->n * sizeof(double));
}

static qn_code newton_round(struct qn_logistic_state *state, const struct qn_logistic_round *round,
                            const struct qn_logistic_params *params,
                            enum qn_logistic_trouble *trouble, uint32_t *column, struct qn_err *err)
{
    double objective = objective_at(round->sums, state->at, params);
    add_penalty(round->sums, state->at, params->l2, round->pinned);
    /* Near the solution the objective is flat to the last bits: what rounding makes of it is no
     * reason to turn back. */
    if (state->begun && objective > state->objective + 1e-12 * fabs(state->objective))
        return halve(state, trouble);
    take_best(state, round->sums, objective);
    return newton(state, round, params, trouble, column, err);
}

/* A start from a sample that comes to nothing is none. */
static qn_code sample_round(struct qn_logistic_state *state, const struct qn_logistic_round *round,
                            const struct qn_logistic_params *params, struct qn_err *err)
{
    const struct qn_logistic_params scaled = of_sample(state, params, round);
    enum qn_logistic_trouble trouble = QN_LOGISTIC_FINE;
    uint32_t column;
    qn_code code = newton_round(state, round, &scaled, &trouble, &column, err);
    if (trouble != QN_LOGISTIC_FINE) {
        memset(state->best, 0, state->n * sizeof(double));
        enter(state, QN_LOGISTIC_NEWTON);
        return QN_OK;
    }
    if (code == QN_OK && state->rounds >= params->max_iter / 2)
        enter(state, QN_LOGISTIC_NEWTON);
    return code;
}

/* --- L-BFGS ---------------------------------------------------------------------------------- */

static double along(const struct qn_logistic_state *state)
{
    double slope = 0;
    for (uint32_t i = 0; i < state->n; i++)
        slope += state->gradient[i] * state->step[i];
    return slope;
}

static void learn_curvature(struct qn_logistic_state *state, const double *gradient)
{
    for (uint32_t i = 0; i < state->n; i++) { /* the step is spent: room for both */
        state->step[i] = state->at[i] - state->best[i];
        state->gradient[i] = gradient[i] - state->gradient[i];
    }
    qn_lbfgs_add(&state->lbfgs, state->step, state->gradient);
}

/* Down to where Newton's method is at home, or until it leads no further. */
static void descend_round(struct qn_logistic_state *state, const struct qn_logistic_round *round,
                          const struct qn_logistic_params *params)
{
    struct qn_logistic_sums *sums = round->sums;
    double objective = objective_at(sums, state->at, params);
    add_penalty(sums, state->at, params->l2, round->pinned);
    if (state->begun &&
        objective > state->objective + SUFFICIENT_DECREASE * state->fraction * along(state)) {
        if (state->fraction < SHORTEST_FRACTION)
            enter(state, QN_LOGISTIC_NEWTON);
        else
            move(state, state->fraction / 2);
        return;
    }
    if (state->begun)
        learn_curvature(state, sums->gradient);
    take_best(state, sums, objective);
    memcpy(state->gradient, sums->gradient, state->n * sizeof(double));
    qn_lbfgs_direction(&state->lbfgs, state->gradient, state->step);
    move(state, 1);
    uint32_t unused;
    if (largest(state->gradient, state->n, &unused) <= NEAR * (double)sums->rows ||
        state->rounds >= params->max_iter / 2)
        enter(state, QN_LOGISTIC_NEWTON);
}

qn_code qn_logistic_step(struct qn_logistic_state *state, const struct qn_logistic_round *round,
                         const struct qn_logistic_params *params, enum qn_logistic_trouble *trouble,
                         uint32_t *column, struct qn_err *err)
{
    qn_code code = QN_OK;
    *trouble = QN_LOGISTIC_FINE;
    *column = 0;
    if (round->sums->n != state->n || state->phase == QN_LOGISTIC_DONE ||
        round->sums->has_hessian != qn_logistic_wants(state).hessian)
        return qn_err_set(err, QN_ESTATE, QN_BLAME_COORDINATOR, "a fit was asked to go on wrongly");
    state->rounds++;
    if (state->phase == QN_LOGISTIC_SAMPLE)
        code = sample_round(state, round, params, err);
    else if (state->phase == QN_LOGISTIC_DESCEND)
        descend_round(state, round, params);
    else
        code = newton_round(state, round, params, trouble, column, err);
    if (code == QN_OK && state->phase != QN_LOGISTIC_DONE && state->rounds >= params->max_iter) {
        largest_slope(state, column);
        code = troubled(QN_LOGISTIC_NOT_CONVERGED, trouble);
    }
    return code;
}
