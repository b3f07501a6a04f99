/* Contributions summed up: the same for any grouping of rows, in bins that hold what they say. */
#include "tests/support/test.h"

#include <math.h>
#include <string.h>

#include "jobs/learn/swarm.h"
#include "tests/unit/wire/random.h"

enum { FEATURES = 3, ROWS = 400 };

static double parts[ROWS * (FEATURES + 1)];
static uint8_t levels[FEATURES * ROWS];

/* Of very different sizes from row to row and feature to feature, so that bins widen on the way. */
static void draw_parts(void)
{
    struct random draws = {11};
    for (uint32_t i = 0; i < ROWS; i++)
        for (uint32_t f = 0; f <= FEATURES; f++) {
            double size = ldexp(1, -(int)random_below(&draws, 30));
            parts[i * (FEATURES + 1) + f] =
                f == 2 ? 0 : size * ((double)random_below(&draws, 2001) / 1000 - 1);
        }
    for (uint32_t i = 0; i < FEATURES * ROWS; i++)
        levels[i] = (uint8_t)random_below(&draws, QN_SWARM_LEVELS + 1);
}

static void add(struct qn_swarm *swarm, uint32_t begin, uint32_t end)
{
    qn_swarm_add(swarm, parts + begin * (FEATURES + 1), end - begin, levels + begin, ROWS);
}

static void pack(struct qn_buf *out, const struct qn_swarm *swarm)
{
    qn_buf_init(out);
    qn_swarm_pack(out, swarm);
    assert_false(out->failed);
}

static void grouping_does_not_matter(void **state)
{
    struct qn_swarm whole, pieces;
    struct qn_buf expected, found;
    struct qn_err err = {0};
    (void)state;
    draw_parts();
    assert_ok(qn_swarm_init(&whole, FEATURES, &err), &err);
    add(&whole, 0, ROWS);
    pack(&expected, &whole);
    for (uint32_t size = 1; size < ROWS; size = size * 3 + 1) {
        assert_ok(qn_swarm_init(&pieces, FEATURES, &err), &err);
        for (uint32_t end = ROWS; end > 0;) { /* from the last to the first */
            uint32_t begin = end > size ? end - size : 0;
            struct qn_swarm piece;
            struct qn_buf bytes;
            assert_ok(qn_swarm_init(&piece, FEATURES, &err), &err);
            add(&piece, begin, end);
            pack(&bytes, &piece);
            struct qn_unpack in = qn_unpack_from(qn_buf_strv(&bytes));
            qn_swarm_merge(&pieces, &in);
            assert_ok(qn_unpack_end(&in, "a swarm", &err), &err);
            qn_buf_fini(&bytes);
            qn_swarm_fini(&piece);
            end = begin;
        }
        pack(&found, &pieces);
        assert_true(qn_strv_eq(qn_buf_strv(&found), qn_buf_strv(&expected)));
        qn_buf_fini(&found);
        qn_swarm_fini(&pieces);
    }
    qn_buf_fini(&expected);
    qn_swarm_fini(&whole);
}

static void bins_hold_what_they_say(void **state)
{
    struct qn_swarm swarm;
    struct qn_err err = {0};
    (void)state;
    draw_parts();
    assert_ok(qn_swarm_init(&swarm, FEATURES, &err), &err);
    add(&swarm, 0, ROWS);
    for (uint32_t f = 0; f < FEATURES; f++) {
        double width = ldexp(1, swarm.exponents[f]), sum = 0, most = 0;
        for (int bin = -QN_SWARM_SIDE; bin < QN_SWARM_SIDE; bin++)
            for (uint32_t level = 0; level <= QN_SWARM_LEVELS; level++) {
                uint32_t rows = 0;
                for (uint32_t i = 0; i < ROWS; i++) {
                    double part = parts[i * (FEATURES + 1) + f];
                    rows += levels[f * ROWS + i] == level && part >= bin * width &&
                            part < (bin + 1) * width;
                }
                assert_int_equal(qn_swarm_at(&swarm, f, bin, level), rows);
            }
        for (uint32_t i = 0; i < ROWS; i++) {
            sum += fabs(parts[i * (FEATURES + 1) + f]);
            most = fmax(most, fabs(parts[i * (FEATURES + 1) + f]));
        }
        assert_true(fabs(qn_swarm_mean(&swarm, f) - sum / ROWS) <= 1e-15);
        if (most > 0) /* as narrow as can be */
            assert_true(most < width * QN_SWARM_SIDE && most >= width * QN_SWARM_SIDE / 2);
    }
    qn_swarm_fini(&swarm);
}

/* Bytes cut short, features or rows that do not fit: refused, whatever the length says. */
static void what_no_pack_wrote_is_refused(void **state)
{
    struct qn_swarm swarm, other;
    struct qn_buf bytes;
    struct qn_err err = {0};
    (void)state;
    draw_parts();
    assert_ok(qn_swarm_init(&swarm, FEATURES, &err), &err);
    add(&swarm, 0, 20);
    pack(&bytes, &swarm);
    for (size_t n = 0; n < bytes.len; n++) {
        struct qn_unpack in = qn_unpack_from((struct qn_strv){(const char *)bytes.data, n});
        assert_ok(qn_swarm_init(&other, FEATURES, &err), &err);
        qn_swarm_merge(&other, &in);
        assert_true(in.failed);
        qn_swarm_fini(&other);
    }
    bytes.data[4]++; /* one row more than the cells hold */
    struct qn_unpack in = qn_unpack_from(qn_buf_strv(&bytes));
    assert_ok(qn_swarm_init(&other, FEATURES, &err), &err);
    qn_swarm_merge(&other, &in);
    assert_true(in.failed);
    qn_swarm_fini(&other);
    qn_buf_fini(&bytes);
    qn_swarm_fini(&swarm);
}

static void levels_are_ranks(void **state)
{
    struct qn_err err = {0};
    uint8_t out[7];
    (void)state;
    const double flags[] = {1, 0, 0, (double)NAN, 1, 0, 0};
    assert_ok(qn_swarm_levels(flags, 7, out, &err), &err);
    assert_memory_equal(out, ((uint8_t[]){6, 0, 0, 7, 6, 0, 0}), 7);
    const double spread[] = {-1e9, 0, 1, 2, 3, 4, 1e300};
    assert_ok(qn_swarm_levels(spread, 7, out, &err), &err);
    assert_memory_equal(out, ((uint8_t[]){0, 1, 2, 3, 4, 5, 6}), 7);
    const double same[] = {5, 5, 5};
    assert_ok(qn_swarm_levels(same, 3, out, &err), &err);
    assert_memory_equal(out, ((uint8_t[]){3, 3, 3}), 3);
    assert_ok(qn_swarm_levels(flags + 3, 1, out, &err), &err);
    assert_int_equal(out[0], QN_SWARM_NO_LEVEL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grouping_does_not_matter),
        cmocka_unit_test(bins_hold_what_they_say),
        cmocka_unit_test(what_no_pack_wrote_is_refused),
        cmocka_unit_test(levels_are_ranks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
