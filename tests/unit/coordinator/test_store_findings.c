/* Findings, the registry of models, and digests. */
#include <sqlite3.h>

#include "tests/support/warehouse.h"

static struct qn_findings findings_of(const char *artefact)
{
    static struct qn_test_finding tests[] = {
        {"qty", "not_null", "error", "pass", 0, 10, NULL},
        {NULL, "row_count", "warn", "warn", 1, 10, "10 rows, at least 100 expected"}};
    static struct qn_profile_finding profiles[] = {
        {"qty", "integer", 10, 2, 1, 5, true, "1", "9", 4.5, 1.25, "[1,2,4,6,9]", "[[4,3]]",
         "[[1,10,8]]"},
        {"name", "text", 10, 0, 0, 7, false, NULL, NULL, NAN, NAN, NULL, NULL, NULL}};
    static struct qn_metric_finding metrics[] = {{"test", "roc_auc", 0.84},
                                                 {"test", "log_loss", NAN}};
    return (struct qn_findings){.tests = tests,
                                .n_tests = 2,
                                .profiles = profiles,
                                .n_profiles = 2,
                                .metrics = metrics,
                                .n_metrics = 2,
                                .model = {.name = "churn",
                                          .algorithm = "logistic_regression",
                                          .artefact = qn_strv_from(artefact),
                                          .parameters = "{\"l2\":1}"}};
}

static uint32_t put(struct qn_store *store, const char *run_id, const struct qn_findings *findings)
{
    struct qn_err err = {0};
    uint32_t version = 99;
    assert_ok(qn_store_begin(store, &err), &err);
    assert_ok(qn_store_findings_put(store, run_id, "train", findings, "spec", 42, &version, &err),
              &err);
    assert_ok(qn_store_commit(store, &err), &err);
    return version;
}

static void assert_model(struct qn_store *store, const char *selector, uint32_t version,
                         const char *artefact)
{
    struct qn_err err = {0};
    struct qn_buf buf;
    uint32_t got = 0;
    qn_buf_init(&buf);
    assert_ok(qn_store_model_read(store, "churn", selector, &buf, &got, &err), &err);
    assert_int_equal(got, version);
    assert_true(qn_strv_is(qn_buf_strv(&buf), artefact));
    qn_buf_fini(&buf);
}

static void assert_no_model(struct qn_store *store, const char *name, const char *selector,
                            qn_code code, const char *says)
{
    struct qn_err err = {0};
    struct qn_buf buf;
    uint32_t version;
    qn_buf_init(&buf);
    assert_int_equal(qn_store_model_read(store, name, selector, &buf, &version, &err), code);
    if (!strstr(err.message, says))
        fail_msg("expected '%s' in: %s", says, err.message);
    qn_buf_fini(&buf);
}

static void findings_are_told_once(void **state)
{
    (void)state;
    struct folder folder;
    folder_make(&folder);
    struct qn_store *store = open_store(&folder);
    struct qn_findings findings = findings_of("bytes");
    for (int time = 0; time < 2; time++) /* again after a crash: nothing is doubled */
        assert_int_equal(put(store, "r1", &findings), 1);
    assert_query(store, "SELECT * FROM _quern_tests",
                 "r1|train|qty|not_null|error|pass|0|10|NULL|"
                 "r1|train|NULL|row_count|warn|warn|1|10|10 rows, at least 100 expected");
    assert_query(store, "SELECT * FROM _quern_profile",
                 "r1|train|qty|integer|10|2|1|5|1|1|9|4.5|1.25|[1,2,4,6,9]|[[4,3]]|[[1,10,8]]|"
                 "r1|train|name|text|10|0|0|7|0|NULL|NULL|NULL|NULL|NULL|NULL|NULL");
    assert_query(store, "SELECT * FROM _quern_model_metrics",
                 "r1|train|churn|1|test|log_loss|NULL|r1|train|churn|1|test|roc_auc|0.84");
    assert_query(store,
                 "SELECT name, version, algorithm, artefact, parameters, run_id, job, spec_sha256, "
                 "seed, engine_version = '" QN_VERSION "' FROM _quern_models",
                 "churn|1|logistic_regression|bytes|{\"l2\":1}|r1|train|spec|42|1");
    qn_store_close(store);
    folder_remove(&folder);
}

static void a_failed_or_unregistered_fit_makes_no_version(void **state)
{
    (void)state;
    struct folder folder;
    folder_make(&folder);
    struct qn_store *store = open_store(&folder);
    struct qn_findings findings = findings_of("bytes");
    findings.failed = true;
    assert_int_equal(put(store, "r1", &findings), 0);
    findings.failed = false;
    findings.model.name = NULL;
    assert_int_equal(put(store, "r2", &findings), 0);
    assert_query(store, "SELECT count(*) FROM _quern_models", "0");
    assert_query(store, "SELECT count(*) FROM _quern_model_metrics WHERE name IS NULL", "4");
    struct qn_err err = {0};
    uint32_t version;
    assert_int_equal(qn_store_findings_put(store, "r3", "train", &findings, "s", 1, &version, &err),
                     QN_ESTATE);
    qn_store_close(store);
    folder_remove(&folder);
}

static void versions_count_up_and_aliases_move(void **state)
{
    (void)state;
    struct folder folder;
    folder_make(&folder);
    struct qn_store *store = open_store(&folder);
    assert_no_model(store, "churn", "", QN_ENOTFOUND, "has no model churn");
    struct qn_findings one = findings_of("one"), two = findings_of("two"), three = findings_of("");
    one.model.alias = two.model.alias = three.model.alias = "champion";
    one.model.promote = three.model.promote = true;
    one.model.promote_note = "roc_auc 0.84 >= 0.80";
    assert_int_equal(put(store, "r1", &one), 1);
    assert_no_model(store, "churn", "@best", QN_ENOTFOUND, "versions up to 1 and @champion");
    assert_int_equal(put(store, "r2", &two), 2);
    assert_model(store, "", 2, "two");
    assert_model(store, "@champion", 1, "one"); /* two was not promoted */
    assert_model(store, ":1", 1, "one");
    struct qn_test_finding missed = {.column = "",
                                     .test = "promote",
                                     .severity = "warn",
                                     .status = "warn",
                                     .message = "model churn does not become @best: test roc_auc "
                                                "0.7 is below 0.8"};
    three.tests = &missed;
    three.n_tests = 1;
    assert_int_equal(put(store, "r3", &three), 3); /* an empty artefact is one too */
    assert_model(store, "@champion", 3, "");
    assert_query(store, "SELECT name, alias, version, run_id FROM _quern_model_aliases",
                 "churn|champion|3|r3");
    assert_no_model(
        store, "churn", "@best", QN_ENOTFOUND,
        "version 3 was not promoted: test roc_auc 0.7 is below 0.8. Score with churn:3,");
    assert_no_model(store, "churn", "@other", QN_ENOTFOUND, "up to 3 and @champion");
    assert_no_model(store, "churn", ":4", QN_ENOTFOUND, "no version 4");
    assert_no_model(store, "churn", ":0", QN_EINPUT, "no selector");
    assert_no_model(store, "churn", "champion", QN_EINPUT, "no selector");
    assert_no_model(store, "churn' OR 1 --", "", QN_ENOTFOUND, "has no model");
    qn_store_close(store);
    folder_remove(&folder);
}

static void bytes_that_changed_are_noticed(void **state)
{
    (void)state;
    struct folder folder;
    folder_make(&folder);
    struct qn_err err = {0};
    struct qn_store *store = open_store(&folder);
    struct qn_findings findings = findings_of("bytes");
    put(store, "r1", &findings);
    struct qn_findings changed = findings_of("other bytes");
    uint32_t version;
    assert_ok(qn_store_begin(store, &err), &err);
    assert_int_equal(
        qn_store_findings_put(store, "r1", "train", &changed, "spec", 42, &version, &err),
        QN_ESTATE);
    qn_store_rollback(store);
    assert_int_equal(sqlite3_exec(qn_store_connection(store),
                                  "UPDATE _quern_models SET artefact = x'00'", NULL, NULL, NULL),
                     SQLITE_OK);
    assert_no_model(store, "churn", "", QN_EINPUT, "damaged");
    qn_store_close(store);
    folder_remove(&folder);
}

/* --- digests ---------------------------------------------------------------------------------- */

static qn_code keep_digest(void *context, const char *kind, const char *name, const char *sha256)
{
    qn_buf_printf(context, "%s %s %s\n", kind, name, sha256);
    return QN_OK;
}

/* Of a warehouse made by `script`, besides its system tables. */
static void digest_of(const char *script, char out[2000])
{
    struct folder folder;
    folder_make(&folder);
    struct qn_err err = {0};
    struct qn_store *store = open_store(&folder);
    char *message = NULL;
    if (sqlite3_exec(qn_store_connection(store), script, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s: %s", script, message);
    struct qn_buf buf;
    qn_buf_init(&buf);
    assert_ok(qn_store_digest(store, keep_digest, &buf, &err), &err);
    snprintf(out, 2000, "%.*s", QN_STRV_ARG(qn_buf_strv(&buf)));
    qn_buf_fini(&buf);
    qn_store_close(store);
    folder_remove(&folder);
}

static void assert_same(const char *a, const char *b)
{
    char of_a[2000], of_b[2000];
    digest_of(a, of_a);
    digest_of(b, of_b);
    assert_string_equal(of_a, of_b);
}

static void assert_other(const char *a, const char *b)
{
    char of_a[2000], of_b[2000];
    digest_of(a, of_a);
    digest_of(b, of_b);
    assert_string_not_equal(of_a, of_b);
}

#define T "CREATE TABLE t(a INTEGER, b TEXT) STRICT;"
#define ROWS "INSERT INTO t VALUES(1, 'x'), (2, NULL);"

static void equal_answers_have_equal_digests(void **state)
{
    (void)state;
    assert_same(T ROWS, T ROWS);
    /* Other pages, an index, staging and system rows make no difference. */
    assert_same(T ROWS, T "INSERT INTO t VALUES(9, 'y'); DELETE FROM t;" ROWS
                          "CREATE INDEX t_b ON t(b, a); CREATE TABLE _quern_stage_t(a);"
                          "CREATE VIEW v AS SELECT * FROM t;"
                          "INSERT INTO _quern_watermarks VALUES('j', 'c', 'v', 'r')");
    assert_same("CREATE TABLE a(x);CREATE TABLE b(y)", "CREATE TABLE b(y);CREATE TABLE a(x)");
}

static void other_answers_have_other_digests(void **state)
{
    (void)state;
    assert_other(T ROWS, T);
    assert_other(T ROWS, T "INSERT INTO t VALUES(2, NULL), (1, 'x')");
    assert_other(T ROWS, T "INSERT INTO t VALUES(1, 'x'), (2, '')");
    assert_other(T ROWS, T "INSERT INTO t VALUES(1, 'y'), (2, NULL)");
    assert_other(T ROWS, "CREATE TABLE t(a INTEGER, c TEXT) STRICT;" ROWS);
    assert_other(T ROWS, "CREATE TABLE t(a INT, b TEXT) STRICT;" ROWS);
    assert_other(T ROWS, "CREATE TABLE u(a INTEGER, b TEXT) STRICT");
    assert_other("CREATE TABLE t(a ANY) STRICT; INSERT INTO t VALUES(1)",
                 "CREATE TABLE t(a ANY) STRICT; INSERT INTO t VALUES('1')");
    assert_other("CREATE TABLE t(a ANY) STRICT; INSERT INTO t VALUES('1')",
                 "CREATE TABLE t(a ANY) STRICT; INSERT INTO t VALUES(x'31')");
    /* A value cannot pass for the end of the one before it. */
    assert_other("CREATE TABLE t(a TEXT, b TEXT); INSERT INTO t VALUES('xy', 'z')",
                 "CREATE TABLE t(a TEXT, b TEXT); INSERT INTO t VALUES('x', 'yz')");
}

/* The format is fixed: this value is the same on every machine. */
static void a_digest_is_sha256_of_the_documented_bytes(void **state)
{
    (void)state;
    char got[2000], want[2000], hex[QN_SHA256_HEX];
    struct qn_buf buf;
    qn_buf_init(&buf);
    qn_buf_printf(&buf, "quern-table-1\n");
    qn_buf_put_u32(&buf, 2);
    for (int i = 0; i < 2; i++) {
        qn_buf_put_str(&buf, i ? QN_STRV_LIT("b") : QN_STRV_LIT("a"));
        qn_buf_put_str(&buf, i ? QN_STRV_LIT("TEXT") : QN_STRV_LIT("INTEGER"));
    }
    qn_buf_put_u8(&buf, 1);
    qn_buf_put_i64(&buf, 1);
    qn_buf_put_u8(&buf, 3);
    qn_buf_put_str(&buf, QN_STRV_LIT("x"));
    qn_buf_put_u8(&buf, 1);
    qn_buf_put_i64(&buf, 2);
    qn_buf_put_u8(&buf, 0);
    qn_sha256_of(qn_buf_strv(&buf), hex);
    qn_buf_fini(&buf);
    snprintf(want, sizeof want, "table t %s\n", hex);
    digest_of(T ROWS, got);
    assert_string_equal(got, want);
}

static void models_are_in_the_digest(void **state)
{
    (void)state;
    struct folder folder;
    folder_make(&folder);
    struct qn_err err = {0};
    struct qn_store *store = open_store(&folder);
    struct qn_findings findings = findings_of("bytes");
    put(store, "r1", &findings);
    struct qn_buf buf;
    char hex[QN_SHA256_HEX], want[100];
    qn_sha256_of(QN_STRV_LIT("bytes"), hex);
    snprintf(want, sizeof want, "model churn:1 %s\n", hex);
    qn_buf_init(&buf);
    assert_ok(qn_store_digest(store, keep_digest, &buf, &err), &err);
    assert_true(qn_strv_is(qn_buf_strv(&buf), want));
    qn_buf_fini(&buf);
    qn_store_close(store);
    folder_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(findings_are_told_once),
        cmocka_unit_test(a_failed_or_unregistered_fit_makes_no_version),
        cmocka_unit_test(versions_count_up_and_aliases_move),
        cmocka_unit_test(bytes_that_changed_are_noticed),
        cmocka_unit_test(equal_answers_have_equal_digests),
        cmocka_unit_test(other_answers_have_other_digests),
        cmocka_unit_test(a_digest_is_sha256_of_the_documented_bytes),
        cmocka_unit_test(models_are_in_the_digest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
