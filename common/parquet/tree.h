/* tree: the schema of a file as a tree, its leaves with what their values mean.
 *
 * Levels count what may be missing or repeated on the way from the root: a value is there when its
 * definition level is the leaf's; its repetition level says which list it goes on with. */
#ifndef QN_PARQUET_TREE_H
#define QN_PARQUET_TREE_H

#include "base/arena.h"
#include "base/err.h"
#include "parquet/meta.h"

enum { QN_PQ_MAX_DEPTH = 24 };

/* What values of a leaf mean, old and new annotations alike. */
enum qn_pq_kind {
    QN_PQ_KIND_NONE, /* a group */
    QN_PQ_KIND_BOOL,
    QN_PQ_KIND_INT,  /* signed, up to 64 bits */
    QN_PQ_KIND_UINT, /* `bits` of them */
    QN_PQ_KIND_FLOAT,
    QN_PQ_KIND_DOUBLE,
    QN_PQ_KIND_FLOAT16,
    QN_PQ_KIND_DECIMAL,
    QN_PQ_KIND_DATE,
    QN_PQ_KIND_TIME,
    QN_PQ_KIND_TIMESTAMP,
    QN_PQ_KIND_INT96, /* a timestamp of old */
    QN_PQ_KIND_TEXT,
    QN_PQ_KIND_BYTES,
    QN_PQ_KIND_UUID,
    QN_PQ_KIND_INTERVAL,
    QN_PQ_KIND_NOTHING, /* always NULL */
};

struct qn_pq_node {
    const struct qn_pq_element *element;
    struct qn_strv name;
    uint32_t parent;                /* the root is its own */
    uint32_t first_child, sibling;  /* 0: none */
    uint32_t first_leaf, n_leaves;  /* at and below it */
    uint8_t definition, repetition; /* levels from which on it is there, and goes on */
    uint8_t depth;
    /* leaves */
    uint8_t kind; /* enum qn_pq_kind */
    uint8_t unit; /* TIME, TIMESTAMP: enum qn_pq_unit */
    uint8_t bits; /* INT, UINT */
    bool is_utc;
    int32_t precision, scale; /* DECIMAL */
};

struct qn_pq_tree {
    const struct qn_pq_node *nodes; /* depth first, the root first */
    uint32_t n_nodes;
    const uint32_t *leaves; /* nodes */
    uint32_t n_leaves;
};

/* QN_EINPUT when the elements do not make a tree, or one that is too deep. */
QN_CHECK qn_code qn_pq_tree_build(const struct qn_pq_file_meta *meta, struct qn_arena *arena,
                                  struct qn_pq_tree *out, struct qn_err *err);

static inline bool qn_pq_is_leaf(const struct qn_pq_node *node)
{
    return node->kind != QN_PQ_KIND_NONE;
}

/* LIST and MAP as they are annotated, in the old way or the new. */
bool qn_pq_is_list(const struct qn_pq_node *node);
bool qn_pq_is_map(const struct qn_pq_node *node);

#endif
