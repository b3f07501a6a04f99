/* One table of awkward values, held twice: as a batch of ours and as a table of SQLite. */
#ifndef QN_TESTS_CONFORMANCE_EXPR_ORACLE_H
#define QN_TESTS_CONFORMANCE_EXPR_ORACLE_H

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "expr/expr.h"
#include "flow/value.h"

struct random {
    uint64_t state;
};

static inline uint64_t random_next(struct random *r)
{
    return qn_mix64(r->state += UINT64_C(0x9e3779b97f4a7c15));
}

static inline uint32_t random_below(struct random *r, uint32_t n)
{
    return (uint32_t)(random_next(r) >> 32) % n;
}

enum { ORACLE_ROWS = 150 };

/* Decimals are multiples of 1/4 and 1/8: doubles hold them exactly, so that SQLite computes them
 * exactly too and every comparison and sum must agree. */
static const struct qn_field oracle_fields[] = {
    {"i", {.id = QN_INT64}},
    {"j", {.id = QN_INT64}},
    {"big", {.id = QN_INT64}},
    {"x", {.id = QN_DOUBLE}},
    {"y", {.id = QN_DOUBLE}},
    {"d", {.id = QN_DECIMAL, .precision = 10, .scale = 2}},
    {"e", {.id = QN_DECIMAL, .precision = 6, .scale = 3}},
    {"s", {.id = QN_TEXT}}, /* with codes of its distinct texts */
    {"u", {.id = QN_TEXT}},
    {"b", {.id = QN_BOOL}},
    {"dt", {.id = QN_DATE}},
    {"ts", {.id = QN_TIMESTAMP}},
    {"full", {.id = QN_INT64}}, /* never NULL */
};
enum { ORACLE_COLUMNS = sizeof oracle_fields / sizeof oracle_fields[0] };
static const struct qn_schema oracle_schema = {oracle_fields, ORACLE_COLUMNS};

static const int64_t edge_integers[] = {
    0,
    1,
    -1,
    2,
    INT64_MAX,
    INT64_MIN,
    INT64_MAX - 1,
    INT64_MIN + 1,
    INT64_C(9007199254740992),
    INT64_C(9007199254740993),
    INT64_C(-9007199254740993),
    INT64_C(4611686018427387904),
    INT64_C(-4611686018427387904),
    INT64_C(3037000500), /* its square just does not fit */
    INT64_C(-3037000500),
    INT64_C(4294967296),
    255,
    -256,
};
static const double edge_doubles[] = {
    0.0,
    0.5,
    -0.5,
    1.0,
    -1.0,
    2.5,
    -2.5,
    1e300,
    -1e300,
    1e-30,
    0.1,
    2.675,
    1.005,
    1e15,
    123456.789,
    -7.25,
    9007199254740992.0,
    3.0,
    1.7976931348623157e308,
    -1.7976931348623157e308,
    5e-324,
    9223372036854775807.0,
    -9223372036854775808.0,
    1e19,
    12345678.9,
    1e-5,
    0.30000000000000004,
};
static const char *const edge_texts[] = {
    "",
    "a",
    "A",
    "abc",
    "ABC",
    "aBc",
    " abc ",
    "12",
    "12x",
    "-3.5e2z",
    " 7 ",
    "caf\xc3\xa9",
    "\xe2\x82\xac"
    "5",
    "%",
    "a%c",
    "a_c",
    "xxabxx",
    "[a]",
    "b*",
    "it's",
    "\xf0\x9f\x98\x80"
    "ok",
    "zzz",
    "2026-01-31",
    "abcabcabc",
    "12abc",
    " 12 ",
    "1e5",
    "0x1F",
    "-",
    "+5.",
    ".5e-2",
    "\t-7",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775809",
    "123456789012345678901234567890",
    "0.1",
    "he said \"it's\" \\",
    "\xc3\x84\xc3\x96\xc3\xbc\xc3\x9f",
    "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e",
    "e\xcc\x81",
    "2026-01-31 10:11:12",
    "a\nb",
    "100%_sure",
};
#define PICK(r, array) (array)[random_below(r, sizeof(array) / sizeof(array)[0])]

static inline void oracle_value(struct random *r, struct qn_batch_builder *builder, uint32_t column)
{
    const struct qn_type type = oracle_fields[column].type;
    const char *name = oracle_fields[column].name;
    if (strcmp(name, "full") != 0 && random_below(r, 6) == 0)
        return;
    switch (type.id) {
    case QN_INT64:
        qn_builder_i64(builder, column,
                       strcmp(name, "big") == 0 ? PICK(r, edge_integers)
                                                : (int64_t)random_below(r, 41) - 20);
        break;
    case QN_DOUBLE:
        qn_builder_f64(builder, column,
                       random_below(r, 3) ? ((double)random_below(r, 20001) - 10000) / 64
                                          : PICK(r, edge_doubles));
        break;
    case QN_DECIMAL:
        qn_builder_i64(builder, column,
                       ((int64_t)random_below(r, 201) - 100) * (type.scale == 2 ? 25 : 125));
        break;
    case QN_BOOL: qn_builder_bool(builder, column, random_below(r, 2)); break;
    case QN_DATE: qn_builder_i64(builder, column, (int64_t)random_below(r, 40000) - 15000); break;
    case QN_TIMESTAMP:
        qn_builder_i64(builder, column,
                       ((int64_t)random_below(r, 40000) - 15000) * INT64_C(86400000000) +
                           (int64_t)random_below(r, 86400) * 1000000 +
                           (random_below(r, 4) ? 0 : (int64_t)random_below(r, 1000) * 1000));
        break;
    default: qn_builder_text(builder, column, qn_strv_from(PICK(r, edge_texts))); break;
    }
}

/* Gives a text column codes, as readers do, so that expressions over it run by distinct text. */
static inline void oracle_code(struct qn_column *column, uint32_t n_rows)
{
    static struct qn_strv texts[ORACLE_ROWS + 1];
    static uint16_t codes[ORACLE_ROWS];
    static struct qn_dictionary dictionary = {.id = 1, .n = 1, .texts = texts};
    dictionary.n = 1;
    for (uint32_t row = 0; row < n_rows; row++) {
        uint32_t k = 1;
        struct qn_strv text = qn_text_at(column, row);
        while (k < dictionary.n && !qn_strv_eq(texts[k], text))
            k++;
        codes[row] = qn_is_valid(column, row) ? (uint16_t)k : QN_CODE_NULL;
        if (k == dictionary.n && codes[row] != QN_CODE_NULL)
            texts[dictionary.n++] = text;
    }
    column->codes = codes;
    column->dictionary = &dictionary;
}

static inline void oracle_bind(sqlite3_stmt *insert, const struct qn_batch *batch, uint32_t row)
{
    for (uint32_t c = 0; c < ORACLE_COLUMNS; c++) {
        const struct qn_column *column = &batch->columns[c];
        int at = (int)c + 1;
        char text[QN_VALUE_TEXT];
        if (!qn_is_valid(column, row)) {
            sqlite3_bind_null(insert, at);
            continue;
        }
        switch (column->type.id) {
        case QN_INT64: sqlite3_bind_int64(insert, at, column->i64[row]); break;
        case QN_BOOL: sqlite3_bind_int64(insert, at, column->bools[row]); break;
        case QN_DOUBLE: sqlite3_bind_double(insert, at, column->f64[row]); break;
        case QN_DECIMAL:
            sqlite3_bind_double(insert, at,
                                qn_decimal_to_double(column->i64[row], column->type.scale));
            break;
        case QN_TEXT: {
            struct qn_strv s = qn_text_at(column, row);
            sqlite3_bind_text(insert, at, s.data ? s.data : "", (int)s.len, SQLITE_TRANSIENT);
            break;
        }
        default: {
            size_t n = column->type.id == QN_DATE ? qn_format_date(column->i64[row], text)
                                                  : qn_format_timestamp(column->i64[row], text);
            sqlite3_bind_text(insert, at, text, (int)n, SQLITE_TRANSIENT);
            break;
        }
        }
    }
}

/* The value SQLite has against ours, and whether they are the same. Doubles must agree to the last
 * bit (0 and -0 are equal), unless `ulps` allows more. */
static inline bool oracle_same(const struct qn_column *ours, uint32_t row, sqlite3_stmt *theirs,
                               int64_t ulps)
{
    int kind = sqlite3_column_type(theirs, 0);
    if (!qn_is_valid(ours, row) || kind == SQLITE_NULL)
        return !qn_is_valid(ours, row) && kind == SQLITE_NULL;
    char text[QN_VALUE_TEXT];
    struct qn_strv said = {(const char *)sqlite3_column_text(theirs, 0),
                           (size_t)sqlite3_column_bytes(theirs, 0)};
    switch (ours->type.id) {
    case QN_TEXT: return kind == SQLITE_TEXT && qn_strv_eq(said, qn_text_at(ours, row));
    case QN_DATE:
        return qn_strv_eq(said, (struct qn_strv){text, qn_format_date(ours->i64[row], text)});
    case QN_TIMESTAMP:
        return qn_strv_eq(said, (struct qn_strv){text, qn_format_timestamp(ours->i64[row], text)});
    default: break;
    }
    if (kind == SQLITE_TEXT)
        return false;
    double real = sqlite3_column_double(theirs, 0), mine;
    if (ours->type.id == QN_BOOL || ours->type.id == QN_INT64) {
        int64_t value = ours->type.id == QN_BOOL ? ours->bools[row] : ours->i64[row];
        return kind == SQLITE_INTEGER ? value == sqlite3_column_int64(theirs, 0)
                                      : (double)value == real;
    }
    mine = ours->type.id == QN_DOUBLE ? ours->f64[row]
                                      : qn_decimal_to_double(ours->i64[row], ours->type.scale);
    if (mine == real)
        return true;
    int64_t a, b;
    memcpy(&a, &mine, sizeof a);
    memcpy(&b, &real, sizeof b);
    return (a ^ b) >= 0 && a - b <= ulps && b - a <= ulps;
}

#endif
