#include "jobs/learn/design.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "jobs/learn/numeric.h"

struct qn_design qn_design_of(uint32_t n_dense, uint32_t n_codes, uint32_t n_columns)
{
    return (struct qn_design){.n_dense = n_dense, .n_codes = n_codes, .n_columns = n_columns};
}

void qn_design_fini(struct qn_design *design)
{
    for (uint32_t b = 0; b < design->n_blocks; b++)
        free(design->blocks[b].dense);
    free(design->blocks);
    *design = (struct qn_design){0};
}

void qn_design_clear(struct qn_design *design)
{
    design->n_rows = 0;
}

/* Numbers, codes and labels of a block, one behind the other. */
static size_t block_bytes(const struct qn_design *design)
{
    size_t row = design->n_dense * sizeof(double) + design->n_codes * sizeof(uint16_t) + 1;
    return row * QN_DESIGN_BLOCK;
}

uint64_t qn_design_bytes(const struct qn_design *design)
{
    return (uint64_t)block_bytes(design) * design->n_blocks +
           sizeof *design->blocks * design->capacity;
}

static qn_code add_block(struct qn_design *design, struct qn_err *err)
{
    if (design->n_blocks == design->capacity) {
        uint32_t capacity = design->capacity ? 2 * design->capacity : 16;
        struct qn_design_block *blocks = realloc(design->blocks, capacity * sizeof *blocks);
        if (!blocks)
            return qn_err_nomem(err, "the design matrix of a chunk");
        design->blocks = blocks;
        design->capacity = capacity;
    }
    /* Zeros: rows that are not there take part with weight 0. */
    double *dense = calloc(1, block_bytes(design));
    if (!dense)
        return qn_err_nomem(err, "the design matrix of a chunk");
    uint16_t *codes = (uint16_t *)(void *)(dense + (size_t)design->n_dense * QN_DESIGN_BLOCK);
    design->blocks[design->n_blocks++] = (struct qn_design_block){
        .dense = dense,
        .codes = codes,
        .labels = (uint8_t *)(codes + (size_t)design->n_codes * QN_DESIGN_BLOCK)};
    return QN_OK;
}

qn_code qn_design_reserve(struct qn_design *design, uint32_t n_rows, struct qn_err *err)
{
    while ((uint64_t)design->n_blocks * QN_DESIGN_BLOCK < n_rows)
        QN_TRY(add_block(design, err));
    return QN_OK;
}

qn_code qn_encoder_init(struct qn_encoder *encoder, const struct qn_prepared *prepared,
                        struct qn_err *err)
{
    *encoder = (struct qn_encoder){.prepared = prepared};
    encoder->categories = calloc(prepared->n_categorical + 1, sizeof *encoder->categories);
    if (!encoder->categories)
        return qn_err_nomem(err, "an encoder");
    for (uint32_t f = 0, at = 0; f < prepared->n_features; f++) {
        const struct qn_prepared_feature *feature = &prepared->features[f];
        if (!feature->categorical)
            continue;
        struct qn_categories *categories = &encoder->categories[at++];
        QN_TRY(qn_categories_init(categories, feature->name, feature->categories,
                                  feature->n_categories, err));
        categories->refuse_unknown = feature->refuse_unknown;
    }
    return QN_OK;
}

void qn_encoder_fini(struct qn_encoder *encoder)
{
    for (uint32_t i = 0; encoder->categories && i < encoder->prepared->n_categorical; i++)
        qn_categories_fini(&encoder->categories[i]);
    free(encoder->categories);
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
                                  struct qn_categories *categories, uint32_t place,
                                  const struct qn_column *column, const uint32_t *rows, uint32_t n,
                                  struct qn_design *design, struct qn_err *err)
{
    const uint32_t *found;
    QN_TRY(qn_categories_find(categories, column, rows, n, feature->fill_text, &found, err));
    for (uint32_t i = 0; i < n; i++) {
        bool set = found[i] != QN_DICT_NONE && found[i] >= feature->drop_first;
        qn_design_codes(design, design->n_rows + i)[place] =
            set ? (uint16_t)(feature->column + found[i] - feature->drop_first) : QN_CODE_NONE;
    }
    return QN_OK;
}

qn_code qn_encoder_append(struct qn_encoder *encoder, const struct qn_column *const *columns,
                          const uint32_t *rows, uint32_t n, const uint8_t *labels,
                          struct qn_design *design, struct qn_err *err)
{
    const struct qn_prepared *prepared = encoder->prepared;
    if (n == 0)
        return QN_OK;
    if (n > UINT32_MAX / 2 - design->n_rows)
        return qn_err_set(err, QN_ELIMIT, QN_BLAME_JOB, "a chunk has too many rows to train on");
    QN_TRY(qn_design_reserve(design, design->n_rows + n, err));
    if (n > encoder->scratch_rows) {
        double *scratch = realloc(encoder->scratch, n * sizeof *scratch);
        if (!scratch)
            return qn_err_nomem(err, "an encoder");
        encoder->scratch = scratch;
        encoder->scratch_rows = n;
    }
    for (uint32_t i = 0; i < n; i++) {
        *qn_design_at(design, design->n_rows + i, 0) = 1;
        *qn_design_label(design, design->n_rows + i) = labels ? labels[i] : 0;
    }
    for (uint32_t f = 0, place = 0; f < prepared->n_features; f++) {
        const struct qn_prepared_feature *feature = &prepared->features[f];
        if (feature->categorical) {
            QN_TRY(append_categorical(feature, &encoder->categories[place], place, columns[f], rows,
                                      n, design, err));
            place++;
        } else {
            QN_TRY(append_numeric(encoder, feature, columns[f], rows, n, design, err));
        }
    }
    design->n_rows += n;
    return QN_OK;
}
