#include "cli/crew.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "cli/cli.h"

enum { RESPAWN_MS = 200 };

/* --- forked ---------------------------------------------------------------------------------- */

/* Whether the launcher came to listen; else it has ended, or has no use for us. */
static bool pass_gate(int gate)
{
    char byte;
    return read(gate, &byte, sizeof byte) == (ssize_t)sizeof byte;
}

/* Never returns. As `quern worker` does, and start_worker() asks of it. */
static void serve(const struct qn_crew *crew, int gate, const char *endpoint, pid_t launcher)
{
    const struct qn_cli_common common = {.verbose = crew->verbose};
    const struct qn_worker_options worker = {.endpoint = endpoint,
                                             .slots = crew->slots,
                                             .memory_bytes = crew->memory_bytes,
                                             .patience_ms = -1};
    close(crew->gate); /* or the gate would never be seen closing */
    if (!qn_cli_serve(launcher) || !pass_gate(gate))
        exit(QN_EXIT_FAILED);
    close(gate);
    exit(qn_cli_work(&common, &worker));
}

void qn_crew_fork(struct qn_crew *crew, const char *endpoint)
{
    int gate[2];
    pid_t launcher = getpid();
    crew->gate = -1;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, gate) != 0)
        return;
    crew->gate = gate[1];
    for (uint32_t i = 0; i < crew->n; i++) {
        crew->started_ms[i] = qn_clock_ms();
        crew->pids[i] = fork();
        if (crew->pids[i] == 0)
            serve(crew, gate[0], endpoint, launcher);
    }
    close(gate[0]);
}

static void open_gate(struct qn_crew *crew)
{
    static const char bytes[QN_CREW_MOST];
    if (crew->gate < 0)
        return;
    /* A socket, for a pipe that nobody reads any more would end us, too. */
    if (send(crew->gate, bytes, crew->n, MSG_NOSIGNAL) != (ssize_t)crew->n)
        qn_log_debug("cannot tell the workers to begin: %s", strerror(errno));
    close(crew->gate);
    crew->gate = -1;
}

/* --- started anew ---------------------------------------------------------------------------- */

static pid_t start_worker(const struct qn_crew *crew, const char *endpoint)
{
    char self[] = "/proc/self/exe", slots[16], memory[24], parent[40];
    snprintf(slots, sizeof slots, "%u", crew->slots);
    snprintf(memory, sizeof memory, "%llu", (unsigned long long)crew->memory_bytes);
    snprintf(parent, sizeof parent, "--with-parent=%d", (int)getpid());
    char *address = strdup(endpoint);
    char *argv[] = {(char[]){"quern"},
                    (char[]){"worker"},
                    (char[]){"--connect"},
                    address,
                    (char[]){"--slots"},
                    slots,
                    (char[]){"--memory"},
                    memory,
                    parent,
                    crew->verbose ? (char[]){"--verbose"} : NULL,
                    NULL};
    pid_t pid = -1;
    if (!address || posix_spawn(&pid, self, NULL, NULL, argv, environ) != 0)
        pid = -1;
    free(address);
    return pid;
}

void qn_crew_tend(void *context, const char *endpoint)
{
    struct qn_crew *crew = context;
    int64_t now = qn_clock_ms();
    open_gate(crew);
    for (uint32_t i = 0; i < crew->n; i++) {
        int status;
        if (crew->pids[i] > 0 && waitpid(crew->pids[i], &status, WNOHANG) == crew->pids[i]) {
            qn_log_debug("worker process %d ended", (int)crew->pids[i]);
            crew->pids[i] = 0;
        }
        if (crew->pids[i] > 0 || (crew->started_ms[i] && now - crew->started_ms[i] < RESPAWN_MS))
            continue;
        crew->started_ms[i] = now;
        crew->pids[i] = start_worker(crew, endpoint);
        if (crew->pids[i] < 0)
            qn_log_warn("cannot start a worker: %s", strerror(errno));
    }
}

/* --- the end --------------------------------------------------------------------------------- */

/* Nothing that a worker still holds outlives its coordinator: results nobody takes any more, and
 * scratch files without names. Taking its sockets and threads down would only keep us waiting. */
void qn_crew_dismiss(struct qn_crew *crew)
{
    if (crew->gate >= 0) /* it never opened: who waits at it sees it close */
        close(crew->gate);
    crew->gate = -1;
    for (uint32_t i = 0; i < crew->n; i++)
        if (crew->pids[i] > 0)
            kill(crew->pids[i], SIGKILL);
    int status;
    for (uint32_t i = 0; i < crew->n; i++)
        while (crew->pids[i] > 0 && waitpid(crew->pids[i], &status, 0) < 0 && errno == EINTR) {
        }
}
