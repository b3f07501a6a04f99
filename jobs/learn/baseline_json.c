/* A baseline in the model file. */
#include "jobs/learn/artefact_json.h"
#include "jobs/learn/baseline.h"

#include <math.h>
#include <stdlib.h>

/* --- writing ---------------------------------------------------------------------------------- */

static json_t *feature_to_json(const struct qn_baseline *baseline,
                               const struct qn_baseline_feature *feature, bool *failed)
{
    json_t *out = json_object(), *bins = json_array(), *rows = json_array();
    for (uint32_t i = 0; i < feature->n; i++)
        qn_artefact_push(bins,
                         feature->categorical ? qn_artefact_strv(feature->categories[i])
                                              : qn_artefact_number(feature->edges[i]),
                         failed);
    for (uint32_t i = 0; i < feature->n_bins; i++)
        qn_artefact_push(rows, qn_artefact_count(baseline->rows[feature->first + i]), failed);
    qn_artefact_put(out, "name", qn_artefact_text(feature->name), failed);
    qn_artefact_put(out, feature->categorical ? "categories" : "edges", bins, failed);
    qn_artefact_put(out, "rows", rows, failed);
    return out;
}

json_t *qn_baseline_to_json(const struct qn_baseline *baseline)
{
    bool failed = false;
    json_t *out = json_array();
    for (uint32_t f = 0; f < baseline->n_features; f++)
        qn_artefact_push(out, feature_to_json(baseline, &baseline->features[f], &failed), &failed);
    if (!failed)
        return out;
    json_decref(out);
    return NULL;
}

/* --- beside other rows ------------------------------------------------------------------------ */

static json_t *bin_to_json(const struct qn_baseline_feature *feature, uint32_t bin, bool *failed)
{
    json_t *out = json_object();
    if (bin + 1 == feature->n_bins) {
        qn_artefact_put(out, "missing", json_true(), failed);
    } else if (feature->categorical) {
        if (bin < feature->n)
            qn_artefact_put(out, "category", qn_artefact_strv(feature->categories[bin]), failed);
        else
            qn_artefact_put(out, "others", json_true(), failed);
    } else {
        double low = bin ? feature->edges[bin - 1] : -HUGE_VAL;
        double high = bin < feature->n ? feature->edges[bin] : HUGE_VAL;
        qn_artefact_put(out, "low", qn_artefact_number(low), failed);
        qn_artefact_put(out, "high", qn_artefact_number(high), failed);
    }
    return out;
}

qn_code qn_baseline_compare(const struct qn_baseline *baseline, uint32_t feature,
                            const uint64_t *now, struct qn_arena *arena, const char **out,
                            struct qn_err *err)
{
    const struct qn_baseline_feature *of = &baseline->features[feature];
    bool failed = false;
    json_t *list = json_array();
    for (uint32_t i = 0; i < of->n_bins; i++) {
        json_t *bin = bin_to_json(of, i, &failed);
        qn_artefact_put(bin, "before", qn_artefact_count(baseline->rows[of->first + i]), &failed);
        qn_artefact_put(bin, "now", qn_artefact_count(now[i]), &failed);
        qn_artefact_push(list, bin, &failed);
    }
    char *text = failed ? NULL : json_dumps(list, JSON_COMPACT | JSON_REAL_PRECISION(17));
    *out = text ? qn_arena_strdup(arena, qn_strv_from(text)) : NULL;
    free(text);
    json_decref(list);
    return *out ? QN_OK : qn_err_nomem(err, "a baseline");
}

/* --- reading ---------------------------------------------------------------------------------- */

static bool read_edges(const json_t *edges, struct qn_arena *arena, struct qn_baseline_feature *out)
{
    size_t n = json_array_size(edges);
    if (!json_is_array(edges) || n > QN_BASELINE_EDGES)
        return false;
    out->edges = QN_NEW_ARRAY(arena, double, n);
    for (; out->edges && out->n < n; out->n++) {
        const json_t *edge = json_array_get(edges, out->n);
        double value = json_number_value(edge);
        if (!json_is_number(edge) || !isfinite(value) ||
            (out->n && value <= out->edges[out->n - 1]))
            return false;
        out->edges[out->n] = value;
    }
    return out->edges != NULL;
}

static bool read_categories(struct qn_artefact_reading *in, const json_t *object,
                            struct qn_baseline_feature *out)
{
    out->categorical = true;
    out->categories =
        qn_artefact_read_texts(in, object, "categories", QN_BASELINE_CATEGORIES, &out->n);
    for (uint32_t i = 1; i < out->n && !in->bad; i++)
        in->bad |= qn_strv_cmp(out->categories[i - 1], out->categories[i]) >= 0;
    return !in->bad;
}

static bool read_rows(const json_t *list, uint64_t *rows, uint32_t n)
{
    if (json_array_size(list) != n)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        json_int_t value = json_integer_value(json_array_get(list, i));
        if (!json_is_integer(json_array_get(list, i)) || value < 0)
            return false;
        rows[i] = (uint64_t)value;
    }
    return true;
}

static bool read_feature(const json_t *object, struct qn_arena *arena, struct qn_baseline *baseline,
                         struct qn_baseline_feature *out)
{
    struct qn_artefact_reading in = {.arena = arena};
    const json_t *edges = json_object_get(object, "edges"), *rows = json_object_get(object, "rows");
    out->name = qn_artefact_read_text(&in, object, "name").data;
    bool good = edges ? read_edges(edges, arena, out) : read_categories(&in, object, out);
    out->first = baseline->n_bins;
    out->n_bins = out->n + 2;
    baseline->n_bins += out->n_bins;
    return good && !in.bad && out->name && json_array_size(rows) == out->n_bins;
}

bool qn_baseline_from_json(const json_t *list, struct qn_arena *arena, struct qn_baseline *out)
{
    size_t n = json_array_size(list);
    *out = (struct qn_baseline){.features = QN_NEW_ARRAY(arena, struct qn_baseline_feature, n)};
    if (!json_is_array(list) || !out->features)
        return false;
    for (; out->n_features < n; out->n_features++)
        if (!read_feature(json_array_get(list, out->n_features), arena, out,
                          &out->features[out->n_features]))
            return false;
    out->rows = QN_NEW_ARRAY(arena, uint64_t, out->n_bins);
    for (uint32_t f = 0; out->rows && f < n; f++) {
        const struct qn_baseline_feature *feature = &out->features[f];
        if (!read_rows(json_object_get(json_array_get(list, f), "rows"), out->rows + feature->first,
                       feature->n_bins))
            return false;
    }
    return out->rows != NULL;
}
