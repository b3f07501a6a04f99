/* condition: what rows must meet to count, in a form that whoever reads many rows at once can weigh
 * against what it knows of them: a source that has statistics, a list of files, a database.
 *
 * It follows from a filter and says no more than it: where the condition is not true, the filter is
 * not either. NULL for a pointer to one: nothing is known, any row may count. */
#ifndef QN_FLOW_CONDITION_H
#define QN_FLOW_CONDITION_H

#include "flow/batch.h"

enum qn_condition_op {
    QN_CONDITION_ALL, /* of args; none: true */
    QN_CONDITION_ANY, /* of args; none: never true */
    QN_CONDITION_LT,  /* the column's value and the first of `values` */
    QN_CONDITION_LE,
    QN_CONDITION_GT,
    QN_CONDITION_GE,
    QN_CONDITION_NE,
    QN_CONDITION_IN, /* one of `values`; = is IN of one */
    QN_CONDITION_IS_NULL,
    QN_CONDITION_NOT_NULL,
};

struct qn_condition {
    enum qn_condition_op op;
    uint32_t column; /* of the source's whole schema */
    struct qn_column
        values; /* of the column's type, none of them NULL; of a BOOL column integers */
    uint32_t n_values;
    const struct qn_condition *const *args;
    uint32_t n_args;
};

/* What is known of the values that a column has in some rows. */
struct qn_facts {
    bool has_min, has_max;
    struct qn_column bounds; /* two rows, by has_min and has_max: at most the least value, at least
                                the greatest; of the column's type, of a BOOL column integers */
    bool no_nulls, all_null;
    /* Whether value `row` of `values` is certainly not among them; NULL: not known of any. */
    bool (*lacks)(const struct qn_facts *facts, const struct qn_column *values, uint32_t row);
    const void *context; /* of lacks */
};

/* Values that are not NULL are all the same one, the first of `bounds`. */
bool qn_facts_are_one(const struct qn_facts *facts);

/* False: the condition is true for none of the rows. Facts are by column. */
bool qn_condition_may_hold(const struct qn_condition *condition, const struct qn_facts *facts);

/* The same of n rows that are there, QN_BATCH_ROWS of them at most: column c of the condition is
 * columns[places[c]]. True also where it takes too long to find out. */
bool qn_condition_may_hold_of(const struct qn_condition *condition, const struct qn_column *columns,
                              const uint32_t *places, uint32_t n);

/* Sets used[i] for every column that it reads (never clears). */
void qn_condition_columns(const struct qn_condition *condition, bool *used);

/* The same condition of columns with other numbers: `to` is by column, and what reads one of
 * UINT32_MAX is given up. *out NULL: nothing is left of it. In the arena; values are shared. */
QN_CHECK qn_code qn_condition_map(const struct qn_condition *condition, const uint32_t *to,
                                  struct qn_arena *arena, const struct qn_condition **out,
                                  struct qn_err *err);

/* Makers; NULL: no memory. A NULL among args means that nothing is known of it: ALL leaves it out,
 * ANY is not to be made then. */
struct qn_condition *qn_condition_new(struct qn_arena *arena, enum qn_condition_op op,
                                      uint32_t column);
struct qn_condition *qn_condition_join(struct qn_arena *arena, enum qn_condition_op op,
                                       const struct qn_condition *a, const struct qn_condition *b);

#endif
