/* round_states: what the tasks of repeating stages read: the state that the rounds so far gave, as
 * the coordinator sends it piece by piece. Of each round only the end comes that it does not share
 * with the one before, so what grows comes once.
 *
 * The session thread takes the pieces; tasks hold what they read. What a task sees never changes:
 * a state grows behind its end, and else moves to another place while the old one is held. */
#ifndef QN_WORKER_ROUND_STATES_H
#define QN_WORKER_ROUND_STATES_H

#include "wire/message.h"

/* Bytes of a state, shared by tasks. */
struct qn_held_state;

struct qn_round_state; /* of one job: of the stage it is in */
struct qn_round_states {
    struct qn_round_state *first;
};

/* Puts a piece behind what stays. *whole: the round that it is of can be read now. QN_EWIRE: it
 * does not fit what is here. */
QN_CHECK qn_code qn_round_states_take(struct qn_round_states *states, const struct qn_msg *msg,
                                      bool *whole, struct qn_err *err);

/* What a task of this round reads. QN_ENOTFOUND: not here yet. QN_ESTATE: a later round is. Of
 * round 0 nothing is held, and `bytes` empty. */
qn_code qn_round_states_hold(const struct qn_round_states *states, const struct qn_token *token,
                             struct qn_held_state **held, struct qn_strv *bytes);
/* On the session thread, as all of these; NULL: nothing was held. */
void qn_held_state_release(struct qn_held_state *held);

void qn_round_states_free(struct qn_round_states *states);

#endif
