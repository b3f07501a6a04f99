/* Bytes that were ours once and then were tampered with. What decodes must be whole in every
 * respect; everything else must be refused, without a crash and without much memory. */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/fuzz.h"
#include "tests/unit/wire/random_batch.h"
#include "tests/unit/wire/random_message.h"
#include "wire/codec.h"
#include "wire/part_writer.h"

static struct random fuzz;
static struct qn_arena arena, other;
static struct qn_buf buf, again, copied;
static struct qn_err err;
static uint64_t n_tried, n_taken;

static int setup(void **state)
{
    (void)state;
    fuzz.state = fuzz_first_seed();
    qn_arena_init(&arena);
    qn_arena_init(&other);
    qn_buf_init(&buf);
    qn_buf_init(&again);
    qn_buf_init(&copied);
    n_tried = n_taken = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    qn_arena_fini(&arena);
    qn_arena_fini(&other);
    qn_buf_fini(&buf);
    qn_buf_fini(&again);
    qn_buf_fini(&copied);
    fprintf(stderr, "%llu tampered, %llu of them taken\n", (unsigned long long)n_tried,
            (unsigned long long)n_taken);
    return 0;
}

/* One change: a bit, a byte that means something, a run cut out, doubled, or the end lost. */
static size_t tamper_once(uint8_t *bytes, size_t n, size_t room)
{
    static const uint8_t telling[] = {0x00, 0x01, 0x7f, 0x80, 0x90, 0x9f, 0xc0, 0xc1,
                                      0xc6, 0xc9, 0xcb, 0xcf, 0xdb, 0xdd, 0xdf, 0xff};
    if (n == 0)
        return 0;
    size_t at = (size_t)random_below(&fuzz, n);
    size_t run = 1 + (size_t)random_below(&fuzz, 8);
    if (run > n - at)
        run = n - at;
    switch (random_below(&fuzz, 6)) {
    case 0: bytes[at] ^= (uint8_t)(1u << random_below(&fuzz, 8)); return n;
    case 1: bytes[at] = telling[random_below(&fuzz, sizeof telling)]; return n;
    case 2: memset(bytes + at, random_below(&fuzz, 2) ? 0xff : 0, run); return n;
    case 3: memmove(bytes + at, bytes + at + run, n - at - run); return n - run;
    case 4:
        if (n + run > room)
            return n;
        memmove(bytes + at + run, bytes + at, n - at);
        return n + run;
    default: return at;
    }
}

/* A tampered copy in a block of exactly its size, so that the sanitizer sees each read past it. */
static uint8_t *tampered(const struct qn_buf *from, size_t *n)
{
    size_t room = from->len + 64;
    uint8_t *bytes = malloc(room);
    assert_non_null(bytes);
    memcpy(bytes, from->data, from->len);
    *n = from->len;
    for (uint64_t i = 0, times = 1 + random_below(&fuzz, 4); i < times; i++)
        *n = tamper_once(bytes, *n, room);
    uint8_t *exact = malloc(*n ? *n : 1);
    assert_non_null(exact);
    memcpy(exact, bytes, *n);
    free(bytes);
    n_tried++;
    return exact;
}

static void try_message(const uint8_t *bytes, size_t n)
{
    struct qn_msg msg, back;
    qn_arena_clear(&other);
    qn_code code = qn_msg_decode((struct qn_strv){(const char *)bytes, n}, &other, &msg, &err);
    assert_in_range(other.used_bytes, 0, 64 * n + 4096);
    if (code != QN_OK)
        return;
    n_taken++;
    if (msg.kind == QN_MSG_HELLO && msg.hello.protocol != QN_PROTOCOL_VERSION)
        return;
    qn_buf_clear(&again);
    assert_ok(qn_msg_encode(&msg, &again, &err), &err);
    assert_ok(qn_msg_decode(qn_buf_strv(&again), &other, &back, &err), &err);
    assert_int_equal(back.kind, msg.kind);
}

static void messages(void **state)
{
    (void)state;
    struct fuzz_run run = {0};
    while (fuzz_next(&run, 4000)) {
        struct qn_msg msg;
        qn_arena_clear(&arena);
        random_message(&fuzz, &arena, (enum qn_msg_kind)(1 + random_below(&fuzz, QN_MSG_STATE)),
                       &msg);
        qn_buf_clear(&buf);
        assert_ok(qn_msg_encode(&msg, &buf, &err), &err);
        for (int i = 0; i < 50; i++) {
            size_t n;
            uint8_t *bytes = tampered(&buf, &n);
            try_message(bytes, n);
            free(bytes);
        }
    }
    assert_true(n_taken > 0 && n_taken < n_tried);
}

/* Everything later code relies on without looking. */
static void assert_whole(const struct qn_batch *batch)
{
    for (uint32_t c = 0; c < batch->schema->n_fields; c++) {
        const struct qn_column *column = &batch->columns[c];
        assert_true(qn_type_eq(column->type, batch->schema->fields[c].type));
        for (uint32_t i = 0; i < batch->n_rows; i++) {
            (void)qn_is_valid(column, i);
            if (column->type.id == QN_BOOL)
                assert_in_range(column->bools[i], 0, 1);
            if (column->type.id == QN_TEXT) {
                assert_true(column->offsets[i] <= column->offsets[i + 1]);
                assert_true(qn_utf8_valid(qn_text_at(column, i)));
            }
        }
    }
}

static void batches(void **state)
{
    (void)state;
    struct fuzz_run run = {0};
    while (fuzz_next(&run, 1000)) {
        struct qn_batch batch, back;
        qn_arena_clear(&arena);
        random_batch(&fuzz, &arena, (uint32_t)random_below(&fuzz, 600), &batch);
        qn_buf_clear(&buf);
        assert_ok(qn_codec_encode(&batch, QN_CODEC_SMALL, &buf, &err), &err);
        for (int i = 0; i < 50; i++) {
            size_t n;
            uint8_t *bytes = tampered(&buf, &n);
            qn_arena_clear(&other);
            if (qn_codec_decode((struct qn_strv){(const char *)bytes, n}, &all_types, &other, &back,
                                &err) == QN_OK) {
                n_taken++;
                assert_whole(&back);
            }
            assert_in_range(other.used_bytes, 0,
                            (N_FIELDS * 24 + 1) * QN_BATCH_ROWS + 255 * n + 4096);
            free(bytes);
        }
    }
    assert_true(n_taken > 0 && n_taken < n_tried);
}

static void read_part(const char *path, enum qn_part_kind kind)
{
    struct qn_reader *reader;
    const struct qn_part_want want = {.kind = kind, .schema = &all_types};
    assert_ok(qn_part_open(&path, 1, &want, &reader, &err), &err);
    struct qn_batch batch;
    qn_code code;
    while ((code = reader->ops->next(reader, &batch, NULL, &err)) == QN_OK && batch.n_rows)
        assert_whole(&batch);
    n_taken += code == QN_OK;
    reader->ops->close(reader);
}

static qn_code append(void *context, struct qn_strv piece, struct qn_err *ignored)
{
    (void)ignored;
    qn_buf_put(context, piece.data, piece.len);
    return QN_OK;
}

static void parts(void **state)
{
    (void)state;
    char path[64];
    snprintf(path, sizeof path, "/tmp/quern-fuzz-%d", (int)getpid());
    struct qn_part_writer writer;
    qn_part_writer_init(&writer);
    struct fuzz_run run = {0};
    while (fuzz_next(&run, 40)) {
        struct qn_batch batch;
        qn_arena_clear(&arena);
        qn_part_writer_begin(&writer, NULL);
        for (uint32_t i = 0; i < 4; i++) {
            random_batch(&fuzz, &arena, (uint32_t)random_below(&fuzz, 30), &batch);
            assert_ok(qn_part_writer_put(&writer, i % 2 ? QN_PART_ROWS : QN_PART_PARTITION, i / 2,
                                         &batch, &err),
                      &err);
        }
        assert_ok(qn_part_writer_put_partial(&writer, QN_STRV_LIT("partial"), &err), &err);
        bool in_file;
        uint64_t whole;
        struct qn_hash128 digest;
        assert_ok(qn_part_writer_end(&writer, &in_file, &whole, &digest, &err), &err);
        qn_buf_clear(&buf);
        qn_buf_put(&buf, writer.bytes.data, writer.bytes.len);
        for (int i = 0; i < 20; i++) {
            size_t n;
            uint8_t *bytes = tampered(&buf, &n);
            FILE *file = fopen(path, "wb");
            assert_non_null(file);
            assert_int_equal(fwrite(bytes, 1, n, file), n);
            assert_int_equal(fclose(file), 0);
            read_part(path, QN_PART_ROWS);
            read_part(path, QN_PART_PARTITION);
            qn_buf_clear(&again);
            qn_code code = qn_part_partial(path, append, &again, &err);
            assert_true(code != QN_OK || again.len <= n);
            qn_buf_clear(&copied);
            assert_int_equal(
                qn_part_partial_in((struct qn_strv){(char *)bytes, n}, append, &copied, &err),
                code == QN_ELOST ? QN_EWIRE : code);
            assert_true(code != QN_OK || (copied.len == again.len &&
                                          memcmp(copied.data, again.data, again.len) == 0));
            free(bytes);
        }
    }
    unlink(path);
    qn_part_writer_fini(&writer);
    assert_true(n_taken > 0 && n_taken < 2 * n_tried);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(messages, setup, teardown),
        cmocka_unit_test_setup_teardown(batches, setup, teardown),
        cmocka_unit_test_setup_teardown(parts, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
