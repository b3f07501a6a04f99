/* round: what one round of a repeating stage gave: how the stage's state changes by it, and whether
 * another one follows. */
#ifndef QN_FLOW_ROUND_H
#define QN_FLOW_ROUND_H

#include "base/buf.h"
#include "flow/job.h"

/* The first `kept` bytes of the state stay, `bytes` come behind them. */
struct qn_round {
    enum qn_verdict verdict;
    uint64_t kept;
    struct qn_strv bytes; /* borrowed */
};

/* Of what finish() gave at this state. */
struct qn_round qn_round_of(struct qn_strv state, struct qn_strv given, bool appends,
                            enum qn_verdict verdict);
/* QN_EWIRE: it keeps more than there is. */
QN_CHECK qn_code qn_round_apply(const struct qn_round *round, struct qn_buf *state,
                                struct qn_err *err);

/* Whether another round follows; and whether that needs nothing but the state. */
static inline bool qn_verdict_repeats(enum qn_verdict verdict)
{
    return verdict == QN_VERDICT_REPEAT || verdict == QN_VERDICT_ANEW;
}
static inline bool qn_verdict_settles(enum qn_verdict verdict)
{
    return verdict == QN_VERDICT_NEXT || verdict == QN_VERDICT_ANEW;
}

void qn_round_pack(struct qn_buf *out, const struct qn_round *round);
void qn_round_unpack(struct qn_unpack *in, struct qn_round *out); /* in->failed: damaged */

#endif
