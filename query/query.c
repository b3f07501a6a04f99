/* Queries to phases: bodies put together, their order and limit, queries inside queries. */
#include "query/query.h"

#include <string.h>

#include "query/parse.h"
#include "query/planner.h"

/* --- phases ---------------------------------------------------------------------------------- */

/* What a phase is planned with; the one that was being planned waits in `outer`. */
struct phase {
    struct qn_query_spec spec;
    struct qn_query_spec *outer;
    uint32_t outer_number;
};

static void begin_phase(struct qn_query_planner *p, struct phase *phase)
{
    *phase = (struct phase){
        .spec = {.lake = p->options->lake}, .outer = p->spec, .outer_number = p->phase};
    p->spec = &phase->spec;
    p->phase = p->n_begun++;
}

/* The text of its spec; the phase goes to the end of the list: what it reads was done before. */
static qn_code end_phase(struct qn_query_planner *p, struct phase *phase,
                         struct qn_query_phase *done)
{
    struct qn_query *query = p->query;
    struct qn_buf text;
    p->spec = phase->outer;
    p->phase = phase->outer_number;
    if (phase->spec.n_jobs) {
        qn_buf_init(&text);
        qn_query_spec_write(&phase->spec, &text);
        done->spec = text.failed ? NULL : qn_arena_strdup(p->arena, qn_buf_strv(&text));
        qn_buf_fini(&text);
        if (!done->spec)
            return QN_QUERY_NOMEM(p);
    }
    query->phases = qn_sql_grow(p->arena, query->phases, query->n_phases, sizeof *query->phases);
    if (!query->phases)
        return QN_QUERY_NOMEM(p);
    query->phases[query->n_phases++] = *done;
    return QN_OK;
}

/* A file that takes rows between phases. */
static const char *file_name(struct qn_query_planner *p)
{
    return qn_arena_printf(p->arena, "%s/rows_%u.parquet", p->options->scratch,
                           p->query->n_phases + 1);
}

/* The file of the number-th phase as a source of the one being planned. It is not there yet, so its
 * types are declared. */
static qn_code read_back(struct qn_query_planner *p, uint32_t number,
                         const struct qn_query_phase *phase, struct qn_query_rows *out)
{
    struct qn_query_spec *spec = p->spec;
    struct qn_query_source *source = QN_NEW(p->arena, struct qn_query_source);
    const char *name = qn_arena_printf(p->arena, "rows_%u", number);
    if (!source || !name)
        return QN_QUERY_NOMEM(p);
    out->input = name;
    out->is_job = false;
    for (uint32_t i = 0; i < spec->n_sources; i++)
        if (strcmp(spec->sources[i]->name, name) == 0)
            return QN_OK;
    spec->sources =
        qn_sql_grow(p->arena, spec->sources, spec->n_sources, sizeof(struct qn_query_source *));
    if (!spec->sources)
        return QN_QUERY_NOMEM(p);
    source->name = name;
    source->path = phase->file;
    if (!qn_query_pairs_add(p->arena, &source->options, "format", "parquet") ||
        !qn_query_pairs_add(p->arena, &source->options, "on_malformed", "fail"))
        return QN_QUERY_NOMEM(p);
    for (uint32_t i = 0; i < phase->n_shown; i++) {
        char type[QN_TYPE_NAME];
        qn_type_name(phase->schema.fields[i].type, type);
        if (!qn_query_pairs_add(p->arena, &source->columns, phase->schema.fields[i].name,
                                qn_arena_strdup(p->arena, qn_strv_from(type))))
            return QN_QUERY_NOMEM(p);
    }
    spec->sources[spec->n_sources++] = source;
    return QN_OK;
}

static qn_code begin_one_row(struct qn_query_planner *p)
{
    struct qn_field *field = QN_NEW(p->arena, struct qn_field);
    struct phase phase;
    if (!field)
        return QN_QUERY_NOMEM(p);
    *field = (struct qn_field){"one", {.id = QN_INT64}};
    p->one_row = (struct qn_query_phase){.schema = {field, 1}, .n_shown = 1, .file = file_name(p)};
    if (!p->one_row.file)
        return QN_QUERY_NOMEM(p);
    begin_phase(p, &phase);
    QN_TRY(end_phase(p, &phase, &p->one_row));
    p->one_row_number = p->query->n_phases;
    return QN_OK;
}

/* One phase gives it to all that ask. */
qn_code qn_query_one_row(struct qn_query_planner *p, struct qn_query_rows *out)
{
    struct qn_query_column *column = QN_NEW(p->arena, struct qn_query_column);
    if (!column)
        return QN_QUERY_NOMEM(p);
    if (!p->one_row_number)
        QN_TRY(begin_one_row(p));
    *column = (struct qn_query_column){.name = "one", .shown = "", .type = {.id = QN_INT64}};
    *out = (struct qn_query_rows){.single = true, .columns = column, .n_columns = 1};
    return read_back(p, p->one_row_number, &p->one_row, out);
}

/* --- set operations -------------------------------------------------------------------------- */

/* Rows of one job, at a leaf of the tree. */
struct leaf {
    struct qn_query_tree *tree;
    struct qn_query_rows rows;
    struct qn_mark mark;
};

struct leaves {
    struct leaf *items;
    uint32_t n;
};

/* Rows of a file go through a job. */
static qn_code as_job(struct qn_query_planner *p, struct qn_query_rows *rows)
{
    struct qn_query_stage stage;
    struct qn_query_names names = {0};
    struct qn_query_rows read = *rows;
    if (rows->is_job)
        return QN_OK;
    QN_TRY(qn_query_stage_begin(p, &read, &stage));
    for (uint32_t i = 0; i < read.n_columns; i++)
        if (!qn_query_names_add(p->arena, &names, read.columns[i].name))
            return QN_QUERY_NOMEM(p);
    QN_TRY(qn_query_stage_end(p, &stage, &names, rows));
    rows->columns = read.columns;
    rows->single = read.single;
    return QN_OK;
}

static qn_code add_leaf(struct qn_query_planner *p, struct leaves *leaves,
                        const struct qn_query_rows *rows, struct qn_mark mark,
                        struct qn_query_tree **out)
{
    *out = QN_NEW(p->arena, struct qn_query_tree);
    leaves->items = qn_sql_grow(p->arena, leaves->items, leaves->n, sizeof *leaves->items);
    if (!*out || !leaves->items)
        return QN_QUERY_NOMEM(p);
    struct leaf *leaf = &leaves->items[leaves->n++];
    *leaf = (struct leaf){*out, *rows, mark};
    QN_TRY(as_job(p, &leaf->rows));
    (*out)->job = leaf->rows.input;
    uint32_t n = leaves->items[0].rows.n_columns;
    if (leaf->rows.n_columns == n)
        return QN_OK;
    return QN_QUERY_REFUSE(p, mark, NULL, "this has %u columns, the query before it %u",
                           leaf->rows.n_columns, n);
}

static qn_code plan_tree(struct qn_query_planner *p, struct qn_sql_body *body,
                         struct leaves *leaves, struct qn_query_tree **out)
{
    static const enum qn_query_op ops[] = {[QN_SQL_UNION] = QN_QUERY_UNION,
                                           [QN_SQL_INTERSECT] = QN_QUERY_INTERSECT,
                                           [QN_SQL_EXCEPT] = QN_QUERY_EXCEPT};
    if (body->op == QN_SQL_SELECT) {
        struct qn_query_selected selected;
        QN_TRY(qn_query_select(p, body, NULL, 0, &selected));
        return add_leaf(p, leaves, &selected.rows, body->mark, out);
    }
    if (body->op == QN_SQL_NESTED) {
        struct qn_query_rows rows;
        QN_TRY(qn_query_nested(p, body->query, &rows));
        return add_leaf(p, leaves, &rows, body->mark, out);
    }
    struct qn_query_tree *left, *right;
    QN_TRY(plan_tree(p, body->left, leaves, &left));
    QN_TRY(plan_tree(p, body->right, leaves, &right));
    *out = QN_NEW(p->arena, struct qn_query_tree);
    if (!*out)
        return QN_QUERY_NOMEM(p);
    **out =
        (struct qn_query_tree){.op = ops[body->op], .all = body->all, .left = left, .right = right};
    return QN_OK;
}

/* The type that holds values of both, as CASE would find it. */
static qn_code widen(struct qn_query_planner *p, const struct leaf *leaf, uint32_t column,
                     struct qn_query_column *common)
{
    const struct qn_query_column *b = &leaf->rows.columns[column];
    const struct qn_field fields[] = {{"a", common->type}, {"b", b->type}};
    const struct qn_schema schema = {fields, 2};
    struct qn_expr_complaint complaint;
    struct qn_expr *expr;
    if (common->untyped) {
        common->type = b->type;
        common->untyped = b->untyped;
        return QN_OK;
    }
    if (b->untyped || qn_type_eq(common->type, b->type))
        return QN_OK;
    qn_code code =
        qn_expr_compile(p->arena, QN_STRV_LIT("coalesce(a, b)"), &schema, &expr, &complaint);
    char left[QN_TYPE_NAME], right[QN_TYPE_NAME];
    if (code == QN_EINPUT)
        return QN_QUERY_REFUSE(p, leaf->mark, "write CAST(... AS ...) around one of them",
                               "column %u, '%.40s', is %s in one query and %s in the other",
                               column + 1, common->shown, qn_type_name(common->type, left),
                               qn_type_name(b->type, right));
    if (code == QN_OK)
        common->type = qn_expr_type(expr);
    return code;
}

/* A job that casts what has another type. */
static qn_code cast_leaf(struct qn_query_planner *p, const struct qn_query_column *common,
                         struct leaf *leaf)
{
    struct qn_query_stage stage;
    struct qn_query_scope scope = {0};
    struct qn_query_names names = {0};
    struct qn_query_rows rows = leaf->rows;
    QN_TRY(qn_query_scope_add(p, &scope, &(struct qn_query_relation){.rows = rows}));
    QN_TRY(qn_query_stage_begin(p, &rows, &stage));
    for (uint32_t i = 0; i < rows.n_columns; i++) {
        const char *name = rows.columns[i].name;
        char type[QN_TYPE_NAME];
        if (!qn_type_eq(rows.columns[i].type, common[i].type)) {
            const char *text = qn_arena_printf(p->arena, "cast(\"%s\" as %s)", name,
                                               qn_type_name(common[i].type, type));
            name = qn_query_fresh_name(p, &scope, qn_strv_from(name));
            if (!name || !qn_query_pairs_add(p->arena, &stage.job->derive, name, text))
                return QN_QUERY_NOMEM(p);
            QN_TRY(qn_query_stage_add(p, &stage, name, common[i].type));
        }
        if (!qn_query_names_add(p->arena, &names, name))
            return QN_QUERY_NOMEM(p);
    }
    QN_TRY(qn_query_stage_end(p, &stage, &names, &leaf->rows));
    leaf->tree->job = leaf->rows.input;
    return QN_OK;
}

/* All leaves get the same types; names are those of the first. */
static qn_code unify(struct qn_query_planner *p, struct leaves *leaves, struct qn_query_rows *out)
{
    const struct qn_query_rows *first = &leaves->items[0].rows;
    struct qn_query_column *common =
        QN_NEW_ARRAY(p->arena, struct qn_query_column, first->n_columns);
    if (!common)
        return QN_QUERY_NOMEM(p);
    memcpy(common, first->columns, first->n_columns * sizeof *common);
    for (uint32_t i = 1; i < leaves->n; i++)
        for (uint32_t c = 0; c < first->n_columns; c++)
            QN_TRY(widen(p, &leaves->items[i], c, &common[c]));
    for (uint32_t i = 0; i < leaves->n; i++) {
        const struct qn_query_rows *rows = &leaves->items[i].rows;
        bool same = true;
        for (uint32_t c = 0; c < rows->n_columns; c++)
            same &= qn_type_eq(rows->columns[c].type, common[c].type);
        if (!same)
            QN_TRY(cast_leaf(p, common, &leaves->items[i]));
    }
    *out = (struct qn_query_rows){.columns = common, .n_columns = first->n_columns};
    return QN_OK;
}

/* --- order and limit ------------------------------------------------------------------------- */

/* Of rows put together only what they are called can be ordered by. */
static qn_code key_by_name(struct qn_query_planner *p, const struct qn_query_rows *rows,
                           const struct qn_ast *ast, uint32_t *out)
{
    if (ast->kind == QN_AST_INTEGER && ast->number >= 1 && ast->number <= rows->n_columns) {
        *out = (uint32_t)(ast->number - 1);
        return QN_OK;
    }
    for (*out = 0; ast->kind == QN_AST_COLUMN && *out < rows->n_columns; ++*out)
        if (qn_strv_eq_nocase(ast->text, qn_strv_from(rows->columns[*out].shown)))
            return QN_OK;
    return QN_QUERY_REFUSE(p, ast->mark, "name a column of the first SELECT, or its position",
                           "rows that a set operation put together cannot be ordered by this");
}

static qn_code order_tree(struct qn_query_planner *p, const struct qn_sql_query *query,
                          const struct qn_query_rows *rows, struct qn_sort_key **out)
{
    *out = QN_NEW_ARRAY(p->arena, struct qn_sort_key, query->n_order);
    if (!*out)
        return QN_QUERY_NOMEM(p);
    for (uint32_t i = 0; i < query->n_order; i++) {
        (*out)[i].descending = query->order[i].descending;
        (*out)[i].nulls_first = query->order[i].nulls_first;
        QN_TRY(key_by_name(p, rows, query->order[i].expr, &(*out)[i].column));
    }
    return QN_OK;
}

/* --- queries --------------------------------------------------------------------------------- */

qn_code qn_query_enter(struct qn_query_planner *p, const struct qn_sql_query *query)
{
    for (uint32_t i = 0; i < query->n_ctes; i++) {
        struct qn_query_cte *cte = QN_NEW(p->arena, struct qn_query_cte);
        if (!cte)
            return QN_QUERY_NOMEM(p);
        *cte = (struct qn_query_cte){.cte = &query->ctes[i], .outer = p->ctes};
        for (uint32_t k = 0; k < i; k++)
            if (qn_strv_eq_nocase(query->ctes[k].name.text, query->ctes[i].name.text))
                return QN_QUERY_REFUSE(p, query->ctes[i].name.mark, NULL,
                                       "two queries of WITH are called '%.*s'",
                                       QN_SHORT_ARG(query->ctes[i].name.text));
        p->ctes = cte;
    }
    return QN_OK;
}

enum { MOST_TOP_ROWS = 10000 }; /* of a LIMIT that tasks know of */

/* Rows that cannot be among those of the LIMIT need not leave the tasks. */
static qn_code tell_job(struct qn_query_planner *p, const struct qn_query_phase *phase,
                        const struct qn_sort_key *keys, const struct qn_query_rows *rows)
{
    struct qn_query_job *job = NULL;
    uint64_t n_rows = phase->limit + phase->offset;
    if (!phase->has_limit || !phase->n_keys || !rows->is_job || n_rows > MOST_TOP_ROWS || !n_rows)
        return QN_OK;
    for (uint32_t i = 0; i < p->spec->n_jobs && !job; i++)
        if (strcmp(p->spec->jobs[i]->name, rows->input) == 0)
            job = p->spec->jobs[i];
    const char **columns = QN_NEW_ARRAY(p->arena, const char *, phase->n_keys);
    bool *descending = QN_NEW_ARRAY(p->arena, bool, phase->n_keys);
    bool *nulls_first = QN_NEW_ARRAY(p->arena, bool, phase->n_keys);
    if (!job || !columns || !descending || !nulls_first)
        return job ? QN_QUERY_NOMEM(p) : QN_OK;
    for (uint32_t i = 0; i < phase->n_keys; i++) {
        columns[i] = rows->columns[keys[i].column].name;
        descending[i] = keys[i].descending;
        nulls_first[i] = keys[i].nulls_first;
    }
    job->top = (struct qn_query_top){n_rows, columns, descending, nulls_first, phase->n_keys};
    return QN_OK;
}

/* The query as the phase that is being planned. */
static qn_code plan_phase(struct qn_query_planner *p, struct qn_sql_query *query,
                          struct qn_query_phase *out, struct qn_query_rows *rows)
{
    struct leaves leaves = {0};
    struct qn_query_tree *tree;
    *out = (struct qn_query_phase){.n_keys = query->n_order,
                                   .has_limit = query->has_limit,
                                   .limit = query->limit,
                                   .offset = query->offset};
    p->asked = query->mark.offset;
    if (qn_query_is_left(p, query->mark.offset))
        return qn_query_to_sqlite(p, query, out, rows);
    struct qn_sort_key *keys;
    if (query->body->op == QN_SQL_SELECT) {
        struct qn_query_selected selected;
        QN_TRY(qn_query_select(p, query->body, query->order, query->n_order, &selected));
        keys = selected.keys;
        *rows = selected.rows;
        out->n_shown = selected.n_shown;
        QN_TRY(add_leaf(p, &leaves, rows, query->body->mark, &tree));
        QN_TRY(tell_job(p, out, keys, rows));
    } else {
        QN_TRY(plan_tree(p, query->body, &leaves, &tree));
        QN_TRY(unify(p, &leaves, rows));
        QN_TRY(order_tree(p, query, rows, &keys));
        out->n_shown = rows->n_columns;
    }
    out->tree = tree;
    out->keys = keys;
    return QN_OK;
}

static qn_code describe_rows(struct qn_query_planner *p, const struct qn_query_rows *rows,
                             struct qn_query_phase *out)
{
    struct qn_field *fields = QN_NEW_ARRAY(p->arena, struct qn_field, rows->n_columns);
    const char **shown = QN_NEW_ARRAY(p->arena, const char *, rows->n_columns);
    if (!fields || !shown)
        return QN_QUERY_NOMEM(p);
    for (uint32_t i = 0; i < rows->n_columns; i++) {
        fields[i] = (struct qn_field){rows->columns[i].name, rows->columns[i].type};
        shown[i] = rows->columns[i].shown;
    }
    out->schema = (struct qn_schema){fields, rows->n_columns};
    out->shown = shown;
    return QN_OK;
}

/* The query is a phase of its own; the one in which it stands reads its rows from a file. */
static qn_code nested_phase(struct qn_query_planner *p, struct qn_sql_query *query,
                            struct qn_query_rows *out)
{
    struct phase phase;
    struct qn_query_phase done;
    struct qn_query_rows rows;
    begin_phase(p, &phase);
    QN_TRY(plan_phase(p, query, &done, &rows));
    QN_TRY(describe_rows(p, &rows, &done));
    done.file = file_name(p);
    if (!done.file)
        return QN_QUERY_NOMEM(p);
    QN_TRY(end_phase(p, &phase, &done));
    *out = rows;
    out->n_columns = done.n_shown;
    out->single = rows.single || (query->has_limit && query->limit <= 1);
    return read_back(p, p->query->n_phases, &done, out);
}

qn_code qn_query_nested(struct qn_query_planner *p, struct qn_sql_query *query,
                        struct qn_query_rows *out)
{
    struct qn_query_cte *outer = p->ctes;
    if (++p->depth > QN_QUERY_DEPTH)
        return QN_QUERY_REFUSE(p, query->mark, NULL, "queries are nested deeper than %d",
                               QN_QUERY_DEPTH);
    QN_TRY(qn_query_enter(p, query));
    uint32_t asked = p->asked;
    p->asked = query->mark.offset;
    bool plain = !query->has_limit && query->offset == 0 && /* order alone means nothing inside */
                 !qn_query_is_left(p, query->mark.offset);
    if (plain && query->body->op == QN_SQL_NESTED) {
        QN_TRY(qn_query_nested(p, query->body->query, out));
    } else if (plain && query->body->op == QN_SQL_SELECT) {
        struct qn_query_selected selected;
        QN_TRY(qn_query_select(p, query->body, NULL, 0, &selected));
        *out = selected.rows;
    } else {
        QN_TRY(nested_phase(p, query, out));
    }
    p->depth--;
    p->ctes = outer;
    p->asked = asked;
    return QN_OK;
}

static qn_code plan_whole(struct qn_query_planner *p, struct qn_sql_query *query)
{
    struct phase phase;
    struct qn_query_phase done;
    struct qn_query_rows rows;
    begin_phase(p, &phase);
    p->depth = 1;
    QN_TRY(qn_query_enter(p, query));
    QN_TRY(plan_phase(p, query, &done, &rows));
    QN_TRY(describe_rows(p, &rows, &done));
    return end_phase(p, &phase, &done);
}

/* --- what SQLite answers --------------------------------------------------------------------- */

bool qn_query_is_left(const struct qn_query_planner *p, uint32_t query)
{
    for (uint32_t i = 0; i < p->n_in_sqlite; i++)
        if (p->in_sqlite[i] == query)
            return true;
    return false;
}

void qn_query_leave(struct qn_query_planner *p, uint32_t query)
{
    p->retry = qn_query_is_left(p, query) ? 0 : 1 + query;
}

/* The plan from its beginning, with one more query left to SQLite. */
static qn_code plan_again(struct qn_query_planner *p)
{
    struct qn_sql_query *query;
    p->in_sqlite = qn_sql_grow(p->arena, p->in_sqlite, p->n_in_sqlite, sizeof *p->in_sqlite);
    if (!p->in_sqlite)
        return QN_QUERY_NOMEM(p);
    p->in_sqlite[p->n_in_sqlite++] = p->retry - 1;
    p->query->phases = NULL;
    p->query->n_phases = 0;
    p->phase = p->n_begun = p->n_jobs = p->retry = p->one_row_number = 0;
    p->spec = NULL;
    p->ctes = NULL;
    p->scope = NULL;
    QN_TRY(qn_sql_parse(p->arena, p->text, &query, p->complaint));
    return plan_whole(p, query);
}

/* --- the whole ------------------------------------------------------------------------------- */

static uint32_t count_points(struct qn_strv text)
{
    uint32_t n = 0;
    for (size_t i = 0; i < text.len; i++)
        n += ((unsigned char)text.data[i] & 0xC0) != 0x80;
    return n;
}

static struct qn_span span_of(struct qn_strv text, const struct qn_expr_complaint *complaint)
{
    size_t offset = complaint->offset < text.len ? complaint->offset : text.len;
    size_t width = complaint->width < text.len - offset ? complaint->width : text.len - offset;
    struct qn_span span = {.line = 1,
                           .width = count_points((struct qn_strv){text.data + offset, width})};
    size_t begin = 0;
    for (size_t i = 0; i < offset; i++)
        if (text.data[i] == '\n') {
            span.line++;
            begin = i + 1;
        }
    span.column = 1 + count_points((struct qn_strv){text.data + begin, offset - begin});
    span.width += span.width == 0;
    return span;
}

qn_code qn_query_plan(struct qn_query *query, struct qn_strv text,
                      const struct qn_query_options *options, struct qn_err *err)
{
    *query = (struct qn_query){0};
    qn_arena_init(&query->arena);
    qn_diags_init(&query->diags, "query", text);
    struct qn_expr_complaint complaint = {0};
    struct qn_sql_query *written;
    struct qn_query_planner planner = {.query = query,
                                       .arena = &query->arena,
                                       .text = text,
                                       .options = options,
                                       .complaint = &complaint};
    qn_code code = qn_sql_parse(&query->arena, text, &written, &complaint);
    if (code == QN_OK)
        code = qn_query_find_files(&planner, written, err);
    if (code == QN_OK)
        code = plan_whole(&planner, written);
    while (code == QN_EINPUT && planner.retry)
        code = plan_again(&planner);
    if (code == QN_ENOMEM)
        return qn_err_nomem(err, "a query's plan");
    if (code != QN_EINPUT)
        return code;
    qn_diags_add(&query->diags, span_of(text, &complaint), NULL,
                 complaint.hint[0] ? complaint.hint : NULL, "%s", complaint.message);
    return qn_err_set(err, QN_EINPUT, QN_BLAME_JOB, "the query has a mistake");
}

void qn_query_fini(struct qn_query *query)
{
    qn_diags_fini(&query->diags);
    qn_arena_fini(&query->arena);
}
