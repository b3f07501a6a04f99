/* Random expressions and conditions over the columns of random tables. Written once for several
 * engines: sql_spell.h says what @...@ stands for. */
#ifndef QN_TESTS_SUPPORT_SQL_EXPR_H
#define QN_TESTS_SUPPORT_SQL_EXPR_H

#include "tests/support/sql_random.h"

/* --- expressions ----------------------------------------------------------------------------- */

static inline void sql_column(struct sql_random *r, enum sql_kind kind)
{
    uint32_t column;
    do
        column = sql_pick(r, SQL_COLUMNS);
    while (sql_columns[column].kind != kind);
    sql_put(r, "%s.%s", r->aliases[sql_pick(r, r->n_aliases)], sql_columns[column].name);
}

static inline void sql_condition(struct sql_random *r);
static inline void sql_text(struct sql_random *r);
static inline void sql_date(struct sql_random *r);

static inline void sql_int(struct sql_random *r)
{
    if (++r->depth > 3) {
        sql_column(r, SQL_INT);
    } else {
        switch (sql_pick(r, 13)) {
        case 10:
            sql_put(r, "@%s~", sql_chance(r, 50) ? "month" : "day");
            sql_column(r, sql_chance(r, 50) ? SQL_DATE : SQL_TIME);
            sql_put(r, "@");
            break;
        case 11:
            sql_put(r, "@days~");
            sql_column(r, SQL_DATE);
            sql_put(r, "~");
            sql_column(r, SQL_DATE);
            sql_put(r, "@");
            break;
        case 12:
            sql_put(r, "CASE ");
            sql_column(r, SQL_TEXT);
            sql_put(r, " WHEN 'a' THEN ");
            sql_int(r);
            sql_put(r, " WHEN 'b' THEN %u END", sql_pick(r, 9));
            break;
        case 0: sql_put(r, "%d", (int)sql_pick(r, 13) - 4); break;
        case 1:
            sql_put(r, "(");
            sql_int(r);
            sql_put(r, " %c ", "+-*"[sql_pick(r, 3)]);
            sql_int(r);
            sql_put(r, ")");
            break;
        case 2:
            sql_put(r, "(");
            sql_int(r);
            sql_put(r, sql_chance(r, 50) ? " @/@ %u)" : " %% %u)", 1 + sql_pick(r, 5));
            break;
        case 3:
            sql_put(r, "length(");
            sql_text(r);
            sql_put(r, ")");
            break;
        case 4:
            sql_put(r, "coalesce(");
            sql_int(r);
            sql_put(r, ", %u)", sql_pick(r, 5));
            break;
        case 5:
            sql_put(r, "CASE WHEN ");
            sql_condition(r);
            sql_put(r, " THEN ");
            sql_int(r);
            sql_put(r, " ELSE ");
            sql_int(r);
            sql_put(r, " END");
            break;
        case 6:
            sql_put(r, "abs(");
            sql_int(r);
            sql_put(r, ")");
            break;
        default: sql_column(r, SQL_INT);
        }
    }
    r->depth--;
}

static inline void sql_text(struct sql_random *r)
{
    if (++r->depth > 3) {
        sql_column(r, SQL_TEXT);
    } else {
        switch (sql_pick(r, 10)) {
        case 8:
            sql_put(r, sql_chance(r, 50) ? "replace(trim(" : "replace((");
            sql_text(r);
            sql_put(r, "), 'e', 'E')"); /* engines differ in letters past ASCII that are upper */
            break;
        case 9:
            sql_put(r, "CAST(");
            sql_date(r);
            sql_put(r, " AS text)");
            break;
        case 0: sql_put(r, "'%s'", sql_chance(r, 50) ? "red" : "b"); break;
        case 1:
            sql_put(r, "(");
            sql_text(r);
            sql_put(r, " || '-' || ");
            sql_text(r);
            sql_put(r, ")");
            break;
        case 2:
            sql_put(r, "substr(");
            sql_text(r);
            sql_put(r, ", %u, %u)", 1 + sql_pick(r, 3), sql_pick(r, 4));
            break;
        case 3:
            sql_put(r, "coalesce(");
            sql_text(r);
            sql_put(r, ", 'none')");
            break;
        case 4:
            sql_put(r, "nullif(");
            sql_text(r);
            sql_put(r, ", 'red')");
            break;
        default: sql_column(r, SQL_TEXT);
        }
    }
    r->depth--;
}

static inline void sql_date(struct sql_random *r)
{
    switch (sql_pick(r, 4)) {
    case 0:
        sql_put(r, "@plus~");
        sql_column(r, SQL_DATE);
        sql_put(r, "~%u@", sql_pick(r, 40));
        break;
    case 1: sql_put(r, "@date~2024-0%u-11@", 1 + sql_pick(r, 3)); break;
    default: sql_column(r, SQL_DATE);
    }
}

/* A decimal or a double that both hold exactly. */
static inline void sql_number(struct sql_random *r)
{
    const char *alias = r->aliases[sql_pick(r, r->n_aliases)];
    switch (sql_pick(r, 8)) {
    case 0: sql_put(r, "(%s.q + %u.75)", alias, sql_pick(r, 4)); break;
    case 1: sql_put(r, "(%s.q * %s.n)", alias, r->aliases[0]); break;
    case 2: sql_put(r, "(%s.q - %s.q)", alias, r->aliases[0]); break;
    case 3: sql_put(r, "(%s.x * 2 - %s.k)", alias, r->aliases[0]); break;
    case 4: sql_put(r, "coalesce(%s.q, 0)", alias); break;
    case 5: sql_put(r, "abs(%s.q)", alias); break;
    case 6: sql_put(r, "(%s.x / 4.0)", alias); break;
    default: sql_put(r, "CASE WHEN %s.b THEN %s.q ELSE 0.5 END", alias, r->aliases[0]);
    }
}

/* A value of any kind. */
static inline void sql_any(struct sql_random *r)
{
    enum sql_kind kind = (enum sql_kind)sql_pick(r, SQL_KINDS);
    switch (kind) {
    case SQL_INT: sql_int(r); break;
    case SQL_TEXT: sql_text(r); break;
    case SQL_DATE: sql_date(r); break;
    case SQL_BOOL:
        if (sql_chance(r, 50)) {
            sql_put(r, "(");
            sql_condition(r);
            sql_put(r, ")");
            break;
        }
        sql_column(r, kind);
        break;
    case SQL_DECIMAL:
    case SQL_DOUBLE:
        if (sql_chance(r, 50)) {
            sql_number(r);
            break;
        }
        sql_column(r, kind);
        break;
    default: sql_column(r, kind);
    }
}

static inline void sql_compare(struct sql_random *r)
{
    static const char *const ops[] = {"=", "<>", "<", "<=", ">", ">="};
    const char *op = ops[sql_pick(r, 6)];
    switch (sql_pick(r, 9)) {
    case 0:
        sql_text(r);
        sql_put(r, " %s ", op);
        sql_text(r);
        break;
    case 1:
        if (sql_chance(r, 50)) {
            sql_column(r, SQL_DATE);
            sql_put(r, " %s '2024-0%u-15'", op, 1 + sql_pick(r, 3));
            break;
        }
        sql_date(r);
        sql_put(r, " %s ", op);
        sql_date(r);
        break;
    case 2:
        sql_column(r, SQL_DECIMAL);
        sql_put(r, " %s %u.5", op, sql_pick(r, 120));
        break;
    case 3:
        sql_column(r, SQL_DOUBLE);
        sql_put(r, " %s %u.25", op, sql_pick(r, 20));
        break;
    case 4:
        sql_number(r);
        sql_put(r, " %s ", op);
        sql_number(r);
        break;
    case 5:
        sql_column(r, SQL_TIME);
        sql_put(r, " %s '2024-0%u-15 12:00:00'", op, 1 + sql_pick(r, 3));
        break;
    default:
        sql_int(r);
        sql_put(r, " %s ", op);
        sql_int(r);
    }
}

static inline void sql_condition(struct sql_random *r)
{
    static const enum sql_kind kinds[] = {SQL_INT, SQL_TEXT, SQL_DECIMAL, SQL_DOUBLE, SQL_DATE};
    static const char *const patterns[] = {"%red%", "%e%", "a_b", "r__"};
    if (++r->depth > 4) {
        sql_column(r, SQL_INT);
        sql_put(r, " > 2");
    } else {
        switch (sql_pick(r, 12)) {
        case 0:
        case 1:
            sql_put(r, "(");
            sql_condition(r);
            sql_put(r, sql_chance(r, 50) ? " AND " : " OR ");
            sql_condition(r);
            sql_put(r, ")");
            break;
        case 2:
            sql_put(r, "NOT (");
            sql_condition(r);
            sql_put(r, ")");
            break;
        case 3:
            sql_column(r, kinds[sql_pick(r, 5)]);
            sql_put(r, sql_chance(r, 50) ? " IS NULL" : " IS NOT NULL");
            break;
        case 4:
            sql_int(r);
            sql_put(r, "%s IN (1, 2, %u%s)", sql_chance(r, 30) ? " NOT" : "", sql_pick(r, 9),
                    sql_chance(r, 15) ? ", NULL" : "");
            break;
        case 5:
            sql_int(r);
            sql_put(r, "%s BETWEEN %d AND %u", sql_chance(r, 30) ? " NOT" : "",
                    (int)sql_pick(r, 6) - 5, sql_pick(r, 10));
            break;
        case 6:
            sql_text(r);
            sql_put(r, "%s @like@ '%s'", sql_chance(r, 30) ? " NOT" : "", patterns[sql_pick(r, 4)]);
            break;
        case 7: sql_column(r, SQL_BOOL); break;
        default: sql_compare(r);
        }
    }
    r->depth--;
}

#endif
