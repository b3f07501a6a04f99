/* row_store: what a reader fills the rows of a batch in, again and again, a column at a time.
 *
 * Rows come in blocks: all values of a block but texts first, then `wrong` rows are dropped, then
 * the texts of the others follow. Values are copies: a batch outlives what it was read from. */
#ifndef QN_SOURCES_ROW_STORE_H
#define QN_SOURCES_ROW_STORE_H

#include "sources/column_store.h"

struct qn_row_store {
    struct qn_schema schema;         /* of the wanted columns */
    struct qn_column_store *columns; /* of its fields */
    struct qn_column *views;         /* the same as batches have them */
    uint32_t capacity, n;            /* rows */
    uint32_t *origin;
    uint16_t *wrong; /* by row of the last block: 1 + the first column that is no value, or 0. Only
                        set when there is one. */
};

/* For batches of `capacity` rows of the wanted columns (NULL: all). Arrays come from the arena,
 * except texts, which fini frees. */
QN_CHECK qn_code qn_row_store_init(struct qn_row_store *store, const struct qn_schema *schema,
                                   const bool *wanted, uint32_t capacity, struct qn_arena *arena,
                                   struct qn_err *err);
void qn_row_store_fini(struct qn_row_store *store);
void qn_row_store_clear(struct qn_row_store *store);

/* Marks a row of a block of n_rows, of which n_wrong are marked. Returns how many are then. */
uint32_t qn_row_store_mark_wrong(struct qn_row_store *store, uint32_t n_rows, uint32_t row,
                                 uint32_t column, uint32_t n_wrong);

/* Values of the block's rows that are not wrong move together. Returns how many rows those are. */
uint32_t qn_row_store_drop_wrong(struct qn_row_store *store, uint32_t n_rows);

/* Takes the block's `kept` rows in: origins are base + starts of those not wrong. `wrong` NULL:
 * none are. */
void qn_row_store_add(struct qn_row_store *store, const uint32_t *starts, uint32_t n_rows,
                      const uint16_t *wrong, uint32_t kept, uint32_t base);

size_t qn_row_store_text_bytes(const struct qn_row_store *store);

/* The batch over what was added. */
void qn_row_store_view(const struct qn_row_store *store, struct qn_batch *batch);

#endif
