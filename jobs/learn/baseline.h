/* baseline: how each feature was spread over the rows that a model was trained on, for later rows
 * to be held against (drift.h). It is part of the model file.
 *
 *   numeric      ranges [edge, next edge), the first and last one open, and one bin for missing
 *                values. Edges are tenths of the training rows (of a sample of them, when there are
 *                many); a value that has a tenth of the rows or more is alone in its bin, and with
 *                ten different values or fewer each of them is.
 *   categorical  a bin for each of the 100 most frequent categories (the bytewise smaller of those
 *                that tie), one for all others, seen or not, and one for missing values.
 *
 * Where bins are cut follows from a sample; what they hold is counted on all rows. */
#ifndef QN_JOBS_LEARN_BASELINE_H
#define QN_JOBS_LEARN_BASELINE_H

#include <jansson.h>

#include "base/arena.h"
#include "base/buf.h"
#include "flow/batch.h"
#include "jobs/learn/fit.h"

enum {
    QN_BASELINE_RANGES = 10,
    QN_BASELINE_EDGES = 2 * QN_BASELINE_RANGES, /* at most */
    QN_BASELINE_CATEGORIES = 100
};

struct qn_baseline_feature {
    const char *name;
    bool categorical;
    double *edges;              /* numeric: [n], ascending */
    struct qn_strv *categories; /* categorical: [n], ascending bytewise */
    uint32_t n;
    uint32_t first, n_bins; /* its bins; the last is that of missing values. Of categories the one
                               before holds all others */
};

struct qn_baseline {
    struct qn_baseline_feature *features;
    uint32_t n_features;
    uint32_t n_bins; /* of all features */
    uint64_t *rows;  /* [n_bins] */
};

/* Where sorted values are cut; returns how many edges there are. */
uint32_t qn_baseline_cut(const double *values, uint32_t n, double edges[QN_BASELINE_EDGES]);

/* The bins of what a fit has gathered, without rows; all of it in the arena. Reorders the fit's
 * samples. */
QN_CHECK qn_code qn_baseline_of_fit(struct qn_fit *fit, struct qn_arena *arena,
                                    struct qn_baseline *out, struct qn_err *err);

/* Adds rows[0..n) of columns (by feature; NULL: not there, nothing is counted) to counts [n_bins].
 */
QN_CHECK qn_code qn_baseline_count(const struct qn_baseline *baseline,
                                   const struct qn_column *const *columns, const uint32_t *rows,
                                   uint32_t n, uint64_t *counts, struct qn_err *err);

/* Bins and rows. Unpacked, everything is in the arena; in->failed on what no pack wrote. */
void qn_baseline_pack(struct qn_buf *out, const struct qn_baseline *baseline);
QN_CHECK qn_code qn_baseline_unpack(struct qn_unpack *in, struct qn_arena *arena,
                                    struct qn_baseline *out, struct qn_err *err);

/* Adds the rows of a packed baseline of the same bins (in->failed on others); one that is all zero
 * becomes it, in the arena. */
QN_CHECK qn_code qn_baseline_merge(struct qn_baseline *baseline, struct qn_unpack *in,
                                   struct qn_arena *arena, struct qn_err *err);

/* What the bins of a feature hold, beside others counted in them, as text in the arena:
 * [{"low", "high", "before", "now"}, ...] (an open end is null), or [{"category", "before", "now"},
 * ..., {"others": true, ...}], and {"missing": true, ...} at last. */
QN_CHECK qn_code qn_baseline_compare(const struct qn_baseline *baseline, uint32_t feature,
                                     const uint64_t *now, struct qn_arena *arena, const char **out,
                                     struct qn_err *err);

/* [{"name", "edges": [...], "rows": [...]}, {"name", "categories": [...], "rows": [...]}, ...], the
 * rows of missing values last. NULL when memory ran out. */
json_t *qn_baseline_to_json(const struct qn_baseline *baseline);
/* False on what to_json does not write. */
bool qn_baseline_from_json(const json_t *list, struct qn_arena *arena, struct qn_baseline *out);

#endif
