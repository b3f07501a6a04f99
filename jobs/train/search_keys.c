/* What a job's `search` asks for. */
#include <math.h>
#include <stdio.h>

#include "base/limits.h"
#include "jobs/learn/metrics.h"
#include "jobs/train/search.h"
#include "jobs/train/train.h"
#include "spec/keys.h"

static const char *const methods[] = {"grid", "random", "halving", NULL};
static const char *const metrics[] = {"roc_auc", "average_precision", "log_loss", NULL};

static const struct qn_key keys[] = {
    {.name = "params",
     .shape = QN_SHAPE_MAP,
     .item = QN_SHAPE_ANY,
     .required = true,
     .doc = "parameters of the algorithm: a list of values each, or {min, max, log} to draw from"},
    {.name = "method",
     .shape = QN_SHAPE_ENUM,
     .values = methods,
     .doc =
         "grid (default): all combinations; random: `trials` draws; halving: rounds on ever more "
         "rows with ever fewer of the draws, or of the grid"},
    {.name = "trials",
     .shape = QN_SHAPE_INT,
     .min = 1,
     .max = QN_MAX_CANDIDATES,
     .doc = "random and halving: candidates to draw"},
    {.name = "folds",
     .shape = QN_SHAPE_INT,
     .min = 2,
     .max = QN_MAX_FOLDS,
     .doc = "parts of the training rows, each left out of a fit and measured once; default 5"},
    {.name = "folds_by",
     .shape = QN_SHAPE_TEXT,
     .doc = "column whose rows of one value stay in one fold; default: the key"},
    {.name = "metric",
     .shape = QN_SHAPE_ENUM,
     .values = metrics,
     .doc = "what is compared, as mean over folds: roc_auc (default), average_precision, log_loss"},
    {.name = "eta",
     .shape = QN_SHAPE_INT,
     .min = 2,
     .max = 10,
     .doc = "halving: one in so many candidates goes on, on so many times the rows; default 3"},
};
const struct qn_spec_keys qn_search_keys = QN_KEYS("search", keys);

/* --- rungs ----------------------------------------------------------------------------------- */

/* As many that the last one has eta candidates at most, on all rows. */
static void compile_rungs(struct qn_search *search, uint32_t eta)
{
    uint32_t n = search->n_candidates, at = 0;
    search->rungs[at++] = (struct qn_rung){.n_candidates = n, .share = 1};
    while (search->method == QN_SEARCH_HALVING && n > eta && at < QN_MAX_RUNGS) {
        n = (n + eta - 1) / eta;
        search->rungs[at++] = (struct qn_rung){.n_candidates = n, .share = 1};
    }
    search->n_rungs = at;
    for (uint32_t i = at - 1; i > 0; i--)
        search->rungs[i - 1].share = search->rungs[i].share / eta;
}

static void refuse_key(const struct qn_algorithm_env *env, const struct qn_node *node,
                       const char *name, const char *why)
{
    const struct qn_pair *pair = qn_node_pair(node, name);
    if (pair)
        qn_diags_add(env->diags, pair->key_span, NULL, "leave it out", "%s", why);
}

static void compile_method(const struct qn_algorithm_env *env, const struct qn_node *node,
                           struct qn_search *search)
{
    const char *method = qn_node_text(qn_node_get(node, "method"), "grid");
    for (int i = 0; methods[i]; i++)
        if (strcmp(methods[i], method) == 0)
            search->method = (enum qn_search_method)i;
    if (search->method == QN_SEARCH_GRID)
        refuse_key(env, node, "trials", "a grid has no trials: it is all combinations");
    if (search->method != QN_SEARCH_HALVING)
        refuse_key(env, node, "eta", "eta is for method: halving");
    if (search->method == QN_SEARCH_RANDOM && !qn_node_get(node, "trials"))
        qn_diags_add(env->diags, node->span, "trials: N", NULL,
                     "a random search does not say how many candidates it draws");
    search->folds = (uint32_t)qn_node_i64(qn_node_get(node, "folds"), 5);
    search->metric = qn_node_text(qn_node_get(node, "metric"), metrics[0]);
    search->smaller = strcmp(search->metric, "log_loss") == 0;
}

/* --- plans ----------------------------------------------------------------------------------- */

/* The job as it would be with other params. */
static const struct qn_node *job_with(const struct qn_node *job, const struct qn_node *params,
                                      struct qn_arena *arena)
{
    struct qn_node *out = QN_NEW(arena, struct qn_node);
    struct qn_pair *pairs = QN_NEW_ARRAY(arena, struct qn_pair, job->n + 1);
    if (!out || !pairs)
        return NULL;
    *out = *job;
    out->pairs = pairs;
    out->n = 0;
    for (uint32_t i = 0; i < job->n; i++)
        if (!qn_strv_is(job->pairs[i].key, "params"))
            pairs[out->n++] = job->pairs[i];
    pairs[out->n++] =
        (struct qn_pair){.key = QN_STRV_LIT("params"), .key_span = params->span, .value = *params};
    return out;
}

static qn_code compile_plans(const struct qn_algorithm_env *env,
                             const struct qn_algorithm *algorithm, struct qn_search *search,
                             struct qn_err *err)
{
    size_t errors = env->diags->n_errors;
    for (uint32_t i = 0; i < search->n_candidates && env->diags->n_errors == errors; i++) {
        struct qn_candidate *candidate = &search->candidates[i];
        struct qn_algorithm_env of = *env;
        of.job = job_with(env->job, candidate->params, env->arena);
        if (!of.job)
            return qn_err_nomem(err, "a search");
        QN_TRY(algorithm->compile(&of, &candidate->plan, err));
    }
    return QN_OK;
}

qn_code qn_search_compile(const struct qn_algorithm_env *env, const struct qn_algorithm *algorithm,
                          struct qn_search *search, struct qn_err *err)
{
    const struct qn_node *node = qn_node_get(env->job, "search");
    size_t errors = env->diags->n_errors;
    compile_method(env, node, search);
    qn_train_check_params(env->diags, qn_node_get(node, "params"), algorithm);
    if (env->diags->n_errors == errors)
        QN_TRY(qn_search_draw(env, node, search, err));
    if (env->diags->n_errors > errors)
        return QN_OK;
    compile_rungs(search, (uint32_t)qn_node_i64(qn_node_get(node, "eta"), 3));
    return compile_plans(env, algorithm, search, err);
}

/* --- stages ---------------------------------------------------------------------------------- */

static qn_code rows_schema(const struct qn_train *train, struct qn_search *search,
                           struct qn_arena *arena, struct qn_err *err)
{
    static const struct qn_field fixed[QN_SEARCH_FEATURES] = {{"hash", {.id = QN_INT64}},
                                                              {"fold", {.id = QN_INT64}},
                                                              {"label", {.id = QN_BOOL}},
                                                              {"side", {.id = QN_INT64}}};
    uint32_t n = QN_SEARCH_FEATURES + train->n_features;
    struct qn_field *fields = QN_NEW_ARRAY(arena, struct qn_field, n);
    if (!fields)
        return qn_err_nomem(err, "a search");
    memcpy(fields, fixed, sizeof fixed);
    for (uint32_t f = 0; f < train->n_features; f++)
        fields[QN_SEARCH_FEATURES + f] = train->in->fields[train->columns[f]];
    search->rows = (struct qn_schema){.fields = fields, .n_fields = n};
    return QN_OK;
}

qn_code qn_search_stages(struct qn_train *train, struct qn_job *job, const bool *wanted,
                         struct qn_arena *arena, struct qn_err *err)
{
    struct qn_search *search = train->search;
    bool *columns = QN_NEW_ARRAY(arena, bool, train->in->n_fields);
    if (!columns)
        return qn_err_nomem(err, "a search");
    memcpy(columns, wanted, train->in->n_fields);
    columns[search->group] = true;
    QN_TRY(rows_schema(train, search, arena, err));
    search->rows_stage = job->n_stages;
    search->first_rung = search->rows_stage + 1;
    job->stages[job->n_stages++] = (struct qn_stage){.name = "search rows",
                                                     .over = QN_OVER_CHUNKS,
                                                     .wanted = columns,
                                                     .merges = true,
                                                     .partitions = true,
                                                     .n_partitions = 1,
                                                     .partition_schema = search->rows};
    for (uint32_t rung = 0; rung < search->n_rungs; rung++)
        job->stages[job->n_stages++] =
            (struct qn_stage){.name = "search",
                              .over = QN_OVER_TRIALS,
                              .n_trials = search->rungs[rung].n_candidates * search->folds,
                              .merges = true,
                              .reads = UINT64_C(1) << search->rows_stage};
    return QN_OK;
}
