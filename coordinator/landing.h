/* landing: segments that workers wrote become files, in unit order: bytes are copied, and the
 * segments of neighbouring units in one folder share a file until it is large enough.
 *
 * Nothing is seen before publish(): files grow in a folder of the load and are moved into the
 * dataset when all are durable; a manifest then makes them count. Names and bytes are a function of
 * the run and its units. All of it can be made again from the part files, and is when a run is
 * resumed. */
#ifndef QN_COORDINATOR_LANDING_H
#define QN_COORDINATOR_LANDING_H

#include "flow/job.h"

struct qn_landing;

struct qn_landing_options {
    const char *run_id, *spec_sha256;
    const struct qn_job *job; /* its rows go to files */
};

/* Begins anew, whatever an earlier life left. QN_EINPUT with blame job: the dataset that is there
 * is one of other columns. Options are borrowed until close. */
QN_CHECK qn_code qn_landing_open(const struct qn_landing_options *options, struct qn_landing **out,
                                 struct qn_err *err);
/* What the next unit wrote, from its part file. */
QN_CHECK qn_code qn_landing_add(struct qn_landing *landing, uint32_t unit, const char *part,
                                struct qn_err *err);
/* Everybody sees the rows, after all that can fail has not. A second call for the same run, in any
 * life of it, changes nothing. */
QN_CHECK qn_code qn_landing_publish(struct qn_landing *landing, struct qn_err *err);
/* Nothing of the load is left. */
void qn_landing_discard(struct qn_landing *self);
void qn_landing_close(struct qn_landing *self);

#endif
