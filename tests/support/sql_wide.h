/* Random queries of many shapes, each of what people write now and then: HAVING without groups, IN
 * and EXISTS at odd places, windows over groups, chains of WITH, limits in the arms of set
 * operations, joins of nothing, of one row, of columns without values. */
#ifndef QN_TESTS_SUPPORT_SQL_WIDE_H
#define QN_TESTS_SUPPORT_SQL_WIDE_H

#include "tests/support/sql_sqlite.h"

/* --- relations ------------------------------------------------------------------------------- */

/* A table with few rows, none, or NULLs for values in columns that joins go by. */
static inline void sql_edge_relation(struct sql_random *r)
{
    uint32_t table = 1 + sql_pick(r, SQL_TABLES);
    switch (sql_pick(r, 9)) {
    case 0: sql_put(r, "(SELECT * FROM @t%u@ AS t WHERE t.id < 0)", table); break;
    case 1: sql_put(r, "(SELECT * FROM @t%u@ AS t WHERE t.id = %u)", table, sql_pick(r, 9)); break;
    case 2:
        sql_put(r,
                "(SELECT t.id, nullif(t.k, t.k) AS k, t.n, t.g, nullif(t.s, t.s) AS s, t.p, t.x, "
                "t.d, t.b, t.q, t.t FROM @t%u@ AS t)",
                table);
        break;
    case 3:
        sql_put(r,
                "(SELECT * FROM @t%u@ AS t ORDER BY t.q DESC NULLS LAST, t.id LIMIT %u OFFSET %u)",
                table, 1 + sql_pick(r, 9), sql_pick(r, 5));
        break;
    case 4:
        sql_put(r,
                "(SELECT * FROM @t3@ AS t WHERE t.n > 0 UNION ALL SELECT * FROM @t%u@ AS t WHERE "
                "t.k = %u)",
                table, sql_pick(r, 6));
        break;
    default: sql_put(r, "@t%u@", table);
    }
}

static inline void sql_edge_from(struct sql_random *r)
{
    static const char *const aliases[] = {"u", "v", "w"};
    static const char *const words[] = {"JOIN", "LEFT JOIN", "LEFT JOIN", "RIGHT JOIN",
                                        "FULL JOIN"};
    static const char *const ons[] = {
        "u.k = v.k",
        "u.g = v.g AND v.n > 0",
        "u.id = v.id AND u.n > 0",
        "u.k = v.n AND u.b",
        "u.k + v.k = 5",
        "u.k = v.k AND u.n < v.n",
        "u.s = v.s OR u.k = v.k",
        "u.q = v.q AND u.k IS NOT NULL",
        "u.d = v.d AND u.g <> v.g",
        "1 = 0",
        "coalesce(u.k, -1) = coalesce(v.k, -1)",
        "u.k BETWEEN v.k - 1 AND v.k",
        "u.g IN (v.g, v.s)",
        "u.k IS NOT DISTINCT FROM v.k AND u.id < 9",
    };
    sql_put(r, " FROM ");
    sql_edge_relation(r);
    sql_put(r, " AS u");
    r->n_aliases = 1;
    memcpy(r->aliases, aliases, sizeof aliases);
    if (sql_chance(r, 30))
        return;
    sql_put(r, " %s ", SQL_ONE_OF(r, words));
    sql_edge_relation(r);
    sql_put(r, " AS v ON %s", SQL_ONE_OF(r, ons));
    r->n_aliases = 2;
    if (sql_chance(r, 75))
        return;
    sql_put(r, " %s @t3@ AS w ON %s", sql_chance(r, 50) ? "LEFT JOIN" : "JOIN",
            sql_chance(r, 50) ? "w.k = v.k" : "w.g = u.g AND w.n > 0");
    r->n_aliases = 3;
}

/* --- conditions ------------------------------------------------------------------------------ */

/* What is true of one query's rows; about u, or of nobody. */
static inline void sql_query_condition(struct sql_random *r)
{
    static const char *const sides[] = {"",
                                        " WHERE y.k IS NOT NULL",
                                        " WHERE y.id < 0",
                                        " WHERE y.n > 5",
                                        " WHERE y.k = u.k",
                                        " WHERE y.n < u.n AND y.g = u.g",
                                        " WHERE y.id = u.id"};
    const char *side = SQL_ONE_OF(r, sides), *not = sql_chance(r, 50) ? "NOT " : "";
    uint32_t table = 1 + sql_pick(r, SQL_TABLES);
    switch (sql_pick(r, 9)) {
    case 8: sql_put(r, "(u.k, u.id) IN (SELECT y.k, y.n FROM @t%u@ AS y)", table); break;
    case 0: sql_put(r, "u.k %sIN (SELECT y.k FROM @t%u@ AS y%s)", not, table, side); break;
    case 1: sql_put(r, "u.n + 1 %sIN (SELECT y.n FROM @t%u@ AS y%s)", not, table, side); break;
    case 2: sql_put(r, "%sEXISTS (SELECT 1 FROM @t%u@ AS y%s)", not, table, side); break;
    case 3: sql_put(r, "%s(u.g IN (SELECT y.g FROM @t%u@ AS y%s))", not, table, side); break;
    case 4: sql_put(r, "u.n > (SELECT max(y.k) FROM @t%u@ AS y%s)", table, side); break;
    case 5:
        sql_put(r, "u.k %sIN (SELECT y.k FROM @t%u@ AS y%s GROUP BY y.k HAVING count(*) > 1)", not,
                table, side);
        break;
    case 6:
        sql_put(r, "u.n %sIN (SELECT y.n FROM @t%u@ AS y%s UNION SELECT 4)", not, table,
                side[0] ? " WHERE y.n > 0" : "");
        break;
    default: sql_put(r, "(SELECT count(*) FROM @t%u@ AS y%s) > %u", table, side, sql_pick(r, 4));
    }
}

static inline void sql_text_condition(struct sql_random *r)
{
    static const char *const texts[] = {
        "u.s LIKE 'a!_b' ESCAPE '!'",
        "u.s GLOB '*e*'",
        "u.s GLOB 'r?d'",
        "instr(u.s, 'e') > 2",
        "substr(u.s, -2) = 'en'",
        "length(u.g) = 0",
        "u.s > u.g",
        "u.g = ''",
        "u.s NOT LIKE '%l%'",
        "upper(u.g) = 'A'",
        "trim(u.s, 'r') <> u.s",
        "u.s BETWEEN 'b' AND 'h'",
        "u.g IN ('a', '', NULL)",
        "u.g IS NOT DISTINCT FROM 'a'",
        "(coalesce(u.k, 0), u.id) < (3, 9)",
        "(coalesce(u.g, ''), u.id) IN (('a', 4), ('b', 7), ('', 9))"};
    sql_put(r, "%s", SQL_ONE_OF(r, texts));
}

static inline void sql_wide_condition(struct sql_random *r)
{
    static const char *const nulls[] = {"v.id IS NULL",
                                        "v.k IS NULL",
                                        "v.b",
                                        "NOT v.b",
                                        "v.n > 0 OR v.n IS NULL",
                                        "u.k IS DISTINCT FROM v.k"};
    uint32_t n = 1 + sql_pick(r, 3);
    for (uint32_t i = 0; i < n; i++) {
        if (i)
            sql_put(r, sql_chance(r, 60) ? " AND " : " OR ");
        switch (sql_pick(r, 5)) {
        case 0: sql_query_condition(r); break;
        case 1: sql_text_condition(r); break;
        case 2:
            if (r->n_aliases > 1) {
                sql_put(r, "(%s)", SQL_ONE_OF(r, nulls));
                break;
            }
            __attribute__((fallthrough));
        default:
            sql_put(r, "(");
            sql_condition(r);
            sql_put(r, ")");
        }
    }
}

/* --- shapes: each gives the number of its columns --------------------------------------------- */

static inline uint32_t sql_wide_plain(struct sql_random *r)
{
    static const char *const firsts[] = {"u.id", "-u.n", "u.k * 2 + u.n", "u.s || u.g", "u.q"};
    struct qn_buf from, *out = r->out;
    qn_buf_init(&from);
    r->out = &from;
    sql_edge_from(r);
    r->out = out;
    sql_put(r, "SELECT %s%s AS c1, ", sql_chance(r, 20) ? "DISTINCT " : "", SQL_ONE_OF(r, firsts));
    if (sql_chance(r, 30)) {
        sql_put(r, "CASE WHEN ");
        sql_query_condition(r);
        sql_put(r, " THEN 'yes' ELSE u.g END");
    } else {
        sql_any(r);
    }
    sql_put(r, " AS c2%.*s", (int)from.len, (const char *)from.data);
    qn_buf_fini(&from);
    if (sql_chance(r, 75)) {
        sql_put(r, " WHERE ");
        sql_wide_condition(r);
    }
    return 2;
}

static inline uint32_t sql_wide_groups(struct sql_random *r)
{
    static const char *const keys[] = {"u.k",     "u.g",         "u.k % 2, u.b",
                                       "u.n > 0", "length(u.s)", "CASE WHEN u.n > 0 THEN u.g END",
                                       "u.q, u.g"};
    static const char *const aggregates[] = {
        "count(*)",
        "count(DISTINCT u.s)",
        "count(DISTINCT u.k) FILTER (WHERE u.n > 0)",
        "sum(u.n) FILTER (WHERE u.b)",
        "max(u.n) - min(u.n)",
        "avg(u.k)",
        "sum(u.q) / count(*)",
        "min(u.s)",
        "max(u.d)",
        "min(u.t)",
        "sum(u.n * u.k)",
        "count(u.x)",
        "sum(DISTINCT u.k)",
        "coalesce(sum(u.n), 0) + count(*)",
        "max(CASE WHEN u.b THEN u.g ELSE u.s END)",
        "sum(CASE WHEN u.k IN (SELECT y.k FROM @t3@ AS y) THEN 1 ELSE 0 END)",
        "count(*) FILTER (WHERE u.k > 2 AND u.g = 'a')",
    };
    static const char *const havings[] = {"count(*) > 1", "sum(u.n) > 0", "max(u.k) IS NULL",
                                          "min(u.n) < -5 OR count(DISTINCT u.g) > 1",
                                          "count(*) > (SELECT min(y.k) FROM @t2@ AS y)"};
    bool grouped = sql_chance(r, 80);
    sql_put(r, "SELECT %s AS c1, %s AS c2", SQL_ONE_OF(r, aggregates), SQL_ONE_OF(r, aggregates));
    sql_edge_from(r);
    if (sql_chance(r, 50)) {
        sql_put(r, " WHERE ");
        sql_wide_condition(r);
    }
    if (grouped)
        sql_put(r, " GROUP BY %s", SQL_ONE_OF(r, keys));
    if (sql_chance(r, 30))
        sql_put(r, " HAVING %s", SQL_ONE_OF(r, havings));
    return 2;
}

/* Windows over groups, in expressions, over joins. */
static inline uint32_t sql_wide_windows(struct sql_random *r)
{
    static const char *const grouped[] = {
        "rank() OVER (ORDER BY count(*) DESC, u.k NULLS LAST)",
        "sum(sum(u.n)) OVER (ORDER BY u.k NULLS FIRST)",
        "count(*) * 2 - max(count(*)) OVER ()",
        "lag(max(u.n)) OVER (ORDER BY u.k NULLS FIRST)",
        "sum(count(*)) OVER (ORDER BY max(u.n) NULLS LAST, u.k NULLS LAST)",
    };
    static const char *const plain[] = {
        "u.n - lag(u.n, 1) OVER (PARTITION BY u.g ORDER BY u.id)",
        "CASE WHEN row_number() OVER (ORDER BY u.x NULLS LAST, u.id) < 5 THEN 'top' ELSE u.g END",
        "coalesce(sum(u.q) OVER (PARTITION BY u.k ORDER BY u.id ROWS 2 PRECEDING), 0) + 1",
        "count(*) OVER (PARTITION BY u.k > 2) + rank() OVER (ORDER BY u.n NULLS FIRST)",
        "avg(u.x) OVER (ORDER BY u.id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING)",
        "sum(u.x) OVER (PARTITION BY u.k ORDER BY u.id ROWS BETWEEN 2 PRECEDING AND CURRENT ROW)",
        "avg(u.q) OVER (PARTITION BY u.g)",
        "max(u.s) OVER (PARTITION BY u.b ORDER BY u.id GROUPS 1 PRECEDING)",
        "sum(u.n) OVER (ORDER BY u.k NULLS FIRST)",
        "sum(u.x) FILTER (WHERE u.b) OVER (PARTITION BY u.k ORDER BY u.id)",
        "count(*) FILTER (WHERE u.n > 0) OVER (ORDER BY u.id ROWS 3 PRECEDING)",
        "count(*) OVER (ORDER BY u.n NULLS FIRST RANGE BETWEEN 3 PRECEDING AND 1 FOLLOWING)",
        "sum(u.q) OVER (PARTITION BY u.b ORDER BY u.x DESC NULLS LAST RANGE 2.5 PRECEDING)",
        "max(u.id) OVER (ORDER BY u.n DESC NULLS LAST RANGE BETWEEN 9 PRECEDING AND 2 PRECEDING)",
    };
    if (sql_chance(r, 35)) {
        sql_put(r, "SELECT u.k AS c1, %s AS c2 FROM @t%u@ AS u", SQL_ONE_OF(r, grouped),
                1 + sql_pick(r, SQL_TABLES));
        if (sql_chance(r, 40))
            sql_put(r, " WHERE u.n > %d", -(int)sql_pick(r, 12));
        sql_put(r, " GROUP BY u.k");
        if (sql_chance(r, 30))
            sql_put(r, " HAVING count(*) > 1");
        return 2;
    }
    r->n_aliases = 1;
    r->aliases[0] = "u";
    sql_put(r, "SELECT %s AS c1, %s AS c2 FROM @t%u@ AS u", SQL_ONE_OF(r, plain),
            SQL_ONE_OF(r, plain), 1 + sql_pick(r, SQL_TABLES));
    if (sql_chance(r, 60)) {
        sql_put(r, " WHERE ");
        sql_wide_condition(r);
    }
    return 2;
}

/* WITH of several, of which one reads another twice, and one may have the name of another's. */
static inline uint32_t sql_chain(struct sql_random *r)
{
    static const char *const ends[] = {
        "SELECT p.k AS c1, q.m AS c2 FROM p LEFT JOIN q ON p.k = q.k",
        "SELECT q.k AS c1, q.m AS c2 FROM q WHERE q.m > (SELECT avg(q.m) FROM q)",
        "SELECT p.g AS c1, count(*) AS c2 FROM p WHERE p.k IN (SELECT q.k FROM q WHERE q.m > 2) "
        "GROUP BY p.g",
        "SELECT a.k AS c1, b.m AS c2 FROM q AS a JOIN q AS b ON a.m = b.m AND a.k < b.k",
        "SELECT p.k AS c1, p.g AS c2 FROM p EXCEPT SELECT q.k, 'a' FROM q",
        "SELECT x.k AS c1, x.m AS c2 FROM (WITH q AS (SELECT p.k AS k, p.n AS m FROM p) SELECT q.k "
        "AS k, max(q.m) AS m FROM q GROUP BY q.k) AS x",
        "SELECT x.k AS c1, x.c AS c2 FROM (SELECT p.k AS k, count(*) AS c FROM p JOIN q ON p.k = "
        "q.k "
        "GROUP BY p.k) AS x WHERE x.c > 1",
        "SELECT p.n AS c1, rank() OVER (ORDER BY p.n DESC NULLS LAST) AS c2 FROM p WHERE EXISTS "
        "(SELECT 1 FROM q WHERE q.k = p.k)",
    };
    r->aliases[0] = "u";
    r->n_aliases = 1;
    sql_put(r, "WITH p AS (SELECT u.k AS k, u.g AS g, u.n AS n FROM @t%u@ AS u",
            1 + sql_pick(r, SQL_TABLES));
    if (sql_chance(r, 50)) {
        sql_put(r, " WHERE ");
        sql_wide_condition(r);
    }
    sql_put(r, "), q AS (SELECT p.k AS k, %s AS m FROM p%s GROUP BY p.k%s) %s",
            sql_chance(r, 50) ? "count(*)" : "sum(p.n)",
            sql_chance(r, 30) ? " WHERE p.n IS NOT NULL" : "",
            sql_chance(r, 30) ? " HAVING count(*) > 1" : "", SQL_ONE_OF(r, ends));
    return 2;
}

/* Rows that follow from others, and those that are written out. */
static inline uint32_t sql_written(struct sql_random *r)
{
    static const char *const joins[] = {"JOIN", "LEFT JOIN"};
    r->aliases[0] = "u";
    r->n_aliases = 1;
    if (sql_chance(r, 50)) {
        sql_put(r,
                "WITH v(a, b) AS (VALUES (1, 'x'), (%u, NULL), (NULL, 'z')) SELECT u.id AS c1, v.b "
                "AS c2 FROM @t%u@ AS u %s v ON u.k = v.a",
                sql_pick(r, 6), 1 + sql_pick(r, SQL_TABLES), SQL_ONE_OF(r, joins));
        return 2;
    }
    sql_put(r, "WITH RECURSIVE r(n, k) AS (SELECT u.n, u.k FROM @t%u@ AS u",
            1 + sql_pick(r, SQL_TABLES));
    if (sql_chance(r, 60)) {
        sql_put(r, " WHERE ");
        sql_condition(r);
    }
    sql_put(r,
            sql_chance(r, 50) ? " UNION SELECT r.n + %u, r.k FROM r"
                              : " UNION ALL SELECT r.n + %u, r.k FROM r",
            1 + sql_pick(r, 5));
    sql_put(r, "%s WHERE r.n < 15)", sql_chance(r, 30) ? " JOIN @t3@ AS t ON t.id = 1" : "");
    sql_put(r, " SELECT r.k AS c1, %s AS c2 FROM r GROUP BY r.k",
            sql_chance(r, 50) ? "count(*)" : "sum(r.n)");
    return 2;
}

/* Arms that are ordered and cut by themselves. */
static inline uint32_t sql_cut_arms(struct sql_random *r)
{
    static const char *const ops[] = {"UNION", "UNION ALL", "EXCEPT", "INTERSECT"};
    static const char *const columns[] = {"u.k AS c1, u.g AS c2", "u.n AS c1, u.s AS c2",
                                          "u.q AS c1, u.g AS c2", "u.k AS c1, NULL AS c2"};
    uint32_t n = 2 + sql_pick(r, 2);
    if (n == 3)
        sql_put(r, "SELECT q.c1, q.c2 FROM (");
    for (uint32_t i = 0; i < n; i++) {
        if (i == 2)
            sql_put(r, ") AS q");
        if (i)
            sql_put(r, " %s ", SQL_ONE_OF(r, ops));
        sql_put(r,
                "SELECT q.c1, q.c2 FROM (SELECT %s FROM @t%u@ AS u ORDER BY 1 NULLS FIRST, 2 NULLS "
                "LAST, u.id%s) AS q",
                SQL_ONE_OF(r, columns), 1 + sql_pick(r, SQL_TABLES),
                sql_chance(r, 70) ? " LIMIT 9" : "");
    }
    return 2;
}

/* One of these. */
static inline uint32_t sql_wide(struct sql_random *r)
{
    switch (sql_pick(r, 11)) {
    case 10: return sql_written(r);
    case 0:
    case 1:
    case 2: return sql_wide_plain(r);
    case 3:
    case 4:
    case 5: return sql_wide_groups(r);
    case 6:
    case 7: return sql_wide_windows(r);
    case 8: return sql_chain(r);
    default: return sql_cut_arms(r);
    }
}

#endif
