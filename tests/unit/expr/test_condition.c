/* What filters say of single columns, weighed against bounds. */
#include "tests/support/test.h"

#include "expr/condition.h"

enum { I, D, X, T, B, DAY, M, FULL, NONE, N_COLUMNS };

static const struct qn_field fields[N_COLUMNS] = {
    {"i", {.id = QN_INT64}},     {"d", {.id = QN_DECIMAL, .precision = 9, .scale = 2}},
    {"x", {.id = QN_DOUBLE}},    {"t", {.id = QN_TEXT}},
    {"b", {.id = QN_BOOL}},      {"day", {.id = QN_DATE}},
    {"m", {.id = QN_TIMESTAMP}}, {"full", {.id = QN_INT64}},
    {"none", {.id = QN_TEXT}},
};
static const struct qn_schema schema = {fields, N_COLUMNS};

static struct qn_arena arena;
static struct qn_facts facts[N_COLUMNS];

/* i 10..20, d 1.00..2.50, x -0.5..7.25, t b..dd, b all true, day 2024-01-10..2024-01-20 (m too, at
 * midnight); `full` is not known but for having no NULL, `none` is all NULL. */
static void set_facts(void)
{
    static int64_t i[] = {10, 20}, d[] = {100, 250}, b[] = {1, 1}, day[] = {19732, 19742},
                   m[] = {INT64_C(19732) * 86400000000, INT64_C(19742) * 86400000000};
    static double x[] = {-0.5, 7.25};
    static uint32_t offsets[] = {0, 1, 3};
    static char text[] = "bdd";
    int64_t *const integers[N_COLUMNS] = {[I] = i, [D] = d, [B] = b, [DAY] = day, [M] = m};
    for (uint32_t c = 0; c <= M; c++) {
        facts[c] = (struct qn_facts){.has_min = true, .has_max = true};
        facts[c].bounds.type = c == B ? (struct qn_type){.id = QN_INT64} : fields[c].type;
        facts[c].bounds.i64 = integers[c];
    }
    facts[X].bounds.f64 = x;
    facts[T].bounds.bytes = text;
    facts[T].bounds.offsets = offsets;
    facts[FULL].no_nulls = true;
    facts[NONE].all_null = true;
}

static bool may_hold(const char *text)
{
    struct qn_expr *expr;
    struct qn_expr_complaint complaint;
    struct qn_err err = {0};
    const struct qn_condition *condition;
    if (qn_expr_compile(&arena, qn_strv_from(text), &schema, &expr, &complaint) != QN_OK)
        fail_msg("%s: %s", text, complaint.message);
    assert_ok(qn_expr_condition(expr, &arena, &condition, &err), &err);
    return qn_condition_may_hold(condition, facts);
}

static void what_cannot_hold(void **state)
{
    static const char *const filters[] = {
        "i < 10",
        "i <= 9.99",
        "i > 20",
        "i >= 20.01",
        "i = 21",
        "i = 15.5",
        "i in (1, 2, 30)",
        "9 > i",
        "20 < i",
        "not i >= 10",
        "not (i < 30)",
        "i > 1e3",
        "i = 15.5e0",
        "i between 21 and 30",
        "i not between 0 and 30",
        "i > 99999999999999999999.5",
        "i < 15 and i > 20",
        "i < 5 or i > 25",
        "i = 1 or i = 2 or t = 'a'",
        "d > 2.5",
        "d >= 2.501",
        "d < 1",
        "d = 1.005",
        "d in (3, 0.5)",
        "d > 3",
        "x > 7.25",
        "x < -0.5",
        "x = 8",
        "x > 100",
        "x in (-1.5, 7.5)",
        "t < 'b'",
        "t > 'dd'",
        "t = 'a'",
        "t in ('a', 'e')",
        "t >= 'e'",
        "'a' = t",
        "not b",
        "b = false",
        "b is false",
        "b <> true",
        "b > 1",
        "day < '2024-01-10'",
        "day > date '2024-01-20'",
        "day = '2024-02-01'",
        "day < timestamp '2024-01-10 00:00:00'",
        "day = timestamp '2024-01-15 12:00:00'",
        "m > '2024-01-20 00:00:00'",
        "m < date '2024-01-10'",
        "full is null",
        "none is not null",
        "none = 'a'",
        "none <> 'a'",
        "not (none = 'a')",
        "i = null",
        "null",
        "1 = 2",
        "i is 9",
        "(i > 20) is true",
    };
    (void)state;
    for (size_t k = 0; k < sizeof filters / sizeof *filters; k++)
        if (may_hold(filters[k]))
            fail_msg("may hold: %s", filters[k]);
}

static void what_may_hold(void **state)
{
    static const char *const filters[] = {
        "i < 11",
        "i <= 10",
        "i > 19",
        "i > 19.5",
        "i = 10",
        "i in (1, 20)",
        "i <> 10",
        "not i < 10",
        "i < 5 or i > 15",
        "i < 5 or length(t) > 3",
        "i + 1 < 5",
        "i < x",
        "d = 1",
        "d > 2.49",
        "d <> 1.005",
        "d in (3, 2.5)",
        "x = 0",
        "x <> 8",
        "x > -1e300",
        "t > 'd'",
        "t = 'dd'",
        "t like 'a%'",
        "t <> 'b'",
        "b",
        "b = true",
        "b is true",
        "day = '2024-01-15'",
        "day < timestamp '2024-01-10 00:00:01'",
        "m = '2024-01-20'",
        "i is null",
        "i is not null",
        "full is not null",
        "full = 5",
        "none is null",
        "not (i > 20) is true",
        "not (i is 9)",
        "coalesce(none, 'a') = 'a'",
        "case when i < 5 then 1 else 0 end = 0",
        "1 = 1",
        "i > -99999999999999999999.5",
    };
    (void)state;
    for (size_t k = 0; k < sizeof filters / sizeof *filters; k++)
        if (!may_hold(filters[k]))
            fail_msg("cannot hold: %s", filters[k]);
}

static void columns_get_other_numbers(void **state)
{
    struct qn_expr *expr;
    struct qn_expr_complaint complaint;
    struct qn_err err = {0};
    const struct qn_condition *condition, *mapped;
    uint32_t to[N_COLUMNS];
    bool used[N_COLUMNS] = {false};
    (void)state;
    for (uint32_t c = 0; c < N_COLUMNS; c++)
        to[c] = c == T ? UINT32_MAX : N_COLUMNS - 1 - c;
    const struct qn_strv text = qn_strv_from("(i > 3 or x > 1) and t = 'a' and (d < 1 or t = 'b')");
    assert_int_equal(qn_expr_compile(&arena, text, &schema, &expr, &complaint), QN_OK);
    assert_ok(qn_expr_condition(expr, &arena, &condition, &err), &err);
    assert_ok(qn_condition_map(condition, to, &arena, &mapped, &err), &err);
    qn_condition_columns(mapped, used);
    for (uint32_t c = 0; c < N_COLUMNS; c++)
        assert_int_equal(used[c], c == to[I] || c == to[X]);
}

static int set_up(void **state)
{
    (void)state;
    qn_arena_init(&arena);
    set_facts();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    qn_arena_fini(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_cannot_hold),
                                       cmocka_unit_test(what_may_hold),
                                       cmocka_unit_test(columns_get_other_numbers)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
