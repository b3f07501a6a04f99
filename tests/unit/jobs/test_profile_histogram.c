/* Bins are of equal width, hold every value once, and do not mind how far apart the ends are. */
#include <math.h>

#include "jobs/etl/profile_histogram.h"
#include "tests/support/test.h"

static struct qn_cell whole(int64_t value)
{
    return (struct qn_cell){.valid = true, .i64 = value};
}

static struct qn_cell real(double value)
{
    return (struct qn_cell){.valid = true, .f64 = value};
}

enum { MOST = 3 };

/* Of cells that stand in order. */
static const char *histogram(struct qn_arena *arena, struct qn_type type,
                             const struct qn_cell *cells, uint32_t n, struct qn_cell min,
                             struct qn_cell max)
{
    uint64_t ranks[MOST];
    for (uint32_t i = 0; i < n; i++)
        ranks[i] = qn_cell_rank(type, cells[i]);
    return qn_profile_histogram(arena, type, ranks, n, min, max);
}

static void expect(struct qn_type type, const struct qn_cell *cells, uint32_t n, struct qn_cell min,
                   struct qn_cell max, const char *expected)
{
    struct qn_arena arena;
    qn_arena_init(&arena);
    const char *text = histogram(&arena, type, cells, n, min, max);
    if (expected)
        assert_string_equal(text, expected);
    else
        assert_null(text);
    qn_arena_fini(&arena);
}

static void few_whole_numbers_have_a_bin_each(void **state)
{
    (void)state;
    const struct qn_cell cells[] = {whole(1), whole(3), whole(3)};
    const struct qn_type date = {.id = QN_DATE}, integer = {.id = QN_INT64};
    expect(integer, cells, 3, whole(1), whole(3), "[[1,2,1],[2,3,0],[3,4,2]]");
    expect(date, cells, 2, whole(1), whole(3),
           "[[\"1970-01-02\",\"1970-01-03\",1],[\"1970-01-03\",\"1970-01-04\",0],"
           "[\"1970-01-04\",\"1970-01-05\",1]]");
    const struct qn_cell last = whole(INT64_MAX);
    expect(integer, &last, 1, last, last, "[[9223372036854775807,9223372036854775807,1]]");
}

static void many_have_twenty_of_equal_width(void **state)
{
    (void)state;
    struct qn_arena arena;
    const struct qn_type integer = {.id = QN_INT64}, number = {.id = QN_DOUBLE};
    const struct qn_cell ends[] = {whole(INT64_MIN), whole(0), whole(INT64_MAX)};
    const struct qn_cell reals[] = {real(-1e308), real(0), real(1e308)};
    qn_arena_init(&arena);
    const char *text = histogram(&arena, integer, ends, 3, ends[0], ends[2]);
    assert_memory_equal(text, "[[-9223372036854775808,", 23);
    assert_non_null(strstr(text, ",9223372036854775807,1]]"));
    text = histogram(&arena, number, reals, 3, reals[0], reals[2]);
    assert_non_null(strstr(text, ",1e+308,1]]"));
    assert_null(strstr(text, "inf"));
    int bins = 0;
    for (const char *at = text; (at = strchr(at, ']')); at++)
        bins++;
    assert_int_equal(bins, QN_HISTOGRAM_BINS + 1);
    qn_arena_fini(&arena);
}

static void other_types_have_none(void **state)
{
    (void)state;
    const struct qn_cell cell = {.valid = true}, endless = real((double)INFINITY);
    expect((struct qn_type){.id = QN_TEXT}, &cell, 1, cell, cell, NULL);
    expect((struct qn_type){.id = QN_BOOL}, &cell, 1, cell, cell, NULL);
    expect((struct qn_type){.id = QN_DOUBLE}, &cell, 1, cell, endless, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_whole_numbers_have_a_bin_each),
        cmocka_unit_test(many_have_twenty_of_equal_width),
        cmocka_unit_test(other_types_have_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
