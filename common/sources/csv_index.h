/* csv_index: where fields and records end, 64 bytes at a time.
 *
 * The index knows regular text only: quotes that open a field and close it, line ends of any kind,
 * no comments, escapes or NULs. At the first byte that is something else it stops, and the scanner
 * (csv_scan.h) says what that record is. What both can read, both read the same way. */
#ifndef QN_SOURCES_CSV_INDEX_H
#define QN_SOURCES_CSV_INDEX_H

#include "sources/csv_dialect.h"

enum {
    QN_CSV_INDEX_ROOM = 64, /* places that a last block may write past the capacity */
};

struct qn_csv_index {
    uint32_t *ends;   /* of fields: places of delimiters and of `breaks`, ascending */
    uint32_t *breaks; /* of records: LF, or a CR that none follows. Of CRLF it is the LF. */
    uint32_t n_ends, n_breaks;
    uint32_t capacity; /* of both; QN_CSV_INDEX_ROOM more are allocated */
    /* Anywhere in the bytes that were looked at: */
    bool quoted, doubled; /* a quoted field; a doubled quote in it */
    bool crlf;            /* a record that ends so */
    bool lines_inside;    /* a quoted line end */
    bool past_ascii;      /* bytes whose encoding is still to be checked */
};

/* Replaces the index by that of bytes [from, len), up to the first irregular byte or until it is
 * full. `from` is the first byte of a record. QN_TEXT_SLACK readable bytes follow len. */
void qn_csv_index_fill(struct qn_csv_index *index, const struct qn_csv_dialect *dialect,
                       const char *bytes, size_t from, size_t len);

/* One for each qn_simd level that needs its own instructions. */
typedef void qn_csv_index_fn(struct qn_csv_index *index, const struct qn_csv_dialect *dialect,
                             const char *bytes, size_t from, size_t len);
qn_csv_index_fn qn_csv_index_fill_sse2, qn_csv_index_fill_avx2, qn_csv_index_fill_avx512;

#endif
