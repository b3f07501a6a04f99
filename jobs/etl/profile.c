#include "jobs/etl/profile.h"

#include <stdlib.h>

#include "jobs/etl/etl.h"

qn_code qn_profile_init(struct qn_profile *profile, const struct qn_schema *schema,
                        struct qn_err *err)
{
    uint32_t n = schema->n_fields, k = QN_PROFILE_ROWS;
    if (n && k > QN_PROFILE_CELLS / n)
        k = QN_PROFILE_CELLS / n;
    uint32_t most = k < QN_SKETCH_EXACT ? k : QN_SKETCH_EXACT;
    *profile = (struct qn_profile){.schema = schema};
    qn_arena_init(&profile->arena);
    profile->columns = calloc((size_t)n + 1, sizeof *profile->columns);
    if (!profile->columns)
        return qn_err_nomem(err, "a profile");
    for (uint32_t i = 0; i < n; i++)
        qn_column_profile_init(&profile->columns[i], schema->fields[i].type, most);
    return qn_row_sample_init(&profile->sample, schema, k, err);
}

void qn_profile_fini(struct qn_profile *profile)
{
    if (!profile->schema)
        return;
    for (uint32_t i = 0; profile->columns && i < profile->schema->n_fields; i++)
        qn_column_profile_fini(&profile->columns[i]);
    free(profile->columns);
    qn_row_sample_fini(&profile->sample);
    qn_arena_fini(&profile->arena);
    *profile = (struct qn_profile){0};
}

/* --- rows ------------------------------------------------------------------------------------ */

/* How many rows of the batch have one of the origins; both ascend, and a join repeats origins. */
static uint64_t count_origins(const struct qn_batch *batch, const struct qn_imputed *imputed)
{
    uint64_t count = 0;
    uint32_t at = 0;
    for (uint32_t row = 0; row < batch->n_rows; row++) {
        while (at < imputed->n && imputed->origins[at] < batch->origin[row])
            at++;
        if (at == imputed->n)
            break;
        count += imputed->origins[at] == batch->origin[row];
    }
    return count;
}

static void add_imputed(struct qn_profile *profile, const struct qn_etl_step_ctx *ctx,
                        const struct qn_batch *batch)
{
    for (uint32_t i = 0; ctx->imputed && i < ctx->etl->n_imputed; i++) {
        if (!ctx->imputed[i].n)
            continue;
        int32_t column = qn_schema_find(profile->schema, qn_strv_from(ctx->etl->imputed[i]));
        if (column < 0)
            continue;
        uint64_t n = count_origins(batch, &ctx->imputed[i]);
        profile->columns[column].imputed += n;
        profile->columns[column].nulls += n; /* missing as they were read */
    }
}

static qn_code room_for(struct qn_arena *arena, uint32_t n_rows, struct qn_profile_room *out,
                        struct qn_err *err)
{
    *out = (struct qn_profile_room){
        .values = qn_arena_alloc(arena, (n_rows + 1) * sizeof *out->values),
        .hashes = qn_arena_alloc(arena, (n_rows + 1) * sizeof *out->hashes),
        .counts = QN_NEW_ARRAY(arena, uint32_t, QN_PROFILE_COUNTS),
        .moments = qn_moments_room_new(arena),
    };
    bool full = out->values && out->hashes && out->counts && out->moments;
    return full ? QN_OK : qn_err_nomem(err, "a profile");
}

qn_code qn_profile_add(struct qn_profile *profile, struct qn_etl_step_ctx *ctx,
                       const struct qn_batch *batch, struct qn_err *err)
{
    struct qn_profile_room room;
    QN_TRY(room_for(ctx->arena, batch->n_rows, &room, err));
    for (uint32_t c = 0; c < profile->schema->n_fields; c++)
        QN_TRY(qn_column_profile_add(&profile->columns[c], &batch->columns[c], batch->n_rows, &room,
                                     &profile->arena, err));
    add_imputed(profile, ctx, batch);
    QN_TRY(qn_row_sample_add(&profile->sample, ctx, batch, profile->rows, err));
    profile->rows += batch->n_rows;
    return QN_OK;
}

/* --- partials -------------------------------------------------------------------------------- */

qn_code qn_profile_pack(struct qn_profile *profile, struct qn_buf *buf, struct qn_err *err)
{
    qn_buf_put_u64(buf, profile->rows);
    for (uint32_t c = 0; c < profile->schema->n_fields; c++)
        qn_column_profile_pack(&profile->columns[c], profile->schema->fields[c].type, buf);
    qn_row_sample_pack(&profile->sample, buf);
    return qn_buf_check(buf, "a profile", err);
}

qn_code qn_profile_merge(struct qn_profile *profile, struct qn_unpack *in, struct qn_err *err)
{
    profile->rows += qn_unpack_u64(in);
    for (uint32_t c = 0; c < profile->schema->n_fields && !in->failed; c++)
        QN_TRY(qn_column_profile_merge(&profile->columns[c], profile->schema->fields[c].type, in,
                                       &profile->arena, err));
    return qn_row_sample_merge(&profile->sample, in, err);
}
