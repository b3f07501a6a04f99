/* parse: tokens to a syntax tree, with SQLite's precedence, loosest first:
 *
 *   OR, AND, NOT, (= == <> != IS IN LIKE GLOB BETWEEN ISNULL), (< <= > >=), (<< >> & |), (+ -),
 *   (* / %), ||, unary
 *
 * The tree lives in the arena and is at most QN_MAX_EXPR_DEPTH deep, so that everything after the
 * parser may recurse over it. */
#ifndef QN_EXPR_PARSE_H
#define QN_EXPR_PARSE_H

#include "expr/lex.h"

enum qn_ast_kind {
    QN_AST_NULL,
    QN_AST_BOOL,      /* number: 0 or 1 */
    QN_AST_INTEGER,   /* number */
    QN_AST_DECIMAL,   /* text */
    QN_AST_FLOAT,     /* text */
    QN_AST_TEXT,      /* text */
    QN_AST_DATE,      /* text of DATE '...' */
    QN_AST_TIMESTAMP, /* text of TIMESTAMP '...' */
    QN_AST_COLUMN,    /* text; negated: written in double quotes */
    QN_AST_NEGATE,
    QN_AST_PLUS,
    QN_AST_NOT,
    QN_AST_BIT_NOT,
    QN_AST_BINARY,  /* op: the token */
    QN_AST_IS,      /* [x, y], null-safe equality */
    QN_AST_BETWEEN, /* [x, low, high] */
    QN_AST_IN,      /* [x, items...] */
    QN_AST_LIKE,    /* [x, pattern, escape?]; op: LIKE or GLOB */
    QN_AST_CASE,    /* [base?, when, then, ..., else?]; number: bit 0 base, bit 1 else */
    QN_AST_CAST,    /* [x], type */
    QN_AST_CALL,    /* text: name; number: 1 for a star as the only argument */
    /* in queries alone */
    QN_AST_AGGREGATE, /* aggregate */
    QN_AST_SUBQUERY,  /* query: its only value */
    QN_AST_EXISTS,    /* query */
    QN_AST_IN_QUERY,  /* [x] or the values of a row, query */
    QN_AST_ROW,       /* [values...]; no more there in comparisons and IN */
    QN_AST_WINDOW, /* [arguments..., PARTITION BY..., ORDER BY..., FILTER?], window; text: name */
};

/* Where a bound of a window's frame is, from the first row on. */
enum qn_ast_place {
    QN_BOUND_FIRST,
    QN_BOUND_BEFORE,
    QN_BOUND_CURRENT,
    QN_BOUND_BEHIND,
    QN_BOUND_LAST
};
struct qn_ast_bound {
    enum qn_ast_place place;
    struct qn_ast *distance; /* BEFORE, BEHIND: a number as written; a whole one but of RANGE */
};
struct qn_ast_frame {
    struct qn_strv unit; /* ROWS, RANGE or GROUPS; empty: no frame is written */
    struct qn_ast_bound first, last;
    struct qn_strv exclude; /* EXCLUDE and what follows, or empty */
};

/* What stands in OVER (...). */
struct qn_ast_window {
    bool star;     /* of the call */
    bool filtered; /* FILTER's condition is the last argument of all */
    uint32_t n_args, n_partition, n_order;
    bool *descending, *nulls_first; /* by key of ORDER BY */
    struct qn_ast_frame frame;
};

struct qn_agg_ast;
struct qn_sql_query; /* query/ast.h */

struct qn_ast {
    enum qn_ast_kind kind;
    struct qn_mark mark; /* all of it */
    uint32_t depth;
    bool negated; /* IS NOT, NOT IN, NOT LIKE, NOT BETWEEN */
    enum qn_token_kind op;
    struct qn_type type;
    int64_t number;
    struct qn_strv text;
    struct qn_mark name_mark; /* CALL: the name alone */
    struct qn_strv table;     /* COLUMN of a query: the word before the dot; data NULL: none */
    struct qn_agg_ast *aggregate;
    struct qn_sql_query *query;
    struct qn_ast_window *window;
    uint32_t outer; /* COLUMN of a query: of the SELECT so many around the one it stands in */
    struct qn_ast **args;
    uint32_t n_args;
};

/* Whether the call is an INTERVAL that nothing is added to. */
bool qn_ast_is_span(const struct qn_ast *ast);

/* Reads one expression and nothing else. */
QN_CHECK qn_code qn_parse(struct qn_arena *arena, struct qn_strv text, struct qn_ast **out,
                          struct qn_expr_complaint *complaint);

/* Whether the name is an aggregate's: many rows to one value, so no function. */
bool qn_is_aggregate(struct qn_strv name);

/* An aggregate call: name([distinct] expr, ... [order by expr [asc | desc]] | *)
 * [filter (where expr)]. */
struct qn_agg_ast {
    struct qn_strv name;
    struct qn_mark name_mark, mark;
    bool star, distinct, descending;
    struct qn_mark distinct_mark;
    struct qn_ast **args;
    uint32_t n_args;
    struct qn_ast *order, *filter;                        /* NULL: none */
    struct qn_strv arg_texts[2], order_text, filter_text; /* as written, to tell equal ones */
};
QN_CHECK qn_code qn_parse_aggregate(struct qn_arena *arena, struct qn_strv text,
                                    struct qn_agg_ast *out, struct qn_expr_complaint *complaint);

#endif
