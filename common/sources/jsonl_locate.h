/* jsonl_locate: the bytes of a record that was read before. */
#ifndef QN_SOURCES_JSONL_LOCATE_H
#define QN_SOURCES_JSONL_LOCATE_H

#include "sources/text_locate.h"

/* qn_text_record_fn, of records that are lines and of records that are values; `format` is not
 * used. */
bool qn_jsonl_line_at(const void *format, const struct qn_text_window *window, size_t at,
                      struct qn_strv *record);
bool qn_jsonl_value_at(const void *format, const struct qn_text_window *window, size_t at,
                       struct qn_strv *record);

#endif
