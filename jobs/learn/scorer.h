/* scorer: a model file made ready to give probabilities, with what it needs of the rows found. */
#ifndef QN_JOBS_LEARN_SCORER_H
#define QN_JOBS_LEARN_SCORER_H

#include "base/buf.h"
#include "jobs/learn/model.h"

struct qn_scorer {
    struct qn_model *model;
    int32_t *positions;               /* of the features in the reader's batches */
    const struct qn_column **columns; /* of one batch, by feature */
    struct qn_column *gaps;           /* by feature: NULL in every row */
    bool *hollow;                     /* by feature: a column of texts that must hold none */
    uint64_t *nothing;                /* their validity */
    uint32_t nothing_rows;
};

/* QN_EINPUT (blame job) on bytes that are no model file. */
QN_CHECK qn_code qn_scorer_new(struct qn_strv bytes, struct qn_scorer **out, struct qn_err *err);
void qn_scorer_free(void *data);

/* Finds the features in rows of a schema. Those that are missing are appended to `missing` by name
 * ("'age', 'plan'"), those of a type that does not fit to `unfit`, which may be the same buffer
 * ("'plan' (integer, not text)"). Features that are missing have position -1, and no value in any
 * row. With `hollow` texts fit as long as there are none: what a column without a value is read as,
 * whatever it is else. */
void qn_scorer_find(struct qn_scorer *scorer, const struct qn_schema *schema, bool hollow,
                    struct qn_buf *missing, struct qn_buf *unfit);

/* Probabilities of rows[0..n) of a batch of that schema; no feature is unfit. QN_EINPUT where one
 * that was hollow is not. */
QN_CHECK qn_code qn_scorer_score(struct qn_scorer *scorer, const struct qn_batch *batch,
                                 const uint32_t *rows, uint32_t n, double *scores,
                                 struct qn_err *err);
/* Of the same rows what features add to the margin (model.h). */
QN_CHECK qn_code qn_scorer_explain(struct qn_scorer *scorer, const struct qn_batch *batch,
                                   const uint32_t *rows, uint32_t n, double *parts, double *margins,
                                   struct qn_err *err);

/* Categories that were unknown so far (qn_model.categories). */
void qn_scorer_forget(struct qn_scorer *scorer);

#endif
