#include "jobs/train/drift.h"

#include <string.h>

#include "jobs/learn/drift.h"

void qn_train_drift_init(struct qn_train_drift *drift)
{
    *drift = (struct qn_train_drift){.most = UINT64_MAX};
    qn_arena_init(&drift->arena);
}

void qn_train_drift_fini(struct qn_train_drift *drift)
{
    qn_model_free(drift->model);
    qn_arena_fini(&drift->arena);
}

static qn_code make_room(struct qn_train_drift *drift, struct qn_err *err)
{
    drift->found = QN_NEW_ARRAY(&drift->arena, bool, drift->baseline.n_features);
    drift->counts = QN_NEW_ARRAY(&drift->arena, uint64_t, drift->baseline.n_bins);
    return drift->found && drift->counts ? QN_OK : qn_err_nomem(err, "drift");
}

/* --- tasks ------------------------------------------------------------------------------------ */

static bool is_feature(const struct qn_train *train, const char *name)
{
    for (uint32_t i = 0; i < train->n_features; i++)
        if (strcmp(train->features[i].name, name) == 0)
            return true;
    return false;
}

/* Where the rows have the champion's features; those that this job does not look at are left out.
 */
static qn_code find_features(struct qn_train_drift *drift, const struct qn_train *train,
                             const struct qn_schema *schema, struct qn_err *err)
{
    const struct qn_baseline *baseline = &drift->baseline;
    drift->positions = QN_NEW_ARRAY(&drift->arena, int32_t, baseline->n_features);
    drift->columns = QN_NEW_ARRAY(&drift->arena, const struct qn_column *, baseline->n_features);
    if (!drift->positions || !drift->columns)
        return qn_err_nomem(err, "drift");
    for (uint32_t f = 0; f < baseline->n_features; f++) {
        int32_t at = qn_schema_find(schema, qn_strv_from(baseline->features[f].name));
        bool text = at >= 0 && schema->fields[at].type.id == QN_TEXT;
        drift->positions[f] = at;
        drift->found[f] = at >= 0 && text == baseline->features[f].categorical &&
                          is_feature(train, baseline->features[f].name);
    }
    return QN_OK;
}

qn_code qn_train_drift_start(struct qn_train_drift *drift, const struct qn_train_walk *walk,
                             struct qn_err *err)
{
    const struct qn_task_in *in = walk->in;
    if (in->model.len == 0)
        return QN_OK;
    drift->version = in->model_version;
    drift->known = in->fresh_known;
    drift->most = in->fresh_most;
    QN_TRY(qn_model_read(in->model, &drift->model, err));
    if (!drift->model->baseline)
        return QN_OK;
    drift->has_baseline = true;
    drift->baseline = *drift->model->baseline;
    QN_TRY(make_room(drift, err));
    return find_features(drift, walk->train, in->reader->schema, err);
}

qn_code qn_train_drift_add(struct qn_train_drift *drift, const struct qn_train_walk *walk,
                           struct qn_err *err)
{
    if (!walk->in->fresh)
        return QN_OK;
    drift->rows += walk->n;
    if (!drift->has_baseline || walk->n == 0)
        return QN_OK;
    for (uint32_t f = 0; f < drift->baseline.n_features; f++)
        drift->columns[f] = drift->found[f] ? &walk->batch.columns[drift->positions[f]] : NULL;
    return qn_baseline_count(&drift->baseline, drift->columns, walk->rows, walk->n, drift->counts,
                             err);
}

/* --- bytes ------------------------------------------------------------------------------------ */

void qn_train_drift_pack(struct qn_buf *out, const struct qn_train_drift *drift)
{
    qn_buf_put_u32(out, drift->version);
    qn_buf_put_u64(out, drift->rows);
    qn_buf_put_u64(out, drift->known);
    qn_buf_put_u64(out, drift->most);
    qn_buf_put_u8(out, drift->has_baseline);
    if (!drift->has_baseline)
        return;
    qn_baseline_pack(out, &drift->baseline);
    for (uint32_t f = 0; f < drift->baseline.n_features; f++)
        qn_buf_put_u8(out, drift->found[f]);
    for (uint32_t i = 0; i < drift->baseline.n_bins; i++)
        qn_buf_put_u64(out, drift->counts[i]);
}

static void add_counts(struct qn_train_drift *drift, struct qn_unpack *in)
{
    for (uint32_t f = 0; f < drift->baseline.n_features; f++)
        drift->found[f] = qn_unpack_u8(in) == 1;
    for (uint32_t i = 0; i < drift->baseline.n_bins && !in->failed; i++) {
        uint64_t rows = qn_unpack_u64(in);
        in->failed |= rows > UINT32_MAX;
        drift->counts[i] += rows;
    }
}

/* All tasks tell of the same champion: of the others only the counts are news. */
static qn_code merge_counts(struct qn_train_drift *drift, struct qn_unpack *in, struct qn_err *err)
{
    struct qn_arena spare;
    struct qn_baseline baseline;
    qn_arena_init(&spare);
    qn_code code =
        qn_baseline_unpack(in, drift->has_baseline ? &spare : &drift->arena, &baseline, err);
    if (code == QN_OK && !in->failed && !drift->has_baseline) {
        drift->baseline = baseline;
        drift->has_baseline = true;
        code = make_room(drift, err);
    }
    in->failed |= code == QN_OK && !in->failed &&
                  (baseline.n_bins != drift->baseline.n_bins ||
                   baseline.n_features != drift->baseline.n_features);
    if (code == QN_OK && !in->failed)
        add_counts(drift, in);
    qn_arena_fini(&spare);
    return code;
}

qn_code qn_train_drift_merge(struct qn_train_drift *drift, struct qn_unpack *in, struct qn_err *err)
{
    uint32_t version = qn_unpack_u32(in);
    uint64_t rows = qn_unpack_u64(in);
    in->failed |= (drift->version && version && version != drift->version) || rows > UINT64_C(1)
                                                                                         << 56;
    drift->version = version ? version : drift->version;
    drift->rows += rows;
    uint64_t known = qn_unpack_u64(in), most = qn_unpack_u64(in);
    if (version) { /* of a task that looked */
        drift->known = known;
        drift->most = most;
    }
    uint8_t has_baseline = qn_unpack_u8(in);
    in->failed |= has_baseline > 1;
    return has_baseline && !in->failed ? merge_counts(drift, in, err) : QN_OK;
}

/* --- report ----------------------------------------------------------------------------------- */

uint64_t qn_train_drift_new_rows(const struct qn_train_drift *drift)
{
    uint64_t rows = drift->rows > drift->known ? drift->rows - drift->known : 0;
    return rows < drift->most ? rows : drift->most;
}

static uint64_t rows_of(const uint64_t *bins, uint32_t n)
{
    uint64_t rows = 0;
    for (uint32_t i = 0; i < n; i++)
        rows += bins[i];
    return rows;
}

qn_code qn_train_drift_report(const struct qn_job *job, const struct qn_train_drift *drift,
                              struct qn_findings *findings, struct qn_err *err)
{
    const struct qn_baseline *baseline = &drift->baseline;
    findings->drifts = QN_NEW_ARRAY(findings->arena, struct qn_drift_finding, baseline->n_features);
    if (!findings->drifts)
        return qn_err_nomem(err, "findings");
    for (uint32_t f = 0; drift->rows && f < baseline->n_features; f++) {
        const struct qn_baseline_feature *feature = &baseline->features[f];
        const uint64_t *before = baseline->rows + feature->first;
        const uint64_t *now = drift->counts + feature->first;
        if (!drift->found[f])
            continue;
        struct qn_drift_finding *found = &findings->drifts[findings->n_drifts++];
        *found = (struct qn_drift_finding){
            .model = job->registers,
            .version = drift->version,
            .feature = qn_arena_strdup(findings->arena, qn_strv_from(feature->name)),
            .psi = qn_drift_measure(QN_DRIFT_PSI, before, now, feature->n_bins),
            .js = qn_drift_measure(QN_DRIFT_JS, before, now, feature->n_bins),
            .rows = rows_of(now, feature->n_bins),
            .baseline_rows = rows_of(before, feature->n_bins)};
        QN_TRY(qn_baseline_compare(baseline, f, now, findings->arena, &found->bins, err));
        if (!found->feature)
            return qn_err_nomem(err, "findings");
    }
    return QN_OK;
}
