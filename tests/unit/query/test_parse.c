/* The tree of a query, by its parts; and where the parser stops. */
#include "query/ast.h"
#include "tests/support/arena.h"
#include "tests/support/test.h"

static struct qn_sql_query *parse(const char *text)
{
    struct qn_sql_query *query = NULL;
    struct qn_expr_complaint complaint = {0};
    if (qn_sql_parse(&arena, qn_strv_from(text), &query, &complaint) != QN_OK)
        fail_msg("%s: %zu: %s", text, complaint.offset, complaint.message);
    return query;
}

static void reads_clauses(void **state)
{
    (void)state;
    const struct qn_sql_query *query =
        parse("SELECT DISTINCT a AS x, t.b, count(*), t.* FROM 'f.csv' (delimiter ';') AS t\n"
              "WHERE a > 1 GROUP BY a, 2 HAVING count(*) > 1\n"
              "ORDER BY x DESC, 2 NULLS LAST LIMIT 10 OFFSET 3;");
    const struct qn_sql_body *body = query->body;
    assert_int_equal(body->op, QN_SQL_SELECT);
    assert_true(body->distinct);
    assert_int_equal(body->n_items, 4);
    assert_true(qn_strv_is(body->items[0].alias.text, "x"));
    assert_true(qn_strv_is(body->items[1].expr->table, "t"));
    assert_int_equal(body->items[2].expr->kind, QN_AST_AGGREGATE);
    assert_null(body->items[3].expr);
    assert_int_equal(body->n_from, 1);
    assert_true(qn_strv_is(body->from[0].path.text, "f.csv"));
    assert_true(qn_strv_is(body->from[0].options[0].value.text, ";"));
    assert_true(qn_strv_is(body->from[0].alias.text, "t"));
    assert_int_equal(body->n_group_by, 2);
    assert_non_null(body->having);
    assert_int_equal(query->n_order, 2);
    assert_true(query->order[0].descending && !query->order[0].nulls_first);
    assert_true(!query->order[1].descending && !query->order[1].nulls_first);
    assert_true(query->has_limit && query->limit == 10 && query->offset == 3);
}

static void reads_joins(void **state)
{
    (void)state;
    static const enum qn_sql_how hows[] = {QN_SQL_FIRST, QN_SQL_INNER, QN_SQL_LEFT, QN_SQL_CROSS,
                                           QN_SQL_CROSS, QN_SQL_SEMI,  QN_SQL_ANTI};
    const struct qn_sql_body *body =
        parse("SELECT 1 FROM a JOIN b USING (x, y) LEFT OUTER JOIN (SELECT 1) AS c ON a.x = c.x "
              "CROSS JOIN d, lake.e SEMI JOIN f ON a.x = f.x ANTI JOIN g ON left(a.x, 1) = g.x")
            ->body;
    assert_int_equal(body->n_from, 7);
    for (uint32_t i = 0; i < 7; i++)
        assert_int_equal(body->from[i].how, hows[i]);
    assert_int_equal(body->from[1].n_using, 2);
    assert_non_null(body->from[2].query);
    assert_true(qn_strv_is(body->from[4].folder.text, "lake"));
    assert_int_equal(body->from[6].on->args[0]->kind, QN_AST_CALL);
}

/* What stands in parentheses behind FROM: a query, or a join. */
static void reads_parentheses(void **state)
{
    (void)state;
    const struct qn_sql_relation *from =
        parse("SELECT 1 FROM (a JOIN b ON 1 = 1) JOIN ((SELECT 1) AS c CROSS JOIN d) ON 1 = 1, "
              "((SELECT 1) UNION (SELECT 2)), (((VALUES (1)))), (a CROSS JOIN b) AS e")
            ->body->from;
    static const bool joined[] = {true, true, false, false, false};
    for (uint32_t i = 0; i < 5; i++) {
        assert_int_equal(from[i].joined, joined[i]);
        assert_non_null(from[i].query);
    }
    assert_int_equal(from[1].query->body->n_from, 2);
    assert_non_null(from[1].query->body->from[0].query);
    assert_int_equal(from[2].query->body->op, QN_SQL_UNION);
    assert_true(qn_strv_is(from[4].alias.text, "e"));
}

/* Windows are named behind the calls that name them, and some name each other. */
static void names_windows(void **state)
{
    (void)state;
    const struct qn_sql_query *query =
        parse("SELECT sum(a) OVER v, 1 + max(b) OVER (w ORDER BY c DESC), window FROM t "
              "WINDOW w AS (PARTITION BY d, e), v AS (w ROWS 2 PRECEDING) "
              "QUALIFY rank() OVER (w ORDER BY a) = 1 ORDER BY count(*) OVER v");
    const struct qn_sql_item *items = query->body->items;
    const struct qn_ast *sum = items[0].expr, *max = items[1].expr->args[1];
    assert_int_equal(sum->kind, QN_AST_WINDOW);
    assert_int_equal(sum->window->n_args, 1);
    assert_int_equal(sum->window->n_partition, 2);
    assert_int_equal(sum->window->n_order, 0);
    assert_int_equal(sum->window->frame.unit.len, 4);
    assert_int_equal(sum->mark.width, strlen("sum(a) OVER v"));
    assert_int_equal(max->window->n_partition, 2);
    assert_true(max->window->n_order == 1 && max->window->descending[0]);
    assert_int_equal(items[2].expr->kind, QN_AST_COLUMN);
    assert_int_equal(query->body->qualify->args[0]->kind, QN_AST_WINDOW);
    assert_int_equal(query->order[0].expr->kind, QN_AST_WINDOW);
    query = parse("SELECT 1 FROM t WINDOW JOIN u AS window ON 1 = 1");
    assert_true(qn_strv_is(query->body->from[0].alias.text, "WINDOW"));
}

static void set_operations_bind(void **state)
{
    (void)state;
    const struct qn_sql_body *body =
        parse("SELECT 1 UNION SELECT 2 INTERSECT SELECT 3 EXCEPT ALL (SELECT 4 LIMIT 1)")->body;
    assert_int_equal(body->op, QN_SQL_EXCEPT);
    assert_true(body->all);
    assert_int_equal(body->right->op, QN_SQL_NESTED);
    assert_int_equal(body->left->op, QN_SQL_UNION);
    assert_int_equal(body->left->right->op, QN_SQL_INTERSECT);
}

static void queries_stand_in_expressions(void **state)
{
    (void)state;
    const struct qn_sql_body *body =
        parse("SELECT (SELECT 1), min(a, b), min(a) FROM t WHERE x NOT IN (SELECT 2) AND EXISTS "
              "(SELECT 3) AND y IN (1, 2)")
            ->body;
    assert_int_equal(body->items[0].expr->kind, QN_AST_SUBQUERY);
    assert_int_equal(body->items[1].expr->kind, QN_AST_CALL);
    assert_int_equal(body->items[2].expr->kind, QN_AST_AGGREGATE);
    const struct qn_ast *both = body->where->args[0];
    assert_int_equal(both->args[0]->kind, QN_AST_IN_QUERY);
    assert_true(both->args[0]->negated);
    assert_int_equal(both->args[1]->kind, QN_AST_EXISTS);
    assert_int_equal(body->where->args[1]->kind, QN_AST_IN);
}

/* A CTE's query can be read once more, and is another tree of the same words. */
static void reads_again(void **state)
{
    (void)state;
    const char *text = "WITH a AS (SELECT 1), b AS (SELECT x FROM a WHERE x > 2) SELECT * FROM b";
    struct qn_sql_query *query = parse(text), *again;
    struct qn_expr_complaint complaint;
    assert_int_equal(
        qn_sql_parse_again(&arena, qn_strv_from(text), &query->ctes[1], &again, &complaint), QN_OK);
    assert_ptr_not_equal(again, query->ctes[1].query);
    assert_int_equal(again->mark.offset, query->ctes[1].query->mark.offset);
    assert_int_equal(again->mark.width, query->ctes[1].query->mark.width);
    assert_non_null(again->body->where);
}

struct refused {
    const char *text;
    size_t offset;
    const char *message;
};

static void check_refused(const struct refused *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct qn_sql_query *query;
        struct qn_expr_complaint complaint = {0};
        assert_int_equal(qn_sql_parse(&arena, qn_strv_from(cases[i].text), &query, &complaint),
                         QN_EINPUT);
        assert_string_equal(complaint.message, cases[i].message);
        assert_int_equal(complaint.offset, cases[i].offset);
    }
}

static void refuses_windows(void **state)
{
    (void)state;
    static const struct refused cases[] = {
        {"SELECT DISTINCT ON (a) a FROM t QUALIFY b", 40, "DISTINCT ON and QUALIFY in one SELECT"},
        {"SELECT sum(a) OVER w FROM t", 19, "no window is called 'w' before this"},
        {"SELECT a FROM t WINDOW w AS (v)", 29, "no window is called 'v' before this"},
        {"SELECT a FROM t WINDOW w AS (w)", 29, "no window is called 'w' before this"},
        {"SELECT a FROM t WINDOW w AS (), W AS ()", 32, "two windows are called 'W'"},
        {"SELECT sum(a) OVER (w ORDER BY b) FROM t WINDOW w AS (ORDER BY a)", 22,
         "the window that is named says that already"},
        {"SELECT sum(a) OVER (w ORDER BY b) FROM t WINDOW w AS (ROWS 1 PRECEDING)", 22,
         "the window that is named has a frame already"},
        {"SELECT a FROM t WINDOW w AS (ORDER BY sum(a) OVER ())", 38,
         "a window function inside another window"},
        {"SELECT sum(a) OVER (w", 21, "expected ')', found the end"},
        {"SELECT sum(a) OVER (ROWS) FROM t", 24,
         "expected UNBOUNDED, CURRENT ROW or a whole number of rows, found ')'"},
        {"SELECT sum(a) OVER (ROWS CURRENT) FROM t", 32, "expected ROW, found ')'"},
        {"SELECT sum(a) OVER (ROWS 1 ROW) FROM t", 27,
         "expected PRECEDING or FOLLOWING, found 'ROW'"},
        {"SELECT sum(a) OVER (ROWS 99999999999999999999 PRECEDING) FROM t", 25,
         "this distance is too large"},
        {"SELECT sum(a) OVER (ROWS BETWEEN 1 PRECEDING) FROM t", 44,
         "expected AND and the end of the frame, found ')'"},
        {"SELECT sum(a) OVER (ROWS BETWEEN 1 FOLLOWING AND CURRENT ROW) FROM t", 25,
         "the frame ends before it begins"},
        {"SELECT sum(a) OVER (ROWS 1 FOLLOWING) FROM t", 25, "the frame ends before it begins"},
        {"SELECT sum(a) OVER (ORDER BY a RANGE a PRECEDING) FROM t", 37,
         "expected UNBOUNDED, CURRENT ROW or a number, found 'a'"},
        {"SELECT sum(DISTINCT a) OVER () FROM t", 7,
         "ORDER BY and DISTINCT of a window function's own are not supported"},
        {"SELECT sum(a) OVER (ROWS 1 PRECEDING EXCLUDE a) FROM t", 45,
         "expected CURRENT ROW, GROUP, TIES or NO OTHERS, found 'a'"},
    };
    check_refused(cases, sizeof cases / sizeof cases[0]);
}

static void refuses(void **state)
{
    (void)state;
    static const struct refused cases[] = {
        {"", 0, "the query is empty"},
        {"SELECT", 6, "expected a value, found the end"},
        {"SELECT a FROM", 13,
         "expected a file in single quotes, a table or a query in parentheses, found the end"},
        {"SELECT a b c FROM t", 11, "expected an operator, the next clause or the end, found 'c'"},
        {"SELECT a FROM t GROUP BY", 24, "expected a value, found the end"},
        {"SELECT a FROM t LIMIT -1", 22, "expected a whole number of rows, found '-'"},
        {"SELECT a FROM t JOIN u", 22, "expected ON or USING, found the end"},
        {"SELECT a FROM t NATURAL CROSS JOIN u", 30,
         "expected INNER, LEFT, RIGHT, FULL or JOIN, found 'JOIN'"},
        {"SELECT a FROM t ASOF JOIN u", 16, "ASOF joins are not supported"},
        {"SELECT DISTINCT ON a FROM t", 19, "expected '(' and expressions, found 'a'"},
        {"SELECT DISTINCT ON (2) a FROM t", 20, "there is no column 2, but 1 to 1"},
        {"SELECT * FROM t ORDER BY ALL", 25, "ORDER BY ALL of what a star stands for"},
        {"SELECT a FROM t LIMIT 10%", 24, "a share of the rows is not supported"},
        {"SELECT a FROM t FETCH FIRST 3 ROWS", 34, "expected ONLY, found the end"},
        {"SELECT * EXCLUDE () FROM t", 18, "expected the name of a column, found ')'"},
        {"SELECT * REPLACE (1) FROM t", 19, "expected AS and the name of a column, found ')'"},
        {"SELECT a FROM t WHERE a > ALL (SELECT 1)", 26, "ALL of a query stands behind <> only"},
        {"SELECT a FROM t GROUP BY ROLLUP (a)", 25,
         "ROLLUP, CUBE and GROUPING SETS are not supported"},
        {"VALUES (1), (2, 3)", 12, "this row has 2 values, the first one 1"},
        {"VALUES 1", 7, "expected '(' and the values of a row, found '1'"},
        {"SELECT (a, b) = 3 FROM t", 7, "a row of values at this place"},
        {"SELECT (a, b) = (c, d, e) FROM t", 7, "a row of values at this place"},
        {"SELECT (a, b) + (c, d) FROM t", 7, "a row of values at this place"},
        {"SELECT a IN ((1, 2), 3) FROM t", 13, "a row of values at this place"},
        {"SELECT (a, b) LIKE 'x' FROM t", 7, "a row of values at this place"},
        {"SELECT ((SELECT 1), 2) < (1, 2) FROM t", 8,
         "a query in a row of values is not supported at this place"},
        {"SELECT a FROM lateral (SELECT 1)", 14, "LATERAL is not supported"},
        {"SELECT a FROM csv_scan('x')", 14, "table function 'csv_scan' is unknown"},
        {"SELECT (SELECT 1", 16, "expected ')' behind the query, found the end"},
        {"SELECT 1 FROM (t JOIN u)", 23, "expected ON or USING, found ')'"},
        {"SELECT 1 FROM (t JOIN u ON 1 = 1", 32,
         "expected JOIN, or ')' behind the joins, found the end"},
        {"DELETE FROM t", 0, "only queries (SELECT) are run here"},
        {"SELECT 1; SELECT 2", 10, "one query at a time, found another behind the ';'"},
        {"SELECT a.", 9, "expected a column behind the dot, found the end"},
        {"SELECT \"a\"\"", 7, "the quote \" that opens here is never closed"},
    };
    check_refused(cases, sizeof cases / sizeof cases[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(reads_clauses),
                                       cmocka_unit_test(reads_joins),
                                       cmocka_unit_test(reads_parentheses),
                                       cmocka_unit_test(names_windows),
                                       cmocka_unit_test(set_operations_bind),
                                       cmocka_unit_test(queries_stand_in_expressions),
                                       cmocka_unit_test(reads_again),
                                       cmocka_unit_test(refuses_windows),
                                       cmocka_unit_test(refuses)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
