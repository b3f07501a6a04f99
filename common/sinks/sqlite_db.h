/* sqlite_db: the few SQLite habits that the sink, the store and the journal share: errors in our
 * words, statements bound column by column, quoted names.
 *
 * One thread owns a connection and everything made from it. */
#ifndef QN_SINKS_SQLITE_DB_H
#define QN_SINKS_SQLITE_DB_H

#include <sqlite3.h>

#include "base/buf.h"
#include "base/err.h"

/* Bytes a page. Bulk loads gain with every doubling, and an empty warehouse grows with it
 * (docs/adr/0003). Only a new file takes it. */
enum { QN_SQLITE_PAGE_BYTES = 16384 };

/* Opens with SQLite's own checks switched on: strings are never names, the schema of a file that
 * someone else made runs no functions, its internals stay read-only to SQL. `flags`: SQLITE_OPEN_*.
 * `what` names the file in errors ("warehouse"). */
QN_CHECK qn_code qn_sqlite_open(const char *path, int flags, int busy_ms, const char *what,
                                sqlite3 **out, struct qn_err *err);

/* Fills err from the connection's last failure `rc`: "while" is what was being done ("write the
 * ledger"). Disk, lock and corruption are QN_EIO with blame coordinator. */
qn_code qn_sqlite_fail(sqlite3 *db, int rc, const char *doing, struct qn_err *err);

QN_CHECK qn_code qn_sqlite_exec(sqlite3 *db, const char *sql, const char *doing,
                                struct qn_err *err);
/* Puts the database into WAL mode; the caller sets `synchronous` after it. */
QN_CHECK qn_code qn_sqlite_use_wal(sqlite3 *db, const char *doing, struct qn_err *err);
/* The buffer's text as SQL; refuses one that ran out of memory. */
QN_CHECK qn_code qn_sqlite_exec_buf(sqlite3 *db, struct qn_buf *sql, const char *doing,
                                    struct qn_err *err);
QN_CHECK qn_code qn_sqlite_prepare(sqlite3 *db, const char *sql, const char *doing,
                                   sqlite3_stmt **out, struct qn_err *err);

/* "na""me": any text as a name. */
void qn_sqlite_quote(struct qn_buf *sql, const char *name);

/* Binds parameters from the first to the last; a failure sticks until qn_sqlite_run(). Texts are
 * borrowed until then. */
struct qn_sqlite_args {
    sqlite3_stmt *stmt;
    int column, rc;
};
struct qn_sqlite_args qn_sqlite_args_of(sqlite3_stmt *stmt);
void qn_sqlite_null(struct qn_sqlite_args *args);
void qn_sqlite_text(struct qn_sqlite_args *args, const char *text);            /* NULL: NULL */
void qn_sqlite_strv(struct qn_sqlite_args *args, struct qn_strv text);         /* empty: '' */
void qn_sqlite_strv_or_null(struct qn_sqlite_args *args, struct qn_strv text); /* empty: NULL */
void qn_sqlite_blob(struct qn_sqlite_args *args, struct qn_strv bytes);
void qn_sqlite_u64(struct qn_sqlite_args *args, uint64_t value); /* the same 64 bits, signed */
void qn_sqlite_f64(struct qn_sqlite_args *args, double value);   /* NaN: NULL */

/* Runs a statement that gives no rows, and makes it ready for the next use. */
QN_CHECK qn_code qn_sqlite_run(struct qn_sqlite_args *args, const char *doing, struct qn_err *err);
/* The next row; *row false at the end, when the statement is made ready for the next use. */
QN_CHECK qn_code qn_sqlite_next(struct qn_sqlite_args *args, bool *row, const char *doing,
                                struct qn_err *err);
/* Makes it ready for the next use before its rows ended. */
void qn_sqlite_rewind(struct qn_sqlite_args *args);

/* A text column of the current row; empty for NULL. Good until the next step. */
struct qn_strv qn_sqlite_column_strv(sqlite3_stmt *stmt, int column);

#endif
