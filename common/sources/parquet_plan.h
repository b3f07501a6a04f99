/* parquet_plan: what workers are told of the columns of a source, packed into its dialect. */
#ifndef QN_SOURCES_PARQUET_PLAN_H
#define QN_SOURCES_PARQUET_PLAN_H

#include "base/arena.h"
#include "base/buf.h"

/* A column of the schema, in order. */
struct qn_parquet_column {
    struct qn_strv path;         /* in the files: "a.b" */
    const struct qn_strv *nulls; /* texts that mean NULL */
    uint32_t n_nulls;
};

struct qn_parquet_plan {
    const struct qn_parquet_column *columns;
    uint32_t n_columns;
};

void qn_parquet_plan_pack(struct qn_buf *out, const struct qn_parquet_plan *plan);
/* Borrows from the bytes. QN_EWIRE unless it has n_columns. */
QN_CHECK qn_code qn_parquet_plan_unpack(struct qn_strv bytes, uint32_t n_columns,
                                        struct qn_arena *arena, struct qn_parquet_plan *out,
                                        struct qn_err *err);

#endif
