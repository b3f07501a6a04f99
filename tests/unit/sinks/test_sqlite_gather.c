/* That gathering shows nobody anything else than writing at once would: other connections, a
 * transaction that reads back what it spilled, a full disk, a process that ends in between. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "sinks/sqlite_gather.h"
#include "tests/support/test.h"

static char folder[64], path[80];

static sqlite3 *open_db(const char *vfs)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, vfs),
                     SQLITE_OK);
    return db;
}

static void run(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
}

static sqlite3_int64 ask(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt;
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    if (sqlite3_step(stmt) != SQLITE_ROW)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    sqlite3_int64 value = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return value;
}

/* A database of one empty table in WAL mode, written to through the VFS. */
static sqlite3 *open_writer(const char *synchronous)
{
    char sql[80];
    assert_non_null(qn_sqlite_gather_vfs());
    sqlite3 *db = open_db(qn_sqlite_gather_vfs());
    run(db, "PRAGMA page_size = 16384; PRAGMA journal_mode = WAL");
    snprintf(sql, sizeof sql, "PRAGMA synchronous = %s", synchronous);
    run(db, sql);
    run(db, "CREATE TABLE t(n INTEGER, filler TEXT)");
    return db;
}

/* Rows first .. first + n - 1 of 1,000 bytes each. */
static int add(sqlite3 *db, int first, int n)
{
    char sql[200];
    snprintf(sql, sizeof sql,
             "WITH RECURSIVE c(n) AS (SELECT %d UNION ALL SELECT n + 1 FROM c WHERE n < %d) "
             "INSERT INTO t SELECT n, hex(zeroblob(500)) FROM c",
             first, first + n - 1);
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

/* All rows 0 .. n - 1 are there, and SQLite finds nothing wrong. */
static void assert_rows(sqlite3 *db, int n)
{
    assert_int_equal(ask(db, "SELECT count(*) FROM t"), n);
    assert_int_equal(ask(db, "SELECT coalesce(sum(n), 0) FROM t"), (sqlite3_int64)n * (n - 1) / 2);
    assert_int_equal(ask(db, "SELECT integrity_check = 'ok' FROM pragma_integrity_check"), 1);
}

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/quern-gather-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/w.db", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    static const char *const ends[] = {"", "-wal", "-shm"};
    for (int i = 0; i < 3; i++) {
        char name[96];
        snprintf(name, sizeof name, "%s%s", path, ends[i]);
        unlink(name);
    }
    return rmdir(folder);
}

/* Commits of one page and of many, with and without syncs, and checkpoints between them. */
static void test_others_see_every_commit(void **state)
{
    (void)state;
    static const char *const modes[] = {"OFF", "NORMAL", "FULL"};
    sqlite3 *writer = open_writer("FULL");
    sqlite3 *reader = open_db(NULL);
    run(writer, "PRAGMA wal_autocheckpoint = 50");
    int rows = 0;
    for (int i = 0; i < 36; i++) {
        char sql[80];
        int n = 1 + i % 12 * 40;
        snprintf(sql, sizeof sql, "PRAGMA synchronous = %s", modes[i / 12]);
        run(writer, sql);
        assert_int_equal(add(writer, rows, n), SQLITE_OK);
        rows += n;
        assert_rows(reader, rows);
    }
    sqlite3_close(reader);
    sqlite3_close(writer);
    reader = open_db(NULL);
    assert_rows(reader, rows);
    sqlite3_close(reader);
}

static void test_a_transaction_reads_what_it_spilled(void **state)
{
    (void)state;
    sqlite3 *writer = open_writer("FULL");
    run(writer, "PRAGMA cache_size = 8; BEGIN");
    assert_int_equal(add(writer, 0, 2000), SQLITE_OK);
    assert_rows(writer, 2000);
    run(writer, "SAVEPOINT s; UPDATE t SET n = -n");
    assert_int_equal(ask(writer, "SELECT sum(n) FROM t"), -1999000);
    run(writer, "ROLLBACK TO s; COMMIT");
    sqlite3 *reader = open_db(NULL);
    assert_rows(reader, 2000);
    sqlite3_close(reader);
    sqlite3_close(writer);
}

/* Writes past the limit fail as on a full disk: the transaction too, and nothing else. */
static void test_a_full_disk_fails_the_commit(void **state)
{
    (void)state;
    struct rlimit before, few;
    sqlite3 *writer = open_writer("FULL");
    assert_int_equal(add(writer, 0, 100), SQLITE_OK);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    few = before;
    few.rlim_cur = 1 << 20;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &few), 0);
    int rc = add(writer, 100, 3000);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_not_equal(rc, SQLITE_OK);
    assert_rows(writer, 100);
    assert_int_equal(add(writer, 100, 3000), SQLITE_OK);
    sqlite3_close(writer);
    sqlite3 *reader = open_db(NULL);
    assert_rows(reader, 3100);
    sqlite3_close(reader);
}

/* What was committed is there, what was not is not. */
static void test_a_process_that_ends(void **state)
{
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        sqlite3 *writer = open_writer("NORMAL");
        run(writer, "PRAGMA cache_size = 8");
        int rc = add(writer, 0, 1000);
        run(writer, "BEGIN");
        _exit(rc != SQLITE_OK || add(writer, 1000, 1000) != SQLITE_OK);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    sqlite3 *db = open_db(qn_sqlite_gather_vfs());
    assert_rows(db, 1000);
    sqlite3_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_others_see_every_commit, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_a_transaction_reads_what_it_spilled, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(test_a_full_disk_fails_the_commit, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(test_a_process_that_ends, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
