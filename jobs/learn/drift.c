#include "jobs/learn/drift.h"

#include <math.h>

#include "jobs/learn/math.h"

static const double ln_2 = 0x1.62e42fefa39efp-1;

const char *qn_drift_metric_name(enum qn_drift_metric metric)
{
    static const char *const names[] = {"psi", "js"};
    return names[metric];
}

static double psi_of(double before, double now, double all_before, double all_now)
{
    double p = (before > 0 ? before : 0.5) / all_before, q = (now > 0 ? now : 0.5) / all_now;
    return (q - p) * qn_ln(q / p);
}

static double js_of(double before, double now, double all_before, double all_now)
{
    double p = before / all_before, q = now / all_now, m = (p + q) / 2;
    double nats = (p > 0 ? p * qn_ln(p / m) : 0) + (q > 0 ? q * qn_ln(q / m) : 0);
    return nats / 2 / ln_2;
}

static double sum(const uint64_t *rows, uint32_t n)
{
    uint64_t all = 0;
    for (uint32_t i = 0; i < n; i++)
        all += rows[i];
    return (double)all;
}

double qn_drift_measure(enum qn_drift_metric metric, const uint64_t *before, const uint64_t *now,
                        uint32_t n_bins)
{
    double all_before = sum(before, n_bins), all_now = sum(now, n_bins), total = 0;
    if (all_before == 0 || all_now == 0)
        return (double)NAN;
    for (uint32_t i = 0; i < n_bins; i++) {
        if (before[i] == 0 && now[i] == 0)
            continue;
        total += (metric == QN_DRIFT_PSI ? psi_of : js_of)((double)before[i], (double)now[i],
                                                           all_before, all_now);
    }
    return total > 0 ? total : 0; /* rounding may leave a little less than nothing */
}
