/* held: results whose parts are whole, from the DONE that brought one until its ACK: first those
 * that wait for their turn to be committed, then those whose commit is not durable yet. */
#ifndef QN_COORDINATOR_HELD_H
#define QN_COORDINATOR_HELD_H

#include "base/buf.h"
#include "wire/message.h"

struct qn_held {
    struct qn_held *next;
    struct qn_msg done;
    struct qn_buf part; /* of a small one; empty: the part lies in the spool's folder */
    uint64_t session;
    bool committed; /* and not to be done once more */
};

/* Into a list. Takes over the buffer, also when it fails. */
QN_CHECK qn_code qn_held_put(struct qn_held **list, const struct qn_msg *done, struct qn_buf *part,
                             uint64_t session, struct qn_err *err);
/* Out of a list; NULL: none is of this attempt. */
struct qn_held *qn_held_take(struct qn_held **list, const struct qn_token *token);
/* One, or all that follow it. */
void qn_held_free(struct qn_held *held);

#endif
