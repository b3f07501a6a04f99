/* Messages with random contents under a seed, for the round-trip and the fuzz test. */
#ifndef QN_TESTS_RANDOM_MESSAGE_H
#define QN_TESTS_RANDOM_MESSAGE_H

#include <stdio.h>

#include "tests/unit/wire/random.h"
#include "wire/message.h"

static inline struct qn_strv random_run(struct random *random, struct qn_arena *arena, size_t most,
                                        bool binary)
{
    size_t len = (size_t)random_below(random, most + 1) >> random_below(random, 8);
    char *run = qn_arena_alloc(arena, len + 1);
    for (size_t i = 0; i < len; i++)
        run[i] = (char)(binary ? random_below(random, 256) : 1 + random_below(random, 255));
    return (struct qn_strv){run, len};
}

static inline struct qn_strv random_hash(struct random *random, struct qn_arena *arena)
{
    char *hex = qn_arena_alloc(arena, QN_SHA256_HEX);
    for (int i = 0; i < QN_SHA256_HEX - 1; i++)
        hex[i] = "0123456789abcdef"[random_below(random, 16)];
    return (struct qn_strv){hex, QN_SHA256_HEX - 1};
}

static inline struct qn_token random_token(struct random *random)
{
    return (struct qn_token){.job = random_u32(random),
                             .stage = random_u32(random),
                             .round = random_u32(random),
                             .unit = random_u32(random),
                             .attempt = random_u32(random),
                             .epoch = random_u64(random)};
}

static inline struct qn_msg_task random_task(struct random *random, struct qn_arena *arena)
{
    struct qn_strv none = {0};
    return (struct qn_msg_task){
        .token = random_token(random),
        .brief = random_below(random, 4) ? random_hash(random, arena) : none,
        .path = random_run(random, arena, 300, false),
        .file_index = random_u32(random),
        .begin = random_u64(random),
        .end = random_u64(random),
        .start = random_below(random, 2) ? QN_START_UNKNOWN : random_u64(random),
        .file_bytes = random_u64(random),
        .file_begin = random_u64(random),
        .file_end = random_u64(random)};
}

static inline void random_lists(struct random *random, struct qn_arena *arena, struct qn_msg *msg)
{
    uint32_t n = (uint32_t)(random_below(random, 300) >> random_below(random, 9));
    if (msg->kind == QN_MSG_TASKS) {
        msg->tasks.n = n;
        msg->tasks.items = QN_NEW_ARRAY(arena, struct qn_msg_task, n);
        for (uint32_t i = 0; i < n; i++)
            msg->tasks.items[i] = random_task(random, arena);
    } else {
        msg->tokens.n = n;
        msg->tokens.items = QN_NEW_ARRAY(arena, struct qn_token, n);
        for (uint32_t i = 0; i < n; i++)
            msg->tokens.items[i] = random_token(random);
    }
}

static inline void random_done(struct random *random, struct qn_arena *arena, struct qn_msg *msg)
{
    msg->done.token = random_token(random);
    msg->done.bytes = random_u64(random);
    msg->done.digest = (struct qn_hash128){random_u64(random), random_u64(random)};
    msg->done.counters = (struct qn_counters){
        random_u64(random), random_u64(random), random_u64(random), random_u64(random),
        random_u64(random), random_u64(random), random_u64(random)};
    msg->done.chunk =
        (struct qn_chunk_result){random_u64(random), random_u64(random), random_u64(random),
                                 random_u64(random), random_u64(random)};
    msg->done.micros = random_u64(random);
    msg->done.cpu_micros = random_u64(random);
    msg->done.left = random_u32(random);
    msg->done.rest = random_run(random, arena, 5000, true);
}

static inline void random_greeting(struct random *random, struct qn_arena *arena,
                                   struct qn_msg *msg)
{
    if (msg->kind == QN_MSG_HELLO) {
        msg->hello.protocol = QN_PROTOCOL_VERSION;
        msg->hello.engine = random_run(random, arena, 20, false);
        for (int i = 0; i < QN_UUID_BYTES; i++)
            msg->hello.uuid[i] = (uint8_t)random_next(random);
        msg->hello.boot = random_u64(random);
        msg->hello.slots = random_u32(random);
        msg->hello.pid = random_u64(random);
        msg->hello.host = random_run(random, arena, 60, false);
    } else {
        msg->welcome.session = random_u64(random);
        msg->welcome.epoch = random_u64(random);
        msg->welcome.run_id = random_run(random, arena, 40, false);
        msg->welcome.plan = random_hash(random, arena);
        msg->welcome.data_port = random_run(random, arena, 60, false);
        msg->welcome.pulse_ms = random_u32(random);
        msg->welcome.lease_ms = random_u32(random);
        msg->welcome.credit_bytes = random_u64(random);
        msg->welcome.folder = random_run(random, arena, 200, false);
        msg->welcome.proof = random_run(random, arena, 40, false);
    }
}

static inline struct qn_msg_job random_job(struct random *random, struct qn_arena *arena)
{
    return (struct qn_msg_job){
        .name = random_run(random, arena, 63, false),
        .kind = random_run(random, arena, 10, false),
        .status = random_run(random, arena, 10, false),
        .stage = random_run(random, arena, 20, false),
        .stage_number = random_u32(random),
        .n_stages = random_u32(random),
        .round = random_u32(random),
        .done = random_u64(random),
        .total = random_u64(random),
        .counters = {random_u64(random), random_u64(random), random_u64(random), random_u64(random),
                     random_u64(random), random_u64(random), random_u64(random)},
        .micros = random_u64(random)};
}

static inline void random_status(struct random *random, struct qn_arena *arena, struct qn_msg *msg)
{
    uint32_t n = (uint32_t)(random_below(random, 300) >> random_below(random, 9));
    msg->status.run_id = random_run(random, arena, 40, false);
    msg->status.spec = random_run(random, arena, 63, false);
    msg->status.micros = random_u64(random);
    msg->status.rows_read = random_u64(random);
    msg->status.workers = random_u32(random);
    msg->status.slots = random_u32(random);
    msg->status.draining = random_u32(random);
    msg->status.n = n;
    msg->status.items = QN_NEW_ARRAY(arena, struct qn_msg_job, n);
    for (uint32_t i = 0; i < n; i++)
        msg->status.items[i] = random_job(random, arena);
}

static inline void random_failed(struct random *random, struct qn_arena *arena, struct qn_msg *msg)
{
    msg->failed.token = random_token(random);
    msg->failed.code = (enum qn_code_value)(1 + random_below(random, QN_ECANCEL));
    msg->failed.blame = (enum qn_blame)random_below(random, QN_BLAME_COORDINATOR + 1);
    msg->failed.file = random_run(random, arena, 4096, false);
    msg->failed.line = random_u64(random);
    msg->failed.column = random_u64(random);
    msg->failed.message = random_run(random, arena, 4096, false);
}

static inline void random_message(struct random *random, struct qn_arena *arena,
                                  enum qn_msg_kind kind, struct qn_msg *msg)
{
    memset(msg, 0, sizeof *msg);
    msg->kind = kind;
    switch (kind) {
    case QN_MSG_HELLO:
    case QN_MSG_WELCOME: random_greeting(random, arena, msg); break;
    case QN_MSG_REFUSED: msg->refused.reason = random_run(random, arena, 4096, false); break;
    case QN_MSG_GOODBYE: msg->goodbye.reason = random_run(random, arena, 4096, false); break;
    case QN_MSG_TASKS:
    case QN_MSG_RENEW:
    case QN_MSG_RECALL:
    case QN_MSG_RETURNED:
    case QN_MSG_CANCEL:
    case QN_MSG_STARTED:
    case QN_MSG_ACK: random_lists(random, arena, msg); break;
    case QN_MSG_ATTACH: msg->attach.session = random_u64(random); break;
    case QN_MSG_GET: msg->get.hash = random_hash(random, arena); break;
    case QN_MSG_BLOB:
        msg->blob.hash = random_hash(random, arena);
        msg->blob.offset = random_u64(random);
        msg->blob.total = random_u64(random);
        msg->blob.bytes = random_run(random, arena, 5000, true);
        break;
    case QN_MSG_DATA:
        msg->data.token = random_token(random);
        msg->data.offset = random_u64(random);
        msg->data.bytes = random_run(random, arena, 5000, true);
        break;
    case QN_MSG_CREDIT: msg->credit.bytes = random_u64(random); break;
    case QN_MSG_DONE: random_done(random, arena, msg); break;
    case QN_MSG_FAILED: random_failed(random, arena, msg); break;
    case QN_MSG_ASK: msg->ask.protocol = random_u32(random); break;
    case QN_MSG_STATUS: random_status(random, arena, msg); break;
    case QN_MSG_STATE:
        msg->state.job = random_u32(random);
        msg->state.stage = random_u32(random);
        msg->state.round = random_u32(random);
        msg->state.offset = random_u64(random);
        msg->state.total = random_u64(random);
        msg->state.bytes = random_run(random, arena, 5000, true);
        break;
    case QN_MSG_PULSE:
    case QN_MSG_DRAIN: break;
    }
}

#endif
