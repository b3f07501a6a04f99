/* json: text written as JSON strings. */
#ifndef QN_BASE_JSON_H
#define QN_BASE_JSON_H

#include "base/buf.h"
#include "base/strv.h"

/* With its quotes. Malformed UTF-8 becomes U+FFFD, so that the result is always valid JSON. */
void qn_json_put_text(struct qn_buf *out, struct qn_strv text);

#endif
