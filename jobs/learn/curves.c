#include "jobs/learn/curves.h"

#include <math.h>
#include <string.h>

#include "base/exact_sum.h"

const char *qn_bin_kind_name(enum qn_bin_kind kind)
{
    static const char *const names[] = {"width", "decile", "histogram"};
    return names[kind];
}

/* Rows [begin, end) of the sorted scores that are one with the row at begin. */
static uint64_t end_of_ties(const struct qn_scores *scores, uint64_t begin)
{
    uint64_t end = begin;
    while (end < scores->n && qn_scores_score(scores, end) == qn_scores_score(scores, begin))
        end++;
    return end;
}

static uint64_t count_positives(const struct qn_scores *scores, uint64_t begin, uint64_t end)
{
    uint64_t positives = 0;
    for (uint64_t i = begin; i < end; i++)
        positives += qn_scores_label(scores, i);
    return positives;
}

/* --- bins ------------------------------------------------------------------------------------- */

/* Which bin rows [begin, end), all of one score, go to, counted from the lowest score. */
static uint32_t bin_of(const struct qn_scores *scores, enum qn_bin_kind kind, uint64_t begin,
                       uint64_t end)
{
    uint32_t n = kind == QN_BINS_HISTOGRAM ? QN_MOST_BINS : 10, bin;
    if (kind == QN_BINS_DECILE)
        bin = (uint32_t)((begin + (end - 1 - begin) / 2) * n / scores->n);
    else
        bin = (uint32_t)(qn_scores_score(scores, begin) * n);
    return bin < n ? bin : n - 1;
}

static void add_rows(const struct qn_scores *scores, uint64_t begin, uint64_t end,
                     struct qn_bin *bin, struct qn_exact_sum *sum)
{
    double score = qn_scores_score(scores, begin);
    bin->low = bin->rows ? bin->low : score;
    bin->high = score;
    bin->rows += end - begin;
    bin->positives += count_positives(scores, begin, end);
    qn_exact_add_product(sum, (double)(end - begin), score);
}

static void finish_bin(const struct qn_scores *scores, enum qn_bin_kind kind, uint32_t place,
                       uint32_t n, const struct qn_exact_sum *sum, uint64_t positives,
                       uint64_t above, struct qn_bin *bin)
{
    bin->number = kind == QN_BINS_DECILE ? n - place : place + 1;
    bin->mean_score = qn_exact_round(sum) / (double)bin->rows;
    if (kind != QN_BINS_DECILE) {
        bin->low = (double)place / n;
        bin->high = (double)(place + 1) / n;
    }
    double base = (double)positives / (double)scores->n;
    bin->lift = positives ? (double)bin->positives / (double)bin->rows / base : (double)NAN;
    bin->gain = positives ? (double)(above + bin->positives) / (double)positives : (double)NAN;
}

uint32_t qn_bins_of(const struct qn_scores *scores, enum qn_bin_kind kind,
                    struct qn_bin out[QN_MOST_BINS])
{
    struct qn_bin bins[QN_MOST_BINS] = {0};
    struct qn_exact_sum sums[QN_MOST_BINS];
    uint32_t n = kind == QN_BINS_HISTOGRAM ? QN_MOST_BINS : 10, kept = 0;
    uint64_t positives = count_positives(scores, 0, scores->n), above = 0;
    for (uint32_t b = 0; b < n; b++)
        qn_exact_init(&sums[b]);
    for (uint64_t begin = 0, end; begin < scores->n; begin = end) {
        end = end_of_ties(scores, begin);
        uint32_t place = bin_of(scores, kind, begin, end);
        add_rows(scores, begin, end, &bins[place], &sums[place]);
    }
    for (uint32_t b = n; b-- > 0;) {
        if (bins[b].rows == 0)
            continue;
        finish_bin(scores, kind, b, n, &sums[b], positives, above, &bins[b]);
        above += bins[b].positives;
    }
    for (uint32_t b = 0; b < n; b++) {
        uint32_t place = kind == QN_BINS_DECILE ? n - 1 - b : b; /* in the order of their numbers */
        if (bins[place].rows)
            out[kept++] = bins[place];
    }
    return kept;
}

/* --- points ----------------------------------------------------------------------------------- */

uint32_t qn_curve_of(const struct qn_scores *scores, struct qn_curve_point out[QN_MOST_POINTS])
{
    uint64_t of_class[2] = {0, count_positives(scores, 0, scores->n)}, seen[2] = {0, 0};
    uint32_t n = 0, steps = 0;
    of_class[0] = scores->n - of_class[1];
    if (of_class[0] == 0 || of_class[1] == 0)
        return 0;
    for (uint64_t i = scores->n; i > 0;) {
        double score = qn_scores_score(scores, i - 1);
        for (; i > 0 && qn_scores_score(scores, i - 1) == score; i--)
            seen[qn_scores_label(scores, i - 1)]++;
        uint32_t now = (uint32_t)(seen[0] * 100 / of_class[0] + seen[1] * 100 / of_class[1]);
        if (now == steps && i > 0 && n > 0)
            continue;
        steps = now;
        out[n++] = (struct qn_curve_point){score, seen[1], seen[0]};
    }
    return n;
}
