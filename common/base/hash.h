/* hash: one place for every hash, so that the same bytes hash alike on every machine.
 *
 * qn_hash64/128 are XXH3 (xxHash library): partitions, hash tables, splits, row digests.
 * qn_sha256 is libsodium's: content addresses, model and table digests. */
#ifndef QN_BASE_HASH_H
#define QN_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/strv.h"

uint64_t qn_hash64(const void *bytes, size_t n, uint64_t seed);

/* XXH64 with seed 0, as Parquet's bloom filters have it. */
uint64_t qn_hash_xxh64(const void *bytes, size_t n);

struct qn_hash128 {
    uint64_t low, high;
};
struct qn_hash128 qn_hash128(const void *bytes, size_t n, uint64_t seed);

/* The same of bytes that come in pieces, with seed 0. */
struct qn_hash128_stream {
    _Alignas(64) unsigned char opaque[640];
};
void qn_hash128_begin(struct qn_hash128_stream *stream);
void qn_hash128_add(struct qn_hash128_stream *stream, const void *bytes, size_t n);
struct qn_hash128 qn_hash128_end(const struct qn_hash128_stream *stream);

/* Finaliser of splitmix64: a bijection that scatters all bits. For integer keys. */
static inline uint64_t qn_mix64(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

enum { QN_SHA256_BYTES = 32, QN_SHA256_HEX = 65 };

struct qn_sha256 {
    _Alignas(16) unsigned char opaque[128];
};

void qn_sha256_init(struct qn_sha256 *sha);
void qn_sha256_update(struct qn_sha256 *sha, const void *bytes, size_t n);
void qn_sha256_final(struct qn_sha256 *sha, uint8_t out[QN_SHA256_BYTES]);
void qn_sha256_hex(struct qn_sha256 *sha, char out[QN_SHA256_HEX]); /* final, as lower-case hex */
void qn_sha256_of(struct qn_strv bytes, char out[QN_SHA256_HEX]);

#endif
