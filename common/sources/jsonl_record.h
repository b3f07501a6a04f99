/* jsonl_record: one record to cells: where the values of its columns stand.
 *
 * Any record is read here, byte by byte and strictly; the usual ones are taken by jsonl_layout, and
 * come out the same. Of a key that comes twice the last value counts. */
#ifndef QN_SOURCES_JSONL_RECORD_H
#define QN_SOURCES_JSONL_RECORD_H

#include "sources/json_text.h"
#include "sources/jsonl_dialect.h"

enum qn_jsonl_kind {
    QN_JSONL_NOTHING, /* null, or no such key */
    QN_JSONL_STRING,  /* the inside of a string */
    QN_JSONL_ESCAPED, /* that holds escapes */
    QN_JSONL_NUMBER,
    QN_JSONL_TRUE,
    QN_JSONL_FALSE,
    QN_JSONL_NESTED, /* an array or object, or the record as a whole */
    QN_JSONL_MADE,   /* text that the parser made: `at` counts from its `made` */
    QN_JSONL_COUNT,  /* `at` is a number itself */
};

struct qn_jsonl_cell {
    uint32_t at; /* from the parser's first byte */
    uint32_t is; /* kind << QN_JSONL_KIND | length */
};
enum { QN_JSONL_KIND = 28 };
#define QN_JSONL_LENGTH ((UINT32_C(1) << QN_JSONL_KIND) - 1)

static inline struct qn_jsonl_cell qn_jsonl_cell(enum qn_jsonl_kind kind, size_t at, size_t len)
{
    return (struct qn_jsonl_cell){(uint32_t)at, (uint32_t)kind << QN_JSONL_KIND | (uint32_t)len};
}

static inline enum qn_jsonl_kind qn_jsonl_cell_kind(struct qn_jsonl_cell cell)
{
    return (enum qn_jsonl_kind)(cell.is >> QN_JSONL_KIND);
}

/* A value that is no array and no object, in the order of the record; for jsonl_layout. */
struct qn_jsonl_place_of {
    uint32_t from, to; /* quotes included */
    int32_t slot;
};

struct qn_jsonl_parser {
    const struct qn_jsonl_dialect *dialect;
    struct qn_jsonl_tree tree;
    int32_t slots[QN_JSONL_ROLES]; /* of the columns that are no values */
    struct qn_jsonl_cell *cells;   /* of the record, by place in the batches */
    struct qn_jsonl_cell *parent;  /* cells that the elements of its array share */
    uint32_t n_cells;
    const char *bytes;
    struct qn_buf made;
    struct qn_buf key; /* without escapes */
    /* The record's array of records, when its path was there: */
    size_t list_at, list_end;
    /* What the last record was made of, when it was regular: */
    struct qn_jsonl_place_of *places;
    uint32_t n_places, max_places;
    bool regular; /* nothing but objects that have columns and single values in them */
    /* What was wrong with it: */
    struct qn_json_spot spot;
    const struct qn_jsonl_node
        *node; /* QN_JSON_UNKNOWN: whose key it is; QN_JSON_TYPE: the value's */
};

/* Arrays come from the arena, buffers are freed by fini. `dialect` is borrowed. */
QN_CHECK qn_code qn_jsonl_parser_init(struct qn_jsonl_parser *parser,
                                      const struct qn_jsonl_dialect *dialect, const bool *wanted,
                                      struct qn_arena *arena, struct qn_err *err);
void qn_jsonl_parser_fini(struct qn_jsonl_parser *parser);

/* Other bytes from now on; texts made before are given up. */
void qn_jsonl_parser_over(struct qn_jsonl_parser *parser, const char *bytes);

/* Fills the cells with the record bytes[at .. end), or false. With `records` in the dialect these
 * are the cells of the parent, and list_at and list_end (0: none) bound its elements. */
bool qn_jsonl_parser_record(struct qn_jsonl_parser *parser, size_t at, size_t end);

/* The element at list_at < list_end, beside the parent's cells; list_at moves to the next one.
 * *at and *end: its bounds. False: it is refused. */
bool qn_jsonl_parser_element(struct qn_jsonl_parser *parser, uint32_t ordinal, size_t *at,
                             size_t *end);

#endif
