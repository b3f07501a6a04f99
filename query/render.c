/* A tree as text: as few parentheses as its operators need, columns by the names that a job has
 * for them. Where each node came to stand is kept, so that a complaint about the text becomes one
 * about the query. */
#include <string.h>

#include "query/parse.h"
#include "query/planner.h"

/* Bytes [begin, end) of the text came from a node. */
struct place {
    size_t begin, end;
    struct qn_mark mark;
};

struct render {
    struct qn_query_planner *p;
    const struct qn_query_scope *scope;
    const struct qn_query_pairs *known;
    struct qn_buf out;
    struct place *places;
    uint32_t n_places;
    bool inside; /* an aggregate: columns of the rows, not of the groups */
};

static qn_code put(struct render *r, const struct qn_ast *ast);

/* --- names ----------------------------------------------------------------------------------- */

/* Words that a lexer takes for something else, and those that an expression may begin with. */
static bool needs_quotes(struct qn_strv name)
{
    static const char *const words[] = {
        "and",  "between", "case",   "cast",      "else",     "end",     "escape", "false", "glob",
        "in",   "is",      "isnull", "like",      "not",      "notnull", "null",   "or",    "then",
        "true", "when",    "date",   "timestamp", "distinct", "filter",  "order",  "from",
    };
    if (!qn_strv_is_identifier(name))
        return true;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (qn_strv_eq_nocase(name, qn_strv_from(words[i])))
            return true;
    return false;
}

static void put_quoted(struct qn_buf *out, struct qn_strv text, char quote)
{
    qn_buf_put_u8(out, (uint8_t)quote);
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == quote)
            qn_buf_put_u8(out, (uint8_t)quote);
        qn_buf_put_u8(out, (uint8_t)text.data[i]);
    }
    qn_buf_put_u8(out, (uint8_t)quote);
}

static void put_name(struct qn_buf *out, const char *name)
{
    struct qn_strv text = qn_strv_from(name);
    if (needs_quotes(text))
        put_quoted(out, text, '"');
    else
        qn_buf_put(out, text.data, text.len);
}

/* --- operators ------------------------------------------------------------------------------- */

static enum qn_precedence precedence_of(const struct qn_ast *ast)
{
    switch (ast->kind) {
    case QN_AST_NOT: return QN_PREC_NOT;
    case QN_AST_NEGATE:
    case QN_AST_PLUS:
    case QN_AST_BIT_NOT: return QN_PREC_CONCAT; /* reads as far as a unary operator does */
    case QN_AST_IS:
    case QN_AST_BETWEEN:
    case QN_AST_IN:
    case QN_AST_LIKE: return QN_PREC_EQUAL;
    case QN_AST_BINARY: break;
    case QN_AST_INTEGER: return ast->number < 0 ? QN_PREC_CONCAT : QN_PREC_UNARY;
    default: return QN_PREC_UNARY;
    }
    return qn_operator_precedence(ast->op);
}

static const char *symbol_of(enum qn_token_kind op)
{
    switch (op) {
    case QN_TOK_OR: return " or ";
    case QN_TOK_AND: return " and ";
    case QN_TOK_EQ: return " = ";
    case QN_TOK_NE: return " <> ";
    case QN_TOK_LT: return " < ";
    case QN_TOK_LE: return " <= ";
    case QN_TOK_GT: return " > ";
    case QN_TOK_GE: return " >= ";
    case QN_TOK_SHIFT_LEFT: return " << ";
    case QN_TOK_SHIFT_RIGHT: return " >> ";
    case QN_TOK_AMPERSAND: return " & ";
    case QN_TOK_PIPE: return " | ";
    case QN_TOK_PLUS: return " + ";
    case QN_TOK_MINUS: return " - ";
    case QN_TOK_STAR: return " * ";
    case QN_TOK_SLASH: return " / ";
    case QN_TOK_PERCENT: return " % ";
    default: return " || ";
    }
}

/* An operand, in parentheses unless it binds tighter than `above`. */
static qn_code put_operand(struct render *r, const struct qn_ast *ast, enum qn_precedence above)
{
    bool bare = precedence_of(ast) > above;
    if (!bare)
        qn_buf_put_u8(&r->out, '(');
    QN_TRY(put(r, ast));
    if (!bare)
        qn_buf_put_u8(&r->out, ')');
    return QN_OK;
}

static qn_code put_binary(struct render *r, const struct qn_ast *ast)
{
    enum qn_precedence own = precedence_of(ast);
    QN_TRY(put_operand(r, ast->args[0], own - 1)); /* operators group from the left */
    qn_buf_printf(&r->out, "%s", symbol_of(ast->op));
    return put_operand(r, ast->args[1], own);
}

static qn_code put_list(struct render *r, struct qn_ast *const *args, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        qn_buf_printf(&r->out, "%s", i ? ", " : "");
        QN_TRY(put(r, args[i]));
    }
    return QN_OK;
}

static qn_code put_between(struct render *r, const struct qn_ast *ast)
{
    QN_TRY(put_operand(r, ast->args[0], QN_PREC_EQUAL));
    qn_buf_printf(&r->out, "%s between ", ast->negated ? " not" : "");
    QN_TRY(put_operand(r, ast->args[1], QN_PREC_EQUAL));
    qn_buf_printf(&r->out, " and ");
    return put_operand(r, ast->args[2], QN_PREC_EQUAL);
}

static qn_code put_like(struct render *r, const struct qn_ast *ast)
{
    QN_TRY(put_operand(r, ast->args[0], QN_PREC_EQUAL));
    qn_buf_printf(&r->out, "%s %s ", ast->negated ? " not" : "",
                  ast->op == QN_TOK_GLOB ? "glob" : "like");
    QN_TRY(put_operand(r, ast->args[1], QN_PREC_EQUAL));
    if (ast->n_args < 3)
        return QN_OK;
    qn_buf_printf(&r->out, " escape ");
    return put_operand(r, ast->args[2], QN_PREC_ORDER);
}

static qn_code put_case(struct render *r, const struct qn_ast *ast)
{
    uint32_t at = 0;
    qn_buf_printf(&r->out, "case");
    if (ast->number & 1) {
        qn_buf_printf(&r->out, " ");
        QN_TRY(put(r, ast->args[at++]));
    }
    for (; at + 1 < ast->n_args; at += 2) {
        qn_buf_printf(&r->out, " when ");
        QN_TRY(put(r, ast->args[at]));
        qn_buf_printf(&r->out, " then ");
        QN_TRY(put(r, ast->args[at + 1]));
    }
    if (ast->number & 2) {
        qn_buf_printf(&r->out, " else ");
        QN_TRY(put(r, ast->args[at]));
    }
    qn_buf_printf(&r->out, " end");
    return QN_OK;
}

static qn_code put_unary(struct render *r, const char *symbol, const struct qn_ast *ast)
{
    qn_buf_printf(&r->out, "%s", symbol);
    return put_operand(r, ast->args[0], ast->kind == QN_AST_NOT ? QN_PREC_AND : QN_PREC_CONCAT);
}

/* --- columns and aggregates ------------------------------------------------------------------ */

static qn_code put_column(struct render *r, const struct qn_ast *ast)
{
    const struct qn_query_field *field = &r->scope->fields[ast->number - 1];
    if (r->known && !r->inside)
        return QN_QUERY_REFUSE(r->p, ast->mark, "add it to GROUP BY, or write min(x), max(x), ...",
                               "column '%s' is neither in GROUP BY nor inside an aggregate",
                               field->shown);
    put_name(&r->out, field->name ? field->name : field->source);
    return QN_OK;
}

static qn_code put_aggregate(struct render *r, const struct qn_ast *ast)
{
    const struct qn_agg_ast *call = ast->aggregate;
    if (r->inside)
        return QN_QUERY_REFUSE(r->p, ast->mark, "aggregate in a subquery first",
                               "an aggregate inside another one");
    if (qn_sql_joins_texts(call->name)) {
        qn_query_leave(r->p, r->p->asked);
        return QN_QUERY_REFUSE(r->p, ast->mark, NULL, "%.*s is not supported at this place",
                               QN_SHORT_ARG(call->name));
    }
    /* the least of different values is the least of all */
    bool extreme = qn_strv_eq_nocase(call->name, qn_strv_from("min")) ||
                   qn_strv_eq_nocase(call->name, qn_strv_from("max"));
    r->inside = true;
    qn_buf_printf(&r->out, "%.*s(%s", QN_STRV_ARG(call->name),
                  call->distinct && !extreme ? "distinct " : "");
    if (call->star)
        qn_buf_put_u8(&r->out, '*');
    QN_TRY(put_list(r, call->args, call->n_args));
    if (call->order) {
        qn_buf_printf(&r->out, " order by ");
        QN_TRY(put(r, call->order));
        qn_buf_printf(&r->out, "%s", call->descending ? " desc" : "");
    }
    qn_buf_put_u8(&r->out, ')');
    if (call->filter) {
        qn_buf_printf(&r->out, " filter (where ");
        QN_TRY(put(r, call->filter));
        qn_buf_put_u8(&r->out, ')');
    }
    r->inside = false;
    return QN_OK;
}

static qn_code put_call(struct render *r, const struct qn_ast *ast)
{
    qn_buf_printf(&r->out, "%.*s(%s", QN_STRV_ARG(ast->text), ast->number ? "*" : "");
    QN_TRY(put_list(r, ast->args, ast->n_args));
    qn_buf_put_u8(&r->out, ')');
    return QN_OK;
}

static qn_code put_is(struct render *r, const struct qn_ast *ast)
{
    QN_TRY(put_operand(r, ast->args[0], QN_PREC_EQUAL));
    qn_buf_printf(&r->out, " is%s ", ast->negated ? " not" : "");
    return put_operand(r, ast->args[1], QN_PREC_EQUAL);
}

static qn_code put_in(struct render *r, const struct qn_ast *ast)
{
    QN_TRY(put_operand(r, ast->args[0], QN_PREC_EQUAL));
    qn_buf_printf(&r->out, "%s in (", ast->negated ? " not" : "");
    QN_TRY(put_list(r, ast->args + 1, ast->n_args - 1));
    qn_buf_put_u8(&r->out, ')');
    return QN_OK;
}

static qn_code put_cast(struct render *r, const struct qn_ast *ast)
{
    char name[QN_TYPE_NAME];
    qn_buf_printf(&r->out, "cast(");
    QN_TRY(put(r, ast->args[0]));
    qn_buf_printf(&r->out, " as %s)", qn_type_name(ast->type, name));
    return QN_OK;
}

static qn_code refuse_window(struct render *r, const struct qn_ast *ast)
{
    qn_query_leave(r->p, r->p->asked);
    return QN_QUERY_REFUSE(r->p, ast->mark, "window functions stand in what is selected",
                           "a window function at this place is not supported");
}

static qn_code refuse_query(struct render *r, const struct qn_ast *ast)
{
    qn_query_leave(r->p, r->p->asked);
    return QN_QUERY_REFUSE(r->p, ast->mark,
                           "join it: FROM ... JOIN (SELECT ...) AS q ON ..., or put it into a "
                           "condition of WHERE that is joined to others by AND",
                           "a query at this place of an expression is not supported");
}

static qn_code put_literal(struct render *r, const struct qn_ast *ast)
{
    switch (ast->kind) {
    case QN_AST_NULL: qn_buf_printf(&r->out, "null"); break;
    case QN_AST_BOOL: qn_buf_printf(&r->out, "%s", ast->number ? "true" : "false"); break;
    case QN_AST_INTEGER: qn_buf_printf(&r->out, "%lld", (long long)ast->number); break;
    case QN_AST_TEXT: put_quoted(&r->out, ast->text, '\''); break;
    case QN_AST_DATE:
    case QN_AST_TIMESTAMP:
        qn_buf_printf(&r->out, "%s ", ast->kind == QN_AST_DATE ? "date" : "timestamp");
        put_quoted(&r->out, ast->text, '\'');
        break;
    default: qn_buf_put(&r->out, ast->text.data, ast->text.len); break;
    }
    return QN_OK;
}

static qn_code put_node(struct render *r, const struct qn_ast *ast)
{
    switch (ast->kind) {
    case QN_AST_COLUMN: return put_column(r, ast);
    case QN_AST_NEGATE: return put_unary(r, "-", ast);
    case QN_AST_PLUS: return put_unary(r, "+", ast);
    case QN_AST_NOT: return put_unary(r, "not ", ast);
    case QN_AST_BIT_NOT: return put_unary(r, "~", ast);
    case QN_AST_BINARY: return put_binary(r, ast);
    case QN_AST_IS: return put_is(r, ast);
    case QN_AST_BETWEEN: return put_between(r, ast);
    case QN_AST_IN: return put_in(r, ast);
    case QN_AST_LIKE: return put_like(r, ast);
    case QN_AST_CASE: return put_case(r, ast);
    case QN_AST_CAST: return put_cast(r, ast);
    case QN_AST_CALL: return put_call(r, ast);
    case QN_AST_AGGREGATE: return put_aggregate(r, ast);
    case QN_AST_SUBQUERY:
    case QN_AST_EXISTS:
    case QN_AST_IN_QUERY: return refuse_query(r, ast);
    case QN_AST_WINDOW: return refuse_window(r, ast);
    case QN_AST_ROW:
        return QN_QUERY_REFUSE(r->p, ast->mark,
                               "rows of values stand in =, <>, <, <=, >, >=, IS and IN",
                               "a row of values at this place");
    default: return put_literal(r, ast);
    }
}

/* --- known subtrees -------------------------------------------------------------------------- */

static bool is_literal(const struct qn_ast *ast)
{
    return ast->kind <= QN_AST_TIMESTAMP;
}

/* The column that stands for the subtree, or NULL. */
static qn_code find_known(struct render *r, const struct qn_ast *ast, const char **out)
{
    const char *text;
    *out = NULL;
    if (!r->known || r->inside || is_literal(ast) || ast->kind == QN_AST_SUBQUERY ||
        ast->kind == QN_AST_EXISTS || ast->kind == QN_AST_IN_QUERY || ast->kind == QN_AST_WINDOW)
        return QN_OK;
    bool nests = ast->kind == QN_AST_AGGREGATE || !qn_query_has(ast, QN_AST_AGGREGATE);
    if (!nests) /* keys hold no aggregate */
        return QN_OK;
    QN_TRY(qn_query_render(r->p, r->scope, NULL, ast, &text));
    for (uint32_t i = 0; i < r->known->n && !*out; i++)
        if (strcmp(r->known->items[i].text, text) == 0)
            *out = r->known->items[i].name;
    return QN_OK;
}

static qn_code put(struct render *r, const struct qn_ast *ast)
{
    const char *known;
    size_t begin = r->out.len;
    QN_TRY(find_known(r, ast, &known));
    if (known)
        put_name(&r->out, known);
    else
        QN_TRY(put_node(r, ast));
    r->places = qn_sql_grow(r->p->arena, r->places, r->n_places, sizeof *r->places);
    if (!r->places)
        return QN_QUERY_NOMEM(r->p);
    r->places[r->n_places++] = (struct place){begin, r->out.len, ast->mark};
    return QN_OK;
}

/* --- the whole ------------------------------------------------------------------------------- */

static qn_code render(struct render *r, const struct qn_ast *ast, const char **out)
{
    qn_buf_init(&r->out);
    qn_code code = put(r, ast);
    if (code == QN_OK) {
        *out = qn_arena_strdup(r->p->arena, qn_buf_strv(&r->out));
        if (r->out.failed || !*out)
            code = QN_QUERY_NOMEM(r->p);
    }
    qn_buf_fini(&r->out);
    return code;
}

qn_code qn_query_render(struct qn_query_planner *p, const struct qn_query_scope *scope,
                        const struct qn_query_pairs *known, const struct qn_ast *ast,
                        const char **out)
{
    struct render r = {.p = p, .scope = scope, .known = known};
    return render(&r, ast, out);
}

/* A complaint about the text becomes one about the smallest node around its place. */
static void place_complaint(const struct render *r, const struct qn_ast *ast,
                            struct qn_expr_complaint *complaint)
{
    size_t begin = complaint->offset, end = complaint->offset + complaint->width;
    struct place best = {0, SIZE_MAX, ast->mark};
    for (uint32_t i = 0; i < r->n_places; i++)
        if (r->places[i].begin <= begin && r->places[i].end >= end &&
            r->places[i].end - r->places[i].begin < best.end - best.begin)
            best = r->places[i];
    complaint->offset = best.mark.offset;
    complaint->width = best.mark.width;
}

qn_code qn_query_express(struct qn_query_planner *p, const struct qn_query_scope *scope,
                         const struct qn_query_stage *stage, const struct qn_query_pairs *known,
                         const struct qn_ast *ast, struct qn_query_text *out)
{
    struct render r = {.p = p, .scope = scope, .known = known};
    const struct qn_schema schema = {stage->fields, stage->n_fields};
    struct qn_expr *expr;
    *out = (struct qn_query_text){0};
    QN_TRY(render(&r, ast, &out->text));
    if (ast->kind == QN_AST_AGGREGATE && !known) {
        struct qn_agg_call call;
        qn_code made =
            qn_agg_compile(p->arena, qn_strv_from(out->text), &schema, &call, p->complaint);
        if (made == QN_EINPUT) {
            place_complaint(&r, ast, p->complaint);
            if (ast->aggregate->distinct) /* sum(DISTINCT x) */
                qn_query_leave(p, p->asked);
        }
        out->type = call.type;
        return made;
    }
    qn_code code = qn_expr_compile(p->arena, qn_strv_from(out->text), &schema, &expr, p->complaint);
    if (code == QN_EINPUT)
        place_complaint(&r, ast, p->complaint);
    if (code != QN_OK)
        return code;
    out->type = qn_expr_type(expr);
    QN_TRY(find_known(&r, ast, &out->column));
    if (!out->column && ast->kind == QN_AST_COLUMN)
        out->column = scope->fields[ast->number - 1].name;
    return QN_OK;
}

qn_code qn_query_truth(struct qn_query_planner *p, struct qn_type type, const struct qn_ast *ast)
{
    char name[QN_TYPE_NAME];
    if (type.id == QN_BOOL || qn_type_is_numeric(type) || ast->kind == QN_AST_NULL)
        return QN_OK;
    return QN_QUERY_REFUSE(p, ast->mark, "write a comparison: x = 'yes', x IS NOT NULL",
                           "a condition is true or false, this is %s", qn_type_name(type, name));
}
