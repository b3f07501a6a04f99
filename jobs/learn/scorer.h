/* scorer: a model file made ready to give probabilities, with what it needs of the rows found. */
#ifndef QN_JOBS_LEARN_SCORER_H
#define QN_JOBS_LEARN_SCORER_H

#include "base/buf.h"
#include "jobs/learn/model.h"

struct qn_scorer {
    struct qn_model *model;
    int32_t *positions;               /* of the features in the reader's batches */
    const struct qn_column **columns; /* of one batch, by feature */
};

/* QN_EINPUT (blame job) on bytes that are no model file. */
QN_CHECK qn_code qn_scorer_new(struct qn_strv bytes, struct qn_scorer **out, struct qn_err *err);
void qn_scorer_free(void *data);

/* Finds the features in rows of a schema. What is missing, or of a type that does not fit, is
 * appended to `missing` by name: "'age', 'plan' (integer, not text)"; nothing when all are there.
 */
void qn_scorer_find(struct qn_scorer *scorer, const struct qn_schema *schema,
                    struct qn_buf *missing);

/* Probabilities of rows[0..n) of a batch of that schema; every feature was found. */
QN_CHECK qn_code qn_scorer_score(struct qn_scorer *scorer, const struct qn_batch *batch,
                                 const uint32_t *rows, uint32_t n, double *scores,
                                 struct qn_err *err);
/* Of the same rows what features add to the margin (model.h). */
QN_CHECK qn_code qn_scorer_explain(struct qn_scorer *scorer, const struct qn_batch *batch,
                                   const uint32_t *rows, uint32_t n, double *parts, double *margins,
                                   struct qn_err *err);

#endif
