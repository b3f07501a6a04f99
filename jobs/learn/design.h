/* design: prepared rows as the numbers a fit works on.
 *
 * Rows come in blocks of QN_DESIGN_BLOCK, each with memory of its own. Within a block the numeric
 * columns (and the intercept, 1) stand column by column, so that loops over rows are loops over
 * vectors; of each categorical feature only the position of its one set column is kept, since all
 * the others are 0. */
#ifndef QN_JOBS_LEARN_DESIGN_H
#define QN_JOBS_LEARN_DESIGN_H

#include "jobs/learn/categories.h"
#include "jobs/learn/prepare.h"

/* An unknown (or dropped) category: no column is set. */
#define QN_CODE_NONE UINT16_MAX

enum { QN_DESIGN_BLOCK = 128 };

struct qn_design_block {
    double *dense;   /* [n_dense][QN_DESIGN_BLOCK]; finite, also past the last row */
    uint16_t *codes; /* [QN_DESIGN_BLOCK][n_codes]: columns, ascending within a row where set */
    uint8_t *labels; /* 0 or 1 */
};

struct qn_design {
    uint32_t n_rows;
    uint32_t n_dense, n_codes, n_columns;
    struct qn_design_block *blocks;
    uint32_t n_blocks, capacity; /* that have memory; that have a place */
};

/* Without rows. */
struct qn_design qn_design_of(uint32_t n_dense, uint32_t n_codes, uint32_t n_columns);
void qn_design_fini(struct qn_design *design);
/* Memory for rows up to n_rows. */
QN_CHECK qn_code qn_design_reserve(struct qn_design *design, uint32_t n_rows, struct qn_err *err);
void qn_design_clear(struct qn_design *design);           /* keeps the memory */
uint64_t qn_design_bytes(const struct qn_design *design); /* that its rows may take */

/* Turns rows of batches into rows of a design. */
struct qn_encoder {
    const struct qn_prepared *prepared; /* borrowed */
    struct qn_categories *categories;   /* by categorical feature, in order */
    double *scratch;
    uint32_t scratch_rows;
};
/* Finish it also on failure. */
QN_CHECK qn_code qn_encoder_init(struct qn_encoder *encoder, const struct qn_prepared *prepared,
                                 struct qn_err *err);
void qn_encoder_fini(struct qn_encoder *encoder);

/* Appends rows[0..n) of columns (by feature). labels (by position in rows) may be NULL: then they
 * are 0. QN_EINPUT (blame input) on a category never seen when the preparation refuses those, and
 * on numbers that are not finite. */
QN_CHECK qn_code qn_encoder_append(struct qn_encoder *encoder,
                                   const struct qn_column *const *columns, const uint32_t *rows,
                                   uint32_t n, const uint8_t *labels, struct qn_design *design,
                                   struct qn_err *err);

/* Where a dense column of a row is; that of the next column is QN_DESIGN_BLOCK further on. */
static inline double *qn_design_at(const struct qn_design *design, uint32_t row, uint32_t column)
{
    return design->blocks[row / QN_DESIGN_BLOCK].dense + (size_t)column * QN_DESIGN_BLOCK +
           row % QN_DESIGN_BLOCK;
}

/* The categories of a row, [n_codes]. */
static inline uint16_t *qn_design_codes(const struct qn_design *design, uint32_t row)
{
    return design->blocks[row / QN_DESIGN_BLOCK].codes +
           (size_t)(row % QN_DESIGN_BLOCK) * design->n_codes;
}

static inline uint8_t *qn_design_label(const struct qn_design *design, uint32_t row)
{
    return design->blocks[row / QN_DESIGN_BLOCK].labels + row % QN_DESIGN_BLOCK;
}

/* The linear predictor of a row: always in this order, so that training and scoring agree to the
 * last bit. */
static inline double qn_design_eta(const struct qn_design *design, uint32_t row,
                                   const double *weights)
{
    const double *x = qn_design_at(design, row, 0);
    const uint16_t *codes = qn_design_codes(design, row);
    double eta = 0;
    for (uint32_t j = 0; j < design->n_dense; j++)
        eta += x[(size_t)j * QN_DESIGN_BLOCK] * weights[j];
    for (uint32_t j = 0; j < design->n_codes; j++)
        if (codes[j] != QN_CODE_NONE)
            eta += weights[codes[j]];
    return eta;
}

#endif
