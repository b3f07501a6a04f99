#include "jobs/learn/leaf_masks.h"

#include <string.h>

enum { MOST_NODES = 2 * QN_MASKED_LEAVES - 1 };

/* Leaves below the nodes of a tree: of node i `n[i]`, from `first[i]` on. */
struct leaves {
    uint32_t first[MOST_NODES], n[MOST_NODES];
};

static void count_leaves(const struct qn_tree *tree, struct leaves *out)
{
    for (uint32_t i = tree->n; i-- > 0;) { /* children come after their parents */
        uint32_t left = tree->nodes[i].left;
        out->n[i] = left ? out->n[left] + out->n[left + 1] : 1;
    }
    out->first[0] = 0;
    for (uint32_t i = 0; i < tree->n; i++) {
        uint32_t left = tree->nodes[i].left;
        if (left == 0)
            continue;
        out->first[left] = out->first[i];
        out->first[left + 1] = out->first[i] + out->n[left];
    }
}

static bool is_small(const struct qn_tree *tree, const struct qn_bins *bins)
{
    bool small = tree->n > 1 && tree->n <= MOST_NODES;
    for (uint32_t i = 0; small && i < tree->n; i++) {
        uint32_t pages[QN_BIN_PAGES];
        small = tree->nodes[i].left == 0 ||
                qn_tree_split_pages(&tree->nodes[i].split, bins, pages) == 1;
    }
    return small;
}

/* Where the column stands among those that are asked, to which it is added. */
static uint32_t place_of(struct qn_leaf_masks *masks, uint32_t column)
{
    uint32_t k = 0;
    while (k < masks->n_columns && masks->columns[k] != column)
        k++;
    if (k < masks->n_columns)
        return k;
    masks->columns[masks->n_columns++] = column;
    memset(masks->masks[k], 0xff, sizeof masks->masks[k]);
    return k;
}

static void add_split(struct qn_leaf_masks *masks, const struct qn_tree_split *split,
                      const struct qn_bins *bins, uint32_t first, uint32_t n)
{
    uint32_t pages[QN_BIN_PAGES];
    uint8_t left[QN_BIN_CODES];
    uint64_t of_left = (n < 64 ? (UINT64_C(1) << n) - 1 : UINT64_MAX) << first;
    qn_tree_split_pages(split, bins, pages);
    qn_tree_split_table(split, bins, pages[0], left);
    uint64_t *by_byte =
        masks->masks[place_of(masks, qn_bin_column(&bins->features[split->feature], pages[0]))];
    for (uint32_t byte = 0; byte < QN_BIN_CODES; byte++)
        by_byte[byte] &= left[byte] ? UINT64_MAX : ~of_left;
}

static uint32_t count_columns(const struct qn_tree *tree, const struct qn_bins *bins)
{
    uint32_t columns[MOST_NODES], n = 0;
    for (uint32_t i = 0; i < tree->n; i++) {
        uint32_t pages[QN_BIN_PAGES], k = 0;
        if (tree->nodes[i].left == 0)
            continue;
        qn_tree_split_pages(&tree->nodes[i].split, bins, pages);
        uint32_t column = qn_bin_column(&bins->features[tree->nodes[i].split.feature], pages[0]);
        while (k < n && columns[k] != column)
            k++;
        columns[k] = column;
        n += k == n;
    }
    return n;
}

qn_code qn_leaf_masks_make(const struct qn_tree *tree, const struct qn_bins *bins,
                           struct qn_arena *arena, struct qn_leaf_masks *out, struct qn_err *err)
{
    struct leaves leaves;
    *out = (struct qn_leaf_masks){0};
    if (!is_small(tree, bins))
        return QN_OK;
    uint32_t n = count_columns(tree, bins);
    out->columns = QN_NEW_ARRAY(arena, uint32_t, n);
    out->masks = qn_arena_alloc(arena, n * sizeof *out->masks);
    if (!out->columns || !out->masks)
        return qn_err_nomem(err, "a model");
    count_leaves(tree, &leaves);
    for (uint32_t i = 0; i < tree->n; i++) {
        const struct qn_tree_node *node = &tree->nodes[i];
        if (node->left)
            add_split(out, &node->split, bins, leaves.first[node->left], leaves.n[node->left]);
        else
            out->values[leaves.first[i]] = node->value;
    }
    return QN_OK;
}

enum { AT_ONCE = 4 }; /* rows */

void qn_leaf_masks_add(const struct qn_leaf_masks *masks, const uint8_t *bytes, uint32_t width,
                       uint32_t n, double *scores)
{
    uint32_t n_columns = masks->n_columns, row = 0;
    for (; row + AT_ONCE <= n; row += AT_ONCE, bytes += (size_t)AT_ONCE * width) {
        uint64_t left[AT_ONCE] = {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX};
        for (uint32_t k = 0; k < n_columns; k++) {
            const uint64_t *by_byte = masks->masks[k];
            const uint8_t *column = bytes + masks->columns[k];
            for (uint32_t i = 0; i < AT_ONCE; i++)
                left[i] &= by_byte[column[(size_t)i * width]];
        }
        for (uint32_t i = 0; i < AT_ONCE; i++)
            scores[row + i] += masks->values[__builtin_ctzll(left[i])];
    }
    for (; row < n; row++, bytes += width) {
        uint64_t left = UINT64_MAX;
        for (uint32_t k = 0; k < n_columns; k++)
            left &= masks->masks[k][bytes[masks->columns[k]]];
        scores[row] += masks->values[__builtin_ctzll(left)];
    }
}
