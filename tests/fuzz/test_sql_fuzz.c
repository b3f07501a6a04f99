/* Queries nobody would write: random bytes, words in random order, generated queries with a few
 * bytes or words changed. A complaint must have words and a place within the text; a plan that is
 * made must be one that runs: every spec of it is read and compiled, and gives the columns that the
 * plan says. */
#include <stdlib.h>
#include <unistd.h>

#include "flow/writer.h"
#include "jobs/plan.h"
#include "query/explain.h"
#include "query/query.h"
#include "tests/support/fuzz.h"
#include "tests/support/sql_query.h"
#include "tests/support/sql_spell.h"
#include "tests/support/test.h"

static struct sql_random fuzz;
static char folder[64];
static uint64_t n_tried, n_planned;

static void write_file(const char *path, const struct qn_buf *bytes)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes->data, 1, bytes->len, file), bytes->len);
    assert_int_equal(fclose(file), 0);
}

static int setup(void **state)
{
    (void)state;
    fuzz.state = fuzz_first_seed();
    snprintf(folder, sizeof folder, "/tmp/quern-fuzz-XXXXXX");
    assert_non_null(mkdtemp(folder));
    for (uint32_t t = 1; t <= SQL_TABLES; t++) {
        struct qn_buf csv;
        char path[128];
        qn_buf_init(&csv);
        struct sql_random r = {.state = t, .out = &csv};
        sql_table(&r, 20);
        snprintf(path, sizeof path, "%s/t%u.csv", folder, t);
        write_file(path, &csv);
        qn_buf_fini(&csv);
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    char path[128];
    for (uint32_t t = 1; t <= SQL_TABLES; t++) {
        snprintf(path, sizeof path, "%s/t%u.csv", folder, t);
        unlink(path);
    }
    for (uint32_t i = 1; i < 64; i++) {
        snprintf(path, sizeof path, "%s/rows_%u.parquet", folder, i);
        unlink(path);
    }
    assert_int_equal(rmdir(folder), 0);
    print_message("%llu texts, %llu of them queries\n", (unsigned long long)n_tried,
                  (unsigned long long)n_planned);
    return 0;
}

/* --- what must hold -------------------------------------------------------------------------- */

/* What the phase would leave for the next one: a file without rows says all that is read of it
 * here. */
static void leave_file(const struct qn_query_phase *phase)
{
    const struct qn_writer_ops *format = qn_writer_find("parquet");
    const struct qn_writer_options options = {0};
    const struct qn_schema shown = {phase->schema.fields, phase->n_shown};
    struct qn_err err = {0};
    struct qn_buf bytes;
    qn_buf_init(&bytes);
    assert_ok(format->head(&shown, &options, &bytes, &err), &err);
    assert_ok(format->tail(&shown, &options, NULL, 0, &bytes, &err), &err);
    write_file(phase->file, &bytes);
    qn_buf_fini(&bytes);
}

static void check_job(const char *job, const struct qn_schema *expected, const struct qn_plan *plan)
{
    int32_t at = qn_plan_find_job(plan, job);
    assert_true(at >= 0);
    const struct qn_schema *out = &plan->jobs[at].job.out;
    assert_int_equal(out->n_fields, expected->n_fields);
    for (uint32_t i = 0; i < out->n_fields; i++)
        assert_true(qn_type_eq(out->fields[i].type, expected->fields[i].type));
}

static void check_jobs(const struct qn_query_phase *phase, const struct qn_query_tree *tree,
                       const struct qn_plan *plan)
{
    for (uint32_t i = 0; phase->sqlite && i < phase->sqlite->n_tables; i++)
        check_job(phase->sqlite->tables[i].job, &phase->sqlite->tables[i].schema, plan);
    if (tree && tree->op == QN_QUERY_ROWS)
        check_job(tree->job, &phase->schema, plan);
    if (!tree || tree->op == QN_QUERY_ROWS)
        return;
    check_jobs(phase, tree->left, plan);
    check_jobs(phase, tree->right, plan);
}

static void check_phase(const struct qn_query_phase *phase, struct qn_strv text)
{
    struct qn_err err = {0};
    struct qn_plan plan;
    if (phase->spec) {
        const struct qn_plan_options options = {
            .path = "query", .text = qn_strv_from(phase->spec), .folder = folder};
        if (qn_plan_make(&plan, &options, &err) != QN_OK) {
            struct qn_buf said;
            qn_buf_init(&said);
            qn_diags_render(&plan.spec.diags, &said, false);
            fail_msg("%.*s\n%s\n%.*s", QN_STRV_ARG(text), phase->spec, (int)said.len,
                     (const char *)said.data);
        }
        for (uint32_t i = 0; i < phase->n_keys; i++)
            assert_true(phase->keys[i].column < phase->schema.n_fields);
        check_jobs(phase, phase->tree, &plan);
        qn_plan_fini(&plan);
    }
    if (phase->file)
        leave_file(phase);
}

/* The text in a block of its own size, so that a read past its end is seen. */
static void try_text(struct qn_strv given)
{
    char *exact = malloc(given.len ? given.len : 1);
    assert_non_null(exact);
    memcpy(exact, given.data, given.len);
    const struct qn_strv text = {exact, given.len};
    const struct qn_query_options options = {.folder = folder, .scratch = folder};
    struct qn_query query;
    struct qn_err err = {0};
    struct qn_buf said;
    qn_buf_init(&said);
    n_tried++;
    qn_code code = qn_query_plan(&query, text, &options, &err);
    if (code == QN_OK) {
        n_planned++;
        for (uint32_t i = 0; i < query.n_phases; i++)
            check_phase(&query.phases[i], text);
        qn_query_explain(&query, &said);
    } else {
        assert_int_equal(code, QN_EINPUT);
        assert_int_equal(query.diags.n, 1);
        assert_true(query.diags.items[0].message[0] != '\0');
        assert_true(query.diags.items[0].span.line > 0);
        qn_diags_render(&query.diags, &said, false);
        assert_true(qn_utf8_valid(qn_buf_strv(&said)));
    }
    qn_buf_fini(&said);
    qn_query_fini(&query);
    free(exact);
}

/* --- texts ----------------------------------------------------------------------------------- */

static void random_bytes(void **state)
{
    (void)state;
    static const char likely[] = "()'\"+-*/%|=<>!,.; 0123456789selctfrom\xc3\xa9\n";
    struct fuzz_run run = {0};
    while (fuzz_next(&run, 40000)) {
        char text[80] = "SELECT ";
        size_t len = sql_pick(&fuzz, sizeof text), begin = sql_chance(&fuzz, 50) ? 7 : 0;
        for (size_t i = begin; i < len; i++)
            text[i] = sql_chance(&fuzz, 20) ? (char)sql_pick(&fuzz, 256)
                                            : likely[sql_pick(&fuzz, sizeof likely - 1)];
        try_text((struct qn_strv){text, len});
    }
}

static const char *const words[] = {
    "SELECT",
    "DISTINCT",
    "FROM",
    "'t1.csv'",
    "'t2.csv' AS v",
    "'t3.csv' w",
    "WHERE",
    "GROUP BY",
    "HAVING",
    "ORDER BY",
    "LIMIT 3",
    "OFFSET 1",
    "UNION",
    "UNION ALL",
    "EXCEPT",
    "INTERSECT",
    "WITH q AS (SELECT k, n FROM 't1.csv')",
    "q",
    "JOIN",
    "LEFT JOIN",
    "RIGHT JOIN",
    "CROSS JOIN",
    "SEMI JOIN",
    "ANTI JOIN",
    "ON",
    "USING (k)",
    "FULL JOIN",
    "NATURAL",
    "('t1.csv' AS x JOIN 't2.csv' AS y ON x.k = y.n)",
    "DISTINCT ON (k)",
    "QUALIFY",
    "OVER w",
    "OVER (w ORDER BY n)",
    "WINDOW w AS (PARTITION BY g)",
    "GROUP BY ALL",
    "ORDER BY ALL",
    "* EXCLUDE (k)",
    "* REPLACE (n + 1 AS n)",
    "= ANY (SELECT n FROM 't2.csv')",
    "(SELECT g FROM 't3.csv')",
    "FETCH FIRST 2 ROWS ONLY",
    "count()",
    "count_if(",
    "AS",
    "(",
    ")",
    "(",
    ")",
    ",",
    ",",
    "*",
    "v.*",
    "k",
    "n",
    "g",
    "s",
    "p",
    "x",
    "d",
    "b",
    "id",
    "t1.k",
    "v.k",
    "w.k",
    "q.n",
    "1",
    "2",
    "'a'",
    "NULL",
    "+",
    "-",
    "/",
    "||",
    "=",
    "<",
    "<>",
    "AND",
    "OR",
    "NOT",
    "IN",
    "EXISTS",
    "IS NULL",
    "BETWEEN",
    "LIKE '%a'",
    "CASE WHEN",
    "THEN",
    "ELSE",
    "END",
    "count(*)",
    "sum(n)",
    "max(s)",
    "count(DISTINCT k)",
    "avg(",
    "min(",
    "FILTER (WHERE",
    "CAST(k AS double)",
    "(SELECT max(k) FROM 't2.csv')",
    "(SELECT n FROM 't3.csv')",
    "read_csv('t1.csv', header = true)",
    "OVER ()",
    "OVER (PARTITION BY k ORDER BY n ROWS",
    "OVER (ORDER BY id GROUPS BETWEEN",
    "UNBOUNDED PRECEDING",
    "1 PRECEDING",
    "CURRENT ROW",
    "2 FOLLOWING",
    "EXCLUDE TIES)",
    "(SELECT s FROM 't2.csv' AS v WHERE v.k = t1.k ORDER BY v.n LIMIT 1)",
    "INTERSECT ALL",
    "VALUES (1, 'a'), (k, NULL)",
    "NATURAL JOIN",
    "NATURAL FULL JOIN",
    "(k, n)",
    "(1, 2.5)",
    "WITH RECURSIVE q(k, n) AS (SELECT 1, 2 UNION ALL SELECT n, k + 1 FROM q WHERE k < 5)",
    "WITH RECURSIVE q AS (SELECT k, n FROM 't1.csv' UNION",
    "string_agg(s, '-' ORDER BY",
    "group_concat(DISTINCT g)",
    "OVER (ORDER BY p RANGE BETWEEN 2.5 PRECEDING AND",
    "OVER (PARTITION BY g ORDER BY d DESC RANGE",
    "DESC",
    "NULLS FIRST",
    "coalesce(",
    "length(",
    "DATE '2024-01-01'",
    "${env:HOME}",
    ";",
    "\"k\"",
    "first(s ORDER BY n)",
};

static void random_words(void **state)
{
    (void)state;
    enum { N_WORDS = sizeof words / sizeof words[0] };
    struct fuzz_run run = {0};
    while (fuzz_next(&run, 20000)) {
        struct qn_buf text;
        uint32_t n = 1 + sql_pick(&fuzz, 24);
        qn_buf_init(&text);
        qn_buf_printf(&text, "SELECT ");
        for (uint32_t i = 0; i < n; i++)
            qn_buf_printf(&text, "%s ", words[sql_pick(&fuzz, N_WORDS)]);
        try_text(qn_buf_strv(&text));
        qn_buf_fini(&text);
    }
}

/* A generated query with the names that files have here. */
/* A byte, or a whole word for another one. */
static void change(struct qn_buf *text)
{
    size_t at = sql_pick(&fuzz, (uint32_t)text->len);
    if (sql_chance(&fuzz, 30)) {
        text->data[at] = (uint8_t)sql_pick(&fuzz, 256);
        return;
    }
    size_t end = at;
    while (end < text->len && text->data[end] != ' ')
        end++;
    struct qn_buf changed;
    qn_buf_init(&changed);
    qn_buf_put(&changed, text->data, at);
    qn_buf_printf(&changed, "%s", words[sql_pick(&fuzz, sizeof words / sizeof words[0])]);
    qn_buf_put(&changed, text->data + end, text->len - end);
    qn_buf_fini(text);
    *text = changed;
}

static void changed_queries(void **state)
{
    (void)state;
    struct fuzz_run run = {0};
    while (fuzz_next(&run, 5000)) {
        struct qn_buf query, text;
        qn_buf_init(&query);
        qn_buf_init(&text);
        (void)sql_query(qn_mix64(fuzz.state) % 1000000, &query);
        qn_buf_put_u8(&query, 0);
        sql_spell((const char *)query.data, "'NAME.csv'", &text);
        text.len--;
        for (uint32_t n = sql_pick(&fuzz, 4); n > 0; n--)
            change(&text);
        try_text(qn_buf_strv(&text));
        qn_buf_fini(&query);
        qn_buf_fini(&text);
    }
}

/* What grows without end: deep, long and wide ones. */
static void large_queries(void **state)
{
    (void)state;
    static const struct {
        const char *begin, *more, *end;
    } shapes[] = {
        {"SELECT ", "(", "1 FROM 't1.csv'"},
        {"SELECT 1", "+1", " FROM 't1.csv'"},
        {"SELECT k", ",k", " FROM 't1.csv'"},
        {"SELECT count(*)", ",max(k+1)", " FROM 't1.csv' GROUP BY k"},
        {"SELECT * FROM ", "(SELECT * FROM ", "'t1.csv'"},
        {"SELECT k FROM 't1.csv'", " UNION SELECT k FROM 't1.csv'", ""},
        {"SELECT k FROM 't1.csv' WHERE k=1", " AND k=1", ""},
        {"SELECT 1 FROM 't1.csv' a", ", 't1.csv'", ""},
        {"WITH a AS (SELECT 1)", ", b AS (SELECT 1)", " SELECT 1"},
        {"SELECT k IN (1", ",2", ") FROM 't1.csv'"},
        {"VALUES (1)", ", (2)", ""},
        {"SELECT 1 WHERE (1", ",2", ") < (1, 2)"},
        {"SELECT 1 WHERE (1, 2) IN ((1, 2)", ",(1, 2)", ")"},
        {"WITH RECURSIVE a AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM a)",
         ", b AS (SELECT x FROM a UNION SELECT x FROM b)", " SELECT x FROM b"},
        {"SELECT ", "case when k=1 then ", "1 FROM 't1.csv'"},
    };
    static const uint32_t sizes[] = {3, 100, 190, 2500};
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
            struct qn_buf text;
            qn_buf_init(&text);
            qn_buf_printf(&text, "%s", shapes[i].begin);
            for (uint32_t n = 0; n < sizes[k]; n++)
                qn_buf_printf(&text, "%s", shapes[i].more);
            qn_buf_printf(&text, "%s", shapes[i].end);
            try_text(qn_buf_strv(&text));
            qn_buf_fini(&text);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_bytes), cmocka_unit_test(random_words),
        cmocka_unit_test(changed_queries), cmocka_unit_test(large_queries)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
