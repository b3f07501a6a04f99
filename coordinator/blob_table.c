#include "coordinator/blob_table.h"

#include <stdlib.h>
#include <string.h>

/* A handful at a time: the plan and one brief per running stage. Two jobs may have equal briefs. */
struct qn_blob_entry {
    struct qn_blob_entry *next;
    char hash[QN_SHA256_HEX];
    uint32_t users; /* puts less drops */
    struct qn_buf bytes;
};

static struct qn_blob_entry *find(const struct qn_blob_table *table, struct qn_strv hash)
{
    struct qn_blob_entry *entry = table->first;
    while (entry && !qn_strv_is(hash, entry->hash))
        entry = entry->next;
    return entry;
}

qn_code qn_blob_table_put(struct qn_blob_table *table, struct qn_strv bytes,
                          char hash[QN_SHA256_HEX], struct qn_err *err)
{
    qn_sha256_of(bytes, hash);
    struct qn_blob_entry *entry = find(table, qn_strv_from(hash));
    if (entry) {
        entry->users++;
        return QN_OK;
    }
    entry = calloc(1, sizeof *entry);
    if (!entry)
        return qn_err_nomem(err, "a blob");
    qn_buf_put(&entry->bytes, bytes.data, bytes.len);
    memcpy(entry->hash, hash, QN_SHA256_HEX);
    entry->users = 1;
    entry->next = table->first;
    table->first = entry;
    return qn_buf_check(&entry->bytes, "a blob", err);
}

struct qn_strv qn_blob_table_get(const struct qn_blob_table *table, struct qn_strv hash)
{
    const struct qn_blob_entry *entry = find(table, hash);
    return entry ? qn_buf_strv(&entry->bytes) : (struct qn_strv){0};
}

void qn_blob_table_drop(struct qn_blob_table *table, const char *hash)
{
    struct qn_blob_entry **link = &table->first;
    while (*link && strcmp((*link)->hash, hash) != 0)
        link = &(*link)->next;
    struct qn_blob_entry *entry = *link;
    if (!entry || --entry->users)
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
