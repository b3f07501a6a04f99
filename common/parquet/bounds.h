/* bounds: what the statistics of row groups prove about the values of a column. */
#ifndef QN_PARQUET_BOUNDS_H
#define QN_PARQUET_BOUNDS_H

#include "parquet/file.h"

/* A flat column of nothing but NULL. */
bool qn_pq_has_no_values(const struct qn_pq_file *file, const struct qn_pq_node *node);

/* All values of a column whose type is wider than ours (UINT64, decimals past 18 digits) fit in 63
 * bits or 18 digits. */
bool qn_pq_values_fit(const struct qn_pq_file *file, const struct qn_pq_node *leaf);

#endif
