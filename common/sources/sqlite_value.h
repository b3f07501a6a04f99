/* sqlite_value: one value of a row, whatever its storage class, to a column's type. */
#ifndef QN_SOURCES_SQLITE_VALUE_H
#define QN_SOURCES_SQLITE_VALUE_H

#include <sqlite3.h>

#include "sources/column_store.h"
#include "sources/null_texts.h"

enum qn_sqlite_fit {
    QN_SQLITE_FITS,
    QN_SQLITE_WRONG_TYPE,
    QN_SQLITE_NOT_UTF8, /* or it holds a NUL */
    QN_SQLITE_TOO_LONG,
    QN_SQLITE_NO_MEMORY
};

/* Row `row` of the store. Of a row that is given up nothing needs to be taken back but NULL
 * marks. */
enum qn_sqlite_fit qn_sqlite_value_take(struct qn_column_store *store, uint32_t row,
                                        const struct qn_null_texts *nulls, sqlite3_value *value);

/* As JSON, for quarantine: texts and blobs (as hex) in quotes. */
void qn_sqlite_value_show(struct qn_buf *out, sqlite3_value *value);

#endif
