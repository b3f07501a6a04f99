/* A plan as bytes, and a worker's plan from them. */
#include "jobs/plan_internal.h"

static void pack_source(struct qn_buf *out, const struct qn_plan_source *source)
{
    const struct qn_source_info *info = &source->info;
    qn_buf_put_str(out, qn_strv_from(info->format));
    qn_schema_pack(out, &info->schema);
    qn_buf_put_str(out, info->dialect);
    qn_buf_put_u8(out, (uint8_t)info->on_malformed);
    qn_buf_put_u64(out, source->bytes);
    qn_buf_put_u64(out, info->plain_bytes);
    qn_folders_pack(&source->folders, out);
}

void qn_plan_pack(const struct qn_plan *plan, struct qn_buf *out)
{
    qn_buf_put_str(out, qn_strv_from(QN_VERSION));
    qn_buf_put_str(out, qn_strv_from(plan->spec.path));
    qn_buf_put_str(out, qn_strv_from(plan->spec.folder));
    qn_buf_put_str(out, plan->spec.text);
    /* What the environment gave goes along: a worker's own must not change the answer. */
    qn_buf_put_u32(out, plan->spec.n_settings);
    for (uint32_t i = 0; i < plan->spec.n_settings; i++) {
        qn_buf_put_str(out, qn_strv_from(plan->spec.settings[i].key));
        qn_buf_put_str(out, qn_strv_from(plan->spec.settings[i].value));
    }
    qn_buf_put_u32(out, plan->spec.n_sources);
    for (uint32_t i = 0; i < plan->spec.n_sources; i++)
        pack_source(out, &plan->sources[i]);
    /* Workers run what they are given; but a run of other jobs is another run. */
    for (uint32_t i = 0; i < plan->spec.n_jobs; i++)
        qn_buf_put_u8(out, plan->jobs[i].wanted);
}

static qn_code unpack_source(struct qn_plan *plan, struct qn_unpack *in, uint32_t index,
                             struct qn_err *err)
{
    struct qn_plan_source *source = &plan->sources[index];
    struct qn_source_info *info = &source->info;
    info->name = plan->spec.sources[index].name;
    info->format = qn_arena_strdup(&plan->arena, qn_unpack_str(in));
    if (!info->format)
        return qn_err_nomem(err, "a plan");
    QN_TRY(qn_schema_unpack(in, &plan->arena, &info->schema, err));
    struct qn_strv dialect = qn_unpack_str(in);
    info->dialect = (struct qn_strv){qn_arena_strdup(&plan->arena, dialect), dialect.len};
    if (!info->dialect.data)
        return qn_err_nomem(err, "a plan");
    info->on_malformed = (enum qn_on_malformed)qn_unpack_u8(in);
    source->bytes = qn_unpack_u64(in);
    info->plain_bytes = qn_unpack_u64(in);
    QN_TRY(qn_folders_unpack(in, &info->schema, &plan->arena, &source->folders, err));
    source->schema = source->folders.columns.n_fields ? source->folders.rows : info->schema;
    source->ops = qn_source_find(info->format);
    source->ready = true;
    if (!source->ops)
        return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER,
                          "the plan names a format '%s' that is "
                          "not known here",
                          info->format);
    return QN_OK;
}

static qn_code unpack_settings(struct qn_plan *plan, struct qn_unpack *in,
                               struct qn_setting **settings, uint32_t *n, struct qn_err *err)
{
    *n = qn_unpack_count(in, 8);
    *settings = QN_NEW_ARRAY(&plan->arena, struct qn_setting, *n);
    if (!*settings)
        return qn_err_nomem(err, "a plan");
    for (uint32_t i = 0; i < *n; i++) {
        (*settings)[i].key = qn_arena_strdup(&plan->arena, qn_unpack_str(in));
        (*settings)[i].value = qn_arena_strdup(&plan->arena, qn_unpack_str(in));
        if (!(*settings)[i].key || !(*settings)[i].value)
            return qn_err_nomem(err, "a plan");
    }
    return QN_OK;
}

qn_code qn_plan_unpack(struct qn_plan *plan, struct qn_strv bytes, struct qn_err *err)
{
    *plan = (struct qn_plan){0};
    qn_arena_init(&plan->arena);
    struct qn_unpack in = qn_unpack_from(bytes);
    struct qn_strv version = qn_unpack_str(&in);
    if (!qn_strv_is(version, QN_VERSION))
        return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER,
                          "the plan was made by engine %.*s, this is " QN_VERSION,
                          QN_STRV_ARG(version));
    const char *path = qn_arena_strdup(&plan->arena, qn_unpack_str(&in));
    const char *folder = qn_arena_strdup(&plan->arena, qn_unpack_str(&in));
    struct qn_strv text = qn_unpack_str(&in);
    struct qn_setting *settings;
    uint32_t n_settings;
    QN_TRY(unpack_settings(plan, &in, &settings, &n_settings, err));
    if (in.failed || !path || !folder)
        return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER, "the plan is cut short");
    QN_TRY(qn_spec_read(&plan->spec, path, text, folder, settings, n_settings, qn_job_all(),
                        qn_source_all(), err));
    if (qn_unpack_u32(&in) != plan->spec.n_sources)
        return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER, "the plan's sources do not fit its spec");
    plan->sources = QN_NEW_ARRAY(&plan->arena, struct qn_plan_source, plan->spec.n_sources);
    if (!plan->sources)
        return qn_err_nomem(err, "a plan");
    for (uint32_t i = 0; i < plan->spec.n_sources; i++)
        QN_TRY(unpack_source(plan, &in, i, err));
    QN_TRY(qn_plan_compile(plan, err));
    for (uint32_t i = 0; i < plan->spec.n_jobs; i++)
        plan->jobs[i].wanted = qn_unpack_u8(&in) != 0;
    return qn_unpack_end(&in, "the plan", err);
}
