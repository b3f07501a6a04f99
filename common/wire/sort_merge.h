/* sort_merge: runs of rows in order, each in a scratch file, as one. */
#ifndef QN_WIRE_SORT_MERGE_H
#define QN_WIRE_SORT_MERGE_H

#include "wire/scratch.h"
#include "wire/sort_order.h"

/* Rows of a run that are read at a time: as many runs as are merged lie in memory so. */
enum { QN_SORT_RUN_ROWS = 512 };

struct qn_sort_run {
    struct qn_scratch scratch; /* PARTITION records; it stays where it is */
    uint32_t level;            /* how often its rows were merged */
};

/* Takes rows in order, in batches of at most `rows_at_once`; they are good until it returns. */
typedef qn_code (*qn_sort_fn)(void *context, const struct qn_batch *batch, struct qn_err *err);
struct qn_sort_out {
    qn_sort_fn each;
    void *context;
    uint32_t rows_at_once;
    uint64_t most; /* rows wanted; UINT64_MAX: all */
};

/* Of rows that are equal those of earlier runs come first. The runs stay. */
QN_CHECK qn_code qn_sort_merge(const struct qn_sort_order *order, const struct qn_schema *schema,
                               struct qn_sort_run *const *runs, uint32_t n_runs,
                               const struct qn_sort_out *out, struct qn_err *err);

#endif
