/* report: one page about a run, for people who would rather look than read. It is made of what the
 * warehouse holds and of nothing else: no time of day, no name of a file, no resource from
 * elsewhere. The same warehouse gives the same bytes. */
#ifndef QN_REPORT_REPORT_H
#define QN_REPORT_REPORT_H

#include "base/buf.h"
#include "coordinator/store.h"

/* Appends the page: HTML in UTF-8 that is well-formed XML, with its style and pictures in it. */
QN_CHECK qn_code qn_report_write(struct qn_store *store, const char *run_id, struct qn_buf *out,
                                 struct qn_err *err);

#endif
