/* What the wire room costs: encode and decode of typical columns, and frames over a connection.
 *     cmake --build build --target bench.wire && build/bench.wire */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "bench/check.h"
#include "wire/codec.h"
#include "wire/message.h"
#include "wire/transport.h"

enum { ROWS = QN_BATCH_ROWS, BATCHES = 2000, ROUND_TRIPS = 100000, BULK_FRAMES = 1000 };

/* ---- codec ---- */

static uint64_t draw(uint64_t i)
{
    return qn_mix64(i * UINT64_C(0x9e3779b97f4a7c15));
}

static void fill_ascending(struct qn_column *column)
{
    for (uint32_t i = 0; i < ROWS; i++)
        column->i64[i] = 1000000 + (int64_t)i * 3;
}

static void fill_random(struct qn_column *column)
{
    for (uint32_t i = 0; i < ROWS; i++)
        column->i64[i] = (int64_t)draw(i);
}

static void fill_seconds(struct qn_column *column)
{
    for (uint32_t i = 0; i < ROWS; i++)
        column->i64[i] = (int64_t)(1700000000 + draw(i) % 90000) * 1000000;
}

static void fill_prices(struct qn_column *column)
{
    for (uint32_t i = 0; i < ROWS; i++)
        column->i64[i] = (int64_t)(draw(i) % 10000);
}

static void fill_ratios(struct qn_column *column)
{
    for (uint32_t i = 0; i < ROWS; i++)
        column->f64[i] = (double)(draw(i) % 1000003) / 1000003;
}

static void fill_text(struct qn_column *column, size_t width, bool category)
{
    static const char *const words[] = {"Month-to-month", "One year", "Two year"};
    column->bytes = malloc(ROWS * width);
    uint32_t at = 0;
    for (uint32_t i = 0; i < ROWS; i++) {
        column->offsets[i] = at;
        at += (uint32_t)(category ? snprintf(column->bytes + at, width, "%s", words[draw(i) % 3])
                                  : snprintf(column->bytes + at, width, "%016llx",
                                             (unsigned long long)draw(i)));
    }
    column->offsets[ROWS] = at;
}

static void fill_category(struct qn_column *column)
{
    fill_text(column, 24, true);
}

static void fill_hex(struct qn_column *column)
{
    fill_text(column, 24, false);
}

static double bench_encode(const struct qn_batch *batch, struct qn_buf *buf)
{
    struct qn_err err;
    int64_t start = qn_clock_us();
    for (int i = 0; i < BATCHES; i++) {
        qn_buf_clear(buf);
        check(qn_codec_encode(batch, QN_CODEC_SMALL, buf, &err), &err);
    }
    return (double)(qn_clock_us() - start) / BATCHES;
}

static double bench_decode(const struct qn_schema *schema, const struct qn_buf *buf)
{
    struct qn_err err;
    struct qn_arena arena;
    struct qn_batch back;
    qn_arena_init(&arena);
    int64_t start = qn_clock_us();
    for (int i = 0; i < BATCHES; i++) {
        qn_arena_clear(&arena);
        check(qn_codec_decode(qn_buf_strv(buf), schema, &arena, &back, &err), &err);
    }
    double each = (double)(qn_clock_us() - start) / BATCHES;
    qn_arena_fini(&arena);
    return each;
}

static void bench_column(const char *name, enum qn_type_id id, void (*fill)(struct qn_column *))
{
    struct qn_err err;
    struct qn_arena arena;
    struct qn_buf buf;
    struct qn_column column;
    struct qn_field field = {"c", {.id = (uint8_t)id}};
    struct qn_schema schema = {&field, 1};
    qn_arena_init(&arena);
    qn_buf_init(&buf);
    check(qn_column_new(&arena, field.type, ROWS, &column, &err), &err);
    fill(&column);
    struct qn_batch batch = {.schema = &schema, .columns = &column, .n_rows = ROWS};
    double raw = id == QN_TEXT ? column.offsets[ROWS] + 4.0 * ROWS : 8.0 * ROWS;
    double encode_us = bench_encode(&batch, &buf), decode_us = bench_decode(&schema, &buf);
    printf("%-12s %8.0f %8zu %6.2fx %8.1f us %6.2f GB/s %8.1f us %6.2f GB/s\n", name, raw, buf.len,
           raw / (double)buf.len, encode_us, raw / encode_us / 1000, decode_us,
           raw / decode_us / 1000);
    if (id == QN_TEXT)
        free(column.bytes);
    qn_buf_fini(&buf);
    qn_arena_fini(&arena);
}

/* ---- transport: a coordinator's TASKS of one lease, answered by DONE ---- */

struct worker {
    const char *control, *data;
    int n;
};

static void wait_connected(struct qn_dialer *dialer)
{
    while (qn_dialer_state(dialer) != QN_CONNECTED)
        qn_dialer_wait(dialer, 100, -1);
}

/* Sends one frame to be known, then answers each TASKS with a DONE. */
static void *work(void *arg)
{
    struct worker *worker = arg;
    struct qn_err err;
    struct qn_dialer *dialer;
    struct qn_arena arena;
    struct qn_buf buf;
    qn_arena_init(&arena);
    qn_buf_init(&buf);
    check(qn_dialer_open(worker->control, &dialer, &err), &err);
    wait_connected(dialer);
    check(qn_dialer_send(dialer, QN_CONTROL, QN_STRV_LIT("hello"), &err), &err);
    for (int done = 0; done < worker->n;) {
        struct qn_frame frame;
        qn_dialer_wait(dialer, 1000, -1);
        while (qn_dialer_receive(dialer, &frame, &err) == QN_OK) {
            struct qn_msg msg, reply = {.kind = QN_MSG_DONE};
            qn_arena_clear(&arena);
            qn_buf_clear(&buf);
            check(qn_msg_decode(frame.bytes, &arena, &msg, &err), &err);
            reply.done.token = msg.tasks.items[0].token;
            check(qn_msg_encode(&reply, &buf, &err), &err);
            check(qn_dialer_send(dialer, QN_CONTROL, qn_buf_strv(&buf), &err), &err);
            done++;
        }
    }
    qn_dialer_close(dialer, 1000);
    qn_arena_fini(&arena);
    qn_buf_fini(&buf);
    return NULL;
}

static void lease(struct qn_listener *listener, const struct qn_peer *peer, struct qn_buf *buf,
                  uint32_t unit)
{
    struct qn_err err;
    struct qn_msg_task task = {.token = {.unit = unit}, .path = QN_STRV_LIT("data/events.csv")};
    struct qn_msg msg = {.kind = QN_MSG_TASKS, .tasks = {&task, 1}};
    qn_buf_clear(buf);
    check(qn_msg_encode(&msg, buf, &err), &err);
    check(qn_listener_send(listener, QN_CONTROL, peer, qn_buf_strv(buf), &err), &err);
}

static void bench_round_trips(const char *endpoint, int window, int n)
{
    struct qn_err err;
    struct qn_listener *listener;
    struct qn_frame frame;
    struct qn_arena arena;
    struct qn_buf buf;
    pthread_t thread;
    qn_arena_init(&arena);
    qn_buf_init(&buf);
    check(qn_listener_open(endpoint, &listener, &err), &err);
    struct worker worker = {.control = qn_listener_endpoint(listener, QN_CONTROL), .n = n};
    pthread_create(&thread, NULL, work, &worker);
    while (qn_listener_receive(listener, &frame, &err) != QN_OK)
        qn_listener_wait(listener, 1000, -1);
    struct qn_peer peer = frame.peer;
    int64_t start = qn_clock_us();
    int sent = 0, received = 0;
    for (; sent < window; sent++)
        lease(listener, &peer, &buf, (uint32_t)sent);
    while (received < n) {
        qn_listener_wait(listener, 1000, -1);
        while (qn_listener_receive(listener, &frame, &err) == QN_OK) {
            struct qn_msg msg;
            qn_arena_clear(&arena);
            check(qn_msg_decode(frame.bytes, &arena, &msg, &err), &err);
            received++;
            if (sent < n)
                lease(listener, &peer, &buf, (uint32_t)sent++);
        }
    }
    double us = (double)(qn_clock_us() - start);
    printf("%-24s window %3d  %9.0f round trips/s  %6.1f us each\n", endpoint, window, n / us * 1e6,
           us / n);
    pthread_join(thread, NULL);
    qn_listener_close(listener, 0);
    qn_arena_fini(&arena);
    qn_buf_fini(&buf);
}

/* ---- transport: DATA frames of 1 MiB, eight in flight ---- */

static void *pour(void *arg)
{
    struct worker *worker = arg;
    struct qn_err err;
    struct qn_dialer *dialer;
    char *piece = calloc(1, QN_MAX_FRAME_BYTES);
    check(qn_dialer_open(worker->control, &dialer, &err), &err);
    check(qn_dialer_open_data(dialer, worker->data, &err), &err);
    wait_connected(dialer);
    struct qn_strv bytes = {piece, QN_MAX_FRAME_BYTES};
    for (int sent = 0, credit = 8; sent < worker->n;) {
        struct qn_frame frame;
        for (; credit > 0 && sent < worker->n; credit--, sent++)
            check(qn_dialer_send(dialer, QN_DATA, bytes, &err), &err);
        qn_dialer_wait(dialer, 1000, -1);
        while (qn_dialer_receive(dialer, &frame, &err) == QN_OK)
            credit++;
    }
    qn_dialer_close(dialer, 10000);
    free(piece);
    return NULL;
}

static void bench_bulk(const char *endpoint)
{
    struct qn_err err;
    struct qn_listener *listener;
    pthread_t thread;
    check(qn_listener_open(endpoint, &listener, &err), &err);
    struct worker worker = {.control = qn_listener_endpoint(listener, QN_CONTROL),
                            .data = qn_listener_endpoint(listener, QN_DATA),
                            .n = BULK_FRAMES};
    int64_t start = qn_clock_us();
    pthread_create(&thread, NULL, pour, &worker);
    for (int received = 0; received < BULK_FRAMES;) {
        struct qn_frame frame;
        qn_listener_wait(listener, 1000, -1);
        for (; qn_listener_receive(listener, &frame, &err) == QN_OK; received++)
            if (qn_listener_send(listener, QN_DATA, &frame.peer, QN_STRV_LIT("+"), &err) != QN_OK)
                break; /* the worker is done and gone */
    }
    double us = (double)(qn_clock_us() - start);
    printf("%-24s bulk        %9.2f GB/s\n", endpoint,
           (double)BULK_FRAMES * QN_MAX_FRAME_BYTES / us / 1000);
    pthread_join(thread, NULL);
    qn_listener_close(listener, 0);
}

int main(void)
{
    printf("%-12s %8s %8s %7s %22s %22s\n", "column", "bytes", "encoded", "ratio", "encode",
           "decode");
    bench_column("ascending", QN_INT64, fill_ascending);
    bench_column("random", QN_INT64, fill_random);
    bench_column("seconds", QN_TIMESTAMP, fill_seconds);
    bench_column("prices", QN_INT64, fill_prices);
    bench_column("ratios", QN_DOUBLE, fill_ratios);
    bench_column("categories", QN_TEXT, fill_category);
    bench_column("hex keys", QN_TEXT, fill_hex);
    static const char *const endpoints[] = {"tcp://127.0.0.1:*", "ipc:///tmp/quern-bench.sock"};
    for (size_t i = 0; i < 2; i++) {
        bench_round_trips(endpoints[i], 1, ROUND_TRIPS / 5);
        bench_round_trips(endpoints[i], 64, ROUND_TRIPS);
        bench_bulk(endpoints[i]);
    }
    return 0;
}
