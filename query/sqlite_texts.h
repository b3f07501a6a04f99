/* sqlite_texts: string_agg within SQLite: texts of a group joined, in the order of a key. */
#ifndef QN_QUERY_SQLITE_TEXTS_H
#define QN_QUERY_SQLITE_TEXTS_H

#include <sqlite3.h>
#include <stdbool.h>

/* What it is called in a statement: name(text, separator, key). Without an order texts stand as
 * their rows come; of `distinct` ones the key is the text. */
const char *qn_sqlite_texts_name(bool ordered, bool descending, bool distinct);
/* SQLITE_OK, or why they cannot be made known to the database. */
int qn_sqlite_texts_register(sqlite3 *db);

#endif
