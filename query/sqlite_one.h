/* sqlite_one: a query that stands for a value gives one row at most. As an aggregate of SQLite's: the
 * value of the only row, NULL of none, and a mistake where there is another. */
#ifndef QN_QUERY_SQLITE_ONE_H
#define QN_QUERY_SQLITE_ONE_H

#include <sqlite3.h>

#define QN_SQLITE_ONE_NAME "qn_one"

/* SQLite's code. */
int qn_sqlite_one_register(sqlite3 *db);

#endif
