/* Differences: every width from 0 to 64, sums that overflow, blocks of any shape, ends anywhere. */
#include "parquet/delta.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/hash.h"
#include "tests/support/parquet_file.h"
#include "tests/support/test.h"

enum { MAX_VALUES = 2000 };

static uint64_t dice = 1;

static uint64_t any(void)
{
    dice += UINT64_C(0x9E3779B97F4A7C15);
    return qn_mix64(dice);
}

static void put_packed(struct qn_buf *out, const uint64_t *steps, uint32_t n, unsigned width)
{
    for (uint64_t bit = 0; bit < (uint64_t)n * width; bit += 8) {
        uint8_t byte = 0;
        for (unsigned k = 0; k < 8; k++) {
            uint64_t at = bit + k;
            byte |= (uint8_t)((steps[at / width] >> (at % width) & 1) << k);
        }
        qn_buf_put_u8(out, byte);
    }
}

/* By the format's description, slowly: blocks of `minis` parts of 32 values. */
static void encode(struct qn_buf *out, const int64_t *values, uint32_t n, uint32_t minis)
{
    put_varint(out, 32 * minis);
    put_varint(out, minis);
    put_varint(out, n);
    put_zigzag(out, n ? values[0] : 0);
    for (uint32_t at = 1; at < n; at += 32 * minis) {
        uint64_t steps[32 * 8] = {0};
        uint32_t k = n - at < 32 * minis ? n - at : 32 * minis;
        int64_t min = INT64_MAX;
        for (uint32_t i = 0; i < k; i++) {
            steps[i] = (uint64_t)values[at + i] - (uint64_t)values[at + i - 1];
            min = (int64_t)steps[i] < min ? (int64_t)steps[i] : min;
        }
        put_zigzag(out, min);
        uint8_t widths[8] = {0};
        for (uint32_t i = 0; i < k; i++) {
            steps[i] -= (uint64_t)min;
            unsigned width = steps[i] ? 64U - (unsigned)__builtin_clzll(steps[i]) : 0;
            widths[i / 32] = (uint8_t)(width > widths[i / 32] ? width : widths[i / 32]);
        }
        qn_buf_put(out, widths, minis);
        for (uint32_t m = 0; m * 32 < k; m++)
            if (widths[m])
                put_packed(out, steps + 32 * (size_t)m, 32, widths[m]);
    }
}

static uint32_t make(int64_t *values, unsigned width)
{
    uint32_t n = (uint32_t)(any() % MAX_VALUES);
    uint64_t mask = width == 64 ? UINT64_MAX : (UINT64_C(1) << width) - 1, value = any();
    for (uint32_t i = 0; i < n; i++) {
        values[i] = (int64_t)value;
        value += any() & mask; /* past the largest and on from the smallest */
    }
    return n;
}

static void test_all_widths(void **state)
{
    (void)state;
    static int64_t values[MAX_VALUES], got[MAX_VALUES];
    static const uint32_t minis[] = {4, 1, 8};
    for (unsigned width = 0; width <= 64; width++)
        for (int round = 0; round < 12; round++) {
            struct qn_buf bytes;
            qn_buf_init(&bytes);
            uint32_t n = make(values, width);
            encode(&bytes, values, n, minis[round % 3]);
            size_t len = bytes.len;
            qn_buf_put(&bytes, "what comes behind", 17);
            assert_non_null(qn_buf_reserve(&bytes, QN_PQ_SLACK));
            struct qn_pq_delta delta, pass;
            assert_true(qn_pq_delta_open(&delta, qn_buf_strv(&bytes)));
            pass = delta;
            for (uint32_t done = 0, k; done < n; done += k) {
                k = 1 + (uint32_t)(any() % (round % 2 ? 700 : 40));
                k = k < n - done ? k : n - done;
                assert_true(qn_pq_delta_take(&delta, k, got));
                assert_memory_equal(got, values + done, k * sizeof *got);
            }
            assert_false(qn_pq_delta_take(&delta, 1, got));
            assert_true(qn_pq_delta_pass(&pass));
            assert_ptr_equal(pass.at, bytes.data + len);
            assert_true(qn_pq_delta_pass(&delta));
            assert_ptr_equal(delta.at, bytes.data + len);
            qn_buf_fini(&bytes);
        }
}

/* Bytes that end too early, and sizes that make no sense. */
static void test_bad_bytes(void **state)
{
    (void)state;
    static int64_t values[MAX_VALUES], got[MAX_VALUES];
    struct qn_buf bytes;
    struct qn_pq_delta delta;
    qn_buf_init(&bytes);
    uint32_t n;
    do
        n = make(values, 20);
    while (n < 200);
    encode(&bytes, values, n, 4);
    assert_non_null(qn_buf_reserve(&bytes, QN_PQ_SLACK));
    for (size_t len = 0; len < bytes.len; len++) {
        struct qn_strv cut = {(char *)bytes.data, len};
        if (!qn_pq_delta_open(&delta, cut))
            continue;
        if (qn_pq_delta_take(&delta, n, got)) /* only what fills the last part up is missing */
            assert_memory_equal(got, values, n * sizeof *got);
    }
    static const uint8_t bad[][6] = {
        {0, 4, 1, 0}, {0x80, 1, 0, 1, 0}, {0x80, 1, 3, 1, 0}, {0x90, 1, 1, 1, 0}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(qn_pq_delta_open(&delta, (struct qn_strv){(const char *)bad[i], 6}));
    /* Widths past 64 bits are only refused where they are used. */
    const uint8_t wide[64] = {32, 1, 5, 0, 0, 65};
    assert_true(qn_pq_delta_open(&delta, (struct qn_strv){(const char *)wide, 30}));
    assert_false(qn_pq_delta_take(&delta, 5, got));
    qn_buf_fini(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all_widths),
                                       cmocka_unit_test(test_bad_bytes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
