/* sum_log: what the units of rounds gave, in a file of the run's folder, from the last round on
 * that settled what was before it (QN_VERDICT_ANEW): a coordinator that goes on merges it again and
 * has the accumulator of the one before, so that no unit is run again whose result had come.
 *
 *     magic "QNSUMS01" | key u64                       of what the rounds build on
 *     record           stretch u64 | round u32 | unit u32 | bytes u64 | digest u64, u64 |
 *                      check u64 | the part (wire/part.h)
 *                        digest: XXH3-128 of the part; check: XXH3-64 of the rest of the header
 *
 * A stretch begins at the front again, over what the one before it left: records of another stretch
 * than the first one's are none. Written and not waited for, as the log of rounds: a process that
 * is killed loses nothing, a machine without power at most work. */
#ifndef QN_COORDINATOR_SUM_LOG_H
#define QN_COORDINATOR_SUM_LOG_H

#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"

struct qn_sum_log;

/* Opens the file, or begins it anew when there is none of this key. */
QN_CHECK qn_code qn_sum_log_open(const char *path, uint64_t key, struct qn_sum_log **out,
                                 struct qn_err *err);
void qn_sum_log_close(struct qn_sum_log *log); /* NULL: nothing to close */

/* The round that the stretch begins with; false: there is nothing in it. */
bool qn_sum_log_first(const struct qn_sum_log *log, uint32_t *round);
bool qn_sum_log_has(const struct qn_sum_log *log, uint32_t round, uint32_t unit);
/* The part of a unit that it has: appended. */
QN_CHECK qn_code qn_sum_log_get(const struct qn_sum_log *log, uint32_t round, uint32_t unit,
                                struct qn_buf *part, struct qn_err *err);

/* Adds a unit's part. One that it has is not added again, and none past what a file may take
 * (MOST_BYTES): that unit would be run again. */
QN_CHECK qn_code qn_sum_log_put(struct qn_sum_log *log, uint32_t round, uint32_t unit,
                                struct qn_strv part, struct qn_hash128 digest, struct qn_err *err);
/* Nothing of it is needed any more. */
void qn_sum_log_restart(struct qn_sum_log *log);

#endif
