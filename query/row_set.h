/* row_set: how often each different row came, by 128 bits of hash, as dedupe knows rows. A NULL
 * equals a NULL.
 *
 * It keeps within its memory: where there are more rows than it holds, it counts those whose hashes
 * lie in a range from `first` on, and narrows the range as it fills. The rows are to be shown again
 * for each range that follows. */
#ifndef QN_QUERY_ROW_SET_H
#define QN_QUERY_ROW_SET_H

#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"
#include "flow/batch.h"

struct qn_row_count;

struct qn_row_set {
    struct qn_row_count *slots;
    size_t n, n_slots; /* a power of two, or 0 */
    size_t most_slots;
    uint64_t first, last; /* the range, of hash.high */
    struct qn_buf key;    /* bytes of the row at hand */
};

/* All hashes are in its range. */
void qn_row_set_init(struct qn_row_set *set, uint64_t memory_bytes);
void qn_row_set_fini(struct qn_row_set *set);

/* The count of the batch's row, 0 when it is new; good until the next call. NULL: it is not in the
 * range. */
QN_CHECK qn_code qn_row_set_find(struct qn_row_set *set, const struct qn_batch *batch, uint32_t row,
                                 uint64_t **count, struct qn_err *err);
/* Empty, for the next range. False: there is none. */
bool qn_row_set_next(struct qn_row_set *set);

#endif
