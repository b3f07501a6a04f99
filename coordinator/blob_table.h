/* blob_table: bytes that workers ask for by SHA-256: the plan, and the briefs of stages. */
#ifndef QN_COORDINATOR_BLOB_TABLE_H
#define QN_COORDINATOR_BLOB_TABLE_H

#include "base/buf.h"
#include "base/hash.h"

struct qn_blob_entry;
struct qn_blob_table {
    struct qn_blob_entry *first;
};

/* Copies the bytes and tells their hash. Each put is undone by one drop. */
QN_CHECK qn_code qn_blob_table_put(struct qn_blob_table *table, struct qn_strv bytes,
                                   char hash[QN_SHA256_HEX], struct qn_err *err);
/* Borrowed; empty when there is none. */
struct qn_strv qn_blob_table_get(const struct qn_blob_table *table, struct qn_strv hash);
void qn_blob_table_drop(struct qn_blob_table *table, const char *hash);
void qn_blob_table_fini(struct qn_blob_table *table);

#endif
