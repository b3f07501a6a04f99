/* local: a run that leaves nothing but its result: a spec made on the fly, a scratch folder for its
 * state and warehouse, a crew of local workers. */
#ifndef QN_CLI_LOCAL_H
#define QN_CLI_LOCAL_H

#include "cli/cli.h"
#include "coordinator/coordinator.h"

struct qn_local {
    const struct qn_cli_common *common;
    char scratch[4096];    /* absolute */
    uint32_t n_workers;    /* 0: one a core, one alone for small input */
    uint64_t memory_bytes; /* of a worker; 0: its share of the machine's */
};

/* Makes the scratch folder in --state, $TMPDIR or /var/tmp; `name` is in its name. SIGINT and
 * SIGTERM end what is run from now on. */
QN_CHECK qn_code qn_local_begin(struct qn_local *local, const char *name, struct qn_err *err);
/* Raised by them. */
const volatile sig_atomic_t *qn_local_stop(void);
void qn_local_end(struct qn_local *local); /* removes the folder */

/* Runs a plan whose jobs read input_bytes. A job that failed is QN_EINPUT with its words;
 * QN_ECANCEL: interrupted. `tap` may be NULL. */
QN_CHECK qn_code qn_local_run(struct qn_local *local, const struct qn_plan *plan,
                              uint64_t input_bytes, const struct qn_run_tap *tap,
                              struct qn_err *err);

#endif
