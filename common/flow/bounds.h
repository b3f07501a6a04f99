/* bounds: what the values of a column lie between, and how many are NULL: by it files are passed
 * over that cannot hold a wanted row.
 *
 * Merging is exact, associative and commutative. Texts are kept to QN_BOUND_TEXT bytes: a
 * least text cut short is still at most any value, a greatest one that is cut is not told. */
#ifndef QN_FLOW_BOUNDS_H
#define QN_FLOW_BOUNDS_H

#include "base/buf.h"
#include "flow/batch.h"

enum { QN_BOUND_TEXT = 64 };

struct qn_bound_text {
    uint8_t len;
    char data[QN_BOUND_TEXT];
};

struct qn_bounds {
    uint64_t nulls;
    bool some;                /* a value was seen */
    bool unordered;           /* a NaN was: nothing can be told */
    bool max_cut;             /* the greatest text is longer than what is kept of it */
    int64_t min_i64, max_i64; /* of BOOL too */
    double min_f64, max_f64;
    struct qn_bound_text min_text, max_text;
};

void qn_bounds_init(struct qn_bounds *bounds);
void qn_bounds_add(struct qn_bounds *bounds, const struct qn_column *column, uint32_t n_rows);
void qn_bounds_merge(struct qn_bounds *bounds, struct qn_type type, const struct qn_bounds *more);

/* Least and greatest as qn_value_format writes values; false when not told. */
bool qn_bounds_min(const struct qn_bounds *bounds, struct qn_type type, struct qn_buf *out);
bool qn_bounds_max(const struct qn_bounds *bounds, struct qn_type type, struct qn_buf *out);

void qn_bounds_pack(const struct qn_bounds *bounds, struct qn_type type, struct qn_buf *out);
/* What does not unpack fails in `in`. */
void qn_bounds_unpack(struct qn_unpack *in, struct qn_type type, struct qn_bounds *out);

#endif
