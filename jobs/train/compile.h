/* compile: reading a train job's part of the spec; for compile*.c only. */
#ifndef QN_JOBS_TRAIN_COMPILE_H
#define QN_JOBS_TRAIN_COMPILE_H

#include "jobs/lookup.h"
#include "jobs/train/train.h"
#include "spec/node.h"

struct qn_train_compiler {
    const struct qn_job_env *env;
    struct qn_train *train;
    const struct qn_gaps *gaps; /* of the input */
    int32_t label, key;         /* -1: said already */
    int32_t by;                 /* that the split goes by; -1: the key, or said already */
    int32_t label_time;         /* -1: none */
    size_t errors;              /* complaints there were before this job's */
    bool no_memory;
};

/* A column of the input by name; -1, and a complaint, when there is none. node: may be NULL. */
int32_t qn_train_find_column(struct qn_train_compiler *self, const struct qn_node *name);
bool qn_train_is_text(const struct qn_node *node, const char *text);

/* split and calibrate: fills train->split, stratify and calibrate, and self->by. After the key. */
void qn_train_compile_split(struct qn_train_compiler *self);

/* What jobs before this one learned of all rows: fills train->before. After the features. */
void qn_train_compile_before(struct qn_train_compiler *self);

/* The job's stages, once all else was read. */
QN_CHECK qn_code qn_train_compile_stages(struct qn_train_compiler *self, struct qn_job *job,
                                         struct qn_err *err);

#endif
