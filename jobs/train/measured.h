/* measured: what the metrics stage's one task found, on its way to the coordinator. */
#ifndef QN_JOBS_TRAIN_MEASURED_H
#define QN_JOBS_TRAIN_MEASURED_H

#include "jobs/learn/curves.h"
#include "jobs/learn/paired.h"
#include "jobs/train/slices.h"

struct qn_train_split_measured {
    double metrics[QN_N_METRICS];
    struct qn_threshold_result threshold;
    struct qn_bin bins[QN_N_BIN_KINDS][QN_MOST_BINS];
    uint32_t n_bins[QN_N_BIN_KINDS];
    struct qn_curve_point points[QN_MOST_POINTS];
    uint32_t n_points;
};

/* What is measured: the sides of the split, and behind them, on the held-out rows that neither
 * version was trained on, the new version and the one that it is beside. */
enum { QN_TRAIN_COMPARED = QN_N_SIDES, QN_TRAIN_AGAINST, QN_TRAIN_N_SPLITS };
const char *qn_train_split_name(int split); /* "train", ..., "compared", "against" */

struct qn_train_measured {
    struct qn_train_split_measured *splits; /* [QN_TRAIN_N_SPLITS]; all zero without rows */
    struct qn_train_slice *slices;
    uint32_t n_slices;
    uint64_t shared[2];               /* rows by class that this job and the champion held out */
    bool compared;                    /* they were enough */
    struct qn_paired_result *results; /* by rule of the job; only those with `vs` are set */
};

/* All zero, with room for everything; arrays live in the arena. */
QN_CHECK qn_code qn_train_measured_init(struct qn_train_measured *measured,
                                        const struct qn_train *train, struct qn_arena *arena,
                                        struct qn_err *err);
void qn_train_measured_pack(struct qn_buf *out, const struct qn_train *train,
                            const struct qn_train_measured *measured);
/* Texts borrow from the bytes. */
QN_CHECK qn_code qn_train_measured_unpack(struct qn_strv bytes, const struct qn_train *train,
                                          struct qn_arena *arena,
                                          struct qn_train_measured *measured, struct qn_err *err);

#endif
