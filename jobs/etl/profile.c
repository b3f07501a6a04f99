#include "jobs/etl/profile.h"

#include <stdlib.h>
#include <string.h>

#include "flow/value.h"
#include "jobs/etl/etl.h"
#include "jobs/etl/keys.h"

qn_code qn_profile_init(struct qn_profile *profile, const struct qn_schema *schema,
                        struct qn_err *err)
{
    uint32_t n = schema->n_fields, k = QN_PROFILE_ROWS;
    if (n && k > QN_PROFILE_CELLS / n)
        k = QN_PROFILE_CELLS / n;
    *profile = (struct qn_profile){.schema = schema};
    qn_bottom_init(&profile->sample, k);
    profile->columns = calloc((size_t)n + 1, sizeof *profile->columns);
    profile->sampled = calloc((size_t)n + 1, sizeof *profile->sampled);
    if (!profile->columns || !profile->sampled)
        return qn_err_nomem(err, "a profile");
    for (uint32_t i = 0; i < n; i++)
        qn_colstore_init(&profile->sampled[i], schema->fields[i].type);
    return QN_OK;
}

void qn_profile_fini(struct qn_profile *profile)
{
    for (uint32_t i = 0; profile->schema && i < profile->schema->n_fields; i++) {
        if (profile->sampled)
            qn_colstore_fini(&profile->sampled[i]);
        if (!profile->columns)
            continue;
        qn_sketch_fini(&profile->columns[i].distinct);
        qn_buf_fini(&profile->columns[i].min_text);
        qn_buf_fini(&profile->columns[i].max_text);
    }
    free(profile->columns);
    free(profile->sampled);
    qn_bottom_fini(&profile->sample);
    *profile = (struct qn_profile){0};
}

/* --- moments --------------------------------------------------------------------------------- */

static void merge_moments(struct qn_column_profile *column, uint64_t n, double mean, double m2)
{
    if (n == 0)
        return;
    double total = (double)(column->n + n), delta = mean - column->mean;
    column->m2 += m2 + delta * delta * ((double)column->n * (double)n / total);
    column->mean += delta * ((double)n / total);
    column->n += n;
}

/* Two passes over a batch that is in cache, with four sums side by side: one sum alone would wait
 * for each addition. Four sums in a fixed order give the same bits everywhere. */
static void add_moments(struct qn_column_profile *column, const double *values, uint32_t n)
{
    double sum[4] = {0}, square[4] = {0};
    for (uint32_t i = 0; i < n; i++)
        sum[i & 3] += values[i];
    if (n == 0)
        return;
    double mean = ((sum[0] + sum[1]) + (sum[2] + sum[3])) / (double)n;
    for (uint32_t i = 0; i < n; i++)
        square[i & 3] += (values[i] - mean) * (values[i] - mean);
    merge_moments(column, n, mean, (square[0] + square[1]) + (square[2] + square[3]));
}

/* --- one column of a batch ------------------------------------------------------------------- */

/* Scratch for the present values of one column. */
struct present {
    int64_t *values; /* doubles as their bits */
    double *numbers;
    uint64_t *hashes;
};

/* The present values side by side; the column's own when none is missing. */
static const int64_t *gather(const struct qn_column *column, uint32_t n_rows,
                             struct present *present, uint32_t *n)
{
    *n = n_rows;
    if (!column->validity)
        return column->i64;
    *n = 0;
    for (uint32_t row = 0; row < n_rows; row++) {
        present->values[*n] = column->i64[row];
        *n += qn_is_valid(column, row);
    }
    return present->values;
}

static qn_code add_i64(struct qn_column_profile *out, const struct qn_column *column,
                       uint32_t n_rows, struct present *present, struct qn_err *err)
{
    uint32_t n;
    const int64_t *values = gather(column, n_rows, present, &n);
    int64_t min = out->any ? out->min_i64 : INT64_MAX, max = out->any ? out->max_i64 : INT64_MIN;
    for (uint32_t i = 0; i < n; i++) {
        min = values[i] < min ? values[i] : min;
        max = values[i] > max ? values[i] : max;
        present->hashes[i] = qn_hash_u64((uint64_t)values[i]);
    }
    if (n) {
        out->any = true;
        out->min_i64 = min;
        out->max_i64 = max;
    }
    QN_TRY(qn_sketch_add_all(&out->distinct, present->hashes, n, err));
    if (!qn_type_is_numeric(column->type))
        return QN_OK;
    double unit = (double)qn_pow10(column->type.id == QN_DECIMAL ? column->type.scale : 0);
    for (uint32_t i = 0; i < n; i++)
        present->numbers[i] = (double)values[i] / unit;
    add_moments(out, present->numbers, n);
    return QN_OK;
}

static qn_code add_f64(struct qn_column_profile *out, const struct qn_column *column,
                       uint32_t n_rows, struct present *present, struct qn_err *err)
{
    uint32_t n;
    const int64_t *values = gather(column, n_rows, present, &n);
    for (uint32_t i = 0; i < n; i++) {
        double x;
        uint64_t bits;
        memcpy(&x, &values[i], sizeof x);
        x += 0.0; /* -0.0 becomes 0.0 */
        memcpy(&bits, &x, sizeof bits);
        if (!out->any || x < out->min_f64)
            out->min_f64 = x;
        if (!out->any || x > out->max_f64)
            out->max_f64 = x;
        out->any = true;
        present->numbers[i] = x;
        present->hashes[i] = qn_hash_u64(bits);
    }
    add_moments(out, present->numbers, n);
    return qn_sketch_add_all(&out->distinct, present->hashes, n, err);
}

static qn_code add_bool(struct qn_column_profile *out, const struct qn_column *column,
                        uint32_t n_rows, struct qn_err *err)
{
    bool seen[2] = {false, false};
    for (uint32_t row = 0; row < n_rows; row++)
        if (qn_is_valid(column, row))
            seen[column->bools[row] != 0] = true;
    for (int value = 0; value < 2; value++) {
        if (!seen[value])
            continue;
        if (!out->any || value < out->min_i64)
            out->min_i64 = value;
        if (!out->any || value > out->max_i64)
            out->max_i64 = value;
        out->any = true;
        QN_TRY(qn_sketch_add(&out->distinct, qn_hash_u64((uint64_t)value), err));
    }
    return QN_OK;
}

/* First 8 bytes, so that integers compare as the texts do, as far as they go. */
static uint64_t text_head(struct qn_strv text)
{
    return __builtin_bswap64(qn_text_word(text));
}

static void set_text(struct qn_buf *buf, struct qn_strv text)
{
    qn_buf_clear(buf);
    qn_buf_put(buf, text.data, text.len);
}

static void add_extreme_text(struct qn_column_profile *out, struct qn_strv text, uint64_t head)
{
    if (!out->any || head < out->min_head ||
        (head == out->min_head && qn_strv_cmp(text, qn_buf_strv(&out->min_text)) < 0)) {
        set_text(&out->min_text, text);
        out->min_head = head;
    }
    if (!out->any || head > out->max_head ||
        (head == out->max_head && qn_strv_cmp(text, qn_buf_strv(&out->max_text)) > 0)) {
        set_text(&out->max_text, text);
        out->max_head = head;
    }
    out->any = true;
}

static qn_code add_text(struct qn_column_profile *out, const struct qn_column *column,
                        uint32_t n_rows, struct present *present, struct qn_err *err)
{
    uint32_t n = 0;
    for (uint32_t row = 0; row < n_rows; row++) {
        if (!qn_is_valid(column, row))
            continue;
        struct qn_strv text = qn_text_at(column, row);
        uint64_t word = qn_text_word(text), head = __builtin_bswap64(word);
        if (head <= out->min_head || head >= out->max_head || !out->any)
            add_extreme_text(out, text, head);
        present->hashes[n++] = qn_hash_text_word(text, word);
    }
    if (out->min_text.failed || out->max_text.failed)
        return qn_err_nomem(err, "a profile");
    return qn_sketch_add_all(&out->distinct, present->hashes, n, err);
}

/* --- imputed cells --------------------------------------------------------------------------- */

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

/* --- the sample ------------------------------------------------------------------------------ */

static struct qn_cell short_cell(struct qn_cell cell)
{
    if (cell.text.len > QN_PROFILE_TEXT) {
        cell.text.len = QN_PROFILE_TEXT;
        while (cell.text.len && ((unsigned char)cell.text.data[cell.text.len] & 0xC0) == 0x80)
            cell.text.len--; /* not within a character */
    }
    return cell;
}

/* Keeps the rows that are still in the sample. */
static qn_code compact(struct qn_profile *profile, struct qn_err *err)
{
    struct qn_bottom *sample = &profile->sample;
    qn_bottom_sort(sample);
    for (uint32_t c = 0; c < profile->schema->n_fields; c++) {
        struct qn_colstore *old = &profile->sampled[c], kept;
        qn_colstore_init(&kept, old->column.type);
        for (uint32_t i = 0; i < sample->n; i++) {
            qn_code code =
                qn_colstore_add(&kept, &old->column, (uint32_t)sample->entries[i].value, err);
            if (code != QN_OK) {
                qn_colstore_fini(&kept);
                return code;
            }
        }
        qn_colstore_fini(old);
        *old = kept;
    }
    for (uint32_t i = 0; i < sample->n; i++)
        sample->entries[i].value = i;
    profile->n_sampled = sample->n;
    return QN_OK;
}

/* A place for one more row; its cells are the caller's to add, every column's. */
static qn_code sample_row(struct qn_profile *profile, uint64_t hash, struct qn_err *err)
{
    if (profile->n_sampled >= 2 * profile->sample.k)
        QN_TRY(compact(profile, err));
    return qn_bottom_add(&profile->sample, hash, profile->n_sampled++, err);
}

static qn_code sample_batch(struct qn_profile *profile, const struct qn_etl_step_ctx *ctx,
                            const struct qn_batch *batch, struct qn_err *err)
{
    struct qn_copy_counter copies = {0};
    for (uint32_t row = 0; row < batch->n_rows; row++) {
        struct qn_row_id id = {ctx->file, 0, profile->rows + row};
        if (batch->origin)
            id = qn_etl_step_row_id(ctx, &copies, batch, row);
        uint64_t hash = qn_row_hash(ctx->in->seed, id);
        if (!qn_bottom_wants(&profile->sample, hash))
            continue;
        QN_TRY(sample_row(profile, hash, err));
        for (uint32_t c = 0; c < profile->schema->n_fields; c++)
            QN_TRY(qn_colstore_add_cell(&profile->sampled[c],
                                        short_cell(qn_cell_at(&batch->columns[c], row)), err));
    }
    return QN_OK;
}

qn_code qn_profile_add(struct qn_profile *profile, struct qn_etl_step_ctx *ctx,
                       const struct qn_batch *batch, struct qn_err *err)
{
    struct present present = {
        .values = qn_arena_alloc(ctx->arena, (batch->n_rows + 1) * sizeof *present.values),
        .numbers = qn_arena_alloc(ctx->arena, batch->n_rows * sizeof *present.numbers),
        .hashes = qn_arena_alloc(ctx->arena, batch->n_rows * sizeof *present.hashes),
    };
    if (!present.values || !present.numbers || !present.hashes)
        return qn_err_nomem(err, "a profile");
    for (uint32_t c = 0; c < profile->schema->n_fields; c++) {
        const struct qn_column *column = &batch->columns[c];
        struct qn_column_profile *out = &profile->columns[c];
        out->nulls += batch->n_rows - qn_column_count_valid(column, batch->n_rows);
        switch (qn_type_layout(column->type)) {
        case QN_LAYOUT_BOOL: QN_TRY(add_bool(out, column, batch->n_rows, err)); break;
        case QN_LAYOUT_I64: QN_TRY(add_i64(out, column, batch->n_rows, &present, err)); break;
        case QN_LAYOUT_F64: QN_TRY(add_f64(out, column, batch->n_rows, &present, err)); break;
        case QN_LAYOUT_TEXT: QN_TRY(add_text(out, column, batch->n_rows, &present, err)); break;
        }
    }
    add_imputed(profile, ctx, batch);
    QN_TRY(sample_batch(profile, ctx, batch, err));
    profile->rows += batch->n_rows;
    return QN_OK;
}

/* --- partials -------------------------------------------------------------------------------- */

static void pack_column(const struct qn_column_profile *column, struct qn_type type,
                        struct qn_buf *buf)
{
    qn_buf_put_u64(buf, column->nulls);
    qn_buf_put_u64(buf, column->imputed);
    qn_buf_put_u64(buf, column->n);
    qn_buf_put_f64(buf, column->mean);
    qn_buf_put_f64(buf, column->m2);
    struct qn_cell min = {.valid = column->any}, max = {.valid = column->any};
    if (type.id == QN_TEXT) {
        min.text = qn_buf_strv(&column->min_text);
        max.text = qn_buf_strv(&column->max_text);
    } else { /* doubles as their bits */
        min.i64 = column->min_i64;
        max.i64 = column->max_i64;
    }
    qn_cell_pack(buf, type, min);
    qn_cell_pack(buf, type, max);
    qn_sketch_pack(&column->distinct, buf);
}

static void merge_extremes(struct qn_column_profile *column, struct qn_type type,
                           struct qn_cell min, struct qn_cell max)
{
    if (type.id == QN_TEXT) {
        add_extreme_text(column, min.text, text_head(min.text));
        add_extreme_text(column, max.text, text_head(max.text));
        return;
    }
    struct qn_cell own_min = {.valid = column->any, .i64 = column->min_i64};
    struct qn_cell own_max = {.valid = column->any, .i64 = column->max_i64};
    if (!column->any || qn_cell_cmp(type, min, own_min) < 0)
        column->min_i64 = min.i64;
    if (!column->any || qn_cell_cmp(type, max, own_max) > 0)
        column->max_i64 = max.i64;
    column->any = true;
}

static qn_code merge_column(struct qn_column_profile *column, struct qn_type type,
                            struct qn_unpack *in, struct qn_err *err)
{
    column->nulls += qn_unpack_u64(in);
    column->imputed += qn_unpack_u64(in);
    uint64_t n = qn_unpack_u64(in);
    double mean = qn_unpack_f64(in), m2 = qn_unpack_f64(in);
    struct qn_cell min = qn_cell_unpack(in, type), max = qn_cell_unpack(in, type);
    if (in->failed)
        return QN_OK;
    merge_moments(column, n, mean, m2);
    if (min.valid && max.valid)
        merge_extremes(column, type, min, max);
    return qn_sketch_merge(&column->distinct, in, err);
}

qn_code qn_profile_pack(struct qn_profile *profile, struct qn_buf *buf, struct qn_err *err)
{
    qn_buf_put_u64(buf, profile->rows);
    for (uint32_t c = 0; c < profile->schema->n_fields; c++)
        pack_column(&profile->columns[c], profile->schema->fields[c].type, buf);
    qn_bottom_sort(&profile->sample);
    qn_buf_put_u32(buf, profile->sample.n);
    for (uint32_t i = 0; i < profile->sample.n; i++) {
        const struct qn_bottom_entry *entry = &profile->sample.entries[i];
        qn_buf_put_u64(buf, entry->hash);
        for (uint32_t c = 0; c < profile->schema->n_fields; c++)
            qn_cell_pack(buf, profile->schema->fields[c].type,
                         qn_cell_at(&profile->sampled[c].column, (uint32_t)entry->value));
    }
    return qn_buf_check(buf, "a profile", err);
}

static qn_code merge_sampled(struct qn_profile *profile, struct qn_unpack *in, struct qn_err *err)
{
    uint64_t hash = qn_unpack_u64(in);
    bool wanted = qn_bottom_wants(&profile->sample, hash);
    if (wanted)
        QN_TRY(sample_row(profile, hash, err));
    for (uint32_t c = 0; c < profile->schema->n_fields; c++) {
        struct qn_cell cell = qn_cell_unpack(in, profile->schema->fields[c].type);
        if (wanted)
            QN_TRY(qn_colstore_add_cell(&profile->sampled[c], short_cell(cell), err));
    }
    return QN_OK;
}

qn_code qn_profile_merge(struct qn_profile *profile, struct qn_unpack *in, struct qn_err *err)
{
    profile->rows += qn_unpack_u64(in);
    for (uint32_t c = 0; c < profile->schema->n_fields && !in->failed; c++)
        QN_TRY(merge_column(&profile->columns[c], profile->schema->fields[c].type, in, err));
    uint32_t n = qn_unpack_count(in, 8 + profile->schema->n_fields);
    for (uint32_t i = 0; i < n && !in->failed; i++)
        QN_TRY(merge_sampled(profile, in, err));
    for (uint32_t c = 0; c < profile->schema->n_fields; c++)
        if (profile->columns[c].min_text.failed || profile->columns[c].max_text.failed)
            return qn_err_nomem(err, "a profile");
    return QN_OK;
}
