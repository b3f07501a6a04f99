#include "base/hash.h"

#include <assert.h>
#include <sodium/crypto_hash_sha256.h>
#include <string.h>
#define XXH_STATIC_LINKING_ONLY /* the size of its state */
#include <xxhash.h>

uint64_t qn_hash64(const void *bytes, size_t n, uint64_t seed)
{
    return XXH3_64bits_withSeed(bytes, n, seed);
}

uint64_t qn_hash_xxh64(const void *bytes, size_t n)
{
    return XXH64(bytes, n, 0);
}

struct qn_hash128 qn_hash128(const void *bytes, size_t n, uint64_t seed)
{
    XXH128_hash_t hash = XXH3_128bits_withSeed(bytes, n, seed);
    return (struct qn_hash128){.low = hash.low64, .high = hash.high64};
}

_Static_assert(sizeof(XXH3_state_t) <= sizeof(struct qn_hash128_stream),
               "qn_hash128_stream holds xxHash's state");

void qn_hash128_begin(struct qn_hash128_stream *stream)
{
    XXH3_128bits_reset((XXH3_state_t *)(void *)stream->opaque);
}

void qn_hash128_add(struct qn_hash128_stream *stream, const void *bytes, size_t n)
{
    if (n)
        XXH3_128bits_update((XXH3_state_t *)(void *)stream->opaque, bytes, n);
}

struct qn_hash128 qn_hash128_end(const struct qn_hash128_stream *stream)
{
    XXH128_hash_t hash = XXH3_128bits_digest((const XXH3_state_t *)(const void *)stream->opaque);
    return (struct qn_hash128){.low = hash.low64, .high = hash.high64};
}

_Static_assert(sizeof(crypto_hash_sha256_state) <= sizeof(struct qn_sha256),
               "qn_sha256 holds libsodium's state");

static crypto_hash_sha256_state *state_of(struct qn_sha256 *sha)
{
    return (crypto_hash_sha256_state *)(void *)sha->opaque;
}

void qn_sha256_init(struct qn_sha256 *sha)
{
    crypto_hash_sha256_init(state_of(sha));
}

void qn_sha256_update(struct qn_sha256 *sha, const void *bytes, size_t n)
{
    if (n)
        crypto_hash_sha256_update(state_of(sha), bytes, n);
}

void qn_sha256_final(struct qn_sha256 *sha, uint8_t out[QN_SHA256_BYTES])
{
    crypto_hash_sha256_final(state_of(sha), out);
}

void qn_sha256_hex(struct qn_sha256 *sha, char out[QN_SHA256_HEX])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t bytes[QN_SHA256_BYTES];
    qn_sha256_final(sha, bytes);
    for (size_t i = 0; i < sizeof bytes; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[QN_SHA256_HEX - 1] = '\0';
}

void qn_sha256_of(struct qn_strv bytes, char out[QN_SHA256_HEX])
{
    struct qn_sha256 sha;
    qn_sha256_init(&sha);
    qn_sha256_update(&sha, bytes.data, bytes.len);
    qn_sha256_hex(&sha, out);
}
