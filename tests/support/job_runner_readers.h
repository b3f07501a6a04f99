/* What tasks of the job runner read: rows of a table, or batches that tasks of an earlier stage
 * gave out. Part of job_runner.h, whose structs it uses. */
#ifndef QN_TESTS_SUPPORT_JOB_RUNNER_READERS_H
#define QN_TESTS_SUPPORT_JOB_RUNNER_READERS_H

/* Over rows [next, end) of a table, or over batches that tasks gave out. */
struct qn_runner_reader {
    struct qn_reader reader;
    struct qn_runner *runner;
    const struct qn_batch *rows; /* whole table; NULL: the list */
    uint32_t first, next, end;
    const struct qn_batch **list;
    uint32_t n_list;
    bool wanted[64];
    struct qn_schema schema;
    struct qn_arena arena;
    char raw[64];
};

static inline qn_code runner_next(struct qn_reader *reader, struct qn_batch *batch,
                                  struct qn_rejects *rejects, struct qn_err *err)
{
    struct qn_runner_reader *self = (struct qn_runner_reader *)(void *)reader;
    (void)rejects;
    if (!self->rows) {
        static const struct qn_batch none = {0};
        *batch = self->next < self->end ? *self->list[self->next++] : none;
        return QN_OK;
    }
    uint32_t n = self->end - self->next, picked[256];
    n = n < self->runner->batch_rows ? n : self->runner->batch_rows;
    struct qn_batch all = *self->rows;
    struct qn_column columns[64] = {0};
    uint32_t at = 0;
    for (uint32_t c = 0; c < self->rows->schema->n_fields; c++)
        if (self->wanted[c])
            columns[at++] = self->rows->columns[c];
    all.schema = &self->schema;
    all.columns = columns;
    qn_arena_clear(&self->arena); /* what the last call gave is gone, as its contract says */
    for (uint32_t i = 0; i < n; i++)
        picked[i] = self->next + i;
    QN_TRY(qn_batch_take(&self->arena, &all, picked, n, batch, err));
    batch->origin = QN_NEW_ARRAY(&self->arena, uint32_t, n);
    for (uint32_t i = 0; i < n; i++)
        batch->origin[i] = (self->next + i - self->first) * RUNNER_RECORD_BYTES;
    self->next += n;
    return QN_OK;
}

static inline qn_code runner_locate(struct qn_reader *reader, uint32_t origin,
                                    struct qn_location *out, struct qn_err *err)
{
    struct qn_runner_reader *self = (struct qn_runner_reader *)(void *)reader;
    (void)err;
    uint32_t row = origin / RUNNER_RECORD_BYTES;
    int len = snprintf(self->raw, sizeof self->raw, "record %u", self->first + row);
    *out = (struct qn_location){
        .byte_offset = reader->base + origin, .line = row, .raw = {self->raw, (size_t)len}};
    return QN_OK;
}

static inline void runner_result(const struct qn_reader *reader, struct qn_chunk_result *out)
{
    (void)reader;
    *out = (struct qn_chunk_result){0};
}

static inline void runner_close(struct qn_reader *reader)
{
    struct qn_runner_reader *self = (struct qn_runner_reader *)(void *)reader;
    qn_arena_fini(&self->arena);
    free(self->list);
    free(self);
}

static const struct qn_reader_ops runner_reader_ops = {
    .next = runner_next, .locate = runner_locate, .result = runner_result, .close = runner_close};

/* Rows of unit `unit` of `n_units` of a table. */
static inline struct qn_reader *runner_open(struct qn_runner *runner,
                                            const struct qn_runner_table *table, uint32_t unit,
                                            uint32_t n_units, const bool *wanted)
{
    struct qn_runner_reader *self = calloc(1, sizeof *self);
    struct qn_field *fields = QN_NEW_ARRAY(&runner->arena, struct qn_field, 64);
    *self = (struct qn_runner_reader){.runner = runner, .rows = &table->rows};
    qn_arena_init(&self->arena);
    uint64_t n = table->rows.n_rows;
    self->first = self->next = (uint32_t)(n * unit / n_units);
    self->end = (uint32_t)(n * (unit + 1) / n_units);
    for (uint32_t c = 0; c < table->schema.n_fields; c++) {
        self->wanted[c] = !wanted || wanted[c];
        if (self->wanted[c])
            fields[self->schema.n_fields++] = table->schema.fields[c];
    }
    self->schema.fields = fields;
    self->reader = (struct qn_reader){.ops = &runner_reader_ops,
                                      .schema = &self->schema,
                                      .base = (uint64_t)self->first * RUNNER_RECORD_BYTES,
                                      .file = table->kind == QN_INPUT_SOURCE ? "mem.csv" : ""};
    return &self->reader;
}

static inline struct qn_runner_table *runner_find(struct qn_runner *runner, const char *name)
{
    for (uint32_t i = 0; i < runner->n_tables; i++)
        if (strcmp(runner->tables[i].name, name) == 0)
            return &runner->tables[i];
    return NULL;
}

/* A reader over partitions [first, end) of an earlier stage's tasks, in unit order. */
static inline struct qn_reader *runner_open_partitions(struct qn_runner *runner,
                                                       struct qn_runner_task *tasks, uint32_t n,
                                                       uint32_t first, uint32_t end,
                                                       const struct qn_schema *schema)
{
    struct qn_runner_reader *self = calloc(1, sizeof *self);
    *self = (struct qn_runner_reader){.runner = runner, .schema = *schema};
    qn_arena_init(&self->arena);
    for (uint32_t t = 0; t < n; t++)
        for (uint32_t p = first; p < end; p++)
            self->end += tasks[t].n_batches[p];
    self->list = calloc(self->end + 1, sizeof(const struct qn_batch *));
    uint32_t at = 0;
    for (uint32_t t = 0; t < n; t++)
        for (uint32_t p = first; p < end; p++)
            for (uint32_t b = 0; b < tasks[t].n_batches[p]; b++)
                self->list[at++] = &tasks[t].batches[p][b];
    self->reader =
        (struct qn_reader){.ops = &runner_reader_ops, .schema = &self->schema, .file = ""};
    return &self->reader;
}

#endif
