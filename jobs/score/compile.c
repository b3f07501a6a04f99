#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "jobs/into.h"
#include "jobs/lookup.h"
#include "jobs/score/score.h"
#include "spec/keys.h"
#include "spec/node.h"

static const char *const kinds[] = {"score", NULL};
static const char *const missing_columns[] = {"fail", "warn", NULL};

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
    {.name = "missing_columns",
     .shape = QN_SHAPE_ENUM,
     .values = missing_columns,
     .doc = "features of the model that the rows lack: the job fails (default), or goes on as if "
            "they had no value in any row, and tells so in _quern_tests"},
    {.name = "into",
     .shape = QN_SHAPE_OBJECT,
     .object = &qn_into_keys,
     .or_text = true,
     .required = true,
     .doc = "the table that gets key, score, model version, and contributions"},
};
const struct qn_spec_keys qn_score_keys = QN_KEYS("score job", score_keys);

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
                             const struct qn_job *job, struct qn_score *score, struct qn_err *err)
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
                           const struct qn_score *score, struct qn_err *err)
{
    uint32_t n = score->contributions ? QN_SCORE_PARTS + score->n_parts + 1 : QN_SCORE_MARGIN;
    struct qn_field *fields = QN_NEW_ARRAY(env->arena, struct qn_field, n);
    const struct qn_node *from = qn_node_get(env->node, "from");
    if (!fields)
        return qn_err_nomem(err, "a score job");
    fields[QN_SCORE_KEY] = job->input.schema->fields[score->key];
    fields[QN_SCORE_SCORE] = (struct qn_field){"score", {.id = QN_DOUBLE}};
    fields[QN_SCORE_VERSION] = (struct qn_field){"model_version", {.id = QN_INT64}};
    if (score->contributions)
        fields[QN_SCORE_MARGIN] = (struct qn_field){"margin", {.id = QN_DOUBLE}};
    for (uint32_t i = QN_SCORE_PARTS; i < n; i++) {
        const char *column = i + 1 < n ? score->parts[i - QN_SCORE_PARTS] : "bias";
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

qn_code qn_score_compile(const struct qn_job_env *env, struct qn_job *job, struct qn_err *err)
{
    size_t errors = env->diags->n_errors;
    struct qn_score *score = QN_NEW(env->arena, struct qn_score);
    if (!score)
        return qn_err_nomem(err, "a score job");
    const struct qn_node *from = qn_node_get(env->node, "from");
    const struct qn_node *model = qn_node_get(env->node, "model");
    bool has_input = env->input(env, from, &job->input);
    if (model && model->kind == QN_NODE_SCALAR && read_model(env, model, job) && has_input) {
        if (!job->model || !job->model_selector)
            return qn_err_nomem(err, "a score job");
        const struct qn_node *training = env->training_node(env, job->model);
        const char *missing = qn_node_text(qn_node_get(env->node, "missing_columns"), "fail");
        score->fill_columns = strcmp(missing, "warn") == 0;
        if (!score->fill_columns)
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
    job->stages[job->n_stages++] = (struct qn_stage){.name = "score",
                                                     .over = QN_OVER_CHUNKS,
                                                     .merges = true,
                                                     .rows = true,
                                                     .counts = true,
                                                     .model = true};
    return has_input && !job->input.gaps && env->diags->n_errors == errors
               ? QN_OK
               : qn_err_set(err, QN_EINPUT, QN_BLAME_JOB, "job %s has mistakes", job->name);
}
