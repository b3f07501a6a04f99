/* text: a value as text that loses nothing of it (docs/formats/parquet.md says which). */
#ifndef QN_PARQUET_TEXT_H
#define QN_PARQUET_TEXT_H

#include "base/buf.h"
#include "base/int128.h"
#include "parquet/tree.h"

/* How values of a leaf come out of its pages. */
enum qn_pq_form { QN_PQ_FORM_I64, QN_PQ_FORM_F64, QN_PQ_FORM_BYTES };

union qn_pq_raw {
    int64_t i64;
    double f64;
    struct qn_strv bytes;
};

enum qn_pq_form qn_pq_form_of(const struct qn_pq_node *leaf);

/* Appends. False: texts that are not UTF-8 or hold a NUL (they are appended as bytes are), decimals
 * past reason. */
bool qn_pq_text_put(struct qn_buf *out, const struct qn_pq_node *leaf, union qn_pq_raw value);

/* Text that a column of texts may hold. */
bool qn_pq_is_text(struct qn_strv bytes);

/* Bytes as they are where they are text without "\x", else with \xHH for each byte that is none,
 * for NUL and for the backslash: two values never look alike. */
void qn_pq_bytes_put(struct qn_buf *out, struct qn_strv bytes);

/* Big-endian two's complement; false: more than 128 bits. */
bool qn_pq_big_endian(struct qn_strv bytes, qn_i128 *out);

double qn_pq_float16(struct qn_strv bytes);

/* INT96: nanoseconds since 1970. */
qn_i128 qn_pq_int96(struct qn_strv bytes);

#endif
