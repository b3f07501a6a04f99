/* Marks of axes lie at round numbers, and what is drawn lies within its frame. */
#include <math.h>

#include "report/svg_plot.h"
#include "report/ticks.h"
#include "tests/support/test.h"

static void expect_ticks(double low, double high, uint32_t most, double first, double step,
                         uint32_t n, int decimals)
{
    struct qn_ticks ticks = qn_ticks_choose(low, high, most);
    assert_true(fabs(ticks.first - first) < 1e-12 * (1 + fabs(first)));
    assert_true(fabs(ticks.step - step) < 1e-12 * step);
    assert_int_equal(ticks.n, n);
    assert_int_equal(ticks.decimals, decimals);
}

static void ticks_are_round(void **state)
{
    (void)state;
    expect_ticks(0, 1, 6, 0, 0.2, 6, 1);
    expect_ticks(0, 10, 6, 0, 2, 6, 0);
    expect_ticks(0.5, 10.5, 6, 2, 2, 5, 0);
    expect_ticks(-3, 17, 6, 0, 5, 4, 0);
    expect_ticks(0, 0.034, 6, 0, 0.01, 4, 2);
    expect_ticks(18, 1e6, 6, 200000, 200000, 5, 0);
    expect_ticks(5, 5, 6, 5, 1, 1, 0); /* nothing between the ends */
    assert_int_equal(qn_ticks_choose((double)NAN, 1, 6).n, 1);
    assert_int_equal(qn_ticks_choose(-(double)INFINITY, 1, 6).n, 1);
}

static void ticks_lie_between_the_ends(void **state)
{
    (void)state;
    for (int i = -60; i < 60; i++)
        for (uint32_t most = 2; most < 9; most++) {
            double low = -0.37 * pow(3, i), high = 1.91 * pow(3, i + 1);
            struct qn_ticks ticks = qn_ticks_choose(low, high, most);
            assert_in_range(ticks.n, 1, most);
            double slack = 1e-8 * ticks.step;
            assert_true(qn_ticks_at(&ticks, 0) >= low - slack);
            assert_true(qn_ticks_at(&ticks, ticks.n - 1) <= high + slack);
            assert_true(ticks.n == most || qn_ticks_at(&ticks, ticks.n) > high - slack);
        }
}

static void axes_end_at_round_numbers(void **state)
{
    (void)state;
    assert_true(qn_ticks_ceiling(3.4) == 4);
    assert_true(qn_ticks_ceiling(4) == 4);
    assert_true(fabs(qn_ticks_ceiling(0.113) - 0.15) < 1e-12);
    assert_true(qn_ticks_ceiling(0) == 1);
    assert_true(qn_ticks_ceiling((double)NAN) == 1);
    double value = 1e-9;
    for (int i = 0; i < 132; i++) {
        assert_true(qn_ticks_ceiling(value) >= value * (1 - 1e-8) &&
                    qn_ticks_ceiling(value) <= 1.51 * value);
        value *= 1.37;
    }
}

static void what_is_drawn_stays_in_its_frame(void **state)
{
    (void)state;
    const struct qn_plot_point points[] = {
        {0, 0, NULL}, {-5, 0.5, NULL}, {1, 7, "<top>"}, {(double)NAN, (double)NAN, NULL}};
    struct qn_buf out;
    struct qn_plot plot;
    qn_buf_init(&out);
    qn_plot_begin(&plot, &out, "a \"plot\"",
                  (struct qn_plot_axis){"x", 0, 1, QN_PLOT_PERCENT, NULL, NULL},
                  (struct qn_plot_axis){"y", 0, 1, QN_PLOT_NUMBER, NULL, NULL});
    qn_plot_line(&plot, "a", points, 4);
    qn_plot_dots(&plot, "a", &points[2], 1);
    qn_plot_end(&plot);
    qn_buf_put_u8(&out, 0);
    const char *text = (const char *)out.data;
    assert_non_null(strstr(text, "aria-label=\"a &#34;plot&#34;\""));
    assert_non_null(strstr(text, "d=\"M52.0 206.0L52.0 108.0L346.0 10.0L52.0 206.0\""));
    assert_non_null(strstr(text, "<title>&lt;top&gt;</title></circle>"));
    assert_non_null(strstr(text, ">20%</text>"));
    assert_non_null(strstr(text, ">0.2</text>"));
    assert_null(strstr(text, "nan"));
    qn_buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ticks_are_round),
        cmocka_unit_test(ticks_lie_between_the_ends),
        cmocka_unit_test(axes_end_at_round_numbers),
        cmocka_unit_test(what_is_drawn_stays_in_its_frame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
