/* Random queries over random tables, by seed. */
#ifndef QN_TESTS_SUPPORT_SQL_QUERY_H
#define QN_TESTS_SUPPORT_SQL_QUERY_H

#include "tests/support/sql_forms.h"

/* --- clauses --------------------------------------------------------------------------------- */

/* All columns in some order, so that rows in a limit are known but for equal ones; of plain rows
 * also what is not selected. Or some columns only: then there are ties, and the order of the rows
 * is known as far as these columns tell. */
static inline void sql_order(struct sql_random *r, uint32_t n_columns, bool plain)
{
    uint32_t order[16], n = n_columns;
    if (sql_chance(r, 30))
        return;
    for (uint32_t i = 0; i < n_columns; i++)
        order[i] = i + 1;
    for (uint32_t i = n_columns; i > 1; i--) {
        uint32_t k = sql_pick(r, i), other = order[i - 1];
        order[i - 1] = order[k];
        order[k] = other;
    }
    bool ties = sql_chance(r, 25), hidden = !ties && plain && sql_chance(r, 40);
    if (ties)
        n = 1 + sql_pick(r, n_columns);
    if (hidden) {
        sql_put(r, " ORDER BY ");
        sql_int(r);
        sql_put(r, " + 0 NULLS FIRST"); /* a bare number would be a position */
    }
    for (uint32_t i = 0; i < n; i++)
        sql_put(r, "%s%u%s NULLS %s", i || hidden ? ", " : " ORDER BY ", order[i],
                sql_chance(r, 40) ? " DESC" : "", sql_chance(r, 50) ? "FIRST" : "LAST");
    r->order = (struct sql_order){.total = !ties, .n_keys = ties ? n : 0, .cut = sql_chance(r, 40)};
    memcpy(r->order.keys, order, sizeof order);
    if (!r->order.cut)
        return;
    sql_put(r, " LIMIT %u", sql_pick(r, 12));
    if (sql_chance(r, 40))
        sql_put(r, " OFFSET %u", sql_pick(r, 6));
}

static inline void sql_aggregate(struct sql_random *r)
{
    switch (sql_pick(r, 12)) {
    case 0: sql_put(r, "count(*)"); return;
    case 1: sql_put(r, "count("); break;
    case 2:
        sql_put(r, "count(DISTINCT ");
        sql_column(r, (enum sql_kind)sql_pick(r, SQL_KINDS));
        sql_put(r, ")");
        return;
    case 3:
        sql_put(r, "%s(", sql_chance(r, 50) ? "min" : "max");
        sql_column(r, sql_chance(r, 30) ? SQL_TEXT : sql_chance(r, 50) ? SQL_DATE : SQL_TIME);
        sql_put(r, ")");
        return;
    case 4:
        sql_put(r, "sum(");
        sql_column(r, sql_chance(r, 50) ? SQL_DECIMAL : SQL_DOUBLE);
        sql_put(r, ")");
        return;
    case 9:
        sql_put(r, "%s(", sql_chance(r, 50) ? "sum" : "max");
        sql_number(r);
        sql_put(r, ")");
        return;
    case 10:
        sql_put(r, "count(DISTINCT ");
        sql_int(r);
        sql_put(r, ")");
        return;
    case 11:
        sql_put(r, "sum(CASE WHEN ");
        sql_condition(r);
        sql_put(r, " THEN 1 ELSE 0 END)");
        return;
    case 5: sql_put(r, "avg("); break;
    case 6: sql_put(r, "min("); break;
    case 7: sql_put(r, "max("); break;
    default: sql_put(r, "sum("); break;
    }
    sql_int(r);
    sql_put(r, ")");
    if (sql_chance(r, 20)) {
        sql_put(r, " FILTER (WHERE ");
        sql_condition(r);
        sql_put(r, ")");
    }
}

/* What joins relation i to those before it; `inner` joins take any condition. */
static inline void sql_join_condition(struct sql_random *r, uint32_t i, bool inner)
{
    static const char *const u[] = {"u", "v", "w"};
    const char *one = u[i], *other = u[sql_pick(r, i)];
    switch (sql_pick(r, inner ? 12 : 9)) {
    case 7:
        sql_put(r, "%s.k = %s.k AND %s.g = %s.g AND %s.b = %s.b", other, one, one, other, other,
                one);
        break;
    case 8: sql_put(r, "%s.q = %s.q AND %s.k <> 3", other, one, one); break;
    case 0: sql_put(r, "%s.g = %s.g", other, one); break;
    case 1: sql_put(r, "%s.k = %s.k AND %s.id < 30", other, one, one); break;
    case 2: sql_put(r, "%s.k + 1 = %s.n AND %s.n > -5", other, one, other); break;
    case 3: sql_put(r, "%s.d = %s.d AND %s.b = %s.b", one, other, other, one); break;
    case 4: sql_put(r, "%s.n = %s.p", other, one); break;
    case 5: sql_put(r, "%s.p = %s.k AND %s.g IS NOT NULL", one, other, one); break;
    case 6: sql_put(r, "%s.id = %s.id", other, one); break;
    case 9: sql_put(r, "%s.k = %s.k AND %s.n < %s.n", other, one, other, one); break;
    case 10: sql_put(r, "%s.id + 2 > %s.id AND %s.x < %s.x", one, other, other, one); break;
    default: sql_put(r, "(%s.g = %s.g OR %s.s = %s.s)", other, one, other, one);
    }
}

/* A table, or a query that gives its columns. */
static inline void sql_relation(struct sql_random *r)
{
    static const char *const columns = "t.id, t.k + 1 AS k, t.n, coalesce(t.g, 'c') AS g, "
                                       "replace(t.s, 'e', 'E') AS s, t.p, t.x, t.d, t.b, "
                                       "t.q, t.t";
    uint32_t table = 1 + sql_pick(r, SQL_TABLES);
    if (sql_chance(r, 80)) {
        sql_put(r, "@t%u@", table);
        return;
    }
    switch (sql_pick(r, 4)) {
    case 0:
        sql_put(r, "(SELECT * FROM @t%u@ AS t WHERE t.n > %d)", table, -(int)sql_pick(r, 9));
        break;
    case 1: sql_put(r, "(SELECT %s FROM @t%u@ AS t)", columns, table); break;
    case 2:
        sql_put(r, "(SELECT DISTINCT %s FROM @t%u@ AS t WHERE t.k IS NOT NULL)", columns, table);
        break;
    default:
        sql_put(r, "(SELECT * FROM @t%u@ AS t ORDER BY t.n NULLS LAST, t.id DESC LIMIT %u)", table,
                3 + sql_pick(r, 20));
    }
}

/* FROM with one to three relations, whose aliases are known afterwards. */
static inline void sql_from(struct sql_random *r)
{
    static const char *const aliases[] = {"u", "v", "w"};
    uint32_t n = sql_chance(r, 55) ? 1 : sql_chance(r, 75) ? 2 : 3;
    sql_put(r, " FROM ");
    sql_relation(r);
    sql_put(r, " AS u");
    for (uint32_t i = 1; i < n; i++) {
        bool inner = sql_chance(r, 55), right = !inner && n == 2 && sql_chance(r, 35);
        if (sql_chance(r, 10)) {
            sql_put(r, " CROSS JOIN @t3@ AS %s", aliases[i]);
            continue;
        }
        sql_put(r, " %s ", right ? "RIGHT JOIN" : inner ? "JOIN" : "LEFT JOIN");
        sql_relation(r);
        sql_put(r, " AS %s", aliases[i]);
        if (i == 1 && sql_chance(r, 15)) {
            sql_put(r, " USING (%s)", sql_chance(r, 50) ? "id" : "k, g");
            continue;
        }
        sql_put(r, " ON ");
        sql_join_condition(r, i, inner);
    }
    r->n_aliases = n;
    memcpy(r->aliases, aliases, sizeof aliases);
}

/* --- queries: each gives the number of its columns ------------------------------------------- */

static inline void sql_put_buf(struct sql_random *r, struct qn_buf *buf)
{
    qn_buf_put(r->out, buf->data, buf->len);
    qn_buf_fini(buf);
}

/* The relations are drawn first, for what stands before them speaks of them. */
static inline struct qn_buf sql_draw_from(struct sql_random *r)
{
    struct qn_buf from, *out = r->out;
    qn_buf_init(&from);
    r->out = &from;
    sql_from(r);
    r->out = out;
    return from;
}

static inline uint32_t sql_plain(struct sql_random *r, bool distinct)
{
    struct qn_buf from = sql_draw_from(r);
    uint32_t n = 1 + sql_pick(r, 4);
    sql_put(r, "SELECT %s", distinct ? "DISTINCT " : "");
    for (uint32_t i = 0; i < n; i++) {
        sql_put(r, "%s", i ? ", " : "");
        sql_any(r);
        sql_put(r, " AS c%u", i + 1);
    }
    sql_put_buf(r, &from);
    sql_where(r, 70);
    return n;
}

static inline uint32_t sql_grouped(struct sql_random *r)
{
    static const char *const keys[] = {"", " GROUP BY 1", " GROUP BY 1, 2"};
    struct qn_buf from = sql_draw_from(r);
    uint32_t n_keys = sql_pick(r, 3), n_aggregates = 1 + sql_pick(r, 3);
    sql_put(r, "SELECT ");
    for (uint32_t i = 0; i < n_keys; i++) {
        sql_any(r);
        sql_put(r, " AS c%u, ", i + 1);
    }
    for (uint32_t i = 0; i < n_aggregates; i++) {
        sql_put(r, "%s", i ? ", " : "");
        if (sql_chance(r, 20))
            sql_put(r, "coalesce(max(u.n) + count(*), 0)");
        else
            sql_aggregate(r);
        sql_put(r, " AS a%u", i + 1);
    }
    sql_put_buf(r, &from);
    sql_where(r, 50);
    sql_put(r, "%s", keys[n_keys]);
    if (n_keys && sql_chance(r, 20))
        sql_put(r, " HAVING count(*) > %u", sql_pick(r, 4));
    else if (n_keys && sql_chance(r, 15))
        sql_put(r, " HAVING count(DISTINCT u.k) > 1 OR sum(u.q) BETWEEN 0 AND %u", sql_pick(r, 30));
    else if (n_keys && sql_chance(r, 25))
        sql_put(r, " HAVING max(u.n) - min(u.k) > (SELECT min(t.n) + %u FROM @t3@ AS t)",
                sql_pick(r, 30));
    return n_keys + n_aggregates;
}

static inline void sql_only(struct sql_random *r, const char *alias)
{
    r->aliases[0] = alias;
    r->n_aliases = 1;
}

/* What subqueries can be asked for: of one table each. */
static inline uint32_t sql_with_subquery(struct sql_random *r)
{
    uint32_t table = 1 + sql_pick(r, SQL_TABLES);
    sql_only(r, "u");
    sql_put(r, "SELECT u.id AS c1, u.k AS c2, u.s AS c3 FROM @t%u@ AS u WHERE ",
            1 + sql_pick(r, SQL_TABLES));
    if (sql_chance(r, 40)) {
        sql_condition(r);
        sql_put(r, " AND ");
    }
    switch (sql_pick(r, 6)) {
    case 0: sql_put(r, "u.k IN (SELECT v.n FROM @t%u@ AS v WHERE v.id > 5)", table); break;
    case 1:
        sql_put(r, "u.n NOT IN (SELECT v.k FROM @t%u@ AS v%s)", table,
                sql_chance(r, 60) ? " WHERE v.k IS NOT NULL" : "");
        break;
    case 2: sql_put(r, "u.n > (SELECT avg(v.n) FROM @t%u@ AS v)", table); break;
    case 3:
        sql_put(r, "%sEXISTS (SELECT 1 FROM @t%u@ AS v WHERE v.n > %u)",
                sql_chance(r, 50) ? "NOT " : "", table, 15 + sql_pick(r, 7));
        break;
    case 4: sql_put(r, "u.k + 1 IN (SELECT v.p FROM @t%u@ AS v UNION SELECT 3)", table); break;
    default:
        sql_put(r, "u.g = (SELECT max(v.g) FROM @t%u@ AS v WHERE v.k = %u)", table, sql_pick(r, 6));
    }
    return 3;
}

/* Groups of one table, all of them or the first, or what a set operation gives. */
static inline void sql_inner(struct sql_random *r, char *out, size_t room)
{
    uint32_t table = 1 + sql_pick(r, SQL_TABLES);
    if (sql_chance(r, 25))
        snprintf(out, room,
                 "SELECT v.k AS k, v.g AS g, v.id AS m, v.n AS n FROM @t%u@ AS v WHERE v.k > 2 "
                 "UNION SELECT v.n, v.g, v.k, v.n FROM @t3@ AS v",
                 table);
    else
        snprintf(out, room,
                 "SELECT v.k AS k, v.g AS g, count(*) AS m, max(v.n) AS n FROM @t%u@ AS v "
                 "GROUP BY v.k, v.g%s",
                 table, sql_chance(r, 30) ? " ORDER BY 1 NULLS LAST, 2 NULLS LAST LIMIT 4" : "");
}

/* Those joined to a table, grouped again, or beside themselves; in WITH or in parentheses. */
static inline uint32_t sql_nested(struct sql_random *r)
{
    char inner[400];
    bool cte = sql_chance(r, 50), again = sql_chance(r, 30), beside = cte && sql_chance(r, 30);
    sql_inner(r, inner, sizeof inner);
    if (cte)
        sql_put(r, "WITH q AS (%s) ", inner);
    if (again)
        sql_put(r, "SELECT q.g AS c1, sum(q.m) AS c2, max(q.n) - min(q.n) AS c3 FROM ");
    else if (beside)
        sql_put(r, "SELECT u.k AS c1, q.m AS c2, u.m + q.n AS c3 FROM q AS u JOIN ");
    else
        sql_put(r, "SELECT u.id AS c1, q.m AS c2, q.n AS c3 FROM @t%u@ AS u %s ",
                1 + sql_pick(r, SQL_TABLES), sql_chance(r, 50) ? "JOIN" : "LEFT JOIN");
    if (cte)
        sql_put(r, "q");
    else
        sql_put(r, "(%s) AS q", inner);
    if (again) {
        sql_put(r, " GROUP BY q.g HAVING sum(q.m) > %u", sql_pick(r, 12));
        return 3;
    }
    sql_put(r, " ON u.k = q.k AND u.g = q.g");
    sql_only(r, "u");
    if (!beside)
        sql_where(r, 40);
    return 3;
}

/* INTERSECT binds tighter than the others, which bind from left to right. SQLite binds all of them
 * alike, and has no ALL but that of UNION: sql_spell.h writes them out for it. */
static const struct sql_set_op {
    uint32_t binds;
    const char *before, *between, *behind;
} sql_set_ops[] = {
    {1, "", "UNION", ""},
    {1, "", "UNION ALL", ""},
    {1, "", "EXCEPT", ""},
    {2, "", "INTERSECT", ""},
    {1, "@counted@", "@except_all@", "@counted_end@"},
    {2, "@counted@", "@intersect_all@", "@counted_end@"},
};

/* One SELECT, or an operation between such; `binds` of what is around it. */
static inline void sql_set_tree(struct sql_random *r, uint32_t n, uint32_t binds)
{
    static const char *const columns[] = {"u.k AS c1, u.g AS c2", "u.n AS c1, u.g AS c2",
                                          "u.k AS c1, u.s AS c2", "u.q AS c1, u.g AS c2",
                                          "NULL AS c1, u.g || '!' AS c2"};
    if (n == 1) {
        bool grouped = sql_chance(r, 15);
        sql_put(r, "SELECT %s FROM @t%u@ AS u",
                grouped ? "u.k AS c1, max(u.g) AS c2" : columns[sql_pick(r, 5)],
                1 + sql_pick(r, SQL_TABLES));
        sql_where(r, 50);
        sql_put(r, "%s", grouped ? " GROUP BY u.k" : "");
        return;
    }
    const struct sql_set_op *op = &sql_set_ops[sql_pick(r, 6)];
    bool bare = op->binds >= binds && sql_chance(r, 80);
    uint32_t n_left = 1 + sql_pick(r, n - 1);
    sql_put(r, "%s%s", bare ? "@side@" : "@(@", op->before);
    sql_set_tree(r, n_left, op->binds);
    sql_put(r, " %s ", op->between);
    sql_set_tree(r, n - n_left, op->binds + 1);
    sql_put(r, "%s%s", op->behind, bare ? "@end@" : "@)@");
}

/* Operations of all kinds in any order, sometimes as what another query reads. */
static inline uint32_t sql_set_operation(struct sql_random *r)
{
    bool inside = sql_chance(r, 25);
    sql_only(r, "u");
    if (inside)
        sql_put(r, "SELECT q.c1 AS c1, count(*) AS c2, max(q.c2) AS c3 FROM (");
    sql_set_tree(r, 2 + (sql_chance(r, 50) ? sql_pick(r, 4) : 0), 0);
    if (inside)
        sql_put(r, ") AS q GROUP BY q.c1");
    return inside ? 3 : 2;
}

/* The query of a seed. */
static inline struct sql_order sql_query(uint64_t seed, struct qn_buf *out)
{
    struct sql_random r = {.state = seed * UINT64_C(0xd1342543de82ef95) + 7, .out = out};
    uint32_t n, shape = sql_pick(&r, 48);
    if (shape < 7)
        n = sql_plain(&r, false);
    else if (shape < 13)
        n = sql_grouped(&r);
    else if (shape < 15)
        n = sql_plain(&r, true);
    else if (shape < 16)
        n = sql_with_subquery(&r);
    else if (shape < 18)
        n = sql_nested(&r);
    else if (shape < 20)
        n = sql_set_operation(&r);
    else if (shape < 25)
        n = sql_for_sqlite(&r);
    else if (shape < 40)
        n = sql_wide(&r);
    else
        n = sql_forms(&r);
    sql_order(&r, n, shape < 7);
    return r.order;
}

#endif
