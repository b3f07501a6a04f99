/* What aggregates come to, from the states of their slots. */
#include <math.h>

#include "jobs/etl/group.h"
#include "jobs/etl/number.h"
#include "jobs/etl/slot_extreme.h"
#include "jobs/etl/slot_pick.h"
#include "jobs/etl/slot_real.h"
#include "jobs/etl/slot_sketch.h"

static uint8_t scale_of(const struct qn_agg *agg)
{
    return agg->argument.id == QN_DECIMAL ? agg->argument.scale : 0;
}

static qn_code exact_sum(const struct qn_agg *agg, qn_i128 sum, int64_t *out, struct qn_err *err)
{
    qn_i128 limit = agg->call.type.id == QN_DECIMAL ? (qn_i128)qn_pow10(18) - 1 : INT64_MAX;
    if (sum > limit || sum < -limit) {
        char type[QN_TYPE_NAME];
        return qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT, "the sum of aggregate %s does not fit %s",
                          agg->name, qn_type_name(agg->call.type, type));
    }
    *out = (int64_t)sum;
    return QN_OK;
}

static bool is_of_sample(const struct qn_agg *agg)
{
    return agg->call.fn == QN_AGG_STDDEV || agg->call.fn == QN_AGG_VARIANCE;
}

/* Of a sample: by n - 1. */
static double spread(const struct qn_agg *agg, const struct qn_slot_spread_state *state)
{
    struct qn_exact_sum sum, squares;
    double n = (double)state->n, scale = (double)qn_pow10(scale_of(agg));
    qn_sum_widen(&state->sum, &sum);
    qn_sum_widen(&state->squares, &squares);
    double variance = qn_exact_variance(&sum, &squares, (uint64_t)state->n);
    if (is_of_sample(agg))
        variance *= n / (n - 1);
    variance /= scale * scale;
    bool is_root = agg->call.fn == QN_AGG_STDDEV || agg->call.fn == QN_AGG_STDDEV_POP;
    return is_root ? sqrt(variance) : variance;
}

static qn_code sum_at(const struct qn_agg *agg, const struct qn_slot_sum_state *state,
                      struct qn_column *out, uint32_t i, struct qn_err *err)
{
    qn_i128 sum = (qn_i128)((qn_u128)state->high << 64 | state->low);
    if (agg->call.fn == QN_AGG_SUM)
        return exact_sum(agg, sum, &out->i64[i], err);
    out->f64[i] = qn_ratio_f64(sum, (qn_i128)state->n * qn_pow10(scale_of(agg)));
    return QN_OK;
}

static double real_at(const struct qn_agg *agg, const struct qn_slot_real_state *state)
{
    double sum = qn_sum_round(&state->sum);
    return agg->call.fn == QN_AGG_AVG ? sum / (double)state->n : sum;
}

/* The value of a group with at least one; the spread of a sample needs two. */
static qn_code value_at(const struct qn_agg *agg, const struct qn_slot *slot, const void *state,
                        struct qn_column *out, uint32_t i, struct qn_err *err)
{
    if (slot->ops == &qn_slot_sum)
        return sum_at(agg, state, out, i, err);
    if (slot->ops == &qn_slot_real)
        out->f64[i] = real_at(agg, state);
    else
        out->f64[i] = spread(agg, state);
    return QN_OK;
}

static qn_code values(const struct qn_agg *agg, const struct qn_slot *slot,
                      const struct qn_slot_view *view, struct qn_column *out, struct qn_err *err)
{
    int64_t least = is_of_sample(agg) ? 2 : 1;
    for (uint32_t i = 0; i < view->n; i++) {
        const void *state = qn_slot_picked(slot, view, i);
        if (*(const int64_t *)state >= least) {
            QN_TRY(value_at(agg, slot, state, out, i, err));
            continue;
        }
        if (!out->validity)
            out->validity = qn_validity_new(view->arena, view->n, true);
        if (!out->validity)
            return qn_err_nomem(err, "aggregates");
        qn_valid_clear(out->validity, i);
    }
    return QN_OK;
}

/* The rows of a group, or a state's n. */
static void counts(const struct qn_slot *slot, const struct qn_slot_view *view,
                   struct qn_column *out)
{
    size_t offset = slot ? slot->offset : 0;
    for (uint32_t i = 0; i < view->n; i++)
        out->i64[i] = *(const int64_t *)(const void *)(view->states +
                                                       view->picked[i] * view->stride + offset);
}

qn_code qn_agg_result(const struct qn_group_plan *plan, const struct qn_agg *agg,
                      const struct qn_slot_view *view, struct qn_column *out, struct qn_err *err)
{
    const struct qn_slot *slot = agg->slot < 0 ? NULL : &plan->slots[agg->slot];
    switch (agg->call.fn) {
    case QN_AGG_MIN:
    case QN_AGG_MAX: return qn_slot_extreme_column(slot, view, out, err);
    case QN_AGG_PICK: return qn_slot_pick_column(slot, view, out, err);
    case QN_AGG_DISTINCT:
    case QN_AGG_QUANTILE:
    case QN_AGG_QUANTILE_DISC:
    case QN_AGG_APPROX_QUANTILE:
    case QN_AGG_MODE: return qn_agg_bag_result(agg, slot, view, out, err);
    default: break;
    }
    QN_TRY(qn_column_new(view->arena, agg->call.type, view->n, out, err));
    if (agg->call.fn == QN_AGG_COUNT)
        counts(slot, view, out);
    else if (agg->call.fn != QN_AGG_APPROX_DISTINCT)
        return values(agg, slot, view, out, err);
    else
        for (uint32_t i = 0; i < view->n; i++)
            out->i64[i] = qn_slot_sketch_count(slot, view, i);
    return QN_OK;
}
