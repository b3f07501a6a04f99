/* kernels_in: membership in a list of constants. Few items are compared one after another, many are
 * looked up in an open hash table. */
#include <string.h>

#include "base/hash.h"
#include "expr/kernels.h"

enum { LINEAR_ITEMS = 4 };

struct item {
    uint64_t bits; /* the value's bits, or the hash of a text */
    struct qn_strv text;
    bool used;
};

struct qn_set {
    enum qn_layout layout;
    struct item *items; /* the first n for a linear search, else the table */
    uint32_t n;
    uint32_t mask; /* slots - 1; 0: linear */
};

/* Equal doubles have equal bits, but for the two zeroes. */
static uint64_t f64_bits(double value)
{
    uint64_t bits;
    value = value == 0.0 ? 0.0 : value;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static struct item item_of(const struct qn_column *column, enum qn_layout layout, uint32_t row)
{
    switch (layout) {
    case QN_LAYOUT_BOOL: return (struct item){.bits = column->bools[row], .used = true};
    case QN_LAYOUT_I64: return (struct item){.bits = (uint64_t)column->i64[row], .used = true};
    case QN_LAYOUT_F64: return (struct item){.bits = f64_bits(column->f64[row]), .used = true};
    default: break;
    }
    struct qn_strv text = qn_text_at(column, row);
    return (struct item){qn_hash64(text.data ? text.data : "", text.len, 0), text, true};
}

static bool item_eq(const struct item *a, const struct item *b, bool is_text)
{
    return a->bits == b->bits && (!is_text || qn_strv_eq(a->text, b->text));
}

/* The slot that holds the item, or the free one where it belongs. */
static struct item *find(const struct qn_set *set, const struct item *item)
{
    bool is_text = set->layout == QN_LAYOUT_TEXT;
    uint64_t at = qn_mix64(item->bits);
    for (;; at++) {
        struct item *slot = &set->items[at & set->mask];
        if (!slot->used || item_eq(slot, item, is_text))
            return slot;
    }
}

/* The same among the first n items. */
static struct item *find_linear(const struct qn_set *set, const struct item *item)
{
    uint32_t i = 0;
    while (i < set->n && !item_eq(&set->items[i], item, set->layout == QN_LAYOUT_TEXT))
        i++;
    return &set->items[i];
}

struct qn_set *qn_set_new(struct qn_arena *arena, struct qn_step *const *items, uint32_t n)
{
    struct qn_set *set = QN_NEW(arena, struct qn_set);
    uint32_t slots = n;
    if (n > LINEAR_ITEMS)
        for (slots = 8; slots < n * 2;)
            slots *= 2;
    struct item *table = QN_NEW_ARRAY(arena, struct item, slots);
    if (!set || !table)
        return NULL;
    *set = (struct qn_set){.layout = qn_type_layout(items[0]->type), .items = table, .n = n};
    set->mask = n > LINEAR_ITEMS ? slots - 1 : 0;
    set->n = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct item item = item_of(&items[i]->value, set->layout, 0);
        struct item *at = set->mask ? find(set, &item) : find_linear(set, &item);
        set->n += !at->used;
        *at = item;
    }
    return set;
}

static bool put_texts(const struct item *const *items, uint32_t n, struct qn_arena *arena,
                      struct qn_column *out)
{
    size_t bytes = 0, at = 0;
    for (uint32_t i = 0; i < n; i++)
        bytes += items[i]->text.len;
    out->offsets = QN_NEW_ARRAY(arena, uint32_t, (size_t)n + 1);
    out->bytes = qn_arena_alloc(arena, bytes + 1);
    if (!out->offsets || !out->bytes || bytes > UINT32_MAX)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        if (items[i]->text.len)
            memcpy(out->bytes + at, items[i]->text.data, items[i]->text.len);
        at += items[i]->text.len;
        out->offsets[i + 1] = (uint32_t)at;
    }
    return true;
}

bool qn_set_values(const struct qn_set *set, struct qn_type type, struct qn_arena *arena,
                   struct qn_column *out, uint32_t *n)
{
    uint32_t slots = set->mask ? set->mask + 1 : set->n;
    const struct item **items = QN_NEW_ARRAY(arena, const struct item *, slots + 1U);
    *out = (struct qn_column){.type = type, .i64 = QN_NEW_ARRAY(arena, int64_t, slots + 1U)};
    *n = 0;
    if (!items || !out->i64)
        return false;
    for (uint32_t i = 0; i < slots; i++)
        if (set->items[i].used)
            items[(*n)++] = &set->items[i];
    if (set->layout == QN_LAYOUT_TEXT)
        return put_texts(items, *n, arena, out);
    for (uint32_t i = 0; i < *n; i++) /* the bits of integers and of doubles alike */
        memcpy(&out->i64[i], &items[i]->bits, sizeof items[i]->bits);
    return true;
}

static void search_linear(const struct qn_set *set, const struct qn_column *x, uint32_t n,
                          uint8_t *restrict out)
{
    for (uint32_t i = 0; i < n; i++)
        out[i] = 0;
    for (uint32_t v = 0; v < set->n; v++) {
        uint64_t bits = set->items[v].bits;
        if (set->layout == QN_LAYOUT_TEXT) { /* no item comes twice, so nothing flips back */
            qn_text_flip_equal(x, set->items[v].text, n, out);
            continue;
        }
        if (set->layout == QN_LAYOUT_I64) {
            for (uint32_t i = 0; i < n; i++)
                out[i] |= x->i64[i] == (int64_t)bits;
        } else {
            for (uint32_t i = 0; i < n; i++)
                out[i] |= item_of(x, set->layout, i).bits == bits;
        }
    }
}

qn_code qn_kernel_in(struct qn_call *call, struct qn_column *out)
{
    const struct qn_set *set = call->step->data;
    const struct qn_column *x = &call->args[0]->column;
    QN_TRY(qn_call_values(call, out));
    if (!set->mask) {
        search_linear(set, x, call->n, out->bools);
        return QN_OK;
    }
    for (uint32_t i = 0; i < call->n; i++) {
        struct item item = item_of(x, set->layout, i);
        out->bools[i] = find(set, &item)->used;
    }
    return QN_OK;
}
