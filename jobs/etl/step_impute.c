/* impute: what is missing gets the mean, the median, the most frequent value or a constant.
 *
 * Means of integers and decimals are exact: the sum is kept in 128 bits and divided once. Doubles
 * are summed in row order within a chunk and in chunk order across. A median is exact up to
 * QN_MEDIAN_SAMPLE values; past that it is the median of that many, picked by hash. */
#include <stdlib.h>
#include <string.h>

#include "jobs/etl/build.h"
#include "jobs/etl/cell.h"
#include "jobs/etl/counts.h"
#include "jobs/etl/etl.h"
#include "jobs/etl/number.h"
#include "jobs/etl/sample.h"

enum strategy { MEAN, MEDIAN, MOST_FREQUENT, CONSTANT };

struct filled {
    uint32_t column, slot; /* slot: in qn_etl.imputed */
    struct qn_type type;
    enum strategy strategy;
    int places;              /* round; -1: as the column */
    struct qn_cell constant; /* CONSTANT */
    const char *name;
};

struct impute {
    struct filled *columns;
    uint32_t n;
};

/* What fitting one column has seen so far. */
struct tally {
    qn_i128 sum;
    double sum_f64;
    uint64_t n;
    struct qn_sample sample;
    struct qn_counts counts;
};

/* --- fitting --------------------------------------------------------------------------------- */

static void tallies_free(const struct impute *impute, struct tally *tallies)
{
    for (uint32_t i = 0; tallies && i < impute->n; i++) {
        qn_sample_fini(&tallies[i].sample);
        qn_counts_fini(&tallies[i].counts);
    }
    free(tallies);
}

static struct tally *tallies_new(const struct impute *impute)
{
    struct tally *tallies = calloc(impute->n, sizeof *tallies);
    for (uint32_t i = 0; tallies && i < impute->n; i++) {
        qn_sample_init(&tallies[i].sample, QN_MEDIAN_SAMPLE);
        qn_counts_init(&tallies[i].counts, impute->columns[i].type, QN_MAX_COUNTED_VALUES);
    }
    return tallies;
}

static void tally_mean(struct tally *tally, const struct qn_column *column, uint32_t n_rows)
{
    bool is_double = column->type.id == QN_DOUBLE;
    for (uint32_t row = 0; row < n_rows; row++) {
        if (!qn_is_valid(column, row))
            continue;
        if (is_double)
            tally->sum_f64 += column->f64[row];
        else
            tally->sum += column->i64[row];
        tally->n++;
    }
}

static qn_code tally_median(struct tally *tally, const struct qn_column *column,
                            const struct qn_step_ctx *ctx, const struct qn_batch *batch,
                            struct qn_err *err)
{
    struct qn_copy_counter copies = {0};
    for (uint32_t row = 0; row < batch->n_rows; row++) {
        if (!qn_is_valid(column, row))
            continue;
        struct qn_row_id id = qn_step_row_id(ctx, &copies, batch, row);
        /* Doubles go in as their bits; i64 is the same memory. */
        QN_TRY(qn_sample_add(&tally->sample, qn_row_hash(ctx->in->seed, id),
                             (uint64_t)column->i64[row], err));
    }
    return QN_OK;
}

static qn_code tally_counts(struct tally *tally, const struct filled *filled,
                            const struct qn_column *column, uint32_t n_rows, struct qn_err *err)
{
    for (uint32_t row = 0; row < n_rows; row++) {
        if (!qn_is_valid(column, row))
            continue;
        qn_code code = qn_counts_add(&tally->counts, column, row, 1, err);
        if (code != QN_OK) {
            qn_err_frame(err, "while looking for the most frequent value of column %s",
                         filled->name);
            return code;
        }
    }
    return QN_OK;
}

static void fit_needs(const struct qn_step *step, bool *before)
{
    const struct impute *impute = step->impl;
    for (uint32_t i = 0; i < impute->n; i++)
        if (impute->columns[i].strategy != CONSTANT)
            before[impute->columns[i].column] = true;
}

static qn_code fit_begin(const struct qn_step *step, struct qn_step_ctx *ctx, void **fit,
                         struct qn_err *err)
{
    (void)ctx;
    *fit = tallies_new(step->impl);
    return *fit ? QN_OK : qn_err_nomem(err, "imputation");
}

static qn_code fit_update(const struct qn_step *step, struct qn_step_ctx *ctx, void *fit,
                          const struct qn_batch *batch, struct qn_err *err)
{
    const struct impute *impute = step->impl;
    struct tally *tallies = fit;
    for (uint32_t i = 0; i < impute->n; i++) {
        const struct filled *filled = &impute->columns[i];
        const struct qn_column *column = &batch->columns[filled->column];
        switch (filled->strategy) {
        case MEAN: tally_mean(&tallies[i], column, batch->n_rows); break;
        case MEDIAN: QN_TRY(tally_median(&tallies[i], column, ctx, batch, err)); break;
        case MOST_FREQUENT:
            QN_TRY(tally_counts(&tallies[i], filled, column, batch->n_rows, err));
            break;
        case CONSTANT: break;
        }
    }
    return QN_OK;
}

static qn_code fit_end(const struct qn_step *step, struct qn_step_ctx *ctx, void *fit, bool failed,
                       struct qn_err *err)
{
    const struct impute *impute = step->impl;
    struct tally *tallies = fit;
    struct qn_buf buf;
    qn_buf_init(&buf);
    for (uint32_t i = 0; i < impute->n && !failed; i++) {
        switch (impute->columns[i].strategy) {
        case MEAN:
            qn_buf_put_u64(&buf, tallies[i].n);
            qn_buf_put_f64(&buf, tallies[i].sum_f64);
            qn_put_i128(&buf, tallies[i].sum);
            break;
        case MEDIAN: qn_sample_pack(&tallies[i].sample, &buf); break;
        case MOST_FREQUENT: qn_counts_pack(&tallies[i].counts, &buf); break;
        case CONSTANT: break;
        }
    }
    tallies_free(impute, tallies);
    qn_code code = failed ? QN_OK : qn_buf_check(&buf, "imputation", err);
    if (!failed && code == QN_OK)
        code = ctx->out->ops->partial(ctx->out, qn_buf_strv(&buf), err);
    qn_buf_fini(&buf);
    return code;
}

struct impute_acc {
    const struct impute *impute;
    struct tally *tallies;
};

static void free_acc(void *acc)
{
    struct impute_acc *fit = acc;
    if (fit)
        tallies_free(fit->impute, fit->tallies);
    free(fit);
}

static qn_code acc_get(const struct impute *impute, void **acc, struct impute_acc **out,
                       struct qn_err *err)
{
    if (!*acc) {
        struct impute_acc *fresh = calloc(1, sizeof *fresh);
        struct tally *tallies = fresh ? tallies_new(impute) : NULL;
        if (!tallies) {
            free(fresh);
            return qn_err_nomem(err, "imputation");
        }
        *fresh = (struct impute_acc){impute, tallies};
        *acc = fresh;
    }
    *out = *acc;
    return QN_OK;
}

static qn_code fit_merge(const struct qn_step *step, void **acc, struct qn_strv partial,
                         struct qn_err *err)
{
    const struct impute *impute = step->impl;
    struct impute_acc *fit;
    QN_TRY(acc_get(impute, acc, &fit, err));
    struct qn_unpack in = qn_unpack_from(partial);
    for (uint32_t i = 0; i < impute->n && !in.failed; i++) {
        struct tally *tally = &fit->tallies[i];
        switch (impute->columns[i].strategy) {
        case MEAN:
            tally->n += qn_unpack_u64(&in);
            tally->sum_f64 += qn_unpack_f64(&in);
            tally->sum += qn_unpack_i128(&in);
            break;
        case MEDIAN: QN_TRY(qn_sample_merge(&tally->sample, &in, err)); break;
        case MOST_FREQUENT: QN_TRY(qn_counts_merge(&tally->counts, &in, err)); break;
        case CONSTANT: break;
        }
    }
    return qn_unpack_end(&in, "an imputation partial", err);
}

/* sum / n as a value of the column: integers and decimals rounded once, exactly. */
static struct qn_cell mean_of(const struct filled *filled, qn_i128 sum, double sum_f64, uint64_t n)
{
    struct qn_cell mean = {.valid = n > 0};
    if (!mean.valid)
        return mean;
    if (filled->type.id == QN_DOUBLE) {
        mean.f64 = sum_f64 / (double)n;
        if (filled->places >= 0)
            mean.f64 = qn_round_f64(mean.f64, filled->places);
        return mean;
    }
    int scale = filled->type.id == QN_DECIMAL ? filled->type.scale : 0;
    int dropped = filled->places >= 0 && filled->places < scale ? scale - filled->places : 0;
    qn_i128 unit = qn_pow10((uint8_t)dropped);
    mean.i64 = (int64_t)(qn_ratio_round(sum, (qn_i128)n * unit) * unit);
    return mean;
}

static int compare_i64(const void *left, const void *right)
{
    const struct qn_sample_entry *a = left, *b = right;
    int64_t x = (int64_t)a->value, y = (int64_t)b->value;
    return (x > y) - (x < y);
}

static double entry_f64(const struct qn_sample_entry *entry)
{
    double value;
    memcpy(&value, &entry->value, sizeof value);
    return value;
}

static int compare_f64(const void *left, const void *right)
{
    double x = entry_f64(left), y = entry_f64(right);
    return (x > y) - (x < y);
}

static struct qn_cell median_of(const struct filled *filled, struct qn_sample *sample)
{
    qn_sample_sort(sample);
    if (sample->n == 0)
        return (struct qn_cell){0};
    bool is_double = filled->type.id == QN_DOUBLE;
    qsort(sample->entries, sample->n, sizeof *sample->entries,
          is_double ? compare_f64 : compare_i64);
    const struct qn_sample_entry *low = &sample->entries[(sample->n - 1) / 2];
    const struct qn_sample_entry *high = &sample->entries[sample->n / 2];
    if (is_double)
        return mean_of(filled, 0, entry_f64(low) + entry_f64(high), 2);
    return mean_of(filled, (qn_i128)(int64_t)low->value + (int64_t)high->value, 0, 2);
}

static qn_code fit_finish(const struct qn_step *step, void *acc, struct qn_buf *state,
                          struct qn_err *err)
{
    const struct impute *impute = step->impl;
    struct impute_acc *fit;
    QN_TRY(acc_get(impute, &acc, &fit, err));
    for (uint32_t i = 0; i < impute->n; i++) {
        const struct filled *filled = &impute->columns[i];
        struct tally *tally = &fit->tallies[i];
        struct qn_cell value = filled->constant;
        if (filled->strategy == MEAN)
            value = mean_of(filled, tally->sum, tally->sum_f64, tally->n);
        else if (filled->strategy == MEDIAN)
            value = median_of(filled, &tally->sample);
        else if (filled->strategy == MOST_FREQUENT)
            value = qn_counts_top(&tally->counts);
        qn_cell_pack(state, filled->type, value);
    }
    return qn_buf_check(state, "imputation values", err);
}

static const struct qn_fit_ops impute_fit = {
    .stage = "fit impute",
    .needs = fit_needs,
    .begin = fit_begin,
    .update = fit_update,
    .end = fit_end,
    .merge = fit_merge,
    .finish = fit_finish,
    .free_acc = free_acc,
};
