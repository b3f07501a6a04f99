#include "coordinator/held.h"

#include <stdlib.h>

qn_code qn_held_put(struct qn_held **list, const struct qn_msg *done, struct qn_buf *part,
                    uint64_t session, struct qn_err *err)
{
    struct qn_held *held = malloc(sizeof *held);
    if (!held) {
        qn_buf_fini(part);
        return qn_err_nomem(err, "a held result");
    }
    *held = (struct qn_held){.next = *list, .done = *done, .part = *part, .session = session};
    *list = held;
    return QN_OK;
}

struct qn_held *qn_held_take(struct qn_held **list, const struct qn_token *token)
{
    struct qn_held **link = list;
    while (*link && !qn_token_eq(&(*link)->done.done.token, token))
        link = &(*link)->next;
    struct qn_held *held = *link;
    if (held) {
        *link = held->next;
        held->next = NULL;
    }
    return held;
}

void qn_held_free(struct qn_held *held)
{
    while (held) {
        struct qn_held *next = held->next;
        qn_buf_fini(&held->part);
        free(held);
        held = next;
    }
}
