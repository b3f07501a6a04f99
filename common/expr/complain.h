/* complain: fills the complaint of a compile with words and the place they are about. */
#ifndef QN_EXPR_COMPLAIN_H
#define QN_EXPR_COMPLAIN_H

#include "expr/expr.h"

/* Bytes of the text a complaint points at. */
struct qn_mark {
    uint32_t offset, width;
};

/* Always QN_EINPUT, so that a complaint is one statement. `hint` may be NULL. */
qn_code qn_complain(struct qn_expr_complaint *complaint, struct qn_mark mark, const char *hint,
                    const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Always QN_ENOMEM. */
qn_code qn_complain_nomem(struct qn_expr_complaint *complaint);

/* "did you mean 'x'?" into hint, or an empty text when `closest` is NULL. */
void qn_hint_closest(char *hint, size_t hint_bytes, const char *closest);

/* For "%.*s" of user text in messages: long names are cut, whole characters only. */
#define QN_SHORT_ARG(s) (int)qn_short_len(s), (s).data ? (s).data : ""
size_t qn_short_len(struct qn_strv text);

#endif
