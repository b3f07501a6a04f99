/* Runs one job of a spec over tables in memory, the way coordinator and workers do: stages in
 * order, a task per unit in any order of execution, partials merged and rows taken in unit order,
 * partitions read in unit order. What came out is text, so that two runs can be compared.
 *
 *     struct qn_runner runner;
 *     runner_init(&runner, "version: 1\n...");
 *     runner_table(&runner, "events", QN_INPUT_SOURCE, "id integer, kind text", "1,call\n2,\n");
 *     runner_job(&runner, "stage_events");     compiles; runner.diags holds the mistakes
 *     runner_run(&runner, 3, 1);               3 units, order of execution by seed 1
 *     assert_string_equal(runner_rows(&runner), "1|call\n2|\n"); */
#ifndef QN_TESTS_SUPPORT_JOB_RUNNER_H
#define QN_TESTS_SUPPORT_JOB_RUNNER_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow/job.h"
#include "flow/round.h"
#include "flow/value.h"
#include "spec/spec.h"
#include "tests/support/test.h"

enum {
    RUNNER_ROWS = QN_MAX_PARTITIONS, /* the list of rows, after those of the partitions */
    RUNNER_TABLES = 8,
    RUNNER_UNITS = 64,
    RUNNER_SIDE_PARTS = 3, /* of the table that is a side */
    RUNNER_EXECUTORS = 8,
    RUNNER_RECORD_BYTES = 10
};

struct qn_runner_table {
    const char *name;
    enum qn_input_kind kind;
    struct qn_schema schema;
    struct qn_batch rows;
};

/* Everything one task gave out. */
struct qn_runner_task {
    struct qn_task_out out; /* first: the ops get it back */
    struct qn_runner *runner;
    struct qn_batch *batches[RUNNER_ROWS + 1]; /* by partition; and rows */
    uint32_t n_batches[RUNNER_ROWS + 1];
    struct qn_buf *pieces; /* of the partial */
    uint32_t n_pieces;
};

struct qn_runner {
    struct qn_arena arena;
    struct qn_spec spec;
    struct qn_runner_table tables[RUNNER_TABLES];
    uint32_t n_tables;
    struct qn_job job;
    qn_code compiled;
    uint32_t partitions;   /* of shuffles; 3 unless set before runner_job */
    uint32_t ranges;       /* of partitions, a task each; one a partition unless set */
    uint32_t batch_rows;   /* of readers; 4 unless set */
    struct qn_err err;     /* of the last call that failed */
    uint64_t memory_bytes; /* of a task; as much as it likes unless set */
    uint64_t shared_bytes; /* for the side of a join; the same */
    uint32_t shuffled;     /* sides, a bit each, that go by partitions */
    uint32_t executors;    /* each with caches of its own, tasks dealt by seed; 1 unless set */
    struct qn_strv model;  /* what a score job reads */
    uint32_t model_version;
    bool stale;    /* no row came since the model was trained */
    bool forgets;  /* no accumulator lives from round to round: a coordinator that starts anew */
    bool distrust; /* every partial is also merged with a byte too few and one too many: refused */
    /* of the last run */
    struct qn_buf rows, rejects, partials;
    struct qn_counters counters;
    struct qn_findings findings;
    struct qn_buf states[QN_MAX_STAGES];
    uint32_t rounds; /* of stages that repeat */
    void *acc;       /* of the stage under way */
    struct qn_task_cache unit_caches[RUNNER_EXECUTORS][RUNNER_UNITS];
    struct qn_task_cache job_caches[RUNNER_EXECUTORS];
    struct qn_task_cache shared[QN_MAX_SIDES];
    atomic_bool cancelled;
};

/* --- tables ---------------------------------------------------------------------------------- */

static inline void runner_init(struct qn_runner *runner, const char *spec)
{
    memset(runner, 0, sizeof *runner);
    qn_arena_init(&runner->arena);
    runner->partitions = 3;
    runner->batch_rows = 4;
    runner->executors = 1;
    runner->model_version = 1;
    qn_code code = qn_spec_read(&runner->spec, "quern.yaml", qn_strv_from(spec), "/", NULL, 0,
                                qn_job_all(), qn_source_all(), &runner->err);
    assert_true(code == QN_OK || code == QN_EINPUT); /* mistakes are in its diags */
}

static inline struct qn_strv runner_cut(struct qn_strv *text, char at)
{
    const char *end = text->len ? memchr(text->data, at, text->len) : NULL;
    size_t len = end ? (size_t)(end - text->data) : text->len;
    struct qn_strv word = {text->data, len};
    size_t skip = end ? len + 1 : len;
    text->data += skip;
    text->len -= skip;
    return word;
}

static inline void runner_put(struct qn_batch_builder *builder, uint32_t column,
                              struct qn_type type, struct qn_strv text)
{
    int64_t i64 = 0;
    double f64 = 0;
    bool flag = false;
    if (text.len == 0)
        return; /* NULL */
    switch ((enum qn_type_id)type.id) {
    case QN_BOOL:
        assert_true(qn_parse_bool(text, &flag));
        qn_builder_bool(builder, column, flag);
        return;
    case QN_TEXT: qn_builder_text(builder, column, text); return;
    case QN_DOUBLE:
        assert_true(qn_parse_double(text, &f64));
        qn_builder_f64(builder, column, f64);
        return;
    case QN_INT64: assert_true(qn_strv_to_i64(text, &i64)); break;
    case QN_DECIMAL: assert_true(qn_parse_decimal(text, type.precision, type.scale, &i64)); break;
    case QN_DATE: assert_true(qn_parse_date(text, &i64)); break;
    case QN_TIMESTAMP: assert_true(qn_parse_timestamp(text, &i64)); break;
    }
    qn_builder_i64(builder, column, i64);
}

/* `columns`: "name type; name type"; `rows`: lines of values, an empty one is NULL. */
static inline void runner_table(struct qn_runner *runner, const char *name, enum qn_input_kind kind,
                                const char *columns, const char *rows)
{
    struct qn_runner_table *table = &runner->tables[runner->n_tables++];
    struct qn_field *fields = QN_NEW_ARRAY(&runner->arena, struct qn_field, 64);
    table->name = name;
    table->kind = kind;
    table->schema.fields = fields;
    for (struct qn_strv rest = qn_strv_from(columns); rest.len;) {
        struct qn_strv field = qn_strv_trim(runner_cut(&rest, ';'));
        struct qn_strv word = runner_cut(&field, ' ');
        struct qn_field *out = &fields[table->schema.n_fields++];
        out->name = qn_arena_strdup(&runner->arena, word);
        assert_true(qn_type_parse(field, &out->type));
    }
    struct qn_batch_builder *builder;
    struct qn_batch batch;
    assert_ok(qn_builder_new(&table->schema, &builder, &runner->err), &runner->err);
    for (struct qn_strv rest = qn_strv_from(rows); rest.len;) {
        struct qn_strv line = runner_cut(&rest, '\n');
        for (uint32_t c = 0; c < table->schema.n_fields; c++)
            runner_put(builder, c, fields[c].type, runner_cut(&line, ','));
        assert_ok(qn_builder_row(builder, &runner->err), &runner->err);
    }
    qn_builder_batch(builder, &batch);
    assert_ok(qn_batch_copy(&runner->arena, &batch, &table->rows, &runner->err), &runner->err);
    table->rows.schema = &table->schema;
    qn_builder_free(builder);
}

#include "tests/support/job_runner_readers.h"

/* --- compiling ------------------------------------------------------------------------------- */

struct qn_runner_env {
    struct qn_job_env env;
    struct qn_runner *runner;
};

static inline bool runner_input(const struct qn_job_env *env, const struct qn_node *node,
                                struct qn_input *out)
{
    struct qn_runner *runner = ((const struct qn_runner_env *)(const void *)env)->runner;
    struct qn_runner_table *table = runner_find(runner, qn_node_text(node, ""));
    if (!table) {
        qn_diags_add(env->diags, node->span, NULL, NULL, "no such input");
        return false;
    }
    *out = (struct qn_input){.kind = table->kind,
                             .index = (uint32_t)(table - runner->tables),
                             .name = table->name,
                             .schema = &table->schema};
    return true;
}

static inline const struct qn_node *runner_source_node(const struct qn_job_env *env,
                                                       const struct qn_input *in)
{
    struct qn_runner *runner = ((const struct qn_runner_env *)(const void *)env)->runner;
    for (uint32_t i = 0; i < runner->spec.n_sources; i++)
        if (in->kind == QN_INPUT_SOURCE && strcmp(runner->spec.sources[i].name, in->name) == 0)
            return runner->spec.sources[i].node;
    return NULL;
}

static inline const struct qn_node *runner_training_node(const struct qn_job_env *env,
                                                         const char *model)
{
    struct qn_runner *runner = ((const struct qn_runner_env *)(const void *)env)->runner;
    for (uint32_t i = 0; i < runner->spec.n_jobs; i++) {
        const struct qn_node *node = runner->spec.jobs[i].node;
        const char *name = qn_node_text(qn_node_get(qn_node_get(node, "register"), "model"), "");
        if (strcmp(name, model) == 0)
            return node;
    }
    return NULL;
}

static inline const struct qn_node *runner_job_node(const struct qn_job_env *env, const char *name)
{
    struct qn_runner *runner = ((const struct qn_runner_env *)(const void *)env)->runner;
    for (uint32_t i = 0; i < runner->spec.n_jobs; i++)
        if (strcmp(runner->spec.jobs[i].name, name) == 0)
            return runner->spec.jobs[i].node;
    return NULL;
}

static inline void runner_job(struct qn_runner *runner, const char *name)
{
    struct qn_runner_env at = {.runner = runner};
    for (uint32_t i = 0; i < runner->spec.n_jobs; i++) {
        if (strcmp(runner->spec.jobs[i].name, name) != 0)
            continue;
        at.env = (struct qn_job_env){.arena = &runner->arena,
                                     .diags = &runner->spec.diags,
                                     .node = runner->spec.jobs[i].node,
                                     .seed = runner->spec.seed,
                                     .input = runner_input,
                                     .source_node = runner_source_node,
                                     .training_node = runner_training_node,
                                     .job_node = runner_job_node,
                                     .partitions = runner->partitions};
        runner->job = (struct qn_job){
            .name = runner->spec.jobs[i].name, .ops = runner->spec.jobs[i].ops, .index = i};
        runner->compiled = QN_EINPUT; /* without ops the reader has complained already */
        if (runner->job.ops)
            runner->compiled = runner->job.ops->compile(&at.env, &runner->job, &runner->err);
        return;
    }
    fail_msg("no job %s", name);
}

/* All complaints so far, as people read them. */
static inline const char *runner_mistakes(struct qn_runner *runner)
{
    struct qn_buf buf;
    qn_buf_init(&buf);
    qn_diags_render(&runner->spec.diags, &buf, false);
    const char *text = qn_arena_strdup(&runner->arena, qn_buf_strv(&buf));
    qn_buf_fini(&buf);
    return text;
}

/* --- tasks ----------------------------------------------------------------------------------- */

static inline qn_code runner_keep(struct qn_runner_task *task, uint32_t list,
                                  const struct qn_batch *batch, struct qn_err *err)
{
    struct qn_arena *arena = &task->runner->arena;
    uint32_t n = task->n_batches[list];
    struct qn_batch *grown = QN_NEW_ARRAY(arena, struct qn_batch, n + 1);
    for (uint32_t i = 0; i < n; i++)
        grown[i] = task->batches[list][i];
    task->batches[list] = grown;
    task->n_batches[list] = n + 1;
    assert_true(batch->n_rows > 0 && batch->n_rows <= QN_BATCH_ROWS);
    QN_TRY(qn_batch_copy(arena, batch, &grown[n], err));
    return QN_OK;
}

static inline qn_code runner_give_rows(struct qn_task_out *out, const struct qn_batch *batch,
                                       struct qn_err *err)
{
    return runner_keep((struct qn_runner_task *)(void *)out, RUNNER_ROWS, batch, err);
}

static inline qn_code runner_give_partition(struct qn_task_out *out, uint32_t partition,
                                            const struct qn_batch *batch, struct qn_err *err)
{
    assert_true(partition < QN_MAX_PARTITIONS);
    return runner_keep((struct qn_runner_task *)(void *)out, partition, batch, err);
}

static inline qn_code runner_give_raw(struct qn_task_out *out, uint32_t partition,
                                      const struct qn_batch *batch, struct qn_err *err)
{
    assert_true(batch->schema->n_fields > 0);
    return runner_give_partition(out, partition, batch, err);
}

static inline qn_code runner_give_partial(struct qn_task_out *out, struct qn_strv bytes,
                                          struct qn_err *err)
{
    struct qn_runner_task *task = (struct qn_runner_task *)(void *)out;
    (void)err;
    task->pieces = realloc(task->pieces, (task->n_pieces + 1) * sizeof *task->pieces);
    assert_non_null(task->pieces);
    qn_buf_init(&task->pieces[task->n_pieces]);
    qn_buf_put(&task->pieces[task->n_pieces++], bytes.data, bytes.len);
    return QN_OK;
}

static const struct qn_task_out_ops runner_out_ops = {.rows = runner_give_rows,
                                                      .partition = runner_give_partition,
                                                      .raw = runner_give_raw,
                                                      .partial = runner_give_partial};

/* The task's input carries the runner, for open_side; and what tasks of all stages gave. */
struct qn_runner_in {
    struct qn_task_in in;
    struct qn_runner *runner;
    struct qn_runner_task **tasks;
    const uint32_t *n_tasks;
};

static inline qn_code runner_open_side(struct qn_task_in *in, uint32_t side, const bool *wanted,
                                       struct qn_reader **out, struct qn_err *err)
{
    struct qn_runner *runner = ((struct qn_runner_in *)(void *)in)->runner;
    (void)err;
    *out = runner_open(runner, &runner->tables[runner->job.sides[side].index], 0, 1, wanted);
    return QN_OK;
}

static inline qn_code runner_open_rows(struct qn_task_in *in, struct qn_err *err)
{
    struct qn_runner *runner = ((struct qn_runner_in *)(void *)in)->runner;
    const struct qn_runner_table *table = &runner->tables[runner->job.input.index];
    (void)err;
    if (!in->reader)
        in->reader =
            runner_open(runner, table, in->unit, in->n_units, runner->job.stages[in->stage].wanted);
    return QN_OK;
}

static inline qn_code runner_share(struct qn_task_in *in, uint32_t number, qn_make_fn make,
                                   void *context, const void **data, struct qn_err *err)
{
    struct qn_runner *runner = ((struct qn_runner_in *)(void *)in)->runner;
    assert_true(number < QN_MAX_SIDES);
    struct qn_task_cache *thing = &runner->shared[number];
    if (!thing->data)
        QN_TRY(make(context, thing, err));
    *data = thing->data;
    return QN_OK;
}

static inline qn_code runner_open_partition(struct qn_task_in *in, uint32_t partition,
                                            struct qn_reader **out, struct qn_err *err)
{
    struct qn_runner_in *self = (struct qn_runner_in *)(void *)in;
    const struct qn_job *job = &self->runner->job;
    uint32_t from = job->stages[in->stage].partitions_from;
    uint32_t p = in->first_partition + partition;
    (void)err;
    *out = runner_open_partitions(self->runner, self->tasks[from], self->n_tasks[from], p, p + 1,
                                  &job->stages[from].partition_schema);
    return QN_OK;
}

static inline qn_code runner_open_read(struct qn_task_in *in, uint32_t stage, uint32_t partition,
                                       struct qn_reader **out, struct qn_err *err)
{
    struct qn_runner_in *self = (struct qn_runner_in *)(void *)in;
    const struct qn_job *job = &self->runner->job;
    (void)err;
    assert_true(job->stages[in->stage].reads >> stage & 1);
    *out = runner_open_partitions(self->runner, self->tasks[stage], self->n_tasks[stage], partition,
                                  partition + 1, &job->stages[stage].partition_schema);
    return QN_OK;
}

/* `in` says which unit of what, and where its rows come from. */
static inline qn_code runner_task(struct qn_runner *runner, const struct qn_runner_in *what,
                                  uint32_t executor, struct qn_runner_task *task)
{
    uint32_t unit = what->in.unit;
    struct qn_arena arena;
    struct qn_strv states[QN_MAX_STAGES];
    qn_arena_init(&arena);
    for (uint32_t s = 0; s < QN_MAX_STAGES; s++)
        states[s] = qn_buf_strv(&runner->states[s]);
    *task = (struct qn_runner_task){.runner = runner, .out.ops = &runner_out_ops};
    assert_ok(qn_rejects_init(&task->out.rejects, &runner->err), &runner->err);
    struct qn_runner_in at = *what;
    at.runner = runner;
    at.in.states = states;
    at.in.arena = &arena;
    at.in.open_rows = runner_open_rows;
    at.in.open_side = runner_open_side;
    at.in.open_partition = runner_open_partition;
    at.in.open_partitions = runner_open_read;
    at.in.shuffled = runner->shuffled;
    at.in.share = runner_share;
    at.in.shared_bytes = runner->shared_bytes ? runner->shared_bytes : UINT64_MAX / 4;
    at.in.memory_bytes = runner->memory_bytes ? runner->memory_bytes : UINT64_MAX / 4;
    at.in.scratch = "/tmp";
    at.in.unit_cache = &runner->unit_caches[executor][unit];
    at.in.job_cache = &runner->job_caches[executor];
    at.in.model = runner->model;
    at.in.model_version = runner->model_version;
    at.in.fresh = !runner->stale;
    at.in.fresh_most = UINT64_MAX;
    at.in.cancelled = &runner->cancelled;
    at.in.seed = runner->spec.seed;
    qn_code code = runner->job.ops->run(&runner->job, &at.in, &task->out, &runner->err);
    if (at.in.reader)
        at.in.reader->ops->close(at.in.reader);
    qn_arena_fini(&arena);
    return code;
}

/* --- results --------------------------------------------------------------------------------- */

static inline void runner_print(struct qn_buf *out, const struct qn_batch *batch)
{
    for (uint32_t row = 0; row < batch->n_rows; row++) {
        for (uint32_t c = 0; c < batch->schema->n_fields; c++) {
            qn_buf_printf(out, "%s", c ? "|" : "");
            qn_value_format(out, &batch->columns[c], row);
        }
        qn_buf_printf(out, "\n");
    }
}

static inline void runner_collect(struct qn_runner *runner, const struct qn_stage *stage,
                                  struct qn_runner_task *task)
{
    struct qn_counters *sum = &runner->counters;
    const struct qn_counters *one = &task->out.counters;
    for (uint32_t b = 0; stage->rows && b < task->n_batches[RUNNER_ROWS]; b++)
        runner_print(&runner->rows, &task->batches[RUNNER_ROWS][b]);
    for (uint32_t p = 0; p < task->n_pieces; p++)
        qn_buf_put(&runner->partials, task->pieces[p].data, task->pieces[p].len);
    if (!stage->counts)
        return;
    struct qn_batch rejects;
    qn_builder_batch(task->out.rejects.rows, &rejects);
    runner_print(&runner->rejects, &rejects);
    sum->rows_in += one->rows_in;
    sum->rows_out += one->rows_out;
    sum->quarantined += one->quarantined;
    sum->filtered += one->filtered;
    sum->deduplicated += one->deduplicated;
    sum->added += one->added;
    sum->absorbed += one->absorbed;
}

static inline void runner_task_fini(struct qn_runner_task *task)
{
    for (uint32_t p = 0; p < task->n_pieces; p++)
        qn_buf_fini(&task->pieces[p]);
    free(task->pieces);
    qn_rejects_fini(&task->out.rejects);
}

static inline void runner_refuses(struct qn_runner *runner, uint32_t stage,
                                  const struct qn_strv *states, struct qn_strv partial)
{
    struct qn_err err = {0};
    void *acc = NULL;
    assert_int_not_equal(runner->job.ops->merge(&runner->job, stage, &acc, states, partial, &err),
                         QN_OK);
    runner->job.ops->free_acc(acc);
}

/* What a damaged partial does: nothing but an error. */
static inline void runner_damage(struct qn_runner *runner, uint32_t stage,
                                 const struct qn_strv *states, const struct qn_buf *partial)
{
    struct qn_buf copy;
    qn_buf_init(&copy);
    qn_buf_put(&copy, partial->data, partial->len);
    qn_buf_put_u8(&copy, 0);
    runner_refuses(runner, stage, states, qn_buf_strv(&copy));
    if (partial->len > 0)
        runner_refuses(runner, stage, states,
                       (struct qn_strv){(const char *)copy.data, copy.len - 2});
    qn_buf_fini(&copy);
}

static inline void runner_drop_acc(struct qn_runner *runner)
{
    if (runner->acc)
        runner->job.ops->free_acc(runner->acc);
    runner->acc = NULL;
}

/* Merges a stage's partials in unit order and finishes it. */
static inline qn_code runner_finish(struct qn_runner *runner, uint32_t stage, uint32_t round,
                                    struct qn_runner_task *tasks, uint32_t n,
                                    enum qn_verdict *verdict)
{
    const struct qn_job_ops *ops = runner->job.ops;
    struct qn_strv states[QN_MAX_STAGES];
    struct qn_buf state;
    qn_code code = QN_OK;
    qn_buf_init(&state);
    for (uint32_t s = 0; s < QN_MAX_STAGES; s++)
        states[s] = qn_buf_strv(&runner->states[s]);
    if (runner->forgets)
        runner_drop_acc(runner);
    for (uint32_t t = 0; t < n; t++) {
        assert_true(tasks[t].n_pieces > 0);
        for (uint32_t p = 0; p < tasks[t].n_pieces && code == QN_OK; p++) {
            const struct qn_buf *piece = &tasks[t].pieces[p];
            if (runner->distrust)
                runner_damage(runner, stage, states, piece);
            code = ops->merge(&runner->job, stage, &runner->acc, states, qn_buf_strv(piece),
                              &runner->err);
        }
    }
    if (code == QN_OK)
        code = ops->finish(&runner->job, stage, round, &runner->acc, states, &state,
                           &runner->findings, verdict, &runner->err);
    if (code != QN_OK || !qn_verdict_repeats(*verdict))
        runner_drop_acc(runner);
    if (!runner->job.stages[stage].appends)
        qn_buf_clear(&runner->states[stage]);
    qn_buf_put(&runner->states[stage], state.data, state.len);
    qn_buf_fini(&state);
    return code;
}

/* A permutation of 0..n-1 by seed; seed 0 leaves it as it is. */
static inline void runner_shuffle(uint32_t *order, uint32_t n, uint64_t seed)
{
    for (uint32_t i = 0; i < n; i++)
        order[i] = i;
    for (uint32_t i = n; seed && i > 1; i--) {
        uint32_t j = (uint32_t)(qn_mix64(seed + i) % i), swap = order[i - 1];
        order[i - 1] = order[j];
        order[j] = swap;
    }
}

static inline void runner_drop_cache(struct qn_task_cache *cache)
{
    if (cache->data)
        cache->free(cache->data);
    *cache = (struct qn_task_cache){0};
}

static inline void runner_reset(struct qn_runner *runner)
{
    runner->rounds = 0;
    qn_buf_clear(&runner->rows);
    qn_buf_clear(&runner->rejects);
    qn_buf_clear(&runner->partials);
    runner->counters = (struct qn_counters){0};
    runner->findings = (struct qn_findings){.arena = &runner->arena};
    for (uint32_t s = 0; s < QN_MAX_STAGES; s++)
        qn_buf_clear(&runner->states[s]);
    for (uint32_t e = 0; e < RUNNER_EXECUTORS; e++) {
        for (uint32_t u = 0; u < RUNNER_UNITS; u++)
            runner_drop_cache(&runner->unit_caches[e][u]);
        runner_drop_cache(&runner->job_caches[e]);
    }
    for (uint32_t i = 0; i < QN_MAX_SIDES; i++)
        runner_drop_cache(&runner->shared[i]);
}

static inline qn_code runner_stage(struct qn_runner *runner, uint32_t s, uint32_t round,
                                   uint32_t n_chunks, uint64_t seed, struct qn_runner_task **tasks,
                                   uint32_t *n_tasks, enum qn_verdict *verdict)
{
    const struct qn_stage *stage = &runner->job.stages[s];
    uint32_t from = stage->partitions_from, order[RUNNER_UNITS];
    uint32_t n_partitions = runner->job.stages[from].n_partitions, n = n_chunks;
    if (stage->over == QN_OVER_PARTITIONS)
        n = runner->ranges && runner->ranges < n_partitions ? runner->ranges : n_partitions;
    if (stage->over == QN_OVER_SIDE)
        n = RUNNER_SIDE_PARTS;
    if (stage->over == QN_OVER_TRIALS)
        n = stage->n_trials;
    if (stage->spare && !(runner->shuffled >> stage->side & 1))
        n = 0;
    assert_true(n <= RUNNER_UNITS);
    tasks[s] = calloc(n, sizeof *tasks[s]);
    n_tasks[s] = n;
    runner_shuffle(order, n, seed ? seed + s + 100 * round : 0);
    qn_code code = QN_OK;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t unit = order[i];
        struct qn_runner_in in = {
            .in = {.stage = s, .round = round, .unit = unit, .n_units = n, .n_chunks = n_chunks},
            .tasks = tasks,
            .n_tasks = n_tasks};
        if (stage->over == QN_OVER_PARTITIONS) {
            uint32_t end = (unit + 1) * n_partitions / n;
            in.in.first_partition = unit * n_partitions / n;
            in.in.n_partitions = end - in.in.first_partition;
            in.in.reader =
                runner_open_partitions(runner, tasks[from], n_tasks[from], in.in.first_partition,
                                       end, &runner->job.stages[from].partition_schema);
        } else if (!stage->repeats && stage->over != QN_OVER_TRIALS) {
            const struct qn_input *input =
                stage->over == QN_OVER_SIDE ? &runner->job.sides[stage->side] : &runner->job.input;
            in.in.reader =
                runner_open(runner, &runner->tables[input->index], unit, n, stage->wanted);
        }
        uint32_t executor = (uint32_t)(qn_mix64(seed + 31 * round + i) % runner->executors);
        qn_code one = runner_task(runner, &in, executor, &tasks[s][unit]);
        code = code == QN_OK ? one : code;
    }
    for (uint32_t unit = 0; unit < n; unit++)
        runner_collect(runner, stage, &tasks[s][unit]);
    *verdict = QN_VERDICT_NEXT;
    if (code == QN_OK && stage->merges)
        code = runner_finish(runner, s, round, tasks[s], n, verdict);
    return code;
}

/* Runs the compiled job with its input cut into n_units; 0 as seed runs tasks in order. */
static inline qn_code runner_try(struct qn_runner *runner, uint32_t n_units, uint64_t seed)
{
    struct qn_runner_task *tasks[QN_MAX_STAGES] = {0};
    uint32_t n_tasks[QN_MAX_STAGES] = {0}, round = 0;
    qn_code code = QN_OK;
    runner_reset(runner);
    for (uint32_t s = 0; s < runner->job.n_stages && code == QN_OK;) {
        enum qn_verdict verdict;
        code = runner_stage(runner, s, round, n_units, seed, tasks, n_tasks, &verdict);
        bool again = code == QN_OK && qn_verdict_repeats(verdict);
        assert_true(round < 1000);
        runner->rounds += runner->job.stages[s].repeats;
        round = again ? round + 1 : 0;
        if (code == QN_OK && verdict == QN_VERDICT_END)
            break;
        if (again) {
            for (uint32_t t = 0; t < n_tasks[s]; t++)
                runner_task_fini(&tasks[s][t]);
            free(tasks[s]);
            tasks[s] = NULL;
        } else {
            s++;
        }
    }
    for (uint32_t s = 0; s < QN_MAX_STAGES; s++) {
        for (uint32_t t = 0; tasks[s] && t < n_tasks[s]; t++)
            runner_task_fini(&tasks[s][t]);
        free(tasks[s]);
    }
    return code;
}

static inline void runner_run(struct qn_runner *runner, uint32_t n_units, uint64_t seed)
{
    if (runner->compiled != QN_OK)
        fail_msg("%s", runner_mistakes(runner));
    assert_ok(runner_try(runner, n_units, seed), &runner->err);
    const struct qn_counters *c = &runner->counters;
    assert_int_equal(c->rows_in + c->added,
                     c->rows_out + c->quarantined + c->filtered + c->deduplicated + c->absorbed);
}

static inline const char *runner_text(struct qn_buf *buf)
{
    qn_buf_put_u8(buf, 0);
    buf->len--;
    assert_false(buf->failed);
    return (const char *)buf->data;
}

/* Lines of values, NULL as nothing. */
static inline const char *runner_rows(struct qn_runner *runner)
{
    return runner_text(&runner->rows);
}

/* Lines of file|line|byte_offset|column|rule|message|raw. */
static inline const char *runner_rejects(struct qn_runner *runner)
{
    return runner_text(&runner->rejects);
}

static inline void runner_fini(struct qn_runner *runner)
{
    runner_reset(runner);
    runner_drop_acc(runner);
    for (uint32_t s = 0; s < QN_MAX_STAGES; s++)
        qn_buf_fini(&runner->states[s]);
    qn_buf_fini(&runner->rows);
    qn_buf_fini(&runner->rejects);
    qn_buf_fini(&runner->partials);
    qn_spec_fini(&runner->spec);
    qn_arena_fini(&runner->arena);
}

#endif
