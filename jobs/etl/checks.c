#include "jobs/etl/etl.h"

static bool in_bounds(const struct qn_check *check, struct qn_type type, struct qn_cell cell)
{
    int edge = check->test->inclusive ? 0 : 1;
    return (!check->min.valid || qn_cell_cmp(type, cell, check->min) >= edge) &&
           (!check->max.valid || qn_cell_cmp(type, check->max, cell) >= edge);
}

static bool is_listed(const struct qn_check *check, struct qn_type type, struct qn_cell cell)
{
    for (uint32_t i = 0; i < check->n_values; i++)
        if (qn_cell_cmp(type, cell, check->values[i]) == 0)
            return true;
    return false;
}

/* NULL fails not_null alone: other tests speak of values. */
static bool passes(const struct qn_check *check, const struct qn_column *column, uint32_t row)
{
    struct qn_cell cell = qn_cell_at(column, row);
    switch (check->test->kind) {
    case QN_TEST_NOT_NULL: return cell.valid;
    case QN_TEST_ACCEPTED_VALUES: return !cell.valid || is_listed(check, column->type, cell);
    case QN_TEST_ACCEPTED_RANGE: return !cell.valid || in_bounds(check, column->type, cell);
    case QN_TEST_UNIQUE:
    case QN_TEST_ROW_COUNT: break;
    }
    return true;
}

static qn_code reject(const struct qn_etl *etl, const struct qn_check *check, struct qn_task_in *in,
                      struct qn_task_out *out, const struct qn_batch *batch, uint32_t row,
                      struct qn_err *err)
{
    struct qn_location place;
    struct qn_buf message;
    QN_TRY(in->reader->ops->locate(in->reader, batch->origin[row], &place, err));
    qn_buf_init(&message);
    qn_buf_printf(&message, "%s: got '", qn_test_name(check->test->kind));
    qn_value_format(&message, &batch->columns[check->column], row);
    qn_buf_printf(&message, "'");
    struct qn_reject refused = {.byte_offset = place.byte_offset,
                                .line = place.line,
                                .file = qn_strv_from(in->reader->file),
                                .column = qn_strv_from(etl->in->fields[check->column].name),
                                .rule = qn_strv_from(qn_test_name(check->test->kind)),
                                .message = qn_buf_strv(&message),
                                .raw = place.raw};
    qn_code code = qn_buf_check(&message, "a refusal", err);
    if (code == QN_OK)
        code = qn_rejects_add(&out->rejects, &refused, err);
    qn_buf_fini(&message);
    return code;
}

/* Whether the row stays. A quarantined row is not tested further. */
static qn_code test_row(const struct qn_etl *etl, struct qn_task_in *in, struct qn_task_out *out,
                        const struct qn_batch *batch, uint32_t row, struct qn_check_count *counts,
                        bool *stays, struct qn_err *err)
{
    *stays = true;
    for (uint32_t i = 0; i < etl->n_checks; i++) {
        const struct qn_check *check = &etl->checks[i];
        if (check->test->kind == QN_TEST_ROW_COUNT)
            continue;
        counts[i].rows++;
        if (passes(check, &batch->columns[check->column], row))
            continue;
        counts[i].failures++;
        if (check->test->on_fail != QN_ON_FAIL_QUARANTINE)
            continue;
        *stays = false;
        return reject(etl, check, in, out, batch, row, err);
    }
    return QN_OK;
}

qn_code qn_checks_apply(const struct qn_etl *etl, struct qn_task_in *in, struct qn_task_out *out,
                        const struct qn_batch *batch, struct qn_check_count *counts, uint32_t *rows,
                        uint32_t *n, struct qn_err *err)
{
    *n = 0;
    for (uint32_t row = 0; row < batch->n_rows; row++) {
        bool stays;
        QN_TRY(test_row(etl, in, out, batch, row, counts, &stays, err));
        if (stays)
            rows[(*n)++] = row;
    }
    return QN_OK;
}

/* --- findings -------------------------------------------------------------------------------- */

static const char *status_of(const struct qn_check *check, uint64_t failures)
{
    if (failures == 0)
        return "pass";
    bool soft =
        check->test->severity == QN_SEVERITY_WARN || check->test->on_fail != QN_ON_FAIL_FAIL;
    return soft ? "warn" : "fail";
}

static void count_rows(const struct qn_check *check, uint64_t rows, struct qn_check_count *count)
{
    int64_t low = qn_node_i64(check->test->min, 0);
    int64_t high = qn_node_i64(check->test->max, INT64_MAX);
    count->rows = rows;
    count->failures = rows < (uint64_t)low || rows > (uint64_t)high;
}

qn_code qn_checks_report(const struct qn_etl *etl, const struct qn_check_count *counts,
                         uint64_t rows_out, struct qn_findings *findings, struct qn_err *err)
{
    findings->tests = QN_NEW_ARRAY(findings->arena, struct qn_test_finding, etl->n_checks);
    if (!findings->tests)
        return qn_err_nomem(err, "findings");
    for (uint32_t i = 0; i < etl->n_checks; i++) {
        const struct qn_check *check = &etl->checks[i];
        struct qn_check_count count = counts[i];
        if (check->test->kind == QN_TEST_ROW_COUNT)
            count_rows(check, rows_out, &count);
        struct qn_test_finding *finding = &findings->tests[findings->n_tests++];
        *finding = (struct qn_test_finding){
            .column = check->test->column,
            .test = qn_test_name(check->test->kind),
            .severity = check->test->severity == QN_SEVERITY_WARN ? "warn" : "error",
            .status = status_of(check, count.failures),
            .failures = count.failures,
            .rows = count.rows};
        if (strcmp(finding->status, "fail") != 0 || findings->failed)
            continue;
        findings->failed = true;
        findings->failure = qn_arena_printf(
            findings->arena, "test %s%s%s failed for %llu of %llu rows; nothing was published",
            finding->test, finding->column ? " of column " : "",
            finding->column ? finding->column : "", (unsigned long long)count.failures,
            (unsigned long long)count.rows);
    }
    return QN_OK;
}
