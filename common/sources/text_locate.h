/* text_locate: the line and the raw bytes of a record that was read before.
 *
 * Lines are counted only when somebody asks, from the nearest mark before the record; calls in
 * file order go on from where the last one stopped. */
#ifndef QN_SOURCES_TEXT_LOCATE_H
#define QN_SOURCES_TEXT_LOCATE_H

#include "sources/text_marks.h"

/* The record that begins at `at` of the window; false: it goes on past what the window holds. */
typedef bool (*qn_text_record_fn)(const void *format, const struct qn_text_window *window,
                                  size_t at, struct qn_strv *record);

struct qn_text_locator {
    const struct qn_chunk *chunk; /* borrowed */
    qn_text_record_fn record;
    const void *format;           /* what `record` is given */
    struct qn_text_window window; /* opened on first use */
    enum qn_text_encoding encoding;
    struct qn_text_marks marks; /* the reader adds where its batches begin */
    struct qn_buf raw;
};

/* For UTF-8 in which a lone CR ends a line, too; who knows better says so in encoding and marks. */
void qn_text_locator_init(struct qn_text_locator *locator, const struct qn_chunk *chunk,
                          qn_text_record_fn record, const void *format);
void qn_text_locator_fini(struct qn_text_locator *locator);

/* The record at `offset`; its raw bytes are good until the next call. */
QN_CHECK qn_code qn_text_locator_find(struct qn_text_locator *locator, uint64_t offset,
                                      struct qn_location *out, struct qn_err *err);

#endif
