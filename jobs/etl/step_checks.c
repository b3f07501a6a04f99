/* row-wise data tests: not_null, accepted_values, accepted_range. Values that are missing pass the
 * last two, as in SQL. */
#include <string.h>

#include "jobs/etl/checks.h"
#include "jobs/etl/etl.h"

struct row_checks {
    const uint32_t *checks; /* positions in qn_etl.checks */
    const uint32_t *fields; /* the column each looks at */
    uint32_t n;
};

static void checks_needs(const struct qn_etl_step *step, const bool *after, bool *before)
{
    const struct row_checks *self = step->impl;
    qn_etl_step_needs_same(step, after, before);
    for (uint32_t i = 0; i < self->n; i++)
        before[self->fields[i]] = true;
}

static bool is_accepted(const struct qn_check *check, struct qn_cell cell, uint32_t *last)
{
    /* Neighbouring rows often agree: try the last hit before searching. */
    if (*last < check->n_values && qn_cell_cmp(check->type, check->values[*last], cell) == 0)
        return true;
    uint32_t low = 0, high = check->n_values;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = qn_cell_cmp(check->type, check->values[middle], cell);
        if (order == 0) {
            *last = middle;
            return true;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

static bool is_in_range(const struct qn_check *check, struct qn_cell cell)
{
    int lowest = check->test->inclusive ? 0 : 1; /* what a comparison must give at least */
    return (!check->min.valid || qn_cell_cmp(check->type, cell, check->min) >= lowest) &&
           (!check->max.valid || qn_cell_cmp(check->type, check->max, cell) >= lowest);
}

/* Rows that fail, ascending; room for n_rows. */
static uint32_t find_failures(const struct qn_check *check, const struct qn_column *column,
                              uint32_t n_rows, uint32_t *rows)
{
    uint32_t n = 0, last = 0;
    if (check->test->kind == QN_TEST_NOT_NULL) {
        for (uint32_t row = 0; column->validity && row < n_rows; row++)
            if (!qn_is_valid(column, row))
                rows[n++] = row;
        return n;
    }
    for (uint32_t row = 0; row < n_rows; row++) {
        struct qn_cell cell = qn_cell_at(column, row);
        bool fine = !cell.valid ||
                    (check->test->kind == QN_TEST_ACCEPTED_VALUES ? is_accepted(check, cell, &last)
                                                                  : is_in_range(check, cell));
        if (!fine)
            rows[n++] = row;
    }
    return n;
}

static qn_code refuse(struct qn_etl_step_ctx *ctx, const struct qn_check *check,
                      const struct qn_batch *batch, uint32_t row, struct qn_err *err)
{
    struct qn_buf message;
    qn_buf_init(&message);
    if (check->test->kind == QN_TEST_NOT_NULL) {
        qn_buf_printf(&message, "expected a value, got none");
    } else {
        qn_buf_printf(&message, "%s, got '", check->expected);
        qn_value_format(&message, &batch->columns[check->field], row);
        qn_buf_printf(&message, "'");
    }
    qn_code code = qn_buf_check(&message, "a refusal", err);
    if (code == QN_OK)
        code = qn_etl_step_reject(ctx, batch, row, check->column, qn_test_name(check->test->kind),
                                  qn_buf_strv(&message), err);
    qn_buf_fini(&message);
    return code;
}

static qn_code run_check(struct qn_etl_step_ctx *ctx, const struct qn_check *check,
                         struct qn_check_tally *tally, const struct qn_batch *batch,
                         uint32_t *failing, bool *refused, struct qn_err *err)
{
    uint32_t n = find_failures(check, &batch->columns[check->field], batch->n_rows, failing);
    tally->rows += batch->n_rows;
    tally->failures += n;
    if (n)
        QN_TRY(qn_check_example(ctx, check, tally, batch, failing[0], err));
    for (uint32_t i = 0; qn_check_quarantines(check) && i < n; i++) {
        if (!refused[failing[i]])
            QN_TRY(refuse(ctx, check, batch, failing[i], err));
        refused[failing[i]] = true;
    }
    return QN_OK;
}

static qn_code checks_apply(const struct qn_etl_step *step, struct qn_etl_step_ctx *ctx, void *run,
                            const bool *live, struct qn_batch *batch, struct qn_err *err)
{
    (void)run;
    const struct row_checks *self = step->impl;
    uint32_t *rows = qn_arena_alloc(ctx->arena, batch->n_rows * sizeof *rows);
    bool *refused = QN_NEW_ARRAY(ctx->arena, bool, batch->n_rows);
    if (!rows || !refused)
        return qn_err_nomem(err, "data tests");
    for (uint32_t i = 0; i < self->n; i++) {
        uint32_t at = self->checks[i];
        QN_TRY(run_check(ctx, &ctx->etl->checks[at], &ctx->tallies[at], batch, rows, refused, err));
    }
    uint32_t n = 0;
    for (uint32_t row = 0; row < batch->n_rows; row++)
        if (!refused[row])
            rows[n++] = row;
    return qn_etl_step_take(ctx, live, batch, rows, n, err);
}

static const struct qn_etl_step_ops checks_ops = {
    .name = "data_tests", .needs = checks_needs, .apply = checks_apply};

void qn_etl_build_row_checks(struct qn_etl_build *build, uint32_t first, uint32_t n)
{
    struct row_checks *self = QN_BUILD_ARRAY(build, struct row_checks, 1);
    uint32_t *checks = QN_BUILD_ARRAY(build, uint32_t, n), count = 0;
    uint32_t *fields = QN_BUILD_ARRAY(build, uint32_t, n);
    if (!self || !checks || !fields)
        return;
    for (uint32_t i = first; i < first + n; i++) {
        enum qn_test_kind kind = build->etl->checks[i].test->kind;
        if (kind == QN_TEST_UNIQUE || kind == QN_TEST_ROW_COUNT)
            continue;
        fields[count] = build->etl->checks[i].field;
        checks[count++] = i;
    }
    *self = (struct row_checks){.checks = checks, .fields = fields, .n = count};
    if (count)
        (void)qn_etl_build_step(build, &checks_ops, build->schema, self);
}
