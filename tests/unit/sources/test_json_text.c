/* Pieces of JSON: strings, numbers, whole values, and what they mean. */
#include "sources/json_text.h"

#include <stdio.h>

#include "sources/json_number.h"
#include "tests/support/test.h"

enum { SLACK = 64 };

/* The text behind which a line end and readable bytes stand, as in a window. */
static const char *in_window(const char *text)
{
    static char window[4096];
    memset(window, 0, sizeof window);
    snprintf(window, sizeof window - SLACK, "%s\n", text);
    return window;
}

static void check_string(const char *text, const char *plain, enum qn_json_fault fault, size_t at)
{
    struct qn_json_spot spot = {0};
    bool escaped;
    const char *bytes = in_window(text);
    size_t len = strlen(text), end = qn_json_string(bytes, 0, len, &escaped, &spot);
    if (!plain) {
        assert_int_equal(end, 0);
        assert_int_equal(spot.fault, fault);
        assert_int_equal(spot.at, at);
        return;
    }
    assert_int_equal(end, len);
    assert_int_equal(escaped, strchr(text, '\\') != NULL);
    char out[256];
    size_t n = qn_json_unescape((struct qn_strv){bytes + 1, len - 2}, out);
    assert_int_equal(n, strlen(plain));
    assert_memory_equal(out, plain, n);
}

static void test_strings(void **state)
{
    (void)state;
    check_string("\"\"", "", QN_JSON_GOOD, 0);
    check_string("\"a text that is longer than sixteen bytes\"",
                 "a text that is longer than sixteen bytes", QN_JSON_GOOD, 0);
    check_string("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t", QN_JSON_GOOD, 0);
    check_string("\"x\\u0041\\u00e9\\u20AC\\uD834\\uDD1Ey\"",
                 "xA\xC3\xA9\xE2\x82\xAC\xF0\x9D\x84\x9Ey", QN_JSON_GOOD, 0);
    check_string("\"open", NULL, QN_JSON_OPEN, 5);
    check_string("\"a\tb\"", NULL, QN_JSON_CONTROL, 2);
    check_string("\"\\x\"", NULL, QN_JSON_ESCAPE, 2);
    check_string("\"\\u12g4\"", NULL, QN_JSON_ESCAPE, 5);
    check_string("\"\\u12", NULL, QN_JSON_ESCAPE, 5);
    check_string("\"\\", NULL, QN_JSON_ESCAPE, 2);
    check_string("\"\\ud800\"", NULL, QN_JSON_SURROGATE, 1);
    check_string("\"\\ud800\\u0041\"", NULL, QN_JSON_SURROGATE, 1);
    check_string("\"\\udc00\"", NULL, QN_JSON_SURROGATE, 1);
    check_string("\"\\ud800\\", NULL, QN_JSON_OPEN, 8);
}

static void test_nul_escape(void **state)
{
    (void)state;
    char out[16];
    assert_int_equal(qn_json_unescape(QN_STRV_LIT("a\\u0000b"), out), 3);
    assert_memory_equal(out, "a\0b", 3);
}

/* "text" -> where the value ends, or the fault and its place when it is none. */
static void check_skip(const char *text, size_t end, enum qn_json_fault fault, size_t at)
{
    struct qn_json_spot spot = {0};
    size_t found = qn_json_skip(in_window(text), 0, strlen(text), 0, &spot);
    if (found != end || (!end && (spot.fault != fault || spot.at != at)))
        fail_msg("%s: ends at %zu, fault %d at %zu", text, found, (int)spot.fault, spot.at);
}

static void test_values(void **state)
{
    (void)state;
    check_skip("{}", 2, 0, 0);
    check_skip(" [ ] x", 4, 0, 0);
    check_skip("[1, {\"a\" : [true, null]}, \"]\"] ", 30, 0, 0);
    check_skip("-0.5e+3,", 7, 0, 0);
    check_skip("", 0, QN_JSON_VALUE, 0);
    check_skip("[", 0, QN_JSON_VALUE, 1);
    check_skip("[1", 0, QN_JSON_NEXT, 2);
    check_skip("[1,]", 0, QN_JSON_COMMA, 3);
    check_skip("[1}", 0, QN_JSON_NEXT, 2);
    check_skip("{\"a\" 1}", 0, QN_JSON_COLON, 5);
    check_skip("{a:1}", 0, QN_JSON_KEY, 1);
    check_skip("{\"a\":1,}", 0, QN_JSON_COMMA, 7);
    check_skip("[tru]", 0, QN_JSON_WORD, 4);
    check_skip("[01]", 0, QN_JSON_NUMBER, 2);
    check_skip("[-]", 0, QN_JSON_NUMBER, 2);
    check_skip("[1.]", 0, QN_JSON_NUMBER, 3);
    check_skip("[1e]", 0, QN_JSON_NUMBER, 3);
    check_skip("[+1]", 0, QN_JSON_VALUE, 1);
    check_skip("[.5]", 0, QN_JSON_VALUE, 1);
}

static void test_depth(void **state)
{
    (void)state;
    static char deep[200100];
    struct qn_json_spot spot = {0};
    memset(deep, '[', 100000);
    assert_int_equal(qn_json_skip(deep, 0, 100000, 0, &spot), 0);
    assert_int_equal(spot.fault, QN_JSON_DEEP);
    assert_int_equal(spot.at, QN_JSON_MAX_DEPTH);
    memset(deep, '[', QN_JSON_MAX_DEPTH);
    memset(deep + QN_JSON_MAX_DEPTH, ']', QN_JSON_MAX_DEPTH);
    deep[2 * QN_JSON_MAX_DEPTH] = '\n';
    assert_int_equal(qn_json_skip(deep, 0, 2 * QN_JSON_MAX_DEPTH, 0, &spot), 2 * QN_JSON_MAX_DEPTH);
}

static void check_number(const char *text, struct qn_type type, bool good, int64_t expected)
{
    int64_t value = 0;
    bool found = qn_json_number(type, qn_strv_from(text), &value);
    if (found != good || (good && value != expected))
        fail_msg("%s: %d, %lld", text, found, (long long)value);
}

static void test_numbers(void **state)
{
    (void)state;
    const struct qn_type integer = {.id = QN_INT64};
    const struct qn_type money = {.id = QN_DECIMAL, .precision = 10, .scale = 2};
    check_number("0", integer, true, 0);
    check_number("-0.0", integer, true, 0);
    check_number("1e3", integer, true, 1000);
    check_number("1.50E+3", integer, true, 1500);
    check_number("1200e-2", integer, true, 12);
    check_number("1.5", integer, false, 0);
    check_number("9223372036854775807", integer, true, INT64_MAX);
    check_number("-9223372036854775808", integer, true, INT64_MIN);
    check_number("9223372036854775808", integer, false, 0);
    check_number("1e19", integer, false, 0);
    check_number("1e999999999999", integer, false, 0);
    check_number("0e999999999999", integer, true, 0);
    check_number("1000000000000000000000e-3", integer, true, 1000000000000000000);
    check_number("12.5", money, true, 1250);
    check_number("12.500000000000000000000000", money, true, 1250);
    check_number("12.345", money, false, 0);
    check_number("1234.5e-1", money, true, 12345);
    check_number("1e8", money, false, 0);
    check_number("99999999.99", money, true, 9999999999);
    double value = 0;
    int64_t bits = 0;
    assert_true(qn_json_number((struct qn_type){.id = QN_DOUBLE}, QN_STRV_LIT("1e-3"), &bits));
    memcpy(&value, &bits, sizeof value);
    assert_true(value == 0.001);
    assert_false(qn_json_number((struct qn_type){.id = QN_DOUBLE}, QN_STRV_LIT("1e400"), &bits));
    assert_false(qn_json_number((struct qn_type){.id = QN_BOOL}, QN_STRV_LIT("1"), &bits));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_strings),
                                       cmocka_unit_test(test_nul_escape),
                                       cmocka_unit_test(test_values), cmocka_unit_test(test_depth),
                                       cmocka_unit_test(test_numbers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
