/* algorithm: one way to fit a model. It is one const struct qn_algorithm in a file of its own and
 * one line in algorithms.def; jobs/train drives it without knowing which it is:
 *
 *   prepare    workers gather what `gathers` asks for from training rows (fit.h), and the
 *              coordinator makes `prepared` of it: bytes that all tasks get
 *   round      workers make a partial of their rows at the state so far (empty in round 0), the
 *              coordinator merges partials in order and takes a step; until it is done
 *   evaluate   a model of prepared and state scores every row
 *
 * What `rows` and `acc` hold between rounds only saves work: both can be gone at any time, and no
 * byte of a partial or a state may depend on it. */
#ifndef QN_JOBS_LEARN_ALGORITHM_H
#define QN_JOBS_LEARN_ALGORITHM_H

#include "base/arena.h"
#include "base/diag.h"
#include "flow/job.h"
#include "jobs/learn/fit.h"
#include "jobs/learn/model.h"
#include "spec/node.h"

struct json_t;

/* What compile() reads and where it complains. */
struct qn_algorithm_env {
    struct qn_arena *arena;
    struct qn_diags *diags;
    const struct qn_node *job; /* the train job's mapping: params, prepare */
    const struct qn_prepare_feature *features;
    uint32_t n_features;
    bool validates; /* the split holds rows for validation */
    uint64_t seed;
};

struct qn_algorithm {
    const char *name;
    const char *const *params; /* keys of `params` that mean something to it; NULL-terminated */
    bool takes_dates;          /* dates and timestamps may be features, as numbers */
    bool appends;              /* a step's bytes are added to the state, not put in its place */

    /* Complaints go to env->diags. The plan is in the arena and never changes. */
    QN_CHECK qn_code (*compile)(const struct qn_algorithm_env *env, const void **plan,
                                struct qn_err *err);

    const struct qn_prepare_plan *(*gathers)(const void *plan);
    /* Notes (as many as features at most) go to the arena. */
    QN_CHECK qn_code (*prepare)(const void *plan, struct qn_fit *fit, struct qn_buf *prepared,
                                struct qn_arena *arena, struct qn_fit_note **notes,
                                uint32_t *n_notes, struct qn_err *err);

    /* Rows of one chunk. sides: enum qn_side. */
    QN_CHECK qn_code (*rows_new)(const void *plan, struct qn_strv prepared, void **rows,
                                 struct qn_err *err);
    QN_CHECK qn_code (*rows_add)(void *rows, const struct qn_column *const *columns,
                                 const uint32_t *picked, uint32_t n, const uint8_t *labels,
                                 const uint8_t *sides, const uint64_t *hashes, struct qn_err *err);
    void (*rows_free)(void *rows);
    uint64_t (*rows_bytes)(const void *rows); /* memory they hold, and will in rounds to come */
    /* NULL: they cannot. As qn_task_cache.shrink, once they have been in a round. */
    uint64_t (*rows_shrink)(void *rows, const char *folder);
    QN_CHECK qn_code (*round)(const void *plan, void *rows, struct qn_strv state,
                              struct qn_buf *partial, struct qn_err *err);

    /* *acc: NULL at first, the algorithm's own. */
    QN_CHECK qn_code (*merge)(const void *plan, void **acc, struct qn_strv partial,
                              struct qn_err *err);
    /* NULL: round and merge do. To *acc what merge would of the partials of all n; and what fold
     * gathered in `more`, which is then as after a step. */
    QN_CHECK qn_code (*fold)(const void *plan, void *const *rows, uint32_t n, struct qn_strv state,
                             void **acc, struct qn_err *err);
    QN_CHECK qn_code (*join)(const void *plan, void **acc, void *more, struct qn_err *err);
    /* *verdict: NEXT, REPEAT or ANEW (flow/job.h), which is about acc. */
    QN_CHECK qn_code (*step)(const void *plan, void *acc, struct qn_strv prepared,
                             struct qn_strv state, struct qn_buf *out, enum qn_verdict *verdict,
                             struct qn_err *err);
    void (*acc_free)(void *acc);

    QN_CHECK qn_code (*model)(const void *plan, struct qn_strv prepared, struct qn_strv state,
                              struct qn_model **out, struct qn_err *err);
    /* Its keys of the model file's root, "params" among them, and of root.training. */
    QN_CHECK qn_code (*write)(const void *plan, struct qn_strv prepared, struct qn_strv state,
                              struct json_t *root, struct qn_err *err);
    QN_CHECK qn_code (*read)(const struct json_t *root, struct qn_model **out, struct qn_err *err);
};

const struct qn_algorithm *qn_algorithm_find(const char *name); /* NULL: there is none */

#endif
