#include "jobs/learn/permute.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/exact_sum.h"
#include "base/hash.h"
#include "jobs/learn/rank.h"

/* --- rows ------------------------------------------------------------------------------------ */

static const uint64_t step = UINT64_C(0x9e3779b97f4a7c15);

uint64_t qn_permute_place(uint64_t key_hash)
{
    return qn_mix64(key_hash ^ UINT64_C(0x696d706f7274616e));
}

bool qn_permute_draws(uint64_t place, double share)
{
    return (double)(place >> 11) * 0x1p-53 < share;
}

qn_code qn_permute_rank(const uint64_t *places, uint32_t n, uint32_t *order, uint64_t *ids,
                        struct qn_err *err)
{
    uint64_t of_key = 0; /* rows of the same key so far */
    QN_TRY(qn_rank_words(places, 1, n, order, err));
    for (uint32_t i = 0; i < n; i++) {
        of_key = i && places[order[i]] == places[order[i - 1]] ? of_key + 1 : 0;
        ids[i] = qn_mix64(places[order[i]] + of_key * step);
    }
    return QN_OK;
}

qn_code qn_permute_deal(const uint64_t *ids, uint32_t n, uint64_t seed, uint32_t feature,
                        uint32_t repeat, uint32_t *from, struct qn_err *err)
{
    uint64_t salt = qn_mix64(qn_mix64(seed + step * (feature + 1)) + repeat);
    uint64_t *keys = malloc((n + (size_t)1) * sizeof *keys);
    if (!keys)
        return qn_err_nomem(err, "an order of rows");
    for (uint32_t i = 0; i < n; i++)
        keys[i] = qn_mix64(ids[i] ^ salt);
    qn_code code = qn_rank_words(keys, 1, n, from, err);
    free(keys);
    return code;
}

/* --- metrics --------------------------------------------------------------------------------- */

struct qn_permute_drops qn_permute_sum(const double *drops, uint32_t n)
{
    struct qn_exact_sum sum, squares;
    qn_exact_init(&sum);
    qn_exact_init(&squares);
    for (uint32_t i = 0; i < n; i++) {
        qn_exact_add(&sum, drops[i]);
        qn_exact_add_product(&squares, drops[i], drops[i]);
    }
    return (struct qn_permute_drops){.value = qn_exact_round(&sum) / n,
                                     .spread = sqrt(qn_exact_variance(&sum, &squares, n))};
}

static const struct {
    const char *name;
    int sign;
} metrics[] = {{"roc_auc", 1}, {"average_precision", 1}, {"log_loss", -1}, {"brier", -1}};

const char *qn_permute_metrics(void)
{
    return "roc_auc, average_precision, log_loss, brier";
}

int qn_permute_sign(const char *metric)
{
    for (size_t i = 0; i < sizeof metrics / sizeof metrics[0]; i++)
        if (strcmp(metrics[i].name, metric) == 0)
            return metrics[i].sign;
    return 0;
}

qn_code qn_permute_metric(const char *metric, struct qn_scores *scores, double *out,
                          struct qn_err *err)
{
    struct qn_metrics all;
    struct qn_metric_value values[QN_N_METRICS];
    QN_TRY(qn_metrics_of(scores, &all, err));
    qn_metrics_list(&all, values);
    *out = (double)NAN;
    for (int i = 0; i < QN_N_METRICS; i++)
        if (strcmp(values[i].name, metric) == 0 && all.positives && all.positives < all.rows)
            *out = values[i].value;
    return QN_OK;
}
