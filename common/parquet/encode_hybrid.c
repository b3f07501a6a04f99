/* Bit-packing, and RLE where it is shorter: levels, booleans, indexes into dictionaries. */
#include <string.h>

#include "parquet/encode.h"
#include "parquet/pack.h"

enum { GROUP = 8 }; /* values that packing goes by */

unsigned qn_pq_index_width(uint32_t n)
{
    return n <= 2 ? 1 : 32 - (unsigned)__builtin_clz(n - 1);
}

static size_t packed_bytes(uint32_t n, unsigned width)
{
    return ((size_t)n + GROUP - 1) / GROUP * width;
}

/* `to` has room for a whole block more. */
static uint8_t *pack(uint8_t *to, const uint32_t *values, uint32_t n, unsigned width)
{
    uint32_t i = 0;
    for (; n - i >= QN_PQ_PACK; i += QN_PQ_PACK, to += QN_PQ_PACK / GROUP * (size_t)width)
        qn_pq_pack32(to, values + i, width);
    if (i < n) {
        uint32_t rest[QN_PQ_PACK] = {0};
        memcpy(rest, values + i, (n - i) * sizeof *rest);
        qn_pq_pack32(to, rest, width);
    }
    return to + packed_bytes(n - i, width);
}

/* --- numbers --------------------------------------------------------------------------------- */

static inline bool is_run(const uint32_t *v)
{
    return v[0] == v[7] && v[0] == v[1] && v[0] == v[2] && v[0] == v[3] && v[0] == v[4] &&
           v[0] == v[5] && v[0] == v[6];
}

static uint32_t run_length(const uint32_t *values, uint32_t from, uint32_t n)
{
    uint32_t i = from + 1;
    while (i < n && values[i] == values[from])
        i++;
    return i - from;
}

static uint8_t *put_packed_run(uint8_t *to, const uint32_t *values, uint32_t n, unsigned width)
{
    if (!n)
        return to;
    to = qn_pq_varint(to, (uint64_t)((n + GROUP - 1) / GROUP) << 1 | 1);
    return pack(to, values, n, width);
}

static uint8_t *put_run(uint8_t *to, uint32_t value, uint32_t n, unsigned width)
{
    to = qn_pq_varint(to, (uint64_t)n << 1);
    for (unsigned bit = 0; bit < width; bit += 8)
        *to++ = (uint8_t)(value >> bit);
    return to;
}

/* What a run has to be long, for it costs its own head and that of the packed run after it. */
static uint32_t shortest_run(unsigned width)
{
    uint32_t head_bits = 8 * (3 + (width + 7) / 8);
    return (head_bits / width + GROUP) / GROUP * GROUP;
}

void qn_pq_encode_hybrid(struct qn_buf *out, const uint32_t *values, uint32_t n, unsigned width)
{
    /* A run takes no more than packing its values would, but for the heads at both ends. */
    uint8_t *to = qn_buf_reserve(out, packed_bytes(n, width) + 4 * (size_t)width +
                                          4 * (size_t)QN_PQ_VARINT_BYTES);
    if (!to)
        return;
    const uint32_t shortest = shortest_run(width);
    uint32_t done = 0, i = 0; /* values [done, i) wait to be packed: whole groups */
    while (n - i >= GROUP) {
        uint32_t run = is_run(values + i) ? run_length(values, i, n) : 0;
        if (run < shortest && run < n - i) {
            i += run > GROUP ? run / GROUP * GROUP : GROUP;
            continue;
        }
        to = put_packed_run(to, values + done, i - done, width);
        to = put_run(to, values[i], run, width);
        done = i += run;
    }
    to = put_packed_run(to, values + done, n - done, width);
    out->len = (size_t)(to - out->data);
}

void qn_pq_encode_indexes(struct qn_buf *out, const uint32_t *indexes, uint32_t n,
                          uint32_t n_entries)
{
    unsigned width = qn_pq_index_width(n_entries);
    qn_buf_put_u8(out, (uint8_t)width);
    qn_pq_encode_hybrid(out, indexes, n, width);
}

/* --- bits ------------------------------------------------------------------------------------ */

enum { SHORTEST_BIT_RUN = 4 }; /* bytes of bits: a run takes two or three, and the next head */

static uint32_t count_ones(const uint8_t *bytes, uint32_t n)
{
    uint32_t ones = 0;
    for (uint32_t i = 0; i < n / 8; i++)
        ones += (uint32_t)__builtin_popcount(bytes[i]);
    if (n % 8)
        ones += (uint32_t)__builtin_popcount(bytes[n / 8] & ((1U << n % 8) - 1));
    return ones;
}

static uint32_t byte_run(const uint8_t *bytes, uint32_t from, uint32_t n)
{
    uint32_t i = from + 1;
    while (i < n && bytes[i] == bytes[from])
        i++;
    return i - from;
}

static void put_bit_run(struct qn_buf *out, bool bit, uint32_t n)
{
    uint8_t head[QN_PQ_VARINT_BYTES + 1];
    uint8_t *to = put_run(head, bit, n, 1);
    qn_buf_put(out, head, (size_t)(to - head));
}

/* `n_bits` of them; the last byte is filled up with zeros. */
static void put_packed_bits(struct qn_buf *out, const uint8_t *bytes, uint32_t n_bits)
{
    uint8_t head[QN_PQ_VARINT_BYTES];
    if (!n_bits)
        return;
    qn_buf_put(out, head,
               (size_t)(qn_pq_varint(head, (uint64_t)((n_bits + 7) / 8) << 1 | 1) - head));
    qn_buf_put(out, bytes, n_bits / 8);
    if (n_bits % 8)
        qn_buf_put_u8(out, (uint8_t)(bytes[n_bits / 8] & ((1U << n_bits % 8) - 1)));
}

void qn_pq_encode_hybrid_bits(struct qn_buf *out, const uint64_t *bits, uint32_t from, uint32_t n)
{
    const uint8_t *bytes = (const uint8_t *)bits + from / 8;
    uint32_t ones = count_ones(bytes, n), done = 0, i = 0;
    if (n && (ones == 0 || ones == n)) {
        put_bit_run(out, ones, n);
        return;
    }
    while (i < n / 8) { /* runs of whole bytes */
        uint32_t run = byte_run(bytes, i, n / 8);
        if (run >= SHORTEST_BIT_RUN && (bytes[i] == 0 || bytes[i] == 0xFF)) {
            put_packed_bits(out, bytes + done, (i - done) * 8);
            put_bit_run(out, bytes[i] & 1, run * 8);
            done = i + run;
        }
        i += run;
    }
    put_packed_bits(out, bytes + done, n - done * 8);
}

/* --- booleans -------------------------------------------------------------------------------- */

/* Eight bytes of 0 or 1 as the bits of a byte, the first lowest: each of the factor's bits moves
 * one of them to the top byte. */
static inline uint8_t bits_of(uint64_t bools)
{
    return (uint8_t)(bools * UINT64_C(0x0102040810204080) >> 56);
}

void qn_pq_encode_plain_bools(struct qn_buf *out, const uint8_t *bools, uint32_t n)
{
    uint8_t *to = qn_buf_reserve(out, (size_t)n / 8 + 1);
    if (!to)
        return;
    uint64_t eight;
    for (uint32_t i = 0; i + 8 <= n; i += 8) {
        memcpy(&eight, bools + i, 8);
        *to++ = bits_of(eight);
    }
    if (n % 8) {
        eight = 0;
        memcpy(&eight, bools + n / 8 * 8, n % 8);
        *to++ = bits_of(eight);
    }
    out->len = (size_t)(to - out->data);
}

void qn_pq_encode_rle_bools(struct qn_buf *out, const uint8_t *bools, uint32_t n)
{
    struct qn_buf bits = {0};
    size_t head = out->len;
    qn_pq_encode_plain_bools(&bits, bools, n);
    qn_buf_put_u64(&bits, 0); /* to the end of a word */
    qn_buf_put_u32(out, 0);
    if (!bits.failed && !out->failed) {
        qn_pq_encode_hybrid_bits(out, (const uint64_t *)(const void *)bits.data, 0, n);
        uint32_t n_bytes = (uint32_t)(out->len - head - sizeof n_bytes);
        memcpy(out->data + head, &n_bytes, sizeof n_bytes);
    }
    out->failed |= bits.failed;
    qn_buf_fini(&bits);
}
