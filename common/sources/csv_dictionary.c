#include "sources/csv_dictionary.h"

#include <stdatomic.h>

#include "sources/csv_number.h"

enum {
    FIRST_TEXTS = 64,  /* room at first */
    LONGEST = 64,      /* bytes of a text: longer ones are prose, of which there is much */
    FREE_TEXTS = 64,   /* so many may be new, */
    ROWS_PER_TEXT = 16 /* and one more for so many rows: else numbering costs more than it saves */
};

struct entry {
    uint64_t low, high; /* the first 16 bytes, zeroes after the text's end */
    uint32_t len;
};

struct qn_csv_dictionary {
    struct qn_dictionary view;
    struct qn_arena *arena;
    struct qn_strv *texts; /* by code, as entries; room for half as many as there are slots */
    struct entry *entries;
    uint16_t *slots; /* code, or 0: free */
    unsigned slot_bits;
    uint64_t rows;
};

static inline uint32_t slot_of(const struct qn_csv_dictionary *d, const struct entry *e)
{
    uint64_t h =
        (e->low ^ (e->high * UINT64_C(0x9E3779B97F4A7C15) + e->len)) * UINT64_C(0xD6E8FEB86659FD93);
    return (uint32_t)(h >> (64 - d->slot_bits));
}

/* Twice the room; what was there is left to the arena. */
static bool grow(struct qn_csv_dictionary *d)
{
    unsigned bits = d->slot_bits + 1;
    uint32_t n_slots = UINT32_C(1) << bits, n = d->view.n;
    struct qn_strv *texts = QN_NEW_ARRAY(d->arena, struct qn_strv, n_slots / 2);
    struct entry *entries = QN_NEW_ARRAY(d->arena, struct entry, n_slots / 2);
    uint16_t *slots = QN_NEW_ARRAY(d->arena, uint16_t, n_slots);
    if (!texts || !entries || !slots)
        return false;
    if (n) {
        memcpy(texts, d->texts, n * sizeof *texts);
        memcpy(entries, d->entries, n * sizeof *entries);
    }
    d->texts = texts;
    d->entries = entries;
    d->slots = slots;
    d->slot_bits = bits;
    d->view.texts = texts;
    for (uint32_t code = QN_CODE_NULL + 1; code < n; code++) {
        uint32_t slot = slot_of(d, &entries[code]);
        while (slots[slot])
            slot = (slot + 1) & (n_slots - 1);
        slots[slot] = (uint16_t)code;
    }
    return true;
}

struct qn_csv_dictionary *qn_csv_dictionary_new(struct qn_arena *arena)
{
    static atomic_uint_fast64_t last_id;
    struct qn_csv_dictionary *d = QN_NEW(arena, struct qn_csv_dictionary);
    if (!d)
        return NULL;
    d->arena = arena;
    d->slot_bits = (unsigned)__builtin_ctz(FIRST_TEXTS);
    d->view.id = atomic_fetch_add(&last_id, 1) + 1;
    if (!grow(d))
        return NULL;
    d->view.n = QN_CODE_NULL + 1;
    return d;
}

const struct qn_dictionary *qn_csv_dictionary_view(const struct qn_csv_dictionary *dictionary)
{
    return &dictionary->view;
}

static inline struct entry entry_of(const char *at, uint32_t len)
{
    struct entry e = {.len = len};
    uint32_t low = len < 8 ? len : 8, high = len < 16 ? len - low : 8;
    e.low = low ? qn_csv_word(at) << (64 - 8 * low) : 0;
    e.high = high ? qn_csv_word(at + 8) << (64 - 8 * high) : 0;
    return e;
}

static inline bool is_entry(const struct qn_csv_dictionary *d, uint16_t code, const struct entry *e,
                            const char *at)
{
    const struct entry *own = &d->entries[code];
    return own->low == e->low && own->high == e->high && own->len == e->len &&
           (e->len <= 16 || memcmp(d->texts[code].data + 16, at + 16, e->len - 16) == 0);
}

/* 0 when the column has too many texts. */
static __attribute__((noinline)) uint16_t add(struct qn_csv_dictionary *d, const struct entry *e,
                                              const char *at)
{
    uint32_t code = d->view.n;
    if (code == QN_DICTIONARY_TEXTS || e->len > LONGEST ||
        code > FREE_TEXTS + d->rows / ROWS_PER_TEXT ||
        (code == UINT32_C(1) << (d->slot_bits - 1) && !grow(d)))
        return 0;
    char *copy = qn_arena_strdup(d->arena, (struct qn_strv){at, e->len});
    if (!copy)
        return 0;
    uint32_t slot = slot_of(d, e);
    while (d->slots[slot])
        slot = (slot + 1) & ((UINT32_C(1) << d->slot_bits) - 1);
    d->texts[code] = (struct qn_strv){copy, e->len};
    d->entries[code] = *e;
    d->slots[slot] = (uint16_t)code;
    d->view.n++;
    return (uint16_t)code;
}

bool qn_csv_dictionary_encode(struct qn_csv_dictionary *d, const char *bytes,
                              const uint32_t *offsets, const uint64_t *validity, uint32_t first,
                              uint32_t n, uint16_t *codes)
{
    d->rows += n;
    for (uint32_t row = first; row < first + n; row++) {
        const char *at = bytes + offsets[row];
        const struct entry e = entry_of(at, offsets[row + 1] - offsets[row]);
        if (e.len == 0 && validity && !(validity[row >> 6] >> (row & 63) & 1)) {
            codes[row] = QN_CODE_NULL;
            continue;
        }
        uint32_t slot = slot_of(d, &e);
        uint16_t code = d->slots[slot];
        while (code && !is_entry(d, code, &e, at)) {
            slot = (slot + 1) & ((UINT32_C(1) << d->slot_bits) - 1);
            code = d->slots[slot];
        }
        if (!code && !(code = add(d, &e, at)))
            return false;
        codes[row] = code;
    }
    return true;
}
