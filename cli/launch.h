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
    const char *select[QN_CLI_SELECTED]; /* names of jobs */
    uint32_t n_select;
    bool full_refresh;
    void (*tend)(void *context, const char *endpoint);
    void *context;
};

/* Makes the plan; its warnings are on stderr. Mistakes are there too (or JSON on stdout), and the
 * exit code is in *exit. */
bool qn_launch_plan(const struct qn_cli_common *common, const struct qn_plan_options *options,
                    struct qn_plan *plan, int *exit);

/* Mistakes and warnings: as text on stderr, or as one JSON array on stdout. */
void qn_launch_show(const struct qn_cli_common *common, struct qn_diags *diags, bool json);

/* What `run` and `coordinator` take beside the common options. */
/* clang-format off */
#define QN_LAUNCH_LONG                                                                             \
    {"warehouse", required_argument, NULL, 'w'}, {"select", required_argument, NULL, 'j'},         \
    {"full-refresh", no_argument, NULL, 'f'}, QN_CLI_COMMON_LONG
/* clang-format on */
#define QN_LAUNCH_HELP                                                                             \
    "  --select JOB ...     these jobs and what they need, nothing else\n"                         \
    "  --full-refresh       start over instead of going on with an unfinished run\n"               \
    "  --warehouse PATH     instead of the spec's\n"                                               \
    "  --set KEY=VALUE      a parameter of the spec; any number of times\n"                        \
    "  --state DIR          journal and scratch (.quern beside the spec)\n"                        \
    "  --json, --quiet, --verbose, --no-color, --log-format text|json\n"

/* Takes one of the options above; false when it is none of them or its argument is wrong (said). */
bool qn_launch_option(struct qn_launch *launch, int option, char *argument);
/* Words that are no options: SPEC, and behind it more jobs of --select. False: say the usage. */
bool qn_launch_words(struct qn_launch *launch, int n, char **words);

/* Runs to the end; returns the exit code. */
int qn_launch_run(const struct qn_launch *launch);

#endif
