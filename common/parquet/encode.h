/* encode: values as the bytes of Parquet's encodings, without levels, headers and compression.
 *
 * Everything appends to `out`, whose `failed` says that memory ran out. The same values always give
 * the same bytes. Values are those that are there: NULLs have none. */
#ifndef QN_PARQUET_ENCODE_H
#define QN_PARQUET_ENCODE_H

#include "base/buf.h"

/* Texts as a column has them: text i is bytes[offsets[i] .. offsets[i + 1]), one after the other
 * without gaps. QN_PQ_TEXT_SLACK bytes after the last may be read. */
enum { QN_PQ_TEXT_SLACK = 16 };
struct qn_pq_texts {
    const char *bytes;
    const uint32_t *offsets;
    uint32_t n;
};

/* Bits that tell the numbers 0 .. n - 1 apart; at least 1. */
unsigned qn_pq_index_width(uint32_t n);

/* RLE / bit-packing hybrid without a length: runs where they are shorter than packing. */
void qn_pq_encode_hybrid(struct qn_buf *out, const uint32_t *values, uint32_t n, unsigned width);
/* The same of single bits, from bit `from` of a bitmap on, a multiple of 8. The bitmap is readable
 * to the end of its last word of 64. */
void qn_pq_encode_hybrid_bits(struct qn_buf *out, const uint64_t *bits, uint32_t from, uint32_t n);
/* Indexes into a dictionary of n_entries: their width, then the hybrid. */
void qn_pq_encode_indexes(struct qn_buf *out, const uint32_t *indexes, uint32_t n,
                          uint32_t n_entries);

void qn_pq_encode_plain_bools(struct qn_buf *out, const uint8_t *bools, uint32_t n);
/* With the length before it that data pages have. */
void qn_pq_encode_rle_bools(struct qn_buf *out, const uint8_t *bools, uint32_t n);

/* `narrow`: INT32, which all values fit. */
void qn_pq_encode_plain_ints(struct qn_buf *out, const int64_t *values, uint32_t n, bool narrow);
void qn_pq_encode_delta(struct qn_buf *out, const int64_t *values, uint32_t n, bool narrow);

/* BYTE_STREAM_SPLIT of values of 8 bytes. */
void qn_pq_encode_split(struct qn_buf *out, const void *values, uint32_t n);

void qn_pq_encode_plain_texts(struct qn_buf *out, struct qn_pq_texts texts);
void qn_pq_encode_delta_length(struct qn_buf *out, struct qn_pq_texts texts);
void qn_pq_encode_delta_texts(struct qn_buf *out, struct qn_pq_texts texts);

/* Numbers of 7 bits a byte, lowest first. */
static inline uint8_t *qn_pq_varint(uint8_t *to, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        *to++ = (uint8_t)(value | 0x80);
    *to++ = (uint8_t)value;
    return to;
}
enum { QN_PQ_VARINT_BYTES = 10 };

#endif
