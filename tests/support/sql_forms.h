/* Random queries in words that people know from elsewhere: named windows, QUALIFY, DISTINCT ON,
 * GROUP BY ALL, FULL JOIN USING, joins in parentheses, queries that stand for a value. */
#ifndef QN_TESTS_SUPPORT_SQL_FORMS_H
#define QN_TESTS_SUPPORT_SQL_FORMS_H

#include "tests/support/sql_wide.h"

static inline void sql_where(struct sql_random *r, uint32_t percent)
{
    if (!sql_chance(r, percent))
        return;
    sql_put(r, " WHERE ");
    sql_condition(r);
}

static inline uint32_t sql_named_windows(struct sql_random *r)
{
    static const char *const added[] = {"w", "(w)", "(w ROWS 2 PRECEDING)", "v", "(v)"};
    static const char *const calls[] = {"sum(u.n)", "count(*)", "max(u.s)", "avg(u.q)"};
    sql_put(r, "SELECT u.id AS c1, %s OVER %s AS c2, ", SQL_ONE_OF(r, calls), SQL_ONE_OF(r, added));
    sql_put(r, "%s OVER (v ORDER BY u.n NULLS FIRST, u.id) AS c3 FROM @t%u@ AS u",
            SQL_ONE_OF(r, calls), 1 + sql_pick(r, SQL_TABLES));
    sql_where(r, 40);
    sql_put(r, " WINDOW w AS (PARTITION BY u.k ORDER BY u.id), v AS (PARTITION BY u.g)");
    return 3;
}

/* The rows that a window picks; @keep@ and what follows it write it without QUALIFY. */
static inline uint32_t sql_qualified(struct sql_random *r)
{
    static const char *const picks[] = {
        "row_number() OVER (PARTITION BY u.k ORDER BY u.n DESC NULLS LAST, u.id) = 1",
        "rank() OVER (ORDER BY u.q NULLS LAST) <= 4 OR u.b",
        "count(*) OVER (PARTITION BY u.g) > 3 AND u.n > 0",
        "u.n > avg(u.n) OVER (PARTITION BY u.g)"};
    const char *pick = SQL_ONE_OF(r, picks);
    sql_put(r, "@keep@SELECT %su.id AS c1, u.g AS c2@kept~%s@ FROM @t%u@ AS u",
            sql_chance(r, 30) ? "u.k + " : "", pick, 1 + sql_pick(r, SQL_TABLES));
    sql_where(r, 40);
    sql_put(r, "@qualify~%s@", pick);
    return 2;
}

static inline uint32_t sql_distinct_on(struct sql_random *r)
{
    static const char *const keys[] = {"u.k", "u.g, u.b", "u.n % 3", "u.k > 2"};
    static const char *const orders[] = {"u.n DESC NULLS LAST, u.id", "u.id DESC",
                                         "u.q NULLS FIRST, u.id"};
    const char *key = SQL_ONE_OF(r, keys), *order = SQL_ONE_OF(r, orders);
    sql_put(
        r,
        "SELECT q.c1 AS c1, q.c2 AS c2 FROM (@first~%s~%s@ u.id AS c1, u.s AS c2 FROM @t%u@ AS u",
        key, order, 1 + sql_pick(r, SQL_TABLES));
    sql_where(r, 40);
    sql_put(r, "@ordered~%s@) AS q", order);
    return 2;
}

static inline uint32_t sql_grouped_by_all(struct sql_random *r)
{
    r->aliases[0] = "u";
    sql_put(r, "SELECT u.k AS c1, ");
    sql_any(r);
    sql_put(r, " AS c2, count(*) + 1 AS c3, max(u.n) AS c4 FROM @t%u@ AS u",
            1 + sql_pick(r, SQL_TABLES));
    sql_where(r, 40);
    sql_put(r, " GROUP BY @all~1, 2@");
    return 4;
}

/* Columns that either side may lack, by their bare names and by those of both. */
static inline uint32_t sql_full_using(struct sql_random *r)
{
    static const char *const using_[] = {"id", "k, g", "n", "k"};
    static const char *const firsts[] = {"id", "k", "n", "k"};
    uint32_t which = sql_pick(r, 4);
    const char *first = firsts[which];
    sql_put(r, "SELECT %s%s AS c1, u.%s AS c2, v.%s AS c3, u.s AS c4 FROM ", first,
            sql_chance(r, 30) ? " + 1" : "", first, first);
    sql_edge_relation(r);
    sql_put(r, " AS u FULL JOIN ");
    sql_edge_relation(r);
    sql_put(r, " AS v USING (%s)", using_[which]);
    if (sql_chance(r, 40))
        sql_put(r, " WHERE %s IS NOT NULL AND (u.n > 0 OR v.n > 0)", first);
    return 4;
}

static inline uint32_t sql_joins_in_parentheses(struct sql_random *r)
{
    static const char *const joins[] = {"JOIN", "LEFT JOIN", "LEFT JOIN", "FULL JOIN"};
    static const char *const inner[] = {"JOIN", "LEFT JOIN"};
    static const char *const ons[] = {"u.k = v.k", "u.k = w.n", "u.id = v.id AND w.n > 0",
                                      "u.g = v.g AND u.k = w.k"};
    sql_put(r, "SELECT u.id AS c1, v.id AS c2, w.id AS c3 FROM @t%u@ AS u %s (@t%u@ AS v %s ",
            1 + sql_pick(r, SQL_TABLES), SQL_ONE_OF(r, joins), 1 + sql_pick(r, SQL_TABLES),
            SQL_ONE_OF(r, inner));
    sql_put(r, "@t3@ AS w ON %s) ON %s", sql_chance(r, 50) ? "v.k = w.k" : "v.n > w.n",
            SQL_ONE_OF(r, ons));
    if (sql_chance(r, 40))
        sql_put(r, " WHERE %s", sql_chance(r, 50) ? "w.id IS NULL OR u.n > 0" : "v.k > 1");
    return 3;
}

/* An id is there once: so there is one row, or none. */
static inline uint32_t sql_one_row(struct sql_random *r)
{
    uint32_t table = 1 + sql_pick(r, SQL_TABLES), id = sql_pick(r, 30);
    switch (sql_pick(r, 3)) {
    case 0:
        sql_put(r,
                "SELECT u.id AS c1, (SELECT y.s FROM @t%u@ AS y WHERE y.id = %u) AS c2 FROM @t3@ "
                "AS u",
                table, id);
        break;
    case 1:
        sql_put(r,
                "SELECT u.id AS c1, u.g AS c2 FROM @t%u@ AS u WHERE u.k >= (SELECT y.k FROM @t2@ "
                "AS y WHERE y.id = %u)%s",
                table, id, sql_chance(r, 50) ? " OR u.n < 0" : "");
        break;
    default:
        sql_put(r,
                "SELECT u.id AS c1, (SELECT y.n FROM @t%u@ AS y WHERE y.id = u.id) AS c2 FROM "
                "@t3@ AS u",
                table);
    }
    return 2;
}

/* One of these. */
static inline uint32_t sql_forms(struct sql_random *r)
{
    r->aliases[0] = "u";
    r->n_aliases = 1;
    switch (sql_pick(r, 7)) {
    case 0: return sql_named_windows(r);
    case 1: return sql_qualified(r);
    case 2: return sql_distinct_on(r);
    case 3: return sql_grouped_by_all(r);
    case 4: return sql_full_using(r);
    case 5: return sql_joins_in_parentheses(r);
    default: return sql_one_row(r);
    }
}

#endif
