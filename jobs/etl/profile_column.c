#include "jobs/etl/profile_column.h"

#include <math.h>
#include <string.h>

#include "jobs/etl/keys.h"

void qn_column_profile_init(struct qn_column_profile *profile, struct qn_type type, uint32_t most)
{
    *profile = (struct qn_column_profile){0};
    qn_values_init(&profile->values, type, most);
}

void qn_column_profile_fini(struct qn_column_profile *profile)
{
    qn_values_fini(&profile->values);
    qn_buf_fini(&profile->min_text);
    qn_buf_fini(&profile->max_text);
}

/* The present values side by side; the column's own when none is missing. */
static const int64_t *gather(const struct qn_column *column, uint32_t n_rows,
                             struct qn_profile_room *room, uint32_t *n)
{
    *n = n_rows;
    if (!column->validity)
        return column->i64;
    *n = 0;
    for (uint32_t row = 0; row < n_rows; row++) {
        room->values[*n] = column->i64[row];
        *n += qn_is_valid(column, row);
    }
    return room->values;
}

/* Hashes of values, which are the values' bits, into the distinct ones. */
static qn_code add_values(struct qn_values *out, const int64_t *values, const uint64_t *hashes,
                          uint32_t n, struct qn_err *err)
{
    uint32_t i = 0;
    for (; i < n && qn_sketch_is_exact(&out->sketch); i++) {
        struct qn_cell cell = {.valid = true, .i64 = values[i]};
        QN_TRY(qn_values_add(out, hashes[i], 1, cell, err));
    }
    for (; i < n; i++)
        qn_sketch_register(&out->sketch, hashes[i]);
    return QN_OK;
}

/* --- integers -------------------------------------------------------------------------------- */

static void widen_i64(struct qn_column_profile *out, int64_t min, int64_t max)
{
    if (!out->any || min < out->min_i64)
        out->min_i64 = min;
    if (!out->any || max > out->max_i64)
        out->max_i64 = max;
    out->any = true;
}

/* Values between min and min + width: counted first, so that each is hashed once. */
static qn_code count_i64(struct qn_values *out, const int64_t *values, uint32_t n, int64_t min,
                         uint32_t width, uint32_t *counts, struct qn_err *err)
{
    for (uint32_t i = 0; i < n; i++)
        counts[(uint64_t)values[i] - (uint64_t)min]++;
    for (uint32_t at = 0; at <= width; at++) {
        uint32_t times = counts[at];
        counts[at] = 0;
        struct qn_cell cell = {.valid = true, .i64 = min + at};
        if (times)
            QN_TRY(qn_values_add(out, qn_hash_u64((uint64_t)cell.i64), times, cell, err));
    }
    return QN_OK;
}

static uint64_t magnitude(int64_t value)
{
    return value < 0 ? -(uint64_t)value : (uint64_t)value;
}

static qn_code add_i64(struct qn_column_profile *out, const struct qn_column *column,
                       uint32_t n_rows, struct qn_profile_room *room, struct qn_arena *arena,
                       struct qn_err *err)
{
    uint32_t n;
    const int64_t *values = gather(column, n_rows, room, &n);
    int64_t min = INT64_MAX, max = INT64_MIN;
    for (uint32_t i = 0; i < n; i++) {
        min = values[i] < min ? values[i] : min;
        max = values[i] > max ? values[i] : max;
    }
    if (n == 0)
        return QN_OK;
    widen_i64(out, min, max);
    uint64_t width = (uint64_t)max - (uint64_t)min;
    if (width < QN_PROFILE_COUNTS && width < n) {
        QN_TRY(count_i64(&out->values, values, n, min, (uint32_t)width, room->counts, err));
    } else {
        for (uint32_t i = 0; i < n; i++)
            room->hashes[i] = qn_hash_u64((uint64_t)values[i]);
        QN_TRY(add_values(&out->values, values, room->hashes, n, err));
    }
    if (!qn_type_is_numeric(column->type))
        return QN_OK;
    uint64_t low = magnitude(min), high = magnitude(max);
    return qn_moments_add_i64(&out->moments, values, n, low > high ? low : high, arena, err);
}

static qn_code add_bool(struct qn_column_profile *out, const struct qn_column *column,
                        uint32_t n_rows, struct qn_err *err)
{
    uint32_t times[2] = {0, 0};
    for (uint32_t row = 0; row < n_rows; row++)
        times[column->bools[row] != 0] += qn_is_valid(column, row);
    for (int value = 0; value < 2; value++) {
        if (!times[value])
            continue;
        struct qn_cell cell = {.valid = true, .i64 = value};
        widen_i64(out, value, value);
        QN_TRY(qn_values_add(&out->values, qn_hash_u64((uint64_t)value), times[value], cell, err));
    }
    return QN_OK;
}

/* --- doubles --------------------------------------------------------------------------------- */

static void widen_f64(struct qn_column_profile *out, double min, double max)
{
    if (!out->any || min < out->min_f64)
        out->min_f64 = min;
    if (!out->any || max > out->max_f64)
        out->max_f64 = max;
    out->any = true;
}

static qn_code add_f64(struct qn_column_profile *out, const struct qn_column *column,
                       uint32_t n_rows, struct qn_profile_room *room, struct qn_arena *arena,
                       struct qn_err *err)
{
    uint32_t n;
    const int64_t *values = gather(column, n_rows, room, &n);
    double min = HUGE_VAL, max = -HUGE_VAL;
    for (uint32_t i = 0; i < n; i++) {
        double x;
        memcpy(&x, &values[i], sizeof x);
        x += 0.0; /* -0.0 becomes 0.0 */
        memcpy(&room->values[i], &x, sizeof x);
        min = x < min ? x : min;
        max = x > max ? x : max;
        room->hashes[i] = qn_hash_u64((uint64_t)room->values[i]);
    }
    if (n == 0)
        return QN_OK;
    widen_f64(out, min, max);
    QN_TRY(qn_moments_add_f64(&out->moments, room->values, n, room->moments, arena, err));
    return add_values(&out->values, room->values, room->hashes, n, err);
}

/* --- texts ----------------------------------------------------------------------------------- */

/* First 8 bytes, so that integers compare as the texts do, as far as they go. */
static uint64_t text_head(struct qn_strv text)
{
    return __builtin_bswap64(qn_text_word(text));
}

static void set_text(struct qn_buf *buf, struct qn_strv text)
{
    qn_buf_clear(buf);
    qn_buf_put(buf, text.data, text.len);
}

static bool is_less(struct qn_strv a, uint64_t head_a, struct qn_strv b, uint64_t head_b)
{
    return head_a != head_b ? head_a < head_b : qn_strv_cmp(a, b) < 0;
}

static void widen_text(struct qn_column_profile *out, struct qn_strv min, struct qn_strv max)
{
    uint64_t min_head = text_head(min), max_head = text_head(max);
    if (!out->any || is_less(min, min_head, qn_buf_strv(&out->min_text), out->min_head)) {
        set_text(&out->min_text, min);
        out->min_head = min_head;
    }
    if (!out->any || is_less(qn_buf_strv(&out->max_text), out->max_head, max, max_head)) {
        set_text(&out->max_text, max);
        out->max_head = max_head;
    }
    out->any = true;
}

/* Texts that come from a dictionary: counted first, so that each is looked at once. */
static qn_code add_coded(struct qn_column_profile *out, const struct qn_column *column,
                         uint32_t n_rows, uint32_t *counts, struct qn_err *err)
{
    const struct qn_dictionary *dictionary = column->dictionary;
    for (uint32_t row = 0; row < n_rows; row++)
        counts[column->codes[row]]++;
    counts[QN_CODE_NULL] = 0;
    for (uint32_t code = 0; code < dictionary->n; code++) {
        struct qn_cell cell = {.valid = true, .text = dictionary->texts[code]};
        uint32_t times = counts[code];
        counts[code] = 0;
        if (!times)
            continue;
        widen_text(out, cell.text, cell.text);
        QN_TRY(qn_values_add(&out->values, qn_hash_text(cell.text), times, cell, err));
    }
    return QN_OK;
}

static qn_code add_texts(struct qn_column_profile *out, const struct qn_column *column,
                         uint32_t n_rows, struct qn_profile_room *room, struct qn_err *err)
{
    struct qn_strv min = {0}, max = {0};
    uint64_t min_head = 0, max_head = 0;
    uint32_t n = 0, seen = 0;
    for (uint32_t row = 0; row < n_rows; row++) {
        if (!qn_is_valid(column, row))
            continue;
        struct qn_strv text = qn_text_at(column, row);
        uint64_t word = qn_text_word(text), head = __builtin_bswap64(word);
        uint64_t hash = qn_hash_text_word(text, word);
        if (!seen || is_less(text, head, min, min_head)) {
            min = text;
            min_head = head;
        }
        if (!seen++ || is_less(max, max_head, text, head)) {
            max = text;
            max_head = head;
        }
        struct qn_cell cell = {.valid = true, .text = text};
        if (qn_sketch_is_exact(&out->values.sketch))
            QN_TRY(qn_values_add(&out->values, hash, 1, cell, err));
        else
            room->hashes[n++] = hash;
    }
    for (uint32_t i = 0; i < n; i++)
        qn_sketch_register(&out->values.sketch, room->hashes[i]);
    if (seen)
        widen_text(out, min, max);
    return QN_OK;
}

static qn_code add_text(struct qn_column_profile *out, const struct qn_column *column,
                        uint32_t n_rows, struct qn_profile_room *room, struct qn_err *err)
{
    if (column->codes && column->dictionary->n <= n_rows)
        QN_TRY(add_coded(out, column, n_rows, room->counts, err));
    else
        QN_TRY(add_texts(out, column, n_rows, room, err));
    bool failed = out->min_text.failed || out->max_text.failed;
    return failed ? qn_err_nomem(err, "a profile") : QN_OK;
}

qn_code qn_column_profile_add(struct qn_column_profile *profile, const struct qn_column *column,
                              uint32_t n_rows, struct qn_profile_room *room, struct qn_arena *arena,
                              struct qn_err *err)
{
    profile->nulls += n_rows - qn_column_count_valid(column, n_rows);
    switch (qn_type_layout(column->type)) {
    case QN_LAYOUT_BOOL: return add_bool(profile, column, n_rows, err);
    case QN_LAYOUT_I64: return add_i64(profile, column, n_rows, room, arena, err);
    case QN_LAYOUT_F64: return add_f64(profile, column, n_rows, room, arena, err);
    case QN_LAYOUT_TEXT: return add_text(profile, column, n_rows, room, err);
    }
    return QN_OK;
}

/* --- partials -------------------------------------------------------------------------------- */

void qn_column_profile_pack(const struct qn_column_profile *profile, struct qn_type type,
                            struct qn_buf *buf)
{
    qn_buf_put_u64(buf, profile->nulls);
    qn_buf_put_u64(buf, profile->imputed);
    struct qn_cell min = {.valid = profile->any}, max = {.valid = profile->any};
    if (type.id == QN_TEXT) {
        min.text = qn_buf_strv(&profile->min_text);
        max.text = qn_buf_strv(&profile->max_text);
    } else { /* doubles as their bits */
        min.i64 = profile->min_i64;
        max.i64 = profile->max_i64;
    }
    qn_cell_pack(buf, type, min);
    qn_cell_pack(buf, type, max);
    if (qn_type_is_numeric(type))
        qn_moments_pack(&profile->moments, type, buf);
    qn_values_pack(&profile->values, buf);
}

qn_code qn_column_profile_merge(struct qn_column_profile *profile, struct qn_type type,
                                struct qn_unpack *in, struct qn_arena *arena, struct qn_err *err)
{
    profile->nulls += qn_unpack_u64(in);
    profile->imputed += qn_unpack_u64(in);
    struct qn_cell min = qn_cell_unpack(in, type), max = qn_cell_unpack(in, type);
    in->failed |= min.valid != max.valid;
    if (in->failed)
        return QN_OK;
    if (min.valid) {
        switch (qn_type_layout(type)) {
        case QN_LAYOUT_TEXT: widen_text(profile, min.text, max.text); break;
        case QN_LAYOUT_F64: widen_f64(profile, min.f64, max.f64); break;
        default: widen_i64(profile, min.i64, max.i64); break;
        }
    }
    if (profile->min_text.failed || profile->max_text.failed)
        return qn_err_nomem(err, "a profile");
    if (qn_type_is_numeric(type))
        QN_TRY(qn_moments_merge(&profile->moments, type, in, arena, err));
    return in->failed ? QN_OK : qn_values_merge(&profile->values, in, err);
}
