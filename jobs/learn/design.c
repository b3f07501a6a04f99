#include "jobs/learn/design.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "jobs/learn/numeric.h"

void qn_design_init(struct qn_design *design, const struct qn_prepared *prepared)
{
    *design = (struct qn_design){.n_dense = prepared->n_dense,
                                 .n_codes = prepared->n_categorical,
                                 .n_columns = prepared->n_columns};
}

void qn_design_fini(struct qn_design *design)
{
    free(design->dense);
    free(design->codes);
    free(design->labels);
    free(design->sides);
    *design = (struct qn_design){0};
}

void qn_design_clear(struct qn_design *design)
{
    design->n_rows = 0;
}

uint64_t qn_design_bytes(const struct qn_design *design)
{
    uint64_t row = design->n_dense * sizeof *design->dense +
                   design->n_codes * sizeof *design->codes + sizeof *design->labels +
                   sizeof *design->sides;
    return row * design->capacity;
}

static bool grow(void **block, size_t had_rows, size_t rows, size_t row_bytes)
{
    size_t bytes, had = had_rows * row_bytes;
    if (__builtin_mul_overflow(rows, row_bytes, &bytes))
        return false;
    char *grown = realloc(*block, bytes ? bytes : 1);
    if (!grown)
        return false;
    *block = grown;
    memset(grown + had, 0, bytes - had); /* rows that are not there take part with weight 0 */
    return true;
}

static qn_code reserve(struct qn_design *design, uint32_t more, struct qn_err *err)
{
    uint64_t wanted = (uint64_t)design->n_rows + more;
    wanted += (QN_DESIGN_BLOCK - wanted % QN_DESIGN_BLOCK) % QN_DESIGN_BLOCK;
    if (wanted <= design->capacity && design->dense)
        return QN_OK;
    if (wanted > UINT32_MAX / 2)
        return qn_err_set(err, QN_ELIMIT, QN_BLAME_JOB, "a chunk has too many rows to train on");
    uint32_t capacity = design->capacity * 2 > wanted ? design->capacity * 2 : (uint32_t)wanted;
    void *dense = design->dense, *codes = design->codes, *labels = design->labels,
         *sides = design->sides;
    uint32_t had = design->capacity;
    bool grown = grow(&dense, had, capacity, design->n_dense * sizeof(double)) &&
                 grow(&codes, had, capacity, design->n_codes * sizeof(uint16_t)) &&
                 grow(&labels, had, capacity, 1) && grow(&sides, had, capacity, 1);
    design->dense = dense;
    design->codes = codes;
    design->labels = labels;
    design->sides = sides;
    if (!grown)
        return qn_err_nomem(err, "the design matrix of a chunk");
    design->capacity = capacity;
    return QN_OK;
}

qn_code qn_encoder_init(struct qn_encoder *encoder, const struct qn_prepared *prepared,
                        struct qn_err *err)
{
    *encoder = (struct qn_encoder){.prepared = prepared};
    encoder->dicts = calloc(prepared->n_categorical + 1, sizeof *encoder->dicts);
    if (!encoder->dicts)
        return qn_err_nomem(err, "an encoder");
    for (uint32_t f = 0, at = 0; f < prepared->n_features; f++) {
        const struct qn_prepared_feature *feature = &prepared->features[f];
        if (!feature->categorical)
            continue;
        struct qn_dict *dict = &encoder->dicts[at++];
        qn_dict_init(dict);
        for (uint32_t i = 0; i < feature->n_categories; i++) {
            uint32_t position; /* is i: categories are unique */
            QN_TRY(qn_dict_add(dict, feature->categories[i], UINT32_MAX, &position, err));
        }
    }
    return QN_OK;
}

void qn_encoder_fini(struct qn_encoder *encoder)
{
    for (uint32_t i = 0; encoder->dicts && i < encoder->prepared->n_categorical; i++)
        qn_dict_fini(&encoder->dicts[i]);
    free(encoder->dicts);
    free(encoder->scratch);
    *encoder = (struct qn_encoder){0};
}

static qn_code append_numeric(struct qn_encoder *encoder, const struct qn_prepared_feature *feature,
                              const struct qn_column *column, const uint32_t *rows, uint32_t n,
                              struct qn_design *design, struct qn_err *err)
{
    QN_TRY(qn_numeric_take(column, feature->name, rows, n, encoder->scratch, err));
    for (uint32_t i = 0; i < n; i++) {
        double x = encoder->scratch[i];
        *qn_design_at(design, design->n_rows + i, feature->column) =
            ((x != x ? feature->fill : x) - feature->mean) / feature->scale;
    }
    return QN_OK;
}

static qn_code append_categorical(const struct qn_prepared_feature *feature,
                                  const struct qn_dict *dict, uint32_t place,
                                  const struct qn_column *column, const uint32_t *rows, uint32_t n,
                                  struct qn_design *design, struct qn_err *err)
{
    uint16_t *out = design->codes + (size_t)design->n_rows * design->n_codes + place;
    for (uint32_t i = 0; i < n; i++, out += design->n_codes) {
        bool valid = qn_is_valid(column, rows[i]);
        struct qn_strv text = valid ? qn_text_at(column, rows[i]) : feature->fill_text;
        uint32_t category = qn_dict_find(dict, text);
        if (category == QN_DICT_NONE) {
            if (feature->refuse_unknown)
                return qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT,
                                  "column '%s' holds '%.*s', a category that no training row has "
                                  "(prepare.categorical.handle_unknown is error)",
                                  feature->name, QN_STRV_ARG(text));
            *out = QN_CODE_NONE;
        } else if (category < feature->drop_first) {
            *out = QN_CODE_NONE;
        } else {
            *out = (uint16_t)(feature->column + category - feature->drop_first);
        }
    }
    return QN_OK;
}

qn_code qn_encoder_append(struct qn_encoder *encoder, const struct qn_column *const *columns,
                          const uint32_t *rows, uint32_t n, const uint8_t *labels,
                          const uint8_t *sides, struct qn_design *design, struct qn_err *err)
{
    const struct qn_prepared *prepared = encoder->prepared;
    if (n == 0)
        return QN_OK;
    QN_TRY(reserve(design, n, err));
    if (n > encoder->scratch_rows) {
        double *scratch = realloc(encoder->scratch, n * sizeof *scratch);
        if (!scratch)
            return qn_err_nomem(err, "an encoder");
        encoder->scratch = scratch;
        encoder->scratch_rows = n;
    }
    for (uint32_t i = 0; i < n; i++) {
        *qn_design_at(design, design->n_rows + i, 0) = 1;
        design->labels[design->n_rows + i] = labels ? labels[i] : 0;
        design->sides[design->n_rows + i] = sides ? sides[i] : 0;
    }
    for (uint32_t f = 0, place = 0; f < prepared->n_features; f++) {
        const struct qn_prepared_feature *feature = &prepared->features[f];
        if (feature->categorical) {
            QN_TRY(append_categorical(feature, &encoder->dicts[place], place, columns[f], rows, n,
                                      design, err));
            place++;
        } else {
            QN_TRY(append_numeric(encoder, feature, columns[f], rows, n, design, err));
        }
    }
    design->n_rows += n;
    return QN_OK;
}
