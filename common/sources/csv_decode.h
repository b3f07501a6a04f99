/* csv_decode: a table of fields to typed columns, a column at a time.
 *
 * Values are copied out of the scanned bytes, so a batch outlives the window it was read from.
 * Nothing is allocated per field; text columns grow one buffer each and keep it. Sixteen readable
 * bytes stand before the scanned ones, as QN_TEXT_SLACK behind them. */
#ifndef QN_SOURCES_CSV_DECODE_H
#define QN_SOURCES_CSV_DECODE_H

#include "flow/batch.h"
#include "sources/column_store.h"
#include "sources/csv_rows.h"

/* A column that batches have. */
struct qn_csv_column {
    struct qn_column_store store;
    uint32_t field; /* its place in a record */
    struct qn_null_texts nulls;
    bool *may_be_null; /* by first byte of a field: what is not listed is no null text. NULL: no
                          texts are declared */
};

struct qn_csv_decoder {
    const struct qn_csv_dialect *dialect;
    struct qn_csv_column *columns;
    uint32_t n_columns;
    uint32_t capacity, n; /* rows */
    uint32_t *origin;
    uint16_t *wrong; /* by row of the last block: 1 + the first column that is no value, or 0. Only
                        set when there is one. */
};

/* `field_of` maps columns of the schema to fields; NULL: in order. Arrays come from the arena,
 * except text, which fini frees. */
QN_CHECK qn_code qn_csv_decoder_init(struct qn_csv_decoder *decoder,
                                     const struct qn_csv_dialect *dialect,
                                     const struct qn_schema *schema, const bool *wanted,
                                     const uint32_t *field_of, uint32_t capacity,
                                     struct qn_arena *arena, struct qn_err *err);
void qn_csv_decoder_fini(struct qn_csv_decoder *decoder);
void qn_csv_decoder_clear(struct qn_csv_decoder *decoder);

/* First half: all columns but text, for rows->n rows after the decoder's n (there must be room).
 * Returns how many rows have a wrong value; which of them says `wrong`. */
uint32_t qn_csv_decoder_typed(struct qn_csv_decoder *decoder, const struct qn_csv_rows *rows);

/* Second half: drops the wrong rows, n_wrong of them, takes the texts of the others and adds them.
 * Origins are base + place of the record. */
QN_CHECK qn_code qn_csv_decoder_finish(struct qn_csv_decoder *decoder,
                                       const struct qn_csv_rows *rows, uint32_t n_wrong,
                                       uint32_t base, struct qn_err *err);

size_t qn_csv_decoder_text_bytes(const struct qn_csv_decoder *decoder);

/* The batch over what was added; columns has room for n_columns. */
void qn_csv_decoder_batch(const struct qn_csv_decoder *decoder, struct qn_column *columns,
                          struct qn_batch *batch);

#endif
