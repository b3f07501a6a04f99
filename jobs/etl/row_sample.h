/* row_sample: whole rows of a table, those with the smallest hashes: the same whatever the order
 * of rows and the way they were cut. Texts are cut (QN_VALUES_TEXT). */
#ifndef QN_JOBS_ETL_ROW_SAMPLE_H
#define QN_JOBS_ETL_ROW_SAMPLE_H

#include "flow/job.h"
#include "jobs/etl/bottom.h"
#include "jobs/etl/colstore.h"
#include "jobs/etl/step.h"

struct qn_row_sample {
    const struct qn_schema *schema;
    struct qn_bottom bottom; /* value: a row of `columns` */
    struct qn_colstore *columns;
    uint32_t n_rows; /* of columns; some may have left the sample */
};

QN_CHECK qn_code qn_row_sample_init(struct qn_row_sample *sample, const struct qn_schema *schema,
                                    uint32_t k, struct qn_err *err);
void qn_row_sample_fini(struct qn_row_sample *sample);

/* The rows of a batch that belong to it. `first`: how many rows were before; it names rows that
 * were made, not read. */
QN_CHECK qn_code qn_row_sample_add(struct qn_row_sample *sample, const struct qn_etl_step_ctx *ctx,
                                   const struct qn_batch *batch, uint64_t first,
                                   struct qn_err *err);

void qn_row_sample_pack(struct qn_row_sample *sample, struct qn_buf *buf);
QN_CHECK qn_code qn_row_sample_merge(struct qn_row_sample *sample, struct qn_unpack *in,
                                     struct qn_err *err);

#endif
