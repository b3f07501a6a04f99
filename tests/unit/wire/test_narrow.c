/* Integers as few bytes: every kind of instructions gives the same, and what was put comes back. */
#include "tests/support/test.h"

#include <string.h>

#include "base/limits.h"
#include "base/simd.h"
#include "tests/unit/wire/random.h"
#include "wire/block.h"
#include "wire/narrow.h"

enum { N = 1000 };

static struct qn_err err;

/* n values from `base` on, of so many bits, as multiples of a unit. */
static void draw(struct random *random, int64_t base, unsigned bits, uint64_t unit, uint32_t n,
                 int64_t *values)
{
    for (uint32_t i = 0; i < n; i++)
        values[i] = (int64_t)((uint64_t)base + unit * (random_next(random) >> (64 - bits)));
}

static uint64_t put(const int64_t *values, uint32_t n, bool small, struct qn_buf *out)
{
    qn_buf_clear(out);
    qn_ints_put(out, values, n, small);
    assert_false(out->failed);
    return out->len;
}

static void assert_back(const struct qn_buf *buf, const int64_t *values, uint32_t n)
{
    static int64_t back[QN_BATCH_ROWS];
    struct qn_unpack in = qn_unpack_from(qn_buf_strv(buf));
    struct qn_ints ints = qn_ints_take(&in);
    assert_ok(qn_unpack_end(&in, "ints", &err), &err);
    assert_ok(qn_ints_open(&ints, back, n, &err), &err);
    for (uint32_t i = 0; i < n; i++)
        assert_true(back[i] == values[i]);
}

static void values_come_back_alike(void **state)
{
    (void)state;
    static const uint64_t units[] = {1, 3, 1000, 1000000};
    static const uint32_t sizes[] = {1, 2, 7, 31, 64, N};
    static int64_t values[N];
    struct random random = {1};
    struct qn_buf plain, buf;
    qn_buf_init(&plain);
    qn_buf_init(&buf);
    for (uint32_t round = 0; round < 63 * 4 * 6; round++) {
        unsigned bits = 1 + round % 63;
        uint32_t n = sizes[round / 63 % 6];
        draw(&random, (int64_t)random_u64(&random) - INT32_MAX, bits, units[round % 4], n, values);
        if (round % 5 == 0)
            values[n / 2] = INT64_MIN + (int64_t)(round % 3);
        for (int small = 0; small < 2; small++) {
            (void)qn_simd_limit(QN_SIMD_SCALAR);
            put(values, n, small, &plain);
            assert_back(&plain, values, n);
            for (int level = 1; level <= (int)qn_simd_available(); level++) {
                (void)qn_simd_limit((enum qn_simd)level);
                put(values, n, small, &buf);
                assert_int_equal(buf.len, plain.len);
                assert_memory_equal(buf.data, plain.data, plain.len);
                assert_back(&buf, values, n);
            }
        }
    }
    (void)qn_simd_limit(QN_SIMD_AVX512);
    qn_buf_fini(&plain);
    qn_buf_fini(&buf);
}

/* Seconds over an hour and more fit four bytes as multiples, and not when one is off by one. */
static void multiples_are_told(void **state)
{
    (void)state;
    static int64_t values[N];
    struct random random = {2};
    struct qn_buf buf;
    qn_buf_init(&buf);
    for (int level = 0; level <= (int)qn_simd_available(); level++) {
        (void)qn_simd_limit((enum qn_simd)level);
        draw(&random, INT64_C(1700000000000000), 20, 1000000, N, values);
        assert_true(put(values, N, false, &buf) < 4 * N + 64);
        values[N - 1]++;
        assert_true(put(values, N, false, &buf) >= 8 * N);
        assert_back(&buf, values, N);
        values[N - 1] -= 1 + 1000000000; /* below the others: the new base */
        assert_true(put(values, N, false, &buf) < 4 * N + 64);
        assert_back(&buf, values, N);
    }
    (void)qn_simd_limit(QN_SIMD_AVX512);
    qn_buf_fini(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_come_back_alike),
        cmocka_unit_test(multiples_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
