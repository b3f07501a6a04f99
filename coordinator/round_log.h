/* round_log: what the rounds of a repeating stage gave, in a file of the run's folder that grows by
 * a record a round, so that a resumed run goes on after the last one that was finished.
 *
 *     magic "QNROUND1" | key u64                       of what the rounds build on
 *     record           round u32 | kind u32 | kept u64 | bytes u64 | check u64 | bytes
 *                        check: XXH3-64 of the bytes, seeded by the rest of the record
 *
 * The state after a record is the first `kept` bytes of the one before it, and then its bytes.
 *
 * A record is written before anybody hears of the next round, and not waited for: a process that is
 * killed loses nothing; a machine that loses its power may lose rounds, which are then computed
 * again. What does not fit its check, and all that follows, counts as never written. */
#ifndef QN_COORDINATOR_ROUND_LOG_H
#define QN_COORDINATOR_ROUND_LOG_H

#include "base/buf.h"
#include "base/err.h"

enum qn_round_kind {
    QN_ROUND_REPEAT = 1, /* finished; another one follows */
    QN_ROUND_LAST,       /* finished, and with it the stage */
};
struct qn_round_record {
    uint32_t round;
    enum qn_round_kind kind;
    uint64_t kept;
    struct qn_strv bytes; /* good until the next call */
};

struct qn_round_log;

/* Opens the file, or begins it anew when there is none of this key. */
QN_CHECK qn_code qn_round_log_open(const char *path, uint64_t key, struct qn_round_log **out,
                                   struct qn_err *err);
/* The records of earlier lives, in order; QN_ENOTFOUND: no more, what comes next is put. */
QN_CHECK qn_code qn_round_log_next(struct qn_round_log *log, struct qn_round_record *out,
                                   struct qn_err *err);
/* Adds a record; `state` is the state after it. A log far longer than that shrinks to it. */
QN_CHECK qn_code qn_round_log_put(struct qn_round_log *log, const struct qn_round_record *record,
                                  struct qn_strv state, struct qn_err *err);
void qn_round_log_close(struct qn_round_log *log); /* NULL: nothing to close */

#endif
