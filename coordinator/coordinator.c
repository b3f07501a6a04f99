#include "coordinator/coordinator.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "coordinator/held.h"
#include "coordinator/job_rounds.h"
#include "coordinator/lease.h"
#include "coordinator/progress.h"
#include "coordinator/remake.h"
#include "coordinator/sessions.h"
#include "coordinator/spool.h"
#include "coordinator/status.h"
#include "wire/transport.h"

/* A lease outlives many missed heartbeats; a dead worker's work waits this long at most. */
enum { PULSE_MS = 250, GOODBYE_MS = 1000, LEASE_MS = 10000, WAIT_MS = 50 };
/* Tasks held beyond the slots hide a round trip, and that rows are being put on the disk meanwhile;
 * the window bounds spooled results. */
enum { PREFETCH = 6, WINDOW = 256, MAX_CRASHES = 3, MAX_FAILURES = 4 };
/* Per worker; frames are at most 1 MiB. */
static const uint64_t CREDIT_BYTES = UINT64_C(8) << 20;
/* A turn of the loop takes in frames for so long at most, then it commits and looks around. */
enum { TURN_MS = 20 };
/* Of rounds many results a worker are acknowledged together: nobody waits for that. */
enum { ACK_MS = 10 };
/* Parts up to this never see a file on their way in; of rounds more, which are merged at once. */
enum { PART_BYTES = 32 << 10, ROUND_PART_BYTES = 1 << 20 };

struct coordinator {
    const struct qn_coordinator_options *options;
    struct qn_run run;
    struct qn_schedule *schedule;
    struct qn_listener *listener;
    struct qn_spool *spool;
    struct qn_sessions sessions;
    struct qn_held *held;    /* whole, not committed */
    struct qn_held *unacked; /* committed, not durable yet */
    struct qn_arena arena;   /* of the turn */
    struct qn_post post;
    int64_t started_us, pulsed_ms, acked_ms;
    bool ack_waits;      /* a worker is to hear soon that its result is safe */
    uint64_t n_received; /* frames, heartbeats left out */
    struct qn_progress_state progress;
    char last_failure[1200];
};

/* --- sending --------------------------------------------------------------------------------- */

static qn_code step(struct coordinator *self, struct qn_event event, struct qn_err *err);

static void send_to(struct coordinator *self, struct qn_session *session, enum qn_channel channel,
                    const struct qn_msg *msg)
{
    qn_post_send(&self->post, session, channel, msg);
}

static void send_token(struct coordinator *self, uint64_t worker, enum qn_msg_kind kind,
                       struct qn_token token)
{
    qn_post_token(&self->post, qn_sessions_find(&self->sessions, worker), kind, token);
}

/* --- actions of the schedule ----------------------------------------------------------------- */

static qn_code commit(struct coordinator *self, const struct qn_action *action, struct qn_err *err)
{
    char path[4096];
    bool redo = false;
    struct qn_held *held = qn_held_take(&self->held, &action->token);
    if (!held)
        return qn_err_set(err, QN_ESTATE, QN_BLAME_COORDINATOR, "a commit without its result");
    qn_spool_path(self->spool, &action->token, path, sizeof path);
    const struct qn_spooled part = {
        .path = path, .bytes = held->part.len ? qn_buf_strv(&held->part) : (struct qn_strv){0}};
    qn_code code = qn_run_commit(&self->run, &held->done, &part, &redo, err);
    qn_buf_fini(&held->part);
    held->committed = code == QN_OK && !redo;
    held->next = self->unacked;
    self->unacked = held;
    self->ack_waits |= !qn_run_repeats(&self->run, &action->token);
    QN_TRY(code);
    return step(self,
                (struct qn_event){.kind = redo ? QN_EVENT_REDO : QN_EVENT_COMMITTED,
                                  .worker = action->worker,
                                  .token = action->token},
                err);
}

static void drop(struct coordinator *self, const struct qn_action *action)
{
    qn_held_free(qn_held_take(&self->held, &action->token));
    qn_spool_drop(self->spool, &action->token);
    send_token(self, action->worker, QN_MSG_ACK, action->token);
}

static void lose(struct coordinator *self, uint64_t worker)
{
    struct qn_session *session = qn_sessions_find(&self->sessions, worker);
    if (!session)
        return;
    qn_log_warn("worker %s is lost; its tasks go to others", session->name);
    qn_sessions_drop(&self->sessions, session);
}

static qn_code fail_task(struct coordinator *self, const struct qn_action *action,
                         struct qn_err *err)
{
    char why[1400];
    bool told = self->last_failure[0] != '\0';
    if (action->blame == QN_BLAME_WORKER || !told)
        snprintf(why, sizeof why, "chunk %u of stage %s failed again and again; last: %s",
                 action->token.unit,
                 self->run.jobs[action->token.job].job->stages[action->token.stage].name,
                 told ? self->last_failure : "its worker died");
    else
        snprintf(why, sizeof why, "%s", self->last_failure);
    if (qn_remake_is_of(&self->run, &action->token))
        return qn_remake_fail(&self->run, &action->token, why, err);
    return qn_run_fail_job(&self->run, action->token.job, why, err);
}

static qn_code end_stage(struct coordinator *self, const struct qn_token *token, struct qn_err *err)
{
    if (qn_remake_is_of(&self->run, token)) {
        QN_TRY(qn_remake_end(&self->run, token, err));
        return step(self, (struct qn_event){.kind = QN_EVENT_FED}, err);
    }
    QN_TRY(qn_run_stage_done(&self->run, token->job, err));
    return step(self, (struct qn_event){.kind = QN_EVENT_TICK}, err);
}

static qn_code act(struct coordinator *self, const struct qn_action *action, struct qn_err *err)
{
    switch (action->kind) {
    case QN_ACTION_SEND: return QN_OK; /* see lease() */
    case QN_ACTION_RECALL:
        send_token(self, action->worker, QN_MSG_RECALL, action->token);
        return QN_OK;
    case QN_ACTION_CANCEL:
        send_token(self, action->worker, QN_MSG_CANCEL, action->token);
        qn_spool_drop(self->spool, &action->token);
        return QN_OK;
    case QN_ACTION_DROP: drop(self, action); return QN_OK;
    case QN_ACTION_COMMIT: return commit(self, action, err);
    case QN_ACTION_STAGE_DONE: return end_stage(self, &action->token, err);
    case QN_ACTION_TASK_DEAD:
        QN_TRY(fail_task(self, action, err));
        return step(self, (struct qn_event){.kind = QN_EVENT_TICK}, err);
    case QN_ACTION_LOST: lose(self, action->worker); return QN_OK;
    }
    return QN_OK;
}

/* One event in; its actions are copied, since carrying one out may step again. */
static qn_code step(struct coordinator *self, struct qn_event event, struct qn_err *err)
{
    const struct qn_action *borrowed;
    uint32_t n;
    QN_TRY(qn_schedule_step(self->schedule, &event, qn_clock_ms(), &borrowed, &n, err));
    if (n == 0)
        return QN_OK;
    struct qn_action *actions = QN_NEW_ARRAY(&self->arena, struct qn_action, n);
    if (!actions)
        return qn_err_nomem(err, "actions");
    memcpy(actions, borrowed, n * sizeof *actions);
    const struct qn_lease_room room = {&self->run, &self->sessions, &self->post, &self->arena};
    QN_TRY(qn_lease_all(&room, actions, n, err));
    for (uint32_t i = 0; i < n; i++)
        QN_TRY(act(self, &actions[i], err));
    return QN_OK;
}

/* --- messages -------------------------------------------------------------------------------- */

static void refuse(struct coordinator *self, const struct qn_peer *peer, const char *reason)
{
    struct qn_session stranger = {.control = *peer, .name = "stranger"};
    struct qn_msg msg = {.kind = QN_MSG_REFUSED};
    msg.refused.reason = qn_strv_from(reason);
    send_to(self, &stranger, QN_CONTROL, &msg);
}

static qn_code hello(struct coordinator *self, const struct qn_peer *peer, const struct qn_msg *msg,
                     struct qn_err *err)
{
    char reason[200];
    if (msg->hello.protocol != QN_PROTOCOL_VERSION || !qn_strv_is(msg->hello.engine, QN_VERSION)) {
        snprintf(reason, sizeof reason,
                 "this coordinator is quern " QN_VERSION " (protocol %d), the worker is %.*s "
                 "(protocol %u): run the same version on both sides",
                 QN_PROTOCOL_VERSION, QN_STRV_ARG(msg->hello.engine), msg->hello.protocol);
        refuse(self, peer, reason);
        return QN_OK;
    }
    if (qn_sessions_by_peer(&self->sessions, QN_CONTROL, peer))
        return QN_OK; /* one worker a connection, however often it says so */
    if (self->sessions.n >= QN_MAX_WORKERS) {
        snprintf(reason, sizeof reason, "this coordinator has %u workers and takes no more",
                 self->sessions.n);
        refuse(self, peer, reason);
        return QN_OK;
    }
    struct qn_session *session = qn_sessions_add(&self->sessions, peer, msg);
    if (!session)
        return qn_err_nomem(err, "a session");
    qn_run_note_worker(&self->run, msg->hello.kept_bytes);
    struct qn_msg welcome = {.kind = QN_MSG_WELCOME};
    welcome.welcome.session = session->number;
    welcome.welcome.epoch = qn_store_epoch(self->run.store);
    welcome.welcome.run_id = qn_strv_from(self->run.run_id);
    welcome.welcome.plan = qn_strv_from(self->run.plan_hash);
    welcome.welcome.data_port = qn_strv_from(qn_listener_endpoint(self->listener, QN_DATA));
    welcome.welcome.pulse_ms = PULSE_MS;
    welcome.welcome.lease_ms = LEASE_MS;
    welcome.welcome.credit_bytes = CREDIT_BYTES;
    welcome.welcome.folder = qn_strv_from(qn_spool_folder(self->spool));
    welcome.welcome.proof = qn_strv_from(qn_spool_proof(self->spool));
    send_to(self, session, QN_CONTROL, &welcome);
    qn_post_small_blob(&self->post, session, welcome.welcome.plan, self->options->plan_bytes);
    return QN_OK;
}

/* Of anybody, worker or not: an answer, and nothing is kept of who asked. */
static qn_code answer(struct coordinator *self, const struct qn_peer *peer,
                      const struct qn_msg *msg, struct qn_err *err)
{
    struct qn_session stranger = {.control = *peer, .name = "asker"};
    struct qn_schedule_counts counts;
    struct qn_msg status;
    if (msg->ask.protocol != QN_PROTOCOL_VERSION) {
        char reason[160];
        snprintf(reason, sizeof reason,
                 "this coordinator is quern " QN_VERSION " (protocol %d), the asker speaks "
                 "protocol %u: ask with the same version",
                 QN_PROTOCOL_VERSION, msg->ask.protocol);
        refuse(self, peer, reason);
        return QN_OK;
    }
    qn_schedule_count(self->schedule, &counts);
    QN_TRY(qn_status_tell(&self->run, &counts, self->started_us, &self->arena, &status, err));
    send_to(self, &stranger, QN_CONTROL, &status);
    return QN_OK;
}

static qn_code attach(struct coordinator *self, const struct qn_frame *frame,
                      const struct qn_msg *msg, struct qn_err *err)
{
    struct qn_session *session = qn_sessions_find(&self->sessions, msg->attach.session);
    if (!session || session->attached)
        return QN_OK;
    session->data = frame->peer;
    session->attached = true;
    qn_log_debug("worker %s joins with %u slots", session->name, session->slots);
    return step(self,
                (struct qn_event){
                    .kind = QN_EVENT_JOINED, .worker = session->number, .slots = session->slots},
                err);
}

static qn_code spool(struct coordinator *self, struct qn_session *session,
                     const struct qn_token *token, uint64_t offset, struct qn_strv bytes,
                     struct qn_err *err)
{
    bool round = qn_schedule_has(self->schedule, session->number, token) &&
                 qn_run_repeats(&self->run, token);
    session->owed_bytes += bytes.len;
    return qn_spool_put(self->spool, token, offset, bytes, round ? ROUND_PART_BYTES : PART_BYTES,
                        err);
}

static qn_code take_data(struct coordinator *self, struct qn_session *session,
                         const struct qn_msg *msg, struct qn_err *err)
{
    qn_code code = spool(self, session, &msg->data.token, msg->data.offset, msg->data.bytes, err);
    if (code == QN_EWIRE) /* of a task that was dropped in between: its DONE is dropped too */
        return QN_OK;
    return code;
}

/* For --verbose, in the words of the worker that begins it: no task is begun again after that. */
static void tell_safe(const struct coordinator *self, const struct qn_token *token)
{
    const struct qn_job *job = self->run.jobs[token->job].job;
    qn_log_debug("is sure of task %s %s, stage %u round %u unit %u", job->name,
                 job->stages[token->stage].name, token->stage, token->round, token->unit);
}

/* Of a round: what came is on disk before anything else is done with it. */
static qn_code keep_sums(struct coordinator *self, const struct qn_session *session,
                         const struct qn_msg *msg, const struct qn_buf *bytes, struct qn_err *err)
{
    const struct qn_token *token = &msg->done.token;
    char path[4096];
    if (!qn_schedule_has(self->schedule, session->number, token) ||
        !qn_run_repeats(&self->run, token))
        return QN_OK;
    qn_spool_path(self->spool, token, path, sizeof path);
    const struct qn_spooled part = {.path = path, .bytes = qn_buf_strv(bytes)};
    QN_TRY(qn_job_rounds_keep(&self->run.jobs[token->job], token, &part, msg->done.digest, err));
    if (qn_job_rounds_knows(&self->run.jobs[token->job], token->unit))
        tell_safe(self, token);
    return QN_OK;
}

static qn_code take_done(struct coordinator *self, struct qn_session *session,
                         const struct qn_msg *msg, struct qn_err *err)
{
    struct qn_event event = {
        .kind = QN_EVENT_RESULT, .worker = session->number, .token = msg->done.token};
    struct qn_buf part;
    qn_buf_init(&part);
    qn_code code = QN_OK;
    if (msg->done.rest.len)
        code = spool(self, session, &msg->done.token, msg->done.bytes - msg->done.rest.len,
                     msg->done.rest, err);
    if (code == QN_OK)
        code = qn_spool_close(self->spool, msg, &part, err);
    if (code == QN_EWIRE) {
        event.kind = QN_EVENT_FAILED;
        event.blame = QN_BLAME_WORKER;
        snprintf(self->last_failure, sizeof self->last_failure, "%s", err->message);
    } else if (code != QN_OK) {
        return code;
    } else {
        code = keep_sums(self, session, msg, &part, err);
        QN_TRY(qn_held_put(&self->held, msg, &part, session->number, err));
        QN_TRY(code);
    }
    return step(self, event, err);
}

static qn_code take_failed(struct coordinator *self, struct qn_session *session,
                           const struct qn_msg *msg, struct qn_err *err)
{
    char place[600] = "";
    if (msg->failed.file.len && msg->failed.line)
        snprintf(place, sizeof place, "%.*s:%llu:%llu: ", QN_STRV_ARG(msg->failed.file),
                 (unsigned long long)msg->failed.line, (unsigned long long)msg->failed.column);
    snprintf(self->last_failure, sizeof self->last_failure, "%s%.*s", place,
             QN_STRV_ARG(msg->failed.message));
    qn_log_debug("task failed on %s: %s", session->name, self->last_failure);
    qn_spool_drop(self->spool, &msg->failed.token);
    send_token(self, session->number, QN_MSG_ACK, msg->failed.token);
    QN_TRY(qn_journal_put_failure(self->run.journal, self->run.run_id, &msg->failed.token,
                                  self->last_failure, err));
    enum qn_loss loss = QN_LOSS_NONE;
    if (msg->failed.code == QN_ELOST &&
        qn_schedule_has(self->schedule, session->number, &msg->failed.token))
        QN_TRY(qn_remake_begin(&self->run, &msg->failed.token, msg->failed.file, &loss, err));
    return step(self,
                (struct qn_event){.kind = loss == QN_LOSS_NONE ? QN_EVENT_FAILED : QN_EVENT_STARVED,
                                  .worker = session->number,
                                  .token = msg->failed.token,
                                  .blame = msg->failed.blame},
                err);
}

static qn_code each_token(struct coordinator *self, struct qn_session *session,
                          enum qn_event_kind kind, const struct qn_msg *msg, struct qn_err *err)
{
    for (uint32_t i = 0; i < msg->tokens.n; i++)
        QN_TRY(step(self,
                    (struct qn_event){
                        .kind = kind, .worker = session->number, .token = msg->tokens.items[i]},
                    err));
    return QN_OK;
}

static qn_code part_ways(struct coordinator *self, struct qn_session *session, struct qn_err *err)
{
    uint64_t number = session->number;
    qn_log_debug("worker %s leaves", session->name);
    qn_sessions_drop(&self->sessions, session);
    return step(self, (struct qn_event){.kind = QN_EVENT_LEFT, .worker = number}, err);
}

static qn_code handle_session(struct coordinator *self, struct qn_session *session,
                              const struct qn_msg *msg, struct qn_err *err)
{
    struct qn_event event = {.worker = session->number};
    switch (msg->kind) {
    case QN_MSG_STARTED: return each_token(self, session, QN_EVENT_STARTED, msg, err);
    case QN_MSG_RENEW: return QN_OK; /* any traffic renews */
    case QN_MSG_RETURNED: return each_token(self, session, QN_EVENT_RETURNED, msg, err);
    case QN_MSG_DRAIN: event.kind = QN_EVENT_DRAINING; return step(self, event, err);
    case QN_MSG_GOODBYE: return part_ways(self, session, err);
    case QN_MSG_GET:
        qn_post_blob(&self->post, session, QN_DATA, msg->get.hash,
                     qn_blob_table_get(&self->run.blobs, msg->get.hash));
        return QN_OK;
    case QN_MSG_DATA: return take_data(self, session, msg, err);
    case QN_MSG_DONE: return take_done(self, session, msg, err);
    case QN_MSG_FAILED: return take_failed(self, session, msg, err);
    default:
        qn_log_warn("worker %s says %s, which no worker says; dropped", session->name,
                    qn_msg_name(msg->kind));
        return QN_OK;
    }
}

/* A frame that does not decode is its sender's fault and costs nobody else anything. */
static qn_code handle(struct coordinator *self, const struct qn_frame *frame, struct qn_err *err)
{
    struct qn_msg msg;
    if (qn_msg_decode(frame->bytes, &self->arena, &msg, err) != QN_OK) {
        qn_log_warn("a frame was refused: %s", err->message);
        return QN_OK;
    }
    self->n_received += msg.kind != QN_MSG_RENEW;
    if (frame->channel == QN_CONTROL && msg.kind == QN_MSG_HELLO)
        return hello(self, &frame->peer, &msg, err);
    if (frame->channel == QN_CONTROL && msg.kind == QN_MSG_ASK)
        return answer(self, &frame->peer, &msg, err);
    if (frame->channel == QN_DATA && msg.kind == QN_MSG_ATTACH)
        return attach(self, frame, &msg, err);
    struct qn_session *session = qn_sessions_by_peer(&self->sessions, frame->channel, &frame->peer);
    if (!session)
        return QN_OK; /* of a session that is over */
    QN_TRY(step(self, (struct qn_event){.kind = QN_EVENT_HEARD, .worker = session->number}, err));
    session = qn_sessions_by_peer(&self->sessions, frame->channel, &frame->peer);
    return session ? handle_session(self, session, &msg, err) : QN_OK;
}

/* --- the loop -------------------------------------------------------------------------------- */

/* Quick tasks answer as fast as they are leased, so there may always be a frame more: whoever is
 * killed while it takes them loses what nobody has made durable. */
static qn_code receive_all(struct coordinator *self, struct qn_err *err)
{
    struct qn_frame frame;
    qn_code code;
    int64_t began_ms = qn_clock_ms();
    while ((code = qn_listener_receive(self->listener, &frame, err)) == QN_OK) {
        qn_arena_clear(&self->arena);
        QN_TRY(handle(self, &frame, err));
        if (self->run.stage_over || qn_clock_ms() - began_ms >= TURN_MS)
            return QN_OK;
    }
    return code == QN_ENOTFOUND ? QN_OK : code;
}

static qn_code make_durable(struct coordinator *self, struct qn_err *err)
{
    QN_TRY(qn_run_flush(&self->run, err));
    int64_t now_ms = qn_clock_ms();
    if (!self->ack_waits && now_ms - self->acked_ms < ACK_MS)
        return QN_OK;
    self->acked_ms = now_ms;
    self->ack_waits = false;
    for (const struct qn_held *held = self->unacked; held; held = held->next)
        if (held->committed && !qn_run_repeats(&self->run, &held->done.done.token))
            tell_safe(self, &held->done.done.token);
    qn_post_acks(&self->post, &self->sessions, &self->unacked);
    return QN_OK;
}

/* In large sums: a worker with less than three quarters of its credit can still send any piece. */
static void give_credit(struct coordinator *self)
{
    for (struct qn_session *session = self->sessions.first; session; session = session->next) {
        if (session->owed_bytes < CREDIT_BYTES / 4)
            continue;
        struct qn_msg msg = {.kind = QN_MSG_CREDIT};
        msg.credit.bytes = session->owed_bytes;
        session->owed_bytes = 0;
        send_to(self, session, QN_DATA, &msg);
    }
}

static void tell_all(struct coordinator *self, enum qn_msg_kind kind, const char *reason)
{
    struct qn_msg msg = {.kind = kind};
    if (reason)
        msg.goodbye.reason = qn_strv_from(reason);
    for (struct qn_session *session = self->sessions.first; session; session = session->next)
        send_to(self, session, QN_CONTROL, &msg);
}

/* A dead process closes its sockets: the next heartbeat to it finds out, long before its lease. */
static qn_code part_with_gone(struct coordinator *self, struct qn_err *err)
{
    struct qn_session *session = self->sessions.first;
    while (session) {
        if (!session->gone) {
            session = session->next;
            continue;
        }
        qn_log_warn("worker %s is gone; its tasks go to others", session->name);
        QN_TRY(part_ways(self, session, err));
        session = self->sessions.first; /* the list may have changed in between */
    }
    return QN_OK;
}

static void tend(struct coordinator *self)
{
    if (self->options->tend)
        self->options->tend(self->options->context,
                            qn_listener_endpoint(self->listener, QN_CONTROL));
}

static void keep_in_touch(struct coordinator *self)
{
    struct qn_schedule_counts counts;
    int64_t now = qn_clock_ms();
    give_credit(self);
    if (now - self->pulsed_ms >= PULSE_MS) {
        self->pulsed_ms = now;
        tell_all(self, QN_MSG_PULSE, NULL);
    }
    qn_schedule_count(self->schedule, &counts);
    qn_progress_show(&self->progress, &self->run, &counts,
                     qn_listener_endpoint(self->listener, QN_CONTROL));
    tend(self);
}

static qn_code turn(struct coordinator *self, struct qn_err *err)
{
    qn_listener_wait(self->listener, WAIT_MS, -1);
    QN_TRY(receive_all(self, err));
    qn_arena_clear(&self->arena);
    QN_TRY(step(self, (struct qn_event){.kind = QN_EVENT_TICK}, err));
    QN_TRY(make_durable(self, err));
    keep_in_touch(self);
    qn_arena_clear(&self->arena);
    return part_with_gone(self, err);
}

static qn_code serve(struct coordinator *self, struct qn_err *err)
{
    QN_TRY(receive_all(self, err)); /* workers that wait: there is nothing to lease them yet */
    QN_TRY(qn_run_advance(&self->run, err));
    QN_TRY(make_durable(self, err)); /* while workers find their way here */
    while (!qn_run_is_over(&self->run) && !self->run.enough) {
        if (self->options->stop && *self->options->stop)
            return qn_err_set(err, QN_ECANCEL, QN_BLAME_NONE, "interrupted");
        QN_TRY(turn(self, err));
    }
    QN_TRY(make_durable(self, err));
    QN_TRY(qn_run_finish(&self->run, err));
    qn_log_debug("the run took %u commits, %llu frames to workers and %llu from them",
                 self->run.n_commits, (unsigned long long)self->post.n_sent,
                 (unsigned long long)self->n_received);
    return QN_OK;
}

static qn_code start(struct coordinator *self, struct qn_err *err)
{
    const struct qn_coordinator_options *options = self->options;
    struct qn_run_options run = {.plan = options->plan,
                                 .plan_bytes = options->plan_bytes,
                                 .state_folder = options->state_folder,
                                 .full_refresh = options->full_refresh,
                                 .fleeting = options->fleeting,
                                 .tap = options->tap};
    QN_TRY(qn_run_claim(&self->run, &run, err));
    QN_TRY(qn_listener_open(options->listen, &self->listener, err));
    self->post.listener = self->listener;
    tend(self); /* workers start up while the warehouse is opened */
    QN_TRY(qn_run_open(&self->run, &run, err));
    QN_TRY(qn_spool_new(self->run.spool_folder, &self->spool, err));
    struct qn_schedule_options schedule = {.prefetch = PREFETCH,
                                           .window = WINDOW,
                                           .max_crashes = MAX_CRASHES,
                                           .max_failures = MAX_FAILURES,
                                           .lease_ms = LEASE_MS,
                                           .epoch = qn_store_epoch(self->run.store)};
    QN_TRY(qn_schedule_new(&schedule, &self->schedule, err));
    self->run.schedule = self->schedule;
    const char *endpoint = qn_listener_endpoint(self->listener, QN_CONTROL);
    qn_log_debug("listening at %s; quern status --connect %s tells how far the run is", endpoint,
                 endpoint);
    return qn_journal_announce(self->run.journal, endpoint, err);
}

/* Answers one frame of somebody who was told GOODBYE, or speaks to a run that is over. */
static void part(struct coordinator *self, const struct qn_frame *frame, const char *reason)
{
    struct qn_err err;
    struct qn_msg msg, goodbye = {.kind = QN_MSG_GOODBYE};
    goodbye.goodbye.reason = qn_strv_from(reason);
    qn_arena_clear(&self->arena);
    if (frame->channel != QN_CONTROL ||
        qn_msg_decode(frame->bytes, &self->arena, &msg, &err) != QN_OK)
        return;
    struct qn_session stranger = {.control = frame->peer, .name = "stranger"};
    struct qn_session *session = qn_sessions_by_peer(&self->sessions, QN_CONTROL, &frame->peer);
    if (msg.kind == QN_MSG_HELLO || msg.kind == QN_MSG_ASK)
        send_to(self, &stranger, QN_CONTROL, &goodbye);
    else if (msg.kind == QN_MSG_GOODBYE && session)
        qn_sessions_drop(&self->sessions, session);
}

/* A connection that closes takes unread words with it: so it stays open until every worker said
 * GOODBYE too, or was given the time to. The warehouse is closed while they do. */
static void part_with_all(struct coordinator *self, const char *reason)
{
    struct qn_err err;
    struct qn_frame frame;
    tell_all(self, QN_MSG_GOODBYE, reason);
    qn_run_close_store(&self->run);
    int64_t give_up_ms = qn_clock_ms() + GOODBYE_MS;
    while (self->sessions.first && qn_clock_ms() < give_up_ms) {
        qn_listener_wait(self->listener, 20, -1);
        while (qn_listener_receive(self->listener, &frame, &err) == QN_OK)
            part(self, &frame, reason);
        struct qn_session *session = self->sessions.first, *next;
        for (; session; session = next) {
            next = session->next;
            if (session->gone)
                qn_sessions_drop(&self->sessions, session);
        }
    }
}

static void stop(struct coordinator *self, qn_code code)
{
    qn_progress_end(&self->progress);
    if (self->listener) {
        part_with_all(self, code == QN_OK ? "the run is over" : "the run has stopped");
        qn_listener_close(self->listener, 200);
    }
    qn_held_free(self->held);
    qn_held_free(self->unacked);
    qn_sessions_fini(&self->sessions);
    qn_spool_free(self->spool);
    qn_schedule_free(self->schedule);
    qn_run_close(&self->run);
    qn_post_fini(&self->post);
    qn_arena_fini(&self->arena);
}

static void report(const struct coordinator *self, struct qn_coordinator_outcome *outcome)
{
    *outcome = (struct qn_coordinator_outcome){
        .resumed = self->run.resumed,
        .succeeded = self->run.jobs && (self->run.enough || qn_run_succeeded(&self->run)),
        .seconds = (double)(qn_clock_us() - self->started_us) / 1e6,
    };
    memcpy(outcome->run_id, self->run.run_id, sizeof outcome->run_id);
    for (uint32_t i = 0; self->run.jobs && i < self->run.plan->spec.n_jobs; i++)
        if (self->run.jobs[i].status == QN_JOB_FAILED && !outcome->failure[0])
            memcpy(outcome->failure, self->run.jobs[i].failure, sizeof outcome->failure);
}

qn_code qn_coordinator_run(const struct qn_coordinator_options *options,
                           struct qn_coordinator_outcome *outcome, struct qn_err *err)
{
    struct coordinator self = {.options = options, .started_us = qn_clock_us()};
    qn_arena_init(&self.arena);
    qn_buf_init(&self.post.frame);
    qn_progress_begin(&self.progress, options->progress);
    qn_code code = start(&self, err);
    if (code == QN_OK && self.run.resumed)
        qn_log_info("going on with run %s", self.run.run_id);
    if (code == QN_OK)
        code = serve(&self, err);
    report(&self, outcome);
    stop(&self, code);
    return code;
}
