/* From what a guard has seen to what it says. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "jobs/learn/guard_internal.h"

enum {
    CLASS_TO_JUDGE = 10,
    TWINS_TO_TELL = 3,
    ROWS_OF_CATEGORY = 20,
    ROWS_OF_BAND = 50,
};
static const double TELLING_AUC = 0.95;
/* Values that all come with one label only: as likely by chance at most. */
static const double PURE_BY_CHANCE = 1e-9;

/* --- areas ------------------------------------------------------------------------------------ */

int qn_guard_by_value(const void *a, const void *b)
{
    double x = ((const struct qn_ranked *)a)->value, y = ((const struct qn_ranked *)b)->value;
    return (x > y) - (x < y);
}

/* The area under the ROC curve of rows [n], in either direction; NaN with too few of a class. Rows
 * stand by value then. */
static double area(struct qn_ranked *rows, uint32_t n)
{
    double of_class[2] = {0, 0}, right = 0, negatives = 0;
    for (uint32_t i = 0; i < n; i++)
        of_class[rows[i].label]++;
    if (of_class[0] < CLASS_TO_JUDGE || of_class[1] < CLASS_TO_JUDGE)
        return (double)NAN;
    qsort(rows, n, sizeof *rows, qn_guard_by_value);
    for (uint32_t i = 0, end; i < n; i = end) {
        double tied[2] = {0, 0};
        for (end = i; end < n && rows[end].value == rows[i].value; end++)
            tied[rows[end].label]++;
        right += tied[1] * (negatives + tied[0] / 2);
        negatives += tied[0];
    }
    double found = right / (of_class[0] * of_class[1]);
    return found < 0.5 ? 1 - found : found;
}

static int by_word(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* A category's value is its share of positives. Rare ones are taken together: of few rows the share
 * says little, and of one row it says the label itself. words: (category, label) pairs, by
 * category. */
static void rank_categories(const uint64_t *words, uint32_t n, struct qn_ranked *rows)
{
    double rare[2] = {0, 0}; /* rows, and positives of them */
    for (uint32_t i = 0, end; i < n; i = end) {
        double positives = 0;
        for (end = i; end < n && words[2 * (size_t)end] == words[2 * (size_t)i]; end++)
            positives += (double)words[2 * (size_t)end + 1];
        bool is_rare = end - i < ROWS_OF_CATEGORY;
        rare[0] += is_rare ? end - i : 0;
        rare[1] += is_rare ? positives : 0;
        for (uint32_t k = i; k < end; k++)
            rows[k] =
                (struct qn_ranked){is_rare ? -1 : positives / (end - i), words[2 * (size_t)k + 1]};
    }
    for (uint32_t i = 0; i < n; i++)
        if (rows[i].value < 0)
            rows[i].value = rare[1] / rare[0];
}

static void give_share(struct qn_ranked *rows, uint32_t begin, uint32_t end)
{
    double positives = 0;
    for (uint32_t i = begin; i < end; i++)
        positives += (double)rows[i].label;
    for (uint32_t i = begin; i < end; i++)
        rows[i].value = positives / (end - begin);
}

/* A number may tell the label without rising or falling with it: a code, a range in the middle. Its
 * value becomes the share of positives among those about it; frequent values stand alone. Rows
 * stand by value. */
static void rank_bands(struct qn_ranked *rows, uint32_t n)
{
    uint32_t begin = 0;
    for (uint32_t i = 0, end; i < n; i = end) {
        double value = rows[i].value;
        for (end = i; end < n && rows[end].value == value; end++) {
        }
        bool frequent = end - i >= ROWS_OF_CATEGORY;
        if (frequent && begin < i) {
            give_share(rows, begin, i);
            begin = i;
        }
        if (frequent || end - begin >= ROWS_OF_BAND || end == n) {
            give_share(rows, begin, end);
            begin = end;
        }
    }
}

static double power(double x, uint32_t n)
{
    double out = 1;
    for (uint32_t i = 0; i < n && out > 0; i++)
        out *= x;
    return out;
}

/* Whether values come several times as a rule, and each with one label only, as no chance would
 * have it: codes that are too many to judge one by one. words: (value, label) pairs, which stand by
 * value then. */
static bool is_pure(uint64_t *words, uint32_t n)
{
    double chance = 1, positives = 0;
    uint32_t repeated[2] = {0, 0};
    for (uint32_t i = 0; i < n; i++)
        positives += (double)words[2 * (size_t)i + 1];
    qsort(words, n, 2 * sizeof *words, by_word);
    for (uint32_t i = 0, end; i < n; i = end) {
        const uint64_t *first = words + 2 * (size_t)i;
        for (end = i; end < n && words[2 * (size_t)end] == first[0]; end++)
            if (words[2 * (size_t)end + 1] != first[1])
                return false;
        if (end - i < 2)
            continue;
        chance *= power(positives / n, end - i) + power(1 - positives / n, end - i);
        repeated[first[1]] += end - i;
    }
    return repeated[0] >= CLASS_TO_JUDGE && repeated[1] >= CLASS_TO_JUDGE &&
           (repeated[0] + repeated[1]) * UINT64_C(5) >= n * UINT64_C(4) && chance < PURE_BY_CHANCE;
}

/* --- one feature ------------------------------------------------------------------------------ */

void qn_guard_say(struct qn_judged *judged, const char *feature, const char *test,
                  const char *message)
{
    judged->failed |= !message;
    judged->notes[judged->n_notes++] =
        (struct qn_fit_note){.feature = feature, .test = test, .message = message};
}

/* The area of a feature's values, and how they were taken. */
static double area_of_values(struct qn_judged *judged, uint32_t feature, const char **how)
{
    const struct qn_guard *guard = judged->guard;
    uint32_t n = 0;
    for (uint32_t i = 0; i < guard->n; i++) {
        const uint64_t *row = qn_guard_row(guard, i);
        uint64_t word = row[CELL_VALUES + feature];
        if (word == QN_GUARD_NONE)
            continue;
        judged->words[2 * (size_t)n] = word;
        judged->words[2 * (size_t)n + 1] = row[CELL_LABEL];
        memcpy(&judged->rows[n].value, &word, sizeof word);
        judged->rows[n++].label = row[CELL_LABEL];
    }
    *how = "";
    bool pure = is_pure(judged->words, n);
    if (guard->plan->features[feature].categorical)
        rank_categories(judged->words, n, judged->rows);
    double found = area(judged->rows, n);
    if (found >= TELLING_AUC || found != found)
        return found;
    *how = ", taken by ranges,";
    rank_bands(judged->rows, n);
    found = area(judged->rows, n);
    if (found >= TELLING_AUC || !pure)
        return found;
    *how = ", each value with one label only,";
    return 1;
}

/* The area of whether a value is missing. */
static double area_of_gaps(struct qn_judged *judged, uint32_t feature)
{
    const struct qn_guard *guard = judged->guard;
    uint32_t missing = 0;
    for (uint32_t i = 0; i < guard->n; i++) {
        const uint64_t *row = qn_guard_row(guard, i);
        bool gap = row[CELL_VALUES + feature] == QN_GUARD_NONE;
        judged->rows[i] = (struct qn_ranked){.value = gap, .label = row[CELL_LABEL]};
        missing += gap;
    }
    return missing ? area(judged->rows, guard->n) : 0.5;
}

static void judge_leak(struct qn_judged *judged, uint32_t feature)
{
    const char *name = judged->guard->plan->features[feature].name, *how;
    uint32_t n = judged->guard->n;
    double values = area_of_values(judged, feature, &how), gaps = area_of_gaps(judged, feature);
    if (values >= TELLING_AUC)
        qn_guard_say(judged, name, "leak",
                     qn_arena_printf(judged->arena,
                                     "'%s' alone%s ranks the labels of %u training rows with an "
                                     "AUC of %.4f: is it known when the score is needed, or is it "
                                     "the label in disguise?",
                                     name, how, n, values));
    else if (gaps >= TELLING_AUC)
        qn_guard_say(judged, name, "leak",
                     qn_arena_printf(judged->arena,
                                     "whether '%s' is missing ranks the labels of %u training rows "
                                     "with an AUC of %.4f: is it filled in only once the label is "
                                     "known?",
                                     name, n, gaps));
}

/* --- the whole -------------------------------------------------------------------------------- */

static qn_code judge_twins(struct qn_judged *judged, struct qn_err *err)
{
    struct qn_twins_found found;
    QN_TRY(qn_twins_find(&judged->guard->twins, &found, err));
    double share = found.held_out ? (double)found.with_twin / (double)found.held_out : 0;
    /* Where a vector has many rows, features are coarse and say nothing of who is who. */
    bool coarse = found.rows > 4 * found.vectors;
    if (!found.example || coarse || share < 0.01 || found.with_twin < TWINS_TO_TELL)
        return QN_OK;
    if (strcmp(found.example->keys[0], found.example->keys[1]) == 0)
        return QN_OK; /* keys on both sides: judge_overlap() tells */
    qn_guard_say(
        judged, "", "twins",
        qn_arena_printf(judged->arena,
                        "%" PRIu64 " of %" PRIu64 " held-out rows (%.1f %%) have the same "
                        "features as a training row under another key, such as '%s' and '%s': if "
                        "they are one and the same, give them one key, or what is measured on "
                        "them is remembered, not predicted",
                        found.with_twin, found.held_out, 100 * share, found.example->keys[1],
                        found.example->keys[0]));
    return QN_OK;
}

/* Where the split does not go by the key. */
static qn_code judge_overlap(struct qn_judged *judged, struct qn_err *err)
{
    struct qn_twins_found found;
    QN_TRY(qn_twins_find(&judged->guard->keys, &found, err));
    double share = found.held_out ? (double)found.with_twin / (double)found.held_out : 0;
    if (!found.example || share < 0.01 || found.with_twin < TWINS_TO_TELL)
        return QN_OK;
    qn_guard_say(
        judged, "", "overlap",
        qn_arena_printf(judged->arena,
                        "%" PRIu64 " of %" PRIu64 " held-out rows (%.1f %%) are of a key that "
                        "training rows have too, such as '%s': what is measured on them may be "
                        "remembered, not predicted, unless the model is for just these keys",
                        found.with_twin, found.held_out, 100 * share, found.example->keys[0]));
    return QN_OK;
}

static void judge_late(struct qn_judged *judged)
{
    const struct qn_guard_plan *plan = judged->guard->plan;
    for (uint32_t d = 0; d < plan->n_dates; d++) {
        const struct late *late = &judged->guard->late[d];
        if (late->after == 0)
            continue;
        qn_guard_say(
            judged, plan->dates[d], "late",
            qn_arena_printf(judged->arena,
                            "'%s' is after the label's time in %" PRIu64 " of %" PRIu64
                            " rows, first in that of '%s': what it tells, and what was made of "
                            "it, was not known then",
                            plan->dates[d], late->after, late->rows, late->key));
    }
}

qn_code qn_guard_finish(struct qn_guard *guard, struct qn_arena *arena, struct qn_fit_note **notes,
                        uint32_t *n_notes, struct qn_err *err)
{
    const struct qn_guard_plan *plan = guard->plan;
    QN_TRY(qn_guard_settle(guard, err));
    size_t most = 2 * (size_t)plan->n_features + plan->n_dates + 2, n = guard->n + (size_t)1;
    struct qn_judged judged = {.guard = guard,
                               .arena = arena,
                               .notes = QN_NEW_ARRAY(arena, struct qn_fit_note, most),
                               .rows = malloc(n * sizeof *judged.rows),
                               .words = malloc(2 * n * sizeof *judged.words)};
    judged.failed = !judged.notes || !judged.rows || !judged.words;
    for (uint32_t f = 0; !judged.failed && guard->n >= ROWS_TO_JUDGE && f < plan->n_features; f++) {
        judge_leak(&judged, f);
        qn_guard_judge_identifier(&judged, f);
    }
    qn_code code = judged.failed ? QN_OK : judge_twins(&judged, err);
    if (code == QN_OK && !judged.failed)
        code = judge_overlap(&judged, err);
    if (!judged.failed)
        judge_late(&judged);
    free(judged.rows);
    free(judged.words);
    *notes = judged.notes;
    *n_notes = judged.n_notes;
    return judged.failed ? qn_err_nomem(err, "the guards") : code;
}
