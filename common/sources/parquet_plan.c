#include "sources/parquet_plan.h"

void qn_parquet_plan_pack(struct qn_buf *out, const struct qn_parquet_plan *plan)
{
    qn_buf_put_u32(out, plan->n_columns);
    for (uint32_t i = 0; i < plan->n_columns; i++) {
        const struct qn_parquet_column *column = &plan->columns[i];
        qn_buf_put_str(out, column->path);
        qn_buf_put_u32(out, column->n_nulls);
        for (uint32_t k = 0; k < column->n_nulls; k++)
            qn_buf_put_str(out, column->nulls[k]);
    }
}

qn_code qn_parquet_plan_unpack(struct qn_strv bytes, uint32_t n_columns, struct qn_arena *arena,
                               struct qn_parquet_plan *out, struct qn_err *err)
{
    struct qn_unpack in = qn_unpack_from(bytes);
    uint32_t n = qn_unpack_count(&in, 8);
    struct qn_parquet_column *columns = QN_NEW_ARRAY(arena, struct qn_parquet_column, n + 1U);
    if (!columns)
        return qn_err_nomem(err, "Parquet columns");
    for (uint32_t i = 0; i < n; i++) {
        columns[i].path = qn_unpack_str(&in);
        columns[i].n_nulls = qn_unpack_count(&in, 4);
        struct qn_strv *nulls = QN_NEW_ARRAY(arena, struct qn_strv, columns[i].n_nulls + 1U);
        if (!nulls)
            return qn_err_nomem(err, "Parquet columns");
        for (uint32_t k = 0; k < columns[i].n_nulls; k++)
            nulls[k] = qn_unpack_str(&in);
        columns[i].nulls = nulls;
    }
    QN_TRY(qn_unpack_end(&in, "Parquet columns", err));
    if (n != n_columns)
        return qn_err_set(err, QN_EWIRE, QN_BLAME_COORDINATOR,
                          "a plan with %u Parquet columns for a schema of %u", n, n_columns);
    *out = (struct qn_parquet_plan){columns, n};
    return QN_OK;
}
