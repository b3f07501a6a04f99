/* jsonl_decode: a table of cells to typed columns, a column at a time. Values are copied out of the
 * bytes, so a batch outlives the window it was read from. */
#ifndef QN_SOURCES_JSONL_DECODE_H
#define QN_SOURCES_JSONL_DECODE_H

#include "sources/column_store.h"
#include "sources/jsonl_rows.h"

struct qn_jsonl_decoder {
    struct qn_column_store *columns; /* of the batches */
    const struct qn_null_texts **nulls;
    uint32_t n_columns;
    uint32_t capacity, n; /* rows */
    uint32_t *origin;
    uint16_t *wrong; /* by row of the last block: 1 + the first column that is no value, or 0. Only
                        set when there is one. */
};

/* Arrays come from the arena, except text, which fini frees. */
QN_CHECK qn_code qn_jsonl_decoder_init(struct qn_jsonl_decoder *decoder,
                                       const struct qn_jsonl_dialect *dialect,
                                       const struct qn_schema *schema, const bool *wanted,
                                       uint32_t capacity, struct qn_arena *arena,
                                       struct qn_err *err);
void qn_jsonl_decoder_fini(struct qn_jsonl_decoder *decoder);
void qn_jsonl_decoder_clear(struct qn_jsonl_decoder *decoder);

/* First half: all columns but text, for rows->n rows after the decoder's n (there must be room).
 * Returns how many rows have a wrong value; which of them says `wrong`. */
uint32_t qn_jsonl_decoder_typed(struct qn_jsonl_decoder *decoder, const struct qn_jsonl_rows *rows);

/* Second half: drops the wrong rows, n_wrong of them, takes the texts of the others and adds them.
 * Origins are base + place of the record. */
QN_CHECK qn_code qn_jsonl_decoder_finish(struct qn_jsonl_decoder *decoder,
                                         const struct qn_jsonl_rows *rows, uint32_t n_wrong,
                                         uint32_t base, struct qn_err *err);

size_t qn_jsonl_decoder_text_bytes(const struct qn_jsonl_decoder *decoder);

/* The batch over what was added; columns has room for n_columns. */
void qn_jsonl_decoder_batch(const struct qn_jsonl_decoder *decoder, struct qn_column *columns,
                            struct qn_batch *batch);

#endif
