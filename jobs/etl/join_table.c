#include "jobs/etl/join_table.h"

#include <stdlib.h>
#include <string.h>

#include "jobs/etl/keys.h"

enum { PREFETCH_ROWS = 16, FEWEST_ENTRIES = 64 };

qn_code qn_join_table_init(struct qn_join_table *table, const struct qn_schema *schema,
                           const bool *wanted, const uint32_t *keys, uint32_t n_keys,
                           struct qn_err *err)
{
    *table =
        (struct qn_join_table){.schema = schema, .wanted = wanted, .keys = keys, .n_keys = n_keys};
    table->columns = calloc(schema->n_fields + 1, sizeof *table->columns);
    table->views = calloc(schema->n_fields + 1, sizeof *table->views);
    if (!table->columns || !table->views)
        return qn_err_nomem(err, "a join's table");
    for (uint32_t i = 0; i < schema->n_fields; i++)
        qn_colstore_init(&table->columns[i], schema->fields[i].type);
    return QN_OK;
}

static void drop_rows(struct qn_join_table *table)
{
    for (uint32_t i = 0; table->columns && i < table->schema->n_fields; i++)
        qn_colstore_fini(&table->columns[i]);
}

void qn_join_table_fini(struct qn_join_table *table)
{
    drop_rows(table);
    free(table->columns);
    free(table->views);
    free(table->entries);
    free(table->next);
    *table = (struct qn_join_table){0};
}

/* --- rows in --------------------------------------------------------------------------------- */

static uint64_t batch_bytes(const struct qn_batch *batch)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < batch->schema->n_fields; i++) {
        const struct qn_column *column = &batch->columns[i];
        switch (qn_type_layout(column->type)) {
        case QN_LAYOUT_BOOL: bytes += batch->n_rows; break;
        case QN_LAYOUT_TEXT:
            bytes += 4 * (uint64_t)batch->n_rows;
            bytes += column->offsets[batch->n_rows] - column->offsets[0];
            break;
        default: bytes += 8 * (uint64_t)batch->n_rows; break;
        }
        bytes += batch->n_rows / 8;
    }
    return bytes;
}

static uint64_t entries_for(uint64_t n_rows)
{
    uint64_t n = FEWEST_ENTRIES;
    while (n < n_rows + n_rows / 2)
        n *= 2;
    return n;
}

uint64_t qn_join_table_bytes(const struct qn_join_table *table)
{
    return table->bytes + entries_for(table->n_rows) * sizeof *table->entries +
           table->n_rows * sizeof *table->next;
}

qn_code qn_join_table_add(struct qn_join_table *table, const struct qn_batch *batch,
                          uint64_t most_bytes, struct qn_err *err)
{
    table->n_rows += batch->n_rows;
    table->bytes += batch_bytes(batch);
    if (qn_join_table_bytes(table) > most_bytes) {
        drop_rows(table);
        return QN_OK;
    }
    for (uint32_t i = 0, at = 0; i < table->schema->n_fields; i++)
        if (table->wanted[i])
            QN_TRY(
                qn_colstore_add_all(&table->columns[i], &batch->columns[at++], batch->n_rows, err));
    return QN_OK;
}

/* --- linking --------------------------------------------------------------------------------- */

static void key_views(const struct qn_join_table *table, struct qn_column *out)
{
    for (uint32_t k = 0; k < table->n_keys; k++)
        out[k] = table->views[table->keys[k]];
}

static bool same_key(const struct qn_join_table *table, const struct qn_column *keys, uint32_t row,
                     uint32_t right)
{
    for (uint32_t k = 0; k < table->n_keys; k++)
        if (!qn_key_equal(&keys[k], row, &table->views[table->keys[k]], right))
            return false;
    return true;
}

/* The entry of the row's key from `at` on, or the free one where it would be. */
static struct qn_join_entry *entry_of(const struct qn_join_table *table,
                                      const struct qn_column *keys, uint32_t row, uint64_t hash)
{
    uint32_t mask = table->n_entries - 1, tag = (uint32_t)(hash >> 32);
    struct qn_join_entry *entry = &table->entries[(uint32_t)hash & mask];
    while (entry->row && (entry->tag != tag || !same_key(table, keys, row, entry->row - 1)))
        entry = entry == table->entries + mask ? table->entries : entry + 1;
    return entry;
}

static qn_code chain(struct qn_join_table *table, uint32_t row, uint32_t next, struct qn_err *err)
{
    if (!table->next)
        table->next = calloc(table->n_rows, sizeof *table->next);
    if (!table->next)
        return qn_err_nomem(err, "a join's table");
    table->next[row] = next;
    return QN_OK;
}

/* Backwards, so that each chain begins with its first row. */
static qn_code enter_rows(struct qn_join_table *table, const struct qn_column *keys,
                          const uint64_t *hashes, struct qn_err *err)
{
    uint32_t mask = table->n_entries - 1;
    for (uint32_t row = (uint32_t)table->n_rows; row-- > 0;) {
        uint32_t ahead = row > PREFETCH_ROWS ? row - PREFETCH_ROWS : 0;
        __builtin_prefetch(&table->entries[(uint32_t)hashes[ahead] & mask], 1);
        if (qn_keys_any_null(keys, table->n_keys, row))
            continue;
        struct qn_join_entry *entry = entry_of(table, keys, row, hashes[row]);
        if (entry->row)
            QN_TRY(chain(table, row, entry->row, err));
        *entry = (struct qn_join_entry){.tag = (uint32_t)(hashes[row] >> 32), .row = row + 1};
    }
    return QN_OK;
}

qn_code qn_join_table_link(struct qn_join_table *table, struct qn_err *err)
{
    uint64_t n_entries = entries_for(table->n_rows);
    if (n_entries > UINT32_C(1) << 31)
        return qn_err_set(err, QN_ELIMIT, QN_BLAME_JOB, "join: a side of more than 2^30 rows");
    for (uint32_t i = 0; i < table->schema->n_fields; i++) {
        qn_colstore_fit(&table->columns[i]);
        table->views[i] = qn_colstore_view(&table->columns[i]);
    }
    table->n_entries = (uint32_t)n_entries;
    table->entries = calloc(n_entries, sizeof *table->entries);
    uint64_t *hashes = malloc((table->n_rows + 1) * sizeof *hashes);
    struct qn_column *keys = calloc(table->n_keys, sizeof *keys);
    qn_code code = QN_OK;
    if (table->entries && hashes && keys) {
        key_views(table, keys);
        qn_keys_hash(keys, table->n_keys, (uint32_t)table->n_rows, hashes);
        code = enter_rows(table, keys, hashes, err);
    } else {
        code = qn_err_nomem(err, "a join's table");
    }
    free(hashes);
    free(keys);
    return code;
}

/* --- finding --------------------------------------------------------------------------------- */

/* By tag alone, so that no row waits for another one's bytes; check() looks at the keys. */
static void find_by_tag(const struct qn_join_table *table, const uint64_t *hashes, uint32_t n_rows,
                        uint32_t *first)
{
    uint32_t mask = table->n_entries - 1;
    for (uint32_t row = 0; row < n_rows; row++) {
        uint32_t ahead = row + PREFETCH_ROWS < n_rows ? row + PREFETCH_ROWS : row;
        __builtin_prefetch(&table->entries[(uint32_t)hashes[ahead] & mask]);
        uint32_t tag = (uint32_t)(hashes[row] >> 32);
        const struct qn_join_entry *entry = &table->entries[(uint32_t)hashes[row] & mask];
        while (entry->row && entry->tag != tag)
            entry = entry == table->entries + mask ? table->entries : entry + 1;
        first[row] = entry->row;
    }
}

/* The rows of a key's column lie anywhere: asked for ahead. */
static void check_column(const struct qn_join_table *table, const struct qn_column *keys,
                         uint32_t k, const uint64_t *hashes, uint32_t n_rows, uint32_t *first)
{
    const struct qn_column *stored = &table->views[table->keys[k]], *column = &keys[k];
    bool is_text = qn_type_layout(stored->type) == QN_LAYOUT_TEXT;
    for (uint32_t row = 0; row < n_rows; row++) {
        if (is_text && row + PREFETCH_ROWS < n_rows) {
            uint32_t far = first[row + PREFETCH_ROWS], near = first[row + PREFETCH_ROWS / 2];
            __builtin_prefetch(&stored->offsets[far ? far - 1 : 0]);
            __builtin_prefetch(stored->bytes + stored->offsets[near ? near - 1 : 0]);
        }
        if (!first[row])
            continue;
        if (!qn_is_valid(column, row))
            first[row] = 0;
        else if (!qn_key_equal(column, row, stored, first[row] - 1))
            first[row] = entry_of(table, keys, row, hashes[row])->row;
    }
}

void qn_join_table_find(const struct qn_join_table *table, const struct qn_column *keys,
                        uint32_t n_rows, uint64_t *hashes, uint32_t *first)
{
    if (table->n_rows == 0) {
        memset(first, 0, n_rows * sizeof *first);
        return;
    }
    qn_keys_hash(keys, table->n_keys, n_rows, hashes);
    find_by_tag(table, hashes, n_rows, first);
    for (uint32_t k = 0; k < table->n_keys; k++)
        check_column(table, keys, k, hashes, n_rows, first);
}
