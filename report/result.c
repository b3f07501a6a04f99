#include "report/result.h"

#include <math.h>
#include <stdlib.h>

struct reading {
    struct qn_result *result;
    struct qn_arena *arena;
    uint32_t room; /* rows that fit */
    struct qn_err *err;
};

static qn_code grow(struct reading *in)
{
    struct qn_result *result = in->result;
    uint32_t room = in->room ? 2 * in->room : 16;
    if (room > QN_RESULT_ROWS)
        return qn_err_set(in->err, QN_ELIMIT, QN_BLAME_NONE,
                          "a report shows at most %d rows of one kind", QN_RESULT_ROWS);
    const char **values = QN_NEW_ARRAY(in->arena, const char *, (size_t)room * result->n_columns);
    if (!values)
        return qn_err_nomem(in->err, "a report");
    if (result->n)
        memcpy(values, result->values, (size_t)result->n * result->n_columns * sizeof *values);
    result->values = values;
    in->room = room;
    return QN_OK;
}

static qn_code keep_row(void *context, int n, const char *const *names, const char *const *values)
{
    struct reading *in = context;
    struct qn_result *result = in->result;
    (void)names;
    result->n_columns = (uint32_t)n;
    if (result->n == in->room)
        QN_TRY(grow(in));
    const char **row = &result->values[(size_t)result->n * result->n_columns];
    for (int i = 0; i < n; i++) {
        row[i] = values[i] ? qn_arena_strdup(in->arena, qn_strv_from(values[i])) : NULL;
        if (values[i] && !row[i])
            return qn_err_nomem(in->err, "a report");
    }
    result->n++;
    return QN_OK;
}

qn_code qn_result_read(struct qn_result *result, struct qn_store *store, const char *sql,
                       const char *const *params, uint32_t n_params, struct qn_arena *arena,
                       struct qn_err *err)
{
    struct reading in = {.result = result, .arena = arena, .err = err};
    *result = (struct qn_result){0};
    return qn_store_query(store, sql, params, n_params, keep_row, &in, err);
}

const char *qn_result_text(const struct qn_result *result, uint32_t row, uint32_t column)
{
    return row < result->n ? result->values[(size_t)row * result->n_columns + column] : NULL;
}

double qn_result_number(const struct qn_result *result, uint32_t row, uint32_t column)
{
    const char *text = qn_result_text(result, row, column);
    return text ? strtod(text, NULL) : (double)NAN;
}
