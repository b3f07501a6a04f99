/* mapping: an array that grows in a file without a name, mapped: for what is too large for memory.
 * The kernel writes its pages out and reads them back as it must. Nothing is left of it, whatever
 * ends the process. */
#ifndef QN_WIRE_MAPPING_H
#define QN_WIRE_MAPPING_H

#include <stddef.h>

#include "base/err.h"

struct qn_mapping {
    void *at; /* NULL: nothing yet */
    size_t bytes;
    int fd;
};

/* At least so many bytes, in a file on the file system of `folder`. What was there stays, what
 * comes anew is zeros, and `at` may move. */
QN_CHECK qn_code qn_mapping_grow(struct qn_mapping *mapping, const char *folder, size_t bytes,
                                 struct qn_err *err);
/* What is in memory of it goes to the kernel, until it is asked for again. */
void qn_mapping_rest(const struct qn_mapping *mapping);
/* Of one that is all zeros, too. */
void qn_mapping_drop(struct qn_mapping *mapping);

#endif
