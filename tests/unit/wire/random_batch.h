/* Batches with random contents under a seed, and what makes two of them equal. */
#ifndef QN_TESTS_RANDOM_BATCH_H
#define QN_TESTS_RANDOM_BATCH_H

#include <math.h>
#include <string.h>

#include "flow/batch.h"
#include "tests/unit/wire/random.h"

static const struct qn_field all_fields[] = {
    {"flag", {.id = QN_BOOL}},    {"id", {.id = QN_INT64}},
    {"x", {.id = QN_DOUBLE}},     {"price", {.id = QN_DECIMAL, .precision = 10, .scale = 2}},
    {"name", {.id = QN_TEXT}},    {"day", {.id = QN_DATE}},
    {"at", {.id = QN_TIMESTAMP}}, {"note", {.id = QN_TEXT}},
};
enum { N_FIELDS = sizeof all_fields / sizeof *all_fields };
static const struct qn_schema all_types = {all_fields, N_FIELDS};

/* One value of a column's way: all the same, small steps, whole seconds, anything. */
static inline int64_t random_value(struct random *random, unsigned way, uint32_t row)
{
    static const int64_t extremes[] = {INT64_MIN, INT64_MAX, 0, -1};
    switch (way) {
    case 0: return -7;
    case 1: return (int64_t)row * 3 - 100;
    case 2: return INT64_C(1700000000000000) + (int64_t)random_below(random, 90000) * 1000000;
    case 3: return (int64_t)random_below(random, 60000) - 30000;
    case 4: return (int64_t)(random_next(random) >> 33);
    case 5: return extremes[random_below(random, 4)];
    default: return (int64_t)random_next(random);
    }
}

static inline struct qn_strv random_word(struct random *random, unsigned way, char room[64])
{
    static const char *const words[] = {"Month-to-month", "One year", "Two year", "",
                                        "Grüße",          "日本",     "🌲"};
    if (way % 3)
        return qn_strv_from(words[random_below(random, 7)]);
    size_t len = (size_t)random_below(random, 40);
    for (size_t i = 0; i < len; i++)
        room[i] = (char)(' ' + random_below(random, 95));
    return (struct qn_strv){room, len};
}

static inline void random_texts(struct random *random, struct qn_arena *arena,
                                struct qn_column *column, uint32_t n)
{
    unsigned way = (unsigned)random_below(random, 8);
    column->bytes = qn_arena_alloc(arena, (size_t)n * 64 + 64);
    uint32_t at = (uint32_t)random_below(random, 9); /* offsets need not start at 0 */
    for (uint32_t i = 0; i <= n; i++) {
        char room[64];
        column->offsets[i] = at;
        if (i == n)
            break;
        struct qn_strv word = random_word(random, way, room);
        memcpy(column->bytes + at, word.data, word.len);
        at += (uint32_t)word.len;
    }
}

static inline void random_column(struct random *random, struct qn_arena *arena, struct qn_type type,
                                 uint32_t n, struct qn_column *column)
{
    unsigned way = (unsigned)random_below(random, 7);
    if (qn_column_new(arena, type, n, column, NULL) != QN_OK)
        return;
    for (uint32_t i = 0; i < n; i++) {
        int64_t value = random_value(random, way, i);
        switch (qn_type_layout(type)) {
        case QN_LAYOUT_BOOL: column->bools[i] = value & 1; break;
        case QN_LAYOUT_I64: column->i64[i] = value; break;
        case QN_LAYOUT_F64: column->f64[i] = way == 6 ? (double)NAN : (double)value / 100; break;
        case QN_LAYOUT_TEXT: break;
        }
    }
    if (qn_type_layout(type) == QN_LAYOUT_TEXT)
        random_texts(random, arena, column, n);
    unsigned nulls = (unsigned)random_below(random, 4); /* none, bitmap but none, some, all */
    if (nulls == 0)
        return;
    column->validity = qn_validity_new(arena, n, nulls != 3);
    for (uint32_t i = 0; i < n && nulls == 2; i++)
        if (random_below(random, 3) == 0)
            qn_valid_clear(column->validity, i);
}

static inline void random_batch(struct random *random, struct qn_arena *arena, uint32_t n,
                                struct qn_batch *batch)
{
    *batch = (struct qn_batch){.schema = &all_types, .n_rows = n};
    batch->columns = QN_NEW_ARRAY(arena, struct qn_column, N_FIELDS);
    for (uint32_t i = 0; i < N_FIELDS; i++)
        random_column(random, arena, all_fields[i].type, n, &batch->columns[i]);
}

static inline bool same_value(const struct qn_column *a, uint32_t row_a, const struct qn_column *b,
                              uint32_t row_b)
{
    if (qn_is_valid(a, row_a) != qn_is_valid(b, row_b) || !qn_type_eq(a->type, b->type))
        return false;
    if (!qn_is_valid(a, row_a))
        return true;
    switch (qn_type_layout(a->type)) {
    case QN_LAYOUT_BOOL: return a->bools[row_a] == b->bools[row_b];
    case QN_LAYOUT_I64: return a->i64[row_a] == b->i64[row_b];
    case QN_LAYOUT_F64: return memcmp(&a->f64[row_a], &b->f64[row_b], sizeof(double)) == 0;
    case QN_LAYOUT_TEXT: return qn_strv_eq(qn_text_at(a, row_a), qn_text_at(b, row_b));
    }
    return false;
}

/* All of b equals rows first.. of a. */
static inline bool same_rows(const struct qn_batch *a, uint32_t first, const struct qn_batch *b)
{
    for (uint32_t c = 0; c < b->schema->n_fields; c++)
        for (uint32_t i = 0; i < b->n_rows; i++)
            if (!same_value(&a->columns[c], first + i, &b->columns[c], i))
                return false;
    return true;
}

#endif
