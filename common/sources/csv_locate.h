/* csv_locate: the line and the raw bytes of a record that was read before.
 *
 * Lines are counted only when somebody asks, from the nearest mark before the record; calls in
 * file order go on from where the last one stopped. */
#ifndef QN_SOURCES_CSV_LOCATE_H
#define QN_SOURCES_CSV_LOCATE_H

#include "flow/source.h"
#include "sources/csv_scan.h"
#include "sources/text_marks.h"

struct qn_csv_locator {
    const struct qn_csv_dialect *dialect;
    const struct qn_chunk *chunk;
    struct qn_text_window window; /* opened on first use */
    struct qn_text_marks marks;
    struct qn_buf raw;
};

void qn_csv_locator_init(struct qn_csv_locator *locator, const struct qn_csv_dialect *dialect,
                         const struct qn_chunk *chunk);
void qn_csv_locator_fini(struct qn_csv_locator *locator);

/* The record at `offset` begins `line` lines after the chunk's first. Marks come in file order. */
QN_CHECK qn_code qn_csv_locator_mark(struct qn_csv_locator *locator, uint64_t offset, uint64_t line,
                                     struct qn_err *err);

QN_CHECK qn_code qn_csv_locator_find(struct qn_csv_locator *locator, uint64_t offset,
                                     struct qn_location *out, struct qn_err *err);

#endif
