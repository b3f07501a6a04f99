#include "coordinator/store.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "coordinator/store_internal.h"
#include "sinks/sqlite_image.h"

enum {
    /* Someone else's short write may pass; a coordinator that waits longer looks dead itself. */
    BUSY_MS = 10000,
    BUSY_TRY_MS = 20, /* between tries that SQLite leaves to us */
    /* Pages of log after which it is copied into the file: 16 MiB, about a chunk's rows. What is in
     * it at the end of a run, closing has to copy while nobody else works. */
    CHECKPOINT_PAGES = 1024,
    /* A log of 1 GiB: a reader has been holding it back for a long time. */
    WARN_PAGES = (1 << 30) / QN_SQLITE_PAGE_BYTES,
};

/* --- opening ---------------------------------------------------------------------------------- */

/* Called after each commit with the log's length. A failed checkpoint loses nothing: the commit is
 * in the log, and the next one tries again. */
static int on_logged(void *context, sqlite3 *db, const char *name, int pages)
{
    struct qn_store *store = context;
    if (pages >= CHECKPOINT_PAGES && !store->closes)
        (void)sqlite3_wal_checkpoint_v2(db, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    if (pages >= WARN_PAGES && !store->warned_wal) {
        store->warned_wal = true;
        qn_log_warn("a program that reads %s keeps its log from being emptied: it holds %d MiB",
                    sqlite3_db_filename(db, name), pages / ((1 << 20) / QN_SQLITE_PAGE_BYTES));
    }
    return SQLITE_OK;
}

/* SQLite does not wait for a lock here by itself: it holds a read lock by then, and two that wait
 * so would wait for each other. Between our tries that lock is given back. */
static qn_code enter_wal(struct qn_store *store, const char *doing, struct qn_err *err)
{
    int64_t give_up_ms = qn_clock_ms() + BUSY_MS;
    qn_code code;
    while ((code = qn_sqlite_use_wal(store->db, doing, err)) != QN_OK &&
           (sqlite3_errcode(store->db) & 0xff) == SQLITE_BUSY && qn_clock_ms() < give_up_ms)
        sqlite3_sleep(BUSY_TRY_MS);
    return code;
}

/* WAL: one fsync a commit, and readers never stop the writer. FULL: a commit is on the disk before
 * it is acknowledged. The cache need not hold what a commit writes: rows come in order.
 * (docs/adr/0002) */
static qn_code setup_writer(struct qn_store *store, struct qn_err *err)
{
    static const char doing[] = "open the warehouse";
    char sql[40];
    sqlite3_snprintf(sizeof sql, sql, "PRAGMA page_size = %d", QN_SQLITE_PAGE_BYTES);
    QN_TRY(qn_sqlite_exec(store->db, sql, doing, err));
    QN_TRY(enter_wal(store, doing, err));
    QN_TRY(qn_sqlite_exec(store->db,
                          "PRAGMA synchronous = FULL; PRAGMA cache_size = -8192;"
                          "PRAGMA journal_size_limit = 67108864;"
                          "PRAGMA temp_store = FILE", /* an index is sorted there past the cache */
                          doing, err));
    sqlite3_wal_hook(store->db, on_logged, store);
    return qn_store_schema_open(store, err);
}

/* The same, but nothing waits for the disk: nobody asks for the file once the process is gone. */
static qn_code setup_fleeting(struct qn_store *store, struct qn_err *err)
{
    static const char doing[] = "open the warehouse";
    char sql[100];
    sqlite3_snprintf(
        sizeof sql, sql,
        "PRAGMA page_size = %d; PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY",
        QN_SQLITE_PAGE_BYTES);
    QN_TRY(qn_sqlite_exec(store->db, sql, doing, err));
    return qn_store_schema_open(store, err);
}

/* Opening in either way: `setup` reads or makes the system tables. */
static qn_code store_open(const char *path, int flags,
                          qn_code (*setup)(struct qn_store *store, struct qn_err *err),
                          struct qn_store **out, struct qn_err *err)
{
    struct qn_store *store = calloc(1, sizeof *store);
    if (!store)
        return qn_err_nomem(err, "the warehouse");
    qn_code code = qn_sqlite_open(path, flags, BUSY_MS, "warehouse", &store->db, err);
    if (code == QN_OK && (code = setup(store, err)) != QN_OK)
        qn_err_frame(err, "while opening warehouse %s", path);
    if (code != QN_OK) {
        qn_store_close(store);
        return code;
    }
    *out = store;
    return QN_OK;
}

qn_code qn_store_open(const char *path, struct qn_store **out, struct qn_err *err)
{
    *out = NULL;
    return store_open(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, setup_writer, out, err);
}

qn_code qn_store_open_fleeting(const char *path, struct qn_store **out, struct qn_err *err)
{
    *out = NULL;
    return store_open(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, setup_fleeting, out, err);
}

qn_code qn_store_open_reader(const char *path, struct qn_store **out, struct qn_err *err)
{
    *out = NULL;
    if (path && path[0] && access(path, F_OK) != 0 && errno == ENOENT)
        return qn_err_set(err, QN_ENOTFOUND, QN_BLAME_JOB, "there is no warehouse %s", path);
    return store_open(path, SQLITE_OPEN_READONLY, qn_store_schema_check, out, err);
}

void qn_store_close(struct qn_store *store)
{
    if (!store)
        return;
    for (uint32_t i = 0; i < store->n_prepared; i++)
        sqlite3_finalize(store->prepared[i].stmt);
    free(store->prepared);
    sqlite3_close(store->db);
    free(store);
}

uint64_t qn_store_epoch(const struct qn_store *store)
{
    return store->epoch;
}

void *qn_store_connection(struct qn_store *store)
{
    return store->db;
}

/* --- statements ------------------------------------------------------------------------------- */

static qn_code make_room(struct qn_store *store, struct qn_err *err)
{
    if (store->n_prepared < store->prepared_capacity)
        return QN_OK;
    uint32_t capacity = store->prepared_capacity ? store->prepared_capacity * 2 : 32;
    struct qn_store_statement *grown = realloc(store->prepared, capacity * sizeof *store->prepared);
    if (!grown)
        return qn_err_nomem(err, "the warehouse's statements");
    store->prepared = grown;
    store->prepared_capacity = capacity;
    return QN_OK;
}

qn_code qn_store_args(struct qn_store *store, const char *sql, const char *doing,
                      struct qn_sqlite_args *args, struct qn_err *err)
{
    for (uint32_t i = 0; i < store->n_prepared; i++)
        if (store->prepared[i].sql == sql) {
            *args = qn_sqlite_args_of(store->prepared[i].stmt);
            return QN_OK;
        }
    QN_TRY(make_room(store, err));
    sqlite3_stmt *stmt;
    QN_TRY(qn_sqlite_prepare(store->db, sql, doing, &stmt, err));
    store->prepared[store->n_prepared].sql = sql;
    store->prepared[store->n_prepared].stmt = stmt;
    store->n_prepared++;
    *args = qn_sqlite_args_of(stmt);
    return QN_OK;
}

/* --- transactions ----------------------------------------------------------------------------- */

static qn_code check_epoch(struct qn_store *store, struct qn_err *err)
{
    static const char sql[] = "SELECT value FROM _quern_meta WHERE key = 'epoch'";
    static const char doing[] = "read the warehouse's epoch";
    struct qn_sqlite_args args;
    bool row;
    QN_TRY(qn_store_args(store, sql, doing, &args, err));
    QN_TRY(qn_sqlite_next(&args, &row, doing, err));
    uint64_t epoch = row ? (uint64_t)sqlite3_column_int64(args.stmt, 0) : 0;
    if (row)
        qn_sqlite_rewind(&args);
    if (epoch == store->epoch)
        return QN_OK;
    return qn_err_set(err, QN_ESTATE, QN_BLAME_COORDINATOR,
                      "another coordinator took over the warehouse %s (epoch %" PRIu64
                      ", ours is %" PRIu64 "); this one stops",
                      sqlite3_db_filename(store->db, "main"), epoch, store->epoch);
}

qn_code qn_store_begin(struct qn_store *store, struct qn_err *err)
{
    if (store->failed || store->epoch == 0)
        return qn_err_set(err, QN_ESTATE, QN_BLAME_COORDINATOR,
                          store->failed ? "the warehouse failed earlier: nothing more is written"
                                        : "the warehouse was opened for reading only");
    if (!sqlite3_get_autocommit(store->db))
        return qn_err_set(err, QN_ESTATE, QN_BLAME_COORDINATOR,
                          "a transaction of the warehouse is under way");
    /* It would be locked for writing as well, and changes with the next rows. */
    int rc = qn_sqlite_image_detach(store->db);
    if (rc != SQLITE_OK)
        return qn_sqlite_fail(store->db, rc, "begin a transaction", err);
    QN_TRY(qn_sqlite_exec(store->db, "BEGIN IMMEDIATE", "begin a transaction", err));
    qn_code code = check_epoch(store, err);
    if (code != QN_OK)
        qn_store_rollback(store);
    return code;
}

qn_code qn_store_commit(struct qn_store *store, struct qn_err *err)
{
    QN_TRY(qn_store_inside(store, "commit", err));
    qn_code code = qn_sqlite_exec(store->db, "COMMIT", "commit to the warehouse", err);
    if (code != QN_OK) {
        /* Whether it reached the disk is unknown: what comes next must start from the file. */
        store->failed = true;
        qn_store_rollback(store);
    }
    return code;
}

void qn_store_leave_log(struct qn_store *store)
{
    store->closes = true;
}

void qn_store_rollback(struct qn_store *store)
{
    /* SQLite has already rolled back after some failures. */
    if (!sqlite3_get_autocommit(store->db) &&
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL) != SQLITE_OK)
        store->failed = true;
}

qn_code qn_store_mark(struct qn_store *store, struct qn_err *err)
{
    static const char doing[] = "mark a place in a transaction";
    QN_TRY(qn_store_inside(store, doing, err));
    return qn_sqlite_exec(store->db, "SAVEPOINT quern_mark", doing, err);
}

qn_code qn_store_unmark(struct qn_store *store, bool keep, struct qn_err *err)
{
    static const char doing[] = "go back within a transaction";
    /* After a full disk SQLite has rolled back all of it: then there is no place to go on from. */
    QN_TRY(qn_store_inside(store, doing, err));
    return qn_sqlite_exec(
        store->db, keep ? "RELEASE quern_mark" : "ROLLBACK TO quern_mark; RELEASE quern_mark",
        doing, err);
}

qn_code qn_store_inside(struct qn_store *store, const char *doing, struct qn_err *err)
{
    if (!sqlite3_get_autocommit(store->db))
        return QN_OK;
    return qn_err_set(err, QN_ESTATE, QN_BLAME_COORDINATOR, "cannot %s: no transaction is open",
                      doing);
}

qn_code qn_store_enter(struct qn_store *store, struct qn_store_scope *scope, struct qn_err *err)
{
    scope->own = sqlite3_get_autocommit(store->db) != 0;
    return scope->own ? qn_store_begin(store, err) : QN_OK;
}

qn_code qn_store_leave(struct qn_store *store, struct qn_store_scope *scope, qn_code code,
                       struct qn_err *err)
{
    if (!scope->own)
        return code;
    if (code == QN_OK)
        return qn_store_commit(store, err);
    qn_store_rollback(store);
    return code;
}
