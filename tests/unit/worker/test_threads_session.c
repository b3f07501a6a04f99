/* A worker finds its way to a session past coordinators that go before they have said a word, and
 * stays in it whatever comes late. */
#include "tests/support/test.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "wire/endpoint.h"
#include "wire/message.h"
#include "wire/transport.h"
#include "worker/worker.h"

enum { PATIENCE_MS = 20000 };

static char endpoint[QN_ENDPOINT_TEXT];
static volatile sig_atomic_t never;
static struct qn_err err, worker_err;

static void *run_worker(void *result)
{
    struct qn_worker_options options = {
        .endpoint = endpoint, .slots = 1, .patience_ms = PATIENCE_MS, .stop = &never};
    *(qn_code *)result = qn_worker_run(&options, &worker_err);
    return NULL;
}

static struct qn_arena arena; /* of what was received last */

/* The next message of that kind; others are passed over. */
static struct qn_msg expect(struct qn_listener *listener, enum qn_msg_kind kind,
                            struct qn_peer *peer)
{
    struct qn_frame frame;
    struct qn_msg msg = {0};
    int64_t until = qn_clock_ms() + PATIENCE_MS;
    while (msg.kind != kind && qn_clock_ms() < until) {
        if (qn_listener_receive(listener, &frame, &err) != QN_OK) {
            qn_listener_wait(listener, 100, -1);
            continue;
        }
        qn_arena_clear(&arena);
        assert_ok(qn_msg_decode(frame.bytes, &arena, &msg, &err), &err);
        *peer = frame.peer;
    }
    assert_int_equal(msg.kind, kind);
    return msg;
}

static struct qn_listener *expect_hello(struct qn_peer *peer)
{
    struct qn_listener *listener;
    assert_ok(qn_listener_open(endpoint, &listener, &err), &err);
    expect(listener, QN_MSG_HELLO, peer);
    return listener;
}

static void tell(struct qn_listener *listener, enum qn_channel channel, const struct qn_peer *peer,
                 const struct qn_msg *msg)
{
    struct qn_buf frame;
    qn_buf_init(&frame);
    assert_ok(qn_msg_encode(msg, &frame, &err), &err);
    assert_ok(qn_listener_send(listener, channel, peer, qn_buf_strv(&frame), &err), &err);
    qn_buf_fini(&frame);
}

static void refuse(struct qn_listener *listener, const struct qn_peer *peer)
{
    struct qn_msg msg = {.kind = QN_MSG_REFUSED};
    msg.refused.reason = QN_STRV_LIT("enough");
    tell(listener, QN_CONTROL, peer, &msg);
}

/* The worker is a process of its own: a listener that shares its process with a dialer closes in
 * the background, and takes the path of its successor with it. */
static void a_coordinator_lost_before_its_welcome_is_dialled_anew(void **state)
{
    (void)state;
    struct qn_peer peer;
    int status;
    snprintf(endpoint, sizeof endpoint, "ipc:///tmp/quern-session-%d", (int)getpid());
    pid_t worker = fork();
    assert_true(worker >= 0);
    if (worker == 0) {
        qn_code result;
        run_worker(&result);
        _exit(result == QN_ENOTSUP && strstr(worker_err.message, "enough") ? 0 : 1);
    }
    for (int i = 0; i < 3; i++) /* heard, and gone without an answer */
        qn_listener_close(expect_hello(&peer), 0);
    struct qn_listener *listener = expect_hello(&peer);
    expect(listener, QN_MSG_HELLO, &peer); /* unanswered, it is said anew */
    refuse(listener, &peer);
    assert_int_equal(waitpid(worker, &status, 0), worker);
    qn_listener_close(listener, 0);
    assert_int_equal(status, 0);
}

static void tell_welcome(struct qn_listener *listener, const struct qn_peer *peer,
                         struct qn_strv plan)
{
    struct qn_msg msg = {.kind = QN_MSG_WELCOME};
    msg.welcome.session = 1;
    msg.welcome.run_id = QN_STRV_LIT("r");
    msg.welcome.plan = plan;
    msg.welcome.data_port = qn_strv_from(qn_listener_endpoint(listener, QN_DATA));
    msg.welcome.pulse_ms = 1000;
    msg.welcome.lease_ms = 10000;
    tell(listener, QN_CONTROL, peer, &msg);
}

static void tell_task(struct qn_listener *listener, const struct qn_peer *peer,
                      struct qn_strv brief)
{
    struct qn_msg_task task = {.token = {.attempt = 1}, .brief = brief};
    struct qn_msg msg = {.kind = QN_MSG_TASKS};
    msg.tasks.items = &task;
    msg.tasks.n = 1;
    tell(listener, QN_CONTROL, peer, &msg);
}

/* The stage of a task ended while its brief was being asked for. */
static void a_brief_that_is_gone_costs_its_tasks_alone(void **state)
{
    (void)state;
    pthread_t thread;
    struct qn_peer control, data;
    qn_code result = QN_OK;
    char plan[QN_SHA256_HEX], brief[QN_SHA256_HEX];
    qn_sha256_of(QN_STRV_LIT("plan"), plan);
    qn_sha256_of(QN_STRV_LIT("brief"), brief);
    snprintf(endpoint, sizeof endpoint, "ipc:///tmp/quern-session-gone-%d", (int)getpid());
    assert_int_equal(pthread_create(&thread, NULL, run_worker, &result), 0);
    struct qn_listener *listener = expect_hello(&control);
    tell_welcome(listener, &control, qn_strv_from(plan));
    struct qn_msg get = expect(listener, QN_MSG_GET, &data);
    assert_true(qn_strv_is(get.get.hash, plan));
    tell_task(listener, &control, qn_strv_from(brief));
    get = expect(listener, QN_MSG_GET, &data);
    assert_true(qn_strv_is(get.get.hash, brief));
    struct qn_msg gone = {.kind = QN_MSG_BLOB};
    gone.blob.hash = qn_strv_from(brief);
    tell(listener, QN_DATA, &data, &gone);
    expect(listener, QN_MSG_RENEW, &control); /* it lives on */
    struct qn_msg over = {.kind = QN_MSG_GOODBYE};
    tell(listener, QN_CONTROL, &control, &over);
    assert_int_equal(pthread_join(thread, NULL), 0);
    qn_listener_close(listener, 0);
    assert_ok(result, &worker_err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_coordinator_lost_before_its_welcome_is_dialled_anew),
        cmocka_unit_test(a_brief_that_is_gone_costs_its_tasks_alone),
    };
    qn_arena_init(&arena);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    qn_arena_fini(&arena);
    return failed;
}
