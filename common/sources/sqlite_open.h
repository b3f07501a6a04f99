/* sqlite_open: a database that somebody else made, opened to be read and for nothing else.
 *
 * The file is hostile: no extension is loaded, its schema is not trusted, nothing is written, and
 * SQL may only select. */
#ifndef QN_SOURCES_SQLITE_OPEN_H
#define QN_SOURCES_SQLITE_OPEN_H

#include <sqlite3.h>

#include "base/err.h"
#include "base/hash.h"

/* In a read transaction, so that all that is read is of one state. */
QN_CHECK qn_code qn_sqlite_source_open(const char *path, sqlite3 **out, struct qn_err *err);
void qn_sqlite_source_close(sqlite3 *db);

/* What tells this state of the file (and of its write-ahead log) from another. */
QN_CHECK qn_code qn_sqlite_source_stamp(sqlite3 *db, const char *path, struct qn_hash128 *out,
                                        struct qn_err *err);

/* QN_EINPUT with SQLite's words and the file. */
qn_code qn_sqlite_source_fail(sqlite3 *db, const char *path, const char *doing, struct qn_err *err);

QN_CHECK qn_code qn_sqlite_source_prepare(sqlite3 *db, const char *path, const char *sql,
                                          sqlite3_stmt **out, struct qn_err *err);

#endif
