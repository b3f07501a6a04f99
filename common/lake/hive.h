/* hive: values of partition columns as names of folders, dt=2026-01-01/, as Hive writes and escapes
 * them. NULL is __HIVE_DEFAULT_PARTITION__. */
#ifndef QN_LAKE_HIVE_H
#define QN_LAKE_HIVE_H

#include "base/buf.h"

/* NAME=VALUE/; text.data NULL: NULL. */
void qn_hive_put(struct qn_buf *out, struct qn_strv name, struct qn_strv text);

/* Takes one folder's name apart; false when it is no NAME=VALUE. The value, unescaped, is appended
 * to `value`; *is_null says that it is NULL. The name stays escaped, within the folder's. */
bool qn_hive_parse(struct qn_strv folder, struct qn_strv *name, struct qn_buf *value,
                   bool *is_null);

/* Whether an escaped name is that of a column; a name as columns have it, appended. */
bool qn_hive_names(struct qn_strv escaped, struct qn_strv column);
void qn_hive_unescape(struct qn_strv text, struct qn_buf *out);

#endif
