/* parquet_place: rows of a file as shares of its bytes, which is what chunks are made of: row r of
 * N begins at byte r x bytes / N. */
#ifndef QN_SOURCES_PARQUET_PLACE_H
#define QN_SOURCES_PARQUET_PLACE_H

#include "base/int128.h"

#include <stdint.h>

static inline uint64_t qn_parquet_byte_of(uint64_t row, uint64_t n_rows, uint64_t bytes)
{
    return n_rows ? (uint64_t)((qn_u128)row * bytes / n_rows) : bytes;
}

/* The first row that begins at the byte or after it. */
static inline uint64_t qn_parquet_row_at(uint64_t byte, uint64_t n_rows, uint64_t bytes)
{
    return bytes ? (uint64_t)(((qn_u128)byte * n_rows + bytes - 1) / bytes) : 0;
}

#endif
