#include "tests/support/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/unit/wire/random_batch.h"
#include "wire/part_writer.h"

enum { ROWS = 2 * 8192 + 100 };

static struct qn_arena arena;
static struct qn_part_writer part;
static struct qn_err err;
static char path[2][64];

static int setup(void **state)
{
    (void)state;
    qn_arena_init(&arena);
    qn_part_writer_init(&part);
    for (int i = 0; i < 2; i++)
        snprintf(path[i], sizeof path[i], "/tmp/quern-part-%d-%d", (int)getpid(), i);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    qn_arena_fini(&arena);
    qn_part_writer_fini(&part);
    unlink(path[0]);
    unlink(path[1]);
    return 0;
}

static void save(const char *to, const void *bytes, size_t n)
{
    FILE *file = fopen(to, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
}

static void put(enum qn_part_kind kind, uint32_t partition, const struct qn_batch *batch)
{
    assert_ok(qn_part_writer_put(&part, kind, partition, batch, &err), &err);
}

static qn_code append(void *context, struct qn_strv piece, struct qn_err *ignored)
{
    struct qn_buf *out = context;
    (void)ignored;
    qn_buf_put(out, piece.data, piece.len);
    qn_buf_put_u8(out, ';');
    return QN_OK;
}

static void put_partial(void)
{
    assert_ok(qn_part_writer_put_partial(&part, QN_STRV_LIT("sums"), &err), &err);
}

/* Ends the part and has it in a file, whichever way it goes there. */
static struct qn_hash128 finish(const char *to)
{
    bool in_file;
    uint64_t bytes;
    struct qn_hash128 digest;
    assert_ok(qn_part_writer_end(&part, &in_file, &bytes, &digest, &err), &err);
    assert_int_equal(in_file ? 0 : part.bytes.len, in_file ? 0 : bytes);
    if (!in_file)
        save(to, part.bytes.data, part.bytes.len);
    return digest;
}

static struct qn_reader *open_part(uint32_t n_paths, enum qn_part_kind kind, uint32_t partition)
{
    const char *paths[] = {path[0], path[1]};
    const struct qn_part_want want = {.kind = kind, .first = partition, .schema = &all_types};
    struct qn_reader *reader;
    assert_ok(qn_part_open(paths, n_paths, &want, &reader, &err), &err);
    return reader;
}

/* Reads to the end and compares with `expected` from `at` on; gives how many rows there were. */
static uint32_t compare(struct qn_reader *reader, const struct qn_batch *expected)
{
    uint32_t at = 0;
    for (;;) {
        struct qn_batch batch;
        assert_ok(reader->ops->next(reader, &batch, NULL, &err), &err);
        if (batch.n_rows == 0)
            return at;
        assert_in_range(batch.n_rows, 1, 8192);
        assert_true(same_rows(expected, at, &batch));
        for (uint32_t i = 0; i < batch.n_rows; i++)
            assert_int_equal(batch.origin[i], at + i);
        at += batch.n_rows;
    }
}

static void rows_come_back_in_small_batches(void **state)
{
    (void)state;
    struct random random = {1};
    struct qn_batch batch, none;
    random_batch(&random, &arena, ROWS, &batch);
    random_batch(&random, &arena, 0, &none);
    qn_part_writer_begin(&part, NULL);
    put(QN_PART_ROWS, 0, &none);
    put(QN_PART_ROWS, 0, &batch);
    put(QN_PART_REJECTS, 0, &none);
    finish(path[0]);
    struct qn_reader *reader = open_part(1, QN_PART_ROWS, 0);
    assert_int_equal(compare(reader, &batch), ROWS);
    struct qn_chunk_result result;
    reader->ops->result(reader, &result);
    assert_int_equal(result.records, ROWS);
    assert_int_equal(result.lines, ROWS);
    assert_int_equal(result.next_start, part.bytes.len);
    reader->ops->close(reader);
    reader = open_part(1, QN_PART_REJECTS, 0);
    assert_int_equal(compare(reader, &batch), 0);
    reader->ops->close(reader);
}

static void partitions_are_picked_across_files(void **state)
{
    (void)state;
    struct random random = {2};
    struct qn_batch batches[2][3];
    for (int f = 0; f < 2; f++) {
        qn_part_writer_begin(&part, NULL);
        for (uint32_t p = 0; p < 3; p++) {
            random_batch(&random, &arena, 1000 + p, &batches[f][p]);
            put(QN_PART_PARTITION, p, &batches[f][p]);
        }
        put_partial();
        finish(path[f]);
    }
    for (uint32_t p = 0; p < 3; p++) {
        struct qn_reader *reader = open_part(2, QN_PART_PARTITION, p);
        for (uint32_t f = 0; f < 2; f++) {
            struct qn_batch batch;
            assert_ok(reader->ops->next(reader, &batch, NULL, &err), &err);
            assert_int_equal(reader->file_index, f);
            assert_int_equal(batch.n_rows, 1000 + p);
            assert_int_equal(batch.origin[0], 0);
            assert_true(same_rows(&batches[f][p], 0, &batch));
        }
        assert_int_equal(compare(reader, &batches[0][0]), 0);
        reader->ops->close(reader);
    }
    struct qn_buf partial;
    qn_buf_init(&partial);
    assert_ok(qn_part_partial(path[1], append, &partial, &err), &err);
    assert_true(qn_strv_is(qn_buf_strv(&partial), "sums;"));
    qn_buf_clear(&partial); /* the last one written is in memory still */
    assert_ok(qn_part_partial_in(qn_buf_strv(&part.bytes), append, &partial, &err), &err);
    assert_true(qn_strv_is(qn_buf_strv(&partial), "sums;"));
    qn_buf_fini(&partial);
}

/* Large ones go past the writer's memory; a file that is damaged behind the first has given some
 * of them away. */
static void a_partial_may_come_in_pieces(void **state)
{
    (void)state;
    enum { LARGE = QN_PART_MEMORY_BYTES + 1 };
    static char large[LARGE];
    struct qn_buf partial;
    bool in_file;
    uint64_t bytes, read;
    struct qn_hash128 digest, again;
    memset(large, 'x', sizeof large);
    qn_buf_init(&partial);
    unlink(path[0]);
    qn_part_writer_begin(&part, path[0]);
    put_partial();
    assert_ok(qn_part_writer_put_partial(&part, (struct qn_strv){large, LARGE}, &err), &err);
    put_partial();
    assert_true(part.bytes.len < 100 && part.bytes.capacity < LARGE);
    assert_ok(qn_part_writer_end(&part, &in_file, &bytes, &digest, &err), &err);
    assert_true(in_file);
    assert_ok(qn_part_digest(path[0], &read, &again, &err), &err);
    assert_true(read == bytes && digest.low == again.low && digest.high == again.high);
    assert_ok(qn_part_partial(path[0], append, &partial, &err), &err);
    assert_int_equal(partial.len, 5 + LARGE + 1 + 5);
    assert_memory_equal(partial.data, "sums;xxx", 8);
    assert_memory_equal(partial.data + partial.len - 7, "x;sums;", 7);

    int fd = open(path[0], O_WRONLY);
    assert_int_equal(pwrite(fd, "y", 1, LARGE / 2), 1);
    close(fd);
    qn_buf_clear(&partial);
    assert_int_equal(qn_part_partial(path[0], append, &partial, &err), QN_EIO);
    assert_true(qn_strv_is(qn_buf_strv(&partial), "sums;"));
    qn_buf_fini(&partial);
}

static void raw_rows_come_in_their_place(void **state)
{
    (void)state;
    static const struct qn_field fields[] = {{"id", {.id = QN_INT64}}};
    static const struct qn_schema narrow = {fields, 1};
    int64_t ids[] = {7, 8, 9};
    struct qn_column column = {.type = {.id = QN_INT64}, .i64 = ids};
    struct qn_batch raw = {.schema = &narrow, .columns = &column, .n_rows = 3}, folded, batch;
    struct random random = {4};
    random_batch(&random, &arena, 50, &folded);
    qn_part_writer_begin(&part, NULL);
    for (uint32_t p = 0; p < 2; p++) {
        put(QN_PART_PARTITION, p, &folded);
        put(QN_PART_RAW, p, &raw);
    }
    finish(path[0]);
    const char *paths[] = {path[0]};
    const struct qn_part_want want = {
        .kind = QN_PART_PARTITION, .first = 1, .schema = &all_types, .raw = &narrow};
    struct qn_reader *reader;
    assert_ok(qn_part_open(paths, 1, &want, &reader, &err), &err);
    assert_ok(reader->ops->next(reader, &batch, NULL, &err), &err);
    assert_true(same_rows(&folded, 0, &batch));
    assert_ok(reader->ops->next(reader, &batch, NULL, &err), &err);
    assert_ptr_equal(batch.schema, &narrow);
    assert_int_equal(batch.n_rows, 3);
    assert_int_equal(batch.columns[0].i64[2], 9);
    assert_ok(reader->ops->next(reader, &batch, NULL, &err), &err);
    assert_int_equal(batch.n_rows, 0);
    reader->ops->close(reader);
}

/* The same part, whether it stands in memory or goes to a file piece by piece; only compression
 * tells them apart. */
static void a_large_part_goes_to_its_file(void **state)
{
    (void)state;
    struct random random = {5};
    struct qn_batch batch;
    random_batch(&random, &arena, ROWS, &batch);
    qn_part_writer_begin(&part, path[0]);
    put(QN_PART_ROWS, 0, &batch);
    put_partial();
    struct qn_hash128 digest = finish(NULL), again;
    uint64_t bytes;
    assert_ok(qn_part_digest(path[0], &bytes, &again, &err), &err);
    assert_memory_equal(&digest, &again, sizeof digest);
    struct qn_reader *reader = open_part(1, QN_PART_ROWS, 0);
    assert_int_equal(compare(reader, &batch), ROWS);
    reader->ops->close(reader);
    qn_part_writer_begin(&part, path[1]);
    put(QN_PART_ROWS, 0, &batch);
    assert_int_equal(access(path[1], F_OK), 0);
    qn_part_writer_abandon(&part);
    assert_int_equal(access(path[1], F_OK), -1);
    qn_part_writer_begin(&part, path[0]); /* there is one already: never written over */
    assert_int_equal(qn_part_writer_put(&part, QN_PART_ROWS, 0, &batch, &err), QN_EIO);
}

static void a_row_can_be_located(void **state)
{
    (void)state;
    static const struct qn_field fields[] = {
        {"id", {.id = QN_INT64}}, {"left out", {.id = QN_INT64}}, {"say \"x\"", {.id = QN_TEXT}}};
    static const struct qn_schema schema = {fields, 3};
    struct qn_batch_builder *builder;
    assert_ok(qn_builder_new(&schema, &builder, &err), &err);
    qn_builder_i64(builder, 0, 12);
    qn_builder_text(builder, 2, QN_STRV_LIT("a\n\"b\"\\"));
    assert_ok(qn_builder_row(builder, &err), &err);
    qn_builder_i64(builder, 0, -3);
    assert_ok(qn_builder_row(builder, &err), &err);
    struct qn_batch batch;
    qn_builder_batch(builder, &batch);
    qn_part_writer_begin(&part, NULL);
    put(QN_PART_ROWS, 0, &batch);
    qn_builder_free(builder);
    finish(path[0]);

    const char *paths[] = {path[0]};
    const bool wanted[] = {true, false, true};
    struct qn_reader *reader;
    const struct qn_part_want want = {.kind = QN_PART_ROWS, .schema = &schema, .wanted = wanted};
    assert_ok(qn_part_open(paths, 1, &want, &reader, &err), &err);
    assert_int_equal(reader->schema->n_fields, 2);
    struct qn_location where;
    assert_int_equal(reader->ops->locate(reader, 0, &where, &err), QN_ESTATE);
    assert_ok(reader->ops->next(reader, &batch, NULL, &err), &err);
    assert_ok(reader->ops->locate(reader, batch.origin[0], &where, &err), &err);
    assert_true(
        qn_strv_is(where.raw, "{\"id\": \"12\", \"say \\\"x\\\"\": \"a\\u000a\\\"b\\\"\\\\\"}"));
    assert_ok(reader->ops->locate(reader, batch.origin[1], &where, &err), &err);
    assert_true(qn_strv_is(where.raw, "{\"id\": \"-3\", \"say \\\"x\\\"\": null}"));
    assert_int_equal(where.line, 1);
    assert_int_equal(reader->ops->locate(reader, 2, &where, &err), QN_ESTATE);
    reader->ops->close(reader);
}

static void what_is_missing_is_said(void **state)
{
    (void)state;
    struct qn_batch batch;
    struct qn_reader *reader = open_part(1, QN_PART_ROWS, 0);
    assert_int_equal(reader->ops->next(reader, &batch, NULL, &err), QN_ELOST);
    assert_non_null(strstr(err.message, path[0]));
    assert_string_equal(err.file, path[0]);
    reader->ops->close(reader);
    qn_part_writer_begin(&part, NULL);
    finish(path[0]);
    struct qn_buf partial;
    qn_buf_init(&partial);
    assert_int_equal(qn_part_partial(path[0], append, &partial, &err), QN_ENOTFOUND);
    assert_non_null(strstr(err.message, "no partial"));
    qn_buf_fini(&partial);
    part.bytes.data[part.bytes.len - 2] = '1';
    save(path[0], part.bytes.data, part.bytes.len);
    reader = open_part(1, QN_PART_ROWS, 0);
    assert_int_equal(reader->ops->next(reader, &batch, NULL, &err), QN_ELOST);
    assert_string_equal(err.file, path[0]);
    reader->ops->close(reader);
}

static void a_cut_file_is_refused(void **state)
{
    (void)state;
    struct random random = {3};
    struct qn_batch batch, got;
    random_batch(&random, &arena, 40, &batch);
    qn_part_writer_begin(&part, NULL);
    put_partial();
    put(QN_PART_ROWS, 0, &batch);
    finish(path[0]);
    for (size_t len = 0; len < part.bytes.len; len++) {
        save(path[0], part.bytes.data, len);
        struct qn_reader *reader = open_part(1, QN_PART_ROWS, 0);
        assert_int_equal(reader->ops->next(reader, &got, NULL, &err), QN_ELOST);
        reader->ops->close(reader);
    }
}

static qn_code read_all(void)
{
    struct qn_buf partial;
    struct qn_batch got;
    qn_buf_init(&partial);
    qn_code code = qn_part_partial(path[0], append, &partial, &err);
    qn_buf_fini(&partial);
    struct qn_reader *reader = open_part(1, QN_PART_ROWS, 0);
    while (code == QN_OK && (code = reader->ops->next(reader, &got, NULL, &err)) == QN_OK)
        if (!got.n_rows)
            break;
    reader->ops->close(reader);
    return code;
}

/* But for the magic it begins with, which nobody reads. */
static void any_flipped_bit_is_noticed(void **state)
{
    (void)state;
    struct random random = {4};
    struct qn_batch batch;
    random_batch(&random, &arena, 40, &batch);
    qn_part_writer_begin(&part, NULL);
    put_partial();
    put(QN_PART_ROWS, 0, &batch);
    finish(path[0]);
    assert_int_equal(read_all(), QN_OK);
    for (size_t at = 8; at < part.bytes.len; at++) {
        part.bytes.data[at] ^= (uint8_t)(1u << at % 8);
        save(path[0], part.bytes.data, part.bytes.len);
        if (read_all() != QN_ELOST)
            fail_msg("byte %zu of %zu: not noticed", at, part.bytes.len);
        assert_string_equal(err.file, path[0]);
        part.bytes.data[at] ^= (uint8_t)(1u << at % 8);
    }
}

/* A length of 4 GiB in a file of a few bytes asks for no memory, nor does an index of as many
 * runs. */
static void a_liar_gets_no_memory(void **state)
{
    (void)state;
    struct qn_batch batch;
    qn_part_writer_begin(&part, NULL);
    qn_buf_put(&part.bytes, "\1\0\0\0\0\xff\xff\xff\xff\0\0\0\0\0\0\0\0", 17);
    part.run.kind = QN_PART_ROWS;
    part.run.offset = 8;
    finish(path[0]);
    struct qn_reader *reader = open_part(1, QN_PART_ROWS, 0);
    assert_int_equal(reader->ops->next(reader, &batch, NULL, &err), QN_ELOST);
    assert_non_null(strstr(err.message, "passes its run's end at byte 25"));
    reader->ops->close(reader);
    memset(part.bytes.data + part.bytes.len - 28, 0xff, 4);
    save(path[0], part.bytes.data, part.bytes.len);
    reader = open_part(1, QN_PART_ROWS, 0);
    assert_int_equal(reader->ops->next(reader, &batch, NULL, &err), QN_ELOST);
    assert_non_null(strstr(err.message, "the index does not fit"));
    reader->ops->close(reader);
}

static void a_digest_is_that_of_the_bytes(void **state)
{
    (void)state;
    qn_part_writer_begin(&part, NULL);
    put_partial();
    struct qn_hash128 said = finish(path[0]);
    uint64_t bytes;
    struct qn_hash128 digest, expected = qn_hash128(part.bytes.data, part.bytes.len, 0);
    assert_ok(qn_part_digest(path[0], &bytes, &digest, &err), &err);
    assert_int_equal(bytes, part.bytes.len);
    assert_memory_equal(&digest, &expected, sizeof digest);
    assert_memory_equal(&digest, &said, sizeof digest);
    save(path[0], "", 0);
    assert_ok(qn_part_digest(path[0], &bytes, &digest, &err), &err);
    expected = qn_hash128(NULL, 0, 0);
    assert_memory_equal(&digest, &expected, sizeof digest);
    unlink(path[0]);
    assert_int_equal(qn_part_digest(path[0], &bytes, &digest, &err), QN_EIO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rows_come_back_in_small_batches, setup, teardown),
        cmocka_unit_test_setup_teardown(partitions_are_picked_across_files, setup, teardown),
        cmocka_unit_test_setup_teardown(raw_rows_come_in_their_place, setup, teardown),
        cmocka_unit_test_setup_teardown(a_partial_may_come_in_pieces, setup, teardown),
        cmocka_unit_test_setup_teardown(a_large_part_goes_to_its_file, setup, teardown),
        cmocka_unit_test_setup_teardown(a_row_can_be_located, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_missing_is_said, setup, teardown),
        cmocka_unit_test_setup_teardown(a_cut_file_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(any_flipped_bit_is_noticed, setup, teardown),
        cmocka_unit_test_setup_teardown(a_liar_gets_no_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(a_digest_is_that_of_the_bytes, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
