/* post: what the coordinator sends to workers, and what it need not send again. A peer that cannot
 * be reached is lost: what it was told is void, and its session is marked as gone. */
#ifndef QN_COORDINATOR_POST_H
#define QN_COORDINATOR_POST_H

#include "base/buf.h"
#include "coordinator/held.h"
#include "coordinator/job_run.h"
#include "coordinator/sessions.h"

struct qn_post {
    struct qn_listener *listener; /* borrowed */
    struct qn_buf frame;
    uint64_t n_sent; /* frames, heartbeats left out */
};

void qn_post_fini(struct qn_post *post);

/* session NULL, or not attached where it is about data: nothing is sent. */
void qn_post_send(struct qn_post *post, struct qn_session *session, enum qn_channel channel,
                  const struct qn_msg *msg);
void qn_post_token(struct qn_post *post, struct qn_session *session, enum qn_msg_kind kind,
                   struct qn_token token);
/* In pieces; no bytes: there is no such blob. */
void qn_post_blob(struct qn_post *post, struct qn_session *session, enum qn_channel channel,
                  struct qn_strv hash, struct qn_strv bytes);
/* One that is small, unless it was sent last: it goes where it stays in order with what needs it,
 * which saves a round trip. */
void qn_post_small_blob(struct qn_post *post, struct qn_session *session, struct qn_strv hash,
                        struct qn_strv bytes);
/* The state that a task reads: nothing when the worker has it, and only what lies behind the bytes
 * `kept` since an earlier round, when the worker has the state of that one. */
QN_CHECK qn_code qn_post_state(struct qn_post *post, struct qn_session *session,
                               const struct qn_token *token, struct qn_strv state,
                               struct qn_kept_state kept, struct qn_err *err);
/* ACK for all results of the list, which is empty afterwards. */
void qn_post_acks(struct qn_post *post, const struct qn_sessions *sessions, struct qn_held **held);

#endif
