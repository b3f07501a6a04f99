/* rank: positions of rows by score or hash. */
#ifndef QN_JOBS_LEARN_RANK_H
#define QN_JOBS_LEARN_RANK_H

#include <stdint.h>

#include "base/err.h"

/* Into order[n]: rows from the lowest score to the highest, equal ones in the order they have. */
QN_CHECK qn_code qn_rank_order(const double *scores, uint32_t n, uint32_t *order,
                               struct qn_err *err);
/* The same of whole numbers, each `stride` words after the one before. */
QN_CHECK qn_code qn_rank_words(const uint64_t *words, uint32_t stride, uint32_t n, uint32_t *order,
                               struct qn_err *err);

#endif
