#include "flow/condition.h"

/* --- weighing -------------------------------------------------------------------------------- */

static int compare(const struct qn_column *a, uint32_t i, const struct qn_column *b, uint32_t k)
{
    switch (qn_type_layout(a->type)) {
    case QN_LAYOUT_F64: return (a->f64[i] > b->f64[k]) - (a->f64[i] < b->f64[k]);
    case QN_LAYOUT_TEXT: return qn_strv_cmp(qn_text_at(a, i), qn_text_at(b, k));
    default: return (a->i64[i] > b->i64[k]) - (a->i64[i] < b->i64[k]);
    }
}

bool qn_facts_are_one(const struct qn_facts *facts)
{
    return facts->has_min && facts->has_max && compare(&facts->bounds, 0, &facts->bounds, 1) == 0;
}

/* How value `row` stands to the bound: -1, 0, 1; `unknown` when there is no such bound. */
static int beside(const struct qn_condition *condition, uint32_t row, const struct qn_facts *facts,
                  uint32_t bound, int unknown)
{
    bool known = bound ? facts->has_max : facts->has_min;
    return known ? compare(&condition->values, row, &facts->bounds, bound) : unknown;
}

static bool may_equal(const struct qn_condition *condition, const struct qn_facts *facts)
{
    for (uint32_t i = 0; i < condition->n_values; i++)
        if (beside(condition, i, facts, 0, 1) >= 0 && beside(condition, i, facts, 1, -1) <= 0 &&
            !(facts->lacks && facts->lacks(facts, &condition->values, i)))
            return true;
    return false;
}

/* Between two equal bounds there is one value. */
static bool may_differ(const struct qn_condition *condition, const struct qn_facts *facts)
{
    return beside(condition, 0, facts, 0, 1) != 0 || beside(condition, 0, facts, 1, 1) != 0;
}

static bool may_meet(const struct qn_condition *condition, const struct qn_facts *facts)
{
    if (condition->op == QN_CONDITION_IS_NULL)
        return !facts->no_nulls;
    if (facts->all_null)
        return false;
    switch (condition->op) {
    case QN_CONDITION_LT: return beside(condition, 0, facts, 0, 1) > 0;
    case QN_CONDITION_LE: return beside(condition, 0, facts, 0, 1) >= 0;
    case QN_CONDITION_GT: return beside(condition, 0, facts, 1, -1) < 0;
    case QN_CONDITION_GE: return beside(condition, 0, facts, 1, -1) <= 0;
    case QN_CONDITION_NE: return may_differ(condition, facts);
    case QN_CONDITION_IN: return may_equal(condition, facts);
    default: return true;
    }
}

bool qn_condition_may_hold(const struct qn_condition *condition, const struct qn_facts *facts)
{
    if (!condition)
        return true;
    if (condition->op != QN_CONDITION_ALL && condition->op != QN_CONDITION_ANY)
        return may_meet(condition, &facts[condition->column]);
    bool any = condition->op == QN_CONDITION_ANY;
    for (uint32_t i = 0; i < condition->n_args; i++)
        if (qn_condition_may_hold(condition->args[i], facts) == any)
            return any;
    return !any;
}

/* --- columns --------------------------------------------------------------------------------- */

static bool is_list(const struct qn_condition *condition)
{
    return condition->op == QN_CONDITION_ALL || condition->op == QN_CONDITION_ANY;
}

void qn_condition_columns(const struct qn_condition *condition, bool *used)
{
    if (!condition)
        return;
    if (!is_list(condition))
        used[condition->column] = true;
    for (uint32_t i = 0; i < condition->n_args; i++)
        qn_condition_columns(condition->args[i], used);
}

/* An ANY of which one part is not known is not known itself. */
qn_code qn_condition_map(const struct qn_condition *condition, const uint32_t *to,
                         struct qn_arena *arena, const struct qn_condition **out,
                         struct qn_err *err)
{
    *out = NULL;
    if (!condition || (!is_list(condition) && to[condition->column] == UINT32_MAX))
        return QN_OK;
    struct qn_condition *mapped = QN_NEW(arena, struct qn_condition);
    const struct qn_condition **args =
        QN_NEW_ARRAY(arena, const struct qn_condition *, condition->n_args);
    if (!mapped || !args)
        return qn_err_nomem(err, "a condition");
    *mapped = *condition;
    mapped->args = args;
    mapped->n_args = 0;
    if (!is_list(condition))
        mapped->column = to[condition->column];
    for (uint32_t i = 0; i < condition->n_args; i++) {
        QN_TRY(qn_condition_map(condition->args[i], to, arena, &args[mapped->n_args], err));
        if (args[mapped->n_args])
            mapped->n_args++;
        else if (condition->op == QN_CONDITION_ANY)
            return QN_OK;
    }
    *out = mapped;
    return QN_OK;
}

/* --- making ---------------------------------------------------------------------------------- */

struct qn_condition *qn_condition_new(struct qn_arena *arena, enum qn_condition_op op,
                                      uint32_t column)
{
    struct qn_condition *condition = QN_NEW(arena, struct qn_condition);
    if (condition) {
        condition->op = op;
        condition->column = column;
    }
    return condition;
}

struct qn_condition *qn_condition_join(struct qn_arena *arena, enum qn_condition_op op,
                                       const struct qn_condition *a, const struct qn_condition *b)
{
    struct qn_condition *joined = qn_condition_new(arena, op, 0);
    const struct qn_condition **args = QN_NEW_ARRAY(arena, const struct qn_condition *, 2);
    if (!joined || !args)
        return NULL;
    if (a)
        args[joined->n_args++] = a;
    if (b)
        args[joined->n_args++] = b;
    joined->args = args;
    return joined;
}
