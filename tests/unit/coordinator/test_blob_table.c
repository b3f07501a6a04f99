#include "coordinator/blob_table.h"
#include "tests/support/test.h"

/* Two jobs that read the same columns can come to stages with equal briefs. */
static void equal_bytes_stay_until_their_last_user_drops_them(void **state)
{
    (void)state;
    struct qn_blob_table table = {0};
    struct qn_err err = {0};
    char first[QN_SHA256_HEX], second[QN_SHA256_HEX];
    assert_ok(qn_blob_table_put(&table, qn_strv_from("brief"), first, &err), &err);
    assert_ok(qn_blob_table_put(&table, qn_strv_from("brief"), second, &err), &err);
    assert_string_equal(first, second);
    qn_blob_table_drop(&table, first);
    assert_int_equal(qn_blob_table_get(&table, qn_strv_from(second)).len, 5);
    qn_blob_table_drop(&table, second);
    assert_int_equal(qn_blob_table_get(&table, qn_strv_from(second)).len, 0);
    qn_blob_table_drop(&table, second);
    qn_blob_table_fini(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_bytes_stay_until_their_last_user_drops_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
