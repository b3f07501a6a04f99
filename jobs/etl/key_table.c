#include "jobs/etl/key_table.h"

#include <stdlib.h>

#include "jobs/etl/keys.h"

enum { PREFETCH_ROWS = 16, FIRST_KEYS = 1024 };

qn_code qn_key_table_init(struct qn_key_table *table, const struct qn_schema *schema,
                          uint32_t n_columns, struct qn_err *err)
{
    *table = (struct qn_key_table){.n_columns = n_columns};
    table->columns = calloc(n_columns + 1, sizeof *table->columns);
    if (!table->columns)
        return qn_err_nomem(err, "keys");
    for (uint32_t c = 0; c < n_columns; c++)
        qn_colstore_init(&table->columns[c], schema->fields[c].type);
    return QN_OK;
}

void qn_key_table_fini(struct qn_key_table *table)
{
    for (uint32_t c = 0; table->columns && c < table->n_columns; c++)
        qn_colstore_fini(&table->columns[c]);
    free(table->columns);
    free(table->hashes);
    free(table->entries);
    *table = (struct qn_key_table){0};
}

/* --- finding --------------------------------------------------------------------------------- */

static bool same_key(const struct qn_key_table *table, const struct qn_column *columns,
                     uint32_t row, uint32_t key)
{
    for (uint32_t c = 0; c < table->n_columns; c++)
        if (!qn_key_equal(&columns[c], row, &table->columns[c].column, key))
            return false;
    return true;
}

/* The key's entry, or the free one where it would be. */
static struct qn_key_entry *entry_of(const struct qn_key_table *table,
                                     const struct qn_column *columns, uint32_t row, uint64_t hash)
{
    uint32_t mask = table->n_entries - 1, tag = (uint32_t)(hash >> 32);
    struct qn_key_entry *entry = &table->entries[(uint32_t)hash & mask];
    while (entry->key && (entry->tag != tag || !same_key(table, columns, row, entry->key - 1)))
        entry = entry == table->entries + mask ? table->entries : entry + 1;
    return entry;
}

uint32_t qn_key_table_find_row(const struct qn_key_table *table, const struct qn_column *columns,
                               uint32_t row, uint64_t hash)
{
    if (table->n == 0)
        return QN_NO_KEY;
    const struct qn_key_entry *entry = entry_of(table, columns, row, hash);
    return entry->key ? entry->key - 1 : QN_NO_KEY;
}

void qn_key_table_find(const struct qn_key_table *table, const struct qn_column *columns,
                       const uint64_t *hashes, uint32_t n_rows, uint32_t *keys)
{
    for (uint32_t row = 0; row < n_rows; row++) {
        uint32_t ahead = row + PREFETCH_ROWS < n_rows ? row + PREFETCH_ROWS : row;
        if (table->n)
            __builtin_prefetch(&table->entries[(uint32_t)hashes[ahead] & (table->n_entries - 1)]);
        keys[row] = qn_key_table_find_row(table, columns, row, hashes[row]);
    }
}

/* --- adding ---------------------------------------------------------------------------------- */

static qn_code grow(struct qn_key_table *table, struct qn_err *err)
{
    if (table->capacity >= UINT32_C(1) << 30)
        return qn_err_set(err, QN_ELIMIT, QN_BLAME_INPUT, "a task holds more than 2^30 keys");
    uint32_t capacity = table->capacity ? 2 * table->capacity : FIRST_KEYS;
    uint32_t n_entries = 2 * capacity, mask = n_entries - 1;
    uint64_t *hashes = realloc(table->hashes, capacity * sizeof *hashes);
    if (hashes)
        table->hashes = hashes;
    struct qn_key_entry *entries = calloc(n_entries, sizeof *entries);
    if (!hashes || !entries) {
        free(entries);
        return qn_err_nomem(err, "keys");
    }
    for (uint32_t key = 0; key < table->n; key++) {
        uint32_t at = (uint32_t)hashes[key] & mask;
        while (entries[at].key)
            at = (at + 1) & mask;
        entries[at] = (struct qn_key_entry){(uint32_t)(hashes[key] >> 32), key + 1};
    }
    free(table->entries);
    table->entries = entries;
    table->n_entries = n_entries;
    table->capacity = capacity;
    return QN_OK;
}

static uint64_t value_bytes(const struct qn_column *column, uint32_t row)
{
    bool is_text = qn_type_layout(column->type) == QN_LAYOUT_TEXT;
    return is_text ? 4 + qn_text_at(column, row).len : 8;
}

qn_code qn_key_table_add(struct qn_key_table *table, const struct qn_column *columns, uint32_t row,
                         uint64_t hash, uint32_t *key, struct qn_err *err)
{
    if (table->n == table->capacity)
        QN_TRY(grow(table, err));
    struct qn_key_entry *entry = entry_of(table, columns, row, hash);
    *key = entry->key ? entry->key - 1 : table->n;
    if (entry->key)
        return QN_OK;
    table->bytes += sizeof *table->hashes + 2 * sizeof *entry;
    for (uint32_t c = 0; c < table->n_columns; c++) {
        QN_TRY(qn_colstore_add(&table->columns[c], &columns[c], row, err));
        table->bytes += value_bytes(&columns[c], row);
    }
    *entry = (struct qn_key_entry){(uint32_t)(hash >> 32), table->n + 1};
    table->hashes[table->n++] = hash;
    return QN_OK;
}
