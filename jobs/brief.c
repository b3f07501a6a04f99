#include "jobs/brief.h"

static void pack_files(struct qn_buf *out, const struct qn_brief_files *files)
{
    qn_buf_put_u32(out, files->n);
    for (uint32_t i = 0; i < files->n; i++)
        qn_buf_put_str(out, qn_strv_from(files->paths[i]));
}

void qn_brief_pack(const struct qn_brief *brief, struct qn_buf *out)
{
    qn_buf_put_u32(out, brief->n_units);
    for (uint32_t i = 0; i < QN_MAX_STAGES; i++)
        qn_buf_put_str(out, brief->states[i]);
    for (uint32_t i = 0; i < QN_MAX_STAGES; i++)
        pack_files(out, &brief->partitions[i]);
    for (uint32_t i = 0; i < QN_MAX_SIDES; i++)
        pack_files(out, &brief->sides[i]);
    qn_buf_put_u32(out, brief->shuffled);
    qn_buf_put_u32(out, brief->n_chunks);
    qn_buf_put_str(out, brief->model);
    qn_buf_put_u32(out, brief->model_version);
    qn_buf_put_str(out, brief->fresh);
    qn_buf_put_u64(out, brief->fresh_known);
    qn_buf_put_u64(out, brief->fresh_most);
}

static qn_code unpack_files(struct qn_unpack *in, struct qn_arena *arena,
                            struct qn_brief_files *out, struct qn_err *err)
{
    uint32_t n = qn_unpack_count(in, 4);
    const char **paths = QN_NEW_ARRAY(arena, const char *, n);
    if (!paths)
        return qn_err_nomem(err, "a brief");
    for (uint32_t i = 0; i < n; i++) {
        paths[i] = qn_arena_strdup(arena, qn_unpack_str(in));
        if (!paths[i])
            return qn_err_nomem(err, "a brief");
    }
    *out = (struct qn_brief_files){.paths = paths, .n = n};
    return QN_OK;
}

qn_code qn_brief_unpack(struct qn_strv bytes, struct qn_arena *arena, struct qn_brief *out,
                        struct qn_err *err)
{
    struct qn_unpack in = qn_unpack_from(bytes);
    *out = (struct qn_brief){.n_units = qn_unpack_u32(&in)};
    for (uint32_t i = 0; i < QN_MAX_STAGES; i++)
        out->states[i] = qn_unpack_str(&in);
    for (uint32_t i = 0; i < QN_MAX_STAGES; i++)
        QN_TRY(unpack_files(&in, arena, &out->partitions[i], err));
    for (uint32_t i = 0; i < QN_MAX_SIDES; i++)
        QN_TRY(unpack_files(&in, arena, &out->sides[i], err));
    out->shuffled = qn_unpack_u32(&in);
    out->n_chunks = qn_unpack_u32(&in);
    out->model = qn_unpack_str(&in);
    out->model_version = qn_unpack_u32(&in);
    out->fresh = qn_unpack_str(&in);
    out->fresh_known = qn_unpack_u64(&in);
    out->fresh_most = qn_unpack_u64(&in);
    return qn_unpack_end(&in, "a stage's brief", err);
}
