/* States of aggregates: folding values in, sending them, merging, and the final value. */
#include <math.h>
#include <string.h>

#include "jobs/etl/group.h"
#include "jobs/etl/number.h"

static inline struct qn_agg_state *state_at(const struct qn_groups *groups, uint32_t index,
                                            uint32_t group)
{
    return &groups->states[(size_t)group * groups->plan->n_aggs + index];
}

/* --- folding values -------------------------------------------------------------------------- */

static double number_at(const struct qn_column *values, uint32_t row)
{
    switch ((enum qn_type_id)values->type.id) {
    case QN_DOUBLE: return values->f64[row];
    case QN_DECIMAL: return qn_decimal_to_double(values->i64[row], values->type.scale);
    case QN_BOOL: return values->bools[row];
    default: return (double)values->i64[row];
    }
}

static void fold_moment(struct qn_agg_state *state, double x)
{
    state->n++;
    double delta = x - state->f64;
    state->f64 += delta / (double)state->n;
    state->m2 += delta * (x - state->f64);
}

static qn_code set_text(struct qn_groups *groups, struct qn_agg_state *state, struct qn_strv text,
                        struct qn_err *err)
{
    char *copy = qn_arena_strdup(&groups->arena, text);
    if (!copy)
        return qn_err_nomem(err, "an aggregate's text");
    state->text = (struct qn_strv){copy, text.len};
    return QN_OK;
}

static inline qn_code fold_extreme(const struct qn_agg *agg, struct qn_groups *groups,
                                   struct qn_agg_state *state, const struct qn_column *values,
                                   uint32_t row, struct qn_err *err)
{
    bool first = state->n++ == 0, least = agg->call.fn == QN_AGG_MIN;
    switch (qn_type_layout(values->type)) {
    case QN_LAYOUT_F64: {
        double x = values->f64[row];
        if (first || (least ? x < state->f64 : x > state->f64))
            state->f64 = x;
        break;
    }
    case QN_LAYOUT_TEXT: {
        struct qn_strv text = qn_text_at(values, row);
        int order = first ? 0 : qn_strv_cmp(text, state->text);
        if (first || (least ? order < 0 : order > 0))
            return set_text(groups, state, text, err);
        break;
    }
    default: {
        bool is_bool = qn_type_layout(values->type) == QN_LAYOUT_BOOL;
        int64_t x = is_bool ? values->bools[row] : values->i64[row];
        if (first || (least ? x < state->i64 : x > state->i64))
            state->i64 = x;
    }
    }
    return QN_OK;
}

/* The next row that counts; rows[i], or i itself when there is no list. */
static inline bool row_at(const struct qn_column *values, const uint32_t *rows, uint32_t i,
                          uint32_t *row)
{
    *row = rows ? rows[i] : i;
    return !values || qn_is_valid(values, *row);
}

/* A loop for each class: a switch inside one loop costs more than the additions. */
qn_code qn_agg_fold(const struct qn_agg *agg, uint32_t index, struct qn_groups *groups,
                    const struct qn_column *values, const uint32_t *rows, uint32_t n,
                    const uint32_t *group_of, struct qn_err *err)
{
    uint32_t row;
    bool is_bool = values && values->type.id == QN_BOOL;
    switch (agg->class) {
    case QN_AGG_OF_COUNT:
        for (uint32_t i = 0; i < n; i++)
            if (row_at(values, rows, i, &row))
                state_at(groups, index, group_of[row])->n++;
        break;
    case QN_AGG_OF_SUM:
        for (uint32_t i = 0; i < n; i++) {
            if (!row_at(values, rows, i, &row))
                continue;
            struct qn_agg_state *state = state_at(groups, index, group_of[row]);
            state->n++;
            state->sum += is_bool ? values->bools[row] : values->i64[row];
        }
        break;
    case QN_AGG_OF_SUM_F64:
        for (uint32_t i = 0; i < n; i++) {
            if (!row_at(values, rows, i, &row))
                continue;
            struct qn_agg_state *state = state_at(groups, index, group_of[row]);
            state->n++;
            state->f64 += values->f64[row];
        }
        break;
    case QN_AGG_OF_MOMENTS:
        for (uint32_t i = 0; i < n; i++)
            if (row_at(values, rows, i, &row))
                fold_moment(state_at(groups, index, group_of[row]), number_at(values, row));
        break;
    case QN_AGG_OF_EXTREME:
        for (uint32_t i = 0; i < n; i++)
            if (row_at(values, rows, i, &row))
                QN_TRY(fold_extreme(agg, groups, state_at(groups, index, group_of[row]), values,
                                    row, err));
        break;
    }
    return QN_OK;
}

/* --- states as columns ----------------------------------------------------------------------- */

uint32_t qn_agg_fields(const struct qn_agg *agg, struct qn_field out[3])
{
    const struct qn_type integer = {.id = QN_INT64}, real = {.id = QN_DOUBLE};
    out[0] = (struct qn_field){"n", integer};
    switch (agg->class) {
    case QN_AGG_OF_COUNT: return 1;
    case QN_AGG_OF_SUM:
        out[1] = (struct qn_field){"sum_high", integer};
        out[2] = (struct qn_field){"sum_low", integer};
        return 3;
    case QN_AGG_OF_SUM_F64: out[1] = (struct qn_field){"sum", real}; return 2;
    case QN_AGG_OF_MOMENTS:
        out[1] = (struct qn_field){"mean", real};
        out[2] = (struct qn_field){"m2", real};
        return 3;
    case QN_AGG_OF_EXTREME: out[1] = (struct qn_field){"value", agg->argument}; return 2;
    }
    return 0;
}

static qn_code pack_text(const struct qn_groups *groups, uint32_t index, const uint32_t *picked,
                         uint32_t n, struct qn_arena *arena, struct qn_column *out,
                         struct qn_err *err)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < n; i++) {
        const struct qn_agg_state *state = state_at(groups, index, picked[i]);
        total += state->n ? state->text.len : 0;
    }
    out->bytes = total < UINT32_MAX ? qn_arena_alloc(arena, (size_t)total + 1) : NULL;
    if (!out->bytes)
        return qn_err_nomem(err, "aggregates of text");
    for (uint32_t i = 0; i < n; i++) {
        const struct qn_agg_state *state = state_at(groups, index, picked[i]);
        uint32_t len = state->n ? (uint32_t)state->text.len : 0;
        if (len)
            memcpy(out->bytes + out->offsets[i], state->text.data, len);
        out->offsets[i + 1] = out->offsets[i] + len;
    }
    return QN_OK;
}

/* Extremes as a column of their type; groups without any value are NULL. */
static qn_code pack_extreme(const struct qn_agg *agg, uint32_t index,
                            const struct qn_groups *groups, const uint32_t *picked, uint32_t n,
                            struct qn_arena *arena, struct qn_column *out, struct qn_err *err)
{
    QN_TRY(qn_column_new(arena, agg->argument, n, out, err));
    out->validity = qn_validity_new(arena, n, false);
    if (!out->validity)
        return qn_err_nomem(err, "aggregates");
    for (uint32_t i = 0; i < n; i++) {
        const struct qn_agg_state *state = state_at(groups, index, picked[i]);
        if (!state->n)
            continue;
        qn_valid_set(out->validity, i);
        switch (qn_type_layout(agg->argument)) {
        case QN_LAYOUT_BOOL: out->bools[i] = state->i64 != 0; break;
        case QN_LAYOUT_I64: out->i64[i] = state->i64; break;
        case QN_LAYOUT_F64: out->f64[i] = state->f64; break;
        case QN_LAYOUT_TEXT: break;
        }
    }
    return agg->argument.id == QN_TEXT ? pack_text(groups, index, picked, n, arena, out, err)
                                       : QN_OK;
}

qn_code qn_agg_pack(const struct qn_agg *agg, uint32_t index, const struct qn_groups *groups,
                    const uint32_t *picked, uint32_t n, struct qn_arena *arena,
                    struct qn_column *out, struct qn_err *err)
{
    struct qn_field fields[3];
    uint32_t n_fields = qn_agg_fields(agg, fields);
    for (uint32_t f = 0; f < n_fields; f++)
        QN_TRY(qn_column_new(arena, fields[f].type, n, &out[f], err));
    for (uint32_t i = 0; i < n; i++) {
        const struct qn_agg_state *state = state_at(groups, index, picked[i]);
        out[0].i64[i] = state->n;
        if (agg->class == QN_AGG_OF_SUM) {
            out[1].i64[i] = (int64_t)(state->sum >> 64);
            out[2].i64[i] = (int64_t)state->sum;
        } else if (agg->class == QN_AGG_OF_SUM_F64) {
            out[1].f64[i] = state->f64;
        } else if (agg->class == QN_AGG_OF_MOMENTS) {
            out[1].f64[i] = state->f64;
            out[2].f64[i] = state->m2;
        }
    }
    if (agg->class == QN_AGG_OF_EXTREME)
        return pack_extreme(agg, index, groups, picked, n, arena, &out[1], err);
    return QN_OK;
}

/* Chan's update of (n, mean, M2) by another such triple. */
static void merge_moments(struct qn_agg_state *state, int64_t n, double mean, double m2)
{
    if (n == 0)
        return;
    double total = (double)(state->n + n), delta = mean - state->f64;
    state->m2 += m2 + delta * delta * ((double)state->n * (double)n / total);
    state->f64 += delta * ((double)n / total);
    state->n += n;
}

qn_code qn_agg_fold_states(const struct qn_agg *agg, uint32_t index, struct qn_groups *groups,
                           const struct qn_batch *batch, const uint32_t *group_of,
                           struct qn_err *err)
{
    const struct qn_column *in = &batch->columns[agg->first_field];
    for (uint32_t row = 0; row < batch->n_rows; row++) {
        struct qn_agg_state *state = state_at(groups, index, group_of[row]);
        int64_t n = in[0].i64[row];
        switch (agg->class) {
        case QN_AGG_OF_COUNT: state->n += n; break;
        case QN_AGG_OF_SUM: {
            qn_i128 high = in[1].i64[row];
            state->sum += high * ((qn_i128)1 << 64) + (uint64_t)in[2].i64[row];
            state->n += n;
            break;
        }
        case QN_AGG_OF_SUM_F64:
            state->f64 += in[1].f64[row];
            state->n += n;
            break;
        case QN_AGG_OF_MOMENTS: merge_moments(state, n, in[1].f64[row], in[2].f64[row]); break;
        case QN_AGG_OF_EXTREME:
            if (!n || !qn_is_valid(&in[1], row))
                break;
            QN_TRY(fold_extreme(agg, groups, state, &in[1], row, err));
            state->n += n - 1;
            break;
        }
    }
    return QN_OK;
}

/* --- results --------------------------------------------------------------------------------- */

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

static qn_code result_at(const struct qn_agg *agg, const struct qn_agg_state *state,
                         struct qn_column *out, uint32_t i, bool *valid, struct qn_err *err)
{
    *valid = state->n > 0;
    if (agg->call.fn == QN_AGG_COUNT) {
        *valid = true;
        out->i64[i] = state->n;
    } else if (agg->class == QN_AGG_OF_MOMENTS) {
        *valid = state->n > 1; /* a sample of one has no spread */
        double variance = *valid ? state->m2 / (double)(state->n - 1) : 0;
        out->f64[i] = agg->call.fn == QN_AGG_STDDEV ? sqrt(variance) : variance;
    } else if (agg->class == QN_AGG_OF_SUM_F64) {
        out->f64[i] =
            agg->call.fn == QN_AGG_AVG && *valid ? state->f64 / (double)state->n : state->f64;
    } else if (*valid && agg->call.fn == QN_AGG_AVG) {
        uint8_t scale = agg->argument.id == QN_DECIMAL ? agg->argument.scale : 0;
        out->f64[i] = qn_ratio_f64(state->sum, (qn_i128)state->n * qn_pow10(scale));
    } else if (*valid) {
        return exact_sum(agg, state->sum, &out->i64[i], err);
    }
    return QN_OK;
}

qn_code qn_agg_result(const struct qn_agg *agg, uint32_t index, const struct qn_groups *groups,
                      uint32_t first, uint32_t n, struct qn_arena *arena, struct qn_column *out,
                      struct qn_err *err)
{
    if (agg->class == QN_AGG_OF_EXTREME) {
        uint32_t *picked = qn_arena_alloc(arena, n * sizeof *picked);
        if (!picked)
            return qn_err_nomem(err, "aggregates");
        for (uint32_t i = 0; i < n; i++)
            picked[i] = first + i;
        return pack_extreme(agg, index, groups, picked, n, arena, out, err);
    }
    QN_TRY(qn_column_new(arena, agg->call.type, n, out, err));
    uint64_t *validity = qn_validity_new(arena, n, true);
    if (!validity)
        return qn_err_nomem(err, "aggregates");
    bool all = true;
    for (uint32_t i = 0; i < n; i++) {
        bool valid;
        QN_TRY(result_at(agg, state_at(groups, index, first + i), out, i, &valid, err));
        if (!valid)
            qn_valid_clear(validity, i);
        all = all && valid;
    }
    out->validity = all ? NULL : validity;
    return QN_OK;
}
