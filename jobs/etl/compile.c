#include "jobs/etl/etl.h"

#include <stdio.h>

#include "base/limits.h"
#include "spec/keys.h"

/* --- what an etl job may hold ---------------------------------------------------------------- */

static const char *const kinds[] = {"etl", NULL};
static const char *const strategies[] = {"mean", "constant", NULL};
static const char *const dispositions[] = {"append", "replace", NULL};

static const struct qn_key impute_keys[] = {
    {.name = "strategy",
     .shape = QN_SHAPE_ENUM,
     .values = strategies,
     .required = true,
     .doc = "mean or constant"},
    {.name = "round", .shape = QN_SHAPE_INT, .min = 0, .max = 18, .doc = "decimal places"},
    {.name = "value", .shape = QN_SHAPE_SCALAR, .doc = "of strategy constant"},
};
static const struct qn_spec_keys impute_object = QN_KEYS("impute", impute_keys);

static const struct qn_key into_keys[] = {
    {.name = "table", .shape = QN_SHAPE_IDENTIFIER, .required = true, .doc = "in the warehouse"},
    {.name = "write_disposition",
     .shape = QN_SHAPE_ENUM,
     .values = dispositions,
     .doc = "append, or replace (default)"},
};
static const struct qn_spec_keys into_object = QN_KEYS("into", into_keys);

static const struct qn_key etl_keys[] = {
    {.name = "kind", .shape = QN_SHAPE_ENUM, .values = kinds, .required = true, .doc = "etl"},
    {.name = "from", .shape = QN_SHAPE_TEXT, .required = true, .doc = "a source or a job"},
    {.name = "impute",
     .shape = QN_SHAPE_MAP,
     .item = QN_SHAPE_OBJECT,
     .object = &impute_object,
     .doc = "what fills missing values, by column"},
    {.name = "rename",
     .shape = QN_SHAPE_MAP,
     .item = QN_SHAPE_TEXT,
     .doc = "new names of columns that go out, by old name"},
    {.name = "select",
     .shape = QN_SHAPE_LIST,
     .item = QN_SHAPE_TEXT,
     .or_single = true,
     .doc = "columns that go out, in this order"},
    {.name = "drop",
     .shape = QN_SHAPE_LIST,
     .item = QN_SHAPE_TEXT,
     .or_single = true,
     .doc = "columns that do not go out"},
    {.name = "data_tests", .shape = QN_SHAPE_TESTS, .doc = "tests of the rows"},
    {.name = "into",
     .shape = QN_SHAPE_OBJECT,
     .object = &into_object,
     .or_text = true,
     .doc = "the table that gets the rows"},
};
const struct qn_spec_keys qn_etl_keys = QN_KEYS("etl job", etl_keys);

/* --- columns --------------------------------------------------------------------------------- */

struct compiler {
    const struct qn_job_env *env;
    struct qn_etl *etl;
    bool no_memory;
};

static int32_t find_column(struct compiler *self, struct qn_strv name, struct qn_span span)
{
    const struct qn_schema *in = self->etl->in;
    int32_t column = qn_schema_find(in, name);
    if (column >= 0)
        return column;
    const char *names[QN_MAX_COLUMNS];
    char hint[160];
    for (uint32_t i = 0; i < in->n_fields; i++)
        names[i] = in->fields[i].name;
    const char *near = qn_strv_closest(name, names, in->n_fields);
    if (near)
        snprintf(hint, sizeof hint, "did you mean '%s'?", near);
    qn_diags_add(self->env->diags, span, NULL, near ? hint : NULL, "there is no column '%.*s'",
                 QN_STRV_ARG(name));
    return -1;
}

static bool is_named(const struct qn_node *list, const char *name)
{
    uint32_t n;
    const struct qn_node *items = qn_node_items(list, &n);
    for (uint32_t i = 0; i < n; i++)
        if (strcmp(qn_node_text(&items[i], ""), name) == 0)
            return true;
    return false;
}

static void check_names(struct compiler *self, const struct qn_node *list)
{
    uint32_t n;
    const struct qn_node *items = qn_node_items(list, &n);
    for (uint32_t i = 0; i < n; i++)
        if (items[i].kind == QN_NODE_SCALAR)
            find_column(self, items[i].text, items[i].span);
}

static void keep(struct compiler *self, uint32_t column)
{
    struct qn_etl *etl = self->etl;
    const char *name = etl->in->fields[column].name;
    const struct qn_node *rename = qn_node_get(self->env->node, "rename");
    etl->kept_names[etl->n_kept] = qn_node_text(qn_node_get(rename, name), name);
    etl->kept[etl->n_kept++] = column;
}

static void compile_columns(struct compiler *self)
{
    struct qn_etl *etl = self->etl;
    const struct qn_node *select = qn_node_get(self->env->node, "select");
    const struct qn_node *drop = qn_node_get(self->env->node, "drop");
    const struct qn_node *rename = qn_node_get(self->env->node, "rename");
    uint32_t n;
    const struct qn_node *items = qn_node_items(select, &n);
    etl->kept = QN_NEW_ARRAY(self->env->arena, uint32_t, etl->in->n_fields + n);
    etl->kept_names = QN_NEW_ARRAY(self->env->arena, const char *, etl->in->n_fields + n);
    self->no_memory |= !etl->kept || !etl->kept_names;
    if (self->no_memory)
        return;
    check_names(self, drop);
    for (uint32_t i = 0; rename && rename->kind == QN_NODE_MAP && i < rename->n; i++)
        find_column(self, rename->pairs[i].key, rename->pairs[i].key_span);
    for (uint32_t i = 0; i < n; i++) {
        int32_t column =
            items[i].kind == QN_NODE_SCALAR ? find_column(self, items[i].text, items[i].span) : -1;
        if (column >= 0)
            keep(self, (uint32_t)column);
    }
    for (uint32_t i = 0; !select && i < etl->in->n_fields; i++)
        if (!is_named(drop, etl->in->fields[i].name))
            keep(self, i);
}

static void compile_out(struct compiler *self, struct qn_job *job)
{
    struct qn_etl *etl = self->etl;
    struct qn_field *fields = QN_NEW_ARRAY(self->env->arena, struct qn_field, etl->n_kept);
    self->no_memory |= !fields;
    for (uint32_t i = 0; fields && i < etl->n_kept; i++) {
        fields[i].name = etl->kept_names[i];
        fields[i].type = etl->in->fields[etl->kept[i]].type;
        for (uint32_t other = 0; other < i; other++)
            if (strcmp(fields[other].name, fields[i].name) == 0)
                qn_diags_add(self->env->diags, self->env->node->span, NULL, "rename one of them",
                             "two columns of job %s are called '%s'", job->name, fields[i].name);
    }
    job->out = (struct qn_schema){.fields = fields, .n_fields = etl->n_kept};
}

/* --- impute ---------------------------------------------------------------------------------- */

static void compile_constant(struct compiler *self, const struct qn_pair *pair, struct qn_type type,
                             struct qn_impute *impute)
{
    const struct qn_node *value = qn_node_get(&pair->value, "value");
    char name[QN_TYPE_NAME];
    if (!value || value->kind != QN_NODE_SCALAR)
        qn_diags_add(self->env->diags, pair->key_span, "value: ...", NULL,
                     "strategy constant of column %.*s has no value", QN_STRV_ARG(pair->key));
    else if (!qn_cell_parse(type, value->text, &impute->constant))
        qn_diags_add(self->env->diags, value->span, qn_type_name(type, name), NULL,
                     "'%.*s' does not fit column %.*s", QN_STRV_ARG(value->text),
                     QN_STRV_ARG(pair->key));
}

static void compile_impute(struct compiler *self)
{
    struct qn_etl *etl = self->etl;
    const struct qn_node *node = qn_node_get(self->env->node, "impute");
    uint32_t n = node && node->kind == QN_NODE_MAP ? node->n : 0;
    etl->imputes = QN_NEW_ARRAY(self->env->arena, struct qn_impute, n);
    self->no_memory |= !etl->imputes;
    for (uint32_t i = 0; etl->imputes && i < n; i++) {
        const struct qn_pair *pair = &node->pairs[i];
        int32_t column = find_column(self, pair->key, pair->key_span);
        if (column < 0)
            continue;
        struct qn_type type = etl->in->fields[column].type;
        struct qn_impute *impute = &etl->imputes[etl->n_imputes++];
        const char *strategy = qn_node_text(qn_node_get(&pair->value, "strategy"), "mean");
        *impute = (struct qn_impute){
            .column = (uint32_t)column,
            .round = (int)qn_node_i64(qn_node_get(&pair->value, "round"), -1),
            .strategy = strcmp(strategy, "constant") == 0 ? QN_IMPUTE_CONSTANT : QN_IMPUTE_MEAN};
        etl->fits |= impute->strategy == QN_IMPUTE_MEAN;
        if (impute->strategy == QN_IMPUTE_CONSTANT)
            compile_constant(self, pair, type, impute);
        else if (!qn_type_is_numeric(type))
            qn_diags_add(self->env->diags, pair->key_span, "a numeric column", NULL,
                         "column %.*s has no mean", QN_STRV_ARG(pair->key));
    }
}

/* --- data tests ------------------------------------------------------------------------------ */

static void parse_bound(struct compiler *self, const struct qn_node *node, struct qn_type type,
                        struct qn_cell *out)
{
    char name[QN_TYPE_NAME];
    if (node && node->kind == QN_NODE_SCALAR && !qn_cell_parse(type, node->text, out))
        qn_diags_add(self->env->diags, node->span, qn_type_name(type, name), NULL,
                     "'%.*s' does not fit the column", QN_STRV_ARG(node->text));
}

static void compile_check(struct compiler *self, const struct qn_test *test)
{
    struct qn_etl *etl = self->etl;
    struct qn_check *check = &etl->checks[etl->n_checks];
    *check = (struct qn_check){.test = test};
    if (test->kind == QN_TEST_ROW_COUNT) {
        etl->n_checks++;
        return;
    }
    if (test->kind == QN_TEST_UNIQUE) {
        qn_diags_add(self->env->diags, test->span, NULL, NULL,
                     "data test 'unique' is not supported by this version");
        return;
    }
    int32_t column = find_column(self, qn_strv_from(test->column), test->span);
    if (column < 0)
        return;
    struct qn_type type = etl->in->fields[column].type;
    uint32_t n;
    const struct qn_node *values = qn_node_items(test->values, &n);
    check->column = (uint32_t)column;
    check->values = QN_NEW_ARRAY(self->env->arena, struct qn_cell, n);
    self->no_memory |= !check->values;
    for (uint32_t i = 0; check->values && i < n; i++)
        parse_bound(self, &values[i], type, &check->values[check->n_values++]);
    parse_bound(self, test->min, type, &check->min);
    parse_bound(self, test->max, type, &check->max);
    etl->n_checks++;
}

static void compile_tests(struct compiler *self, const struct qn_node *list, const char *column)
{
    struct qn_test *tests;
    uint32_t n;
    if (!list)
        return;
    /* The reader has checked and complained already: what it could read is what is run. */
    if (!qn_tests_read(list, column, self->env->arena, self->env->diags, &tests, &n) && !tests)
        self->no_memory = true;
    struct qn_check *grown =
        QN_NEW_ARRAY(self->env->arena, struct qn_check, self->etl->n_checks + n);
    self->no_memory |= !grown;
    if (!grown || !tests)
        return;
    for (uint32_t i = 0; i < self->etl->n_checks; i++)
        grown[i] = self->etl->checks[i];
    self->etl->checks = grown;
    for (uint32_t i = 0; i < n; i++)
        compile_check(self, &tests[i]);
}

static void compile_source_tests(struct compiler *self, const struct qn_job *job)
{
    const struct qn_node *source = self->env->source_node(self->env, &job->input);
    uint32_t n;
    const struct qn_node *columns = qn_node_items(qn_node_get(source, "columns"), &n);
    for (uint32_t i = 0; i < n; i++)
        compile_tests(self, qn_node_get(&columns[i], "data_tests"),
                      qn_node_text(qn_node_get(&columns[i], "name"), ""));
}

/* --- the whole ------------------------------------------------------------------------------- */

static void compile_into(const struct qn_node *into, struct qn_job *job)
{
    const char *how = qn_node_text(qn_node_get(into, "write_disposition"), "replace");
    job->into.table = qn_node_text(into, qn_node_text(qn_node_get(into, "table"), NULL));
    job->into.disposition = strcmp(how, "append") == 0 ? QN_WRITE_APPEND : QN_WRITE_REPLACE;
}

static void compile_stages(const struct qn_etl *etl, struct qn_job *job)
{
    if (etl->fits)
        job->stages[job->n_stages++] =
            (struct qn_stage){.name = "fit impute", .over = QN_OVER_CHUNKS, .merges = true};
    job->stages[job->n_stages++] = (struct qn_stage){
        .name = "map", .over = QN_OVER_CHUNKS, .merges = true, .rows = true, .counts = true};
}

qn_code qn_etl_compile(const struct qn_job_env *env, struct qn_job *job, struct qn_err *err)
{
    size_t errors = env->diags->n_errors;
    struct qn_etl *etl = QN_NEW(env->arena, struct qn_etl);
    if (!etl)
        return qn_err_nomem(err, "an etl job");
    const struct qn_node *from = qn_node_get(env->node, "from");
    if (!from || !env->input(env, from, &job->input))
        return qn_err_set(err, QN_EINPUT, QN_BLAME_JOB, "job %s has no input", job->name);
    struct compiler self = {.env = env, .etl = etl};
    etl->in = job->input.schema;
    compile_source_tests(&self, job);
    compile_impute(&self);
    compile_columns(&self);
    if (!self.no_memory)
        compile_out(&self, job);
    compile_tests(&self, qn_node_get(env->node, "data_tests"), NULL);
    compile_into(qn_node_get(env->node, "into"), job);
    compile_stages(etl, job);
    job->impl = etl;
    if (self.no_memory)
        return qn_err_nomem(err, "an etl job");
    return env->diags->n_errors == errors
               ? QN_OK
               : qn_err_set(err, QN_EINPUT, QN_BLAME_JOB, "job %s has mistakes", job->name);
}
