/* profile_column: what one column of a result looks like: extremes, moments, distinct values. */
#ifndef QN_JOBS_ETL_PROFILE_COLUMN_H
#define QN_JOBS_ETL_PROFILE_COLUMN_H

#include "flow/batch.h"
#include "jobs/etl/moments.h"
#include "jobs/etl/values.h"

struct qn_column_profile {
    uint64_t nulls, imputed;
    bool any; /* min and max are there */
    union {
        struct {
            int64_t min_i64, max_i64;
        };
        struct {
            double min_f64, max_f64;
        };
        struct {
            uint64_t min_head, max_head;
        }; /* TEXT: first 8 bytes, to compare by */
    };
    struct qn_buf min_text, max_text;
    struct qn_moments moments; /* numeric columns */
    struct qn_values values;
};

/* Room for the columns of one batch, one after the other. */
struct qn_profile_room {
    int64_t *values; /* present ones; doubles as their bits */
    uint64_t *hashes;
    uint32_t *counts; /* QN_PROFILE_COUNTS; all zero between columns */
    struct qn_moments_room *moments;
};
enum { QN_PROFILE_COUNTS = 4096 };

/* Memory of sums that outgrow their place comes from `arena`, which lives as long as the column. */
QN_CHECK qn_code qn_column_profile_add(struct qn_column_profile *profile,
                                       const struct qn_column *column, uint32_t n_rows,
                                       struct qn_profile_room *room, struct qn_arena *arena,
                                       struct qn_err *err);

/* Up to `most` distinct values are kept. */
void qn_column_profile_init(struct qn_column_profile *profile, struct qn_type type, uint32_t most);
void qn_column_profile_fini(struct qn_column_profile *profile);

void qn_column_profile_pack(const struct qn_column_profile *profile, struct qn_type type,
                            struct qn_buf *buf);
QN_CHECK qn_code qn_column_profile_merge(struct qn_column_profile *profile, struct qn_type type,
                                         struct qn_unpack *in, struct qn_arena *arena,
                                         struct qn_err *err);

#endif
