/* cell: one typed value outside a column: constants of the spec, minima, medians. */
#ifndef QN_JOBS_ETL_CELL_H
#define QN_JOBS_ETL_CELL_H

#include "base/buf.h"
#include "flow/batch.h"

struct qn_cell {
    bool valid; /* false: NULL, and the rest is zero */
    union {
        int64_t i64; /* BOOL, INT64, DECIMAL (scaled), DATE, TIMESTAMP */
        double f64;
    };
    struct qn_strv text; /* TEXT: borrowed */
};

static inline struct qn_cell qn_cell_at(const struct qn_column *column, uint32_t row)
{
    struct qn_cell cell = {.valid = qn_is_valid(column, row)};
    if (!cell.valid)
        return cell;
    switch (qn_type_layout(column->type)) {
    case QN_LAYOUT_BOOL: cell.i64 = column->bools[row]; break;
    case QN_LAYOUT_I64: cell.i64 = column->i64[row]; break;
    case QN_LAYOUT_F64: cell.f64 = column->f64[row]; break;
    case QN_LAYOUT_TEXT: cell.text = qn_text_at(column, row); break;
    }
    return cell;
}

/* SQL order with NULL first; text bytewise. */
int qn_cell_cmp(struct qn_type type, struct qn_cell a, struct qn_cell b);

/* Values of any type but TEXT as whole numbers of the same order; 0 and -0 are one. */
uint64_t qn_cell_rank(struct qn_type type, struct qn_cell cell);
struct qn_cell qn_cell_of_rank(struct qn_type type, uint64_t rank);

/* The text as a value of the type; false when it is none (or does not fit exactly). */
bool qn_cell_parse(struct qn_type type, struct qn_strv text, struct qn_cell *out);

/* As people write it; NULL appends nothing. */
void qn_cell_format(struct qn_buf *buf, struct qn_type type, struct qn_cell cell);
/* As JSON: numbers bare, everything else quoted and escaped, null. */
void qn_cell_json(struct qn_buf *buf, struct qn_type type, struct qn_cell cell);
void qn_json_text(struct qn_buf *buf, struct qn_strv text);

void qn_cell_pack(struct qn_buf *buf, struct qn_type type, struct qn_cell cell);
struct qn_cell qn_cell_unpack(struct qn_unpack *in, struct qn_type type); /* text borrows */

/* The same value with its text in the arena. */
QN_CHECK qn_code qn_cell_copy(struct qn_arena *arena, struct qn_cell cell, struct qn_cell *out,
                              struct qn_err *err);

#endif
