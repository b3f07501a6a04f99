/* walk: one task's way through the rows that have a label. */
#ifndef QN_JOBS_TRAIN_WALK_H
#define QN_JOBS_TRAIN_WALK_H

#include "jobs/train/train.h"

/* One task's walk over its rows. Arrays hold one batch. */
struct qn_train_walk {
    const struct qn_train *train;
    struct qn_task_in *in;
    struct qn_task_out *out;
    struct qn_split split;
    bool deals;                       /* false in stages before the sides are known */
    int32_t label, key, by;           /* positions in the reader's batches */
    int32_t *positions;               /* of the features; NULL when they are not read */
    const struct qn_column **columns; /* of the batch, by feature */
    struct qn_strv others[2];         /* as in a census; copied when first seen */
    uint64_t strays[QN_N_STRAYS];
    struct qn_strv stray;
    struct qn_batch batch;
    struct qn_arena *arena; /* of what is made of the batch, until the next one */
    uint32_t capacity, n;
    uint32_t *rows; /* labelled ones */
    uint8_t *labels, *sides;
    uint64_t *hashes;
};

/* From the task's first row; walk->arena is there. */
QN_CHECK qn_code qn_train_walk_start(struct qn_train_walk *walk, const struct qn_train *train,
                                     struct qn_task_in *in, struct qn_task_out *out,
                                     struct qn_err *err);
/* Where a column of the input stands in the reader's batches, which hold the wanted ones only. */
QN_CHECK qn_code qn_train_walk_find(const struct qn_train_walk *walk, uint32_t column, int32_t *out,
                                    struct qn_err *err);
/* The next batch; its labelled rows in rows[0..n), but those that are on no side. Counts what came
 * in and what has no label, refuses strays. batch.n_rows 0: the end. */
QN_CHECK qn_code qn_train_walk_next(struct qn_train_walk *walk, struct qn_err *err);
/* Leaves only the rows of some sides in rows[0..n): bit s of `sides` for side s. */
void qn_train_walk_keep(struct qn_train_walk *walk, unsigned sides);

/* What the walk has seen besides rows by side and class. */
void qn_train_walk_census(const struct qn_train_walk *walk, struct qn_train_census *census);

/* Gives the task's partial out and frees it. */
QN_CHECK qn_code qn_train_give(struct qn_task_out *out, struct qn_buf *partial, struct qn_err *err);

/* What the algorithm prepared; borrows from the stage's state. */
QN_CHECK qn_code qn_train_walk_prepared(const struct qn_train_walk *walk, struct qn_strv *prepared,
                                        struct qn_err *err);

#endif
