#include "jobs/learn/guard.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "jobs/learn/guard_internal.h"
#include "jobs/learn/numeric.h"
#include "jobs/learn/rank.h"

/* Rows that are looked at: fewer of many features, so that a partial stays small. */
static uint32_t rows_kept(uint32_t n_features)
{
    uint32_t n = CELLS_KEPT / (n_features ? n_features : 1);
    return n > ROWS_KEPT ? ROWS_KEPT : n < ROWS_KEPT_LEAST ? ROWS_KEPT_LEAST : n;
}

qn_code qn_guard_new(const struct qn_guard_plan *plan, struct qn_guard **out, struct qn_err *err)
{
    struct qn_guard *guard = calloc(1, sizeof *guard);
    *out = guard;
    if (!guard)
        return qn_err_nomem(err, "the guards");
    size_t n = plan->n_features + (size_t)1;
    guard->plan = plan;
    guard->width = plan->n_features + 2;
    guard->k = rows_kept(plan->n_features);
    guard->highest = UINT64_MAX;
    guard->runs = calloc(n, sizeof *guard->runs);
    guard->names = calloc(n, sizeof *guard->names);
    guard->late = calloc(plan->n_dates + (size_t)1, sizeof *guard->late);
    qn_twins_init(&guard->twins);
    qn_twins_init(&guard->keys);
    for (uint32_t f = 0; guard->names && f < plan->n_features; f++)
        guard->names[f] = qn_guard_is_called_id(plan->features[f].name);
    if (guard->runs && guard->names && guard->late)
        return QN_OK;
    qn_guard_free(guard);
    *out = NULL;
    return qn_err_nomem(err, "the guards");
}

void qn_guard_free(struct qn_guard *guard)
{
    if (!guard)
        return;
    for (uint32_t i = 0; guard->late && i < guard->plan->n_dates; i++)
        free(guard->late[i].key);
    free(guard->late);
    free(guard->runs);
    free(guard->names);
    free(guard->cells);
    free(guard->numbers);
    qn_twins_fini(&guard->twins);
    qn_twins_fini(&guard->keys);
    free(guard);
}

/* --- the sample of rows ----------------------------------------------------------------------- */

/* Rows of one key are told apart by what they hold. */
static int by_cells(const void *a, const void *b, void *context)
{
    const struct qn_guard *guard = context;
    const uint64_t *x = qn_guard_row(guard, *(const uint32_t *)a);
    const uint64_t *y = qn_guard_row(guard, *(const uint32_t *)b);
    for (uint32_t i = 0; i < guard->width; i++)
        if (x[i] != y[i])
            return x[i] < y[i] ? -1 : 1;
    return 0;
}

/* Positions of rows by hash, then by all else. */
static qn_code rank_rows(struct qn_guard *guard, uint32_t *order, struct qn_err *err)
{
    QN_TRY(qn_rank_words(guard->cells, guard->width, guard->n, order, err));
    for (uint32_t i = 0, end; i < guard->n; i = end) {
        uint64_t hash = qn_guard_row(guard, order[i])[CELL_HASH];
        for (end = i + 1; end < guard->n && qn_guard_row(guard, order[end])[CELL_HASH] == hash;)
            end++;
        if (end - i > 1)
            qsort_r(order + i, end - i, sizeof *order, by_cells, guard);
    }
    return QN_OK;
}

qn_code qn_guard_settle(struct qn_guard *guard, struct qn_err *err)
{
    uint32_t kept = guard->n < guard->k ? guard->n : guard->k, capacity = 2 * guard->k;
    size_t row_bytes = guard->width * sizeof *guard->cells;
    uint32_t *order = malloc((guard->n + (size_t)1) * sizeof *order);
    uint64_t *cells = malloc(capacity * row_bytes);
    qn_code code = order && cells ? QN_OK : qn_err_nomem(err, "the guards");
    if (code == QN_OK)
        code = rank_rows(guard, order, err);
    for (uint32_t i = 0; code == QN_OK && i < kept; i++)
        memcpy(cells + (size_t)i * guard->width, qn_guard_row(guard, order[i]), row_bytes);
    free(order);
    if (code != QN_OK) {
        free(cells);
        return code;
    }
    free(guard->cells);
    guard->cells = cells;
    guard->capacity = capacity;
    guard->n = kept;
    guard->highest = kept == guard->k ? qn_guard_row(guard, kept - 1)[CELL_HASH] : UINT64_MAX;
    return QN_OK;
}

/* Room for one row more. */
static qn_code new_row(struct qn_guard *guard, uint64_t **row, struct qn_err *err)
{
    if (guard->n == 2 * guard->k)
        QN_TRY(qn_guard_settle(guard, err));
    if (guard->n == guard->capacity) {
        uint32_t capacity = guard->capacity ? 2 * guard->capacity : 256;
        uint64_t *cells =
            realloc(guard->cells, (size_t)capacity * guard->width * sizeof *guard->cells);
        if (!cells)
            return qn_err_nomem(err, "the guards");
        guard->cells = cells;
        guard->capacity = capacity;
    }
    *row = guard->cells + (size_t)guard->n++ * guard->width;
    return QN_OK;
}

/* --- adding ----------------------------------------------------------------------------------- */

static void add_run(struct run *run, int64_t value)
{
    if (run->rows == 0)
        *run = (struct run){.first = value, .rising = true, .falling = true};
    else {
        run->rising &= value > run->last;
        run->falling &= value < run->last;
    }
    run->last = value;
    run->rows++;
}

/* A feature's value as a word: a number's bits, or a text's hash; QN_GUARD_NONE: missing. */
static uint64_t word_of(const struct qn_guard *guard, const struct qn_guard_rows *rows,
                        uint32_t feature, uint32_t i)
{
    const struct qn_column *column = rows->features[feature];
    uint64_t word;
    if (!qn_is_valid(column, rows->rows[i]))
        return QN_GUARD_NONE;
    if (guard->plan->features[feature].categorical) {
        struct qn_strv text = qn_text_at(column, rows->rows[i]);
        return qn_hash64(text.data ? text.data : "", text.len, 1) >> 1;
    }
    double number = guard->numbers[(size_t)feature * guard->n_numbers + i];
    number = number == 0 ? 0 : number;
    memcpy(&word, &number, sizeof word);
    return word;
}

static qn_code take_numbers(struct qn_guard *guard, const struct qn_guard_rows *rows,
                            struct qn_err *err)
{
    const struct qn_guard_plan *plan = guard->plan;
    if (rows->n > guard->n_numbers) {
        double *numbers =
            realloc(guard->numbers, ((size_t)plan->n_features * rows->n + 1) * sizeof *numbers);
        if (!numbers)
            return qn_err_nomem(err, "the guards");
        guard->numbers = numbers;
        guard->n_numbers = rows->n;
    }
    for (uint32_t f = 0; f < plan->n_features; f++)
        if (!plan->features[f].categorical)
            QN_TRY(qn_numeric_take(rows->features[f], plan->features[f].name, rows->rows, rows->n,
                                   guard->numbers + (size_t)f * guard->n_numbers, err));
    return QN_OK;
}

/* What twins have in common: all features but names, and times, which each may have its own of. */
static uint64_t vector_of(const struct qn_guard *guard, const struct qn_guard_rows *rows,
                          const uint64_t *values, uint32_t i)
{
    uint64_t vector = 2;
    for (uint32_t f = 0; f < guard->plan->n_features; f++) {
        enum qn_type_id type = guard->plan->features[f].type.id;
        bool text = guard->plan->features[f].categorical && values[f] != QN_GUARD_NONE;
        if (!guard->names[f] && type != QN_DATE && type != QN_TIMESTAMP &&
            !(text && qn_guard_is_id_text(qn_text_at(rows->features[f], rows->rows[i]))))
            vector = qn_mix64(vector ^ values[f]) + f;
    }
    return qn_mix64(vector);
}

static qn_code add_row(struct qn_guard *guard, const struct qn_guard_rows *rows, uint32_t i,
                       struct qn_buf *key, struct qn_err *err)
{
    const struct qn_guard_plan *plan = guard->plan;
    uint64_t *row;
    QN_TRY(new_row(guard, &row, err));
    uint64_t *values = row + CELL_VALUES;
    row[CELL_HASH] = rows->hashes[i];
    row[CELL_LABEL] = rows->labels[i];
    for (uint32_t f = 0; f < plan->n_features; f++)
        values[f] = word_of(guard, rows, f, i);
    bool training = rows->sides[i] == QN_SIDE_TRAIN;
    for (uint32_t f = 0; training && f < plan->n_features; f++)
        if (plan->features[f].type.id == QN_INT64 && values[f] != QN_GUARD_NONE)
            add_run(&guard->runs[f], rows->features[f]->i64[rows->rows[i]]);
    bool wanted = training && row[CELL_HASH] <= guard->highest;
    guard->n -= !wanted; /* the row goes again */
    uint64_t vector = vector_of(guard, rows, values, i);
    bool twin = qn_twins_wants(&guard->twins, vector);
    bool watched = plan->watch_keys && qn_twins_wants(&guard->keys, rows->hashes[i]);
    if (!twin && !watched)
        return QN_OK;
    qn_buf_clear(key);
    qn_value_format(key, rows->key, rows->rows[i]);
    if (watched)
        QN_TRY(qn_twins_add(&guard->keys, rows->hashes[i], !training, qn_buf_strv(key), err));
    return twin ? qn_twins_add(&guard->twins, vector, !training, qn_buf_strv(key), err) : QN_OK;
}

/* Microseconds of both, so that dates and timestamps compare. */
static int64_t micros_of(const struct qn_column *column, uint32_t row)
{
    return column->type.id == QN_DATE ? column->i64[row] * INT64_C(86400000000) : column->i64[row];
}

static qn_code add_late(struct qn_guard *guard, const struct qn_guard_rows *rows, uint32_t i,
                        struct qn_buf *key, struct qn_err *err)
{
    uint32_t row = rows->rows[i];
    if (!rows->label_time || !qn_is_valid(rows->label_time, row))
        return QN_OK;
    int64_t told = micros_of(rows->label_time, row);
    for (uint32_t d = 0; d < guard->plan->n_dates; d++) {
        struct late *late = &guard->late[d];
        if (!qn_is_valid(rows->dates[d], row))
            continue;
        late->rows++;
        late->after += micros_of(rows->dates[d], row) > told;
        if (micros_of(rows->dates[d], row) <= told || late->key)
            continue;
        qn_buf_clear(key);
        qn_value_format(key, rows->key, row);
        qn_buf_put_u8(key, 0);
        late->key = key->failed ? NULL : strndup((const char *)key->data, LONGEST_EXAMPLE);
        if (!late->key)
            return qn_err_nomem(err, "the guards");
    }
    return QN_OK;
}

qn_code qn_guard_add(struct qn_guard *guard, const struct qn_guard_rows *rows, struct qn_err *err)
{
    struct qn_buf key;
    qn_buf_init(&key);
    qn_code code = take_numbers(guard, rows, err);
    for (uint32_t i = 0; i < rows->n && code == QN_OK; i++) {
        code = add_row(guard, rows, i, &key, err);
        if (code == QN_OK)
            code = add_late(guard, rows, i, &key, err);
    }
    if (code == QN_OK)
        code = qn_buf_check(&key, "the guards", err);
    qn_buf_fini(&key);
    return code;
}

/* --- pieces ----------------------------------------------------------------------------------- */

void qn_guard_pack(struct qn_buf *out, struct qn_guard *guard)
{
    struct qn_err err;
    out->failed |= qn_guard_settle(guard, &err) != QN_OK;
    qn_buf_put_u32(out, guard->n);
    for (size_t i = 0; i < (size_t)guard->n * guard->width; i++)
        qn_buf_put_u64(out, guard->cells[i]);
    for (uint32_t f = 0; f < guard->plan->n_features; f++) {
        const struct run *run = &guard->runs[f];
        qn_buf_put_u64(out, run->rows);
        qn_buf_put_i64(out, run->first);
        qn_buf_put_i64(out, run->last);
        qn_buf_put_u8(out, (uint8_t)(run->rising | run->falling << 1));
    }
    for (uint32_t d = 0; d < guard->plan->n_dates; d++) {
        qn_buf_put_u64(out, guard->late[d].rows);
        qn_buf_put_u64(out, guard->late[d].after);
        qn_buf_put_str(out, qn_strv_from(guard->late[d].key ? guard->late[d].key : ""));
    }
    qn_twins_pack(out, &guard->twins);
    qn_twins_pack(out, &guard->keys);
}

static qn_code merge_rows(struct qn_guard *guard, struct qn_unpack *in, struct qn_err *err)
{
    uint32_t n = qn_unpack_count(in, guard->width * sizeof(uint64_t));
    in->failed |= n > guard->k;
    for (uint32_t i = 0; i < n && !in->failed; i++) {
        uint64_t *row;
        QN_TRY(new_row(guard, &row, err));
        for (uint32_t c = 0; c < guard->width; c++)
            row[c] = qn_unpack_u64(in);
        in->failed |= row[CELL_LABEL] > 1;
    }
    return qn_guard_settle(guard, err);
}

static void merge_run(struct run *run, struct qn_unpack *in)
{
    struct run next = {.rows = qn_unpack_u64(in)};
    next.first = qn_unpack_i64(in);
    next.last = qn_unpack_i64(in);
    uint8_t ways = qn_unpack_u8(in);
    in->failed |= ways > 3 || next.rows > UINT32_MAX;
    next.rising = ways & 1;
    next.falling = ways >> 1 & 1;
    if (next.rows == 0)
        return;
    if (run->rows) {
        next.rising = next.rising && run->rising && next.first > run->last;
        next.falling = next.falling && run->falling && next.first < run->last;
        next.first = run->first;
        next.rows += run->rows;
    }
    *run = next;
}

static qn_code merge_late(struct late *late, struct qn_unpack *in, struct qn_err *err)
{
    uint64_t rows = qn_unpack_u64(in), after = qn_unpack_u64(in);
    struct qn_strv key = qn_unpack_str(in);
    in->failed |= rows > UINT32_MAX || after > rows || key.len > LONGEST_EXAMPLE;
    late->rows += rows;
    late->after += after;
    if (after == 0 || late->key || in->failed)
        return QN_OK;
    late->key = strndup(key.data ? key.data : "", key.len);
    return late->key ? QN_OK : qn_err_nomem(err, "the guards");
}

qn_code qn_guard_merge(struct qn_guard *guard, struct qn_strv bytes, struct qn_err *err)
{
    struct qn_unpack in = qn_unpack_from(bytes);
    QN_TRY(merge_rows(guard, &in, err));
    for (uint32_t f = 0; f < guard->plan->n_features && !in.failed; f++)
        merge_run(&guard->runs[f], &in);
    for (uint32_t d = 0; d < guard->plan->n_dates && !in.failed; d++)
        QN_TRY(merge_late(&guard->late[d], &in, err));
    QN_TRY(qn_twins_merge(&guard->twins, &in, err));
    QN_TRY(qn_twins_merge(&guard->keys, &in, err));
    return qn_unpack_end(&in, "what the guards saw", err);
}
