/* Bins from what a fit gathered (fit_internal.h). */
#include <math.h>
#include <stdlib.h>

#include "jobs/learn/bins.h"
#include "jobs/learn/fit_internal.h"

/* --- numbers --------------------------------------------------------------------------------- */

/* A float32 in [low, high), the one nearest to their middle; NaN when there is none. */
static double bound_between(double low, double high)
{
    float bound = (float)(low + (high - low) / 2);
    if ((double)bound < low)
        bound = nextafterf(bound, HUGE_VALF);
    if ((double)bound >= high)
        bound = nextafterf(bound, -HUGE_VALF);
    return (double)bound >= low && (double)bound < high ? (double)bound : (double)NAN;
}

/* How many rows a code may hold, given what is left to deal out. */
struct shares {
    uint64_t rows;  /* of values without a code of their own */
    uint32_t codes; /* left for them */
    uint64_t heavy; /* a value with as many rows has its own */
};

static struct shares shares_of(const uint32_t *rows, uint32_t n, uint32_t max_bins)
{
    struct shares shares = {.codes = max_bins};
    for (uint32_t i = 0; i < n; i++)
        shares.rows += rows[i];
    shares.heavy = shares.rows / max_bins + 1;
    for (uint32_t i = 0; i < n; i++)
        if (rows[i] >= shares.heavy && shares.codes > 1) {
            shares.rows -= rows[i];
            shares.codes--;
        }
    return shares;
}

/* Whether a code ends after value i, which brings it to `held` rows. */
static bool ends_here(const uint32_t *rows, uint32_t i, uint64_t held, const struct shares *shares)
{
    uint64_t share = shares->codes ? shares->rows / shares->codes : 0;
    if (rows[i] >= shares->heavy || held >= (share ? share : 1))
        return true;
    return rows[i + 1] >= shares->heavy && held >= share / 2;
}

static uint32_t bounds_of_many(const double *values, const uint32_t *rows, uint32_t n,
                               const struct qn_bin_params *params, double *bounds)
{
    struct shares shares = shares_of(rows, n, params->max_bins);
    uint64_t held = 0;
    uint32_t made = 0;
    for (uint32_t i = 0; i + 1 < n && made + 1 < params->max_bins; i++) {
        bool heavy = rows[i] >= shares.heavy;
        held += rows[i];
        if (held < params->min_data_in_bin || !ends_here(rows, i, held, &shares))
            continue;
        double bound = bound_between(values[i], values[i + 1]);
        if (bound != bound)
            continue;
        bounds[made++] = bound;
        if (!heavy) { /* what is left is shared anew */
            shares.rows -= held < shares.rows ? held : shares.rows;
            shares.codes -= shares.codes > 1;
        }
        held = 0;
    }
    return made;
}

uint32_t qn_bin_bounds(const double *values, const uint32_t *rows, uint32_t n,
                       const struct qn_bin_params *params, double *bounds)
{
    if (n > params->max_bins)
        return bounds_of_many(values, rows, n, params, bounds);
    uint64_t held = 0;
    uint32_t made = 0;
    for (uint32_t i = 0; i + 1 < n; i++) {
        held += rows[i];
        double bound = bound_between(values[i], values[i + 1]);
        if (held < params->min_data_in_bin || bound != bound)
            continue;
        bounds[made++] = bound;
        held = 0;
    }
    return made;
}

/* Ascending values to different ones with their counts, in place. */
static uint32_t count_values(double *values, uint32_t *rows, uint32_t n)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (kept && values[kept - 1] == values[i]) {
            rows[kept - 1]++;
            continue;
        }
        values[kept] = values[i];
        rows[kept++] = 1;
    }
    return kept;
}

static qn_code fit_numeric(struct qn_feature_fit *gathered, const struct qn_bin_params *params,
                           struct qn_arena *arena, struct qn_bin_feature *out, struct qn_err *err)
{
    QN_TRY(qn_sample_sort(&gathered->sample, err));
    uint32_t n = gathered->sample.n;
    out->n_codes = 1;
    if (n == 0)
        return QN_OK;
    double *values = malloc(n * sizeof *values);
    uint32_t *rows = malloc(n * sizeof *rows);
    out->bounds = QN_NEW_ARRAY(arena, double, params->max_bins);
    qn_code code = values && rows && out->bounds ? QN_OK : qn_err_nomem(err, "bins");
    if (code == QN_OK) {
        for (uint32_t i = 0; i < n; i++)
            values[i] = gathered->sample.items[i].value;
        n = count_values(values, rows, n);
        out->n_codes = 2 + qn_bin_bounds(values, rows, n, params, out->bounds);
    }
    free(values);
    free(rows);
    return code;
}

/* --- categories ------------------------------------------------------------------------------ */

static int by_frequency(const void *a, const void *b)
{
    const struct qn_dict_entry *x = a, *y = b;
    uint64_t of_x = x->rows[0] + x->rows[1], of_y = y->rows[0] + y->rows[1];
    if (of_x != of_y)
        return (of_x < of_y) - (of_x > of_y);
    return qn_strv_cmp(x->text, y->text);
}

/* How many categories have a code: max_bins, and more until nearly all rows have one; as LightGBM
 * has it, but for the most that our pages hold. `entries` by falling frequency. */
static uint32_t count_categories(const struct qn_dict_entry *entries, uint32_t n, uint32_t max_bins)
{
    uint64_t rows = 0, held = 0;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++)
        rows += entries[i].rows[0] + entries[i].rows[1];
    uint64_t enough = rows - rows / 100;
    for (; kept < n && kept + 1 < QN_BIN_MOST_CODES && (kept < max_bins || held < enough); kept++)
        held += entries[kept].rows[0] + entries[kept].rows[1];
    return kept;
}

static qn_code fit_categories(const struct qn_dict *dict, const struct qn_bin_params *params,
                              struct qn_arena *arena, struct qn_bin_feature *out,
                              struct qn_err *err)
{
    struct qn_dict_entry *entries = malloc((dict->n + 1) * sizeof *entries);
    uint32_t n = 0;
    if (entries && dict->n) {
        memcpy(entries, dict->entries, dict->n * sizeof *entries);
        qsort(entries, dict->n, sizeof *entries, by_frequency);
        n = count_categories(entries, dict->n, params->max_bins);
    }
    out->categories = QN_NEW_ARRAY(arena, struct qn_strv, n);
    bool whole = entries && out->categories;
    for (uint32_t i = 0; whole && i < n; i++) {
        struct qn_strv text = entries[i].text;
        out->categories[i] = (struct qn_strv){qn_arena_strdup(arena, text), text.len};
        whole = out->categories[i].data != NULL;
    }
    out->n_codes = 1 + n;
    free(entries);
    return whole ? QN_OK : qn_err_nomem(err, "bins");
}

/* --- all ------------------------------------------------------------------------------------- */

qn_code qn_bins_fit(struct qn_fit *fit, const struct qn_bin_params *params, struct qn_bins *bins,
                    struct qn_err *err)
{
    const struct qn_prepare_plan *plan = fit->plan;
    struct qn_arena *arena = &bins->arena;
    bins->features = QN_NEW_ARRAY(arena, struct qn_bin_feature, plan->n_features);
    if (!bins->features)
        return qn_err_nomem(err, "bins");
    bins->n_features = plan->n_features;
    memcpy(bins->rows, fit->rows, sizeof bins->rows);
    for (uint32_t f = 0; f < plan->n_features; f++) {
        struct qn_bin_feature *out = &bins->features[f];
        *out = (struct qn_bin_feature){
            .name = qn_arena_strdup(arena, qn_strv_from(plan->features[f].name)),
            .type = plan->features[f].type,
            .categorical = plan->features[f].categorical,
            .refuse_unknown = plan->refuse_unknown,
            .rows = fit->features[f].rows,
            .missing = fit->features[f].missing,
        };
        if (!out->name)
            return qn_err_nomem(err, "bins");
        if (out->categorical)
            QN_TRY(fit_categories(&fit->features[f].dict, params, arena, out, err));
        else
            QN_TRY(fit_numeric(&fit->features[f], params, arena, out, err));
    }
    return qn_bins_lay_out(bins, false, err);
}
