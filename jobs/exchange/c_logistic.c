/* Logistic regression in C: what a feature is filled with, shifted and scaled by, and its weights.
 * Numbers are added before texts, as in scoring (design.h). */
#include <stdlib.h>
#include <string.h>

#include "jobs/exchange/write.h"

static double number(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static bool is_text(const json_t *feature)
{
    const char *kind = json_string_value(json_object_get(feature, "kind"));
    return kind && strcmp(kind, "categorical") == 0;
}

static struct qn_strv text_of(const json_t *value)
{
    return (struct qn_strv){json_string_value(value), json_string_length(value)};
}

static void put_features(struct qn_buf *out, const char *name, bool calibrated, const json_t *list)
{
    size_t n = json_array_size(list), n_texts = 0, at = 0;
    for (size_t f = 0; f < n; f++)
        n_texts += json_array_size(json_object_get(json_array_get(list, f), "categories"));
    struct qn_c_feature *features = calloc(n + 1, sizeof *features);
    struct qn_strv *texts = calloc(n_texts + 1, sizeof *texts);
    out->failed |= !features || !texts;
    for (size_t f = 0; !out->failed && f < n; f++) {
        const json_t *from = json_array_get(list, f);
        const json_t *categories = json_object_get(from, "categories");
        const char *unknown = json_string_value(json_object_get(from, "handle_unknown"));
        features[f] = (struct qn_c_feature){
            .name = text_of(json_object_get(from, "name")),
            .categories = is_text(from) ? texts + at : NULL,
            .n_categories = (uint32_t)json_array_size(categories),
            .refuse_unknown = unknown && strcmp(unknown, "error") == 0,
        };
        for (size_t i = 0; i < features[f].n_categories; i++)
            texts[at++] = text_of(json_array_get(categories, i));
    }
    if (!out->failed)
        qn_c_head(out, name, "logistic_regression", calibrated, features, (uint32_t)n);
    free(features);
    free(texts);
}

/* The code of what a missing text counts as; one past all where that is no category. */
static size_t fill_code(const json_t *feature)
{
    const json_t *categories = json_object_get(feature, "categories");
    const json_t *fill = json_object_get(feature, "fill");
    size_t code = 0;
    while (code < json_array_size(categories) &&
           !json_equal(json_array_get(categories, code), fill))
        code++;
    return code;
}

static void put_rows(struct qn_buf *out, const char *name, const json_t *features,
                     const json_t *terms)
{
    size_t term = 1, weight = 0;
    qn_buf_printf(out,
                  "/* A number: what stands for a missing one, mean, scale, weight. A text: the "
                  "code that stands\n * for a missing one, how many codes there are, and where "
                  "their weights stand. */\n"
                  "static const struct {\n    double fill, mean, scale, weight;\n"
                  "    int is_text, n_codes, first;\n} %s_rows[] = {\n",
                  name);
    for (size_t f = 0; f < json_array_size(features); f++) {
        const json_t *feature = json_array_get(features, f);
        size_t n = json_array_size(json_object_get(feature, "categories"));
        if (is_text(feature)) {
            qn_buf_printf(out, "    {%zu, 0, 1, 0, 1, %zu, %zu},\n", fill_code(feature), n, weight);
            weight += n;
            continue;
        }
        while (term < json_array_size(terms) &&
               !json_equal(json_object_get(json_array_get(terms, term), "feature"),
                           json_object_get(feature, "name")))
            term++;
        qn_buf_printf(out, "    {%.17g, %.17g, %.17g, %.17g, 0, 0, 0},\n", number(feature, "fill"),
                      number(feature, "mean"), number(feature, "scale"),
                      number(json_array_get(terms, term), "coefficient"));
    }
    qn_buf_printf(out, "    {0, 0, 1, 0, 0, 0, 0}};\n\n");
}

/* Of every category its coefficient; 0 of one that was dropped. */
static void put_weights(struct qn_buf *out, const char *name, const json_t *features,
                        const json_t *terms)
{
    qn_buf_printf(out, "static const double %s_weights[] = {\n", name);
    for (size_t f = 0; f < json_array_size(features); f++) {
        const json_t *feature = json_array_get(features, f);
        const json_t *categories = json_object_get(feature, "categories");
        size_t term = 0;
        for (size_t i = 0; i < json_array_size(categories); i++) {
            const json_t *category = json_array_get(categories, i);
            for (term = 0; term < json_array_size(terms); term++) {
                const json_t *object = json_array_get(terms, term);
                if (json_equal(json_object_get(object, "category"), category) &&
                    json_equal(json_object_get(object, "feature"),
                               json_object_get(feature, "name")))
                    break;
            }
            qn_buf_printf(out, "    %.17g,\n", number(json_array_get(terms, term), "coefficient"));
        }
    }
    qn_buf_printf(out, "    0};\n\n");
}

static const char margin_text[] =
    "double %s_margin(const double *features)\n"
    "{\n"
    "    double margin = %.17g;\n"
    "    int f, texts;\n"
    "    if (%s_refuses(features))\n"
    "        return %s_none();\n"
    "    for (texts = 0; texts < 2; texts++)\n"
    "        for (f = 0; f < %zu; f++) {\n"
    "            double x = features[f] == features[f] ? features[f] : %s_rows[f].fill;\n"
    "            if (%s_rows[f].is_text != texts)\n"
    "                continue;\n"
    "            if (!texts)\n"
    "                margin += (x - %s_rows[f].mean) / %s_rows[f].scale * %s_rows[f].weight;\n"
    "            else if (x >= 0 && x < %s_rows[f].n_codes)\n"
    "                margin += %s_weights[%s_rows[f].first + (int)x];\n"
    "        }\n"
    "    return margin;\n"
    "}\n\n";

void qn_exchange_c_logistic(struct qn_buf *out, const char *name, const json_t *root,
                            const struct qn_calibration *calibration)
{
    const json_t *features = json_object_get(root, "features");
    const json_t *terms = json_object_get(root, "terms");
    put_features(out, name, calibration->method != QN_CALIBRATE_NOT, features);
    put_rows(out, name, features, terms);
    put_weights(out, name, features, terms);
    qn_buf_printf(out, margin_text, name, number(json_array_get(terms, 0), "coefficient"), name,
                  name, json_array_size(features), name, name, name, name, name, name, name, name);
    qn_c_score(out, name, calibration);
}
