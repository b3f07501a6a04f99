/* Listener and dialers in one process, each owned by one thread, over tcp and ipc. */
#include "tests/support/test.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <zmq.h>

#include "base/clock.h"
#include "base/limits.h"
#include "wire/endpoint.h"
#include "wire/transport.h"

enum { PATIENCE_MS = 20000, N_DIALERS = 4, N_FRAMES = 400, WINDOW = 16 };

static struct qn_err err;

static void ipc_endpoint(char out[QN_ENDPOINT_TEXT])
{
    static int n;
    snprintf(out, QN_ENDPOINT_TEXT, "ipc:///tmp/quern-test-%d-%d.sock", (int)getpid(), n++);
}

static struct qn_listener *listen_on(const char *endpoint)
{
    struct qn_listener *listener;
    assert_ok(qn_listener_open(endpoint, &listener, &err), &err);
    return listener;
}

static struct qn_dialer *dial(const char *endpoint)
{
    struct qn_dialer *dialer;
    assert_ok(qn_dialer_open(endpoint, &dialer, &err), &err);
    return dialer;
}

static bool reaches(struct qn_dialer *dialer, enum qn_dialer_state state)
{
    int64_t until = qn_clock_ms() + PATIENCE_MS;
    while (qn_dialer_state(dialer) != state && qn_clock_ms() < until)
        qn_dialer_wait(dialer, 100, -1);
    return qn_dialer_state(dialer) == state;
}

static struct qn_frame next_frame(struct qn_listener *listener)
{
    struct qn_frame frame = {0};
    int64_t until = qn_clock_ms() + PATIENCE_MS;
    while (qn_listener_receive(listener, &frame, &err) != QN_OK && qn_clock_ms() < until)
        qn_listener_wait(listener, PATIENCE_MS, -1);
    assert_true(frame.bytes.data);
    return frame;
}

/* ---- many frames both ways, in order ---- */

struct caller {
    const char *control, *data;
    uint32_t number;
    bool good;
};

/* Frame i of a channel: who, which channel, i, and a tail whose length depends on i. */
static size_t frame_size(enum qn_channel channel, uint32_t i)
{
    if (channel == QN_DATA && i % 64 == 63)
        return QN_MAX_FRAME_BYTES;
    return 12 + (i * 37) % 500;
}

static void fill_frame(uint8_t *frame, uint32_t number, enum qn_channel channel, uint32_t i)
{
    uint32_t head[3] = {number, (uint32_t)channel, i};
    memset(frame, (int)(i & 0xff), frame_size(channel, i));
    memcpy(frame, head, sizeof head);
}

static bool exchange(struct qn_dialer *dialer, uint32_t number, uint8_t *scratch)
{
    uint32_t sent[2] = {0}, received[2] = {0};
    while (received[0] < N_FRAMES || received[1] < N_FRAMES) {
        for (int c = 0; c < 2; c++) {
            for (; sent[c] < N_FRAMES && sent[c] - received[c] < WINDOW; sent[c]++) {
                fill_frame(scratch, number, (enum qn_channel)c, sent[c]);
                struct qn_strv bytes = {(char *)scratch, frame_size((enum qn_channel)c, sent[c])};
                if (qn_dialer_send(dialer, (enum qn_channel)c, bytes, NULL) != QN_OK)
                    return false;
            }
        }
        if (!qn_dialer_wait(dialer, PATIENCE_MS, -1))
            return false;
        struct qn_frame frame;
        while (qn_dialer_receive(dialer, &frame, NULL) == QN_OK) {
            uint32_t i = received[frame.channel]++;
            fill_frame(scratch, number, frame.channel, i);
            if (frame.bytes.len != frame_size(frame.channel, i) ||
                memcmp(frame.bytes.data, scratch, frame.bytes.len) != 0)
                return false;
        }
    }
    return true;
}

static void *caller_main(void *arg)
{
    struct caller *caller = arg;
    uint8_t *scratch = malloc(QN_MAX_FRAME_BYTES);
    struct qn_dialer *dialer;
    if (!scratch || qn_dialer_open(caller->control, &dialer, NULL) != QN_OK)
        return NULL;
    caller->good = reaches(dialer, QN_CONNECTED) &&
                   qn_dialer_open_data(dialer, caller->data, NULL) == QN_OK &&
                   reaches(dialer, QN_CONNECTED) && exchange(dialer, caller->number, scratch);
    qn_dialer_close(dialer, 0);
    free(scratch);
    return NULL;
}

static void echo_all(struct qn_listener *listener)
{
    for (uint32_t echoed = 0; echoed < 2 * N_DIALERS * N_FRAMES;) {
        struct qn_frame frame;
        assert_true(qn_listener_wait(listener, PATIENCE_MS, -1));
        while (qn_listener_receive(listener, &frame, &err) == QN_OK) {
            assert_ok(qn_listener_send(listener, frame.channel, &frame.peer, frame.bytes, &err),
                      &err);
            echoed++;
        }
    }
}

static void echo_over(const char *endpoint)
{
    struct qn_listener *listener = listen_on(endpoint);
    pthread_t threads[N_DIALERS];
    struct caller callers[N_DIALERS];
    for (uint32_t i = 0; i < N_DIALERS; i++) {
        callers[i] = (struct caller){.control = qn_listener_endpoint(listener, QN_CONTROL),
                                     .data = qn_listener_endpoint(listener, QN_DATA),
                                     .number = i};
        assert_int_equal(pthread_create(&threads[i], NULL, caller_main, &callers[i]), 0);
    }
    echo_all(listener);
    for (int i = 0; i < N_DIALERS; i++) {
        pthread_join(threads[i], NULL);
        assert_true(callers[i].good);
    }
    qn_listener_close(listener, 0);
}

static void frames_come_whole_and_in_order_over_tcp(void **state)
{
    (void)state;
    echo_over("tcp://127.0.0.1:*");
}

static void frames_come_whole_and_in_order_over_ipc(void **state)
{
    (void)state;
    char endpoint[QN_ENDPOINT_TEXT];
    ipc_endpoint(endpoint);
    echo_over(endpoint);
}

/* ---- the life of a connection ---- */

static void a_listener_on_every_interface_is_reached(void **state)
{
    (void)state;
    struct qn_listener *listener = listen_on("tcp://*:*");
    char port[QN_ENDPOINT_TEXT];
    const char *bound = qn_listener_endpoint(listener, QN_CONTROL);
    snprintf(port, sizeof port, "tcp://127.0.0.1%s", strrchr(bound, ':'));
    struct qn_dialer *dialer = dial(port);
    assert_ok(qn_dialer_open_data(dialer, qn_listener_endpoint(listener, QN_DATA), &err), &err);
    assert_true(reaches(dialer, QN_CONNECTED));
    assert_ok(qn_dialer_send(dialer, QN_DATA, QN_STRV_LIT("hello"), &err), &err);
    struct qn_frame frame = next_frame(listener);
    assert_int_equal(frame.channel, QN_DATA);
    assert_true(qn_strv_is(frame.bytes, "hello"));
    qn_dialer_close(dialer, 0);
    qn_listener_close(listener, 0);
}

static void a_dialer_may_be_first(void **state)
{
    (void)state;
    char endpoint[QN_ENDPOINT_TEXT];
    ipc_endpoint(endpoint);
    struct qn_dialer *dialer = dial(endpoint);
    assert_int_equal(qn_dialer_send(dialer, QN_CONTROL, QN_STRV_LIT("early"), &err), QN_ESTATE);
    assert_int_equal(qn_dialer_send(dialer, QN_DATA, QN_STRV_LIT("early"), &err), QN_ESTATE);
    qn_dialer_wait(dialer, 50, -1);
    assert_int_equal(qn_dialer_state(dialer), QN_DIALING);
    struct qn_listener *listener = listen_on(endpoint);
    assert_true(reaches(dialer, QN_CONNECTED));
    assert_ok(qn_dialer_send(dialer, QN_CONTROL, QN_STRV_LIT("late"), &err), &err);
    assert_true(qn_strv_is(next_frame(listener).bytes, "late"));
    qn_dialer_close(dialer, 0);
    qn_listener_close(listener, 0);
}

static void a_vanished_dialer_is_noticed_by_sending(void **state)
{
    (void)state;
    struct qn_listener *listener = listen_on("tcp://127.0.0.1:*");
    struct qn_dialer *dialer = dial(qn_listener_endpoint(listener, QN_CONTROL));
    assert_true(reaches(dialer, QN_CONNECTED));
    assert_ok(qn_dialer_send(dialer, QN_CONTROL, QN_STRV_LIT("hi"), &err), &err);
    struct qn_peer peer = next_frame(listener).peer;
    assert_ok(qn_listener_send(listener, QN_CONTROL, &peer, QN_STRV_LIT("ho"), &err), &err);
    qn_dialer_close(dialer, 0);
    qn_code code = QN_OK;
    for (int i = 0; i < PATIENCE_MS / 10 && code == QN_OK; i++) {
        code = qn_listener_send(listener, QN_CONTROL, &peer, QN_STRV_LIT("still there?"), &err);
        qn_listener_wait(listener, 10, -1);
    }
    assert_int_equal(code, QN_ESTATE);
    struct qn_peer nobody = {.id = {0, 1, 2, 3, 4}, .len = 5};
    assert_int_equal(qn_listener_send(listener, QN_CONTROL, &nobody, QN_STRV_LIT("?"), &err),
                     QN_ESTATE);
    qn_listener_close(listener, 0);
}

static void a_lost_connection_stays_lost(void **state)
{
    (void)state;
    char endpoint[QN_ENDPOINT_TEXT];
    ipc_endpoint(endpoint);
    struct qn_listener *listener = listen_on(endpoint);
    struct qn_dialer *dialer = dial(endpoint);
    assert_true(reaches(dialer, QN_CONNECTED));
    qn_listener_close(listener, 0);
    assert_true(reaches(dialer, QN_LOST));
    listener = listen_on(endpoint);
    qn_listener_wait(listener, 200, -1); /* time enough for ZeroMQ to be back */
    assert_int_equal(qn_dialer_state(dialer), QN_LOST);
    assert_int_equal(qn_dialer_send(dialer, QN_CONTROL, QN_STRV_LIT("stale"), &err), QN_ESTATE);
    struct qn_dialer *fresh = dial(endpoint);
    assert_true(reaches(fresh, QN_CONNECTED));
    assert_ok(qn_dialer_send(fresh, QN_CONTROL, QN_STRV_LIT("fresh"), &err), &err);
    assert_true(qn_strv_is(next_frame(listener).bytes, "fresh"));
    qn_dialer_close(dialer, 0);
    qn_dialer_close(fresh, 0);
    qn_listener_close(listener, 0);
}

static void last_words_linger(void **state)
{
    (void)state;
    struct qn_listener *listener = listen_on("tcp://127.0.0.1:*");
    struct qn_dialer *dialer = dial(qn_listener_endpoint(listener, QN_CONTROL));
    assert_true(reaches(dialer, QN_CONNECTED));
    for (int i = 0; i < 100; i++)
        assert_ok(qn_dialer_send(dialer, QN_CONTROL, QN_STRV_LIT("bye"), &err), &err);
    qn_dialer_close(dialer, PATIENCE_MS);
    for (int i = 0; i < 100; i++)
        assert_true(qn_strv_is(next_frame(listener).bytes, "bye"));
    qn_listener_close(listener, 0);
}

static void a_wake_fd_ends_the_wait(void **state)
{
    (void)state;
    struct qn_listener *listener = listen_on("tcp://127.0.0.1:*");
    int fd = eventfd(1, 0);
    assert_true(fd >= 0);
    int64_t before = qn_clock_ms();
    assert_false(qn_listener_wait(listener, PATIENCE_MS, fd));
    assert_true(qn_clock_ms() - before < PATIENCE_MS / 2);
    struct qn_frame frame;
    assert_int_equal(qn_listener_receive(listener, &frame, &err), QN_ENOTFOUND);
    assert_false(qn_listener_wait(listener, 1, -1));
    close(fd);
    qn_listener_close(listener, 0);
}

/* A peer that speaks ZeroMQ but not our way: its frames are dropped, the listener goes on. */
static void strange_peers_are_ignored(void **state)
{
    (void)state;
    struct qn_listener *listener = listen_on("tcp://127.0.0.1:*");
    const char *endpoint = qn_listener_endpoint(listener, QN_CONTROL);
    void *context = zmq_ctx_new();
    void *named = zmq_socket(context, ZMQ_DEALER);
    assert_int_equal(zmq_setsockopt(named, ZMQ_ROUTING_ID, "admin", 5), 0);
    assert_int_equal(zmq_connect(named, endpoint), 0);
    void *parted = zmq_socket(context, ZMQ_DEALER);
    assert_int_equal(zmq_connect(parted, endpoint), 0);
    void *big = zmq_socket(context, ZMQ_DEALER);
    assert_int_equal(zmq_connect(big, endpoint), 0);
    char *much = calloc(1, 4 * QN_MAX_FRAME_BYTES);
    assert_non_null(much);
    zmq_send(named, "named", 5, 0);
    zmq_send(parted, "two", 3, ZMQ_SNDMORE);
    zmq_send(parted, "parts", 5, 0);
    zmq_send(big, much, (size_t)4 * QN_MAX_FRAME_BYTES, 0);
    zmq_send(parted, "one part", 8, 0);

    assert_true(qn_strv_is(next_frame(listener).bytes, "one part"));
    qn_listener_wait(listener, 200, -1);
    struct qn_frame frame;
    assert_int_equal(qn_listener_receive(listener, &frame, &err), QN_ENOTFOUND);
    int linger = 0;
    zmq_setsockopt(named, ZMQ_LINGER, &linger, sizeof linger);
    zmq_setsockopt(parted, ZMQ_LINGER, &linger, sizeof linger);
    zmq_setsockopt(big, ZMQ_LINGER, &linger, sizeof linger);
    zmq_close(named);
    zmq_close(parted);
    zmq_close(big);
    zmq_ctx_term(context);
    free(much);
    qn_listener_close(listener, 0);
}

/* ---- endpoints ---- */

static void endpoints_are_checked(void **state)
{
    (void)state;
    static const char *const good[] = {"tcp://127.0.0.1:5555", "tcp://host.example:1",
                                       "tcp://[::1]:65535", "ipc:///tmp/q", "ipc://q"};
    static const char *const bad[] = {"",
                                      "tcp://",
                                      "tcp://host",
                                      "tcp://host:",
                                      "tcp://:5555",
                                      "tcp://host:0",
                                      "tcp://host:65536",
                                      "tcp://host:12x",
                                      "tcp://host:+1",
                                      "tcp://host:*",
                                      "tcp://*:5555",
                                      "tcp://::1:5555",
                                      "ipc://",
                                      "udp://host:1",
                                      "localhost:5555",
                                      "inproc://x"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_ok(qn_endpoint_check(good[i], false, &err), &err);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (qn_endpoint_check(bad[i], false, &err) != QN_EINPUT)
            fail_msg("'%s' was taken", bad[i]);
        assert_non_null(strstr(err.message, "expected tcp://HOST:PORT or ipc://PATH, got '"));
    }
    assert_ok(qn_endpoint_check("tcp://*:*", true, &err), &err);
    struct qn_listener *listener;
    assert_int_equal(qn_listener_open("tcp://", &listener, &err), QN_EINPUT);
    assert_null(listener);
    char path[200] = "ipc://";
    memset(path + 6, 'x', 103);
    assert_int_equal(qn_listener_open(path, &listener, &err), QN_EINPUT);
    assert_non_null(strstr(err.message, "103 bytes, a Unix socket takes at most 102"));
    path[6 + 102] = '\0';
    assert_ok(qn_endpoint_check(path, true, &err), &err);
}

static void an_endpoint_in_use_is_said(void **state)
{
    (void)state;
    struct qn_listener *first = listen_on("tcp://127.0.0.1:*"), *second;
    assert_int_equal(qn_listener_open(qn_listener_endpoint(first, QN_CONTROL), &second, &err),
                     QN_EIO);
    assert_non_null(strstr(err.message, "in use"));
    qn_listener_close(first, 0);
}

static void the_dialled_host_stands_in(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"tcp://0.0.0.0:7", "tcp://node1:5", "tcp://node1:7"},
        {"tcp://*:7", "tcp://[fe80::1]:5", "tcp://[fe80::1]:7"},
        {"tcp://[::]:7", "tcp://node1:5", "tcp://node1:7"},
        {"tcp://node2:7", "tcp://node1:5", "tcp://node2:7"},
        {"ipc:///a.data", "ipc:///a", "ipc:///a.data"},
    };
    char out[QN_ENDPOINT_TEXT];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_ok(qn_endpoint_reach(cases[i][0], cases[i][1], out, &err), &err);
        assert_string_equal(out, cases[i][2]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_come_whole_and_in_order_over_tcp),
        cmocka_unit_test(frames_come_whole_and_in_order_over_ipc),
        cmocka_unit_test(a_listener_on_every_interface_is_reached),
        cmocka_unit_test(a_dialer_may_be_first),
        cmocka_unit_test(a_vanished_dialer_is_noticed_by_sending),
        cmocka_unit_test(a_lost_connection_stays_lost),
        cmocka_unit_test(last_words_linger),
        cmocka_unit_test(a_wake_fd_ends_the_wait),
        cmocka_unit_test(strange_peers_are_ignored),
        cmocka_unit_test(endpoints_are_checked),
        cmocka_unit_test(an_endpoint_in_use_is_said),
        cmocka_unit_test(the_dialled_host_stands_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
