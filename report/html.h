/* html: markup and texts into one buffer. The one place where texts are escaped: markup is always
 * a format of ours, and whatever comes from a warehouse goes in as its %s. What comes out is HTML
 * that is well-formed XML too. */
#ifndef QN_REPORT_HTML_H
#define QN_REPORT_HTML_H

#include "base/buf.h"

/* Markup with values in it: %s (escaped; NULL: nothing), %u, %llu, %.Nf, %.Ng and %%, nothing
 * else. */
void qn_html_put(struct qn_buf *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Text as content or between double quotes: & < > " ' as references; bytes that are no UTF-8, and
 * characters that a page must not hold, as U+FFFD. */
void qn_html_text(struct qn_buf *out, const char *text);

/* A number for people: 1,234,567 or 12.35 or 3.1e-07; NaN is a dash. */
enum { QN_HTML_NUMBER = 48 };
const char *qn_html_number(double value, char out[QN_HTML_NUMBER]);

#endif
