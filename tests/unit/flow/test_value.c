#include "tests/support/test.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow/value.h"

static struct qn_strv sv(const char *text)
{
    return qn_strv_from(text);
}

static void decimals_are_exact(void **state)
{
    (void)state;
    int64_t v;
    assert_true(qn_parse_decimal(sv("12.34"), 10, 2, &v) && v == 1234);
    assert_true(qn_parse_decimal(sv("-0.5"), 10, 2, &v) && v == -50);
    assert_true(qn_parse_decimal(sv("7"), 10, 2, &v) && v == 700);
    assert_true(qn_parse_decimal(sv("1.2300"), 10, 2, &v) && v == 123);
    assert_true(qn_parse_decimal(sv(".5"), 10, 2, &v) && v == 50);
    assert_true(qn_parse_decimal(sv("999999999999999999"), 18, 0, &v));
    assert_false(qn_parse_decimal(sv("1.234"), 10, 2, &v));
    assert_false(qn_parse_decimal(sv("100"), 4, 2, &v));
    assert_false(qn_parse_decimal(sv("9999999999999999999"), 18, 0, &v));
    assert_false(qn_parse_decimal(sv(""), 10, 2, &v));
    assert_false(qn_parse_decimal(sv("."), 10, 2, &v));
    assert_false(qn_parse_decimal(sv("1e3"), 10, 2, &v));
    assert_true(qn_parse_any_decimal(sv("1e3"), 10, 2, &v) && v == 100000);
    assert_true(qn_parse_any_decimal(sv("-1E-18"), 18, 18, &v) && v == -1);
    assert_true(qn_parse_any_decimal(sv("0E-18"), 18, 2, &v) && v == 0);
    assert_true(qn_parse_any_decimal(sv("+1.50e+1"), 3, 1, &v) && v == 150);
    assert_true(qn_parse_any_decimal(sv(".5e1"), 3, 1, &v) && v == 50);
    assert_true(qn_parse_any_decimal(sv("0e999999999999"), 3, 1, &v) && v == 0);
    static const char *const bad[] = {"1e-3",
                                      "1e8",
                                      "e3",
                                      "1e",
                                      "1e+",
                                      "1e3.0",
                                      "1e3x",
                                      "--1e3",
                                      "1e99999999999",
                                      "12345678901234567890123e-20"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(qn_parse_any_decimal(sv(bad[i]), 10, 2, &v));
    char text[QN_VALUE_TEXT];
    assert_int_equal(qn_format_decimal(-50, 2, text), 5);
    assert_memory_equal(text, "-0.50", 5);
}

static void doubles_round_as_strtod_does(void **state)
{
    (void)state;
    static const char *const texts[] = {"0.1",
                                        "-3.5",
                                        "1e300",
                                        "123456789012345678901234567890",
                                        "0.30000000000000004",
                                        "4.9e-324",
                                        "9007199254740993",
                                        "-0",
                                        "00012.50",
                                        "5.",
                                        ".25",
                                        "1e-7"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        double v;
        assert_true(qn_parse_double(sv(texts[i]), &v));
        double expected = strtod(texts[i], NULL);
        assert_memory_equal(&v, &expected, sizeof v);
        char text[QN_VALUE_TEXT];
        size_t n = qn_format_double(v, text);
        double again;
        assert_true(qn_parse_double((struct qn_strv){text, n}, &again) && again == v);
    }
    static const char *const bad[] = {"", "nan", "inf", "1e999", "1x", "0x10", "1e", "--1", "."};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        double v;
        assert_false(qn_parse_double(sv(bad[i]), &v));
    }
}

/* Numbers of 16 to 19 digits, many of them next to where rounding turns. */
static void long_doubles_round_as_strtod_does(void **state)
{
    (void)state;
    uint64_t seed = 5;
    for (unsigned i = 0; i < 300000; i++) {
        char text[64];
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
        uint64_t digits = (seed >> 3) % UINT64_C(9999999999999999999);
        if (i % 3 == 0) /* halfway between two doubles as a whole number, or next to it */
            digits = (digits >> 11 << 11 | UINT64_C(1) << 10) + seed % 3 - 1;
        int len = snprintf(text, sizeof text, "%020llu", (unsigned long long)digits);
        int point = 1 + (int)(seed >> 40) % 19;
        memmove(text + point + 1, text + point, (size_t)(len - point) + 1);
        text[point] = '.';
        double got;
        assert_true(qn_parse_double(sv(text), &got));
        if (got != strtod(text, NULL))
            fail_msg("%s: %.17g, expected %.17g", text, got, strtod(text, NULL));
    }
}

static void dates_go_there_and_back(void **state)
{
    (void)state;
    int64_t days;
    assert_true(qn_parse_date(sv("1970-01-01"), &days) && days == 0);
    assert_true(qn_parse_date(sv("2000-02-29"), &days) && days == 11016);
    assert_false(qn_parse_date(sv("1900-02-29"), &days));
    assert_false(qn_parse_date(sv("2026-13-01"), &days));
    assert_false(qn_parse_date(sv("2026-1-01"), &days));
    for (int64_t day = -800000; day < 800000; day += 37) {
        int64_t year;
        unsigned month, d;
        qn_civil_from_days(day, &year, &month, &d);
        assert_int_equal(qn_days_from_civil(year, month, d), day);
    }
}

static void timestamps_keep_microseconds(void **state)
{
    (void)state;
    int64_t us;
    assert_true(qn_parse_timestamp(sv("1970-01-01 00:00:01.5"), &us) && us == 1500000);
    assert_true(qn_parse_timestamp(sv("2010-12-01T08:26:00Z"), &us));
    char text[QN_VALUE_TEXT];
    size_t n = qn_format_timestamp(us, text);
    assert_int_equal(n, 19);
    assert_memory_equal(text, "2010-12-01 08:26:00", 19);
    n = qn_format_timestamp(-1, text);
    assert_memory_equal(text, "1969-12-31 23:59:59.999999", n);
    assert_false(qn_parse_timestamp(sv("2010-12-01 24:00:00"), &us));
    assert_false(qn_parse_timestamp(sv("2010-12-01 08:26:00.1234567"), &us));
    assert_false(qn_parse_timestamp(sv("2010-12-01 08:26:"), &us));
}

/* Every part of a date and a time, against printf. */
static void dates_and_times_are_written_in_full(void **state)
{
    (void)state;
    for (int64_t day = -4500000; day < 4500000; day += 7919) {
        char text[QN_VALUE_TEXT], want[64];
        int64_t year, us = (day + 4500000) % 86400 * 1000000 + (day & 1) * 120034;
        unsigned month, d, s = (unsigned)(us / 1000000), fraction = (unsigned)(us % 1000000);
        qn_civil_from_days(day, &year, &month, &d);
        int n = snprintf(want, sizeof want, "%04lld-%02u-%02u", (long long)year, month, d);
        assert_int_equal(qn_format_date(day, text), n);
        assert_memory_equal(text, want, (size_t)n);
        n += snprintf(want + n, sizeof want - (size_t)n, " %02u:%02u:%02u", s / 3600, s / 60 % 60,
                      s % 60);
        if (fraction)
            n += snprintf(want + n, sizeof want - (size_t)n, ".%06u", fraction);
        assert_int_equal(qn_format_timestamp(day * INT64_C(86400000000) + us, text), n);
        assert_memory_equal(text, want, (size_t)n);
    }
}

/* The quick ways give what printf gives. */
static void expect_printed(double value)
{
    char text[QN_VALUE_TEXT], want[QN_VALUE_TEXT];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(want, sizeof want, "%.*g", digits, value);
        if (strtod(want, NULL) == value)
            break;
    }
    size_t n = qn_format_double(value, text);
    text[n] = '\0';
    assert_string_equal(text, want);
}

static void short_doubles_are_written_as_printf_does(void **state)
{
    (void)state;
    for (int64_t i = -300000; i < 300000; i += 7) {
        double values[] = {(double)i / 100,    (double)i / 3,    (double)i * 1e9 + 0.5,
                           (double)i * 1.1e-6, (double)i * 1e10, (double)i / 1000};
        for (size_t k = 0; k < sizeof values / sizeof *values; k++)
            expect_printed(values[k]);
    }
}

/* Of every size, next to powers of ten and two, and halfway between shorter ones. */
static void doubles_are_written_as_printf_does(void **state)
{
    (void)state;
    uint64_t seed = 7;
    for (int power = -323; power <= 308; power++) {
        double ten = pow(10, power), two = ldexp(1, power * 3);
        double values[] = {ten, nextafter(ten, 0), nextafter(ten, (double)INFINITY),
                           two, nextafter(two, 0), nextafter(two, (double)INFINITY)};
        for (size_t k = 0; k < sizeof values / sizeof *values; k++)
            if (isfinite(values[k]))
                expect_printed(values[k]);
    }
    for (unsigned i = 0; i < 100000; i++) {
        double value;
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
        memcpy(&value, &seed, sizeof value);
        if (isfinite(value))
            expect_printed(value);
        expect_printed((double)(seed >> 11) / 0x1p53);
        expect_printed((double)(float)((double)(seed >> 40) / 0x1p24));
        expect_printed((double)(seed >> i % 60));
        expect_printed((double)(UINT64_C(90071992547409925) + i * 10)); /* five at the end */
    }
    expect_printed(DBL_MAX);
    expect_printed(-DBL_MAX);
    expect_printed((double)INFINITY);
    expect_printed(-(double)INFINITY);
    expect_printed((double)NAN);
}

/* All lengths, and where they change. */
static void integers_and_decimals_are_written_in_full(void **state)
{
    (void)state;
    char text[QN_VALUE_TEXT], want[QN_VALUE_TEXT + 4];
    for (uint8_t power = 0; power <= 18; power++)
        for (int64_t step = -2; step <= 2; step++)
            for (int sign = -1; sign <= 1; sign += 2) {
                int64_t value = sign * (qn_pow10(power) + step);
                text[qn_format_i64(value, text)] = '\0';
                snprintf(want, sizeof want, "%" PRId64, value);
                assert_string_equal(text, want);
                int64_t whole = llabs(value) / qn_pow10(power),
                        rest = llabs(value) % qn_pow10(power);
                text[qn_format_decimal(value, power, text)] = '\0';
                int n = snprintf(want, sizeof want, "%s%" PRId64, value < 0 ? "-" : "", whole);
                if (power)
                    snprintf(want + n, sizeof want - (size_t)n, ".%0*" PRId64, power, rest);
                assert_string_equal(text, want);
            }
    text[qn_format_i64(INT64_MIN, text)] = '\0';
    assert_string_equal(text, "-9223372036854775808");
}

static void type_names_parse(void **state)
{
    (void)state;
    struct qn_type type;
    char name[QN_TYPE_NAME];
    assert_true(qn_type_parse(sv("decimal(10,2)"), &type));
    assert_string_equal(qn_type_name(type, name), "decimal(10,2)");
    assert_true(qn_type_parse(sv("NUMERIC( 8 , 3 )"), &type) && type.scale == 3);
    assert_true(qn_type_parse(sv("bigint"), &type) && type.id == QN_INT64);
    assert_false(qn_type_parse(sv("decimal(19,2)"), &type));
    assert_false(qn_type_parse(sv("decimal(2,3)"), &type));
    assert_false(qn_type_parse(sv("decimalx"), &type));
    assert_false(qn_type_parse(sv("dec"), &type));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decimals_are_exact),
        cmocka_unit_test(doubles_round_as_strtod_does),
        cmocka_unit_test(long_doubles_round_as_strtod_does),
        cmocka_unit_test(dates_go_there_and_back),
        cmocka_unit_test(timestamps_keep_microseconds),
        cmocka_unit_test(dates_and_times_are_written_in_full),
        cmocka_unit_test(short_doubles_are_written_as_printf_does),
        cmocka_unit_test(doubles_are_written_as_printf_does),
        cmocka_unit_test(integers_and_decimals_are_written_in_full),
        cmocka_unit_test(type_names_parse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
