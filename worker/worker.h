/* worker: a process that leases tasks from a coordinator and hands back their results.
 *
 * One session thread owns the connection; executor threads (slots) do the work. A worker owns no
 * state: it may come at any time, and go at any time by SIGTERM (drain) or worse. */
#ifndef QN_WORKER_WORKER_H
#define QN_WORKER_WORKER_H

#include <signal.h>

#include "base/err.h"

struct qn_worker_options {
    const char *endpoint;
    uint32_t slots;
    uint64_t memory_bytes; /* what the process should get by with */
    int64_t patience_ms;   /* how long to look for a coordinator before giving up; -1: for ever */
    const volatile sig_atomic_t *stop; /* 1: drain; 2: leave at once */
};

/* Returns when the run is over (QN_OK), when drained (QN_OK), when refused (QN_ENOTSUP with the
 * coordinator's reason) or when no coordinator was found in time (QN_EIO). */
QN_CHECK qn_code qn_worker_run(const struct qn_worker_options *options, struct qn_err *err);

#endif
