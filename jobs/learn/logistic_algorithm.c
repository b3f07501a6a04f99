/* Logistic regression as an algorithm (algorithm.h). */
#include <stdlib.h>

#include "base/limits.h"
#include "jobs/learn/algorithm.h"
#include "jobs/learn/fit_internal.h"
#include "jobs/learn/logistic_model.h"
#include "jobs/learn/split.h"

struct plan {
    struct qn_prepare_plan prepare;
    struct qn_logistic_params params;
};

/* --- the spec -------------------------------------------------------------------------------- */

static enum qn_fill_rule fill_rule(const struct qn_node *node, enum qn_fill_rule missing)
{
    const char *name = qn_node_text(node, qn_fill_rule_name(missing));
    enum qn_fill_rule rule = QN_FILL_MEAN;
    while (rule < QN_FILL_CONSTANT && strcmp(name, qn_fill_rule_name(rule)) != 0)
        rule++;
    return rule;
}

static bool is_text(const struct qn_node *node, const char *text)
{
    return strcmp(qn_node_text(node, ""), text) == 0;
}

static void check_fill(struct qn_diags *diags, const struct qn_node *impute,
                       const struct qn_node *value)
{
    bool constant = is_text(impute, "constant");
    if (constant && !value)
        qn_diags_add(diags, impute->span, "fill_value beside it", NULL,
                     "impute: constant has no value to fill with");
    if (!constant && value)
        qn_diags_add(diags, value->span, NULL, "impute: constant",
                     "fill_value is for impute: constant");
}

static void compile_prepare(const struct qn_algorithm_env *env, struct plan *plan)
{
    struct qn_prepare_plan *out = &plan->prepare;
    const struct qn_node *node = qn_node_get(env->job, "prepare");
    const struct qn_node *numeric = qn_node_get(node, "numeric");
    const struct qn_node *categorical = qn_node_get(node, "categorical");
    const struct qn_node *drop = qn_node_get(categorical, "drop");
    check_fill(env->diags, qn_node_get(numeric, "impute"), qn_node_get(numeric, "fill_value"));
    check_fill(env->diags, qn_node_get(categorical, "impute"),
               qn_node_get(categorical, "fill_value"));
    out->features = env->features;
    out->n_features = env->n_features;
    out->numeric_impute = fill_rule(qn_node_get(numeric, "impute"), QN_FILL_MEAN);
    out->numeric_fill = qn_node_f64(qn_node_get(numeric, "fill_value"), 0);
    out->standardise = !is_text(qn_node_get(numeric, "scale"), "none");
    out->categorical_impute = fill_rule(qn_node_get(categorical, "impute"), QN_FILL_MOST_FREQUENT);
    out->categorical_fill = qn_node_text(qn_node_get(categorical, "fill_value"), "");
    out->refuse_unknown = is_text(qn_node_get(categorical, "handle_unknown"), "error");
    out->drop_first = drop ? is_text(drop, "first") : plan->params.l1 + plan->params.l2 == 0;
}

static qn_code compile(const struct qn_algorithm_env *env, const void **out, struct qn_err *err)
{
    struct plan *plan = QN_NEW(env->arena, struct plan);
    const struct qn_node *node = qn_node_get(env->job, "params");
    *out = plan;
    if (!plan)
        return qn_err_nomem(err, "a train job");
    plan->params = (struct qn_logistic_params){
        .l1 = qn_node_f64(qn_node_get(node, "l1"), 0),
        .balanced = is_text(qn_node_get(node, "class_weight"), "balanced"),
        .positive_weight = qn_node_f64(qn_node_get(node, "scale_pos_weight"), 1),
        .l2 = qn_node_f64(qn_node_get(node, "l2"), QN_LOGISTIC_DEFAULT_L2),
        .tol = qn_node_f64(qn_node_get(node, "tol"), QN_LOGISTIC_DEFAULT_TOL),
        .max_iter =
            (uint32_t)qn_node_i64(qn_node_get(node, "max_iter"), QN_LOGISTIC_DEFAULT_MAX_ITER)};
    compile_prepare(env, plan);
    return QN_OK;
}

static const struct qn_prepare_plan *gathers(const void *plan)
{
    return &((const struct plan *)plan)->prepare;
}

/* What the preparation travels with: training rows by class. */
static void put_rows(struct qn_buf *out, const uint64_t rows[2])
{
    qn_buf_put_u64(out, rows[0]);
    qn_buf_put_u64(out, rows[1]);
}

static qn_code unpack(struct qn_strv bytes, struct qn_prepared *prepared, uint64_t rows[2],
                      struct qn_err *err)
{
    struct qn_unpack in = qn_unpack_from(bytes);
    rows[0] = qn_unpack_u64(&in);
    rows[1] = qn_unpack_u64(&in);
    if (in.failed)
        return qn_unpack_end(&in, "preparation", err);
    return qn_prepared_unpack((struct qn_strv){(const char *)in.at, (size_t)(in.end - in.at)},
                              prepared, err);
}

static qn_code prepare(const void *plan, struct qn_fit *fit, struct qn_buf *out,
                       struct qn_arena *arena, struct qn_fit_note **notes, uint32_t *n_notes,
                       struct qn_err *err)
{
    struct qn_prepared prepared;
    (void)plan;
    qn_prepared_init(&prepared);
    qn_code code = qn_fit_finish(fit, &prepared, err);
    bool *constant = QN_NEW_ARRAY(arena, bool, prepared.n_features);
    if (code == QN_OK && !constant)
        code = qn_err_nomem(err, "the preparation");
    if (code == QN_OK) {
        for (uint32_t f = 0; f < prepared.n_features; f++)
            constant[f] = prepared.features[f].constant;
        put_rows(out, fit->rows);
        qn_prepared_pack(out, &prepared);
        code = qn_fit_notes(fit, constant, arena, notes, n_notes, err);
    }
    qn_prepared_fini(&prepared);
    return code;
}

/* --- rounds on workers ----------------------------------------------------------------------- */

struct rows {
    struct qn_prepared prepared;
    uint64_t rows[2]; /* of all chunks, by class */
    struct qn_encoder encoder;
    struct qn_design design;
    uint32_t *picked; /* of a batch the training rows, and their labels */
    uint8_t *labels;
    uint32_t capacity;
};

static void rows_free(void *data)
{
    struct rows *rows = data;
    qn_design_fini(&rows->design);
    qn_encoder_fini(&rows->encoder);
    qn_prepared_fini(&rows->prepared);
    free(rows->picked);
    free(rows->labels);
    free(rows);
}

static qn_code rows_new(const void *plan, struct qn_strv prepared, void **out, struct qn_err *err)
{
    struct rows *rows = calloc(1, sizeof *rows);
    (void)plan;
    *out = NULL;
    if (!rows)
        return qn_err_nomem(err, "the design matrix of a chunk");
    rows->encoder.prepared = &rows->prepared;
    qn_prepared_init(&rows->prepared);
    qn_code code = unpack(prepared, &rows->prepared, rows->rows, err);
    if (code == QN_OK)
        code = qn_encoder_init(&rows->encoder, &rows->prepared, err);
    if (code != QN_OK) {
        rows_free(rows);
        return code;
    }
    rows->design = qn_design_of(rows->prepared.n_dense, rows->prepared.n_categorical,
                                rows->prepared.n_columns);
    *out = rows;
    return QN_OK;
}

static qn_code make_room(struct rows *rows, uint32_t n, struct qn_err *err)
{
    if (n <= rows->capacity)
        return QN_OK;
    free(rows->picked);
    free(rows->labels);
    rows->picked = malloc(n * sizeof *rows->picked);
    rows->labels = malloc(n);
    rows->capacity = rows->picked && rows->labels ? n : 0;
    return rows->capacity ? QN_OK : qn_err_nomem(err, "the design matrix of a chunk");
}

/* Only training rows. */
static qn_code rows_add(void *data, const struct qn_column *const *columns, const uint32_t *picked,
                        uint32_t n, const uint8_t *labels, const uint8_t *sides,
                        const uint64_t *hashes, struct qn_err *err)
{
    struct rows *rows = data;
    (void)hashes;
    QN_TRY(make_room(rows, n, err));
    uint32_t n_picked = 0;
    for (uint32_t i = 0; i < n; i++) {
        rows->picked[n_picked] = picked[i];
        rows->labels[n_picked] = labels[i];
        n_picked += sides[i] == QN_SIDE_TRAIN;
    }
    return qn_encoder_append(&rows->encoder, columns, rows->picked, n_picked, rows->labels,
                             &rows->design, err);
}

static uint64_t rows_bytes(const void *data)
{
    return qn_design_bytes(&((const struct rows *)data)->design);
}

static qn_code round_of(const void *plan, void *data, struct qn_strv bytes, struct qn_buf *partial,
                        struct qn_err *err)
{
    const struct rows *rows = data;
    const struct qn_design *design = &rows->design;
    struct qn_logistic_state state = {0};
    struct qn_logistic_sums sums = {0};
    qn_code code = bytes.len == 0
                       ? qn_logistic_state_init(&state, design->n_columns, rows->rows,
                                                &((const struct plan *)plan)->params, err)
                       : qn_logistic_state_unpack(bytes, design->n_columns, &state, err);
    const struct qn_logistic_want want = qn_logistic_wants(&state);
    if (code == QN_OK)
        code = qn_logistic_sums_init(&sums, design->n_columns, want.hessian, err);
    if (code == QN_OK) {
        qn_logistic_add(&sums, design, state.at, &want);
        qn_logistic_sums_pack(partial, &sums);
    }
    qn_logistic_sums_fini(&sums);
    qn_logistic_state_fini(&state);
    return code;
}

/* --- rounds on the coordinator --------------------------------------------------------------- */

static void acc_free(void *acc)
{
    qn_logistic_sums_fini(acc);
    free(acc);
}

static qn_code merge(const void *plan, void **acc, struct qn_strv partial, struct qn_err *err)
{
    struct qn_unpack in = qn_unpack_from(partial);
    uint32_t n = qn_unpack_u32(&in);
    bool hessian = qn_unpack_u8(&in);
    (void)plan;
    if (n == 0 || n > QN_MAX_FEATURES)
        return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER, "a gradient of %u columns", n);
    if (!*acc)
        *acc = calloc(1, sizeof(struct qn_logistic_sums));
    struct qn_logistic_sums *sums = *acc;
    if (!sums)
        return qn_err_nomem(err, "merging");
    if (!sums->gradient)
        QN_TRY(qn_logistic_sums_init(sums, n, hessian, err));
    return qn_logistic_sums_merge(sums, partial, err);
}

static qn_code in_words(enum qn_logistic_trouble trouble, const struct qn_prepared *prepared,
                        uint32_t column, const struct qn_logistic_params *params,
                        struct qn_err *err)
{
    struct qn_buf name;
    qn_buf_init(&name);
    qn_prepared_column_name(prepared, column, &name);
    struct qn_strv column_name = qn_buf_strv(&name);
    switch (trouble) {
    case QN_LOGISTIC_ALIASED:
        qn_err_set(err, QN_EINPUT, QN_BLAME_JOB,
                   "column '%.*s' is a linear combination of others, so without a penalty its "
                   "coefficient is not determined: leave it out, set prepare.categorical.drop: "
                   "first, or set params.l2",
                   QN_STRV_ARG(column_name));
        break;
    case QN_LOGISTIC_SEPARATED:
        qn_err_set(err, QN_EINPUT, QN_BLAME_JOB,
                   "the coefficient of '%.*s' grows without end: the features separate the "
                   "classes, perfectly or in part. Set params.l2 above 0, or see whether the "
                   "column is the label in disguise",
                   QN_STRV_ARG(column_name));
        break;
    case QN_LOGISTIC_NOT_CONVERGED:
    case QN_LOGISTIC_FINE:
        qn_err_set(err, QN_EINPUT, QN_BLAME_JOB,
                   "the fit has not converged in %u rounds (params.max_iter, params.tol %g); the "
                   "largest coefficient is that of '%.*s'",
                   params->max_iter, params->tol, QN_STRV_ARG(column_name));
        break;
    }
    qn_buf_fini(&name);
    return QN_EINPUT;
}

static qn_code look(const struct plan *plan, struct qn_logistic_sums *sums,
                    const struct qn_prepared *prepared, struct qn_logistic_state *search,
                    struct qn_err *err)
{
    bool *pinned = calloc(prepared->n_columns, sizeof *pinned);
    if (!pinned)
        return qn_err_nomem(err, "a fit");
    for (uint32_t i = 0; i < prepared->n_features; i++)
        if (prepared->features[i].constant)
            pinned[prepared->features[i].column] = true;
    enum qn_logistic_trouble trouble;
    uint32_t column;
    const struct qn_logistic_round round = {.sums = sums, .pinned = pinned};
    qn_code code = qn_logistic_step(search, &round, &plan->params, &trouble, &column, err);
    if (trouble != QN_LOGISTIC_FINE)
        code = in_words(trouble, prepared, column, &plan->params, err);
    free(pinned);
    return code;
}

static qn_code step(const void *plan, void *acc, struct qn_strv packed, struct qn_strv state,
                    struct qn_buf *out, enum qn_verdict *verdict, struct qn_err *err)
{
    struct qn_prepared prepared;
    struct qn_logistic_state search = {0};
    uint64_t rows[2];
    qn_prepared_init(&prepared);
    qn_code code = unpack(packed, &prepared, rows, err);
    if (code == QN_OK)
        code = state.len == 0 ? qn_logistic_state_init(&search, prepared.n_columns, rows,
                                                       &((const struct plan *)plan)->params, err)
                              : qn_logistic_state_unpack(state, prepared.n_columns, &search, err);
    if (code == QN_OK)
        code = look(plan, acc, &prepared, &search, err);
    if (code == QN_OK) {
        qn_logistic_state_pack(out, &search);
        *verdict = search.phase == QN_LOGISTIC_DONE ? QN_VERDICT_NEXT : QN_VERDICT_REPEAT;
    }
    qn_logistic_sums_fini(acc); /* used up */
    qn_logistic_state_fini(&search);
    qn_prepared_fini(&prepared);
    return code;
}

/* --- the model ------------------------------------------------------------------------------- */

static qn_code model(const void *plan, struct qn_strv prepared, struct qn_strv state,
                     struct qn_model **out, struct qn_err *err)
{
    (void)plan;
    struct qn_unpack in = qn_unpack_from(prepared);
    (void)qn_unpack_bytes(&in, 16); /* rows */
    return qn_logistic_model((struct qn_strv){(const char *)in.at, (size_t)(in.end - in.at)}, state,
                             out, err);
}

static qn_code write(const void *plan, struct qn_strv packed, struct qn_strv state, json_t *root,
                     struct qn_err *err)
{
    struct qn_prepared prepared;
    struct qn_logistic_state fit = {0};
    uint64_t rows[2];
    qn_prepared_init(&prepared);
    qn_code code = unpack(packed, &prepared, rows, err);
    if (code == QN_OK)
        code = qn_logistic_state_unpack(state, prepared.n_columns, &fit, err);
    if (code == QN_OK)
        code = qn_logistic_write(&prepared, &((const struct plan *)plan)->params, &fit, root, err);
    qn_logistic_state_fini(&fit);
    qn_prepared_fini(&prepared);
    return code;
}

static const char *const params[] = {"l1",  "l2", "class_weight", "scale_pos_weight", "max_iter",
                                     "tol", NULL};

const struct qn_algorithm qn_algorithm_logistic = {
    .name = "logistic_regression",
    .params = params,
    .compile = compile,
    .gathers = gathers,
    .prepare = prepare,
    .rows_new = rows_new,
    .rows_add = rows_add,
    .rows_free = rows_free,
    .rows_bytes = rows_bytes,
    .round = round_of,
    .merge = merge,
    .step = step,
    .acc_free = acc_free,
    .model = model,
    .write = write,
    .read = qn_logistic_read,
};
