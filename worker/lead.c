#include "worker/lead.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "flow/round.h"
#include "worker/crew.h"
#include "worker/task_input.h"

/* The first round after so long that settles what was before it is the last one: what a lost worker
 * takes with it, and how long one that joins has to wait. */
enum { LEAD_MS = 100 };

/* A unit's task, run round after round. */
struct unit {
    struct qn_task_input input;
    struct qn_task_out out;
    struct qn_arena arena;
    struct qn_buf partial;
    bool has_partial;
    qn_code code;
    struct qn_err err;
};

/* A member of the crew has every n-th unit, in every round. */
struct member {
    struct qn_task_cache *job_cache;
    struct qn_task_in **tasks; /* of its units */
    uint32_t n_tasks;
    void *acc; /* what it folds into; of the first one it is the lead's */
    qn_code code;
    struct qn_err err;
};

struct lead {
    struct qn_task *task;
    const struct qn_executor *executor;
    const struct qn_job *job;
    const struct qn_stage *stage;
    struct unit *units;
    uint32_t n_units, n_ready; /* units to be let go */
    struct qn_crew *crew;
    struct member *members;
    uint32_t n_members;
    uint32_t round;
    struct qn_buf state;
    struct qn_arena arena;
};

/* --- what units give out --------------------------------------------------------------------- */

static struct unit *unit_of(struct qn_task_out *out)
{
    return (struct unit *)(void *)((char *)out - offsetof(struct unit, out));
}

static qn_code put_partial(struct qn_task_out *out, struct qn_strv bytes, struct qn_err *err)
{
    struct unit *unit = unit_of(out);
    unit->has_partial = true;
    qn_buf_put(&unit->partial, bytes.data, bytes.len);
    return qn_buf_check(&unit->partial, "a partial", err);
}

static qn_code refuse_rows(struct qn_task_out *out, const struct qn_batch *batch,
                           struct qn_err *err)
{
    (void)out;
    (void)batch;
    return qn_err_set(err, QN_ESTATE, QN_BLAME_JOB, "rounds that are led give no rows");
}

static qn_code refuse_partition(struct qn_task_out *out, uint32_t partition,
                                const struct qn_batch *batch, struct qn_err *err)
{
    (void)partition;
    return refuse_rows(out, batch, err);
}

static const struct qn_task_out_ops out_ops = {.rows = refuse_rows,
                                               .partition = refuse_partition,
                                               .raw = refuse_partition,
                                               .partial = put_partial};

/* --- units ----------------------------------------------------------------------------------- */

/* The lease names no chunk: a unit has its rows in the cache. */
static qn_code lack_rows(struct qn_task_in *in, struct qn_err *err)
{
    return qn_err_set(err, QN_ENOTFOUND, QN_BLAME_NONE, "the rows of unit %u are not here",
                      in->unit);
}

/* False: its rows are not here. */
static bool prepare_unit(struct lead *lead, uint32_t number)
{
    struct unit *unit = &lead->units[number];
    qn_task_input_init(&unit->input, lead->task, number, lead->executor);
    unit->input.in.open_rows = lack_rows;
    unit->input.in.arena = &unit->arena;
    struct member *member = &lead->members[number % lead->n_members];
    unit->input.in.job_cache = member->job_cache;
    member->tasks[member->n_tasks++] = &unit->input.in;
    unit->input.in.unit_cache =
        qn_cache_take(lead->executor->cache, lead->task->work.token.job, number);
    unit->out.ops = &out_ops;
    qn_arena_init(&unit->arena);
    qn_buf_init(&unit->partial);
    lead->n_ready++;
    return unit->input.in.unit_cache && unit->input.in.unit_cache->data;
}

static void let_unit_go(struct lead *lead, struct unit *unit)
{
    qn_cache_give(lead->executor->cache, unit->input.in.unit_cache);
    qn_task_input_fini(&unit->input);
    qn_buf_fini(&unit->partial);
    qn_arena_fini(&unit->arena);
}

static void run_unit(struct lead *lead, struct unit *unit)
{
    unit->has_partial = false;
    qn_buf_clear(&unit->partial);
    unit->code = lead->job->ops->run(lead->job, &unit->input.in, &unit->out, &unit->err);
    if (unit->code == QN_OK && !unit->has_partial)
        unit->code = qn_err_set(&unit->err, QN_ESTATE, QN_BLAME_JOB, "no partial came");
}

static void run_share(void *context, uint32_t number)
{
    struct lead *lead = context;
    struct member *member = &lead->members[number];
    for (uint32_t i = number; i < lead->n_units; i += lead->n_members) {
        lead->units[i].input.in.round = lead->round;
        qn_arena_clear(&lead->units[i].arena);
        if (!lead->job->ops->fold)
            run_unit(lead, &lead->units[i]);
    }
    if (lead->job->ops->fold)
        member->code = lead->job->ops->fold(lead->job, member->tasks, member->n_tasks, &member->acc,
                                            &member->err);
}

/* --- rounds ---------------------------------------------------------------------------------- */

static struct qn_strv *states_of(struct lead *lead)
{
    return lead->task->states;
}

static qn_code merge_units(struct lead *lead, struct qn_err *err)
{
    uint32_t stage = lead->task->work.token.stage;
    for (uint32_t i = 0; i < lead->n_units; i++) {
        struct unit *unit = &lead->units[i];
        if (unit->code != QN_OK) {
            *err = unit->err;
            return unit->code;
        }
        QN_TRY(lead->job->ops->merge(lead->job, stage, &lead->members[0].acc, states_of(lead),
                                     qn_buf_strv(&unit->partial), err));
    }
    return QN_OK;
}

static qn_code join_members(struct lead *lead, struct qn_err *err)
{
    uint32_t stage = lead->task->work.token.stage;
    for (uint32_t i = 0; i < lead->n_members; i++) {
        struct member *member = &lead->members[i];
        if (member->code != QN_OK) {
            *err = member->err;
            return member->code;
        }
        if (i)
            QN_TRY(lead->job->ops->join(lead->job, stage, &lead->members[0].acc, states_of(lead),
                                        member->acc, err));
    }
    return QN_OK;
}

/* Takes the round into the state, and to what is handed in. */
static qn_code take_round(struct lead *lead, struct qn_strv given, enum qn_verdict verdict,
                          struct qn_buf *rounds, struct qn_err *err)
{
    const struct qn_round round =
        qn_round_of(qn_buf_strv(&lead->state), given, lead->stage->appends, verdict);
    qn_round_pack(rounds, &round);
    QN_TRY(qn_round_apply(&round, &lead->state, err));
    states_of(lead)[lead->task->work.token.stage] = qn_buf_strv(&lead->state);
    return qn_buf_check(rounds, "rounds", err);
}

static qn_code finish_round(struct lead *lead, struct qn_buf *rounds, enum qn_verdict *verdict,
                            struct qn_err *err)
{
    struct qn_findings findings = {.arena = &lead->arena};
    struct qn_buf given;
    qn_buf_init(&given);
    qn_code code = lead->job->ops->finish(lead->job, lead->task->work.token.stage, lead->round,
                                          &lead->members[0].acc, states_of(lead), &given, &findings,
                                          verdict, err);
    if (code == QN_OK)
        code = qn_buf_check(&given, "a stage's state", err);
    if (code == QN_OK && *verdict != QN_VERDICT_END)
        code = take_round(lead, qn_buf_strv(&given), *verdict, rounds, err);
    qn_buf_fini(&given);
    return code;
}

static qn_code run_round(struct lead *lead, struct qn_buf *rounds, enum qn_verdict *verdict,
                         struct qn_err *err)
{
    qn_crew_turn(lead->crew, run_share, lead);
    QN_TRY(lead->job->ops->fold ? join_members(lead, err) : merge_units(lead, err));
    return finish_round(lead, rounds, verdict, err);
}

/* Of what did not come to a settled end nothing is handed in. */
static void run_rounds(struct lead *lead, struct qn_buf *rounds)
{
    int64_t until_ms = qn_clock_ms() + LEAD_MS;
    size_t settled = 0;
    struct qn_err err;
    enum qn_verdict verdict = QN_VERDICT_ANEW;
    while (verdict != QN_VERDICT_NEXT && !atomic_load(&lead->task->work.cancelled) &&
           (verdict != QN_VERDICT_ANEW || qn_clock_ms() < until_ms)) {
        qn_code code = run_round(lead, rounds, &verdict, &err);
        if (code != QN_OK)
            qn_log_debug("no longer leads at round %u: %s", lead->round, err.message);
        if (code != QN_OK || verdict == QN_VERDICT_END)
            break;
        lead->round++;
        if (qn_verdict_settles(verdict))
            settled = rounds->len;
    }
    rounds->len = settled;
}

/* --- from lease to result -------------------------------------------------------------------- */

static qn_code open_members(struct lead *lead, struct qn_err *err)
{
    uint32_t slots = lead->executor->n_executors, job = lead->task->work.token.job;
    lead->n_members = slots < lead->n_units ? slots : lead->n_units;
    lead->members = calloc(lead->n_members, sizeof *lead->members);
    bool whole = lead->members != NULL;
    for (uint32_t i = 0; whole && i < lead->n_members; i++) {
        struct member *member = &lead->members[i];
        member->job_cache = qn_cache_take(lead->executor->cache, job, QN_CACHE_WHOLE_JOB);
        member->tasks = calloc(lead->n_units, sizeof(struct qn_task_in *));
        whole = member->job_cache && member->tasks;
    }
    return whole ? qn_crew_new(lead->n_members, &lead->crew, err)
                 : qn_err_nomem(err, "leading rounds");
}

/* *ready: all units are here. */
static qn_code open(struct lead *lead, bool *ready, struct qn_err *err)
{
    uint32_t stage = lead->task->work.token.stage;
    struct qn_strv state = states_of(lead)[stage];
    QN_TRY(open_members(lead, err));
    lead->units = calloc(lead->n_units, sizeof *lead->units);
    if (!lead->units)
        return qn_err_nomem(err, "leading rounds");
    qn_buf_put(&lead->state, state.data, state.len);
    QN_TRY(qn_buf_check(&lead->state, "a stage's state", err));
    states_of(lead)[stage] = qn_buf_strv(&lead->state);
    *ready = true;
    for (uint32_t i = 0; i < lead->n_units && *ready; i++)
        *ready = prepare_unit(lead, i);
    return QN_OK;
}

/* Returns the processor time of the crew. */
static uint64_t close_all(struct lead *lead)
{
    uint64_t cpu_us = qn_crew_free(lead->crew);
    for (uint32_t i = 0; i < lead->n_ready; i++)
        let_unit_go(lead, &lead->units[i]);
    for (uint32_t i = 0; lead->members && i < lead->n_members; i++) {
        struct member *member = &lead->members[i];
        if (member->acc)
            lead->job->ops->free_acc(member->acc);
        qn_cache_give(lead->executor->cache, member->job_cache);
        free(member->tasks);
    }
    free(lead->members);
    free(lead->units);
    qn_buf_fini(&lead->state);
    qn_arena_fini(&lead->arena);
    return cpu_us;
}

qn_code qn_lead_run(struct qn_task *task, const struct qn_executor *executor, struct qn_buf *rounds,
                    struct qn_err *err)
{
    struct qn_token token = task->work.token;
    struct lead lead = {.task = task,
                        .executor = executor,
                        .job = &task->plan->jobs[token.job].job,
                        .n_units = task->brief->n_units,
                        .round = token.round};
    bool ready = false;
    lead.stage = &lead.job->stages[token.stage];
    qn_arena_init(&lead.arena);
    qn_buf_init(&lead.state);
    qn_code code = open(&lead, &ready, err);
    if (code == QN_OK && ready)
        run_rounds(&lead, rounds);
    task->cpu_micros += close_all(&lead);
    if (code == QN_OK && atomic_load(&task->work.cancelled))
        return qn_err_set(err, QN_ECANCEL, QN_BLAME_NONE, "cancelled");
    return code;
}
