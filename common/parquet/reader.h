/* reader: rows of a Parquet file, batch by batch, in the columns that are asked for. */
#ifndef QN_PARQUET_READER_H
#define QN_PARQUET_READER_H

#include "parquet/column.h"
#include "parquet/nested.h"

/* A column to be read. */
struct qn_pq_wanted {
    const struct qn_pq_node *node; /* NULL: the file does not have it, all is NULL */
    struct qn_type type;           /* of nested ones: text */
    const struct qn_strv *nulls;   /* texts that mean NULL; borrowed */
    uint32_t n_nulls;
    bool shows_all; /* texts that are no UTF-8 are escaped instead of complained about */
};

/* Rows [first, end) of a group. */
struct qn_pq_span {
    uint64_t first, end;
};

struct qn_pq_any {
    struct qn_pq_column *flat; /* one of the two, or none */
    struct qn_pq_nested *nested;
    struct qn_column missing;
};

struct qn_pq_reader {
    const struct qn_pq_file *file; /* borrowed */
    struct qn_arena arena;
    struct qn_block_state blocks;
    struct qn_pq_scratch *scratch;
    struct qn_pq_any *columns;
    uint32_t n_columns, capacity;
    size_t window_bytes;
    uint32_t group;      /* the next row's */
    uint64_t group_left; /* rows of the group that were not passed on */
    bool group_open;
    uint64_t skip;     /* rows of the group before the next */
    uint64_t row, end; /* of the file: the next, and the first not wanted */
    uint32_t given;    /* rows of the last batch */
    /* Which groups are not read at all, and how many wanted rows they had; NULL: none. */
    bool (*passes_over)(void *context, uint32_t group);
    /* And which rows of the others, in order; good until the next call of either. */
    void (*find_gaps)(void *context, uint32_t group, const struct qn_pq_span **gaps, uint32_t *n);
    void *context;
    const struct qn_pq_span *gaps; /* of the open group, from the next one on */
    uint32_t n_gaps;
    bool gaps_found; /* false: another condition, or group */
    uint64_t passed;
};

/* Free with fini whatever happened. */
QN_CHECK qn_code qn_pq_reader_init(struct qn_pq_reader *reader, const struct qn_pq_file *file,
                                   const struct qn_pq_wanted *wanted, uint32_t n,
                                   struct qn_err *err);
void qn_pq_reader_fini(struct qn_pq_reader *reader);

/* Rows [row, end) of the file are the next ones. */
void qn_pq_reader_seek(struct qn_pq_reader *reader, uint64_t row, uint64_t end);

/* Up to QN_BATCH_ROWS rows, never of two groups; `columns` has room for all. *n 0: the end. */
QN_CHECK qn_code qn_pq_reader_next(struct qn_pq_reader *reader, struct qn_column *columns,
                                   uint32_t *n, struct qn_err *err);

#endif
