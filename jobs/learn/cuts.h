/* cuts: the times at which shares of the rows begin, exactly, without all times in one place.
 *
 * In the order of time, the last round(test n) of n rows are to be test, one at least; those before
 * them, up to the last round((test + calibration) n), calibration; and so on. A side begins at the
 * time of its first row, and all rows of that time are on it: where rows tie, what is held out may
 * be more than its share, never less.
 *
 * A round counts times in windows that hold the cuts, rounded down to a power of two that leaves
 * 65,536 different ones; the next round looks into the one range that a cut has been traced to.
 * With as many different times as that, one round is enough; four always are. Counts add up, and
 * how coarse they are follows from the times alone, so neither chunks nor their order matter. */
#ifndef QN_JOBS_LEARN_CUTS_H
#define QN_JOBS_LEARN_CUTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "jobs/learn/split.h"

struct qn_cut {
    uint64_t low;    /* the window: times from here (as unsigned numbers of the same order) */
    uint32_t bits;   /* 2^bits of them; 0: the time is known */
    uint64_t before; /* rows before the window */
    uint64_t rank;   /* of the row that the side begins with */
};

struct qn_cuts {
    struct qn_cut sides[QN_N_SIDES];
    uint64_t rows; /* with a time; 0: not known before the first round is over */
};

/* Nothing known; or what rounds so far found. QN_EWIRE on bytes that no pack wrote. */
void qn_cuts_init(struct qn_cuts *cuts);
void qn_cuts_pack(struct qn_buf *out, const struct qn_cuts *cuts);
QN_CHECK qn_code qn_cuts_unpack(struct qn_strv bytes, struct qn_cuts *out, struct qn_err *err);

/* What a round counts. */
struct qn_time_tally {
    struct qn_time_rows {
        uint64_t key, rows; /* key: (time - low) >> shift */
    } * items;
    uint32_t n, capacity, shift;
};
struct qn_times {
    struct qn_time_tally of[QN_N_SIDES]; /* by side; those that share a window only in the first */
};
void qn_times_init(struct qn_times *times);
void qn_times_fini(struct qn_times *times);
QN_CHECK qn_code qn_times_add(struct qn_times *times, const struct qn_cuts *cuts, int64_t time,
                              struct qn_err *err);
QN_CHECK qn_code qn_times_pack(struct qn_buf *out, struct qn_times *times, struct qn_err *err);
QN_CHECK qn_code qn_times_merge(struct qn_times *times, struct qn_strv bytes, struct qn_err *err);

/* The end of a round: the cuts' windows become what was counted in them. *done: all are known. */
QN_CHECK qn_code qn_cuts_narrow(struct qn_cuts *cuts, const struct qn_split *shares,
                                struct qn_times *times, bool *done, struct qn_err *err);
/* Once all are known: when the sides that have a share begin. */
void qn_cuts_apply(const struct qn_cuts *cuts, struct qn_split *split);

#endif
