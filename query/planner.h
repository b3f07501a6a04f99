/* planner: what the files that plan a query share. A mistake fills the complaint at its place in
 * the query's text and gives QN_EINPUT; planning ends with the first one. */
#ifndef QN_QUERY_PLANNER_H
#define QN_QUERY_PLANNER_H

#include "jobs/plan.h"
#include "query/ast.h"
#include "query/query.h"
#include "query/spec_text.h"

/* A column of rows: as jobs know it, and as the query does. */
struct qn_query_column {
    const char *name, *shown;
    const char *table; /* what a star stood for: the alias of its relation; else NULL */
    struct qn_type type;
    bool untyped; /* a bare NULL: of any type */
};

/* Rows that a job may read. */
struct qn_query_rows {
    const char *input; /* a source or a job of the phase's spec */
    bool is_job;
    bool single;      /* at most one row */
    uint64_t bytes;   /* about how large; for choosing sides of a join */
    const char *walk; /* what a statement for SQLite calls a query that reads itself; else NULL */
    struct qn_query_column *columns;
    uint32_t n_columns;
};

/* A relation of the text that is a file or a table, inspected. */
struct qn_query_file {
    const struct qn_sql_relation *relation;
    const char *path;
    struct qn_query_pairs options;
    const char *name; /* of the source */
    struct qn_schema schema;
    uint64_t bytes;
};

/* A CTE in force, with the rows it gave in the phase where it was planned last. */
struct qn_query_cte {
    const struct qn_sql_cte *cte;
    struct qn_query_cte *outer; /* those its own query sees */
    struct qn_query_rows rows;
    uint32_t phase;                          /* 1 + its number; 0: none yet */
    const struct qn_query_sqlite *statement; /* in which it walks (rows.walk); NULL: none yet */
    bool beginning;                          /* its first rows are being planned */
};

struct qn_query_scope;

/* By SQLite; or as a phase of its own, which may give one row at most. */
enum qn_query_way { QN_QUERY_IN_SQLITE, QN_QUERY_ONE_VALUE };
struct qn_query_fate {
    uint32_t query; /* where it begins in the text */
    enum qn_query_way way;
};

struct qn_query_planner {
    struct qn_query *query;
    struct qn_arena *arena; /* the query's */
    struct qn_strv text;
    const struct qn_query_options *options;
    struct qn_expr_complaint *complaint;
    struct qn_query_file *files;
    uint32_t n_files;
    struct qn_query_spec *spec; /* of the phase being planned */
    uint32_t phase;             /* its number */
    uint32_t n_begun;           /* phases so far */
    uint32_t n_jobs;            /* of all phases: names differ */
    uint32_t depth;
    struct qn_query_phase one_row; /* for every SELECT without FROM; its number, 0: none yet */
    uint32_t one_row_number;
    struct qn_query_cte *ctes;
    struct qn_query_scope *scope;   /* of the SELECT being planned */
    struct qn_query_sqlite *sqlite; /* the statement being written */
    /* Queries by where they begin in the text: the one being planned, those that are answered in
     * another way than others, and the next of these: planning is tried anew then. */
    uint32_t asked;
    struct qn_query_fate *fates;
    uint32_t n_fates;
    struct qn_query_fate next;
    bool retry;
};

/* --- scope: the columns that expressions of one SELECT see ----------------------------------- */

enum { QN_QUERY_DEPTH = 32, QN_QUERY_RELATIONS = 24, QN_QUERY_KEYS = 16 /* of one join */ };

struct qn_query_field {
    const char *shown;
    const char *source; /* name in the relation's own rows */
    const char *name;   /* in the stage; NULL: not there (yet) */
    struct qn_type type;
    uint32_t relation;
    uint32_t uses;         /* in expressions that no job has taken in yet */
    bool hidden;           /* the other one of a column of USING */
    const char *table;     /* its own alias, of a join in parentheses; NULL: its relation's */
    struct qn_ast *merged; /* what its bare name stands for, of a FULL JOIN's USING; else NULL */
};

struct qn_query_relation {
    struct qn_strv alias; /* data NULL: only bare names find its columns */
    struct qn_mark mark;
    struct qn_query_rows rows;
    uint32_t first; /* field; rows.n_columns of them */
    enum qn_sql_how how;
    struct qn_ast *on;
    const struct qn_sql_relation *written; /* NULL: a subquery of an expression */
    bool visible;                          /* its columns, in what is selected and filtered */
    bool by_names;                         /* joined by USING, or NATURAL */
};

struct qn_query_scope {
    struct qn_query_relation relations[QN_QUERY_RELATIONS];
    uint32_t n_relations;
    struct qn_query_field *fields;
    uint32_t n_fields;
    const struct qn_sql_item *items; /* whose aliases are known; NULL: none are */
    uint32_t n_items;
    bool alias_first;             /* a bare name of ORDER BY: an alias wins over a column */
    struct qn_query_scope *outer; /* of the SELECT around it */
    uint32_t query;               /* where its query begins in the text */
    bool in_sqlite;               /* its columns and those of outer ones may be read inside */
    bool grouped;
    bool closed;          /* its groups are made: in SQLite its columns are no more to be read */
    uint32_t first_table; /* in SQLite: of relations */
    struct qn_query_names taken; /* names that no new column may have */
};

/* Names for relation and fields; adds to the scope. */
QN_CHECK qn_code qn_query_scope_add(struct qn_query_planner *p, struct qn_query_scope *scope,
                                    const struct qn_query_relation *relation);
/* Finds the field of every column in the tree: ast->number is 1 + its place. Names of items become
 * what they stand for. */
QN_CHECK qn_code qn_query_resolve(struct qn_query_planner *p, struct qn_query_scope *scope,
                                  struct qn_ast *ast);
/* The same of a key of ORDER BY, unless it is a position: alone a name is an item's first, within an
 * expression a column's. */
QN_CHECK qn_code qn_query_resolve_key(struct qn_query_planner *p, struct qn_query_scope *scope,
                                      struct qn_ast *ast);
/* The column as a resolved tree: one more use. bare: its name stands alone, without a table's. NULL:
 * no memory. */
struct qn_ast *qn_query_field_ast(struct qn_query_planner *p, struct qn_query_scope *scope,
                                  uint32_t field, bool bare, struct qn_mark mark);
/* The name before the dot that finds it; data NULL: none. */
struct qn_strv qn_query_field_alias(const struct qn_query_scope *scope, uint32_t field);
/* Which relations a resolved tree reads, as bits. */
uint32_t qn_query_reads(const struct qn_query_scope *scope, const struct qn_ast *ast);
bool qn_query_has(const struct qn_ast *ast, enum qn_ast_kind kind);
/* A name like `wish` that nothing in the scope has, and nothing will get. NULL: no memory. */
const char *qn_query_fresh_name(struct qn_query_planner *p, struct qn_query_scope *scope,
                                struct qn_strv wish);
bool qn_query_name_taken(const struct qn_query_names *names, struct qn_strv name);

/* star.c: the items that a star stands for, resolved. */
struct qn_query_starred_item {
    struct qn_ast *expr;
    const char *shown, *table;
};
struct qn_query_starred {
    struct qn_query_starred_item *items;
    uint32_t n;
};
QN_CHECK qn_code qn_query_expand_star(struct qn_query_planner *p, struct qn_query_scope *scope,
                                      const struct qn_sql_item *star, struct qn_query_starred *out);
/* The keys of GROUP BY ALL, if that is what is written: these items but for aggregates. */
QN_CHECK qn_code qn_query_group_by_all(struct qn_query_planner *p, struct qn_sql_body *body,
                                       const struct qn_sql_item *items, uint32_t n);

/* --- stage: a job under way and the columns it has so far ------------------------------------ */

struct qn_query_stage {
    struct qn_query_job *job;
    struct qn_field *fields;
    uint32_t n_fields;
    bool joined, grouped; /* derive and filter come before these */
    uint64_t bytes;
};

QN_CHECK qn_code qn_query_stage_begin(struct qn_query_planner *p, const struct qn_query_rows *rows,
                                      struct qn_query_stage *out);
/* Adds a column of this type that the job makes somehow. */
QN_CHECK qn_code qn_query_stage_add(struct qn_query_planner *p, struct qn_query_stage *stage,
                                    const char *name, struct qn_type type);
QN_CHECK qn_code qn_query_stage_filter(struct qn_query_planner *p, struct qn_query_stage *stage,
                                       const char *text);
/* The job is done, with these columns: as rows of `columns`, where names and types are filled. */
QN_CHECK qn_code qn_query_stage_end(struct qn_query_planner *p, struct qn_query_stage *stage,
                                    const struct qn_query_names *select, struct qn_query_rows *out);
/* Ends it and begins another that reads its rows, of these columns. */
QN_CHECK qn_code qn_query_stage_next(struct qn_query_planner *p, struct qn_query_stage *stage,
                                     const struct qn_query_names *select);

/* --- render: trees as texts for jobs --------------------------------------------------------- */

struct qn_query_text {
    const char *text;
    struct qn_type type;
    const char *column; /* the text is the name of this column; NULL: it is something else */
};

/* Writes the tree with the stage's names. `known` are the group keys and aggregates that a grouped
 * stage has as columns, by their text: what is none of these must not read a column then. */
QN_CHECK qn_code qn_query_render(struct qn_query_planner *p, const struct qn_query_scope *scope,
                                 const struct qn_query_pairs *known, const struct qn_ast *ast,
                                 const char **out);
/* The same, and compiles it over the stage's columns, for its type and its mistakes. */
QN_CHECK qn_code qn_query_express(struct qn_query_planner *p, const struct qn_query_scope *scope,
                                  const struct qn_query_stage *stage,
                                  const struct qn_query_pairs *known, const struct qn_ast *ast,
                                  struct qn_query_text *out);

/* Refuses a condition that is neither true nor false nor a number. */
QN_CHECK qn_code qn_query_truth(struct qn_query_planner *p, struct qn_type type,
                                const struct qn_ast *ast);

/* --- the rest -------------------------------------------------------------------------------- */

/* sources.c: inspects all files of a query in one go. */
QN_CHECK qn_code qn_query_find_files(struct qn_query_planner *p, const struct qn_sql_query *query,
                                     struct qn_err *err);
/* Rows of a file or table, in the phase being planned. */
QN_CHECK qn_code qn_query_open_file(struct qn_query_planner *p,
                                    const struct qn_sql_relation *relation,
                                    struct qn_query_rows *out);

/* from.c: the relations of a FROM and their conditions, resolved. */
QN_CHECK qn_code qn_query_from(struct qn_query_planner *p, struct qn_query_scope *scope,
                               const struct qn_sql_body *body);
/* Queries in a resolved expression become relations; those of conditions joined by AND may also be
 * IN (...) and EXISTS (...), and are replaced by what is left to check (*ast NULL: nothing). */
QN_CHECK qn_code qn_query_pull_values(struct qn_query_planner *p, struct qn_query_scope *scope,
                                      struct qn_ast *ast);
QN_CHECK qn_code qn_query_pull_group_values(struct qn_query_planner *p,
                                            struct qn_query_scope *scope, struct qn_ast *ast);
QN_CHECK qn_code qn_query_pull_conditions(struct qn_query_planner *p, struct qn_query_scope *scope,
                                          struct qn_ast **ast);

/* joins.c: a stage of the relations joined, under their conditions and `where` (NULL: none); every
 * field in use has a name there. */
QN_CHECK qn_code qn_query_join(struct qn_query_planner *p, struct qn_query_scope *scope,
                               struct qn_ast *where, struct qn_query_stage *out);
/* Fields of the stage that are still in use, as names for qn_query_stage_next. */
QN_CHECK qn_code qn_query_used(struct qn_query_planner *p, const struct qn_query_scope *scope,
                               struct qn_query_names *out);
/* The expression's columns are used once more (1), or once less (-1): a job has taken it in. */
void qn_query_count(struct qn_query_scope *scope, const struct qn_ast *ast, int uses);

/* select.c: one SELECT as a job. `order` (n_order of them) may read what is not selected: columns
 * past n_shown. keys[i] is the column that order[i] goes by. */
struct qn_query_selected {
    struct qn_query_rows rows;
    uint32_t n_shown;
    struct qn_sort_key *keys;
};
QN_CHECK qn_code qn_query_select(struct qn_query_planner *p, struct qn_sql_body *body,
                                 const struct qn_sql_order *order, uint32_t n_order,
                                 struct qn_query_selected *out);

/* query.c: what jobs cannot do, said before the complaint: SQLite is to answer the query that
 * begins there. Nothing comes of it where SQLite does already. */
void qn_query_leave(struct qn_query_planner *p, uint32_t query);
/* The same of a query that stands for a value and may give several rows. */
void qn_query_expect_one(struct qn_query_planner *p, uint32_t query);
bool qn_query_is_left(const struct qn_query_planner *p, uint32_t query);
/* Names of WITH, for as long as p->ctes is not set back. */
QN_CHECK qn_code qn_query_enter(struct qn_query_planner *p, const struct qn_sql_query *query);

/* sets.c: the rows of a query's SELECTs put together, and the columns that it is ordered by; or those
 * of one job. */
QN_CHECK qn_code qn_query_put_together(struct qn_query_planner *p, const struct qn_sql_query *query,
                                       struct qn_query_rows *rows, struct qn_query_tree **tree,
                                       struct qn_sort_key **keys);
QN_CHECK qn_code qn_query_one_job(struct qn_query_planner *p, struct qn_query_rows *rows,
                                  struct qn_mark mark, struct qn_query_tree **out);

/* sqlite_query.c: the query as a statement for SQLite over rows of jobs of the phase. */
QN_CHECK qn_code qn_query_to_sqlite(struct qn_query_planner *p, struct qn_sql_query *query,
                                    struct qn_query_phase *out, struct qn_query_rows *rows);

/* from.c: other names for the first n columns. */
QN_CHECK qn_code qn_query_rename(struct qn_query_planner *p, const struct qn_sql_name *names,
                                 uint32_t n, struct qn_query_rows *rows);
/* sqlite_walk.c: whether the query of WITH reads itself, and its rows in the statement that is being
 * written: they are nobody else's. */
bool qn_query_reads_itself(const struct qn_sql_cte *cte);
QN_CHECK qn_code qn_query_walk(struct qn_query_planner *p, struct qn_query_cte *cte,
                               struct qn_query_rows *out);

/* query.c: a query inside another one, as rows of the phase. */
QN_CHECK qn_code qn_query_nested(struct qn_query_planner *p, struct qn_sql_query *query,
                                 struct qn_query_rows *out);
/* A row of one column, for SELECT without FROM. */
QN_CHECK qn_code qn_query_one_row(struct qn_query_planner *p, struct qn_query_rows *out);

/* Always QN_EINPUT and QN_ENOMEM. */
#define QN_QUERY_REFUSE(p, mark, hint, ...) qn_complain((p)->complaint, (mark), (hint), __VA_ARGS__)
#define QN_QUERY_NOMEM(p) qn_complain_nomem((p)->complaint)

#endif
