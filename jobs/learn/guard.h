/* guard: looks for what makes a model look better than it is.
 *
 *   leak         one feature alone ranks the labels (AUC of 0.95 or more), as it rises or by
 *                ranges, or its gaps do; or each of its values has one label only; or some of
 *                them (or its gaps) are those of many rows of the rarer label and of no others
 *   identifier   a whole number that names rows: rising or falling with them, called an id, or
 *                with fewer equal values than chance allows, or wide and even
 *   twins        entities under two keys: the same features, but for names, on both sides of the
 *                split
 *   overlap      keys on both sides, where the split does not go by them
 *   late         dates after the time for which the label is told
 *
 * Judged on the 5,000 training rows whose keys hash lowest (fewer with more than 100 features), and
 * on the 5,000 feature vectors that hash lowest: with no more, on all. Pieces merge in the order
 * of the rows, and how rows are cut into pieces changes nothing. */
#ifndef QN_JOBS_LEARN_GUARD_H
#define QN_JOBS_LEARN_GUARD_H

#include "base/arena.h"
#include "jobs/learn/fit.h"
#include "jobs/learn/split.h"

/* What is looked at; borrowed as long as the guard lives. */
struct qn_guard_plan {
    const struct qn_prepare_feature *features;
    uint32_t n_features;
    const char *const *dates; /* names of date and timestamp columns; */
    uint32_t n_dates;         /* 0: it is not told when the label's time is */
    bool watch_keys;          /* rows of one key may be on both sides of the split */
};

/* Rows of one batch. */
struct qn_guard_rows {
    const struct qn_column *const *features; /* by feature */
    const struct qn_column *key;
    const struct qn_column *label_time;   /* NULL when there are no dates to look at */
    const struct qn_column *const *dates; /* by date */
    const uint32_t *rows;                 /* [n] positions in the columns */
    const uint8_t *labels, *sides;        /* [n] */
    const uint64_t *hashes;               /* [n], of the keys */
    uint32_t n;
};

struct qn_guard;
QN_CHECK qn_code qn_guard_new(const struct qn_guard_plan *plan, struct qn_guard **out,
                              struct qn_err *err);
void qn_guard_free(struct qn_guard *guard);

QN_CHECK qn_code qn_guard_add(struct qn_guard *guard, const struct qn_guard_rows *rows,
                              struct qn_err *err);
/* Fails the buffer when memory runs out. */
void qn_guard_pack(struct qn_buf *out, struct qn_guard *guard);
/* Adds what a guard of the rows that come next packed. */
QN_CHECK qn_code qn_guard_merge(struct qn_guard *guard, struct qn_strv bytes, struct qn_err *err);

/* What was found, with the evidence; texts and list live in the arena. */
QN_CHECK qn_code qn_guard_finish(struct qn_guard *guard, struct qn_arena *arena,
                                 struct qn_fit_note **notes, uint32_t *n_notes, struct qn_err *err);

/* "zip_code", "city", "home_region": has many values that few rows share, and describes them. */
bool qn_guard_is_called_place(const char *name);

#endif
