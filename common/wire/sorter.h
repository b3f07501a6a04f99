/* sorter: rows in the order of some keys; equal ones as they came. What does not fit in memory is
 * set aside in order, as runs in scratch files that are merged at the end. With a limit only rows
 * that can still be among the first are kept. */
#ifndef QN_WIRE_SORTER_H
#define QN_WIRE_SORTER_H

#include "wire/sort_merge.h"

struct qn_sorter_options {
    const struct qn_schema *schema; /* of the rows; borrowed, as the keys are */
    struct qn_sort_order order;     /* without keys: as they came */
    uint64_t most;                  /* rows wanted; UINT64_MAX: all */
    uint64_t spare_rows;   /* kept past these before some are let go; 0: as many as is quick */
    uint64_t memory_bytes; /* what rows may take before they go to a file */
    const char *folder;    /* where scratch goes; borrowed */
};

struct qn_sorter_row {
    uint64_t prefix; /* see sort_order.h */
    uint32_t batch, row;
};

struct qn_sorter {
    struct qn_sorter_options options;
    struct qn_arena arena; /* of the batches */
    struct qn_batch *batches;
    uint32_t n_batches, capacity;
    uint64_t n_rows; /* in memory */
    struct qn_sorter_row *rows;
    bool cut; /* memory holds the first rows in order: what comes behind its last is not wanted */
    uint32_t n_cut_batches; /* of them */
    struct qn_sort_run **runs;
    uint32_t n_runs, runs_capacity;
};

void qn_sorter_init(struct qn_sorter *sorter, const struct qn_sorter_options *options);
void qn_sorter_fini(struct qn_sorter *sorter);

/* Where the row is to the last of those that were wanted when some were let go last: less than 0
 * before it, 0 equal to it, else behind it. Before any were: less than 0. */
int qn_sorter_against_last(const struct qn_sorter *sorter, const struct qn_batch *batch,
                           uint32_t row);

/* Copies the rows. */
QN_CHECK qn_code qn_sorter_add(struct qn_sorter *sorter, const struct qn_batch *batch,
                               struct qn_err *err);
/* Lets go of rows that are not wanted, now. */
QN_CHECK qn_code qn_sorter_settle(struct qn_sorter *sorter, struct qn_err *err);
/* All of them in order, in batches of at most QN_BATCH_ROWS rows. Once. */
QN_CHECK qn_code qn_sorter_each(struct qn_sorter *sorter, qn_sort_fn each, void *context,
                                struct qn_err *err);

#endif
