#include "cli/local.h"

#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "cli/crew.h"

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
    (void)number;
    stop = 1;
}

const volatile sig_atomic_t *qn_local_stop(void)
{
    return &stop;
}

/* --- scratch --------------------------------------------------------------------------------- */

qn_code qn_local_begin(struct qn_local *local, const char *name, struct qn_err *err)
{
    const char *where = local->common->state ? local->common->state : getenv("TMPDIR");
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    if (local->common->state && mkdir(where, 0755) != 0 && errno != EEXIST)
        return qn_err_io(err, "make folder", where);
    char path[4000];
    if (!where || !*where || !realpath(where, path))
        snprintf(path, sizeof path, "/var/tmp");
    snprintf(local->scratch, sizeof local->scratch, "%s/quern-%s-XXXXXX", path, name);
    return mkdtemp(local->scratch) ? QN_OK : qn_err_io(err, "make a folder in", path);
}

static int remove_one(const char *path, const struct stat *at, int kind, struct FTW *place)
{
    (void)at;
    (void)kind;
    (void)place;
    return remove(path);
}

void qn_local_end(struct qn_local *local)
{
    nftw(local->scratch, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* --- the run --------------------------------------------------------------------------------- */

static uint32_t workers_for(const struct qn_local *local, uint64_t input_bytes)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (local->n_workers)
        return local->n_workers;
    if (input_bytes <= QN_DEFAULT_CHUNK_BYTES || cores < 1)
        return 1;
    return cores < QN_CREW_MOST ? (uint32_t)cores : QN_CREW_MOST;
}

static qn_code run_at(struct qn_local *local, const struct qn_plan *plan, struct qn_strv bytes,
                      const char *endpoint, uint64_t input_bytes, const struct qn_run_tap *tap,
                      struct qn_err *err)
{
    bool shows =
        input_bytes > 8 * QN_DEFAULT_CHUNK_BYTES && !local->common->quiet && isatty(STDERR_FILENO);
    uint32_t n = workers_for(local, input_bytes);
    struct qn_crew crew = {.n = n,
                           .slots = 1,
                           .memory_bytes = local->memory_bytes ? local->memory_bytes
                                                               : qn_cli_default_memory(n)};
    struct qn_coordinator_options options = {.plan = plan,
                                             .plan_bytes = bytes,
                                             .state_folder = local->scratch,
                                             .listen = endpoint,
                                             .fleeting = true,
                                             .tap = tap,
                                             .progress =
                                                 shows ? QN_PROGRESS_LIVE : QN_PROGRESS_NONE,
                                             .stop = &stop,
                                             .tend = qn_crew_tend,
                                             .context = &crew};
    struct qn_coordinator_outcome outcome;
    qn_crew_fork(&crew, endpoint); /* nothing is open that must not cross a fork */
    qn_code code = qn_coordinator_run(&options, &outcome, err);
    qn_crew_dismiss(&crew);
    if (code == QN_OK && !outcome.succeeded)
        return qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT, "%.470s", outcome.failure);
    return code;
}

qn_code qn_local_run(struct qn_local *local, const struct qn_plan *plan, uint64_t input_bytes,
                     const struct qn_run_tap *tap, struct qn_err *err)
{
    char folder[] = "/tmp/quern-XXXXXX", endpoint[64], path[80];
    struct qn_buf bytes;
    qn_buf_init(&bytes);
    qn_plan_pack(plan, &bytes);
    qn_code code = qn_buf_check(&bytes, "the plan", err);
    if (code == QN_OK && !mkdtemp(folder)) /* sockets have short names only */
        code = qn_err_io(err, "make a folder in", "/tmp");
    if (code == QN_OK) {
        snprintf(endpoint, sizeof endpoint, "ipc://%s/c", folder);
        code = run_at(local, plan, qn_buf_strv(&bytes), endpoint, input_bytes, tap, err);
        for (int i = 0; i < 2; i++) {
            snprintf(path, sizeof path, "%s/c%s", folder, i ? ".data" : "");
            unlink(path);
        }
        rmdir(folder);
    }
    qn_buf_fini(&bytes);
    return code;
}
