/* coordinator: the process that owns a run. One thread: wait, decode, step, act.
 *
 * In one turn of the loop, in this order:
 *   1. wait for frames (or a heartbeat's time, or a signal)
 *   2. take every frame: control before data
 *   3. tell the schedule that time passed
 *   4. make commits durable, and only then acknowledge them
 *   5. send heartbeats, credit and progress */
#ifndef QN_COORDINATOR_COORDINATOR_H
#define QN_COORDINATOR_COORDINATOR_H

#include <signal.h>

#include "coordinator/run.h"

enum qn_progress { QN_PROGRESS_NONE, QN_PROGRESS_LINES, QN_PROGRESS_LIVE };

struct qn_coordinator_options {
    const struct qn_plan *plan;
    struct qn_strv plan_bytes;
    const char *state_folder;
    const char *listen;
    bool full_refresh, fleeting; /* see run.h */
    const struct qn_run_tap *tap;
    enum qn_progress progress;
    const volatile sig_atomic_t *stop; /* raised: end the run so that it can be resumed */
    /* Called once when workers may dial, and once a turn after that (NULL: never): `quern run`
     * starts and replaces its worker processes here. */
    void (*tend)(void *context, const char *endpoint);
    void *context;
};

struct qn_coordinator_outcome {
    char run_id[64];
    bool resumed, succeeded;
    double seconds;
    char failure[1200]; /* of the first job that failed */
};

/* QN_OK: the run is over, see outcome. QN_ECANCEL: stopped, can be resumed. Anything else: the
 * coordinator could not go on, and the run can be resumed once that is mended. */
QN_CHECK qn_code qn_coordinator_run(const struct qn_coordinator_options *options,
                                    struct qn_coordinator_outcome *outcome, struct qn_err *err);

#endif
