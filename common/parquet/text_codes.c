#include "parquet/text_codes.h"

#include "base/hash.h"

enum { SLOTS = 2 * QN_DICTIONARY_TEXTS };

struct qn_pq_texts {
    struct qn_dictionary view;
    struct qn_arena *arena;
    struct qn_strv texts[QN_DICTIONARY_TEXTS];
    uint16_t slots[SLOTS]; /* code, or 0: free */
};

struct qn_pq_texts *qn_pq_texts_new(struct qn_arena *arena)
{
    struct qn_pq_texts *texts = QN_NEW(arena, struct qn_pq_texts);
    if (!texts)
        return NULL;
    texts->arena = arena;
    texts->view = (struct qn_dictionary){
        .id = qn_dictionary_new_id(), .n = QN_CODE_NULL + 1, .texts = texts->texts};
    return texts;
}

/* The text's code, made when there is none; 0: there is no room. */
static uint16_t code_of(struct qn_pq_texts *texts, struct qn_strv text)
{
    uint32_t slot = (uint32_t)qn_hash64(text.data, text.len, 0) % SLOTS;
    for (; texts->slots[slot]; slot = (slot + 1) % SLOTS)
        if (qn_strv_eq(texts->texts[texts->slots[slot]], text))
            return texts->slots[slot];
    if (texts->view.n == QN_DICTIONARY_TEXTS)
        return 0;
    char *copy = qn_arena_strdup(texts->arena, text);
    if (!copy)
        return 0;
    uint16_t code = (uint16_t)texts->view.n++;
    texts->texts[code] = (struct qn_strv){copy, text.len};
    texts->slots[slot] = code;
    return code;
}

bool qn_pq_texts_add(struct qn_pq_texts *texts, const char *bytes, const uint32_t *offsets,
                     uint32_t n, uint16_t *codes)
{
    for (uint32_t i = 0; i < n; i++) {
        codes[i] =
            code_of(texts, (struct qn_strv){bytes + offsets[i], offsets[i + 1] - offsets[i]});
        if (!codes[i])
            return false;
    }
    return true;
}

const struct qn_dictionary *qn_pq_texts_view(const struct qn_pq_texts *texts)
{
    return &texts->view;
}
