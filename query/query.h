/* query: SQL text to phases: specs that coordinator and workers run, and what is done with the rows
 * that come back (finish.h).
 *
 *     text -> tokens, tree (parse) -> relations, columns (scope, sources) -> jobs (select, joins)
 *
 * Filters, expressions, joins, groups and DISTINCT are etl jobs, whose expressions are the query's
 * own with other names in them: so there is one evaluator, and a query means the same however it is
 * cut. ORDER BY, LIMIT and set operations are done over the typed rows of the last jobs; where such
 * rows are read on by the query, they are a file that the next phase reads. */
#ifndef QN_QUERY_QUERY_H
#define QN_QUERY_QUERY_H

#include "base/arena.h"
#include "base/diag.h"
#include "base/err.h"
#include "flow/schema.h"
#include "wire/sort_order.h"

/* Rows of a job, or of two such trees put together. */
enum qn_query_op { QN_QUERY_ROWS, QN_QUERY_UNION, QN_QUERY_INTERSECT, QN_QUERY_EXCEPT };
struct qn_query_tree {
    enum qn_query_op op;
    bool all;
    const struct qn_query_tree *left, *right;
    const char *job; /* ROWS */
};

/* What SQLite answers over rows of jobs, where jobs cannot (sqlite_select.c, sqlite_run.h): a
 * statement over tables of theirs. Values that are worked out from others are calls of qn(k, ...):
 * expression k of ours, over its arguments. */
struct qn_query_staged {
    const char *job, *table;
    struct qn_schema schema;    /* of the job's rows */
    const char *const *columns; /* what they are called in the table */
};
struct qn_expr;
struct qn_query_scalar {
    const char *text;
    struct qn_schema schema; /* of the arguments */
    struct qn_expr *expr;
};
struct qn_query_sqlite {
    const char *sql;
    const char *walks; /* queries that read themselves, for its WITH RECURSIVE; NULL: none */
    uint32_t n_walks;
    uint32_t n_relations; /* of all its SELECTs: r0, r1, ... */
    const char *indexes;  /* statements that make them, of filled tables; NULL: none */
    struct qn_query_staged *tables;
    uint32_t n_tables;
    struct qn_query_scalar *scalars;
    uint32_t n_scalars;
};

struct qn_query_phase {
    const char *spec;                 /* NULL: one row of one column, for a SELECT without FROM */
    const struct qn_query_tree *tree; /* NULL: SQLite puts the rows together */
    const struct qn_query_sqlite *sqlite; /* else NULL */
    struct qn_schema schema;              /* of the rows, as the jobs give them */
    const char *const *shown;             /* names for people, by column */
    uint32_t n_shown;                     /* columns past these only order the rows */
    const struct qn_sort_key *keys;
    uint32_t n_keys;
    bool has_limit;
    uint64_t limit, offset;
    const char *one_value; /* there may be one row at most: where the query stands; else NULL */
    const char *file; /* Parquet that takes the rows for a later phase; NULL: they are the result */
};

struct qn_query_options {
    const char *folder;    /* absolute: relative paths start here */
    const char *scratch;   /* absolute: folder for files between phases */
    const char *warehouse; /* absolute path of its file; NULL: none was named */
    const char *lake;      /* folder of its datasets; NULL: lake beside the command */
    /* Names of its tables, for complaints and to know them; NULL-terminated. */
    const char *const *tables;
};

struct qn_query {
    struct qn_arena arena;
    struct qn_diags diags; /* one mistake at its place in the text */
    struct qn_query_phase *phases;
    uint32_t n_phases;    /* the last one gives the result */
    uint64_t input_bytes; /* of all files */
};

/* QN_EINPUT: diags say what is wrong, and where. The query is to be finished in every case. */
QN_CHECK qn_code qn_query_plan(struct qn_query *query, struct qn_strv text,
                               const struct qn_query_options *options, struct qn_err *err);
void qn_query_fini(struct qn_query *query);

#endif
