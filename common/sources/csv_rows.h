/* csv_rows: a run of records as a table of places.
 *
 * Regular stretches come from the index, whole; every other record goes through the scanner, one by
 * one. Nothing is copied: places are offsets into the bytes. */
#ifndef QN_SOURCES_CSV_ROWS_H
#define QN_SOURCES_CSV_ROWS_H

#include "sources/csv_index.h"
#include "sources/csv_scan.h"
#include "sources/text_valid.h"

struct qn_csv_rows {
    uint32_t n_fields, capacity, n;
    const uint32_t *ends; /* n x n_fields: the delimiter or line end behind a field */
    uint32_t *starts;     /* n: first bytes of records. Other fields begin behind the one before. */
    bool quoted;          /* some field is; else no field begins with a quote */
    bool escaped;         /* some quoted field may hold doubled quotes or escapes */
    bool crlf;            /* some record's end is the LF of a CRLF */
    struct qn_csv_record *faulty; /* n_faulty, at most capacity */
    uint32_t *before;             /* by faulty record: good ones before it */
    uint32_t n_faulty;
    size_t from;   /* where this run began, */
    uint32_t line; /* and the line ends before that, from the scanner's first byte on */

    struct qn_csv_scanner scanner;
    struct qn_csv_index index;
    uint32_t end_at, break_at;   /* in the index: what was not taken yet */
    struct qn_text_valid valid;  /* of the index's bytes */
    uint32_t *own_ends;          /* where `ends` of more than one stretch are gathered */
    struct qn_csv_field *fields; /* of one record */
};

/* Tables come from the arena. */
QN_CHECK qn_code qn_csv_rows_init(struct qn_csv_rows *rows, uint32_t n_fields, uint32_t capacity,
                                  struct qn_arena *arena, struct qn_err *err);

/* The bytes to read from now on, from a record's start; as qn_csv_scanner_init. Records that begin
 * at or after `stop` are not taken. */
void qn_csv_rows_over(struct qn_csv_rows *rows, const struct qn_csv_dialect *dialect,
                      const char *bytes, size_t len, size_t stop, bool final);

/* Replaces the rows by the next `limit` records at most (limit <= capacity). */
enum qn_csv_step qn_csv_rows_next(struct qn_csv_rows *rows, uint32_t limit);

/* A good record, as the scanner gives it, but for its line. */
struct qn_csv_record qn_csv_rows_record(const struct qn_csv_rows *rows, uint32_t row);

static inline uint32_t qn_csv_rows_from(const struct qn_csv_rows *rows, uint32_t row,
                                        uint32_t field)
{
    return field ? rows->ends[(size_t)row * rows->n_fields + field - 1] + 1 : rows->starts[row];
}

/* A field as the scanner gives it. */
static inline struct qn_csv_field qn_csv_rows_field(const struct qn_csv_rows *rows, uint32_t row,
                                                    uint32_t field)
{
    const struct qn_csv_dialect *d = rows->scanner.dialect;
    const char *bytes = rows->scanner.bytes;
    uint32_t from = qn_csv_rows_from(rows, row, field);
    uint32_t to = rows->ends[(size_t)row * rows->n_fields + field];
    if (rows->crlf && field + 1 == rows->n_fields && to > from && bytes[to] == '\n' &&
        bytes[to - 1] == '\r')
        to--;
    if (!rows->quoted || to == from || bytes[from] != d->quote)
        return (struct qn_csv_field){from, to - from};
    struct qn_csv_field inner = {from + 1, (to - from - 2) | QN_CSV_QUOTED};
    char mark = d->escape ? d->escape : d->quote;
    if (rows->escaped && memchr(bytes + inner.at, mark, to - from - 2))
        inner.flags |= QN_CSV_ESCAPED;
    return inner;
}

#endif
