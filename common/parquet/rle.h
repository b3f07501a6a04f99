/* rle: small numbers as runs of one value and as packed bits, by turns ("RLE/bit-packing hybrid"):
 * levels, dictionary codes, booleans. Also the packing from the highest bit down that old files
 * have their levels in. */
#ifndef QN_PARQUET_RLE_H
#define QN_PARQUET_RLE_H

#include <stdbool.h>

#include "base/strv.h"
#include "parquet/bits.h"

struct qn_pq_rle {
    const uint8_t *at, *end;
    unsigned width;   /* bits a number, 0 to 32 */
    uint32_t left;    /* numbers left of the run */
    uint32_t value;   /* of a run of one value */
    unsigned skipped; /* numbers of the packed eight at `at` that were taken */
    bool packed;      /* the run is one of packed bits */
    bool from_top;    /* packed from the highest bit down, without runs */
};

/* QN_PQ_SLACK readable bytes follow. */
static inline struct qn_pq_rle qn_pq_rle_from(struct qn_strv bytes, unsigned width)
{
    const uint8_t *at = (const uint8_t *)bytes.data;
    return (struct qn_pq_rle){.at = at, .end = at + bytes.len, .width = width};
}

/* n numbers; false when there are fewer, or they are not readable. */
bool qn_pq_rle_take(struct qn_pq_rle *rle, uint32_t n, uint32_t *out);

/* How many of the next n numbers are one and the same as the first, as far as is known without
 * looking at each; 0: look at each. */
uint32_t qn_pq_rle_same(struct qn_pq_rle *rle, uint32_t n, uint32_t *value);
void qn_pq_rle_pass(struct qn_pq_rle *rle, uint32_t n); /* that many of them */

/* Bit first + i of `bits` says whether number i is `wanted`; *n_wanted of them are. False also when
 * a number is larger than wanted. */
bool qn_pq_rle_match(struct qn_pq_rle *rle, uint32_t n, uint32_t wanted, uint64_t *bits,
                     uint32_t first, uint32_t *n_wanted);

#endif
