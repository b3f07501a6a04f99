/* search: which parameters a model is fitted with. Two kinds of stages before the ordinary ones:
 *
 *   rows    rows that are not held out for the test or anything later, as one partition
 *   rung    candidates x folds tasks, each a whole fit in one worker's memory: on the rows of all
 *           folds but one, preparation and all; its partial is the metric of the fold left out.
 *           A grid and a random search have one rung; halving has several, on ever more rows with
 *           ever fewer candidates
 *
 * The best candidate's plan is what the stages after work with (qn_train_plan).
 *
 * Files: search_keys.c reads the spec, search_draw.c makes the candidates, search_rows.c and
 * search_fit.c run on workers, search_choose.c on the coordinator. */
#ifndef QN_JOBS_TRAIN_SEARCH_H
#define QN_JOBS_TRAIN_SEARCH_H

#include "flow/job.h"
#include "jobs/learn/algorithm.h"

struct qn_train;
struct qn_train_walk;
struct qn_spec_keys;

enum qn_search_method { QN_SEARCH_GRID, QN_SEARCH_RANDOM, QN_SEARCH_HALVING };

struct qn_candidate {
    const struct qn_node *params; /* of the job, with those that are searched */
    const char *json;             /* those that are searched */
    const void *plan;             /* the algorithm's */
};

enum { QN_MAX_RUNGS = 10 }; /* 2^9 = QN_MAX_CANDIDATES */

struct qn_rung {
    uint32_t n_candidates;
    double share; /* of the rows */
};

struct qn_search {
    enum qn_search_method method;
    uint32_t folds;
    uint32_t group;     /* column whose rows stay in one fold */
    const char *metric; /* of qn_metrics_list */
    bool smaller;       /* of two values of the metric the smaller one is better */
    struct qn_candidate *candidates;
    uint32_t n_candidates;
    struct qn_rung rungs[QN_MAX_RUNGS];
    uint32_t n_rungs;
    uint32_t rows_stage, first_rung; /* stages */
    struct qn_schema rows;           /* of the partition */
};

/* Columns of the partition. */
enum { QN_SEARCH_HASH, QN_SEARCH_FOLD_HASH, QN_SEARCH_LABEL, QN_SEARCH_SIDE, QN_SEARCH_FEATURES };

extern const struct qn_spec_keys qn_search_keys;

/* What a job's `search` asks for; complaints go to env->diags. features: by feature, for the
 * algorithm (as algorithm_env has them). */
QN_CHECK qn_code qn_search_compile(const struct qn_algorithm_env *env,
                                   const struct qn_algorithm *algorithm, struct qn_search *search,
                                   struct qn_err *err);
/* The candidates, without their plans. */
QN_CHECK qn_code qn_search_draw(const struct qn_algorithm_env *env, const struct qn_node *node,
                                struct qn_search *search, struct qn_err *err);
/* Adds the stages. wanted: columns of the input that the rows stage reads. */
QN_CHECK qn_code qn_search_stages(struct qn_train *train, struct qn_job *job, const bool *wanted,
                                  struct qn_arena *arena, struct qn_err *err);

/* Whether a stage is a rung, and which. */
bool qn_search_is_rung(const struct qn_search *search, uint32_t stage, uint32_t *rung);

/* Tasks. */
QN_CHECK qn_code qn_search_run_rows(struct qn_train_walk *walk, struct qn_err *err);
QN_CHECK qn_code qn_search_run_rung(const struct qn_train *train, struct qn_task_in *in,
                                    struct qn_task_out *out, struct qn_err *err);

/* All rows of the partition, as a worker holds them for all its tasks. Borrowed. */
struct qn_search_rows {
    struct qn_arena arena;
    struct qn_batch *batches;
    uint32_t n, capacity;
    uint64_t bytes;
};
QN_CHECK qn_code qn_search_rows_get(struct qn_task_in *in, const struct qn_search *search,
                                    const struct qn_search_rows **out, struct qn_err *err);

/* What a rung came to: the state of its stage. */
struct qn_rung_result {
    uint32_t n;                 /* candidates it fitted */
    const uint32_t *candidates; /* ascending */
    const double *values;       /* n x folds: the metric */
    const double *means;        /* n */
    const bool *kept;           /* n: for the next rung; of the last one, the one chosen */
};
QN_CHECK qn_code qn_rung_result_read(const struct qn_search *search, uint32_t rung,
                                     struct qn_strv state, struct qn_arena *arena,
                                     struct qn_rung_result *out, struct qn_err *err);
/* Packs it, from values of all tasks in unit order. states: of stages that are over. */
QN_CHECK qn_code qn_rung_result_pack(const struct qn_search *search, uint32_t rung,
                                     const struct qn_strv *states, struct qn_strv values,
                                     struct qn_buf *out, struct qn_err *err);
/* The candidate that a rung fits in place `at`; of n_rungs: that was chosen. */
QN_CHECK qn_code qn_search_candidate_at(const struct qn_search *search, uint32_t rung, uint32_t at,
                                        const struct qn_strv *states, uint32_t *out,
                                        struct qn_err *err);
/* The one that the search chose, once its stages are over. */
QN_CHECK qn_code qn_search_chosen(const struct qn_search *search, const struct qn_strv *states,
                                  const struct qn_candidate **out, struct qn_err *err);
QN_CHECK qn_code qn_search_report(const struct qn_search *search, const struct qn_strv *states,
                                  struct qn_findings *findings, struct qn_err *err);

#endif
