#include "jobs/learn/elastic.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SWEEPS = 10000 }; /* an inexact step is still one: the next round goes on from it */

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

qn_code qn_elastic_solve(const struct qn_elastic *problem, double *to, struct qn_err *err)
{
    double *slope = malloc(problem->n * sizeof *slope);
    if (!slope)
        return qn_err_nomem(err, "a fit");
    memcpy(slope, problem->gradient, problem->n * sizeof *slope);
    memcpy(to, problem->from, problem->n * sizeof *to);
    uint32_t sweeps = 0;
    while (sweeps++ < MAX_SWEEPS && sweep(problem, false, to, slope) > problem->tolerance)
        while (sweeps++ < MAX_SWEEPS && sweep(problem, true, to, slope) > problem->tolerance)
            continue;
    free(slope);
    return QN_OK;
}
