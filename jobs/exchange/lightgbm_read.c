#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "jobs/exchange/lightgbm.h"

void qn_lightgbm_fini(struct qn_lightgbm_file *file)
{
    qn_arena_fini(&file->arena);
}

__attribute__((format(printf, 5, 0))) static qn_code say(const struct qn_lightgbm_file *file,
                                                         uint32_t line, qn_code code,
                                                         struct qn_err *err, const char *format,
                                                         va_list args)
{
    char text[300];
    vsnprintf(text, sizeof text, format, args);
    (void)qn_err_set(err, code, QN_BLAME_JOB, "%s", text);
    qn_err_at(err, file->path, line, 0);
    return code;
}

qn_code qn_lightgbm_refuse(const struct qn_lightgbm_file *file, uint32_t line, struct qn_err *err,
                           const char *format, ...)
{
    va_list args;
    va_start(args, format);
    qn_code code = say(file, line, QN_ENOTSUP, err, format, args);
    va_end(args);
    return code;
}

qn_code qn_lightgbm_wrong(const struct qn_lightgbm_file *file, uint32_t line, struct qn_err *err,
                          const char *format, ...)
{
    va_list args;
    va_start(args, format);
    qn_code code = say(file, line, QN_EINPUT, err, format, args);
    va_end(args);
    return code;
}

static qn_code corrupt(const struct qn_lightgbm_file *file, struct qn_err *err, const char *key,
                       const char *expected, struct qn_strv found)
{
    int shown = found.len > 40 ? 40 : (int)found.len;
    return qn_lightgbm_wrong(file, file->line, err, "%s: expected %s, found '%.*s'%s", key,
                             expected, shown, found.data ? found.data : "",
                             found.len > 40 ? "..." : "");
}

/* --- lines ----------------------------------------------------------------------------------- */

struct input {
    struct qn_strv rest;
    struct qn_strv key, value; /* of the line; key empty: the line is blank */
    bool ended;
};

static void next_line(struct qn_lightgbm_file *file, struct input *in)
{
    in->ended = in->rest.len == 0;
    in->key = in->value = (struct qn_strv){"", 0};
    if (in->ended)
        return;
    const char *end = memchr(in->rest.data, '\n', in->rest.len);
    size_t n = end ? (size_t)(end - in->rest.data) : in->rest.len;
    struct qn_strv line = {in->rest.data, n};
    in->rest.data += n + (end != NULL);
    in->rest.len -= n + (end != NULL);
    file->line++;
    if (line.len && line.data[line.len - 1] == '\r')
        line.len--;
    const char *equals = memchr(line.data, '=', line.len);
    size_t at = equals ? (size_t)(equals - line.data) : line.len;
    in->key = (struct qn_strv){line.data, at};
    if (equals)
        in->value = (struct qn_strv){equals + 1, line.len - at - 1};
}

/* The next word of a list; false at its end. */
static bool next_word(struct qn_strv *list, struct qn_strv *word)
{
    while (list->len && *list->data == ' ')
        list->data++, list->len--;
    const char *blank = memchr(list->data, ' ', list->len);
    *word = (struct qn_strv){list->data, blank ? (size_t)(blank - list->data) : list->len};
    list->data += word->len;
    list->len -= word->len;
    return word->len > 0;
}

static bool to_number(struct qn_strv word, double *out)
{
    char text[64], *end;
    if (word.len == 0 || word.len >= sizeof text)
        return false;
    memcpy(text, word.data, word.len);
    text[word.len] = '\0';
    *out = strtod(text, &end);
    return *end == '\0' && isfinite(*out);
}

/* A threshold above all numbers, where what is missing parts from what is not, is infinite. */
static bool to_threshold(struct qn_strv word, double *out)
{
    *out = DBL_MAX;
    return qn_strv_is(word, "inf") || to_number(word, out);
}

/* Exactly `n` numbers. */
static qn_code read_numbers(struct qn_lightgbm_file *file, const struct input *in, const char *key,
                            uint32_t n, double **out, struct qn_err *err)
{
    struct qn_strv list = in->value, word;
    uint32_t found = 0;
    bool thresholds = strcmp(key, "threshold") == 0;
    if (*out)
        return corrupt(file, err, key, "it once a tree", in->value);
    if (n / 2 > list.len) /* a number and a blank each: it cannot hold so many */
        return corrupt(file, err, key, "more numbers", list);
    *out = QN_NEW_ARRAY(&file->arena, double, n + 1);
    if (!*out)
        return qn_err_nomem(err, "a model");
    while (next_word(&list, &word)) {
        if (found == n)
            return corrupt(file, err, key, "fewer numbers", word);
        if (!(thresholds ? to_threshold : to_number)(word, &(*out)[found++]))
            return corrupt(file, err, key, "a number", word);
    }
    return found == n ? QN_OK : corrupt(file, err, key, "more numbers", in->value);
}

static qn_code read_count(struct qn_lightgbm_file *file, const struct input *in, const char *key,
                          int64_t least, int64_t most, uint32_t *out, struct qn_err *err)
{
    int64_t value;
    char expected[80];
    snprintf(expected, sizeof expected, "a number from %" PRId64 " to %" PRId64, least, most);
    if (!qn_strv_to_i64(in->value, &value) || value < least || value > most)
        return corrupt(file, err, key, expected, in->value);
    *out = (uint32_t)value;
    return QN_OK;
}

/* --- the head -------------------------------------------------------------------------------- */

static qn_code read_words(struct qn_lightgbm_file *file, const struct input *in, const char *key,
                          struct qn_strv **out, struct qn_err *err)
{
    struct qn_strv list = in->value, word;
    uint32_t n = 0;
    *out = QN_NEW_ARRAY(&file->arena, struct qn_strv, file->n_features + 1);
    if (!*out)
        return qn_err_nomem(err, "a model");
    while (next_word(&list, &word)) {
        if (n == file->n_features)
            return corrupt(file, err, key, "as many words as features", word);
        (*out)[n++] = word;
    }
    return n == file->n_features ? QN_OK
                                 : corrupt(file, err, key, "as many words as features", in->value);
}

/* What changes how scores come about, and is not done here, is refused by name. */
static qn_code read_head_line(struct qn_lightgbm_file *file, const struct input *in,
                              struct qn_err *err)
{
    struct qn_strv key = in->key, value = in->value;
    int shown = value.len > 60 ? 60 : (int)value.len;
    if (qn_strv_is(key, "max_feature_idx")) {
        QN_TRY(
            read_count(file, in, "max_feature_idx", 0, QN_MAX_COLUMNS - 1, &file->n_features, err));
        file->n_features++;
    } else if (qn_strv_is(key, "feature_names")) {
        return read_words(file, in, "feature_names", &file->names, err);
    } else if (qn_strv_is(key, "feature_infos")) {
        return read_words(file, in, "feature_infos", &file->infos, err);
    } else if (qn_strv_is(key, "version")) {
        if (!qn_strv_is(value, "v3") && !qn_strv_is(value, "v4"))
            return qn_lightgbm_refuse(file, file->line, err,
                                      "version %.*s is not read, v3 and v4 are", shown, value.data);
    } else if (qn_strv_is(key, "objective")) {
        if (!qn_strv_is(value, "binary sigmoid:1") && !qn_strv_is(value, "cross_entropy"))
            return qn_lightgbm_refuse(
                file, file->line, err,
                "objective '%.*s' is not read; 'binary sigmoid:1' and 'cross_entropy' are", shown,
                value.data);
    } else if (qn_strv_is(key, "num_class") || qn_strv_is(key, "num_tree_per_iteration")) {
        if (!qn_strv_is(value, "1"))
            return qn_lightgbm_refuse(file, file->line, err,
                                      "%.*s is %.*s: only models of two classes are read",
                                      QN_STRV_ARG(key), shown, value.data);
    } else if (qn_strv_is(key, "average_output")) {
        return qn_lightgbm_refuse(file, file->line, err,
                                  "average_output: random forests are not read");
    }
    return QN_OK;
}

static qn_code read_head(struct qn_lightgbm_file *file, struct input *in, struct qn_err *err)
{
    bool objective = false;
    next_line(file, in);
    if (!qn_strv_is(in->key, "tree"))
        return corrupt(file, err, "the first line", "'tree', as LightGBM's text models begin",
                       in->key);
    for (next_line(file, in);
         !in->ended && !qn_strv_is(in->key, "Tree") && !qn_strv_is(in->key, "end of trees");
         next_line(file, in)) {
        objective |= qn_strv_is(in->key, "objective");
        QN_TRY(read_head_line(file, in, err));
    }
    if (!file->n_features || !file->names || !file->infos || !objective)
        return corrupt(file, err, "the head",
                       "max_feature_idx, feature_names, feature_infos and objective before trees",
                       in->key);
    return QN_OK;
}

/* --- trees ----------------------------------------------------------------------------------- */

static qn_code read_tree_line(struct qn_lightgbm_file *file, const struct input *in,
                              struct qn_lightgbm_tree *tree, struct qn_err *err)
{
    uint32_t leaves = tree->n_leaves, splits = leaves ? leaves - 1 : 0, one = leaves == 1;
    const struct {
        const char *key;
        double **to;
        uint32_t n;
    } lists[] = {
        {"split_feature", &tree->feature, splits},
        {"split_gain", &tree->gain, splits},
        {"threshold", &tree->threshold, splits},
        {"decision_type", &tree->decision, splits},
        {"left_child", &tree->left, splits},
        {"right_child", &tree->right, splits},
        {"leaf_value", &tree->value, leaves},
        {"leaf_weight", &tree->weight, one && !in->value.len ? 0 : leaves},
        {"leaf_count", &tree->count, one && !in->value.len ? 0 : leaves},
        {"internal_weight", &tree->split_weight, splits},
        {"internal_count", &tree->split_count, splits},
        {"cat_boundaries", &tree->first_word, tree->n_sets + 1},
        {"cat_threshold", &tree->words, tree->n_words},
    };
    if (qn_strv_is(in->key, "is_linear") && !qn_strv_is(in->value, "0"))
        return qn_lightgbm_refuse(file, file->line, err, "linear trees are not read");
    if ((qn_strv_is(in->key, "num_leaves") && leaves) ||
        (qn_strv_is(in->key, "num_cat") && (tree->n_sets || tree->first_word)))
        return corrupt(file, err, "num_leaves and num_cat", "each once, before the lists", in->key);
    if (qn_strv_is(in->key, "cat_threshold") && !tree->first_word)
        return corrupt(file, err, "cat_threshold", "cat_boundaries before it", in->value);
    if (qn_strv_is(in->key, "num_leaves"))
        return read_count(file, in, "num_leaves", 1, QN_BOOST_MAX_LEAVES, &tree->n_leaves, err);
    if (qn_strv_is(in->key, "num_cat"))
        return read_count(file, in, "num_cat", 0, QN_BOOST_MAX_LEAVES, &tree->n_sets, err);
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        if (!qn_strv_is(in->key, lists[i].key))
            continue;
        if (!leaves)
            return corrupt(file, err, lists[i].key, "num_leaves before it", in->key);
        QN_TRY(read_numbers(file, in, lists[i].key, lists[i].n, lists[i].to, err));
    }
    if (qn_strv_is(in->key, "cat_boundaries")) {
        double n = tree->first_word[tree->n_sets];
        if (!(n >= 0 && n <= (double)in->rest.len && n == floor(n)))
            return corrupt(file, err, "cat_boundaries", "numbers of words that the file has",
                           in->value);
        tree->n_words = (uint32_t)n;
    }
    return QN_OK;
}

static bool is_whole(double value, double least, double most)
{
    return value >= least && value <= most && value == floor(value);
}

static const char *check_sets(const struct qn_lightgbm_tree *tree)
{
    if (tree->n_sets == 0)
        return NULL;
    if (!tree->first_word || !tree->words || tree->first_word[0] != 0)
        return "cat_boundaries and cat_threshold";
    for (uint32_t i = 0; i < tree->n_sets; i++)
        if (!is_whole(tree->first_word[i + 1], tree->first_word[i], tree->n_words))
            return "cat_boundaries";
    for (uint32_t i = 0; i < tree->n_words; i++)
        if (!is_whole(tree->words[i], 0, UINT32_MAX))
            return "cat_threshold";
    return NULL;
}

/* What is wrong with the splits; NULL: nothing. Every node but the root has one parent, and all can
 * be come to from the root, so there is no cycle. */
static const char *check_splits(const struct qn_lightgbm_file *file,
                                const struct qn_lightgbm_tree *tree, uint8_t *parents)
{
    uint32_t n = tree->n_leaves - 1; /* parents: of splits, then of leaves */
    for (uint32_t i = 0; i < n; i++) {
        if (!is_whole(tree->feature[i], 0, file->n_features - 1))
            return "split_feature";
        if (!is_whole(tree->decision[i], 0, 11))
            return "decision_type";
        if ((int)tree->decision[i] & QN_LIGHTGBM_CATEGORICAL &&
            !(tree->n_sets && is_whole(tree->threshold[i], 0, tree->n_sets - 1)))
            return "threshold of a split by categories";
        if (!is_whole(tree->split_count[i], 0, 1e18))
            return "internal_count";
        for (int side = 0; side < 2; side++) {
            double child = side ? tree->right[i] : tree->left[i];
            if (!is_whole(child, -(double)tree->n_leaves, n - 1.0) || child == 0)
                return side ? "right_child" : "left_child";
            uint32_t place = child < 0 ? n + (uint32_t) ~(int)child : (uint32_t)child;
            if (parents[place]++)
                return "a node has two parents";
        }
    }
    for (uint32_t i = 0; i < tree->n_leaves; i++)
        if (!is_whole(tree->count[i], 0, 1e18))
            return "leaf_count";
    return NULL;
}

/* Splits that the root leads to. */
static uint32_t count_reached(const struct qn_lightgbm_tree *tree, uint32_t *queue)
{
    uint32_t n = 1;
    queue[0] = 0;
    for (uint32_t i = 0; i < n; i++)
        for (int side = 0; side < 2; side++) {
            double child = (side ? tree->right : tree->left)[queue[i]];
            if (child > 0)
                queue[n++] = (uint32_t)child; /* of one parent: at most all come */
        }
    return n;
}

static qn_code check_tree(struct qn_lightgbm_file *file, struct qn_lightgbm_tree *tree,
                          struct qn_err *err)
{
    uint32_t leaves = tree->n_leaves;
    if (!leaves || !tree->value)
        return corrupt(file, err, "the tree above", "num_leaves and leaf_value", QN_STRV_LIT(""));
    if (leaves == 1)
        return QN_OK;
    if (!tree->feature || !tree->gain || !tree->threshold || !tree->decision || !tree->left ||
        !tree->right || !tree->weight || !tree->count || !tree->split_weight || !tree->split_count)
        return corrupt(file, err, "the tree above",
                       "split_feature, split_gain, threshold, decision_type, left_child, "
                       "right_child, leaf_weight, leaf_count, internal_weight and internal_count",
                       QN_STRV_LIT(""));
    uint8_t *parents = QN_NEW_ARRAY(&file->arena, uint8_t, 2 * (size_t)leaves);
    uint32_t *queue = QN_NEW_ARRAY(&file->arena, uint32_t, leaves);
    if (!parents || !queue)
        return qn_err_nomem(err, "a model");
    const char *wrong = check_sets(tree);
    if (!wrong)
        wrong = check_splits(file, tree, parents);
    if (!wrong && count_reached(tree, queue) != leaves - 1)
        wrong = "not all nodes can be come to from the root";
    return wrong ? qn_lightgbm_wrong(file, tree->line, err, "this tree is not sound: %s", wrong)
                 : QN_OK;
}

static struct qn_lightgbm_tree *add_tree(struct qn_lightgbm_file *file, uint32_t *room)
{
    if (file->n_trees == *room) {
        uint32_t more = *room ? *room * 2 : 64;
        struct qn_lightgbm_tree *grown = QN_NEW_ARRAY(&file->arena, struct qn_lightgbm_tree, more);
        if (!grown)
            return NULL;
        if (file->n_trees)
            memcpy(grown, file->trees, file->n_trees * sizeof *grown);
        file->trees = grown;
        *room = more;
    }
    struct qn_lightgbm_tree *tree = &file->trees[file->n_trees++];
    tree->line = file->line;
    return tree;
}

static qn_code read_trees(struct qn_lightgbm_file *file, struct input *in, struct qn_err *err)
{
    uint32_t room = 0;
    while (!in->ended && qn_strv_is(in->key, "Tree")) {
        struct qn_lightgbm_tree *tree =
            file->n_trees < QN_BOOST_MAX_TREES ? add_tree(file, &room) : NULL;
        if (file->n_trees >= QN_BOOST_MAX_TREES)
            return qn_lightgbm_refuse(file, file->line, err, "more than %d trees are not read",
                                      QN_BOOST_MAX_TREES);
        if (!tree)
            return qn_err_nomem(err, "a model");
        for (next_line(file, in);
             !in->ended && !qn_strv_is(in->key, "Tree") && !qn_strv_is(in->key, "end of trees");
             next_line(file, in))
            QN_TRY(read_tree_line(file, in, tree, err));
        QN_TRY(check_tree(file, tree, err));
    }
    if (!qn_strv_is(in->key, "end of trees"))
        return corrupt(file, err, "the file", "'end of trees' behind its trees: it was cut short",
                       in->key);
    return QN_OK;
}

qn_code qn_lightgbm_parse(const char *path, struct qn_strv text, struct qn_lightgbm_file *file,
                          struct qn_err *err)
{
    static const char pandas[] = "pandas_categorical:";
    struct input in = {.rest = text};
    *file = (struct qn_lightgbm_file){.path = path};
    qn_arena_init(&file->arena);
    QN_TRY(read_head(file, &in, err));
    QN_TRY(read_trees(file, &in, err));
    while (!in.ended) {
        const char *line = in.rest.data;
        size_t left = in.rest.len;
        next_line(file, &in);
        if (!in.ended && left > sizeof pandas && memcmp(line, pandas, sizeof pandas - 1) == 0) {
            const char *end = memchr(line, '\n', left);
            size_t n = end ? (size_t)(end - line) : left;
            file->pandas = (struct qn_strv){line + sizeof pandas - 1, n - sizeof pandas + 1};
        }
    }
    return QN_OK;
}
