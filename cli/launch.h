/* launch: what `run` and `coordinator` share: a plan made and complained about, the state folder,
 * signals, the run itself, and its summary. */
#ifndef QN_CLI_LAUNCH_H
#define QN_CLI_LAUNCH_H

#include "cli/cli.h"
#include "coordinator/coordinator.h"

struct qn_launch {
    struct qn_cli_common common;
    const char *spec, *warehouse;
    const char *listen;
    void (*tend)(void *context, const char *endpoint);
    void *context;
};

/* Makes the plan; on mistakes they are on stderr (or JSON on stdout) and the exit code is in
 * *exit. */
bool qn_launch_plan(const struct qn_cli_common *common, const struct qn_plan_options *options,
                    struct qn_plan *plan, int *exit);

/* Runs to the end; returns the exit code. */
int qn_launch_run(const struct qn_launch *launch);

#endif
