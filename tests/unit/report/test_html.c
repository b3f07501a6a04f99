/* What goes into a page comes out as text, whatever it is. */
#include <math.h>

#include "report/html.h"
#include "tests/support/test.h"

static void expect_text(const char *text, const char *expected)
{
    struct qn_buf out;
    qn_buf_init(&out);
    qn_html_put(&out, "%s", text);
    qn_buf_put_u8(&out, 0);
    assert_false(out.failed);
    assert_string_equal((const char *)out.data, expected);
    qn_buf_fini(&out);
}

static void texts_are_escaped(void **state)
{
    (void)state;
    expect_text("<script>alert('x' & \"y\")</script>",
                "&lt;script&gt;alert(&#39;x&#39; &amp; &#34;y&#34;)&lt;/script&gt;");
    expect_text("", "");
    expect_text("100 %s %n", "100 %s %n"); /* no format */
    expect_text("Größe 数 \xF0\x9F\x8E\x89", "Größe 数 \xF0\x9F\x8E\x89");
}

static void what_no_page_may_hold_is_replaced(void **state)
{
    (void)state;
    expect_text("a\tb\nc", "a\tb\nc");
    expect_text("\x01\x1b[31m", "\xEF\xBF\xBD\xEF\xBF\xBD[31m");
    expect_text("\xFF\xC0\xAF|", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD|");
    expect_text("\xEF\xBF\xBE", "\xEF\xBF\xBD"); /* U+FFFE */
    expect_text("\xC2\x85", "\xEF\xBF\xBD");     /* a control of the second kind */
}

static void values_are_put_between_markup(void **state)
{
    (void)state;
    struct qn_buf out;
    qn_buf_init(&out);
    qn_html_put(&out, "<b id=\"%s\">%u %llu %.1f %.10g %.3g 5%%</b>", "\"><i>", 7U,
                18446744073709551615ULL, 2.25, 1.0 / 3, 1e-9);
    qn_buf_put_u8(&out, 0);
    assert_string_equal(
        (const char *)out.data,
        "<b id=\"&#34;&gt;&lt;i&gt;\">7 18446744073709551615 2.2 0.3333333333 1e-09 5%</b>");
    qn_buf_fini(&out);
}

static void numbers_are_for_people(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0, "0"},
                 {-0.0, "0"},
                 {7, "7"},
                 {999, "999"},
                 {1000, "1,000"},
                 {1234567, "1,234,567"},
                 {-1234, "-1,234"},
                 {-123, "-123"},
                 {0.84567, "0.8457"},
                 {123.456, "123.5"},
                 {54321.9, "54,322"},
                 {3.14e-12, "3.14e-12"},
                 {1e300, "1e+300"},
                 {(double)INFINITY, "inf"},
                 {(double)NAN, "\u2013"}};
    char out[QN_HTML_NUMBER];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(qn_html_number(cases[i].value, out), cases[i].text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_escaped),
        cmocka_unit_test(what_no_page_may_hold_is_replaced),
        cmocka_unit_test(values_are_put_between_markup),
        cmocka_unit_test(numbers_are_for_people),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
