/* parse_forms: calls with words between their arguments, casts, and spans of time. */
#include <string.h>

#include "base/limits.h"
#include "expr/parser.h"

static bool word(struct qn_parser *p, const char *word)
{
    bool found = qn_token_is(qn_parser_token(p), word);
    p->at += found;
    return found;
}

static qn_code add_operand(struct qn_parser *p, enum qn_precedence above, struct qn_ast_list *args)
{
    struct qn_ast *item;
    QN_TRY(qn_parser_expr(p, above, &item));
    return qn_parser_add(p, args, item);
}

/* --- calls ----------------------------------------------------------------------------------- */

/* extract(year FROM x) is date_part('year', x). */
static qn_code parse_extract(struct qn_parser *p, struct qn_ast_list *args)
{
    struct qn_ast *item;
    p->at++;
    QN_TRY(qn_parser_leaf(p, QN_AST_TEXT, &item));
    QN_TRY(qn_parser_add(p, args, item));
    p->at++;
    return add_operand(p, QN_PREC_NONE, args);
}

/* position(part IN text) is instr(text, part). */
static qn_code parse_position(struct qn_parser *p, struct qn_ast_list *args)
{
    struct qn_ast *part;
    QN_TRY(qn_parser_expr(p, QN_PREC_EQUAL, &part));
    QN_TRY(qn_parser_expect(p, QN_TOK_IN, "IN and a text"));
    QN_TRY(add_operand(p, QN_PREC_NONE, args));
    return qn_parser_add(p, args, part);
}

/* substring(text FROM start FOR length), or commas in these places. */
static qn_code parse_substring(struct qn_parser *p, struct qn_ast_list *args)
{
    do {
        QN_TRY(add_operand(p, QN_PREC_NONE, args));
    } while (qn_parser_accept(p, QN_TOK_COMMA) || word(p, "from") || word(p, "for"));
    return QN_OK;
}

/* trim([BOTH | LEADING | TRAILING] [characters] FROM text) */
static qn_code parse_trim(struct qn_parser *p, struct qn_strv *name, struct qn_ast_list *args)
{
    struct qn_ast *characters = NULL;
    if (word(p, "leading"))
        *name = QN_STRV_LIT("ltrim");
    else if (word(p, "trailing"))
        *name = QN_STRV_LIT("rtrim");
    else
        (void)word(p, "both");
    if (!qn_token_is(qn_parser_token(p), "from"))
        QN_TRY(qn_parser_expr(p, QN_PREC_NONE, &characters));
    if (word(p, "from")) {
        QN_TRY(add_operand(p, QN_PREC_NONE, args));
        return characters ? qn_parser_add(p, args, characters) : QN_OK;
    }
    QN_TRY(qn_parser_add(p, args, characters));
    return qn_parser_accept(p, QN_TOK_COMMA) ? add_operand(p, QN_PREC_NONE, args) : QN_OK;
}

qn_code qn_parser_call_form(struct qn_parser *p, struct qn_strv *name, struct qn_ast_list *args)
{
    const struct qn_token *called = &p->tokens.items[p->at - 2];
    if (qn_token_is(called, "extract") && qn_parser_token(p)->kind == QN_TOK_NAME &&
        qn_token_is(qn_parser_after(p), "from")) {
        QN_TRY(parse_extract(p, args));
    } else if (qn_token_is(called, "position")) {
        *name = QN_STRV_LIT("instr");
        QN_TRY(parse_position(p, args));
    } else if (qn_token_is(called, "substring")) {
        QN_TRY(parse_substring(p, args));
    } else if (qn_token_is(called, "trim")) {
        QN_TRY(parse_trim(p, name, args));
    } else {
        return qn_parser_list(p, args);
    }
    return qn_parser_expect(p, QN_TOK_RPAREN, "',' or ')'");
}

/* --- casts ----------------------------------------------------------------------------------- */

/* Names that casts take beyond those of columns. As in SQLite the length of a varchar(10) cuts
 * nothing off, and a bare NUMERIC is any number, hence a double. */
static bool cast_type(struct qn_strv name, struct qn_type *out)
{
    static const struct {
        const char *name;
        uint8_t id;
    } aliases[] = {
        {"numeric", QN_DOUBLE}, {"decimal", QN_DOUBLE}, {"smallint", QN_INT64},
        {"tinyint", QN_INT64},  {"int32", QN_INT64},    {"float64", QN_DOUBLE},
        {"varchar", QN_TEXT},   {"nvarchar", QN_TEXT},  {"char", QN_TEXT},
        {"nchar", QN_TEXT},     {"character", QN_TEXT}, {"clob", QN_TEXT},
    };
    const char *open = memchr(name.data, '(', name.len);
    struct qn_strv word = {name.data, open ? (size_t)(open - name.data) : name.len};
    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++) {
        if (!qn_strv_eq_nocase(word, qn_strv_from(aliases[i].name)))
            continue;
        if (open && aliases[i].id != QN_TEXT)
            break;
        *out = (struct qn_type){.id = aliases[i].id};
        return true;
    }
    return qn_type_parse(name, out);
}

/* The words of a type, and what stands in parentheses behind: double precision, decimal(10, 2). */
static void skip_type(struct qn_parser *p)
{
    const struct qn_token *t = qn_parser_token(p);
    p->at++;
    if ((qn_token_is(t, "double") && qn_token_is(&t[1], "precision")) ||
        (qn_token_is(t, "character") && qn_token_is(&t[1], "varying")))
        p->at++;
    if (qn_parser_token(p)->kind != QN_TOK_LPAREN)
        return;
    while (qn_parser_token(p)->kind != QN_TOK_END && qn_parser_token(p)->kind != QN_TOK_RPAREN)
        p->at++;
    p->at += qn_parser_token(p)->kind == QN_TOK_RPAREN;
}

static qn_code parse_type(struct qn_parser *p, struct qn_type *out)
{
    char name[64];
    size_t n = 0, first = p->at;
    if (qn_parser_token(p)->kind != QN_TOK_NAME)
        return qn_parser_unexpected(p, "a type");
    skip_type(p);
    for (size_t i = first; i < p->at; i++) { /* blanks stand between words alone */
        const struct qn_token *t = &p->tokens.items[i];
        bool blank = i > first && t->kind == QN_TOK_NAME;
        if (n + blank + t->mark.width < sizeof name) {
            if (blank)
                name[n++] = ' ';
            memcpy(name + n, p->text.data + t->mark.offset, t->mark.width);
        }
        n += t->mark.width;
    }
    if (n < sizeof name && cast_type((struct qn_strv){name, n}, out))
        return QN_OK;
    struct qn_strv found = qn_parser_text(p, first);
    return qn_complain(p->complaint, qn_parser_mark(p, p->tokens.items[first].mark.offset),
                       "types: integer, double, decimal(p,s), text, boolean, date, timestamp",
                       "'%.*s' is not a type", QN_SHORT_ARG(found));
}

qn_code qn_parser_cast(struct qn_parser *p, struct qn_ast **out)
{
    uint32_t start = qn_parser_token(p)->mark.offset;
    struct qn_ast_list args = {0};
    struct qn_ast *item;
    struct qn_type type;
    p->at++;
    QN_TRY(qn_parser_expect(p, QN_TOK_LPAREN, "'('"));
    QN_TRY(qn_parser_expr(p, QN_PREC_NONE, &item));
    QN_TRY(qn_parser_add(p, &args, item));
    if (!qn_token_is(qn_parser_token(p), "as"))
        return qn_parser_unexpected(p, "AS");
    p->at++;
    QN_TRY(parse_type(p, &type));
    QN_TRY(qn_parser_expect(p, QN_TOK_RPAREN, "')'"));
    QN_TRY(qn_parser_make(p, QN_AST_CAST, start, args, out));
    (*out)->type = type;
    return QN_OK;
}

qn_code qn_parser_colons(struct qn_parser *p, struct qn_ast *x, struct qn_ast **out)
{
    struct qn_ast_list args = {0};
    struct qn_type type;
    QN_TRY(qn_parser_add(p, &args, x));
    QN_TRY(parse_type(p, &type));
    QN_TRY(qn_parser_make(p, QN_AST_CAST, x->mark.offset, args, out));
    (*out)->type = type;
    return QN_OK;
}

/* --- spans ----------------------------------------------------------------------------------- */

/* As a call whose name no function has: [unit, n, unit, n, ...]. */
#define SPAN "interval_of"

bool qn_parser_begins_span(const struct qn_parser *p)
{
    enum qn_token_kind next = qn_parser_after(p)->kind;
    return qn_token_is(qn_parser_token(p), "interval") &&
           (next == QN_TOK_STRING || next == QN_TOK_INTEGER || next == QN_TOK_LPAREN);
}

bool qn_ast_is_span(const struct qn_ast *ast)
{
    return ast->kind == QN_AST_CALL && qn_strv_is(ast->text, SPAN);
}

/* The unit as date_add knows it, without the s of days. */
static qn_code add_unit(struct qn_parser *p, struct qn_strv unit, struct qn_ast_list *args)
{
    struct qn_ast *ast;
    if (unit.len > 1 && (unit.data[unit.len - 1] | 0x20) == 's')
        unit.len--;
    QN_TRY(qn_parser_leaf(p, QN_AST_TEXT, &ast));
    ast->text = unit;
    return qn_parser_add(p, args, ast);
}

static qn_code add_number(struct qn_parser *p, int64_t number, struct qn_ast_list *args)
{
    struct qn_ast *ast;
    QN_TRY(qn_parser_leaf(p, QN_AST_INTEGER, &ast));
    ast->number = number;
    return qn_parser_add(p, args, ast);
}

static struct qn_strv next_word(struct qn_strv *text)
{
    struct qn_strv rest = qn_strv_trim(*text), found = rest;
    const char *blank = memchr(rest.data, ' ', rest.len);
    found.len = blank ? (size_t)(blank - rest.data) : rest.len;
    *text = (struct qn_strv){rest.data + found.len, rest.len - found.len};
    return found;
}

/* Spans in months, days and seconds, which is the order that they are added in. */
enum { MONTHS, DAYS, SECONDS, N_MEASURES };
static const char *const measures[] = {"month", "day", "second"};

/* amount units more; false: there is no such unit, or it is too far. */
static bool measure(struct qn_strv unit, int64_t amount, int64_t totals[N_MEASURES])
{
    static const struct {
        const char *name;
        uint8_t in;
        int32_t size;
    } units[] = {{"year", MONTHS, 12},    {"quarter", MONTHS, 3}, {"month", MONTHS, 1},
                 {"week", DAYS, 7},       {"day", DAYS, 1},       {"hour", SECONDS, 3600},
                 {"minute", SECONDS, 60}, {"second", SECONDS, 1}};
    int64_t size;
    if (unit.len > 1 && (unit.data[unit.len - 1] | 0x20) == 's')
        unit.len--;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (qn_strv_eq_nocase(unit, qn_strv_from(units[i].name)))
            return !__builtin_mul_overflow(amount, units[i].size, &size) &&
                   !__builtin_add_overflow(totals[units[i].in], size, &totals[units[i].in]);
    return false;
}

/* '3 months 10 days', of which the string was just read; or '3', with a unit behind it. */
static qn_code parse_span_text(struct qn_parser *p, struct qn_ast_list *args)
{
    const struct qn_token *t = &p->tokens.items[p->at - 1];
    struct qn_strv text = t->text;
    int64_t totals[N_MEASURES] = {0};
    do {
        struct qn_strv amount = next_word(&text), unit = next_word(&text);
        int64_t n;
        if (unit.len == 0 && qn_parser_token(p)->kind == QN_TOK_NAME) {
            unit = qn_parser_token(p)->text;
            p->at++;
        }
        if (!qn_strv_to_i64(amount, &n) || !measure(unit, n, totals))
            return qn_complain(p->complaint, t->mark, "INTERVAL '3 days', INTERVAL 1 MONTH",
                               "this is no span of whole units");
    } while (qn_strv_trim(text).len);
    for (uint32_t i = 0; i < N_MEASURES; i++) {
        if (!totals[i] && (args->n || i + 1 < N_MEASURES))
            continue;
        QN_TRY(add_unit(p, qn_strv_from(measures[i]), args));
        QN_TRY(add_number(p, totals[i], args));
    }
    return QN_OK;
}

qn_code qn_parser_span(struct qn_parser *p, struct qn_ast **out)
{
    uint32_t start = qn_parser_token(p)->mark.offset;
    struct qn_ast_list args = {0};
    struct qn_ast *n;
    p->at++;
    if (qn_parser_accept(p, QN_TOK_STRING)) {
        QN_TRY(parse_span_text(p, &args));
    } else {
        QN_TRY(qn_parser_expr(p, QN_PREC_UNARY, &n));
        if (qn_parser_token(p)->kind != QN_TOK_NAME)
            return qn_parser_unexpected(p, "a unit: DAY, MONTH, ...");
        p->at++;
        QN_TRY(add_unit(p, p->tokens.items[p->at - 1].text, &args));
        QN_TRY(qn_parser_add(p, &args, n));
    }
    QN_TRY(qn_parser_make(p, QN_AST_CALL, start, args, out));
    (*out)->text = QN_STRV_LIT(SPAN);
    (*out)->name_mark = (*out)->mark;
    return QN_OK;
}

/* date_add(unit, n, x), where n is turned round for what is taken away. */
static qn_code call_date_add(struct qn_parser *p, struct qn_ast *const *unit, bool minus,
                             struct qn_mark mark, struct qn_ast **x)
{
    struct qn_ast_list args = {0}, negated = {0};
    struct qn_ast *n = unit[1];
    if (minus) {
        QN_TRY(qn_parser_add(p, &negated, n));
        QN_TRY(qn_parser_make(p, QN_AST_NEGATE, mark.offset, negated, &n));
        n->mark = mark;
    }
    QN_TRY(qn_parser_add(p, &args, unit[0]));
    QN_TRY(qn_parser_add(p, &args, n));
    QN_TRY(qn_parser_add(p, &args, *x));
    QN_TRY(qn_parser_make(p, QN_AST_CALL, mark.offset, args, x));
    (*x)->text = QN_STRV_LIT("date_add");
    (*x)->name_mark = (*x)->mark = mark;
    return QN_OK;
}

qn_code qn_parser_add_span(struct qn_parser *p, struct qn_ast **out)
{
    const struct qn_ast *sum = *out;
    bool minus = sum->op == QN_TOK_MINUS, first = qn_ast_is_span(sum->args[0]);
    const struct qn_ast *span = sum->args[first ? 0 : 1];
    struct qn_ast *x = sum->args[first ? 1 : 0];
    if ((!minus && sum->op != QN_TOK_PLUS) || (first && minus) || qn_ast_is_span(x))
        return qn_complain(p->complaint, span->mark, "write x + INTERVAL 1 DAY",
                           "an INTERVAL is added to a date or timestamp, or taken from it");
    for (uint32_t i = 0; i + 1 < span->n_args; i += 2)
        QN_TRY(call_date_add(p, &span->args[i], minus, sum->mark, &x));
    *out = x;
    return QN_OK;
}
