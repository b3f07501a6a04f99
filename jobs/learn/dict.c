#include "jobs/learn/dict.h"

#include <stdlib.h>

#include "base/hash.h"

void qn_dict_init(struct qn_dict *dict)
{
    *dict = (struct qn_dict){0};
    qn_arena_init(&dict->arena);
}

void qn_dict_fini(struct qn_dict *dict)
{
    qn_arena_fini(&dict->arena);
    free(dict->entries);
    free(dict->slots);
    qn_dict_init(dict);
}

/* The slot that holds the text, or the free one where it belongs. */
static uint32_t slot_of(const struct qn_dict *dict, struct qn_strv text)
{
    uint64_t hash = qn_hash64(text.data ? text.data : "", text.len, 0);
    uint32_t mask = dict->n_slots - 1, slot = (uint32_t)hash & mask;
    while (dict->slots[slot] && !qn_strv_eq(dict->entries[dict->slots[slot] - 1].text, text))
        slot = (slot + 1) & mask;
    return slot;
}

uint32_t qn_dict_find(const struct qn_dict *dict, struct qn_strv text)
{
    return dict->n ? dict->slots[slot_of(dict, text)] - 1 : QN_DICT_NONE; /* 0 - 1 is NONE */
}

static void fill_slots(struct qn_dict *dict)
{
    memset(dict->slots, 0, dict->n_slots * sizeof *dict->slots);
    for (uint32_t i = 0; i < dict->n; i++)
        dict->slots[slot_of(dict, dict->entries[i].text)] = i + 1;
}

static qn_code grow(struct qn_dict *dict, struct qn_err *err)
{
    uint32_t capacity = dict->capacity ? dict->capacity * 2 : 16;
    struct qn_dict_entry *entries = realloc(dict->entries, capacity * sizeof *entries);
    if (!entries)
        return qn_err_nomem(err, "a dictionary of categories");
    dict->entries = entries;
    uint32_t *slots = malloc((size_t)capacity * 4 * sizeof *slots);
    if (!slots)
        return qn_err_nomem(err, "a dictionary of categories");
    free(dict->slots);
    dict->slots = slots;
    dict->n_slots = capacity * 4; /* at most a quarter full */
    dict->capacity = capacity;
    fill_slots(dict);
    return QN_OK;
}

qn_code qn_dict_add(struct qn_dict *dict, struct qn_strv text, uint32_t limit, uint32_t *position,
                    struct qn_err *err)
{
    *position = qn_dict_find(dict, text);
    if (*position != QN_DICT_NONE)
        return QN_OK;
    if (dict->n >= limit)
        return QN_ELIMIT;
    if (dict->n == dict->capacity)
        QN_TRY(grow(dict, err));
    char *copy = qn_arena_strdup(&dict->arena, text);
    if (!copy)
        return qn_err_nomem(err, "a dictionary of categories");
    struct qn_strv kept = {copy, text.len};
    dict->slots[slot_of(dict, kept)] = dict->n + 1;
    dict->entries[dict->n] = (struct qn_dict_entry){.text = kept};
    *position = dict->n++;
    return QN_OK;
}

static int by_text(const void *a, const void *b)
{
    return qn_strv_cmp(((const struct qn_dict_entry *)a)->text,
                       ((const struct qn_dict_entry *)b)->text);
}

void qn_dict_sort(struct qn_dict *dict)
{
    if (dict->n == 0)
        return;
    qsort(dict->entries, dict->n, sizeof *dict->entries, by_text);
    fill_slots(dict);
}

const struct qn_dict_entry *qn_dict_top(const struct qn_dict *dict)
{
    const struct qn_dict_entry *top = NULL;
    for (uint32_t i = 0; i < dict->n; i++) {
        const struct qn_dict_entry *entry = &dict->entries[i];
        uint64_t rows = entry->rows[0] + entry->rows[1];
        uint64_t most = top ? top->rows[0] + top->rows[1] : 0;
        if (!top || rows > most || (rows == most && qn_strv_cmp(entry->text, top->text) < 0))
            top = entry;
    }
    return top;
}

void qn_dict_pack(struct qn_buf *out, const struct qn_dict *dict)
{
    qn_buf_put_u32(out, dict->n);
    for (uint32_t i = 0; i < dict->n; i++) {
        qn_buf_put_str(out, dict->entries[i].text);
        qn_buf_put_u64(out, dict->entries[i].rows[0]);
        qn_buf_put_u64(out, dict->entries[i].rows[1]);
    }
}

qn_code qn_dict_merge(struct qn_dict *dict, struct qn_unpack *in, uint32_t limit,
                      struct qn_err *err)
{
    uint32_t n = qn_unpack_count(in, 20);
    for (uint32_t i = 0; i < n && !in->failed; i++) {
        struct qn_strv text = qn_unpack_str(in);
        uint64_t negative = qn_unpack_u64(in), positive = qn_unpack_u64(in);
        if (negative > UINT32_MAX || positive > UINT32_MAX)
            in->failed = true; /* more rows than a chunk can hold */
        if (in->failed)
            break;
        uint32_t position;
        QN_TRY(qn_dict_add(dict, text, limit, &position, err));
        dict->entries[position].rows[0] += negative;
        dict->entries[position].rows[1] += positive;
    }
    return QN_OK;
}
