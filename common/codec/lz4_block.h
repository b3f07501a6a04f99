/* lz4_block: LZ4 blocks without a size or a frame, for who keeps the size beside them. */
#ifndef QN_CODEC_LZ4_BLOCK_H
#define QN_CODEC_LZ4_BLOCK_H

#include "base/strv.h"

/* Bytes of the block in out[room]; 0 when it does not fit, or n is 0 or more than LZ4 takes. */
size_t qn_lz4_shrink(const void *bytes, size_t n, void *out, size_t room);
/* False unless the block holds exactly n bytes. */
bool qn_lz4_restore(struct qn_strv block, void *out, size_t n);

#endif
