/* Equality of messages is equality of their encodings plus what each field says: encode(decode(x))
 * == x for random x shows that nothing is lost, the named checks that nothing is swapped. */
#include "tests/support/test.h"

#include <msgpack.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/wire/random_message.h"
#include "tests/unit/wire/round_trip.h"

enum { ROUNDS = 200 };

static struct qn_err err;

/* Bytes in a block of their own, so that the address sanitizer sees every read past them. */
static qn_code decode_exact(struct qn_strv bytes, struct qn_msg *out, char **block)
{
    *block = malloc(bytes.len ? bytes.len : 1);
    assert_non_null(*block);
    if (bytes.len)
        memcpy(*block, bytes.data, bytes.len);
    qn_arena_clear(&other);
    return qn_msg_decode((struct qn_strv){*block, bytes.len}, &other, out, &err);
}

static void encode(const struct qn_msg *msg)
{
    qn_buf_clear(&buf);
    assert_int_equal(qn_msg_encode(msg, &buf, &err), QN_OK);
}

static void test_every_kind_round_trips(void **state)
{
    (void)state;
    struct random random = {1};
    for (int kind = QN_MSG_HELLO; kind <= QN_MSG_STATUS; kind++) {
        for (int i = 0; i < ROUNDS; i++) {
            struct qn_msg msg, back;
            char *block;
            qn_arena_clear(&arena);
            random_message(&random, &arena, (enum qn_msg_kind)kind, &msg);
            encode(&msg);
            assert_int_equal(decode_exact(qn_buf_strv(&buf), &back, &block), QN_OK);
            assert_int_equal(back.kind, kind);
            qn_buf_clear(&again);
            assert_int_equal(qn_msg_encode(&back, &again, &err), QN_OK);
            assert_true(qn_strv_eq(qn_buf_strv(&buf), qn_buf_strv(&again)));
            free(block);
        }
    }
}

static void test_fields_keep_their_places(void **state)
{
    (void)state;
    struct random random = {2};
    struct qn_msg msg, back;
    char *block;
    random_message(&random, &arena, QN_MSG_DONE, &msg);
    encode(&msg);
    assert_int_equal(decode_exact(qn_buf_strv(&buf), &back, &block), QN_OK);
    assert_true(qn_token_eq(&msg.done.token, &back.done.token));
    assert_int_equal(msg.done.bytes, back.done.bytes);
    assert_memory_equal(&msg.done.digest, &back.done.digest, sizeof msg.done.digest);
    assert_memory_equal(&msg.done.counters, &back.done.counters, sizeof msg.done.counters);
    assert_memory_equal(&msg.done.chunk, &back.done.chunk, sizeof msg.done.chunk);
    assert_int_equal(msg.done.micros, back.done.micros);
    assert_int_equal(msg.done.cpu_micros, back.done.cpu_micros);
    assert_int_equal(msg.done.left, back.done.left);
    assert_true(qn_strv_eq(msg.done.rest, back.done.rest));
    free(block);

    random_message(&random, &arena, QN_MSG_HELLO, &msg);
    encode(&msg);
    assert_int_equal(decode_exact(qn_buf_strv(&buf), &back, &block), QN_OK);
    assert_true(qn_strv_eq(msg.hello.engine, back.hello.engine));
    assert_true(qn_strv_eq(msg.hello.host, back.hello.host));
    assert_memory_equal(msg.hello.uuid, back.hello.uuid, QN_UUID_BYTES);
    assert_int_equal(msg.hello.boot, back.hello.boot);
    assert_int_equal(msg.hello.slots, back.hello.slots);
    assert_int_equal(msg.hello.pid, back.hello.pid);
    free(block);

    struct qn_msg_task task = random_task(&random, &arena);
    msg = (struct qn_msg){.kind = QN_MSG_TASKS, .tasks = {&task, 1}};
    encode(&msg);
    assert_int_equal(decode_exact(qn_buf_strv(&buf), &back, &block), QN_OK);
    assert_int_equal(back.tasks.n, 1);
    const struct qn_msg_task *got = &back.tasks.items[0];
    assert_true(qn_token_eq(&task.token, &got->token));
    assert_true(qn_strv_eq(task.brief, got->brief));
    assert_true(qn_strv_eq(task.path, got->path));
    assert_int_equal(task.file_index, got->file_index);
    assert_int_equal(task.begin, got->begin);
    assert_int_equal(task.end, got->end);
    assert_int_equal(task.start, got->start);
    assert_int_equal(task.file_bytes, got->file_bytes);
    assert_int_equal(task.file_begin, got->file_begin);
    assert_int_equal(task.file_end, got->file_end);
    free(block);
}

/* What leaves is MessagePack as its own library reads it. */
static void test_the_library_reads_it(void **state)
{
    (void)state;
    struct random random = {3};
    for (int kind = QN_MSG_HELLO; kind <= QN_MSG_STATUS; kind++) {
        struct qn_msg msg;
        random_message(&random, &arena, (enum qn_msg_kind)kind, &msg);
        encode(&msg);
        msgpack_unpacked result;
        msgpack_unpacked_init(&result);
        size_t offset = 0;
        assert_int_equal(msgpack_unpack_next(&result, (const char *)buf.data, buf.len, &offset),
                         MSGPACK_UNPACK_SUCCESS);
        assert_int_equal(offset, buf.len);
        assert_int_equal(result.data.type, MSGPACK_OBJECT_ARRAY);
        assert_int_equal(result.data.via.array.ptr[0].via.u64, kind);
        msgpack_unpacked_destroy(&result);
    }
}

static void test_every_truncation_is_refused(void **state)
{
    (void)state;
    struct random random = {4};
    for (int kind = QN_MSG_HELLO; kind <= QN_MSG_STATUS; kind++) {
        struct qn_msg msg, back;
        random_message(&random, &arena, (enum qn_msg_kind)kind, &msg);
        encode(&msg);
        for (size_t len = 0; len < buf.len; len++) {
            char *block;
            err.message[0] = '\0';
            assert_int_not_equal(
                decode_exact((struct qn_strv){(const char *)buf.data, len}, &back, &block), QN_OK);
            assert_true(err.message[0]);
            free(block);
        }
        qn_buf_put_u8(&buf, 0);
        char *block;
        assert_int_equal(decode_exact(qn_buf_strv(&buf), &back, &block), QN_EWIRE);
        free(block);
    }
}

static void refused(const char *bytes, size_t len)
{
    struct qn_msg back;
    char *block;
    assert_int_equal(decode_exact((struct qn_strv){bytes, len}, &back, &block), QN_EWIRE);
    assert_in_range(other.used_bytes, 0, 4096);
    free(block);
}
#define REFUSED(literal) refused(literal, sizeof(literal) - 1)

static void test_hostile_headers_allocate_nothing(void **state)
{
    (void)state;
    REFUSED("\xdd\xff\xff\xff\xff");                 /* an array of four billion */
    REFUSED("\x92\x04\xdd\xff\xff\xff\xff");         /* TASKS, as many */
    REFUSED("\x92\x04\xdd\x00\x00\xff\xff\x98\x96"); /* TASKS within the cap, without the bytes */
    REFUSED("\x92\x06\xdc\xff\xff\x96\x00\x00");     /* RENEW */
    REFUSED("\x92\x03\xdb\xff\xff\xff\xff"
            "abc"); /* REFUSED with 4 GiB of reason */
    REFUSED("\x92\x03\xc7\x01\x02"
            "a");                                            /* an ext type */
    REFUSED("\x92\x0d\xff");                                 /* ATTACH with a negative number */
    REFUSED("\x92\x0d\xcb\x40\x00\x00\x00\x00\x00\x00\x00"); /* with a double */
    REFUSED("\x91\x00");                                     /* kinds that are none */
    REFUSED("\x91\x15");
    REFUSED("\x91\xcf\x00\x00\x00\x01\x00\x00\x00\x07"); /* kind 7 + 2^32 is not kind 7 */
    REFUSED("\x81\x01\x02");                             /* a map */
    REFUSED("\x91\x91\x91\x91\x91\x91\x91\x91\x91\x07"); /* depth */
    REFUSED("\x92\x07\x00");                             /* PULSE carries nothing */
    REFUSED("\x92\x0e\xa3"
            "abc"); /* GET of a hash that is none */
    REFUSED("\x92\x03\xa3"
            "a\0b"); /* words with a NUL */
    REFUSED("");
}

static void test_numbers_must_fit(void **state)
{
    (void)state;
    /* STARTED with a job of 2^32. */
    REFUSED("\x92\x05\x96\xcf\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00");
    struct random random = {5};
    struct qn_msg msg;
    random_message(&random, &arena, QN_MSG_FAILED, &msg);
    msg.failed.blame = (enum qn_blame)9;
    assert_int_equal(qn_msg_encode(&msg, &buf, &err), QN_EWIRE);
}

static void test_limits_hold_on_the_way_out(void **state)
{
    (void)state;
    char *much = calloc(1, QN_MAX_FRAME_BYTES);
    assert_non_null(much);
    memset(much, 'x', QN_MAX_FRAME_BYTES);
    struct qn_msg msg = {.kind = QN_MSG_REFUSED, .refused = {{much, 5000}}};
    qn_buf_put_u8(&buf, 42);
    size_t before = buf.len;
    assert_int_equal(qn_msg_encode(&msg, &buf, &err), QN_EWIRE);
    assert_int_equal(buf.len, before);

    /* The largest piece fits its frame whatever the other fields are. */
    memset(&msg, 0xff, sizeof msg);
    msg.kind = QN_MSG_DATA;
    msg.data.bytes = (struct qn_strv){much, QN_MAX_PIECE_BYTES};
    qn_buf_clear(&buf);
    assert_int_equal(qn_msg_encode(&msg, &buf, &err), QN_OK);
    msg.data.bytes.len++;
    assert_int_equal(qn_msg_encode(&msg, &buf, &err), QN_EWIRE);
    struct random random = {6};
    msg = (struct qn_msg){.kind = QN_MSG_BLOB};
    msg.blob.hash = random_hash(&random, &arena);
    msg.blob.offset = msg.blob.total = UINT64_MAX;
    msg.blob.bytes = (struct qn_strv){much, QN_MAX_PIECE_BYTES};
    qn_buf_clear(&buf);
    assert_int_equal(qn_msg_encode(&msg, &buf, &err), QN_OK);

    struct qn_msg_task *tasks = calloc(65536, sizeof *tasks);
    assert_non_null(tasks);
    for (int i = 0; i < 65536; i++)
        tasks[i].path = (struct qn_strv){much, 100};
    msg = (struct qn_msg){.kind = QN_MSG_TASKS, .tasks = {tasks, 65536}};
    qn_buf_clear(&buf);
    assert_int_equal(qn_msg_encode(&msg, &buf, &err), QN_ELIMIT);
    assert_int_equal(buf.len, 0);
    free(tasks);
    free(much);
}

static void test_hello_of_another_version_is_understood(void **state)
{
    (void)state;
    struct qn_msg back;
    char *block;
    static const char next[] = "\x93\x01\x7f\x81\xa1k\xc0";
    assert_int_equal(decode_exact((struct qn_strv){next, sizeof next - 1}, &back, &block), QN_OK);
    assert_int_equal(back.kind, QN_MSG_HELLO);
    assert_int_equal(back.hello.protocol, 127);
    assert_int_equal(back.hello.engine.len, 0);
    free(block);
}

static void test_frames_past_the_cap_are_refused(void **state)
{
    (void)state;
    char *much = calloc(1, QN_MAX_FRAME_BYTES + 1);
    assert_non_null(much);
    struct qn_msg back;
    assert_int_equal(
        qn_msg_decode((struct qn_strv){much, QN_MAX_FRAME_BYTES + 1}, &arena, &back, &err),
        QN_ELIMIT);
    free(much);
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(qn_msg_name(QN_MSG_HELLO), "HELLO");
    assert_string_equal(qn_msg_name(QN_MSG_ACK), "ACK");
    assert_string_equal(qn_msg_name((enum qn_msg_kind)0), "UNKNOWN");
    assert_string_equal(qn_msg_name((enum qn_msg_kind)99), "UNKNOWN");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_kind_round_trips, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fields_keep_their_places, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_library_reads_it, setup, teardown),
        cmocka_unit_test_setup_teardown(test_every_truncation_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hostile_headers_allocate_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_numbers_must_fit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_limits_hold_on_the_way_out, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hello_of_another_version_is_understood, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_frames_past_the_cap_are_refused, setup, teardown),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
