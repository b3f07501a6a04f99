#include "jobs/learn/categories.h"

#include <stdlib.h>

qn_code qn_categories_init(struct qn_categories *categories, const char *feature,
                           const struct qn_strv *texts, uint32_t n, struct qn_err *err)
{
    *categories = (struct qn_categories){.feature = feature};
    qn_dict_init(&categories->dict);
    qn_buf_init(&categories->example);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t position; /* is i: texts differ */
        QN_TRY(qn_dict_add(&categories->dict, texts[i], UINT32_MAX, &position, err));
    }
    return QN_OK;
}

void qn_categories_fini(struct qn_categories *categories)
{
    qn_dict_fini(&categories->dict);
    qn_buf_fini(&categories->example);
    free(categories->by_code);
    free(categories->found);
    *categories = (struct qn_categories){0};
}

void qn_categories_forget(struct qn_categories *categories)
{
    categories->unknown = 0;
    qn_buf_clear(&categories->example);
}

static qn_code make_room(struct qn_categories *categories, uint32_t n, struct qn_err *err)
{
    if (n <= categories->capacity)
        return QN_OK;
    uint32_t *found = realloc(categories->found, n * sizeof *found);
    if (!found)
        return qn_err_nomem(err, "categories");
    categories->found = found;
    categories->capacity = n;
    return QN_OK;
}

/* What is new in the reader's dictionary. */
static qn_code learn_codes(struct qn_categories *categories, const struct qn_dictionary *dictionary,
                           struct qn_err *err)
{
    if (!categories->by_code)
        categories->by_code = malloc(QN_DICTIONARY_TEXTS * sizeof *categories->by_code);
    if (!categories->by_code)
        return qn_err_nomem(err, "categories");
    if (categories->dictionary != dictionary->id)
        categories->n_codes = QN_CODE_NULL + 1;
    categories->dictionary = dictionary->id;
    for (; categories->n_codes < dictionary->n; categories->n_codes++)
        categories->by_code[categories->n_codes] =
            qn_dict_find(&categories->dict, dictionary->texts[categories->n_codes]);
    return QN_OK;
}

/* Counts rows that are not known, and refuses them where that is asked for. */
static qn_code note(struct qn_categories *categories, struct qn_strv text, struct qn_err *err)
{
    if (categories->refuse_unknown)
        return qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT,
                          "column '%s' holds '%.*s', a category that no training row has "
                          "(prepare.categorical.handle_unknown is error)",
                          categories->feature, QN_STRV_ARG(text));
    if (categories->unknown++ == 0) {
        size_t len = text.len < QN_CATEGORY_EXAMPLE ? text.len : QN_CATEGORY_EXAMPLE;
        while (len < text.len && ((uint8_t)text.data[len] & 0xc0) == 0x80)
            len--; /* not in the middle of a character */
        qn_buf_put(&categories->example, text.data, len);
        return qn_buf_check(&categories->example, "categories", err);
    }
    return QN_OK;
}

static qn_code find_coded(struct qn_categories *categories, const struct qn_column *column,
                          const uint32_t *rows, uint32_t n, struct qn_strv fill, struct qn_err *err)
{
    QN_TRY(learn_codes(categories, column->dictionary, err));
    uint32_t *by_code = categories->by_code;
    by_code[QN_CODE_NULL] = fill.data ? qn_dict_find(&categories->dict, fill) : QN_DICT_NONE;
    for (uint32_t i = 0; i < n; i++) {
        uint16_t code = column->codes[rows[i]];
        categories->found[i] = by_code[code];
        if (by_code[code] == QN_DICT_NONE && (code != QN_CODE_NULL || fill.data))
            QN_TRY(
                note(categories, code == QN_CODE_NULL ? fill : qn_text_at(column, rows[i]), err));
    }
    return QN_OK;
}

static qn_code find_texts(struct qn_categories *categories, const struct qn_column *column,
                          const uint32_t *rows, uint32_t n, struct qn_strv fill, struct qn_err *err)
{
    for (uint32_t i = 0; i < n; i++) {
        struct qn_strv text = qn_is_valid(column, rows[i]) ? qn_text_at(column, rows[i]) : fill;
        bool is_there = text.data || qn_is_valid(column, rows[i]);
        uint32_t position = is_there ? qn_dict_find(&categories->dict, text) : QN_DICT_NONE;
        categories->found[i] = position;
        if (is_there && position == QN_DICT_NONE)
            QN_TRY(note(categories, text, err));
    }
    return QN_OK;
}

qn_code qn_categories_find(struct qn_categories *categories, const struct qn_column *column,
                           const uint32_t *rows, uint32_t n, struct qn_strv fill,
                           const uint32_t **found, struct qn_err *err)
{
    QN_TRY(make_room(categories, n, err));
    *found = categories->found;
    return column->codes ? find_coded(categories, column, rows, n, fill, err)
                         : find_texts(categories, column, rows, n, fill, err);
}
