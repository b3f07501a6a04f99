#include "tests/support/test.h"

#include <stdlib.h>

#include "tests/unit/wire/random_batch.h"
#include "tests/unit/wire/round_trip.h"
#include "wire/block.h"
#include "wire/codec.h"

static struct qn_err err;

/* From a block of its own, so that the address sanitizer sees every read past it. */
static qn_code decode(const void *bytes, size_t n, const struct qn_schema *schema,
                      struct qn_batch *out)
{
    char *block = malloc(n ? n : 1);
    assert_non_null(block);
    if (n)
        memcpy(block, bytes, n);
    qn_arena_clear(&other);
    qn_code code = qn_codec_decode((struct qn_strv){block, n}, schema, &other, out, &err);
    free(block);
    return code;
}

static void batches_round_trip(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {0, 1, 7, 63, 64, 65, 1000, QN_BATCH_ROWS};
    struct random random = {1};
    for (int round = 0; round < 40; round++) {
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            struct qn_batch batch, back;
            qn_arena_clear(&arena);
            random_batch(&random, &arena, sizes[s], &batch);
            qn_buf_clear(&buf);
            assert_ok(qn_codec_encode(&batch, QN_CODEC_SMALL, &buf, &err), &err);
            assert_ok(decode(buf.data, buf.len, &all_types, &back), &err);
            assert_int_equal(back.n_rows, sizes[s]);
            assert_null(back.origin);
            assert_true(same_rows(&batch, 0, &back));
            for (uint32_t c = 0; c < N_FIELDS; c++) {
                assert_int_equal((uintptr_t)back.columns[c].i64 % 8, 0);
                if (back.columns[c].offsets)
                    assert_int_equal(back.columns[c].offsets[0], 0);
            }
            /* Equal rows give equal bytes, whatever lies under their NULLs. */
            qn_buf_clear(&again);
            assert_ok(qn_codec_encode(&back, QN_CODEC_SMALL, &again, &err), &err);
            assert_true(qn_strv_eq(qn_buf_strv(&buf), qn_buf_strv(&again)));
        }
    }
}

static void row_ranges_round_trip(void **state)
{
    (void)state;
    struct random random = {2};
    struct qn_batch batch, back;
    random_batch(&random, &arena, 1000, &batch);
    for (uint32_t first = 0; first < 1000; first += 192) {
        uint32_t n = 1000 - first < 101 ? 1000 - first : 101;
        qn_buf_clear(&buf);
        assert_ok(qn_codec_encode_rows(&batch, first, n, QN_CODEC_SMALL, &buf, &err), &err);
        assert_ok(decode(buf.data, buf.len, &all_types, &back), &err);
        assert_int_equal(back.n_rows, n);
        assert_true(same_rows(&batch, first, &back));
    }
    assert_int_equal(qn_codec_encode_rows(&batch, 64, 0, QN_CODEC_SMALL, &buf, &err), QN_OK);
}

static void too_many_rows_are_refused(void **state)
{
    (void)state;
    struct random random = {3};
    struct qn_batch batch;
    random_batch(&random, &arena, QN_BATCH_ROWS + 1, &batch);
    assert_int_equal(qn_codec_encode(&batch, QN_CODEC_SMALL, &buf, &err), QN_ELIMIT);
    assert_int_equal(buf.len, 0);
}

static void unwanted_columns_are_left_out(void **state)
{
    (void)state;
    struct random random = {4};
    struct qn_batch batch, back;
    random_batch(&random, &arena, 500, &batch);
    assert_ok(qn_codec_encode(&batch, QN_CODEC_SMALL, &buf, &err), &err);
    const bool wanted[N_FIELDS] = {[2] = true, [4] = true};
    const struct qn_field fields[] = {all_fields[2], all_fields[4]};
    const struct qn_schema projected = {fields, 2};
    assert_ok(qn_codec_decode_wanted(qn_buf_strv(&buf), &all_types, wanted, &projected, &other,
                                     &back, &err),
              &err);
    assert_ptr_equal(back.schema, &projected);
    for (uint32_t i = 0; i < 500; i++) {
        assert_true(same_value(&batch.columns[2], i, &back.columns[0], i));
        assert_true(same_value(&batch.columns[4], i, &back.columns[1], i));
    }
}

static void every_truncation_is_refused(void **state)
{
    (void)state;
    struct random random = {5};
    struct qn_batch batch, back;
    random_batch(&random, &arena, 70, &batch);
    assert_ok(qn_codec_encode(&batch, QN_CODEC_SMALL, &buf, &err), &err);
    for (size_t len = 0; len < buf.len; len++)
        assert_int_equal(decode(buf.data, len, &all_types, &back), QN_EWIRE);
    qn_buf_put_u8(&buf, 0);
    assert_int_equal(decode(buf.data, buf.len, &all_types, &back), QN_EWIRE);
}

static void another_schema_is_refused(void **state)
{
    (void)state;
    struct random random = {6};
    struct qn_batch batch, back;
    random_batch(&random, &arena, 10, &batch);
    assert_ok(qn_codec_encode(&batch, QN_CODEC_SMALL, &buf, &err), &err);
    struct qn_field fields[N_FIELDS];
    memcpy(fields, all_fields, sizeof fields);
    struct qn_schema schema = {fields, N_FIELDS - 1};
    assert_int_equal(decode(buf.data, buf.len, &schema, &back), QN_EWIRE);
    schema.n_fields = N_FIELDS;
    fields[3].type.scale = 3;
    assert_int_equal(decode(buf.data, buf.len, &schema, &back), QN_EWIRE);
    assert_string_equal(err.frames[0], "while decoding column price");
}

/* One text column of two rows, built by hand: lengths 1 + 1, bytes "ab". */
static void put_hand_made(uint8_t width, uint32_t unit, int64_t base, const char *bytes, size_t n)
{
    qn_buf_clear(&buf);
    qn_buf_put_u8(&buf, QN_CODEC_VERSION);
    qn_buf_put_u32(&buf, 2);
    qn_buf_put_u32(&buf, 1);
    qn_buf_put(&buf, "\5\0\0\0", 4);
    qn_buf_put_u8(&buf, width);
    qn_buf_put_u32(&buf, unit);
    qn_buf_put_i64(&buf, base);
    if (width)
        qn_block_put(&buf, "\0\1\2\3\4\5\6\7\0\1\2\3\4\5\6\7", 2 * (size_t)width, true);
    qn_block_put(&buf, bytes, n, true);
}

static void texts_must_fit_and_be_utf8(void **state)
{
    (void)state;
    const struct qn_schema schema = {&all_fields[4], 1};
    struct qn_batch back;
    put_hand_made(0, 1, 1, "ab", 2);
    assert_ok(decode(buf.data, buf.len, &schema, &back), &err);
    assert_true(qn_strv_is(qn_text_at(&back.columns[0], 1), "b"));
    static const struct {
        uint8_t width;
        uint32_t unit;
        int64_t base;
        const char *bytes;
    } bad[] = {
        {0, 1, 2, "ab"},                /* longer than the bytes */
        {0, 1, 0, "ab"},                /* shorter */
        {0, 1, -1, "ab"},               /* negative */
        {0, 1, INT64_C(1) << 32, "ab"}, /* 0 in 32 bits */
        {0, 1, INT64_MAX, "ab"},
        {8, 1, 0, "ab"},
        {3, 1, 0, "ab"}, /* no such width */
        {1, UINT32_MAX, 1, "ab"},
        {0, 1, 1, "\xc3\xa4"}, /* cut inside a character */
        {0, 1, 1, "a\xff"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        put_hand_made(bad[i].width, bad[i].unit, bad[i].base, bad[i].bytes, 2);
        if (decode(buf.data, buf.len, &schema, &back) != QN_EWIRE)
            fail_msg("case %zu was taken", i);
    }
}

static void hostile_sizes_allocate_little(void **state)
{
    (void)state;
    const struct qn_schema schema = {&all_fields[4], 1};
    struct qn_batch back;
    put_hand_made(0, 1, 1, "ab", 2);
    /* Rows, columns; then the text block's form, bytes and stored bytes. */
    static const size_t places[] = {1, 5, 26, 27, 31};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        put_hand_made(0, 1, 1, "ab", 2);
        memset(buf.data + places[i], 0xff, places[i] == 26 ? 1 : 4);
        assert_int_equal(decode(buf.data, buf.len, &schema, &back), QN_EWIRE);
        assert_in_range(other.used_bytes, 0, 1 << 16);
    }
    /* LZ4 that says 4 GiB of two bytes, and one that does not hold what it says. */
    put_hand_made(0, 1, 1, "ab", 2);
    buf.data[26] = 1;
    memset(buf.data + 27, 0xff, 4);
    assert_int_equal(decode(buf.data, buf.len, &schema, &back), QN_EWIRE);
    put_hand_made(0, 1, 1, "ab", 2);
    buf.data[26] = 1;
    assert_int_equal(decode(buf.data, buf.len, &schema, &back), QN_EWIRE);
}

static void columns_shrink_where_they_can(void **state)
{
    (void)state;
    const struct qn_schema schema = {&all_fields[6], 1};
    struct qn_column column;
    assert_ok(qn_column_new(&arena, all_fields[6].type, QN_BATCH_ROWS, &column, &err), &err);
    struct qn_batch batch = {.schema = &schema, .columns = &column, .n_rows = QN_BATCH_ROWS};
    struct random random = {7};
    for (uint32_t i = 0; i < QN_BATCH_ROWS; i++)
        column.i64[i] = INT64_C(1700000000000000) + (int64_t)random_below(&random, 60000) * 1000000;
    assert_ok(qn_codec_encode(&batch, QN_CODEC_SMALL, &buf, &err), &err);
    assert_in_range(buf.len, QN_BATCH_ROWS * 2 - 4000, QN_BATCH_ROWS * 2 + 64);
    for (uint32_t i = 0; i < QN_BATCH_ROWS; i++)
        column.i64[i] = 5;
    qn_buf_clear(&buf);
    assert_ok(qn_codec_encode(&batch, QN_CODEC_SMALL, &buf, &err), &err);
    assert_in_range(buf.len, 1, 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(batches_round_trip, setup, teardown),
        cmocka_unit_test_setup_teardown(row_ranges_round_trip, setup, teardown),
        cmocka_unit_test_setup_teardown(too_many_rows_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(unwanted_columns_are_left_out, setup, teardown),
        cmocka_unit_test_setup_teardown(every_truncation_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(another_schema_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(texts_must_fit_and_be_utf8, setup, teardown),
        cmocka_unit_test_setup_teardown(hostile_sizes_allocate_little, setup, teardown),
        cmocka_unit_test_setup_teardown(columns_shrink_where_they_can, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
