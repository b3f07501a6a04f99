/* row_set: how often each different row came, by 128 bits of hash, as dedupe knows rows. A NULL
 * equals a NULL. */
#ifndef QN_QUERY_ROW_SET_H
#define QN_QUERY_ROW_SET_H

#include "base/buf.h"
#include "base/hash.h"
#include "flow/batch.h"

struct qn_row_count;

struct qn_row_set {
    struct qn_row_count *slots;
    size_t n, n_slots; /* a power of two, or 0 */
    struct qn_buf key; /* bytes of the row at hand */
};

void qn_row_set_init(struct qn_row_set *set);
void qn_row_set_fini(struct qn_row_set *set);

/* The count of the batch's row, 0 when it is new; good until the next call. NULL: no memory. */
uint64_t *qn_row_set_find(struct qn_row_set *set, const struct qn_batch *batch, uint32_t row);

#endif
