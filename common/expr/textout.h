/* textout: fills a TEXT result row by row, growing its bytes in the call's arena. */
#ifndef QN_EXPR_TEXTOUT_H
#define QN_EXPR_TEXTOUT_H

#include "expr/step.h"

struct qn_textout {
    struct qn_call *call;
    struct qn_column *out;
    size_t len, capacity, row_start; /* bytes */
};

/* `guess`: bytes the whole result will probably take. */
QN_CHECK qn_code qn_textout_start(struct qn_textout *w, struct qn_call *call, struct qn_column *out,
                                  size_t guess);
/* Room for `bytes` more in the current row (the caller adds what it used to w->len). */
QN_CHECK qn_code qn_textout_room(struct qn_textout *w, size_t bytes, char **at);
QN_CHECK qn_code qn_textout_put(struct qn_textout *w, struct qn_strv text);
/* Ends row `row`; rows end in order. A text past QN_MAX_FIELD_BYTES becomes NULL. */
QN_CHECK qn_code qn_textout_end(struct qn_textout *w, uint32_t row);

#endif
