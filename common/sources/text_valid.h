/* text_valid: how far the records of an index are UTF-8, looked at once a byte. */
#ifndef QN_SOURCES_TEXT_VALID_H
#define QN_SOURCES_TEXT_VALID_H

#include <stddef.h>
#include <stdint.h>

struct qn_text_valid {
    size_t to; /* bytes up to here are UTF-8, */
    size_t at; /* and here they are not; SIZE_MAX: none known */
};

/* Of the n records that end at breaks[0..n), the first of which begins at or before `from`: how
 * many from the first on are UTF-8. Calls go forward through the bytes. */
uint32_t qn_text_valid_records(struct qn_text_valid *valid, const char *bytes, size_t from,
                               const uint32_t *breaks, uint32_t n);

#endif
