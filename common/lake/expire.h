/* expire: old snapshots are let go, and with them the files that only they name, and what killed
 * loads left. */
#ifndef QN_LAKE_EXPIRE_H
#define QN_LAKE_EXPIRE_H

#include "base/err.h"

struct qn_expire_options {
    uint32_t keep;        /* the newest so many stay, one at least */
    int64_t older_than_s; /* and those that are not older; 0: age does not count */
    bool dry_run;         /* only count */
};
struct qn_expire_result {
    uint32_t snapshots, kept; /* let go, and there still */
    uint32_t files;           /* removed */
    uint64_t bytes;
};

/* A load or compaction under way loses nothing; who reads an old snapshot may. */
QN_CHECK qn_code qn_dataset_expire(const char *folder, const struct qn_expire_options *options,
                                   struct qn_expire_result *out, struct qn_err *err);

#endif
