#include "worker/worker.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "worker/blobs.h"
#include "worker/outbox.h"
#include "worker/round_states.h"
#include "worker/waiting.h"

/* A session thread that only waits for its executors still looks at its clocks this often; while
 * it makes contact, a connection that is up may still need a moment to take its first message. */
enum { WAIT_MS = 100, CONTACT_MS = 2, MAX_TOKENS = 4096, MAX_STARTED = 64 };

/* A HELLO may go down with the connection it was put on without either side's noticing: without an
 * answer for so long it is said anew. */
enum { ANSWER_MS = 3000 };

/* Of a worker's memory, 1 / this for what its tasks keep; the rest is for code, buffers, rows on
 * their way, and tables that move while they grow. */
enum { KEPT_SHARE = 2 };
/* And of that, 1 / this for what tasks leave to the next ones. */
enum { CACHE_SHARE = 2 };

enum phase {
    DIALLING,  /* the control connection is not up yet */
    GREETING,  /* HELLO is out */
    ATTACHING, /* welcome; the data connection is not up yet */
    WORKING,
    DRAINING, /* takes no more tasks */
    OVER,
};

struct worker {
    const struct qn_worker_options *options;
    enum phase phase;
    uint8_t uuid[QN_UUID_BYTES];
    struct qn_dialer *dialer;
    struct qn_arena arena; /* of the message being handled */
    struct qn_buf frame;
    int64_t looking_ms; /* since when there has been no session */
    bool said_so;       /* that nobody answers */
    int64_t dialled_ms, heard_ms, pulsed_ms;
    uint64_t session;
    uint32_t pulse_ms, lease_ms;

    struct qn_blobs blobs; /* of this run */
    char plan_hash[QN_SHA256_HEX];
    struct qn_plan *plan;          /* NULL: not here yet */
    struct qn_round_states states; /* of stages that repeat */
    struct qn_waiting waiting;     /* tasks that cannot run yet */
    struct qn_pool *pool;          /* NULL until the plan is here */
    struct qn_executor *executors; /* one per slot */
    struct qn_cache *cache;        /* of all slots */
    struct qn_shared *shared;      /* by all slots */
    char *folder;                  /* shared with the coordinator; NULL: none is */
    struct qn_outbox outbox;
    uint32_t n_active; /* in the pool */
    uint32_t *reached; /* by job: its latest stage and whether its rounds go on (see move_on) */
};

struct parsed_brief {
    struct qn_arena arena;
    struct qn_brief brief;
};

static void free_parsed_brief(void *parsed)
{
    struct parsed_brief *brief = parsed;
    qn_arena_fini(&brief->arena);
    free(brief);
}

/* --- sending --------------------------------------------------------------------------------- */

static qn_code send_on(struct worker *worker, enum qn_channel channel, const struct qn_msg *msg,
                       struct qn_err *err)
{
    qn_buf_clear(&worker->frame);
    QN_TRY(qn_msg_encode(msg, &worker->frame, err));
    return qn_dialer_send(worker->dialer, channel, qn_buf_strv(&worker->frame), err);
}

static qn_code send_hello(struct worker *worker, struct qn_err *err)
{
    struct qn_msg msg = {.kind = QN_MSG_HELLO};
    char host[64] = "";
    gethostname(host, sizeof host - 1);
    msg.hello.protocol = QN_PROTOCOL_VERSION;
    msg.hello.engine = qn_strv_from(QN_VERSION);
    memcpy(msg.hello.uuid, worker->uuid, sizeof worker->uuid);
    msg.hello.boot = (uint64_t)qn_clock_us();
    msg.hello.slots = worker->options->slots;
    msg.hello.kept_bytes = worker->options->memory_bytes / KEPT_SHARE;
    msg.hello.pid = (uint64_t)getpid();
    msg.hello.host = qn_strv_from(host);
    return send_on(worker, QN_CONTROL, &msg, err);
}

static qn_code ask_for(struct worker *worker, struct qn_strv hash, struct qn_err *err)
{
    if (qn_blobs_find(&worker->blobs, hash))
        return QN_OK;
    if (!qn_blobs_add(&worker->blobs, hash))
        return qn_err_nomem(err, "a blob");
    struct qn_msg msg = {.kind = QN_MSG_GET};
    msg.get.hash = hash;
    return send_on(worker, QN_DATA, &msg, err);
}

static qn_code pulse(struct worker *worker, struct qn_err *err)
{
    struct qn_token *tokens = QN_NEW_ARRAY(&worker->arena, struct qn_token, MAX_TOKENS);
    if (!tokens)
        return qn_err_nomem(err, "a heartbeat");
    struct qn_msg msg = {.kind = QN_MSG_RENEW};
    msg.tokens.items = tokens;
    msg.tokens.n = worker->pool ? qn_pool_tokens(worker->pool, tokens, MAX_TOKENS) : 0;
    worker->pulsed_ms = qn_clock_ms();
    return send_on(worker, QN_CONTROL, &msg, err);
}

/* --- tasks ----------------------------------------------------------------------------------- */

static void run_in_slot(void *context, uint32_t slot, struct qn_work *work)
{
    const struct worker *worker = context;
    qn_task_run((struct qn_task *)(void *)work, &worker->executors[slot]);
}

/* A token from the wire names what the plan has, or nothing at all. */
static bool token_fits(const struct qn_plan *plan, const struct qn_token *token)
{
    return token->job < plan->spec.n_jobs && token->stage < plan->jobs[token->job].job.n_stages;
}

/* A later stage needs nothing that tasks left for each other in the ones before, and other memory
 * than they; so do the rounds after the first, which reads rows. */
static void move_on(struct worker *worker, const struct qn_token *token)
{
    uint32_t place = 2 * token->stage + (token->round > 0), before = worker->reached[token->job];
    if (place <= before)
        return;
    worker->reached[token->job] = place;
    if (token->stage > before / 2)
        qn_cache_forget_units(worker->cache, token->job);
    qn_memory_give_back();
}

static const struct qn_brief *brief_of(const struct qn_blob *blob)
{
    return blob && blob->parsed ? &((const struct parsed_brief *)blob->parsed)->brief : NULL;
}

/* Finds what the task needs. QN_ENOTFOUND: not all of it is here. QN_ESTATE: its round is over, and
 * word of that is on the way. */
static qn_code equip(struct worker *worker, struct qn_task *task, struct qn_err *err)
{
    const struct qn_token *token = &task->work.token;
    const struct qn_brief *brief =
        brief_of(qn_blobs_find(&worker->blobs, qn_strv_from(task->brief_hash)));
    if (!worker->plan || !brief)
        return QN_ENOTFOUND;
    if (!token_fits(worker->plan, token))
        return qn_err_set(err, QN_EWIRE, QN_BLAME_COORDINATOR, "a task outside the plan");
    struct qn_strv state;
    QN_TRY(qn_round_states_hold(&worker->states, token, &task->state, &state));
    memcpy(task->states, brief->states, sizeof task->states);
    if (task->state)
        task->states[token->stage] = state;
    task->plan = worker->plan;
    task->brief = brief;
    return QN_OK;
}

/* To the pool when it can run; else it waits, or is of no use to anybody. */
static qn_code place(struct worker *worker, struct qn_task *task, struct qn_err *err)
{
    qn_code code = equip(worker, task, err);
    if (code == QN_ENOTFOUND) {
        qn_waiting_put(&worker->waiting, task);
        return QN_OK;
    }
    if (code != QN_OK) {
        qn_task_free(task);
        return code == QN_ESTATE ? QN_OK : code;
    }
    move_on(worker, &task->work.token);
    worker->n_active++;
    qn_pool_submit(worker->pool, &task->work);
    return QN_OK;
}

static qn_code accept_task(struct worker *worker, const struct qn_msg_task *leased,
                           struct qn_err *err)
{
    struct qn_task *task = qn_task_new(leased);
    if (!task)
        return qn_err_nomem(err, "a task");
    QN_TRY(place(worker, task, err));
    return ask_for(worker, leased->brief, err);
}

/* Something came that tasks may have waited for. */
static qn_code place_waiting(struct worker *worker, struct qn_err *err)
{
    struct qn_waiting all = worker->waiting;
    struct qn_task *task;
    qn_code code = QN_OK;
    worker->waiting = (struct qn_waiting){0};
    while (code == QN_OK && (task = qn_waiting_take(&all)))
        code = place(worker, task, err);
    qn_waiting_drop(&all, (struct qn_strv){0});
    return code;
}

static struct qn_task *take_back(struct worker *worker, const struct qn_token *token)
{
    struct qn_task *task = qn_waiting_take_back(&worker->waiting, token);
    if (task)
        return task;
    struct qn_work *work = worker->pool ? qn_pool_take_back(worker->pool, token) : NULL;
    worker->n_active -= work != NULL;
    return (struct qn_task *)(void *)work;
}

static qn_code recall(struct worker *worker, const struct qn_msg *msg, struct qn_err *err)
{
    struct qn_msg reply = {.kind = QN_MSG_RETURNED};
    reply.tokens.items = QN_NEW_ARRAY(&worker->arena, struct qn_token, msg->tokens.n);
    if (!reply.tokens.items)
        return qn_err_nomem(err, "returned tasks");
    for (uint32_t i = 0; i < msg->tokens.n; i++) {
        struct qn_task *task = take_back(worker, &msg->tokens.items[i]);
        if (!task)
            continue;
        reply.tokens.items[reply.tokens.n++] = task->work.token;
        qn_task_free(task);
    }
    return reply.tokens.n ? send_on(worker, QN_CONTROL, &reply, err) : QN_OK;
}

static void cancel(struct worker *worker, const struct qn_msg *msg)
{
    for (uint32_t i = 0; i < msg->tokens.n; i++) {
        struct qn_task *task = take_back(worker, &msg->tokens.items[i]);
        if (task)
            qn_task_free(task);
        else if (worker->pool)
            qn_pool_cancel(worker->pool, &msg->tokens.items[i]);
        qn_outbox_ack(&worker->outbox, &msg->tokens.items[i]);
    }
}

static qn_code tell_started(struct worker *worker, struct qn_err *err)
{
    struct qn_token tokens[MAX_STARTED];
    struct qn_msg msg = {.kind = QN_MSG_STARTED};
    msg.tokens.items = tokens;
    msg.tokens.n = worker->pool ? qn_pool_started(worker->pool, tokens, MAX_STARTED) : 0;
    return msg.tokens.n ? send_on(worker, QN_CONTROL, &msg, err) : QN_OK;
}

static qn_code collect(struct worker *worker, struct qn_err *err)
{
    struct qn_work *work;
    QN_TRY(tell_started(worker, err));
    while (worker->pool && (work = qn_pool_next_finished(worker->pool))) {
        struct qn_task *task = (struct qn_task *)(void *)work;
        worker->n_active--;
        if (task->code == QN_ECANCEL)
            qn_task_free(task);
        else
            qn_outbox_put(&worker->outbox, task);
    }
    return QN_OK;
}

/* --- blobs ----------------------------------------------------------------------------------- */

static const char *temporary_folder(void)
{
    const char *folder = getenv("TMPDIR");
    return folder && *folder ? folder : "/var/tmp";
}

static qn_code start_slots(struct worker *worker, struct qn_err *err)
{
    uint32_t n = worker->options->slots;
    uint64_t kept_bytes = worker->options->memory_bytes / KEPT_SHARE;
    const char *scratch = worker->folder ? worker->folder : temporary_folder();
    QN_TRY(qn_cache_new(kept_bytes / CACHE_SHARE, scratch, &worker->cache, err));
    QN_TRY(qn_shared_new(&worker->shared, err));
    worker->executors = calloc(n, sizeof *worker->executors);
    if (!worker->executors)
        return qn_err_nomem(err, "executors");
    for (uint32_t i = 0; i < n; i++) {
        worker->executors[i].folder = worker->folder;
        worker->executors[i].scratch = scratch;
        worker->executors[i].cache = worker->cache;
        worker->executors[i].shared = worker->shared;
        worker->executors[i].kept_bytes = kept_bytes;
        worker->executors[i].n_executors = n;
        qn_part_writer_init(&worker->executors[i].writer);
    }
    return qn_pool_new(n, run_in_slot, worker, &worker->pool, err);
}

static void free_slots(struct worker *worker)
{
    for (uint32_t i = 0; worker->executors && i < worker->options->slots; i++)
        qn_part_writer_fini(&worker->executors[i].writer);
    free(worker->executors);
    worker->executors = NULL;
    qn_cache_free(worker->cache);
    worker->cache = NULL;
    qn_shared_free(worker->shared);
    worker->shared = NULL;
}

static qn_code take_plan(struct worker *worker, const struct qn_blob *blob, struct qn_err *err)
{
    worker->plan = calloc(1, sizeof *worker->plan);
    if (!worker->plan)
        return qn_err_nomem(err, "the plan");
    QN_TRY(qn_plan_unpack(worker->plan, qn_buf_strv(&blob->bytes), err));
    worker->reached = calloc(worker->plan->spec.n_jobs + 1, sizeof *worker->reached);
    return worker->reached ? start_slots(worker, err) : qn_err_nomem(err, "the plan");
}

static qn_code take_brief(struct qn_blob *blob, struct qn_err *err)
{
    struct parsed_brief *parsed = calloc(1, sizeof *parsed);
    if (!parsed)
        return qn_err_nomem(err, "a brief");
    qn_arena_init(&parsed->arena);
    blob->parsed = parsed;
    return qn_brief_unpack(qn_buf_strv(&blob->bytes), &parsed->arena, &parsed->brief, err);
}

static qn_code take_blob(struct worker *worker, const struct qn_msg *msg, struct qn_err *err)
{
    struct qn_blob *blob;
    qn_code code = qn_blobs_take(&worker->blobs, msg, &blob, err);
    if (code == QN_ENOTFOUND && !qn_strv_is(msg->blob.hash, worker->plan_hash)) {
        /* A stage may end while its brief is asked for: others did the tasks that wait for it here,
         * and word of that is on the way. */
        qn_waiting_drop(&worker->waiting, msg->blob.hash);
        return QN_OK;
    }
    QN_TRY(code);
    if (!blob)
        return QN_OK;
    if (strcmp(blob->hash, worker->plan_hash) == 0)
        QN_TRY(take_plan(worker, blob, err));
    else
        QN_TRY(take_brief(blob, err));
    return place_waiting(worker, err);
}

static qn_code take_state(struct worker *worker, const struct qn_msg *msg, struct qn_err *err)
{
    bool whole;
    QN_TRY(qn_round_states_take(&worker->states, msg, &whole, err));
    return whole ? place_waiting(worker, err) : QN_OK;
}

/* --- messages -------------------------------------------------------------------------------- */

/* Takes the coordinator's folder when it is here too: only then is the proof. */
static qn_code find_folder(struct worker *worker, struct qn_strv folder, struct qn_strv proof,
                           struct qn_err *err)
{
    if (!folder.len || !proof.len || memchr(proof.data, '/', proof.len))
        return QN_OK;
    const char *path =
        qn_arena_printf(&worker->arena, "%.*s/%.*s", QN_STRV_ARG(folder), QN_STRV_ARG(proof));
    if (!path)
        return qn_err_nomem(err, "a path");
    if (access(path, F_OK) != 0)
        return QN_OK;
    worker->folder = strndup(folder.data, folder.len);
    return worker->folder ? QN_OK : qn_err_nomem(err, "a path");
}

static qn_code welcome(struct worker *worker, const struct qn_msg *msg, struct qn_err *err)
{
    if (worker->phase != GREETING || msg->welcome.plan.len != QN_SHA256_HEX - 1)
        return qn_err_set(err, QN_EWIRE, QN_BLAME_COORDINATOR, "a WELCOME that does not fit");
    worker->phase = ATTACHING;
    worker->session = msg->welcome.session;
    worker->pulse_ms = msg->welcome.pulse_ms;
    worker->lease_ms = msg->welcome.lease_ms;
    worker->outbox.credit_bytes = msg->welcome.credit_bytes;
    memcpy(worker->plan_hash, msg->welcome.plan.data, msg->welcome.plan.len);
    QN_TRY(find_folder(worker, msg->welcome.folder, msg->welcome.proof, err));
    const char *endpoint = qn_arena_strdup(&worker->arena, msg->welcome.data_port);
    if (!endpoint)
        return qn_err_nomem(err, "an endpoint");
    QN_TRY(qn_dialer_open_data(worker->dialer, endpoint, err));
    qn_log_debug("joined run %.*s", QN_STRV_ARG(msg->welcome.run_id));
    return QN_OK;
}

static qn_code attach(struct worker *worker, struct qn_err *err)
{
    struct qn_msg msg = {.kind = QN_MSG_ATTACH};
    msg.attach.session = worker->session;
    QN_TRY(send_on(worker, QN_DATA, &msg, err));
    worker->phase = *worker->options->stop ? DRAINING : WORKING;
    return ask_for(worker, qn_strv_from(worker->plan_hash), err);
}

static qn_code take_tasks(struct worker *worker, const struct qn_msg *msg, struct qn_err *err)
{
    for (uint32_t i = 0; i < msg->tasks.n; i++)
        QN_TRY(accept_task(worker, &msg->tasks.items[i], err));
    return QN_OK;
}

/* Says GOODBYE too: the coordinator keeps the connection open until then. */
static qn_code end_session(struct worker *worker, struct qn_err *err)
{
    struct qn_msg msg = {.kind = QN_MSG_GOODBYE};
    worker->phase = OVER;
    qn_code code = send_on(worker, QN_CONTROL, &msg, err);
    return code == QN_ESTATE ? QN_OK : code; /* gone already: so much the better */
}

static qn_code handle(struct worker *worker, const struct qn_msg *msg, struct qn_err *err)
{
    switch (msg->kind) {
    case QN_MSG_WELCOME: return welcome(worker, msg, err);
    case QN_MSG_REFUSED:
        return qn_err_set(err, QN_ENOTSUP, QN_BLAME_WORKER, "the coordinator refused: %.*s",
                          QN_STRV_ARG(msg->refused.reason));
    case QN_MSG_TASKS: return take_tasks(worker, msg, err);
    case QN_MSG_RECALL: return recall(worker, msg, err);
    case QN_MSG_CANCEL: cancel(worker, msg); return QN_OK;
    case QN_MSG_BLOB: return take_blob(worker, msg, err);
    case QN_MSG_CREDIT: worker->outbox.credit_bytes += msg->credit.bytes; return QN_OK;
    case QN_MSG_STATE: return take_state(worker, msg, err);
    case QN_MSG_ACK:
        for (uint32_t i = 0; i < msg->tokens.n; i++)
            qn_outbox_ack(&worker->outbox, &msg->tokens.items[i]);
        return QN_OK;
    case QN_MSG_DRAIN: worker->phase = DRAINING; return QN_OK;
    case QN_MSG_GOODBYE: return end_session(worker, err);
    case QN_MSG_PULSE: return QN_OK;
    default:
        return qn_err_set(err, QN_EWIRE, QN_BLAME_COORDINATOR, "a coordinator does not say %s",
                          qn_msg_name(msg->kind));
    }
}

static qn_code receive_all(struct worker *worker, struct qn_err *err)
{
    struct qn_frame frame;
    qn_code code;
    while (worker->phase != OVER &&
           (code = qn_dialer_receive(worker->dialer, &frame, err)) != QN_ENOTFOUND) {
        QN_TRY(code);
        struct qn_msg msg;
        qn_arena_clear(&worker->arena);
        QN_TRY(qn_msg_decode(frame.bytes, &worker->arena, &msg, err));
        worker->heard_ms = qn_clock_ms();
        QN_TRY(handle(worker, &msg, err));
    }
    return QN_OK;
}

/* --- the session ----------------------------------------------------------------------------- */

static void drop_work(struct qn_work *work)
{
    qn_task_free((struct qn_task *)(void *)work);
}

/* Back to a worker that knows nobody. */
static void forget_session(struct worker *worker)
{
    qn_pool_free(worker->pool, drop_work);
    worker->pool = NULL;
    free_slots(worker);
    free(worker->folder);
    worker->folder = NULL;
    free(worker->reached);
    worker->reached = NULL;
    qn_outbox_drop(&worker->outbox);
    qn_waiting_drop(&worker->waiting, (struct qn_strv){0});
    qn_round_states_free(&worker->states);
    if (worker->plan) {
        qn_plan_fini(worker->plan);
        free(worker->plan);
        worker->plan = NULL;
    }
    qn_blobs_free(&worker->blobs, free_parsed_brief);
    qn_dialer_close(worker->dialer, worker->phase == OVER ? 1000 : 0);
    worker->dialer = NULL;
    worker->n_active = 0;
}

static qn_code dial(struct worker *worker, struct qn_err *err)
{
    worker->phase = DIALLING;
    worker->dialled_ms = worker->heard_ms = worker->pulsed_ms = qn_clock_ms();
    worker->pulse_ms = 1000;
    worker->lease_ms = 10000;
    return qn_dialer_open(worker->options->endpoint, &worker->dialer, err);
}

/* The next step towards a session, once what it needs is connected. Who is lost on the way is
 * dialled anew: the next one behind the endpoint has heard no HELLO. */
static qn_code make_contact(struct worker *worker, struct qn_err *err)
{
    enum qn_dialer_state state = qn_dialer_state(worker->dialer);
    qn_code code = QN_OK;
    if (state == QN_LOST)
        return qn_err_set(err, QN_ESTATE, QN_BLAME_COORDINATOR, "the coordinator is gone");
    if (state == QN_CONNECTED && worker->phase == DIALLING) {
        code = send_hello(worker, err);
        if (code == QN_OK) {
            worker->phase = GREETING;
            worker->dialled_ms = qn_clock_ms();
        }
    } else if (state == QN_CONNECTED && worker->phase == ATTACHING) {
        code = attach(worker, err);
    }
    if (code != QN_OK && code != QN_ESTATE)
        return code;
    int64_t now_ms = qn_clock_ms();
    if (worker->options->patience_ms >= 0 &&
        now_ms - worker->looking_ms > worker->options->patience_ms)
        return qn_err_set(err, QN_EIO, QN_BLAME_COORDINATOR, "no coordinator answers at %s",
                          worker->options->endpoint);
    if (!worker->said_so && now_ms - worker->looking_ms > ANSWER_MS) {
        worker->said_so = true;
        qn_log_info("no coordinator answers at %s yet; dialling on", worker->options->endpoint);
    }
    if (worker->phase != DIALLING && now_ms - worker->dialled_ms > ANSWER_MS)
        return qn_err_set(err, QN_ESTATE, QN_BLAME_COORDINATOR, "the coordinator does not answer");
    return QN_OK;
}

static qn_code keep_alive(struct worker *worker, struct qn_err *err)
{
    int64_t now = qn_clock_ms();
    if (worker->phase < WORKING)
        return make_contact(worker, err);
    if (now - worker->heard_ms > worker->lease_ms)
        return qn_err_set(err, QN_ESTATE, QN_BLAME_COORDINATOR,
                          "the coordinator has been silent for %u ms", worker->lease_ms);
    return now - worker->pulsed_ms >= worker->pulse_ms ? pulse(worker, err) : QN_OK;
}

/* Draining: says so once, gives back what is not started, leaves when nothing is held. */
static qn_code wind_down(struct worker *worker, struct qn_err *err)
{
    if (*worker->options->stop && worker->phase < WORKING)
        worker->phase = OVER;
    if (*worker->options->stop && worker->phase == WORKING) {
        struct qn_msg msg = {.kind = QN_MSG_DRAIN};
        worker->phase = DRAINING;
        QN_TRY(send_on(worker, QN_CONTROL, &msg, err));
        qn_log_info("draining: finishing what runs, taking no more");
    }
    bool idle = !worker->n_active && !worker->waiting.first && qn_outbox_is_empty(&worker->outbox);
    if (worker->phase == DRAINING && (idle || *worker->options->stop > 1)) {
        struct qn_msg msg = {.kind = QN_MSG_GOODBYE};
        msg.goodbye.reason = QN_STRV_LIT("drained");
        QN_TRY(send_on(worker, QN_CONTROL, &msg, err));
        worker->phase = OVER;
    }
    return QN_OK;
}

static qn_code step(struct worker *worker, struct qn_err *err)
{
    bool ready = (worker->phase == DIALLING || worker->phase == ATTACHING) &&
                 qn_dialer_state(worker->dialer) == QN_CONNECTED;
    int wait_ms = ready ? CONTACT_MS : WAIT_MS;
    if (worker->pool)
        wait_ms = qn_pool_wait_ms(worker->pool, wait_ms);
    qn_dialer_wait(worker->dialer, wait_ms, worker->pool ? qn_pool_wake_fd(worker->pool) : -1);
    QN_TRY(receive_all(worker, err));
    if (worker->phase == OVER)
        return QN_OK;
    QN_TRY(collect(worker, err));
    QN_TRY(qn_outbox_send(&worker->outbox, worker->dialer, err));
    qn_arena_clear(&worker->arena);
    QN_TRY(keep_alive(worker, err));
    return wind_down(worker, err);
}

static qn_code run_session(struct worker *worker, struct qn_err *err)
{
    qn_code code = dial(worker, err);
    while (code == QN_OK && worker->phase != OVER)
        code = step(worker, err);
    /* A coordinator that is done says GOODBYE and closes: the word may lie behind the loss. */
    struct qn_err late;
    if (code == QN_ESTATE && worker->dialer) {
        qn_dialer_wait(worker->dialer, WAIT_MS, -1);
        if (receive_all(worker, &late) == QN_OK && worker->phase == OVER)
            code = QN_OK;
    }
    forget_session(worker);
    return code;
}

qn_code qn_worker_run(const struct qn_worker_options *options, struct qn_err *err)
{
    struct worker worker = {.options = options};
    qn_memory_keep_freed(options->memory_bytes);
    if (getrandom(worker.uuid, sizeof worker.uuid, 0) != (ssize_t)sizeof worker.uuid)
        return qn_err_io(err, "read", "random bytes");
    qn_arena_init(&worker.arena);
    qn_buf_init(&worker.frame);
    qn_code code;
    worker.looking_ms = qn_clock_ms();
    for (;;) {
        code = run_session(&worker, err);
        if (worker.phase >= WORKING) {
            worker.looking_ms = qn_clock_ms();
            worker.said_so = false;
        }
        /* A lost coordinator is looked for again; a refusal or our own failure is final. */
        if (code != QN_ESTATE || *options->stop)
            break;
        qn_log_warn("%s; looking for it again", err ? err->message : "coordinator lost");
    }
    qn_buf_fini(&worker.frame);
    qn_arena_fini(&worker.arena);
    return code;
}
