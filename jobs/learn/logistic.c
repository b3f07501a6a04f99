#include "jobs/learn/logistic.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "jobs/learn/cholesky.h"
#include "jobs/learn/math.h"

/* A pivot's share of its diagonal (1 - R^2) below which a column counts as aliased. With a penalty
 * the matrix is positive definite whatever the columns, down to rounding. */
#define ALIAS_TOLERANCE 1e-10
#define PENALISED_TOLERANCE 1e-14
/* Coefficients of standardised columns beyond this are on their way to infinity. */
#define DIVERGED 25.0

/* --- sums over rows -------------------------------------------------------------------------- */

qn_code qn_logistic_sums_init(struct qn_logistic_sums *sums, uint32_t n, struct qn_err *err)
{
    *sums = (struct qn_logistic_sums){.n = n};
    sums->gradient = calloc(n, sizeof *sums->gradient);
    sums->hessian = calloc((size_t)n * n, sizeof *sums->hessian);
    return sums->gradient && sums->hessian ? QN_OK : qn_err_nomem(err, "a Hessian");
}

void qn_logistic_sums_fini(struct qn_logistic_sums *sums)
{
    free(sums->gradient);
    free(sums->hessian);
    *sums = (struct qn_logistic_sums){0};
}

/* Rows that are taken together: each element of the dense block is then loaded and stored once for
 * four rows. Part of the definition of the sums' order. */
enum { TOGETHER = 4 };

static void add_dense(struct qn_logistic_sums *sums, const struct qn_design *design, uint32_t row,
                      uint32_t n_rows, const double *weights, const double *residuals)
{
    uint32_t d = design->n_dense;
    const double *x[TOGETHER];
    double w[TOGETHER] = {0}, r[TOGETHER] = {0};
    for (uint32_t t = 0; t < TOGETHER; t++) { /* short groups repeat a row with weight 0 */
        x[t] = design->dense + (size_t)(row + (t < n_rows ? t : 0)) * d;
        w[t] = t < n_rows ? weights[t] : 0;
        r[t] = t < n_rows ? residuals[t] : 0;
    }
    double *restrict gradient = sums->gradient;
    for (uint32_t j = 0; j < d; j++)
        gradient[j] += (r[0] * x[0][j] + r[1] * x[1][j]) + (r[2] * x[2][j] + r[3] * x[3][j]);
    for (uint32_t i = 0; i < d; i++) {
        double *restrict out = sums->hessian + (size_t)i * sums->n;
        double a = w[0] * x[0][i], b = w[1] * x[1][i], c = w[2] * x[2][i], e = w[3] * x[3][i];
        for (uint32_t j = 0; j <= i; j++)
            out[j] += (a * x[0][j] + b * x[1][j]) + (c * x[2][j] + e * x[3][j]);
    }
}

static void add_codes(struct qn_logistic_sums *sums, const struct qn_design *design, uint32_t row,
                      double weight, double residual)
{
    const double *restrict x = design->dense + (size_t)row * design->n_dense;
    const uint16_t *codes = design->codes + (size_t)row * design->n_codes;
    for (uint32_t i = 0; i < design->n_codes; i++) {
        if (codes[i] == QN_CODE_NONE)
            continue;
        double *restrict out = sums->hessian + (size_t)codes[i] * sums->n;
        sums->gradient[codes[i]] += residual;
        for (uint32_t j = 0; j < design->n_dense; j++)
            out[j] += weight * x[j];
        for (uint32_t j = 0; j <= i; j++) /* columns ascend with the features */
            if (codes[j] != QN_CODE_NONE)
                out[codes[j]] += weight;
    }
}

void qn_logistic_add(struct qn_logistic_sums *sums, const struct qn_design *design,
                     const double *weights)
{
    for (uint32_t row = 0; row < design->n_rows; row += TOGETHER) {
        double w[TOGETHER], r[TOGETHER];
        uint32_t n = design->n_rows - row < TOGETHER ? design->n_rows - row : TOGETHER;
        for (uint32_t t = 0; t < n; t++) {
            double label = design->labels[row + t], eta = qn_design_eta(design, row + t, weights);
            /* One exponential gives probability, weight p (1 - p) and loss alike. */
            double e = qn_exp(eta > 0 ? -eta : eta), share = 1 / (1 + e);
            double p = eta > 0 ? share : e * share;
            r[t] = p - label;
            w[t] = e * share * share;
            sums->loss += qn_log1p(e) + ((eta > 0 ? eta : 0) - label * eta);
        }
        add_dense(sums, design, row, n, w, r);
        for (uint32_t t = 0; t < n; t++)
            add_codes(sums, design, row + t, w[t], r[t]);
    }
    sums->rows += design->n_rows;
}

void qn_logistic_sums_pack(struct qn_buf *out, const struct qn_logistic_sums *sums)
{
    qn_buf_put_u32(out, sums->n);
    qn_buf_put_u64(out, sums->rows);
    qn_buf_put_f64(out, sums->loss);
    for (uint32_t i = 0; i < sums->n; i++) {
        qn_buf_put_f64(out, sums->gradient[i]);
        for (uint32_t j = 0; j <= i; j++)
            qn_buf_put_f64(out, sums->hessian[(size_t)i * sums->n + j]);
    }
}

static double take_finite(struct qn_unpack *in)
{
    double value = qn_unpack_f64(in);
    in->failed |= !isfinite(value);
    return value;
}

qn_code qn_logistic_sums_merge(struct qn_logistic_sums *sums, struct qn_strv bytes,
                               struct qn_err *err)
{
    struct qn_unpack in = qn_unpack_from(bytes);
    in.failed |= qn_unpack_u32(&in) != sums->n;
    sums->rows += qn_unpack_u64(&in);
    sums->loss += take_finite(&in);
    for (uint32_t i = 0; i < sums->n && !in.failed; i++) {
        sums->gradient[i] += take_finite(&in);
        for (uint32_t j = 0; j <= i; j++)
            sums->hessian[(size_t)i * sums->n + j] += take_finite(&in);
    }
    return qn_unpack_end(&in, "gradient", err);
}

/* --- the search's state ---------------------------------------------------------------------- */

qn_code qn_logistic_state_init(struct qn_logistic_state *state, uint32_t n, struct qn_err *err)
{
    *state = (struct qn_logistic_state){.n = n, .objective = HUGE_VAL, .fraction = 1};
    state->at = calloc(n, sizeof(double));
    state->best = calloc(n, sizeof(double));
    state->step = calloc(n, sizeof(double));
    state->covariance = calloc((size_t)n * n, sizeof(double));
    if (state->at && state->best && state->step && state->covariance)
        return QN_OK;
    qn_logistic_state_fini(state);
    return qn_err_nomem(err, "a fit");
}

void qn_logistic_state_fini(struct qn_logistic_state *state)
{
    free(state->at);
    free(state->best);
    free(state->step);
    free(state->covariance);
    *state = (struct qn_logistic_state){0};
}

void qn_logistic_state_pack(struct qn_buf *out, const struct qn_logistic_state *state)
{
    qn_buf_put_u32(out, state->n);
    qn_buf_put_u32(out, state->rounds);
    qn_buf_put_u8(out, state->converged);
    qn_buf_put_u64(out, state->rows);
    qn_buf_put_f64(out, state->objective);
    qn_buf_put_f64(out, state->loss);
    qn_buf_put_f64(out, state->fraction);
    for (uint32_t i = 0; i < state->n; i++) {
        qn_buf_put_f64(out, state->at[i]);
        qn_buf_put_f64(out, state->best[i]);
        qn_buf_put_f64(out, state->step[i]);
    }
    for (uint32_t i = 0; state->converged && i < state->n; i++)
        for (uint32_t j = 0; j <= i; j++)
            qn_buf_put_f64(out, state->covariance[(size_t)i * state->n + j]);
}

qn_code qn_logistic_state_unpack(struct qn_strv bytes, uint32_t n, struct qn_logistic_state *state,
                                 struct qn_err *err)
{
    struct qn_unpack in = qn_unpack_from(bytes);
    qn_logistic_state_fini(state);
    QN_TRY(qn_logistic_state_init(state, n, err));
    in.failed |= qn_unpack_u32(&in) != n;
    state->rounds = qn_unpack_u32(&in);
    uint8_t converged = qn_unpack_u8(&in);
    in.failed |= converged > 1;
    state->converged = converged == 1;
    state->rows = qn_unpack_u64(&in);
    state->objective = take_finite(&in);
    state->loss = take_finite(&in);
    state->fraction = take_finite(&in);
    for (uint32_t i = 0; i < n && !in.failed; i++) {
        state->at[i] = take_finite(&in);
        state->best[i] = take_finite(&in);
        state->step[i] = take_finite(&in);
    }
    for (uint32_t i = 0; state->converged && i < n && !in.failed; i++)
        for (uint32_t j = 0; j <= i; j++)
            state->covariance[(size_t)i * n + j] = take_finite(&in);
    return qn_unpack_end(&in, "state of a fit", err);
}

/* --- one decision ---------------------------------------------------------------------------- */

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

static void add_penalty(struct qn_logistic_sums *sums, const double *w, double l2,
                        const bool *pinned)
{
    uint32_t n = sums->n;
    for (uint32_t i = 1; i < n; i++) {
        sums->gradient[i] += l2 * w[i];
        sums->hessian[(size_t)i * n + i] += l2;
    }
    for (uint32_t i = 0; pinned && i < n; i++) {
        if (!pinned[i])
            continue;
        sums->gradient[i] = 0;
        for (uint32_t j = 0; j < n; j++)
            sums->hessian[i > j ? (size_t)i * n + j : (size_t)j * n + i] = 0;
        sums->hessian[(size_t)i * n + i] = 1;
    }
}

static double objective_at(const struct qn_logistic_sums *sums, const double *w, double l2)
{
    double squares = 0;
    for (uint32_t i = 1; i < sums->n; i++)
        squares += w[i] * w[i];
    return sums->loss + 0.5 * l2 * squares;
}

/* The point that many of the steps from `best` away. */
static void move(struct qn_logistic_state *state, double fraction)
{
    state->fraction = fraction;
    for (uint32_t i = 0; i < state->n; i++)
        state->at[i] = state->best[i] + fraction * state->step[i];
}

static qn_code troubled(enum qn_logistic_trouble kind, enum qn_logistic_trouble *trouble)
{
    *trouble = kind;
    return QN_EINPUT;
}

static void finish(struct qn_logistic_state *state, const struct qn_logistic_sums *sums)
{
    state->converged = true;
    memcpy(state->at, state->best, state->n * sizeof(double));
    qn_cholesky_inverse(sums->hessian, state->n, state->covariance);
}

/* The objective at `at` is worse than at `best`: look halfway. */
static qn_code halve(struct qn_logistic_state *state, enum qn_logistic_trouble *trouble)
{
    if (state->fraction < 1e-6)
        return troubled(QN_LOGISTIC_NOT_CONVERGED, trouble);
    move(state, state->fraction / 2);
    return QN_OK;
}

/* The next point from `best`, whose gradient and Hessian are in sums; or the end. */
static qn_code newton(struct qn_logistic_state *state, struct qn_logistic_sums *sums,
                      const struct qn_logistic_params *params, enum qn_logistic_trouble *trouble,
                      uint32_t *column)
{
    double tolerance = params->l2 > 0 ? PENALISED_TOLERANCE : ALIAS_TOLERANCE;
    double size = largest_slope(state, column);
    uint32_t aliased;
    if (params->l2 == 0 && size > DIVERGED)
        return troubled(QN_LOGISTIC_SEPARATED, trouble);
    if (qn_cholesky_factor(sums->hessian, state->n, tolerance, &aliased) != QN_OK) {
        if (size > DIVERGED / 2) /* weights p (1 - p) died out before the coefficients got far */
            return troubled(QN_LOGISTIC_SEPARATED, trouble);
        *column = aliased;
        return troubled(QN_LOGISTIC_ALIASED, trouble);
    }
    for (uint32_t i = 0; i < state->n; i++)
        state->step[i] = -sums->gradient[i];
    qn_cholesky_solve(sums->hessian, state->n, state->step);
    uint32_t unused;
    if (largest(state->step, state->n, &unused) <= params->tol * (size > 1 ? size : 1)) {
        finish(state, sums);
        return QN_OK;
    }
    move(state, 1);
    return QN_OK;
}

qn_code qn_logistic_step(struct qn_logistic_state *state, struct qn_logistic_sums *sums,
                         const struct qn_logistic_params *params, const bool *pinned,
                         enum qn_logistic_trouble *trouble, uint32_t *column, struct qn_err *err)
{
    *trouble = QN_LOGISTIC_FINE;
    *column = 0;
    if (sums->n != state->n || state->converged)
        return qn_err_set(err, QN_ESTATE, QN_BLAME_COORDINATOR, "a fit was asked to go on wrongly");
    state->rounds++;
    state->rows = sums->rows;
    double objective = objective_at(sums, state->at, params->l2);
    add_penalty(sums, state->at, params->l2, pinned);
    /* Near the solution the objective is flat to the last bits: what rounding makes of it is no
     * reason to turn back. */
    bool fell = objective <= state->objective + 1e-12 * fabs(state->objective);
    qn_code code;
    if (state->rounds == 1 || fell) {
        state->objective = objective;
        state->loss = sums->loss;
        memcpy(state->best, state->at, state->n * sizeof(double));
        code = newton(state, sums, params, trouble, column);
    } else {
        code = halve(state, trouble);
    }
    if (code == QN_OK && !state->converged && state->rounds >= params->max_iter) {
        largest_slope(state, column);
        code = troubled(QN_LOGISTIC_NOT_CONVERGED, trouble);
    }
    return code;
}
