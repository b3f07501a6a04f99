/* moments: mean and standard deviation of a numeric column from exact sums, so that neither order
 * nor the way rows were cut matters to the last bit: what avg() and stddev() of it give. */
#ifndef QN_JOBS_ETL_MOMENTS_H
#define QN_JOBS_ETL_MOMENTS_H

#include "base/sum.h"
#include "flow/schema.h"

struct qn_moments {
    uint64_t n;            /* values */
    qn_u128 whole;         /* INT64, DECIMAL (unscaled): their sum, in two's complement */
    struct qn_sum sum;     /* DOUBLE */
    struct qn_sum squares; /* of all three, unscaled */
};

/* Room for qn_moments_add_f64, all zero; it leaves it so. */
struct qn_moments_room;
struct qn_moments_room *qn_moments_room_new(struct qn_arena *arena);

/* The arena given to these lives as long as the moments. `reach`: no value's magnitude is above. */
QN_CHECK qn_code qn_moments_add_i64(struct qn_moments *moments, const int64_t *values, uint32_t n,
                                    uint64_t reach, struct qn_arena *arena, struct qn_err *err);
/* `values`: the bits of doubles. */
QN_CHECK qn_code qn_moments_add_f64(struct qn_moments *moments, const int64_t *values, uint32_t n,
                                    struct qn_moments_room *room, struct qn_arena *arena,
                                    struct qn_err *err);

void qn_moments_pack(const struct qn_moments *moments, struct qn_type type, struct qn_buf *buf);
QN_CHECK qn_code qn_moments_merge(struct qn_moments *moments, struct qn_type type,
                                  struct qn_unpack *in, struct qn_arena *arena, struct qn_err *err);

/* NaN for none; the deviation is a sample's (by n - 1): NaN for one. */
double qn_moments_mean(const struct qn_moments *moments, struct qn_type type);
double qn_moments_stddev(const struct qn_moments *moments, struct qn_type type);

#endif
