/* storage: how a type of ours is stored: its physical type, what the schema says of it, and which
 * encodings its values may have. */
#ifndef QN_PARQUET_STORAGE_H
#define QN_PARQUET_STORAGE_H

#include "flow/schema.h"
#include "parquet/gather.h"
#include "parquet/meta.h"

/* enum qn_pq_type. */
int32_t qn_pq_storage_type(struct qn_type type);

/* A column of the schema that may be NULL; the name stays borrowed. */
struct qn_pq_element qn_pq_storage_element(const struct qn_field *field);

/* Whether values may be encoded so. QN_PQ_RLE_DICTIONARY: all but booleans. */
bool qn_pq_storage_takes(struct qn_type type, int32_t encoding);

/* Values [from, from + n) of a column whose texts are no numbers, in an encoding it takes other
 * than by dictionary. Appends. */
void qn_pq_storage_encode(const struct qn_pq_gather *gather, int32_t encoding, uint32_t from,
                          uint32_t n, struct qn_buf *out);

#endif
