/* block: a run of bytes as it travels and rests, LZ4-compressed where that pays;
 * ints: 64-bit integers as multiples of a unit above a base, in as few bytes each as they need.
 *
 *     block   u8 form (0 as is, 1 LZ4) | u32 bytes | u32 stored bytes | stored bytes
 *     ints    u8 width (0, 1, 2, 4, 8) | u32 unit | i64 base | block of n x width unless width is 0
 *
 * Reading comes in two steps, so that what is not wanted is passed over: take() finds the ends and
 * allocates nothing, open() decodes into room of a size that the caller knows beforehand. */
#ifndef QN_WIRE_BLOCK_H
#define QN_WIRE_BLOCK_H

#include "base/buf.h"
#include "base/err.h"

/* `small`: compressed where that pays; else as is. */
void qn_block_put(struct qn_buf *out, const void *bytes, size_t n, bool small);

struct qn_block {
    uint8_t form;
    uint32_t bytes; /* as it says itself, but never more than `stored` can become */
    struct qn_strv stored;
};
struct qn_block qn_block_take(struct qn_unpack *in);
/* QN_EWIRE unless it is n bytes. */
QN_CHECK qn_code qn_block_open(const struct qn_block *block, void *out, size_t n,
                               struct qn_err *err);

/* At most QN_BATCH_ROWS values, here and in open. */
void qn_ints_put(struct qn_buf *out, const int64_t *values, uint32_t n, bool small);

struct qn_ints {
    uint8_t width;
    uint32_t unit;
    int64_t base;
    struct qn_block block;
};
struct qn_ints qn_ints_take(struct qn_unpack *in);
QN_CHECK qn_code qn_ints_open(const struct qn_ints *ints, int64_t *out, uint32_t n,
                              struct qn_err *err);

#endif
