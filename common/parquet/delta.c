#include "parquet/delta.h"

enum { STEP = 64, MAX_MINIS = 1024, MAX_BLOCK_VALUES = 1 << 20 };

static bool take_varint(struct qn_pq_delta *delta, uint64_t *out)
{
    *out = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (delta->at >= delta->end)
            return false;
        uint8_t byte = *delta->at++;
        *out |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return true;
    }
    return false;
}

static bool take_zigzag(struct qn_pq_delta *delta, uint64_t *out)
{
    uint64_t value;
    if (!take_varint(delta, &value))
        return false;
    *out = value >> 1 ^ (~(value & 1) + 1);
    return true;
}

bool qn_pq_delta_open(struct qn_pq_delta *delta, struct qn_strv bytes)
{
    const uint8_t *at = (const uint8_t *)bytes.data;
    uint64_t block, minis;
    *delta = (struct qn_pq_delta){.at = at, .end = at + bytes.len};
    if (!take_varint(delta, &block) || !take_varint(delta, &minis) ||
        !take_varint(delta, &delta->left) || !take_zigzag(delta, &delta->value))
        return false;
    if (block == 0 || block > MAX_BLOCK_VALUES || minis == 0 || minis > MAX_MINIS ||
        block % minis || block / minis % 32)
        return false;
    delta->block_values = (uint32_t)block;
    delta->n_minis = (uint32_t)minis;
    delta->mini_values = (uint32_t)(block / minis);
    delta->mini = delta->n_minis; /* a block comes first */
    return true;
}

/* Where the next difference is: opens blocks and parts as they come. */
static bool find_part(struct qn_pq_delta *delta)
{
    if (delta->mini < delta->n_minis && delta->taken == delta->mini_values) {
        delta->at += (size_t)delta->mini_values / 8 * delta->widths[delta->mini];
        delta->mini++;
        delta->taken = 0;
    }
    if (delta->mini == delta->n_minis) {
        if (!take_zigzag(delta, &delta->min) || (size_t)(delta->end - delta->at) < delta->n_minis)
            return false;
        delta->widths = delta->at;
        delta->at += delta->n_minis;
        delta->mini = 0;
        delta->taken = 0;
    }
    if (delta->taken)
        return true;
    /* Writers may cut the last part short: only what is taken must be there. */
    unsigned width = delta->widths[delta->mini];
    uint64_t n = delta->left < delta->mini_values ? delta->left : delta->mini_values;
    return width <= 64 && (n * width + 7) / 8 <= (uint64_t)(delta->end - delta->at) &&
           (delta->left <= delta->mini_values ||
            (uint64_t)delta->mini_values / 8 * width <= (uint64_t)(delta->end - delta->at));
}

static void add_up(struct qn_pq_delta *delta, uint32_t n, int64_t *out)
{
    uint64_t steps[STEP], value = delta->value;
    unsigned width = delta->widths[delta->mini];
    if (width == 0) {
        for (uint32_t i = 0; i < n; i++)
            out[i] = (int64_t)(value += delta->min);
    } else {
        qn_pq_unpack64(delta->at, (uint64_t)delta->taken * width, width, n, steps);
        for (uint32_t i = 0; i < n; i++)
            out[i] = (int64_t)(value += delta->min + steps[i]);
    }
    delta->value = value;
}

bool qn_pq_delta_take(struct qn_pq_delta *delta, uint32_t n, int64_t *out)
{
    uint32_t done = 0;
    if (n > delta->left)
        return false;
    if (n && !delta->started) {
        out[done++] = (int64_t)delta->value;
        delta->started = true;
        delta->left--;
    }
    while (done < n) {
        if (!find_part(delta))
            return false;
        uint32_t k = delta->mini_values - delta->taken;
        k = k < STEP ? k : STEP;
        k = k < n - done ? k : n - done;
        add_up(delta, k, out + done);
        delta->taken += k;
        delta->left -= k;
        done += k;
    }
    return true;
}

bool qn_pq_delta_pass(struct qn_pq_delta *delta)
{
    if (delta->left && !delta->started) {
        delta->started = true;
        delta->left--;
    }
    while (delta->left) {
        if (!find_part(delta))
            return false;
        uint64_t k = delta->mini_values - delta->taken;
        k = k < delta->left ? k : delta->left;
        delta->taken += (uint32_t)k;
        delta->left -= k;
    }
    if (delta->mini < delta->n_minis && delta->taken) { /* the part is whole, if only in name */
        uint64_t bytes = (uint64_t)delta->mini_values / 8 * delta->widths[delta->mini];
        uint64_t rest = (uint64_t)(delta->end - delta->at);
        delta->at += bytes < rest ? bytes : rest;
    }
    return true;
}
