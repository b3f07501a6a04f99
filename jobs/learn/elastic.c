#include "jobs/learn/elastic.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "jobs/learn/cholesky.h"

enum {
    MAX_SWEEPS = 10000, /* an inexact step is still one: the next round goes on from it */
    SWEEPS_TO_JUMP = 20,
};
/* Of a column's curvature, what others must leave of it to be jumped along. */
static const double LEAST_PIVOT = 1e-13;

/* Symmetric access to the lower triangle. */
static double element(const struct qn_elastic *problem, uint32_t i, uint32_t j)
{
    return i >= j ? problem->hessian[(size_t)i * problem->n + j]
                  : problem->hessian[(size_t)j * problem->n + i];
}

static double shrink(double value, double by)
{
    if (value > by)
        return value - by;
    return value < -by ? value + by : 0;
}

/* Moves coordinate j to its best place; `slope` is g + H (v - w). Returns how far it went. */
static double settle(const struct qn_elastic *problem, uint32_t j, double *at, double *slope)
{
    double curvature = element(problem, j, j);
    double place = at[j] - slope[j] / curvature;
    if (j > 0)
        place = shrink(place, problem->l1 / curvature);
    double change = place - at[j];
    if (change == 0)
        return 0;
    at[j] = place;
    for (uint32_t i = 0; i < problem->n; i++)
        slope[i] += change * element(problem, i, j);
    return fabs(change);
}

/* All coordinates, or only those that are not 0. */
static double sweep(const struct qn_elastic *problem, bool active_only, double *at, double *slope)
{
    double most = 0;
    for (uint32_t j = 0; j < problem->n; j++) {
        if (problem->pinned && problem->pinned[j])
            continue;
        if (active_only && j > 0 && at[j] == 0)
            continue;
        double went = settle(problem, j, at, slope);
        most = went > most ? went : most;
    }
    return most;
}

/* --- jumps ----------------------------------------------------------------------------------- */

/* Where columns are nearly combinations of others, sweeps crawl: what stands against them all at
 * once is a system of equations in the coordinates that are not 0. */
struct jump {
    uint32_t *active; /* [n] */
    uint32_t n;
    double *matrix, *step; /* [n][n], [n] */
};

static qn_code jump_init(struct jump *jump, uint32_t n, struct qn_err *err)
{
    *jump = (struct jump){.active = malloc(n * sizeof *jump->active),
                          .matrix = malloc((size_t)n * n * sizeof *jump->matrix),
                          .step = malloc(n * sizeof *jump->step)};
    return jump->active && jump->matrix && jump->step ? QN_OK : qn_err_nomem(err, "a fit");
}

static void jump_fini(struct jump *jump)
{
    free(jump->active);
    free(jump->matrix);
    free(jump->step);
}

/* g + H (v - w), without what many small moves have left of rounding. */
static void take_slope(const struct qn_elastic *problem, const double *at, double *slope)
{
    for (uint32_t i = 0; i < problem->n; i++) {
        slope[i] = problem->gradient[i];
        for (uint32_t j = 0; j < problem->n; j++)
            slope[i] += element(problem, i, j) * (at[j] - problem->from[j]);
    }
}

/* To where the slope is 0 along all coordinates in use if their signs stay. False: columns are
 * combinations of others, and there is no such place. */
static bool find_step(const struct qn_elastic *problem, struct jump *jump, const double *at,
                      const double *slope)
{
    uint32_t n = 0, aliased;
    for (uint32_t j = 0; j < problem->n; j++)
        if (!(problem->pinned && problem->pinned[j]) && (j == 0 || at[j] != 0))
            jump->active[n++] = j;
    jump->n = n;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t row = jump->active[i];
        double sign = row == 0 ? 0 : at[row] < 0 ? -1 : 1;
        for (uint32_t j = 0; j <= i; j++)
            jump->matrix[(size_t)i * n + j] = element(problem, row, jump->active[j]);
        jump->step[i] = -(slope[row] + problem->l1 * sign);
    }
    if (qn_cholesky_factor(jump->matrix, n, LEAST_PIVOT, &aliased) != QN_OK)
        return false;
    qn_cholesky_solve(jump->matrix, n, jump->step);
    return true;
}

/* As far along the step as no sign changes: there the coordinate that would change it is 0. Returns
 * whether one is. */
static bool go(const struct jump *jump, double *at)
{
    double fraction = 1;
    uint32_t stops = UINT32_MAX;
    for (uint32_t k = 0; k < jump->n; k++) {
        uint32_t j = jump->active[k];
        double after = at[j] + jump->step[k];
        if (j == 0 || (after > 0) == (at[j] > 0) || !(at[j] / -jump->step[k] < fraction))
            continue;
        fraction = at[j] / -jump->step[k];
        stops = j;
    }
    for (uint32_t k = 0; k < jump->n; k++)
        at[jump->active[k]] += fraction * jump->step[k];
    if (stops != UINT32_MAX)
        at[stops] = 0;
    return stops != UINT32_MAX;
}

/* Never uphill: the objective is a quadratic within the signs. */
static void jump_from(const struct qn_elastic *problem, struct jump *jump, double *at,
                      double *slope)
{
    bool stopped = true;
    for (uint32_t i = 0; stopped && i < problem->n; i++) {
        take_slope(problem, at, slope);
        stopped = find_step(problem, jump, at, slope) && go(jump, at);
    }
    take_slope(problem, at, slope);
}

/* --- all ------------------------------------------------------------------------------------- */

static void solve(const struct qn_elastic *problem, struct jump *jump, double *to, double *slope)
{
    uint32_t sweeps = 0;
    while (sweeps++ < MAX_SWEEPS && sweep(problem, false, to, slope) > problem->tolerance) {
        uint32_t i = 0;
        while (i < SWEEPS_TO_JUMP && sweep(problem, true, to, slope) > problem->tolerance)
            i++;
        if (i == SWEEPS_TO_JUMP)
            jump_from(problem, jump, to, slope);
        sweeps += i;
    }
}

qn_code qn_elastic_solve(const struct qn_elastic *problem, double *to, struct qn_err *err)
{
    struct jump jump;
    double *slope = malloc(problem->n * sizeof *slope);
    qn_code code = jump_init(&jump, problem->n, err);
    if (code == QN_OK && !slope)
        code = qn_err_nomem(err, "a fit");
    if (code == QN_OK) {
        memcpy(slope, problem->gradient, problem->n * sizeof *slope);
        memcpy(to, problem->from, problem->n * sizeof *to);
        solve(problem, &jump, to, slope);
    }
    jump_fini(&jump);
    free(slope);
    return code;
}
