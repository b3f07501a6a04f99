/* coded: text columns with few distinct texts, about which expressions think once a text instead of
 * once a row. All kernels look at one row at a time, so that what is true of a text is true of all
 * rows that hold it. */
#include <string.h>

#include "expr/step.h"

/* The distinct texts as a column. Row QN_CODE_NULL is NULL, unless no row is. */
static qn_code texts_of(struct qn_expr_memo *memo, const struct qn_column *column,
                        struct qn_column *out, struct qn_err *err)
{
    const struct qn_dictionary *dictionary = column->dictionary;
    size_t bytes = 0;
    QN_TRY(qn_column_new(memo->arena, column->type, dictionary->n, out, err));
    for (uint32_t k = 0; k < dictionary->n; k++) {
        bytes += dictionary->texts[k].len;
        out->offsets[k + 1] = (uint32_t)bytes;
    }
    out->bytes = qn_arena_alloc(memo->arena, bytes + 1);
    if (!out->bytes)
        return qn_err_nomem(err, "the texts of a dictionary");
    for (uint32_t k = 0; k < dictionary->n; k++)
        if (dictionary->texts[k].len)
            memcpy(out->bytes + out->offsets[k], dictionary->texts[k].data,
                   dictionary->texts[k].len);
    if (!column->validity)
        return QN_OK;
    out->validity = qn_validity_new(memo->arena, dictionary->n, true);
    if (!out->validity)
        return qn_err_nomem(err, "the texts of a dictionary");
    qn_valid_clear(out->validity, QN_CODE_NULL);
    return QN_OK;
}

qn_code qn_coded_column(struct qn_expr_memo *memo, const struct qn_column *column,
                        struct qn_coded *out, struct qn_err *err)
{
    *out = (struct qn_coded){0};
    if (!column->codes || column->dictionary->n > memo->batch->n_rows / 2 ||
        column->dictionary->n == 0)
        return QN_OK;
    QN_TRY(texts_of(memo, column, &out->vec.column, err));
    out->codes = column->codes;
    out->n = column->dictionary->n;
    return QN_OK;
}

const struct qn_coded *qn_coded_common(const struct qn_expr_memo *memo, const struct qn_step *step)
{
    const struct qn_coded *common = NULL;
    for (uint32_t i = 0; i < step->n_args; i++) {
        uint32_t slot = step->args[i]->slot;
        const struct qn_coded *coded = &memo->coded[slot];
        if (memo->have[slot] && memo->vecs[slot].constant)
            continue;
        if (!coded->codes || (common && common->codes != coded->codes))
            return NULL;
        common = coded;
    }
    return common;
}

#define SPREAD(MEMBER)                                                                             \
    for (uint32_t i = 0; i < n; i++)                                                               \
        out->MEMBER[i] = from->MEMBER[codes[i]];                                                   \
    break

static qn_code spread_validity(struct qn_expr_memo *memo, const struct qn_coded *coded,
                               struct qn_column *out, struct qn_err *err)
{
    const uint32_t n = memo->batch->n_rows;
    out->validity = qn_validity_new(memo->arena, n, false);
    if (!out->validity)
        return qn_err_nomem(err, "the values of an expression");
    for (uint32_t i = 0; i < n; i++)
        out->validity[i >> 6] |= (uint64_t)qn_is_valid(&coded->vec.column, coded->codes[i])
                                 << (i & 63);
    return QN_OK;
}

qn_code qn_coded_spread(struct qn_expr_memo *memo, const struct qn_coded *coded,
                        struct qn_column *out, struct qn_err *err)
{
    const struct qn_column *from = &coded->vec.column;
    const uint16_t *codes = coded->codes;
    const uint32_t n = memo->batch->n_rows;
    if (from->type.id == QN_TEXT) {
        uint32_t *rows = QN_NEW_ARRAY(memo->arena, uint32_t, n);
        if (!rows)
            return qn_err_nomem(err, "the values of an expression");
        for (uint32_t i = 0; i < n; i++)
            rows[i] = codes[i];
        return qn_column_take(memo->arena, from, coded->n, rows, n, out, err);
    }
    QN_TRY(qn_column_new(memo->arena, from->type, n, out, err));
    switch (qn_type_layout(from->type)) {
    case QN_LAYOUT_BOOL: SPREAD(bools);
    case QN_LAYOUT_F64: SPREAD(f64);
    default: SPREAD(i64);
    }
    return from->validity ? spread_validity(memo, coded, out, err) : QN_OK;
}
