/* crew: the local worker processes of `quern run`, replaced when they die.
 *
 * The first ones are forked by a launcher that has nothing yet which must not cross a fork: no
 * thread, socket, database or lock. They have its code loaded and linked, and wait at a gate until
 * somebody listens. Those that replace them are started anew, for by then the launcher has all of
 * that. */
#ifndef QN_CLI_CREW_H
#define QN_CLI_CREW_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { QN_CREW_MOST = 256 };

struct qn_crew {
    pid_t pids[QN_CREW_MOST]; /* 0, -1: to be started */
    int64_t started_ms[QN_CREW_MOST];
    uint32_t n;
    uint32_t slots; /* of each */
    uint64_t memory_bytes;
    bool verbose; /* its workers tell of every task */
    int gate;     /* a byte for each that may dial; -1: open */
};

/* Forks all n, which will dial `endpoint`; to be called before anything else is begun. Who could
 * not be forked is started by the first qn_crew_tend(). */
void qn_crew_fork(struct qn_crew *crew, const char *endpoint);

/* Somebody listens at `endpoint`: opens the gate, and starts who is missing; not faster than every
 * 200 ms each, so that a crash loop stays cheap. The context is the crew. */
void qn_crew_tend(void *context, const char *endpoint);

/* The coordinator is done, whatever came of the run: ends what there still is of the workers, and
 * returns when they are gone. */
void qn_crew_dismiss(struct qn_crew *crew);

#endif
