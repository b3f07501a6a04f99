/* Types of results, complaints of typing, and what callers ask of a compiled expression. */
#include "tests/support/arena.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

#include "expr/expr.h"
#include "flow/value.h"

static const struct qn_field fields[] = {
    {"tenure", {.id = QN_INT64}},
    {"TotalCharges", {.id = QN_DECIMAL, .precision = 10, .scale = 2}},
    {"rate", {.id = QN_DOUBLE}},
    {"Contract", {.id = QN_TEXT}},
    {"churned", {.id = QN_BOOL}},
    {"since", {.id = QN_DATE}},
    {"seen", {.id = QN_TIMESTAMP}},
    {"two words", {.id = QN_INT64}},
    {"Twin", {.id = QN_INT64}},
    {"twin", {.id = QN_INT64}},
};
enum { N_FIELDS = sizeof fields / sizeof fields[0] };
static const struct qn_schema schema = {fields, N_FIELDS};

static struct qn_expr_complaint complaint;

static struct qn_expr *compile(const char *text)
{
    struct qn_expr *expr;
    if (qn_expr_compile(&arena, qn_strv_from(text), &schema, &expr, &complaint) != QN_OK)
        fail_msg("%s: at %zu+%zu: %s (%s)", text, complaint.offset, complaint.width,
                 complaint.message, complaint.hint);
    return expr;
}

static void types_are_static(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"tenure", "integer"},
        {"tenure / 2", "integer"},
        {"tenure / 2.0", "double"},
        {"TotalCharges", "decimal(10,2)"},
        {"TotalCharges + 1", "decimal(18,2)"},
        {"TotalCharges + 0.125", "decimal(12,3)"},
        {"TotalCharges * 0.1", "decimal(11,3)"},
        {"TotalCharges * tenure", "decimal(18,2)"},
        {"-TotalCharges", "decimal(10,2)"},
        {"TotalCharges / nullif(tenure, 0)", "double"},
        {"TotalCharges % 2", "double"},
        {"TotalCharges * rate", "double"},
        {"0.05", "decimal(2,2)"},
        {"1.50", "decimal(3,2)"},
        {"1e3", "double"},
        {"0.1234567890123456789", "double"},
        {"round(TotalCharges, 1)", "decimal(10,1)"},
        {"round(TotalCharges)", "decimal(9,0)"},
        {"round(tenure)", "double"},
        {"floor(TotalCharges)", "decimal(9,0)"},
        {"churned", "boolean"},
        {"churned + 1", "integer"},
        {"Contract || tenure", "text"},
        {"Contract = 'x'", "boolean"},
        {"CASE WHEN churned THEN 1 ELSE 0.5 END", "decimal(18,1)"},
        {"CASE WHEN churned THEN 1 ELSE 0e0 END", "double"},
        {"coalesce(since, '2026-01-01')", "date"},
        {"coalesce(since, seen)", "timestamp"},
        {"coalesce(NULL, tenure)", "integer"},
        {"since + 1", "date"},
        {"seen - 1", "timestamp"},
        {"since - '2026-01-01'", "integer"},
        {"seen - since", "double"},
        {"CAST(tenure AS decimal(12,3))", "decimal(12,3)"},
        {"NULL", "text"},
        {"NULL + 1", "integer"},
        {"nullif(NULL, 1)", "text"},
        {"min(tenure, 2.5)", "decimal(18,1)"},
        {"date(seen)", "date"},
        {"date_trunc('month', since)", "date"},
        {"date_trunc('hour', since)", "timestamp"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char name[QN_TYPE_NAME];
        qn_type_name(qn_expr_type(compile(cases[i][0])), name);
        if (strcmp(name, cases[i][1]) != 0)
            fail_msg("%s is %s, not %s", cases[i][0], name, cases[i][1]);
    }
}

static void mistakes_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t offset, width;
        const char *message, *hint;
    } cases[] = {
        {"tenur > 0", 0, 5, "no column 'tenur'", "did you mean 'tenure'?"},
        {"1 + \"tenur\"", 4, 7, "no column 'tenur'", "did you mean 'tenure'?"},
        {"Contract = \"Month to month\"", 11, 16, "no column \"Month to month\"", "single quotes"},
        {"TWIN + 1", 0, 4, "'TWIN' could be column 'Twin' or 'twin'", "exact case"},
        {"colaesce(tenure, 0)", 0, 8, "function 'colaesce' is unknown", "'coalesce'"},
        {"coalesce(tenure)", 0, 16, "coalesce takes at least 2 arguments, not 1", "coalesce(x, y"},
        {"round(1, 2, 3)", 0, 14, "round takes at most 2 arguments, not 3", "round(x, digits)"},
        {"lower()", 0, 7, "lower takes 1 argument, not 0", "lower(text)"},
        {"abs(*)", 0, 6, "abs(*) has no meaning", ""},
        {"sum(tenure) > 1", 0, 3, "'sum' looks at many rows", "group_by"},
        {"max(tenure)", 0, 3, "'max' looks at many rows", "group_by"},
        {"Contract < 5", 0, 12, "text and integer cannot be compared", "without quotes"},
        {"tenure = 'five'", 9, 6, "'five' is not a number", "write a number"},
        {"churned = 'perhaps'", 10, 9, "'perhaps' is not a boolean", ""},
        {"tenure = Contract", 0, 17, "integer and text cannot be compared", "without quotes"},
        {"Contract & 1", 0, 12, "text & integer has no meaning", "CAST"},
        {"~since", 0, 6, "date has no bits", ""},
        {"date(tenure)", 5, 6, "a number is no date", "datetime(x, 'unixepoch')"},
        {"date(since, '+1 fortnight')", 12, 14, "'+1 fortnight' does not modify a date", "+7 days"},
        {"extract(moon FROM since)", 8, 4, "'moon' is not a unit of time", "month"},
        {"since > current_date", 8, 12, "the clock is no part", "${param:today}"},
        {"random() > 3", 0, 6, "function 'random' is unknown", "the same answer"},
        {"since = Contract", 0, 16, "date and text cannot be compared", "date(x)"},
        {"since > 5", 0, 9, "date and integer cannot be compared", ""},
        {"since > 'soon'", 8, 6, "'soon' is not a date", "YYYY-MM-DD"},
        {"DATE '2026-02-30'", 0, 17, "'2026-02-30' is not a date", ""},
        {"Contract + 1", 0, 12, "text + integer has no meaning", "||"},
        {"since * 2", 0, 9, "date * integer has no meaning", "date - date"},
        {"since + since", 0, 13, "date + date has no meaning", ""},
        {"-Contract", 0, 9, "text has no negative", ""},
        {"NOT Contract", 4, 8, "expected a condition, found text", "compare it"},
        {"tenure > 1 AND since", 15, 5, "expected a condition, found date", ""},
        {"abs(Contract)", 4, 8, "abs takes a number here, not text", "CAST"},
        {"year(tenure)", 5, 6, "year takes a date or timestamp here, not integer", ""},
        {"CASE WHEN churned THEN 1 ELSE 'x' END", 30, 3, "CASE mixes integer and text", "CAST"},
        {"coalesce(tenure, Contract)", 17, 8, "coalesce mixes integer and text", "CAST"},
        {"tenure IN (1, 'x')", 14, 3, "'x' is not a number", ""},
        {"tenure IN (1, Contract)", 0, 23, "integer and text cannot be compared", ""},
        {"CAST(since AS integer)", 0, 22, "date cannot become integer", "year(x)"},
        {"CAST(tenure AS date)", 0, 20, "integer cannot become date", ""},
        {"Contract LIKE 'a' ESCAPE 'ab'", 25, 4, "ESCAPE takes one ASCII character", ""},
        {"Contract GLOB 'a' ESCAPE '!'", 25, 3, "GLOB has no ESCAPE", ""},
        {"date_trunc('mont', since)", 11, 6, "'mont' is not a unit of time", "'month'"},
        {"date_diff(Contract, since, seen)", 10, 8, "the unit must be a text in quotes", ""},
        {"strftime('%q', since)", 9, 4, "the format has a %", "%Y"},
        {"1e999", 0, 5, "does not fit a double", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct qn_expr *expr;
        const struct qn_strv text = qn_strv_from(cases[i].text);
        assert_int_equal(qn_expr_compile(&arena, text, &schema, &expr, &complaint), QN_EINPUT);
        if (!strstr(complaint.message, cases[i].message) ||
            !strstr(complaint.hint, cases[i].hint) || complaint.offset != cases[i].offset ||
            complaint.width != cases[i].width)
            fail_msg("%s: at %zu+%zu: %s (%s)", cases[i].text, complaint.offset, complaint.width,
                     complaint.message, complaint.hint);
    }
}

static void columns_are_found(void **state)
{
    (void)state;
    bool used[N_FIELDS] = {false};
    qn_expr_columns(compile("TENURE > 1 AND \"two words\" IN (1, twin)"), used);
    assert_true(used[0] && used[7] && used[9] && !used[8] && !used[1]);
    memset(used, 0, sizeof used);
    qn_expr_columns(compile("CASE WHEN FALSE AND NULL THEN 1 END + 0 * 2"), used);
    for (size_t i = 0; i < N_FIELDS; i++)
        assert_false(used[i]);
}

/* --- sharing ------------------------------------------------------------------------------- */

static uint32_t slots_after(struct qn_expr_scope *scope, const char *text)
{
    struct qn_expr *expr;
    if (qn_expr_compile_in(scope, qn_strv_from(text), &expr, &complaint) != QN_OK)
        fail_msg("%s: %s", text, complaint.message);
    return qn_expr_scope_slots(scope);
}

static void equal_parts_are_one_step(void **state)
{
    (void)state;
    static const char *const twice[] = {
        "tenure * 2 + rate",
        "Contract LIKE 'a%' AND tenure IN (1, 2, 3, 4, 5, 6)",
        "strftime('%Y', since) || lower(trim(Contract))",
        "CASE WHEN churned THEN coalesce(rate, 0) END",
        "Contract IN ('a', 'b')",
        "time(seen)",
    };
    static const char *const apart[][2] = {
        {"tenure IN (1, 2, 3)", "tenure IN (1, 2, 4)"},
        {"Contract LIKE 'a'", "Contract GLOB 'a'"},
        {"strftime('%Y', since)", "strftime('%m', since)"},
        {"date(seen, '+1 day')", "date(seen, '+2 days')"},
        {"round(rate, 1)", "round(rate, 2)"},
        {"CAST(tenure AS decimal(9,1))", "CAST(tenure AS decimal(9,2))"},
        {"rate * 0e0", "rate * -0e0"},
    };
    for (size_t i = 0; i < sizeof twice / sizeof twice[0]; i++) {
        struct qn_expr_scope *scope = qn_expr_scope_new(&arena, &schema);
        uint32_t first = slots_after(scope, twice[i]);
        if (slots_after(scope, twice[i]) != first)
            fail_msg("%s shares nothing with itself", twice[i]);
    }
    for (size_t i = 0; i < sizeof apart / sizeof apart[0]; i++) {
        struct qn_expr_scope *scope = qn_expr_scope_new(&arena, &schema);
        uint32_t first = slots_after(scope, apart[i][0]);
        if (slots_after(scope, apart[i][1]) == first)
            fail_msg("%s and %s are not the same", apart[i][0], apart[i][1]);
    }
}

/* --- evaluation ------------------------------------------------------------------------------ */

/* tenure 0..199 with every 10th NULL, TotalCharges = tenure * 1.10, Contract "c0".."c2". */
static struct qn_batch_builder *filled(uint32_t n, struct qn_batch *batch)
{
    struct qn_err err;
    struct qn_batch_builder *builder;
    assert_ok(qn_builder_new(&schema, &builder, &err), &err);
    for (uint32_t i = 0; i < n; i++) {
        char text[8];
        int len = snprintf(text, sizeof text, "c%u", i % 3);
        if (i % 10)
            qn_builder_i64(builder, 0, i);
        qn_builder_i64(builder, 1, (int64_t)i * 110);
        qn_builder_f64(builder, 2, i / 2.0);
        qn_builder_text(builder, 3, (struct qn_strv){text, (size_t)len});
        qn_builder_bool(builder, 4, i % 2);
        assert_ok(qn_builder_row(builder, &err), &err);
    }
    qn_builder_batch(builder, batch);
    return builder;
}

static uint32_t count_filtered(const char *text, const struct qn_batch *batch, uint32_t *rows)
{
    struct qn_err err;
    uint32_t n = UINT32_MAX;
    assert_ok(qn_expr_filter(compile(text), batch, &arena, rows, &n, &err), &err);
    for (uint32_t i = 1; i < n; i++)
        assert_true(rows[i] > rows[i - 1]);
    return n;
}

static void a_scope_computes_the_same(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "tenure * 2", "tenure * 2 + rate",    "Contract || 'x'", "Contract || 'x' = 'c1x'",
        "7",          "tenure * 2 + rate > 9"};
    enum { N = sizeof texts / sizeof texts[0] };
    struct qn_batch batch;
    struct qn_batch_builder *builder = filled(200, &batch);
    struct qn_expr_scope *scope = qn_expr_scope_new(&arena, &schema);
    struct qn_expr *shared[N];
    struct qn_expr_memo *memo;
    struct qn_err err;
    for (unsigned i = 0; i < N; i++)
        assert_int_equal(qn_expr_compile_in(scope, qn_strv_from(texts[i]), &shared[i], &complaint),
                         QN_OK);
    assert_ok(qn_expr_memo_new(scope, &batch, &arena, &memo, &err), &err);
    for (unsigned i = 0; i < N; i++) {
        struct qn_column alone, together;
        assert_ok(qn_expr_eval(compile(texts[i]), &batch, &arena, &alone, &err), &err);
        assert_ok(qn_expr_eval_in(shared[i], memo, &together, &err), &err);
        for (uint32_t row = 0; row < batch.n_rows; row++) {
            struct qn_buf a, b;
            qn_buf_init(&a);
            qn_buf_init(&b);
            qn_value_format(&a, &alone, row);
            qn_value_format(&b, &together, row);
            assert_true(qn_strv_eq(qn_buf_strv(&a), qn_buf_strv(&b)));
            assert_true(qn_is_valid(&alone, row) == qn_is_valid(&together, row));
            qn_buf_fini(&a);
            qn_buf_fini(&b);
        }
    }
    qn_builder_free(builder);
}

static void filters_take_true_rows_only(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {0, 1, 63, 64, 65, 200};
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
        uint32_t rows[200], n = sizes[k], nulls = (n + 9) / 10;
        struct qn_batch batch;
        struct qn_batch_builder *builder = filled(n, &batch);
        assert_int_equal(count_filtered("tenure >= 0", &batch, rows), n - nulls);
        assert_int_equal(count_filtered("tenure IS NULL", &batch, rows), nulls);
        assert_int_equal(count_filtered("NOT tenure >= 0", &batch, rows), 0);
        assert_int_equal(count_filtered("churned", &batch, rows), n / 2);
        assert_int_equal(count_filtered("tenure", &batch, rows), n - nulls);
        assert_int_equal(count_filtered("rate", &batch, rows), n ? n - 1 : 0);
        assert_int_equal(count_filtered("TRUE", &batch, rows), n);
        assert_int_equal(count_filtered("1", &batch, rows), n);
        assert_int_equal(count_filtered("NULL + 1", &batch, rows), 0);
        assert_int_equal(count_filtered("Contract = 'c1'", &batch, rows), (n + 1) / 3);
        qn_builder_free(builder);
    }
}

static void constants_fill_the_column(void **state)
{
    (void)state;
    struct qn_batch batch;
    struct qn_err err;
    struct qn_column out;
    struct qn_batch_builder *builder = filled(100, &batch);
    assert_ok(qn_expr_eval(compile("'x' || (1 + 1)"), &batch, &arena, &out, &err), &err);
    for (uint32_t i = 0; i < 100; i++)
        assert_true(qn_strv_is(qn_text_at(&out, i), "x2"));
    assert_ok(qn_expr_eval(compile("CAST(NULL AS date)"), &batch, &arena, &out, &err), &err);
    assert_int_equal(qn_column_count_valid(&out, 100), 0);
    qn_builder_free(builder);
}

static void decimals_are_exact(void **state)
{
    (void)state;
    struct qn_batch batch;
    struct qn_err err;
    struct qn_column out;
    struct qn_batch_builder *builder = filled(200, &batch);
    assert_ok(qn_expr_eval(compile("TotalCharges * tenure"), &batch, &arena, &out, &err), &err);
    assert_false(qn_is_valid(&out, 0));
    for (uint32_t i = 1; i < 200; i++)
        if (i % 10)
            assert_int_equal(out.i64[i], (int64_t)i * i * 110);
    assert_ok(qn_expr_eval(compile("TotalCharges * 0.1 - 0.001"), &batch, &arena, &out, &err),
              &err);
    assert_int_equal(out.type.scale, 3);
    assert_int_equal(out.i64[7], 769); /* 7.70 * 0.1 - 0.001 */
    /* Past 18 digits: NULL, in the row that overflows alone. */
    assert_ok(
        qn_expr_eval(compile("TotalCharges * 9000000000000.0000"), &batch, &arena, &out, &err),
        &err);
    assert_true(qn_is_valid(&out, 0));
    assert_false(qn_is_valid(&out, 199));
    qn_builder_free(builder);
}

static void aggregates_compile(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum qn_agg_fn fn;
        const char *type;
        bool argument, filter;
    } cases[] = {
        {"count(*)", QN_AGG_COUNT, "integer", false, false},
        {"COUNT(Contract)", QN_AGG_COUNT, "integer", true, false},
        {"sum(tenure)", QN_AGG_SUM, "integer", true, false},
        {"sum(churned)", QN_AGG_SUM, "integer", true, false},
        {"sum(TotalCharges)", QN_AGG_SUM, "decimal(18,2)", true, false},
        {"sum(rate * 2)", QN_AGG_SUM, "double", true, false},
        {"avg(TotalCharges)", QN_AGG_AVG, "double", true, false},
        {"min(Contract)", QN_AGG_MIN, "text", true, false},
        {"max(seen) filter (where tenure > 1)", QN_AGG_MAX, "timestamp", true, true},
        {"stddev(rate)", QN_AGG_STDDEV, "double", true, false},
        {"variance(tenure)", QN_AGG_VARIANCE, "double", true, false},
        {"var_pop(rate)", QN_AGG_VARIANCE_POP, "double", true, false},
        {"bool_and(tenure)", QN_AGG_MIN, "boolean", true, false},
        {"count(distinct Contract)", QN_AGG_DISTINCT, "integer", true, false},
        {"mode(TotalCharges)", QN_AGG_MODE, "decimal(10,2)", true, false},
        {"median(TotalCharges)", QN_AGG_QUANTILE, "double", true, false},
        {"median(since)", QN_AGG_QUANTILE, "timestamp", true, false},
        {"quantile(seen, 0.25)", QN_AGG_QUANTILE, "timestamp", true, false},
        {"quantile_disc(since, 1)", QN_AGG_QUANTILE_DISC, "date", true, false},
        {"first(Contract order by seen)", QN_AGG_PICK, "text", true, false},
        {"last(since)", QN_AGG_PICK, "date", true, false},
        {"arg_max(rate, Contract) filter (where churned)", QN_AGG_PICK, "double", true, true},
        {"approx_distinct(since)", QN_AGG_APPROX_DISTINCT, "integer", true, false},
        {"approx_quantile(tenure, 0.5)", QN_AGG_APPROX_QUANTILE, "double", true, false},
        {"count(*) FILTER (WHERE churned)", QN_AGG_COUNT, "integer", false, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct qn_agg_call call;
        char name[QN_TYPE_NAME];
        const struct qn_strv text = qn_strv_from(cases[i].text);
        if (qn_agg_compile(&arena, text, &schema, &call, &complaint) != QN_OK)
            fail_msg("%s: %s", cases[i].text, complaint.message);
        assert_int_equal(call.fn, cases[i].fn);
        assert_string_equal(qn_type_name(call.type, name), cases[i].type);
        assert_int_equal(call.argument != NULL, cases[i].argument);
        assert_int_equal(call.filter != NULL, cases[i].filter);
    }
}

static void aggregate_mistakes_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t offset, width;
        const char *message, *hint;
    } cases[] = {
        {"tenure", 0, 6, "expected an aggregate call", "sum(x)"},
        {"summ(tenure)", 0, 4, "aggregate 'summ' is unknown", "'sum'"},
        {"sum(distinct tenure)", 4, 8, "sum(distinct ...) is not supported", "only count"},
        {"count(distinct *)", 0, 17, "count(distinct *) has no meaning", "count(distinct x)"},
        {"sum(tenure order by rate)", 20, 4, "sum does not depend on an order", "first and last"},
        {"first(rate order tenure)", 17, 6, "expected BY, found 'tenure'", ""},
        {"first(rate order by tenure, since)", 26, 1, "ordered by one expression", ""},
        {"quantile(rate)", 0, 14, "quantile takes 2 arguments, not 1", "quantile(x, 0.9)"},
        {"quantile(rate, 1.5)", 15, 3, "expected a number from 0 to 1", "0.5 is the median"},
        {"quantile(rate, tenure)", 15, 6, "expected a number from 0 to 1", "0.5 is the median"},
        {"quantile(rate, null)", 15, 4, "expected a number from 0 to 1", "0.5 is the median"},
        {"median(Contract)", 7, 8, "median takes a number, date or timestamp, not text", "CAST"},
        {"approx_quantile(since, 0.5)", 16, 5, "approx_quantile takes a number, not date", ""},
        {"medain(tenure)", 0, 6, "aggregate 'medain' is unknown", "did you mean"},
        {"sum(*)", 0, 6, "sum(*) has no meaning", "only count"},
        {"sum(tenure, rate)", 0, 17, "sum takes 1 argument, not 2", ""},
        {"count()", 0, 7, "count takes 1 argument, not 0", "count(*)"},
        {"sum(Contract)", 4, 8, "sum takes a number, not text", "CAST"},
        {"avg(since)", 4, 5, "avg takes a number, not date", ""},
        {"sum(tenur)", 4, 5, "no column 'tenur'", "'tenure'"},
        {"sum(sum(tenure))", 4, 3, "'sum' looks at many rows", ""},
        {"sum(tenure) / 2", 12, 1, "expected FILTER (WHERE ...) or the end, found '/'", ""},
        {"sum(tenure) filter (tenure > 1)", 20, 6, "expected WHERE, found 'tenure'", ""},
        {"count(*) filter (where Contract)", 23, 8, "expected a condition, found text", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct qn_agg_call call;
        const struct qn_strv text = qn_strv_from(cases[i].text);
        assert_int_equal(qn_agg_compile(&arena, text, &schema, &call, &complaint), QN_EINPUT);
        if (!strstr(complaint.message, cases[i].message) ||
            !strstr(complaint.hint, cases[i].hint) || complaint.offset != cases[i].offset ||
            complaint.width != cases[i].width)
            fail_msg("%s: at %zu+%zu: %s (%s)", cases[i].text, complaint.offset, complaint.width,
                     complaint.message, complaint.hint);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_are_static),          cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(equal_parts_are_one_step),  cmocka_unit_test(columns_are_found),
        cmocka_unit_test(a_scope_computes_the_same), cmocka_unit_test(filters_take_true_rows_only),
        cmocka_unit_test(constants_fill_the_column), cmocka_unit_test(decimals_are_exact),
        cmocka_unit_test(aggregates_compile),        cmocka_unit_test(aggregate_mistakes_are_named),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
