#include "jobs/score/score.h"

const struct qn_job_ops qn_job_score = {
    .kind = "score",
    .summary = "apply a registered model to rows",
    .keys = &qn_score_keys,
    .compile = qn_score_compile,
    .run = qn_score_run,
    .merge = qn_score_merge,
    .finish = qn_score_finish,
    .free_acc = qn_score_free_acc,
};
