#include "jobs/exchange/exchange.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

#include "jobs/exchange/write.h"
#include "jobs/learn/artefact_json.h"

static const char boosting[] = "gradient_boosting", logistic[] = "logistic_regression";

static const struct qn_exchange_format formats[] = {
    {"lightgbm", true}, {"xgboost", true}, {"c", false}, {"json", false}};

const struct qn_exchange_format *qn_exchange_format_find(const char *name)
{
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        if (strcmp(formats[i].name, name) == 0)
            return &formats[i];
    return NULL;
}

double qn_exchange_threshold(const struct qn_bins *bins, const struct qn_tree_split *split)
{
    const struct qn_bin_feature *feature = &bins->features[split->feature];
    return split->bin + 1u < feature->n_codes ? feature->bounds[split->bin - 1] : DBL_MAX;
}

/* --- the columns file ------------------------------------------------------------------------ */

static qn_code write_columns(const char *name, const json_t *root, struct qn_buf *out,
                             struct qn_err *err)
{
    static const char *const kept[] = {"name", "type", "kind", "categories", "handle_unknown"};
    const json_t *features = json_object_get(root, "features");
    json_t *calibration = json_object_get(root, "calibration");
    json_t *file = json_object(), *columns = json_array();
    bool failed = false;
    for (size_t f = 0; f < json_array_size(features); f++) {
        const json_t *feature = json_array_get(features, f);
        json_t *column = json_object();
        for (size_t k = 0; k < sizeof kept / sizeof kept[0]; k++) {
            json_t *value = json_object_get(feature, kept[k]);
            if (value)
                qn_artefact_put(column, kept[k], json_incref(value), &failed);
        }
        qn_artefact_push(columns, column, &failed);
    }
    qn_artefact_put(file, "format", qn_artefact_text("quern-columns"), &failed);
    qn_artefact_put(file, "format_version", qn_artefact_count(1), &failed);
    qn_artefact_put(file, "model", qn_artefact_text(name), &failed);
    qn_artefact_put(file, "columns", columns, &failed);
    if (json_is_object(calibration))
        qn_artefact_put(file, "calibration", json_incref(calibration), &failed);
    char *bytes = failed ? NULL : json_dumps(file, JSON_INDENT(1));
    json_decref(file);
    if (!bytes)
        return qn_err_nomem(err, "the columns file");
    qn_buf_printf(out, "%s\n", bytes);
    free(bytes);
    return qn_buf_check(out, "the columns file", err);
}

/* --- models ---------------------------------------------------------------------------------- */

static bool has_nul(const json_t *texts)
{
    bool found = false;
    for (size_t i = 0; i < json_array_size(texts); i++) {
        const json_t *text = json_array_get(texts, i);
        found |=
            json_is_string(text) && strlen(json_string_value(text)) != json_string_length(text);
    }
    return found;
}

static qn_code check_texts(const json_t *root, struct qn_err *err)
{
    const json_t *features = json_object_get(root, "features");
    for (size_t f = 0; f < json_array_size(features); f++)
        if (has_nul(json_object_get(json_array_get(features, f), "categories")))
            return qn_err_set(
                err, QN_ENOTSUP, QN_BLAME_JOB,
                "column '%s' has a category with a NUL in it, which no text of C has",
                json_string_value(json_object_get(json_array_get(features, f), "name")));
    return QN_OK;
}

static qn_code write_trees(const char *format, const char *name, const struct qn_model *model,
                           struct qn_buf *out, struct qn_err *err)
{
    const struct qn_boost_trees trees = qn_boost_trees_of(model);
    if (strcmp(format, "xgboost") == 0)
        return qn_exchange_xgboost(out, &trees, err);
    if (strcmp(format, "lightgbm") == 0)
        qn_exchange_lightgbm(out, &trees);
    else
        qn_exchange_c_trees(out, name, &trees, &model->calibration);
    return QN_OK;
}

static qn_code write_model(const char *format, const char *name, const json_t *root,
                           const struct qn_model *model, struct qn_buf *out, struct qn_err *err)
{
    const char *algorithm = json_string_value(json_object_get(root, "algorithm"));
    bool to_c = strcmp(format, "c") == 0;
    if (to_c)
        QN_TRY(check_texts(root, err));
    if (strcmp(algorithm, boosting) == 0)
        return write_trees(format, name, model, out, err);
    if (strcmp(algorithm, logistic) == 0 && to_c) {
        qn_exchange_c_logistic(out, name, root, &model->calibration);
        return QN_OK;
    }
    return qn_err_set(err, QN_ENOTSUP, QN_BLAME_JOB,
                      "%s is a %s, and a model of %s consists of trees; write it as c or json",
                      name, algorithm, format);
}

qn_code qn_exchange_write(const struct qn_exchange_format *format, const char *name,
                          struct qn_strv artefact, struct qn_buf *out, struct qn_buf *columns,
                          const char **left_out, struct qn_err *err)
{
    struct qn_model *model;
    QN_TRY(qn_model_read(artefact, &model, err)); /* and nothing that does not score is written */
    json_t *root = json_loadb(artefact.data, artefact.len, JSON_ALLOW_NUL, NULL);
    qn_code code = root ? QN_OK : qn_err_nomem(err, "a model");
    if (code == QN_OK && strcmp(format->name, "json") == 0)
        qn_buf_put(out, artefact.data, artefact.len);
    else if (code == QN_OK)
        code = write_model(format->name, name, root, model, out, err);
    if (code == QN_OK && format->has_columns)
        code = write_columns(name, root, columns, err);
    *left_out = format->has_columns ? qn_calibration_name(model->calibration.method) : NULL;
    json_decref(root);
    qn_model_free(model);
    return code == QN_OK ? qn_buf_check(out, "a model", err) : code;
}
