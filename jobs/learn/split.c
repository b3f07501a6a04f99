#include "jobs/learn/split.h"

#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "flow/value.h"

const char *qn_side_name(enum qn_side side)
{
    static const char *const names[] = {"train", "validation", "test", "calibration"};
    return names[side];
}

uint64_t qn_split_hash(const struct qn_column *key, uint32_t row, uint64_t seed)
{
    if (!qn_is_valid(key, row))
        return qn_hash64("", 0, seed);
    uint64_t value = 0;
    switch (qn_type_layout(key->type)) {
    case QN_LAYOUT_TEXT: {
        struct qn_strv text = qn_text_at(key, row);
        return qn_hash64(text.data ? text.data : "", text.len, seed);
    }
    case QN_LAYOUT_BOOL: value = key->bools[row]; break;
    case QN_LAYOUT_I64: value = (uint64_t)key->i64[row]; break;
    case QN_LAYOUT_F64: {
        double number = key->f64[row] == 0 ? 0 : key->f64[row];
        memcpy(&value, &number, sizeof value);
        break;
    }
    }
    uint8_t bytes[8];
    for (unsigned i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
    return qn_hash64(bytes, sizeof bytes, seed);
}

void qn_split_pack(struct qn_buf *out, const struct qn_split_counts *counts)
{
    uint32_t used = 0;
    for (uint32_t b = 0; b < QN_SPLIT_BUCKETS; b++)
        used += counts->rows[b][0] || counts->rows[b][1];
    qn_buf_put_u32(out, used);
    for (uint32_t b = 0; b < QN_SPLIT_BUCKETS; b++)
        if (counts->rows[b][0] || counts->rows[b][1]) {
            qn_buf_put_u32(out, b);
            qn_buf_put_u64(out, counts->rows[b][0]);
            qn_buf_put_u64(out, counts->rows[b][1]);
        }
}

qn_code qn_split_merge(struct qn_split_counts *counts, struct qn_strv bytes, struct qn_err *err)
{
    struct qn_unpack in = qn_unpack_from(bytes);
    uint32_t used = qn_unpack_count(&in, 20);
    for (uint32_t i = 0; i < used; i++) {
        uint32_t bucket = qn_unpack_u32(&in);
        uint64_t negative = qn_unpack_u64(&in), positive = qn_unpack_u64(&in);
        if (bucket >= QN_SPLIT_BUCKETS || negative > UINT32_MAX || positive > UINT32_MAX) {
            in.failed = true;
            break;
        }
        counts->rows[bucket][0] += negative;
        counts->rows[bucket][1] += positive;
    }
    return qn_unpack_end(&in, "split counts", err);
}

void qn_split_init(struct qn_split *split, double test, double validation, double calibration)
{
    memset(split, 0, sizeof *split);
    split->test = test;
    split->validation = validation;
    split->calibration = calibration;
}

enum qn_side qn_split_bucket_side(const struct qn_split *split, uint32_t bucket)
{
    return (enum qn_side)(split->sides[bucket / 4] >> (2 * (bucket % 4)) & 3);
}

void qn_split_bucket_give(struct qn_split *split, uint32_t bucket, enum qn_side side)
{
    split->sides[bucket / 4] |= (uint8_t)((unsigned)side << (2 * (bucket % 4)));
}

/* Rows by class in free buckets of [begin, end). */
static void rows_between(const struct qn_split *split, const struct qn_split_counts *counts,
                         uint32_t begin, uint32_t end, double rows[2])
{
    rows[0] = rows[1] = 0;
    for (uint32_t b = begin; b < end; b++)
        if (qn_split_bucket_side(split, b) == QN_SIDE_TRAIN) {
            rows[0] += (double)counts->rows[b][0];
            rows[1] += (double)counts->rows[b][1];
        }
}

/* Takes buckets of [begin, end) so that about need[c] of the rows[c] of class c are taken. */
static void take_some(struct qn_split *split, const struct qn_split_counts *counts,
                      enum qn_side side, uint32_t begin, uint32_t end, const double need[2],
                      const double rows[2])
{
    double rate[2], weight[2], behind[2] = {0, 0}; /* behind: rows owed to the side so far */
    for (int c = 0; c < 2; c++) {
        rate[c] = rows[c] > 0 ? need[c] / rows[c] : 0;
        weight[c] = rows[c] > 0 ? 1.0 / rows[c] : 0; /* the rarer class counts for more a row */
    }
    for (uint32_t b = begin; b < end; b++) {
        if (qn_split_bucket_side(split, b) != QN_SIDE_TRAIN)
            continue;
        double without = 0, with = 0;
        for (int c = 0; c < 2; c++) {
            double n = (double)counts->rows[b][c];
            behind[c] += rate[c] * n;
            without += weight[c] * behind[c] * behind[c];
            with += weight[c] * (behind[c] - n) * (behind[c] - n);
        }
        if (with < without) {
            qn_split_bucket_give(split, b, side);
            for (int c = 0; c < 2; c++)
                behind[c] -= (double)counts->rows[b][c];
        }
    }
}

/* Gives `share` of each class to `side`. `place` is where the share would end without
 * stratification: the window is the narrowest one around it (of power-of-two width) that can make
 * up for what the buckets below it lack or have too much of. */
static void deal(struct qn_split *split, const struct qn_split_counts *counts, enum qn_side side,
                 const double want[2], double place)
{
    uint32_t middle = (uint32_t)(place * QN_SPLIT_BUCKETS);
    for (uint32_t half = 1;; half *= 2) {
        uint32_t begin = middle > half ? middle - half : 0;
        uint32_t end = QN_SPLIT_BUCKETS - middle > half ? middle + half : QN_SPLIT_BUCKETS;
        double below[2], inside[2], need[2];
        rows_between(split, counts, 0, begin, below);
        rows_between(split, counts, begin, end, inside);
        bool fits = true;
        for (int c = 0; c < 2; c++) {
            need[c] = want[c] - below[c];
            fits &= need[c] >= 0.25 * inside[c] && need[c] <= 0.75 * inside[c];
        }
        if (!fits && half < QN_SPLIT_BUCKETS)
            continue;
        for (uint32_t b = 0; b < begin; b++)
            if (qn_split_bucket_side(split, b) == QN_SIDE_TRAIN)
                qn_split_bucket_give(split, b, side);
        take_some(split, counts, side, begin, end, need, inside);
        return;
    }
}

void qn_split_stratify(struct qn_split *split, const struct qn_split_counts *counts)
{
    memset(split->sides, 0, sizeof split->sides);
    split->stratified = true;
    double rows[2], want[2];
    rows_between(split, counts, 0, QN_SPLIT_BUCKETS, rows);
    static const enum qn_side order[] = {QN_SIDE_TEST, QN_SIDE_VALIDATION, QN_SIDE_CALIBRATION};
    const double shares[] = {split->test, split->validation, split->calibration};
    double place = 0;
    for (int i = 0; i < 3; i++) {
        place += shares[i];
        if (shares[i] <= 0)
            continue;
        for (int c = 0; c < 2; c++)
            want[c] = shares[i] * rows[c];
        deal(split, counts, order[i], want, place);
    }
}

enum qn_side qn_split_side(const struct qn_split *split, uint64_t hash)
{
    if (split->stratified)
        return qn_split_bucket_side(split, (uint32_t)(hash >> 48));
    double u = (double)(hash >> 11) * 0x1p-53;
    if (u < split->test)
        return QN_SIDE_TEST;
    if (u < split->test + split->validation)
        return QN_SIDE_VALIDATION;
    return u < split->test + split->validation + split->calibration ? QN_SIDE_CALIBRATION
                                                                    : QN_SIDE_TRAIN;
}

/* --- time and values -------------------------------------------------------------------------- */

static const int64_t day_us = INT64_C(86400000000);

static bool parse_moment(struct qn_strv text, int64_t *micros)
{
    int64_t days;
    if (qn_parse_timestamp(text, micros))
        return true;
    if (!qn_parse_date(text, &days))
        return false;
    *micros = days * day_us;
    return true;
}

bool qn_split_time_parse(struct qn_type type, struct qn_strv text, int64_t *out)
{
    switch ((enum qn_type_id)type.id) {
    case QN_DATE: return qn_parse_date(text, out);
    case QN_TIMESTAMP:
    case QN_TEXT: return parse_moment(text, out);
    case QN_INT64: return qn_strv_to_i64(text, out);
    case QN_BOOL:
    case QN_DOUBLE:
    case QN_DECIMAL: break;
    }
    return false;
}

size_t qn_split_time_format(struct qn_type type, int64_t time, char *out)
{
    return type.id == QN_DATE    ? qn_format_date(time, out)
           : type.id == QN_INT64 ? qn_format_i64(time, out)
                                 : qn_format_timestamp(time, out);
}

bool qn_split_time(const struct qn_column *column, uint32_t row, int64_t *out)
{
    if (!qn_is_valid(column, row))
        return false;
    if (column->type.id == QN_TEXT)
        return parse_moment(qn_text_at(column, row), out);
    if (qn_type_layout(column->type) != QN_LAYOUT_I64)
        return false;
    *out = column->i64[row];
    return true;
}

struct qn_strv qn_split_text(const struct qn_column *column, uint32_t row, char *out)
{
    size_t n = 0;
    switch ((enum qn_type_id)column->type.id) {
    case QN_TEXT: return qn_text_at(column, row);
    case QN_BOOL: return qn_strv_from(column->bools[row] ? "true" : "false");
    case QN_DOUBLE: n = qn_format_double(column->f64[row], out); break;
    case QN_INT64: n = qn_format_i64(column->i64[row], out); break;
    case QN_DECIMAL: n = qn_format_decimal(column->i64[row], column->type.scale, out); break;
    case QN_DATE: n = qn_format_date(column->i64[row], out); break;
    case QN_TIMESTAMP: n = qn_format_timestamp(column->i64[row], out); break;
    }
    return (struct qn_strv){out, n};
}

static enum qn_side side_of_time(const struct qn_split *split, int64_t time)
{
    static const enum qn_side latest_first[] = {QN_SIDE_TEST, QN_SIDE_CALIBRATION,
                                                QN_SIDE_VALIDATION};
    for (int i = 0; i < 3; i++)
        if (split->begins[latest_first[i]] && time >= split->from[latest_first[i]])
            return latest_first[i];
    return QN_SIDE_TRAIN;
}

static enum qn_side side_of_value(const struct qn_split *split, struct qn_strv text)
{
    for (int side = 0; side < QN_N_SIDES; side++)
        for (uint32_t i = 0; i < split->values[side].n; i++)
            if (qn_strv_eq(split->values[side].items[i], text))
                return (enum qn_side)side;
    return split->rest_trains ? QN_SIDE_TRAIN : QN_SIDE_NONE;
}

enum qn_side qn_split_deal(const struct qn_split *split, const struct qn_column *column,
                           uint32_t row, uint64_t seed)
{
    int64_t time;
    char text[QN_VALUE_TEXT];
    switch (split->method) {
    case QN_SPLIT_TIME:
        return qn_split_time(column, row, &time) ? side_of_time(split, time) : QN_SIDE_NONE;
    case QN_SPLIT_COLUMN:
        return qn_is_valid(column, row) ? side_of_value(split, qn_split_text(column, row, text))
                                        : QN_SIDE_NONE;
    case QN_SPLIT_HASH: break;
    }
    return qn_split_side(split, qn_split_hash(column, row, seed));
}

bool qn_split_holds(const struct qn_split *split, enum qn_side side)
{
    const double shares[QN_N_SIDES] = {[QN_SIDE_TRAIN] = 1,
                                       [QN_SIDE_TEST] = split->test,
                                       [QN_SIDE_VALIDATION] = split->validation,
                                       [QN_SIDE_CALIBRATION] = split->calibration};
    return side == QN_SIDE_TRAIN || shares[side] > 0 || split->begins[side] ||
           split->values[side].n > 0;
}

/* --- state ------------------------------------------------------------------------------------ */

void qn_split_state_pack(struct qn_buf *out, const struct qn_split *split)
{
    qn_buf_put_f64(out, split->test);
    qn_buf_put_f64(out, split->validation);
    qn_buf_put_f64(out, split->calibration);
    qn_buf_put_u8(out, split->stratified);
    if (split->stratified)
        qn_buf_put(out, split->sides, sizeof split->sides);
}

qn_code qn_split_state_unpack(struct qn_strv bytes, struct qn_split *split, struct qn_err *err)
{
    struct qn_unpack in = qn_unpack_from(bytes);
    double test = qn_unpack_f64(&in), validation = qn_unpack_f64(&in);
    double calibration = qn_unpack_f64(&in);
    uint8_t stratified = qn_unpack_u8(&in);
    if (!(test >= 0 && validation >= 0 && calibration >= 0 &&
          test + validation + calibration < 1) ||
        stratified > 1)
        in.failed = true;
    qn_split_init(split, test, validation, calibration);
    split->stratified = stratified == 1;
    if (split->stratified) {
        struct qn_strv sides = qn_unpack_bytes(&in, sizeof split->sides);
        for (size_t i = 0; i < sides.len; i++) {
            uint8_t four = (uint8_t)sides.data[i];
            split->sides[i] = four;
        }
    }
    return qn_unpack_end(&in, "split state", err);
}
