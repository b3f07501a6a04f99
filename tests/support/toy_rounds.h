/* toy_rounds: a kind of job that only the program which includes this has, in the place of all
 * others. It runs rounds that do next to nothing but answer, and watches what it is handed: the
 * state must be what the rounds so far gave, the accumulator what they left, or a task fails.
 *
 *     {kind: toy, from: SOURCE, rounds: 100, partial: 1000, state: 100, states: added, micros: 50,
 *      settles: 4, log: FILE} */
#ifndef QN_TESTS_SUPPORT_TOY_ROUNDS_H
#define QN_TESTS_SUPPORT_TOY_ROUNDS_H

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "flow/job.h"
#include "spec/keys.h"
#include "spec/node.h"

struct toy {
    uint32_t rounds, partial_bytes, state_bytes, micros;
    uint32_t settles; /* every so many rounds the accumulator has nothing to say; 0: never */
    const char *log;  /* every task that is run adds a line "ROUND UNIT"; NULL: none */
    bool grows;       /* the state is that of all rounds so far, not of the last one */
    bool appends;     /* and finish gives only what is new of it */
};

/* What the coordinator keeps from round to round, as long as it lives. */
struct toy_acc {
    uint32_t merged; /* partials of this round */
    uint32_t rounds; /* finished with this accumulator; 0 in round 0 alone, unless it was lost */
};

static const char *const toy_kinds[] = {"toy", NULL};
static const char *const toy_states[] = {"last", "grown", "added", NULL};
static const struct qn_key toy_keys[] = {
    {.name = "kind", .shape = QN_SHAPE_ENUM, .values = toy_kinds, .required = true, .doc = "toy"},
    {.name = "from", .shape = QN_SHAPE_TEXT, .required = true, .doc = "a source"},
    {.name = "rounds", .shape = QN_SHAPE_INT, .min = 1, .max = 1e6, .doc = "how many"},
    {.name = "partial", .shape = QN_SHAPE_INT, .min = 8, .max = 1e8, .doc = "bytes of a task"},
    {.name = "state", .shape = QN_SHAPE_INT, .min = 1, .max = 1e8, .doc = "bytes of a round"},
    {.name = "micros", .shape = QN_SHAPE_INT, .min = 1, .max = 1e7, .doc = "a task lasts"},
    {.name = "settles", .shape = QN_SHAPE_INT, .min = 1, .max = 1e6, .doc = "rounds"},
    {.name = "log", .shape = QN_SHAPE_TEXT, .doc = "file"},
    {.name = "states", .shape = QN_SHAPE_ENUM, .values = toy_states, .doc = "how they come"},
};
static const struct qn_spec_keys toy_spec_keys = QN_KEYS("toy job", toy_keys);

static inline uint32_t toy_number(const struct qn_node *node, const char *name)
{
    return (uint32_t)qn_node_f64(qn_node_get(node, name), 1);
}

static inline qn_code toy_compile(const struct qn_job_env *env, struct qn_job *job,
                                  struct qn_err *err)
{
    struct toy *toy = QN_NEW(env->arena, struct toy);
    if (!toy || !env->input(env, qn_node_get(env->node, "from"), &job->input))
        return qn_err_nomem(err, "a toy");
    const char *states = qn_node_text(qn_node_get(env->node, "states"), "last");
    *toy = (struct toy){.rounds = toy_number(env->node, "rounds"),
                        .partial_bytes = toy_number(env->node, "partial"),
                        .state_bytes = toy_number(env->node, "state"),
                        .micros = toy_number(env->node, "micros"),
                        .settles = (uint32_t)qn_node_f64(qn_node_get(env->node, "settles"), 0),
                        .log = qn_node_text(qn_node_get(env->node, "log"), NULL),
                        .grows = strcmp(states, "last") != 0,
                        .appends = strcmp(states, "added") == 0};
    job->impl = toy;
    job->stages[job->n_stages++] = (struct qn_stage){.name = "round",
                                                     .over = QN_OVER_CHUNKS,
                                                     .merges = true,
                                                     .repeats = true,
                                                     .appends = toy->appends};
    job->stages[job->n_stages++] =
        (struct qn_stage){.name = "look", .over = QN_OVER_CHUNKS, .merges = true};
    return QN_OK;
}

/* --- states ---------------------------------------------------------------------------------- */

static inline uint8_t toy_byte(uint32_t round, uint32_t at)
{
    return (uint8_t)(round * 31 + at);
}

/* What the state must be when `rounds` of them are over. */
static inline bool toy_state_is(const struct toy *toy, struct qn_strv state, uint32_t rounds)
{
    const uint8_t *at = (const uint8_t *)state.data, *end = at + state.len;
    uint32_t first = toy->grows || !rounds ? 0 : rounds - 1;
    for (uint32_t round = first; round < rounds; round++)
        for (uint32_t i = 0; i < toy->state_bytes; i++, at++)
            if (at >= end || *at != toy_byte(round, i))
                return false;
    return at == end;
}

/* --- tasks ----------------------------------------------------------------------------------- */

static inline qn_code toy_read_rows(struct qn_task_in *in, struct qn_task_out *out,
                                    struct qn_err *err)
{
    struct qn_batch batch;
    if (in->stage == 0)
        QN_TRY(in->open_rows(in, err));
    do
        QN_TRY(in->reader->ops->next(in->reader, &batch, &out->rejects, err));
    while (batch.n_rows);
    in->unit_cache->data = in->unit_cache; /* only that it was here */
    return QN_OK;
}

static inline void toy_note(const struct toy *toy, const struct qn_task_in *in)
{
    char line[40];
    int n = snprintf(line, sizeof line, "%u %u\n", in->round, in->unit);
    int fd = toy->log ? open(toy->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644) : -1;
    if (fd >= 0 && write(fd, line, (size_t)n) != n)
        abort();
    if (fd >= 0)
        close(fd);
}

static inline qn_code toy_run(const struct qn_job *job, struct qn_task_in *in,
                              struct qn_task_out *out, struct qn_err *err)
{
    const struct toy *toy = job->impl;
    if (!toy_state_is(toy, in->states[0], in->stage ? toy->rounds : in->round))
        return qn_err_set(err, QN_EINPUT, QN_BLAME_JOB, "round %u finds %zu bytes of another state",
                          in->round, in->states[0].len);
    if (in->stage || !in->unit_cache->data)
        QN_TRY(toy_read_rows(in, out, err));
    int64_t until = qn_clock_us() + (toy->micros > 1 ? toy->micros : 0);
    while (qn_clock_us() < until && !atomic_load(in->cancelled)) {
    }
    char *bytes = qn_arena_zalloc(in->arena, toy->partial_bytes, 1);
    if (!bytes)
        return qn_err_nomem(err, "a partial");
    if (in->stage == 0)
        toy_note(toy, in);
    memcpy(bytes, &in->round, sizeof in->round);
    memcpy(bytes + sizeof in->round, &in->unit, sizeof in->unit);
    return out->ops->partial(out, (struct qn_strv){bytes, toy->partial_bytes}, err);
}

/* --- merging --------------------------------------------------------------------------------- */

static inline qn_code toy_merge(const struct qn_job *job, uint32_t stage, void **acc,
                                const struct qn_strv *states, struct qn_strv partial,
                                struct qn_err *err)
{
    (void)states;
    const struct toy *toy = job->impl;
    struct toy_acc *sum = *acc;
    uint32_t unit;
    (void)stage;
    if (!sum)
        *acc = sum = calloc(1, sizeof *sum);
    if (!sum)
        return qn_err_nomem(err, "a toy");
    if (partial.len != toy->partial_bytes)
        return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER, "a partial of the wrong size");
    memcpy(&unit, partial.data + sizeof unit, sizeof unit);
    if (unit != sum->merged++)
        return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER, "unit %u is merged out of turn", unit);
    return QN_OK;
}

static inline qn_code toy_finish(const struct qn_job *job, uint32_t stage, uint32_t round,
                                 void **acc, const struct qn_strv *states, struct qn_buf *state,
                                 struct qn_findings *findings, enum qn_verdict *verdict,
                                 struct qn_err *err)
{
    const struct toy *toy = job->impl;
    struct toy_acc *sum = *acc;
    (void)findings;
    *verdict = QN_VERDICT_NEXT;
    if (stage == 1)
        return QN_OK;
    /* Nobody that is killed takes it along; where it begins anew, nobody misses the old one. */
    bool settled = toy->settles && round % toy->settles == 0;
    if (sum->rounds == 0 && round > 0 && !settled)
        return qn_err_set(err, QN_ESTATE, QN_BLAME_COORDINATOR, "round %u lost its accumulator",
                          round);
    sum->merged = 0;
    sum->rounds++;
    if (toy->grows && !toy->appends)
        qn_buf_put(state, states[0].data, states[0].len);
    for (uint32_t i = 0; i < toy->state_bytes; i++)
        qn_buf_put_u8(state, toy_byte(round, i));
    if (round + 1 < toy->rounds)
        *verdict =
            toy->settles && (round + 1) % toy->settles == 0 ? QN_VERDICT_ANEW : QN_VERDICT_REPEAT;
    return qn_buf_check(state, "a state", err);
}

static inline void toy_free_acc(void *acc)
{
    free(acc);
}

static const struct qn_job_ops toy_ops = {.kind = "toy",
                                          .summary = "rounds that do next to nothing",
                                          .keys = &toy_spec_keys,
                                          .compile = toy_compile,
                                          .run = toy_run,
                                          .merge = toy_merge,
                                          .finish = toy_finish,
                                          .free_acc = toy_free_acc};
static const struct qn_job_ops *const toy_all[] = {&toy_ops, NULL};

/* Instead of jobs/registry.c, which is not linked when these are there. */
const struct qn_job_ops *const *qn_job_all(void)
{
    return toy_all;
}

const struct qn_job_ops *qn_job_find(const char *kind)
{
    return strcmp(kind, "toy") == 0 ? &toy_ops : NULL;
}

#endif
