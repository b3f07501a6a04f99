/* Candidates of a search: all combinations of a grid, or draws from its lists and ranges. Draws are
 * a function of the seed, the draw's number and the parameter's name. */
#include <math.h>
#include <stdio.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/limits.h"
#include "jobs/learn/math.h"
#include "jobs/train/search.h"
#include "jobs/train/train.h"
#include "spec/keys.h"

/* --- what a parameter may be ----------------------------------------------------------------- */

struct range {
    double min, max;
    bool log, whole;
};

struct axis { /* a parameter that is searched */
    const struct qn_pair *pair;
    const struct qn_node *items; /* NULL: a range */
    uint32_t n_items;
    struct range range;
};

static const struct qn_key range_keys[] = {
    {.name = "min", .shape = QN_SHAPE_NUMBER, .required = true, .doc = "smallest value"},
    {.name = "max", .shape = QN_SHAPE_NUMBER, .required = true, .doc = "largest value"},
    {.name = "log", .shape = QN_SHAPE_BOOL, .doc = "evenly on a logarithmic scale"},
};
static const struct qn_spec_keys range_object = QN_KEYS("a range of search.params", range_keys);

static const struct qn_key *key_of(struct qn_strv name)
{
    for (size_t k = 0; k < qn_train_params_keys.n; k++)
        if (qn_strv_is(name, qn_train_params_keys.keys[k].name))
            return &qn_train_params_keys.keys[k];
    return NULL;
}

/* As if the value stood in `params`. */
static bool check_value(const struct qn_algorithm_env *env, const struct qn_pair *pair,
                        const struct qn_node *value)
{
    const struct qn_pair one = {pair->key, pair->key_span, *value};
    const struct qn_node node = {.kind = QN_NODE_MAP, .span = value->span, .pairs = &one, .n = 1};
    return qn_keys_check(&qn_train_params_keys, &node, NULL, env->diags);
}

static bool read_range(const struct qn_algorithm_env *env, const struct qn_search *search,
                       const struct qn_pair *pair, struct range *out)
{
    const struct qn_node *node = &pair->value;
    const struct qn_key *key = key_of(pair->key);
    const struct qn_node *min = qn_node_get(node, "min"), *max = qn_node_get(node, "max");
    if (!key)
        return false; /* told of already */
    bool number = key->shape == QN_SHAPE_NUMBER || key->shape == QN_SHAPE_INT;
    if (!number)
        qn_diags_add(env->diags, node->span, "a list of values", NULL, "'%s' has no ranges",
                     key->name);
    else if (search->method == QN_SEARCH_GRID)
        qn_diags_add(env->diags, node->span, "a list of values", "use method: random",
                     "a grid cannot take '%s' from a range", key->name);
    if (!number || search->method == QN_SEARCH_GRID)
        return false;
    if (!qn_keys_check(&range_object, node, NULL, env->diags) || !min || !max ||
        !check_value(env, pair, min) || !check_value(env, pair, max))
        return false;
    *out = (struct range){.min = qn_node_f64(min, 0),
                          .max = qn_node_f64(max, 0),
                          .log = qn_node_bool(qn_node_get(node, "log"), false),
                          .whole = key->shape == QN_SHAPE_INT};
    if (out->min > out->max)
        qn_diags_add(env->diags, node->span, "min below max", NULL,
                     "the range of '%s' has no values", key->name);
    else if (out->log && out->min <= 0)
        qn_diags_add(env->diags, min->span, "a min above 0", NULL,
                     "a logarithmic range cannot begin at %.15g", out->min);
    return out->min <= out->max && (!out->log || out->min > 0);
}

static void read_axis(const struct qn_algorithm_env *env, const struct qn_search *search,
                      const struct qn_pair *pair, struct axis *out)
{
    *out = (struct axis){.pair = pair};
    if (pair->value.kind == QN_NODE_MAP) {
        (void)read_range(env, search, pair, &out->range);
        return;
    }
    if (pair->value.kind != QN_NODE_LIST || pair->value.n == 0) {
        qn_diags_add(env->diags, pair->value.span, "a list of values, or {min: A, max: B}", NULL,
                     "search.params: '%.*s' has nothing to choose from", QN_STRV_ARG(pair->key));
        return;
    }
    out->items = pair->value.items;
    out->n_items = pair->value.n;
    for (uint32_t i = 0; i < out->n_items; i++)
        (void)check_value(env, pair, &out->items[i]);
}

/* --- one value ------------------------------------------------------------------------------- */

static double uniform(const struct qn_algorithm_env *env, const struct axis *axis, uint32_t draw)
{
    uint64_t hash = qn_hash64(axis->pair->key.data, axis->pair->key.len, env->seed);
    return (double)(qn_mix64(hash ^ qn_mix64(draw + 1)) >> 11) * 0x1p-53;
}

/* Six digits: people will copy it. */
static bool draw_number(const struct qn_algorithm_env *env, const struct range *range, double u,
                        struct qn_node *out)
{
    double low = range->min, high = range->whole ? range->max + 1 : range->max;
    double value = range->log ? low * qn_exp(u * qn_ln(high / low)) : low + u * (high - low);
    if (range->whole)
        value = floor(value);
    char text[40];
    snprintf(text, sizeof text, range->whole ? "%.0f" : "%.6g", value);
    if (!range->whole && sscanf(text, "%lf", &value) != 1)
        return false;
    if (value < range->min || value > range->max)
        snprintf(text, sizeof text, "%.17g", value < range->min ? range->min : range->max);
    char *copy = qn_arena_strdup(env->arena, qn_strv_from(text));
    *out = (struct qn_node){.kind = QN_NODE_SCALAR, .text = qn_strv_from(copy ? copy : "")};
    return copy != NULL;
}

/* --- candidates ------------------------------------------------------------------------------ */

static void put_value(struct qn_buf *out, const struct qn_node *node)
{
    double number;
    bool flag;
    if (qn_node_is_f64(node, &number))
        qn_buf_printf(out, "%.15g", number);
    else if (qn_node_is_bool(node, &flag))
        qn_buf_printf(out, "%s", flag ? "true" : "false");
    else if (node->kind == QN_NODE_MAP) {
        qn_buf_put_u8(out, '{');
        for (uint32_t i = 0; i < node->n; i++) {
            qn_buf_printf(out, "%s", i ? ", " : "");
            qn_json_put_text(out, node->pairs[i].key);
            qn_buf_printf(out, ": ");
            put_value(out, &node->pairs[i].value);
        }
        qn_buf_put_u8(out, '}');
    } else {
        qn_json_put_text(out, node->text);
    }
}

static const char *json_of(struct qn_arena *arena, const struct qn_pair *pairs, uint32_t n)
{
    struct qn_buf out;
    qn_buf_init(&out);
    const struct qn_node node = {.kind = QN_NODE_MAP, .pairs = pairs, .n = n};
    put_value(&out, &node);
    const char *text = out.failed ? NULL : qn_arena_strdup(arena, qn_buf_strv(&out));
    qn_buf_fini(&out);
    return text;
}

struct drawing {
    const struct qn_algorithm_env *env;
    struct qn_search *search;
    struct axis *axes;
    uint32_t n_axes;
};

/* Of the candidate's `number`: where a grid stands, or which draw it is. */
static bool choose_value(const struct drawing *self, uint32_t a, uint32_t number, bool grid,
                         struct qn_node *out)
{
    const struct axis *axis = &self->axes[a];
    double u = uniform(self->env, axis, number);
    if (!axis->items)
        return draw_number(self->env, &axis->range, u, out);
    uint32_t after = 1; /* the last parameter changes first */
    for (uint32_t b = a + 1; grid && b < self->n_axes; b++)
        after *= self->axes[b].n_items;
    *out = axis->items[grid ? number / after % axis->n_items : (uint32_t)(u * axis->n_items)];
    return true;
}

static qn_code add_candidate(struct drawing *self, uint32_t number, bool grid, struct qn_err *err)
{
    const struct qn_algorithm_env *env = self->env;
    const struct qn_node *base = qn_node_get(env->job, "params");
    const struct qn_node *searched = qn_node_get(qn_node_get(env->job, "search"), "params");
    uint32_t n_base = base && base->kind == QN_NODE_MAP ? base->n : 0;
    struct qn_pair *pairs = QN_NEW_ARRAY(env->arena, struct qn_pair, self->n_axes + n_base);
    struct qn_node *params = QN_NEW(env->arena, struct qn_node);
    if (!pairs || !params)
        return qn_err_nomem(err, "a search");
    for (uint32_t a = 0; a < self->n_axes; a++) {
        pairs[a] = *self->axes[a].pair;
        if (!choose_value(self, a, number, grid, &pairs[a].value))
            return qn_err_nomem(err, "a search");
        pairs[a].value.span = self->axes[a].pair->value.span;
    }
    const char *json = json_of(env->arena, pairs, self->n_axes);
    if (!json)
        return qn_err_nomem(err, "a search");
    for (uint32_t i = 0; i < self->search->n_candidates; i++)
        if (strcmp(self->search->candidates[i].json, json) == 0)
            return QN_OK; /* drawn already */
    uint32_t n = self->n_axes;
    for (uint32_t i = 0; i < n_base; i++)
        pairs[n++] = base->pairs[i];
    *params = (struct qn_node){.kind = QN_NODE_MAP, .span = searched->span, .pairs = pairs, .n = n};
    self->search->candidates[self->search->n_candidates++] =
        (struct qn_candidate){.params = params, .json = json};
    return QN_OK;
}

/* Parameters that stand in both places are told of: which one counts would be a guess. */
static void check_twice(const struct qn_algorithm_env *env, const struct qn_node *searched)
{
    const struct qn_node *base = qn_node_get(env->job, "params");
    for (uint32_t i = 0; base && base->kind == QN_NODE_MAP && i < base->n; i++)
        for (uint32_t a = 0; a < searched->n; a++)
            if (qn_strv_eq(base->pairs[i].key, searched->pairs[a].key))
                qn_diags_add(env->diags, base->pairs[i].key_span, NULL, "leave one of the two out",
                             "'%.*s' is searched: it stands in search.params too",
                             QN_STRV_ARG(base->pairs[i].key));
}

/* How many combinations a grid has; 0: said why it cannot be. */
static uint32_t count_grid(const struct drawing *self, const struct qn_node *params)
{
    uint64_t n = 1;
    for (uint32_t a = 0; a < self->n_axes && n <= QN_MAX_CANDIDATES; a++) {
        if (!self->axes[a].items) {
            qn_diags_add(self->env->diags, self->axes[a].pair->value.span, "trials: N", NULL,
                         "values of a range are drawn: the search must say how many");
            return 0;
        }
        n *= self->axes[a].n_items;
    }
    if (n > QN_MAX_CANDIDATES)
        qn_diags_add(self->env->diags, params->span, NULL,
                     "use method: random, or halving with trials",
                     "the grid has more than %d candidates", QN_MAX_CANDIDATES);
    return n > QN_MAX_CANDIDATES ? 0 : (uint32_t)n;
}

qn_code qn_search_draw(const struct qn_algorithm_env *env, const struct qn_node *node,
                       struct qn_search *search, struct qn_err *err)
{
    const struct qn_node *params = qn_node_get(node, "params");
    const struct qn_node *trials = qn_node_get(node, "trials");
    size_t errors = env->diags->n_errors;
    if (!params || params->kind != QN_NODE_MAP || params->n == 0) {
        qn_diags_add(env->diags, (params ? params : node)->span,
                     "learning_rate: [0.05, 0.1], or the like", NULL,
                     "the search has no parameters");
        return QN_OK;
    }
    check_twice(env, params);
    struct drawing self = {.env = env, .search = search, .n_axes = params->n};
    self.axes = QN_NEW_ARRAY(env->arena, struct axis, params->n);
    if (!self.axes)
        return qn_err_nomem(err, "a search");
    for (uint32_t a = 0; a < params->n; a++)
        read_axis(env, search, &params->pairs[a], &self.axes[a]);
    if (env->diags->n_errors > errors)
        return QN_OK;
    uint32_t n = trials ? (uint32_t)qn_node_i64(trials, 1) : count_grid(&self, params);
    search->candidates = QN_NEW_ARRAY(env->arena, struct qn_candidate, n);
    if (!search->candidates)
        return qn_err_nomem(err, "a search");
    for (uint32_t i = 0; i < n; i++)
        QN_TRY(add_candidate(&self, i, !trials, err));
    return QN_OK;
}
