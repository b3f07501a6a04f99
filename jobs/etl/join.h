/* join: columns of another dataset (the side) beside the rows with equal keys.
 *
 * A side that a worker can hold is read whole, once by each worker, and kept as a table that its
 * executors share while the run lasts: a broadcast join. One that is too large is shuffled, and
 * each chunk of the input gets a table of its own, of the rows of the side that its keys ask for:
 *
 *     join side    parts of the side -> its rows -> partitions by hash of the keys
 *     join keys    chunks -> the steps before the join -> keys, each about once -> partitions
 *     join match   ranges of partitions -> rows of the side, for every chunk that has their key ->
 *                  partitions by chunk
 *
 * From there on both ways are one: the steps that follow see the rows of their chunk in the order
 * of the input, and the rows of the side in the side's order. So a job's result does not depend on
 * the way, and the coordinator may choose it by the memory that workers have. */
#ifndef QN_JOBS_ETL_JOIN_H
#define QN_JOBS_ETL_JOIN_H

#include "jobs/etl/build.h"
#include "jobs/etl/scatter.h"
#include "jobs/etl/step.h"

struct qn_pipeline;

enum qn_join_how { QN_JOIN_INNER, QN_JOIN_LEFT, QN_JOIN_SEMI, QN_JOIN_ANTI };

struct qn_join {
    enum qn_join_how how;
    uint32_t side; /* in job->sides */
    const char *to;
    uint32_t *left, *right; /* key columns of the input and of the side */
    uint32_t n_keys;
    uint32_t *added; /* side columns appended to the output */
    uint32_t n_added;
    bool *stored; /* side columns kept in memory: keys and what some stage needs */
    uint32_t n_stored;
    /* shuffled */
    uint32_t n_partitions;
    uint32_t side_stage, keys_stage, match_stage;
    uint32_t *sent; /* side columns as they are sent: keys, then the others that are stored */
    uint32_t n_sent;
    struct qn_schema rows;                   /* of them */
    struct qn_schema keys;                   /* of what is asked for: keys, chunk */
    struct qn_partitioning side_by, keys_by; /* how either is sent */
};

static inline bool qn_join_makes_pairs(const struct qn_join *join)
{
    return join->how == QN_JOIN_INNER || join->how == QN_JOIN_LEFT;
}

extern const struct qn_etl_step_ops qn_join_step;

/* The column of the side is needed. Compiling is one thread: it may change the join. */
void qn_join_store(struct qn_join *join, uint32_t column);
/* Says what shuffled rows look like, once all stages have said which columns they need. */
void qn_join_shape(struct qn_etl_build *build, struct qn_join *join);

/* --- tasks --- */

QN_CHECK qn_code qn_join_send_side(struct qn_pipeline *pipeline, const struct qn_join *join,
                                   struct qn_err *err);
QN_CHECK qn_code qn_join_send_keys(struct qn_pipeline *pipeline, const struct qn_join *join,
                                   struct qn_err *err);
QN_CHECK qn_code qn_join_match(struct qn_pipeline *pipeline, const struct qn_join *join,
                               struct qn_err *err);

#endif
