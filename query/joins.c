/* Relations joined: one streams through (the base), the others are sides that workers hold, or that
 * are shuffled. Conditions go as far down as they may; equalities between a side and what is there
 * already are its keys; what is left is a filter over the joined rows. */
#include <string.h>

#include "query/parse.h"
#include "query/planner.h"

/* One of the conditions that AND joins. */
struct term {
    const struct qn_ast *ast;
    uint32_t reads; /* relations, as bits */
    bool done;
};

struct terms {
    struct term *items;
    uint32_t n;
};

/* left of what is there = right of the side */
struct equality {
    const struct qn_ast *left, *right;
    struct qn_mark mark;
};

struct joining {
    struct qn_query_planner *p;
    struct qn_query_scope *scope;
    struct qn_query_stage *stage;
    struct terms terms; /* of WHERE and of inner joins */
    uint32_t base;
    uint32_t joined; /* relations that are there, as bits */
    uint32_t before; /* those that were when the stage's job began */
};

static uint32_t bit(uint32_t relation)
{
    return UINT32_C(1) << relation;
}

/* --- terms ----------------------------------------------------------------------------------- */

static qn_code split(struct joining *j, const struct qn_ast *ast, struct terms *out)
{
    if (ast->kind == QN_AST_BINARY && ast->op == QN_TOK_AND) {
        QN_TRY(split(j, ast->args[0], out));
        return split(j, ast->args[1], out);
    }
    out->items = qn_sql_grow(j->p->arena, out->items, out->n, sizeof *out->items);
    if (!out->items)
        return QN_QUERY_NOMEM(j->p);
    out->items[out->n++] = (struct term){ast, qn_query_reads(j->scope, ast), false};
    return QN_OK;
}

/* The expression as a condition of the stage. */
static qn_code apply(struct joining *j, struct qn_query_stage *stage, struct term *term)
{
    struct qn_query_text text;
    QN_TRY(qn_query_express(j->p, j->scope, stage, NULL, term->ast, &text));
    QN_TRY(qn_query_truth(j->p, text.type, term->ast));
    qn_query_count(j->scope, term->ast, -1);
    term->done = true;
    return qn_query_stage_filter(j->p, stage, text.text);
}

static bool as_equality(const struct term *term, uint32_t there, uint32_t side,
                        const struct qn_query_scope *scope, struct equality *out)
{
    const struct qn_ast *ast = term->ast;
    if (ast->kind != QN_AST_BINARY || ast->op != QN_TOK_EQ || term->done)
        return false;
    for (int turned = 0; turned < 2; turned++) {
        const struct qn_ast *left = ast->args[turned], *right = ast->args[!turned];
        uint32_t reads = qn_query_reads(scope, left);
        if (reads && !(reads & ~there) && qn_query_reads(scope, right) == bit(side)) {
            *out = (struct equality){left, right, ast->mark};
            return true;
        }
    }
    return false;
}

/* --- keys ------------------------------------------------------------------------------------ */

/* Of decimals the scale alone counts. */
static bool is_of(struct qn_type type, struct qn_type key)
{
    return type.id == key.id && (type.id != QN_DECIMAL || type.scale == key.scale);
}

static const char *exact_cast(struct qn_query_planner *p, const char *text, struct qn_type from,
                              struct qn_type to)
{
    char name[QN_TYPE_NAME];
    if (is_of(from, to))
        return text;
    qn_type_name(to, name);
    if (from.id == QN_DOUBLE) /* a double that is no such number equals none */
        return qn_arena_printf(p->arena,
                               "case when (%s) = cast((%s) as %s) then cast((%s) as %s) end", text,
                               text, name, text, name);
    return qn_arena_printf(p->arena, "cast((%s) as %s)", text, name);
}

/* The type both sides of a key are turned to without a change of what equals what. */
static bool key_type(struct qn_type a, struct qn_type b, struct qn_type *out)
{
    if (a.id == QN_BOOL && b.id != QN_BOOL)
        a.id = QN_INT64;
    if (b.id == QN_BOOL && a.id != QN_BOOL)
        b.id = QN_INT64;
    *out = a;
    if (a.id == b.id && a.id != QN_DECIMAL)
        return true;
    bool a_number = qn_type_is_numeric(a), b_number = qn_type_is_numeric(b);
    if (a_number && b_number && (a.id == QN_DECIMAL || b.id == QN_DECIMAL)) {
        uint8_t scale_a = a.id == QN_DECIMAL ? a.scale : 0;
        uint8_t scale_b = b.id == QN_DECIMAL ? b.scale : 0;
        out->id = QN_DECIMAL;
        out->precision = QN_DECIMAL_MAX_PRECISION;
        out->scale = scale_a > scale_b ? scale_a : scale_b;
        return true;
    }
    out->id = a_number ? QN_INT64 : QN_TIMESTAMP;
    bool temporal =
        (a.id == QN_DATE || a.id == QN_TIMESTAMP) && (b.id == QN_DATE || b.id == QN_TIMESTAMP);
    return (a_number && b_number) || temporal;
}

static qn_code refuse_types(struct joining *j, const struct equality *key, struct qn_type left,
                            struct qn_type right)
{
    char a[QN_TYPE_NAME], b[QN_TYPE_NAME];
    return QN_QUERY_REFUSE(j->p, key->mark, "write CAST(... AS ...) around one of them",
                           "%s is compared with %s", qn_type_name(left, a), qn_type_name(right, b));
}

/* The condition that rows of the left must meet, or their key is NULL and matches nothing. */
static const char *guard(struct joining *j, const char *condition, const char *text)
{
    return condition ? qn_arena_printf(j->p->arena, "case when %s then %s end", condition, text)
                     : text;
}

/* --- sides ----------------------------------------------------------------------------------- */

/* What one side is joined by. */
struct side {
    uint32_t relation;
    struct qn_query_stage stage;
    struct equality keys[QN_QUERY_KEYS];
    uint32_t n_keys;
    const char *condition; /* of the left rows; NULL: none */
    uint32_t condition_reads;
    struct qn_query_names select;
    struct qn_query_join join;
};

static qn_code add_key(struct joining *j, struct side *side, const struct equality *key)
{
    if (side->n_keys == QN_QUERY_KEYS)
        return QN_QUERY_REFUSE(j->p, key->mark, NULL, "a join has more than %d equalities",
                               QN_QUERY_KEYS);
    side->keys[side->n_keys++] = *key;
    return QN_OK;
}

/* Conditions of an inner join: those of the side alone, and its equalities. */
static qn_code take_inner_terms(struct joining *j, struct side *side)
{
    for (uint32_t i = 0; i < j->terms.n; i++) {
        struct term *term = &j->terms.items[i];
        struct equality key;
        if (!term->done && term->reads == bit(side->relation)) {
            QN_TRY(apply(j, &side->stage, term));
        } else if (as_equality(term, j->joined, side->relation, j->scope, &key)) {
            QN_TRY(add_key(j, side, &key));
            term->done = true;
        }
    }
    return QN_OK;
}

static qn_code add_condition(struct joining *j, struct side *side, const struct term *term)
{
    struct qn_query_text text;
    QN_TRY(qn_query_express(j->p, j->scope, j->stage, NULL, term->ast, &text));
    QN_TRY(qn_query_truth(j->p, text.type, term->ast));
    side->condition_reads |= term->reads;
    side->condition = side->condition
                          ? qn_arena_printf(j->p->arena, "%s and (%s)", side->condition, text.text)
                          : qn_arena_printf(j->p->arena, "(%s)", text.text);
    return side->condition ? QN_OK : QN_QUERY_NOMEM(j->p);
}

/* Conditions of a left, semi or anti join are about what matches, never about rows of the left. */
static qn_code take_outer_terms(struct joining *j, struct side *side)
{
    const struct qn_query_relation *relation = &j->scope->relations[side->relation];
    struct terms terms = {0};
    if (relation->on)
        QN_TRY(split(j, relation->on, &terms));
    for (uint32_t i = 0; i < terms.n; i++) {
        struct term *term = &terms.items[i];
        struct equality key;
        if (as_equality(term, j->joined, side->relation, j->scope, &key))
            QN_TRY(add_key(j, side, &key));
        else if (term->reads == bit(side->relation))
            QN_TRY(apply(j, &side->stage, term));
        else if (!(term->reads & ~j->joined))
            QN_TRY(add_condition(j, side, term));
        else {
            qn_query_leave(j->p, j->p->asked);
            return QN_QUERY_REFUSE(j->p, term->ast->mark,
                                   "such joins take a = b of both sides, and conditions of one "
                                   "side; an inner JOIN takes any",
                                   "this condition of an outer join reads both sides");
        }
    }
    return QN_OK;
}

/* Another job, over the rows joined so far; left keys of the side (NULL: none) are kept. */
static qn_code next_job(struct joining *j, const struct side *side)
{
    struct qn_query_names names = {0};
    QN_TRY(qn_query_used(j->p, j->scope, &names));
    for (uint32_t i = 0; side && i < side->join.on.n; i++)
        if (!qn_query_name_taken(&names, qn_strv_from(side->join.on.items[i].name)) &&
            !qn_query_names_add(j->p->arena, &names, side->join.on.items[i].name))
            return QN_QUERY_NOMEM(j->p);
    j->before = j->joined;
    return qn_query_stage_next(j->p, j->stage, &names);
}

/* A column for the left side of a key. It is derived before the job's joins; what reads columns of
 * these begins another job. */
static qn_code left_key(struct joining *j, const struct side *side, const char *text,
                        struct qn_type type, uint32_t reads, const char **out)
{
    struct qn_query_planner *p = j->p;
    if ((reads | side->condition_reads) & ~j->before)
        QN_TRY(next_job(j, side));
    *out = qn_query_fresh_name(p, j->scope, QN_STRV_LIT("key"));
    if (!*out || !text || !qn_query_pairs_add(p->arena, &j->stage->job->derive, *out, text))
        return QN_QUERY_NOMEM(p);
    return qn_query_stage_add(p, j->stage, *out, type);
}

/* The right side of a key as a column of the side's job: itself when nothing else wants it, for
 * keys are not among the joined columns. */
static qn_code right_key(struct joining *j, struct side *side, const struct qn_ast *ast,
                         const struct qn_query_text *text, struct qn_type type, const char **out)
{
    struct qn_query_planner *p = j->p;
    qn_query_count(j->scope, ast, -1);
    bool bare = ast->kind == QN_AST_COLUMN && is_of(text->type, type) &&
                j->scope->fields[ast->number - 1].uses == 0;
    *out = bare ? j->scope->fields[ast->number - 1].source : NULL;
    for (uint32_t i = 0; bare && i < side->select.n; i++)
        if (strcmp(side->select.items[i], *out) == 0) /* a key twice */
            *out = NULL;
    if (!*out) {
        *out = qn_query_fresh_name(p, j->scope, QN_STRV_LIT("key"));
        const char *cast = exact_cast(p, text->text, text->type, type);
        if (!*out || !cast || !qn_query_pairs_add(p->arena, &side->stage.job->derive, *out, cast))
            return QN_QUERY_NOMEM(p);
        QN_TRY(qn_query_stage_add(p, &side->stage, *out, type));
    }
    return qn_query_names_add(p->arena, &side->select, *out) ? QN_OK : QN_QUERY_NOMEM(p);
}

static bool is_left_key(const struct side *side, const char *name)
{
    for (uint32_t i = 0; i < side->join.on.n; i++)
        if (strcmp(side->join.on.items[i].name, name) == 0)
            return true;
    return false;
}

static qn_code join_key(struct joining *j, struct side *side, const struct equality *key)
{
    struct qn_query_planner *p = j->p;
    struct qn_query_text left, right;
    struct qn_type type;
    const char *name, *right_name;
    QN_TRY(qn_query_express(p, j->scope, j->stage, NULL, key->left, &left));
    QN_TRY(qn_query_express(p, j->scope, &side->stage, NULL, key->right, &right));
    if (!key_type(left.type, right.type, &type))
        return refuse_types(j, key, left.type, right.type);
    QN_TRY(right_key(j, side, key->right, &right, type, &right_name));
    name = left.column;
    if (!name || side->condition || !is_of(left.type, type) || is_left_key(side, name)) {
        const char *text = exact_cast(p, left.text, left.type, type);
        QN_TRY(left_key(j, side, guard(j, side->condition, text), type,
                        qn_query_reads(j->scope, key->left), &name));
    }
    qn_query_count(j->scope, key->left, -1);
    return qn_query_pairs_add(p->arena, &side->join.on, name, right_name) ? QN_OK
                                                                          : QN_QUERY_NOMEM(p);
}

/* Without an equality every row matches every row: a key of one value. */
static qn_code constant_key(struct joining *j, struct side *side)
{
    struct qn_query_planner *p = j->p;
    const struct qn_type type = {.id = QN_INT64};
    const char *left, *right = qn_query_fresh_name(p, j->scope, QN_STRV_LIT("key"));
    QN_TRY(left_key(j, side, guard(j, side->condition, "1"), type, 0, &left));
    if (!right || !qn_query_pairs_add(p->arena, &side->stage.job->derive, right, "1") ||
        !qn_query_pairs_add(p->arena, &side->join.on, left, right) ||
        !qn_query_names_add(p->arena, &side->select, right))
        return QN_QUERY_NOMEM(p);
    return qn_query_stage_add(p, &side->stage, right, type);
}

static qn_code carry_field(struct joining *j, struct side *side, struct qn_query_field *field)
{
    struct qn_query_planner *p = j->p;
    const struct qn_schema there = {j->stage->fields, j->stage->n_fields};
    const char *name = field->source;
    bool taken = false;
    for (uint32_t i = 0; i < there.n_fields; i++)
        taken |= qn_strv_eq_nocase(qn_strv_from(there.fields[i].name), qn_strv_from(name));
    for (uint32_t i = 0; i < side->select.n; i++)
        taken |= strcmp(side->select.items[i], name) == 0; /* it is a key already */
    if (taken || !qn_strv_is_identifier(qn_strv_from(name))) {
        const char *old;
        const struct qn_ast column = {.kind = QN_AST_COLUMN,
                                      .number = (int64_t)(field - j->scope->fields) + 1};
        QN_TRY(qn_query_render(p, j->scope, NULL, &column, &old));
        name = qn_query_fresh_name(p, j->scope, qn_strv_from(name));
        if (!name || !qn_query_pairs_add(p->arena, &side->stage.job->derive, name, old))
            return QN_QUERY_NOMEM(p);
        QN_TRY(qn_query_stage_add(p, &side->stage, name, field->type));
    }
    if (!qn_query_names_add(p->arena, &side->select, name))
        return QN_QUERY_NOMEM(p);
    field->name = name;
    return qn_query_stage_add(p, j->stage, name, field->type);
}

/* Columns of the side that are wanted past the join. */
static qn_code carry(struct joining *j, struct side *side)
{
    const struct qn_query_relation *relation = &j->scope->relations[side->relation];
    if (relation->how == QN_SQL_SEMI || relation->how == QN_SQL_ANTI)
        return QN_OK;
    for (uint32_t i = 0; i < relation->rows.n_columns; i++)
        if (j->scope->fields[relation->first + i].uses)
            QN_TRY(carry_field(j, side, &j->scope->fields[relation->first + i]));
    return QN_OK;
}

static bool is_inner(enum qn_sql_how how)
{
    return how == QN_SQL_FIRST || how == QN_SQL_CROSS || how == QN_SQL_INNER;
}

static const char *how_name(const struct joining *j, enum qn_sql_how how)
{
    bool turned = j->base == 1 && j->scope->relations[1].how == QN_SQL_RIGHT;
    if (how == QN_SQL_SEMI)
        return "semi";
    if (how == QN_SQL_ANTI)
        return "anti";
    return how == QN_SQL_LEFT || (turned && how == QN_SQL_FIRST) ? "left" : "inner";
}

static qn_code join_side(struct joining *j, uint32_t relation)
{
    struct side side = {.relation = relation};
    struct qn_query_planner *p = j->p;
    const struct qn_query_relation *described = &j->scope->relations[relation];
    const char *how = how_name(j, described->how);
    QN_TRY(qn_query_stage_begin(p, &described->rows, &side.stage));
    if (strcmp(how, "inner") == 0)
        QN_TRY(take_inner_terms(j, &side));
    else
        QN_TRY(take_outer_terms(j, &side));
    if (j->stage->job->n_joins == QN_MAX_SIDES)
        QN_TRY(next_job(j, NULL));
    for (uint32_t i = 0; i < side.n_keys; i++)
        QN_TRY(join_key(j, &side, &side.keys[i]));
    if (!side.n_keys)
        QN_TRY(constant_key(j, &side));
    QN_TRY(carry(j, &side));
    struct qn_query_rows rows;
    QN_TRY(qn_query_stage_end(p, &side.stage, &side.select, &rows));
    side.join.to = rows.input;
    side.join.how = how;
    struct qn_query_job *job = j->stage->job;
    job->joins = qn_sql_grow(p->arena, job->joins, job->n_joins, sizeof *job->joins);
    if (!job->joins)
        return QN_QUERY_NOMEM(p);
    job->joins[job->n_joins++] = side.join;
    j->stage->joined = true;
    j->joined |= bit(relation);
    return QN_OK;
}

/* --- the order ------------------------------------------------------------------------------- */

/* Inner joins go in any order, so the largest relation streams; outer ones are as written. */
static bool find_base(struct joining *j)
{
    const struct qn_query_scope *scope = j->scope;
    bool all_inner = true;
    for (uint32_t i = 0; i < scope->n_relations; i++)
        all_inner &= is_inner(scope->relations[i].how) || !scope->relations[i].written;
    if (scope->n_relations > 1 && scope->relations[1].how == QN_SQL_RIGHT)
        j->base = 1;
    for (uint32_t i = 1; all_inner && i < scope->n_relations; i++)
        if (scope->relations[i].written &&
            scope->relations[i].rows.bytes > scope->relations[j->base].rows.bytes)
            j->base = i;
    return all_inner;
}

static bool has_equality(const struct joining *j, uint32_t relation)
{
    struct equality key;
    for (uint32_t i = 0; i < j->terms.n; i++)
        if (as_equality(&j->terms.items[i], j->joined, relation, j->scope, &key))
            return true;
    return false;
}

/* The next side: of inner ones first those that an equality ties to what is there. */
static uint32_t next_side(const struct joining *j, bool all_inner)
{
    uint32_t first = UINT32_MAX;
    for (uint32_t i = 0; i < j->scope->n_relations; i++) {
        if (j->joined & bit(i))
            continue;
        if (first == UINT32_MAX)
            first = i;
        if (!all_inner || (j->scope->relations[i].written && has_equality(j, i)))
            return i;
    }
    return first;
}

static qn_code begin_base(struct joining *j)
{
    struct qn_query_scope *scope = j->scope;
    const struct qn_query_relation *base = &scope->relations[j->base];
    QN_TRY(qn_query_stage_begin(j->p, &base->rows, j->stage));
    j->joined = j->before = bit(j->base);
    for (uint32_t i = 0; i < base->rows.n_columns; i++)
        scope->fields[base->first + i].name = base->rows.columns[i].name;
    for (uint32_t i = 0; i < j->terms.n; i++)
        if (!(j->terms.items[i].reads & ~j->joined))
            QN_TRY(apply(j, j->stage, &j->terms.items[i]));
    return QN_OK;
}

/* Conditions that only the joined rows can tell. */
static qn_code apply_rest(struct joining *j)
{
    bool any = false;
    for (uint32_t i = 0; i < j->terms.n; i++)
        any |= !j->terms.items[i].done;
    if (any && j->stage->joined)
        QN_TRY(next_job(j, NULL));
    for (uint32_t i = 0; i < j->terms.n; i++)
        if (!j->terms.items[i].done)
            QN_TRY(apply(j, j->stage, &j->terms.items[i]));
    return QN_OK;
}

qn_code qn_query_join(struct qn_query_planner *p, struct qn_query_scope *scope,
                      struct qn_ast *where, struct qn_query_stage *out)
{
    struct joining j = {.p = p, .scope = scope, .stage = out};
    if (where)
        QN_TRY(split(&j, where, &j.terms));
    for (uint32_t i = 0; i < scope->n_relations; i++)
        if (is_inner(scope->relations[i].how) && scope->relations[i].on)
            QN_TRY(split(&j, scope->relations[i].on, &j.terms));
    bool all_inner = find_base(&j);
    if (j.base == 1 && scope->relations[1].how == QN_SQL_RIGHT)
        scope->relations[0].on = scope->relations[1].on; /* the other way round */
    QN_TRY(begin_base(&j));
    for (uint32_t n = 1; n < scope->n_relations; n++)
        QN_TRY(join_side(&j, next_side(&j, all_inner)));
    return apply_rest(&j);
}

qn_code qn_query_used(struct qn_query_planner *p, const struct qn_query_scope *scope,
                      struct qn_query_names *out)
{
    for (uint32_t i = 0; i < scope->n_fields; i++)
        if (scope->fields[i].uses && scope->fields[i].name &&
            !qn_query_names_add(p->arena, out, scope->fields[i].name))
            return QN_QUERY_NOMEM(p);
    return QN_OK;
}
