/* csv_preamble: what stands in a file before its first record: byte order mark, skipped lines,
 * comments, the header. */
#ifndef QN_SOURCES_CSV_PREAMBLE_H
#define QN_SOURCES_CSV_PREAMBLE_H

#include "sources/csv_scan.h"
#include "sources/text_window.h"

struct qn_csv_preamble {
    uint64_t end;                /* offset of the first record (or blank line) */
    size_t end_position;         /* the same in the window */
    uint64_t lines;              /* line ends before it */
    uint64_t header_line;        /* line ends before the header */
    bool has_header;             /* false also when the file ends before one */
    struct qn_csv_record header; /* places are within the window */
};

/* Reads it; the window then begins at 0 and holds all of it. Fields of the header are stored up to
 * `capacity`, with places in the window. QN_ELIMIT when it does not fit QN_MAX_RECORD_BYTES. */
QN_CHECK qn_code qn_csv_preamble_read(struct qn_text_window *window,
                                      const struct qn_csv_dialect *dialect,
                                      struct qn_csv_field *fields, uint32_t capacity,
                                      struct qn_csv_preamble *out, struct qn_err *err);

/* From `from`, a place between records, to the first such place at or past `stop`. */
QN_CHECK qn_code qn_csv_walk(struct qn_text_window *window, const struct qn_csv_dialect *dialect,
                             uint64_t from, uint64_t stop, uint64_t *next, uint64_t *lines,
                             struct qn_err *err);

/* Past the first line end after `at`, however far that is. `lines` grows by the line ends. */
QN_CHECK qn_code qn_csv_skip_line(struct qn_text_window *window, uint64_t *at, uint64_t *lines,
                                  struct qn_err *err);

#endif
