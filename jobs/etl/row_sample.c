#include "jobs/etl/row_sample.h"

#include <stdlib.h>
#include <string.h>

#include "jobs/etl/values.h"

/* Values of entries whose cells are still in the batch alone: its row above this. */
#define FRESH (UINT64_C(1) << 32)

qn_code qn_row_sample_init(struct qn_row_sample *sample, const struct qn_schema *schema, uint32_t k,
                           struct qn_err *err)
{
    *sample = (struct qn_row_sample){.schema = schema};
    qn_bottom_init(&sample->bottom, k);
    sample->columns = calloc((size_t)schema->n_fields + 1, sizeof *sample->columns);
    if (!sample->columns)
        return qn_err_nomem(err, "a sample");
    for (uint32_t c = 0; c < schema->n_fields; c++)
        qn_colstore_init(&sample->columns[c], schema->fields[c].type);
    return QN_OK;
}

void qn_row_sample_fini(struct qn_row_sample *sample)
{
    for (uint32_t c = 0; sample->columns && c < sample->schema->n_fields; c++)
        qn_colstore_fini(&sample->columns[c]);
    free(sample->columns);
    qn_bottom_fini(&sample->bottom);
    *sample = (struct qn_row_sample){0};
}

/* Rows rows[0..n) of a column; of long texts their beginnings. */
static qn_code add_rows(struct qn_colstore *store, const struct qn_column *column, uint32_t n_rows,
                        const uint32_t *rows, uint32_t n, struct qn_arena *arena,
                        struct qn_err *err)
{
    if (column->type.id != QN_TEXT) {
        struct qn_column taken;
        QN_TRY(qn_column_take(arena, column, n_rows, rows, n, &taken, err));
        return qn_colstore_add_all(store, &taken, n, err);
    }
    for (uint32_t i = 0; i < n; i++)
        QN_TRY(qn_colstore_add_cell(store, qn_values_cut(qn_cell_at(column, rows[i])), err));
    return QN_OK;
}

/* Copies, of one column, the rows that are still in the sample. */
static qn_code keep_column(const struct qn_bottom *bottom, struct qn_colstore *column,
                           struct qn_err *err)
{
    struct qn_colstore kept;
    qn_colstore_init(&kept, column->column.type);
    for (uint32_t i = 0; i < bottom->n; i++) {
        if (bottom->entries[i].value >= FRESH)
            continue;
        qn_code code =
            qn_colstore_add(&kept, &column->column, (uint32_t)bottom->entries[i].value, err);
        if (code != QN_OK) {
            qn_colstore_fini(&kept);
            return code;
        }
    }
    qn_colstore_fini(column);
    *column = kept;
    return QN_OK;
}

/* Lets go of rows that left the sample. */
static qn_code compact(struct qn_row_sample *sample, struct qn_err *err)
{
    struct qn_bottom *bottom = &sample->bottom;
    for (uint32_t c = 0; c < sample->schema->n_fields; c++)
        QN_TRY(keep_column(bottom, &sample->columns[c], err));
    sample->n_rows = 0;
    for (uint32_t i = 0; i < bottom->n; i++)
        if (bottom->entries[i].value < FRESH)
            bottom->entries[i].value = sample->n_rows++;
    return QN_OK;
}

/* --- a batch --------------------------------------------------------------------------------- */

/* Enters the rows that are wanted; how many. */
static qn_code enter_rows(struct qn_row_sample *sample, const struct qn_etl_step_ctx *ctx,
                          const struct qn_batch *batch, uint64_t first, uint32_t *entered,
                          struct qn_err *err)
{
    uint64_t seed = ctx->in->seed, place = qn_place_hash(seed, ctx->file, 0);
    struct qn_copy_counter copies = {0};
    *entered = 0;
    for (uint32_t row = 0; row < batch->n_rows; row++) {
        struct qn_row_id id = {ctx->file, 0, first + row};
        if (batch->origin)
            id = qn_etl_step_row_id(ctx, &copies, batch, row);
        uint64_t hash = id.copy ? qn_row_hash(seed, id) : qn_place_row_hash(place, id.position);
        if (!qn_bottom_wants(&sample->bottom, hash))
            continue;
        QN_TRY(qn_bottom_add(&sample->bottom, hash, FRESH + row, err));
        ++*entered;
    }
    return QN_OK;
}

qn_code qn_row_sample_add(struct qn_row_sample *sample, const struct qn_etl_step_ctx *ctx,
                          const struct qn_batch *batch, uint64_t first, struct qn_err *err)
{
    struct qn_bottom *bottom = &sample->bottom;
    uint32_t entered, n = 0;
    QN_TRY(enter_rows(sample, ctx, batch, first, &entered, err));
    if (entered > bottom->k / 4) /* else finding the few to leave costs more than they do */
        qn_bottom_cut(bottom);
    if (entered && sample->n_rows + entered > 3 * bottom->k)
        QN_TRY(compact(sample, err));
    uint32_t *rows = qn_arena_alloc(ctx->arena, (bottom->n + 1) * sizeof *rows);
    if (!rows)
        return qn_err_nomem(err, "a sample");
    for (uint32_t i = 0; i < bottom->n && entered; i++) {
        if (bottom->entries[i].value < FRESH)
            continue;
        rows[n] = (uint32_t)(bottom->entries[i].value - FRESH);
        bottom->entries[i].value = sample->n_rows + n++;
    }
    for (uint32_t c = 0; n && c < sample->schema->n_fields; c++)
        QN_TRY(add_rows(&sample->columns[c], &batch->columns[c], batch->n_rows, rows, n, ctx->arena,
                        err));
    sample->n_rows += n;
    return QN_OK;
}

/* --- partials -------------------------------------------------------------------------------- */

/* A column's values in the order of the entries: a byte each that says whether it is there, then
 * the values; of texts their lengths, then all bytes. */
static void pack_column(const struct qn_column *column, const struct qn_bottom *bottom,
                        struct qn_buf *buf)
{
    enum qn_layout layout = qn_type_layout(column->type);
    const size_t n = bottom->n, width = qn_layout_bytes(layout);
    uint8_t *valid = qn_buf_reserve(buf, n * (1 + width)), *values = valid ? valid + n : NULL;
    for (uint32_t i = 0; valid && i < n; i++) {
        uint32_t row = (uint32_t)bottom->entries[i].value;
        uint64_t value = 0;
        valid[i] = qn_is_valid(column, row);
        if (valid[i] && layout == QN_LAYOUT_TEXT)
            value = qn_text_at(column, row).len;
        else if (valid[i])
            memcpy(&value, column->bools + row * width, width);
        memcpy(values + i * width, &value, width); /* little endian, as wire/block.c asserts */
    }
    if (valid)
        buf->len += n * (1 + width);
    for (uint32_t i = 0; layout == QN_LAYOUT_TEXT && i < n; i++) {
        uint32_t row = (uint32_t)bottom->entries[i].value;
        if (qn_is_valid(column, row))
            qn_buf_put(buf, qn_text_at(column, row).data, qn_text_at(column, row).len);
    }
}

void qn_row_sample_pack(struct qn_row_sample *sample, struct qn_buf *buf)
{
    const struct qn_bottom *bottom = &sample->bottom;
    qn_bottom_sort(&sample->bottom);
    qn_buf_put_u32(buf, bottom->n);
    for (uint32_t i = 0; i < bottom->n; i++)
        qn_buf_put_u64(buf, bottom->entries[i].hash);
    for (uint32_t c = 0; bottom->n && c < sample->schema->n_fields; c++)
        pack_column(&sample->columns[c].column, bottom, buf);
}

/* A column of n values, of which the first `wanted` are kept. */
static qn_code merge_column(struct qn_colstore *store, struct qn_unpack *in, uint32_t n,
                            uint32_t wanted, struct qn_err *err)
{
    enum qn_layout layout = qn_type_layout(store->column.type);
    const size_t width = qn_layout_bytes(layout);
    struct qn_strv valid = qn_unpack_bytes(in, n), values = qn_unpack_bytes(in, n * width);
    for (uint32_t i = 0; i < n && !in->failed; i++) {
        struct qn_cell cell = {.valid = valid.data[i] == 1};
        uint32_t bytes = 0;
        in->failed |= (uint8_t)valid.data[i] > 1;
        if (layout == QN_LAYOUT_TEXT)
            memcpy(&bytes, values.data + i * width, width);
        else if (i == wanted)
            break;
        struct qn_strv text = qn_unpack_bytes(in, bytes);
        if (in->failed || i >= wanted)
            continue;
        if (layout == QN_LAYOUT_BOOL)
            cell.i64 = values.data[i] != 0;
        else if (layout == QN_LAYOUT_TEXT)
            cell.text = text;
        else
            memcpy(&cell.i64, values.data + i * width, width);
        QN_TRY(qn_colstore_add_cell(store, qn_values_cut(cell), err));
    }
    return QN_OK;
}

/* Hashes ascend: from the first one that is not wanted on none is. */
qn_code qn_row_sample_merge(struct qn_row_sample *sample, struct qn_unpack *in, struct qn_err *err)
{
    struct qn_bottom *bottom = &sample->bottom;
    uint32_t n = qn_unpack_count(in, 8 + sample->schema->n_fields), wanted = 0;
    struct qn_unpack hashes = qn_unpack_from(qn_unpack_bytes(in, (size_t)n * 8)), ahead = hashes;
    while (wanted < n && qn_bottom_wants(bottom, qn_unpack_u64(&ahead)))
        wanted++;
    if (in->failed || n == 0)
        return QN_OK;
    if (wanted && sample->n_rows + wanted > 3 * bottom->k)
        QN_TRY(compact(sample, err));
    for (uint32_t i = 0; i < wanted; i++)
        QN_TRY(qn_bottom_add(bottom, qn_unpack_u64(&hashes), sample->n_rows + i, err));
    for (uint32_t c = 0; c < sample->schema->n_fields; c++)
        QN_TRY(merge_column(&sample->columns[c], in, n, wanted, err));
    sample->n_rows += wanted;
    return QN_OK;
}
