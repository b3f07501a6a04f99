/* Queries to phases: bodies put together, their order and limit, queries inside queries. */
#include "query/query.h"

#include <string.h>

#include "query/parse.h"
#include "query/planner.h"

/* --- places ---------------------------------------------------------------------------------- */

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
        QN_TRY(qn_query_one_job(p, rows, query->body->mark, &tree));
        QN_TRY(tell_job(p, out, keys, rows));
    } else {
        QN_TRY(qn_query_put_together(p, query, rows, &tree, &keys));
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

static bool has_fate(const struct qn_query_planner *p, uint32_t query, enum qn_query_way way)
{
    for (uint32_t i = 0; i < p->n_fates; i++)
        if (p->fates[i].query == query && p->fates[i].way == way)
            return true;
    return false;
}

/* A second row is a mistake, and enough to know of it. */
static qn_code expect_one(struct qn_query_planner *p, const struct qn_sql_query *query,
                          struct qn_query_phase *phase)
{
    const struct qn_expr_complaint place = {.offset = query->mark.offset,
                                            .width = query->mark.width};
    struct qn_span span = span_of(p->text, &place);
    phase->one_value =
        qn_arena_printf(p->arena, "query:%u:%u", (unsigned)span.line, (unsigned)span.column);
    phase->limit = phase->has_limit && phase->limit < 2 ? phase->limit : 2;
    phase->has_limit = true;
    return phase->one_value ? QN_OK : QN_QUERY_NOMEM(p);
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
    if (has_fate(p, query->mark.offset, QN_QUERY_ONE_VALUE))
        QN_TRY(expect_one(p, query, &done));
    QN_TRY(end_phase(p, &phase, &done));
    *out = rows;
    out->n_columns = done.n_shown;
    out->single = rows.single || done.one_value || (query->has_limit && query->limit <= 1);
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
    bool whole = qn_query_is_left(p, query->mark.offset) ||
                 has_fate(p, query->mark.offset, QN_QUERY_ONE_VALUE);
    bool plain = !query->has_limit && query->offset == 0 && /* order alone means nothing inside */
                 !query->body->n_distinct_on && !whole;
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

/* --- what is tried anew ---------------------------------------------------------------------- */

bool qn_query_is_left(const struct qn_query_planner *p, uint32_t query)
{
    return has_fate(p, query, QN_QUERY_IN_SQLITE);
}

void qn_query_leave(struct qn_query_planner *p, uint32_t query)
{
    p->retry = !qn_query_is_left(p, query);
    p->next = (struct qn_query_fate){query, QN_QUERY_IN_SQLITE};
}

void qn_query_expect_one(struct qn_query_planner *p, uint32_t query)
{
    p->retry = !has_fate(p, query, QN_QUERY_ONE_VALUE);
    p->next = (struct qn_query_fate){query, QN_QUERY_ONE_VALUE};
}

/* The plan from its beginning, with one more query of which it is known how it is answered. */
static qn_code plan_again(struct qn_query_planner *p)
{
    struct qn_sql_query *query;
    p->fates = qn_sql_grow(p->arena, p->fates, p->n_fates, sizeof *p->fates);
    if (!p->fates)
        return QN_QUERY_NOMEM(p);
    p->fates[p->n_fates++] = p->next;
    p->retry = false;
    p->query->phases = NULL;
    p->query->n_phases = 0;
    p->phase = p->n_begun = p->n_jobs = p->one_row_number = 0;
    p->spec = NULL;
    p->ctes = NULL;
    p->scope = NULL;
    QN_TRY(qn_sql_parse(p->arena, p->text, &query, p->complaint));
    return plan_whole(p, query);
}

/* --- the whole ------------------------------------------------------------------------------- */

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
