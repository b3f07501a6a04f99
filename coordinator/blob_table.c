#include "coordinator/blob_table.h"

#include <stdlib.h>
#include <string.h>

/* A handful at a time: the plan and one brief per running stage. */
struct qn_blob_entry {
    struct qn_blob_entry *next;
    char hash[QN_SHA256_HEX];
    struct qn_buf bytes;
};

qn_code qn_blob_table_put(struct qn_blob_table *table, struct qn_strv bytes,
                          char hash[QN_SHA256_HEX], struct qn_err *err)
{
    qn_sha256_of(bytes, hash);
    if (qn_blob_table_get(table, qn_strv_from(hash)).len)
        return QN_OK;
    struct qn_blob_entry *entry = calloc(1, sizeof *entry);
    if (!entry)
        return qn_err_nomem(err, "a blob");
    qn_buf_put(&entry->bytes, bytes.data, bytes.len);
    memcpy(entry->hash, hash, QN_SHA256_HEX);
    entry->next = table->first;
    table->first = entry;
    return qn_buf_check(&entry->bytes, "a blob", err);
}

struct qn_strv qn_blob_table_get(const struct qn_blob_table *table, struct qn_strv hash)
{
    for (const struct qn_blob_entry *entry = table->first; entry; entry = entry->next)
        if (qn_strv_is(hash, entry->hash))
            return qn_buf_strv(&entry->bytes);
    return (struct qn_strv){0};
}

void qn_blob_table_drop(struct qn_blob_table *table, const char *hash)
{
    struct qn_blob_entry **link = &table->first;
    while (*link && strcmp((*link)->hash, hash) != 0)
        link = &(*link)->next;
    struct qn_blob_entry *entry = *link;
    if (!entry)
        return;
    *link = entry->next;
    qn_buf_fini(&entry->bytes);
    free(entry);
}

void qn_blob_table_fini(struct qn_blob_table *table)
{
    while (table->first) {
        struct qn_blob_entry *next = table->first->next;
        qn_buf_fini(&table->first->bytes);
        free(table->first);
        table->first = next;
    }
}
