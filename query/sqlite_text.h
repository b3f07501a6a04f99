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

#endif
