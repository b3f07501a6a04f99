/* compact: neighbouring small files of a folder become one: a new snapshot holds the same rows in
 * the same order. Bytes are copied, nothing is decoded. */
#ifndef QN_LAKE_COMPACT_H
#define QN_LAKE_COMPACT_H

#include "base/err.h"

struct qn_compact_result {
    uint64_t snapshot; /* the newest afterwards */
    uint32_t files_before, files_after;
};

/* Files grow to `file_bytes`. Nothing worth joining is no mistake: no snapshot is made. QN_EINPUT:
 * another writer took away what was joined meanwhile; nothing has changed. QN_ENOTSUP: files of the
 * format are not joined. */
QN_CHECK qn_code qn_dataset_compact(const char *folder, uint64_t file_bytes,
                                    struct qn_compact_result *out, struct qn_err *err);

#endif
