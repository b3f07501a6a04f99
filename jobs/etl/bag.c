#include "jobs/etl/bag.h"

#include <stdlib.h>

#include "jobs/etl/keys.h"

enum { FIRST_ENTRIES = 1024, MOST_ENTRIES = 1 << 30, FEW_TO_SORT = 48, TOP_BYTE = 56 };

void qn_bag_init(struct qn_bag *bag)
{
    *bag = (struct qn_bag){0};
    qn_texts_init(&bag->texts);
}

void qn_bag_fini(struct qn_bag *bag)
{
    free(bag->entries);
    free(bag->starts);
    free(bag->carries);
    qn_texts_fini(&bag->texts);
    *bag = (struct qn_bag){0};
}

void qn_bag_clear(struct qn_bag *bag)
{
    if (bag->entries)
        memset(bag->entries, 0, bag->n_entries * sizeof *bag->entries);
    free(bag->starts);
    bag->starts = NULL;
    bag->n = bag->n_carries = 0;
    qn_texts_clear(&bag->texts);
}

size_t qn_bag_bytes(const struct qn_bag *bag)
{
    return bag->n_entries * sizeof *bag->entries + bag->n_carries * sizeof *bag->carries +
           qn_texts_bytes(&bag->texts);
}

/* --- filling --------------------------------------------------------------------------------- */

static inline uint32_t place_of(uint32_t group, int64_t value)
{
    return (uint32_t)qn_hash_u64((uint64_t)value + group * UINT64_C(0xd1342543de82ef95));
}

static bool holds(uint32_t n_entries, uint64_t pairs)
{
    return pairs * 4 <= (uint64_t)n_entries * 3;
}

static qn_code make_room(struct qn_bag *bag, uint32_t more, struct qn_err *err)
{
    uint32_t n_entries = bag->n_entries ? bag->n_entries : FIRST_ENTRIES;
    while (n_entries < MOST_ENTRIES && !holds(n_entries, (uint64_t)bag->n + more))
        n_entries *= 2;
    if (!holds(n_entries, (uint64_t)bag->n + more))
        return qn_err_set(err, QN_ELIMIT, QN_BLAME_INPUT,
                          "more than 805306368 different values of an aggregate in one task; group "
                          "by more, or use approx_distinct or approx_quantile");
    if (n_entries == bag->n_entries)
        return QN_OK;
    struct qn_bag_entry *entries = calloc(n_entries, sizeof *entries);
    if (!entries)
        return qn_err_nomem(err, "values of aggregates");
    for (uint32_t i = 0; i < bag->n_entries; i++) {
        const struct qn_bag_entry *entry = &bag->entries[i];
        if (!entry->count)
            continue;
        uint32_t at = place_of(entry->group, entry->value) & (n_entries - 1);
        while (entries[at].count)
            at = (at + 1) & (n_entries - 1);
        entries[at] = *entry;
    }
    free(bag->entries);
    bag->entries = entries;
    bag->n_entries = n_entries;
    return QN_OK;
}

static qn_code carry(struct qn_bag *bag, struct qn_bag_entry *entry, uint64_t count,
                     struct qn_err *err)
{
    uint64_t times = (count - 1) / UINT32_MAX;
    struct qn_bag_carry *carries =
        realloc(bag->carries, ((size_t)bag->n_carries + 1) * sizeof *carries);
    if (!carries)
        return qn_err_nomem(err, "values of aggregates");
    bag->carries = carries;
    carries[bag->n_carries++] = (struct qn_bag_carry){entry->value, entry->group, times};
    entry->count = (uint32_t)(count - times * UINT32_MAX);
    return QN_OK;
}

qn_code qn_bag_add(struct qn_bag *bag, const uint32_t *groups, const int64_t *values,
                   const int64_t *counts, uint32_t n, bool *fresh, struct qn_err *err)
{
    uint32_t places[QN_BAG_BLOCK];
    QN_TRY(make_room(bag, n, err));
    uint32_t mask = bag->n_entries - 1;
    for (uint32_t i = 0; i < n; i++) {
        places[i] = place_of(groups[i], values[i]) & mask;
        __builtin_prefetch(&bag->entries[places[i]], 1);
    }
    for (uint32_t i = 0; i < n; i++) {
        struct qn_bag_entry *entry = &bag->entries[places[i]];
        while (entry->count && (entry->value != values[i] || entry->group != groups[i]))
            entry = entry == bag->entries + mask ? bag->entries : entry + 1;
        if (fresh)
            fresh[i] = entry->count == 0;
        bag->n += entry->count == 0;
        entry->value = values[i];
        entry->group = groups[i];
        uint64_t count = entry->count + (counts ? (uint64_t)counts[i] : 1);
        if (count > UINT32_MAX)
            QN_TRY(carry(bag, entry, count, err));
        else
            entry->count = (uint32_t)count;
    }
    return QN_OK;
}

uint64_t qn_bag_carried(const struct qn_bag *bag, const struct qn_bag_entry *entry)
{
    uint64_t times = 0;
    for (uint32_t i = 0; i < bag->n_carries; i++)
        if (bag->carries[i].value == entry->value && bag->carries[i].group == entry->group)
            times += bag->carries[i].times;
    return times * UINT32_MAX;
}

/* --- sealing --------------------------------------------------------------------------------- */

static void swap(struct qn_bag_entry *a, struct qn_bag_entry *b)
{
    struct qn_bag_entry held = *a;
    *a = *b;
    *b = held;
}

/* Entries into the order of their groups without a second copy: whoever stands where another group
 * belongs is swapped to the next free place of its own. */
static void order_by_group(struct qn_bag *bag, uint32_t n_groups, uint32_t *next)
{
    const uint32_t *starts = bag->starts;
    memcpy(next, starts, n_groups * sizeof *next);
    for (uint32_t g = 0; g < n_groups; g++)
        while (next[g] < starts[g + 1]) {
            struct qn_bag_entry *entry = &bag->entries[next[g]];
            if (entry->group == g)
                next[g]++;
            else
                swap(entry, &bag->entries[next[entry->group]++]);
        }
}

static void sort_few(struct qn_bag_entry *entries, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++) {
        struct qn_bag_entry held = entries[i];
        uint32_t at = i;
        for (; at && entries[at - 1].value > held.value; at--)
            entries[at] = entries[at - 1];
        entries[at] = held;
    }
}

static inline uint32_t digit(const struct qn_bag_entry *entry, unsigned shift)
{
    return (uint8_t)(((uint64_t)entry->value ^ (UINT64_C(1) << 63)) >> shift);
}

/* By one byte after the other from the top, in place; at most eight deep. */
static void sort_values(struct qn_bag_entry *entries, uint32_t n, unsigned shift)
{
    uint32_t starts[257] = {0}, next[256];
    if (n <= FEW_TO_SORT) {
        sort_few(entries, n);
        return;
    }
    for (uint32_t i = 0; i < n; i++)
        starts[digit(&entries[i], shift) + 1]++;
    for (uint32_t d = 0; d < 256; d++)
        starts[d + 1] += starts[d];
    memcpy(next, starts, sizeof next);
    for (uint32_t d = 0; d < 256; d++)
        while (next[d] < starts[d + 1]) {
            uint32_t at = digit(&entries[next[d]], shift);
            if (at == d)
                next[d]++;
            else
                swap(&entries[next[d]], &entries[next[at]++]);
        }
    for (uint32_t d = 0; d < 256 && shift; d++)
        if (starts[d + 1] - starts[d] > 1)
            sort_values(entries + starts[d], starts[d + 1] - starts[d], shift - 8);
}

qn_code qn_bag_seal(struct qn_bag *bag, uint32_t n_groups, bool sorted, struct qn_err *err)
{
    uint32_t kept = 0;
    free(bag->starts);
    bag->starts = calloc((size_t)n_groups + 1, sizeof *bag->starts);
    uint32_t *next = malloc(((size_t)n_groups + 1) * sizeof *next);
    if (!bag->starts || !next) {
        free(next);
        return qn_err_nomem(err, "values of aggregates");
    }
    for (uint32_t i = 0; i < bag->n_entries && kept < bag->n; i++)
        if (bag->entries[i].count) {
            bag->entries[kept] = bag->entries[i];
            bag->starts[bag->entries[kept++].group + 1]++;
        }
    for (uint32_t g = 0; g < n_groups; g++)
        bag->starts[g + 1] += bag->starts[g];
    order_by_group(bag, n_groups, next);
    free(next);
    for (uint32_t g = 0; sorted && g < n_groups; g++)
        if (qn_bag_pairs(bag, g) > 1)
            sort_values(bag->entries + bag->starts[g], qn_bag_pairs(bag, g), TOP_BYTE);
    return QN_OK;
}

/* --- values as columns ----------------------------------------------------------------------- */

static qn_code fill_texts(const struct qn_bag *bag, const struct qn_bag_entry *const *entries,
                          uint32_t n, struct qn_arena *arena, struct qn_column *out,
                          struct qn_err *err)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < n; i++)
        total += entries[i] ? qn_texts_at(&bag->texts, entries[i]->value).len : 0;
    out->bytes = total < UINT32_MAX ? qn_arena_alloc(arena, (size_t)total + 1) : NULL;
    if (!out->bytes)
        return qn_err_nomem(err, "aggregates of text");
    for (uint32_t i = 0; i < n; i++) {
        struct qn_strv text = {"", 0};
        if (entries[i])
            text = qn_texts_at(&bag->texts, entries[i]->value);
        memcpy(out->bytes + out->offsets[i], text.data, text.len);
        out->offsets[i + 1] = out->offsets[i] + (uint32_t)text.len;
    }
    return QN_OK;
}

qn_code qn_bag_column(const struct qn_bag *bag, const struct qn_bag_entry *const *entries,
                      uint32_t n, struct qn_type type, struct qn_arena *arena,
                      struct qn_column *out, struct qn_err *err)
{
    QN_TRY(qn_column_new(arena, type, n, out, err));
    out->validity = qn_validity_new(arena, n, false);
    if (!out->validity)
        return qn_err_nomem(err, "aggregates");
    enum qn_layout layout = qn_type_layout(type);
    for (uint32_t i = 0; i < n; i++) {
        if (!entries[i])
            continue;
        qn_valid_set(out->validity, i);
        if (layout == QN_LAYOUT_BOOL)
            out->bools[i] = entries[i]->value != 0;
        else if (layout == QN_LAYOUT_F64)
            out->f64[i] = qn_bag_f64(entries[i]->value);
        else if (layout == QN_LAYOUT_I64)
            out->i64[i] = entries[i]->value;
    }
    return layout == QN_LAYOUT_TEXT ? fill_texts(bag, entries, n, arena, out, err) : QN_OK;
}
