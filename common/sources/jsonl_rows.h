/* jsonl_rows: a run of records as a table of cells. Nothing is copied but what the parser made. */
#ifndef QN_SOURCES_JSONL_ROWS_H
#define QN_SOURCES_JSONL_ROWS_H

#include "sources/jsonl_frame.h"
#include "sources/jsonl_layout.h"
#include "sources/text_valid.h"

/* A record that is refused, by what is wrong with it. */
struct qn_jsonl_refused {
    size_t at, end; /* of the record, from the window's first byte */
    uint32_t line;  /* line ends between the window's first byte and `at` */
    struct qn_json_spot spot;
    const struct qn_jsonl_node *node; /* see qn_jsonl_parser; QN_JSON_TYPE of a column: NULL, */
    uint32_t column;                  /* and this, of the decoder's */
    uint32_t before;                  /* good rows before it */
};

struct qn_jsonl_rows {
    uint32_t capacity, n;
    uint32_t n_columns;
    struct qn_jsonl_cell *cells; /* of column c and row r: [c * capacity + r] */
    uint32_t *starts;            /* n: first bytes of records */
    uint32_t *lines;             /* n: line ends before them */
    struct qn_jsonl_refused *refused;
    uint32_t n_refused; /* at most capacity */
    struct qn_jsonl_frame frame;
    struct qn_jsonl_parser parser;
    /* Between the elements of a record's array: */
    bool in_list;
    uint32_t ordinal, list_line;
    size_t list_counted; /* up to where lines of the record were counted */
    /* The usual records are taken many at a time: */
    struct qn_jsonl_index index;
    struct qn_jsonl_layout layout;
    uint32_t *counts;
    uint32_t end_at, break_at;  /* in the index: what was not taken yet */
    struct qn_text_valid valid; /* of the index's bytes */
    uint32_t trial;             /* records to try at once */
    uint32_t misses, rest; /* tries in a row that gave little; records to read before another */
};

/* Tables come from the arena; `dialect` is borrowed. */
QN_CHECK qn_code qn_jsonl_rows_init(struct qn_jsonl_rows *rows,
                                    const struct qn_jsonl_dialect *dialect, const bool *wanted,
                                    uint32_t capacity, struct qn_arena *arena, struct qn_err *err);
void qn_jsonl_rows_fini(struct qn_jsonl_rows *rows);

/* The bytes to read from now on, from a record's start. */
void qn_jsonl_rows_over(struct qn_jsonl_rows *rows, const char *bytes, size_t len, size_t stop,
                        bool final);

/* Replaces the rows by the next `limit` at most (limit <= capacity). QN_JSONL_BROKEN: the rows are
 * those before the mistake at frame.spot. */
enum qn_jsonl_step qn_jsonl_rows_next(struct qn_jsonl_rows *rows, uint32_t limit);

static inline const struct qn_jsonl_cell *qn_jsonl_rows_column(const struct qn_jsonl_rows *rows,
                                                               uint32_t column)
{
    return rows->cells + (size_t)column * rows->capacity;
}

#endif
