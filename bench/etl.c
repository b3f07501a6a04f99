/* What the steps of etl jobs cost on one core: jobs are compiled from a spec and their tasks called
 * as a worker calls them, over a table in memory, so that neither reading files nor the wire is in
 * it. A batch given out is copied, as a worker has to.
 *
 *     build/bench.etl [TEXT]           jobs whose name holds TEXT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "bench/check.h"
#include "flow/job.h"
#include "spec/spec.h"

enum { ROWS = 2 << 20, SIDE_ROWS = 1 << 20, UNITS = 8, PARTITIONS = 16, MAX_LISTS = 65 };
enum { LIST_ROWS = MAX_LISTS - 1 }; /* after the partitions */

/* Jobs by name: what follows `kind: etl, from: events`. */
static const struct {
    const char *name, *keys;
} jobs[] = {
    {"project_and_profile", "select: [k1m, amount]"},
    {"profile_text", "select: [name]"},
    {"filter_half", "filter: k10 < 5, select: [k1m]"},
    {"derive", "derive: {net: amount * 2}, select: [net]"},
    {"impute_mean", "impute: {amount: {strategy: mean}}, select: [amount]"},
    {"impute_median", "impute: {amount: {strategy: median}}, select: [amount]"},
    {"group_10", "group_by: [k10], aggregate: {n: count(*), s: sum(amount), l: max(ts)}"},
    {"group_10k", "group_by: [k10k], aggregate: {n: count(*), s: sum(amount), l: max(ts)}"},
    {"group_1m", "group_by: [k1m], aggregate: {n: count(*), s: sum(amount), l: max(ts)}"},
    {"group_1m_text", "group_by: [name], aggregate: {n: count(*), s: sum(amount), l: max(ts)}"},
    {"group_all", "aggregate: {n: count(*), s: sum(amount), d: stddev(amount)}"},
    {"join_1m_inner", "join: {to: customers, on: [k1m]}, select: [k1m, region]"},
    {"join_1m_semi", "join: {to: customers, on: [k1m], how: semi}, select: [k1m]"},
    {"dedupe_1m", "dedupe: {by: [k1m]}, select: [k1m]"},
    {"unique_all", "select: [row], data_tests: [{unique: {column: row}}]"},
};

struct table {
    struct qn_schema schema;
    struct qn_batch *batches;
    uint32_t n_batches;
    uint64_t n_rows;
};

struct list {
    struct qn_batch *batches;
    uint32_t n, room;
};

/* What one task gave out. */
struct task {
    struct qn_task_out out; /* first: the ops get it back */
    struct qn_arena *arena;
    struct list lists[MAX_LISTS];
    struct qn_buf partial;
};

struct bench {
    struct qn_arena arena; /* tables, plan */
    struct qn_arena given; /* what tasks give out */
    struct qn_spec spec;
    struct table events, customers;
    struct qn_job job;
    struct qn_task_cache unit_caches[PARTITIONS], job_cache, shared[QN_MAX_SIDES];
    struct qn_buf states[QN_MAX_STAGES];
    atomic_bool cancelled;
    uint64_t rows_out;
};

static void stop(const char *what)
{
    fprintf(stderr, "bench.etl: %s\n", what);
    exit(1);
}

/* --- tables ---------------------------------------------------------------------------------- */

static const struct qn_field event_fields[] = {
    {"row", {.id = QN_INT64}},    {"k10", {.id = QN_INT64}}, {"k10k", {.id = QN_INT64}},
    {"k1m", {.id = QN_INT64}},    {"name", {.id = QN_TEXT}}, {"amount", {QN_DECIMAL, 10, 2}},
    {"ts", {.id = QN_TIMESTAMP}},
};
static const struct qn_field customer_fields[] = {{"k1m", {.id = QN_INT64}},
                                                  {"region", {.id = QN_TEXT}}};

static void put_event(struct qn_batch_builder *builder, uint64_t row)
{
    uint64_t h = qn_mix64(row + 1), key = h % SIDE_ROWS;
    char name[16];
    int n = snprintf(name, sizeof name, "C%07llu", (unsigned long long)key);
    qn_builder_i64(builder, 0, (int64_t)row);
    qn_builder_i64(builder, 1, (int64_t)(h >> 24) % 10);
    qn_builder_i64(builder, 2, (int64_t)(h >> 32) % 10000);
    qn_builder_i64(builder, 3, (int64_t)key);
    qn_builder_text(builder, 4, (struct qn_strv){name, (size_t)n});
    if (h >> 40 & 63) /* one in 64 is missing */
        qn_builder_i64(builder, 5, (int64_t)(h >> 46) % 10000);
    qn_builder_i64(builder, 6, (int64_t)(UINT64_C(1700000000) + row) * 1000000);
}

static void put_customer(struct qn_batch_builder *builder, uint64_t row)
{
    static const char *const regions[] = {"north", "south", "east", "west"};
    qn_builder_i64(builder, 0, (int64_t)row);
    qn_builder_text(builder, 1, qn_strv_from(regions[row & 3]));
}

static void fill(struct bench *bench, struct table *table, uint64_t rows,
                 void (*put)(struct qn_batch_builder *builder, uint64_t row))
{
    struct qn_batch_builder *builder;
    struct qn_batch batch;
    struct qn_err err;
    table->n_rows = rows;
    table->batches = QN_NEW_ARRAY(&bench->arena, struct qn_batch, rows / QN_BATCH_ROWS + 1);
    check(qn_builder_new(&table->schema, &builder, &err), &err);
    for (uint64_t row = 0; row < rows; row++) {
        put(builder, row);
        check(qn_builder_row(builder, &err), &err);
        if (qn_builder_rows(builder) < QN_BATCH_ROWS && row + 1 < rows)
            continue;
        qn_builder_batch(builder, &batch);
        struct qn_batch *kept = &table->batches[table->n_batches++];
        check(qn_batch_copy(&bench->arena, &batch, kept, &err), &err);
        kept->schema = &table->schema;
        qn_builder_clear(builder);
    }
    qn_builder_free(builder);
}

/* --- readers: whole batches of a table, only the wanted columns ------------------------------ */

struct reader {
    struct qn_reader reader;
    struct qn_schema schema;
    const struct qn_batch *next, *end;
    uint32_t places[64];
    struct qn_column columns[64];
    struct qn_field fields[64];
    uint32_t origin[QN_BATCH_ROWS];
    uint32_t rows;
    bool whole; /* batches as they were given */
};

static qn_code read_next(struct qn_reader *reader, struct qn_batch *batch,
                         struct qn_rejects *rejects, struct qn_err *err)
{
    struct reader *self = (struct reader *)(void *)reader;
    (void)rejects;
    (void)err;
    *batch = (struct qn_batch){.schema = &self->schema};
    if (self->next == self->end)
        return QN_OK;
    *batch = *self->next++;
    if (self->whole) /* a partition's have either of two schemas */
        return QN_OK;
    for (uint32_t c = 0; c < self->schema.n_fields; c++)
        self->columns[c] = batch->columns[self->places[c]];
    for (uint32_t row = 0; row < batch->n_rows; row++)
        self->origin[row] = self->rows++;
    batch->schema = &self->schema;
    batch->columns = self->columns;
    batch->origin = self->origin;
    return QN_OK;
}

static qn_code read_locate(struct qn_reader *reader, uint32_t origin, struct qn_location *out,
                           struct qn_err *err)
{
    (void)err;
    *out = (struct qn_location){.byte_offset = reader->base + origin, .line = origin};
    return QN_OK;
}

static void read_result(const struct qn_reader *reader, struct qn_chunk_result *out)
{
    (void)reader;
    *out = (struct qn_chunk_result){0};
}

static void read_close(struct qn_reader *reader)
{
    free(reader);
}

static const struct qn_reader_ops reader_ops = {
    .next = read_next, .locate = read_locate, .result = read_result, .close = read_close};

static struct qn_reader *open_batches(const struct qn_schema *schema, const bool *wanted,
                                      const struct qn_batch *from, const struct qn_batch *to,
                                      uint64_t base)
{
    struct reader *self = calloc(1, sizeof *self);
    if (!self)
        stop("out of memory");
    for (uint32_t c = 0; c < schema->n_fields; c++) {
        if (wanted && !wanted[c])
            continue;
        self->places[self->schema.n_fields] = c;
        self->fields[self->schema.n_fields++] = schema->fields[c];
    }
    self->schema.fields = self->fields;
    self->next = from;
    self->end = to;
    self->reader = (struct qn_reader){
        .ops = &reader_ops, .schema = &self->schema, .base = base, .file = "memory"};
    return &self->reader;
}

struct input {
    struct qn_task_in in; /* first: open_side gets it back */
    struct bench *bench;
};

static qn_code open_side(struct qn_task_in *in, uint32_t side, const bool *wanted,
                         struct qn_reader **out, struct qn_err *err)
{
    const struct table *table = &((struct input *)(void *)in)->bench->customers;
    (void)side;
    (void)err;
    *out =
        open_batches(&table->schema, wanted, table->batches, table->batches + table->n_batches, 0);
    return QN_OK;
}

static qn_code share(struct qn_task_in *in, uint32_t number, qn_make_fn make, void *context,
                     const void **data, struct qn_err *err)
{
    struct qn_task_cache *shared = &((struct input *)(void *)in)->bench->shared[number];
    if (!shared->data)
        QN_TRY(make(context, shared, err));
    *data = shared->data;
    return QN_OK;
}

/* --- what tasks give out --------------------------------------------------------------------- */

static qn_code keep(struct task *task, struct list *list, const struct qn_batch *batch,
                    struct qn_err *err)
{
    if (list->n == list->room) {
        list->room = list->room ? 2 * list->room : 16;
        list->batches = realloc(list->batches, list->room * sizeof *list->batches);
        if (!list->batches)
            return qn_err_nomem(err, "batches");
    }
    return qn_batch_copy(task->arena, batch, &list->batches[list->n++], err);
}

static qn_code give_rows(struct qn_task_out *out, const struct qn_batch *batch, struct qn_err *err)
{
    struct task *task = (struct task *)(void *)out;
    return keep(task, &task->lists[LIST_ROWS], batch, err);
}

static qn_code give_partition(struct qn_task_out *out, uint32_t partition,
                              const struct qn_batch *batch, struct qn_err *err)
{
    struct task *task = (struct task *)(void *)out;
    return keep(task, &task->lists[partition], batch, err);
}

static qn_code give_partial(struct qn_task_out *out, struct qn_strv bytes, struct qn_err *err)
{
    (void)err;
    qn_buf_put(&((struct task *)(void *)out)->partial, bytes.data, bytes.len);
    return QN_OK;
}

static const struct qn_task_out_ops out_ops = {
    .rows = give_rows,
    .partition = give_partition,
    .raw = give_partition, /* a batch says by its schema which it is */
    .partial = give_partial,
};

/* --- running --------------------------------------------------------------------------------- */

static void run_task(struct bench *bench, uint32_t stage, uint32_t unit, uint32_t n_units,
                     struct qn_reader *reader, struct task *task)
{
    struct qn_arena arena;
    struct qn_strv states[QN_MAX_STAGES];
    struct qn_err err;
    qn_arena_init(&arena);
    for (uint32_t s = 0; s < QN_MAX_STAGES; s++)
        states[s] = qn_buf_strv(&bench->states[s]);
    *task = (struct task){.out.ops = &out_ops, .arena = &bench->given};
    qn_buf_init(&task->partial);
    check(qn_rejects_init(&task->out.rejects, &err), &err);
    struct input at = {.in = {.stage = stage,
                              .unit = unit,
                              .n_units = n_units,
                              .reader = reader,
                              .states = states,
                              .arena = &arena,
                              .n_partitions = 1,
                              .memory_bytes = UINT64_MAX / 4,
                              .shared_bytes = UINT64_MAX / 4,
                              .open_side = open_side,
                              .share = share,
                              .unit_cache = &bench->unit_caches[unit],
                              .job_cache = &bench->job_cache,
                              .cancelled = &bench->cancelled,
                              .seed = bench->spec.seed},
                       .bench = bench};
    check(bench->job.ops->run(&bench->job, &at.in, &task->out, &err), &err);
    if (bench->job.stages[stage].counts)
        bench->rows_out += task->out.counters.rows_out;
    reader->ops->close(reader);
    qn_rejects_fini(&task->out.rejects);
    qn_arena_fini(&arena);
}

static struct qn_reader *open_chunk(struct bench *bench, uint32_t stage, uint32_t unit)
{
    const struct table *table = &bench->events;
    uint32_t from = table->n_batches * unit / UNITS, to = table->n_batches * (unit + 1) / UNITS;
    return open_batches(&table->schema, bench->job.stages[stage].wanted, table->batches + from,
                        table->batches + to, (uint64_t)from * QN_BATCH_ROWS);
}

/* Batches of one partition of all tasks, in one row. */
static struct qn_reader *open_partition(struct bench *bench, const struct qn_stage *from,
                                        const struct task *tasks, uint32_t partition)
{
    uint32_t n = 0;
    for (uint32_t t = 0; t < UNITS; t++)
        n += tasks[t].lists[partition].n;
    struct qn_batch *all = QN_NEW_ARRAY(&bench->given, struct qn_batch, n + 1);
    n = 0;
    for (uint32_t t = 0; t < UNITS; t++)
        for (uint32_t b = 0; b < tasks[t].lists[partition].n; b++)
            all[n++] = tasks[t].lists[partition].batches[b];
    struct qn_reader *reader = open_batches(&from->partition_schema, NULL, all, all + n, 0);
    ((struct reader *)(void *)reader)->whole = true;
    return reader;
}

static void finish(struct bench *bench, uint32_t stage, const struct task *tasks, uint32_t n)
{
    const struct qn_job_ops *ops = bench->job.ops;
    struct qn_findings findings = {.arena = &bench->given};
    struct qn_strv states[QN_MAX_STAGES];
    enum qn_verdict verdict;
    struct qn_err err;
    void *acc = NULL;
    for (uint32_t s = 0; s < QN_MAX_STAGES; s++)
        states[s] = qn_buf_strv(&bench->states[s]);
    for (uint32_t t = 0; t < n; t++)
        check(ops->merge(&bench->job, stage, &acc, states, qn_buf_strv(&tasks[t].partial), &err),
              &err);
    check(ops->finish(&bench->job, stage, 0, &acc, states, &bench->states[stage], &findings,
                      &verdict, &err),
          &err);
    if (acc)
        ops->free_acc(acc);
}

/* Milliseconds of each stage's tasks, and of its merge. */
static void run_job(struct bench *bench, double *tasks_ms, double *merge_ms)
{
    static struct task tasks[QN_MAX_STAGES][PARTITIONS];
    for (uint32_t s = 0; s < bench->job.n_stages; s++) {
        const struct qn_stage *stage = &bench->job.stages[s];
        bool chunks = stage->over == QN_OVER_CHUNKS;
        uint32_t from = stage->partitions_from;
        uint32_t n = chunks ? UNITS : bench->job.stages[from].n_partitions;
        if (stage->spare) /* the side fits */
            n = 0;
        int64_t started = qn_clock_us();
        for (uint32_t unit = 0; unit < n; unit++)
            run_task(bench, s, unit, n,
                     chunks ? open_chunk(bench, s, unit)
                            : open_partition(bench, &bench->job.stages[from], tasks[from], unit),
                     &tasks[s][unit]);
        int64_t ran = qn_clock_us();
        if (stage->merges)
            finish(bench, s, tasks[s], n);
        tasks_ms[s] = (double)(ran - started) / 1e3;
        merge_ms[s] = (double)(qn_clock_us() - ran) / 1e3;
    }
    for (uint32_t s = 0; s < bench->job.n_stages; s++)
        for (uint32_t t = 0; t < PARTITIONS; t++) {
            for (uint32_t l = 0; l < MAX_LISTS; l++)
                free(tasks[s][t].lists[l].batches);
            if (tasks[s][t].out.ops)
                qn_buf_fini(&tasks[s][t].partial);
            tasks[s][t] = (struct task){0};
        }
}

static void drop_cache(struct qn_task_cache *cache)
{
    if (cache->data)
        cache->free(cache->data);
    *cache = (struct qn_task_cache){0};
}

static void reset(struct bench *bench)
{
    qn_arena_clear(&bench->given);
    for (uint32_t u = 0; u < PARTITIONS; u++)
        drop_cache(&bench->unit_caches[u]);
    drop_cache(&bench->job_cache);
    for (uint32_t i = 0; i < QN_MAX_SIDES; i++)
        drop_cache(&bench->shared[i]);
    for (uint32_t s = 0; s < QN_MAX_STAGES; s++)
        qn_buf_clear(&bench->states[s]);
    bench->rows_out = 0;
}

/* --- compiling ------------------------------------------------------------------------------- */

struct env {
    struct qn_job_env env; /* first: input gets it back */
    struct bench *bench;
};

static bool find_input(const struct qn_job_env *env, const struct qn_node *node,
                       struct qn_input *out)
{
    const struct bench *bench = ((const struct env *)(const void *)env)->bench;
    bool side = strcmp(qn_node_text(node, ""), "customers") == 0;
    *out = (struct qn_input){.kind = side ? QN_INPUT_DATASET : QN_INPUT_SOURCE,
                             .index = side,
                             .name = side ? "customers" : "events",
                             .schema = side ? &bench->customers.schema : &bench->events.schema};
    return true;
}

static const struct qn_node *no_source(const struct qn_job_env *env, const struct qn_input *in)
{
    (void)env;
    (void)in;
    return NULL;
}

static const struct qn_node *no_training(const struct qn_job_env *env, const char *model)
{
    (void)env;
    (void)model;
    return NULL;
}

static void read_spec(struct bench *bench)
{
    struct qn_buf text;
    struct qn_err err;
    qn_buf_init(&text);
    qn_buf_printf(&text, "version: 1\nname: bench\nwarehouse: bench.db\n"
                         "sources: {events: {path: events.csv}}\njobs:\n");
    for (uint32_t i = 0; i < sizeof jobs / sizeof jobs[0]; i++)
        qn_buf_printf(&text, "  %s: {kind: etl, from: events, into: t%u, %s}\n", jobs[i].name, i,
                      jobs[i].keys);
    if (qn_spec_read(&bench->spec, "bench", qn_buf_strv(&text), "/", NULL, 0, qn_job_all(),
                     qn_source_all(), &err) == QN_OK) {
        qn_buf_fini(&text);
        return;
    }
    qn_buf_clear(&text);
    qn_diags_render(&bench->spec.diags, &text, false);
    fwrite(text.data, 1, text.len, stderr);
    stop("the spec is wrong");
}

static void compile(struct bench *bench, uint32_t which)
{
    const struct qn_spec_job *job = &bench->spec.jobs[which];
    struct qn_err err = {0};
    struct env at = {.env = {.arena = &bench->arena,
                             .diags = &bench->spec.diags,
                             .node = job->node,
                             .seed = bench->spec.seed,
                             .input = find_input,
                             .source_node = no_source,
                             .training_node = no_training,
                             .partitions = PARTITIONS},
                     .bench = bench};
    bench->job = (struct qn_job){.name = job->name, .ops = job->ops, .index = which};
    check(job->ops->compile(&at.env, &bench->job, &err), &err);
}

/* The second run of two, in which memory is no longer fresh. */
static void measure(struct bench *bench, uint32_t which)
{
    double tasks_ms[QN_MAX_STAGES], merge_ms[QN_MAX_STAGES], sum = 0;
    compile(bench, which);
    for (int round = 0; round < 2; round++) {
        reset(bench);
        run_job(bench, tasks_ms, merge_ms);
    }
    for (uint32_t s = 0; s < bench->job.n_stages; s++)
        sum += tasks_ms[s] + merge_ms[s];
    printf("%-20s %7.1f M rows/s %6.0f ns a row, %8llu rows out;", bench->job.name,
           ROWS / sum / 1e3, sum * 1e6 / ROWS, (unsigned long long)bench->rows_out);
    for (uint32_t s = 0; s < bench->job.n_stages; s++)
        printf(" %s %.0f + %.0f ms", bench->job.stages[s].name, tasks_ms[s], merge_ms[s]);
    printf("\n");
    fflush(stdout);
}

/* The limit of whatever looks up keys in no order: reading a table of many cache lines at random,
 * one after another (each place depends on the last), and many at once. */
static void measure_memory(void)
{
    enum { LINES = SIDE_ROWS, WORDS = 8, READS = 4 << 20 };
    uint64_t *table = calloc(LINES, WORDS * sizeof *table), at = 0, sum = 0;
    if (!table)
        stop("out of memory");
    for (uint64_t line = 0; line < LINES; line++)
        table[line * WORDS] = qn_mix64(line + 1);
    int64_t started = qn_clock_us();
    for (uint64_t i = 0; i < READS; i++)
        at = table[(at + i) % LINES * WORDS];
    int64_t chained = qn_clock_us() - started;
    started = qn_clock_us();
    for (uint64_t i = 0; i < READS; i++)
        sum += table[qn_mix64(i) % LINES * WORDS];
    int64_t free_running = qn_clock_us() - started;
    printf("limit: a random read of a %d MiB table takes %.0f ns, of many at once %.1f ns%s\n",
           (int)(LINES * WORDS * sizeof *table >> 20), (double)chained * 1e3 / READS,
           (double)free_running * 1e3 / READS, at + sum ? "" : " (?)");
    free(table);
}

int main(int argc, char **argv)
{
    static struct bench bench = {
        .events.schema = {event_fields, sizeof event_fields / sizeof event_fields[0]},
        .customers.schema = {customer_fields, 2}};
    qn_arena_init(&bench.arena);
    qn_arena_init(&bench.given);
    for (uint32_t s = 0; s < QN_MAX_STAGES; s++)
        qn_buf_init(&bench.states[s]);
    read_spec(&bench);
    fill(&bench, &bench.events, ROWS, put_event);
    fill(&bench, &bench.customers, SIDE_ROWS, put_customer);
    measure_memory();
    printf("%d rows, one core; by stage: tasks + merge\n", ROWS);
    for (uint32_t i = 0; i < sizeof jobs / sizeof jobs[0]; i++)
        if (argc < 2 || strstr(jobs[i].name, argv[1]))
            measure(&bench, i);
    reset(&bench);
    for (uint32_t s = 0; s < QN_MAX_STAGES; s++)
        qn_buf_fini(&bench.states[s]);
    qn_spec_fini(&bench.spec);
    qn_arena_fini(&bench.given);
    qn_arena_fini(&bench.arena);
    return 0;
}
