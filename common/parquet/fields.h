/* fields: the columns that a file is read as: flat leaves under their dotted path, lists and maps
 * whole. */
#ifndef QN_PARQUET_FIELDS_H
#define QN_PARQUET_FIELDS_H

#include "parquet/tree.h"

struct qn_pq_field {
    const char *name; /* "a.b" for leaves of structs */
    const struct qn_pq_node *node;
};

/* In file order, each name once: an empty one is columnN (N from 0), a second one gets _1.
 * QN_ELIMIT: more than QN_MAX_COLUMNS. */
QN_CHECK qn_code qn_pq_fields_list(const struct qn_pq_tree *tree, struct qn_arena *arena,
                                   struct qn_pq_field **out, uint32_t *n, struct qn_err *err);

/* Read as JSON text. */
static inline bool qn_pq_is_nested(const struct qn_pq_node *node)
{
    return !qn_pq_is_leaf(node) || node->repetition > 0;
}

#endif
