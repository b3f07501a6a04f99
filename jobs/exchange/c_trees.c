/* Boosted trees in C: one table of all nodes, and a walk over it. */
#include <stdlib.h>

#include "jobs/exchange/write.h"

enum kind { LEAF, MISSING_RIGHT, MISSING_LEFT, CATEGORIES, ZERO_RIGHT, ZERO_LEFT };

static void put_features(struct qn_buf *out, const char *name, bool calibrated,
                         const struct qn_bins *bins)
{
    struct qn_c_feature *features = calloc(bins->n_features + 1, sizeof *features);
    out->failed |= !features;
    for (uint32_t f = 0; features && f < bins->n_features; f++) {
        const struct qn_bin_feature *from = &bins->features[f];
        features[f] = (struct qn_c_feature){.name = qn_strv_from(from->name),
                                            .categories = from->categories,
                                            .n_categories = from->n_codes - 1,
                                            .refuse_unknown = from->refuse_unknown};
    }
    if (features)
        qn_c_head(out, name, "gradient_boosting", calibrated, features, bins->n_features);
    free(features);
}

/* Of a set: how many codes it knows of, then words of 32 bits. */
static uint32_t put_set(struct qn_buf *out, const struct qn_tree_split *split,
                        uint32_t n_categories)
{
    uint32_t n_words = (n_categories + 31) / 32;
    qn_buf_printf(out, "    %u,", n_words * 32);
    for (uint32_t w = 0; w < n_words; w++) {
        uint32_t word = 0;
        for (uint32_t i = 0; i < 32 && w * 32 + i + 1 < QN_BIN_MOST_CODES; i++)
            word |= (uint32_t)qn_tree_goes_left(split, w * 32 + i + 1) << i;
        qn_buf_printf(out, " 0x%08xu,", word);
    }
    qn_buf_printf(out, "\n");
    return n_words + 1;
}

static void put_sets(struct qn_buf *out, const char *name, const struct qn_boost_trees *from)
{
    qn_buf_printf(out,
                  "/* Sets of codes that go left: how many bits, then the bits. */\n"
                  "static const unsigned %s_sets[] = {\n",
                  name);
    for (uint32_t t = 0; t < from->n; t++)
        for (uint32_t i = 0; i < from->trees[t].n; i++) {
            const struct qn_tree_node *node = &from->trees[t].nodes[i];
            if (node->left && node->split.categorical)
                (void)put_set(out, &node->split,
                              from->bins->features[node->split.feature].n_codes - 1);
        }
    qn_buf_printf(out, "    0};\n\n");
}

static enum kind missing_kind(const struct qn_bin_feature *feature, bool left)
{
    if (feature->zero_missing)
        return left ? ZERO_LEFT : ZERO_RIGHT;
    return left ? MISSING_LEFT : MISSING_RIGHT;
}

/* `first`: of the tree's nodes in the table; `set`: where the next set stands. */
static void put_node(struct qn_buf *out, const struct qn_bins *bins,
                     const struct qn_tree_node *node, uint32_t first, uint32_t *set)
{
    const struct qn_tree_split *split = &node->split;
    if (node->left == 0) {
        qn_buf_printf(out, "    {%.17g, 0, 0, %d, 0},\n", node->value, LEAF);
    } else if (split->categorical) {
        qn_buf_printf(out, "    {0, %u, %u, %d, %u},\n", split->feature, first + node->left,
                      CATEGORIES, *set);
        *set += (bins->features[split->feature].n_codes - 1 + 31) / 32 + 1;
    } else {
        qn_buf_printf(out, "    {%.17g, %u, %u, %d, 0},\n", qn_exchange_threshold(bins, split),
                      split->feature, first + node->left,
                      missing_kind(&bins->features[split->feature], split->missing_left));
    }
}

static void put_nodes(struct qn_buf *out, const char *name, const struct qn_boost_trees *from)
{
    qn_buf_printf(out,
                  "/* kind 0: a leaf, and its value. 1, 2: left where the feature is at most the "
                  "value; what is\n"
                  " * missing goes right (1) or left (2). 3: left where the code is in the set. 4, "
                  "5: as 1, 2, and\n"
                  " * 0 counts as missing. The right child stands behind the left. */\n"
                  "static const struct {\n"
                  "    double value;\n"
                  "    int feature, left, kind, set;\n"
                  "} %s_nodes[] = {\n",
                  name);
    uint32_t first = 0, set = 0;
    for (uint32_t t = 0; t < from->n; first += from->trees[t++].n)
        for (uint32_t i = 0; i < from->trees[t].n; i++)
            put_node(out, from->bins, &from->trees[t].nodes[i], first, &set);
    qn_buf_printf(out,
                  "    {0, 0, 0, 0, 0}};\n\n"
                  "/* Roots. */\n"
                  "static const int %s_trees[] = {",
                  name);
    first = 0;
    for (uint32_t t = 0; t < from->n; first += from->trees[t++].n)
        qn_buf_printf(out, "%s%u,", t % 12 ? " " : "\n    ", first);
    qn_buf_printf(out, "\n    %u};\n\n", first);
}

static const char margin_text[] =
    "double %s_margin(const double *features)\n"
    "{\n"
    "    const double zero = %.17g;\n"
    "    double margin = %.17g;\n"
    "    int t, at, left;\n"
    "    if (%s_refuses(features))\n"
    "        return %s_none();\n"
    "    for (t = 0; t < %u; t++) {\n"
    "        for (at = %s_trees[t]; %s_nodes[at].kind; at = %s_nodes[at].left + !left) {\n"
    "            double x = features[%s_nodes[at].feature];\n"
    "            const unsigned *set = %s_sets + %s_nodes[at].set;\n"
    "            if (%s_nodes[at].kind == 3)\n"
    "                left = x >= 0 && x < set[0] &&\n"
    "                       (set[1 + (unsigned)x / 32] >> ((unsigned)x %% 32) & 1);\n"
    "            else\n"
    "                left = x != x || (%s_nodes[at].kind > 3 && x <= zero && x >= -zero)\n"
    "                           ? %s_nodes[at].kind == 2 || %s_nodes[at].kind == 5\n"
    "                           : x <= %s_nodes[at].value;\n"
    "        }\n"
    "        margin += %s_nodes[at].value;\n"
    "    }\n"
    "    return margin;\n"
    "}\n\n";

void qn_exchange_c_trees(struct qn_buf *out, const char *name, const struct qn_boost_trees *from,
                         const struct qn_calibration *calibration)
{
    put_features(out, name, calibration->method != QN_CALIBRATE_NOT, from->bins);
    put_sets(out, name, from);
    put_nodes(out, name, from);
    qn_buf_printf(out, margin_text, name, QN_BIN_ZERO, from->base_score, name, name, from->n, name,
                  name, name, name, name, name, name, name, name, name, name, name);
    qn_c_score(out, name, calibration);
}
