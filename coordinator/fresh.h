/* fresh: what of a job's input came since a model was trained, as far as the ledger knows.
 *
 * A file is known by its fingerprint: one that the run of the model's training read (_quern_inputs)
 * is old, wherever it lies now. A file of the same path that begins with all that was read then has
 * grown: it is fresh, less the rows that it had. Any other file is new as a whole.
 *
 * Units of a job that reads files, itself or through jobs that give their rows chunk by chunk, are
 * fresh when their file is. Where a job in between has dealt rows anew (by group, key or order),
 * nobody can tell which came from where: then all units are fresh as soon as one file is, and no
 * more rows are new than the fresh files brought. */
#ifndef QN_COORDINATOR_FRESH_H
#define QN_COORDINATOR_FRESH_H

#include "coordinator/run.h"

struct qn_fresh {
    uint8_t *units; /* a bit each, lowest first */
    uint32_t n_bytes;
    uint64_t known, most; /* rows; see qn_task_in */
};

/* Since version `version` of the job's model was trained. The bits are in the arena. */
QN_CHECK qn_code qn_fresh_find(const struct qn_run *run, const struct qn_job_run *job,
                               uint32_t version, struct qn_arena *arena, struct qn_fresh *out,
                               struct qn_err *err);

#endif
