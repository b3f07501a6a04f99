#include <math.h>
#include <stdio.h>

#include "jobs/into.h"
#include "jobs/lookup.h"
#include "jobs/train/evaluate.h"
#include "spec/keys.h"
#include "spec/node.h"

/* --- what a train job may hold --------------------------------------------------------------- */

static const char *const kinds[] = {"train", NULL};
static const char *const algorithms[] = {"logistic_regression", "gradient_boosting", NULL};
static const char *const methods[] = {"hash", NULL};
static const char *const numeric_fills[] = {"mean", "median", "most_frequent", "constant", NULL};
static const char *const category_fills[] = {"most_frequent", "constant", NULL};
static const char *const scales[] = {"standard", "none", NULL};
static const char *const encodings[] = {"one_hot", NULL};
static const char *const unknowns[] = {"ignore", "error", NULL};
static const char *const drops[] = {"none", "first", NULL};

static const struct qn_key feature_keys[] = {
    {.name = "include",
     .shape = QN_SHAPE_LIST,
     .item = QN_SHAPE_TEXT,
     .or_single = true,
     .doc = "columns that are features; default: all but key and label"},
    {.name = "exclude",
     .shape = QN_SHAPE_LIST,
     .item = QN_SHAPE_TEXT,
     .or_single = true,
     .doc = "columns that are none"},
};
static const struct qn_spec_keys feature_object = QN_KEYS("features", feature_keys);

static const struct qn_key numeric_keys[] = {
    {.name = "impute",
     .shape = QN_SHAPE_ENUM,
     .values = numeric_fills,
     .doc = "what fills missing numbers: mean (default), median, most_frequent or constant"},
    {.name = "fill_value", .shape = QN_SHAPE_NUMBER, .doc = "of impute: constant"},
    {.name = "scale",
     .shape = QN_SHAPE_ENUM,
     .values = scales,
     .doc = "standard (default): mean 0 and deviation 1; none"},
};
static const struct qn_spec_keys numeric_object = QN_KEYS("prepare.numeric", numeric_keys);

static const struct qn_key categorical_keys[] = {
    {.name = "impute",
     .shape = QN_SHAPE_ENUM,
     .values = category_fills,
     .doc = "what fills missing texts: most_frequent (default) or constant"},
    {.name = "fill_value", .shape = QN_SHAPE_TEXT, .doc = "of impute: constant"},
    {.name = "encode", .shape = QN_SHAPE_ENUM, .values = encodings, .doc = "one_hot (default)"},
    {.name = "handle_unknown",
     .shape = QN_SHAPE_ENUM,
     .values = unknowns,
     .doc = "a category that training never saw: ignore (default; all its columns 0) or error"},
    {.name = "drop",
     .shape = QN_SHAPE_ENUM,
     .values = drops,
     .doc = "first leaves the first category out; default: none, first when params.l2 is 0"},
};
static const struct qn_spec_keys categorical_object =
    QN_KEYS("prepare.categorical", categorical_keys);

static const struct qn_key prepare_keys[] = {
    {.name = "numeric",
     .shape = QN_SHAPE_OBJECT,
     .object = &numeric_object,
     .doc = "numbers and booleans"},
    {.name = "categorical",
     .shape = QN_SHAPE_OBJECT,
     .object = &categorical_object,
     .doc = "texts"},
};
static const struct qn_spec_keys prepare_object = QN_KEYS("prepare", prepare_keys);

static const struct qn_key split_keys[] = {
    {.name = "method", .shape = QN_SHAPE_ENUM, .values = methods, .doc = "hash: by the key's hash"},
    {.name = "test",
     .shape = QN_SHAPE_NUMBER,
     .min = 0,
     .max = 0.95,
     .doc = "share of rows held out; default 0.2"},
    {.name = "validation",
     .shape = QN_SHAPE_NUMBER,
     .min = 0,
     .max = 0.95,
     .doc = "share of rows for choices; default 0"},
    {.name = "stratify", .shape = QN_SHAPE_BOOL, .doc = "the same share of both classes"},
};
static const struct qn_spec_keys split_object = QN_KEYS("split", split_keys);

static const struct qn_key when_keys[] = {
    {.name = "metric",
     .shape = QN_SHAPE_TEXT,
     .required = true,
     .doc = "of the held-out rows: roc_auc, log_loss, ..."},
    {.name = "min", .shape = QN_SHAPE_NUMBER, .doc = "at least"},
    {.name = "max", .shape = QN_SHAPE_NUMBER, .doc = "at most"},
    {.name = "vs", .shape = QN_SHAPE_TEXT, .unsupported = true},
};
static const struct qn_spec_keys when_object = QN_KEYS("promote.when", when_keys);

static const struct qn_key promote_keys[] = {
    {.name = "alias", .shape = QN_SHAPE_IDENTIFIER, .required = true, .doc = "such as champion"},
    {.name = "when",
     .shape = QN_SHAPE_LIST,
     .item = QN_SHAPE_OBJECT,
     .object = &when_object,
     .or_single = true,
     .doc = "conditions; all must hold"},
};
static const struct qn_spec_keys promote_object = QN_KEYS("promote", promote_keys);

static const struct qn_key register_keys[] = {
    {.name = "model", .shape = QN_SHAPE_IDENTIFIER, .required = true, .doc = "name of the model"},
    {.name = "promote",
     .shape = QN_SHAPE_OBJECT,
     .object = &promote_object,
     .doc = "when the new version gets an alias"},
};
static const struct qn_spec_keys register_object = QN_KEYS("register", register_keys);

static const struct qn_key train_keys[] = {
    {.name = "kind", .shape = QN_SHAPE_ENUM, .values = kinds, .required = true, .doc = "train"},
    {.name = "from", .shape = QN_SHAPE_TEXT, .required = true, .doc = "a source or a job"},
    {.name = "label",
     .shape = QN_SHAPE_TEXT,
     .required = true,
     .doc = "column to predict: boolean, 0/1, or text of two values"},
    {.name = "positive",
     .shape = QN_SHAPE_TEXT,
     .doc = "the value of a text label that counts as 1"},
    {.name = "key",
     .shape = QN_SHAPE_TEXT,
     .required = true,
     .doc = "column that names the row; rows of one key stay on one side of the split"},
    {.name = "features",
     .shape = QN_SHAPE_OBJECT,
     .object = &feature_object,
     .doc = "which columns describe the row"},
    {.name = "prepare",
     .shape = QN_SHAPE_OBJECT,
     .object = &prepare_object,
     .doc = "how features become numbers, for logistic_regression; fitted on the training rows"},
    {.name = "split",
     .shape = QN_SHAPE_OBJECT,
     .object = &split_object,
     .doc = "which rows are held out"},
    {.name = "algorithm",
     .shape = QN_SHAPE_ENUM,
     .values = algorithms,
     .required = true,
     .doc = "logistic_regression or gradient_boosting"},
    {.name = "params",
     .shape = QN_SHAPE_OBJECT,
     .object = &qn_train_params_keys,
     .doc = "of the algorithm"},
    {.name = "register",
     .shape = QN_SHAPE_OBJECT,
     .object = &register_object,
     .doc = "where the model goes"},
    {.name = "into",
     .shape = QN_SHAPE_OBJECT,
     .object = &qn_into_keys,
     .or_text = true,
     .doc = "the table that gets key, split, label and score of every row"},
};
const struct qn_spec_keys qn_train_keys = QN_KEYS("train job", train_keys);

/* --- columns --------------------------------------------------------------------------------- */

struct compiler {
    const struct qn_job_env *env;
    struct qn_train *train;
    const struct qn_gaps *gaps; /* of the input */
    const struct qn_prepare_feature *features;
    int32_t label, key; /* -1: said already */
    size_t errors;      /* complaints there were before this job's */
    bool no_memory;
};

static int32_t find_column(struct compiler *self, const struct qn_node *name)
{
    if (!name || name->kind != QN_NODE_SCALAR)
        return -1;
    return qn_lookup_column(self->train->in, self->gaps, name->text, name->span, "",
                            self->env->diags);
}

static bool is_named(const struct qn_node *list, const char *name)
{
    uint32_t n;
    const struct qn_node *items = qn_node_items(list, &n);
    for (uint32_t i = 0; i < n; i++)
        if (qn_strv_is(items[i].text, name))
            return true;
    return false;
}

static void compile_label(struct compiler *self)
{
    const struct qn_node *node = qn_node_get(self->env->node, "label");
    const struct qn_node *positive = qn_node_get(self->env->node, "positive");
    self->label = find_column(self, node);
    self->key = find_column(self, qn_node_get(self->env->node, "key"));
    if (self->label < 0)
        return;
    struct qn_type type = self->train->in->fields[self->label].type;
    char name[QN_TYPE_NAME];
    self->train->positive = qn_node_text(positive, NULL);
    if (type.id == QN_TEXT && !positive)
        qn_diags_add(self->env->diags, node->span, "positive: VALUE beside it", NULL,
                     "label '%.*s' is text: which value counts as 1?", QN_STRV_ARG(node->text));
    if (type.id != QN_TEXT && type.id != QN_BOOL && type.id != QN_INT64)
        qn_diags_add(self->env->diags, node->span, "boolean, integer (0 and 1), or text",
                     "derive a boolean from it in an etl job first", "label '%.*s' is %s",
                     QN_STRV_ARG(node->text), qn_type_name(type, name));
    if (type.id != QN_TEXT && positive)
        qn_diags_add(self->env->diags, positive->span, NULL, "leave it out",
                     "positive is for text labels; '%.*s' is %s", QN_STRV_ARG(node->text),
                     qn_type_name(type, name));
}

/* Adds a feature; `node` is where it is asked for, NULL when it is one by default. */
static void add_feature(struct compiler *self, uint32_t column, const struct qn_node *node,
                        uint32_t *columns, struct qn_prepare_feature *features)
{
    struct qn_train *train = self->train;
    const struct qn_field *field = &train->in->fields[column];
    struct qn_span span = node ? node->span : qn_node_get(self->env->node, "from")->span;
    char name[QN_TYPE_NAME];
    if ((int32_t)column == self->label || (int32_t)column == self->key) {
        if (node)
            qn_diags_add(self->env->diags, span, NULL, "leave it out", "'%s' is the %s of the job",
                         field->name, (int32_t)column == self->label ? "label" : "key");
        return;
    }
    bool is_date = field->type.id == QN_DATE || field->type.id == QN_TIMESTAMP;
    if (is_date && train->algorithm && !train->algorithm->takes_dates) {
        qn_diags_add(self->env->diags, span, NULL,
                     "derive a number from it first (days since ...), or leave it out with "
                     "features.exclude",
                     "feature '%s' is a %s", field->name, qn_type_name(field->type, name));
        return;
    }
    for (uint32_t i = 0; i < train->n_features; i++)
        if (columns[i] == column)
            return;
    columns[train->n_features] = column;
    features[train->n_features++] = (struct qn_prepare_feature){
        .name = field->name, .type = field->type, .categorical = field->type.id == QN_TEXT};
}

static void compile_features(struct compiler *self)
{
    struct qn_train *train = self->train;
    const struct qn_node *node = qn_node_get(self->env->node, "features");
    const struct qn_node *include = qn_node_get(node, "include");
    const struct qn_node *exclude = qn_node_get(node, "exclude");
    uint32_t *columns = QN_NEW_ARRAY(self->env->arena, uint32_t, train->in->n_fields);
    struct qn_prepare_feature *features =
        QN_NEW_ARRAY(self->env->arena, struct qn_prepare_feature, train->in->n_fields);
    self->no_memory |= !columns || !features;
    if (self->no_memory)
        return;
    uint32_t n;
    const struct qn_node *items = qn_node_items(exclude, &n);
    for (uint32_t i = 0; i < n; i++)
        (void)find_column(self, &items[i]);
    items = qn_node_items(include, &n);
    for (uint32_t i = 0; i < n; i++) {
        int32_t column = find_column(self, &items[i]);
        if (column >= 0 && !is_named(exclude, train->in->fields[column].name))
            add_feature(self, (uint32_t)column, &items[i], columns, features);
    }
    for (uint32_t i = 0; !include && i < train->in->n_fields; i++)
        if (!is_named(exclude, train->in->fields[i].name))
            add_feature(self, i, NULL, columns, features);
    train->features = columns;
    self->features = features;
    /* With other mistakes about columns this would only be their echo. */
    if (train->n_features == 0 && !self->gaps && self->env->diags->n_errors == self->errors)
        qn_diags_add(self->env->diags, (node ? node : self->env->node)->span, NULL, NULL,
                     "no column is left to be a feature");
}

/* --- the rest -------------------------------------------------------------------------------- */

static void compile_split(struct compiler *self)
{
    struct qn_train *train = self->train;
    const struct qn_node *node = qn_node_get(self->env->node, "split");
    train->test = qn_node_f64(qn_node_get(node, "test"), 0.2);
    train->validation = qn_node_f64(qn_node_get(node, "validation"), 0);
    train->stratify =
        qn_node_bool(qn_node_get(node, "stratify"), false) && train->test + train->validation > 0;
    if (train->test + train->validation > 0.95)
        qn_diags_add(self->env->diags, node->span, NULL, NULL,
                     "test and validation together leave less than 5 %% of the rows to train on");
}

/* After features and split, which it looks at. */
static qn_code compile_algorithm(struct compiler *self, struct qn_err *err)
{
    struct qn_train *train = self->train;
    if (!train->algorithm || !self->features)
        return QN_OK;
    qn_train_check_params(self->env, train->algorithm);
    const struct qn_algorithm_env env = {.arena = self->env->arena,
                                         .diags = self->env->diags,
                                         .job = self->env->node,
                                         .features = self->features,
                                         .n_features = train->n_features,
                                         .validation = train->validation,
                                         .seed = train->seed};
    return train->algorithm->compile(&env, &train->plan, err);
}

static void compile_rule(struct compiler *self, const struct qn_node *node,
                         struct qn_train_rule *rule)
{
    const struct qn_node *metric = qn_node_get(node, "metric");
    const struct qn_node *min = qn_node_get(node, "min"), *max = qn_node_get(node, "max");
    struct qn_metric_value values[QN_N_METRICS];
    const char *names[QN_N_METRICS];
    struct qn_metrics none = {0};
    char hint[160];
    *rule = (struct qn_train_rule){.metric = qn_node_text(metric, ""),
                                   .min = qn_node_f64(min, -HUGE_VAL),
                                   .max = qn_node_f64(max, HUGE_VAL)};
    if (!min && !max && metric && !qn_node_get(node, "vs")) /* vs was refused already */
        qn_diags_add(self->env->diags, metric->span, "min or max beside it", NULL,
                     "the condition on '%s' has no bound", rule->metric);
    qn_metrics_list(&none, values);
    bool known = !metric;
    for (uint32_t i = 0; i < QN_N_METRICS; i++) {
        names[i] = values[i].name;
        known |= strcmp(names[i], rule->metric) == 0;
    }
    if (known)
        return;
    const char *near = qn_strv_closest(metric->text, names, QN_N_METRICS);
    snprintf(hint, sizeof hint, near ? "did you mean '%s'?" : "%s", near ? near : "");
    qn_diags_add(self->env->diags, metric->span, "roc_auc, average_precision, log_loss, brier, ...",
                 near ? hint : NULL, "there is no metric '%s'", rule->metric);
}

static void compile_register(struct compiler *self, struct qn_job *job)
{
    struct qn_train *train = self->train;
    const struct qn_node *node = qn_node_get(self->env->node, "register");
    const struct qn_node *promote = qn_node_get(node, "promote");
    uint32_t n;
    const struct qn_node *rules = qn_node_items(qn_node_get(promote, "when"), &n);
    struct qn_train_rule *out = QN_NEW_ARRAY(self->env->arena, struct qn_train_rule, n);
    job->registers = qn_node_text(qn_node_get(node, "model"), NULL);
    train->alias = qn_node_text(qn_node_get(promote, "alias"), NULL);
    self->no_memory |= !out;
    if (!out)
        return;
    for (uint32_t i = 0; i < n; i++)
        compile_rule(self, &rules[i], &out[i]);
    train->rules = out;
    train->n_rules = n;
    if (n && train->test + train->validation <= 0)
        qn_diags_add(self->env->diags, promote->span, NULL, "give split.test a share",
                     "promotion looks at held-out rows, and the split holds none out");
}

static void compile_into(struct compiler *self, struct qn_job *job)
{
    const struct qn_node *into = qn_node_get(self->env->node, "into");
    qn_into_read(into, self->env->diags, &job->into);
    if (!into || self->key < 0)
        return;
    const struct qn_field *key = &self->train->in->fields[self->key];
    struct qn_field *fields = QN_NEW_ARRAY(self->env->arena, struct qn_field, 4);
    self->no_memory |= !fields;
    if (!fields)
        return;
    fields[0] = *key;
    fields[1] = (struct qn_field){"split", {.id = QN_TEXT}};
    fields[2] = (struct qn_field){"label", {.id = QN_INT64}};
    fields[3] = (struct qn_field){"score", {.id = QN_DOUBLE}};
    for (int i = 1; i < 4; i++)
        if (strcasecmp(key->name, fields[i].name) == 0)
            qn_diags_add(self->env->diags, qn_node_get(self->env->node, "key")->span, NULL,
                         "rename it in an etl job first",
                         "the table would have two columns called '%s'", fields[i].name);
    job->out = (struct qn_schema){.fields = fields, .n_fields = 4};
}

static uint32_t add_stage(struct qn_job *job, struct qn_stage stage)
{
    job->stages[job->n_stages] = stage;
    return job->n_stages++;
}

static void compile_stages(struct compiler *self, struct qn_job *job)
{
    struct qn_train *train = self->train;
    bool *all = QN_NEW_ARRAY(self->env->arena, bool, train->in->n_fields);
    bool *two = QN_NEW_ARRAY(self->env->arena, bool, train->in->n_fields);
    self->no_memory |= !all || !two;
    if (self->no_memory || self->label < 0 || self->key < 0)
        return;
    train->label = (uint32_t)self->label;
    train->key = (uint32_t)self->key;
    all[train->label] = all[train->key] = two[train->label] = two[train->key] = true;
    for (uint32_t i = 0; i < train->n_features; i++)
        all[train->features[i]] = true;
    train->split_stage = -1;
    if (train->stratify)
        train->split_stage = (int)add_stage(
            job, (struct qn_stage){
                     .name = "split", .over = QN_OVER_CHUNKS, .wanted = two, .merges = true});
    train->prepare_stage = add_stage(
        job, (struct qn_stage){
                 .name = "prepare", .over = QN_OVER_CHUNKS, .wanted = all, .merges = true});
    train->round_stage =
        add_stage(job, (struct qn_stage){.name = "round",
                                         .over = QN_OVER_CHUNKS,
                                         .wanted = all,
                                         .merges = true,
                                         .repeats = true,
                                         .appends = train->algorithm && train->algorithm->appends});
    train->evaluate_stage =
        add_stage(job, (struct qn_stage){.name = "evaluate",
                                         .over = QN_OVER_CHUNKS,
                                         .wanted = all,
                                         .partitions = true,
                                         .n_partitions = 1,
                                         .partition_schema = qn_train_scores_schema,
                                         .rows = job->out.n_fields > 0,
                                         .counts = true});
    train->metrics_stage =
        add_stage(job, (struct qn_stage){.name = "metrics",
                                         .over = QN_OVER_PARTITIONS,
                                         .partitions_from = train->evaluate_stage,
                                         .merges = true});
}

qn_code qn_train_compile(const struct qn_job_env *env, struct qn_job *job, struct qn_err *err)
{
    struct qn_train *train = QN_NEW(env->arena, struct qn_train);
    if (!train)
        return qn_err_nomem(err, "a train job");
    const struct qn_node *from = qn_node_get(env->node, "from");
    if (!env->input(env, from, &job->input))
        return qn_err_set(err, QN_EINPUT, QN_BLAME_JOB, "job %s has no input", job->name);
    struct compiler self = {
        .env = env, .train = train, .gaps = job->input.gaps, .errors = env->diags->n_errors};
    train->in = job->input.schema;
    train->seed = env->seed;
    job->impl = train;
    train->algorithm = qn_algorithm_find(qn_node_text(qn_node_get(env->node, "algorithm"), ""));
    compile_label(&self);
    compile_features(&self);
    compile_split(&self);
    QN_TRY(compile_algorithm(&self, err));
    compile_register(&self, job);
    compile_into(&self, job);
    compile_stages(&self, job);
    if (self.no_memory)
        return qn_err_nomem(err, "a train job");
    return env->diags->n_errors == self.errors && !self.gaps
               ? QN_OK
               : qn_err_set(err, QN_EINPUT, QN_BLAME_JOB, "job %s has mistakes", job->name);
}
