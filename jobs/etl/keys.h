/* keys: tuples of columns as keys of hash tables: hashed a column at a time, compared by value.
 *
 * NULL is a value of its own here and equals NULL (GROUP BY's rule); who wants SQL's = instead
 * leaves such rows out (qn_keys_any_null). -0.0 and 0.0 are one key. Hashes are the same on every
 * machine: partitions and samples are made by them. */
#ifndef QN_JOBS_ETL_KEYS_H
#define QN_JOBS_ETL_KEYS_H

#include <string.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/int128.h"
#include "flow/batch.h"

/* Both halves of a product, folded: every bit of either factor reaches every bit of the result. */
static inline uint64_t qn_fold_product(uint64_t a, uint64_t b)
{
    qn_u128 product = (qn_u128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Odd numbers of no pattern (digits of pi), so that small keys do not make small factors. */
#define QN_HASH_A UINT64_C(0x243f6a8885a308d3)
#define QN_HASH_B UINT64_C(0x13198a2e03707345)
#define QN_HASH_C UINT64_C(0xa4093822299f31d1)

static inline uint64_t qn_hash_u64(uint64_t x)
{
    return qn_fold_product(qn_fold_product(x ^ QN_HASH_A, QN_HASH_B), QN_HASH_C);
}

/* The first 8 bytes, zeros where there are fewer; reads no byte past the text. Loads that overlap
 * put the same bytes in the same place, so no length needs a loop. */
static inline uint64_t qn_text_word(struct qn_strv text)
{
    uint64_t word = 0;
    uint32_t first, last;
    if (text.len >= 8) {
        memcpy(&word, text.data, 8);
    } else if (text.len >= 4) {
        memcpy(&first, text.data, 4);
        memcpy(&last, text.data + text.len - 4, 4);
        word = first | (uint64_t)last << (8 * (text.len - 4));
    } else if (text.len) {
        size_t middle = text.len / 2, end = text.len - 1;
        word = (uint64_t)(uint8_t)text.data[0] |
               (uint64_t)(uint8_t)text.data[middle] << 8 * middle |
               (uint64_t)(uint8_t)text.data[end] << 8 * end;
    }
    return word;
}

uint64_t qn_hash_long_text(struct qn_strv text);

/* Most keys are short: two products cost less than a call of XXH3. `word` is theirs. */
static inline uint64_t qn_hash_text_word(struct qn_strv text, uint64_t word)
{
    if (text.len > 16)
        return qn_hash_long_text(text);
    uint64_t rest = 0;
    if (text.len > 8)
        memcpy(&rest, text.data + text.len - 8, 8);
    return qn_fold_product(qn_fold_product(word ^ QN_HASH_A, rest ^ QN_HASH_B) ^ text.len,
                           QN_HASH_C);
}

static inline uint64_t qn_hash_text(struct qn_strv text)
{
    return qn_hash_text_word(text, qn_text_word(text));
}

/* One hash per row of the tuple (columns[0], ..., columns[n_columns - 1]), and that of one row. */
uint64_t qn_keys_hash_row(const struct qn_column *columns, uint32_t n_columns, uint32_t row);
void qn_keys_hash(const struct qn_column *columns, uint32_t n_columns, uint32_t n_rows,
                  uint64_t *out);

/* Two values of the same layout; NULL equals NULL. */
bool qn_key_equal(const struct qn_column *a, uint32_t row_a, const struct qn_column *b,
                  uint32_t row_b);

/* The first row whose value differs from value stored_at[row] of `stored`; n_rows when there is
 * none. NULL equals NULL. `width`: of all stored texts, or QN_TEXTS_DIFFER. */
uint32_t qn_keys_mismatch(const struct qn_column *stored, uint32_t width, const uint32_t *stored_at,
                          const struct qn_column *column, uint32_t n_rows);

bool qn_keys_any_null(const struct qn_column *columns, uint32_t n_columns, uint32_t row);

/* 128 bits of the row's tuple: an identity, so that keys themselves need not be kept. `scratch`
 * is any buffer; what it held is lost. */
struct qn_hash128 qn_keys_hash128(const struct qn_column *columns, uint32_t n_columns, uint32_t row,
                                  uint64_t seed, struct qn_buf *scratch);

#endif
