#include "sinks/sqlite_db.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

#include "sinks/sqlite_gather.h"

/* SQLite takes it for a full disk when it is to spill 128 KiB or more at once. */
enum { UNDO_BYTES = 124 << 10 };

qn_code qn_sqlite_fail(sqlite3 *db, int rc, const char *doing, struct qn_err *err)
{
    const char *path = sqlite3_db_filename(db, "main");
    const char *why = sqlite3_errmsg(db);
    switch (rc & 0xff) {
    case SQLITE_NOMEM: return qn_err_nomem(err, doing);
    case SQLITE_TOOBIG:
        return qn_err_set(err, QN_ELIMIT, QN_BLAME_INPUT,
                          "cannot %s: a value is larger than SQLite's limit of 1 GB", doing);
    case SQLITE_CONSTRAINT:
    case SQLITE_ERROR:
    case SQLITE_MISMATCH:
        return qn_err_set(err, QN_EINPUT, QN_BLAME_JOB, "cannot %s: %s", doing, why);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return qn_err_set(err, QN_EIO, QN_BLAME_COORDINATOR,
                          "cannot %s: another program keeps %s locked", doing, path ? path : "it");
    case SQLITE_NOTADB:
        return qn_err_set(err, QN_EINPUT, QN_BLAME_JOB, "cannot %s: %s is not an SQLite database",
                          doing, path ? path : "it");
    case SQLITE_FULL:
        return qn_err_set(err, QN_EIO, QN_BLAME_COORDINATOR,
                          "cannot %s: the disk that holds %s is full", doing, path ? path : "it");
    default: break;
    }
    int os = sqlite3_system_errno(db);
    return qn_err_set(err, QN_EIO, QN_BLAME_COORDINATOR, "cannot %s: %s%s%s%s%s", doing, why,
                      path && path[0] ? ": " : "", path ? path : "", os ? ": " : "",
                      os ? strerror(os) : "");
}

static int harden(sqlite3 *db)
{
    static const struct {
        int option, value;
    } settings[] = {
        {SQLITE_DBCONFIG_DEFENSIVE, 1},
        {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
        {SQLITE_DBCONFIG_DQS_DML, 0},
        {SQLITE_DBCONFIG_DQS_DDL, 0},
        {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
        /* A view on a table that is replaced must not stop the rename that replaces it. */
        {SQLITE_DBCONFIG_LEGACY_ALTER_TABLE, 1},
    };
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        int rc = sqlite3_db_config(db, settings[i].option, settings[i].value, (int *)NULL);
        if (rc != SQLITE_OK)
            return rc;
    }
    return SQLITE_OK;
}

static qn_code open_fail(sqlite3 *db, int rc, const char *path, const char *what,
                         struct qn_err *err)
{
    int os = db ? sqlite3_system_errno(db) : 0;
    qn_err_set(err, rc == SQLITE_NOMEM ? QN_ENOMEM : QN_EIO, QN_BLAME_COORDINATOR,
               "cannot open %s %s: %s", what, path,
               os ? strerror(os) : sqlite3_errstr(rc)); /* "No such file or directory" */
    sqlite3_close(db);
    return rc == SQLITE_NOMEM ? QN_ENOMEM : QN_EIO;
}

/* Refused, harmlessly, when SQLite is in use already. */
static void configure(void)
{
    /* Nobody asks how much memory SQLite has, and counting costs a lock an allocation. */
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    /* What a statement needs to undo itself stays in memory up to there, instead of a file. */
    (void)sqlite3_config(SQLITE_CONFIG_STMTJRNL_SPILL, UNDO_BYTES);
    (void)sqlite3_initialize();
}

qn_code qn_sqlite_open(const char *path, int flags, int busy_ms, const char *what, sqlite3 **out,
                       struct qn_err *err)
{
    *out = NULL;
    if (!path || !path[0])
        return qn_err_set(err, QN_EINPUT, QN_BLAME_JOB, "the path of the %s is empty", what);
    /* A leading "./" keeps SQLite from seeing anything but a file in ":memory:" and the like. */
    struct qn_buf full;
    qn_buf_init(&full);
    qn_buf_printf(&full, "%s%s", path[0] == '/' ? "" : "./", path);
    qn_buf_put_u8(&full, 0);
    if (full.failed) {
        qn_buf_fini(&full);
        return qn_err_nomem(err, "a path");
    }
    sqlite3 *db = NULL;
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, configure);
    /* One thread owns a connection: SQLite's own mutexes would only cost. */
    const char *vfs = flags & SQLITE_OPEN_READWRITE ? qn_sqlite_gather_vfs() : NULL;
    int rc = sqlite3_open_v2((const char *)full.data, &db, flags | SQLITE_OPEN_NOMUTEX, vfs);
    qn_buf_fini(&full);
    if (rc == SQLITE_OK)
        rc = harden(db);
    if (rc != SQLITE_OK)
        return open_fail(db, rc, path, what, err);
    sqlite3_extended_result_codes(db, 1);
    sqlite3_busy_timeout(db, busy_ms);
    *out = db;
    return QN_OK;
}

qn_code qn_sqlite_exec(sqlite3 *db, const char *sql, const char *doing, struct qn_err *err)
{
    int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? QN_OK : qn_sqlite_fail(db, rc, doing, err);
}

/* NULL: of a database that is there already. */
static sqlite3_file *find_new_file(sqlite3 *db)
{
    sqlite3_file *file = NULL;
    sqlite3_int64 bytes = 0;
    if (sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK || !file ||
        !file->pMethods || file->pMethods->xFileSize(file, &bytes) != SQLITE_OK)
        return NULL;
    return bytes == 0 ? file : NULL;
}

/* A new file holds nothing that a broken-off change could harm: instead of four syncs and a journal
 * beside it, its first page is written in one go and synced once, before anything relies on it. */
qn_code qn_sqlite_use_wal(sqlite3 *db, const char *doing, struct qn_err *err)
{
    sqlite3_file *file = find_new_file(db);
    if (!file)
        return qn_sqlite_exec(db, "PRAGMA journal_mode = WAL", doing, err);
    QN_TRY(qn_sqlite_exec(db,
                          "PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY;"
                          "PRAGMA journal_mode = WAL",
                          doing, err));
    int rc = file->pMethods->xSync(file, SQLITE_SYNC_NORMAL);
    return rc == SQLITE_OK ? QN_OK : qn_sqlite_fail(db, rc, doing, err);
}

qn_code qn_sqlite_exec_buf(sqlite3 *db, struct qn_buf *sql, const char *doing, struct qn_err *err)
{
    qn_buf_put_u8(sql, 0);
    QN_TRY(qn_buf_check(sql, "a statement", err));
    return qn_sqlite_exec(db, (const char *)sql->data, doing, err);
}

qn_code qn_sqlite_prepare(sqlite3 *db, const char *sql, const char *doing, sqlite3_stmt **out,
                          struct qn_err *err)
{
    int rc = sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
    return rc == SQLITE_OK ? QN_OK : qn_sqlite_fail(db, rc, doing, err);
}

void qn_sqlite_quote(struct qn_buf *sql, const char *name)
{
    qn_buf_put_u8(sql, '"');
    for (const char *at = name; *at; at++) {
        if (*at == '"')
            qn_buf_put_u8(sql, '"');
        qn_buf_put_u8(sql, (uint8_t)*at);
    }
    qn_buf_put_u8(sql, '"');
}

struct qn_sqlite_args qn_sqlite_args_of(sqlite3_stmt *stmt)
{
    return (struct qn_sqlite_args){.stmt = stmt};
}

static void bound(struct qn_sqlite_args *args, int rc)
{
    if (args->rc == SQLITE_OK)
        args->rc = rc;
}

void qn_sqlite_null(struct qn_sqlite_args *args)
{
    bound(args, sqlite3_bind_null(args->stmt, ++args->column));
}

void qn_sqlite_strv(struct qn_sqlite_args *args, struct qn_strv text)
{
    bound(args, sqlite3_bind_text64(args->stmt, ++args->column, text.len ? text.data : "", text.len,
                                    SQLITE_STATIC, SQLITE_UTF8));
}

void qn_sqlite_strv_or_null(struct qn_sqlite_args *args, struct qn_strv text)
{
    if (text.len)
        qn_sqlite_strv(args, text);
    else
        qn_sqlite_null(args);
}

void qn_sqlite_text(struct qn_sqlite_args *args, const char *text)
{
    if (text)
        qn_sqlite_strv(args, qn_strv_from(text));
    else
        qn_sqlite_null(args);
}

void qn_sqlite_blob(struct qn_sqlite_args *args, struct qn_strv bytes)
{
    bound(args, sqlite3_bind_blob64(args->stmt, ++args->column, bytes.len ? bytes.data : "",
                                    bytes.len, SQLITE_STATIC));
}

void qn_sqlite_u64(struct qn_sqlite_args *args, uint64_t value)
{
    bound(args, sqlite3_bind_int64(args->stmt, ++args->column, (sqlite3_int64)value));
}

void qn_sqlite_f64(struct qn_sqlite_args *args, double value)
{
    if (isnan(value))
        qn_sqlite_null(args);
    else
        bound(args, sqlite3_bind_double(args->stmt, ++args->column, value));
}

void qn_sqlite_rewind(struct qn_sqlite_args *args)
{
    /* Its code repeats the failure of the last step, which was reported then. */
    (void)sqlite3_reset(args->stmt);
    (void)sqlite3_clear_bindings(args->stmt);
}

qn_code qn_sqlite_next(struct qn_sqlite_args *args, bool *row, const char *doing,
                       struct qn_err *err)
{
    int rc = args->rc != SQLITE_OK ? args->rc : sqlite3_step(args->stmt);
    *row = rc == SQLITE_ROW;
    if (*row)
        return QN_OK;
    qn_code code =
        rc == SQLITE_DONE ? QN_OK : qn_sqlite_fail(sqlite3_db_handle(args->stmt), rc, doing, err);
    qn_sqlite_rewind(args);
    return code;
}

qn_code qn_sqlite_run(struct qn_sqlite_args *args, const char *doing, struct qn_err *err)
{
    bool row;
    QN_TRY(qn_sqlite_next(args, &row, doing, err));
    if (row)
        qn_sqlite_rewind(args);
    return QN_OK;
}

struct qn_strv qn_sqlite_column_strv(sqlite3_stmt *stmt, int column)
{
    const char *data = (const char *)sqlite3_column_text(stmt, column);
    return (struct qn_strv){data, data ? (size_t)sqlite3_column_bytes(stmt, column) : 0};
}
