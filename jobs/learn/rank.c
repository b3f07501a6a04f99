#include "jobs/learn/rank.h"

#include <stdlib.h>

#include "base/radix.h"

/* Rows in the order of their keys. */
static qn_code order_rows(struct qn_radix_item *rows, uint32_t n, uint32_t *order,
                          struct qn_err *err)
{
    QN_TRY(qn_radix_sort_items(rows, n, err));
    for (uint32_t i = 0; i < n; i++)
        order[i] = (uint32_t)rows[i].value;
    return QN_OK;
}

qn_code qn_rank_order(const double *scores, uint32_t n, uint32_t *order, struct qn_err *err)
{
    struct qn_radix_item *rows = malloc((n + (size_t)1) * sizeof *rows);
    if (!rows)
        return qn_err_nomem(err, "ranking rows");
    for (uint32_t i = 0; i < n; i++)
        rows[i] = (struct qn_radix_item){qn_radix_of_double(scores[i]), i};
    qn_code code = order_rows(rows, n, order, err);
    free(rows);
    return code;
}

qn_code qn_rank_words(const uint64_t *words, uint32_t stride, uint32_t n, uint32_t *order,
                      struct qn_err *err)
{
    struct qn_radix_item *rows = malloc((n + (size_t)1) * sizeof *rows);
    if (!rows)
        return qn_err_nomem(err, "ranking rows");
    for (uint32_t i = 0; i < n; i++)
        rows[i] = (struct qn_radix_item){words[(size_t)i * stride], i};
    qn_code code = order_rows(rows, n, order, err);
    free(rows);
    return code;
}
