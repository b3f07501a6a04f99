#include "sources/jsonl_tree.h"

#include "base/hash.h"

enum { FEW_CHILDREN = 8 };

static struct qn_jsonl_node *new_node(struct qn_jsonl_tree *tree, struct qn_jsonl_node *parent,
                                      struct qn_strv key)
{
    struct qn_jsonl_node *node = QN_NEW(tree->arena, struct qn_jsonl_node);
    if (!node)
        return NULL;
    node->key = (struct qn_strv){qn_arena_strdup(tree->arena, key), key.len};
    node->parent = parent;
    node->depth = parent ? parent->depth + 1 : 0;
    node->column = node->slot = -1;
    node->id = tree->n++;
    return node->key.data ? node : NULL;
}

qn_code qn_jsonl_tree_init(struct qn_jsonl_tree *tree, struct qn_arena *arena, struct qn_err *err)
{
    *tree = (struct qn_jsonl_tree){.arena = arena};
    tree->root = new_node(tree, NULL, (struct qn_strv){"", 0});
    return tree->root ? QN_OK : qn_err_nomem(err, "keys of JSON");
}

/* Where the key is in the table, or the free place where it would be. */
static uint32_t place_of(const struct qn_jsonl_node *node, struct qn_strv key)
{
    uint32_t at = (uint32_t)qn_hash64(key.data, key.len, 0) & (node->table_size - 1);
    while (node->table[at] && !qn_jsonl_node_is(node->children[node->table[at] - 1], key))
        at = (at + 1) & (node->table_size - 1);
    return at;
}

struct qn_jsonl_node *qn_jsonl_node_find(const struct qn_jsonl_node *node, struct qn_strv key)
{
    if (node->table) {
        uint32_t child = node->table[place_of(node, key)];
        return child ? node->children[child - 1] : NULL;
    }
    for (uint32_t i = 0; i < node->n; i++)
        if (qn_jsonl_node_is(node->children[i], key))
            return node->children[i];
    return NULL;
}

/* Room for another child, and a table for all of them once they are many. */
static bool grow(struct qn_jsonl_tree *tree, struct qn_jsonl_node *node)
{
    if (node->n < node->room)
        return true;
    uint32_t room = node->room ? node->room * 2 : FEW_CHILDREN;
    struct qn_jsonl_node **children = QN_NEW_ARRAY(tree->arena, struct qn_jsonl_node *, room);
    if (!children)
        return false;
    for (uint32_t i = 0; i < node->n; i++)
        children[i] = node->children[i];
    node->children = children;
    node->room = room;
    if (room == FEW_CHILDREN)
        return true;
    node->table_size = 4 * room;
    node->table = QN_NEW_ARRAY(tree->arena, uint32_t, node->table_size);
    for (uint32_t i = 0; node->table && i < node->n; i++)
        node->table[place_of(node, children[i]->key)] = i + 1;
    return node->table != NULL;
}

struct qn_jsonl_node *qn_jsonl_node_add(struct qn_jsonl_tree *tree, struct qn_jsonl_node *node,
                                        struct qn_strv key)
{
    struct qn_jsonl_node *child = qn_jsonl_node_find(node, key);
    if (child)
        return child;
    child = new_node(tree, node, key);
    if (!child || !grow(tree, node))
        return NULL;
    child->index = node->n;
    node->children[node->n++] = child;
    if (node->table)
        node->table[place_of(node, child->key)] = node->n;
    return child;
}

void qn_jsonl_node_put_path(const struct qn_jsonl_node *node, struct qn_buf *out)
{
    if (!node->parent)
        return;
    qn_jsonl_node_put_path(node->parent, out);
    if (node->parent->parent)
        qn_buf_put_u8(out, '.');
    qn_buf_put(out, node->key.data, node->key.len);
}
