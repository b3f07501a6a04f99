#include "sources/text_dictionary.h"

#include "sources/text_number.h"

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

struct qn_text_dictionary {
    struct qn_dictionary view;
    struct qn_arena *arena;
    struct qn_strv *texts; /* by code, as entries; room for half as many as there are slots */
    struct entry *entries;
    uint16_t *slots; /* code, or 0: free */
    unsigned slot_bits;
    uint64_t rows;
};

static inline uint32_t slot_of(const struct entry *e, unsigned slot_bits)
{
    uint64_t h =
        (e->low ^ (e->high * UINT64_C(0x9E3779B97F4A7C15) + e->len)) * UINT64_C(0xD6E8FEB86659FD93);
    return (uint32_t)(h >> (64 - slot_bits));
}

/* Twice the room; what was there is left to the arena. */
static bool grow(struct qn_text_dictionary *d)
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
        uint32_t slot = slot_of(&entries[code], bits);
        while (slots[slot])
            slot = (slot + 1) & (n_slots - 1);
        slots[slot] = (uint16_t)code;
    }
    return true;
}

struct qn_text_dictionary *qn_text_dictionary_new(struct qn_arena *arena)
{
    struct qn_text_dictionary *d = QN_NEW(arena, struct qn_text_dictionary);
    if (!d)
        return NULL;
    d->arena = arena;
    d->slot_bits = (unsigned)__builtin_ctz(FIRST_TEXTS);
    d->view.id = qn_dictionary_new_id();
    if (!grow(d))
        return NULL;
    d->view.n = QN_CODE_NULL + 1;
    return d;
}

const struct qn_dictionary *qn_text_dictionary_view(const struct qn_text_dictionary *dictionary)
{
    return &dictionary->view;
}

static inline struct entry entry_of(const char *at, uint32_t len)
{
    static const uint64_t kept[9] = {0,          0xFF,         0xFFFF,         0xFFFFFF,
                                     0xFFFFFFFF, 0xFFFFFFFFFF, 0xFFFFFFFFFFFF, 0xFFFFFFFFFFFFFF,
                                     UINT64_MAX};
    uint32_t low = len < 8 ? len : 8, high = (len < 16 ? len : 16) - low;
    return (struct entry){qn_text_word(at) & kept[low], qn_text_word(at + 8) & kept[high], len};
}

static inline bool is_entry(const struct entry *own, const struct entry *e, const char *own_text,
                            const char *at)
{
    if ((own->low ^ e->low) | (own->high ^ e->high) | (own->len ^ e->len))
        return false;
    return e->len <= 16 || memcmp(own_text + 16, at + 16, e->len - 16) == 0;
}

/* The text's code, or 0. */
static inline uint16_t find(const struct qn_text_dictionary *d, const struct entry *e,
                            const char *at)
{
    uint32_t slot = slot_of(e, d->slot_bits);
    uint16_t code = d->slots[slot];
    while (code && !is_entry(&d->entries[code], e, d->texts[code].data, at)) {
        slot = (slot + 1) & ((UINT32_C(1) << d->slot_bits) - 1);
        code = d->slots[slot];
    }
    return code;
}

/* 0 when the column has too many texts. */
static __attribute__((noinline)) uint16_t add(struct qn_text_dictionary *d, const struct entry *e,
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
    uint32_t slot = slot_of(e, d->slot_bits);
    while (d->slots[slot])
        slot = (slot + 1) & ((UINT32_C(1) << d->slot_bits) - 1);
    d->texts[code] = (struct qn_strv){copy, e->len};
    d->entries[code] = *e;
    d->slots[slot] = (uint16_t)code;
    d->view.n++;
    return (uint16_t)code;
}

bool qn_text_dictionary_encode(struct qn_text_dictionary *d, const char *bytes,
                               const uint32_t *offsets, const uint64_t *validity, uint32_t first,
                               uint32_t n, uint16_t *codes)
{
    struct qn_text_dictionary view = *d; /* stores to `codes` do not touch it */
    d->rows += n;
    for (uint32_t row = first; row < first + n; row++) {
        const char *at = bytes + offsets[row];
        const struct entry e = entry_of(at, offsets[row + 1] - offsets[row]);
        uint16_t code = QN_CODE_NULL;
        if (e.len || !validity || (validity[row >> 6] >> (row & 63) & 1)) {
            code = find(&view, &e, at);
            if (!code) {
                code = add(d, &e, at);
                if (!code)
                    return false;
                view = *d;
            }
        }
        codes[row] = code;
    }
    return true;
}
