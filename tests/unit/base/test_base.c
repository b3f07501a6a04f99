#include "tests/support/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/hash.h"
#include "base/strv.h"

static void arena_gives_disjoint_aligned_memory(void **state)
{
    (void)state;
    struct qn_arena arena;
    qn_arena_init(&arena);
    for (int round = 0; round < 3; round++) {
        unsigned char *last = NULL;
        for (size_t n = 1; n < 3000; n += 7) {
            unsigned char *at = qn_arena_alloc(&arena, n);
            assert_non_null(at);
            assert_int_equal((uintptr_t)at % 16, 0);
            memset(at, (int)(n & 0xFF), n);
            if (last)
                assert_int_equal(last[0], (n - 7) & 0xFF);
            last = at;
        }
        assert_non_null(qn_arena_alloc(&arena, 10 << 20));
        qn_arena_clear(&arena);
    }
    assert_null(qn_arena_zalloc(&arena, SIZE_MAX / 2, 4));
    assert_string_equal(qn_arena_printf(&arena, "%d-%s", 7, "x"), "7-x");
    qn_arena_fini(&arena);
}

static void unpack_reads_what_buf_wrote_and_no_more(void **state)
{
    (void)state;
    struct qn_buf buf;
    qn_buf_init(&buf);
    qn_buf_put_u8(&buf, 200);
    qn_buf_put_u32(&buf, 4000000000U);
    qn_buf_put_i64(&buf, -5);
    qn_buf_put_f64(&buf, -0.5);
    qn_buf_put_str(&buf, QN_STRV_LIT("hello"));
    struct qn_unpack in = qn_unpack_from(qn_buf_strv(&buf));
    assert_int_equal(qn_unpack_u8(&in), 200);
    assert_true(qn_unpack_u32(&in) == 4000000000U);
    assert_true(qn_unpack_i64(&in) == -5);
    assert_true(qn_unpack_f64(&in) == -0.5);
    assert_true(qn_strv_is(qn_unpack_str(&in), "hello"));
    assert_int_equal(qn_unpack_end(&in, "it", NULL), QN_OK);
    assert_int_equal(qn_unpack_u32(&in), 0);
    assert_int_equal(qn_unpack_end(&in, "it", NULL), QN_EWIRE);
    struct qn_unpack huge = qn_unpack_from(QN_STRV_LIT("\xff\xff\xff\xff"));
    assert_int_equal(qn_unpack_count(&huge, 1), 0);
    assert_true(huge.failed);
    qn_buf_fini(&buf);
}

static void integers_parse_to_their_edges(void **state)
{
    (void)state;
    int64_t v;
    assert_true(qn_strv_to_i64(QN_STRV_LIT("9223372036854775807"), &v) && v == INT64_MAX);
    assert_true(qn_strv_to_i64(QN_STRV_LIT("-9223372036854775808"), &v) && v == INT64_MIN);
    assert_false(qn_strv_to_i64(QN_STRV_LIT("9223372036854775808"), &v));
    assert_false(qn_strv_to_i64(QN_STRV_LIT("12x"), &v));
    assert_false(qn_strv_to_i64(QN_STRV_LIT("-"), &v));
}

static void typos_find_their_word(void **state)
{
    (void)state;
    static const char *const words[] = {"filter", "derive", "impute", "from"};
    assert_string_equal(qn_strv_closest(QN_STRV_LIT("fliter"), words, 4), "filter");
    assert_string_equal(qn_strv_closest(QN_STRV_LIT("form"), words, 4), "from");
    assert_null(qn_strv_closest(QN_STRV_LIT("warehouse"), words, 4));
    assert_null(qn_strv_closest(QN_STRV_LIT("xy"), words, 4));
}

static void utf8_is_checked_to_the_letter(void **state)
{
    (void)state;
    assert_true(qn_utf8_valid(QN_STRV_LIT("plain ascii, long enough for words")));
    assert_true(qn_utf8_valid(QN_STRV_LIT("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80")));
    assert_false(qn_utf8_valid(QN_STRV_LIT("\xc0\x80")));
    assert_false(qn_utf8_valid(QN_STRV_LIT("\xed\xa0\x80")));
    assert_false(qn_utf8_valid(QN_STRV_LIT("\xf4\x90\x80\x80")));
    assert_false(qn_utf8_valid(QN_STRV_LIT("cut \xe2\x82")));
}

static void sha256_knows_its_vector(void **state)
{
    (void)state;
    char hex[QN_SHA256_HEX];
    qn_sha256_of(QN_STRV_LIT("abc"), hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void errors_read_as_people_expect(void **state)
{
    (void)state;
    struct qn_err err;
    char text[512];
    assert_int_equal(
        qn_err_set(&err, QN_EINPUT, QN_BLAME_INPUT, "expected %s, got '%s'", "integer", "12x"),
        QN_EINPUT);
    qn_err_at(&err, "data/orders.csv", 1048577, 14);
    qn_err_frame(&err, "while parsing chunk %d", 37);
    qn_err_format(&err, text, sizeof text);
    assert_string_equal(text, "data/orders.csv:1048577:14: expected integer, got '12x'\n"
                              "  while parsing chunk 37");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_gives_disjoint_aligned_memory),
        cmocka_unit_test(unpack_reads_what_buf_wrote_and_no_more),
        cmocka_unit_test(integers_parse_to_their_edges),
        cmocka_unit_test(typos_find_their_word),
        cmocka_unit_test(utf8_is_checked_to_the_letter),
        cmocka_unit_test(sha256_knows_its_vector),
        cmocka_unit_test(errors_read_as_people_expect),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
