#include "cli/model_terms.h"

#include <jansson.h>
#include <stdlib.h>

static qn_code parse(struct qn_strv file, json_t **out, struct qn_err *err)
{
    json_error_t why;
    *out = json_loadb(file.data ? file.data : "", file.len, JSON_REJECT_DUPLICATES, &why);
    if (*out)
        return QN_OK;
    return qn_err_set(err, QN_EINPUT, QN_BLAME_JOB, "the model file is corrupt: line %d: %.120s",
                      why.line, why.text);
}

static void print_number(FILE *out, const json_t *term, const char *key, int width, int digits)
{
    const json_t *value = json_object_get(term, key);
    if (json_is_number(value))
        fprintf(out, " %*.*g", width, digits, json_number_value(value));
    else
        fprintf(out, " %*s", width, "-");
}

static void print_term(FILE *out, const json_t *term)
{
    const char *name = json_string_value(json_object_get(term, "name"));
    fprintf(out, "  %-36s", name ? name : "?");
    print_number(out, term, "coefficient", 12, 6);
    print_number(out, term, "std_error", 11, 4);
    print_number(out, term, "z", 9, 4);
    print_number(out, term, "p_value", 10, 3);
    print_number(out, term, "odds_ratio", 11, 5);
    const json_t *original = json_object_get(term, "original");
    print_number(out, original, "coefficient", 13, 6);
    fputc('\n', out);
}

struct ranked {
    const json_t *feature;
    double gain;
};

static int by_gain(const void *a, const void *b)
{
    double x = ((const struct ranked *)a)->gain, y = ((const struct ranked *)b)->gain;
    return (x < y) - (x > y);
}

static void print_feature(FILE *out, const struct ranked *ranked, double gain)
{
    const json_t *feature = ranked->feature;
    const char *name = json_string_value(json_object_get(feature, "name"));
    const char *type = json_string_value(json_object_get(feature, "type"));
    const char *kind = json_string_value(json_object_get(feature, "kind"));
    const json_t *splits = json_object_get(feature, "splits");
    fprintf(out, "  %-36s %-14s %-12s %10" JSON_INTEGER_FORMAT, name ? name : "?",
            type ? type : "?", kind ? kind : "?",
            json_integer_value(json_object_get(feature, "missing")));
    if (splits)
        fprintf(out, " %8.1f %% %8" JSON_INTEGER_FORMAT, gain > 0 ? 100 * ranked->gain / gain : 0,
                json_integer_value(splits));
    fputc('\n', out);
}

/* With the share of the gain that each has, in trees, those of the highest first. */
static qn_code print_features(FILE *out, const json_t *features, struct qn_err *err)
{
    size_t n = json_array_size(features);
    struct ranked *ranked = malloc((n + 1) * sizeof *ranked);
    double gain = 0;
    if (!ranked)
        return qn_err_nomem(err, "features");
    for (size_t i = 0; i < n; i++) {
        ranked[i].feature = json_array_get(features, i);
        ranked[i].gain = json_number_value(json_object_get(ranked[i].feature, "gain"));
        gain += ranked[i].gain;
    }
    if (gain > 0)
        qsort(ranked, n, sizeof *ranked, by_gain);
    if (n)
        fprintf(out, "\nfeatures\n  %-36s %-14s %-12s %10s%s\n", "", "type", "kind", "missing",
                gain > 0 ? "       gain   splits" : "");
    for (size_t i = 0; i < n; i++)
        print_feature(out, &ranked[i], gain);
    free(ranked);
    return QN_OK;
}

static void print_calibration(FILE *out, const json_t *calibration)
{
    const char *method = json_string_value(json_object_get(calibration, "method"));
    if (method)
        fprintf(out,
                "\ncalibration\n  %s, fitted on %" JSON_INTEGER_FORMAT
                " rows of its own, %" JSON_INTEGER_FORMAT " of them positive\n",
                method, json_integer_value(json_object_get(calibration, "rows")),
                json_integer_value(json_object_get(calibration, "positives")));
}

qn_code qn_model_terms_print(FILE *out, struct qn_strv file, struct qn_err *err)
{
    json_t *root;
    QN_TRY(parse(file, &root, err));
    const json_t *terms = json_object_get(root, "terms");
    print_calibration(out, json_object_get(root, "calibration"));
    qn_code code = print_features(out, json_object_get(root, "features"), err);
    if (json_array_size(terms))
        fprintf(out,
                "\ncoefficients (of standardised columns; the last column: as they came)\n"
                "  %-36s %12s %11s %9s %10s %11s %13s\n",
                "", "coefficient", "std error", "z", "p", "odds ratio", "unscaled");
    for (size_t i = 0; i < json_array_size(terms); i++)
        print_term(out, json_array_get(terms, i));
    json_decref(root);
    return code;
}

qn_code qn_model_terms_json(FILE *out, struct qn_strv file, struct qn_err *err)
{
    json_t *root;
    QN_TRY(parse(file, &root, err));
    int rc = json_dumpf(root, out, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(17));
    json_decref(root);
    return rc == 0 ? QN_OK
                   : qn_err_set(err, QN_EIO, QN_BLAME_NONE, "the model file cannot be printed");
}
