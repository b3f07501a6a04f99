#include "jobs/learn/calibrate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/exact_sum.h"
#include "base/int128.h"
#include "jobs/learn/math.h"

enum { MOST_STEPS = 100, MOST_POINTS = 1 << 20 };

const char *qn_calibration_name(enum qn_calibration_method method)
{
    static const char *const names[] = {NULL, "platt", "isotonic"};
    return names[method];
}

/* --- rows of one score ------------------------------------------------------------------------ */

struct level {
    double score;
    uint64_t rows[2]; /* by class */
};

static uint32_t count_levels(const struct qn_scores *scores, struct level *levels)
{
    uint32_t n = 0;
    for (uint64_t i = 0; i < scores->n; i++) {
        double score = qn_scores_score(scores, i);
        if (n == 0 || levels[n - 1].score != score)
            levels[n++] = (struct level){.score = score};
        levels[n - 1].rows[qn_scores_label(scores, i)]++;
    }
    return n;
}

/* --- platt ------------------------------------------------------------------------------------ */

static double logit(double score)
{
    double kept = score < 0x1p-52 ? 0x1p-52 : score > 1 - 0x1p-52 ? 1 - 0x1p-52 : score;
    return qn_ln(kept) - qn_log1p(-kept);
}

/* Loss, gradient and Hessian at a point. */
struct platt {
    double loss, gradient[2], hessian[3]; /* by (slope, intercept); aa, ab, bb */
};

static double log_loss(double margin, double target)
{
    /* -(t log q + (1 - t) log(1 - q)) = log(1 + exp(m)) - t m, without overflow */
    double size = fabs(margin);
    return qn_log1p(qn_exp(-size)) + (margin > 0 ? margin : 0) - target * margin;
}

static void platt_at(const struct level *levels, uint32_t n, const double targets[2], double slope,
                     double intercept, struct platt *out)
{
    enum { LOSS, GRADIENT, HESSIAN = 3, N_SUMS = 6 };
    struct qn_exact_sum sums[N_SUMS];
    for (int i = 0; i < N_SUMS; i++)
        qn_exact_init(&sums[i]);
    for (uint32_t i = 0; i < n; i++) {
        double z = logit(levels[i].score), margin = slope * z + intercept, q = qn_expit(margin);
        double rows = (double)(levels[i].rows[0] + levels[i].rows[1]), miss = 0;
        for (int class = 0; class < 2; class ++) {
            double count = (double)levels[i].rows[class];
            qn_exact_add_product(&sums[LOSS], count, log_loss(margin, targets[class]));
            miss += count * (q - targets[class]);
        }
        double weight = rows * (q * (1 - q));
        qn_exact_add_product(&sums[GRADIENT], miss, z);
        qn_exact_add(&sums[GRADIENT + 1], miss);
        qn_exact_add_product(&sums[HESSIAN], weight * z, z);
        qn_exact_add_product(&sums[HESSIAN + 1], weight, z);
        qn_exact_add(&sums[HESSIAN + 2], weight);
    }
    out->loss = qn_exact_round(&sums[LOSS]);
    for (int i = 0; i < 2; i++)
        out->gradient[i] = qn_exact_round(&sums[GRADIENT + i]);
    for (int i = 0; i < 3; i++)
        out->hessian[i] = qn_exact_round(&sums[HESSIAN + i]);
}

/* The Newton step; of scores that are all one, in the intercept alone. False: there is none. */
static bool platt_step(const struct platt *at, double step[2])
{
    const double *h = at->hessian;
    double determinant = h[0] * h[2] - h[1] * h[1];
    bool flat = determinant <= 1e-12 * h[0] * h[2];
    step[0] = flat ? 0 : (h[2] * at->gradient[0] - h[1] * at->gradient[1]) / determinant;
    step[1] = flat ? at->gradient[1] / h[2]
                   : (h[0] * at->gradient[1] - h[1] * at->gradient[0]) / determinant;
    return isfinite(step[0]) && isfinite(step[1]);
}

static void fit_platt(const struct level *levels, uint32_t n, struct qn_calibration *out)
{
    double positives = (double)out->positives, negatives = (double)(out->rows - out->positives);
    const double targets[2] = {1 / (negatives + 2), (positives + 1) / (positives + 2)};
    struct platt at, next;
    double step[2];
    out->slope = 1;
    out->intercept = 0;
    platt_at(levels, n, targets, out->slope, out->intercept, &at);
    for (int i = 0; i < MOST_STEPS && platt_step(&at, step); i++) {
        bool small = fabs(step[0]) <= 1e-13 * fmax(1, fabs(out->slope)) &&
                     fabs(step[1]) <= 1e-13 * fmax(1, fabs(out->intercept));
        double share = 1;
        do {
            platt_at(levels, n, targets, out->slope - share * step[0],
                     out->intercept - share * step[1], &next);
            share /= 2;
        } while (next.loss > at.loss && share > 1e-10);
        if (small || next.loss > at.loss)
            return;
        out->slope -= 2 * share * step[0];
        out->intercept -= 2 * share * step[1];
        at = next;
    }
}

/* --- isotonic --------------------------------------------------------------------------------- */

struct block {
    uint64_t positives, rows;
    double low, high; /* scores */
};

static bool falls(const struct block *a, const struct block *b)
{
    return (qn_u128)a->positives * b->rows >= (qn_u128)b->positives * a->rows;
}

static uint32_t pool(const struct level *levels, uint32_t n, struct block *blocks)
{
    uint32_t n_blocks = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t rows = levels[i].rows[0] + levels[i].rows[1];
        blocks[n_blocks++] =
            (struct block){levels[i].rows[1], rows, levels[i].score, levels[i].score};
        while (n_blocks > 1 && falls(&blocks[n_blocks - 2], &blocks[n_blocks - 1])) {
            struct block *last = &blocks[--n_blocks], *before = last - 1;
            before->positives += last->positives;
            before->rows += last->rows;
            before->high = last->high;
        }
    }
    return n_blocks;
}

static qn_code fit_isotonic(const struct level *levels, uint32_t n, struct qn_arena *arena,
                            struct qn_calibration *out, struct qn_err *err)
{
    struct block *blocks = malloc((n + (size_t)1) * sizeof *blocks);
    if (!blocks)
        return qn_err_nomem(err, "calibrating scores");
    uint32_t n_blocks = pool(levels, n, blocks);
    out->scores = QN_NEW_ARRAY(arena, double, 2 * n_blocks);
    out->values = QN_NEW_ARRAY(arena, double, 2 * n_blocks);
    bool made = out->scores && out->values;
    for (uint32_t b = 0; made && b < n_blocks; b++)
        for (int end = 0; end < 1 + (blocks[b].high > blocks[b].low); end++) {
            out->scores[out->n] = end ? blocks[b].high : blocks[b].low;
            out->values[out->n++] = (double)blocks[b].positives / (double)blocks[b].rows;
        }
    free(blocks);
    return made ? QN_OK : qn_err_nomem(err, "calibrating scores");
}

static double interpolate(const struct qn_calibration *c, double score)
{
    uint32_t low = 0, high = c->n - 1; /* the wanted place is in between */
    if (score <= c->scores[low])
        return c->values[low];
    if (score >= c->scores[high])
        return c->values[high];
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (c->scores[middle] <= score)
            low = middle;
        else
            high = middle;
    }
    double share = (score - c->scores[low]) / (c->scores[high] - c->scores[low]);
    return c->values[low] + share * (c->values[high] - c->values[low]);
}

/* --- either ----------------------------------------------------------------------------------- */

qn_code qn_calibration_fit(enum qn_calibration_method method, struct qn_scores *scores,
                           struct qn_arena *arena, struct qn_calibration *out, struct qn_err *err)
{
    *out = (struct qn_calibration){.method = method, .rows = scores->n};
    QN_TRY(qn_scores_sort(scores, err));
    for (uint64_t i = 0; i < scores->n; i++)
        out->positives += qn_scores_label(scores, i);
    if (out->positives < 2 || out->rows - out->positives < 2)
        return qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT,
                          "calibration needs two rows of each class; of the %llu rows that "
                          "split.calibration sets apart %llu are positive",
                          (unsigned long long)out->rows, (unsigned long long)out->positives);
    struct level *levels = malloc(scores->n * sizeof *levels);
    if (!levels)
        return qn_err_nomem(err, "calibrating scores");
    uint32_t n = count_levels(scores, levels);
    qn_code code = QN_OK;
    if (method == QN_CALIBRATE_PLATT)
        fit_platt(levels, n, out);
    else
        code = fit_isotonic(levels, n, arena, out, err);
    free(levels);
    return code;
}

double qn_calibration_apply(const struct qn_calibration *calibration, double score)
{
    switch (calibration->method) {
    case QN_CALIBRATE_PLATT:
        return qn_expit(calibration->slope * logit(score) + calibration->intercept);
    case QN_CALIBRATE_ISOTONIC: return interpolate(calibration, score);
    case QN_CALIBRATE_NOT: break;
    }
    return score;
}

/* --- model file ------------------------------------------------------------------------------- */

static json_t *numbers(const double *values, uint32_t n)
{
    json_t *out = json_array();
    for (uint32_t i = 0; out && i < n; i++)
        if (json_array_append_new(out, json_real(values[i])) != 0) {
            json_decref(out);
            return NULL;
        }
    return out;
}

json_t *qn_calibration_to_json(const struct qn_calibration *c)
{
    const char *method = qn_calibration_name(c->method);
    json_int_t rows = (json_int_t)c->rows, positives = (json_int_t)c->positives;
    if (c->method == QN_CALIBRATE_PLATT)
        return json_pack("{s:s, s:I, s:I, s:f, s:f}", "method", method, "rows", rows, "positives",
                         positives, "slope", c->slope, "intercept", c->intercept);
    if (c->method == QN_CALIBRATE_ISOTONIC)
        return json_pack("{s:s, s:I, s:I, s:o, s:o}", "method", method, "rows", rows, "positives",
                         positives, "scores", numbers(c->scores, c->n), "values",
                         numbers(c->values, c->n));
    return json_null();
}

static bool read_points(const json_t *object, struct qn_arena *arena, struct qn_calibration *out)
{
    const json_t *scores = json_object_get(object, "scores");
    const json_t *values = json_object_get(object, "values");
    size_t n = json_array_size(scores); /* 0 when it is no array */
    if (n == 0 || n > MOST_POINTS || json_array_size(values) != n)
        return false;
    out->scores = QN_NEW_ARRAY(arena, double, n);
    out->values = QN_NEW_ARRAY(arena, double, n);
    out->n = (uint32_t)n;
    if (!out->scores || !out->values)
        return false;
    for (size_t i = 0; i < n; i++) {
        const json_t *score = json_array_get(scores, i), *value = json_array_get(values, i);
        out->scores[i] = json_number_value(score);
        out->values[i] = json_number_value(value);
        bool rises =
            i == 0 || (out->scores[i] > out->scores[i - 1] && out->values[i] >= out->values[i - 1]);
        if (!json_is_number(score) || !json_is_number(value) || !rises ||
            !(out->values[i] >= 0 && out->values[i] <= 1))
            return false;
    }
    return true;
}

bool qn_calibration_from_json(const json_t *object, struct qn_arena *arena,
                              struct qn_calibration *out)
{
    const char *method = json_string_value(json_object_get(object, "method"));
    const json_t *slope = json_object_get(object, "slope");
    const json_t *intercept = json_object_get(object, "intercept");
    *out = (struct qn_calibration){.method = QN_CALIBRATE_NOT};
    if (!object || json_is_null(object))
        return true;
    out->rows = (uint64_t)json_integer_value(json_object_get(object, "rows"));
    out->positives = (uint64_t)json_integer_value(json_object_get(object, "positives"));
    out->slope = json_number_value(slope);
    out->intercept = json_number_value(intercept);
    if (method && strcmp(method, "platt") == 0) {
        out->method = QN_CALIBRATE_PLATT;
        return json_is_number(slope) && json_is_number(intercept) && isfinite(out->slope) &&
               isfinite(out->intercept);
    }
    out->method = QN_CALIBRATE_ISOTONIC;
    return method && strcmp(method, "isotonic") == 0 && read_points(object, arena, out);
}
