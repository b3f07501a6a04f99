/* What is planned, as --explain says it: which conditions and columns go to which job, what is a
 * phase of its own, what SQLite answers. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "query/explain.h"
#include "query/query.h"
#include "tests/support/test.h"

static char folder[] = "/tmp/quern-plan-XXXXXX";

static void write_file(const char *name, const char *text)
{
    char path[100];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int setup(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    write_file("t.csv", "id,k,x,d\n1,2,1.5,2024-01-01\n2,3,2.5,2024-01-02\n");
    write_file("u.csv", "id,g\n1,a\n");
    return 0;
}

static int teardown(void **state)
{
    char path[100];
    (void)state;
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, i ? "u.csv" : "t.csv");
        unlink(path);
    }
    return rmdir(folder);
}

/* All of `parts` are in the plan, in this order. */
static void check(const char *sql, const char *const *parts)
{
    const struct qn_query_options options = {.folder = folder, .scratch = "/scratch"};
    struct qn_query query;
    struct qn_err err = {0};
    struct qn_buf text;
    assert_ok(qn_query_plan(&query, qn_strv_from(sql), &options, &err), &err);
    qn_buf_init(&text);
    qn_query_explain(&query, &text);
    qn_buf_put_u8(&text, 0);
    const char *at = (const char *)text.data;
    for (; *parts; parts++) {
        const char *found = strstr(at, *parts);
        if (!found)
            fail_msg("%s\nlacks '%s' in\n%s", sql, *parts, at);
        at = found + strlen(*parts);
    }
    qn_buf_fini(&text);
    qn_query_fini(&query);
}

#define CHECK(sql, ...) check(sql, (const char *const[]){__VA_ARGS__, NULL})

static void conditions_go_down(void **state)
{
    (void)state;
    CHECK("SELECT t.x FROM 't.csv' AS t JOIN 'u.csv' AS u ON t.id = u.id WHERE t.k > 1 AND g = 'a'",
          "step_1:", "filter: k > 1", "on: {id: id}, how: inner", "step_2:", "filter: g = 'a'",
          "select: [id]");
    CHECK("SELECT count(*) FROM 't.csv' AS t LEFT JOIN 'u.csv' AS u ON t.id = u.id WHERE g = 'a'",
          "how: left", "filter: g = 'a'");
}

static void groups_are_one_job(void **state)
{
    (void)state;
    CHECK("SELECT k, sum(x) AS s FROM 't.csv' GROUP BY k", "step_1:", "group_by: [k]", "s: sum(x)",
          "select: [k, s]", "# rows of step_1");
    CHECK("SELECT k FROM 't.csv' GROUP BY k HAVING count(*) > 1", "step_2:", "filter: count > 1");
}

static void what_was_cut_is_a_phase(void **state)
{
    (void)state;
    CHECK("SELECT sum(x) FROM (SELECT x FROM 't.csv' ORDER BY x LIMIT 3) AS q", "# phase 1 of 2",
          "order by x; limit 3", "# into: /scratch/rows_1.parquet", "# phase 2 of 2", "sum(x)");
}

static void sqlite_answers_the_rest(void **state)
{
    (void)state;
    CHECK("SELECT id, rank() OVER (ORDER BY x DESC) AS r FROM 't.csv' WHERE k > 1", "filter: k > 1",
          "select: [id, x]", "SELECT r0.c0, rank() OVER ( ORDER BY r0.c2 DESC NULLS LAST) FROM r0",
          "r0: rows of step_1; c0 is id, c2 is x", "c2 integer (shown as r)");
    CHECK("SELECT k, sum(x) AS s, rank() OVER (ORDER BY k) FROM (SELECT k, id + 1 AS x FROM "
          "'t.csv') AS q GROUP BY k",
          "derive:", "sum_i(r0.c1)", "GROUP BY r0.c0");
    CHECK("SELECT id FROM 't.csv' AS t WHERE x + 1 > (SELECT count(*) FROM 'u.csv' AS u WHERE "
          "u.id = t.id)",
          "WHERE qn(0, r0.c2, (SELECT count(*) FROM r1 WHERE (r1.c0 = r0.c0)))",
          "qn(0, ...): a0 + 1 > a1");
    CHECK("SELECT t.id FROM 't.csv' AS t FULL JOIN 'u.csv' AS u ON t.id = u.id WHERE g IS NULL",
          "FROM r0 FULL JOIN r1 ON (r0.c0 = r1.c0) WHERE qn(0, r1.c1)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conditions_go_down),
        cmocka_unit_test(groups_are_one_job),
        cmocka_unit_test(what_was_cut_is_a_phase),
        cmocka_unit_test(sqlite_answers_the_rest),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
