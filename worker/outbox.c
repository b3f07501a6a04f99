#include "worker/outbox.h"

static struct qn_task *next_of(const struct qn_task *task)
{
    return (struct qn_task *)(void *)task->work.next;
}

void qn_outbox_put(struct qn_outbox *outbox, struct qn_task *task)
{
    task->work.next = NULL;
    if (outbox->last)
        outbox->last->work.next = &task->work;
    else
        outbox->first = task;
    outbox->last = task;
}

static qn_code send_msg(struct qn_dialer *dialer, const struct qn_msg *msg, struct qn_err *err)
{
    struct qn_buf frame;
    qn_buf_init(&frame);
    qn_code code = qn_msg_encode(msg, &frame, err);
    if (code == QN_OK)
        code = qn_dialer_send(dialer, QN_DATA, qn_buf_strv(&frame), err);
    qn_buf_fini(&frame);
    return code;
}

static qn_code send_data(struct qn_outbox *outbox, const struct qn_task *task,
                         struct qn_dialer *dialer, struct qn_err *err)
{
    size_t n = QN_MAX_PIECE_BYTES;
    if (n > outbox->credit_bytes)
        return QN_ESTATE;
    struct qn_msg msg = {.kind = QN_MSG_DATA};
    msg.data.token = task->work.token;
    msg.data.offset = outbox->offset;
    msg.data.bytes = (struct qn_strv){(const char *)task->part.data + outbox->offset, n};
    QN_TRY(send_msg(dialer, &msg, err));
    outbox->offset += n;
    outbox->credit_bytes -= n;
    return QN_OK;
}

/* The last bytes go with the end: a small part is one frame. */
static qn_code send_end(struct qn_outbox *outbox, const struct qn_task *task,
                        struct qn_dialer *dialer, struct qn_err *err)
{
    struct qn_msg msg = {.kind = QN_MSG_DONE};
    char text[1600];
    size_t rest = task->part.len - (size_t)outbox->offset;
    if (task->code == QN_OK) {
        if (rest > outbox->credit_bytes)
            return QN_ESTATE;
        if (rest)
            msg.done.rest = (struct qn_strv){(const char *)task->part.data + outbox->offset, rest};
        msg.done.token = task->work.token;
        msg.done.bytes = task->part_bytes;
        msg.done.left = task->left;
        msg.done.digest = task->digest;
        msg.done.counters = task->counters;
        msg.done.chunk = task->result;
        msg.done.micros = task->micros;
        msg.done.cpu_micros = task->cpu_micros;
    } else {
        struct qn_err placeless = task->err; /* the place travels in fields of its own */
        placeless.file[0] = '\0';
        qn_err_format(&placeless, text, sizeof text);
        msg.kind = QN_MSG_FAILED;
        msg.failed.token = task->work.token;
        msg.failed.code = task->code;
        msg.failed.blame = task->err.blame;
        msg.failed.file = qn_strv_from(task->err.file);
        msg.failed.line = task->err.line;
        msg.failed.column = task->err.column;
        msg.failed.message = qn_strv_from(text);
    }
    QN_TRY(send_msg(dialer, &msg, err));
    outbox->credit_bytes -= task->code == QN_OK ? rest : 0;
    return QN_OK;
}

/* One task to its end; QN_ESTATE when it must wait for credit or room. */
static qn_code send_task(struct qn_outbox *outbox, struct qn_dialer *dialer, struct qn_err *err)
{
    struct qn_task *task = outbox->first;
    while (task->code == QN_OK && task->part.len - outbox->offset > QN_MAX_PIECE_BYTES)
        QN_TRY(send_data(outbox, task, dialer, err));
    QN_TRY(send_end(outbox, task, dialer, err));
    outbox->first = next_of(task);
    if (!outbox->first)
        outbox->last = NULL;
    outbox->offset = 0;
    qn_buf_fini(&task->part);
    task->work.next = outbox->unacked ? &outbox->unacked->work : NULL;
    outbox->unacked = task;
    return QN_OK;
}

qn_code qn_outbox_send(struct qn_outbox *outbox, struct qn_dialer *dialer, struct qn_err *err)
{
    while (outbox->first) {
        qn_code code = send_task(outbox, dialer, err);
        if (code != QN_OK)
            return code == QN_ESTATE ? QN_OK : code;
    }
    return QN_OK;
}

void qn_outbox_ack(struct qn_outbox *outbox, const struct qn_token *token)
{
    struct qn_task *before = NULL;
    for (struct qn_task *task = outbox->unacked; task; before = task, task = next_of(task)) {
        if (!qn_token_eq(&task->work.token, token))
            continue;
        if (before)
            before->work.next = task->work.next;
        else
            outbox->unacked = next_of(task);
        qn_task_free(task);
        return;
    }
}

bool qn_outbox_is_empty(const struct qn_outbox *outbox)
{
    return !outbox->first && !outbox->unacked;
}

static void free_list(struct qn_task *task)
{
    while (task) {
        struct qn_task *next = next_of(task);
        qn_task_free(task);
        task = next;
    }
}

void qn_outbox_drop(struct qn_outbox *outbox)
{
    free_list(outbox->first);
    free_list(outbox->unacked);
    *outbox = (struct qn_outbox){0};
}
