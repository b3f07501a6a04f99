/* profile_histogram: how the values of a column are spread, from a sample of its rows. */
#ifndef QN_JOBS_ETL_PROFILE_HISTOGRAM_H
#define QN_JOBS_ETL_PROFILE_HISTOGRAM_H

#include "base/arena.h"
#include "jobs/etl/cell.h"

enum { QN_HISTOGRAM_BINS = 20 };

/* JSON array of [low, high, values] for bins of equal width from min to max, in the column's type;
 * whole numbers and dates with few steps between the ends have a bin a step. A value is in the bin
 * with low <= value < high, the largest in the last. NULL for types that have no distance, for ends
 * that are not finite, and out of memory. ranks: of the values (qn_cell_rank), ascending. */
const char *qn_profile_histogram(struct qn_arena *arena, struct qn_type type, const uint64_t *ranks,
                                 uint32_t n, struct qn_cell min, struct qn_cell max);

#endif
