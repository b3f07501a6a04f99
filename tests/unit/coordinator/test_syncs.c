/* What waits for the disk, counted: a run of a few milliseconds is made of little else. */
#include <sqlite3.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "coordinator/journal.h"
#include "tests/support/warehouse.h"

static uint32_t n_syncs;

/* In place of the C library's, also for SQLite. */
int fdatasync(int fildes)
{
    n_syncs++;
    return (int)syscall(SYS_fdatasync, fildes);
}

int fsync(int fd)
{
    n_syncs++;
    return (int)syscall(SYS_fsync, fd);
}

static uint32_t syncs_since(uint32_t *before)
{
    uint32_t n = n_syncs - *before;
    *before = n_syncs;
    return n;
}

static void a_warehouse_syncs_once_a_commit(void **state)
{
    (void)state;
    struct folder folder;
    folder_make(&folder);
    struct qn_err err = {0};
    uint32_t before = n_syncs;
    struct qn_store *store = open_store(&folder);
    assert_in_range(syncs_since(&before), 1, 4); /* file, folder, head of the log, tables */
    for (int i = 0; i < 3; i++) {
        assert_ok(qn_store_begin(store, &err), &err);
        assert_ok(qn_store_mark(store, &err), &err);
        assert_int_equal(sqlite3_exec(qn_store_connection(store),
                                      "INSERT INTO _quern_meta VALUES('k' || random(), 1)", NULL,
                                      NULL, NULL),
                         SQLITE_OK);
        assert_ok(qn_store_unmark(store, true, &err), &err);
        assert_int_equal(syncs_since(&before), 0);
        assert_ok(qn_store_commit(store, &err), &err);
        assert_int_equal(syncs_since(&before), 1);
    }
    qn_store_close(store);
    assert_in_range(syncs_since(&before), 1, 2);
    store = open_store(&folder); /* one that is there: its log's head, and the epoch */
    assert_in_range(syncs_since(&before), 1, 3);
    qn_store_close(store);
    folder_remove(&folder);
}

static void attempts_do_not_wait_for_the_disk(void **state)
{
    (void)state;
    struct folder folder;
    folder_make(&folder);
    struct qn_err err = {0};
    struct qn_journal *journal;
    uint32_t before = n_syncs;
    assert_ok(qn_journal_open(folder.path, &journal, &err), &err);
    assert_ok(qn_journal_begin_run(journal, "r", "p", "w", &err), &err);
    assert_in_range(syncs_since(&before), 1, 3);
    for (uint32_t unit = 0; unit < 100; unit++) {
        struct qn_token token = {.unit = unit, .attempt = 1, .epoch = 1};
        assert_ok(qn_journal_put_attempts(journal, "r", &token, 1, &err), &err);
    }
    assert_ok(qn_journal_end_run(journal, "r", "success", &err), &err);
    qn_journal_close(journal);
    assert_int_equal(syncs_since(&before), 0);
    folder_remove(&folder);
}

static void what_is_fleeting_never_waits_for_the_disk(void **state)
{
    (void)state;
    struct folder folder;
    folder_make(&folder);
    struct qn_err err = {0};
    struct qn_journal *journal;
    struct qn_store *store;
    uint32_t before = n_syncs;
    assert_ok(qn_journal_open(folder.path, &journal, &err), &err);
    qn_journal_forgo_sync(journal);
    assert_ok(qn_journal_begin_run(journal, "r", "p", "w", &err), &err);
    assert_ok(qn_journal_end_run(journal, "r", "success", &err), &err);
    qn_journal_close(journal);
    assert_ok(qn_store_open_fleeting(folder_file(&folder, "w.db"), &store, &err), &err);
    assert_ok(qn_store_commit(store, &err), &err);
    qn_store_close(store);
    assert_int_equal(syncs_since(&before), 0);
    folder_remove(&folder);
}

static void what_is_marked_is_taken_back_alone(void **state)
{
    (void)state;
    struct folder folder;
    folder_make(&folder);
    struct qn_err err = {0};
    struct qn_store *store = open_store(&folder);
    assert_int_equal(qn_store_mark(store, &err), QN_ESTATE); /* outside of a transaction */
    assert_ok(qn_store_begin(store, &err), &err);
    sqlite3 *db = qn_store_connection(store);
    sqlite3_exec(db, "INSERT INTO _quern_meta VALUES('kept', 1)", NULL, NULL, NULL);
    assert_ok(qn_store_mark(store, &err), &err);
    sqlite3_exec(db, "INSERT INTO _quern_meta VALUES('lost', 1)", NULL, NULL, NULL);
    assert_ok(qn_store_unmark(store, false, &err), &err);
    assert_ok(qn_store_commit(store, &err), &err);
    sqlite3_exec(db, "DELETE FROM _quern_meta WHERE key IN ('kept', 'lost')", NULL, NULL, NULL);
    assert_int_equal(sqlite3_changes(db), 1);
    qn_store_close(store);
    folder_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_warehouse_syncs_once_a_commit),
        cmocka_unit_test(attempts_do_not_wait_for_the_disk),
        cmocka_unit_test(what_is_fleeting_never_waits_for_the_disk),
        cmocka_unit_test(what_is_marked_is_taken_back_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
