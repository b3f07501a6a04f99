#include "jobs/etl/join_table.h"

#include <stdlib.h>
#include <string.h>

#include "jobs/etl/keys.h"

enum { PREFETCH_ROWS = 16, FEWEST_ENTRIES = 64, BLOCK_ROWS = 64 << 10 };

qn_code qn_join_table_init(struct qn_join_table *table, const struct qn_schema *schema,
                           const uint32_t *keys, uint32_t n_keys, struct qn_err *err)
{
    *table = (struct qn_join_table){
        .schema = schema, .keys = keys, .n_keys = n_keys, .most_bytes = UINT64_MAX};
    table->columns = calloc(schema->n_fields + 1, sizeof *table->columns);
    table->views = calloc(schema->n_fields + 1, sizeof *table->views);
    if (!table->columns || !table->views)
        return qn_err_nomem(err, "a join's table");
    for (uint32_t i = 0; i < schema->n_fields; i++)
        qn_colstore_init(&table->columns[i], schema->fields[i].type);
    return QN_OK;
}

void qn_join_table_fini(struct qn_join_table *table)
{
    for (uint32_t i = 0; table->columns && i < table->schema->n_fields; i++)
        qn_colstore_fini(&table->columns[i]);
    free(table->columns);
    free(table->views);
    if (!table->in_files) {
        free(table->entries);
        free(table->next);
    }
    qn_mapping_drop(&table->entries_file);
    qn_mapping_drop(&table->next_file);
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

static qn_code to_files(struct qn_join_table *table, struct qn_err *err)
{
    table->in_files = true;
    for (uint32_t i = 0; i < table->schema->n_fields; i++)
        QN_TRY(qn_colstore_to_file(&table->columns[i], table->folder, err));
    return QN_OK;
}

qn_code qn_join_table_add(struct qn_join_table *table, const struct qn_batch *batch,
                          const uint32_t *columns, struct qn_err *err)
{
    uint64_t n_before = table->n_rows;
    table->n_rows += batch->n_rows;
    table->bytes += batch_bytes(batch);
    if (!table->in_files && qn_join_table_bytes(table) > table->most_bytes)
        QN_TRY(to_files(table, err));
    for (uint32_t i = 0; i < batch->schema->n_fields; i++) {
        struct qn_colstore *column = &table->columns[columns[i]];
        if (column->n == n_before)
            QN_TRY(qn_colstore_add_all(column, &batch->columns[i], batch->n_rows, err));
    }
    return QN_OK;
}

/* --- linking --------------------------------------------------------------------------------- */

/* n zeroed items, where the table is. */
static qn_code new_array(struct qn_join_table *table, size_t n, size_t size,
                         struct qn_mapping *file, void **out, struct qn_err *err)
{
    if (!table->in_files) {
        *out = calloc(n, size);
        return *out ? QN_OK : qn_err_nomem(err, "a join's table");
    }
    QN_TRY(qn_mapping_grow(file, table->folder, n * size, err));
    *out = file->at;
    return QN_OK;
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
    if (!table->next) {
        void *at;
        QN_TRY(new_array(table, table->n_rows, sizeof *table->next, &table->next_file, &at, err));
        table->next = at;
    }
    table->next[row] = next;
    return QN_OK;
}

/* The key columns from a row on that is a multiple of 64. */
static void key_views(const struct qn_join_table *table, uint32_t first, struct qn_column *out)
{
    for (uint32_t k = 0; k < table->n_keys; k++) {
        struct qn_column *column = &out[k];
        *column = table->views[table->keys[k]];
        switch (qn_type_layout(column->type)) {
        case QN_LAYOUT_BOOL: column->bools += first; break;
        case QN_LAYOUT_TEXT: column->offsets += first; break;
        case QN_LAYOUT_I64:
        case QN_LAYOUT_F64: column->i64 += first; break;
        }
        if (column->validity)
            column->validity += first / 64;
    }
}

/* Rows [first, first + n), backwards, so that each chain begins with its first row. */
static qn_code enter_block(struct qn_join_table *table, const struct qn_column *keys,
                           uint32_t first, uint32_t n, const uint64_t *hashes, struct qn_err *err)
{
    uint32_t mask = table->n_entries - 1;
    for (uint32_t row = n; row-- > 0;) {
        uint32_t ahead = row > PREFETCH_ROWS ? row - PREFETCH_ROWS : 0;
        __builtin_prefetch(&table->entries[(uint32_t)hashes[ahead] & mask], 1);
        if (qn_keys_any_null(keys, table->n_keys, row))
            continue;
        struct qn_join_entry *entry = entry_of(table, keys, row, hashes[row]);
        if (entry->row)
            QN_TRY(chain(table, first + row, entry->row, err));
        *entry =
            (struct qn_join_entry){.tag = (uint32_t)(hashes[row] >> 32), .row = first + row + 1};
    }
    return QN_OK;
}

static qn_code enter_rows(struct qn_join_table *table, struct qn_column *keys, uint64_t *hashes,
                          struct qn_err *err)
{
    for (uint32_t end = (uint32_t)table->n_rows; end > 0;) {
        uint32_t first = (end - 1) / BLOCK_ROWS * BLOCK_ROWS, n = end - first;
        key_views(table, first, keys);
        qn_keys_hash(keys, table->n_keys, n, hashes);
        QN_TRY(enter_block(table, keys, first, n, hashes, err));
        end = first;
    }
    return QN_OK;
}

qn_code qn_join_table_link(struct qn_join_table *table, struct qn_err *err)
{
    uint64_t n_entries = entries_for(table->n_rows);
    if (n_entries > UINT32_C(1) << 31)
        return qn_err_set(err, QN_ELIMIT, QN_BLAME_JOB, "join: a table of more than 2^30 rows");
    for (uint32_t i = 0; i < table->schema->n_fields; i++) {
        qn_colstore_fit(&table->columns[i]);
        table->views[i] = qn_colstore_view(&table->columns[i]);
    }
    void *entries;
    QN_TRY(
        new_array(table, n_entries, sizeof *table->entries, &table->entries_file, &entries, err));
    table->n_entries = (uint32_t)n_entries;
    table->entries = entries;
    uint64_t *hashes = malloc(BLOCK_ROWS * sizeof *hashes);
    struct qn_column *keys = calloc(table->n_keys, sizeof *keys);
    qn_code code =
        hashes && keys ? enter_rows(table, keys, hashes, err) : qn_err_nomem(err, "a join's table");
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
