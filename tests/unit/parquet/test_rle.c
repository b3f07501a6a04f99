/* Runs and packed bits: every width, runs cut anywhere, and bytes that end too early. */
#include "parquet/rle.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/simd.h"
#include "tests/support/parquet_file.h"
#include "tests/support/test.h"

enum { MAX_NUMBERS = 3000 };

static uint64_t dice = 1;

static uint32_t roll(uint32_t sides)
{
    dice += UINT64_C(0x9E3779B97F4A7C15);
    return (uint32_t)((qn_mix64(dice) >> 33) % sides);
}

static uint32_t any_of(unsigned width)
{
    uint32_t all = width == 32 ? UINT32_MAX : (UINT32_C(1) << width) - 1;
    return roll(8) == 0 ? all : (uint32_t)qn_mix64(dice + 5) & all;
}

static void put_packed(struct qn_buf *out, const uint32_t *numbers, uint32_t n, unsigned width)
{
    uint64_t held = 0;
    unsigned bits = 0;
    for (uint32_t i = 0; i < n; i++) {
        held |= (uint64_t)numbers[i] << bits;
        for (bits += width; bits >= 8; bits -= 8, held >>= 8)
            qn_buf_put_u8(out, (uint8_t)held);
    }
}

/* Numbers, and their bytes as runs and eights by turns. */
static uint32_t make(struct qn_buf *out, unsigned width, uint32_t *numbers)
{
    uint32_t n = 0;
    for (uint32_t turns = 1 + roll(12); turns > 0; turns--) {
        if (roll(2)) {
            uint32_t run = roll(roll(2) ? 200 : 9), value = any_of(width);
            put_varint(out, run << 1);
            for (unsigned k = 0; k < (width + 7) / 8; k++)
                qn_buf_put_u8(out, (uint8_t)(value >> (8 * k)));
            for (uint32_t i = 0; i < run; i++)
                numbers[n++] = value;
        } else {
            uint32_t eights = 1 + roll(20);
            put_varint(out, eights << 1 | 1);
            for (uint32_t i = 0; i < 8 * eights; i++)
                numbers[n + i] = any_of(width);
            put_packed(out, numbers + n, 8 * eights, width);
            n += 8 * eights;
        }
    }
    return n;
}

static struct qn_pq_rle begin(const struct qn_buf *bytes, unsigned width)
{
    return qn_pq_rle_from(qn_buf_strv(bytes), width);
}

static void test_all_widths(void **state)
{
    (void)state;
    static uint32_t numbers[MAX_NUMBERS], got[MAX_NUMBERS];
    for (unsigned width = 0; width <= 32; width++)
        for (int round = 0; round < 60; round++) {
            struct qn_buf bytes;
            qn_buf_init(&bytes);
            uint32_t n = make(&bytes, width, numbers);
            assert_non_null(qn_buf_reserve(&bytes, QN_PQ_SLACK));
            struct qn_pq_rle rle = begin(&bytes, width);
            for (uint32_t done = 0, k; done < n; done += k) {
                k = 1 + roll(round % 2 ? 300 : 12);
                k = k < n - done ? k : n - done;
                assert_true(qn_pq_rle_take(&rle, k, got));
                assert_memory_equal(got, numbers + done, k * sizeof *got);
            }
            assert_false(qn_pq_rle_take(&rle, 1, got));
            qn_buf_fini(&bytes);
        }
}

/* The bitmap of levels is the same as looking at each, wherever it begins. */
static void test_match(void **state)
{
    (void)state;
    static uint32_t numbers[MAX_NUMBERS];
    static uint64_t bits[MAX_NUMBERS / 64 + 4];
    for (unsigned width = 1; width <= 3; width++)
        for (int round = 0; round < 300; round++) {
            struct qn_buf bytes;
            qn_buf_init(&bytes);
            uint32_t n = make(&bytes, width, numbers), first = roll(130), all = 0;
            assert_non_null(qn_buf_reserve(&bytes, QN_PQ_SLACK));
            struct qn_pq_rle rle = begin(&bytes, width);
            uint32_t wanted = (1U << width) - 1, done = 0;
            memset(bits, roll(2) ? 0xff : 0, sizeof bits);
            while (done < n) {
                uint32_t k = 1 + roll(150), some = 0;
                k = k < n - done ? k : n - done;
                assert_true(qn_pq_rle_match(&rle, k, wanted, bits, first + done, &some));
                all += some;
                done += k;
            }
            for (uint32_t i = 0; i < n; i++) {
                bool bit = bits[(first + i) / 64] >> ((first + i) % 64) & 1;
                assert_int_equal(bit, numbers[i] == wanted);
                all -= bit;
            }
            assert_int_equal(all, 0);
            qn_buf_fini(&bytes);
        }
}

static void test_too_large_a_level(void **state)
{
    (void)state;
    uint8_t bytes[2 + QN_PQ_SLACK] = {8 << 1, 3}; /* eight times 3 */
    uint64_t bits[1];
    uint32_t n;
    struct qn_pq_rle rle = qn_pq_rle_from((struct qn_strv){(char *)bytes, 2}, 2);
    assert_false(qn_pq_rle_match(&rle, 8, 2, bits, 0, &n));
}

/* Cut anywhere, what is given is right, and then it ends. */
static void test_cut_short(void **state)
{
    (void)state;
    static uint32_t numbers[MAX_NUMBERS], got[MAX_NUMBERS];
    for (unsigned width = 1; width <= 32; width++) {
        struct qn_buf bytes;
        qn_buf_init(&bytes);
        uint32_t n = make(&bytes, width, numbers);
        assert_non_null(qn_buf_reserve(&bytes, QN_PQ_SLACK));
        for (size_t len = 0; len <= bytes.len; len++) {
            struct qn_pq_rle rle = qn_pq_rle_from((struct qn_strv){(char *)bytes.data, len}, width);
            uint32_t done = 0;
            while (done < n && qn_pq_rle_take(&rle, 1, got)) {
                assert_int_equal(got[0], numbers[done]);
                done++;
            }
            assert_true(done == n || len < bytes.len);
        }
        qn_buf_fini(&bytes);
    }
}

static void test_from_the_top(void **state)
{
    (void)state;
    const uint8_t bytes[] = {0x05, 0x39, 0x77}; /* 0 to 7 of three bits, as the format has it */
    uint32_t got[8];
    struct qn_pq_rle rle = qn_pq_rle_from((struct qn_strv){(const char *)bytes, 3}, 3);
    rle.from_top = true;
    for (uint32_t i = 0; i < 8; i++) {
        assert_true(qn_pq_rle_take(&rle, 1, &got[i]));
        assert_int_equal(got[i], i);
    }
    assert_false(qn_pq_rle_take(&rle, 1, got));
}

static void test_all_widths_by_less(void **state)
{
    qn_simd_limit(QN_SIMD_SSE2);
    test_all_widths(state);
    qn_simd_limit(qn_simd_available());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_widths), cmocka_unit_test(test_all_widths_by_less),
        cmocka_unit_test(test_match),      cmocka_unit_test(test_too_large_a_level),
        cmocka_unit_test(test_cut_short),  cmocka_unit_test(test_from_the_top)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
