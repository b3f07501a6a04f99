#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "jobs/learn/metrics.h"
#include "tests/support/test.h"

enum { N = 400 };

struct row {
    double score;
    bool positive;
};

/* Few different scores, so that there are ties of both classes. */
static void make_rows(struct row *rows, uint64_t seed)
{
    for (uint64_t i = 0; i < N; i++) {
        uint64_t draw = qn_mix64(seed * 1000 + i);
        rows[i].score = (double)(draw % 37) / 36;
        rows[i].positive = (draw >> 32) % 100 < 20 + draw % 37;
    }
}

static void metrics_of(const struct row *rows, uint32_t n, struct qn_metrics *out)
{
    struct qn_scores scores;
    struct qn_err err;
    qn_scores_init(&scores);
    for (uint32_t i = 0; i < n; i++)
        assert_ok(qn_scores_add(&scores, rows[i].score, rows[i].positive, &err), &err);
    assert_ok(qn_metrics_of(&scores, out, &err), &err);
    qn_scores_fini(&scores);
}

/* Counts of a threshold: rows with score >= t are called positive. */
static void at_threshold(const struct row *rows, double t, double *tp, double *fp)
{
    *tp = *fp = 0;
    for (int i = 0; i < N; i++)
        if (rows[i].score >= t)
            *(rows[i].positive ? tp : fp) += 1;
}

static double brute_auc(const struct row *rows)
{
    double right = 0, pairs = 0;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            if (rows[i].positive && !rows[j].positive) {
                pairs++;
                right += rows[i].score > rows[j].score    ? 1
                         : rows[i].score == rows[j].score ? 0.5
                                                          : 0;
            }
    return right / pairs;
}

static void agrees_with_brute_force(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed < 20; seed++) {
        struct row rows[N];
        struct qn_metrics m;
        double positives = 0, ap = 0, last = 0, ks = 0, best_f1 = 0, loss = 0, brier = 0;
        make_rows(rows, seed);
        metrics_of(rows, N, &m);
        for (int i = 0; i < N; i++)
            positives += rows[i].positive;
        for (int step = 36; step >= 0; step--) { /* every score there is, from high to low */
            double tp, fp;
            at_threshold(rows, (double)step / 36, &tp, &fp);
            if (tp + fp > 0)
                ap += (tp / positives - last) * tp / (tp + fp);
            last = tp / positives;
            ks = fmax(ks, fabs(tp / positives - fp / (N - positives)));
            best_f1 = fmax(best_f1, 2 * tp / (tp + fp + positives));
        }
        for (int i = 0; i < N; i++) {
            double p = fmin(fmax(rows[i].score, 0x1p-52), 1 - 0x1p-52);
            loss -= rows[i].positive ? log(p) : log(1 - p);
            brier += pow(rows[i].score - rows[i].positive, 2);
        }
        assert_true(fabs(m.roc_auc - brute_auc(rows)) < 1e-14);
        assert_true(fabs(m.average_precision - ap) < 1e-13);
        assert_true(fabs(m.ks - ks) < 1e-14 && fabs(m.best_f1 - best_f1) < 1e-14);
        assert_true(fabs(m.log_loss - loss / N) < 1e-12 && fabs(m.brier - brier / N) < 1e-13);
        double tp, fp;
        at_threshold(rows, 0.5, &tp, &fp);
        assert_true((double)m.true_positives == tp && (double)m.false_positives == fp);
        assert_int_equal(m.true_positives + m.false_negatives, m.positives);
        assert_int_equal(
            m.true_positives + m.false_positives + m.true_negatives + m.false_negatives, N);
    }
}

static void order_does_not_matter(void **state)
{
    (void)state;
    struct row rows[N];
    struct qn_metrics first, other;
    make_rows(rows, 5);
    metrics_of(rows, N, &first);
    for (int i = 0; i < N / 2; i++) {
        struct row keep = rows[i];
        rows[i] = rows[N - 1 - i];
        rows[N - 1 - i] = keep;
    }
    metrics_of(rows, N, &other);
    assert_memory_equal(&first, &other, sizeof first);
}

static void by_hand(void **state)
{
    (void)state;
    struct qn_metrics m;
    const struct row perfect[] = {{0.1, false}, {0.2, false}, {0.8, true}, {0.9, true}};
    metrics_of(perfect, 4, &m);
    assert_true(m.roc_auc == 1 && m.average_precision == 1 && m.ks == 1 && m.best_f1 == 1);
    assert_true(m.best_f1_threshold == 0.8 && m.accuracy == 1 && m.base_rate == 0.5);
    assert_true(fabs(m.ece - 0.15) < 1e-15); /* each of the four bins misses by 0.1 or 0.2 */
    const struct row tied[] = {{0.5, false}, {0.5, true}};
    metrics_of(tied, 2, &m);
    assert_true(m.roc_auc == 0.5 && m.average_precision == 0.5 && m.ks == 0 && m.ece == 0);
    assert_int_equal(m.true_positives, 1); /* 0.5 counts as positive */
    const struct row edges[] = {{0, false}, {1, true}, {-0.0, true}, {1, false}};
    metrics_of(edges, 4, &m);
    assert_true(m.roc_auc == 0.5 && isfinite(m.log_loss));
}

static void one_class_has_no_ranks(void **state)
{
    (void)state;
    struct qn_metrics m;
    const struct row only[] = {{0.1, true}, {0.7, true}};
    metrics_of(only, 2, &m);
    assert_true(isnan(m.roc_auc) && isnan(m.average_precision) && isnan(m.ks) && isnan(m.best_f1));
    assert_true(isfinite(m.log_loss) && m.recall == 0.5);
    metrics_of(NULL, 0, &m);
    assert_int_equal(m.rows, 0);
    struct qn_scores scores;
    struct qn_err err;
    qn_scores_init(&scores);
    assert_int_equal(qn_scores_add(&scores, (double)NAN, true, &err), QN_EWIRE);
    assert_int_equal(qn_scores_add(&scores, 1.5, true, &err), QN_EWIRE);
    assert_int_equal(qn_scores_add(&scores, -0.1, true, &err), QN_EWIRE);
    qn_scores_fini(&scores);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_brute_force),
        cmocka_unit_test(order_does_not_matter),
        cmocka_unit_test(by_hand),
        cmocka_unit_test(one_class_has_no_ranks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
