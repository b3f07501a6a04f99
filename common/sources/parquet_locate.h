/* parquet_locate: any row of a file as a JSON object of all its columns. */
#ifndef QN_SOURCES_PARQUET_LOCATE_H
#define QN_SOURCES_PARQUET_LOCATE_H

#include "parquet/fields.h"
#include "parquet/reader.h"

/* Zero it to begin with. Quick for rows in ascending order. */
struct qn_parquet_locator {
    struct qn_pq_reader reader;
    bool open;
    struct qn_arena arena;
    struct qn_pq_field *fields;
    uint32_t n_fields;
    struct qn_column *columns; /* of the batch at hand */
    uint64_t first;            /* its first row */
    uint32_t n;
    struct qn_buf raw;
};

void qn_parquet_locator_fini(struct qn_parquet_locator *locator);

/* Good until the next call; cut off past a mebibyte. */
QN_CHECK qn_code qn_parquet_locator_find(struct qn_parquet_locator *locator,
                                         const struct qn_pq_file *file, uint64_t row,
                                         struct qn_strv *out, struct qn_err *err);

#endif
