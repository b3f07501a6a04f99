#include "jobs/etl/checks.h"

#include <assert.h>
#include <string.h>

#include "jobs/etl/distinct.h"
#include "jobs/etl/etl.h"
#include "jobs/etl/group.h"

bool qn_check_quarantines(const struct qn_check *check)
{
    return check->test->on_fail == QN_ON_FAIL_QUARANTINE && check->test->kind != QN_TEST_ROW_COUNT;
}

/* --- compiling ------------------------------------------------------------------------------- */

static bool parse_value(struct qn_etl_build *build, const struct qn_node *node,
                        const struct qn_check *check, struct qn_cell *out)
{
    char type[QN_TYPE_NAME];
    if (!node || node->kind != QN_NODE_SCALAR)
        return true;
    if (qn_cell_parse(check->type, node->text, out))
        return true;
    qn_diags_add(build->env->diags, node->span, qn_type_name(check->type, type), NULL,
                 "'%.*s' is no value of column '%s'", QN_STRV_ARG(node->text), check->column);
    return false;
}

static void sort_values(struct qn_check *check)
{
    for (uint32_t i = 1; i < check->n_values; i++) /* lists that people write are short */
        for (uint32_t j = i;
             j > 0 && qn_cell_cmp(check->type, check->values[j - 1], check->values[j]) > 0; j--) {
            struct qn_cell swap = check->values[j];
            check->values[j] = check->values[j - 1];
            check->values[j - 1] = swap;
        }
}

static void read_values(struct qn_etl_build *build, struct qn_check *check)
{
    uint32_t n = 0;
    const struct qn_node *items = qn_node_items(check->test->values, &n);
    check->values = QN_BUILD_ARRAY(build, struct qn_cell, n);
    struct qn_buf text;
    qn_buf_init(&text);
    qn_buf_printf(&text, "expected one of ");
    for (uint32_t i = 0; check->values && i < n; i++) {
        if (parse_value(build, &items[i], check, &check->values[check->n_values]))
            check->n_values++;
        if (i < 10)
            qn_buf_printf(&text, "%s%.*s", i ? ", " : "", QN_STRV_ARG(items[i].text));
        else if (i == 10)
            qn_buf_printf(&text, ", ...");
    }
    sort_values(check);
    check->expected = qn_arena_strdup(build->env->arena, qn_buf_strv(&text));
    build->nomem = build->nomem || !check->expected;
    qn_buf_fini(&text);
}

static void read_range(struct qn_etl_build *build, struct qn_check *check)
{
    const struct qn_test *test = check->test;
    (void)parse_value(build, test->min, check, &check->min);
    (void)parse_value(build, test->max, check, &check->max);
    const char *bound = test->inclusive ? "" : " (exclusive)";
    const char *min = qn_node_text(test->min, NULL), *max = qn_node_text(test->max, NULL);
    if (min && max)
        check->expected =
            qn_arena_printf(build->env->arena, "expected %s to %s%s", min, max, bound);
    else
        check->expected = qn_arena_printf(build->env->arena, "expected at %s %s%s",
                                          min ? "least" : "most", min ? min : max, bound);
    build->nomem = build->nomem || !check->expected;
}

static void read_row_count(struct qn_etl_build *build, struct qn_check *check)
{
    const struct qn_test *test = check->test;
    const struct qn_node *bounds[2] = {test->min, test->max};
    int64_t *targets[2] = {&check->min_rows, &check->max_rows};
    for (int i = 0; i < 2; i++) {
        *targets[i] = -1;
        if (bounds[i] && (bounds[i]->kind != QN_NODE_SCALAR ||
                          !qn_strv_to_i64(bounds[i]->text, targets[i]) || *targets[i] < 0))
            qn_diags_add(build->env->diags, bounds[i]->span, "a number of rows", NULL,
                         "row_count takes whole numbers, not '%.*s'", QN_STRV_ARG(bounds[i]->text));
    }
}

static void add_check(struct qn_etl_build *build, const struct qn_test *test)
{
    struct qn_etl *etl = build->etl;
    assert(etl->n_checks < build->max_checks);
    struct qn_check *check = &etl->checks[etl->n_checks];
    *check = (struct qn_check){.test = test, .column = "", .grouped = etl->group != NULL};
    if (test->kind == QN_TEST_ROW_COUNT) {
        read_row_count(build, check);
        etl->n_checks++;
        return;
    }
    int32_t field = qn_etl_build_find(build, build->schema, qn_strv_from(test->column), test->span);
    if (field < 0)
        return;
    check->field = (uint32_t)field;
    check->column = build->schema->fields[field].name;
    check->type = build->schema->fields[field].type;
    if (test->kind == QN_TEST_ACCEPTED_VALUES)
        read_values(build, check);
    else if (test->kind == QN_TEST_ACCEPTED_RANGE)
        read_range(build, check);
    etl->n_checks++;
}

void qn_etl_build_checks(struct qn_etl_build *build, const struct qn_node *list, const char *column)
{
    struct qn_test *tests = NULL;
    uint32_t n = 0;
    /* What it complains about was complained about when the spec was read; the rest is run. */
    (void)!qn_tests_read(list, column, build->env->arena, build->env->diags, &tests, &n);
    build->nomem = build->nomem || !tests;
    for (uint32_t i = 0; tests && i < n; i++)
        add_check(build, &tests[i]);
}

void qn_etl_build_checks_end(struct qn_etl_build *build)
{
    struct qn_etl *etl = build->etl;
    uint32_t first = build->first_check, n = etl->n_checks - first;
    build->first_check = etl->n_checks;
    qn_etl_build_row_checks(build, first, n);
    qn_etl_build_unique(build, first, n);
}

/* --- tallies --------------------------------------------------------------------------------- */

qn_code qn_check_example(struct qn_etl_step_ctx *ctx, const struct qn_check *check,
                         struct qn_check_tally *tally, const struct qn_batch *batch, uint32_t row,
                         struct qn_err *err)
{
    enum { MOST = 200 }; /* bytes of a value worth showing */
    if (tally->example.data || !ctx->job->stages[ctx->in->stage].counts)
        return QN_OK;
    struct qn_buf value;
    qn_buf_init(&value);
    qn_value_format(&value, &batch->columns[check->field], row);
    struct qn_location place;
    qn_code code = qn_etl_step_locate(ctx, batch, row, &place, err);
    char *text = NULL;
    int shown = (int)(value.len < MOST ? value.len : MOST);
    bool read = ctx->job->input.kind == QN_INPUT_SOURCE && !check->grouped;
    const char *quote = qn_is_valid(&batch->columns[check->field], row) ? "'" : "";
    const char *missing = *quote ? "" : "no value";
    if (code == QN_OK && read)
        text = qn_arena_printf(ctx->in->arena, "%s%.*s%s%s in %s at byte %llu", quote, shown,
                               value.data ? (const char *)value.data : "", missing, quote,
                               ctx->in->reader->file, (unsigned long long)place.byte_offset);
    else if (code == QN_OK)
        text = qn_arena_printf(ctx->in->arena, "%s%.*s%s%s in %.*s", quote, shown,
                               value.data ? (const char *)value.data : "", missing, quote, 2 * MOST,
                               place.raw.data);
    qn_buf_fini(&value);
    if (code != QN_OK)
        return code;
    if (!text)
        return qn_err_nomem(err, "an example");
    tally->example = qn_strv_from(text);
    return QN_OK;
}

void qn_tallies_pack(const struct qn_etl *etl, const struct qn_check_tally *tallies,
                     struct qn_buf *buf)
{
    for (uint32_t i = 0; i < etl->n_checks; i++) {
        qn_buf_put_u64(buf, tallies[i].rows);
        qn_buf_put_u64(buf, tallies[i].failures);
        qn_buf_put_str(buf, tallies[i].example);
    }
}

qn_code qn_tallies_merge(const struct qn_etl *etl, struct qn_check_tally *tallies,
                         struct qn_unpack *in, struct qn_arena *arena, struct qn_err *err)
{
    for (uint32_t i = 0; i < etl->n_checks && !in->failed; i++) {
        tallies[i].rows += qn_unpack_u64(in);
        tallies[i].failures += qn_unpack_u64(in);
        struct qn_strv example = qn_unpack_str(in);
        if (in->failed || tallies[i].example.data || !example.len)
            continue;
        tallies[i].example.data = qn_arena_strdup(arena, example);
        tallies[i].example.len = example.len;
        if (!tallies[i].example.data)
            return qn_err_nomem(err, "an example");
    }
    return QN_OK;
}

/* --- findings -------------------------------------------------------------------------------- */

static const char *status_of(const struct qn_check *check, uint64_t failures)
{
    if (failures == 0)
        return "pass";
    bool stops = check->test->severity == QN_SEVERITY_ERROR &&
                 check->test->on_fail != QN_ON_FAIL_WARN && !qn_check_quarantines(check);
    return stops ? "fail" : "warn";
}

static const char *row_count_message(const struct qn_check *check, uint64_t rows,
                                     uint64_t *failures, struct qn_arena *arena)
{
    bool few = check->min_rows >= 0 && rows < (uint64_t)check->min_rows;
    bool many = check->max_rows >= 0 && rows > (uint64_t)check->max_rows;
    *failures = few || many;
    if (!*failures)
        return qn_arena_printf(arena, "%llu rows", (unsigned long long)rows);
    return qn_arena_printf(arena, "data test row_count failed: %llu rows, expected at %s %lld",
                           (unsigned long long)rows, few ? "least" : "most",
                           (long long)(few ? check->min_rows : check->max_rows));
}

static const char *message_of(const struct qn_check *check, const struct qn_check_tally *tally,
                              uint64_t failures, struct qn_arena *arena)
{
    const char *name = qn_test_name(check->test->kind);
    if (failures == 0)
        return qn_arena_printf(arena, "%llu rows", (unsigned long long)tally->rows);
    const char *what = qn_check_quarantines(check) ? "refused" : "failed for";
    return qn_arena_printf(
        arena, "data test %s on column %s %s %llu of %llu rows%s%s%.*s", name, check->column, what,
        (unsigned long long)failures, (unsigned long long)tally->rows, check->expected ? ", " : "",
        check->expected ? check->expected : "",
        tally->example.len ? (int)tally->example.len + 9 : 0,
        tally->example.len ? qn_arena_printf(arena, "; first: %s", tally->example.data) : "");
}

static qn_code report_one(const struct qn_check *check, struct qn_check_tally tally,
                          uint64_t rows_out, const struct qn_strv *states,
                          struct qn_test_finding *out, struct qn_arena *arena, struct qn_err *err)
{
    uint64_t failures = tally.failures;
    if (check->unique_step)
        QN_TRY(qn_distinct_failures(check->unique_step, states, check->unique_set, &failures, err));
    else if (check->test->kind == QN_TEST_ROW_COUNT || check->test->kind == QN_TEST_UNIQUE)
        tally.rows = rows_out; /* no step sees their rows: these are what goes out */
    const char *message = check->test->kind == QN_TEST_ROW_COUNT
                              ? row_count_message(check, tally.rows, &failures, arena)
                              : message_of(check, &tally, failures, arena);
    *out = (struct qn_test_finding){
        .column = check->column,
        .test = qn_test_name(check->test->kind),
        .severity = check->test->severity == QN_SEVERITY_ERROR ? "error" : "warn",
        .status = status_of(check, failures),
        .failures = failures,
        .rows = tally.rows,
        .message = message,
    };
    return message ? QN_OK : qn_err_nomem(err, "a test's message");
}

qn_code qn_checks_report(const struct qn_etl *etl, const struct qn_check_tally *tallies,
                         bool grouped, uint64_t rows_out, const struct qn_strv *states,
                         struct qn_findings *findings, struct qn_err *err)
{
    struct qn_test_finding *all = QN_NEW_ARRAY(findings->arena, struct qn_test_finding,
                                               findings->n_tests + etl->n_checks + 1);
    if (!all)
        return qn_err_nomem(err, "test findings");
    uint32_t n = findings->n_tests;
    if (n)
        memcpy(all, findings->tests, n * sizeof *all);
    for (uint32_t i = 0; i < etl->n_checks; i++) {
        if (etl->checks[i].grouped != grouped)
            continue;
        QN_TRY(report_one(&etl->checks[i], tallies[i], rows_out, states, &all[n], findings->arena,
                          err));
        if (!findings->failed && strcmp(all[n].status, "fail") == 0) {
            findings->failed = true;
            findings->failure = all[n].message;
        }
        n++;
    }
    findings->tests = all;
    findings->n_tests = n;
    return QN_OK;
}
