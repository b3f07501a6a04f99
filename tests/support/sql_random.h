/* Random tables, by seed; sql_expr.h and sql_query.h draw queries over them. What documented
 * differences would show in (docs/expressions.md) is not drawn: text as numbers, overflow, division
 * by zero, decimals that doubles cannot hold in arithmetic (p is for reading, q for reckoning). */
#ifndef QN_TESTS_SUPPORT_SQL_RANDOM_H
#define QN_TESTS_SUPPORT_SQL_RANDOM_H

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/hash.h"

enum { SQL_TABLES = 3, SQL_COLUMNS = 11 };

/* What is known of the order of an answer's rows. */
struct sql_order {
    bool total;      /* of all, but for rows that are equal */
    uint32_t n_keys; /* else: of their columns keys[0], keys[1], ..., from 1 on */
    uint32_t keys[16];
    bool cut; /* LIMIT: of rows with equal keys any may be there */
};

struct sql_random {
    uint64_t state;
    struct qn_buf *out;
    struct sql_order order;
    const char *aliases[3]; /* relations of the SELECT at hand */
    uint32_t n_aliases;
    uint32_t depth; /* of the expression at hand */
};

/* Types of columns, and of what expressions give. */
enum sql_kind { SQL_INT, SQL_TEXT, SQL_DECIMAL, SQL_DOUBLE, SQL_DATE, SQL_BOOL, SQL_TIME };
enum { SQL_KINDS = 7 };

static const struct sql_column {
    const char *name;
    enum sql_kind kind;
} sql_columns[SQL_COLUMNS] = {
    {"id", SQL_INT}, {"k", SQL_INT},     {"n", SQL_INT},    {"g", SQL_TEXT},
    {"s", SQL_TEXT}, {"p", SQL_DECIMAL}, {"x", SQL_DOUBLE}, {"d", SQL_DATE},
    {"b", SQL_BOOL}, {"q", SQL_DECIMAL}, {"t", SQL_TIME},
};

static inline uint32_t sql_pick(struct sql_random *r, uint32_t n)
{
    r->state += UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)((qn_mix64(r->state) >> 32) % n);
}

static inline bool sql_chance(struct sql_random *r, uint32_t percent)
{
    return sql_pick(r, 100) < percent;
}

#define sql_put(r, ...) qn_buf_printf((r)->out, __VA_ARGS__)

/* --- tables ---------------------------------------------------------------------------------- */

/* A value of a column as CSV writes it; nothing for NULL. The first rows have all of them, so that
 * types are plain to see. */
static inline void sql_value(struct sql_random *r, uint32_t column, uint32_t row)
{
    static const char *const letters[] = {"a", "b", "c", "\"\""};
    static const char *const words[] = {"red", "green",       "blue",   "dark red",
                                        "a_b", "100%",        "o'neil", "say \"\"hi\"\"",
                                        "x,y", "\xc3\xa4pfel"};
    if (row > 3 && column > 0 && sql_chance(r, 12))
        return;
    switch (column) {
    case 0: sql_put(r, "%u", row + 1); break;
    case 1: sql_put(r, "%u", sql_pick(r, 6)); break;
    case 2: sql_put(r, "%d", (int)sql_pick(r, 41) - 20); break;
    case 3: sql_put(r, "%s", letters[sql_pick(r, row > 3 ? 4 : 3)]); break;
    case 4: sql_put(r, "\"%s\"", words[sql_pick(r, 10)]); break;
    case 5: sql_put(r, "%d.%02u", (int)sql_pick(r, 200) - 50, sql_pick(r, 20) * 5); break;
    case 6: sql_put(r, "%.7f", sql_pick(r, 20) + (1 + 2 * sql_pick(r, 8)) / 128.0); break;
    case 7: sql_put(r, "2024-%02u-%02u", 1 + sql_pick(r, 3), 1 + sql_pick(r, 28)); break;
    case 8: sql_put(r, "%s", sql_chance(r, 50) ? "true" : "false"); break;
    case 9: sql_put(r, "%d.%02u", (int)sql_pick(r, 30) - 9, sql_pick(r, 4) * 25); break;
    default:
        sql_put(r, "2024-0%u-%02u %02u:%02u:00", 1 + sql_pick(r, 3), 1 + sql_pick(r, 28),
                sql_pick(r, 24), sql_pick(r, 4) * 15);
    }
}

static inline void sql_table(struct sql_random *r, uint32_t n_rows)
{
    for (uint32_t c = 0; c < SQL_COLUMNS; c++)
        sql_put(r, "%s%s", c ? "," : "", sql_columns[c].name);
    sql_put(r, "\n");
    for (uint32_t row = 0; row < n_rows; row++) {
        for (uint32_t c = 0; c < SQL_COLUMNS; c++) {
            sql_put(r, "%s", c ? "," : "");
            sql_value(r, c, row);
        }
        sql_put(r, "\n");
    }
}

#endif
