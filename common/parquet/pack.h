/* pack: 32 numbers of a fixed width, from the lowest bit on, in 4 x width bytes. One straight run
 * of instructions a width. */
#ifndef QN_PARQUET_PACK_H
#define QN_PARQUET_PACK_H

#include <stdint.h>

enum { QN_PQ_PACK = 32 };

/* Numbers fit the width, 0 to 64. The bytes that are left of `to` do not matter. */
void qn_pq_pack32(uint8_t *to, const uint32_t values[QN_PQ_PACK], unsigned width); /* to 32 */
void qn_pq_pack64(uint8_t *to, const uint64_t values[QN_PQ_PACK], unsigned width);

#endif
