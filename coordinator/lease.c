#include "coordinator/lease.h"

/* In the list of its worker. */
struct qn_lease {
    struct qn_lease *next;
    struct qn_msg_task task;
};

/* Attempts are on disk before anybody hears of them, but for those of rounds: an epoch tells them
 * apart from those of another life, and nothing else is kept of them. */
static qn_code journal_attempts(const struct qn_lease_room *room, const struct qn_action *actions,
                                uint32_t n, struct qn_err *err)
{
    struct qn_token *tokens = QN_NEW_ARRAY(room->arena, struct qn_token, n);
    uint32_t count = 0;
    if (!tokens)
        return qn_err_nomem(err, "leases");
    for (uint32_t i = 0; i < n; i++)
        if (actions[i].kind == QN_ACTION_SEND && !qn_run_repeats(room->run, &actions[i].token))
            tokens[count++] = actions[i].token;
    return count
               ? qn_journal_put_attempts(room->run->journal, room->run->run_id, tokens, count, err)
               : QN_OK;
}

/* Ahead of a task, where it stays in order with it: the brief when it is small, else the worker
 * asks for it; and the state of its round. */
static qn_code send_needs(const struct qn_lease_room *room, struct qn_session *session,
                          const struct qn_msg_task *task, struct qn_err *err)
{
    const struct qn_run *run = room->run;
    const struct qn_token *token = &task->token;
    const struct qn_job_run *job = &run->jobs[token->job];
    qn_post_small_blob(room->post, session, task->brief,
                       qn_blob_table_get(&run->blobs, task->brief));
    if (!qn_run_repeats(run, token))
        return QN_OK;
    return qn_post_state(room->post, session, token, qn_buf_strv(&job->states[token->stage]),
                         job->kept, err);
}

static qn_code send_leases(const struct qn_lease_room *room, struct qn_session *session,
                           struct qn_err *err)
{
    enum { MOST = 64 }; /* with the longest of paths they fit a frame */
    struct qn_msg_task tasks[MOST];
    struct qn_msg msg = {.kind = QN_MSG_TASKS};
    msg.tasks.items = tasks;
    for (struct qn_lease *lease = session->leases; lease; lease = lease->next) {
        QN_TRY(send_needs(room, session, &lease->task, err));
        tasks[msg.tasks.n++] = lease->task;
        if (lease->next && msg.tasks.n < MOST)
            continue;
        qn_post_send(room->post, session, QN_CONTROL, &msg);
        msg.tasks.n = 0;
    }
    session->leases = NULL;
    return QN_OK;
}

qn_code qn_lease_all(const struct qn_lease_room *room, const struct qn_action *actions, uint32_t n,
                     struct qn_err *err)
{
    bool any = false;
    QN_TRY(journal_attempts(room, actions, n, err));
    for (uint32_t i = n; i-- > 0;) { /* backwards: each is put in front of those after it */
        struct qn_session *session = actions[i].kind == QN_ACTION_SEND
                                         ? qn_sessions_find(room->sessions, actions[i].worker)
                                         : NULL;
        if (!session)
            continue;
        struct qn_lease *lease = QN_NEW(room->arena, struct qn_lease);
        if (!lease)
            return qn_err_nomem(err, "leases");
        qn_run_lease(room->run, &actions[i].token, &lease->task);
        lease->next = session->leases;
        session->leases = lease;
        any = true;
    }
    for (struct qn_session *session = room->sessions->first; any && session;
         session = session->next)
        if (session->leases)
            QN_TRY(send_leases(room, session, err));
    return QN_OK;
}
