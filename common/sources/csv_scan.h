/* csv_scan: bytes to records and fields, without copying.
 *
 * One pass over 64-byte blocks finds the bytes that matter (delimiter, quote, escape, line ends) as
 * a bit mask; a small state machine visits only those. A record is refused whole: after a quoting
 * fault it runs to the next line end, so one bad record never swallows its neighbours. */
#ifndef QN_SOURCES_CSV_SCAN_H
#define QN_SOURCES_CSV_SCAN_H

#include "sources/csv_dialect.h"
#include "sources/text_lines.h"

struct qn_csv_field {
    uint32_t at;    /* from the scanner's first byte; quotes excluded */
    uint32_t flags; /* length, and the two marks below */
};
#define QN_CSV_QUOTED (UINT32_C(1) << 31)
#define QN_CSV_ESCAPED (UINT32_C(1) << 30) /* holds doubled quotes or escapes */
#define QN_CSV_LENGTH (QN_CSV_ESCAPED - 1)

enum qn_csv_fault {
    QN_CSV_GOOD,
    QN_CSV_COLUMNS,      /* too few or too many fields (set by csv_rows) */
    QN_CSV_STRAY_QUOTE,  /* in an unquoted field, and not after a digit (5", 37.8"N) */
    QN_CSV_JUNK,         /* text after a closing quote */
    QN_CSV_UNTERMINATED, /* a quote that the file's end leaves open */
    QN_CSV_NUL,
    QN_CSV_NOT_UTF8,
    QN_CSV_LONG_FIELD,  /* past QN_MAX_FIELD_BYTES */
    QN_CSV_LONG_RECORD, /* past QN_MAX_RECORD_BYTES */
    QN_CSV_TYPE,        /* set by csv_reader: the field at fault_at is no value of its column */
};

struct qn_csv_record {
    uint32_t at, end;  /* without its line end; from the scanner's first byte */
    uint32_t line;     /* line ends between the scanner's first byte and `at` */
    uint32_t n_fields; /* seen, which may be more than were stored */
    enum qn_csv_fault fault;
    uint32_t fault_at;
    uint32_t fault_column; /* QN_CSV_TYPE: of the decoder's columns */
};

enum qn_csv_step {
    QN_CSV_RECORD,
    QN_CSV_STOP,       /* no more records begin before `stop` (or the bytes are used up) */
    QN_CSV_INCOMPLETE, /* the record at `pos` goes on past the bytes: come again with more */
    QN_CSV_FULL,       /* csv_rows: the table has no room */
};

struct qn_csv_scanner {
    const struct qn_csv_dialect *dialect;
    const char *bytes;
    size_t len;
    size_t stop;      /* records that begin at or after it are not taken */
    bool final;       /* the bytes reach the file's end */
    bool blank_lines; /* an empty line is a record (tables of one column); else it is skipped */
    size_t pos;       /* where the next record, blank or comment line begins */
    uint32_t lines;   /* line ends before pos */
    size_t block;     /* of the mask */
    uint64_t mask;
    size_t odd_end; /* end of the last block seen with a NUL or a byte past ASCII */
};

/* len at most 1 GiB, QN_TEXT_SLACK readable bytes follow. `dialect` and `bytes` are borrowed. */
void qn_csv_scanner_init(struct qn_csv_scanner *scanner, const struct qn_csv_dialect *dialect,
                         const char *bytes, size_t len, bool final);

/* Goes on at `pos`, where a record, blank or comment line begins. */
void qn_csv_scanner_seek(struct qn_csv_scanner *scanner, size_t pos);

/* The next record; its first `capacity` fields are stored. fault is never QN_CSV_COLUMNS. */
enum qn_csv_step qn_csv_scanner_next(struct qn_csv_scanner *scanner, struct qn_csv_field *fields,
                                     uint32_t capacity, struct qn_csv_record *record);

#endif
