#include "flow/round.h"

#include <string.h>

static size_t common_bytes(struct qn_strv a, struct qn_strv b)
{
    enum { BLOCK = 1024 };
    size_t n = a.len < b.len ? a.len : b.len, same = 0;
    while (n - same >= BLOCK && memcmp(a.data + same, b.data + same, BLOCK) == 0)
        same += BLOCK;
    while (same < n && a.data[same] == b.data[same])
        same++;
    return same;
}

struct qn_round qn_round_of(struct qn_strv state, struct qn_strv given, bool appends,
                            enum qn_verdict verdict)
{
    size_t kept = appends ? state.len : common_bytes(state, given);
    size_t skip = appends ? 0 : kept;
    if (given.len)
        given = (struct qn_strv){given.data + skip, given.len - skip};
    return (struct qn_round){verdict, kept, given};
}

qn_code qn_round_apply(const struct qn_round *round, struct qn_buf *state, struct qn_err *err)
{
    if (round->kept > state->len)
        return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER,
                          "a round keeps %llu bytes of a state of %zu",
                          (unsigned long long)round->kept, state->len);
    state->len = (size_t)round->kept;
    qn_buf_put(state, round->bytes.data, round->bytes.len);
    return qn_buf_check(state, "a stage's state", err);
}

void qn_round_pack(struct qn_buf *out, const struct qn_round *round)
{
    qn_buf_put_u8(out, (uint8_t)round->verdict);
    qn_buf_put_u64(out, round->kept);
    qn_buf_put_str(out, round->bytes);
}

void qn_round_unpack(struct qn_unpack *in, struct qn_round *out)
{
    uint8_t verdict = qn_unpack_u8(in);
    out->kept = qn_unpack_u64(in);
    out->bytes = qn_unpack_str(in);
    out->verdict = (enum qn_verdict)verdict;
    in->failed |= verdict > QN_VERDICT_ANEW || verdict == QN_VERDICT_END;
}
