#include "jobs/etl/texts.h"

#include <stdlib.h>
#include <string.h>

#include "jobs/etl/keys.h"

enum { FIRST_ENTRIES = 256, BLOCK = 64, SHORT_BYTES = 8 };

void qn_texts_init(struct qn_texts *texts)
{
    *texts = (struct qn_texts){0};
    qn_colstore_init(&texts->texts, (struct qn_type){.id = QN_TEXT});
}

void qn_texts_fini(struct qn_texts *texts)
{
    qn_colstore_fini(&texts->texts);
    free(texts->entries);
    *texts = (struct qn_texts){0};
}

void qn_texts_clear(struct qn_texts *texts)
{
    qn_colstore_clear(&texts->texts);
    if (texts->entries)
        memset(texts->entries, 0, texts->n_entries * sizeof *texts->entries);
}

size_t qn_texts_bytes(const struct qn_texts *texts)
{
    return qn_colstore_bytes(&texts->texts) + texts->n_entries * sizeof *texts->entries;
}

struct needle {
    struct qn_strv text;
    uint64_t hash, word;
};

static struct needle needle_of(struct qn_strv text)
{
    uint64_t word = qn_text_word(text), hash = qn_hash_text_word(text, word);
    return (struct needle){text, hash, text.len <= SHORT_BYTES ? word : hash};
}

static struct qn_texts_entry entry_of(const struct needle *needle, uint32_t number)
{
    return (struct qn_texts_entry){
        .word = needle->word, .len = (uint32_t)needle->text.len, .number = number + 1};
}

static qn_code grow(struct qn_texts *texts, struct qn_err *err)
{
    if (texts->n_entries >= UINT32_MAX / 4)
        return qn_err_set(err, QN_ELIMIT, QN_BLAME_INPUT, "more than 2^29 texts in one task");
    uint32_t n_entries = texts->n_entries ? texts->n_entries * 2 : FIRST_ENTRIES;
    struct qn_texts_entry *entries = calloc(n_entries, sizeof *entries);
    if (!entries)
        return qn_err_nomem(err, "texts");
    for (uint32_t i = 0; i < texts->texts.n; i++) {
        struct needle needle = needle_of(qn_texts_at(texts, i));
        uint32_t at = (uint32_t)needle.hash & (n_entries - 1);
        while (entries[at].number)
            at = (at + 1) & (n_entries - 1);
        entries[at] = entry_of(&needle, i);
    }
    free(texts->entries);
    texts->entries = entries;
    texts->n_entries = n_entries;
    return QN_OK;
}

static bool looks_alike(const struct qn_texts_entry *entry, const struct needle *needle)
{
    return entry->word == needle->word && entry->len == needle->text.len;
}

/* From the entry on, which is free or looks alike: the text's number, given when it is new. There
 * is room for it. */
static qn_code settle(struct qn_texts *texts, uint32_t at, const struct needle *needle,
                      const struct qn_column *column, uint32_t row, int64_t *number,
                      struct qn_err *err)
{
    for (; texts->entries[at].number; at = (at + 1) & (texts->n_entries - 1)) {
        *number = (int64_t)texts->entries[at].number - 1;
        if (looks_alike(&texts->entries[at], needle) &&
            (needle->text.len <= SHORT_BYTES ||
             qn_strv_eq(qn_texts_at(texts, *number), needle->text)))
            return QN_OK;
    }
    *number = texts->texts.n;
    texts->entries[at] = entry_of(needle, texts->texts.n);
    return qn_colstore_add(&texts->texts, column, row, err);
}

/* Where such texts stand is asked for long before they are looked at: first the entries, then
 * where the bytes of long texts begin, then the bytes. */
static qn_code number_block(struct qn_texts *texts, const struct qn_column *column,
                            const uint32_t *rows, uint32_t n, int64_t *numbers, struct qn_err *err)
{
    struct needle needles[BLOCK];
    uint32_t at[BLOCK], mask = texts->n_entries - 1;
    for (uint32_t i = 0; i < n; i++) {
        needles[i] = needle_of(qn_text_at(column, rows[i]));
        at[i] = (uint32_t)needles[i].hash & mask;
        __builtin_prefetch(&texts->entries[at[i]]);
    }
    const uint32_t *offsets = texts->texts.column.offsets;
    for (uint32_t i = 0; i < n; i++) {
        const struct qn_texts_entry *entries = texts->entries;
        while (entries[at[i]].number && !looks_alike(&entries[at[i]], &needles[i]))
            at[i] = (at[i] + 1) & mask;
        if (needles[i].text.len > SHORT_BYTES && entries[at[i]].number)
            __builtin_prefetch(&offsets[entries[at[i]].number - 1]);
    }
    for (uint32_t i = 0; i < n; i++)
        if (needles[i].text.len > SHORT_BYTES && texts->entries[at[i]].number)
            __builtin_prefetch(texts->texts.column.bytes +
                               offsets[texts->entries[at[i]].number - 1]);
    for (uint32_t i = 0; i < n; i++)
        QN_TRY(settle(texts, at[i], &needles[i], column, rows[i], &numbers[i], err));
    return QN_OK;
}

qn_code qn_texts_number(struct qn_texts *texts, const struct qn_column *column,
                        const uint32_t *rows, uint32_t n, int64_t *numbers, struct qn_err *err)
{
    for (uint32_t first = 0; first < n; first += BLOCK) {
        uint32_t few = n - first < BLOCK ? n - first : BLOCK;
        while ((uint64_t)(texts->texts.n + few) * 2 > texts->n_entries)
            QN_TRY(grow(texts, err));
        QN_TRY(number_block(texts, column, rows + first, few, numbers + first, err));
    }
    return QN_OK;
}
