/* cli: the `quern` command. One file a subcommand, one line in commands.def. */
#ifndef QN_CLI_CLI_H
#define QN_CLI_CLI_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"
#include "spec/spec.h"
#include "worker/worker.h"

/* Exit codes that scripts rely on. */
enum { QN_EXIT_OK = 0, QN_EXIT_FAILED = 1, QN_EXIT_USAGE = 2, QN_EXIT_INTERRUPTED = 130 };

enum { QN_CLI_SETTINGS = 64, QN_CLI_SELECTED = 256 };

/* What most subcommands take, read by qn_cli_common(). */
struct qn_cli_common {
    bool json, quiet, verbose, no_color, log_json;
    const char *state;
    struct qn_setting settings[QN_CLI_SETTINGS];
    uint32_t n_settings;
};

#define QN_CLI_COMMON_SHORT "hqv"
/* clang-format off */
#define QN_CLI_COMMON_LONG                                                                         \
    {"help", no_argument, NULL, 'h'}, {"json", no_argument, NULL, 'J'},                            \
    {"quiet", no_argument, NULL, 'q'}, {"verbose", no_argument, NULL, 'v'},                        \
    {"no-color", no_argument, NULL, 'C'}, {"log-format", required_argument, NULL, 'L'},            \
    {"state", required_argument, NULL, 'S'}, {"set", required_argument, NULL, 'P'}
/* clang-format on */

/* Takes one of the options above; false when it is none of them or its argument is wrong (said). */
bool qn_cli_common(struct qn_cli_common *common, int option, char *argument);
void qn_cli_setup_log(const struct qn_cli_common *common, const char *who);

/* The state folder's absolute path: --state, or .quern in the spec's folder. NULL: no memory. */
const char *qn_cli_state(const struct qn_cli_common *common, const char *spec_folder,
                         struct qn_arena *arena);

/* What --memory says; false when it is no size from 1 MiB on (said). */
bool qn_cli_memory(const char *text, uint64_t *bytes);
/* Without it: each of n workers its share of half of what the process may use. */
uint64_t qn_cli_default_memory(uint32_t n_workers);

/* From here on the process ends when `parent` does, and lets it go first where they share a core:
 * all wait for what a coordinator writes. False when it has ended already. A worker owns nothing,
 * so the hardest signal loses nothing. */
bool qn_cli_serve(pid_t parent);
/* Works until the run is over or a signal says so (options->stop is set here); the exit code. */
int qn_cli_work(const struct qn_cli_common *common, const struct qn_worker_options *options);

/* "quern: <error>" on stderr, as text or JSON. */
void qn_cli_complain(const struct qn_cli_common *common, const struct qn_err *err);

/* OK; the command is wrong (it names what is not there, or cannot be); or something failed. */
int qn_cli_exit(qn_code code);

/* A whole number of an option; false when it is none or out of range (said). */
bool qn_cli_number(const char *option, const char *text, int64_t low, int64_t high, int64_t *out);

/* An endpoint of an option, for a listener or to dial; false when it is none (said). */
bool qn_cli_endpoint(const char *option, const char *text, bool listens);

/* Text as a JSON string with its quotes. */
void qn_cli_json_text(FILE *out, const char *text);

#define QN_COMMAND(name, function, summary) int function(int argc, char **argv);
#include "cli/commands.def"
#undef QN_COMMAND

#endif
