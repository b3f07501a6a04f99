/* parser: the state of a parse over tokens, shared by those who read a language that expressions
 * are a part of: expressions themselves, aggregate calls, and queries (query/). */
#ifndef QN_EXPR_PARSER_H
#define QN_EXPR_PARSER_H

#include "expr/parse.h"

struct qn_parser;

/* What an expression of a query may hold beyond one of a spec: `table.column`, aggregate calls,
 * and queries in parentheses. */
struct qn_parser_sql {
    /* From the token behind '(' up to the ')' of a query; *out is the reader's own. */
    QN_CHECK qn_code (*query)(struct qn_parser *p, struct qn_sql_query **out);
    /* Words that begin a clause and so name no column unless they are quoted. */
    bool (*reserved)(const struct qn_token *token);
    /* Aggregates beyond those of specs. */
    bool (*aggregate)(struct qn_strv name);
};

/* Windows that a SELECT names behind HAVING, and the calls before it that name them. */
enum { QN_NAMED_WINDOWS = 32 };
struct qn_window_name {
    struct qn_strv name;
    size_t at; /* token: its '(' */
};
struct qn_window_call {
    struct qn_window_call *next;
    struct qn_ast *call;
    size_t at; /* token: the one behind OVER */
};
struct qn_parser_windows {
    struct qn_window_name named[QN_NAMED_WINDOWS];
    uint32_t n_named;
    bool naming; /* one is being read */
    struct qn_window_call *waiting;
};

struct qn_parser {
    struct qn_arena *arena;
    struct qn_strv text;
    struct qn_tokens tokens;
    size_t at;
    uint32_t depth;
    struct qn_expr_complaint *complaint;
    const struct qn_parser_sql *sql;   /* NULL: an expression of a spec */
    struct qn_parser_windows *windows; /* of the SELECT being read; NULL: none */
};

/* Loosest first; see parse.h. */
enum qn_precedence {
    QN_PREC_NONE,
    QN_PREC_OR,
    QN_PREC_AND,
    QN_PREC_NOT,
    QN_PREC_EQUAL,
    QN_PREC_ORDER,
    QN_PREC_BITS,
    QN_PREC_ADD,
    QN_PREC_MULTIPLY,
    QN_PREC_CONCAT,
    QN_PREC_UNARY,
    QN_PREC_CAST, /* x::type */
};
/* Of what stands behind a value; QN_PREC_NONE: it ends the expression. */
enum qn_precedence qn_operator_precedence(enum qn_token_kind kind);

/* A growing list of arguments. */
struct qn_ast_list {
    struct qn_ast **items;
    uint32_t n, capacity;
};

/* Lexes; an empty text is a complaint. */
QN_CHECK qn_code qn_parser_start(struct qn_parser *p, struct qn_arena *arena, struct qn_strv text,
                                 const struct qn_parser_sql *sql,
                                 struct qn_expr_complaint *complaint);

static inline const struct qn_token *qn_parser_token(const struct qn_parser *p)
{
    return &p->tokens.items[p->at];
}

static inline const struct qn_token *qn_parser_after(const struct qn_parser *p)
{
    return &p->tokens.items[p->at + (p->at + 1 < p->tokens.n)];
}

static inline bool qn_parser_accept(struct qn_parser *p, enum qn_token_kind kind)
{
    if (qn_parser_token(p)->kind != kind)
        return false;
    p->at++;
    return true;
}

static inline bool qn_token_is(const struct qn_token *t, const char *word)
{
    return t->kind == QN_TOK_NAME && qn_strv_eq_nocase(t->text, qn_strv_from(word));
}

/* Complains that the current token is not what was expected. Always QN_EINPUT. */
qn_code qn_parser_unexpected(struct qn_parser *p, const char *expected);
QN_CHECK qn_code qn_parser_expect(struct qn_parser *p, enum qn_token_kind kind,
                                  const char *expected);
QN_CHECK qn_code qn_parser_expect_end(struct qn_parser *p, const char *expected);

/* From byte `start` to the last token read; and the text from a token to the one before the current
 * one. */
struct qn_mark qn_parser_mark(const struct qn_parser *p, uint32_t start);
struct qn_strv qn_parser_text(const struct qn_parser *p, size_t first);

/* Reads as far as operators bind tighter than `above`. */
QN_CHECK qn_code qn_parser_expr(struct qn_parser *p, enum qn_precedence above, struct qn_ast **out);
/* One value, without operators behind it. */
QN_CHECK qn_code qn_parser_primary(struct qn_parser *p, struct qn_ast **out);
/* Complains about it. Always QN_EINPUT. */
qn_code qn_parser_too_deep(struct qn_parser *p, struct qn_mark mark);
/* A query in parentheses, of which '(' is the current token; whether one begins at a token. */
QN_CHECK qn_code qn_parser_query(struct qn_parser *p, struct qn_sql_query **out);
bool qn_parser_begins_query(const struct qn_parser *p, const struct qn_token *t);
/* parse_forms.c. A call whose arguments have words between them, if the name is that of one: from
 * behind its '(' to its ')'. *name: what is called then. */
QN_CHECK qn_code qn_parser_call_form(struct qn_parser *p, struct qn_strv *name,
                                     struct qn_ast_list *args);
/* CAST(x AS type), and ::type behind `x`. */
QN_CHECK qn_code qn_parser_cast(struct qn_parser *p, struct qn_ast **out);
QN_CHECK qn_code qn_parser_colons(struct qn_parser *p, struct qn_ast *x, struct qn_ast **out);
/* INTERVAL ..., if that is what stands there: a span that only + and - know. */
bool qn_parser_begins_span(const struct qn_parser *p);
QN_CHECK qn_code qn_parser_span(struct qn_parser *p, struct qn_ast **out);
/* moment + span, moment - span: *out becomes calls of date_add. */
QN_CHECK qn_code qn_parser_add_span(struct qn_parser *p, struct qn_ast **out);
/* A whole list up to and with ')'. */
QN_CHECK qn_code qn_parser_list(struct qn_parser *p, struct qn_ast_list *list);

/* Nodes: over everything from byte `start` to the last token read; of the last token alone. */
QN_CHECK qn_code qn_parser_make(struct qn_parser *p, enum qn_ast_kind kind, uint32_t start,
                                struct qn_ast_list args, struct qn_ast **out);
QN_CHECK qn_code qn_parser_leaf(struct qn_parser *p, enum qn_ast_kind kind, struct qn_ast **out);
QN_CHECK qn_code qn_parser_add(struct qn_parser *p, struct qn_ast_list *list, struct qn_ast *item);

/* From a name and its '(' (already known to be there) to the end of an aggregate call. */
QN_CHECK qn_code qn_parser_aggregate(struct qn_parser *p, struct qn_agg_ast *out);
/* From the comma behind the first value of a row, which *out is, to its ')'. */
QN_CHECK qn_code qn_parser_row(struct qn_parser *p, uint32_t start, struct qn_ast **out);
/* A comparison of rows becomes those of their values; of one with something else it is refused. */
QN_CHECK qn_code qn_parser_spread_rows(struct qn_parser *p, struct qn_ast **out);
/* From OVER on: turns the call that stands before it into a window; one that names another window
 * waits until that is known. */
QN_CHECK qn_code qn_parser_window(struct qn_parser *p, struct qn_ast *call);
/* name AS (...), behind WINDOW. */
QN_CHECK qn_code qn_parser_name_window(struct qn_parser *p);
/* All windows of p->windows are named: the calls that wait become what they are. */
QN_CHECK qn_code qn_parser_settle_windows(struct qn_parser *p);

#endif
