/* guard's inside, for jobs/learn/guard*.c only. */
#ifndef QN_JOBS_LEARN_GUARD_INTERNAL_H
#define QN_JOBS_LEARN_GUARD_INTERNAL_H

#include "jobs/learn/guard.h"
#include "jobs/learn/twins.h"

enum {
    ROWS_KEPT = 5000,
    ROWS_KEPT_LEAST = 200,
    CELLS_KEPT = 500000, /* of all features: 4 MB */
    LONGEST_EXAMPLE = 64
};

/* No value; of doubles, a NaN that no number is. */
#define QN_GUARD_NONE UINT64_MAX

/* A row of the sample. */
enum { CELL_HASH, CELL_LABEL, CELL_VALUES };

/* Whole numbers of all training rows, in their order. */
struct run {
    uint64_t rows;
    int64_t first, last;
    bool rising, falling; /* strictly */
};

struct late {
    uint64_t rows, after; /* with a date, and a date after the label's time */
    char *key;            /* of the first such row */
};

struct qn_guard {
    const struct qn_guard_plan *plan;
    uint64_t *cells; /* [n][width]: rows of the sample, of which the k lowest are kept */
    uint32_t n, capacity, k, width;
    uint64_t highest;      /* of the hashes, once k rows are settled; 0 before */
    struct run *runs;      /* by feature */
    struct late *late;     /* by date */
    struct qn_twins twins; /* by features */
    struct qn_twins keys;  /* by key; empty unless they are watched */
    double *numbers;       /* [n_features][n_numbers]: of one batch */
    uint32_t n_numbers;
};

/* Sorts the sample and cuts it to what is kept. */
QN_CHECK qn_code qn_guard_settle(struct qn_guard *guard, struct qn_err *err);

static inline uint64_t *qn_guard_row(const struct qn_guard *guard, uint32_t row)
{
    return guard->cells + (size_t)row * guard->width;
}

#endif
