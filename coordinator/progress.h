/* progress: what a person watching stderr sees while a run goes on. */
#ifndef QN_COORDINATOR_PROGRESS_H
#define QN_COORDINATOR_PROGRESS_H

#include "coordinator/coordinator.h"

struct qn_progress_state {
    enum qn_progress mode;
    int64_t started_ms, shown_ms;
    uint32_t lines; /* of the live display on screen */
};

void qn_progress_begin(struct qn_progress_state *state, enum qn_progress mode);
/* Shows what changed when its time has come. */
void qn_progress_show(struct qn_progress_state *state, const struct qn_run *run,
                      const struct qn_schedule_counts *counts, const char *endpoint);
void qn_progress_end(struct qn_progress_state *state);

#endif
