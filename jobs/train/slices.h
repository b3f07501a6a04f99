/* slices: metrics of rows that have one value in a column, such as each kind of contract. */
#ifndef QN_JOBS_TRAIN_SLICES_H
#define QN_JOBS_TRAIN_SLICES_H

#include "jobs/learn/dict.h"
#include "jobs/learn/metrics.h"
#include "jobs/train/train.h"

/* Values of a column that have a slice each, as first met; rows of further ones go together. */
enum { QN_MOST_SLICES = 200 };

/* Scores of one column's rows by value and split: [0] without a value, [1] of further values, then
 * by position in the dictionary. */
struct qn_train_slices {
    struct qn_dict values;
    struct qn_scores (*scores)[QN_N_SIDES]; /* [QN_MOST_SLICES + 2] */
};

QN_CHECK qn_code qn_train_slices_init(struct qn_train_slices *slices, struct qn_err *err);
void qn_train_slices_fini(struct qn_train_slices *slices);
QN_CHECK qn_code qn_train_slices_add(struct qn_train_slices *slices, const struct qn_column *value,
                                     uint32_t row, int side, double score, bool label,
                                     struct qn_err *err);

/* One slice of one split. */
struct qn_train_slice {
    uint32_t column; /* which of the job's slices */
    uint8_t side;
    struct qn_strv value; /* data NULL: rows without one */
    double metrics[QN_N_METRICS];
};
/* Appends those that hold rows to list[*n], which has room. */
QN_CHECK qn_code qn_train_slices_measure(struct qn_train_slices *slices, uint32_t column,
                                         struct qn_train_slice *list, uint32_t *n,
                                         struct qn_err *err);

#endif
