#include "jobs/train/train.h"

const struct qn_job_ops qn_job_train = {
    .kind = "train",
    .summary = "fit a model, evaluate it on held-out rows, register it",
    .keys = &qn_train_keys,
    .compile = qn_train_compile,
    .run = qn_train_run,
    .merge = qn_train_merge,
    .fold = qn_train_fold,
    .join = qn_train_join,
    .finish = qn_train_finish,
    .free_acc = qn_train_free_acc,
};
