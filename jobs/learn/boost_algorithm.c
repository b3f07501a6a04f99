/* Gradient boosting as an algorithm (algorithm.h). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "jobs/learn/algorithm.h"
#include "jobs/learn/boost_model.h"

struct plan {
    struct qn_prepare_plan gathers;
    struct qn_boost_params params;
};

/* --- the spec -------------------------------------------------------------------------------- */

static double number(const struct qn_node *params, const char *name, double missing)
{
    return qn_node_f64(qn_node_get(params, name), missing);
}

static uint32_t count(const struct qn_node *params, const char *name, uint32_t missing)
{
    return (uint32_t)qn_node_i64(qn_node_get(params, name), missing);
}

static void compile_params(const struct qn_algorithm_env *env, struct qn_boost_params *out)
{
    const struct qn_node *node = qn_node_get(env->job, "params");
    int64_t depth = qn_node_i64(qn_node_get(node, "max_depth"), -1);
    *out = (struct qn_boost_params){
        .learning_rate = number(node, "learning_rate", 0.1),
        .num_leaves = count(node, "num_leaves", 31),
        .num_rounds = count(node, "num_rounds", 100),
        .early_stopping_rounds = count(node, "early_stopping_rounds", 0),
        .max_depth = depth > 0 ? (uint32_t)depth : UINT32_MAX,
        .min_data_in_leaf = count(node, "min_data_in_leaf", 20),
        .min_sum_hessian = number(node, "min_sum_hessian", 1e-3),
        .lambda_l1 = number(node, "lambda_l1", 0),
        .lambda_l2 = number(node, "lambda_l2", 0),
        .min_gain_to_split = number(node, "min_gain_to_split", 0),
        .feature_fraction = number(node, "feature_fraction", 1),
        .bagging_fraction = number(node, "bagging_fraction", 1),
        .positive_weight = number(node, "scale_pos_weight", 1),
        .balanced = qn_node_bool(qn_node_get(node, "is_unbalance"), false),
        .cat_smooth = number(node, "cat_smooth", 10),
        .cat_l2 = number(node, "cat_l2", 10),
        .max_cat_threshold = count(node, "max_cat_threshold", 32),
        .max_cat_to_onehot = count(node, "max_cat_to_onehot", 4),
        .min_data_per_group = count(node, "min_data_per_group", 100),
        .bins = {.max_bins = count(node, "max_bins", 255),
                 .min_data_in_bin = count(node, "min_data_in_bin", 3)},
        .seed = env->seed,
    };
    out->balanced |= strcmp(qn_node_text(qn_node_get(node, "class_weight"), ""), "balanced") == 0;
    out->bagging_freq = count(node, "bagging_freq", out->bagging_fraction < 1);
}

static void check_params(const struct qn_algorithm_env *env, const struct qn_boost_params *params)
{
    const struct qn_node *node = qn_node_get(env->job, "params");
    const struct qn_node *stops = qn_node_get(node, "early_stopping_rounds");
    const struct qn_node *weight = qn_node_get(node, "scale_pos_weight");
    if (params->early_stopping_rounds && !env->validates)
        qn_diags_add(env->diags, stops->span, "split.validation above 0", NULL,
                     "early stopping looks at validation rows, and the split has none");
    if (params->balanced && weight)
        qn_diags_add(env->diags, weight->span, NULL, "leave one of the two out",
                     "the classes are balanced already");
}

/* monotone: {column: 1 or -1} */
static qn_code compile_monotone(const struct qn_algorithm_env *env, struct qn_boost_params *params,
                                struct qn_err *err)
{
    const struct qn_node *node = qn_node_get(qn_node_get(env->job, "params"), "monotone");
    if (!node || node->kind != QN_NODE_MAP || node->n == 0)
        return QN_OK;
    int8_t *directions = QN_NEW_ARRAY(env->arena, int8_t, env->n_features);
    if (!directions)
        return qn_err_nomem(err, "a train job");
    for (uint32_t i = 0; i < node->n; i++) {
        const struct qn_pair *pair = &node->pairs[i];
        int64_t direction = qn_node_i64(&pair->value, 0);
        uint32_t f = 0;
        while (f < env->n_features && !qn_strv_is(pair->key, env->features[f].name))
            f++;
        if (f == env->n_features)
            qn_diags_add(env->diags, pair->key_span, "a feature of the job", NULL,
                         "monotone: '%.*s' is no feature", QN_STRV_ARG(pair->key));
        else if (env->features[f].categorical)
            qn_diags_add(env->diags, pair->key_span, "a number", NULL,
                         "monotone: '%s' is text: its categories have no order",
                         env->features[f].name);
        else
            directions[f] = (int8_t)direction;
    }
    params->monotone = directions;
    return QN_OK;
}

static qn_code compile(const struct qn_algorithm_env *env, const void **out, struct qn_err *err)
{
    struct plan *plan = QN_NEW(env->arena, struct plan);
    *out = plan;
    if (!plan)
        return qn_err_nomem(err, "a train job");
    const struct qn_node *unknown =
        qn_node_get(qn_node_get(qn_node_get(env->job, "prepare"), "categorical"), "handle_unknown");
    /* A sample of every number is what medians need; bins are made from it too. */
    plan->gathers =
        (struct qn_prepare_plan){.features = env->features,
                                 .n_features = env->n_features,
                                 .numeric_impute = QN_FILL_MEDIAN,
                                 .only_samples = true,
                                 .refuse_unknown = strcmp(qn_node_text(unknown, ""), "error") == 0};
    compile_params(env, &plan->params);
    check_params(env, &plan->params);
    return compile_monotone(env, &plan->params, err);
}

static const struct qn_prepare_plan *gathers(const void *plan)
{
    return &((const struct plan *)plan)->gathers;
}

static const struct qn_boost_params *params_of(const void *plan)
{
    return &((const struct plan *)plan)->params;
}

/* --- bins ------------------------------------------------------------------------------------ */

static qn_code prepare(const void *plan, struct qn_fit *fit, struct qn_buf *out,
                       struct qn_arena *arena, struct qn_fit_note **notes, uint32_t *n_notes,
                       struct qn_err *err)
{
    struct qn_bins bins;
    qn_bins_init(&bins);
    qn_code code = qn_bins_fit(fit, &params_of(plan)->bins, &bins, err);
    bool *constant = QN_NEW_ARRAY(arena, bool, bins.n_features);
    if (code == QN_OK && !constant)
        code = qn_err_nomem(err, "bins");
    if (code == QN_OK) {
        for (uint32_t f = 0; f < bins.n_features; f++) {
            const struct qn_bin_feature *feature = &bins.features[f];
            constant[f] = feature->n_codes == 1 || (feature->n_codes == 2 && !feature->missing);
        }
        qn_bins_pack(out, &bins);
        code = qn_fit_notes(fit, constant, arena, notes, n_notes, err);
    }
    qn_bins_fini(&bins);
    return code;
}

/* --- rounds ---------------------------------------------------------------------------------- */

static qn_code rows_new(const void *plan, struct qn_strv prepared, void **out, struct qn_err *err)
{
    struct qn_boost_rows *rows;
    qn_code code = qn_boost_rows_new(params_of(plan), prepared, 0, &rows, err);
    *out = rows;
    return code;
}

static qn_code rows_add(void *rows, const struct qn_column *const *columns, const uint32_t *picked,
                        uint32_t n, const uint8_t *labels, const uint8_t *sides,
                        const uint64_t *hashes, struct qn_err *err)
{
    return qn_boost_rows_add(rows, columns, picked, n, labels, sides, hashes, err);
}

static void rows_free(void *rows)
{
    qn_boost_rows_free(rows);
}

static uint64_t rows_bytes(const void *rows)
{
    return qn_boost_rows_bytes(rows);
}

static uint64_t rows_shrink(void *rows, const char *folder)
{
    return qn_boost_rows_shrink(rows, folder);
}

static qn_code round_of(const void *plan, void *rows, struct qn_strv state, struct qn_buf *partial,
                        struct qn_err *err)
{
    struct qn_boost_rows *one = rows;
    struct qn_boost_sums sums = {.any = false};
    (void)plan;
    qn_code code = qn_boost_rows_round(&one, 1, state, &sums, err);
    if (code == QN_OK)
        qn_boost_sums_pack(partial, &sums);
    qn_boost_sums_clear(&sums);
    return code;
}

static void acc_free(void *acc)
{
    qn_boost_grower_free(acc);
}

/* Of the accumulator, which is made when it is not there. */
static qn_code sums_of(const void *plan, void **acc, struct qn_boost_sums **out, struct qn_err *err)
{
    struct qn_boost_grower *grower = *acc;
    if (!grower)
        QN_TRY(qn_boost_grower_new(params_of(plan), &grower, err));
    *acc = grower;
    *out = qn_boost_grower_sums(grower);
    return QN_OK;
}

static qn_code merge(const void *plan, void **acc, struct qn_strv partial, struct qn_err *err)
{
    struct qn_boost_sums *sums;
    QN_TRY(sums_of(plan, acc, &sums, err));
    return qn_boost_sums_merge(sums, partial, err);
}

static qn_code fold(const void *plan, void *const *rows, uint32_t n, struct qn_strv state,
                    void **acc, struct qn_err *err)
{
    struct qn_boost_sums *sums;
    QN_TRY(sums_of(plan, acc, &sums, err));
    return qn_boost_rows_round((struct qn_boost_rows *const *)rows, n, state, sums, err);
}

static qn_code join(const void *plan, void **acc, void *more, struct qn_err *err)
{
    struct qn_boost_sums *sums;
    QN_TRY(sums_of(plan, acc, &sums, err));
    return qn_boost_sums_join(sums, qn_boost_grower_sums(more), err);
}

static qn_code step(const void *plan, void *acc, struct qn_strv prepared, struct qn_strv state,
                    struct qn_buf *out, enum qn_verdict *verdict, struct qn_err *err)
{
    (void)plan;
    return qn_boost_grower_step(acc, prepared, state, out, verdict, err);
}

/* --- the model ------------------------------------------------------------------------------- */

static qn_code model(const void *plan, struct qn_strv prepared, struct qn_strv state,
                     struct qn_model **out, struct qn_err *err)
{
    return qn_boost_model(params_of(plan), prepared, state, out, err);
}

static qn_code write(const void *plan, struct qn_strv prepared, struct qn_strv state, json_t *root,
                     struct qn_err *err)
{
    return qn_boost_write(params_of(plan), prepared, state, root, err);
}

static const char *const params[] = {"learning_rate",
                                     "num_leaves",
                                     "num_rounds",
                                     "early_stopping_rounds",
                                     "max_depth",
                                     "min_data_in_leaf",
                                     "min_sum_hessian",
                                     "lambda_l1",
                                     "lambda_l2",
                                     "min_gain_to_split",
                                     "feature_fraction",
                                     "bagging_fraction",
                                     "bagging_freq",
                                     "scale_pos_weight",
                                     "is_unbalance",
                                     "max_bins",
                                     "min_data_in_bin",
                                     "cat_smooth",
                                     "cat_l2",
                                     "max_cat_threshold",
                                     "max_cat_to_onehot",
                                     "min_data_per_group",
                                     "monotone",
                                     "class_weight",
                                     NULL};

const struct qn_algorithm qn_algorithm_boosting = {
    .name = "gradient_boosting",
    .params = params,
    .takes_dates = true,
    .appends = true,
    .compile = compile,
    .gathers = gathers,
    .prepare = prepare,
    .rows_new = rows_new,
    .rows_add = rows_add,
    .rows_free = rows_free,
    .rows_bytes = rows_bytes,
    .rows_shrink = rows_shrink,
    .round = round_of,
    .merge = merge,
    .fold = fold,
    .join = join,
    .step = step,
    .acc_free = acc_free,
    .model = model,
    .write = write,
    .read = qn_boost_read,
};
