/* rank: positions of rows by score. */
#ifndef QN_JOBS_LEARN_RANK_H
#define QN_JOBS_LEARN_RANK_H

#include <stdint.h>

#include "base/err.h"

/* Into order[n]: rows from the lowest score to the highest, equal ones in the order they have.
 * Scores are not negative. */
QN_CHECK qn_code qn_rank_order(const double *scores, uint32_t n, uint32_t *order,
                               struct qn_err *err);

#endif
