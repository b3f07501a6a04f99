/* What radix sorts is what qsort sorts, of few and many, and equal keys keep their order. */
#include "base/radix.h"

#include <math.h>
#include <stdlib.h>

#include "base/hash.h"
#include "tests/support/test.h"

enum { MOST = 20000 };

static struct qn_err err;

static int by_word(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* All bits, the upper ones alone, few different, sorted already. */
static uint64_t draw(size_t i, unsigned kind)
{
    uint64_t word = qn_mix64(i + 1);
    switch (kind) {
    case 0: return word;
    case 1: return word & ~(UINT64_MAX >> 9);
    case 2: return word % 7;
    default: return i;
    }
}

static void words_are_sorted(void **state)
{
    static const size_t counts[] = {0, 1, 2, 100, 4095, 4096, MOST};
    static uint64_t words[MOST], expected[MOST];
    (void)state;
    for (unsigned kind = 0; kind < 4; kind++)
        for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
            size_t n = counts[c];
            for (size_t i = 0; i < n; i++)
                words[i] = expected[i] = draw(i, kind);
            qsort(expected, n, sizeof *expected, by_word);
            assert_ok(qn_radix_sort(words, n, &err), &err);
            assert_memory_equal(words, expected, n * sizeof *words);
        }
}

static void equal_keys_keep_their_order(void **state)
{
    static struct qn_radix_item items[MOST];
    (void)state;
    for (size_t n = 2; n <= MOST; n *= 10)
        for (unsigned kind = 0; kind < 4; kind++) {
            for (size_t i = 0; i < n; i++)
                items[i] = (struct qn_radix_item){draw(i, kind), i};
            assert_ok(qn_radix_sort_items(items, n, &err), &err);
            for (size_t i = 1; i < n; i++) {
                assert_true(items[i - 1].key <= items[i].key);
                assert_true(items[i - 1].key < items[i].key || items[i - 1].value < items[i].value);
            }
        }
}

static void doubles_keep_their_order_and_value(void **state)
{
    static const double values[] = {
        -(double)INFINITY, -1e308, -1.5, -1e-308, 0, 5e-324, 1, 1.5, 1e308, (double)INFINITY};
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        uint64_t key = qn_radix_of_double(values[i]);
        assert_true(qn_radix_to_double(key) == values[i]);
        assert_true(i == 0 || qn_radix_of_double(values[i - 1]) < key);
    }
    assert_int_equal(qn_radix_of_double(-0.0), qn_radix_of_double(0.0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_sorted),
        cmocka_unit_test(equal_keys_keep_their_order),
        cmocka_unit_test(doubles_keep_their_order_and_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
