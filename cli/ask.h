/* ask: a question to a running coordinator, and its answer. */
#ifndef QN_CLI_ASK_H
#define QN_CLI_ASK_H

#include "wire/message.h"

struct qn_ask {
    struct qn_arena arena;
    struct qn_buf frame; /* texts of the answer lie here */
    struct qn_msg answer;
};

/* How far is the run? QN_OK: answer.status. QN_EIO: nobody answered within patience_ms.
 * QN_ENOTSUP: it refuses, QN_ESTATE: it is about to leave, each with its reason. QN_EINPUT: no such
 * endpoint can be. To be finished by qn_ask_fini in every case. */
QN_CHECK qn_code qn_ask_status(struct qn_ask *ask, const char *endpoint, int64_t patience_ms,
                               struct qn_err *err);
void qn_ask_fini(struct qn_ask *ask);

#endif
