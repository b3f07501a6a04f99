#include "jobs/learn/threshold.h"

#include <math.h>
#include <string.h>

static double cost_of(const struct qn_threshold_plan *plan, uint64_t false_positives,
                      uint64_t false_negatives)
{
    return (double)false_positives * plan->false_positive +
           (double)false_negatives * plan->false_negative;
}

static uint64_t rows_allowed(const struct qn_threshold_plan *plan, uint64_t rows, uint64_t all_rows)
{
    double share = plan->rows ? (double)plan->rows / (double)all_rows : plan->share;
    double allowed = floor(share * (double)rows);
    return allowed >= (double)rows ? rows : (uint64_t)allowed;
}

double qn_threshold_choose(const struct qn_threshold_plan *plan, const struct qn_scores *scores,
                           uint64_t all_rows)
{
    uint64_t positives = 0, seen[2] = {0, 0};
    for (uint64_t i = 0; i < scores->n; i++)
        positives += qn_scores_label(scores, i);
    uint64_t allowed = rows_allowed(plan, scores->n, all_rows);
    double best = QN_THRESHOLD_NOBODY, least = cost_of(plan, 0, positives);
    for (uint64_t i = scores->n; i > 0;) {
        double score = qn_scores_score(scores, i - 1);
        for (; i > 0 && qn_scores_score(scores, i - 1) == score; i--)
            seen[qn_scores_label(scores, i - 1)]++;
        double cost = cost_of(plan, seen[0], positives - seen[1]);
        bool better = plan->rule == QN_THRESHOLD_COST ? cost < least : seen[0] + seen[1] <= allowed;
        if (better) {
            best = score;
            least = cost;
        }
    }
    return best;
}

static double ratio(uint64_t part, uint64_t whole)
{
    return whole ? (double)part / (double)whole : 0;
}

void qn_threshold_try(const struct qn_threshold_plan *plan, const struct qn_scores *scores,
                      double threshold, struct qn_threshold_result *out)
{
    uint64_t called[2] = {0, 0}, of_class[2] = {0, 0};
    for (uint64_t i = 0; i < scores->n; i++) {
        of_class[qn_scores_label(scores, i)]++;
        called[qn_scores_label(scores, i)] += qn_scores_score(scores, i) >= threshold;
    }
    bool costs = plan->rule == QN_THRESHOLD_COST;
    *out = (struct qn_threshold_result){
        .threshold = threshold,
        .share = ratio(called[0] + called[1], scores->n),
        .precision = ratio(called[1], called[0] + called[1]),
        .recall = ratio(called[1], of_class[1]),
        .cost = costs ? cost_of(plan, called[0], of_class[1] - called[1]) / (double)scores->n
                      : (double)NAN};
}

void qn_threshold_list(const struct qn_threshold_result *result,
                       struct qn_threshold_value out[QN_N_THRESHOLD_VALUES])
{
    const struct qn_threshold_value list[QN_N_THRESHOLD_VALUES] = {
        {"threshold", result->threshold},           {"threshold_share", result->share},
        {"threshold_precision", result->precision}, {"threshold_recall", result->recall},
        {"threshold_cost", result->cost},
    };
    memcpy(out, list, sizeof list);
}
