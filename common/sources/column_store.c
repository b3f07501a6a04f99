#include "sources/column_store.h"

#include <stdlib.h>

static qn_code text_init(struct qn_column_store *store, struct qn_arena *arena)
{
    store->offsets = qn_arena_alloc(arena, ((size_t)store->capacity + 1) * sizeof(uint32_t));
    store->bytes = malloc(QN_TEXT_STRIDE);
    store->codes = qn_arena_alloc(arena, store->capacity * sizeof(uint16_t) + 1);
    store->dictionary = qn_text_dictionary_new(arena);
    if (!store->offsets || !store->bytes || !store->codes || !store->dictionary)
        return QN_ENOMEM;
    store->offsets[0] = 0;
    return QN_OK;
}

qn_code qn_column_store_init(struct qn_column_store *store, const struct qn_field *of,
                             uint32_t capacity, struct qn_arena *arena, struct qn_err *err)
{
    enum qn_layout layout = qn_type_layout(of->type);
    *store = (struct qn_column_store){.of = of, .capacity = capacity};
    store->validity = qn_arena_alloc(arena, qn_validity_words(capacity) * sizeof(uint64_t));
    if (layout != QN_LAYOUT_TEXT)
        store->values = qn_arena_alloc(arena, capacity * (layout == QN_LAYOUT_BOOL ? 1U : 8U));
    bool whole = store->validity && (layout == QN_LAYOUT_TEXT ? text_init(store, arena) == QN_OK
                                                              : store->values != NULL);
    return whole ? QN_OK : qn_err_nomem(err, "columns of a reader");
}

void qn_column_store_fini(struct qn_column_store *store)
{
    free(store->bytes);
    store->bytes = NULL;
}

void qn_column_store_set_null(struct qn_column_store *store, uint32_t row)
{
    if (!store->has_nulls) {
        memset(store->validity, 0xFF, qn_validity_words(store->capacity) * sizeof(uint64_t));
        store->has_nulls = true;
    }
    qn_valid_clear(store->validity, row);
}

void qn_column_store_move(struct qn_column_store *store, uint32_t from, uint32_t to)
{
    if (!store->values)
        return;
    if (store->of->type.id == QN_BOOL)
        ((uint8_t *)store->values)[to] = ((uint8_t *)store->values)[from];
    else
        ((int64_t *)store->values)[to] = ((int64_t *)store->values)[from];
    if (!store->has_nulls)
        return;
    if (store->validity[from >> 6] >> (from & 63) & 1)
        qn_valid_set(store->validity, to);
    else
        qn_valid_clear(store->validity, to);
}

void qn_column_store_unmark(struct qn_column_store *store, uint32_t first, uint32_t end)
{
    for (uint32_t row = first; store->has_nulls && row < end; row++)
        qn_valid_set(store->validity, row);
}

qn_code qn_column_store_reserve(struct qn_column_store *store, size_t more, struct qn_err *err)
{
    size_t want = store->bytes_len + QN_TEXT_STRIDE + more;
    if (want <= store->bytes_capacity)
        return QN_OK;
    if (want > UINT32_MAX)
        return qn_err_set(err, QN_ELIMIT, QN_BLAME_INPUT, "more than 4 GiB of text in a batch");
    size_t capacity = want < 2 * store->bytes_capacity ? 2 * store->bytes_capacity : want;
    char *grown = realloc(store->bytes, capacity);
    if (!grown)
        return qn_err_nomem(err, "texts of a reader");
    store->bytes = grown;
    store->bytes_capacity = capacity;
    return QN_OK;
}

void qn_column_store_encode(struct qn_column_store *store, uint32_t first, uint32_t n)
{
    if (store->dictionary && !qn_text_dictionary_encode(
                                 store->dictionary, store->bytes, store->offsets,
                                 store->has_nulls ? store->validity : NULL, first, n, store->codes))
        store->dictionary = NULL;
}

struct qn_column qn_column_store_view(const struct qn_column_store *store)
{
    struct qn_column column = {.type = store->of->type,
                               .validity = store->has_nulls ? store->validity : NULL,
                               .offsets = store->offsets};
    if (store->values) {
        column.i64 = store->values;
        return column;
    }
    column.bytes = store->bytes;
    column.codes = store->dictionary ? store->codes : NULL;
    column.dictionary = store->dictionary ? qn_text_dictionary_view(store->dictionary) : NULL;
    return column;
}
