/* lex: an expression's text as an array of tokens. */
#ifndef QN_EXPR_LEX_H
#define QN_EXPR_LEX_H

#include "expr/complain.h"

enum qn_token_kind {
    QN_TOK_END,
    QN_TOK_NAME,    /* bare identifier */
    QN_TOK_QUOTED,  /* "identifier", `identifier`, [identifier] */
    QN_TOK_STRING,  /* 'text' */
    QN_TOK_INTEGER, /* 12, 0x1f */
    QN_TOK_DECIMAL, /* 0.05: digits with a point */
    QN_TOK_FLOAT,   /* 1e3, 2.5e-3 */
    /* symbols */
    QN_TOK_LPAREN,
    QN_TOK_RPAREN,
    QN_TOK_COMMA,
    QN_TOK_PLUS,
    QN_TOK_MINUS,
    QN_TOK_STAR,
    QN_TOK_SLASH,
    QN_TOK_PERCENT,
    QN_TOK_CONCAT,
    QN_TOK_AMPERSAND,
    QN_TOK_PIPE,
    QN_TOK_SHIFT_LEFT,
    QN_TOK_SHIFT_RIGHT,
    QN_TOK_TILDE,
    QN_TOK_EQ,
    QN_TOK_NE,
    QN_TOK_LT,
    QN_TOK_LE,
    QN_TOK_GT,
    QN_TOK_GE,
    QN_TOK_COLONS,    /* x::type */
    QN_TOK_DOT,       /* in queries */
    QN_TOK_SEMICOLON, /* in queries */
    /* reserved words */
    QN_TOK_AND,
    QN_TOK_BETWEEN,
    QN_TOK_CASE,
    QN_TOK_CAST,
    QN_TOK_ELSE,
    QN_TOK_END_WORD,
    QN_TOK_ESCAPE,
    QN_TOK_FALSE,
    QN_TOK_GLOB,
    QN_TOK_IN,
    QN_TOK_IS,
    QN_TOK_ISNULL,
    QN_TOK_LIKE,
    QN_TOK_NOT,
    QN_TOK_NOTNULL,
    QN_TOK_NULL,
    QN_TOK_OR,
    QN_TOK_THEN,
    QN_TOK_TRUE,
    QN_TOK_WHEN,
};

struct qn_token {
    enum qn_token_kind kind;
    struct qn_mark mark; /* with the quotes */
    struct qn_strv text; /* QUOTED, STRING: unescaped, may live in the arena; else the bytes */
};

struct qn_tokens {
    struct qn_token *items; /* the last one is QN_TOK_END */
    size_t n;
};

/* QN_EINPUT on bytes that start no token, open quotes, a text that is too long or no UTF-8. Dots
 * and semicolons are tokens of a query, and no part of an expression. */
QN_CHECK qn_code qn_lex(struct qn_arena *arena, struct qn_strv text, bool query,
                        struct qn_tokens *out, struct qn_expr_complaint *complaint);

#endif
