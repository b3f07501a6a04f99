/* What people read when a spec is wrong: places, carets, order, one message a mistake. */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/diag.h"
#include "base/limits.h"

static void assert_renders(struct qn_diags *diags, const char *expected)
{
    struct qn_buf out;
    qn_buf_init(&out);
    qn_diags_render(diags, &out, false);
    qn_buf_put_u8(&out, 0);
    assert_false(out.failed);
    assert_string_equal((const char *)out.data, expected);
    qn_buf_fini(&out);
    qn_diags_fini(diags);
}

static struct qn_diags of_text(const char *text)
{
    struct qn_diags diags;
    qn_diags_init(&diags, "spec.yaml", qn_strv_from(text));
    return diags;
}

static struct qn_span at(uint32_t line, uint32_t column, uint32_t width)
{
    return (struct qn_span){line, column, width};
}

static void shows_line_caret_expected_and_hint(void **state)
{
    (void)state;
    struct qn_diags diags = of_text("jobs:\n  fliter: tenure >= 0\n");
    qn_diags_add(&diags, at(2, 3, 6), "one of: filter, derive", "did you mean 'filter'?",
                 "unknown key '%s'", "fliter");
    assert_int_equal(diags.n_errors, 1);
    assert_renders(&diags, "spec.yaml:2:3: unknown key 'fliter'\n"
                           "    2 |   fliter: tenure >= 0\n"
                           "      |   ^^^^^^\n"
                           "  expected one of: filter, derive\n"
                           "  did you mean 'filter'?\n");
}

static void sorts_by_place_and_keeps_order_within(void **state)
{
    (void)state;
    struct qn_diags diags = of_text("a\nb\n");
    qn_diags_add(&diags, at(2, 1, 1), NULL, NULL, "third");
    qn_diags_add(&diags, at(1, 1, 1), NULL, NULL, "second");
    qn_diags_add(&diags, at(0, 0, 0), NULL, NULL, "first");
    qn_diags_warn(&diags, at(2, 1, 2), "fourth");
    assert_int_equal(diags.n_errors, 3);
    assert_renders(&diags, "spec.yaml: first\n"
                           "spec.yaml:1:1: second\n    1 | a\n      | ^\n"
                           "spec.yaml:2:1: third\n    2 | b\n      | ^\n"
                           "spec.yaml:2:1: warning: fourth\n    2 | b\n      | ^\n");
}

static void keeps_one_message_a_place(void **state)
{
    (void)state;
    struct qn_diags diags = of_text("abc\n");
    qn_diags_warn(&diags, at(1, 1, 3), "a warning gives way to an error");
    qn_diags_add(&diags, at(1, 1, 3), NULL, NULL, "kept");
    qn_diags_add(&diags, at(1, 1, 3), NULL, NULL, "a consequence");
    qn_diags_add(&diags, at(0, 0, 0), NULL, NULL, "no place");
    qn_diags_add(&diags, at(0, 0, 0), NULL, NULL, "no place");
    qn_diags_add(&diags, at(0, 0, 0), NULL, NULL, "no place either");
    assert_int_equal(diags.n_errors, 3);
    assert_renders(&diags, "spec.yaml: no place\nspec.yaml: no place either\n"
                           "spec.yaml:1:1: kept\n    1 | abc\n      | ^^^\n");
}

static void counts_what_is_past_the_cap(void **state)
{
    (void)state;
    struct qn_diags diags = of_text("");
    for (uint32_t i = 0; i < QN_MAX_DIAGNOSTICS + 7; i++)
        qn_diags_add(&diags, at(i + 1, 1, 1), NULL, NULL, "mistake");
    assert_int_equal(diags.n, QN_MAX_DIAGNOSTICS);
    assert_int_equal(diags.n_errors, QN_MAX_DIAGNOSTICS + 7);
    struct qn_buf out;
    qn_buf_init(&out);
    qn_diags_render(&diags, &out, false);
    qn_buf_put_u8(&out, 0);
    assert_non_null(strstr((const char *)out.data, "spec.yaml:200:1: mistake\nand 7 more\n"));
    qn_buf_fini(&out);
    qn_diags_fini(&diags);
}

static void counts_columns_in_characters_and_carets_in_cells(void **state)
{
    (void)state;
    struct qn_diags diags =
        of_text("\xEF\xBB\xBFn\xC3\xA4me: \xE9\xA1\xA7\xE5\xAE\xA2 x\n\tk: v\r\nz");
    qn_diags_add(&diags, at(1, 1, 4), NULL, NULL, "umlaut");
    qn_diags_add(&diags, at(1, 7, 2), NULL, NULL, "wide");
    qn_diags_add(&diags, at(1, 10, 1), NULL, NULL, "after wide");
    qn_diags_add(&diags, at(2, 2, 1), NULL, NULL, "after a tab");
    qn_diags_add(&diags, at(3, 9, 9), NULL, NULL, "past the end");
    assert_renders(&diags,
                   "spec.yaml:1:1: umlaut\n    1 | n\xC3\xA4me: \xE9\xA1\xA7\xE5\xAE\xA2 x\n"
                   "      | ^^^^\n"
                   "spec.yaml:1:7: wide\n    1 | n\xC3\xA4me: \xE9\xA1\xA7\xE5\xAE\xA2 x\n"
                   "      |       ^^^^\n"
                   "spec.yaml:1:10: after wide\n    1 | n\xC3\xA4me: \xE9\xA1\xA7\xE5\xAE\xA2 x\n"
                   "      |            ^\n"
                   "spec.yaml:2:2: after a tab\n    2 | \tk: v\n      | \t^\n"
                   "spec.yaml:3:9: past the end\n    3 | z\n      |  ^\n");
}

static void shortens_long_lines_around_the_caret(void **state)
{
    (void)state;
    char text[1001], expected[400];
    for (int i = 0; i < 1000; i++)
        text[i] = (char)('a' + i % 26);
    text[1000] = '\0';
    struct qn_diags diags = of_text(text);
    qn_diags_add(&diags, at(1, 501, 2), NULL, NULL, "middle");
    snprintf(expected, sizeof expected,
             "spec.yaml:1:501: middle\n    1 | ...%.96s...\n      |    %40s^^\n", text + 460, "");
    assert_renders(&diags, expected);

    diags = of_text(text);
    qn_diags_add(&diags, at(1, 1000, 50), NULL, NULL, "end");
    snprintf(expected, sizeof expected, "spec.yaml:1:1000: end\n    1 | ...%s\n      |    %40s^\n",
             text + 959, "");
    assert_renders(&diags, expected);
}

static void lets_no_control_character_out(void **state)
{
    (void)state;
    struct qn_diags diags = of_text("a\x1b[31m\x07\xff z\n");
    static const char turn[] = {(char)0xE2, (char)0x80, (char)0xAE, 0}; /* right to left */
    qn_diags_add(&diags, at(1, 2, 1), "x\ny", "\xff", "key '\x1b[31m\t%s'", turn);
    assert_renders(&diags, "spec.yaml:1:2: key '\\x1b[31m\\t\\u202e'\n"
                           "    1 | a?[31m?? z\n"
                           "      |  ^\n"
                           "  expected x\\ny\n"
                           "  \\xff\n");
}

static void colors_only_when_asked(void **state)
{
    (void)state;
    struct qn_diags diags = of_text("a\n");
    qn_diags_add(&diags, at(1, 1, 1), NULL, "hint", "message");
    struct qn_buf out;
    qn_buf_init(&out);
    qn_diags_render(&diags, &out, true);
    assert_non_null(memchr(out.data, 0x1b, out.len));
    qn_buf_fini(&out);
    qn_diags_fini(&diags);
}

static void writes_json_that_a_parser_takes(void **state)
{
    (void)state;
    struct qn_diags diags = of_text("a\nb\n");
    qn_diags_add(&diags, at(2, 1, 1), "one of: a", NULL, "quote \" back \\ nl \n bad \xff");
    qn_diags_warn(&diags, at(1, 1, 1), "careful");
    struct qn_buf out;
    qn_buf_init(&out);
    qn_diags_render_json(&diags, &out);
    json_t *array = json_loadb((const char *)out.data, out.len, 0, NULL);
    assert_non_null(array);
    assert_int_equal(json_array_size(array), 2);
    json_t *first = json_array_get(array, 0), *second = json_array_get(array, 1);
    assert_string_equal(json_string_value(json_object_get(first, "severity")), "warning");
    assert_true(json_is_null(json_object_get(first, "expected")));
    assert_string_equal(json_string_value(json_object_get(second, "file")), "spec.yaml");
    assert_int_equal(json_integer_value(json_object_get(second, "line")), 2);
    assert_string_equal(json_string_value(json_object_get(second, "message")),
                        "quote \" back \\ nl \n bad \xEF\xBF\xBD");
    assert_string_equal(json_string_value(json_object_get(second, "expected")), "one of: a");
    json_decref(array);
    qn_buf_fini(&out);
    qn_diags_fini(&diags);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shows_line_caret_expected_and_hint),
        cmocka_unit_test(sorts_by_place_and_keeps_order_within),
        cmocka_unit_test(keeps_one_message_a_place),
        cmocka_unit_test(counts_what_is_past_the_cap),
        cmocka_unit_test(counts_columns_in_characters_and_carets_in_cells),
        cmocka_unit_test(shortens_long_lines_around_the_caret),
        cmocka_unit_test(lets_no_control_character_out),
        cmocka_unit_test(colors_only_when_asked),
        cmocka_unit_test(writes_json_that_a_parser_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
