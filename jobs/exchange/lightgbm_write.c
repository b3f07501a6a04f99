/* LightGBM's text model, version 4.
 *
 * Splits have numbers of their own, and so have leaves; a child is a split's number, or ~ a leaf's.
 * Bits of decision_type: 0 by categories, 1 missing goes left, 2-3 what is missing (1: 0
 * and NaN, 2: NaN). A
 * split by categories has its number among those as threshold; their sets are words of 32 bits, one
 * a code, and what is in the set goes left. Sizes of trees are left out: they are only there for
 * readers that work in parallel. There is no score to start from: the first tree's leaves have
 * it. */
#include <ctype.h>
#include <stdlib.h>

#include "jobs/exchange/write.h"

enum {
    ZERO_IS_MISSING = 1 << 2,
    NAN_IS_MISSING = 2 << 2,
    BY_CATEGORIES = 1,
    MISSING_LEFT = 2,
    SET_WORDS = (QN_BIN_MOST_CODES + 31) / 32
};

/* Words of 32 bits of the set, by category (code - 1). Returns how many there are. */
static uint32_t words_of(const struct qn_tree_split *split, uint32_t words[SET_WORDS])
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < SET_WORDS; i++)
        words[i] = 0;
    for (uint32_t code = 1; code < QN_BIN_MOST_CODES; code++)
        if (qn_tree_goes_left(split, code)) {
            words[(code - 1) / 32] |= UINT32_C(1) << ((code - 1) % 32);
            n = (code - 1) / 32 + 1;
        }
    return n ? n : 1;
}

/* --- a tree ---------------------------------------------------------------------------------- */

struct lines {
    struct qn_buf *out;
    const struct qn_boost_trees *from;
    const struct qn_tree *tree;
    double start;      /* what the leaves get on top */
    uint32_t *numbers; /* of a node among splits, or among leaves */
    double *means;     /* of the leaves below a node, by rows */
};

static void number_nodes(struct lines *self)
{
    uint32_t splits = 0, leaves = 0;
    for (uint32_t i = 0; i < self->tree->n; i++)
        self->numbers[i] = self->tree->nodes[i].left ? splits++ : leaves++;
    for (uint32_t i = self->tree->n; i-- > 0;) {
        const struct qn_tree_node *node = &self->tree->nodes[i];
        self->means[i] = node->value + self->start;
        if (!node->left)
            continue;
        const struct qn_tree_node *child = &self->tree->nodes[node->left];
        double rows = (double)child[0].rows + (double)child[1].rows;
        double share = rows > 0 ? (double)child[0].rows / rows : 0.5;
        self->means[i] =
            share * self->means[node->left] + (1 - share) * self->means[node->left + 1];
    }
}

enum item {
    SPLIT_FEATURE,
    SPLIT_GAIN,
    THRESHOLD,
    DECISION_TYPE,
    LEFT_CHILD,
    RIGHT_CHILD,
    LEAF_VALUE,
    LEAF_WEIGHT,
    LEAF_COUNT,
    INTERNAL_VALUE,
    INTERNAL_WEIGHT,
    INTERNAL_COUNT
};
static const char *const item_names[] = {"split_feature",  "split_gain",      "threshold",
                                         "decision_type",  "left_child",      "right_child",
                                         "leaf_value",     "leaf_weight",     "leaf_count",
                                         "internal_value", "internal_weight", "internal_count"};

static bool is_of_leaves(enum item item)
{
    return item == LEAF_VALUE || item == LEAF_WEIGHT || item == LEAF_COUNT;
}

static void put_count(struct qn_buf *out, uint64_t rows)
{
    qn_buf_printf(out, "%d", rows > INT32_MAX ? INT32_MAX : (int)rows);
}

static void put_child(const struct lines *self, uint32_t node)
{
    int number = (int)self->numbers[node];
    qn_buf_printf(self->out, "%d", self->tree->nodes[node].left ? number : ~number);
}

static int missing_of(const struct qn_bin_feature *feature)
{
    return feature->zero_missing ? ZERO_IS_MISSING : NAN_IS_MISSING;
}

/* `sets`: splits by categories so far. */
static void put_item(const struct lines *self, enum item item, uint32_t number, uint32_t *sets)
{
    const struct qn_tree_node *node = &self->tree->nodes[number];
    const struct qn_tree_split *split = &node->split;
    struct qn_buf *out = self->out;
    switch (item) {
    case SPLIT_FEATURE: qn_buf_printf(out, "%u", split->feature); break;
    case SPLIT_GAIN: qn_buf_printf(out, "%.17g", node->gain); break;
    case THRESHOLD:
        if (split->categorical)
            qn_buf_printf(out, "%u", (*sets)++);
        else
            qn_buf_printf(out, "%.17g", qn_exchange_threshold(self->from->bins, split));
        break;
    case DECISION_TYPE:
        qn_buf_printf(out, "%d",
                      split->categorical ? BY_CATEGORIES
                                         : missing_of(&self->from->bins->features[split->feature]) |
                                               (split->missing_left ? MISSING_LEFT : 0));
        break;
    case LEFT_CHILD: put_child(self, node->left); break;
    case RIGHT_CHILD: put_child(self, node->left + 1); break;
    case LEAF_VALUE:
    case INTERNAL_VALUE: qn_buf_printf(out, "%.17g", self->means[number]); break;
    case LEAF_WEIGHT:
    case INTERNAL_WEIGHT: qn_buf_printf(out, "%.17g", node->weight); break;
    case LEAF_COUNT:
    case INTERNAL_COUNT: put_count(out, node->rows); break;
    }
}

static void put_line(const struct lines *self, enum item item)
{
    uint32_t sets = 0;
    const char *blank = "";
    qn_buf_printf(self->out, "%s=", item_names[item]);
    for (uint32_t i = 0; i < self->tree->n; i++) {
        if ((self->tree->nodes[i].left == 0) != is_of_leaves(item))
            continue;
        qn_buf_printf(self->out, "%s", blank);
        put_item(self, item, i, &sets);
        blank = " ";
    }
    qn_buf_printf(self->out, "\n");
}

static void put_sets(const struct lines *self)
{
    uint32_t words[SET_WORDS], end = 0;
    qn_buf_printf(self->out, "cat_boundaries=0");
    for (uint32_t i = 0; i < self->tree->n; i++)
        if (self->tree->nodes[i].split.categorical)
            qn_buf_printf(self->out, " %u", end += words_of(&self->tree->nodes[i].split, words));
    qn_buf_printf(self->out, "\ncat_threshold=");
    const char *blank = "";
    for (uint32_t i = 0; i < self->tree->n; i++) {
        const struct qn_tree_split *split = &self->tree->nodes[i].split;
        uint32_t n = split->categorical ? words_of(split, words) : 0;
        for (uint32_t w = 0; w < n; w++, blank = " ")
            qn_buf_printf(self->out, "%s%u", blank, words[w]);
    }
    qn_buf_printf(self->out, "\n");
}

static void put_tree(struct lines *self, uint32_t number)
{
    uint32_t sets = 0, leaves = 0;
    for (uint32_t i = 0; i < self->tree->n; i++) {
        sets += self->tree->nodes[i].split.categorical;
        leaves += self->tree->nodes[i].left == 0;
    }
    number_nodes(self);
    qn_buf_printf(self->out, "Tree=%u\nnum_leaves=%u\nnum_cat=%u\n", number, leaves, sets);
    for (enum item item = SPLIT_FEATURE; item <= INTERNAL_COUNT; item++)
        put_line(self, item);
    if (sets)
        put_sets(self);
    qn_buf_printf(self->out, "is_linear=0\nshrinkage=1\n\n\n");
}

/* --- the file -------------------------------------------------------------------------------- */

/* Names stand between blanks. */
static void put_name(struct qn_buf *out, const char *name)
{
    for (; *name; name++)
        qn_buf_put_u8(out, isspace((unsigned char)*name) ? '_' : (uint8_t)*name);
}

/* Of a number the span of its bounds, of a text its codes. */
static void put_info(struct qn_buf *out, const struct qn_bin_feature *feature)
{
    if (!feature->categorical && feature->n_codes > 2) {
        qn_buf_printf(out, "[%.17g:%.17g]", feature->bounds[0],
                      feature->bounds[feature->n_codes - 3]);
        return;
    }
    if (!feature->categorical || feature->n_codes == 1) {
        qn_buf_printf(out, "none");
        return;
    }
    for (uint32_t i = 0; i + 1 < feature->n_codes; i++)
        qn_buf_printf(out, "%s%u", i ? ":" : "", i);
}

static void put_head(struct qn_buf *out, const struct qn_bins *bins)
{
    qn_buf_printf(out,
                  "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nlabel_index=0\n"
                  "max_feature_idx=%d\nobjective=binary sigmoid:1\nfeature_names=",
                  (int)bins->n_features - 1);
    for (uint32_t f = 0; f < bins->n_features; f++) {
        qn_buf_printf(out, "%s", f ? " " : "");
        put_name(out, bins->features[f].name);
    }
    qn_buf_printf(out, "\nfeature_infos=");
    for (uint32_t f = 0; f < bins->n_features; f++) {
        qn_buf_printf(out, "%s", f ? " " : "");
        put_info(out, &bins->features[f]);
    }
    qn_buf_printf(out, "\n\n");
}

void qn_exchange_lightgbm(struct qn_buf *out, const struct qn_boost_trees *from)
{
    struct qn_tree_node only = {0};
    const struct qn_tree none = {&only, 1};
    uint32_t most = 1;
    for (uint32_t t = 0; t < from->n; t++)
        most = from->trees[t].n > most ? from->trees[t].n : most;
    struct lines lines = {.out = out, .from = from, .start = from->base_score};
    lines.numbers = malloc(most * sizeof *lines.numbers);
    lines.means = malloc(most * sizeof *lines.means);
    out->failed |= !lines.numbers || !lines.means;
    if (!out->failed) {
        put_head(out, from->bins);
        for (uint32_t t = 0; t < from->n || t == 0; t++) {
            lines.tree = from->n ? &from->trees[t] : &none;
            put_tree(&lines, t);
            lines.start = 0;
        }
        qn_buf_printf(out, "end of trees\n");
    }
    free(lines.numbers);
    free(lines.means);
}
