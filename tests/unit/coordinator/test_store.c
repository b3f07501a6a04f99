#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>

#include "flow/reject.h"
#include "tests/support/warehouse.h"

static struct qn_store_run run_named(const char *run_id)
{
    return (struct qn_store_run){.run_id = run_id,
                                 .spec_name = "spec",
                                 .spec_sha256 = "abc",
                                 .spec_text = QN_STRV_LIT("version: 1\n"),
                                 .engine_version = "0.1.0",
                                 .seed = UINT64_MAX};
}

static void begin_run(struct qn_store *store, const char *run_id)
{
    struct qn_err err = {0};
    struct qn_store_run run = run_named(run_id);
    assert_ok(qn_store_run_begin(store, &run, &err), &err);
}

static void sql(struct qn_store *store, const char *text)
{
    char *message = NULL;
    if (sqlite3_exec(qn_store_connection(store), text, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s: %s", text, message);
}

/* --- opening ---------------------------------------------------------------------------------- */

static void opening_makes_the_tables_and_raises_the_epoch(void **state)
{
    (void)state;
    struct folder folder;
    folder_make(&folder);
    for (uint64_t epoch = 1; epoch <= 3; epoch++) {
        struct qn_store *store = open_store(&folder);
        assert_int_equal(qn_store_epoch(store), epoch);
        assert_int_equal(access(folder_file(&folder, "w.db-wal"), F_OK), 0);
        assert_query(store, "PRAGMA synchronous", "2");
        qn_store_close(store);
    }
    struct qn_store *store = open_store(&folder);
    assert_query(
        store,
        "SELECT group_concat(name, ' ') FROM (SELECT name FROM sqlite_schema WHERE "
        "type = 'table' ORDER BY name)",
        "_quern_commits _quern_drift _quern_inputs _quern_jobs _quern_meta "
        "_quern_model_aliases "
        "_quern_model_bins _quern_model_candidates _quern_model_comparisons "
        "_quern_model_curves _quern_model_importance _quern_model_metrics _quern_model_moves "
        "_quern_model_shap _quern_model_slices _quern_model_uses "
        "_quern_models _quern_profile _quern_quarantine _quern_runs _quern_tests "
        "_quern_timings _quern_watermarks");
    qn_store_close(store);
    folder_remove(&folder);
}

static void write_file(const char *path, const char *bytes, size_t n)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    fclose(file);
}

static void assert_open_fails(const char *path, qn_code code, const char *says)
{
    struct qn_err err = {0};
    struct qn_store *store = NULL;
    char text[1000];
    qn_code got = qn_store_open(path, &store, &err);
    qn_err_format(&err, text, sizeof text);
    if (got != code || !strstr(text, says))
        fail_msg("expected %s with '%s', got: %s", qn_code_name(code), says, text);
    assert_null(store);
}

static void files_that_are_no_warehouse_are_refused_and_untouched(void **state)
{
    (void)state;
    struct folder folder;
    folder_make(&folder);
    char junk[4096];
    memset(junk, 'x', sizeof junk);
    const char *path = folder_file(&folder, "junk.db");
    write_file(path, junk, sizeof junk);
    assert_open_fails(path, QN_EINPUT, "is not an SQLite database");
    char again[sizeof junk + 1];
    FILE *file = fopen(path, "rb");
    assert_int_equal(fread(again, 1, sizeof again, file), sizeof junk);
    fclose(file);
    assert_memory_equal(junk, again, sizeof junk);

    assert_open_fails("", QN_EINPUT, "empty");
    assert_open_fails(folder_file(&folder, "no/such/w.db"), QN_EIO, "No such file or directory");
    assert_open_fails(folder.path, QN_EIO, "");

    struct qn_store *store = open_store(&folder);
    sql(store, "UPDATE _quern_meta SET value = 99 WHERE key = 'schema_version'");
    qn_store_close(store);
    assert_open_fails(folder_file(&folder, "w.db"), QN_ENOTSUP, "schema version 99");
    folder_remove(&folder);
}

static void a_reader_needs_a_warehouse_and_cannot_write(void **state)
{
    (void)state;
    struct folder folder;
    folder_make(&folder);
    struct qn_err err = {0};
    struct qn_store *reader = NULL;
    assert_int_equal(qn_store_open_reader(folder_file(&folder, "w.db"), &reader, &err),
                     QN_ENOTFOUND);
    assert_int_not_equal(access(folder.file, F_OK), 0); /* nor was it made */
    struct qn_store *store = open_store(&folder);
    assert_ok(qn_store_open_reader(folder_file(&folder, "w.db"), &reader, &err), &err);
    assert_int_equal(qn_store_begin(reader, &err), QN_ESTATE);
    begin_run(store, "r1"); /* while the reader is open */
    assert_query(reader, "SELECT run_id FROM _quern_runs", "r1");
    qn_store_close(reader);
    qn_store_close(store);

    sqlite3 *plain = NULL;
    assert_int_equal(sqlite3_open(folder_file(&folder, "plain.db"), &plain), SQLITE_OK);
    assert_int_equal(sqlite3_exec(plain, "CREATE TABLE t(a)", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(plain);
    assert_int_equal(qn_store_open_reader(folder.file, &reader, &err), QN_EINPUT);
    assert_non_null(strstr(err.message, "without the tables of a warehouse"));
    /* But it may become one, beside what it holds. */
    assert_ok(qn_store_open(folder.file, &store, &err), &err);
    assert_ok(qn_store_commit(store, &err), &err);
    assert_query(store, "SELECT count(*) FROM t", "0");
    qn_store_close(store);
    folder_remove(&folder);
}

/* --- transactions ----------------------------------------------------------------------------- */

static void a_later_coordinator_stops_the_earlier_one(void **state)
{
    (void)state;
    struct folder folder;
    folder_make(&folder);
    struct qn_err err = {0};
    struct qn_store *first = open_store(&folder);
    begin_run(first, "r1");
    struct qn_store *second = open_store(&folder);
    assert_int_equal(qn_store_epoch(second), qn_store_epoch(first) + 1);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(qn_store_begin(first, &err), QN_ESTATE);
        assert_int_equal(err.blame, QN_BLAME_COORDINATOR);
        assert_non_null(strstr(err.message, "another coordinator took over"));
    }
    assert_int_equal(qn_store_run_finish(first, "r1", "success", &err), QN_ESTATE);
    begin_run(second, "r1"); /* goes on with it */
    assert_query(second, "SELECT status FROM _quern_runs", "running");
    qn_store_close(first);
    begin_run(second, "r1");
    qn_store_close(second);
    folder_remove(&folder);
}

static void transactions_do_not_nest_and_roll_back(void **state)
{
    (void)state;
    struct folder folder;
    folder_make(&folder);
    struct qn_err err = {0};
    struct qn_store *store = open_store(&folder);
    assert_int_equal(qn_store_commit(store, &err), QN_ESTATE);
    assert_ok(qn_store_begin(store, &err), &err);
    assert_int_equal(qn_store_begin(store, &err), QN_ESTATE);
    begin_run(store, "r1"); /* joins */
    qn_store_rollback(store);
    qn_store_rollback(store);
    assert_query(store, "SELECT count(*) FROM _quern_runs", "0");
    struct qn_ledger_row row = {.run_id = "r", .job = "j"};
    assert_int_equal(qn_store_ledger_put(store, &row, &err), QN_ESTATE);
    qn_store_close(store);
    folder_remove(&folder);
}

/* Another program's lock is waited for, then reported, and the store goes on when it is gone. */
static void a_lock_of_another_program_is_reported(void **state)
{
    (void)state;
    struct folder folder;
    folder_make(&folder);
    struct qn_err err = {0};
    struct qn_store *store = open_store(&folder);
    sqlite3_busy_timeout(qn_store_connection(store), 20);
    sqlite3 *other = NULL;
    assert_int_equal(sqlite3_open(folder_file(&folder, "w.db"), &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(qn_store_begin(store, &err), QN_EIO);
    assert_int_equal(err.blame, QN_BLAME_COORDINATOR);
    assert_non_null(strstr(err.message, "another program keeps"));
    sqlite3_close(other);
    begin_run(store, "r1");
    qn_store_close(store);
    folder_remove(&folder);
}

/* A database that may not grow is a disk that is full. */
static void *commit_later(void *db)
{
    usleep(100000);
    return sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK ? db : NULL;
}

static void opening_waits_for_a_write_into_a_file_that_is_not_yet_in_wal_mode(void **state)
{
    (void)state;
    struct folder folder;
    sqlite3 *other;
    pthread_t thread;
    void *committed;
    folder_make(&folder);
    assert_int_equal(sqlite3_open(folder_file(&folder, "w.db"), &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other,
                                  "CREATE TABLE t(a); BEGIN IMMEDIATE; INSERT INTO t "
                                  "VALUES(1)",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(pthread_create(&thread, NULL, commit_later, other), 0);
    struct qn_store *store = open_store(&folder);
    assert_int_equal(pthread_join(thread, &committed), 0);
    assert_ptr_equal(committed, other);
    sqlite3_close(other);
    assert_query(store, "SELECT a FROM t", "1");
    assert_query(store, "SELECT journal_mode FROM pragma_journal_mode", "wal");
    qn_store_close(store);
    folder_remove(&folder);
}

static void a_full_disk_is_said_and_leaves_what_was_committed(void **state)
{
    (void)state;
    struct folder folder;
    folder_make(&folder);
    struct qn_err err = {0};
    struct qn_store *store = open_store(&folder);
    begin_run(store, "r1");
    sql(store, "PRAGMA max_page_count = 60");
    assert_ok(qn_store_begin(store, &err), &err);
    struct qn_ledger_row row = {.run_id = "r1", .job = "j"};
    qn_code code = QN_OK;
    for (; code == QN_OK && row.unit < 100000; row.unit++)
        code = qn_store_ledger_put(store, &row, &err);
    assert_int_equal(code, QN_EIO);
    assert_int_equal(err.blame, QN_BLAME_COORDINATOR);
    assert_non_null(strstr(err.message, "is full"));
    qn_store_rollback(store);
    assert_query(store, "SELECT count(*) FROM _quern_commits", "0");
    assert_query(store, "SELECT status FROM _quern_runs", "running");
    qn_store_close(store);
    folder_remove(&folder);
}

/* --- runs and jobs ---------------------------------------------------------------------------- */

static void runs_jobs_and_inputs_are_told(void **state)
{
    (void)state;
    struct folder folder;
    folder_make(&folder);
    struct qn_err err = {0};
    struct qn_store *store = open_store(&folder);
    begin_run(store, "r1");
    struct qn_store_job job = {
        .name = "stg", .kind = "etl", .status = "running", .chunks = 3, .seconds = NAN};
    assert_ok(qn_store_job_put(store, "r1", &job, &err), &err);
    job.status = "success";
    job.seconds = 1.5;
    job.counters = (struct qn_counters){100, 80, 10, 6, 4, 2, 2};
    assert_ok(qn_store_job_put(store, "r1", &job, &err), &err);
    assert_query(store,
                 "SELECT job, kind, status, chunks, rows_in, rows_out, rows_quarantined, "
                 "rows_filtered, rows_deduplicated, rows_added, rows_absorbed, seconds "
                 "FROM _quern_jobs",
                 "stg|etl|success|3|100|80|10|6|4|2|2|1.5");
    struct qn_store_input input = {.job = "stg",
                                   .path = "data/it's.csv",
                                   .fingerprint = "f1",
                                   .bytes = 9,
                                   .chunks = 1,
                                   .rows = 2};
    for (int i = 0; i < 2; i++)
        assert_ok(qn_store_input_put(store, "r1", &input, &err), &err);
    assert_query(store, "SELECT job, file, bytes, fingerprint, chunks, rows FROM _quern_inputs",
                 "stg|data/it's.csv|9|f1|1|2");
    assert_ok(qn_store_run_finish(store, "r1", "success", &err), &err);
    assert_query(store,
                 "SELECT spec_name, spec_sha256, spec_text, engine_version, seed, status, "
                 "started_at <= finished_at FROM _quern_runs",
                 "spec|abc|version: 1\n|0.1.0|-1|success|1");
    assert_int_equal(qn_store_run_finish(store, "none", "success", &err), QN_ENOTFOUND);
    assert_int_equal(qn_store_run_finish(store, "r1", "splendid", &err), QN_EINPUT);
    qn_store_close(store);
    folder_remove(&folder);
}

static void put_ledger(struct qn_store *store, const char *run_id, const char *job, uint32_t unit)
{
    struct qn_err err = {0};
    struct qn_ledger_row row = {.run_id = run_id, .job = job, .unit = unit};
    assert_ok(qn_store_begin(store, &err), &err);
    assert_ok(qn_store_ledger_put(store, &row, &err), &err);
    assert_ok(qn_store_commit(store, &err), &err);
}

/* Staged rows of an unfinished run are never mixed with those of the next one. */
static void a_new_run_takes_the_place_of_an_unfinished_one(void **state)
{
    (void)state;
    struct folder folder;
    folder_make(&folder);
    struct qn_err err = {0};
    struct qn_store *store = open_store(&folder);
    begin_run(store, "old");
    struct qn_store_job job = {.name = "a", .kind = "etl", .status = "running"};
    assert_ok(qn_store_job_put(store, "old", &job, &err), &err);
    sql(store, "CREATE TABLE _quern_stage_t(a INTEGER) STRICT; CREATE TABLE mine(a)");
    begin_run(store, "old"); /* going on: its rows stay */
    assert_query(store, "SELECT count(*) FROM _quern_stage_t", "0");
    begin_run(store, "new");
    assert_query(store,
                 "SELECT group_concat(name) FROM sqlite_schema WHERE name IN "
                 "('_quern_stage_t', 'mine')",
                 "mine");
    assert_query(store, "SELECT run_id, status, finished_at IS NULL FROM _quern_runs ORDER BY 1",
                 "new|running|1|old|cancelled|0");
    assert_query(store, "SELECT status FROM _quern_jobs", "cancelled");
    struct qn_store_run old = run_named("old");
    assert_int_equal(qn_store_run_begin(store, &old, &err), QN_ESTATE);
    assert_non_null(strstr(err.message, "was given up"));
    qn_store_close(store);
    folder_remove(&folder);
}

/* A failed job discarded its rows; when its run goes on, its ledger must not say they are there. */
static void a_failed_job_starts_anew_when_its_run_goes_on(void **state)
{
    (void)state;
    struct folder folder;
    folder_make(&folder);
    struct qn_err err = {0};
    struct qn_store *store = open_store(&folder);
    begin_run(store, "r");
    put_ledger(store, "r", "bad", 0);
    put_ledger(store, "r", "good", 0);
    struct qn_store_job job = {.name = "bad", .kind = "etl", .status = "failed"};
    assert_ok(qn_store_job_put(store, "r", &job, &err), &err);
    struct qn_arena arena;
    struct qn_ledger_row *rows;
    uint32_t n;
    qn_arena_init(&arena);
    for (int i = 0; i < 2; i++) { /* before and after the run goes on */
        assert_ok(qn_store_ledger_read(store, "r", &arena, &rows, &n, &err), &err);
        assert_int_equal(n, 1);
        assert_string_equal(rows[0].job, "good");
        begin_run(store, "r");
    }
    put_ledger(store, "r", "bad", 0); /* committed again: no QN_EEXISTS */
    qn_arena_fini(&arena);
    qn_store_close(store);
    folder_remove(&folder);
}

/* --- ledger ----------------------------------------------------------------------------------- */

static void the_ledger_gives_back_what_it_was_given(void **state)
{
    (void)state;
    struct folder folder;
    folder_make(&folder);
    struct qn_err err = {0};
    struct qn_store *store = open_store(&folder);
    struct qn_ledger_row in = {.run_id = "r",
                               .job = "b",
                               .stage = 1,
                               .round = 2,
                               .unit = UINT32_MAX,
                               .attempt = 4,
                               .rows = 5,
                               .part_bytes = 6,
                               .digest = {.low = 7, .high = UINT64_MAX - 7},
                               .counters = {8, 9, 10, 11, 12, 13, 14},
                               .chunk = {15, UINT64_MAX, 17, 18, 19}};
    struct qn_ledger_row other = {.run_id = "other", .job = "z"};
    struct qn_ledger_row first = {.run_id = "r", .job = "a", .stage = 3};
    assert_ok(qn_store_begin(store, &err), &err);
    assert_ok(qn_store_ledger_put(store, &in, &err), &err);
    assert_ok(qn_store_ledger_put(store, &other, &err), &err);
    assert_ok(qn_store_ledger_put(store, &first, &err), &err);
    assert_ok(qn_store_commit(store, &err), &err);
    struct qn_arena arena;
    struct qn_ledger_row *rows;
    uint32_t n;
    qn_arena_init(&arena);
    assert_ok(qn_store_ledger_read(store, "r", &arena, &rows, &n, &err), &err);
    assert_int_equal(n, 2);
    assert_string_equal(rows[0].job, "a");
    struct qn_ledger_row out = rows[1];
    assert_string_equal(out.run_id, in.run_id);
    assert_string_equal(out.job, in.job);
    out.run_id = in.run_id;
    out.job = in.job;
    assert_memory_equal(&out, &in, sizeof in);
    assert_ok(qn_store_ledger_read(store, "none", &arena, &rows, &n, &err), &err);
    assert_int_equal(n, 0);

    sql(store, "UPDATE _quern_commits SET digest = 'not hexadecimal' WHERE job = 'b'");
    assert_int_equal(qn_store_ledger_read(store, "r", &arena, &rows, &n, &err), QN_EINPUT);
    qn_arena_fini(&arena);
    qn_store_close(store);
    folder_remove(&folder);
}

static void refused_rows_are_in_quarantine_with_their_place(void **state)
{
    (void)state;
    struct folder folder;
    folder_make(&folder);
    struct qn_err err = {0};
    struct qn_store *store = open_store(&folder);
    struct qn_rejects rejects;
    assert_ok(qn_rejects_init(&rejects, &err), &err);
    struct qn_reject read = {.byte_offset = 77,
                             .line = 4,
                             .file = QN_STRV_LIT("a.csv"),
                             .column = QN_STRV_LIT("qty"),
                             .rule = QN_STRV_LIT("type"),
                             .message = QN_STRV_LIT("expected integer, got '12x'"),
                             .raw = QN_STRV_LIT("1,12x")};
    struct qn_reject made = {.rule = QN_STRV_LIT("not_null"), .message = QN_STRV_LIT("m")};
    assert_ok(qn_rejects_add(&rejects, &read, &err), &err);
    assert_ok(qn_rejects_add(&rejects, &made, &err), &err);
    struct qn_batch batch;
    qn_builder_batch(rejects.rows, &batch);
    assert_int_equal(qn_store_quarantine_put(store, "r", "j", &batch, 100, &err), QN_ESTATE);
    assert_ok(qn_store_begin(store, &err), &err);
    assert_ok(qn_store_quarantine_put(store, "r", "j", &batch, 100, &err), &err);
    struct qn_batch_builder *builder = all_types_batch(0, 1, &batch);
    assert_int_equal(qn_store_quarantine_put(store, "r", "j", &batch, 0, &err), QN_EWIRE);
    assert_ok(qn_store_commit(store, &err), &err);
    assert_query(store, "SELECT * FROM _quern_quarantine",
                 "r|j|a.csv|105|77|qty|type|expected integer, got '12x'|1,12x|NULL|"
                 "r|j|NULL|NULL|NULL|NULL|not_null|m||NULL");
    qn_builder_free(builder);
    qn_rejects_fini(&rejects);
    qn_store_close(store);
    folder_remove(&folder);
}

/* --- queries ---------------------------------------------------------------------------------- */

static qn_code stop_at_second(void *context, int n, const char *const *names,
                              const char *const *values)
{
    (void)values;
    assert_int_equal(n, 1);
    assert_string_equal(names[0], "answer");
    return ++*(int *)context == 2 ? QN_ECANCEL : QN_OK;
}

static void queries_only_read(void **state)
{
    (void)state;
    struct folder folder;
    folder_make(&folder);
    struct qn_err err = {0};
    struct qn_store *store = open_store(&folder);
    int rows = 0;
    const char *const params[] = {"' OR 1; --", "3"};
    assert_int_equal(qn_store_query(store,
                                    "SELECT ?1 AS answer UNION ALL SELECT ?2 UNION ALL SELECT 4",
                                    params, 2, stop_at_second, &rows, &err),
                     QN_ECANCEL);
    assert_int_equal(rows, 2);
    const char *const writes[] = {"DELETE FROM _quern_runs",
                                  "CREATE TABLE t(a)",
                                  "",
                                  "-- nothing",
                                  "ATTACH 'x.db' AS x",
                                  "BEGIN"};
    for (size_t i = 0; i < sizeof writes / sizeof writes[0]; i++)
        assert_int_equal(qn_store_query(store, writes[i], NULL, 0, stop_at_second, &rows, &err),
                         QN_ESTATE);
    assert_int_equal(qn_store_query(store, "SELECT nonsense", NULL, 0, stop_at_second, &rows, &err),
                     QN_EINPUT);
    qn_store_close(store);
    folder_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opening_makes_the_tables_and_raises_the_epoch),
        cmocka_unit_test(files_that_are_no_warehouse_are_refused_and_untouched),
        cmocka_unit_test(a_reader_needs_a_warehouse_and_cannot_write),
        cmocka_unit_test(a_later_coordinator_stops_the_earlier_one),
        cmocka_unit_test(transactions_do_not_nest_and_roll_back),
        cmocka_unit_test(a_lock_of_another_program_is_reported),
        cmocka_unit_test(opening_waits_for_a_write_into_a_file_that_is_not_yet_in_wal_mode),
        cmocka_unit_test(a_full_disk_is_said_and_leaves_what_was_committed),
        cmocka_unit_test(runs_jobs_and_inputs_are_told),
        cmocka_unit_test(a_new_run_takes_the_place_of_an_unfinished_one),
        cmocka_unit_test(a_failed_job_starts_anew_when_its_run_goes_on),
        cmocka_unit_test(the_ledger_gives_back_what_it_was_given),
        cmocka_unit_test(refused_rows_are_in_quarantine_with_their_place),
        cmocka_unit_test(queries_only_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
