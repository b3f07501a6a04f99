/* Random queries that jobs alone cannot answer: windows, correlated queries, FULL joins, queries
 * below OR, sums of different values. */
#ifndef QN_TESTS_SUPPORT_SQL_SQLITE_H
#define QN_TESTS_SUPPORT_SQL_SQLITE_H

#include "tests/support/sql_expr.h"

static inline const char *sql_one_of(struct sql_random *r, const char *const *texts, uint32_t n)
{
    return texts[sql_pick(r, n)];
}
#define SQL_ONE_OF(r, texts) sql_one_of((r), (texts), sizeof(texts) / sizeof((texts)[0]))

/* Of rows that are equal to the window any may come first: only what does not tell them apart. */
static inline void sql_window(struct sql_random *r)
{
    static const char *const partitions[] = {"", "PARTITION BY u.k ", "PARTITION BY u.g, u.b ",
                                             "PARTITION BY u.n % 3 "};
    static const char *const ranked[] = {"rank()",   "dense_rank()", "count(*)",
                                         "sum(u.n)", "sum(u.q)",     "max(u.s)",
                                         "min(u.d)", "avg(u.k)",     "count(u.t)"};
    static const char *const keys[] = {"u.n DESC NULLS LAST", "u.g NULLS FIRST, u.k NULLS LAST",
                                       "u.q NULLS FIRST", "u.d DESC NULLS FIRST",
                                       "u.x + 1 NULLS LAST"};
    static const char *const exact[] = {"row_number()",    "ntile(3)",         "lag(u.s)",
                                        "lead(u.n, 2)",    "lag(u.k, 1, 7)",   "first_value(u.t)",
                                        "last_value(u.d)", "nth_value(u.k, 2)"};
    static const char *const frames[] = {"",
                                         " ROWS BETWEEN 2 PRECEDING AND CURRENT ROW",
                                         " ROWS BETWEEN UNBOUNDED PRECEDING AND "
                                         "UNBOUNDED FOLLOWING",
                                         " ROWS BETWEEN 1 FOLLOWING AND 3 FOLLOWING",
                                         " ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING "
                                         "EXCLUDE CURRENT ROW",
                                         " RANGE UNBOUNDED PRECEDING"};
    static const char *const framed[] = {"sum(u.n)", "min(u.q)", "count(u.g)", "max(u.t)",
                                         "last_value(u.s)"};
    const char *partition = SQL_ONE_OF(r, partitions);
    switch (sql_pick(r, 4)) {
    case 0: sql_put(r, "%s OVER (%s)", ranked[2 + sql_pick(r, 7)], partition); break;
    case 1:
        sql_put(r, "%s OVER (%sORDER BY u.n DESC NULLS LAST, u.id)", SQL_ONE_OF(r, exact),
                partition);
        break;
    case 2:
        sql_put(r, "%s OVER (%sORDER BY u.id%s)", SQL_ONE_OF(r, framed), partition,
                SQL_ONE_OF(r, frames));
        break;
    default:
        sql_put(r, "%s OVER (%sORDER BY %s)", SQL_ONE_OF(r, ranked), partition,
                SQL_ONE_OF(r, keys));
    }
}

static inline uint32_t sql_windows(struct sql_random *r)
{
    uint32_t n = 1 + sql_pick(r, 2);
    bool inside = sql_chance(r, 30);
    r->aliases[0] = "u";
    r->n_aliases = 1;
    if (inside)
        sql_put(r, "SELECT q.* FROM (");
    sql_put(r, "SELECT ");
    sql_any(r);
    sql_put(r, " AS c1");
    for (uint32_t i = 0; i < n; i++) {
        sql_put(r, ", ");
        sql_window(r);
        sql_put(r, " AS w%u", i + 1);
    }
    sql_put(r, " FROM @t%u@ AS u", 1 + sql_pick(r, SQL_TABLES));
    if (sql_chance(r, 40)) {
        sql_put(r, " WHERE ");
        sql_condition(r);
    }
    if (inside)
        sql_put(r, ") AS q WHERE q.w1 IS NOT NULL");
    return n + 1;
}

/* A query that reads u, about v. */
static inline void sql_correlated(struct sql_random *r)
{
    static const char *const ties[] = {"v.k = u.k",   "v.g = u.g AND v.n > u.n",
                                       "v.d <= u.d",  "v.n + 1 = u.n",
                                       "v.id = u.id", "v.p = u.n"};
    sql_put(r, "FROM @t%u@ AS v WHERE %s", 1 + sql_pick(r, SQL_TABLES), SQL_ONE_OF(r, ties));
    if (!sql_chance(r, 40))
        return;
    sql_put(r, " AND ");
    r->aliases[0] = "v";
    r->aliases[1] = "u";
    r->n_aliases = 2;
    sql_condition(r);
    r->aliases[0] = "u";
    r->n_aliases = 1;
}

static inline void sql_correlated_condition(struct sql_random *r)
{
    switch (sql_pick(r, 5)) {
    case 0:
        sql_put(r, "%sEXISTS (SELECT 1 ", sql_chance(r, 40) ? "NOT " : "");
        sql_correlated(r);
        break;
    case 1:
        sql_put(r, "u.n %sIN (SELECT v.n ", sql_chance(r, 40) ? "NOT " : "");
        sql_correlated(r);
        break;
    case 2:
        sql_put(r, "u.q >= (SELECT avg(v.x) ");
        sql_correlated(r);
        break;
    case 3:
        sql_put(r, "coalesce(u.k, 1) < (SELECT count(*) ");
        sql_correlated(r);
        break;
    default: sql_put(r, "u.s IN (SELECT v.s "); sql_correlated(r);
    }
    sql_put(r, ")");
}

static inline uint32_t sql_with_correlated(struct sql_random *r)
{
    static const char *const values[] = {"max(v.n)", "count(*)", "sum(v.q)",
                                         "min(v.d)", "max(v.g)", "count(DISTINCT v.k)"};
    static const char *const firsts[] = {"v.s", "v.n", "v.q", "v.d", "v.k + 1"};
    static const char *const orders[] = {"v.n NULLS FIRST", "v.g DESC NULLS LAST",
                                         "v.q + 1 NULLS LAST"};
    r->aliases[0] = "u";
    r->n_aliases = 1;
    sql_put(r, "SELECT u.id AS c1, ");
    sql_any(r);
    sql_put(r, " AS c2, ");
    if (sql_chance(r, 20)) { /* of the row that comes first */
        sql_put(r, "(SELECT %s ", SQL_ONE_OF(r, firsts));
        sql_correlated(r);
        sql_put(r, " ORDER BY %s, v.id%s LIMIT 1%s)", SQL_ONE_OF(r, orders),
                sql_chance(r, 50) ? " DESC" : "", sql_chance(r, 20) ? " OFFSET 1" : "");
    } else if (sql_chance(r, 60)) {
        sql_put(r, "(SELECT %s ", SQL_ONE_OF(r, values));
        sql_correlated(r);
        sql_put(r, ")");
    } else {
        sql_put(r, "CASE WHEN ");
        sql_correlated_condition(r);
        sql_put(r, " THEN u.k ELSE -1 END");
    }
    sql_put(r, " AS c3 FROM @t%u@ AS u", 1 + sql_pick(r, SQL_TABLES));
    if (sql_chance(r, 30)) {
        sql_put(r, " WHERE ");
        sql_condition(r);
    } else {
        sql_put(r, " WHERE ");
        sql_correlated_condition(r);
        sql_put(r, sql_chance(r, 60) ? " OR " : " AND ");
        sql_condition(r);
    }
    return 3;
}

/* Groups of the rows that a correlated condition leaves. */
static inline uint32_t sql_correlated_groups(struct sql_random *r)
{
    r->aliases[0] = "u";
    r->n_aliases = 1;
    sql_put(r, "SELECT u.g AS c1, count(*) AS c2, sum(u.n) AS c3 FROM @t%u@ AS u WHERE ",
            1 + sql_pick(r, SQL_TABLES));
    sql_correlated_condition(r);
    sql_put(r, " GROUP BY u.g");
    return 3;
}

static inline uint32_t sql_full_join(struct sql_random *r)
{
    static const char *const ons[] = {"u.k = v.k", "u.id = v.id AND u.n > 0",
                                      "u.g = v.g AND u.k = v.k", "u.n = v.p", "u.d = v.d"};
    bool grouped = sql_chance(r, 30);
    r->aliases[0] = "u";
    r->aliases[1] = "v";
    r->n_aliases = 2;
    sql_put(r, "SELECT ");
    if (grouped) {
        sql_put(r, "coalesce(u.k, v.k, -1) AS c1, count(*) AS c2, sum(DISTINCT %s) AS c3",
                sql_chance(r, 50) ? "u.n" : "v.q");
    } else {
        sql_any(r);
        sql_put(r, " AS c1, ");
        sql_any(r);
        sql_put(r, " AS c2, v.id AS c3");
    }
    sql_put(r, " FROM @t%u@ AS u FULL JOIN @t%u@ AS v ON %s", 1 + sql_pick(r, SQL_TABLES),
            1 + sql_pick(r, SQL_TABLES), SQL_ONE_OF(r, ons));
    if (sql_chance(r, 40)) {
        sql_put(r, " WHERE ");
        sql_condition(r);
    }
    if (grouped)
        sql_put(r, " GROUP BY 1%s", sql_chance(r, 40) ? " HAVING count(*) > 2" : "");
    return 3;
}

static inline uint32_t sql_distinct_sums(struct sql_random *r)
{
    r->aliases[0] = "u";
    r->n_aliases = 1;
    sql_put(r, "SELECT u.g AS c1, sum(DISTINCT ");
    sql_int(r);
    sql_put(r, ") AS c2, avg(DISTINCT u.k) AS c3 FROM @t%u@ AS u", 1 + sql_pick(r, SQL_TABLES));
    if (sql_chance(r, 50)) {
        sql_put(r, " WHERE ");
        sql_condition(r);
    }
    sql_put(r, " GROUP BY u.g");
    return 3;
}

/* What jobs leave to SQLite; the number of its columns. */
static inline uint32_t sql_for_sqlite(struct sql_random *r)
{
    switch (sql_pick(r, 9)) {
    case 0:
    case 1:
    case 2: return sql_windows(r);
    case 3:
    case 4: return sql_with_correlated(r);
    case 5:
    case 6: return sql_full_join(r);
    case 7: return sql_correlated_groups(r);
    default: return sql_distinct_sums(r);
    }
}

#endif
