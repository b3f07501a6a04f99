#include "jobs/etl/etl.h"

#include <math.h>
#include <stdlib.h>

#include "flow/value.h"

/* Integers and decimals sum exactly; doubles in row order, units merging in unit order. */
struct sum {
    uint64_t n;
    qn_i128 exact;
    double f64;
};

static const struct qn_type *type_of(const struct qn_etl *etl, uint32_t impute)
{
    return &etl->in->fields[etl->imputes[impute].column].type;
}

static void add_column(struct sum *sum, const struct qn_column *column, uint32_t n_rows)
{
    for (uint32_t row = 0; row < n_rows; row++) {
        if (!qn_is_valid(column, row))
            continue;
        sum->n++;
        if (column->type.id == QN_DOUBLE)
            sum->f64 += column->f64[row];
        else
            sum->exact += column->i64[row];
    }
}

static void pack_sum(struct qn_buf *buf, const struct sum *sum)
{
    qn_buf_put_u64(buf, sum->n);
    qn_buf_put_u64(buf, (uint64_t)sum->exact);
    qn_buf_put_i64(buf, (int64_t)(sum->exact >> 64));
    qn_buf_put_f64(buf, sum->f64);
}

static qn_code give_sums(const struct qn_etl *etl, const struct sum *sums, struct qn_task_out *out,
                         struct qn_err *err)
{
    struct qn_buf partial;
    qn_buf_init(&partial);
    for (uint32_t i = 0; i < etl->n_imputes; i++)
        pack_sum(&partial, &sums[i]);
    qn_code code = qn_buf_check(&partial, "a partial", err);
    if (code == QN_OK)
        code = out->ops->partial(out, qn_buf_strv(&partial), err);
    qn_buf_fini(&partial);
    return code;
}

qn_code qn_impute_fit(const struct qn_etl *etl, struct qn_task_in *in, struct qn_task_out *out,
                      struct qn_err *err)
{
    struct sum *sums = QN_NEW_ARRAY(in->arena, struct sum, etl->n_imputes);
    if (!sums)
        return qn_err_nomem(err, "imputation");
    for (;;) {
        struct qn_batch batch;
        if (atomic_load(in->cancelled))
            return QN_ECANCEL;
        QN_TRY(in->reader->ops->next(in->reader, &batch, &out->rejects, err));
        if (batch.n_rows == 0)
            return give_sums(etl, sums, out, err);
        for (uint32_t i = 0; i < etl->n_imputes; i++)
            if (etl->imputes[i].strategy == QN_IMPUTE_MEAN)
                add_column(&sums[i], &batch.columns[etl->imputes[i].column], batch.n_rows);
    }
}

qn_code qn_impute_merge(const struct qn_etl *etl, void **acc, struct qn_strv partial,
                        struct qn_err *err)
{
    struct sum *sums = *acc;
    if (!sums)
        sums = *acc = calloc(etl->n_imputes, sizeof *sums);
    if (!sums)
        return qn_err_nomem(err, "imputation");
    struct qn_unpack in = qn_unpack_from(partial);
    for (uint32_t i = 0; i < etl->n_imputes; i++) {
        sums[i].n += qn_unpack_u64(&in);
        uint64_t low = qn_unpack_u64(&in);
        int64_t high = qn_unpack_i64(&in);
        sums[i].exact += (qn_i128)high * ((qn_i128)1 << 64) + (qn_i128)low;
        sums[i].f64 += qn_unpack_f64(&in);
    }
    return qn_unpack_end(&in, "a partial of impute", err);
}

/* sum / n rounded half away from zero to `scale` decimals, where sum has `places` of them. */
static int64_t rounded_mean(qn_i128 sum, uint64_t n, uint8_t places, uint8_t scale)
{
    qn_i128 divisor = (qn_i128)n, numerator = sum;
    if (scale >= places)
        numerator *= qn_pow10((uint8_t)(scale - places));
    else
        divisor *= qn_pow10((uint8_t)(places - scale));
    qn_i128 half = divisor / 2;
    return (int64_t)((numerator >= 0 ? numerator + half : numerator - half) / divisor);
}

static struct qn_cell mean_of(const struct qn_impute *impute, struct qn_type type,
                              const struct sum *sum)
{
    struct qn_cell cell = {.valid = sum->n > 0};
    if (!cell.valid)
        return cell;
    if (type.id == QN_DOUBLE) {
        double unit = impute->round >= 0 ? (double)qn_pow10((uint8_t)impute->round) : 0;
        cell.f64 = sum->f64 / (double)sum->n;
        if (unit > 0)
            cell.f64 = round(cell.f64 * unit) / unit;
        return cell;
    }
    uint8_t places = type.id == QN_DECIMAL ? type.scale : 0;
    uint8_t scale = impute->round >= 0 && impute->round < places ? (uint8_t)impute->round : places;
    cell.i64 =
        rounded_mean(sum->exact, sum->n, places, scale) * qn_pow10((uint8_t)(places - scale));
    return cell;
}

qn_code qn_impute_finish(const struct qn_etl *etl, const void *acc, struct qn_buf *state,
                         struct qn_err *err)
{
    const struct sum *sums = acc;
    for (uint32_t i = 0; i < etl->n_imputes; i++) {
        const struct qn_impute *impute = &etl->imputes[i];
        struct qn_type type = *type_of(etl, i);
        struct qn_cell cell = impute->constant;
        if (impute->strategy == QN_IMPUTE_MEAN && sums)
            cell = mean_of(impute, type, &sums[i]);
        qn_cell_pack(state, type, cell);
    }
    return qn_buf_check(state, "imputed values", err);
}

qn_code qn_impute_values(const struct qn_etl *etl, struct qn_strv state, struct qn_cell *values,
                         struct qn_err *err)
{
    struct qn_unpack in = qn_unpack_from(state);
    for (uint32_t i = 0; i < etl->n_imputes; i++)
        values[i] = qn_cell_unpack(&in, *type_of(etl, i));
    return qn_unpack_end(&in, "imputed values", err);
}

static qn_code fill(struct qn_arena *arena, struct qn_column *column, uint32_t n_rows,
                    struct qn_cell value, struct qn_err *err)
{
    struct qn_column joined;
    if (qn_type_layout(column->type) != QN_LAYOUT_TEXT) {
        QN_TRY(qn_column_new(arena, column->type, n_rows, &joined, err));
        bool is_bool = qn_type_layout(column->type) == QN_LAYOUT_BOOL;
        for (uint32_t row = 0; row < n_rows; row++) {
            bool present = qn_is_valid(column, row);
            if (is_bool)
                joined.bools[row] = present ? column->bools[row] : (uint8_t)value.i64;
            else
                joined.i64[row] = present ? column->i64[row] : value.i64;
        }
        *column = joined;
        return QN_OK;
    }
    uint64_t bytes = (uint64_t)column->offsets[n_rows] + value.text.len * (uint64_t)n_rows;
    QN_TRY(qn_column_new(arena, column->type, n_rows, &joined, err));
    joined.bytes = bytes <= UINT32_MAX ? qn_arena_alloc(arena, (size_t)bytes + 1) : NULL;
    if (!joined.bytes)
        return qn_err_nomem(err, "imputation");
    for (uint32_t row = 0; row < n_rows; row++) {
        struct qn_strv text = qn_is_valid(column, row) ? qn_text_at(column, row) : value.text;
        if (text.len)
            memcpy(joined.bytes + joined.offsets[row], text.data, text.len);
        joined.offsets[row + 1] = joined.offsets[row] + (uint32_t)text.len;
    }
    *column = joined;
    return QN_OK;
}

qn_code qn_impute_apply(const struct qn_etl *etl, const struct qn_cell *values,
                        struct qn_arena *arena, struct qn_batch *batch, uint64_t *nulls,
                        uint64_t *imputed, struct qn_err *err)
{
    for (uint32_t c = 0; c < etl->in->n_fields; c++)
        nulls[c] += batch->n_rows - qn_column_count_valid(&batch->columns[c], batch->n_rows);
    for (uint32_t i = 0; i < etl->n_imputes; i++) {
        struct qn_column *column = &batch->columns[etl->imputes[i].column];
        uint32_t missing = batch->n_rows - qn_column_count_valid(column, batch->n_rows);
        if (!missing || !values[i].valid)
            continue; /* nothing to fill, or a column without a single value */
        imputed[etl->imputes[i].column] += missing;
        QN_TRY(fill(arena, column, batch->n_rows, values[i], err));
    }
    return QN_OK;
}
