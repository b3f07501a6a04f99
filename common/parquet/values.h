/* values: the values of one page, whatever way they are encoded, in the form that their physical
 * type has in memory: 64-bit integers (booleans too), doubles, bytes, or codes of a dictionary. */
#ifndef QN_PARQUET_VALUES_H
#define QN_PARQUET_VALUES_H

#include "base/buf.h"
#include "parquet/delta.h"
#include "parquet/pages.h"

struct qn_pq_values {
    int32_t type, encoding; /* enum qn_pq_type, enum qn_pq_encoding */
    uint32_t width;         /* bytes of a value of fixed size */
    const uint8_t *at, *end;
    unsigned bit;                     /* PLAIN booleans: bits of *at that were taken */
    uint32_t n_split, next;           /* BYTE_STREAM_SPLIT: values there are, the next of them */
    struct qn_pq_rle rle;             /* codes, booleans */
    struct qn_pq_delta first, second; /* integers; prefixes and lengths */
    struct qn_buf built;              /* bytes that stand nowhere in the page */
    struct qn_buf last;               /* DELTA_BYTE_ARRAY: the value before */
    const char *why;                  /* of the last failure */
};

/* Zero it before the first page; memory is kept from page to page. False (see `why`): the encoding
 * is not one of the type's, or its header is not readable. */
bool qn_pq_values_open(struct qn_pq_values *values, const struct qn_pq_page *page,
                       const struct qn_pq_node *leaf);
void qn_pq_values_fini(struct qn_pq_values *values);

static inline bool qn_pq_values_coded(const struct qn_pq_values *values)
{
    return values->encoding == QN_PQ_PLAIN_DICTIONARY || values->encoding == QN_PQ_RLE_DICTIONARY;
}

/* How many plain values of the leaf so many bytes can hold at most. */
uint64_t qn_pq_values_most(const struct qn_pq_node *leaf, uint64_t bytes);

/* The next n; false (see `why`) when there are fewer. BOOLEAN, INT32, INT64. */
bool qn_pq_values_i64(struct qn_pq_values *values, uint32_t n, int64_t *out);
/* FLOAT, DOUBLE. */
bool qn_pq_values_f64(struct qn_pq_values *values, uint32_t n, double *out);
/* BYTE_ARRAY, FIXED, INT96: up to n of them, one at least, that have max_bytes together or a bit
 * more; good until the next call. 0: see `why`. Of one past QN_MAX_FIELD_BYTES only the length may
 * be there. */
uint32_t qn_pq_values_bytes(struct qn_pq_values *values, uint32_t n, size_t max_bytes,
                            struct qn_strv *out);

#endif
