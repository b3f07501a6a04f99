#include "jobs/learn/logistic_sums.h"

#include <math.h>
#include <stdlib.h>

#include "jobs/learn/logistic_kernel.h"

enum { SAMPLE_EVERY = 16 }; /* blocks */

qn_code qn_logistic_sums_init(struct qn_logistic_sums *sums, uint32_t n, bool hessian,
                              struct qn_err *err)
{
    *sums = (struct qn_logistic_sums){.n = n, .has_hessian = hessian};
    sums->gradient = calloc(n, sizeof *sums->gradient);
    if (hessian)
        sums->hessian = calloc((size_t)n * n, sizeof *sums->hessian);
    if (sums->gradient && (sums->hessian || !hessian))
        return QN_OK;
    qn_logistic_sums_fini(sums);
    return qn_err_nomem(err, "a Hessian");
}

void qn_logistic_sums_fini(struct qn_logistic_sums *sums)
{
    free(sums->gradient);
    free(sums->hessian);
    *sums = (struct qn_logistic_sums){0};
}

/* A block of a design, and what a kernel made of its rows. */
struct block {
    const double *x; /* [n_dense][QN_DESIGN_BLOCK] */
    const uint16_t *codes, *codes_end;
    struct qn_logistic_rows rows;
};

static void add_codes_to_eta(const struct qn_design *design, struct block *block,
                             const double *weights)
{
    double *eta = block->rows.eta;
    for (const uint16_t *codes = block->codes; codes < block->codes_end;
         codes += design->n_codes, eta++)
        for (uint32_t i = 0; i < design->n_codes; i++)
            if (codes[i] != QN_CODE_NONE)
                *eta += weights[codes[i]];
}

static void add_codes_to_gradient(struct qn_logistic_sums *sums, const struct qn_design *design,
                                  const struct block *block)
{
    const double *residual = block->rows.residual;
    for (const uint16_t *codes = block->codes; codes < block->codes_end;
         codes += design->n_codes, residual++)
        for (uint32_t i = 0; i < design->n_codes; i++)
            if (codes[i] != QN_CODE_NONE)
                sums->gradient[codes[i]] += *residual;
}

static void add_block(struct qn_logistic_sums *sums, const struct qn_design *design, uint32_t at,
                      const double *weights, const struct qn_logistic_want *want)
{
    const struct qn_logistic_kernel *kernel = qn_logistic_kernel();
    uint32_t first = at * QN_DESIGN_BLOCK, left = design->n_rows - first;
    uint32_t n = left < QN_DESIGN_BLOCK ? left : QN_DESIGN_BLOCK;
    const uint16_t *codes = design->blocks[at].codes;
    struct block block = {.x = design->blocks[at].dense,
                          .codes = codes,
                          .codes_end = codes + (size_t)n * design->n_codes};
    kernel->predict(block.x, design->n_dense, weights, block.rows.eta);
    add_codes_to_eta(design, &block, weights);
    sums->loss += kernel->link(&block.rows, design->blocks[at].labels, n, want->class_weights);
    kernel->gradient(&block.rows, block.x, design->n_dense, sums->gradient);
    add_codes_to_gradient(sums, design, &block);
    if (want->hessian) {
        kernel->hessian(&block.rows, block.x, design->n_dense, sums->n, sums->hessian);
        const struct qn_logistic_codes some = {codes, n, design->n_codes};
        kernel->cross(&block.rows, block.x, design->n_dense, &some, sums->n, sums->hessian);
    }
    sums->rows += n;
}

void qn_logistic_add(struct qn_logistic_sums *sums, const struct qn_design *design,
                     const double *weights, const struct qn_logistic_want *want)
{
    uint32_t n_blocks = (design->n_rows + QN_DESIGN_BLOCK - 1) / QN_DESIGN_BLOCK;
    for (uint32_t at = 0; at < n_blocks; at += want->sample ? SAMPLE_EVERY : 1)
        add_block(sums, design, at, weights, want);
}

void qn_logistic_sums_pack(struct qn_buf *out, const struct qn_logistic_sums *sums)
{
    qn_buf_put_u32(out, sums->n);
    qn_buf_put_u8(out, sums->has_hessian);
    qn_buf_put_u64(out, sums->rows);
    qn_buf_put_f64(out, sums->loss);
    for (uint32_t i = 0; i < sums->n; i++) {
        qn_buf_put_f64(out, sums->gradient[i]);
        for (uint32_t j = 0; sums->has_hessian && j <= i; j++)
            qn_buf_put_f64(out, sums->hessian[(size_t)i * sums->n + j]);
    }
}

static double take_finite(struct qn_unpack *in)
{
    double value = qn_unpack_f64(in);
    in->failed |= !isfinite(value);
    return value;
}

qn_code qn_logistic_sums_merge(struct qn_logistic_sums *sums, struct qn_strv bytes,
                               struct qn_err *err)
{
    struct qn_unpack in = qn_unpack_from(bytes);
    in.failed |= qn_unpack_u32(&in) != sums->n;
    in.failed |= qn_unpack_u8(&in) != sums->has_hessian;
    sums->rows += qn_unpack_u64(&in);
    sums->loss += take_finite(&in);
    for (uint32_t i = 0; i < sums->n && !in.failed; i++) {
        sums->gradient[i] += take_finite(&in);
        for (uint32_t j = 0; sums->has_hessian && j <= i; j++)
            sums->hessian[(size_t)i * sums->n + j] += take_finite(&in);
    }
    return qn_unpack_end(&in, "gradient", err);
}
