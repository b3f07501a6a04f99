/* jsonl_decode: a table of cells to typed columns, a column at a time. */
#ifndef QN_SOURCES_JSONL_DECODE_H
#define QN_SOURCES_JSONL_DECODE_H

#include "sources/jsonl_rows.h"
#include "sources/row_store.h"

struct qn_jsonl_decoder {
    const struct qn_null_texts **nulls; /* as many as the store has columns */
    struct qn_row_store *store;         /* where values go */
};

/* The store holds the wanted of n_columns columns; both it and the dialect stay borrowed. Arrays
 * come from the arena. */
QN_CHECK qn_code qn_jsonl_decoder_init(struct qn_jsonl_decoder *decoder,
                                       const struct qn_jsonl_dialect *dialect, const bool *wanted,
                                       uint32_t n_columns, struct qn_row_store *store,
                                       struct qn_arena *arena, struct qn_err *err);

/* First half: all columns but text, for rows->n rows after the store's n (there must be room).
 * Returns how many rows have a wrong value; which of them says the store's `wrong`. */
uint32_t qn_jsonl_decoder_typed(struct qn_jsonl_decoder *decoder, const struct qn_jsonl_rows *rows);

/* Second half: drops the wrong rows, n_wrong of them, takes the texts of the others and adds them.
 * Origins are base + place of the record. */
QN_CHECK qn_code qn_jsonl_decoder_finish(struct qn_jsonl_decoder *decoder,
                                         const struct qn_jsonl_rows *rows, uint32_t n_wrong,
                                         uint32_t base, struct qn_err *err);

#endif
