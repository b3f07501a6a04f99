#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "flow/job.h"
#include "jobs/into.h"
#include "jobs/learn/scorer.h"
#include "jobs/lookup.h"
#include "spec/keys.h"
#include "spec/node.h"

/* score: one stage that gives key, score and model version of every row. */

static const char *const kinds[] = {"score", NULL};

static const struct qn_key score_keys[] = {
    {.name = "kind", .shape = QN_SHAPE_ENUM, .values = kinds, .required = true, .doc = "score"},
    {.name = "from", .shape = QN_SHAPE_TEXT, .required = true, .doc = "a source or a job"},
    {.name = "model",
     .shape = QN_SHAPE_TEXT,
     .required = true,
     .doc = "NAME (latest version), NAME@ALIAS or NAME:VERSION"},
    {.name = "key",
     .shape = QN_SHAPE_TEXT,
     .doc = "column that names the row; default: that of the train job of this spec"},
    {.name = "contributions",
     .shape = QN_SHAPE_BOOL,
     .doc = "also a column margin, and for each input column (bias at last) what it adds to that; "
            "default false"},
    {.name = "into",
     .shape = QN_SHAPE_OBJECT,
     .object = &qn_into_keys,
     .or_text = true,
     .required = true,
     .doc = "the table that gets key, score, model version, and contributions"},
};
static const struct qn_spec_keys score_spec_keys = QN_KEYS("score job", score_keys);

/* Columns of the table: key, score, model version; with contributions margin, then those. */
enum { OUT_KEY, OUT_SCORE, OUT_VERSION, OUT_MARGIN, OUT_PARTS };

struct score {
    uint32_t key; /* column of the input */
    bool contributions;
    const char **parts; /* [n_parts]: input columns, of which the table says what they add */
    uint32_t n_parts;
};

/* --- compile --------------------------------------------------------------------------------- */

/* NAME, NAME@ALIAS, NAME:VERSION into job->model and job->model_selector. */
static bool read_model(const struct qn_job_env *env, const struct qn_node *node, struct qn_job *job)
{
    struct qn_strv text = node->text;
    size_t at = 0;
    while (at < text.len && text.data[at] != '@' && text.data[at] != ':')
        at++;
    struct qn_strv name = {text.data, at}, selector = {text.data + at, text.len - at};
    bool good = qn_strv_is_identifier(name);
    if (selector.len && selector.data[0] == '@')
        good &= qn_strv_is_identifier((struct qn_strv){selector.data + 1, selector.len - 1});
    int64_t version = 1;
    if (selector.len && selector.data[0] == ':')
        good &= qn_strv_to_i64((struct qn_strv){selector.data + 1, selector.len - 1}, &version);
    if (!good || version < 1) {
        qn_diags_add(env->diags, node->span, "NAME, NAME@ALIAS or NAME:VERSION", NULL,
                     "'%.*s' names no model", QN_STRV_ARG(text));
        return false;
    }
    job->model = qn_arena_strdup(env->arena, name);
    job->model_selector = qn_arena_strdup(env->arena, selector);
    return true;
}

/* Features that the train job of this spec names must be there. */
static void check_features(const struct qn_job_env *env, const struct qn_node *training,
                           const struct qn_job *job)
{
    const struct qn_node *include = qn_node_get(qn_node_get(training, "features"), "include");
    struct qn_span span = qn_node_get(env->node, "from")->span;
    char role[100];
    snprintf(role, sizeof role, " in %s, a feature of model %s", job->input.name, job->model);
    uint32_t n;
    const struct qn_node *items = qn_node_items(include, &n);
    for (uint32_t i = 0; i < n; i++)
        if (items[i].kind == QN_NODE_SCALAR)
            (void)qn_lookup_column(job->input.schema, job->input.gaps, items[i].text, span, role,
                                   env->diags);
}

static int32_t compile_key(const struct qn_job_env *env, const struct qn_node *training,
                           const struct qn_job *job)
{
    const struct qn_node *key = qn_node_get(env->node, "key");
    const struct qn_node *model = qn_node_get(env->node, "model");
    if (key)
        return qn_lookup_column(job->input.schema, job->input.gaps, key->text, key->span, "",
                                env->diags);
    const struct qn_node *trained = qn_node_get(training, "key");
    if (trained)
        return qn_lookup_column(job->input.schema, job->input.gaps, trained->text, model->span,
                                ", the key of the job that trains the model", env->diags);
    qn_diags_add(env->diags, model->span, "key: COLUMN", NULL,
                 "no job of this spec trains model '%s', so the score job must name its key",
                 job->model);
    return -1;
}

static bool lists(const struct qn_node *list, const char *name)
{
    uint32_t n;
    const struct qn_node *items = qn_node_items(list, &n);
    for (uint32_t i = 0; i < n; i++)
        if (items[i].kind == QN_NODE_SCALAR && qn_strv_is(items[i].text, name))
            return true;
    return false;
}

/* Which columns can be features: what the model has is not known before it is read. */
static bool may_be_feature(const struct qn_node *training, const char *name)
{
    const struct qn_node *features = qn_node_get(training, "features");
    const struct qn_node *include = qn_node_get(features, "include");
    if (strcmp(qn_node_text(qn_node_get(training, "label"), ""), name) == 0 ||
        lists(qn_node_get(features, "exclude"), name))
        return false;
    return !include || lists(include, name);
}

/* Which input columns get a column of their own. */
static qn_code compile_parts(const struct qn_job_env *env, const struct qn_node *training,
                             const struct qn_job *job, struct score *score, struct qn_err *err)
{
    const struct qn_schema *schema = job->input.schema;
    score->contributions = qn_node_bool(qn_node_get(env->node, "contributions"), false);
    score->parts = QN_NEW_ARRAY(env->arena, const char *, schema->n_fields);
    if (!score->parts)
        return qn_err_nomem(err, "a score job");
    for (uint32_t i = 0; score->contributions && i < schema->n_fields; i++)
        if (i != score->key && may_be_feature(training, schema->fields[i].name))
            score->parts[score->n_parts++] = schema->fields[i].name;
    return QN_OK;
}

/* "contribution_tenure" */
static const char *part_name(struct qn_arena *arena, const char *column)
{
    static const char before[] = "contribution_";
    size_t n = strlen(column) + sizeof before;
    char *name = qn_arena_zalloc(arena, n, 1);
    if (name)
        snprintf(name, n, "%s%s", before, column);
    return name;
}

static qn_code compile_out(const struct qn_job_env *env, struct qn_job *job,
                           const struct score *score, struct qn_err *err)
{
    uint32_t n = score->contributions ? OUT_PARTS + score->n_parts + 1 : OUT_MARGIN;
    struct qn_field *fields = QN_NEW_ARRAY(env->arena, struct qn_field, n);
    const struct qn_node *from = qn_node_get(env->node, "from");
    if (!fields)
        return qn_err_nomem(err, "a score job");
    fields[OUT_KEY] = job->input.schema->fields[score->key];
    fields[OUT_SCORE] = (struct qn_field){"score", {.id = QN_DOUBLE}};
    fields[OUT_VERSION] = (struct qn_field){"model_version", {.id = QN_INT64}};
    if (score->contributions)
        fields[OUT_MARGIN] = (struct qn_field){"margin", {.id = QN_DOUBLE}};
    for (uint32_t i = OUT_PARTS; i < n; i++) {
        const char *column = i + 1 < n ? score->parts[i - OUT_PARTS] : "bias";
        fields[i] = (struct qn_field){part_name(env->arena, column), {.id = QN_DOUBLE}};
        if (!fields[i].name)
            return qn_err_nomem(err, "a score job");
    }
    for (uint32_t i = 1; i < n; i++)
        if (strcasecmp(fields[0].name, fields[i].name) == 0)
            qn_diags_add(env->diags, from->span, NULL, "rename it in an etl job first",
                         "the table would have two columns called '%s'", fields[i].name);
    if (n > QN_MAX_COLUMNS)
        qn_diags_add(
            env->diags, from->span, NULL, "select the model's features in an etl job first",
            "with contributions the table would have %u columns, more than %d", n, QN_MAX_COLUMNS);
    job->out = (struct qn_schema){.fields = fields, .n_fields = n};
    return QN_OK;
}

static qn_code compile(const struct qn_job_env *env, struct qn_job *job, struct qn_err *err)
{
    size_t errors = env->diags->n_errors;
    struct score *score = QN_NEW(env->arena, struct score);
    if (!score)
        return qn_err_nomem(err, "a score job");
    const struct qn_node *from = qn_node_get(env->node, "from");
    const struct qn_node *model = qn_node_get(env->node, "model");
    bool has_input = env->input(env, from, &job->input);
    if (model && model->kind == QN_NODE_SCALAR && read_model(env, model, job) && has_input) {
        if (!job->model || !job->model_selector)
            return qn_err_nomem(err, "a score job");
        const struct qn_node *training = env->training_node(env, job->model);
        check_features(env, training, job);
        int32_t key = compile_key(env, training, job);
        if (key >= 0) {
            score->key = (uint32_t)key;
            QN_TRY(compile_parts(env, training, job, score, err));
            QN_TRY(compile_out(env, job, score, err));
        }
    }
    qn_into_read(qn_node_get(env->node, "into"), env->diags, &job->into);
    job->impl = score;
    job->stages[job->n_stages++] = (struct qn_stage){
        .name = "score", .over = QN_OVER_CHUNKS, .rows = true, .counts = true, .model = true};
    return has_input && !job->input.gaps && env->diags->n_errors == errors
               ? QN_OK
               : qn_err_set(err, QN_EINPUT, QN_BLAME_JOB, "job %s has mistakes", job->name);
}

/* --- run ------------------------------------------------------------------------------------- */

static qn_code scorer_make(struct qn_task_in *in, struct qn_err *err)
{
    struct qn_scorer *scorer;
    if (in->job_cache->data)
        return QN_OK;
    QN_TRY(qn_scorer_new(in->model, &scorer, err));
    in->job_cache->data = scorer;
    in->job_cache->free = qn_scorer_free;
    return QN_OK;
}

/* All that is missing is named at once. */
static qn_code find_features(struct qn_scorer *scorer, const struct qn_schema *schema,
                             struct qn_err *err)
{
    struct qn_buf missing;
    qn_buf_init(&missing);
    qn_scorer_find(scorer, schema, &missing);
    qn_code code = qn_buf_check(&missing, "the names of features", err);
    if (code == QN_OK && missing.len)
        code = qn_err_set(err, QN_EINPUT, QN_BLAME_JOB, "the rows lack what the model needs: %.*s",
                          QN_STRV_ARG(qn_buf_strv(&missing)));
    qn_buf_fini(&missing);
    return code;
}

struct scoring {
    const struct qn_job *job;
    struct qn_task_in *in;
    struct qn_task_out *out;
    struct qn_scorer *scorer;
    int32_t key;
    const struct score *score;
    uint32_t *places; /* by feature, and of the bias: its column of the table */
};

static qn_code find_parts(struct scoring *self, struct qn_err *err)
{
    const struct qn_model *model = self->scorer->model;
    const struct score *score = self->score;
    self->places = QN_NEW_ARRAY(self->in->arena, uint32_t, model->n_features + 1);
    if (!self->places)
        return qn_err_nomem(err, "scores");
    for (uint32_t f = 0; f < model->n_features; f++) {
        uint32_t at = 0;
        while (at < score->n_parts && strcasecmp(score->parts[at], model->features[f].name) != 0)
            at++;
        if (at == score->n_parts)
            return qn_err_set(err, QN_EINPUT, QN_BLAME_JOB,
                              "the model has the feature '%s', which the train job of this spec "
                              "leaves out: contributions have no column for it",
                              model->features[f].name);
        self->places[f] = OUT_PARTS + at;
    }
    self->places[model->n_features] = OUT_PARTS + score->n_parts;
    return QN_OK;
}

/* Columns of what is no feature stay NULL. */
static qn_code explain_batch(struct scoring *self, const struct qn_batch *batch,
                             const uint32_t *rows, struct qn_arena *arena,
                             struct qn_column *columns, struct qn_err *err)
{
    uint32_t n = batch->n_rows, width = self->scorer->model->n_features + 1;
    size_t cells;
    if (__builtin_mul_overflow((size_t)n, width, &cells))
        return qn_err_nomem(err, "contributions");
    double *parts = QN_NEW_ARRAY(arena, double, cells);
    uint64_t *nothing = QN_NEW_ARRAY(arena, uint64_t, qn_validity_words(n));
    if (!parts || !nothing)
        return qn_err_nomem(err, "contributions");
    for (uint32_t c = OUT_MARGIN; c < self->job->out.n_fields; c++) {
        QN_TRY(qn_column_new(arena, self->job->out.fields[c].type, n, &columns[c], err));
        columns[c].validity = c == OUT_MARGIN ? NULL : nothing;
    }
    QN_TRY(qn_scorer_explain(self->scorer, batch, rows, n, parts, columns[OUT_MARGIN].f64, err));
    for (uint32_t f = 0; f < width; f++) {
        struct qn_column *column = &columns[self->places[f]];
        column->validity = NULL;
        for (uint32_t i = 0; i < n; i++)
            column->f64[i] = parts[(size_t)i * width + f];
    }
    return QN_OK;
}

static qn_code fill_batch(struct scoring *self, const struct qn_batch *batch,
                          struct qn_arena *arena, struct qn_err *err)
{
    const struct qn_schema *schema = &self->job->out;
    uint32_t n = batch->n_rows;
    uint32_t *rows = QN_NEW_ARRAY(arena, uint32_t, n);
    struct qn_column *columns = QN_NEW_ARRAY(arena, struct qn_column, schema->n_fields);
    if (!rows || !columns)
        return qn_err_nomem(err, "scores");
    for (uint32_t i = 0; i < n; i++)
        rows[i] = i;
    columns[OUT_KEY] = batch->columns[self->key];
    QN_TRY(qn_column_new(arena, schema->fields[OUT_SCORE].type, n, &columns[OUT_SCORE], err));
    QN_TRY(qn_column_new(arena, schema->fields[OUT_VERSION].type, n, &columns[OUT_VERSION], err));
    QN_TRY(qn_scorer_score(self->scorer, batch, rows, n, columns[OUT_SCORE].f64, err));
    for (uint32_t i = 0; i < n; i++)
        columns[OUT_VERSION].i64[i] = self->in->model_version;
    if (self->score->contributions)
        QN_TRY(explain_batch(self, batch, rows, arena, columns, err));
    struct qn_batch scored = {.schema = schema, .columns = columns, .n_rows = n};
    self->out->counters.rows_out += n;
    return self->out->ops->rows(self->out, &scored, err);
}

static qn_code score_batch(struct scoring *self, const struct qn_batch *batch, struct qn_err *err)
{
    struct qn_arena arena;
    qn_arena_init(&arena);
    qn_code code = fill_batch(self, batch, &arena, err);
    qn_arena_fini(&arena);
    return code;
}

static qn_code score_all(struct scoring *self, struct qn_err *err)
{
    struct qn_reader *reader = self->in->reader;
    for (;;) {
        struct qn_batch batch;
        uint32_t refused = qn_rejects_count(&self->out->rejects);
        if (atomic_load(self->in->cancelled))
            return qn_err_set(err, QN_ECANCEL, QN_BLAME_NONE, "cancelled");
        QN_TRY(reader->ops->next(reader, &batch, &self->out->rejects, err));
        refused = qn_rejects_count(&self->out->rejects) - refused;
        self->out->counters.rows_in += batch.n_rows + refused;
        self->out->counters.quarantined += refused;
        if (batch.n_rows == 0)
            return QN_OK;
        QN_TRY(score_batch(self, &batch, err));
    }
}

static qn_code run(const struct qn_job *job, struct qn_task_in *in, struct qn_task_out *out,
                   struct qn_err *err)
{
    const struct score *score = job->impl;
    QN_TRY(scorer_make(in, err));
    struct scoring self = {.job = job, .in = in, .out = out, .scorer = in->job_cache->data};
    self.score = score;
    QN_TRY(find_features(self.scorer, in->reader->schema, err));
    if (score->contributions)
        QN_TRY(find_parts(&self, err));
    self.key = qn_schema_find(in->reader->schema,
                              qn_strv_from(job->input.schema->fields[score->key].name));
    if (self.key < 0)
        return qn_err_set(err, QN_ESTATE, QN_BLAME_JOB, "the key was not read");
    return score_all(&self, err);
}

/* --- the kind -------------------------------------------------------------------------------- */

const struct qn_job_ops qn_job_score = {
    .kind = "score",
    .summary = "apply a registered model to rows",
    .keys = &score_spec_keys,
    .compile = compile,
    .run = run,
};
