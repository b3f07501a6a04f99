#include "expr/parse.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"

struct parser {
    struct qn_arena *arena;
    struct qn_strv text;
    struct qn_tokens tokens;
    size_t at;
    uint32_t depth;
    struct qn_expr_complaint *complaint;
};

enum precedence {
    PREC_NONE,
    PREC_OR,
    PREC_AND,
    PREC_NOT,
    PREC_EQUAL,
    PREC_ORDER,
    PREC_BITS,
    PREC_ADD,
    PREC_MULTIPLY,
    PREC_CONCAT,
    PREC_UNARY,
};

/* A growing list of arguments. */
struct list {
    struct qn_ast **items;
    uint32_t n, capacity;
};

static qn_code parse_expr(struct parser *p, enum precedence above, struct qn_ast **out);

static const struct qn_token *token(const struct parser *p)
{
    return &p->tokens.items[p->at];
}

static const struct qn_token *token_after(const struct parser *p)
{
    return &p->tokens.items[p->at + (p->at + 1 < p->tokens.n)];
}

static bool accept(struct parser *p, enum qn_token_kind kind)
{
    if (token(p)->kind != kind)
        return false;
    p->at++;
    return true;
}

static bool is_word(const struct qn_token *t, const char *word)
{
    return t->kind == QN_TOK_NAME && qn_strv_eq_nocase(t->text, qn_strv_from(word));
}

/* What to write for words and symbols of other dialects. */
static const char *hint_for(const struct qn_token *t)
{
    static const struct {
        const char *word, *hint;
    } hints[] = {
        {"select", "an expression has no subqueries; join the other dataset first"},
        {"collate", "compare lower(x) to ignore the case of letters"},
        {"regexp", "use LIKE or GLOB, or the data test 'matches'"},
        {"ilike", "LIKE ignores the case of ASCII letters already"},
        {"div", "/ between integers gives an integer"},
        {"over", "window functions are no part of an expression of one row"},
    };
    if (t->kind == QN_TOK_AMPERSAND)
        return "write AND for the logical operator";
    if (t->kind == QN_TOK_PIPE)
        return "write OR for the logical operator, || to join texts";
    for (size_t i = 0; i < sizeof hints / sizeof hints[0]; i++)
        if (is_word(t, hints[i].word))
            return hints[i].hint;
    return NULL;
}

static qn_code unexpected(struct parser *p, const char *expected)
{
    const struct qn_token *t = token(p);
    if (t->kind == QN_TOK_END)
        return qn_complain(p->complaint, (struct qn_mark){t->mark.offset, 1}, NULL,
                           "expected %s, found the end", expected);
    struct qn_strv found = {p->text.data + t->mark.offset, t->mark.width};
    return qn_complain(p->complaint, t->mark, hint_for(t), "expected %s, found '%.*s'", expected,
                       QN_SHORT_ARG(found));
}

static qn_code expect(struct parser *p, enum qn_token_kind kind, const char *expected)
{
    return accept(p, kind) ? QN_OK : unexpected(p, expected);
}

static qn_code list_add(struct parser *p, struct list *list, struct qn_ast *item)
{
    if (list->n == list->capacity) {
        uint32_t capacity = list->capacity ? list->capacity * 2 : 4;
        struct qn_ast **items = QN_NEW_ARRAY(p->arena, struct qn_ast *, capacity);
        if (!items)
            return qn_complain_nomem(p->complaint);
        for (uint32_t i = 0; i < list->n; i++)
            items[i] = list->items[i];
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->n++] = item;
    return QN_OK;
}

static struct qn_mark mark_since(const struct parser *p, uint32_t start)
{
    struct qn_mark last = p->tokens.items[p->at - 1].mark;
    return (struct qn_mark){start, last.offset + last.width - start};
}

static qn_code too_deep(struct parser *p, struct qn_mark mark)
{
    return qn_complain(p->complaint, mark, "use IN (...), or split it into several columns",
                       "the expression is nested deeper than %d", QN_MAX_EXPR_DEPTH);
}

/* A node over everything from byte `start` to the last token read. */
static qn_code make(struct parser *p, enum qn_ast_kind kind, uint32_t start, struct list args,
                    struct qn_ast **out)
{
    struct qn_ast *ast = QN_NEW(p->arena, struct qn_ast);
    if (!ast)
        return qn_complain_nomem(p->complaint);
    ast->kind = kind;
    ast->mark = mark_since(p, start);
    ast->args = args.items;
    ast->n_args = args.n;
    for (uint32_t i = 0; i < args.n; i++)
        if (args.items[i]->depth >= ast->depth)
            ast->depth = args.items[i]->depth + 1;
    *out = ast;
    return ast->depth > QN_MAX_EXPR_DEPTH ? too_deep(p, ast->mark) : QN_OK;
}

static qn_code make_leaf(struct parser *p, enum qn_ast_kind kind, struct qn_ast **out)
{
    const struct qn_token *t = &p->tokens.items[p->at - 1];
    QN_TRY(make(p, kind, t->mark.offset, (struct list){0}, out));
    (*out)->text = t->text;
    return QN_OK;
}

static bool parse_hex(struct qn_strv text, int64_t *out)
{
    size_t first = 2;
    while (first < text.len && text.data[first] == '0')
        first++;
    if (text.len < 3 || text.data[0] != '0' || (text.data[1] | 0x20) != 'x' ||
        text.len - first > 16)
        return false;
    uint64_t value = 0;
    for (size_t i = first; i < text.len; i++) {
        char c = text.data[i];
        value = value << 4 | (uint64_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    *out = (int64_t)value;
    return true;
}

/* Integers past 64 bits become doubles, as in SQLite. */
static qn_code parse_integer(struct parser *p, struct qn_ast **out)
{
    QN_TRY(make_leaf(p, QN_AST_INTEGER, out));
    struct qn_ast *ast = *out;
    if (ast->text.len > 1 && (ast->text.data[1] | 0x20) == 'x') {
        if (!parse_hex(ast->text, &ast->number))
            return qn_complain(p->complaint, ast->mark, NULL, "hex number of more than 64 bits");
    } else if (!qn_strv_to_i64(ast->text, &ast->number)) {
        ast->kind = QN_AST_FLOAT;
    }
    return QN_OK;
}

static qn_code parse_list(struct parser *p, struct list *list)
{
    do {
        struct qn_ast *item;
        QN_TRY(parse_expr(p, PREC_NONE, &item));
        QN_TRY(list_add(p, list, item));
    } while (accept(p, QN_TOK_COMMA));
    return expect(p, QN_TOK_RPAREN, "',' or ')'");
}

/* extract(year FROM x) is date_part('year', x). */
static qn_code parse_extract(struct parser *p, struct list *args)
{
    struct qn_ast *item;
    if (token(p)->kind != QN_TOK_NAME || !is_word(token_after(p), "from"))
        return parse_list(p, args);
    p->at++;
    QN_TRY(make_leaf(p, QN_AST_TEXT, &item));
    QN_TRY(list_add(p, args, item));
    p->at++;
    QN_TRY(parse_expr(p, PREC_NONE, &item));
    QN_TRY(list_add(p, args, item));
    return expect(p, QN_TOK_RPAREN, "')'");
}

static qn_code parse_call(struct parser *p, struct qn_ast **out)
{
    const struct qn_token *name = token(p);
    struct list args = {0};
    p->at += 2;
    bool star = accept(p, QN_TOK_STAR);
    if (star)
        QN_TRY(expect(p, QN_TOK_RPAREN, "')'"));
    else if (is_word(name, "extract"))
        QN_TRY(parse_extract(p, &args));
    else if (!accept(p, QN_TOK_RPAREN))
        QN_TRY(parse_list(p, &args));
    QN_TRY(make(p, QN_AST_CALL, name->mark.offset, args, out));
    (*out)->text = name->text;
    (*out)->name_mark = name->mark;
    (*out)->number = star;
    return QN_OK;
}

/* A column, a function call, or DATE '...' and TIMESTAMP '...': those words are not reserved. */
static qn_code parse_name(struct parser *p, struct qn_ast **out)
{
    const struct qn_token *t = token(p);
    enum qn_token_kind next = token_after(p)->kind;
    if (t->kind == QN_TOK_NAME && next == QN_TOK_LPAREN)
        return parse_call(p, out);
    if (next == QN_TOK_STRING && (is_word(t, "date") || is_word(t, "timestamp"))) {
        p->at += 2;
        QN_TRY(make_leaf(p, is_word(t, "date") ? QN_AST_DATE : QN_AST_TIMESTAMP, out));
        (*out)->mark = mark_since(p, t->mark.offset);
        return QN_OK;
    }
    p->at++;
    QN_TRY(make_leaf(p, QN_AST_COLUMN, out));
    (*out)->negated = t->kind == QN_TOK_QUOTED;
    return QN_OK;
}

static qn_code parse_case(struct parser *p, struct qn_ast **out)
{
    uint32_t start = token(p)->mark.offset;
    struct list args = {0};
    struct qn_ast *item;
    int64_t shape = 0;
    p->at++;
    if (token(p)->kind != QN_TOK_WHEN) {
        QN_TRY(parse_expr(p, PREC_NONE, &item));
        QN_TRY(list_add(p, &args, item));
        shape |= 1;
    }
    if (token(p)->kind != QN_TOK_WHEN)
        return unexpected(p, "WHEN");
    while (accept(p, QN_TOK_WHEN)) {
        QN_TRY(parse_expr(p, PREC_NONE, &item));
        QN_TRY(list_add(p, &args, item));
        QN_TRY(expect(p, QN_TOK_THEN, "THEN"));
        QN_TRY(parse_expr(p, PREC_NONE, &item));
        QN_TRY(list_add(p, &args, item));
    }
    if (accept(p, QN_TOK_ELSE)) {
        QN_TRY(parse_expr(p, PREC_NONE, &item));
        QN_TRY(list_add(p, &args, item));
        shape |= 2;
    }
    QN_TRY(expect(p, QN_TOK_END_WORD, shape & 2 ? "END" : "WHEN, ELSE or END"));
    QN_TRY(make(p, QN_AST_CASE, start, args, out));
    (*out)->number = shape;
    return QN_OK;
}

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

/* Type words up to the closing parenthesis of the cast: "double precision", "decimal(10, 2)". */
static qn_code parse_type(struct parser *p, struct qn_type *out)
{
    char name[64];
    size_t n = 0;
    uint32_t start = token(p)->mark.offset;
    if (token(p)->kind != QN_TOK_NAME)
        return unexpected(p, "a type");
    unsigned open = 0;
    for (bool first = true; token(p)->kind != QN_TOK_END; p->at++, first = false) {
        const struct qn_token *t = token(p);
        if (t->kind == QN_TOK_RPAREN && open == 0)
            break;
        open += t->kind == QN_TOK_LPAREN;
        open -= t->kind == QN_TOK_RPAREN;
        bool blank = !first && t->kind == QN_TOK_NAME;
        if (n + blank + t->mark.width < sizeof name) {
            if (blank)
                name[n++] = ' ';
            memcpy(name + n, p->text.data + t->mark.offset, t->mark.width);
        }
        n += t->mark.width;
    }
    if (n < sizeof name && cast_type((struct qn_strv){name, n}, out))
        return QN_OK;
    struct qn_mark mark = mark_since(p, start);
    struct qn_strv found = {p->text.data + mark.offset, mark.width};
    return qn_complain(p->complaint, mark,
                       "types: integer, double, decimal(p,s), text, boolean, date, timestamp",
                       "'%.*s' is not a type", QN_SHORT_ARG(found));
}

static qn_code parse_cast(struct parser *p, struct qn_ast **out)
{
    uint32_t start = token(p)->mark.offset;
    struct list args = {0};
    struct qn_ast *item;
    struct qn_type type;
    p->at++;
    QN_TRY(expect(p, QN_TOK_LPAREN, "'('"));
    QN_TRY(parse_expr(p, PREC_NONE, &item));
    QN_TRY(list_add(p, &args, item));
    if (!is_word(token(p), "as"))
        return unexpected(p, "AS");
    p->at++;
    QN_TRY(parse_type(p, &type));
    QN_TRY(expect(p, QN_TOK_RPAREN, "')'"));
    QN_TRY(make(p, QN_AST_CAST, start, args, out));
    (*out)->type = type;
    return QN_OK;
}

static qn_code parse_unary(struct parser *p, enum qn_ast_kind kind, enum precedence above,
                           struct qn_ast **out)
{
    uint32_t start = token(p)->mark.offset;
    struct list args = {0};
    struct qn_ast *item;
    p->at++;
    const struct qn_token *t = token(p);
    /* The one integer whose absolute value does not fit. */
    if (kind == QN_AST_NEGATE && t->kind == QN_TOK_INTEGER &&
        qn_strv_is(t->text, "9223372036854775808")) {
        p->at++;
        QN_TRY(make(p, QN_AST_INTEGER, start, args, out));
        (*out)->number = INT64_MIN;
        return QN_OK;
    }
    QN_TRY(parse_expr(p, above, &item));
    QN_TRY(list_add(p, &args, item));
    return make(p, kind, start, args, out);
}

static qn_code parse_parenthesised(struct parser *p, struct qn_ast **out)
{
    uint32_t start = token(p)->mark.offset;
    p->at++;
    QN_TRY(parse_expr(p, PREC_NONE, out));
    if (token(p)->kind == QN_TOK_COMMA)
        return qn_complain(p->complaint, token(p)->mark, "lists stand after IN only",
                           "expected ')', found ','");
    QN_TRY(expect(p, QN_TOK_RPAREN, "')'"));
    (*out)->mark = mark_since(p, start);
    return QN_OK;
}

static qn_code parse_primary(struct parser *p, struct qn_ast **out)
{
    enum qn_token_kind kind = token(p)->kind;
    switch (kind) {
    case QN_TOK_NAME:
    case QN_TOK_QUOTED: return parse_name(p, out);
    case QN_TOK_LPAREN: return parse_parenthesised(p, out);
    case QN_TOK_CASE: return parse_case(p, out);
    case QN_TOK_CAST: return parse_cast(p, out);
    case QN_TOK_NOT: return parse_unary(p, QN_AST_NOT, PREC_AND, out);
    case QN_TOK_MINUS: return parse_unary(p, QN_AST_NEGATE, PREC_CONCAT, out);
    case QN_TOK_PLUS: return parse_unary(p, QN_AST_PLUS, PREC_CONCAT, out);
    case QN_TOK_TILDE: return parse_unary(p, QN_AST_BIT_NOT, PREC_CONCAT, out);
    case QN_TOK_INTEGER: p->at++; return parse_integer(p, out);
    case QN_TOK_DECIMAL: p->at++; return make_leaf(p, QN_AST_DECIMAL, out);
    case QN_TOK_FLOAT: p->at++; return make_leaf(p, QN_AST_FLOAT, out);
    case QN_TOK_STRING: p->at++; return make_leaf(p, QN_AST_TEXT, out);
    case QN_TOK_NULL: p->at++; return make_leaf(p, QN_AST_NULL, out);
    case QN_TOK_TRUE:
    case QN_TOK_FALSE:
        p->at++;
        QN_TRY(make_leaf(p, QN_AST_BOOL, out));
        (*out)->number = kind == QN_TOK_TRUE;
        return QN_OK;
    default: return unexpected(p, "a value");
    }
}

static enum precedence infix_precedence(const struct parser *p)
{
    switch (token(p)->kind) {
    case QN_TOK_OR: return PREC_OR;
    case QN_TOK_AND: return PREC_AND;
    case QN_TOK_NOT: /* NOT IN, NOT LIKE, NOT BETWEEN, NOT NULL */
    case QN_TOK_EQ:
    case QN_TOK_NE:
    case QN_TOK_IS:
    case QN_TOK_IN:
    case QN_TOK_LIKE:
    case QN_TOK_GLOB:
    case QN_TOK_BETWEEN:
    case QN_TOK_ISNULL:
    case QN_TOK_NOTNULL: return PREC_EQUAL;
    case QN_TOK_LT:
    case QN_TOK_LE:
    case QN_TOK_GT:
    case QN_TOK_GE: return PREC_ORDER;
    case QN_TOK_SHIFT_LEFT:
    case QN_TOK_SHIFT_RIGHT:
    case QN_TOK_AMPERSAND:
    case QN_TOK_PIPE: return PREC_BITS;
    case QN_TOK_PLUS:
    case QN_TOK_MINUS: return PREC_ADD;
    case QN_TOK_STAR:
    case QN_TOK_SLASH:
    case QN_TOK_PERCENT: return PREC_MULTIPLY;
    case QN_TOK_CONCAT: return PREC_CONCAT;
    default: return PREC_NONE;
    }
}

/* Adds an operand that binds tighter than `above`. */
static qn_code parse_operand(struct parser *p, enum precedence above, struct list *args)
{
    struct qn_ast *item;
    QN_TRY(parse_expr(p, above, &item));
    return list_add(p, args, item);
}

static qn_code parse_is_null(struct parser *p, struct list *args)
{
    struct qn_ast *null;
    QN_TRY(make_leaf(p, QN_AST_NULL, &null));
    return list_add(p, args, null);
}

static qn_code parse_is(struct parser *p, struct list *args, bool *negated)
{
    *negated = accept(p, QN_TOK_NOT);
    if (is_word(token(p), "distinct") && is_word(token_after(p), "from")) {
        p->at += 2; /* IS DISTINCT FROM says the opposite of IS */
        *negated = !*negated;
    }
    return parse_operand(p, PREC_EQUAL, args);
}

static qn_code parse_in(struct parser *p, struct list *args)
{
    QN_TRY(expect(p, QN_TOK_LPAREN, "'(' and a list of values"));
    if (is_word(token(p), "select"))
        return unexpected(p, "a value");
    return accept(p, QN_TOK_RPAREN) ? QN_OK : parse_list(p, args);
}

static qn_code parse_between(struct parser *p, struct list *args)
{
    QN_TRY(parse_operand(p, PREC_AND, args));
    QN_TRY(expect(p, QN_TOK_AND, "AND and the upper bound of BETWEEN"));
    return parse_operand(p, PREC_EQUAL, args);
}

static qn_code parse_like(struct parser *p, struct list *args)
{
    QN_TRY(parse_operand(p, PREC_EQUAL, args));
    if (accept(p, QN_TOK_ESCAPE))
        QN_TRY(parse_operand(p, PREC_ORDER, args));
    return QN_OK;
}

/* The word operators after their left side; `op` was just read. */
static qn_code parse_word_operator(struct parser *p, enum qn_token_kind op, bool negated,
                                   struct qn_ast *left, struct qn_ast **out)
{
    struct list args = {0};
    enum qn_ast_kind kind = QN_AST_IS;
    QN_TRY(list_add(p, &args, left));
    switch (op) {
    case QN_TOK_IS: QN_TRY(parse_is(p, &args, &negated)); break;
    case QN_TOK_NOTNULL: negated = true; __attribute__((fallthrough));
    case QN_TOK_NULL:
    case QN_TOK_ISNULL: QN_TRY(parse_is_null(p, &args)); break;
    case QN_TOK_IN:
        kind = QN_AST_IN;
        QN_TRY(parse_in(p, &args));
        break;
    case QN_TOK_BETWEEN:
        kind = QN_AST_BETWEEN;
        QN_TRY(parse_between(p, &args));
        break;
    default:
        kind = QN_AST_LIKE;
        QN_TRY(parse_like(p, &args));
        break;
    }
    QN_TRY(make(p, kind, left->mark.offset, args, out));
    (*out)->negated = negated;
    (*out)->op = op;
    return QN_OK;
}

static bool takes_not(enum qn_token_kind kind)
{
    return kind == QN_TOK_IN || kind == QN_TOK_LIKE || kind == QN_TOK_GLOB ||
           kind == QN_TOK_BETWEEN || kind == QN_TOK_NULL;
}

static qn_code parse_infix(struct parser *p, enum precedence precedence, struct qn_ast *left,
                           struct qn_ast **out)
{
    bool negated = accept(p, QN_TOK_NOT);
    enum qn_token_kind op = token(p)->kind;
    if (negated && !takes_not(op))
        return unexpected(p, "IN, LIKE, GLOB, BETWEEN or NULL after NOT");
    p->at++;
    if (negated || op == QN_TOK_IS || op == QN_TOK_ISNULL || op == QN_TOK_NOTNULL || takes_not(op))
        return parse_word_operator(p, op, negated, left, out);
    struct list args = {0};
    QN_TRY(list_add(p, &args, left));
    QN_TRY(parse_operand(p, precedence, &args));
    QN_TRY(make(p, QN_AST_BINARY, left->mark.offset, args, out));
    (*out)->op = op;
    return QN_OK;
}

/* Reads as far as operators bind tighter than `above`. */
static qn_code parse_expr(struct parser *p, enum precedence above, struct qn_ast **out)
{
    if (++p->depth > QN_MAX_EXPR_DEPTH)
        return too_deep(p, token(p)->mark);
    QN_TRY(parse_primary(p, out));
    for (;;) {
        enum precedence precedence = infix_precedence(p);
        if (precedence <= above)
            break;
        QN_TRY(parse_infix(p, precedence, *out, out));
    }
    p->depth--;
    return QN_OK;
}

static qn_code parser_start(struct parser *p, struct qn_arena *arena, struct qn_strv text,
                            struct qn_expr_complaint *complaint)
{
    *p = (struct parser){.arena = arena, .text = text, .complaint = complaint};
    QN_TRY(qn_lex(arena, text, &p->tokens, complaint));
    if (p->tokens.n == 1)
        return qn_complain(complaint, (struct qn_mark){0, 1}, NULL, "the expression is empty");
    return QN_OK;
}

static qn_code expect_end(struct parser *p, const char *expected)
{
    const struct qn_token *t = token(p);
    if (t->kind == QN_TOK_LPAREN && p->at && p->tokens.items[p->at - 1].kind == QN_TOK_QUOTED)
        return qn_complain(p->complaint, t->mark, "function names are written without quotes",
                           "expected %s, found '('", expected);
    return t->kind == QN_TOK_END ? QN_OK : unexpected(p, expected);
}

qn_code qn_parse(struct qn_arena *arena, struct qn_strv text, struct qn_ast **out,
                 struct qn_expr_complaint *complaint)
{
    struct parser p;
    QN_TRY(parser_start(&p, arena, text, complaint));
    QN_TRY(parse_expr(&p, PREC_NONE, out));
    return expect_end(&p, "an operator or the end");
}

/* The bytes from one token up to the one before the current one. */
static struct qn_strv text_since(const struct parser *p, size_t first)
{
    uint32_t start = p->tokens.items[first].mark.offset;
    return (struct qn_strv){p->text.data + start, mark_since(p, start).width};
}

static qn_code parse_filter(struct parser *p, struct qn_ast **out, struct qn_strv *text)
{
    if (!is_word(token(p), "filter"))
        return QN_OK;
    p->at++;
    QN_TRY(expect(p, QN_TOK_LPAREN, "'('"));
    if (!is_word(token(p), "where"))
        return unexpected(p, "WHERE");
    size_t first = ++p->at;
    QN_TRY(parse_expr(p, PREC_NONE, out));
    *text = text_since(p, first);
    return expect(p, QN_TOK_RPAREN, "')'");
}

static qn_code parse_order(struct parser *p, struct qn_agg_ast *out)
{
    if (!is_word(token(p), "order"))
        return QN_OK;
    p->at++;
    if (!is_word(token(p), "by"))
        return unexpected(p, "BY");
    size_t first = ++p->at;
    QN_TRY(parse_expr(p, PREC_NONE, &out->order));
    out->order_text = text_since(p, first);
    out->descending = is_word(token(p), "desc");
    if (out->descending || is_word(token(p), "asc"))
        p->at++;
    if (token(p)->kind == QN_TOK_COMMA)
        return qn_complain(p->complaint, token(p)->mark, NULL,
                           "an aggregate is ordered by one expression");
    return QN_OK;
}

/* What stands between the parentheses, and the closing one. */
static qn_code parse_arguments(struct parser *p, struct qn_agg_ast *out)
{
    struct list args = {0};
    if (accept(p, QN_TOK_RPAREN))
        return QN_OK;
    out->star = accept(p, QN_TOK_STAR);
    if (out->star)
        return expect(p, QN_TOK_RPAREN, "')'");
    do {
        struct qn_ast *item;
        size_t first = p->at;
        QN_TRY(parse_expr(p, PREC_NONE, &item));
        if (args.n < 2)
            out->arg_texts[args.n] = text_since(p, first);
        QN_TRY(list_add(p, &args, item));
    } while (accept(p, QN_TOK_COMMA));
    out->args = args.items;
    out->n_args = args.n;
    QN_TRY(parse_order(p, out));
    return expect(p, QN_TOK_RPAREN, out->order ? "')'" : "',', ORDER BY or ')'");
}

qn_code qn_parse_aggregate(struct qn_arena *arena, struct qn_strv text, struct qn_agg_ast *out,
                           struct qn_expr_complaint *complaint)
{
    struct parser p;
    *out = (struct qn_agg_ast){0};
    QN_TRY(parser_start(&p, arena, text, complaint));
    const struct qn_token *name = token(&p);
    if (name->kind != QN_TOK_NAME || token_after(&p)->kind != QN_TOK_LPAREN)
        return qn_complain(complaint, name->mark, "write sum(x), count(*), avg(x), ...",
                           "expected an aggregate call");
    out->name = name->text;
    out->name_mark = name->mark;
    p.at += 2;
    if (is_word(token(&p), "distinct") && token_after(&p)->kind != QN_TOK_RPAREN) {
        out->distinct = true;
        out->distinct_mark = token(&p)->mark;
        p.at++;
    }
    QN_TRY(parse_arguments(&p, out));
    out->mark = mark_since(&p, name->mark.offset);
    QN_TRY(parse_filter(&p, &out->filter, &out->filter_text));
    return expect_end(&p, out->filter ? "the end" : "FILTER (WHERE ...) or the end");
}
