/* What a round of boosting gathers of rows, and how it travels. */
#include <stdlib.h>

#include "base/limits.h"
#include "jobs/learn/boost.h"

qn_code qn_boost_sums_begin(struct qn_boost_sums *sums, uint32_t n, uint32_t n_cells,
                            struct qn_err *err)
{
    if (sums->any)
        return n == sums->n && n_cells == sums->n_cells
                   ? QN_OK
                   : qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER,
                                "%u histograms of %u cells came with %u of %u", n, n_cells, sums->n,
                                sums->n_cells);
    sums->any = true;
    sums->n_cells = n_cells;
    sums->histograms = calloc(n ? n : 1, sizeof *sums->histograms);
    if (!sums->histograms)
        return qn_err_nomem(err, "histograms");
    sums->n = n;
    for (uint32_t i = 0; i < n; i++)
        QN_TRY(qn_histogram_init(&sums->histograms[i], n_cells, err));
    return QN_OK;
}

void qn_boost_sums_clear(struct qn_boost_sums *sums)
{
    for (uint32_t i = 0; i < sums->n; i++)
        qn_histogram_fini(&sums->histograms[i]);
    free(sums->histograms);
    *sums = (struct qn_boost_sums){.any = false};
}

qn_code qn_boost_sums_join(struct qn_boost_sums *sums, struct qn_boost_sums *more,
                           struct qn_err *err)
{
    if (!more->any)
        return QN_OK;
    QN_TRY(qn_boost_sums_begin(sums, more->n, more->n_cells, err));
    sums->loss += more->loss;
    sums->loss_rows += more->loss_rows;
    for (uint32_t i = 0; i < sums->n; i++)
        qn_histogram_join(&sums->histograms[i], &more->histograms[i]);
    qn_boost_sums_clear(more);
    return QN_OK;
}

void qn_boost_sums_pack(struct qn_buf *out, const struct qn_boost_sums *sums)
{
    qn_buf_put_u64(out, sums->loss);
    qn_buf_put_u64(out, sums->loss_rows);
    qn_buf_put_u32(out, sums->n_cells);
    qn_buf_put_u32(out, sums->n);
    for (uint32_t i = 0; i < sums->n; i++)
        qn_histogram_pack(out, &sums->histograms[i]);
}

qn_code qn_boost_sums_merge(struct qn_boost_sums *sums, struct qn_strv packed, struct qn_err *err)
{
    struct qn_unpack in = qn_unpack_from(packed);
    uint64_t loss = qn_unpack_u64(&in), loss_rows = qn_unpack_u64(&in);
    uint32_t n_cells = qn_unpack_u32(&in);
    uint32_t n = qn_unpack_count(&in, n_cells / 8);
    in.failed |= n_cells > QN_MAX_COLUMNS * QN_BIN_MOST_CODES || n > 4 * QN_BOOST_MAX_LEAVES ||
                 loss_rows > UINT32_MAX;
    if (!in.failed)
        QN_TRY(qn_boost_sums_begin(sums, n, n_cells, err));
    for (uint32_t i = 0; i < n && !in.failed; i++)
        qn_histogram_merge(&sums->histograms[i], &in);
    QN_TRY(qn_unpack_end(&in, "histograms", err));
    sums->loss += loss;
    sums->loss_rows += loss_rows;
    return QN_OK;
}
