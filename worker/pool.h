/* pool: the slots of a worker. Executor threads take work in the order it came; the session thread
 * submits, takes back what nobody started, cancels, and collects what happened.
 *
 * Every function is called by the session thread. What a work holds belongs to whoever has it:
 * the session thread before submit and once it is finished, an executor in between (but for
 * `cancelled`). A pool wakes the session thread through its event descriptor. */
#ifndef QN_WORKER_POOL_H
#define QN_WORKER_POOL_H

#include <stdatomic.h>

#include "base/err.h"
#include "wire/message.h"

struct qn_work;

struct qn_work {
    struct qn_work *next;
    struct qn_token token;
    atomic_bool cancelled;
    bool prompt;        /* its start is told at once, not only when it lasts */
    bool told;          /* the pool's own: its start was */
    int64_t started_us; /* the pool's own */
};

/* What an executor does with a work; `slot` counts from 0 and names the thread. */
typedef void (*qn_pool_fn)(void *context, uint32_t slot, struct qn_work *work);

struct qn_pool;

QN_CHECK qn_code qn_pool_new(uint32_t slots, qn_pool_fn run, void *context, struct qn_pool **out,
                             struct qn_err *err);
/* Cancels what runs, joins the threads. Works still queued are handed to `drop`. */
void qn_pool_free(struct qn_pool *pool, void (*drop)(struct qn_work *work));

void qn_pool_submit(struct qn_pool *pool, struct qn_work *work);
/* The work with this token if no executor started it, else NULL. */
struct qn_work *qn_pool_take_back(struct qn_pool *pool, const struct qn_token *token);
/* Raises the flag of a started work; false when there is none with this token. */
bool qn_pool_cancel(struct qn_pool *pool, const struct qn_token *token);

int qn_pool_wake_fd(const struct qn_pool *pool); /* readable when there is something to collect */
/* The next work that is over, back in the session thread's hands; NULL: none. */
struct qn_work *qn_pool_next_finished(struct qn_pool *pool);
/* Tokens of works that run and whose start was not told yet, at most `room`; returns how many. Most
 * are over before anybody need know: only those are named that have been running for a while. */
uint32_t qn_pool_started(struct qn_pool *pool, struct qn_token *tokens, uint32_t room);
/* How long the session thread may sleep: `most_ms`, or less when a start is to be told by then. */
int qn_pool_wait_ms(struct qn_pool *pool, int most_ms);

/* Tokens queued or running, at most `room`; returns how many. */
uint32_t qn_pool_tokens(struct qn_pool *pool, struct qn_token *tokens, uint32_t room);

#endif
