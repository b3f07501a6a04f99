#include "coordinator/task_stage.h"

#include <stdlib.h>
#include <string.h>

static bool is_committed(const struct qn_task_stage *stage, uint32_t unit)
{
    return stage->committed && (stage->committed[unit / 8] >> (unit % 8) & 1);
}

static void skip_committed(struct qn_task_stage *stage)
{
    while (stage->base < stage->n_units && is_committed(stage, stage->base))
        stage->base++;
    if (stage->admitted < stage->base)
        stage->admitted = stage->base;
}

/* What an earlier life left: both arrays are the caller's and are copied. */
static qn_code copy_past(struct qn_task_stage *stage, const struct qn_schedule_stage *spec,
                         struct qn_err *err)
{
    if (spec->committed && spec->n_units) {
        stage->committed = calloc(spec->n_units / 8 + 1, 1);
        if (!stage->committed)
            return qn_err_nomem(err, "a stage's committed units");
        for (uint32_t i = 0; i < spec->n_units; i++)
            if (spec->committed[i]) {
                stage->committed[i / 8] |= (uint8_t)(1u << (i % 8));
                stage->n_open--;
            }
    }
    if (spec->attempts && spec->n_units) {
        stage->attempts = malloc(spec->n_units * sizeof *stage->attempts);
        if (!stage->attempts)
            return qn_err_nomem(err, "a stage's attempts");
        memcpy(stage->attempts, spec->attempts, spec->n_units * sizeof *stage->attempts);
    }
    return QN_OK;
}

qn_code qn_task_stage_new(const struct qn_schedule_stage *spec, uint32_t window, uint64_t order,
                          struct qn_task_homes *homes, struct qn_task_stage **out,
                          struct qn_err *err)
{
    struct qn_task_stage *stage = calloc(1, sizeof *stage);
    if (!stage)
        return qn_err_nomem(err, "a stage");
    qn_link_init(&stage->link);
    stage->order = order;
    stage->job = spec->job;
    stage->stage = spec->stage;
    stage->round = spec->round;
    stage->n_units = spec->n_units;
    stage->base = stage->admitted = spec->first_unit;
    stage->n_open = spec->n_units - spec->first_unit;
    stage->homes = homes;
    if (homes)
        homes->n_stages++;
    stage->fresh = true;
    stage->span = window < spec->n_units ? window : spec->n_units;
    qn_code code = copy_past(stage, spec, err);
    if (code == QN_OK && stage->span) {
        stage->ring = calloc(stage->span, sizeof *stage->ring);
        if (!stage->ring)
            code = qn_err_nomem(err, "a stage's window");
    }
    if (code != QN_OK) {
        qn_task_stage_free(stage);
        return code;
    }
    skip_committed(stage);
    *out = stage;
    return QN_OK;
}

void qn_task_stage_free(struct qn_task_stage *stage)
{
    if (!stage)
        return;
    qn_link_remove(&stage->link);
    if (stage->homes)
        qn_task_homes_release(stage->homes);
    free(stage->ring);
    free(stage->committed);
    free(stage->attempts);
    free(stage);
}

struct qn_task *qn_task_stage_find(struct qn_task_stage *stage, const struct qn_token *token)
{
    if (token->unit < stage->base || token->unit >= stage->admitted)
        return NULL;
    struct qn_task *task = &stage->ring[token->unit % stage->span];
    bool is = task->state != QN_TASK_ABSENT && task->unit == token->unit &&
              task->attempt == token->attempt;
    return is ? task : NULL;
}

struct qn_token qn_task_token(const struct qn_task *task, uint64_t epoch)
{
    const struct qn_task_stage *stage = task->stage;
    return (struct qn_token){.job = stage->job,
                             .stage = stage->stage,
                             .round = stage->round,
                             .unit = task->unit,
                             .attempt = task->attempt,
                             .epoch = epoch};
}

struct qn_task *qn_task_stage_admit(struct qn_task_stage *stage)
{
    while (stage->admitted < stage->n_units && stage->admitted - stage->base < stage->span) {
        uint32_t unit = stage->admitted++;
        struct qn_task *task = &stage->ring[unit % stage->span];
        *task = (struct qn_task){.stage = stage, .unit = unit};
        if (is_committed(stage, unit))
            continue;
        task->attempt = stage->attempts ? stage->attempts[unit] : 0;
        qn_link_init(&task->in_worker);
        task->in_stage = task->in_home =
            (struct qn_task_place){.task = task, .order = stage->order, .unit = unit};
        return task;
    }
    return NULL;
}

struct qn_task *qn_task_stage_turn(struct qn_task_stage *stage)
{
    if (stage->base == stage->admitted)
        return NULL;
    struct qn_task *task = &stage->ring[stage->base % stage->span];
    return task->state == QN_TASK_HELD ? task : NULL;
}

void qn_task_stage_advance(struct qn_task_stage *stage)
{
    stage->ring[stage->base % stage->span].state = QN_TASK_ABSENT;
    stage->base++;
    stage->n_open--;
    skip_committed(stage);
}
