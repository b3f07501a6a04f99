/* sqlite_text: what the files share that turn a SELECT into a statement for SQLite. Tables hold what
 * our columns do: decimals, dates, timestamps and truths as the integers they are here, so that what
 * is equal, less or the sum is the same there; the types are known on this side. */
#ifndef QN_QUERY_SQLITE_TEXT_H
#define QN_QUERY_SQLITE_TEXT_H

#include "query/planner.h"

/* A key of GROUP BY: told by its canonical text. */
struct qn_sqlite_key {
    const char *text, *sql;
    struct qn_type type;
};

/* One SELECT on its way. */
struct qn_sqlite_select {
    struct qn_query_planner *p;
    struct qn_query_sqlite *out;
    struct qn_query_scope scope;
    const struct qn_sqlite_key *keys;
    uint32_t n_keys;
    bool grouped; /* columns that are no key stand in aggregates alone */
    bool inside;  /* an aggregate */
    bool windows; /* may stand here */
};

/* Appends the expression; its type. *untyped: it is a bare NULL. */
QN_CHECK qn_code qn_sqlite_expr(struct qn_sqlite_select *s, const struct qn_ast *ast,
                                struct qn_buf *out, struct qn_type *type, bool *untyped);
/* The same of a condition. */
QN_CHECK qn_code qn_sqlite_condition(struct qn_sqlite_select *s, const struct qn_ast *ast,
                                     struct qn_buf *out);
/* The canonical text of what reads columns of this SELECT alone; NULL: it is something else. */
QN_CHECK qn_code qn_sqlite_canonical(struct qn_sqlite_select *s, const struct qn_ast *ast,
                                     const char **out);

/* A query in an expression; the types of its columns. */
struct qn_sqlite_columns {
    struct qn_query_column *items;
    uint32_t n, n_shown; /* those past n_shown only order the rows */
    bool single;         /* at most one row */
};
QN_CHECK qn_code qn_sqlite_inner(struct qn_sqlite_select *around, struct qn_sql_query *query,
                                 struct qn_buf *out, struct qn_sqlite_columns *columns);

/* Appends a SELECT; keys[i] is the column that order[i] goes by. */
QN_CHECK qn_code qn_sqlite_put_select(struct qn_query_planner *p, struct qn_query_sqlite *sqlite,
                                      struct qn_sql_body *body, const struct qn_sql_order *order,
                                      uint32_t n_order, struct qn_sort_key *keys,
                                      struct qn_buf *out, struct qn_sqlite_columns *columns);
/* A SELECT, or several put together. */
QN_CHECK qn_code qn_sqlite_put_body(struct qn_query_planner *p, struct qn_query_sqlite *sqlite,
                                    struct qn_sql_body *body, struct qn_buf *out,
                                    struct qn_sqlite_columns *columns);

/* What expressions share with window functions (sqlite_window.c). */
bool qn_sqlite_one_of(struct qn_strv name, const char *const *names);
bool qn_sqlite_knows_aggregate(struct qn_strv name);
/* The type that an aggregate of ours has, over a value of this type (NULL: over rows). */
QN_CHECK qn_code qn_sqlite_aggregate_type(struct qn_sqlite_select *s, const struct qn_ast *ast,
                                          struct qn_strv name, const struct qn_type *argument,
                                          struct qn_type *type);
/* Its name and '(': sums and averages are ours (sqlite_sum.h). */
void qn_sqlite_put_function(struct qn_strv name, const struct qn_type *argument,
                            struct qn_buf *out);
/* Always QN_EINPUT. */
qn_code qn_sqlite_refuse_function(struct qn_sqlite_select *s, const struct qn_ast *ast);
/* Whether equal values of both types are equal in SQLite, too. */
bool qn_sqlite_equals_alike(struct qn_type a, struct qn_type b);
/* string_agg(x, ', ' ORDER BY y), without what FILTER says (sqlite_texts.h). */
QN_CHECK qn_code qn_sqlite_put_texts(struct qn_sqlite_select *s, const struct qn_ast *ast,
                                     struct qn_buf *out, struct qn_type *type);
QN_CHECK qn_code qn_sqlite_put_window(struct qn_sqlite_select *s, const struct qn_ast *ast,
                                      struct qn_buf *out, struct qn_type *type);

#endif
