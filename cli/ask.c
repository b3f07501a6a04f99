#include "cli/ask.h"

#include "base/clock.h"
#include "wire/transport.h"

enum { RETRY_MS = 20 };

static qn_code send_question(struct qn_dialer *dialer, struct qn_err *err)
{
    struct qn_msg msg = {.kind = QN_MSG_ASK};
    struct qn_buf frame;
    msg.ask.protocol = QN_PROTOCOL_VERSION;
    qn_buf_init(&frame);
    qn_code code = qn_msg_encode(&msg, &frame, err);
    if (code == QN_OK)
        code = qn_dialer_send(dialer, QN_CONTROL, qn_buf_strv(&frame), err);
    qn_buf_fini(&frame);
    return code;
}

/* What listens at the endpoint may be anything: only an answer that decodes counts. */
static qn_code read_answer(struct qn_ask *ask, struct qn_strv bytes, struct qn_err *err)
{
    qn_buf_clear(&ask->frame);
    qn_arena_clear(&ask->arena);
    qn_buf_put(&ask->frame, bytes.data, bytes.len);
    QN_TRY(qn_buf_check(&ask->frame, "an answer", err));
    struct qn_msg *msg = &ask->answer;
    QN_TRY(qn_msg_decode(qn_buf_strv(&ask->frame), &ask->arena, msg, err));
    switch (msg->kind) {
    case QN_MSG_STATUS: return QN_OK;
    case QN_MSG_REFUSED:
        return qn_err_set(err, QN_ENOTSUP, QN_BLAME_JOB, "the coordinator refuses: %.*s",
                          QN_STRV_ARG(msg->refused.reason));
    case QN_MSG_GOODBYE:
        return qn_err_set(err, QN_ESTATE, QN_BLAME_NONE, "the coordinator leaves: %.*s",
                          QN_STRV_ARG(msg->goodbye.reason));
    default:
        return qn_err_set(err, QN_EWIRE, QN_BLAME_COORDINATOR, "the answer is %s, expected STATUS",
                          qn_msg_name(msg->kind));
    }
}

static qn_code no_answer(const char *endpoint, int64_t patience_ms, bool asked, struct qn_err *err)
{
    return qn_err_set(err, QN_EIO, QN_BLAME_COORDINATOR,
                      asked ? "whoever listens at %s did not answer within %.1f s: it is busy, or "
                              "no quern coordinator of this version"
                            : "nobody listens at %s (waited %.1f s)",
                      endpoint, (double)patience_ms / 1000);
}

static qn_code converse(struct qn_ask *ask, struct qn_dialer *dialer, const char *endpoint,
                        int64_t patience_ms, struct qn_err *err)
{
    int64_t give_up_ms = qn_clock_ms() + patience_ms;
    bool asked = false;
    for (int64_t left; (left = give_up_ms - qn_clock_ms()) > 0;) {
        if (!asked && qn_dialer_state(dialer) == QN_CONNECTED) {
            qn_code code = send_question(dialer, err);
            if (code != QN_OK && code != QN_ESTATE)
                return code;
            asked = code == QN_OK;
        }
        if (asked && qn_dialer_state(dialer) == QN_LOST)
            return qn_err_set(err, QN_EIO, QN_BLAME_COORDINATOR,
                              "the coordinator at %s hung up without an answer", endpoint);
        /* Connected is not yet ready to take a message: then look again soon. */
        qn_dialer_wait(dialer, asked || left < RETRY_MS ? (int)left : RETRY_MS, -1);
        struct qn_frame frame;
        if (qn_dialer_receive(dialer, &frame, err) == QN_OK)
            return read_answer(ask, frame.bytes, err);
    }
    return no_answer(endpoint, patience_ms, asked, err);
}

qn_code qn_ask_status(struct qn_ask *ask, const char *endpoint, int64_t patience_ms,
                      struct qn_err *err)
{
    struct qn_dialer *dialer;
    *ask = (struct qn_ask){0};
    qn_arena_init(&ask->arena);
    qn_buf_init(&ask->frame);
    QN_TRY(qn_dialer_open(endpoint, &dialer, err));
    qn_code code = converse(ask, dialer, endpoint, patience_ms, err);
    qn_dialer_close(dialer, 0);
    return code;
}

void qn_ask_fini(struct qn_ask *ask)
{
    qn_buf_fini(&ask->frame);
    qn_arena_fini(&ask->arena);
}
