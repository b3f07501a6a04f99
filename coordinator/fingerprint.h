/* fingerprint: is this the file (the plan, the inputs) that it was? */
#ifndef QN_COORDINATOR_FINGERPRINT_H
#define QN_COORDINATOR_FINGERPRINT_H

#include "jobs/plan.h"

enum { QN_FINGERPRINT_HEX = 33 };

/* XXH3-128 of a file's size and of its first, middle and last 64 KiB: cheap on any size, and the
 * same wherever the file lies. */
QN_CHECK qn_code qn_fingerprint_file(const char *path, char out[QN_FINGERPRINT_HEX],
                                     uint64_t *bytes, struct qn_err *err);

/* What it was, or would have been, of the file's first `bytes`. */
QN_CHECK qn_code qn_fingerprint_prefix(const char *path, uint64_t bytes,
                                       char out[QN_FINGERPRINT_HEX], struct qn_err *err);

/* SHA-256 of the plan and of path, size, mtime and fingerprint of every input: two runs with the
 * same key would compute the same. */
QN_CHECK qn_code qn_fingerprint_plan(const struct qn_plan *plan, struct qn_strv plan_bytes,
                                     char out[QN_SHA256_HEX], struct qn_err *err);

#endif
