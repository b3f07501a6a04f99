/* ast: a query as it was written. Everything lives in the parser's arena; marks are bytes of the
 * query's text.
 *
 *     query  := [WITH name [(columns)] AS (query), ...] body [ORDER BY ...] [LIMIT n] [OFFSET n]
 *     body   := select { UNION | INTERSECT | EXCEPT [ALL] select }
 *     select := SELECT [DISTINCT] items [FROM relations] [WHERE] [GROUP BY] [HAVING] | (query)
 *             | VALUES (expression, ...), ...      (becomes a UNION ALL of SELECTs) */
#ifndef QN_QUERY_AST_H
#define QN_QUERY_AST_H

#include "expr/parse.h"

struct qn_sql_query;

/* A word with its place. text.data NULL: not written. */
struct qn_sql_name {
    struct qn_strv text;
    struct qn_mark mark;
};

/* A column of the result: an expression, or all columns (of one relation). */
struct qn_sql_item {
    struct qn_ast *expr;      /* NULL: a star */
    struct qn_sql_name alias; /* AS */
    struct qn_sql_name table; /* of `t.*` */
    struct qn_mark mark;
    struct qn_sql_name *excluded; /* of a star: * EXCLUDE (a, b) REPLACE (expression AS c) */
    uint32_t n_excluded, n_replaced;
    struct qn_sql_item *replaced;
};

/* How a relation is joined to what stands before it. */
enum qn_sql_how {
    QN_SQL_FIRST,
    QN_SQL_CROSS, /* also: a comma */
    QN_SQL_INNER,
    QN_SQL_LEFT,
    QN_SQL_RIGHT,
    QN_SQL_FULL,
    QN_SQL_SEMI,
    QN_SQL_ANTI,
};

/* An option of a file: (delimiter ';', header true), or read_csv(..., delimiter = ';'). */
struct qn_sql_option {
    struct qn_sql_name name, value;
};

struct qn_sql_relation {
    enum qn_sql_how how;
    struct qn_sql_name path;    /* 'in quotes' */
    struct qn_sql_name name;    /* a CTE, or a table of the warehouse */
    struct qn_sql_name folder;  /* of `lake.name`: the word before the dot */
    struct qn_sql_query *query; /* in parentheses */
    bool
        joined; /* the query stands for a join in parentheses: its columns keep their tables' names */
    const char *format; /* read_csv(...) and their like say it; NULL: by suffix */
    struct qn_sql_option *options;
    uint32_t n_options;
    struct qn_sql_name alias;
    struct qn_sql_name *columns; /* of the alias: t(a, b) */
    uint32_t n_columns;
    struct qn_ast *on;
    struct qn_sql_name *using_;
    uint32_t n_using;
    bool natural;             /* USING of all names that both sides have */
    struct qn_mark mark;      /* what it is */
    struct qn_mark join_mark; /* JOIN and the words before it */
};

struct qn_sql_order {
    struct qn_ast *expr;
    bool descending;
    bool nulls_first; /* NULLs are the lowest unless it says otherwise */
};

enum qn_sql_op { QN_SQL_SELECT, QN_SQL_UNION, QN_SQL_INTERSECT, QN_SQL_EXCEPT, QN_SQL_NESTED };

/* A SELECT, two bodies put together, or a query in parentheses. */
struct qn_sql_body {
    enum qn_sql_op op;
    struct qn_mark mark;
    bool all; /* of a set operation */
    struct qn_sql_body *left, *right;
    struct qn_sql_query *query; /* NESTED */
    bool distinct;
    struct qn_sql_item *items;
    uint32_t n_items;
    struct qn_sql_relation *from;
    uint32_t n_from;
    struct qn_ast *where, *having;
    struct qn_ast **group_by;
    uint32_t n_group_by;
    bool grouped;   /* GROUP BY was written */
    bool group_all; /* GROUP BY ALL: by all items that are no aggregates */
    struct qn_ast **distinct_on;
    uint32_t n_distinct_on;
    struct qn_ast *qualify;            /* of rows that windows were worked out for */
    struct qn_parser_windows *windows; /* while it is being read */
};

struct qn_sql_cte {
    struct qn_sql_name name;
    struct qn_sql_name *columns;
    uint32_t n_columns;
    struct qn_sql_query *query;
    size_t at;      /* token that its query begins with */
    bool recursive; /* RECURSIVE is written: it may read itself */
};

struct qn_sql_query {
    struct qn_sql_cte *ctes;
    uint32_t n_ctes;
    struct qn_sql_body *body;
    struct qn_sql_order *order;
    uint32_t n_order;
    bool has_limit;
    uint64_t limit, offset;
    struct qn_mark mark;
};

/* Reads one query, with or without a semicolon behind it. QN_EINPUT fills the complaint. */
QN_CHECK qn_code qn_sql_parse(struct qn_arena *arena, struct qn_strv text,
                              struct qn_sql_query **out, struct qn_expr_complaint *complaint);
/* The query of a CTE once more, as it was written: planning changes the tree. */
QN_CHECK qn_code qn_sql_parse_again(struct qn_arena *arena, struct qn_strv text,
                                    const struct qn_sql_cte *cte, struct qn_sql_query **out,
                                    struct qn_expr_complaint *complaint);

#endif
