/* What aggregates come to that are told from all values of a group. */
#include <math.h>

#include "jobs/etl/group.h"
#include "jobs/etl/number.h"
#include "jobs/etl/slot_bag.h"

/* --- quantiles ------------------------------------------------------------------------------- */

/* The value at `rank` (from 0) of a group's values in order. */
static const struct qn_bag_entry *entry_at(const struct qn_bag *bag, uint32_t group, uint64_t rank)
{
    const struct qn_bag_entry *entry = qn_bag_at(bag, group);
    for (uint64_t passed = qn_bag_count(bag, entry); passed <= rank;)
        passed += qn_bag_count(bag, ++entry);
    return entry;
}

/* Between two values, `part` of the way; integers and decimals are rounded once where that is
 * possible. */
static double between(struct qn_type type, int64_t low, int64_t high, double part)
{
    if (type.id == QN_DOUBLE) {
        double from = qn_bag_f64(low), to = qn_bag_f64(high);
        return low == high ? from : from * (1 - part) + to * part;
    }
    int64_t scale = qn_pow10(type.id == QN_DECIMAL ? type.scale : 0);
    if (low == high)
        return qn_ratio_f64(low, scale);
    if (part == 0.5)
        return qn_ratio_f64((qn_i128)low + high, (qn_i128)scale * 2);
    return qn_ratio_f64(low, scale) * (1 - part) + qn_ratio_f64(high, scale) * part;
}

static int64_t between_times(int64_t low, int64_t high, double part)
{
    qn_i128 way = (qn_i128)high - low;
    if (part == 0.5)
        return (int64_t)(low + qn_ratio_round(way, 2));
    return (int64_t)(low + (qn_i128)llround((double)way * part));
}

static void interpolate(const struct qn_agg *agg, const struct qn_bag *bag, uint32_t group,
                        uint64_t n, struct qn_column *out, uint32_t i)
{
    double place = agg->call.fraction * (double)(n - 1), whole = floor(place);
    uint64_t rank = (uint64_t)whole;
    double part = place - whole;
    int64_t low = entry_at(bag, group, rank)->value;
    int64_t high = part > 0 ? entry_at(bag, group, rank + 1)->value : low;
    if (out->type.id == QN_DOUBLE)
        out->f64[i] = between(agg->argument, low, high, part);
    else
        out->i64[i] = between_times(low, high, part);
}

/* The least value that so large a part of all is not above. */
static const struct qn_bag_entry *quantile_entry(const struct qn_agg *agg, const struct qn_bag *bag,
                                                 uint32_t group, uint64_t n)
{
    double rank = ceil(agg->call.fraction * (double)n);
    return entry_at(bag, group, rank < 1 ? 0 : (uint64_t)rank - 1);
}

/* --- the mode -------------------------------------------------------------------------------- */

static bool is_less(const struct qn_bag *bag, struct qn_type type, int64_t a, int64_t b)
{
    return type.id == QN_TEXT
               ? qn_strv_cmp(qn_texts_at(&bag->texts, a), qn_texts_at(&bag->texts, b)) < 0
               : a < b;
}

static const struct qn_bag_entry *mode_entry(const struct qn_bag *bag, struct qn_type type,
                                             uint32_t group)
{
    const struct qn_bag_entry *entry = qn_bag_at(bag, group), *top = entry;
    const struct qn_bag_entry *end = entry + qn_bag_pairs(bag, group);
    uint64_t most = qn_bag_count(bag, top);
    while (++entry < end) {
        uint64_t count = qn_bag_count(bag, entry);
        if (count > most || (count == most && is_less(bag, type, entry->value, top->value))) {
            top = entry;
            most = count;
        }
    }
    return top;
}

/* --- columns --------------------------------------------------------------------------------- */

static uint64_t values_of(const struct qn_slot *slot, const struct qn_slot_view *view, uint32_t i)
{
    return (uint64_t)((const struct qn_slot_bag_state *)qn_slot_picked(slot, view, i))->n;
}

static qn_code entries_column(const struct qn_agg *agg, const struct qn_slot *slot,
                              const struct qn_slot_view *view, struct qn_column *out,
                              struct qn_err *err)
{
    const struct qn_bag_entry **entries =
        QN_NEW_ARRAY(view->arena, const struct qn_bag_entry *, view->n);
    if (!entries)
        return qn_err_nomem(err, "aggregates");
    for (uint32_t i = 0; i < view->n; i++) {
        uint32_t group = view->picked[i];
        if (qn_bag_pairs(view->bag, group) == 0)
            continue;
        entries[i] = agg->call.fn == QN_AGG_MODE
                         ? mode_entry(view->bag, slot->type, group)
                         : quantile_entry(agg, view->bag, group, values_of(slot, view, i));
    }
    return qn_bag_column(view->bag, entries, view->n, agg->call.type, view->arena, out, err);
}

static qn_code quantile_column(const struct qn_agg *agg, const struct qn_slot *slot,
                               const struct qn_slot_view *view, struct qn_column *out,
                               struct qn_err *err)
{
    QN_TRY(qn_column_new(view->arena, agg->call.type, view->n, out, err));
    out->validity = qn_validity_new(view->arena, view->n, false);
    if (!out->validity)
        return qn_err_nomem(err, "aggregates");
    for (uint32_t i = 0; i < view->n; i++) {
        if (qn_bag_pairs(view->bag, view->picked[i]) == 0)
            continue;
        interpolate(agg, view->bag, view->picked[i], values_of(slot, view, i), out, i);
        qn_valid_set(out->validity, i);
    }
    return QN_OK;
}

qn_code qn_agg_bag_result(const struct qn_agg *agg, const struct qn_slot *slot,
                          const struct qn_slot_view *view, struct qn_column *out,
                          struct qn_err *err)
{
    if (agg->call.fn == QN_AGG_QUANTILE)
        return quantile_column(agg, slot, view, out, err);
    if (agg->call.fn != QN_AGG_DISTINCT)
        return entries_column(agg, slot, view, out, err);
    QN_TRY(qn_column_new(view->arena, agg->call.type, view->n, out, err));
    for (uint32_t i = 0; i < view->n; i++)
        out->i64[i] = qn_bag_pairs(view->bag, view->picked[i]);
    return QN_OK;
}
