/* pool: the slots of a worker. Executor threads take work in the order it came; the session thread
 * submits, takes back what nobody started, cancels, and collects what happened.
 *
 * Every function is called by the session thread. What a work holds belongs to whoever has it:
 * the session thread before submit and after its FINISHED event, an executor in between (but for
 * `cancelled`). A pool wakes the session thread through its event descriptor. */
#ifndef QN_WORKER_POOL_H
#define QN_WORKER_POOL_H

#include <stdatomic.h>

#include "base/err.h"
#include "wire/message.h"

struct qn_work;

enum qn_pool_event_kind { QN_POOL_STARTED, QN_POOL_FINISHED };
struct qn_pool_event {
    enum qn_pool_event_kind kind;
    struct qn_token token;
    struct qn_work *work; /* FINISHED: back in the session thread's hands */
    struct qn_pool_event *next;
};

struct qn_work {
    struct qn_work *next;
    struct qn_token token;
    atomic_bool cancelled;
    bool over;                              /* the pool's own */
    struct qn_pool_event started, finished; /* so that telling never allocates */
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

int qn_pool_wake_fd(const struct qn_pool *pool); /* readable when events wait */
/* Of a work that is over by now only its end is told. */
bool qn_pool_next_event(struct qn_pool *pool, struct qn_pool_event *event);

/* Tokens queued or running, at most `room`; returns how many. */
uint32_t qn_pool_tokens(struct qn_pool *pool, struct qn_token *tokens, uint32_t room);

#endif
