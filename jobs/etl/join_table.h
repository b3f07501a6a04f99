/* join_table: rows of a join's side, found by key. Built once by one thread, then read by all.
 * Entries are small and lie one after another, rows of one key are chained in their order. A table
 * past its memory goes on in files: it is slower then, and finds the same. */
#ifndef QN_JOBS_ETL_JOIN_TABLE_H
#define QN_JOBS_ETL_JOIN_TABLE_H

#include "jobs/etl/colstore.h"

struct qn_join_entry {
    uint32_t tag; /* upper half of the key's hash */
    uint32_t row; /* 1 + the first row of the key; 0: free */
};

struct qn_join_table {
    const struct qn_schema *schema; /* of the side */
    const uint32_t *keys;           /* columns */
    uint32_t n_keys;
    uint64_t most_bytes; /* of memory */
    const char *folder;  /* of files; borrowed */
    bool in_files;
    struct qn_colstore *columns; /* [n_fields]; those that no batch has stay empty */
    struct qn_column *views;     /* [n_fields], once linked */
    struct qn_join_entry *entries;
    uint32_t n_entries; /* a power of two */
    uint32_t *next;     /* by row: 1 + the next row of its key, or 0; NULL: no key has two rows */
    uint64_t n_rows;
    uint64_t bytes;                            /* what its rows take */
    struct qn_mapping entries_file, next_file; /* where these are, when it is in files */
};

/* Schema and keys are borrowed. fini in any case. */
QN_CHECK qn_code qn_join_table_init(struct qn_join_table *table, const struct qn_schema *schema,
                                    const uint32_t *keys, uint32_t n_keys, struct qn_err *err);
void qn_join_table_fini(struct qn_join_table *table);

/* Rows of some columns of the side, keys among them: column i of the batch is column columns[i],
 * one that comes twice is the same both times. All batches have the same ones. */
QN_CHECK qn_code qn_join_table_add(struct qn_join_table *table, const struct qn_batch *batch,
                                   const uint32_t *columns, struct qn_err *err);
/* What the rows so far take, with the entries that link makes for them: in memory or in files. */
uint64_t qn_join_table_bytes(const struct qn_join_table *table);
/* After the last row. */
QN_CHECK qn_code qn_join_table_link(struct qn_join_table *table, struct qn_err *err);

/* For each row of the key columns 1 + the first row of the table with that key into first[n_rows],
 * or 0; NULL in a key is equal to nothing. hashes[n_rows] is scratch. */
void qn_join_table_find(const struct qn_join_table *table, const struct qn_column *keys,
                        uint32_t n_rows, uint64_t *hashes, uint32_t *first);

#endif
