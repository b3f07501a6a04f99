#include "flow/bounds.h"

#include <math.h>
#include <string.h>

void qn_bounds_init(struct qn_bounds *bounds)
{
    *bounds = (struct qn_bounds){0};
}

static struct qn_strv text_of(const struct qn_bound_text *bound)
{
    return (struct qn_strv){bound->data, bound->len};
}

/* --- one value more -------------------------------------------------------------------------- */

static void add_i64(struct qn_bounds *bounds, int64_t value)
{
    if (!bounds->some || value < bounds->min_i64)
        bounds->min_i64 = value;
    if (!bounds->some || value > bounds->max_i64)
        bounds->max_i64 = value;
    bounds->some = true;
}

/* A NaN is neither less nor greater than anything. */
static void add_f64(struct qn_bounds *bounds, double value)
{
    if (isnan(value)) {
        bounds->unordered = true;
        return;
    }
    value += 0.0; /* of both zeros the one without a sign */
    if (!bounds->some || value < bounds->min_f64)
        bounds->min_f64 = value;
    if (!bounds->some || value > bounds->max_f64)
        bounds->max_f64 = value;
    bounds->some = true;
}

static void set_text(struct qn_bound_text *bound, struct qn_strv text)
{
    bound->len = (uint8_t)(text.len < QN_BOUND_TEXT ? text.len : QN_BOUND_TEXT);
    if (bound->len)
        memcpy(bound->data, text.data, bound->len);
}

static struct qn_strv cut(struct qn_strv text)
{
    return (struct qn_strv){text.data, text.len < QN_BOUND_TEXT ? text.len : QN_BOUND_TEXT};
}

/* Two texts that begin alike for as long as they are kept count as equal, and as cut. */
static void add_text(struct qn_bounds *bounds, struct qn_strv text, bool is_cut)
{
    struct qn_strv kept = cut(text);
    int order = bounds->some ? qn_strv_cmp(kept, text_of(&bounds->max_text)) : 1;
    if (!bounds->some || qn_strv_cmp(kept, text_of(&bounds->min_text)) < 0)
        set_text(&bounds->min_text, kept);
    if (order > 0) {
        set_text(&bounds->max_text, kept);
        bounds->max_cut = is_cut;
    } else if (order == 0) {
        bounds->max_cut |= is_cut;
    }
    bounds->some = true;
}

/* --- a column more --------------------------------------------------------------------------- */

/* Without NULLs: a loop that needs no decision per value. */
static void add_all_i64(struct qn_bounds *bounds, const int64_t *values, uint32_t n)
{
    int64_t least = values[0], greatest = values[0];
    for (uint32_t i = 1; i < n; i++) {
        least = values[i] < least ? values[i] : least;
        greatest = values[i] > greatest ? values[i] : greatest;
    }
    add_i64(bounds, least);
    add_i64(bounds, greatest);
}

/* The first eight bytes as a number in their order. */
static uint64_t front(const struct qn_column *column, uint32_t row)
{
    uint32_t at = column->offsets[row], end = column->offsets[row + 1], len = end - at;
    uint64_t word = 0;
    if (len >= 8)
        memcpy(&word, column->bytes + at, 8);
    else if (end >= 8 && len)
        memcpy(&word, column->bytes + end - 8, 8);
    else if (len)
        memcpy(&word, column->bytes + at, len);
    word = __builtin_bswap64(word);
    return len && len < 8 && end >= 8 ? word << (64 - 8 * len) : word;
}

/* Most texts are told from the least and the greatest by their fronts. Those that repeat the one
 * before them, as most of a sorted column, are not looked at. */
static void add_texts(struct qn_bounds *bounds, const struct qn_column *column, uint32_t n_rows)
{
    const uint16_t *codes = column->codes;
    uint64_t low = UINT64_MAX, high = 0;
    struct qn_strv least = {0}, greatest = {0};
    bool some = false;
    for (uint32_t row = 0; row < n_rows; row++) {
        if (!qn_is_valid(column, row)) {
            bounds->nulls++;
            continue;
        }
        if (codes && row && codes[row] == codes[row - 1])
            continue;
        uint64_t word = front(column, row);
        if (some && word > low && word < high)
            continue;
        struct qn_strv text = qn_text_at(column, row);
        if (!some || word > high || (word == high && qn_strv_cmp(text, greatest) > 0)) {
            greatest = text;
            high = word;
        }
        if (!some || word < low || (word == low && qn_strv_cmp(text, least) < 0)) {
            least = text;
            low = word;
        }
        some = true;
    }
    if (some) {
        add_text(bounds, least, least.len > QN_BOUND_TEXT);
        add_text(bounds, greatest, greatest.len > QN_BOUND_TEXT);
    }
}

static void add_row(struct qn_bounds *bounds, const struct qn_column *column, uint32_t row)
{
    if (!qn_is_valid(column, row)) {
        bounds->nulls++;
        return;
    }
    switch (qn_type_layout(column->type)) {
    case QN_LAYOUT_BOOL: add_i64(bounds, column->bools[row]); break;
    case QN_LAYOUT_I64: add_i64(bounds, column->i64[row]); break;
    case QN_LAYOUT_F64: add_f64(bounds, column->f64[row]); break;
    case QN_LAYOUT_TEXT: break; /* all at once */
    }
}

void qn_bounds_add(struct qn_bounds *bounds, const struct qn_column *column, uint32_t n_rows)
{
    enum qn_layout layout = qn_type_layout(column->type);
    if (layout == QN_LAYOUT_TEXT)
        add_texts(bounds, column, n_rows);
    else if (layout == QN_LAYOUT_I64 && !column->validity && n_rows)
        add_all_i64(bounds, column->i64, n_rows);
    else
        for (uint32_t row = 0; row < n_rows; row++)
            add_row(bounds, column, row);
}

void qn_bounds_merge(struct qn_bounds *bounds, struct qn_type type, const struct qn_bounds *more)
{
    bounds->nulls += more->nulls;
    bounds->unordered |= more->unordered;
    if (!more->some)
        return;
    switch (qn_type_layout(type)) {
    case QN_LAYOUT_BOOL:
    case QN_LAYOUT_I64:
        add_i64(bounds, more->min_i64);
        add_i64(bounds, more->max_i64);
        break;
    case QN_LAYOUT_F64:
        add_f64(bounds, more->min_f64);
        add_f64(bounds, more->max_f64);
        break;
    case QN_LAYOUT_TEXT:
        add_text(bounds, text_of(&more->max_text), more->max_cut);
        if (qn_strv_cmp(text_of(&more->min_text), text_of(&bounds->min_text)) < 0)
            bounds->min_text = more->min_text;
        break;
    }
}

/* --- as text --------------------------------------------------------------------------------- */

static void put_value(struct qn_type type, int64_t i64, double f64,
                      const struct qn_bound_text *text, struct qn_buf *out)
{
    uint8_t flag = i64 != 0;
    uint32_t offsets[2] = {0, text->len};
    char bytes[QN_BOUND_TEXT];
    struct qn_column column = {.type = type};
    switch (qn_type_layout(type)) {
    case QN_LAYOUT_BOOL: column.bools = &flag; break;
    case QN_LAYOUT_I64: column.i64 = &i64; break;
    case QN_LAYOUT_F64: column.f64 = &f64; break;
    case QN_LAYOUT_TEXT:
        memcpy(bytes, text->data, text->len);
        offsets[1] = (uint32_t)qn_utf8_prefix(text_of(text)); /* whole characters */
        column.bytes = bytes;
        column.offsets = offsets;
        break;
    }
    qn_value_format(out, &column, 0);
}

bool qn_bounds_min(const struct qn_bounds *bounds, struct qn_type type, struct qn_buf *out)
{
    if (!bounds->some || bounds->unordered)
        return false;
    put_value(type, bounds->min_i64, bounds->min_f64, &bounds->min_text, out);
    return true;
}

bool qn_bounds_max(const struct qn_bounds *bounds, struct qn_type type, struct qn_buf *out)
{
    if (!bounds->some || bounds->unordered || bounds->max_cut)
        return false;
    put_value(type, bounds->max_i64, bounds->max_f64, &bounds->max_text, out);
    return true;
}

/* --- as bytes -------------------------------------------------------------------------------- */

enum { SOME = 1, UNORDERED = 2, MAX_CUT = 4 };

void qn_bounds_pack(const struct qn_bounds *bounds, struct qn_type type, struct qn_buf *out)
{
    qn_buf_put_u64(out, bounds->nulls);
    qn_buf_put_u8(out, (uint8_t)((bounds->some ? SOME : 0) | (bounds->unordered ? UNORDERED : 0) |
                                 (bounds->max_cut ? MAX_CUT : 0)));
    if (!bounds->some)
        return;
    switch (qn_type_layout(type)) {
    case QN_LAYOUT_BOOL:
    case QN_LAYOUT_I64:
        qn_buf_put_i64(out, bounds->min_i64);
        qn_buf_put_i64(out, bounds->max_i64);
        break;
    case QN_LAYOUT_F64:
        qn_buf_put_f64(out, bounds->min_f64);
        qn_buf_put_f64(out, bounds->max_f64);
        break;
    case QN_LAYOUT_TEXT:
        qn_buf_put_str(out, text_of(&bounds->min_text));
        qn_buf_put_str(out, text_of(&bounds->max_text));
        break;
    }
}

static void unpack_text(struct qn_unpack *in, struct qn_bound_text *out)
{
    struct qn_strv text = qn_unpack_str(in);
    if (text.len > QN_BOUND_TEXT)
        in->failed = true;
    else
        set_text(out, text);
}

void qn_bounds_unpack(struct qn_unpack *in, struct qn_type type, struct qn_bounds *out)
{
    qn_bounds_init(out);
    out->nulls = qn_unpack_u64(in);
    uint8_t flags = qn_unpack_u8(in);
    out->some = flags & SOME;
    out->unordered = flags & UNORDERED;
    out->max_cut = flags & MAX_CUT;
    if (!out->some)
        return;
    switch (qn_type_layout(type)) {
    case QN_LAYOUT_BOOL:
    case QN_LAYOUT_I64:
        out->min_i64 = qn_unpack_i64(in);
        out->max_i64 = qn_unpack_i64(in);
        break;
    case QN_LAYOUT_F64:
        out->min_f64 = qn_unpack_f64(in);
        out->max_f64 = qn_unpack_f64(in);
        break;
    case QN_LAYOUT_TEXT:
        unpack_text(in, &out->min_text);
        unpack_text(in, &out->max_text);
        break;
    }
}
