#include "cli/model_terms.h"

#include <jansson.h>

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

qn_code qn_model_terms_print(FILE *out, struct qn_strv file, struct qn_err *err)
{
    json_t *root;
    QN_TRY(parse(file, &root, err));
    const json_t *terms = json_object_get(root, "terms");
    if (json_array_size(terms))
        fprintf(out,
                "\ncoefficients (of standardised columns; the last column: as they came)\n"
                "  %-36s %12s %11s %9s %10s %11s %13s\n",
                "", "coefficient", "std error", "z", "p", "odds ratio", "unscaled");
    for (size_t i = 0; i < json_array_size(terms); i++)
        print_term(out, json_array_get(terms, i));
    json_decref(root);
    return QN_OK;
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
