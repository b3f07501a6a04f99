#include "jobs/etl/texts.h"

#include <stdlib.h>
#include <string.h>

#include "jobs/etl/keys.h"

enum { FIRST_ENTRIES = 256, BLOCK = 64, TAG_SHIFT = 32 };

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

static qn_code grow(struct qn_texts *texts, struct qn_err *err)
{
    if (texts->n_entries >= UINT32_MAX / 4)
        return qn_err_set(err, QN_ELIMIT, QN_BLAME_INPUT, "more than 2^29 texts in one task");
    uint32_t n_entries = texts->n_entries ? texts->n_entries * 2 : FIRST_ENTRIES;
    struct qn_texts_entry *entries = calloc(n_entries, sizeof *entries);
    if (!entries)
        return qn_err_nomem(err, "texts");
    for (uint32_t i = 0; i < texts->texts.n; i++) {
        uint64_t hash = qn_hash_text(qn_texts_at(texts, i));
        uint32_t at = (uint32_t)hash & (n_entries - 1);
        while (entries[at].number)
            at = (at + 1) & (n_entries - 1);
        entries[at] = (struct qn_texts_entry){(uint32_t)(hash >> TAG_SHIFT), i + 1};
    }
    free(texts->entries);
    texts->entries = entries;
    texts->n_entries = n_entries;
    return QN_OK;
}

/* There is room for it. */
static qn_code number_of(struct qn_texts *texts, const struct qn_column *column, uint32_t row,
                         uint64_t hash, int64_t *number, struct qn_err *err)
{
    uint32_t mask = texts->n_entries - 1, at = (uint32_t)hash & mask;
    uint32_t tag = (uint32_t)(hash >> TAG_SHIFT);
    struct qn_strv text = qn_text_at(column, row);
    for (; texts->entries[at].number; at = (at + 1) & mask) {
        *number = (int64_t)texts->entries[at].number - 1;
        if (texts->entries[at].tag == tag && qn_strv_eq(qn_texts_at(texts, *number), text))
            return QN_OK;
    }
    QN_TRY(qn_colstore_add(&texts->texts, column, row, err));
    texts->entries[at] = (struct qn_texts_entry){tag, texts->texts.n};
    *number = (int64_t)texts->texts.n - 1;
    return QN_OK;
}

qn_code qn_texts_number(struct qn_texts *texts, const struct qn_column *column,
                        const uint32_t *rows, uint32_t n, int64_t *numbers, struct qn_err *err)
{
    uint64_t hashes[BLOCK];
    for (uint32_t first = 0; first < n; first += BLOCK) {
        uint32_t few = n - first < BLOCK ? n - first : BLOCK;
        while ((uint64_t)(texts->texts.n + few) * 2 > texts->n_entries)
            QN_TRY(grow(texts, err));
        for (uint32_t i = 0; i < few; i++) {
            hashes[i] = qn_hash_text(qn_text_at(column, rows[first + i]));
            __builtin_prefetch(&texts->entries[(uint32_t)hashes[i] & (texts->n_entries - 1)]);
        }
        for (uint32_t i = 0; i < few; i++)
            QN_TRY(number_of(texts, column, rows[first + i], hashes[i], &numbers[first + i], err));
    }
    return QN_OK;
}
