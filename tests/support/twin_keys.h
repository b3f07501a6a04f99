/* Keys that share a hash: what an enemy would send to a hash table. */
#ifndef QN_TESTS_SUPPORT_TWIN_KEYS_H
#define QN_TESTS_SUPPORT_TWIN_KEYS_H

#include "jobs/etl/keys.h"

enum { TWIN_BYTES = 17 };

static inline bool is_printable(uint64_t word)
{
    for (int i = 0; i < 8; i++) {
        uint8_t byte = (uint8_t)(word >> 8 * i);
        if (byte <= ' ' || byte > '~' || byte == ',')
            return false;
    }
    return true;
}

static inline uint64_t any_word(uint64_t draw)
{
    uint64_t word = 0;
    for (int i = 0; i < 8; i++)
        word |= (uint64_t)('!' + (draw >> 8 * i & 255) % 94) << 8 * i;
    return word;
}

/* Texts 2k and 2k + 1 share a hash: it is made of a product of their halves, and what one's first
 * half has twice, the other's last half has. */
static inline const char *twin_text(uint32_t i, char out[TWIN_BYTES])
{
    uint64_t words[2], rests[2], seed = (uint64_t)(i / 2) << 32;
    do {
        words[0] = any_word(qn_mix64(seed++));
        words[1] = (words[0] ^ QN_HASH_A) / 2 ^ QN_HASH_A;
    } while (!is_printable(words[0]) || !is_printable(words[1]) || (words[0] ^ QN_HASH_A) % 2);
    do {
        rests[0] = any_word(qn_mix64(seed++));
        rests[1] = (rests[0] ^ QN_HASH_B) * 2 ^ QN_HASH_B;
    } while (!is_printable(rests[0]) || !is_printable(rests[1]));
    memcpy(out, &words[i % 2], 8);
    memcpy(out + 8, &rests[i % 2], 8);
    out[16] = '\0';
    return out;
}

static inline uint64_t hash_of_text(const char *text)
{
    uint32_t offsets[2] = {0, (uint32_t)strlen(text)};
    char copy[64];
    memcpy(copy, text, offsets[1]);
    struct qn_column column = {.type.id = QN_TEXT, .bytes = copy, .offsets = offsets};
    return qn_keys_hash_row(&column, 1, 0);
}

#endif
