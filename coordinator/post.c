#include "coordinator/post.h"

#include <string.h>

#include "base/log.h"

/* A plan or brief up to this is sent before it is asked for. */
enum { SMALL_BLOB_BYTES = 64 << 10 };
enum { ACKS = 1024 }; /* of one message */

void qn_post_fini(struct qn_post *post)
{
    qn_buf_fini(&post->frame);
}

void qn_post_send(struct qn_post *post, struct qn_session *session, enum qn_channel channel,
                  const struct qn_msg *msg)
{
    struct qn_err err;
    if (!session || (channel == QN_DATA && !session->attached))
        return;
    qn_buf_clear(&post->frame);
    qn_code code = qn_msg_encode(msg, &post->frame, &err);
    if (code == QN_OK)
        code = qn_listener_send(post->listener, channel,
                                channel == QN_DATA ? &session->data : &session->control,
                                qn_buf_strv(&post->frame), &err);
    post->n_sent += msg->kind != QN_MSG_PULSE;
    if (code == QN_ESTATE)
        session->gone = true;
    if (code != QN_OK)
        qn_log_debug("cannot send %s to worker %s: %s", qn_msg_name(msg->kind), session->name,
                     err.message);
}

void qn_post_token(struct qn_post *post, struct qn_session *session, enum qn_msg_kind kind,
                   struct qn_token token)
{
    struct qn_msg msg = {.kind = kind};
    msg.tokens.items = &token;
    msg.tokens.n = 1;
    qn_post_send(post, session, kind == QN_MSG_ACK ? QN_DATA : QN_CONTROL, &msg);
}

void qn_post_blob(struct qn_post *post, struct qn_session *session, enum qn_channel channel,
                  struct qn_strv hash, struct qn_strv bytes)
{
    struct qn_msg msg = {.kind = QN_MSG_BLOB};
    msg.blob.hash = hash;
    msg.blob.total = bytes.len;
    do {
        size_t left = bytes.len - (size_t)msg.blob.offset;
        size_t n = left < QN_MAX_PIECE_BYTES ? left : QN_MAX_PIECE_BYTES;
        msg.blob.bytes = (struct qn_strv){bytes.data + msg.blob.offset, n};
        qn_post_send(post, session, channel, &msg);
        msg.blob.offset += n;
    } while (msg.blob.offset < bytes.len);
}

void qn_post_small_blob(struct qn_post *post, struct qn_session *session, struct qn_strv hash,
                        struct qn_strv bytes)
{
    if (!session || qn_strv_is(hash, session->pushed) || bytes.len > SMALL_BLOB_BYTES)
        return;
    memcpy(session->pushed, hash.data, hash.len);
    qn_post_blob(post, session, QN_CONTROL, hash, bytes);
}

/* --- states ---------------------------------------------------------------------------------- */

qn_code qn_post_state(struct qn_post *post, struct qn_session *session,
                      const struct qn_token *token, struct qn_strv state, struct qn_kept_state kept,
                      struct qn_err *err)
{
    struct qn_known_state *known;
    if (!session || token->round == 0)
        return QN_OK;
    QN_TRY(qn_session_known_state(session, token->job, &known, err));
    bool same_stage = known->stage == token->stage && known->round > 0;
    if (same_stage && known->round == token->round)
        return QN_OK;
    bool follows = same_stage && known->round == kept.round;
    struct qn_msg msg = {.kind = QN_MSG_STATE};
    msg.state.job = token->job;
    msg.state.stage = token->stage;
    msg.state.round = token->round;
    msg.state.offset = follows ? kept.bytes : 0;
    msg.state.total = state.len;
    do {
        size_t left = state.len - (size_t)msg.state.offset;
        size_t n = left < QN_MAX_PIECE_BYTES ? left : QN_MAX_PIECE_BYTES;
        if (n)
            msg.state.bytes = (struct qn_strv){state.data + msg.state.offset, n};
        qn_post_send(post, session, QN_DATA, &msg);
        msg.state.offset += n;
    } while (msg.state.offset < state.len);
    known->stage = token->stage;
    known->round = token->round;
    return QN_OK;
}

/* --- acknowledgements ------------------------------------------------------------------------ */

/* Those of the list's first session, and they are gone from it. */
static void ack_first(struct qn_post *post, const struct qn_sessions *sessions,
                      struct qn_held **held)
{
    struct qn_token tokens[ACKS];
    struct qn_msg msg = {.kind = QN_MSG_ACK};
    uint64_t session = (*held)->session;
    msg.tokens.items = tokens;
    for (struct qn_held **link = held; *link && msg.tokens.n < ACKS;) {
        struct qn_held *one = *link;
        if (one->session != session) {
            link = &one->next;
            continue;
        }
        tokens[msg.tokens.n++] = one->done.done.token;
        *link = one->next;
        one->next = NULL;
        qn_held_free(one);
    }
    qn_post_send(post, qn_sessions_find(sessions, session), QN_DATA, &msg);
}

void qn_post_acks(struct qn_post *post, const struct qn_sessions *sessions, struct qn_held **held)
{
    while (*held)
        ack_first(post, sessions, held);
}
