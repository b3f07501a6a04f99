/* Keys that are looked for: the first row that has another one than it should, whether texts are of
 * one width, which is seen without their offsets, or not. */
#include "jobs/etl/colstore.h"
#include "jobs/etl/keys.h"
#include "tests/support/test.h"

enum { ROWS = 6 };

static void store(struct qn_colstore *out, const char *const texts[ROWS])
{
    struct qn_err err;
    qn_colstore_init(out, (struct qn_type){.id = QN_TEXT});
    for (uint32_t i = 0; i < ROWS; i++) {
        struct qn_cell cell = {.valid = true, .text = qn_strv_from(texts[i])};
        assert_ok(qn_colstore_add_cell(out, cell, &err), &err);
    }
}

static void check_mismatch(const char *const kept[ROWS], const char *const asked[ROWS],
                           uint32_t width, uint32_t expected)
{
    static const uint32_t stored_at[ROWS] = {5, 4, 3, 2, 1, 0};
    struct qn_colstore stored, rows;
    store(&stored, kept);
    store(&rows, asked);
    struct qn_column stored_view = qn_colstore_view(&stored), view = qn_colstore_view(&rows);
    assert_int_equal(stored.width, width);
    assert_int_equal(qn_keys_mismatch(&stored_view, stored.width, stored_at, &view, ROWS),
                     expected);
    assert_int_equal(qn_keys_mismatch(&stored_view, stored.width, stored_at, &view, 0), 0);
    qn_colstore_fini(&stored);
    qn_colstore_fini(&rows);
}

static void test_texts_of_one_width(void **state)
{
    static const char *const kept[] = {"C0000001", "C0000002", "C0000003",
                                       "C0000004", "C0000005", "C0000006"};
    static const char *const same[] = {"C0000006", "C0000005", "C0000004",
                                       "C0000003", "C0000002", "C0000001"};
    static const char *const other[] = {"C0000006", "C0000005", "C0000004",
                                        "C0000003", "C0000009", "C0000001"};
    static const char *const longer[] = {"C0000006", "C00000055", "C0000004",
                                         "C0000003", "C0000002",  "C0000001"};
    (void)state;
    check_mismatch(kept, same, 8, ROWS);
    check_mismatch(kept, other, 8, 4);
    check_mismatch(kept, longer, 8, 1);
}

static void test_texts_of_many_widths(void **state)
{
    static const char *const kept[] = {"", "a", "bc", "a text of twenty-one b", "d", "e"};
    static const char *const same[] = {"e", "d", "a text of twenty-one b", "bc", "a", ""};
    static const char *const even[] = {"e", "d", "f", "g", "h", "i"};
    (void)state;
    check_mismatch(kept, same, QN_TEXTS_DIFFER, ROWS);
    check_mismatch(kept, even, QN_TEXTS_DIFFER, 2);
}

static void test_empty_texts(void **state)
{
    static const char *const none[] = {"", "", "", "", "", ""};
    static const char *const some[] = {"", "", "", "x", "", ""};
    (void)state;
    check_mismatch(none, none, 0, ROWS);
    check_mismatch(none, some, 0, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts_of_one_width),
        cmocka_unit_test(test_texts_of_many_widths),
        cmocka_unit_test(test_empty_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
