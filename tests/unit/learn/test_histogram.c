/* Histograms: exact sums, made several at a time, packed, joined and taken apart. */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "jobs/learn/boost_kernels.h"
#include "tests/support/bins.h"

static struct qn_bins bins;

/* Two of the features share a column. */
static int make_bins(void **state)
{
    const uint32_t n_codes[] = {200, 9, 41, 11};
    enum { FEATURES = sizeof n_codes / sizeof *n_codes };
    struct qn_err err = {0};
    (void)state;
    make_features(&bins, n_codes, FEATURES);
    assert_ok(qn_bins_lay_out(&bins, false, &err), &err);
    assert_int_equal(bins.n_columns, FEATURES - 1);
    return 0;
}

static int drop_bins(void **state)
{
    (void)state;
    qn_bins_fini(&bins);
    return 0;
}

/* More rows than a slot counts, with the largest derivatives there are. */
enum { BLOCK = 60000, MANY = 5 * BLOCK };
struct many {
    uint8_t *bytes;
    struct qn_gradient *gradients;
    int64_t total; /* of g */
    struct qn_histogram_maker *maker;
    struct qn_histogram sums; /* of all */
};

static struct qn_histogram new_histogram(void)
{
    struct qn_err err = {0};
    struct qn_histogram histogram;
    assert_ok(qn_histogram_init(&histogram, bins.n_cells, &err), &err);
    return histogram;
}

static void make_many(struct many *many)
{
    struct qn_err err = {0};
    *many = (struct many){.bytes = malloc((size_t)MANY * bins.n_columns + QN_BOOST_SLACK),
                          .gradients = malloc(MANY * sizeof *many->gradients),
                          .sums = new_histogram()};
    for (uint32_t i = 0; i < MANY; i++) {
        for (uint32_t c = 0; c < bins.n_columns; c++)
            many->bytes[(size_t)i * bins.n_columns + c] =
                (uint8_t)(qn_mix64(i * 5 + c) % bins.column_codes[c]);
        int32_t g = i % 2 ? -(1 << 30) : (1 << 30) - (int32_t)i;
        many->gradients[i].halves = (uint32_t)g | UINT64_C(1) << 62;
        many->total += g;
    }
    assert_ok(qn_histogram_maker_new(&bins, &many->maker, &err), &err);
    assert_ok(qn_histogram_maker_reserve(many->maker, 1, &err), &err);
    for (uint32_t i = 0; i < MANY; i += BLOCK)
        qn_histogram_add(many->maker, 0, many->bytes + (size_t)i * bins.n_columns,
                         many->gradients + i, NULL, BLOCK, &many->sums);
    qn_histogram_drain(many->maker, 0, &many->sums);
}

static void drop_many(struct many *many)
{
    qn_histogram_maker_free(many->maker);
    qn_histogram_fini(&many->sums);
    free(many->bytes);
    free(many->gradients);
}

static void histograms_are_exact_sums(void **state)
{
    (void)state;
    struct many many;
    make_many(&many);
    struct qn_sums sums = qn_histogram_total(&many.sums, &bins);
    assert_true(sums.g == many.total && sums.n == MANY && sums.h == (uint64_t)MANY << 30);
    for (uint32_t f = 0; f < bins.n_features; f++) { /* by hand */
        const struct qn_bin_feature *feature = &bins.features[f];
        struct qn_sums want = {0}, *cell = &many.sums.cells[feature->first + 1];
        for (uint32_t i = 0; i < MANY; i++) {
            uint8_t byte = many.bytes[(size_t)i * bins.n_columns + feature->column];
            if (qn_bin_code_in(feature, 0, byte) != 1)
                continue;
            want.g += (int32_t)(uint32_t)many.gradients[i].halves;
            want.n++;
        }
        assert_true(cell->g == want.g && cell->n == want.n && cell->h == want.n << 30);
    }
    drop_many(&many);
}

/* Every third row apart from the others, both at a time. */
static void some_rows_and_the_rest_are_all(void **state)
{
    (void)state;
    static uint16_t rows[BLOCK];
    struct qn_err err = {0};
    struct many many;
    make_many(&many);
    struct qn_histogram some = new_histogram(), rest = new_histogram(), sum = new_histogram();
    assert_ok(qn_histogram_maker_reserve(many.maker, 3, &err), &err);
    for (uint32_t i = 0; i < BLOCK; i++)
        rows[i % 3 ? BLOCK / 3 + i / 3 * 2 + i % 3 - 1 : i / 3] = (uint16_t)i;
    for (uint32_t i = 0; i < MANY; i += BLOCK) {
        const uint8_t *at = many.bytes + (size_t)i * bins.n_columns;
        qn_histogram_add(many.maker, 2, at, many.gradients + i, rows, BLOCK / 3, &some);
        qn_histogram_add(many.maker, 0, at, many.gradients + i, rows + BLOCK / 3, BLOCK / 3 * 2,
                         &rest);
    }
    qn_histogram_drain(many.maker, 0, &rest);
    qn_histogram_drain(many.maker, 1, &rest);
    qn_histogram_drain(many.maker, 2, &some);
    struct qn_buf bytes;
    qn_buf_init(&bytes);
    qn_histogram_pack(&bytes, &some);
    qn_histogram_pack(&bytes, &rest);
    struct qn_unpack in = qn_unpack_from(qn_buf_strv(&bytes));
    qn_histogram_merge(&sum, &in);
    qn_histogram_merge(&sum, &in);
    assert_ok(qn_unpack_end(&in, "histograms", &err), &err);
    size_t size = bins.n_cells * sizeof *sum.cells;
    assert_memory_equal(sum.cells, many.sums.cells, size);
    qn_histogram_subtract(&sum, &some);
    qn_histogram_join(&sum, &some);
    assert_memory_equal(sum.cells, many.sums.cells, size);
    qn_histogram_subtract(&sum, &some);
    assert_memory_equal(sum.cells, rest.cells, size);
    qn_buf_fini(&bytes);
    qn_histogram_fini(&some);
    qn_histogram_fini(&rest);
    qn_histogram_fini(&sum);
    drop_many(&many);
}

static void rows_that_are_forgotten_do_not_count(void **state)
{
    (void)state;
    struct many many;
    make_many(&many);
    struct qn_histogram none = new_histogram(), drained = new_histogram();
    qn_histogram_add(many.maker, 0, many.bytes, many.gradients, NULL, BLOCK, &drained);
    qn_histogram_maker_clear(many.maker);
    qn_histogram_drain(many.maker, 0, &drained);
    assert_memory_equal(drained.cells, none.cells, bins.n_cells * sizeof *none.cells);
    qn_histogram_fini(&none);
    qn_histogram_fini(&drained);
    drop_many(&many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(histograms_are_exact_sums),
        cmocka_unit_test(some_rows_and_the_rest_are_all),
        cmocka_unit_test(rows_that_are_forgotten_do_not_count),
    };
    return cmocka_run_group_tests(tests, make_bins, drop_bins);
}
