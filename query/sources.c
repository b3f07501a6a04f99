/* Files and tables as sources: which a query names, what columns they have. */
#include <stdio.h>
#include <string.h>

#include "query/parse.h"
#include "query/planner.h"

/* --- options --------------------------------------------------------------------------------- */

/* Names that options have here and elsewhere, and the key of a source that says it. */
static const struct {
    const char *name, *key;
} option_names[] = {
    {"delimiter", "delimiter"}, {"delim", "delimiter"},       {"sep", "delimiter"},
    {"header", "header"},       {"quote", "quote"},           {"escape", "escape"},
    {"comment", "comment"},     {"skip", "skip_rows"},        {"skip_rows", "skip_rows"},
    {"encoding", "encoding"},   {"format", "format"},         {"null_values", "null_values"},
    {"nullstr", "null_values"}, {"chunk_size", "chunk_size"}, {"on_malformed", "on_malformed"},
};
enum { N_OPTION_NAMES = sizeof option_names / sizeof option_names[0] };

static qn_code option_key(struct qn_query_planner *p, const struct qn_sql_name *name,
                          const char **out)
{
    const char *names[N_OPTION_NAMES];
    char hint[160];
    for (size_t i = 0; i < N_OPTION_NAMES; i++) {
        names[i] = option_names[i].name;
        *out = option_names[i].key;
        if (qn_strv_eq_nocase(name->text, qn_strv_from(names[i])))
            return QN_OK;
    }
    qn_hint_closest(hint, sizeof hint, qn_strv_closest(name->text, names, N_OPTION_NAMES));
    return QN_QUERY_REFUSE(p, name->mark,
                           hint[0] ? hint
                                   : "delimiter, header, quote, escape, comment, skip, "
                                     "encoding, format, null_values",
                           "files have no option '%.*s'", QN_SHORT_ARG(name->text));
}

/* A row that cannot be read fails the query: without it the answer would be wrong. */
static qn_code read_options(struct qn_query_planner *p, const struct qn_sql_relation *relation,
                            struct qn_query_pairs *out)
{
    bool says_malformed = false;
    if (relation->format && !qn_query_pairs_add(p->arena, out, "format", relation->format))
        return QN_QUERY_NOMEM(p);
    for (uint32_t i = 0; i < relation->n_options; i++) {
        const char *key;
        QN_TRY(option_key(p, &relation->options[i].name, &key));
        says_malformed |= strcmp(key, "on_malformed") == 0;
        if (!qn_query_pairs_add(p->arena, out, key,
                                qn_arena_strdup(p->arena, relation->options[i].value.text)))
            return QN_QUERY_NOMEM(p);
    }
    return says_malformed || qn_query_pairs_add(p->arena, out, "on_malformed", "fail")
               ? QN_OK
               : QN_QUERY_NOMEM(p);
}

/* --- inspecting ------------------------------------------------------------------------------ */

static void describe(const struct qn_query_planner *p, const struct qn_query_file *file,
                     struct qn_buf *out)
{
    struct qn_query_source source = {.name = "rows", .path = file->path, .options = file->options};
    struct qn_query_source *sources[] = {&source};
    struct qn_query_job job = {.name = "all_rows", .from = "rows"};
    struct qn_query_job *jobs[] = {&job};
    const struct qn_query_spec spec = {
        .lake = p->options->lake, .sources = sources, .n_sources = 1, .jobs = jobs, .n_jobs = 1};
    qn_query_spec_write(&spec, out);
}

/* What a spec would be told of the file is told of its name in the query. */
static qn_code pass_on(struct qn_query_planner *p, const struct qn_query_file *file,
                       const struct qn_diags *diags)
{
    struct qn_mark mark = file->relation->mark;
    for (size_t i = 0; i < diags->n; i++) {
        const struct qn_diag *diag = &diags->items[i];
        if (!diag->warning)
            return QN_QUERY_REFUSE(p, mark, diag->hint ? diag->hint : diag->expected, "%s",
                                   diag->message);
    }
    return QN_QUERY_REFUSE(p, mark, NULL, "this cannot be read");
}

static qn_code take_schema(struct qn_query_planner *p, struct qn_query_file *file,
                           const struct qn_plan *plan, struct qn_err *err)
{
    file->bytes = plan->sources[0].bytes;
    p->query->input_bytes += file->bytes;
    return qn_schema_copy(p->arena, &plan->sources[0].schema, &file->schema, err);
}

/* By the same way that a spec with this source would go. */
static qn_code inspect(struct qn_query_planner *p, struct qn_query_file *file, struct qn_err *err)
{
    struct qn_buf text;
    struct qn_plan plan;
    qn_buf_init(&text);
    describe(p, file, &text);
    qn_code code = qn_buf_check(&text, "a spec", err);
    if (code == QN_OK) {
        const struct qn_plan_options options = {
            .path = "query", .text = qn_buf_strv(&text), .folder = p->options->folder};
        code = qn_plan_make(&plan, &options, err);
        if (code == QN_OK)
            code = take_schema(p, file, &plan, err);
        else if (code == QN_EINPUT)
            code = pass_on(p, file, &plan.spec.diags);
        qn_plan_fini(&plan);
    }
    qn_buf_fini(&text);
    return code;
}

/* --- finding --------------------------------------------------------------------------------- */

static bool same_options(const struct qn_query_pairs *a, const struct qn_query_pairs *b)
{
    for (uint32_t i = 0; i < a->n && a->n == b->n; i++)
        if (strcmp(a->items[i].name, b->items[i].name) != 0 ||
            strcmp(a->items[i].text, b->items[i].text) != 0)
            return false;
    return a->n == b->n;
}

static bool is_table(const struct qn_query_planner *p, struct qn_strv name)
{
    for (const char *const *table = p->options->tables; table && *table; table++)
        if (qn_strv_eq_nocase(name, qn_strv_from(*table)))
            return true;
    return false;
}

/* A file, a dataset of the lake, or a table of the warehouse; else it is a query's name. */
static bool is_file(const struct qn_query_planner *p, const struct qn_sql_relation *relation)
{
    if (relation->folder.text.data)
        return qn_strv_eq_nocase(relation->folder.text, QN_STRV_LIT("lake"));
    return relation->path.text.data ||
           (relation->name.text.data && is_table(p, relation->name.text));
}

static qn_code describe_relation(struct qn_query_planner *p, struct qn_query_file *file)
{
    const struct qn_sql_relation *relation = file->relation;
    if (relation->path.text.data) {
        file->path = qn_arena_strdup(p->arena, relation->path.text);
        return file->path ? read_options(p, relation, &file->options) : QN_QUERY_NOMEM(p);
    }
    if (relation->folder.text.data)
        return qn_query_pairs_add(p->arena, &file->options, "lake",
                                  qn_arena_strdup(p->arena, relation->name.text))
                   ? QN_OK
                   : QN_QUERY_NOMEM(p);
    file->path = p->options->warehouse;
    return qn_query_pairs_add(p->arena, &file->options, "format", "sqlite") &&
                   qn_query_pairs_add(p->arena, &file->options, "table",
                                      qn_arena_strdup(p->arena, relation->name.text)) &&
                   qn_query_pairs_add(p->arena, &file->options, "on_malformed", "fail")
               ? QN_OK
               : QN_QUERY_NOMEM(p);
}

/* Each file once, however often it is named. */
static qn_code add_file(struct qn_query_planner *p, const struct qn_sql_relation *relation,
                        struct qn_err *err)
{
    struct qn_query_file file = {.relation = relation};
    QN_TRY(describe_relation(p, &file));
    for (uint32_t i = 0; i < p->n_files; i++) {
        struct qn_query_file *other = &p->files[i];
        bool same_path = other->path && file.path ? strcmp(other->path, file.path) == 0
                                                  : other->path == file.path;
        if (same_path && same_options(&other->options, &file.options)) {
            file.name = other->name;
            file.schema = other->schema;
            file.bytes = other->bytes;
        }
    }
    if (!file.name) {
        file.name = qn_arena_printf(p->arena, "input_%u", p->n_files + 1);
        if (!file.name)
            return QN_QUERY_NOMEM(p);
        QN_TRY(inspect(p, &file, err));
    }
    p->files = qn_sql_grow(p->arena, p->files, p->n_files, sizeof *p->files);
    if (!p->files)
        return QN_QUERY_NOMEM(p);
    p->files[p->n_files++] = file;
    return QN_OK;
}

static qn_code in_query(struct qn_query_planner *p, const struct qn_sql_query *query,
                        struct qn_err *err);

static qn_code in_expr(struct qn_query_planner *p, const struct qn_ast *ast, struct qn_err *err)
{
    if (!ast)
        return QN_OK;
    if (ast->query)
        QN_TRY(in_query(p, ast->query, err));
    for (uint32_t i = 0; i < ast->n_args; i++)
        QN_TRY(in_expr(p, ast->args[i], err));
    for (uint32_t i = 0; ast->aggregate && i < ast->aggregate->n_args; i++)
        QN_TRY(in_expr(p, ast->aggregate->args[i], err));
    return ast->aggregate ? in_expr(p, ast->aggregate->filter, err) : QN_OK;
}

static qn_code in_item(struct qn_query_planner *p, const struct qn_sql_item *item,
                       struct qn_err *err)
{
    for (uint32_t i = 0; i < item->n_replaced; i++)
        QN_TRY(in_expr(p, item->replaced[i].expr, err));
    return in_expr(p, item->expr, err);
}

static qn_code in_body(struct qn_query_planner *p, const struct qn_sql_body *body,
                       struct qn_err *err)
{
    if (body->op == QN_SQL_NESTED)
        return in_query(p, body->query, err);
    if (body->op != QN_SQL_SELECT) {
        QN_TRY(in_body(p, body->left, err));
        return in_body(p, body->right, err);
    }
    for (uint32_t i = 0; i < body->n_from; i++) {
        const struct qn_sql_relation *relation = &body->from[i];
        if (relation->query)
            QN_TRY(in_query(p, relation->query, err));
        if (is_file(p, relation))
            QN_TRY(add_file(p, relation, err));
        QN_TRY(in_expr(p, relation->on, err));
    }
    for (uint32_t i = 0; i < body->n_items; i++)
        QN_TRY(in_item(p, &body->items[i], err));
    for (uint32_t i = 0; i < body->n_group_by; i++)
        QN_TRY(in_expr(p, body->group_by[i], err));
    QN_TRY(in_expr(p, body->where, err));
    QN_TRY(in_expr(p, body->qualify, err));
    return in_expr(p, body->having, err);
}

static qn_code in_query(struct qn_query_planner *p, const struct qn_sql_query *query,
                        struct qn_err *err)
{
    for (uint32_t i = 0; i < query->n_ctes; i++)
        QN_TRY(in_query(p, query->ctes[i].query, err));
    for (uint32_t i = 0; i < query->n_order; i++)
        QN_TRY(in_expr(p, query->order[i].expr, err));
    return in_body(p, query->body, err);
}

qn_code qn_query_find_files(struct qn_query_planner *p, const struct qn_sql_query *query,
                            struct qn_err *err)
{
    return in_query(p, query, err);
}

/* --- opening --------------------------------------------------------------------------------- */

static qn_code add_source(struct qn_query_planner *p, const struct qn_query_file *file)
{
    struct qn_query_spec *spec = p->spec;
    for (uint32_t i = 0; i < spec->n_sources; i++)
        if (strcmp(spec->sources[i]->name, file->name) == 0)
            return QN_OK;
    struct qn_query_source *source = QN_NEW(p->arena, struct qn_query_source);
    spec->sources =
        qn_sql_grow(p->arena, spec->sources, spec->n_sources, sizeof(struct qn_query_source *));
    if (!source || !spec->sources)
        return QN_QUERY_NOMEM(p);
    *source =
        (struct qn_query_source){.name = file->name, .path = file->path, .options = file->options};
    spec->sources[spec->n_sources++] = source;
    return QN_OK;
}

static qn_code no_such_table(struct qn_query_planner *p, const struct qn_sql_relation *relation)
{
    if (relation->folder.text.data)
        return QN_QUERY_REFUSE(p, relation->mark, "datasets of the lake are written lake.NAME",
                               "there is no '%.*s' that holds tables",
                               QN_SHORT_ARG(relation->folder.text));
    const char *names[256];
    uint32_t n = 0;
    char hint[160];
    for (struct qn_query_cte *cte = p->ctes; cte && n < 128; cte = cte->outer)
        names[n++] = qn_arena_strdup(p->arena, cte->cte->name.text);
    for (const char *const *table = p->options->tables; table && *table && n < 256; table++)
        names[n++] = *table;
    qn_hint_closest(hint, sizeof hint, qn_strv_closest(relation->name.text, names, n));
    if (!hint[0])
        snprintf(hint, sizeof hint, "%s",
                 p->options->warehouse
                     ? "files go in single quotes: FROM 'orders.csv'"
                     : "files go in single quotes: FROM 'orders.csv'; for tables of a warehouse "
                       "say --warehouse PATH");
    return QN_QUERY_REFUSE(p, relation->mark, hint, "there is no table '%.*s'",
                           QN_SHORT_ARG(relation->name.text));
}

qn_code qn_query_open_file(struct qn_query_planner *p, const struct qn_sql_relation *relation,
                           struct qn_query_rows *out)
{
    const struct qn_query_file *file = NULL;
    for (uint32_t i = 0; i < p->n_files; i++)
        if (p->files[i].relation->mark.offset == relation->mark.offset)
            file = &p->files[i]; /* of the same words, in a tree that may be another */

    if (!file)
        return no_such_table(p, relation);
    QN_TRY(add_source(p, file));
    *out = (struct qn_query_rows){.input = file->name, .bytes = file->bytes};
    out->n_columns = file->schema.n_fields;
    out->columns = QN_NEW_ARRAY(p->arena, struct qn_query_column, out->n_columns);
    if (!out->columns)
        return QN_QUERY_NOMEM(p);
    for (uint32_t i = 0; i < out->n_columns; i++) {
        const struct qn_field *field = &file->schema.fields[i];
        out->columns[i] = (struct qn_query_column){
            .name = field->name, .shown = field->name, .type = field->type};
    }
    return QN_OK;
}
