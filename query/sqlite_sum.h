/* sqlite_sum: sum and avg within SQLite, exact as those of jobs are: neither the order of the rows
 * nor the frame that a window slides along shows in the last bit. */
#ifndef QN_QUERY_SQLITE_SUM_H
#define QN_QUERY_SQLITE_SUM_H

#include <sqlite3.h>

#include "flow/schema.h"

enum { QN_SQLITE_SUM_NAME = 16 };

/* What sum or avg (`average`) of this type is called in a statement: sum_i, avg_r, avg_d2, ... */
const char *qn_sqlite_sum_name(bool average, struct qn_type type, char out[QN_SQLITE_SUM_NAME]);
/* SQLITE_OK, or why they cannot be made known to the database. */
int qn_sqlite_sum_register(sqlite3 *db);

#endif
