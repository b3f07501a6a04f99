#include "jobs/learn/tree.h"

#include <math.h>

#include "jobs/learn/boost.h"

bool qn_tree_split_eq(const struct qn_tree_split *a, const struct qn_tree_split *b)
{
    return a->feature == b->feature && a->categorical == b->categorical &&
           a->missing_left == b->missing_left && a->bin == b->bin &&
           memcmp(a->set, b->set, sizeof a->set) == 0;
}

uint32_t qn_tree_depth(const struct qn_tree *tree, uint32_t *depths)
{
    uint32_t deepest = 0;
    depths[0] = 0;
    for (uint32_t i = 0; i < tree->n; i++) { /* children come after their parents */
        uint32_t left = tree->nodes[i].left;
        deepest = depths[i] > deepest ? depths[i] : deepest;
        if (left)
            depths[left] = depths[left + 1] = depths[i] + 1;
    }
    return deepest;
}

static bool has_page(const struct qn_tree_split *split, uint32_t page)
{
    for (uint32_t i = 1; i <= QN_BIN_PAGE; i++)
        if (qn_tree_goes_left(split, page * QN_BIN_PAGE + i))
            return true;
    return false;
}

uint32_t qn_tree_split_pages(const struct qn_tree_split *split, const struct qn_bins *bins,
                             uint32_t pages[QN_BIN_PAGES])
{
    uint32_t n = 0, n_pages = qn_bin_pages(&bins->features[split->feature]);
    pages[0] = 0;
    for (uint32_t page = 0; n_pages > 1 && page < n_pages; page++)
        if (has_page(split, page))
            pages[n++] = page;
    return n ? n : 1;
}

void qn_tree_split_table(const struct qn_tree_split *split, const struct qn_bins *bins,
                         uint32_t page, uint8_t left[QN_BIN_CODES])
{
    const struct qn_bin_feature *feature = &bins->features[split->feature];
    for (uint32_t byte = 0; byte < QN_BIN_CODES; byte++)
        left[byte] = qn_tree_goes_left(split, qn_bin_code_in(feature, page, byte));
}

/* --- bytes ----------------------------------------------------------------------------------- */

enum { LEAF, NUMERIC, NUMERIC_MISSING_LEFT, CATEGORICAL };

void qn_tree_split_pack(struct qn_buf *out, const struct qn_tree_split *split)
{
    qn_buf_put_u8(out, split->categorical    ? CATEGORICAL
                       : split->missing_left ? NUMERIC_MISSING_LEFT
                                             : NUMERIC);
    qn_buf_put_u32(out, split->feature);
    if (!split->categorical)
        qn_buf_put_u8(out, split->bin);
    uint32_t n_words = split->categorical ? QN_BIN_SET_WORDS : 0;
    while (n_words && split->set[n_words - 1] == 0)
        n_words--;
    if (split->categorical)
        qn_buf_put_u8(out, (uint8_t)n_words);
    for (uint32_t i = 0; i < n_words; i++)
        qn_buf_put_u64(out, split->set[i]);
}

/* Missing values are in no set, nor are codes that the feature has not. */
static bool set_is_sound(const struct qn_tree_split *split, uint32_t n_codes)
{
    bool sound = (split->set[0] & 1) == 0;
    for (uint32_t i = 0; i < QN_BIN_SET_WORDS; i++) {
        uint32_t first = i * 64, has = n_codes > first ? n_codes - first : 0;
        sound &= has >= 64 || split->set[i] >> has == 0;
    }
    return sound;
}

static bool split_is_sound(const struct qn_tree_split *split, const struct qn_bins *bins)
{
    if (split->feature >= bins->n_features)
        return false;
    const struct qn_bin_feature *feature = &bins->features[split->feature];
    if (split->categorical != feature->categorical)
        return false;
    return split->categorical ? set_is_sound(split, feature->n_codes)
                              : split->bin >= 1 && split->bin < feature->n_codes;
}

static void split_unpack_after(struct qn_unpack *in, uint8_t kind, const struct qn_bins *bins,
                               struct qn_tree_split *split)
{
    *split = (struct qn_tree_split){.categorical = kind == CATEGORICAL,
                                    .missing_left = kind == NUMERIC_MISSING_LEFT};
    split->feature = qn_unpack_u32(in);
    if (!split->categorical)
        split->bin = qn_unpack_u8(in);
    uint8_t n_words = split->categorical ? qn_unpack_u8(in) : 0;
    in->failed |= n_words > QN_BIN_SET_WORDS;
    for (uint32_t i = 0; i < n_words && !in->failed; i++)
        split->set[i] = qn_unpack_u64(in);
    in->failed = in->failed || kind == LEAF || kind > CATEGORICAL || !split_is_sound(split, bins);
}

void qn_tree_split_unpack(struct qn_unpack *in, const struct qn_bins *bins,
                          struct qn_tree_split *split)
{
    uint8_t kind = qn_unpack_u8(in);
    split_unpack_after(in, kind, bins, split);
}

void qn_tree_pack(struct qn_buf *out, const struct qn_tree *tree)
{
    qn_buf_put_u32(out, tree->n);
    for (uint32_t i = 0; i < tree->n; i++) {
        const struct qn_tree_node *node = &tree->nodes[i];
        if (node->left) {
            qn_tree_split_pack(out, &node->split);
            qn_buf_put_u32(out, node->left);
            qn_buf_put_f64(out, node->gain);
        } else {
            qn_buf_put_u8(out, LEAF);
            qn_buf_put_f64(out, node->value);
        }
        qn_buf_put_u64(out, node->rows);
        qn_buf_put_f64(out, node->weight);
    }
}

static void node_unpack(struct qn_unpack *in, const struct qn_bins *bins, struct qn_tree_node *node)
{
    uint8_t kind = qn_unpack_u8(in);
    if (kind == LEAF) {
        node->value = qn_unpack_f64(in);
    } else {
        split_unpack_after(in, kind, bins, &node->split);
        node->left = qn_unpack_u32(in);
        node->gain = qn_unpack_f64(in);
        in->failed |= node->left == 0;
    }
    node->rows = qn_unpack_u64(in);
    node->weight = qn_unpack_f64(in);
}

qn_code qn_tree_unpack(struct qn_unpack *in, const struct qn_bins *bins, struct qn_arena *arena,
                       struct qn_tree *tree, struct qn_err *err)
{
    *tree = (struct qn_tree){0};
    uint32_t n = qn_unpack_count(in, 25);
    in->failed |= n == 0 || n > 2 * QN_BOOST_MAX_LEAVES;
    if (in->failed)
        return QN_OK;
    tree->nodes = QN_NEW_ARRAY(arena, struct qn_tree_node, n);
    if (!tree->nodes)
        return qn_err_nomem(err, "a tree");
    tree->n = n;
    for (uint32_t i = 0; i < n && !in->failed; i++)
        node_unpack(in, bins, &tree->nodes[i]);
    in->failed = in->failed || !qn_tree_is_sound(tree, bins);
    return QN_OK;
}

/* --- soundness ------------------------------------------------------------------------------- */

bool qn_tree_is_sound(const struct qn_tree *tree, const struct qn_bins *bins)
{
    uint32_t next = 1; /* the first node that is nobody's child yet */
    for (uint32_t i = 0; i < tree->n; i++) {
        const struct qn_tree_node *node = &tree->nodes[i];
        if (!isfinite(node->value) || !isfinite(node->gain) || !isfinite(node->weight))
            return false;
        if (node->left == 0)
            continue;
        if (node->left <= i || node->left + 1 >= tree->n || node->left % 2 == 0 ||
            !split_is_sound(&node->split, bins))
            return false;
        next += 2;
    }
    /* As many pairs as splits; two splits with one pair would leave another without a parent. */
    uint64_t pairs[2 * QN_BOOST_MAX_LEAVES / 128 + 1] = {0};
    for (uint32_t i = 0; i < tree->n; i++) {
        uint32_t pair = tree->nodes[i].left / 2;
        if (tree->nodes[i].left == 0)
            continue;
        if (pairs[pair / 64] >> (pair % 64) & 1)
            return false;
        pairs[pair / 64] |= UINT64_C(1) << (pair % 64);
    }
    return tree->n > 0 && tree->n <= 2 * QN_BOOST_MAX_LEAVES && next == tree->n;
}
