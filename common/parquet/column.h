/* column: rows of one flat column, page by page into a column of a batch. */
#ifndef QN_PARQUET_COLUMN_H
#define QN_PARQUET_COLUMN_H

#include "base/limits.h"
#include "flow/batch.h"
#include "parquet/convert.h"
#include "parquet/values.h"

/* A value that its column cannot take. */
struct qn_pq_complaint {
    uint32_t row;
    const char *rule, *message;
};

/* Room that all columns of a reader share. */
struct qn_pq_scratch {
    uint32_t indexes[QN_BATCH_ROWS];
    int64_t numbers[QN_BATCH_ROWS]; /* or doubles */
    struct qn_strv views[QN_BATCH_ROWS];
    uint8_t fates[QN_BATCH_ROWS];
};

/* The dictionary of a column chunk, its values as the column wants them. */
struct qn_pq_dictionary {
    uint32_t n;
    void *numbers; /* by layout of the type */
    uint32_t *offsets;
    struct qn_buf bytes;                /* QN_PQ_SLACK more */
    uint8_t *fates;                     /* NULL: all good */
    struct qn_pq_complaint *complaints; /* by entry, where its fate is bad */
    uint16_t *codes;                    /* in the reader's dictionary; NULL: it has none */
    uint32_t longest;                   /* bytes of a text */
    struct qn_arena arena;
};

struct qn_pq_texts; /* text_codes.h */

struct qn_pq_column {
    struct qn_pq_convert convert;
    struct qn_pq_pages pages;
    struct qn_pq_page page;
    struct qn_pq_values values;
    struct qn_pq_dictionary dictionary;
    struct qn_pq_texts *texts; /* NULL: not text, or too many of them */
    struct qn_pq_scratch *scratch;
    const struct qn_pq_node *leaf;
    uint32_t capacity;  /* rows */
    uint32_t page_left; /* rows of the page that were not taken */
    /* What was read and not passed on. */
    uint32_t n;
    uint64_t *validity;
    bool has_nulls, coded;
    void *numbers;
    uint32_t *offsets;
    struct qn_buf text;
    uint16_t *codes;
    struct qn_pq_complaint *complaints;
    uint32_t n_complaints;
    struct qn_arena said; /* texts of complaints */
    struct qn_arena arena;
};

/* QN_ENOMEM. `texts` that mean NULL are borrowed. Free with fini whatever happened. */
QN_CHECK qn_code qn_pq_column_init(struct qn_pq_column *column, const struct qn_pq_node *leaf,
                                   struct qn_type to, const struct qn_strv *nulls, uint32_t n_nulls,
                                   uint32_t capacity, struct qn_pq_scratch *scratch,
                                   struct qn_err *err);
void qn_pq_column_fini(struct qn_pq_column *column);

/* Begins a row group. */
QN_CHECK qn_code qn_pq_column_open(struct qn_pq_column *column, const struct qn_pq_file *file,
                                   const struct qn_pq_row_group *group,
                                   struct qn_block_state *blocks, size_t window_bytes,
                                   struct qn_err *err);

/* Passes over rows of the group; nothing may be read and not passed on. */
QN_CHECK qn_code qn_pq_column_skip(struct qn_pq_column *column, uint64_t n, struct qn_err *err);

/* Reads until there are n rows, or long texts enough; one row at least. */
QN_CHECK qn_code qn_pq_column_fill(struct qn_pq_column *column, uint32_t n, struct qn_err *err);

/* The column of all rows there are; good until the next fill. */
void qn_pq_column_view(struct qn_pq_column *column, struct qn_column *out);

/* Lets go of the first n rows. */
void qn_pq_column_drop(struct qn_pq_column *column, uint32_t n);

/* --- between column.c and column_dictionary.c --- */

/* The dictionary of the chunk, from its page, which `column->page` is. */
QN_CHECK qn_code qn_pq_dictionary_read(struct qn_pq_column *column, struct qn_err *err);
/* The next n codes of the page into the scratch's indexes, all within the dictionary. */
QN_CHECK qn_code qn_pq_dictionary_take(struct qn_pq_column *column, uint32_t n, struct qn_err *err);
/* Their numbers, for n_rows rows from `first` on, of which n have a value; bools from there on. */
void qn_pq_dictionary_numbers(struct qn_pq_column *column, uint32_t n, uint32_t first,
                              uint32_t n_rows);
void qn_pq_dictionary_bools(struct qn_pq_column *column, uint32_t n, uint32_t first);
/* Their texts, for n_rows rows from `first` on, of which n have a value. */
QN_CHECK qn_code qn_pq_dictionary_texts(struct qn_pq_column *column, uint32_t n, uint32_t first,
                                        uint32_t n_rows, struct qn_err *err);
/* What becomes of them goes to the scratch's fates. Returns how many are not good. */
uint32_t qn_pq_dictionary_fates(struct qn_pq_column *column, uint32_t n);
void qn_pq_dictionary_fini(struct qn_pq_dictionary *dictionary);

#endif
