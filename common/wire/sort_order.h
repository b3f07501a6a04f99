/* sort_order: the order of rows by some of their columns. Texts go by bytes, numbers by value (a
 * NaN is greater than all, zeros of both signs are equal), false before true. */
#ifndef QN_WIRE_SORT_ORDER_H
#define QN_WIRE_SORT_ORDER_H

#include "flow/batch.h"

struct qn_sort_key {
    uint32_t column;
    bool descending, nulls_first;
};

struct qn_sort_order {
    const struct qn_sort_key *keys; /* borrowed */
    uint32_t n_keys;
};

/* Less than, equal to or greater than 0: row i of a comes before, with or behind row k of b. */
int qn_sort_compare(const struct qn_sort_order *order, const struct qn_batch *a, uint32_t i,
                    const struct qn_batch *b, uint32_t k);

/* What the first key tells in one number: rows with different numbers are in their order, of rows
 * with equal ones qn_sort_compare() tells. */
uint64_t qn_sort_prefix(const struct qn_sort_order *order, const struct qn_batch *batch,
                        uint32_t row);

#endif
