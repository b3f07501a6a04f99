/* From what a guard has seen to what it says. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "jobs/learn/guard_internal.h"

enum { TWINS_TO_TELL = 3 };

void qn_guard_say(struct qn_judged *judged, const char *feature, const char *test,
                  const char *message)
{
    judged->failed |= !message;
    judged->notes[judged->n_notes++] =
        (struct qn_fit_note){.feature = feature, .test = test, .message = message};
}

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

static qn_code judge_features(struct qn_judged *judged, struct qn_err *err)
{
    const struct qn_guard *guard = judged->guard;
    for (uint32_t f = 0; guard->n >= ROWS_TO_JUDGE && f < guard->plan->n_features; f++) {
        QN_TRY(qn_guard_take_bands(judged, f, err));
        qn_guard_judge_leak(judged, f);
        qn_guard_judge_identifier(judged, f);
    }
    return QN_OK;
}

static qn_code judge(struct qn_judged *judged, struct qn_err *err)
{
    if (!judged->notes || !judged->rows || !judged->bands || !judged->shares)
        return qn_err_nomem(err, "the guards");
    QN_TRY(judge_features(judged, err));
    QN_TRY(judge_twins(judged, err));
    QN_TRY(judge_overlap(judged, err));
    judge_late(judged);
    return judged->failed ? qn_err_nomem(err, "the guards") : QN_OK;
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
                               .bands = malloc(n * sizeof *judged.bands),
                               .shares = malloc(n * sizeof *judged.shares)};
    qn_code code = judge(&judged, err);
    free(judged.rows);
    free(judged.bands);
    free(judged.shares);
    *notes = judged.notes;
    *n_notes = judged.n_notes;
    return code;
}
