/* csv_decode: a table of fields to typed columns, a column at a time.
 *
 * Nothing is allocated per field. Sixteen readable bytes stand before the scanned ones, as
 * QN_TEXT_SLACK behind them. */
#ifndef QN_SOURCES_CSV_DECODE_H
#define QN_SOURCES_CSV_DECODE_H

#include "sources/csv_rows.h"
#include "sources/row_store.h"

/* How a column of the batches is read. */
struct qn_csv_column {
    uint32_t field; /* its place in a record */
    struct qn_null_texts nulls;
    bool *may_be_null; /* by first byte of a field: what is not listed is no null text. NULL: no
                          texts are declared */
};

struct qn_csv_decoder {
    const struct qn_csv_dialect *dialect;
    struct qn_csv_column *columns; /* as many as the store has */
    struct qn_row_store *store;    /* where values go */
};

/* The store holds the wanted of n_columns columns, which `field_of` maps to fields; NULL: in order.
 * Both it and the dialect stay borrowed. Arrays come from the arena. */
QN_CHECK qn_code qn_csv_decoder_init(struct qn_csv_decoder *decoder,
                                     const struct qn_csv_dialect *dialect, const bool *wanted,
                                     const uint32_t *field_of, uint32_t n_columns,
                                     struct qn_row_store *store, struct qn_arena *arena,
                                     struct qn_err *err);

/* First half: all columns but text, for rows->n rows after the store's n (there must be room).
 * Returns how many rows have a wrong value; which of them says the store's `wrong`. */
uint32_t qn_csv_decoder_typed(struct qn_csv_decoder *decoder, const struct qn_csv_rows *rows);

/* Second half: drops the wrong rows, n_wrong of them, takes the texts of the others and adds them.
 * Origins are base + place of the record. */
QN_CHECK qn_code qn_csv_decoder_finish(struct qn_csv_decoder *decoder,
                                       const struct qn_csv_rows *rows, uint32_t n_wrong,
                                       uint32_t base, struct qn_err *err);

#endif
