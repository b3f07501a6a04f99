/* meta: what Parquet writes about its data, as plain structs. Reading and writing halves share
 * them; numbers of enums and fields are those of parquet-format's parquet.thrift (2.11).
 *
 * `qn_pq_` is short for Parquet. Everything a struct points to lives in the arena of whoever made
 * it. Optional integers that are left out are -1, optional bytes have data NULL. */
#ifndef QN_PARQUET_META_H
#define QN_PARQUET_META_H

#include <stdbool.h>
#include <stdint.h>

#include "base/strv.h"

#define QN_PQ_MAGIC "PAR1"
enum { QN_PQ_MAGIC_BYTES = 4, QN_PQ_FOOTER_BYTES = 8, QN_PQ_NONE = -1 };

enum qn_pq_type {
    QN_PQ_BOOLEAN,
    QN_PQ_INT32,
    QN_PQ_INT64,
    QN_PQ_INT96,
    QN_PQ_FLOAT,
    QN_PQ_DOUBLE,
    QN_PQ_BYTE_ARRAY,
    QN_PQ_FIXED,
};

enum qn_pq_repetition { QN_PQ_REQUIRED, QN_PQ_OPTIONAL, QN_PQ_REPEATED };

/* The old way to say what values mean. */
enum qn_pq_converted {
    QN_PQ_CONVERTED_UTF8,
    QN_PQ_CONVERTED_MAP,
    QN_PQ_CONVERTED_MAP_KEY_VALUE,
    QN_PQ_CONVERTED_LIST,
    QN_PQ_CONVERTED_ENUM,
    QN_PQ_CONVERTED_DECIMAL,
    QN_PQ_CONVERTED_DATE,
    QN_PQ_CONVERTED_TIME_MILLIS,
    QN_PQ_CONVERTED_TIME_MICROS,
    QN_PQ_CONVERTED_TIMESTAMP_MILLIS,
    QN_PQ_CONVERTED_TIMESTAMP_MICROS,
    QN_PQ_CONVERTED_UINT_8,
    QN_PQ_CONVERTED_UINT_16,
    QN_PQ_CONVERTED_UINT_32,
    QN_PQ_CONVERTED_UINT_64,
    QN_PQ_CONVERTED_INT_8,
    QN_PQ_CONVERTED_INT_16,
    QN_PQ_CONVERTED_INT_32,
    QN_PQ_CONVERTED_INT_64,
    QN_PQ_CONVERTED_JSON,
    QN_PQ_CONVERTED_BSON,
    QN_PQ_CONVERTED_INTERVAL,
};

/* Field numbers of the LogicalType union. */
enum qn_pq_logical_id {
    QN_PQ_LOGICAL_NONE = 0,
    QN_PQ_LOGICAL_STRING = 1,
    QN_PQ_LOGICAL_MAP = 2,
    QN_PQ_LOGICAL_LIST = 3,
    QN_PQ_LOGICAL_ENUM = 4,
    QN_PQ_LOGICAL_DECIMAL = 5,
    QN_PQ_LOGICAL_DATE = 6,
    QN_PQ_LOGICAL_TIME = 7,
    QN_PQ_LOGICAL_TIMESTAMP = 8,
    QN_PQ_LOGICAL_INTEGER = 10,
    QN_PQ_LOGICAL_UNKNOWN = 11, /* always NULL */
    QN_PQ_LOGICAL_JSON = 12,
    QN_PQ_LOGICAL_BSON = 13,
    QN_PQ_LOGICAL_UUID = 14,
    QN_PQ_LOGICAL_FLOAT16 = 15,
    QN_PQ_LOGICAL_VARIANT = 16,
    QN_PQ_LOGICAL_GEOMETRY = 17,
    QN_PQ_LOGICAL_GEOGRAPHY = 18,
};

enum qn_pq_unit { QN_PQ_MILLIS = 1, QN_PQ_MICROS = 2, QN_PQ_NANOS = 3 };

struct qn_pq_logical {
    int32_t id;               /* enum qn_pq_logical_id, or a number that is not known yet */
    int32_t scale, precision; /* DECIMAL */
    int32_t unit;             /* TIME, TIMESTAMP: enum qn_pq_unit */
    int32_t bits;             /* INTEGER: 8, 16, 32, 64 */
    bool is_signed;           /* INTEGER */
    bool is_utc;              /* TIME, TIMESTAMP: adjusted to UTC */
};

/* A node of the schema; the list has them in depth-first order, the root first. */
struct qn_pq_element {
    struct qn_strv name;
    int32_t type;        /* enum qn_pq_type; QN_PQ_NONE: a group */
    int32_t type_length; /* bytes of QN_PQ_FIXED */
    int32_t repetition;  /* enum qn_pq_repetition; QN_PQ_NONE: the root */
    int32_t n_children;  /* 0: a leaf */
    int32_t converted;   /* enum qn_pq_converted; QN_PQ_NONE */
    int32_t scale, precision;
    int32_t field_id;
    struct qn_pq_logical logical;
};

enum qn_pq_encoding {
    QN_PQ_PLAIN = 0,
    QN_PQ_PLAIN_DICTIONARY = 2,
    QN_PQ_RLE = 3,
    QN_PQ_BIT_PACKED = 4,
    QN_PQ_DELTA_BINARY_PACKED = 5,
    QN_PQ_DELTA_LENGTH_BYTE_ARRAY = 6,
    QN_PQ_DELTA_BYTE_ARRAY = 7,
    QN_PQ_RLE_DICTIONARY = 8,
    QN_PQ_BYTE_STREAM_SPLIT = 9,
};

enum qn_pq_codec {
    QN_PQ_UNCOMPRESSED,
    QN_PQ_SNAPPY,
    QN_PQ_GZIP,
    QN_PQ_LZO,
    QN_PQ_BROTLI,
    QN_PQ_LZ4, /* deprecated: framed as Hadoop does, or not at all */
    QN_PQ_ZSTD,
    QN_PQ_LZ4_RAW,
};

/* Of a column chunk or a page. */
struct qn_pq_statistics {
    struct qn_strv min_value, max_value; /* in the order of the logical type */
    struct qn_strv min, max;             /* deprecated: order unclear but for signed numbers */
    int64_t null_count, distinct_count, nan_count;
    int8_t is_min_exact, is_max_exact; /* 1, 0, QN_PQ_NONE */
};

struct qn_pq_column_meta {
    int32_t type;       /* enum qn_pq_type */
    int32_t codec;      /* enum qn_pq_codec */
    uint32_t encodings; /* bit k: encoding k is used */
    const struct qn_strv *path;
    uint32_t n_path;
    int64_t n_values;                  /* NULLs too */
    int64_t plain_bytes, stored_bytes; /* pages with their headers, before and after compression */
    int64_t data_page_offset, dictionary_page_offset, index_page_offset;
    int64_t bloom_offset, bloom_bytes;
    struct qn_pq_statistics statistics;
};

struct qn_pq_column_chunk {
    struct qn_strv file_path; /* of the data, when that is another file */
    int64_t file_offset;      /* deprecated */
    bool has_meta;            /* else encrypted, or missing */
    bool is_encrypted;
    struct qn_pq_column_meta meta;
    int64_t offset_index_offset, column_index_offset;
    int32_t offset_index_bytes, column_index_bytes;
};

struct qn_pq_sorting {
    int32_t column; /* ordinal of the leaf */
    bool descending, nulls_first;
};

struct qn_pq_row_group {
    const struct qn_pq_column_chunk *columns;
    uint32_t n_columns;
    int64_t plain_bytes, stored_bytes;
    int64_t n_rows;
    int64_t file_offset;
    int32_t ordinal;
    const struct qn_pq_sorting *sorting;
    uint32_t n_sorting;
};

struct qn_pq_key_value {
    struct qn_strv key, value; /* value.data NULL: none */
};

struct qn_pq_file_meta {
    int32_t version;
    const struct qn_pq_element *schema;
    uint32_t n_schema;
    int64_t n_rows;
    const struct qn_pq_row_group *groups;
    uint32_t n_groups;
    const struct qn_pq_key_value *pairs;
    uint32_t n_pairs;
    struct qn_strv created_by;
    const int8_t *orders; /* by leaf: 1 TypeDefinedOrder, 2 IEEE754TotalOrder; NULL: not said */
    uint32_t n_orders;
    bool is_encrypted; /* plain footer, encrypted columns */
};

#endif
