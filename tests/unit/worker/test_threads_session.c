/* A worker finds its way to a session past coordinators that go before they have said a word. */
#include "tests/support/test.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
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

static struct qn_listener *expect_hello(struct qn_peer *peer)
{
    struct qn_listener *listener;
    struct qn_frame frame;
    struct qn_arena arena;
    struct qn_msg msg;
    qn_code code;
    int64_t until = qn_clock_ms() + PATIENCE_MS;
    assert_ok(qn_listener_open(endpoint, &listener, &err), &err);
    while ((code = qn_listener_receive(listener, &frame, &err)) != QN_OK && qn_clock_ms() < until)
        qn_listener_wait(listener, 100, -1);
    assert_ok(code, &err);
    qn_arena_init(&arena);
    assert_ok(qn_msg_decode(frame.bytes, &arena, &msg, &err), &err);
    assert_int_equal(msg.kind, QN_MSG_HELLO);
    qn_arena_fini(&arena);
    *peer = frame.peer;
    return listener;
}

static void refuse(struct qn_listener *listener, const struct qn_peer *peer)
{
    struct qn_msg msg = {.kind = QN_MSG_REFUSED};
    struct qn_buf frame;
    msg.refused.reason = QN_STRV_LIT("enough");
    qn_buf_init(&frame);
    assert_ok(qn_msg_encode(&msg, &frame, &err), &err);
    assert_ok(qn_listener_send(listener, QN_CONTROL, peer, qn_buf_strv(&frame), &err), &err);
    qn_buf_fini(&frame);
}

static void a_coordinator_lost_before_its_welcome_is_dialled_anew(void **state)
{
    (void)state;
    pthread_t thread;
    struct qn_peer peer;
    qn_code result = QN_OK;
    snprintf(endpoint, sizeof endpoint, "ipc:///tmp/quern-session-%d", (int)getpid());
    assert_int_equal(pthread_create(&thread, NULL, run_worker, &result), 0);
    for (int i = 0; i < 3; i++) /* heard, and gone without an answer */
        qn_listener_close(expect_hello(&peer), 0);
    struct qn_listener *listener = expect_hello(&peer);
    refuse(listener, &peer);
    assert_int_equal(pthread_join(thread, NULL), 0);
    qn_listener_close(listener, 0);
    assert_int_equal(result, QN_ENOTSUP);
    assert_non_null(strstr(worker_err.message, "enough"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_coordinator_lost_before_its_welcome_is_dialled_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
