#include "sources/sqlite_open.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/limits.h"

enum { HEADER_BYTES = 100, LOG_HEADER_BYTES = 32, BUSY_MS = 5000 };

/* --- this state of the file ------------------------------------------------------------------ */

struct state {
    int64_t bytes, seconds, nanoseconds;
    unsigned char head[HEADER_BYTES];
};

static void note(struct state *state, const struct stat *at)
{
    state->bytes = at->st_size;
    state->seconds = at->st_mtim.tv_sec;
    state->nanoseconds = at->st_mtim.tv_nsec;
}

/* Through SQLite: a descriptor of our own would, when closed, drop the locks that other readers of
 * this process hold on the file. */
static qn_code look(sqlite3 *db, const char *path, struct state *out, struct qn_err *err)
{
    struct stat at;
    sqlite3_file *file = NULL;
    memset(out, 0, sizeof *out);
    if (stat(path, &at) != 0)
        return qn_err_io(err, "stat", path);
    note(out, &at);
    if (sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file) == SQLITE_OK && file &&
        file->pMethods && at.st_size >= HEADER_BYTES)
        (void)file->pMethods->xRead(file, out->head, HEADER_BYTES, 0);
    return QN_OK;
}

/* Nobody locks the log. Zeros when there is none. */
static qn_code look_at_log(const char *path, struct state *out, struct qn_err *err)
{
    char log[4096];
    struct stat at;
    memset(out, 0, sizeof *out);
    if (snprintf(log, sizeof log, "%s-wal", path) >= (int)sizeof log)
        return qn_err_set(err, QN_ELIMIT, QN_BLAME_INPUT, "the path is too long: %s", path);
    int fd = open(log, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return QN_OK;
    bool good = fd >= 0 && fstat(fd, &at) == 0 && pread(fd, out->head, LOG_HEADER_BYTES, 0) >= 0;
    if (fd >= 0)
        close(fd);
    if (!good)
        return qn_err_io(err, "read", log);
    if (at.st_size > 0) /* an empty log comes and goes with readers */
        note(out, &at);
    return QN_OK;
}

qn_code qn_sqlite_source_stamp(sqlite3 *db, const char *path, struct qn_hash128 *out,
                               struct qn_err *err)
{
    struct state states[2];
    QN_TRY(look(db, path, &states[0], err));
    QN_TRY(look_at_log(path, &states[1], err));
    *out = qn_hash128(states, sizeof states, 0);
    return QN_OK;
}

/* --- what may be asked ----------------------------------------------------------------------- */

/* The rows of a run are a function of its inputs. */
static bool is_volatile(const char *function)
{
    static const char *const names[] = {"random",       "randomblob",        "current_date",
                                        "current_time", "current_timestamp", "load_extension"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (sqlite3_stricmp(function, names[i]) == 0)
            return true;
    return false;
}

static int authorize(void *self, int action, const char *a, const char *b, const char *database,
                     const char *trigger)
{
    (void)self;
    (void)a;
    (void)database;
    (void)trigger;
    switch (action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_RECURSIVE: return SQLITE_OK;
    case SQLITE_FUNCTION: return is_volatile(b) ? SQLITE_DENY : SQLITE_OK;
    default: return SQLITE_DENY;
    }
}

/* --- opening --------------------------------------------------------------------------------- */

qn_code qn_sqlite_source_fail(sqlite3 *db, const char *path, const char *doing, struct qn_err *err)
{
    int rc = db ? sqlite3_errcode(db) & 0xFF : SQLITE_NOMEM;
    if (rc == SQLITE_NOMEM)
        return qn_err_nomem(err, doing);
    const char *why = rc == SQLITE_NOTADB ? "this is no SQLite database" : sqlite3_errmsg(db);
    const char *advice = rc == SQLITE_AUTH
                             ? " (a source may only select, and by functions that always give the "
                               "same)"
                             : "";
    qn_code code =
        qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT, "cannot %s: %s%s", doing, why, advice);
    qn_err_at(err, path, 0, 0);
    return code;
}

/* As a URI, in which some characters mean something. */
static void put_uri(struct qn_buf *uri, const char *path, bool immutable)
{
    qn_buf_printf(uri, "file:%s", path[0] == '/' ? "" : "./");
    for (const char *c = path; *c; c++)
        if (strchr("%?#", *c))
            qn_buf_printf(uri, "%%%02X", (unsigned)(unsigned char)*c);
        else
            qn_buf_put_u8(uri, (uint8_t)*c);
    qn_buf_printf(uri, "?mode=ro%s", immutable ? "&immutable=1" : "");
    qn_buf_put_u8(uri, 0);
}

static int harden(sqlite3 *db)
{
    static const int on[] = {SQLITE_DBCONFIG_DEFENSIVE};
    static const int off[] = {SQLITE_DBCONFIG_TRUSTED_SCHEMA, SQLITE_DBCONFIG_DQS_DML,
                              SQLITE_DBCONFIG_DQS_DDL, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION,
                              SQLITE_DBCONFIG_ENABLE_TRIGGER};
    int rc = sqlite3_db_config(db, on[0], 1, (int *)NULL);
    for (size_t i = 0; rc == SQLITE_OK && i < sizeof off / sizeof off[0]; i++)
        rc = sqlite3_db_config(db, off[i], 0, (int *)NULL);
    sqlite3_limit(db, SQLITE_LIMIT_LENGTH, QN_MAX_RECORD_BYTES);
    sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_busy_timeout(db, BUSY_MS);
    return rc;
}

static qn_code begin(sqlite3 *db, const char *path, struct qn_err *err)
{
    bool good = harden(db) == SQLITE_OK &&
                sqlite3_exec(db, "BEGIN; SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL) ==
                    SQLITE_OK &&
                sqlite3_set_authorizer(db, authorize, NULL) == SQLITE_OK;
    return good ? QN_OK : qn_sqlite_source_fail(db, path, "open", err);
}

static qn_code open_as(const char *path, bool immutable, sqlite3 **out, struct qn_err *err)
{
    struct qn_buf uri;
    qn_buf_init(&uri);
    put_uri(&uri, path, immutable);
    qn_code code = qn_buf_check(&uri, "a path", err);
    if (code == QN_OK &&
        sqlite3_open_v2((const char *)uri.data, out,
                        SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX,
                        NULL) != SQLITE_OK)
        code = qn_sqlite_source_fail(*out, path, "open", err);
    qn_buf_fini(&uri);
    return code;
}

/* In WAL mode and without a log: SQLite would leave files beside it. */
static qn_code is_at_rest(sqlite3 *db, const char *path, bool *out, struct qn_err *err)
{
    enum { WRITE_VERSION = 18, WAL = 2 };
    struct state file, log;
    QN_TRY(look(db, path, &file, err));
    QN_TRY(look_at_log(path, &log, err));
    *out = file.head[WRITE_VERSION] == WAL && log.bytes == 0;
    return QN_OK;
}

/* A database at rest is opened anew as one that nobody writes. That somebody wrote after all is
 * what the stamp finds out. */
static qn_code open_and_begin(const char *path, sqlite3 **out, struct qn_err *err)
{
    bool at_rest = false;
    QN_TRY(open_as(path, false, out, err));
    QN_TRY(is_at_rest(*out, path, &at_rest, err));
    if (at_rest) {
        qn_sqlite_source_close(*out);
        *out = NULL;
        QN_TRY(open_as(path, true, out, err));
    }
    return begin(*out, path, err);
}

qn_code qn_sqlite_source_open(const char *path, sqlite3 **out, struct qn_err *err)
{
    *out = NULL;
    if (access(path, F_OK) != 0 && errno == ENOENT)
        return qn_err_set(err, QN_ENOTFOUND, QN_BLAME_INPUT, "no such file: %s", path);
    qn_code code = open_and_begin(path, out, err);
    if (code != QN_OK) {
        qn_sqlite_source_close(*out);
        *out = NULL;
    }
    return code;
}

void qn_sqlite_source_close(sqlite3 *db)
{
    sqlite3_close_v2(db);
}

qn_code qn_sqlite_source_prepare(sqlite3 *db, const char *path, const char *sql, sqlite3_stmt **out,
                                 struct qn_err *err)
{
    const char *tail = NULL;
    *out = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, out, &tail) != SQLITE_OK || !*out)
        return qn_sqlite_source_fail(db, path, "select", err);
    return QN_OK;
}
