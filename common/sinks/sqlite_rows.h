/* sqlite_rows: a batch as a read-only table that SQL can select from, so that a whole batch is one
 * INSERT ... SELECT: about twice the rows per second of binding every value (docs/adr/0002). */
#ifndef QN_SINKS_SQLITE_ROWS_H
#define QN_SINKS_SQLITE_ROWS_H

#include <sqlite3.h>

#include "flow/batch.h"

/* Lives at one place while it is registered. */
struct qn_sqlite_rows {
    const struct qn_schema *schema;
    const struct qn_batch *batch; /* NULL: no rows */
};

/* Makes `name` a table of the connection, until qn_sqlite_rows_remove(). An SQLite code. */
int qn_sqlite_rows_register(sqlite3 *db, const char *name, struct qn_sqlite_rows *rows);
void qn_sqlite_rows_remove(sqlite3 *db, const char *name);

#endif
