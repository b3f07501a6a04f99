#include <math.h>
#include <stdio.h>
#include <string.h>

#include "jobs/into.h"
#include "jobs/train/compile.h"
#include "jobs/train/evaluate.h"
#include "spec/keys.h"

/* --- columns --------------------------------------------------------------------------------- */

enum { MOST_SLICED_COLUMNS = 20 };

int32_t qn_train_find_column(struct qn_train_compiler *self, const struct qn_node *name)
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

static void compile_label(struct qn_train_compiler *self)
{
    const struct qn_node *node = qn_node_get(self->env->node, "label");
    const struct qn_node *positive = qn_node_get(self->env->node, "positive");
    self->label = qn_train_find_column(self, node);
    self->key = qn_train_find_column(self, qn_node_get(self->env->node, "key"));
    self->label_time = qn_train_find_column(self, qn_node_get(self->env->node, "label_time"));
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
static void add_feature(struct qn_train_compiler *self, uint32_t column, const struct qn_node *node,
                        uint32_t *columns, struct qn_prepare_feature *features)
{
    struct qn_train *train = self->train;
    const struct qn_field *field = &train->in->fields[column];
    struct qn_span span = node ? node->span : qn_node_get(self->env->node, "from")->span;
    char name[QN_TYPE_NAME];
    const char *role = (int32_t)column == self->label        ? "label"
                       : (int32_t)column == self->key        ? "key"
                       : (int32_t)column == self->label_time ? "label_time"
                       : (int32_t)column == self->by         ? "split's column"
                                                             : NULL;
    bool may_be_asked =
        (int32_t)column == self->by && train->split && train->split->method == QN_SPLIT_TIME;
    if (may_be_asked && node)
        role = NULL;
    if (role) {
        if (node)
            qn_diags_add(self->env->diags, span, NULL, "leave it out", "'%s' is the %s of the job",
                         field->name, role);
        return;
    }
    bool is_time = field->type.id == QN_DATE || field->type.id == QN_TIMESTAMP;
    if (is_time && train->algorithm && !train->algorithm->takes_dates) {
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

static void compile_features(struct qn_train_compiler *self)
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
        (void)qn_train_find_column(self, &items[i]);
    items = qn_node_items(include, &n);
    for (uint32_t i = 0; i < n; i++) {
        int32_t column = qn_train_find_column(self, &items[i]);
        if (column >= 0 && !is_named(exclude, train->in->fields[column].name))
            add_feature(self, (uint32_t)column, &items[i], columns, features);
    }
    for (uint32_t i = 0; !include && i < train->in->n_fields; i++)
        if (!is_named(exclude, train->in->fields[i].name))
            add_feature(self, i, NULL, columns, features);
    train->columns = columns;
    train->features = features;
    /* With other mistakes about columns this would only be their echo. */
    if (train->n_features == 0 && !self->gaps && self->env->diags->n_errors == self->errors)
        qn_diags_add(self->env->diags, (node ? node : self->env->node)->span, NULL, NULL,
                     "no column is left to be a feature");
}

/* --- the rest -------------------------------------------------------------------------------- */

bool qn_train_is_text(const struct qn_node *node, const char *text)
{
    return strcmp(qn_node_text(node, ""), text) == 0;
}

static void compile_search(struct qn_train_compiler *self)
{
    const struct qn_node *node = qn_node_get(self->env->node, "search");
    const struct qn_node *group = qn_node_get(node, "folds_by");
    if (!node)
        return;
    self->train->search = QN_NEW(self->env->arena, struct qn_search);
    self->no_memory |= !self->train->search;
    int32_t column = group ? qn_train_find_column(self, group)
                     : self->by >= 0 && self->train->split->method == QN_SPLIT_HASH ? self->by
                                                                                    : self->key;
    if (self->train->search && column >= 0)
        self->train->search->group = (uint32_t)column;
}

/* After features and split, which it looks at. */
static qn_code compile_algorithm(struct qn_train_compiler *self, struct qn_err *err)
{
    struct qn_train *train = self->train;
    if (!train->algorithm || !train->features || !train->split)
        return QN_OK;
    qn_train_check_params(self->env->diags, qn_node_get(self->env->node, "params"),
                          train->algorithm);
    const struct qn_algorithm_env env = {.arena = self->env->arena,
                                         .diags = self->env->diags,
                                         .job = self->env->node,
                                         .features = train->features,
                                         .n_features = train->n_features,
                                         .validates =
                                             qn_split_holds(train->split, QN_SIDE_VALIDATION),
                                         .seed = train->seed};
    return train->search ? qn_search_compile(&env, train->algorithm, train->search, err)
                         : train->algorithm->compile(&env, &train->plan, err);
}

static void compile_versus(struct qn_train_compiler *self, const struct qn_node *node,
                           const struct qn_node *vs, struct qn_train_rule *rule)
{
    struct qn_train *train = self->train;
    const struct qn_node *margin = qn_node_get(node, "margin");
    const struct qn_node *confidence = qn_node_get(node, "confidence");
    const struct qn_node *stray = margin ? margin : confidence;
    rule->versus = vs != NULL;
    rule->has_margin = margin != NULL;
    rule->margin = qn_node_f64(margin, 0);
    rule->confidence = qn_node_f64(confidence, 0.95);
    if (!vs && stray)
        qn_diags_add(self->env->diags, stray->span, "vs: ALIAS beside it", NULL,
                     "%s is for conditions with vs", margin ? "margin" : "confidence");
    if (!vs)
        return;
    if (train->versus && strcmp(train->versus, qn_node_text(vs, "")) != 0)
        qn_diags_add(self->env->diags, vs->span, NULL, "compare with one of them",
                     "conditions compare with two aliases, '%s' and '%s'", train->versus,
                     qn_node_text(vs, ""));
    train->versus = qn_node_text(vs, NULL);
    if (!qn_paired_knows(rule->metric))
        qn_diags_add(self->env->diags, vs->span, qn_paired_metrics(), NULL,
                     "two models cannot be compared by '%s'", rule->metric);
}

static void compile_rule(struct qn_train_compiler *self, const struct qn_node *node,
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
    const struct qn_node *vs = qn_node_get(node, "vs");
    compile_versus(self, node, vs, rule);
    if (!min && !max && metric && !vs)
        qn_diags_add(self->env->diags, metric->span, "min, max or vs beside it", NULL,
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

static void compile_register(struct qn_train_compiler *self, struct qn_job *job)
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
    train->beside = train->versus ? train->versus : train->alias;
    job->model = job->registers;
    job->model_selector =
        train->beside ? qn_arena_printf(self->env->arena, "@%s", train->beside) : "";
    job->model_optional = true;
    self->no_memory |= !job->model_selector;
    if (n && train->split && !qn_split_holds(train->split, QN_SIDE_TEST) &&
        !qn_split_holds(train->split, QN_SIDE_VALIDATION))
        qn_diags_add(self->env->diags, promote->span, NULL, "give split.test a share",
                     "promotion looks at held-out rows, and the split holds none out");
}

static void compile_retrain(struct qn_train_compiler *self, struct qn_job *job)
{
    const struct qn_node *node = qn_node_get(self->env->node, "retrain");
    const struct qn_node *drift = qn_node_get(node, "on_drift");
    if (!node)
        return;
    struct qn_retrain_plan *plan = QN_NEW(self->env->arena, struct qn_retrain_plan);
    self->no_memory |= !plan;
    if (!plan)
        return;
    plan->metric =
        qn_train_is_text(qn_node_get(drift, "metric"), "js") ? QN_DRIFT_JS : QN_DRIFT_PSI;
    plan->above = qn_node_f64(qn_node_get(drift, "any_feature_above"), 0);
    plan->min_new_rows = (uint64_t)qn_node_i64(qn_node_get(node, "min_new_rows"), 1);
    self->train->retrain = plan;
    job->may_end = true;
    if (!job->registers)
        qn_diags_add(self->env->diags, node->span, "register: {model: NAME} beside it", NULL,
                     "retrain keeps the champion, and this job registers no model");
}

static void compile_into(struct qn_train_compiler *self, struct qn_job *job)
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

static void compile_slices(struct qn_train_compiler *self, const struct qn_node *node)
{
    uint32_t n, *columns;
    const struct qn_node *items = qn_node_items(node, &n);
    self->train->slices = columns = QN_NEW_ARRAY(self->env->arena, uint32_t, n);
    self->no_memory |= !columns;
    for (uint32_t i = 0; columns && i < n; i++) {
        int32_t column = qn_train_find_column(self, &items[i]);
        if (column < 0)
            continue;
        if (column == self->key || column == self->label)
            qn_diags_add(self->env->diags, items[i].span, NULL, "slice by another column",
                         "'%.*s' is the %s of the job", QN_STRV_ARG(items[i].text),
                         column == self->key ? "key" : "label");
        columns[self->train->n_slices++] = (uint32_t)column;
    }
    if (n > MOST_SLICED_COLUMNS)
        qn_diags_add(self->env->diags, node->span, NULL, NULL,
                     "slices by more than %d columns: nobody reads so many", MOST_SLICED_COLUMNS);
}

static void compile_threshold(struct qn_train_compiler *self, const struct qn_node *node)
{
    struct qn_threshold_plan *plan = &self->train->threshold;
    const struct qn_node *cost = qn_node_get(node, "cost"), *budget = qn_node_get(node, "budget");
    double most = qn_node_f64(budget, 0);
    if (node && !cost == !budget)
        qn_diags_add(self->env->diags, node->span, "cost or budget", NULL,
                     cost ? "a threshold has either a cost or a budget"
                          : "a threshold needs a cost or a budget");
    plan->rule = cost ? QN_THRESHOLD_COST : budget ? QN_THRESHOLD_BUDGET : QN_THRESHOLD_NONE;
    plan->false_positive = qn_node_f64(qn_node_get(cost, "false_positive"), 0);
    plan->false_negative = qn_node_f64(qn_node_get(cost, "false_negative"), 0);
    plan->share = most < 1 ? most : 0;
    plan->rows = most < 1 ? 0 : (uint64_t)most;
}

static bool is_date(struct qn_type type)
{
    return type.id == QN_DATE || type.id == QN_TIMESTAMP;
}

static void compile_label_time(struct qn_train_compiler *self)
{
    struct qn_train *train = self->train;
    const struct qn_node *node = qn_node_get(self->env->node, "label_time");
    char name[QN_TYPE_NAME];
    if (self->label_time < 0)
        return;
    train->label_time = (uint32_t)self->label_time;
    struct qn_type type = train->in->fields[train->label_time].type;
    if (!is_date(type))
        qn_diags_add(self->env->diags, node->span, "a date or timestamp", NULL,
                     "label_time '%.*s' is %s", QN_STRV_ARG(node->text), qn_type_name(type, name));
    uint32_t *columns = QN_NEW_ARRAY(self->env->arena, uint32_t, train->in->n_fields);
    const char **names = QN_NEW_ARRAY(self->env->arena, const char *, train->in->n_fields);
    self->no_memory |= !columns || !names;
    for (uint32_t i = 0; !self->no_memory && i < train->in->n_fields; i++)
        if (is_date(train->in->fields[i].type) && i != train->label_time) {
            names[train->guard.n_dates] = train->in->fields[i].name;
            columns[train->guard.n_dates++] = i;
        }
    train->dates = columns;
    train->guard.dates = names;
}

static void compile_guards(struct qn_train_compiler *self)
{
    struct qn_train *train = self->train;
    const struct qn_node *node = qn_node_get(self->env->node, "guards");
    train->guards = qn_train_is_text(node, "refuse") ? QN_GUARDS_REFUSE
                    : qn_train_is_text(node, "off")  ? QN_GUARDS_OFF
                                                     : QN_GUARDS_WARN;
    train->guard.features = train->features;
    train->guard.n_features = train->n_features;
    train->guard.watch_keys = self->by >= 0 && self->by != self->key;
    compile_label_time(self);
    if (train->guards != QN_GUARDS_OFF)
        qn_train_compile_before(self);
}

static void compile_evaluate(struct qn_train_compiler *self)
{
    const struct qn_node *node = qn_node_get(self->env->node, "evaluate");
    struct qn_err err;
    compile_slices(self, qn_node_get(node, "slices"));
    compile_threshold(self, qn_node_get(node, "threshold"));
    self->no_memory |=
        !self->no_memory && qn_train_scores_schema(self->train, self->env->arena, &err) != QN_OK;
    self->no_memory |=
        !self->no_memory &&
        qn_importance_compile(self->train, qn_node_get(node, "importance"), self->env->diags,
                              self->env->arena, &self->train->importance, &err) != QN_OK;
}

qn_code qn_train_compile(const struct qn_job_env *env, struct qn_job *job, struct qn_err *err)
{
    struct qn_train *train = QN_NEW(env->arena, struct qn_train);
    if (!train)
        return qn_err_nomem(err, "a train job");
    const struct qn_node *from = qn_node_get(env->node, "from");
    if (!env->input(env, from, &job->input))
        return qn_err_set(err, QN_EINPUT, QN_BLAME_JOB, "job %s has no input", job->name);
    struct qn_train_compiler self = {
        .env = env, .train = train, .gaps = job->input.gaps, .errors = env->diags->n_errors};
    train->in = job->input.schema;
    train->seed = env->seed;
    train->reads_files = job->input.kind == QN_INPUT_SOURCE;
    job->impl = train;
    train->algorithm = qn_algorithm_find(qn_node_text(qn_node_get(env->node, "algorithm"), ""));
    compile_label(&self);
    qn_train_compile_split(&self);
    compile_features(&self);
    compile_search(&self);
    QN_TRY(compile_algorithm(&self, err));
    compile_register(&self, job);
    compile_retrain(&self, job);
    compile_into(&self, job);
    compile_evaluate(&self);
    compile_guards(&self);
    QN_TRY(qn_train_compile_stages(&self, job, err));
    if (self.no_memory)
        return qn_err_nomem(err, "a train job");
    return env->diags->n_errors == self.errors && !self.gaps
               ? QN_OK
               : qn_err_set(err, QN_EINPUT, QN_BLAME_JOB, "job %s has mistakes", job->name);
}
