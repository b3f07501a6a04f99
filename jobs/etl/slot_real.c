/* Slots of doubles: exact sums, and exact sums of squares beside them for variance and stddev (of
 * integers and decimals too: unscaled, the result is scaled). */
#include "jobs/etl/slot_real.h"

#include <string.h>

#include "flow/value.h"

/* --- a sum as columns ------------------------------------------------------------------------ */

enum { EXPONENT_BIAS = 4096, HAS_NUMBER = 1 << 16, INFINITE_SHIFT = 20 };

void qn_slot_sum_fields(struct qn_type out[QN_SUM_FIELDS])
{
    out[0] = out[1] = out[2] = (struct qn_type){.id = QN_INT64};
    out[3] = (struct qn_type){.id = QN_TEXT};
}

qn_code qn_slot_sum_columns(const struct qn_slot_view *view, struct qn_column out[QN_SUM_FIELDS],
                            struct qn_err *err)
{
    for (int f = 0; f < 3; f++)
        QN_TRY(qn_slot_column(view, (struct qn_type){.id = QN_INT64}, &out[f], err));
    return qn_column_new(view->arena, (struct qn_type){.id = QN_TEXT}, view->n, &out[3], err);
}

static void put_hex(struct qn_buf *out, const struct qn_buf *bytes)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < bytes->len; i++) {
        qn_buf_put_u8(out, (uint8_t)digits[bytes->data[i] >> 4]);
        qn_buf_put_u8(out, (uint8_t)digits[bytes->data[i] & 15]);
    }
}

void qn_slot_sum_put(struct qn_column out[QN_SUM_FIELDS], uint32_t row, const struct qn_sum *sum,
                     struct qn_buf *wide)
{
    out[0].i64[row] = (sum->exponent + EXPONENT_BIAS) | (sum->has_number ? HAS_NUMBER : 0) |
                      (int64_t)sum->infinite << INFINITE_SHIFT;
    out[1].i64[row] = (int64_t)sum->high;
    out[2].i64[row] = (int64_t)sum->low;
    if (sum->wide) {
        struct qn_buf packed;
        qn_buf_init(&packed);
        qn_exact_pack(&packed, sum->wide);
        put_hex(wide, &packed);
        wide->failed |= packed.failed;
        qn_buf_fini(&packed);
    }
    out[3].offsets[row + 1] = (uint32_t)wide->len;
}

qn_code qn_slot_sum_finish(const struct qn_slot_view *view, struct qn_column out[QN_SUM_FIELDS],
                           const struct qn_buf *wide, struct qn_err *err)
{
    QN_TRY(qn_buf_check(wide, "sums", err));
    out[3].bytes = qn_arena_alloc(view->arena, wide->len + 1);
    if (!out[3].bytes)
        return qn_err_nomem(err, "sums");
    if (wide->len)
        memcpy(out[3].bytes, wide->data, wide->len);
    return QN_OK;
}

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool take_wide(struct qn_strv hex, struct qn_exact_sum *out)
{
    char bytes[3 + 8 * QN_EXACT_LIMBS];
    if (hex.len % 2 || hex.len / 2 > sizeof bytes)
        return false;
    for (size_t i = 0; i < hex.len / 2; i++) {
        int high = digit(hex.data[2 * i]), low = digit(hex.data[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        bytes[i] = (char)(high << 4 | low);
    }
    struct qn_unpack in = qn_unpack_from((struct qn_strv){bytes, hex.len / 2});
    qn_exact_unpack(&in, out);
    return !in.failed && in.at == in.end;
}

qn_code qn_slot_sum_take(struct qn_sum *sum, const struct qn_column in[QN_SUM_FIELDS], uint32_t row,
                         struct qn_arena *arena, struct qn_err *err)
{
    struct qn_exact_sum wide;
    int64_t form = in[0].i64[row];
    struct qn_strv hex = qn_text_at(&in[3], row);
    struct qn_sum more = {.low = (uint64_t)in[2].i64[row],
                          .high = (uint64_t)in[1].i64[row],
                          .exponent = (int32_t)(form & 0xffff) - EXPONENT_BIAS,
                          .has_number = (form & HAS_NUMBER) != 0,
                          .infinite = form >> INFINITE_SHIFT & 7,
                          .wide = hex.len ? &wide : NULL};
    if (more.exponent < -2400 || more.exponent > 2400 || (hex.len && !take_wide(hex, &wide)))
        return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER, "a sum of doubles is damaged");
    return qn_sum_merge(sum, &more, arena, err);
}

/* --- sums ------------------------------------------------------------------------------------ */

static uint32_t real_fields(const struct qn_slot *slot, struct qn_type out[QN_SLOT_FIELDS])
{
    (void)slot;
    out[0] = (struct qn_type){.id = QN_INT64};
    qn_slot_sum_fields(&out[1]);
    return 1 + QN_SUM_FIELDS;
}

static qn_code real_fold(const struct qn_slot *slot, const struct qn_slot_fold *fold,
                         struct qn_err *err)
{
    const double *values = fold->values->f64;
    QN_SLOT_EACH(slot, fold, struct qn_slot_real_state, {
        state->n++;
        QN_TRY(qn_sum_add(&state->sum, values[row], fold->arena, err));
    });
    return QN_OK;
}

static qn_code real_merge(const struct qn_slot *slot, const struct qn_slot_fold *fold,
                          struct qn_err *err)
{
    for (uint32_t row = 0; row < fold->n_rows; row++) {
        struct qn_slot_real_state *state =
            qn_slot_at(slot, fold->states, fold->stride, fold->group_of[row]);
        state->n += fold->values[0].i64[row];
        QN_TRY(qn_slot_sum_take(&state->sum, &fold->values[1], row, fold->arena, err));
    }
    return QN_OK;
}

static qn_code real_pack(const struct qn_slot *slot, const struct qn_slot_view *view,
                         struct qn_column *out, struct qn_err *err)
{
    struct qn_buf wide;
    QN_TRY(qn_slot_column(view, (struct qn_type){.id = QN_INT64}, &out[0], err));
    QN_TRY(qn_slot_sum_columns(view, &out[1], err));
    qn_buf_init(&wide);
    for (uint32_t i = 0; i < view->n; i++) {
        const struct qn_slot_real_state *state = qn_slot_picked(slot, view, i);
        out[0].i64[i] = state->n;
        qn_slot_sum_put(&out[1], i, &state->sum, &wide);
    }
    qn_code code = qn_slot_sum_finish(view, &out[1], &wide, err);
    qn_buf_fini(&wide);
    return code;
}

const struct qn_slot_ops qn_slot_real = {
    .bytes = sizeof(struct qn_slot_real_state),
    .fields = real_fields,
    .fold = real_fold,
    .merge = real_merge,
    .pack = real_pack,
};

/* --- sums of squares too --------------------------------------------------------------------- */

static uint32_t spread_fields(const struct qn_slot *slot, struct qn_type out[QN_SLOT_FIELDS])
{
    (void)slot;
    out[0] = (struct qn_type){.id = QN_INT64};
    qn_slot_sum_fields(&out[1]);
    qn_slot_sum_fields(&out[1 + QN_SUM_FIELDS]);
    return 1 + 2 * QN_SUM_FIELDS;
}

static qn_code add_real(struct qn_slot_spread_state *state, double value, struct qn_arena *arena,
                        struct qn_err *err)
{
    state->n++;
    QN_TRY(qn_sum_add(&state->sum, value, arena, err));
    return qn_sum_add_square(&state->squares, value, arena, err);
}

static qn_code add_whole(struct qn_slot_spread_state *state, int64_t value, struct qn_arena *arena,
                         struct qn_err *err)
{
    state->n++;
    QN_TRY(qn_sum_add_number(&state->sum, value, 0, arena, err));
    return qn_sum_add_number(&state->squares, (qn_i128)value * value, 0, arena, err);
}

static qn_code spread_fold(const struct qn_slot *slot, const struct qn_slot_fold *fold,
                           struct qn_err *err)
{
    const struct qn_column *values = fold->values;
    if (values->type.id == QN_DOUBLE)
        QN_SLOT_EACH(slot, fold, struct qn_slot_spread_state,
                     QN_TRY(add_real(state, values->f64[row], fold->arena, err)););
    else
        QN_SLOT_EACH(slot, fold, struct qn_slot_spread_state,
                     QN_TRY(add_whole(state, qn_slot_i64(values, row), fold->arena, err)););
    return QN_OK;
}

static qn_code spread_merge(const struct qn_slot *slot, const struct qn_slot_fold *fold,
                            struct qn_err *err)
{
    for (uint32_t row = 0; row < fold->n_rows; row++) {
        struct qn_slot_spread_state *state =
            qn_slot_at(slot, fold->states, fold->stride, fold->group_of[row]);
        state->n += fold->values[0].i64[row];
        QN_TRY(qn_slot_sum_take(&state->sum, &fold->values[1], row, fold->arena, err));
        QN_TRY(qn_slot_sum_take(&state->squares, &fold->values[1 + QN_SUM_FIELDS], row, fold->arena,
                                err));
    }
    return QN_OK;
}

static qn_code spread_pack(const struct qn_slot *slot, const struct qn_slot_view *view,
                           struct qn_column *out, struct qn_err *err)
{
    struct qn_buf wide[2];
    QN_TRY(qn_slot_column(view, (struct qn_type){.id = QN_INT64}, &out[0], err));
    QN_TRY(qn_slot_sum_columns(view, &out[1], err));
    QN_TRY(qn_slot_sum_columns(view, &out[1 + QN_SUM_FIELDS], err));
    qn_buf_init(&wide[0]);
    qn_buf_init(&wide[1]);
    for (uint32_t i = 0; i < view->n; i++) {
        const struct qn_slot_spread_state *state = qn_slot_picked(slot, view, i);
        out[0].i64[i] = state->n;
        qn_slot_sum_put(&out[1], i, &state->sum, &wide[0]);
        qn_slot_sum_put(&out[1 + QN_SUM_FIELDS], i, &state->squares, &wide[1]);
    }
    qn_code code = qn_slot_sum_finish(view, &out[1], &wide[0], err);
    if (code == QN_OK)
        code = qn_slot_sum_finish(view, &out[1 + QN_SUM_FIELDS], &wide[1], err);
    qn_buf_fini(&wide[0]);
    qn_buf_fini(&wide[1]);
    return code;
}

const struct qn_slot_ops qn_slot_spread = {
    .bytes = sizeof(struct qn_slot_spread_state),
    .fields = spread_fields,
    .fold = spread_fold,
    .merge = spread_merge,
    .pack = spread_pack,
};
