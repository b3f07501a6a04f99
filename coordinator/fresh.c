#include "coordinator/fresh.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "coordinator/fingerprint.h"

/* --- what runs have read ---------------------------------------------------------------------- */

struct input {
    const char *path, *fingerprint;
    uint64_t bytes, rows;
};

struct inputs {
    struct qn_arena *arena;
    struct input *items;
    uint32_t n, capacity;
};

static uint64_t number(const char *text)
{
    int64_t value = 0;
    return text && qn_strv_to_i64(qn_strv_from(text), &value) && value > 0 ? (uint64_t)value : 0;
}

static qn_code note_input(void *context, int n_columns, const char *const *names,
                          const char *const *values)
{
    struct inputs *inputs = context;
    (void)n_columns;
    (void)names;
    if (inputs->n == inputs->capacity) {
        uint32_t capacity = inputs->capacity ? 2 * inputs->capacity : 16;
        struct input *items = QN_NEW_ARRAY(inputs->arena, struct input, capacity);
        if (!items)
            return QN_ENOMEM;
        if (inputs->n)
            memcpy(items, inputs->items, inputs->n * sizeof *items);
        inputs->items = items;
        inputs->capacity = capacity;
    }
    struct input *input = &inputs->items[inputs->n++];
    *input = (struct input){.path = qn_arena_strdup(inputs->arena, qn_strv_from(values[0])),
                            .fingerprint = qn_arena_strdup(inputs->arena, qn_strv_from(values[1])),
                            .bytes = number(values[2]),
                            .rows = number(values[3])};
    return input->path && input->fingerprint ? QN_OK : QN_ENOMEM;
}

#define COLUMNS "select file, fingerprint, bytes, max(rows) from _quern_inputs where "

static qn_code read_inputs(const struct qn_run *run, const char *sql, const char *first,
                           const char *second, struct inputs *inputs, struct qn_err *err)
{
    const char *params[] = {first, second};
    return qn_store_query(run->store, sql, params, 2, note_input, inputs, err);
}

/* What the run that trained the version read. */
static qn_code read_known(const struct qn_run *run, const struct qn_job_run *job, uint32_t version,
                          struct inputs *inputs, struct qn_err *err)
{
    static const char sql[] =
        COLUMNS "run_id = (select run_id from _quern_models where name = ?1 and version = "
                "cast(?2 as integer)) group by file, fingerprint, bytes order by file";
    char text[16];
    snprintf(text, sizeof text, "%u", version);
    return read_inputs(run, sql, job->job->model, text, inputs, err);
}

/* --- files ------------------------------------------------------------------------------------ */

/* *fresh false: the file is old. *known: rows that it had when it was shorter. */
static qn_code look_up(const struct inputs *inputs, const char *path, bool *fresh, uint64_t *known,
                       struct qn_err *err)
{
    char now[QN_FINGERPRINT_HEX], then[QN_FINGERPRINT_HEX];
    uint64_t bytes;
    QN_TRY(qn_fingerprint_file(path, now, &bytes, err));
    *fresh = true;
    *known = 0;
    for (uint32_t i = 0; i < inputs->n && *fresh; i++)
        *fresh = strcmp(inputs->items[i].fingerprint, now) != 0;
    for (uint32_t i = 0; i < inputs->n && *fresh && !*known; i++) {
        const struct input *input = &inputs->items[i];
        if (strcmp(input->path, path) != 0 || input->bytes >= bytes)
            continue;
        QN_TRY(qn_fingerprint_prefix(path, input->bytes, then, err));
        *known = strcmp(then, input->fingerprint) == 0 ? input->rows : 0;
    }
    return QN_OK;
}

/* --- from units to files ---------------------------------------------------------------------- */

/* The job on the way up that reads files; *mixed: not chunk by chunk. NULL: none does. */
static const struct qn_job_run *find_reader(const struct qn_run *run, const struct qn_job_run *job,
                                            bool *mixed)
{
    *mixed = false;
    while (job->job->input.kind == QN_INPUT_DATASET) {
        job = &run->jobs[job->job->input.index];
        for (uint32_t s = 0; s < job->job->n_stages; s++)
            *mixed |= job->job->stages[s].rows && job->job->stages[s].over != QN_OVER_CHUNKS;
    }
    return job->job->input.kind == QN_INPUT_SOURCE ? job : NULL;
}

struct search {
    const struct qn_run *run;
    const struct qn_job_run *job, *reader;
    bool mixed;
    struct inputs known, ours; /* ours: of the reader in this run, when units are mixed */
    struct qn_fresh *out;
};

static uint64_t rows_of(const struct inputs *inputs, const char *path)
{
    for (uint32_t i = 0; i < inputs->n; i++)
        if (strcmp(inputs->items[i].path, path) == 0)
            return inputs->items[i].rows;
    return 0;
}

static void mark(struct search *self, uint32_t file, uint32_t *unit)
{
    const struct qn_job_run *reader = self->reader;
    while (!self->mixed && *unit < reader->n_chunks && reader->chunks[*unit].file_index < file)
        ++*unit;
    for (; *unit < self->job->n_chunks; ++*unit) {
        if (!self->mixed && reader->chunks[*unit].file_index != file)
            return;
        self->out->units[*unit / 8] |= (uint8_t)(1U << *unit % 8);
    }
}

static qn_code look_at_files(struct search *self, struct qn_err *err)
{
    const struct qn_source_options *options =
        &self->run->plan->spec.sources[self->reader->job->input.index].options;
    uint64_t known_rows = 0, rows = 0;
    for (uint32_t file = 0, unit = 0; file < options->n_paths; file++) {
        bool fresh;
        uint64_t known;
        QN_TRY(look_up(&self->known, options->paths[file], &fresh, &known, err));
        if (!fresh)
            continue;
        mark(self, file, &unit);
        known_rows += known;
        rows += rows_of(&self->ours, options->paths[file]);
    }
    if (self->mixed)
        self->out->most = rows > known_rows ? rows - known_rows : 0;
    else
        self->out->known = known_rows;
    return QN_OK;
}

qn_code qn_fresh_find(const struct qn_run *run, const struct qn_job_run *job, uint32_t version,
                      struct qn_arena *arena, struct qn_fresh *out, struct qn_err *err)
{
    static const char ours[] = COLUMNS "run_id = ?1 and job = ?2 group by file";
    struct search self = {
        .run = run, .job = job, .known.arena = arena, .ours.arena = arena, .out = out};
    self.reader = find_reader(run, job, &self.mixed);
    *out = (struct qn_fresh){.n_bytes = job->n_chunks / 8 + 1, .most = UINT64_MAX};
    out->units = QN_NEW_ARRAY(arena, uint8_t, out->n_bytes);
    if (!out->units)
        return qn_err_nomem(err, "a job's units");
    if (!self.reader)
        return QN_OK;
    self.mixed |= self.reader->n_chunks != job->n_chunks;
    QN_TRY(read_known(run, job, version, &self.known, err));
    if (self.mixed)
        QN_TRY(read_inputs(run, ours, run->run_id, self.reader->job->name, &self.ours, err));
    return look_at_files(&self, err);
}
