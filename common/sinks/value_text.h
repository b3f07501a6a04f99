/* value_text: values that are no texts, as text formats write them. */
#ifndef QN_SINKS_VALUE_TEXT_H
#define QN_SINKS_VALUE_TEXT_H

#include "flow/batch.h"

/* Room of QN_VALUE_TEXT bytes at `out`; returns the end of what was written. A double always shows
 * that it is one: 3.0, 1e+300, and nan, inf, -inf. Not for TEXT, nor for a NULL. */
char *qn_value_put(const struct qn_column *column, uint32_t row, char *out);

/* Text bytes of the batch's TEXT columns together. */
size_t qn_value_text_bytes(const struct qn_batch *batch);

#endif
