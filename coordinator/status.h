/* status: how far a run is, as the answer to whoever asks (QN_MSG_STATUS). */
#ifndef QN_COORDINATOR_STATUS_H
#define QN_COORDINATOR_STATUS_H

#include "coordinator/run.h"

/* Texts are borrowed from the run, the list of jobs lives in the arena. */
QN_CHECK qn_code qn_status_tell(const struct qn_run *run, const struct qn_schedule_counts *counts,
                                int64_t started_us, struct qn_arena *arena, struct qn_msg *out,
                                struct qn_err *err);

#endif
