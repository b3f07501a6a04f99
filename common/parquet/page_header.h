/* page_header: what stands before each page of a column chunk, and before a bloom filter. */
#ifndef QN_PARQUET_PAGE_HEADER_H
#define QN_PARQUET_PAGE_HEADER_H

#include "parquet/meta.h"

enum qn_pq_page_type {
    QN_PQ_DATA_PAGE,
    QN_PQ_INDEX_PAGE,
    QN_PQ_DICTIONARY_PAGE,
    QN_PQ_DATA_PAGE_V2,
};

/* One page's header; which of the fields count depends on the type. */
struct qn_pq_page_header {
    int32_t type;
    int32_t plain_bytes, stored_bytes; /* of what follows the header */
    bool has_crc;
    uint32_t crc; /* of the stored bytes */
    int32_t n_values;
    int32_t encoding;
    /* v1 */
    int32_t definition_encoding, repetition_encoding;
    /* v2: levels stand before the values, never compressed */
    int32_t n_nulls, n_rows;
    int32_t definition_bytes, repetition_bytes;
    bool is_compressed;
    /* dictionary */
    bool is_sorted;
    struct qn_pq_statistics statistics;
};

/* Split-block bloom filter with xxHash64, not compressed: the one kind there is. */
struct qn_pq_bloom_header {
    int32_t n_bytes;
    bool is_known; /* algorithm, hash and compression are those */
};

#endif
