/* Aliases that move and move back, models that a run settles on, and warehouses of version 1. */
#include <sqlite3.h>

#include "tests/support/warehouse.h"

static void sql(struct qn_store *store, const char *script)
{
    char *message = NULL;
    if (sqlite3_exec(qn_store_connection(store), script, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s: %s", script, message);
}

/* Versions 1 to n of model m, whose files say their number. */
static void register_versions(struct qn_store *store, int n)
{
    for (int i = 1; i <= n; i++) {
        struct qn_err err = {0};
        struct qn_findings findings = {0};
        char bytes[16], run_id[16];
        uint32_t version;
        snprintf(bytes, sizeof bytes, "file %d", i);
        snprintf(run_id, sizeof run_id, "r%d", i);
        findings.model = (struct qn_model_finding){
            .name = "m", .algorithm = "a", .artefact = qn_strv_from(bytes)};
        assert_ok(qn_store_begin(store, &err), &err);
        assert_ok(qn_store_findings_put(store, run_id, "fit", &findings, "s", 1, &version, &err),
                  &err);
        assert_ok(qn_store_commit(store, &err), &err);
        assert_int_equal(version, i);
    }
}

static void promote(struct qn_store *store, uint32_t version)
{
    struct qn_err err = {0};
    const struct qn_store_move move = {
        .name = "m", .alias = "champion", .action = "promote", .version = version};
    assert_ok(qn_store_begin(store, &err), &err);
    assert_ok(qn_store_alias_move(store, &move, &err), &err);
    assert_ok(qn_store_commit(store, &err), &err);
}

/* 0: there is nothing to go back to. */
static void roll_back(struct qn_store *store, uint32_t from, uint32_t to)
{
    struct qn_err err = {0};
    uint32_t was = 0, is = 0;
    assert_ok(qn_store_begin(store, &err), &err);
    qn_code code = qn_store_alias_rollback(store, "m", "champion", "by hand", &was, &is, &err);
    assert_int_equal(code, to ? QN_OK : QN_ENOTFOUND);
    assert_int_equal(was, from);
    assert_int_equal(is, to);
    assert_ok(qn_store_commit(store, &err), &err);
}

static void promotions_are_undone_one_by_one(void **state)
{
    (void)state;
    struct folder folder;
    folder_make(&folder);
    struct qn_store *store = open_store(&folder);
    register_versions(store, 4);
    roll_back(store, 0, 0);
    promote(store, 1);
    roll_back(store, 1, 0);
    promote(store, 2);
    promote(store, 2); /* nothing changes */
    promote(store, 3);
    roll_back(store, 3, 2);
    promote(store, 4);
    roll_back(store, 4, 2);
    roll_back(store, 2, 1);
    roll_back(store, 1, 0);
    assert_query(store, "SELECT version, note FROM _quern_model_aliases", "1|by hand");
    assert_query(store,
                 "SELECT group_concat(substr(action, 1, 1) || version, ' ') FROM (SELECT * FROM "
                 "_quern_model_moves ORDER BY move)",
                 "p1 p2 p2 p3 r2 p4 r2 r1");
    qn_store_close(store);
    folder_remove(&folder);
}

static void use(struct qn_store *store, const char *run_id, bool optional, uint32_t want)
{
    struct qn_err err = {0};
    struct qn_buf buf;
    uint32_t version = 99;
    char bytes[16];
    const struct qn_job job = {
        .name = "fit", .model = "m", .model_selector = "@champion", .model_optional = optional};
    qn_buf_init(&buf);
    assert_ok(qn_store_model_use(store, run_id, &job, &buf, &version, &err), &err);
    assert_int_equal(version, want);
    snprintf(bytes, sizeof bytes, "file %u", want);
    assert_true(qn_strv_is(qn_buf_strv(&buf), want ? bytes : ""));
    qn_buf_fini(&buf);
}

/* A run that goes on after a crash compares with, and scores by, what it did before. */
static void a_run_keeps_its_model(void **state)
{
    (void)state;
    struct folder folder;
    folder_make(&folder);
    struct qn_err err = {0};
    struct qn_store *store = open_store(&folder);
    register_versions(store, 2);
    use(store, "before", true, 0);
    promote(store, 1);
    use(store, "before", true, 0);
    use(store, "first", true, 1);
    promote(store, 2);
    use(store, "first", true, 1);
    use(store, "second", false, 2);
    qn_store_close(store);
    store = open_store(&folder);
    use(store, "first", true, 1);
    sql(store, "DELETE FROM _quern_model_aliases");
    use(store, "second", false, 2);
    struct qn_buf buf;
    uint32_t version;
    const struct qn_job job = {.name = "fit", .model = "m", .model_selector = "@champion"};
    qn_buf_init(&buf);
    assert_int_equal(qn_store_model_use(store, "third", &job, &buf, &version, &err), QN_ENOTFOUND);
    qn_buf_fini(&buf);
    assert_query(store, "SELECT run_id, version FROM _quern_model_uses ORDER BY run_id",
                 "before|NULL|first|1|second|2");
    qn_store_close(store);
    folder_remove(&folder);
}

static void version_1_is_brought_up_to_date(void **state)
{
    (void)state;
    struct folder folder;
    folder_make(&folder);
    struct qn_store *store = open_store(&folder);
    register_versions(store, 2);
    promote(store, 2);
    sql(store, "DROP TABLE _quern_model_moves; DROP TABLE _quern_model_uses;"
               "DROP TABLE _quern_model_comparisons; DROP TABLE _quern_model_bins;"
               "DROP TABLE _quern_model_curves; DROP TABLE _quern_model_slices;"
               "DROP TABLE _quern_model_candidates; DROP TABLE _quern_drift;"
               "DROP TABLE _quern_model_importance; DROP TABLE _quern_model_shap;"
               "ALTER TABLE _quern_models DROP COLUMN predictions;"
               "ALTER TABLE _quern_profile DROP COLUMN histogram;"
               "UPDATE _quern_meta SET value = 1 WHERE key = 'schema_version'");
    qn_store_close(store);
    store = open_store(&folder);
    assert_query(store, "SELECT value FROM _quern_meta WHERE key = 'schema_version'", "5");
    assert_query(store, "SELECT count(*) FROM _quern_drift", "0");
    assert_query(store, "SELECT count(histogram) FROM _quern_profile", "0");
    roll_back(store, 2, 0);
    promote(store, 1);
    roll_back(store, 1, 2);
    register_versions(store, 0);
    assert_query(store, "SELECT count(*), count(predictions) FROM _quern_models", "2|0");
    qn_store_close(store);
    store = open_store(&folder); /* once */
    assert_query(store, "SELECT count(*) FROM _quern_model_moves", "3");
    qn_store_close(store);
    folder_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(promotions_are_undone_one_by_one),
        cmocka_unit_test(a_run_keeps_its_model),
        cmocka_unit_test(version_1_is_brought_up_to_date),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
