#include "jobs/learn/artefact.h"

#include <stdlib.h>
#include <string.h>

#include "jobs/learn/artefact_json.h"
#include "jobs/learn/split_json.h"

enum { FORMAT_VERSION = 1 };

/* --- writing --------------------------------------------------------------------------------- */

static void put_facts(json_t *root, const struct qn_artefact_facts *facts, bool *failed)
{
    json_t *label = json_object(), *training = json_object();
    qn_artefact_put(label, "column", qn_artefact_text(facts->label), failed);
    qn_artefact_put(label, "positive", qn_artefact_text(facts->positive), failed);
    qn_artefact_put(label, "negative", qn_artefact_text(facts->negative), failed);
    qn_artefact_put(training, "rows", qn_artefact_count(facts->rows), failed);
    qn_artefact_put(training, "positives", qn_artefact_count(facts->positives), failed);
    qn_artefact_put(root, "format", qn_artefact_text("quern-model"), failed);
    qn_artefact_put(root, "format_version", qn_artefact_count(FORMAT_VERSION), failed);
    qn_artefact_put(root, "key", qn_artefact_text(facts->from.key), failed);
    qn_artefact_put(root, "label", label, failed);
    qn_artefact_put(root, "calibration", qn_calibration_to_json(facts->calibration), failed);
    qn_artefact_put(root, "baseline", qn_baseline_to_json(facts->baseline), failed);
    qn_artefact_put(root, "split", qn_split_to_json(&facts->from), failed);
    qn_artefact_put(root, "training", training, failed);
}

static qn_code dump(const json_t *json, size_t flags, struct qn_buf *out, struct qn_err *err)
{
    char *bytes = json_dumps(json, flags | JSON_SORT_KEYS | JSON_REAL_PRECISION(17));
    if (!bytes)
        return qn_err_nomem(err, "the model file");
    qn_buf_put(out, bytes, strlen(bytes));
    free(bytes);
    return qn_buf_check(out, "the model file", err);
}

qn_code qn_artefact_write(const struct qn_artefact_facts *facts,
                          const struct qn_algorithm *algorithm, const void *plan,
                          struct qn_strv prepared, struct qn_strv state, struct qn_buf *out,
                          struct qn_buf *params, struct qn_err *err)
{
    bool failed = false;
    json_t *root = json_object();
    put_facts(root, facts, &failed);
    qn_artefact_put(root, "algorithm", qn_artefact_text(algorithm->name), &failed);
    qn_code code = failed ? qn_err_nomem(err, "the model file")
                          : algorithm->write(plan, prepared, state, root, err);
    if (code == QN_OK)
        code = dump(root, JSON_INDENT(1), out, err);
    if (code == QN_OK)
        code = dump(json_object_get(root, "params"), JSON_COMPACT, params, err);
    json_decref(root);
    qn_buf_put_u8(out, '\n');
    return code == QN_OK ? qn_buf_check(out, "the model file", err) : code;
}

/* --- reading --------------------------------------------------------------------------------- */

static qn_code read_head(const json_t *root, const struct qn_algorithm **algorithm,
                         struct qn_err *err)
{
    const char *format = json_string_value(json_object_get(root, "format"));
    const char *name = json_string_value(json_object_get(root, "algorithm"));
    const json_t *version = json_object_get(root, "format_version");
    if (!format || strcmp(format, "quern-model") != 0)
        return qn_model_corrupt("it is no quern-model", err);
    if (json_integer_value(version) != FORMAT_VERSION)
        return qn_err_set(err, QN_ENOTSUP, QN_BLAME_JOB,
                          "the model file has format version %lld; this version reads %d",
                          (long long)json_integer_value(version), FORMAT_VERSION);
    *algorithm = name ? qn_algorithm_find(name) : NULL;
    if (*algorithm)
        return QN_OK;
    return qn_err_set(err, QN_ENOTSUP, QN_BLAME_JOB,
                      "the model's algorithm is '%.60s', which this version does not score with",
                      name ? name : "");
}

/* Files of older versions have none. */
static qn_code read_baseline(const json_t *root, struct qn_model *model, struct qn_err *err)
{
    const json_t *list = json_object_get(root, "baseline");
    if (!list)
        return QN_OK;
    model->baseline = QN_NEW(&model->arena, struct qn_baseline);
    if (!model->baseline)
        return qn_err_nomem(err, "a model");
    return qn_baseline_from_json(list, &model->arena, model->baseline)
               ? QN_OK
               : qn_model_corrupt("its baseline is not what it must be", err);
}

/* What the model file says besides what its algorithm reads. */
static qn_code read_facts(const json_t *root, struct qn_model *model, struct qn_err *err)
{
    struct qn_artefact_reading in = {.arena = &model->arena};
    model->rows.key = qn_artefact_read_text(&in, root, "key").data;
    QN_TRY(qn_split_from_json(json_object_get(root, "split"), in.arena, &model->rows, err));
    if (!qn_calibration_from_json(json_object_get(root, "calibration"), in.arena,
                                  &model->calibration))
        return qn_model_corrupt("its calibration is not what it must be", err);
    return in.bad ? qn_model_corrupt("key", err) : read_baseline(root, model, err);
}

qn_code qn_model_read(struct qn_strv bytes, struct qn_model **out, struct qn_err *err)
{
    json_error_t why;
    const struct qn_algorithm *algorithm = NULL;
    *out = NULL;
    json_t *root = json_loadb(bytes.data ? bytes.data : "", bytes.len,
                              JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why);
    if (!root)
        return qn_err_set(err, QN_EINPUT, QN_BLAME_JOB,
                          "the model file is corrupt: line %d: %.120s", why.line, why.text);
    qn_code code = read_head(root, &algorithm, err);
    if (code == QN_OK && algorithm)
        code = algorithm->read(root, out, err);
    if (code == QN_OK)
        code = read_facts(root, *out, err);
    if (code != QN_OK) {
        qn_model_free(*out);
        *out = NULL;
    }
    json_decref(root);
    return code;
}

void qn_model_free(struct qn_model *model)
{
    if (!model)
        return;
    qn_arena_fini(&model->arena);
    model->ops->free(model);
}
