/* champion: the version that a new model is compared with, on rows that neither has seen.
 *
 * A row counts when this job holds it out and the champion's own split (from its model file: by the
 * hash of the row's key, or what else it goes by) held it out too: as test, or as validation where
 * it had no test rows. */
#ifndef QN_JOBS_TRAIN_CHAMPION_H
#define QN_JOBS_TRAIN_CHAMPION_H

#include "jobs/learn/scorer.h"
#include "jobs/train/walk.h"

struct qn_train_champion {
    uint32_t version;         /* 0: there is none */
    struct qn_scorer *scorer; /* NULL: none, or it cannot be compared */
    int32_t by;               /* of a task: the column that its split goes by, in the batches */
    struct qn_buf problem;    /* why it cannot */
};

/* The model that the task was given. Finish it also on failure. */
QN_CHECK qn_code qn_train_champion_init(struct qn_train_champion *champion,
                                        const struct qn_train_walk *walk, struct qn_err *err);
void qn_train_champion_fini(struct qn_train_champion *champion);

/* Scores of the walk's rows [walk->n]; NaN for rows that do not count. */
QN_CHECK qn_code qn_train_champion_score(struct qn_train_champion *champion,
                                         const struct qn_train_walk *walk, double *scores,
                                         struct qn_err *err);

/* The evaluate stage's partials and state: which version, and what is the matter with it. */
void qn_train_champion_pack(struct qn_buf *out, const struct qn_train_champion *champion);
/* Adds another task's; the first problem stays. */
QN_CHECK qn_code qn_train_champion_merge(struct qn_train_champion *champion, struct qn_strv bytes,
                                         struct qn_err *err);

#endif
