#include "jobs/learn/metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/exact_sum.h"
#include "base/int128.h"
#include "base/radix.h"
#include "jobs/learn/math.h"

enum { BINS = 10 };

void qn_scores_init(struct qn_scores *scores)
{
    *scores = (struct qn_scores){0};
}

void qn_scores_fini(struct qn_scores *scores)
{
    free(scores->items);
    qn_scores_init(scores);
}

/* Scores are not negative, so their bits order as they do; those of at most 1.0 leave the top two
 * bits free, and one of them makes room for the label below. */
static uint64_t word_of(double score, bool positive)
{
    uint64_t bits;
    score = score == 0 ? 0 : score;
    memcpy(&bits, &score, sizeof bits);
    return bits << 1 | positive;
}

static double score_of(uint64_t word)
{
    uint64_t bits = word >> 1;
    double score;
    memcpy(&score, &bits, sizeof score);
    return score;
}

double qn_scores_score(const struct qn_scores *scores, uint64_t row)
{
    return score_of(scores->items[row]);
}

qn_code qn_scores_add(struct qn_scores *scores, double score, bool positive, struct qn_err *err)
{
    if (!(score >= 0 && score <= 1))
        return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER, "a score of %g is no probability", score);
    if (scores->n == scores->capacity) {
        uint64_t capacity = scores->capacity ? scores->capacity * 2 : 4096;
        uint64_t *items = realloc(scores->items, capacity * sizeof *items);
        if (!items)
            return qn_err_nomem(err, "scores");
        scores->items = items;
        scores->capacity = capacity;
    }
    scores->items[scores->n++] = word_of(score, positive);
    return QN_OK;
}

qn_code qn_scores_sort(struct qn_scores *scores, struct qn_err *err)
{
    return qn_radix_sort(scores->items, scores->n, err);
}

static double ratio(uint64_t part, uint64_t whole)
{
    return whole ? (double)part / (double)whole : 0;
}

/* The part of an area's variance that one class has: of doubled placements among n_others rows. */
static double placement_variance(qn_u128 sum, qn_u128 squares, uint64_t n, uint64_t n_others)
{
    double rows = (double)n, scale = 2.0 * (double)n_others;
    return (double)(n * squares - sum * sum) / (rows * (rows - 1)) / (scale * scale) / rows;
}

/* From the highest score down, one step a different score. */
static void by_rank(const struct qn_scores *scores, struct qn_metrics *out)
{
    uint64_t n = scores->n, positives = out->positives, negatives = n - positives;
    uint64_t tp = 0, fp = 0;
    qn_u128 twice_pairs = 0; /* twice the pairs ranked right, ties once */
    qn_u128 squares[2] = {0, 0};
    struct qn_exact_sum precision_sum;
    qn_exact_init(&precision_sum);
    out->ks = out->best_f1 = 0;
    out->best_f1_threshold = 1;
    for (uint64_t i = n; i > 0;) {
        double score = score_of(scores->items[i - 1]);
        uint64_t here[2] = {0, 0};
        for (; i > 0 && scores->items[i - 1] >> 1 == word_of(score, 0) >> 1; i--)
            here[scores->items[i - 1] & 1]++;
        tp += here[1];
        fp += here[0];
        qn_u128 of_positive = 2 * (negatives - fp) + here[0], of_negative = 2 * tp - here[1];
        twice_pairs += here[1] * of_positive;
        squares[1] += here[1] * (of_positive * of_positive);
        squares[0] += here[0] * (of_negative * of_negative);
        qn_exact_add_product(&precision_sum, (double)here[1], ratio(tp, tp + fp));
        double gap = fabs(ratio(tp, positives) - ratio(fp, negatives));
        double f1 = ratio(2 * tp, tp + fp + positives);
        out->ks = gap > out->ks ? gap : out->ks;
        if (f1 > out->best_f1) {
            out->best_f1 = f1;
            out->best_f1_threshold = score;
        }
    }
    out->roc_auc = (double)twice_pairs / (2.0 * (double)positives * (double)negatives);
    out->roc_auc_std_error =
        sqrt(placement_variance(twice_pairs, squares[1], positives, negatives) +
             placement_variance(twice_pairs, squares[0], negatives, positives));
    out->average_precision = qn_exact_round(&precision_sum) / (double)positives;
}

static void by_row(const struct qn_scores *scores, struct qn_metrics *out)
{
    struct qn_exact_sum loss, brier, sums[BINS];
    uint64_t rows[BINS] = {0}, hits[BINS] = {0};
    qn_exact_init(&loss);
    qn_exact_init(&brier);
    for (int b = 0; b < BINS; b++)
        qn_exact_init(&sums[b]);
    for (uint64_t i = 0; i < scores->n; i++) {
        double score = score_of(scores->items[i]);
        bool positive = scores->items[i] & 1;
        double kept = score < 0x1p-52 ? 0x1p-52 : score > 1 - 0x1p-52 ? 1 - 0x1p-52 : score;
        double miss = positive ? 1 - score : score;
        qn_exact_add(&loss, positive ? -qn_ln(kept) : -qn_log1p(-kept));
        qn_exact_add_product(&brier, miss, miss);
        int bin = (int)(score * BINS);
        bin = bin < BINS ? bin : BINS - 1;
        qn_exact_add(&sums[bin], score);
        rows[bin]++;
        hits[bin] += positive;
        *(score >= 0.5 ? positive ? &out->true_positives : &out->false_positives
          : positive   ? &out->false_negatives
                       : &out->true_negatives) += 1;
    }
    double n = (double)scores->n;
    out->log_loss = qn_exact_round(&loss) / n;
    out->brier = qn_exact_round(&brier) / n;
    out->ece = 0;
    for (int b = 0; b < BINS; b++)
        out->ece += fabs(qn_exact_round(&sums[b]) - (double)hits[b]) / n;
}

qn_code qn_metrics_of(struct qn_scores *scores, struct qn_metrics *out, struct qn_err *err)
{
    *out = (struct qn_metrics){.rows = scores->n};
    QN_TRY(qn_scores_sort(scores, err));
    for (uint64_t i = 0; i < scores->n; i++)
        out->positives += scores->items[i] & 1;
    by_row(scores, out);
    by_rank(scores, out);
    if (out->positives == 0 || out->positives == scores->n)
        out->roc_auc = out->roc_auc_std_error = out->average_precision = out->ks = out->best_f1 =
            out->best_f1_threshold = (double)NAN;
    out->base_rate = ratio(out->positives, out->rows);
    out->accuracy = ratio(out->true_positives + out->true_negatives, out->rows);
    out->precision = ratio(out->true_positives, out->true_positives + out->false_positives);
    out->recall = ratio(out->true_positives, out->positives);
    out->f1 =
        ratio(2 * out->true_positives, out->true_positives + out->false_positives + out->positives);
    return QN_OK;
}

void qn_metrics_list(const struct qn_metrics *m, struct qn_metric_value out[QN_N_METRICS])
{
    const struct qn_metric_value list[QN_N_METRICS] = {
        {"rows", (double)m->rows},
        {"positives", (double)m->positives},
        {"base_rate", m->base_rate},
        {"roc_auc", m->roc_auc},
        {"roc_auc_std_error", m->roc_auc_std_error},
        {"average_precision", m->average_precision},
        {"log_loss", m->log_loss},
        {"brier", m->brier},
        {"ece", m->ece},
        {"ks", m->ks},
        {"accuracy", m->accuracy},
        {"precision", m->precision},
        {"recall", m->recall},
        {"f1", m->f1},
        {"true_positives", (double)m->true_positives},
        {"false_positives", (double)m->false_positives},
        {"true_negatives", (double)m->true_negatives},
        {"false_negatives", (double)m->false_negatives},
        {"best_f1", m->best_f1},
        {"best_f1_threshold", m->best_f1_threshold},
    };
    memcpy(out, list, sizeof list);
}
