#include "parquet/distinct.h"

#include <string.h>

#include "base/hash.h"

enum {
    SAMPLE = 2048,
    SAMPLE_SLOTS = 4096,
    FIRST_SLOTS = 1024,
    RANGE_PER_VALUE = 2,  /* a table by value where integers lie as dense as that */
    PROBES_PER_VALUE = 32 /* more, and the values were made to collide */
};

void qn_pq_distinct_fini(struct qn_pq_distinct *distinct)
{
    qn_buf_fini(&distinct->slots);
    qn_buf_fini(&distinct->indexes);
    qn_buf_fini(&distinct->firsts);
    qn_buf_fini(&distinct->words);
    *distinct = (struct qn_pq_distinct){0};
}

/* --- how many about -------------------------------------------------------------------------- */

/* Different ones among the sample's hashes, of which none is 0. */
struct sample {
    uint64_t slots[SAMPLE_SLOTS];
    uint32_t n, n_distinct;
};

static void sample_add(struct sample *sample, uint64_t hash)
{
    uint32_t slot = (uint32_t)(hash >> 52);
    sample->n++;
    hash |= 1;
    while (sample->slots[slot] && sample->slots[slot] != hash)
        slot = (slot + 1) % SAMPLE_SLOTS;
    sample->n_distinct += !sample->slots[slot];
    sample->slots[slot] = hash;
}

/* How many of `all` values, equally frequent, come up in `draws`. Multiplications alone, so that it
 * is the same on every machine: all (1 - (1 - 1 / all) ^ draws). */
static double come_up(double all, uint32_t draws)
{
    double left = 1, power = 1 - 1 / all;
    for (; draws; draws >>= 1) {
        if (draws & 1)
            left *= power;
        power *= power;
    }
    return all * (1 - left);
}

/* As many as would show as many in the sample, found by halving. */
static uint32_t all_from_sample(const struct sample *sample, uint32_t n)
{
    if (sample->n == n)
        return sample->n_distinct;
    double low = sample->n_distinct, high = 4.0 * n;
    for (int step = 0; step < 40; step++) {
        double middle = (low + high) / 2;
        if (come_up(middle, sample->n) < sample->n_distinct)
            low = middle;
        else
            high = middle;
    }
    return (uint32_t)come_up(high, n);
}

/* Which value is the k-th of the sample. */
static uint32_t sampled(uint32_t k, uint32_t n)
{
    return n <= SAMPLE ? k : (uint32_t)((uint64_t)k * n / SAMPLE);
}

uint32_t qn_pq_distinct_estimate_words(const uint64_t *words, uint32_t n)
{
    struct sample sample = {0};
    for (uint32_t k = 0; k < (n < SAMPLE ? n : SAMPLE); k++)
        sample_add(&sample, qn_mix64(words[sampled(k, n)]));
    return all_from_sample(&sample, n);
}

uint32_t qn_pq_distinct_estimate_indexes(const uint32_t *indexes, uint32_t n)
{
    struct sample sample = {0};
    for (uint32_t k = 0; k < (n < SAMPLE ? n : SAMPLE); k++)
        sample_add(&sample, qn_mix64(indexes[sampled(k, n)]));
    return all_from_sample(&sample, n);
}

uint32_t qn_pq_distinct_estimate_texts(struct qn_pq_texts texts)
{
    struct sample sample = {0};
    for (uint32_t k = 0; k < (texts.n < SAMPLE ? texts.n : SAMPLE); k++) {
        uint32_t i = sampled(k, texts.n);
        sample_add(&sample, qn_hash64(texts.bytes + texts.offsets[i],
                                      texts.offsets[i + 1] - texts.offsets[i], 0));
    }
    return all_from_sample(&sample, texts.n);
}

/* --- tables ---------------------------------------------------------------------------------- */

static uint32_t *u32s(const struct qn_buf *buf)
{
    return (uint32_t *)(void *)buf->data;
}

static uint64_t *u64s(const struct qn_buf *buf)
{
    return (uint64_t *)(void *)buf->data;
}

static bool room(struct qn_buf *buf, size_t n, size_t size)
{
    qn_buf_clear(buf);
    if (!qn_buf_reserve(buf, n * size + 1))
        return false;
    buf->len = n * size;
    return true;
}

static bool free_slots(struct qn_buf *slots, size_t n)
{
    if (!room(slots, n, sizeof(uint32_t)))
        return false;
    memset(slots->data, 0, slots->len);
    return true;
}

/* Room for `most` different ones among n. */
static bool begin(struct qn_pq_distinct *d, uint32_t n, uint32_t most)
{
    d->n = 0;
    return room(&d->indexes, n, sizeof(uint32_t)) && room(&d->firsts, most, sizeof(uint32_t)) &&
           room(&d->words, most, sizeof(uint64_t));
}

struct table {
    uint32_t *slots;
    unsigned bits;
    uint64_t probes_left;
};

static inline uint32_t slot_of(uint64_t word, unsigned bits)
{
    return (uint32_t)(word * UINT64_C(0x9E3779B97F4A7C15) >> (64 - bits));
}

/* Twice the slots, filled anew by what `words` says: hashes of texts, or the values. */
static bool grow(struct qn_pq_distinct *d, struct table *table)
{
    table->bits++;
    uint32_t n_slots = UINT32_C(1) << table->bits;
    if (!free_slots(&d->slots, n_slots))
        return false;
    table->slots = u32s(&d->slots);
    for (uint32_t k = 0; k < d->n; k++) {
        uint32_t slot = slot_of(u64s(&d->words)[k], table->bits);
        while (table->slots[slot])
            slot = (slot + 1) & (n_slots - 1);
        table->slots[slot] = k + 1;
    }
    return true;
}

static bool begin_table(struct qn_pq_distinct *d, struct table *table, uint32_t n)
{
    *table = (struct table){.bits = (unsigned)__builtin_ctz(FIRST_SLOTS) - 1,
                            .probes_left = (uint64_t)n * PROBES_PER_VALUE + FIRST_SLOTS};
    return grow(d, table);
}

/* Takes the value as the next number; false when there are too many. */
static inline bool take(struct qn_pq_distinct *d, struct table *table, uint32_t slot, uint64_t word,
                        uint32_t value, uint32_t most)
{
    if (d->n == most)
        return false;
    u64s(&d->words)[d->n] = word;
    u32s(&d->firsts)[d->n] = value;
    table->slots[slot] = ++d->n;
    return d->n < UINT32_C(1) << (table->bits - 1) || grow(d, table);
}

/* --- numbers --------------------------------------------------------------------------------- */

bool qn_pq_distinct_words(struct qn_pq_distinct *d, const uint64_t *words, uint32_t n,
                          uint32_t most)
{
    struct table table;
    if (!begin(d, n, most) || !begin_table(d, &table, n))
        return false;
    uint32_t *indexes = u32s(&d->indexes);
    const uint64_t *known = u64s(&d->words);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t mask = (UINT32_C(1) << table.bits) - 1, slot = slot_of(words[i], table.bits);
        uint32_t held;
        while ((held = table.slots[slot]) && known[held - 1] != words[i]) {
            slot = (slot + 1) & mask;
            if (--table.probes_left == 0)
                return false;
        }
        if (!held && !take(d, &table, slot, words[i], i, most))
            return false;
        indexes[i] = held ? held - 1 : d->n - 1;
    }
    return true;
}

bool qn_pq_distinct_ints(struct qn_pq_distinct *d, const int64_t *ints, uint32_t n, uint32_t most,
                         int64_t least, int64_t greatest)
{
    uint64_t range = (uint64_t)greatest - (uint64_t)least;
    if (range >= (uint64_t)n * RANGE_PER_VALUE)
        return qn_pq_distinct_words(d, (const uint64_t *)ints, n, most);
    if (!begin(d, n, most) || !free_slots(&d->slots, range + 1))
        return false;
    uint32_t *slots = u32s(&d->slots), *indexes = u32s(&d->indexes);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t *slot = &slots[(uint64_t)ints[i] - (uint64_t)least];
        if (!*slot) {
            if (d->n == most)
                return false;
            u32s(&d->firsts)[d->n] = i;
            u64s(&d->words)[d->n] = (uint64_t)ints[i];
            *slot = ++d->n;
        }
        indexes[i] = *slot - 1;
    }
    return true;
}

/* --- texts ----------------------------------------------------------------------------------- */

/* A text of up to 8 bytes is its bytes; longer ones hash. */
static inline uint64_t text_word(const char *text, uint32_t len)
{
    uint64_t first, last;
    if (len > 16)
        return qn_hash64(text, len, 0);
    memcpy(&first, text, 8); /* the slack allows it */
    if (len < 8)
        return len ? first << (64 - 8 * len) ^ len : 0;
    memcpy(&last, text + len - 8, 8);
    return qn_mix64(first) ^ (last + len);
}

static inline bool same_text(struct qn_pq_texts texts, uint32_t a, uint32_t b)
{
    uint32_t len = texts.offsets[a + 1] - texts.offsets[a];
    if (len != texts.offsets[b + 1] - texts.offsets[b])
        return false;
    const char *x = texts.bytes + texts.offsets[a], *y = texts.bytes + texts.offsets[b];
    return memcmp(x, y, len) == 0;
}

bool qn_pq_distinct_texts(struct qn_pq_distinct *d, struct qn_pq_texts texts, uint32_t most)
{
    struct table table;
    if (!begin(d, texts.n, most) || !begin_table(d, &table, texts.n))
        return false;
    uint32_t *indexes = u32s(&d->indexes);
    const uint64_t *known = u64s(&d->words);
    for (uint32_t i = 0; i < texts.n; i++) {
        uint64_t word =
            text_word(texts.bytes + texts.offsets[i], texts.offsets[i + 1] - texts.offsets[i]);
        uint32_t mask = (UINT32_C(1) << table.bits) - 1, slot = slot_of(word, table.bits);
        uint32_t held;
        while ((held = table.slots[slot]) &&
               (known[held - 1] != word || !same_text(texts, u32s(&d->firsts)[held - 1], i))) {
            slot = (slot + 1) & mask;
            if (--table.probes_left == 0)
                return false;
        }
        if (!held && !take(d, &table, slot, word, i, most))
            return false;
        indexes[i] = held ? held - 1 : d->n - 1;
    }
    return true;
}
