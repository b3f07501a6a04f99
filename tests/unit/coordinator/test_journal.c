#include <signal.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "coordinator/journal.h"
#include "tests/support/warehouse.h"

static struct qn_journal *open_journal(const char *folder)
{
    struct qn_err err = {0};
    struct qn_journal *journal = NULL;
    assert_ok(qn_journal_open(folder, &journal, &err), &err);
    return journal;
}

static void runs_are_found_until_they_end(void **state)
{
    (void)state;
    struct folder folder;
    folder_make(&folder);
    struct qn_err err = {0};
    char run_id[64];
    struct qn_journal *journal = open_journal(folder.path);
    assert_int_equal(qn_journal_find_run(journal, "p1", run_id, &err), QN_ENOTFOUND);
    assert_int_not_equal(access(folder_file(&folder, "journal.db"), F_OK), 0); /* made when used */
    assert_ok(qn_journal_begin_run(journal, "r1", "p1", "w", &err), &err);
    assert_ok(qn_journal_begin_run(journal, "r2", "p2", "w", &err), &err);
    assert_ok(qn_journal_begin_run(journal, "r3", "p1", "v", &err), &err);
    qn_journal_close(journal);
    journal = open_journal(folder.path);
    assert_ok(qn_journal_find_run(journal, "p1", run_id, &err), &err);
    assert_string_equal(run_id, "r3");
    assert_ok(qn_journal_end_run(journal, "r3", "success", &err), &err);
    assert_ok(qn_journal_find_run(journal, "p1", run_id, &err), &err);
    assert_string_equal(run_id, "r1");
    assert_ok(qn_journal_end_run(journal, "r1", "failed", &err), &err);
    assert_int_equal(qn_journal_find_run(journal, "p1", run_id, &err), QN_ENOTFOUND);
    qn_journal_close(journal);
    folder_remove(&folder);
}

static void expect_unfinished(struct qn_journal *journal, const char *run_id, const char *warehouse,
                              bool want_unfinished, bool want_here)
{
    struct qn_err err = {0};
    bool unfinished, here;
    assert_ok(qn_journal_is_unfinished(journal, run_id, warehouse, &unfinished, &here, &err), &err);
    assert_int_equal(unfinished, want_unfinished);
    assert_int_equal(here, want_here);
}

static void a_run_is_of_its_warehouse(void **state)
{
    (void)state;
    struct folder folder;
    folder_make(&folder);
    struct qn_err err = {0};
    struct qn_journal *journal = open_journal(folder.path);
    expect_unfinished(journal, "r1", "w", false, false);
    assert_ok(qn_journal_begin_run(journal, "r1", "p", "w", &err), &err);
    expect_unfinished(journal, "r1", "w", true, true);
    expect_unfinished(journal, "r1", "v", true, false);
    expect_unfinished(journal, "r2", "w", false, false);
    assert_ok(qn_journal_end_run(journal, "r1", "cancelled", &err), &err);
    expect_unfinished(journal, "r1", "w", false, false);
    qn_journal_close(journal);
    folder_remove(&folder);
}

/* As the first version of the journal was; its runs are of no warehouse that is known. */
static void an_older_journal_is_gone_on_with(void **state)
{
    (void)state;
    struct folder folder;
    folder_make(&folder);
    struct qn_err err = {0};
    sqlite3 *db;
    assert_int_equal(sqlite3_open(folder_file(&folder, "journal.db"), &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db,
                     "CREATE TABLE runs(run_id TEXT PRIMARY KEY, plan_sha256 TEXT NOT NULL,"
                     " status TEXT NOT NULL, begun_at TEXT NOT NULL, ended_at TEXT) STRICT;"
                     "INSERT INTO runs VALUES('old', 'p', 'running', '2026', NULL);"
                     "PRAGMA user_version = 1",
                     NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_close(db);
    struct qn_journal *journal = open_journal(folder.path);
    expect_unfinished(journal, "old", "w", true, false);
    assert_ok(qn_journal_begin_run(journal, "new", "p", "w", &err), &err);
    expect_unfinished(journal, "new", "w", true, true);
    qn_journal_close(journal);
    journal = open_journal(folder.path);
    expect_unfinished(journal, "new", "w", true, true);
    qn_journal_close(journal);
    folder_remove(&folder);
}

static void attempts_keep_the_highest(void **state)
{
    (void)state;
    struct folder folder;
    folder_make(&folder);
    struct qn_err err = {0};
    struct qn_journal *journal = open_journal(folder.path);
    uint32_t attempts[4] = {9, 9, 9, 9};
    assert_ok(qn_journal_get_attempts(journal, "r", 1, 2, 3, attempts, 4, &err), &err);
    assert_int_equal(attempts[0] + attempts[1] + attempts[2] + attempts[3], 0);
    struct qn_token tokens[] = {{1, 2, 3, 0, 5, 1},
                                {1, 2, 3, 2, 1, 1},
                                {1, 2, 3, 0, 4, 2},
                                {1, 2, 0, 1, 7, 2},
                                {1, 2, 3, 9, 8, 2}};
    assert_ok(qn_journal_put_attempts(journal, "r", tokens, 5, &err), &err);
    assert_ok(qn_journal_put_attempts(journal, "r", tokens, 0, &err), &err);
    assert_ok(qn_journal_put_attempts(journal, "other", &tokens[3], 1, &err), &err);
    qn_journal_close(journal);
    journal = open_journal(folder.path);
    assert_ok(qn_journal_get_attempts(journal, "r", 1, 2, 3, attempts, 4, &err), &err);
    const uint32_t want[] = {5, 0, 1, 0};
    assert_memory_equal(attempts, want, sizeof want);
    assert_ok(qn_journal_put_failure(journal, "r", tokens, "it's out of memory", &err), &err);
    assert_ok(qn_journal_begin_run(journal, "r", "p", "w", &err), &err);
    assert_ok(qn_journal_end_run(journal, "r", "success", &err), &err);
    assert_ok(qn_journal_get_attempts(journal, "r", 1, 2, 3, attempts, 4, &err), &err);
    assert_int_equal(attempts[0] + attempts[2], 0);
    qn_journal_close(journal);
    folder_remove(&folder);
}

static void folders_are_made_and_bad_ones_said(void **state)
{
    (void)state;
    struct folder folder;
    folder_make(&folder);
    struct qn_err err = {0};
    char deep[400];
    struct qn_journal *journal = NULL;
    snprintf(deep, sizeof deep, "%s/a/b//c/", folder.path);
    qn_journal_close(open_journal(deep));
    assert_int_equal(qn_journal_open("", &journal, &err), QN_EINPUT);
    FILE *file = fopen(folder_file(&folder, "file"), "w");
    fputs("this is no journal, nor is it a database of any kind", file);
    fclose(file);
    assert_int_equal(qn_journal_open(folder.file, &journal, &err), QN_EIO);
    assert_null(journal);
    rename(folder.file, (snprintf(deep, sizeof deep, "%s/journal.db", folder.path), deep));
    journal = open_journal(folder.path);
    char run_id[64];
    assert_int_equal(qn_journal_find_run(journal, "p", run_id, &err), QN_EINPUT);
    assert_non_null(strstr(err.message, "is not an SQLite database"));
    qn_journal_close(journal);
    snprintf(deep, sizeof deep, "rm -rf '%s'", folder.path);
    assert_int_equal(system(deep), 0);
}

/* --- the lock --------------------------------------------------------------------------------- */

static void one_coordinator_a_state_folder(void **state)
{
    (void)state;
    struct folder folder;
    folder_make(&folder);
    struct qn_err err = {0};
    struct qn_journal *second = NULL;
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        struct qn_journal *journal = NULL;
        if (qn_journal_open(folder.path, &journal, NULL) != QN_OK || write(ready[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    char who[40];
    snprintf(who, sizeof who, "(process %ld)", (long)child);
    assert_int_equal(qn_journal_open(folder.path, &second, &err), QN_ESTATE);
    assert_non_null(strstr(err.message, who));
    assert_null(second);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    qn_journal_close(open_journal(folder.path)); /* its death gave the lock back */
    close(ready[0]);
    close(ready[1]);
    folder_remove(&folder);
}

/* Attempts that were recorded before a kill -9 are there after it: none is used twice. */
static void a_kill_loses_no_recorded_attempt(void **state)
{
    (void)state;
    struct folder folder;
    folder_make(&folder);
    struct qn_err err = {0};
    uint32_t recorded = 0;
    for (int round = 0; round < 10; round++) {
        int told[2];
        assert_int_equal(pipe(told), 0);
        pid_t child = fork();
        if (child == 0) {
            struct qn_journal *journal = NULL;
            struct qn_token token = {.attempt = recorded};
            if (qn_journal_open(folder.path, &journal, NULL) != QN_OK)
                _exit(1);
            for (;;) {
                token.attempt++;
                if (qn_journal_put_attempts(journal, "r", &token, 1, NULL) != QN_OK ||
                    write(told[1], &token.attempt, sizeof token.attempt) != sizeof token.attempt)
                    _exit(1);
            }
        }
        close(told[1]);
        usleep((useconds_t)(1000 + round * 2500));
        kill(child, SIGKILL);
        uint32_t attempt;
        while (read(told[0], &attempt, sizeof attempt) == sizeof attempt)
            recorded = attempt;
        close(told[0]);
        int status;
        waitpid(child, &status, 0);
        assert_true(WIFSIGNALED(status));
        struct qn_journal *journal = open_journal(folder.path);
        assert_ok(qn_journal_get_attempts(journal, "r", 0, 0, 0, &attempt, 1, &err), &err);
        assert_true(attempt == recorded || attempt == recorded + 1); /* + 1: not told any more */
        recorded = attempt;
        qn_journal_close(journal);
    }
    assert_true(recorded > 0);
    folder_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_are_found_until_they_end),
        cmocka_unit_test(a_run_is_of_its_warehouse),
        cmocka_unit_test(an_older_journal_is_gone_on_with),
        cmocka_unit_test(attempts_keep_the_highest),
        cmocka_unit_test(folders_are_made_and_bad_ones_said),
        cmocka_unit_test(one_coordinator_a_state_folder),
        cmocka_unit_test(a_kill_loses_no_recorded_attempt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
