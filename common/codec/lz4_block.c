#include "codec/lz4_block.h"

#include <limits.h>
#include <lz4.h>

size_t qn_lz4_shrink(const void *bytes, size_t n, void *out, size_t room)
{
    if (n == 0 || n > LZ4_MAX_INPUT_SIZE || room > INT_MAX)
        return 0;
    int stored = LZ4_compress_default(bytes, out, (int)n, (int)room);
    return stored > 0 ? (size_t)stored : 0;
}

bool qn_lz4_restore(struct qn_strv block, void *out, size_t n)
{
    return n <= LZ4_MAX_INPUT_SIZE && block.len <= LZ4_MAX_INPUT_SIZE &&
           LZ4_decompress_safe(block.data, out, (int)block.len, (int)n) == (int)n;
}
