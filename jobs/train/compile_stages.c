/* The stages of a train job, and which columns each of them reads. */
#include <string.h>

#include "jobs/train/compile.h"

/* By what tasks do with them. */
struct columns {
    bool *dealt;  /* label and what rows are dealt by */
    bool *all;    /* and the features */
    bool *fitted; /* and the dates that the guards look at */
    bool *scored; /* or the slices */
};

static bool mark_columns(struct qn_train_compiler *self, struct columns *out)
{
    const struct qn_train *train = self->train;
    uint32_t n = train->in->n_fields;
    *out = (struct columns){.dealt = QN_NEW_ARRAY(self->env->arena, bool, n),
                            .all = QN_NEW_ARRAY(self->env->arena, bool, n),
                            .fitted = QN_NEW_ARRAY(self->env->arena, bool, n),
                            .scored = QN_NEW_ARRAY(self->env->arena, bool, n)};
    if (!out->dealt || !out->all || !out->fitted || !out->scored)
        return false;
    out->dealt[train->label] = out->dealt[train->key] = out->dealt[train->by] = true;
    memcpy(out->all, out->dealt, n * sizeof(bool));
    for (uint32_t i = 0; i < train->n_features; i++)
        out->all[train->columns[i]] = true;
    memcpy(out->fitted, out->all, n * sizeof(bool));
    memcpy(out->scored, out->all, n * sizeof(bool));
    for (uint32_t i = 0; i < train->guard.n_dates; i++)
        out->fitted[train->dates[i]] = out->fitted[train->label_time] = true;
    for (uint32_t i = 0; i < train->n_slices; i++)
        out->scored[train->slices[i]] = true;
    return true;
}

static uint32_t add_stage(struct qn_job *job, struct qn_stage stage)
{
    job->stages[job->n_stages] = stage;
    return job->n_stages++;
}

/* Whether it takes a look at all rows to know when the sides begin. */
static bool goes_by_shares_of_time(const struct qn_split *split)
{
    bool begins = false;
    for (int side = 0; side < QN_N_SIDES; side++)
        begins |= split->begins[side];
    return split->method == QN_SPLIT_TIME && !begins;
}

/* Before anything is fitted. */
static void add_first_stages(struct qn_train *train, struct qn_job *job,
                             const struct columns *columns)
{
    bool by_shares = goes_by_shares_of_time(train->split);
    train->drift_stage = train->split_stage = -1;
    if (train->retrain)
        train->drift_stage = (int)add_stage(job, (struct qn_stage){.name = "drift",
                                                                   .over = QN_OVER_CHUNKS,
                                                                   .wanted = columns->all,
                                                                   .merges = true,
                                                                   .model = true,
                                                                   .fresh = true});
    if (train->stratify || by_shares)
        train->split_stage = (int)add_stage(job, (struct qn_stage){.name = "split",
                                                                   .over = QN_OVER_CHUNKS,
                                                                   .wanted = columns->dealt,
                                                                   .merges = true,
                                                                   .repeats = by_shares});
}

static void add_fit(struct qn_train *train, struct qn_job *job, const struct columns *columns)
{
    train->prepare_stage = add_stage(job, (struct qn_stage){.name = "prepare",
                                                            .over = QN_OVER_CHUNKS,
                                                            .wanted = columns->fitted,
                                                            .merges = true});
    train->round_stage =
        add_stage(job, (struct qn_stage){.name = "round",
                                         .over = QN_OVER_CHUNKS,
                                         .wanted = columns->all,
                                         .merges = true,
                                         .repeats = true,
                                         .appends = train->algorithm && train->algorithm->appends});
    if (train->calibrate)
        train->calibrate_stage = add_stage(job, (struct qn_stage){.name = "calibrate",
                                                                  .over = QN_OVER_CHUNKS,
                                                                  .wanted = columns->all,
                                                                  .merges = true});
}

static void add_evaluation(struct qn_train *train, struct qn_job *job,
                           const struct columns *columns)
{
    struct qn_importance *importance = train->importance;
    bool drifts = job->registers && !train->retrain;
    train->evaluate_stage = add_stage(
        job, (struct qn_stage){.name = "evaluate",
                               .over = QN_OVER_CHUNKS,
                               .wanted = train->beside ? NULL : columns->scored,
                               .partitions = true,
                               .n_partitions = importance ? 2 : 1,
                               .partition_schema = train->scores,
                               .raw_schema = importance ? importance->held : (struct qn_schema){0},
                               .merges = true,
                               .model = train->beside || drifts,
                               .fresh = drifts,
                               .rows = job->out.n_fields > 0,
                               .counts = true});
    const uint64_t reads = UINT64_C(1) << train->evaluate_stage;
    if (importance)
        importance->stage =
            add_stage(job, (struct qn_stage){.name = "importance",
                                             .over = QN_OVER_TRIALS,
                                             .n_trials = importance->n_permute + importance->n_shap,
                                             .merges = true,
                                             .reads = reads});
    train->metrics_stage = add_stage(job, (struct qn_stage){.name = "metrics",
                                                            .over = QN_OVER_TRIALS,
                                                            .n_trials = 1,
                                                            .merges = true,
                                                            .reads = reads});
}

qn_code qn_train_compile_stages(struct qn_train_compiler *self, struct qn_job *job,
                                struct qn_err *err)
{
    struct qn_train *train = self->train;
    struct columns columns;
    if (self->no_memory || self->label < 0 || self->key < 0)
        return QN_OK;
    train->label = (uint32_t)self->label;
    train->key = (uint32_t)self->key;
    train->by = self->by >= 0 ? (uint32_t)self->by : train->key;
    self->no_memory |= !mark_columns(self, &columns);
    if (self->no_memory)
        return QN_OK;
    add_first_stages(train, job, &columns);
    if (train->search && train->search->n_candidates)
        QN_TRY(qn_search_stages(train, job, columns.all, self->env->arena, err));
    add_fit(train, job, &columns);
    add_evaluation(train, job, &columns);
    return QN_OK;
}
