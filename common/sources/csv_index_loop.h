/* csv_index_loop: the loop of csv_index, for one kind of instructions.
 *
 * Who includes it has defined `struct needles` and needles_of(dialect), look(), mask_of(),
 * past_ascii_of() and flatten(), as csv_index.c has. */
#ifndef QN_SOURCES_CSV_INDEX_LOOP_H
#define QN_SOURCES_CSV_INDEX_LOOP_H

#include "sources/csv_index.h"

/* What one block tells the next. */
struct carry {
    uint64_t inside; /* all ones: it begins inside quotes */
    uint64_t closed; /* 1: the byte before is a closing quote, */
    uint64_t ended;  /* ends a field, */
    uint64_t broke;  /* ends a record */
};

/* Bit i: whether an odd number of bits up to i is set. */
static inline uint64_t prefix_xor(uint64_t x)
{
    x ^= x << 1;
    x ^= x << 2;
    x ^= x << 4;
    x ^= x << 8;
    x ^= x << 16;
    return x ^ x << 32;
}

/* Bytes of a block that the index does not read, whatever stands around them. `inside`: quotes. */
static inline uint64_t strange_of(const struct qn_csv_dialect *d, const char *at, uint64_t inside,
                                  uint64_t after_break)
{
    uint64_t strange = mask_of(at, '\0');
    if (d->escape)
        strange |= mask_of(at, d->escape) & inside;
    if (d->comment)
        strange |= mask_of(at, d->comment) & after_break;
    return strange;
}

/* A block with more in it than plain fields and LFs: sets its ends and breaks right and returns the
 * places that the index does not read. `valid` are the bytes that are content; `last` is the last
 * of all content: what follows a CR there is not known. */
static __attribute__((noinline)) uint64_t settle(struct qn_csv_index *index,
                                                 const struct qn_csv_dialect *d, const char *at,
                                                 uint64_t valid, uint64_t last, struct block *b,
                                                 struct carry *carry)
{
    uint64_t lf = b->breaks, delimiters = b->ends & ~lf;
    uint64_t cr = mask_of(at, '\r') & valid, quote = d->quote ? mask_of(at, d->quote) & valid : 0;
    uint64_t inside = prefix_xor(quote) ^ carry->inside; /* the opening quote, not the closing */
    uint64_t open = quote & inside, close = quote & ~inside;
    uint64_t before_lf = lf >> 1 | (uint64_t)(at[64] == '\n') << 63;
    uint64_t lone_cr = cr & ~before_lf, crlf = cr & before_lf & ~inside;
    b->breaks = (lf | lone_cr) & ~inside;
    b->ends = (delimiters & ~inside) | b->breaks;
    uint64_t after_close = close << 1 | carry->closed, after_end = b->ends << 1 | carry->ended;
    uint64_t doubled = d->escape ? 0 : after_close & open;
    uint64_t bad = (after_close & ~(b->ends | crlf | doubled)) | (open & ~(after_end | doubled)) |
                   strange_of(d, at, inside, b->breaks << 1 | carry->broke) | (lone_cr & last);
    index->quoted |= quote != 0;
    index->doubled |= doubled != 0;
    index->crlf |= crlf != 0;
    index->lines_inside |= ((lf | lone_cr) & inside) != 0;
    index->past_ascii |= (past_ascii_of(at) & valid) != 0;
    *carry = (struct carry){0 - (inside >> 63), close >> 63, b->ends >> 63, b->breaks >> 63};
    return bad & valid;
}

static inline void fill(struct qn_csv_index *index, const struct qn_csv_dialect *dialect,
                        const char *bytes, size_t from, size_t len)
{
    const struct needles needles = needles_of(dialect);
    const uint32_t *full = index->ends + index->capacity;
    uint32_t *ends = index->ends, *breaks = index->breaks;
    struct carry carry = {.ended = 1, .broke = 1};
    uint64_t bad = 0;
    for (size_t at = from; at < len && ends <= full && !bad; at += 64) {
        struct block block;
        look(&needles, bytes + at, &block);
        uint64_t left = len - at, valid = left < 64 ? (UINT64_C(1) << left) - 1 : ~UINT64_C(0);
        block.ends &= valid;
        block.breaks &= valid;
        if (block.rare | carry.inside | carry.closed) {
            uint64_t last = left <= 64 ? UINT64_C(1) << (left - 1) : 0;
            bad = settle(index, dialect, bytes + at, valid, last, &block, &carry);
            if (bad) { /* what stands before it is as good as ever */
                uint64_t before = (bad & (0 - bad)) - 1;
                block.ends &= before;
                block.breaks &= before;
            }
        } else {
            carry.ended = block.ends >> 63;
            carry.broke = block.breaks >> 63;
        }
        ends = flatten(ends, block.ends, (uint32_t)at);
        breaks = flatten(breaks, block.breaks, (uint32_t)at);
    }
    index->n_ends = (uint32_t)(ends - index->ends);
    index->n_breaks = (uint32_t)(breaks - index->breaks);
}

#endif
