/* batch: a columnar block of at most QN_BATCH_ROWS rows (more only where said), in Arrow's layout.
 *
 * A batch borrows: its columns live in the arena or buffers of whoever filled it (a reader's
 * batch is good until the next call of that reader). Transformations make new column arrays in
 * an arena and share what did not change. Values under a NULL are unspecified but initialised. */
#ifndef QN_FLOW_BATCH_H
#define QN_FLOW_BATCH_H

#include "base/arena.h"
#include "base/err.h"
#include "flow/schema.h"

/* Distinct texts of a column, numbered as they first came up: what can be worked out once a text
 * (its group, a comparison, a pattern) need not be worked out once a row.
 *
 * A reader's dictionary only grows: code k stands for the same text in all its batches, until the
 * reader gives the dictionary up (its columns have no codes then) or is closed. What was kept for
 * codes is good for as long as `id` is the same; only codes from the kept count to n are new. Which
 * columns have codes is a matter of speed: results must not depend on it. */
enum { QN_DICTIONARY_TEXTS = 4096, QN_CODE_NULL = 0 };

struct qn_dictionary {
    uint64_t id;                 /* no other dictionary of this process has it */
    uint32_t n;                  /* codes, QN_DICTIONARY_TEXTS at most */
    const struct qn_strv *texts; /* n; texts[QN_CODE_NULL] stands for NULL and has no bytes, the
                                    others differ from each other */
};

/* An id that no other dictionary of this process has. Any thread. */
uint64_t qn_dictionary_new_id(void);

struct qn_column {
    struct qn_type type;
    uint64_t *validity; /* bit i of word i/64 set: row i has a value; NULL: all have.
                           Bits past the last row are unspecified. */
    union {
        uint8_t *bools;
        int64_t *i64;
        double *f64;
        char *bytes; /* TEXT: the bytes that offsets point into */
    };
    uint32_t *offsets; /* TEXT: n + 1, ascending; row i is bytes[offsets[i] .. offsets[i+1]) */
    /* TEXT with few distinct values, else NULL: by row its number in the dictionary, and
     * QN_CODE_NULL for every NULL. Texts, offsets and validity are there all the same. Takes keep
     * codes, copies drop them; who makes another column of the texts, or one that begins at another
     * row, leaves them out. */
    const uint16_t *codes;
    const struct qn_dictionary *dictionary;
};

struct qn_batch {
    const struct qn_schema *schema;
    struct qn_column *columns; /* schema->n_fields of them */
    uint32_t n_rows;
    /* Where each row came from: byte offset of its record from the reader's base (files), or
     * its ordinal in the part (datasets); what qn_reader.locate takes. NULL: rows that were made,
     * not read (group-by results). */
    uint32_t *origin;
};

static inline bool qn_is_valid(const struct qn_column *column, uint32_t row)
{
    return !column->validity || (column->validity[row >> 6] >> (row & 63) & 1);
}

static inline struct qn_strv qn_text_at(const struct qn_column *column, uint32_t row)
{
    return (struct qn_strv){column->bytes + column->offsets[row],
                            column->offsets[row + 1] - column->offsets[row]};
}

/* The length that all of n > 0 texts have, which offsets[0..n] tell; QN_TEXTS_DIFFER: they have
 * none. Identifiers mostly do, and then need no look at their offsets. */
#define QN_TEXTS_DIFFER UINT32_MAX
static inline uint32_t qn_texts_width(const uint32_t *offsets, uint32_t n)
{
    uint32_t width = offsets[1] - offsets[0], differ = 0;
    for (uint32_t i = 0; i < n; i++)
        differ |= (offsets[i + 1] - offsets[i]) ^ width;
    return differ ? QN_TEXTS_DIFFER : width;
}

static inline size_t qn_validity_words(uint32_t n_rows)
{
    return ((size_t)n_rows + 63) / 64;
}

static inline void qn_valid_set(uint64_t *validity, uint32_t row)
{
    validity[row >> 6] |= UINT64_C(1) << (row & 63);
}

static inline void qn_valid_clear(uint64_t *validity, uint32_t row)
{
    validity[row >> 6] &= ~(UINT64_C(1) << (row & 63));
}

/* A column of n rows in the arena: values zeroed, offsets zeroed (TEXT: bytes stay NULL until
 * the caller sets them), validity NULL. */
QN_CHECK qn_code qn_column_new(struct qn_arena *arena, struct qn_type type, uint32_t n_rows,
                               struct qn_column *out, struct qn_err *err);

/* Validity of n rows in the arena, all set (or all clear). */
uint64_t *qn_validity_new(struct qn_arena *arena, uint32_t n_rows, bool all_valid);

uint32_t qn_column_count_valid(const struct qn_column *column, uint32_t n_rows);

/* Rows `rows[0..n)` of a batch, in that order, as a new batch in the arena. */
QN_CHECK qn_code qn_batch_take(struct qn_arena *arena, const struct qn_batch *batch,
                               const uint32_t *rows, uint32_t n, struct qn_batch *out,
                               struct qn_err *err);
/* The same for one column. A row of UINT32_MAX takes NULL (outer joins). */
QN_CHECK qn_code qn_column_take(struct qn_arena *arena, const struct qn_column *column,
                                uint32_t n_rows, const uint32_t *rows, uint32_t n,
                                struct qn_column *out, struct qn_err *err);

/* One value as people write it ("12.50", "2026-01-31", "true"); NULL gives "". Appends to buf. */
void qn_value_format(struct qn_buf *buf, const struct qn_column *column, uint32_t row);

/* Memory that a copy of it takes. */
uint64_t qn_batch_bytes(const struct qn_batch *batch);

/* Deep copy of a batch into the arena (readers reuse theirs). */
QN_CHECK qn_code qn_batch_copy(struct qn_arena *arena, const struct qn_batch *batch,
                               struct qn_batch *out, struct qn_err *err);

/* A batch being filled row by row: for small tables (groups, metrics, quarantine). Owns its memory
 * until fini; `batch` borrows from it and is good until the next append. */
struct qn_batch_builder;
QN_CHECK qn_code qn_builder_new(const struct qn_schema *schema, struct qn_batch_builder **out,
                                struct qn_err *err);
void qn_builder_free(struct qn_batch_builder *builder);
void qn_builder_clear(struct qn_batch_builder *builder);
uint32_t qn_builder_rows(const struct qn_batch_builder *builder);
/* Values of the current row, by column; unset columns are NULL. Memory failures stick and are
 * reported by qn_builder_row(). */
void qn_builder_i64(struct qn_batch_builder *builder, uint32_t column, int64_t value);
void qn_builder_f64(struct qn_batch_builder *builder, uint32_t column, double value);
void qn_builder_bool(struct qn_batch_builder *builder, uint32_t column, bool value);
void qn_builder_text(struct qn_batch_builder *builder, uint32_t column, struct qn_strv value);
/* Copies any value of a column of the same layout. */
void qn_builder_value(struct qn_batch_builder *builder, uint32_t column,
                      const struct qn_column *from, uint32_t row);
QN_CHECK qn_code qn_builder_row(struct qn_batch_builder *builder, struct qn_err *err);
void qn_builder_batch(struct qn_batch_builder *builder, struct qn_batch *out);

#endif
