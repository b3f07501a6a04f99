/* The loops over rows: alike for all processors, and what they say. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "jobs/learn/boost_kernels.h"
#include "jobs/learn/math.h"
#include "tests/support/test.h"

static void derivatives_are_near_and_alike(void **state)
{
    (void)state;
    enum { N = 4003 };
    static double scores[N];
    static uint8_t wanted[N];
    static struct qn_gradient out[2][N];
    const double weight[2] = {1, 2.5};
    for (uint32_t i = 0; i < N; i++) {
        scores[i] = ((double)(qn_mix64(i) >> 11) * 0x1p-53 - 0.5) * (i % 3 ? 20 : 3000);
        wanted[i] = i % 2;
    }
    scores[0] = 0;
    scores[1] = -0.0;
    qn_boost_kernels_plain.derive(scores, wanted, N, weight, 0x1p28, 0x1p30, out[0]);
    qn_boost_kernels()->derive(scores, wanted, N, weight, 0x1p28, 0x1p30, out[1]);
    assert_memory_equal(out[0], out[1], sizeof out[0]);
    for (uint32_t i = 0; i < N; i++) {
        double p = qn_expit(scores[i]), w = weight[wanted[i]];
        double g = (double)(int32_t)(uint32_t)out[0][i].halves * 0x1p-28;
        double h = (double)(out[0][i].halves >> 32) * 0x1p-30;
        assert_true(fabs(g - w * (p - wanted[i])) <= 0x1p-28);
        assert_true(fabs(h - w * p * (1 - p)) <= 0x1p-30);
    }
}

/* All of n rows, and then every third of them, which have no more room than they need. */
static void expect_parted(const struct qn_boost_kernels *kernels, const uint8_t *bytes,
                          uint32_t width, const struct qn_boost_sides *where, uint32_t n)
{
    struct qn_boost_ahead ahead = {bytes, bytes + n};
    uint16_t *rows = malloc(n * sizeof *rows), *scratch = malloc(n * sizeof *rows);
    uint32_t n_left = kernels->part_all(bytes + 1, width, where, rows, n, scratch, &ahead);
    for (uint32_t some = 0; some < 2; some++) {
        for (uint32_t i = 0; i < n; i++) {
            assert_int_equal(where->left[bytes[rows[i] * width + 1]], i < n_left);
            if (i && i != n_left)
                assert_true(rows[i - 1] < rows[i]);
        }
        if (some)
            break;
        n /= 3;
        free(rows);
        free(scratch);
        rows = malloc(n * sizeof *rows);
        scratch = malloc(n * sizeof *rows);
        for (uint32_t i = 0; i < n; i++)
            rows[i] = (uint16_t)(3 * i + i % 2);
        n_left = kernels->part(bytes + 1, width, where, rows, n, scratch, &ahead);
    }
    free(rows);
    free(scratch);
}

static void parting_keeps_the_order(void **state)
{
    (void)state;
    enum { N = 1000, WIDTH = 3 };
    uint8_t bytes[N * WIDTH + QN_BOOST_SLACK];
    struct qn_boost_sides where;
    for (uint32_t i = 0; i < N * WIDTH; i++)
        bytes[i] = (uint8_t)qn_mix64(i);
    for (uint32_t i = 0; i < QN_BIN_CODES; i++)
        where.left[i] = qn_mix64(i + 3) & 1;
    qn_boost_sides_pack(&where);
    for (uint32_t n = 0; n <= N; n += n < 70 ? 1 : 93) {
        expect_parted(&qn_boost_kernels_plain, bytes, WIDTH, &where, n);
        expect_parted(qn_boost_kernels(), bytes, WIDTH, &where, n);
    }
    expect_parted(qn_boost_kernels(), bytes, WIDTH, &where, N);
}

/* Of every number of columns, all rows and some. */
static void rows_are_added_to_their_slots(void **state)
{
    (void)state;
    enum { N = 500, MOST = 19, CODES = 256 };
    static uint8_t bytes[N * MOST + QN_BOOST_SLACK];
    static struct qn_gradient gradients[N];
    static struct qn_histogram_slot slots[MOST * CODES], wanted[MOST * CODES];
    struct qn_histogram_slot *to[MOST];
    uint16_t rows[N / 3];
    for (uint32_t i = 0; i < N * MOST; i++)
        bytes[i] = (uint8_t)(qn_mix64(i) % (i % 3 ? CODES : 4));
    for (uint32_t i = 0; i < N; i++)
        gradients[i].halves = (uint32_t)(int32_t)(i * 7919 - N * 4000) | (uint64_t)i << 40;
    for (uint32_t i = 0; i < N / 3; i++)
        rows[i] = (uint16_t)(i * 3 + i % 2);
    for (uint32_t c = 0; c < MOST; c++)
        to[c] = slots + (size_t)c * CODES;
    for (uint32_t width = 1; width <= MOST; width++) {
        memset(slots, 0, sizeof slots);
        memset(wanted, 0, sizeof wanted);
        qn_boost_kernels()->add_rows(bytes, width, gradients, NULL, N, to);
        qn_boost_kernels_plain.add_rows(bytes, width, gradients, rows, N / 3, to);
        for (uint32_t k = 0; k < N + N / 3; k++) {
            uint32_t row = k < N ? k : rows[k - N];
            for (uint32_t c = 0; c < width; c++) {
                struct qn_histogram_slot *slot = &wanted[c * CODES + bytes[row * width + c]];
                slot->g += (int32_t)(uint32_t)gradients[row].halves;
                slot->nh += QN_HISTOGRAM_ONE + (gradients[row].halves >> 32);
            }
        }
        assert_memory_equal(slots, wanted, sizeof slots);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(derivatives_are_near_and_alike),
        cmocka_unit_test(parting_keeps_the_order),
        cmocka_unit_test(rows_are_added_to_their_slots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
