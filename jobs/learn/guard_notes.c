/* From what a guard has seen to what it says. */
#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "jobs/learn/guard_internal.h"

enum {
    ROWS_TO_JUDGE = 50, /* with fewer rows anything may look like a leak */
    CLASS_TO_JUDGE = 10,
    TWINS_TO_TELL = 3,
    ROWS_OF_CATEGORY = 20,
};
static const double TELLING_AUC = 0.99;
/* Of values drawn at random from as wide a range this many pairs would be equal; if none is, they
 * were not drawn: the chance of it is exp(-5). */
static const double PAIRS_EXPECTED = 5;

/* --- areas ------------------------------------------------------------------------------------ */

struct ranked {
    double value;
    uint64_t label;
};

static int by_value(const void *a, const void *b)
{
    double x = ((const struct ranked *)a)->value, y = ((const struct ranked *)b)->value;
    return (x > y) - (x < y);
}

/* The area under the ROC curve of rows [n], in either direction; NaN with too few of a class. */
static double area(struct ranked *rows, uint32_t n)
{
    double of_class[2] = {0, 0}, right = 0, negatives = 0;
    for (uint32_t i = 0; i < n; i++)
        of_class[rows[i].label]++;
    if (of_class[0] < CLASS_TO_JUDGE || of_class[1] < CLASS_TO_JUDGE)
        return (double)NAN;
    qsort(rows, n, sizeof *rows, by_value);
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
 * says little, and of one row it says the label itself. words: (category, label) pairs. */
static void rank_categories(uint64_t *words, uint32_t n, struct ranked *rows)
{
    double rare[2] = {0, 0}; /* rows, and positives of them */
    qsort(words, n, 2 * sizeof *words, by_word);
    for (uint32_t i = 0, end; i < n; i = end) {
        double positives = 0;
        for (end = i; end < n && words[2 * (size_t)end] == words[2 * (size_t)i]; end++)
            positives += (double)words[2 * (size_t)end + 1];
        bool is_rare = end - i < ROWS_OF_CATEGORY;
        rare[0] += is_rare ? end - i : 0;
        rare[1] += is_rare ? positives : 0;
        for (uint32_t k = i; k < end; k++)
            rows[k] =
                (struct ranked){is_rare ? -1 : positives / (end - i), words[2 * (size_t)k + 1]};
    }
    for (uint32_t i = 0; i < n; i++)
        if (rows[i].value < 0)
            rows[i].value = rare[1] / rare[0];
}

/* --- one feature ------------------------------------------------------------------------------ */

/* The sample's values of one feature, and room to judge them. */
struct judged {
    struct qn_guard *guard;
    struct qn_arena *arena;
    struct qn_fit_note *notes;
    uint32_t n_notes;
    struct ranked *rows;
    uint64_t *words; /* two a row */
    bool failed;     /* memory */
};

static void say(struct judged *judged, const char *feature, const char *test, const char *message)
{
    judged->failed |= !message;
    judged->notes[judged->n_notes++] =
        (struct qn_fit_note){.feature = feature, .test = test, .message = message};
}

static double area_of_values(struct judged *judged, uint32_t feature)
{
    const struct qn_guard *guard = judged->guard;
    bool categorical = guard->plan->features[feature].categorical;
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
    if (categorical)
        rank_categories(judged->words, n, judged->rows);
    return area(judged->rows, n);
}

static double area_of_gaps(struct judged *judged, uint32_t feature)
{
    const struct qn_guard *guard = judged->guard;
    for (uint32_t i = 0; i < guard->n; i++) {
        const uint64_t *row = qn_guard_row(guard, i);
        judged->rows[i].value = row[CELL_VALUES + feature] == QN_GUARD_NONE;
        judged->rows[i].label = row[CELL_LABEL];
    }
    return area(judged->rows, guard->n);
}

static void judge_leak(struct judged *judged, uint32_t feature)
{
    const char *name = judged->guard->plan->features[feature].name;
    uint32_t n = judged->guard->n;
    double values = area_of_values(judged, feature), gaps = area_of_gaps(judged, feature);
    if (values >= TELLING_AUC)
        say(judged, name, "leak",
            qn_arena_printf(judged->arena,
                            "'%s' alone ranks the labels of %u training rows with an AUC of "
                            "%.4f: is it known when the score is needed, or is it the label in "
                            "disguise?",
                            name, n, values));
    else if (gaps >= TELLING_AUC)
        say(judged, name, "leak",
            qn_arena_printf(judged->arena,
                            "whether '%s' is missing ranks the labels of %u training rows with "
                            "an AUC of %.4f: is it filled in only once the label is known?",
                            name, n, gaps));
}

/* "id", "user_id", "customerID", "AccountNumber"; not "paid" or "casino". */
static bool is_called_id(const char *name)
{
    static const char *const words[] = {"id", "key", "no", "nr", "number", "uuid", "guid"};
    size_t n = strlen(name);
    for (size_t w = 0; w < sizeof words / sizeof words[0]; w++) {
        size_t len = strlen(words[w]);
        if (n < len || strcasecmp(name + n - len, words[w]) != 0)
            continue;
        const char *word = name + n - len;
        if (n == len || word[-1] == '_' || isupper((unsigned char)word[0]))
            return true;
    }
    return false;
}

static void judge_identifier(struct judged *judged, uint32_t feature)
{
    const struct qn_guard *guard = judged->guard;
    const char *name = guard->plan->features[feature].name;
    const struct run *run = &guard->runs[feature];
    uint32_t n = 0;
    double low = HUGE_VAL, high = -HUGE_VAL;
    for (uint32_t i = 0; i < guard->n; i++) {
        uint64_t word = qn_guard_row(guard, i)[CELL_VALUES + feature];
        double value;
        if (word == QN_GUARD_NONE)
            continue;
        memcpy(&value, &word, sizeof value);
        low = value < low ? value : low;
        high = value > high ? value : high;
        judged->rows[n++].value = value;
    }
    if (n < ROWS_TO_JUDGE)
        return;
    qsort(judged->rows, n, sizeof *judged->rows, by_value);
    for (uint32_t i = 1; i < n; i++)
        if (judged->rows[i].value == judged->rows[i - 1].value)
            return;
    double pairs = (double)n * (n - 1) / 2 / (high - low + 1);
    const char *why = run->rising          ? "they rise from row to row"
                      : run->falling       ? "they fall from row to row"
                      : is_called_id(name) ? "it is called an id"
                      : pairs >= PAIRS_EXPECTED
                          ? "by chance some would be equal in so narrow a range"
                          : NULL;
    if (why)
        say(judged, name, "identifier",
            qn_arena_printf(judged->arena,
                            "'%s' has %u different values in %u training rows, and %s: it names "
                            "rows instead of describing them; leave it out with features.exclude",
                            name, n, n, why));
}

/* --- the whole -------------------------------------------------------------------------------- */

static qn_code judge_twins(struct judged *judged, struct qn_err *err)
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
    say(judged, "", "twins",
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
static qn_code judge_overlap(struct judged *judged, struct qn_err *err)
{
    struct qn_twins_found found;
    QN_TRY(qn_twins_find(&judged->guard->keys, &found, err));
    double share = found.held_out ? (double)found.with_twin / (double)found.held_out : 0;
    if (!found.example || share < 0.01 || found.with_twin < TWINS_TO_TELL)
        return QN_OK;
    say(judged, "", "overlap",
        qn_arena_printf(judged->arena,
                        "%" PRIu64 " of %" PRIu64 " held-out rows (%.1f %%) are of a key that "
                        "training rows have too, such as '%s': what is measured on them may be "
                        "remembered, not predicted, unless the model is for just these keys",
                        found.with_twin, found.held_out, 100 * share, found.example->keys[0]));
    return QN_OK;
}

static void judge_late(struct judged *judged)
{
    const struct qn_guard_plan *plan = judged->guard->plan;
    for (uint32_t d = 0; d < plan->n_dates; d++) {
        const struct late *late = &judged->guard->late[d];
        if (late->after == 0)
            continue;
        say(judged, plan->dates[d], "late",
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
    struct judged judged = {.guard = guard,
                            .arena = arena,
                            .notes = QN_NEW_ARRAY(arena, struct qn_fit_note, most),
                            .rows = malloc(n * sizeof *judged.rows),
                            .words = malloc(2 * n * sizeof *judged.words)};
    judged.failed = !judged.notes || !judged.rows || !judged.words;
    for (uint32_t f = 0; !judged.failed && guard->n >= ROWS_TO_JUDGE && f < plan->n_features; f++) {
        judge_leak(&judged, f);
        if (plan->features[f].type.id == QN_INT64)
            judge_identifier(&judged, f);
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
