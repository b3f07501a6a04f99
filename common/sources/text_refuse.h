/* text_refuse: files that are no text, named for what they are. */
#ifndef QN_SOURCES_TEXT_REFUSE_H
#define QN_SOURCES_TEXT_REFUSE_H

#include <stddef.h>

#include "base/err.h"
#include "sources/text_encoding.h"

/* QN_ENOTSUP with what to do when the first bytes are those of another format than `expected`
 * ("CSV"), or of text in another encoding. */
QN_CHECK qn_code qn_text_refuse_foreign(const char *path, const char *expected, const char *bytes,
                                        size_t len, enum qn_text_encoding encoding,
                                        struct qn_err *err);

#endif
