/* range: the least and the greatest value of a column chunk, as statistics write them. */
#ifndef QN_PARQUET_RANGE_H
#define QN_PARQUET_RANGE_H

#include "flow/schema.h"
#include "parquet/encode.h"
#include "parquet/meta.h"

/* Texts in statistics are cut to as many bytes; the greatest is then a text just past it. */
enum { QN_PQ_BOUND_BYTES = 64 };

struct qn_pq_range {
    bool is_known; /* there are values, and some that are not NaN */
    union {
        int64_t ints[2]; /* least, greatest; booleans too */
        double doubles[2];
        struct qn_strv texts[2]; /* borrowed */
    };
};

struct qn_pq_range qn_pq_range_ints(const int64_t *values, uint32_t n);
struct qn_pq_range qn_pq_range_bools(const uint8_t *values, uint32_t n);
/* NaNs count for nothing; a zero is -0 as the least and +0 as the greatest. */
struct qn_pq_range qn_pq_range_doubles(const double *values, uint32_t n);
struct qn_pq_range qn_pq_range_texts(struct qn_pq_texts texts);

/* The statistics' bytes, of QN_PQ_BOUND_BYTES at most each, with `bounds` as their memory.
 * `narrow`: the physical type is INT32. */
void qn_pq_range_write(const struct qn_pq_range *range, struct qn_type type, bool narrow,
                       uint8_t bounds[2][QN_PQ_BOUND_BYTES], struct qn_pq_statistics *out);

#endif
