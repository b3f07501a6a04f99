/* jsonl_tree: keys of objects within objects, each path once, in the order in which they came. */
#ifndef QN_SOURCES_JSONL_TREE_H
#define QN_SOURCES_JSONL_TREE_H

#include "base/arena.h"
#include "base/buf.h"

enum { QN_JSONL_MAX_PATH = 64 }; /* keys of a path: deeper objects are kept as JSON text */

struct qn_jsonl_node {
    struct qn_strv key;
    struct qn_jsonl_node *parent; /* NULL: the record itself */
    struct qn_jsonl_node **children;
    uint32_t n, room;
    uint32_t index;  /* among its parent's children */
    uint32_t *table; /* of numbers of children + 1, by hash; NULL while they are few */
    uint32_t table_size;
    uint32_t id;     /* 0 is the root's, the others follow each other */
    uint32_t depth;  /* keys above it and its own */
    int32_t column;  /* of the schema; -1: none */
    int32_t slot;    /* of the batches; -1: not wanted */
    bool is_records; /* its array's elements are the records */
};

struct qn_jsonl_tree {
    struct qn_arena *arena;
    struct qn_jsonl_node *root;
    uint32_t n; /* nodes */
};

/* Memory comes from the arena; QN_ENOMEM. */
QN_CHECK qn_code qn_jsonl_tree_init(struct qn_jsonl_tree *tree, struct qn_arena *arena,
                                    struct qn_err *err);

/* The child of that key, or NULL. */
struct qn_jsonl_node *qn_jsonl_node_find(const struct qn_jsonl_node *node, struct qn_strv key);

/* The child of that key, made when there is none; NULL when memory is out. */
struct qn_jsonl_node *qn_jsonl_node_add(struct qn_jsonl_tree *tree, struct qn_jsonl_node *node,
                                        struct qn_strv key);

/* The path as columns are named: "customer.address.city". */
void qn_jsonl_node_put_path(const struct qn_jsonl_node *node, struct qn_buf *out);

static inline bool qn_jsonl_node_is(const struct qn_jsonl_node *node, struct qn_strv key)
{
    return node->key.len == key.len && memcmp(node->key.data, key.data, key.len) == 0;
}

#endif
