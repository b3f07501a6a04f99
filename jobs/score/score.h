/* score: one stage that gives key, score and model version of every row, and counts what of the
 * rows the model does not know: columns that are not there, categories that training never saw.
 *
 * Files: compile.c reads the spec, run.c scores on workers, gaps.c is what is counted: tasks'
 * counts, their sum at the coordinator, and what is told of it. */
#ifndef QN_JOBS_SCORE_SCORE_H
#define QN_JOBS_SCORE_SCORE_H

#include "flow/job.h"

/* Columns of the table: key, score, model version; with contributions margin, then those. */
enum { QN_SCORE_KEY, QN_SCORE_SCORE, QN_SCORE_VERSION, QN_SCORE_MARGIN, QN_SCORE_PARTS };

struct qn_score {
    uint32_t key;      /* column of the input */
    bool fill_columns; /* features that are not there have no value; else the job fails */
    bool contributions;
    const char **parts; /* [n_parts]: input columns, of which the table says what they add */
    uint32_t n_parts;
};

extern const struct qn_spec_keys qn_score_keys;
QN_CHECK qn_code qn_score_compile(const struct qn_job_env *env, struct qn_job *job,
                                  struct qn_err *err);
QN_CHECK qn_code qn_score_run(const struct qn_job *job, struct qn_task_in *in,
                              struct qn_task_out *out, struct qn_err *err);
QN_CHECK qn_code qn_score_merge(const struct qn_job *job, uint32_t stage, void **acc,
                                const struct qn_strv *states, struct qn_strv partial,
                                struct qn_err *err);
QN_CHECK qn_code qn_score_finish(const struct qn_job *job, uint32_t stage, uint32_t round,
                                 void **acc, const struct qn_strv *states, struct qn_buf *state,
                                 struct qn_findings *findings, enum qn_verdict *verdict,
                                 struct qn_err *err);
void qn_score_free_acc(void *acc);

#endif
