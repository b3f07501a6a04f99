/* brief: what all tasks of one stage (of one round) share: states of earlier stages, files of a
 * shuffle, sides of a join, the model. Sent to a worker once, by content hash. */
#ifndef QN_JOBS_BRIEF_H
#define QN_JOBS_BRIEF_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/limits.h"
#include "flow/job.h"

struct qn_brief_files {
    const char **paths;
    uint32_t n;
};

struct qn_brief {
    uint32_t n_units;
    struct qn_strv states[QN_MAX_STAGES]; /* by stage; empty: not finished, or has none */
    struct qn_brief_files partitions[QN_MAX_STAGES]; /* by stage whose partitions are read: its
                                                        parts, in unit order */
    struct qn_brief_files sides[QN_MAX_SIDES]; /* by qn_job.sides: the parts of each dataset */
    uint32_t shuffled;                         /* sides, a bit each: see qn_task_in */
    uint32_t n_chunks;
    struct qn_strv model;
    uint32_t model_version;
    struct qn_strv fresh; /* a bit a unit, lowest first: see qn_task_in; empty: none is */
    uint64_t fresh_known, fresh_most;
};

void qn_brief_pack(const struct qn_brief *brief, struct qn_buf *out);
/* Texts borrow from the bytes; arrays and paths live in the arena. */
QN_CHECK qn_code qn_brief_unpack(struct qn_strv bytes, struct qn_arena *arena, struct qn_brief *out,
                                 struct qn_err *err);

#endif
