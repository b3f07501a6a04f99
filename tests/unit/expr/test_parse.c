/* The shape of syntax trees, written as fully parenthesised text, and where complaints point. */
#include "tests/support/arena.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/limits.h"
#include "expr/parse.h"

/* Lisp-like: (name argument ...). */
static void dump(struct qn_buf *out, const struct qn_ast *ast)
{
    static const char *const names[] = {
        [QN_AST_NEGATE] = "-",        [QN_AST_PLUS] = "+",    [QN_AST_NOT] = "not",
        [QN_AST_BIT_NOT] = "~",       [QN_AST_BINARY] = "op", [QN_AST_IS] = "is",
        [QN_AST_BETWEEN] = "between", [QN_AST_IN] = "in",     [QN_AST_LIKE] = "like",
        [QN_AST_CASE] = "case",       [QN_AST_CAST] = "cast", [QN_AST_CALL] = "call",
    };
    if (ast->kind == QN_AST_NULL) {
        qn_buf_printf(out, "null");
    } else if (ast->kind == QN_AST_BOOL || ast->kind == QN_AST_INTEGER) {
        qn_buf_printf(out, "%lld", (long long)ast->number);
    } else if (ast->kind == QN_AST_TEXT) {
        qn_buf_printf(out, "'%.*s'", QN_STRV_ARG(ast->text));
    } else if (ast->kind < QN_AST_NEGATE) {
        qn_buf_printf(out, "%.*s", QN_STRV_ARG(ast->text));
    } else {
        qn_buf_printf(out, "(%s%s%.*s", ast->negated ? "not-" : "", names[ast->kind],
                      ast->kind == QN_AST_CALL ? (int)ast->text.len : 0,
                      ast->text.data ? ast->text.data : "");
        for (uint32_t i = 0; i < ast->n_args; i++) {
            qn_buf_printf(out, " ");
            dump(out, ast->args[i]);
        }
        qn_buf_printf(out, ")");
    }
}

static void check_shapes(const char *const (*cases)[2], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct qn_expr_complaint complaint;
        struct qn_ast *ast;
        struct qn_buf out;
        qn_buf_init(&out);
        if (qn_parse(&arena, qn_strv_from(cases[i][0]), &ast, &complaint) != QN_OK)
            fail_msg("%s: %s", cases[i][0], complaint.message);
        dump(&out, ast);
        if (ast->negated && ast->kind == QN_AST_COLUMN) /* quoted */
            assert_true(strchr("\"[`", cases[i][0][0]));
        if (!qn_strv_is(qn_buf_strv(&out), cases[i][1]))
            fail_msg("%s: %.*s, not %s", cases[i][0], (int)out.len, (char *)out.data, cases[i][1]);
        qn_buf_fini(&out);
    }
}

static void shapes(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"1 + 2 * 3", "(op 1 (op 2 3))"},
        {"1 - 2 - 3", "(op (op 1 2) 3)"},
        {"a || b || c", "(op (op a b) c)"},
        {"-a || b", "(op (- a) b)"},
        {"a * b || c", "(op a (op b c))"},
        {"- -1", "(- (- 1))"},
        {"-9223372036854775808", "-9223372036854775808"},
        {"not a = b", "(not (op a b))"},
        {"not a and b", "(op (not a) b)"},
        {"a or b and c", "(op a (op b c))"},
        {"a < b = c", "(op (op a b) c)"},
        {"a = b < c", "(op a (op b c))"},
        {"a = not b", "(op a (not b))"},
        {"a between 1 and 2 and b", "(op (between a 1 2) b)"},
        {"a not between 1 + 1 and 2", "(not-between a (op 1 1) 2)"},
        {"a between b = c and d", "(between a (op b c) d)"},
        {"a in (1, 2) or b", "(op (in a 1 2) b)"},
        {"a in ()", "(in a)"},
        {"a not in (1)", "(not-in a 1)"},
        {"a like 'x%' escape '!'", "(like a 'x%' '!')"},
        {"a not glob b", "(not-like a b)"},
        {"a is null", "(is a null)"},
        {"a is not null", "(not-is a null)"},
        {"a isnull", "(is a null)"},
        {"a notnull", "(not-is a null)"},
        {"a not null", "(not-is a null)"},
        {"a is distinct from b", "(not-is a b)"},
        {"a is not distinct from b", "(is a b)"},
        {"case a when 1 then 2 else 3 end", "(case a 1 2 3)"},
        {"case when a then 'it''s' end", "(case a 'it's')"},
        {"cast(a as decimal(10, 2))", "(cast a)"},
        {"f(a, g())", "(callf a (callg))"},
        {"\"a \"\"b\"\" c\"", "a \"b\" c"},
        {"date '2026-01-01'", "2026-01-01"},
        {"date", "date"},
        {"1 -- the rest", "1"},
        {"1 /* open", "1"},
        {"a/*x*/+b", "(op a b)"},
        {"caf\xc3\xa9 + 1", "(op caf\xc3\xa9 1)"},
        {"(((a)))", "a"},
        {"~a | b & c", "(op (op (~ a) b) c)"},
        {"a + 1 << 2 < b", "(op (op (op a 1) 2) b)"},
        {"a | b = c", "(op (op a b) c)"},
        {"extract(year from a)", "(callextract 'year' a)"},
        {"[two words] + `more words`", "(op two words more words)"},
        {"cast(a as varchar(10))", "(cast a)"},
    };
    check_shapes(cases, sizeof cases / sizeof cases[0]);
}

/* Words that people bring along: they become what is known otherwise. */
static void shapes_of_forms(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"-a::integer + b", "(op (- (cast a)) b)"},
        {"a || b::text::date", "(op a (cast (cast b)))"},
        {"a::decimal(9, 2) = 1", "(op (cast a) 1)"},
        {"a ilike 'x'", "(like a 'x')"},
        {"a is unknown or b is not unknown", "(op (is a null) (not-is b null))"},
        {"position(a || 'x' in b) > 0", "(op (callinstr b (op a 'x')) 0)"},
        {"substring(a from 2 for b)", "(callsubstring a 2 b)"},
        {"trim(leading 'x' from a)", "(callltrim a 'x')"},
        {"trim(from a)", "(calltrim a)"},
        {"a - interval '1 year 2 months 3 days'",
         "(calldate_add 'day' (- 3) (calldate_add 'month' (- 14) a))"},
        {"interval (b) weeks + a", "(calldate_add 'week' b a)"},
        {"interval", "interval"},
    };
    check_shapes(cases, sizeof cases / sizeof cases[0]);
}

static void complaints_point_at_the_place(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t offset, width;
        const char *message, *hint;
    } cases[] = {
        {"", 0, 1, "the expression is empty", ""},
        {"  -- nothing", 0, 1, "the expression is empty", ""},
        {"a +", 3, 1, "expected a value, found the end", ""},
        {"(a", 2, 1, "expected ')', found the end", ""},
        {"a b", 2, 1, "expected an operator or the end, found 'b'", ""},
        {"f(a", 3, 1, "expected ',' or ')', found the end", ""},
        {"f(a b)", 4, 1, "expected ',' or ')', found 'b'", ""},
        {"(1, 2)", 2, 1, "expected ')', found ','", "lists stand after IN only"},
        {"'open", 0, 5, "the quote ' that opens here is never closed", ""},
        {"a = \"open", 4, 5, "the quote \" that opens here is never closed", ""},
        {"12abc + 1", 0, 5, "a number must not run into a word", "a column name that starts"},
        {"a && b", 3, 1, "expected a value, found '&'", "write AND"},
        {"a | | b", 4, 1, "expected a value, found '|'", "write OR"},
        {"[a", 0, 2, "the bracket [ that opens here is never closed", ""},
        {"a:integer", 1, 1, "':' is not part of an expression", "CAST(x AS type)"},
        {"a::intger", 3, 6, "'intger' is not a type", "types: integer"},
        {"a::", 3, 1, "expected a type, found the end", ""},
        {"a + interval '3 fortnights'", 13, 14, "this is no span of whole units", "'3 days'"},
        {"a + interval '1.5 days'", 13, 10, "this is no span of whole units", "'3 days'"},
        {"a + interval 1", 14, 1, "expected a unit: DAY, MONTH, ..., found the end", ""},
        {"a * interval 1 day", 4, 14, "an INTERVAL is added to a date", "x + INTERVAL"},
        {"interval 1 day - a", 0, 14, "an INTERVAL is added to a date", "x + INTERVAL"},
        {"position('a', b)", 12, 1, "expected IN and a text, found ','", ""},
        {"a in (select 1)", 6, 6, "expected a value, found 'select'", "subqueries"},
        {"a = 'x' collate nocase", 8, 7, "expected an operator or the end", "lower(x)"},
        {"cast(a as numeric(40))", 10, 11, "'numeric(40)' is not a type", "types:"},
        {"a ; b", 2, 1, "';' is not part of an expression", "no ';'"},
        {"t.a", 1, 1, "'.' is not part of an expression", "without a table name"},
        {"case a end", 7, 3, "expected WHEN, found 'end'", ""},
        {"case when a then 1", 18, 1, "expected WHEN, ELSE or END, found the end", ""},
        {"case when a 1 end", 12, 1, "expected THEN, found '1'", ""},
        {"a in 1", 5, 1, "expected '(' and a list of values, found '1'", ""},
        {"a between 1 or 2", 12, 2, "expected AND and the upper bound", ""},
        {"a not b", 6, 1, "expected IN, LIKE, GLOB, BETWEEN or NULL after NOT", ""},
        {"cast(a integer)", 7, 7, "expected AS, found 'integer'", ""},
        {"cast(a as intger)", 10, 6, "'intger' is not a type", "types: integer"},
        {"cast(a as decimal(40, 2))", 10, 14, "'decimal(40, 2)' is not a type", "types:"},
        {"0x10000000000000000", 0, 19, "hex number of more than 64 bits", ""},
        {"\"round\"(1)", 7, 1, "expected an operator or the end, found '('", "without quotes"},
        {"\xff", 0, 1, "the expression is not valid UTF-8", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct qn_expr_complaint complaint;
        struct qn_ast *ast;
        const char *text = cases[i].text;
        assert_int_equal(qn_parse(&arena, qn_strv_from(text), &ast, &complaint), QN_EINPUT);
        if (!strstr(complaint.message, cases[i].message) ||
            !strstr(complaint.hint, cases[i].hint) || complaint.offset != cases[i].offset ||
            complaint.width != cases[i].width)
            fail_msg("%s: at %zu+%zu: %s (%s)", text, complaint.offset, complaint.width,
                     complaint.message, complaint.hint);
        assert_int_equal(qn_parse(&arena, qn_strv_from(text), &ast, NULL), QN_EINPUT);
    }
}

/* n times `open`, then `middle`, then n times `close`. */
static qn_code parse_tower(size_t n, const char *open, const char *middle, const char *close,
                           struct qn_expr_complaint *complaint)
{
    struct qn_ast *ast;
    struct qn_buf text;
    qn_buf_init(&text);
    for (size_t i = 0; i < n; i++)
        qn_buf_printf(&text, "%s", open);
    qn_buf_printf(&text, "%s", middle);
    for (size_t i = 0; i < n; i++)
        qn_buf_printf(&text, "%s", close);
    qn_code code = qn_parse(&arena, qn_buf_strv(&text), &ast, complaint);
    qn_buf_fini(&text);
    return code;
}

static void depth_and_size_are_capped(void **state)
{
    (void)state;
    static const char *const towers[][3] = {
        {"(", "1", ")"},
        {"- ", "1", ""},
        {"not ", "1", ""},
        {"f(", "1", ")"},
        {"", "1", "+1"},
        {"", "1", " or 1"},
        {"case when 1 then ", "1", " end"},
        {"1 in (", "1", ")"},
        {"", "1", " is null"},
    };
    for (size_t i = 0; i < sizeof towers / sizeof towers[0]; i++) {
        struct qn_expr_complaint complaint = {0};
        const char *const *t = towers[i];
        assert_int_equal(parse_tower(50, t[0], t[1], t[2], &complaint), QN_OK);
        assert_int_equal(parse_tower(QN_MAX_EXPR_DEPTH + 1, t[0], t[1], t[2], &complaint),
                         QN_EINPUT);
        assert_non_null(strstr(complaint.message, "nested deeper than"));
        assert_int_equal(parse_tower(3000, t[0], t[1], t[2], &complaint), QN_EINPUT);
    }
    struct qn_expr_complaint complaint;
    assert_int_equal(parse_tower(QN_MAX_EXPR_BYTES, " ", "1", "", &complaint), QN_EINPUT);
    assert_non_null(strstr(complaint.message, "too long"));
}

static void aggregates(void **state)
{
    (void)state;
    struct qn_expr_complaint complaint;
    struct qn_agg_ast ast;
    const struct qn_strv star = QN_STRV_LIT("count(*) filter (where a > 1)");
    assert_int_equal(qn_parse_aggregate(&arena, star, &ast, &complaint), QN_OK);
    assert_true(ast.star && ast.filter && ast.n_args == 0);
    const struct qn_strv distinct = QN_STRV_LIT("count(distinct a)");
    assert_int_equal(qn_parse_aggregate(&arena, distinct, &ast, &complaint), QN_OK);
    assert_true(ast.distinct && ast.n_args == 1);
    assert_int_equal(ast.distinct_mark.offset, 6);
    const struct qn_strv column = QN_STRV_LIT("sum(distinct)"); /* a column of that name */
    assert_int_equal(qn_parse_aggregate(&arena, column, &ast, &complaint), QN_OK);
    assert_false(ast.distinct);
    const struct qn_strv rest = QN_STRV_LIT("sum(a) / 2");
    assert_int_equal(qn_parse_aggregate(&arena, rest, &ast, &complaint), QN_EINPUT);
    assert_int_equal(complaint.offset, 7);
    const struct qn_strv bare = QN_STRV_LIT("amount");
    assert_int_equal(qn_parse_aggregate(&arena, bare, &ast, &complaint), QN_EINPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes),
        cmocka_unit_test(shapes_of_forms),
        cmocka_unit_test(complaints_point_at_the_place),
        cmocka_unit_test(depth_and_size_are_capped),
        cmocka_unit_test(aggregates),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
