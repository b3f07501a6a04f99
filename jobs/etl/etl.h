/* etl: a compiled etl job: its steps, where grouping cuts them in two, its stages.
 *
 *     chunk -> steps [0, group_at) -> (grouped: partitions -> merge groups) -> steps [group_at, n)
 *
 * Every fit stage runs the steps before its own once more, over the columns these need; files give
 * it the columns of the map as well, so that all stages see the same rows refused. */
#ifndef QN_JOBS_ETL_ETL_H
#define QN_JOBS_ETL_ETL_H

#include "base/limits.h"
#include "jobs/etl/build.h"
#include "jobs/etl/step.h"

struct qn_check;
struct qn_group_plan;
struct qn_prune;

enum qn_etl_stage_kind {
    QN_ETL_FIT,        /* steps before `fit` run, its rows are fitted */
    QN_ETL_FIT_REDUCE, /* the second stage of `fit`, over partitions */
    QN_ETL_JOIN_SIDE,  /* rows of a join's side are sent to partitions */
    QN_ETL_JOIN_KEYS,  /* steps before a join run, its keys are sent to partitions */
    QN_ETL_JOIN_MATCH, /* rows of the side are sent to the chunks that have their keys */
    QN_ETL_MAP,        /* steps [0, group_at) */
    QN_ETL_REDUCE,     /* grouped: steps [group_at, n) over merged groups */
};

struct qn_etl_stage {
    enum qn_etl_stage_kind kind;
    const struct qn_etl_step *fit;
    const struct qn_join *join;
    uint32_t first, end; /* steps it runs */
    bool **live;        /* [end - first + 1]: columns needed before step first + i, and after all */
    const bool *wanted; /* columns decoded: live[0], at least one, and of files those of the map */
    uint32_t n_wanted;
};

struct qn_etl {
    struct qn_etl_step **steps;
    uint32_t n_steps, group_at;  /* group_at == n_steps: not grouped */
    struct qn_group_plan *group; /* NULL: not grouped */
    struct qn_check *checks;     /* all data tests, in the order they act */
    uint32_t n_checks;
    uint32_t n_imputed;           /* columns that impute fills */
    const char **imputed;         /* their names */
    const struct qn_prune *prune; /* NULL: no filter */
    struct qn_etl_stage stages[QN_MAX_STAGES];
    uint32_t width; /* fields of the widest schema */
    bool profiled;  /* what goes out */
    uint32_t n_partitions;
};

#endif
