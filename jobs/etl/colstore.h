/* colstore: a column that grows and owns its memory: group keys, the sides of joins, samples. */
#ifndef QN_JOBS_ETL_COLSTORE_H
#define QN_JOBS_ETL_COLSTORE_H

#include "flow/batch.h"
#include "jobs/etl/cell.h"
#include "wire/mapping.h"

struct qn_colstore {
    struct qn_column column; /* as a column of n rows; its validity is always there */
    uint32_t n, capacity;    /* rows */
    size_t bytes_capacity;   /* TEXT */
    uint32_t width;          /* TEXT, of any rows: what all have, or QN_TEXTS_DIFFER */
    bool has_nulls;
    struct qn_colfile *file; /* where its arrays are, instead of memory; NULL: there */
};

struct qn_colfile {
    const char *folder; /* borrowed */
    struct qn_mapping values, validity, offsets;
};

void qn_colstore_init(struct qn_colstore *store, struct qn_type type);
void qn_colstore_fini(struct qn_colstore *store);
void qn_colstore_clear(struct qn_colstore *store);                /* keeps the memory */
void qn_colstore_truncate(struct qn_colstore *store, uint32_t n); /* to the first n rows */
void qn_colstore_fit(struct qn_colstore *store); /* gives back what more rows would need */

/* Appends one value of a column of the same layout. */
QN_CHECK qn_code qn_colstore_add(struct qn_colstore *store, const struct qn_column *from,
                                 uint32_t row, struct qn_err *err);
/* Appends rows [0, n_rows) of a column. */
QN_CHECK qn_code qn_colstore_add_all(struct qn_colstore *store, const struct qn_column *from,
                                     uint32_t n_rows, struct qn_err *err);
QN_CHECK qn_code qn_colstore_add_cell(struct qn_colstore *store, struct qn_cell cell,
                                      struct qn_err *err);

/* Moves what it holds, and what is appended from now on, to files in `folder` (borrowed). */
QN_CHECK qn_code qn_colstore_to_file(struct qn_colstore *store, const char *folder,
                                     struct qn_err *err);

/* What it holds, good until the next append. Validity is NULL when there are no NULLs. */
struct qn_column qn_colstore_view(const struct qn_colstore *store);

/* Memory held. */
size_t qn_colstore_bytes(const struct qn_colstore *store);

#endif
