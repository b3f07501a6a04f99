/* logistic_model: a fitted logistic regression in the model file, and scoring with it. */
#ifndef QN_JOBS_LEARN_LOGISTIC_MODEL_H
#define QN_JOBS_LEARN_LOGISTIC_MODEL_H

#include <jansson.h>

#include "jobs/learn/logistic.h"
#include "jobs/learn/model.h"

/* The keys "features", "terms" and "params", and what training came to. The fit has converged. */
QN_CHECK qn_code qn_logistic_write(const struct qn_prepared *prepared,
                                   const struct qn_logistic_params *params,
                                   const struct qn_logistic_state *fit, json_t *root,
                                   struct qn_err *err);
QN_CHECK qn_code qn_logistic_read(const json_t *root, struct qn_model **out, struct qn_err *err);
/* Of packed preparation and state. */
QN_CHECK qn_code qn_logistic_model(struct qn_strv prepared, struct qn_strv state,
                                   struct qn_model **out, struct qn_err *err);

#endif
