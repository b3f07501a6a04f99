/* docs/warehouse.md tells the truth: its queries run, and it names every column there is. */
#include <sqlite3.h>

#include "tests/support/warehouse.h"

static char *read_doc(void)
{
    char path[600];
    const char *root = getenv("QUERN_ROOT");
    snprintf(path, sizeof path, "%s/docs/warehouse.md", root ? root : ".");
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("no %s: set QUERN_ROOT", path);
    char *text = calloc(1, 1 << 18);
    assert_non_null(text);
    assert_true(fread(text, 1, (1 << 18) - 1, file) > 0);
    fclose(file);
    return text;
}

static qn_code ignore_row(void *context, int n, const char *const *names, const char *const *values)
{
    (void)context, (void)n, (void)names, (void)values;
    return QN_OK;
}

static void its_queries_run(void **state)
{
    (void)state;
    struct folder folder;
    folder_make(&folder);
    struct qn_store *store = open_store(&folder);
    struct qn_err err = {0};
    assert_int_equal(sqlite3_exec(qn_store_connection(store),
                                  "CREATE TABLE churn_scores(customerID, score, model_version)",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    char *text = read_doc();
    int queries = 0;
    for (char *at = text; (at = strstr(at, "```sql\n")); queries++) {
        char *sql = at + 7, *end = strstr(sql, "```");
        assert_non_null(end);
        *end = '\0';
        if (qn_store_query(store, sql, NULL, 0, ignore_row, NULL, &err) != QN_OK)
            fail_msg("%s\n%s", err.message, sql);
        at = end + 1;
    }
    assert_true(queries >= 5);
    free(text);
    qn_store_close(store);
    folder_remove(&folder);
}

/* `context` is the text; rows are (table, column). */
static qn_code check_column(void *context, int n, const char *const *names,
                            const char *const *values)
{
    (void)n, (void)names;
    char heading[100], quoted[100];
    snprintf(heading, sizeof heading, "\n### `%s`", values[0]);
    snprintf(quoted, sizeof quoted, "`%s`", values[1]);
    const char *section = strstr(context, heading);
    if (!section)
        fail_msg("docs/warehouse.md has no section for %s", values[0]);
    const char *end = strstr(section + 1, "\n##");
    const char *found = strstr(section, quoted);
    if (!found || (end && found > end))
        fail_msg("docs/warehouse.md does not name column %s of %s", values[1], values[0]);
    return QN_OK;
}

static void it_names_every_column(void **state)
{
    (void)state;
    struct folder folder;
    folder_make(&folder);
    struct qn_store *store = open_store(&folder);
    struct qn_err err = {0};
    char *text = read_doc();
    assert_ok(qn_store_query(store,
                             "SELECT t.name, c.name FROM sqlite_schema AS t "
                             "JOIN pragma_table_info(t.name) AS c WHERE t.type = 'table'",
                             NULL, 0, check_column, text, &err),
              &err);
    free(text);
    qn_store_close(store);
    folder_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_queries_run),
        cmocka_unit_test(it_names_every_column),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
