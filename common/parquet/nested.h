/* nested: lists, maps and repeated groups of a file, each row as JSON text.
 *
 * A list is an array. A map is an object when its keys are texts or numbers, by their text; a map
 * that has only keys is an array of them. Structs inside are objects. Values stand as in columns of
 * their own: numbers and booleans bare, all else in quotes. */
#ifndef QN_PARQUET_NESTED_H
#define QN_PARQUET_NESTED_H

#include "flow/batch.h"
#include "parquet/values.h"

struct qn_pq_nested;

/* A column of texts. */
QN_CHECK qn_code qn_pq_nested_new(const struct qn_pq_file *file, const struct qn_pq_node *node,
                                  uint32_t capacity, struct qn_pq_nested **out, struct qn_err *err);
void qn_pq_nested_free(struct qn_pq_nested *nested);

/* As of qn_pq_column_*. */
QN_CHECK qn_code qn_pq_nested_open(struct qn_pq_nested *nested, const struct qn_pq_row_group *group,
                                   struct qn_block_state *blocks, size_t window_bytes,
                                   struct qn_err *err);
QN_CHECK qn_code qn_pq_nested_skip(struct qn_pq_nested *nested, uint64_t n, struct qn_err *err);
QN_CHECK qn_code qn_pq_nested_fill(struct qn_pq_nested *nested, uint32_t n, struct qn_err *err);
uint32_t qn_pq_nested_rows(const struct qn_pq_nested *nested);
void qn_pq_nested_view(struct qn_pq_nested *nested, struct qn_column *out);
void qn_pq_nested_drop(struct qn_pq_nested *nested, uint32_t n);

#endif
