#include "jobs/learn/paired.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/exact_sum.h"
#include "base/hash.h"
#include "jobs/learn/delong.h"
#include "jobs/learn/math.h"
#include "jobs/learn/rank.h"

enum { REPLICATES = 200 }; /* a standard error from so many is off by about 5 % */

/* --- rows ------------------------------------------------------------------------------------ */

void qn_paired_init(struct qn_paired *rows)
{
    *rows = (struct qn_paired){0};
}

void qn_paired_fini(struct qn_paired *rows)
{
    for (int model = 0; model < 2; model++)
        free(rows->scores[model]);
    free(rows->hashes);
    free(rows->labels);
    qn_paired_init(rows);
}

static qn_code make_room(struct qn_paired *rows, struct qn_err *err)
{
    if (rows->n < rows->capacity)
        return QN_OK;
    if (rows->n >= QN_PAIRED_MOST_ROWS)
        return qn_err_set(err, QN_ELIMIT, QN_BLAME_JOB,
                          "models are compared on %d rows at most: hold out a smaller share",
                          QN_PAIRED_MOST_ROWS);
    uint32_t capacity = rows->capacity ? rows->capacity * 2 : 4096;
    bool failed = false;
    for (int model = 0; model < 2; model++) {
        double *scores = realloc(rows->scores[model], capacity * sizeof *scores);
        failed |= !scores;
        rows->scores[model] = scores ? scores : rows->scores[model];
    }
    uint64_t *hashes = realloc(rows->hashes, capacity * sizeof *hashes);
    rows->hashes = hashes ? hashes : rows->hashes;
    uint8_t *labels = realloc(rows->labels, capacity * sizeof *labels);
    rows->labels = labels ? labels : rows->labels;
    if (failed || !hashes || !labels)
        return qn_err_nomem(err, "comparing models");
    rows->capacity = capacity;
    return QN_OK;
}

qn_code qn_paired_add(struct qn_paired *rows, double first, double other, bool positive,
                      uint64_t hash, struct qn_err *err)
{
    if (!(first >= 0 && first <= 1 && other >= 0 && other <= 1))
        return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER, "scores of %g and %g are no pair", first,
                          other);
    QN_TRY(make_room(rows, err));
    rows->scores[0][rows->n] = first;
    rows->scores[1][rows->n] = other;
    rows->hashes[rows->n] = hash;
    rows->labels[rows->n++] = positive;
    return QN_OK;
}

/* --- losses ---------------------------------------------------------------------------------- */

static double log_loss_of(double score, bool positive)
{
    double kept = score < 0x1p-52 ? 0x1p-52 : score > 1 - 0x1p-52 ? 1 - 0x1p-52 : score;
    return positive ? -qn_ln(kept) : -qn_log1p(-kept);
}

static double brier_of(double score, bool positive)
{
    double miss = positive ? 1 - score : score;
    return miss * miss;
}

/* Less is better, so the difference is the other's loss less the first one's. */
static qn_code compare_losses(const struct qn_paired *rows, double (*loss)(double, bool),
                              struct qn_paired_result *out)
{
    struct qn_exact_sum sums[2], gaps, squares;
    qn_exact_init(&sums[0]);
    qn_exact_init(&sums[1]);
    qn_exact_init(&gaps);
    qn_exact_init(&squares);
    for (uint32_t i = 0; i < rows->n; i++) {
        double losses[2];
        for (int model = 0; model < 2; model++) {
            losses[model] = loss(rows->scores[model][i], rows->labels[i]);
            qn_exact_add(&sums[model], losses[model]);
        }
        double gap = losses[1] - losses[0];
        qn_exact_add(&gaps, gap);
        qn_exact_add_product(&squares, gap, gap);
    }
    double n = (double)rows->n;
    for (int model = 0; model < 2; model++)
        out->value[model] = qn_exact_round(&sums[model]) / n;
    out->difference = qn_exact_round(&gaps) / n;
    out->std_error = sqrt(qn_exact_variance(&gaps, &squares, rows->n) / (n - 1));
    return QN_OK;
}

static qn_code compare_log_loss(const struct qn_paired *rows, struct qn_paired_result *out,
                                struct qn_err *err)
{
    (void)err;
    return compare_losses(rows, log_loss_of, out);
}

static qn_code compare_brier(const struct qn_paired *rows, struct qn_paired_result *out,
                             struct qn_err *err)
{
    (void)err;
    return compare_losses(rows, brier_of, out);
}

/* --- average precision ----------------------------------------------------------------------- */

/* Of rows that count weights[row] times; order is from the lowest score. */
static double average_precision(const struct qn_paired *rows, int model, const uint32_t *order,
                                const uint8_t *weights)
{
    const double *scores = rows->scores[model];
    uint64_t seen[2] = {0, 0};
    double sum = 0;
    for (uint32_t i = rows->n; i > 0;) {
        double score = scores[order[i - 1]];
        uint64_t here[2] = {0, 0};
        for (; i > 0 && scores[order[i - 1]] == score; i--)
            here[rows->labels[order[i - 1]]] += weights[order[i - 1]];
        seen[0] += here[0];
        seen[1] += here[1];
        if (here[1])
            sum += (double)here[1] * ((double)seen[1] / (double)(seen[0] + seen[1]));
    }
    return seen[1] ? sum / (double)seen[1] : 0;
}

/* How often a row counts in a replicate: Poisson with mean 1, by inversion. */
static uint8_t draw(uint64_t hash, uint32_t replicate)
{
    double u = (double)(qn_mix64(hash + replicate * UINT64_C(0x9e3779b97f4a7c15)) >> 11) * 0x1p-53;
    double share = 0.36787944117144233; /* exp(-1): of draws that are 0 */
    uint8_t n = 0;
    while (u >= share && n < 16) {
        u -= share;
        share /= ++n;
    }
    return n;
}

static qn_code compare_precision(const struct qn_paired *rows, struct qn_paired_result *out,
                                 struct qn_err *err)
{
    uint32_t *orders = malloc(((size_t)rows->n * 2 + 1) * sizeof *orders);
    uint8_t *weights = malloc(rows->n + (size_t)1);
    qn_code code = orders && weights ? QN_OK : qn_err_nomem(err, "comparing models");
    for (int model = 0; code == QN_OK && model < 2; model++)
        code = qn_rank_order(rows->scores[model], rows->n, orders + (size_t)model * rows->n, err);
    if (code == QN_OK) {
        struct qn_exact_sum gaps, squares;
        qn_exact_init(&gaps);
        qn_exact_init(&squares);
        memset(weights, 1, rows->n);
        for (int model = 0; model < 2; model++)
            out->value[model] =
                average_precision(rows, model, orders + (size_t)model * rows->n, weights);
        out->difference = out->value[0] - out->value[1];
        for (uint32_t b = 0; b < REPLICATES; b++) {
            for (uint32_t i = 0; i < rows->n; i++)
                weights[i] = draw(rows->hashes[i], b);
            double gap = average_precision(rows, 0, orders, weights) -
                         average_precision(rows, 1, orders + rows->n, weights);
            qn_exact_add(&gaps, gap);
            qn_exact_add_product(&squares, gap, gap);
        }
        out->std_error =
            sqrt(qn_exact_variance(&gaps, &squares, REPLICATES) * REPLICATES / (REPLICATES - 1));
    }
    free(orders);
    free(weights);
    return code;
}

/* --- metrics by name ------------------------------------------------------------------------- */

static const struct {
    const char *name;
    qn_code (*compare)(const struct qn_paired *rows, struct qn_paired_result *out,
                       struct qn_err *err);
} metrics[] = {
    {"roc_auc", qn_delong_compare},
    {"average_precision", compare_precision},
    {"log_loss", compare_log_loss},
    {"brier", compare_brier},
};
enum { N_METRICS = sizeof metrics / sizeof metrics[0] };

const char *qn_paired_metrics(void)
{
    return "roc_auc, average_precision, log_loss, brier";
}

bool qn_paired_knows(const char *metric)
{
    for (int i = 0; i < N_METRICS; i++)
        if (strcmp(metrics[i].name, metric) == 0)
            return true;
    return false;
}

qn_code qn_paired_compare(const struct qn_paired *rows, const char *metric,
                          struct qn_paired_result *out, struct qn_err *err)
{
    for (int i = 0; i < N_METRICS; i++)
        if (strcmp(metrics[i].name, metric) == 0)
            return metrics[i].compare(rows, out, err);
    return qn_err_set(err, QN_ENOTSUP, QN_BLAME_JOB, "models cannot be compared by %s", metric);
}

double qn_paired_low(const struct qn_paired_result *result, double confidence)
{
    return result->difference - qn_normal_quantile(confidence) * result->std_error;
}
