#include "jobs/learn/lbfgs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

qn_code qn_lbfgs_init(struct qn_lbfgs *lbfgs, uint32_t n, struct qn_err *err)
{
    *lbfgs = (struct qn_lbfgs){.n = n};
    lbfgs->moves = calloc((size_t)QN_LBFGS_PAIRS * n, sizeof(double));
    lbfgs->changes = calloc((size_t)QN_LBFGS_PAIRS * n, sizeof(double));
    if (lbfgs->moves && lbfgs->changes)
        return QN_OK;
    qn_lbfgs_fini(lbfgs);
    return qn_err_nomem(err, "a fit");
}

void qn_lbfgs_fini(struct qn_lbfgs *lbfgs)
{
    free(lbfgs->moves);
    free(lbfgs->changes);
    *lbfgs = (struct qn_lbfgs){0};
}

static double dot(const double *a, const double *b, uint32_t n)
{
    double sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

void qn_lbfgs_add(struct qn_lbfgs *lbfgs, const double *move, const double *change)
{
    uint32_t n = lbfgs->n;
    double curvature = dot(move, change, n);
    if (!(curvature > 1e-14 * dot(change, change, n)))
        return;
    if (lbfgs->n_pairs == QN_LBFGS_PAIRS) {
        size_t rest = (size_t)(QN_LBFGS_PAIRS - 1) * n * sizeof(double);
        memmove(lbfgs->moves, lbfgs->moves + n, rest);
        memmove(lbfgs->changes, lbfgs->changes + n, rest);
        lbfgs->n_pairs--;
    }
    memcpy(lbfgs->moves + (size_t)lbfgs->n_pairs * n, move, n * sizeof(double));
    memcpy(lbfgs->changes + (size_t)lbfgs->n_pairs * n, change, n * sizeof(double));
    lbfgs->n_pairs++;
}

static void shorten(double *direction, uint32_t n)
{
    double length = sqrt(dot(direction, direction, n));
    for (uint32_t i = 0; length > 1 && i < n; i++)
        direction[i] /= length;
}

void qn_lbfgs_direction(const struct qn_lbfgs *lbfgs, const double *gradient, double *direction)
{
    uint32_t n = lbfgs->n;
    double shares[QN_LBFGS_PAIRS];
    for (uint32_t i = 0; i < n; i++)
        direction[i] = -gradient[i];
    for (uint32_t k = lbfgs->n_pairs; k-- > 0;) {
        const double *move = lbfgs->moves + (size_t)k * n;
        const double *change = lbfgs->changes + (size_t)k * n;
        shares[k] = dot(move, direction, n) / dot(move, change, n);
        for (uint32_t i = 0; i < n; i++)
            direction[i] -= shares[k] * change[i];
    }
    if (lbfgs->n_pairs == 0) {
        shorten(direction, n);
        return;
    }
    const double *move = lbfgs->moves + (size_t)(lbfgs->n_pairs - 1) * n;
    const double *change = lbfgs->changes + (size_t)(lbfgs->n_pairs - 1) * n;
    double scale = dot(move, change, n) / dot(change, change, n);
    for (uint32_t i = 0; i < n; i++)
        direction[i] *= scale;
    for (uint32_t k = 0; k < lbfgs->n_pairs; k++) {
        move = lbfgs->moves + (size_t)k * n;
        change = lbfgs->changes + (size_t)k * n;
        double share = shares[k] - dot(change, direction, n) / dot(move, change, n);
        for (uint32_t i = 0; i < n; i++)
            direction[i] += share * move[i];
    }
}

void qn_lbfgs_pack(struct qn_buf *out, const struct qn_lbfgs *lbfgs)
{
    qn_buf_put_u32(out, lbfgs->n_pairs);
    for (size_t i = 0; i < (size_t)lbfgs->n_pairs * lbfgs->n; i++) {
        qn_buf_put_f64(out, lbfgs->moves[i]);
        qn_buf_put_f64(out, lbfgs->changes[i]);
    }
}

void qn_lbfgs_unpack(struct qn_unpack *in, struct qn_lbfgs *lbfgs)
{
    uint32_t n_pairs = qn_unpack_u32(in);
    in->failed |= n_pairs > QN_LBFGS_PAIRS;
    lbfgs->n_pairs = in->failed ? 0 : n_pairs;
    for (size_t i = 0; i < (size_t)lbfgs->n_pairs * lbfgs->n && !in->failed; i++) {
        lbfgs->moves[i] = qn_unpack_f64(in);
        lbfgs->changes[i] = qn_unpack_f64(in);
        in->failed |= !isfinite(lbfgs->moves[i]) || !isfinite(lbfgs->changes[i]);
    }
}
