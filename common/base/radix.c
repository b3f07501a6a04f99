#include "base/radix.h"

#include <stdbool.h>
#include <stdlib.h>

/* Counters of many digits take longer to sum up than a few items take to move. */
enum { FEW = 4096, DIGIT_BITS = 11, DIGIT_BITS_OF_FEW = 8 };

/* `width` words an item, of which the first is the key; it is a constant where this is inlined. */
static inline bool stand_sorted(const uint64_t *items, size_t n, size_t width)
{
    for (size_t i = 1; i < n; i++)
        if (items[i * width] < items[(i - 1) * width])
            return false;
    return true;
}

/* One pass; false when all items have the same digit there, and nothing was moved. */
static inline bool move_by_digit(const uint64_t *from, size_t n, size_t width, unsigned shift,
                                 unsigned bits, uint64_t *to)
{
    size_t starts[1 << DIGIT_BITS], digits = (size_t)1 << bits, sum = 0;
    memset(starts, 0, digits * sizeof *starts);
    for (size_t i = 0; i < n; i++)
        starts[from[i * width] >> shift & (digits - 1)]++;
    if (starts[from[0] >> shift & (digits - 1)] == n)
        return false;
    for (size_t d = 0; d < digits; d++) {
        size_t here = starts[d];
        starts[d] = sum;
        sum += here;
    }
    for (size_t i = 0; i < n; i++) {
        size_t place = starts[from[i * width] >> shift & (digits - 1)]++;
        memcpy(to + place * width, from + i * width, width * sizeof *to);
    }
    return true;
}

static inline qn_code sort(uint64_t *items, size_t n, size_t width, struct qn_err *err)
{
    if (stand_sorted(items, n, width))
        return QN_OK;
    uint64_t *room = malloc(n * width * sizeof *room), *from = items, *to = room;
    if (!room)
        return qn_err_nomem(err, "sorting");
    unsigned bits = n < FEW ? DIGIT_BITS_OF_FEW : DIGIT_BITS;
    for (unsigned shift = 0; shift < 64; shift += bits)
        if (move_by_digit(from, n, width, shift, bits, to)) {
            uint64_t *swap = from;
            from = to;
            to = swap;
        }
    if (from != items)
        memcpy(items, from, n * width * sizeof *items);
    free(room);
    return QN_OK;
}

qn_code qn_radix_sort(uint64_t *words, size_t n, struct qn_err *err)
{
    return sort(words, n, 1, err);
}

_Static_assert(sizeof(struct qn_radix_item) == 2 * sizeof(uint64_t), "a key and a value");

qn_code qn_radix_sort_items(struct qn_radix_item *items, size_t n, struct qn_err *err)
{
    return sort((uint64_t *)items, n, 2, err);
}
