/* expr: SQL scalar expressions with SQLite's meaning over typed columns, as vector kernels.
 *
 * Types are static: NULL propagates, comparisons and logic are three-valued. Where static typing or
 * exact decimals make a difference to SQLite, docs/expressions.md says so. An expression is
 * read-only after compile and may be evaluated by several threads at once. */
#ifndef QN_EXPR_EXPR_H
#define QN_EXPR_EXPR_H

#include "base/arena.h"
#include "base/err.h"
#include "flow/batch.h"

struct qn_expr;

/* A mistake inside the text: byte range, words, and a hint ("did you mean column 'tenure'?"). */
struct qn_expr_complaint {
    size_t offset, width;
    char message[240];
    char hint[160]; /* empty: none */
    bool unknown_column;
};

/* Parses, resolves columns (double-quoted or bare, exact case, then without case), types, folds
 * constants. QN_EINPUT fills the complaint. The result lives in the arena. */
QN_CHECK qn_code qn_expr_compile(struct qn_arena *arena, struct qn_strv text,
                                 const struct qn_schema *schema, struct qn_expr **out,
                                 struct qn_expr_complaint *complaint);

struct qn_type qn_expr_type(const struct qn_expr *expr);

/* Sets used[i] for every column the expression reads (never clears). */
void qn_expr_columns(const struct qn_expr *expr, bool *used);

/* One value per row into *out (may share the batch's memory), scratch and result in the arena.
 * Integer overflow and division by zero give NULL, as documented. QN_EINPUT never; QN_ENOMEM. */
QN_CHECK qn_code qn_expr_eval(const struct qn_expr *expr, const struct qn_batch *batch,
                              struct qn_arena *arena, struct qn_column *out, struct qn_err *err);

/* Rows where a BOOL (or numeric: not zero) result is true, ascending, into rows (room for
 * batch->n_rows); *n of them. */
QN_CHECK qn_code qn_expr_filter(const struct qn_expr *expr, const struct qn_batch *batch,
                                struct qn_arena *arena, uint32_t *rows, uint32_t *n,
                                struct qn_err *err);

/* An aggregate call: fn([distinct] expr, ... [order by expr]) [filter (where expr)], or count(*).
 * Several names may stand for one function: bool_and is the least of truths. */
enum qn_agg_fn {
    QN_AGG_COUNT,
    QN_AGG_DISTINCT, /* how many different values */
    QN_AGG_SUM,
    QN_AGG_AVG,
    QN_AGG_MIN,
    QN_AGG_MAX,
    QN_AGG_STDDEV,
    QN_AGG_VARIANCE,
    QN_AGG_STDDEV_POP,
    QN_AGG_VARIANCE_POP,
    QN_AGG_QUANTILE,      /* between two values, by linear interpolation */
    QN_AGG_QUANTILE_DISC, /* one of the values */
    QN_AGG_MODE,
    QN_AGG_PICK, /* the argument in one row: first, last, arg_min, arg_max */
    QN_AGG_APPROX_DISTINCT,
    QN_AGG_APPROX_QUANTILE,
};
struct qn_agg_call {
    enum qn_agg_fn fn;
    struct qn_expr *argument; /* NULL: count(*) */
    struct qn_expr *order;    /* PICK: the row's rank; NULL: rows rank as they stand in the input */
    struct qn_expr *filter;   /* NULL: none */
    /* As written (borrowed): calls with equal ones share what they are computed from. */
    struct qn_strv argument_text, order_text, filter_text;
    bool greatest;       /* PICK: of the greatest rank instead of the least */
    bool latest;         /* PICK: of equal ranks the last row instead of the first */
    double fraction;     /* quantiles: 0..1 */
    struct qn_type type; /* of the result: counts integer; sum of integers integer, of decimals
                            decimal(18,s), of doubles double; min, max, mode, PICK, QUANTILE_DISC as
                            the argument; QUANTILE of dates and timestamps timestamp; else double */
};
QN_CHECK qn_code qn_agg_compile(struct qn_arena *arena, struct qn_strv text,
                                const struct qn_schema *schema, struct qn_agg_call *out,
                                struct qn_expr_complaint *complaint);

/* Expressions over one schema that share what they have in common: compiled in one scope and
 * evaluated with one memo a batch, each distinct subexpression is computed once. The scope lives in
 * the arena and must not grow while a memo of it is in use; NULL: no memory. */
struct qn_expr_scope;
struct qn_expr_scope *qn_expr_scope_new(struct qn_arena *arena, const struct qn_schema *schema);
uint32_t qn_expr_scope_slots(const struct qn_expr_scope *scope);
QN_CHECK qn_code qn_expr_compile_in(struct qn_expr_scope *scope, struct qn_strv text,
                                    struct qn_expr **out, struct qn_expr_complaint *complaint);
QN_CHECK qn_code qn_agg_compile_in(struct qn_expr_scope *scope, struct qn_strv text,
                                   struct qn_agg_call *out, struct qn_expr_complaint *complaint);

/* What was computed for one batch; lives in the arena, as do all results. Not thread-safe. */
struct qn_expr_memo;
QN_CHECK qn_code qn_expr_memo_new(const struct qn_expr_scope *scope, const struct qn_batch *batch,
                                  struct qn_arena *arena, struct qn_expr_memo **out,
                                  struct qn_err *err);
QN_CHECK qn_code qn_expr_eval_in(const struct qn_expr *expr, struct qn_expr_memo *memo,
                                 struct qn_column *out, struct qn_err *err);
QN_CHECK qn_code qn_expr_filter_in(const struct qn_expr *expr, struct qn_expr_memo *memo,
                                   uint32_t *rows, uint32_t *n, struct qn_err *err);
/* What conditions say of the texts of a dictionary: for the next batch, when they look at nothing
 * else. Zero it before the first. */
struct qn_expr_marks {
    uint64_t dictionary; /* its id; 0: nothing is known */
    uint32_t n;          /* texts it had */
    bool nulls;          /* whether there may have been NULLs */
    uint64_t by_code[QN_DICTIONARY_TEXTS];
};

/* Bit i of marks[row] where conditions[i] is true, neither false nor NULL; n of them, at most 64.
 * marks: a word per row, of any content. `known`: of the same conditions, by the caller's thread
 * alone; or NULL. */
QN_CHECK qn_code qn_expr_marks_in(struct qn_expr *const *conditions, uint32_t n,
                                  struct qn_expr_memo *memo, struct qn_expr_marks *known,
                                  uint64_t *marks, struct qn_err *err);

#endif
