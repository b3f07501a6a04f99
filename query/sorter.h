/* sorter: rows in the order of some keys; equal ones as they came. With a limit it keeps little
 * more than the rows that can still be among the first. */
#ifndef QN_QUERY_SORTER_H
#define QN_QUERY_SORTER_H

#include "flow/batch.h"
#include "query/query.h"

struct qn_sorter_row {
    uint32_t batch, row;
};

struct qn_sorter {
    const struct qn_schema *schema; /* of the rows; borrowed */
    const struct qn_query_key *keys;
    uint32_t n_keys;
    uint64_t most;         /* rows wanted; UINT64_MAX: all */
    uint64_t memory_bytes; /* what it may take */
    struct qn_arena arena; /* of the batches */
    struct qn_batch *batches;
    uint32_t n_batches, capacity;
    uint64_t n_rows;
    struct qn_sorter_row *order;
};

void qn_sorter_init(struct qn_sorter *sorter, const struct qn_schema *schema,
                    const struct qn_query_key *keys, uint32_t n_keys, uint64_t most,
                    uint64_t memory_bytes);
void qn_sorter_fini(struct qn_sorter *sorter);

/* Copies the rows. QN_ELIMIT: they do not fit. */
QN_CHECK qn_code qn_sorter_add(struct qn_sorter *sorter, const struct qn_batch *batch,
                               struct qn_err *err);
/* In order, in batches of at most QN_BATCH_ROWS rows. */
typedef qn_code (*qn_sorter_fn)(void *context, const struct qn_batch *batch, struct qn_err *err);
QN_CHECK qn_code qn_sorter_each(struct qn_sorter *sorter, qn_sorter_fn each, void *context,
                                struct qn_err *err);

#endif
