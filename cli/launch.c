#include "cli/launch.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/summary.h"
#include "coordinator/fingerprint.h"
#include "coordinator/pins.h"

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
    (void)number;
    stop = 1;
}

void qn_launch_show(const struct qn_cli_common *common, struct qn_diags *diags, bool json)
{
    struct qn_buf text;
    qn_buf_init(&text);
    if (json)
        qn_diags_render_json(diags, &text);
    else
        qn_diags_render(diags, &text, !common->no_color && isatty(STDERR_FILENO));
    if (text.len)
        fwrite(text.data, 1, text.len, json ? stdout : stderr);
    qn_buf_fini(&text);
}

/* Warnings, or what was wrong. */
static bool show_plan(const struct qn_cli_common *common, qn_code code, struct qn_plan *plan,
                      const struct qn_err *err, int *exit)
{
    if (code == QN_OK) { /* warnings: stdout is for what was asked */
        qn_launch_show(common, &plan->spec.diags, false);
        return true;
    }
    if (code == QN_EINPUT)
        qn_launch_show(common, &plan->spec.diags, common->json);
    if (!common->json || code != QN_EINPUT)
        qn_cli_complain(common, err);
    *exit = QN_EXIT_USAGE;
    return false;
}

bool qn_launch_plan(const struct qn_cli_common *common, const struct qn_plan_options *options,
                    struct qn_plan *plan, int *exit)
{
    struct qn_err err = {0};
    qn_code code = qn_plan_make(plan, options, &err);
    return show_plan(common, code, plan, &err, exit);
}

static bool select_job(struct qn_launch *launch, const char *name)
{
    if (launch->n_select < QN_CLI_SELECTED) {
        launch->select[launch->n_select++] = name;
        return true;
    }
    fprintf(stderr, "quern: more than %d selected jobs are refused\n", QN_CLI_SELECTED);
    return false;
}

bool qn_launch_option(struct qn_launch *launch, int option, char *argument)
{
    switch (option) {
    case 'w': launch->warehouse = argument; return true;
    case 'j': return select_job(launch, argument);
    case 'f': launch->full_refresh = true; return true;
    default: return qn_cli_common(&launch->common, option, argument);
    }
}

bool qn_launch_words(struct qn_launch *launch, int n, char **words)
{
    if (n < 1 || (n > 1 && !launch->n_select))
        return false;
    launch->spec = words[0];
    for (int i = 1; i < n; i++)
        if (!select_job(launch, words[i]))
            return false;
    return true;
}

static bool override_warehouse(const struct qn_launch *launch, struct qn_plan *plan)
{
    char here[4096];
    if (!launch->warehouse)
        return true;
    plan->spec.warehouse = launch->warehouse[0] == '/' || !getcwd(here, sizeof here)
                               ? launch->warehouse
                               : qn_arena_printf(&plan->arena, "%s/%s", here, launch->warehouse);
    return plan->spec.warehouse != NULL;
}

static double seconds_of(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static int conclude(const struct qn_launch *launch, const struct qn_plan *plan, qn_code code,
                    const struct qn_coordinator_outcome *outcome, struct qn_err *err)
{
    if (code == QN_ECANCEL) {
        qn_log_info("interrupted; the same command goes on with run %s", outcome->run_id);
        return QN_EXIT_INTERRUPTED;
    }
    if (code != QN_OK) {
        qn_cli_complain(&launch->common, err);
        if (outcome->run_id[0])
            qn_log_info("once that is mended, the same command goes on with run %s",
                        outcome->run_id);
        return QN_EXIT_FAILED;
    }
    if (!launch->common.quiet || launch->common.json) {
        struct rusage used = {0};
        getrusage(RUSAGE_SELF, &used);
        struct qn_summary_cost cost = {.seconds = outcome->seconds,
                                       .cpu_seconds =
                                           seconds_of(used.ru_utime) + seconds_of(used.ru_stime),
                                       .peak_bytes = (double)used.ru_maxrss * 1024};
        code = qn_summary_print(stdout, plan->spec.warehouse, outcome->run_id, launch->common.json,
                                &cost, err);
        if (code != QN_OK)
            qn_cli_complain(&launch->common, err);
    }
    return outcome->succeeded && code == QN_OK ? QN_EXIT_OK : QN_EXIT_FAILED;
}

static int run_plan(const struct qn_launch *launch, struct qn_plan *plan)
{
    struct qn_err err = {0};
    struct qn_buf bytes;
    const char *state = qn_cli_state(&launch->common, plan->spec.folder, &plan->arena);
    if (!state || !override_warehouse(launch, plan)) {
        fprintf(stderr, "quern: no memory for the state folder's path\n");
        return QN_EXIT_FAILED;
    }
    if (mkdir(state, 0755) != 0 && errno != EEXIST) {
        fprintf(stderr, "quern: cannot make the state folder %s: %s; say --state DIR for another\n",
                state, strerror(errno));
        return QN_EXIT_FAILED;
    }
    if (qn_plan_check_warehouse(plan, &err) != QN_OK) {
        qn_cli_complain(&launch->common, &err);
        return QN_EXIT_USAGE;
    }
    qn_buf_init(&bytes);
    qn_plan_pack(plan, &bytes);
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    struct qn_coordinator_options coordinator = {.plan = plan,
                                                 .plan_bytes = qn_buf_strv(&bytes),
                                                 .state_folder = state,
                                                 .listen = launch->listen,
                                                 .full_refresh = launch->full_refresh,
                                                 .progress = launch->common.quiet ? QN_PROGRESS_NONE
                                                             : isatty(STDERR_FILENO)
                                                                 ? QN_PROGRESS_LIVE
                                                                 : QN_PROGRESS_LINES,
                                                 .stop = &stop,
                                                 .tend = launch->tend,
                                                 .context = launch->context};
    struct qn_coordinator_outcome outcome = {0};
    qn_code code = qn_buf_check(&bytes, "the plan", &err);
    if (code == QN_OK)
        code = qn_coordinator_run(&coordinator, &outcome, &err);
    qn_buf_fini(&bytes);
    return conclude(launch, plan, code, &outcome, &err);
}

static bool has_key(const struct qn_plan *plan, const char *key)
{
    struct qn_buf bytes;
    char found[QN_SHA256_HEX];
    qn_buf_init(&bytes);
    qn_plan_pack(plan, &bytes);
    bool same = !bytes.failed &&
                qn_fingerprint_plan(plan, qn_buf_strv(&bytes), found, NULL) == QN_OK &&
                strcmp(found, key) == 0;
    qn_buf_fini(&bytes);
    return same;
}

/* The plan of the unfinished run that this one goes on with, where that is not what the newest
 * snapshots give. */
static bool plan_pinned(const struct qn_launch *launch, const struct qn_plan_options *options,
                        struct qn_plan *newest, struct qn_plan *out)
{
    struct qn_pins pins;
    if (launch->full_refresh || !newest->spec.folder)
        return false;
    const char *state = qn_cli_state(&launch->common, newest->spec.folder, &newest->arena);
    if (!state || !qn_pins_find(state, newest->spec.sha256, &newest->arena, &pins))
        return false;
    struct qn_plan_options pinned = *options;
    pinned.pins = pins.pins;
    pinned.n_pins = pins.n;
    if (qn_plan_make(out, &pinned, NULL) == QN_OK && has_key(out, pins.key))
        return true;
    qn_plan_fini(out);
    return false;
}

int qn_launch_run(const struct qn_launch *launch)
{
    struct qn_plan plan, pinned;
    struct qn_err err = {0};
    struct qn_plan_options options = {.path = launch->spec,
                                      .settings = launch->common.settings,
                                      .n_settings = launch->common.n_settings,
                                      .select = launch->select,
                                      .n_select = launch->n_select};
    int exit = QN_EXIT_OK;
    qn_cli_setup_log(&launch->common, "quern");
    qn_code code = qn_plan_make(&plan, &options, &err);
    if (plan_pinned(launch, &options, &plan, &pinned)) {
        exit = run_plan(launch, &pinned);
        qn_plan_fini(&pinned);
    } else if (show_plan(&launch->common, code, &plan, &err, &exit)) {
        exit = run_plan(launch, &plan);
    }
    qn_plan_fini(&plan);
    return exit;
}
