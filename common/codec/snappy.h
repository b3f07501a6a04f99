/* snappy: blocks of it read back. Writing stays with libsnappy; reading is where the time of
 * snappy's Parquet files goes, and most of it between short literals and short copies. */
#ifndef QN_CODEC_SNAPPY_H
#define QN_CODEC_SNAPPY_H

#include <stddef.h>

#include "base/strv.h"

/* How many bytes a block says it becomes; *body is what follows. False: it does not say. */
bool qn_snappy_open(struct qn_strv block, size_t *n, struct qn_strv *body);
/* Exactly n_out bytes to out, none past them; false: the body is damaged or another length. */
bool qn_snappy_read(struct qn_strv body, char *out, size_t n_out);

#endif
