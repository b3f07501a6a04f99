/* LightGBM's trees as our own: the thresholds of a feature become its bounds, and the codes in its
 * sets its categories. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jobs/exchange/exchange.h"
#include "jobs/exchange/lightgbm.h"
#include "jobs/learn/artefact_json.h"

struct converting {
    struct qn_lightgbm_file *file;
    struct qn_bins *bins;
    struct qn_tree *trees;
    uint32_t **codes;  /* by feature and category code: our code of it, 0: none */
    uint32_t *n_codes; /* by feature: how many of them */
};

static bool by_categories(const struct qn_lightgbm_tree *tree, uint32_t split)
{
    return (int)tree->decision[split] & QN_LIGHTGBM_CATEGORICAL;
}

/* --- what features are ------------------------------------------------------------------------ */

/* "[low:high]" is of a number, "0:2:1" of a category, "none" of one that was never used. */
static bool info_is_categorical(struct qn_strv info)
{
    return info.len && info.data[0] != '[' && !qn_strv_is(info, "none");
}

/* The same name once blanks are written as LightGBM writes them. */
static bool same_name(struct qn_strv theirs, struct qn_strv ours)
{
    bool same = theirs.len == ours.len;
    for (size_t i = 0; same && i < ours.len; i++)
        same = ours.data[i] == theirs.data[i] ||
               (theirs.data[i] == '_' && strchr(" \t\n\v\f\r", ours.data[i]));
    return same;
}

static qn_code name_feature(struct converting *self, const json_t *columns, uint32_t f,
                            struct qn_err *err)
{
    struct qn_lightgbm_file *file = self->file;
    struct qn_bin_feature *feature = &self->bins->features[f];
    struct qn_artefact_reading in = {.arena = &self->bins->arena};
    const json_t *column = json_array_get(json_object_get(columns, "columns"), f);
    feature->categorical = info_is_categorical(file->infos[f]);
    feature->name = qn_arena_strdup(in.arena, file->names[f]);
    feature->type.id = feature->categorical ? QN_TEXT : QN_DOUBLE;
    if (column) {
        struct qn_strv name = qn_artefact_read_text(&in, column, "name");
        feature->categorical =
            qn_artefact_read_choice(&in, column, "kind", "categorical", "numeric");
        feature->type = qn_artefact_read_type(&in, column, "type");
        feature->name = name.data;
        if (feature->categorical)
            feature->refuse_unknown =
                qn_artefact_read_choice(&in, column, "handle_unknown", "error", "ignore");
        if (in.bad || !same_name(file->names[f], name))
            return qn_err_set(err, QN_EINPUT, QN_BLAME_JOB,
                              "the columns file's column %u is '%.60s', and the model's feature "
                              "there is '%.*s'",
                              f + 1, name.data, QN_STRV_ARG(file->names[f]));
    }
    return feature->name ? QN_OK : qn_err_nomem(err, "a model");
}

static qn_code name_features(struct converting *self, const json_t *columns, struct qn_err *err)
{
    uint32_t n = self->file->n_features;
    self->bins->features = QN_NEW_ARRAY(&self->bins->arena, struct qn_bin_feature, n);
    self->codes = QN_NEW_ARRAY(&self->bins->arena, uint32_t *, n);
    self->n_codes = QN_NEW_ARRAY(&self->bins->arena, uint32_t, n);
    if (!self->bins->features || !self->codes || !self->n_codes)
        return qn_err_nomem(err, "a model");
    self->bins->n_features = n;
    if (columns && json_array_size(json_object_get(columns, "columns")) != n)
        return qn_err_set(err, QN_EINPUT, QN_BLAME_JOB,
                          "the columns file has %zu columns, and the model %u features",
                          json_array_size(json_object_get(columns, "columns")), n);
    for (uint32_t f = 0; f < n; f++) {
        struct qn_bin_feature *feature = &self->bins->features[f];
        QN_TRY(name_feature(self, columns, f, err));
        feature->rows = 1;
    }
    return QN_OK;
}

/* --- bounds ---------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Appends the feature's thresholds to `out`; returns how many. With `out` NULL it only counts. */
static size_t gather(const struct qn_lightgbm_file *file, uint32_t feature, double *out)
{
    size_t n = 0;
    for (uint32_t t = 0; t < file->n_trees; t++)
        for (uint32_t i = 0; i + 1 < file->trees[t].n_leaves; i++)
            if (file->trees[t].feature[i] == feature && !by_categories(&file->trees[t], i)) {
                if (out)
                    out[n] = file->trees[t].threshold[i];
                n++;
            }
    return n;
}

/* Whether a split on the feature takes zeros for missing. */
static bool zero_is_missing(const struct qn_lightgbm_file *file, uint32_t feature)
{
    for (uint32_t t = 0; t < file->n_trees; t++)
        for (uint32_t i = 0; i + 1 < file->trees[t].n_leaves; i++)
            if (file->trees[t].feature[i] == feature && !by_categories(&file->trees[t], i) &&
                (int)file->trees[t].decision[i] >> QN_LIGHTGBM_MISSING_SHIFT == QN_LIGHTGBM_ZERO)
                return true;
    return false;
}

static qn_code make_bounds(struct converting *self, uint32_t f, struct qn_err *err)
{
    struct qn_bin_feature *feature = &self->bins->features[f];
    feature->zero_missing = zero_is_missing(self->file, f);
    size_t n = gather(self->file, f, NULL), kept = 0;
    double *all = QN_NEW_ARRAY(&self->file->arena, double, n + 1);
    feature->bounds = QN_NEW_ARRAY(&self->bins->arena, double, QN_BIN_CODES);
    if (!all || !feature->bounds)
        return qn_err_nomem(err, "a model");
    (void)gather(self->file, f, all);
    qsort(all, n, sizeof *all, by_value);
    for (size_t i = 0; i < n; i++) {
        if (i && all[i] == all[i - 1])
            continue;
        if (kept == QN_BIN_CODES - 2)
            return qn_lightgbm_refuse(self->file, 0, err,
                                      "feature '%.60s' is split at more than %d values; train it "
                                      "with max_bin of at most 255",
                                      feature->name, QN_BIN_CODES - 2);
        feature->bounds[kept++] = all[i];
    }
    feature->n_codes = (uint32_t)kept + 2;
    return QN_OK;
}

/* --- categories ------------------------------------------------------------------------------ */

/* The largest code in any set of the feature, plus one. */
static size_t codes_of(const struct qn_lightgbm_file *file, uint32_t feature, uint32_t *codes)
{
    size_t n = 0;
    for (uint32_t t = 0; t < file->n_trees; t++) {
        const struct qn_lightgbm_tree *tree = &file->trees[t];
        for (uint32_t i = 0; i + 1 < tree->n_leaves; i++) {
            if (tree->feature[i] != feature || !by_categories(tree, i))
                continue;
            uint32_t set = (uint32_t)tree->threshold[i];
            uint32_t first = (uint32_t)tree->first_word[set];
            uint32_t end = (uint32_t)tree->first_word[set + 1];
            for (uint32_t bit = 0; bit < (end - first) * 32; bit++) {
                if (!((uint32_t)tree->words[first + bit / 32] >> (bit % 32) & 1))
                    continue;
                if (codes)
                    codes[bit] = 1;
                n = bit + 1u > n ? bit + 1u : n;
            }
        }
    }
    return n;
}

/* The text of a code: in the list, or without one its digits. */
static qn_code category_text(struct converting *self, const json_t *list, uint32_t f, size_t code,
                             struct qn_strv *out, struct qn_err *err)
{
    char digits[24];
    const json_t *item = json_array_get(list, code);
    struct qn_strv text = {json_string_value(item), json_string_length(item)};
    if (!list || json_is_integer(item)) {
        int n = snprintf(digits, sizeof digits, "%lld",
                         list ? (long long)json_integer_value(item) : (long long)code);
        text = (struct qn_strv){digits, (size_t)n};
    } else if (!text.data) {
        return qn_lightgbm_wrong(self->file, 0, err,
                                 "code %zu of feature '%.60s' is no text or whole number in the "
                                 "list of its categories",
                                 code, self->bins->features[f].name);
    }
    const char *kept = qn_arena_strdup(&self->bins->arena, text);
    *out = (struct qn_strv){kept, text.len};
    return kept ? QN_OK : qn_err_nomem(err, "a model");
}

/* All of the list, in its order, where there is room for it: otherwise those that are in a set. */
static qn_code make_categories(struct converting *self, const json_t *list, uint32_t f,
                               struct qn_err *err)
{
    struct qn_bin_feature *feature = &self->bins->features[f];
    size_t used = codes_of(self->file, f, NULL), listed = json_array_size(list);
    bool all = listed && listed < QN_BIN_MOST_CODES;
    size_t n = all && listed > used ? listed : used;
    self->codes[f] = QN_NEW_ARRAY(&self->file->arena, uint32_t, n + 1);
    feature->categories = QN_NEW_ARRAY(&self->bins->arena, struct qn_strv, QN_BIN_MOST_CODES);
    if (!self->codes[f] || !feature->categories)
        return qn_err_nomem(err, "a model");
    self->n_codes[f] = (uint32_t)n;
    (void)codes_of(self->file, f, self->codes[f]);
    feature->n_codes = 1;
    for (size_t code = 0; code < n; code++) {
        if (!self->codes[f][code] && !(all && code < listed))
            continue;
        if (feature->n_codes == QN_BIN_MOST_CODES)
            return qn_lightgbm_refuse(self->file, 0, err,
                                      "feature '%.60s' is split by more than %d categories",
                                      feature->name, QN_BIN_MOST_CODES - 1);
        QN_TRY(category_text(self, list, f, code, &feature->categories[feature->n_codes - 1], err));
        self->codes[f][code] = feature->n_codes++;
    }
    return QN_OK;
}

/* The f-th feature's list of categories; NULL: none is known. */
static const json_t *list_of(const struct converting *self, const json_t *columns,
                             const json_t *pandas, uint32_t f)
{
    size_t number = 0;
    if (columns)
        return json_object_get(json_array_get(json_object_get(columns, "columns"), f),
                               "categories");
    for (uint32_t i = 0; i < f; i++)
        number += self->bins->features[i].categorical;
    return json_array_get(pandas, number);
}

static qn_code make_bins(struct converting *self, const json_t *columns, const json_t *pandas,
                         struct qn_err *err)
{
    size_t n = 0;
    for (uint32_t f = 0; f < self->bins->n_features; f++)
        n += self->bins->features[f].categorical;
    if (!columns && json_array_size(pandas) && json_array_size(pandas) != n)
        return qn_lightgbm_wrong(self->file, 0, err,
                                 "%zu features are categorical, and pandas_categorical lists "
                                 "categories of %zu; say which are whose with --columns",
                                 n, json_array_size(pandas));
    for (uint32_t f = 0; f < self->bins->n_features; f++)
        QN_TRY(self->bins->features[f].categorical
                   ? make_categories(self, list_of(self, columns, pandas, f), f, err)
                   : make_bounds(self, f, err));
    return QN_OK;
}

/* --- trees ----------------------------------------------------------------------------------- */

static void take_set(const struct converting *self, const struct qn_lightgbm_tree *tree,
                     uint32_t split, struct qn_tree_split *out)
{
    uint32_t set = (uint32_t)tree->threshold[split];
    uint32_t first = (uint32_t)tree->first_word[set], end = (uint32_t)tree->first_word[set + 1];
    for (uint32_t bit = 0; bit < (end - first) * 32 && bit < self->n_codes[out->feature]; bit++)
        if ((uint32_t)tree->words[first + bit / 32] >> (bit % 32) & 1) {
            uint32_t code = self->codes[out->feature][bit];
            out->set[code / 64] |= UINT64_C(1) << (code % 64);
        }
}

/* What is missing counts as 0 where LightGBM saw nothing missing. */
static qn_code take_split(const struct converting *self, const struct qn_lightgbm_tree *tree,
                          uint32_t split, struct qn_tree_split *out, struct qn_err *err)
{
    const struct qn_bin_feature *feature = &self->bins->features[(uint32_t)tree->feature[split]];
    int decision = (int)tree->decision[split], missing = decision >> QN_LIGHTGBM_MISSING_SHIFT;
    double threshold = tree->threshold[split];
    bool told = missing != QN_LIGHTGBM_NOTHING; /* the split says where what is missing goes */
    *out = (struct qn_tree_split){.feature = (uint32_t)tree->feature[split],
                                  .categorical = by_categories(tree, split)};
    if (out->categorical != feature->categorical)
        return qn_lightgbm_wrong(self->file, tree->line, err,
                                 "this tree splits feature '%.60s' %s, which is %s", feature->name,
                                 out->categorical ? "by categories" : "at a number",
                                 feature->categorical ? "categorical" : "numeric");
    if (out->categorical) {
        take_set(self, tree, split, out);
        return QN_OK;
    }
    if ((missing == QN_LIGHTGBM_ZERO) != feature->zero_missing)
        return qn_lightgbm_refuse(self->file, tree->line, err,
                                  "some splits on feature '%.60s' take zeros for missing "
                                  "(zero_as_missing) and some do not, which is not read",
                                  feature->name);
    const double *found =
        bsearch(&threshold, feature->bounds, feature->n_codes - 2, sizeof threshold, by_value);
    out->bin = (uint8_t)(found - feature->bounds + 1); /* it is one of them */
    out->missing_left = told ? (decision & QN_LIGHTGBM_DEFAULT_LEFT) != 0 : 0 <= threshold;
    return QN_OK;
}

static void take_leaf(const struct qn_lightgbm_tree *tree, uint32_t leaf, struct qn_tree_node *out)
{
    *out = (struct qn_tree_node){.value = tree->value[leaf],
                                 .rows = tree->count ? (uint64_t)tree->count[leaf] : 0,
                                 .weight = tree->weight ? tree->weight[leaf] : 0};
}

/* Nodes in the order of their depth, so that children stand behind parents, and side by side.
 * `theirs`: of a node of ours the child number that LightGBM has for it. */
static qn_code take_tree(struct converting *self, const struct qn_lightgbm_tree *tree,
                         int32_t *theirs, struct qn_tree *out, struct qn_err *err)
{
    out->nodes = QN_NEW_ARRAY(&self->bins->arena, struct qn_tree_node, 2 * (size_t)tree->n_leaves);
    if (!out->nodes)
        return qn_err_nomem(err, "a model");
    out->n = 1;
    theirs[0] = tree->n_leaves == 1 ? ~0 : 0;
    for (uint32_t i = 0; i < out->n; i++) {
        struct qn_tree_node *node = &out->nodes[i];
        if (theirs[i] < 0) {
            take_leaf(tree, (uint32_t)~theirs[i], node);
            continue;
        }
        uint32_t split = (uint32_t)theirs[i];
        QN_TRY(take_split(self, tree, split, &node->split, err));
        node->left = out->n;
        node->gain = tree->gain[split];
        node->rows = (uint64_t)tree->split_count[split];
        node->weight = tree->split_weight[split];
        theirs[out->n++] = (int32_t)tree->left[split];
        theirs[out->n++] = (int32_t)tree->right[split];
    }
    if (!qn_tree_is_sound(out, self->bins))
        return qn_lightgbm_wrong(self->file, tree->line, err, "this tree is not sound");
    return QN_OK;
}

static qn_code take_trees(struct converting *self, struct qn_err *err)
{
    struct qn_lightgbm_file *file = self->file;
    int32_t *theirs = QN_NEW_ARRAY(&file->arena, int32_t, 2 * QN_BOOST_MAX_LEAVES);
    self->trees = QN_NEW_ARRAY(&self->bins->arena, struct qn_tree, file->n_trees);
    if (!theirs || !self->trees)
        return qn_err_nomem(err, "a model");
    for (uint32_t t = 0; t < file->n_trees; t++)
        QN_TRY(take_tree(self, &file->trees[t], theirs, &self->trees[t], err));
    return QN_OK;
}

qn_code qn_lightgbm_convert(struct qn_lightgbm_file *file, const json_t *columns,
                            struct qn_bins *bins, struct qn_tree **trees, struct qn_err *err)
{
    struct converting self = {.file = file, .bins = bins};
    json_t *pandas =
        json_loadb(file->pandas.data ? file->pandas.data : "", file->pandas.len, 0, NULL);
    qn_code code = name_features(&self, columns, err);
    if (code == QN_OK)
        code = make_bins(&self, columns, pandas, err);
    if (code == QN_OK && !qn_bins_are_sound(bins))
        code = qn_lightgbm_wrong(file, 0, err,
                                 "its features are not sound: two categories of one are the same, "
                                 "or the type of a column does not fit");
    if (code == QN_OK)
        code = take_trees(&self, err);
    json_decref(pandas);
    *trees = self.trees;
    return code;
}

/* --- the model file --------------------------------------------------------------------------- */

static json_t *root_json(const struct qn_lightgbm_file *file, const struct qn_boost_trees *trees,
                         bool *failed)
{
    json_t *root = json_object(), *training = json_object(), *params = json_object();
    json_t *label = json_object();
    uint64_t rows = trees->n ? trees->trees[0].nodes[0].rows : 0;
    qn_artefact_put(training, "rows", qn_artefact_count(rows), failed);
    qn_artefact_put(training, "trees", qn_artefact_count(trees->n), failed);
    qn_artefact_put(params, "imported_from", qn_artefact_text("lightgbm"), failed);
    qn_artefact_put(label, "column", json_null(), failed);
    qn_artefact_put(root, "format", qn_artefact_text("quern-model"), failed);
    qn_artefact_put(root, "format_version", qn_artefact_count(1), failed);
    qn_artefact_put(root, "algorithm", qn_artefact_text("gradient_boosting"), failed);
    qn_artefact_put(root, "label", label, failed);
    qn_artefact_put(root, "key", qn_artefact_text(""), failed); /* what it was is not known */
    qn_artefact_put(root, "training", training, failed);
    qn_artefact_put(root, "params", params, failed);
    qn_boost_trees_write(trees, root, failed);
    (void)file;
    return root;
}

static bool dump(const json_t *json, size_t flags, struct qn_buf *out)
{
    char *bytes = json_dumps(json, flags | JSON_SORT_KEYS | JSON_REAL_PRECISION(17));
    if (bytes)
        qn_buf_printf(out, "%s", bytes);
    bool done = bytes != NULL;
    free(bytes);
    return done;
}

static qn_code write_root(const struct qn_lightgbm_file *file, const struct qn_boost_trees *trees,
                          struct qn_buf *out, struct qn_buf *params, struct qn_err *err)
{
    bool failed = false;
    struct qn_model *model;
    json_t *root = root_json(file, trees, &failed);
    failed = failed || !dump(root, JSON_INDENT(1), out) ||
             !dump(json_object_get(root, "params"), JSON_COMPACT, params);
    json_decref(root);
    qn_buf_put_u8(out, '\n');
    if (failed)
        return qn_err_nomem(err, "the model file");
    QN_TRY(qn_buf_check(out, "the model file", err));
    QN_TRY(qn_model_read(qn_buf_strv(out), &model, err)); /* what is kept can be scored with */
    qn_model_free(model);
    return QN_OK;
}

static qn_code read_columns(struct qn_strv bytes, json_t **out, struct qn_err *err)
{
    json_error_t why;
    *out = NULL;
    if (!bytes.len)
        return QN_OK;
    *out = json_loadb(bytes.data, bytes.len, JSON_REJECT_DUPLICATES, &why);
    if (!*out)
        return qn_err_set(err, QN_EINPUT, QN_BLAME_JOB, "the columns file: line %d: %.120s",
                          why.line, why.text);
    const char *format = json_string_value(json_object_get(*out, "format"));
    if (format && strcmp(format, "quern-columns") == 0)
        return QN_OK;
    return qn_err_set(err, QN_EINPUT, QN_BLAME_JOB,
                      "the columns file: expected \"format\": \"quern-columns\"");
}

qn_code qn_exchange_read_lightgbm(const char *path, struct qn_strv text, struct qn_strv columns,
                                  struct qn_buf *out, struct qn_buf *params, struct qn_err *err)
{
    struct qn_lightgbm_file file;
    struct qn_bins bins;
    struct qn_tree *trees = NULL;
    json_t *list = NULL;
    qn_bins_init(&bins);
    qn_code code = qn_lightgbm_parse(path, text, &file, err);
    if (code == QN_OK)
        code = read_columns(columns, &list, err);
    if (code == QN_OK)
        code = qn_lightgbm_convert(&file, list, &bins, &trees, err);
    if (code == QN_OK) {
        const struct qn_boost_trees from = {&bins, trees, file.n_trees, 0};
        code = write_root(&file, &from, out, params, err);
    }
    json_decref(list);
    qn_bins_fini(&bins);
    qn_lightgbm_fini(&file);
    return code;
}
