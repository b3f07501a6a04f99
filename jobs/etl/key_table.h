/* key_table: different keys, numbered as they first came up. NULL is a value of its own here (see
 * keys.h); who wants another rule leaves such rows out. */
#ifndef QN_JOBS_ETL_KEY_TABLE_H
#define QN_JOBS_ETL_KEY_TABLE_H

#include "jobs/etl/colstore.h"

struct qn_key_entry {
    uint32_t tag; /* upper half of the key's hash */
    uint32_t key; /* 1 + its number; 0: free */
};

#define QN_NO_KEY UINT32_MAX

struct qn_key_table {
    uint32_t n_columns;
    struct qn_colstore *columns; /* [n_columns] of n keys */
    uint64_t *hashes;            /* [n] */
    struct qn_key_entry *entries;
    uint32_t n, capacity, n_entries; /* n_entries: a power of two */
    uint64_t bytes;                  /* what keys and entries take, by what they are: the same on
                                        any machine */
};

/* Columns of the first n_columns fields of the schema. fini in any case. */
QN_CHECK qn_code qn_key_table_init(struct qn_key_table *table, const struct qn_schema *schema,
                                   uint32_t n_columns, struct qn_err *err);
void qn_key_table_fini(struct qn_key_table *table);

/* The number of the key of every row, or QN_NO_KEY. */
void qn_key_table_find(const struct qn_key_table *table, const struct qn_column *columns,
                       const uint64_t *hashes, uint32_t n_rows, uint32_t *keys);
uint32_t qn_key_table_find_row(const struct qn_key_table *table, const struct qn_column *columns,
                               uint32_t row, uint64_t hash);
/* The number of a row's key, which is made where it is new: then it is the old table->n. */
QN_CHECK qn_code qn_key_table_add(struct qn_key_table *table, const struct qn_column *columns,
                                  uint32_t row, uint64_t hash, uint32_t *key, struct qn_err *err);

#endif
