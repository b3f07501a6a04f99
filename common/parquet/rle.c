#include "parquet/rle.h"

enum { BLOCK = 256 };

/* --- runs ------------------------------------------------------------------------------------ */

static bool take_header(struct qn_pq_rle *rle, uint32_t *out)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 35; shift += 7) {
        if (rle->at >= rle->end)
            return false;
        uint8_t byte = *rle->at++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            *out = (uint32_t)value;
            return value <= UINT32_MAX;
        }
    }
    return false;
}

/* The next run that is not empty. */
static bool next_run(struct qn_pq_rle *rle)
{
    while (rle->left == 0) {
        uint32_t header;
        if (!take_header(rle, &header))
            return false;
        size_t rest = (size_t)(rle->end - rle->at), bytes = (rle->width + 7) / 8;
        rle->packed = header & 1;
        rle->skipped = 0;
        if (rle->packed) {
            /* Writers may cut the last eight short. */
            uint64_t n = (uint64_t)(header >> 1) * 8;
            uint64_t there = rle->width ? (uint64_t)rest * 8 / rle->width : n;
            n = n < there ? n : there;
            rle->left = n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
            if (!rle->left && header >> 1)
                return false;
        } else {
            if (bytes > rest)
                return false;
            uint32_t kept = bytes == 4 ? UINT32_MAX : (UINT32_C(1) << (8 * bytes)) - 1;
            rle->value = qn_pq_load32(rle->at) & kept;
            rle->at += bytes;
            rle->left = header >> 1;
            if (rle->width < 32 && rle->value >> rle->width)
                return false;
        }
    }
    return true;
}

/* The packed bytes of a run that was taken whole end where its eights end. */
static void pass_packed(struct qn_pq_rle *rle, uint32_t n)
{
    uint32_t place = rle->skipped + n;
    uint64_t bytes = (uint64_t)(place / 8) * rle->width;
    rle->left -= n;
    if (rle->left == 0 && place % 8)
        bytes += rle->width;
    rle->skipped = place % 8;
    size_t rest = (size_t)(rle->end - rle->at);
    rle->at += bytes < rest ? bytes : rest;
}

static void take_packed(struct qn_pq_rle *rle, uint32_t n, uint32_t *out)
{
    uint32_t done = 0, eight[8];
    const uint8_t *at = rle->at;
    if (rle->skipped) {
        done = 8 - rle->skipped < n ? 8 - rle->skipped : n;
        qn_pq_unpack32(at, rle->width, 8, eight);
        memcpy(out, eight + rle->skipped, done * sizeof *out);
        at += rle->width;
    }
    if (done < n)
        qn_pq_unpack32(at, rle->width, n - done, out + done);
    pass_packed(rle, n);
}

/* --- from the top ---------------------------------------------------------------------------- */

static bool take_from_top(struct qn_pq_rle *rle, uint32_t n, uint32_t *out)
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t value = 0;
        for (unsigned k = 0; k < rle->width; k++) {
            if (rle->at >= rle->end)
                return false;
            value = value << 1 | (*rle->at >> (7 - rle->skipped) & 1U);
            rle->skipped = (rle->skipped + 1) % 8; /* here: bits */
            rle->at += rle->skipped == 0;
        }
        out[i] = value;
    }
    return true;
}

/* --- for callers ----------------------------------------------------------------------------- */

bool qn_pq_rle_take(struct qn_pq_rle *rle, uint32_t n, uint32_t *out)
{
    if (rle->from_top)
        return take_from_top(rle, n, out);
    for (uint32_t done = 0; done < n;) {
        if (!rle->left && !next_run(rle))
            return false;
        uint32_t k = rle->left < n - done ? rle->left : n - done;
        if (rle->packed) {
            take_packed(rle, k, out + done);
        } else {
            for (uint32_t i = 0; i < k; i++)
                out[done + i] = rle->value;
            rle->left -= k;
        }
        done += k;
    }
    return true;
}

uint32_t qn_pq_rle_same(struct qn_pq_rle *rle, uint32_t n, uint32_t *value)
{
    if (rle->from_top || (!rle->left && !next_run(rle)) || rle->packed)
        return 0;
    *value = rle->value;
    return rle->left < n ? rle->left : n;
}

void qn_pq_rle_pass(struct qn_pq_rle *rle, uint32_t n)
{
    rle->left -= n;
}

static void set_bits(uint64_t *bits, uint32_t first, uint32_t n, bool value)
{
    for (uint32_t i = first; i < first + n;) {
        uint32_t k = 64 - i % 64 < first + n - i ? 64 - i % 64 : first + n - i;
        uint64_t mask = (k == 64 ? UINT64_MAX : (UINT64_C(1) << k) - 1) << (i % 64);
        bits[i / 64] = value ? bits[i / 64] | mask : bits[i / 64] & ~mask;
        i += k;
    }
}

/* Packed single bits are the bitmap, but for where they begin. */
static uint32_t copy_bits(struct qn_pq_rle *rle, uint32_t n, uint64_t *bits, uint32_t first)
{
    uint32_t wanted = 0;
    for (uint32_t done = 0; done < n;) {
        uint32_t to = (first + done) % 64, from = rle->skipped + done;
        uint32_t k = 56 < 64 - to ? 56 : 64 - to; /* what one load holds of use */
        k = k < n - done ? k : n - done;
        uint64_t mask = (UINT64_C(1) << k) - 1;
        uint64_t word = qn_pq_load64(rle->at + from / 8) >> (from % 8) & mask;
        uint64_t *out = &bits[(first + done) / 64];
        *out = (*out & ~(mask << to)) | word << to;
        wanted += (uint32_t)__builtin_popcountll(word);
        done += k;
    }
    pass_packed(rle, n);
    return wanted;
}

static bool match_each(struct qn_pq_rle *rle, uint32_t n, uint32_t wanted, uint64_t *bits,
                       uint32_t first, uint32_t *n_wanted)
{
    uint32_t numbers[BLOCK];
    for (uint32_t done = 0; done < n;) {
        uint32_t k = n - done < BLOCK ? n - done : BLOCK;
        if (!qn_pq_rle_take(rle, k, numbers))
            return false;
        for (uint32_t i = 0; i < k; i++) {
            uint32_t row = first + done + i;
            uint64_t bit = UINT64_C(1) << (row % 64);
            if (numbers[i] > wanted)
                return false;
            *n_wanted += numbers[i] == wanted;
            bits[row / 64] = numbers[i] == wanted ? bits[row / 64] | bit : bits[row / 64] & ~bit;
        }
        done += k;
    }
    return true;
}

bool qn_pq_rle_match(struct qn_pq_rle *rle, uint32_t n, uint32_t wanted, uint64_t *bits,
                     uint32_t first, uint32_t *n_wanted)
{
    *n_wanted = 0;
    if (rle->from_top)
        return match_each(rle, n, wanted, bits, first, n_wanted);
    for (uint32_t done = 0; done < n;) {
        if (!rle->left && !next_run(rle))
            return false;
        uint32_t k = rle->left < n - done ? rle->left : n - done;
        if (!rle->packed) {
            if (rle->value > wanted)
                return false;
            set_bits(bits, first + done, k, rle->value == wanted);
            *n_wanted += rle->value == wanted ? k : 0;
            rle->left -= k;
        } else if (rle->width == 1 && wanted == 1) {
            *n_wanted += copy_bits(rle, k, bits, first + done);
        } else {
            uint32_t more = 0;
            if (!match_each(rle, k, wanted, bits, first + done, &more))
                return false;
            *n_wanted += more;
        }
        done += k;
    }
    return true;
}
