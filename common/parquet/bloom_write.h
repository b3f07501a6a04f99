/* bloom_write: a bloom filter of the values of a column chunk. */
#ifndef QN_PARQUET_BLOOM_WRITE_H
#define QN_PARQUET_BLOOM_WRITE_H

#include "parquet/gather.h"

/* Header and blocks, appended. `values`: all of them, or the entries of a dictionary; texts are no
 * numbers. Booleans have none: nothing is appended. Memory that runs out shows in `out`. */
void qn_pq_bloom_write(const struct qn_pq_gather *values, struct qn_buf *out);

#endif
