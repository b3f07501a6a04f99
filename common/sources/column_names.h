/* column_names: names that tables can have, from what files call their columns. */
#ifndef QN_SOURCES_COLUMN_NAMES_H
#define QN_SOURCES_COLUMN_NAMES_H

#include "base/arena.h"
#include "base/err.h"

/* Names for `n` columns from the header's texts: an empty one becomes columnN (N from 0), one that
 * was there before (letters compare without case, as in SQL) gets _1, _2, ... `texts` NULL: no
 * header, all are columnN. */
QN_CHECK qn_code qn_column_names(const struct qn_strv *texts, uint32_t n, struct qn_arena *arena,
                                 const char **names, struct qn_err *err);

#endif
