/* csv_locate: the bytes of a record that was read before. */
#ifndef QN_SOURCES_CSV_LOCATE_H
#define QN_SOURCES_CSV_LOCATE_H

#include "sources/csv_scan.h"
#include "sources/text_locate.h"

/* qn_text_record_fn; `dialect` is a struct qn_csv_dialect. */
bool qn_csv_record_at(const void *dialect, const struct qn_text_window *window, size_t at,
                      struct qn_strv *record);

#endif
