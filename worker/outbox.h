/* outbox: finished tasks on their way to the coordinator: cut into DATA frames as far as its byte
 * credit goes, then DONE (or FAILED), then kept until the coordinator says they are safe. */
#ifndef QN_WORKER_OUTBOX_H
#define QN_WORKER_OUTBOX_H

#include "wire/transport.h"
#include "worker/task.h"

struct qn_outbox {
    struct qn_task *first, *last; /* to be sent, by work.next */
    struct qn_task *unacked;      /* sent whole, by work.next */
    uint64_t offset;              /* bytes of `first` already sent */
    uint64_t credit_bytes;
};

void qn_outbox_put(struct qn_outbox *outbox, struct qn_task *task);

/* Sends what credit and queues allow. QN_ESTATE from the transport is no error here: the rest goes
 * later. */
QN_CHECK qn_code qn_outbox_send(struct qn_outbox *outbox, struct qn_dialer *dialer,
                                struct qn_err *err);

/* The coordinator needs this one no more. */
void qn_outbox_ack(struct qn_outbox *outbox, const struct qn_token *token);

bool qn_outbox_is_empty(const struct qn_outbox *outbox);

/* Forgets everything: the session is over and its leases with it. */
void qn_outbox_drop(struct qn_outbox *outbox);

#endif
