/* csv_refuse: files that are no CSV text, named for what they are. */
#ifndef QN_SOURCES_CSV_REFUSE_H
#define QN_SOURCES_CSV_REFUSE_H

#include <stddef.h>

#include "base/err.h"
#include "sources/csv_encoding.h"

/* QN_ENOTSUP with what to do when the first bytes are those of another format, or of text in
 * another encoding. */
QN_CHECK qn_code qn_csv_refuse_foreign(const char *path, const char *bytes, size_t len,
                                       enum qn_csv_encoding encoding, struct qn_err *err);

#endif
