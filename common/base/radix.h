/* radix: sorts by whole numbers, least significant digit first; equal ones keep their order. */
#ifndef QN_BASE_RADIX_H
#define QN_BASE_RADIX_H

#include <stddef.h>
#include <string.h>

#include "base/err.h"

QN_CHECK qn_code qn_radix_sort(uint64_t *words, size_t n, struct qn_err *err);

struct qn_radix_item {
    uint64_t key, value;
};
/* By key. */
QN_CHECK qn_code qn_radix_sort_items(struct qn_radix_item *items, size_t n, struct qn_err *err);

/* Doubles that are no NaN as whole numbers of the same order; 0 and -0 are one. */
static inline uint64_t qn_radix_of_double(double x)
{
    uint64_t bits;
    x = x == 0 ? 0 : x;
    memcpy(&bits, &x, sizeof bits);
    return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

static inline double qn_radix_to_double(uint64_t key)
{
    uint64_t bits = key >> 63 ? key & ~(UINT64_C(1) << 63) : ~key;
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

#endif
