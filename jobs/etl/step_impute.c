/* impute: what is missing gets the mean, the median, the most frequent value or a constant.
 *
 * Means are of exact sums, divided once: integers and decimals in 128 bits, doubles in a qn_sum. A
 * median is exact up to QN_MEDIAN_SAMPLE values; past that it is the median of that many, picked by
 * hash. */
#include <stdlib.h>
#include <string.h>

#include "base/sum.h"
#include "jobs/etl/bottom.h"
#include "jobs/etl/build.h"
#include "jobs/etl/cell.h"
#include "jobs/etl/counts.h"
#include "jobs/etl/etl.h"
#include "jobs/etl/number.h"

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
    struct qn_sum reals;
    struct qn_arena wide; /* of reals */
    uint64_t n;
    struct qn_bottom sample;
    struct qn_counts counts;
};

/* --- fitting --------------------------------------------------------------------------------- */

static void tallies_free(const struct impute *impute, struct tally *tallies)
{
    for (uint32_t i = 0; tallies && i < impute->n; i++) {
        qn_bottom_fini(&tallies[i].sample);
        qn_counts_fini(&tallies[i].counts);
        qn_arena_fini(&tallies[i].wide);
    }
    free(tallies);
}

static struct tally *tallies_new(const struct impute *impute)
{
    struct tally *tallies = calloc(impute->n, sizeof *tallies);
    for (uint32_t i = 0; tallies && i < impute->n; i++) {
        qn_arena_init(&tallies[i].wide);
        qn_bottom_init(&tallies[i].sample, QN_MEDIAN_SAMPLE);
        qn_counts_init(&tallies[i].counts, impute->columns[i].type, QN_MAX_COUNTED_VALUES);
    }
    return tallies;
}

static qn_code tally_mean(struct tally *tally, const struct qn_column *column, uint32_t n_rows,
                          struct qn_err *err)
{
    bool is_double = column->type.id == QN_DOUBLE;
    for (uint32_t row = 0; row < n_rows; row++) {
        if (!qn_is_valid(column, row))
            continue;
        if (is_double)
            QN_TRY(qn_sum_add(&tally->reals, column->f64[row], &tally->wide, err));
        else
            tally->sum += column->i64[row];
        tally->n++;
    }
    return QN_OK;
}

static qn_code tally_median(struct tally *tally, const struct qn_column *column,
                            const struct qn_etl_step_ctx *ctx, const struct qn_batch *batch,
                            struct qn_err *err)
{
    struct qn_copy_counter copies = {0};
    for (uint32_t row = 0; row < batch->n_rows; row++) {
        if (!qn_is_valid(column, row))
            continue;
        struct qn_row_id id = qn_etl_step_row_id(ctx, &copies, batch, row);
        /* Doubles go in as their bits; i64 is the same memory. */
        QN_TRY(qn_bottom_add(&tally->sample, qn_row_hash(ctx->in->seed, id),
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

static void fit_needs(const struct qn_etl_step *step, bool *before)
{
    const struct impute *impute = step->impl;
    for (uint32_t i = 0; i < impute->n; i++)
        if (impute->columns[i].strategy != CONSTANT)
            before[impute->columns[i].column] = true;
}

static qn_code fit_begin(const struct qn_etl_step *step, struct qn_etl_step_ctx *ctx, void **fit,
                         struct qn_err *err)
{
    (void)ctx;
    *fit = tallies_new(step->impl);
    return *fit ? QN_OK : qn_err_nomem(err, "imputation");
}

static qn_code fit_update(const struct qn_etl_step *step, struct qn_etl_step_ctx *ctx, void *fit,
                          const struct qn_batch *batch, struct qn_err *err)
{
    const struct impute *impute = step->impl;
    struct tally *tallies = fit;
    for (uint32_t i = 0; i < impute->n; i++) {
        const struct filled *filled = &impute->columns[i];
        const struct qn_column *column = &batch->columns[filled->column];
        switch (filled->strategy) {
        case MEAN: QN_TRY(tally_mean(&tallies[i], column, batch->n_rows, err)); break;
        case MEDIAN: QN_TRY(tally_median(&tallies[i], column, ctx, batch, err)); break;
        case MOST_FREQUENT:
            QN_TRY(tally_counts(&tallies[i], filled, column, batch->n_rows, err));
            break;
        case CONSTANT: break;
        }
    }
    return QN_OK;
}

static void pack_mean(const struct tally *tally, struct qn_buf *buf)
{
    struct qn_exact_sum reals;
    qn_sum_widen(&tally->reals, &reals);
    qn_buf_put_u64(buf, tally->n);
    qn_put_i128(buf, tally->sum);
    qn_exact_pack(buf, &reals);
}

static qn_code merge_mean(struct tally *tally, struct qn_unpack *in, struct qn_err *err)
{
    struct qn_exact_sum reals;
    tally->n += qn_unpack_u64(in);
    tally->sum += qn_unpack_i128(in);
    qn_exact_unpack(in, &reals);
    const struct qn_sum more = {.wide = &reals};
    return in->failed ? QN_OK : qn_sum_merge(&tally->reals, &more, &tally->wide, err);
}

static qn_code fit_end(const struct qn_etl_step *step, struct qn_etl_step_ctx *ctx, void *fit,
                       bool failed, struct qn_err *err)
{
    const struct impute *impute = step->impl;
    struct tally *tallies = fit;
    struct qn_buf buf;
    qn_buf_init(&buf);
    for (uint32_t i = 0; i < impute->n && !failed; i++) {
        switch (impute->columns[i].strategy) {
        case MEAN: pack_mean(&tallies[i], &buf); break;
        case MEDIAN: qn_bottom_pack(&tallies[i].sample, &buf); break;
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

/* NULL: no memory. */
static struct impute_acc *acc_get(const struct impute *impute, void **acc)
{
    if (*acc)
        return *acc;
    struct impute_acc *fresh = calloc(1, sizeof *fresh);
    struct tally *tallies = fresh ? tallies_new(impute) : NULL;
    if (!tallies) {
        free(fresh);
        return NULL;
    }
    *fresh = (struct impute_acc){impute, tallies};
    *acc = fresh;
    return fresh;
}

static qn_code fit_merge(const struct qn_etl_step *step, void **acc, struct qn_strv partial,
                         struct qn_err *err)
{
    const struct impute *impute = step->impl;
    struct impute_acc *fit = acc_get(impute, acc);
    if (!fit)
        return qn_err_nomem(err, "imputation");
    struct qn_unpack in = qn_unpack_from(partial);
    for (uint32_t i = 0; i < impute->n && !in.failed; i++) {
        struct tally *tally = &fit->tallies[i];
        switch (impute->columns[i].strategy) {
        case MEAN: QN_TRY(merge_mean(tally, &in, err)); break;
        case MEDIAN: QN_TRY(qn_bottom_merge(&tally->sample, &in, err)); break;
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
    const struct qn_bottom_entry *a = left, *b = right;
    int64_t x = (int64_t)a->value, y = (int64_t)b->value;
    return (x > y) - (x < y);
}

static double entry_f64(const struct qn_bottom_entry *entry)
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

static struct qn_cell median_of(const struct filled *filled, struct qn_bottom *sample)
{
    qn_bottom_sort(sample);
    if (sample->n == 0)
        return (struct qn_cell){0};
    bool is_double = filled->type.id == QN_DOUBLE;
    qsort(sample->entries, sample->n, sizeof *sample->entries,
          is_double ? compare_f64 : compare_i64);
    const struct qn_bottom_entry *low = &sample->entries[(sample->n - 1) / 2];
    const struct qn_bottom_entry *high = &sample->entries[sample->n / 2];
    if (is_double)
        return mean_of(filled, 0, entry_f64(low) + entry_f64(high), 2);
    return mean_of(filled, (qn_i128)(int64_t)low->value + (int64_t)high->value, 0, 2);
}

static qn_code fit_finish(const struct qn_etl_step *step, void **acc, struct qn_buf *state,
                          struct qn_err *err)
{
    const struct impute *impute = step->impl;
    struct impute_acc *fit = acc_get(impute, acc);
    if (!fit)
        return qn_err_nomem(err, "imputation");
    for (uint32_t i = 0; i < impute->n; i++) {
        const struct filled *filled = &impute->columns[i];
        struct tally *tally = &fit->tallies[i];
        struct qn_cell value = filled->constant;
        if (filled->strategy == MEAN)
            value = mean_of(filled, tally->sum, qn_sum_round(&tally->reals), tally->n);
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

/* --- acting ---------------------------------------------------------------------------------- */

struct impute_run {
    struct qn_cell *values; /* by filled column */
};

static qn_code impute_open(const struct qn_etl_step *step, struct qn_etl_step_ctx *ctx, void **run,
                           struct qn_err *err)
{
    const struct impute *impute = step->impl;
    struct impute_run *self = QN_NEW(ctx->in->arena, struct impute_run);
    if (self)
        self->values = QN_NEW_ARRAY(ctx->in->arena, struct qn_cell, impute->n);
    if (!self || !self->values)
        return qn_err_nomem(err, "imputation values");
    *run = self;
    if (!step->fitted) {
        for (uint32_t i = 0; i < impute->n; i++)
            self->values[i] = impute->columns[i].constant;
        return QN_OK;
    }
    struct qn_unpack in = qn_unpack_from(ctx->in->states[step->state_stage]);
    for (uint32_t i = 0; i < impute->n; i++)
        self->values[i] = qn_cell_unpack(&in, impute->columns[i].type);
    return qn_unpack_end(&in, "imputation values", err);
}

/* Text moves: its NULLs may hold no bytes at all. */
static qn_code fill_text(struct qn_etl_step_ctx *ctx, struct qn_strv value, uint32_t n_rows,
                         struct qn_column *column, struct qn_err *err)
{
    struct qn_column out;
    QN_TRY(qn_column_new(ctx->arena, column->type, n_rows, &out, err));
    uint64_t total = 0;
    for (uint32_t row = 0; row < n_rows; row++)
        total += qn_is_valid(column, row) ? qn_text_at(column, row).len : value.len;
    out.bytes = total < UINT32_MAX ? qn_arena_alloc(ctx->arena, (size_t)total + 1) : NULL;
    if (!out.bytes)
        return qn_err_nomem(err, "filled text");
    for (uint32_t row = 0; row < n_rows; row++) {
        struct qn_strv text = qn_is_valid(column, row) ? qn_text_at(column, row) : value;
        if (text.len)
            memcpy(out.bytes + out.offsets[row], text.data, text.len);
        out.offsets[row + 1] = out.offsets[row] + (uint32_t)text.len;
    }
    *column = out;
    return QN_OK;
}

static qn_code fill_fixed(struct qn_etl_step_ctx *ctx, struct qn_cell value, uint32_t n_rows,
                          struct qn_column *column, struct qn_err *err)
{
    struct qn_column out;
    QN_TRY(qn_column_new(ctx->arena, column->type, n_rows, &out, err));
    if (qn_type_layout(column->type) == QN_LAYOUT_BOOL) {
        for (uint32_t row = 0; row < n_rows; row++)
            out.bools[row] = qn_is_valid(column, row) ? column->bools[row] : value.i64 != 0;
    } else { /* doubles move as their bits: cell.i64 is the same memory */
        for (uint32_t row = 0; row < n_rows; row++)
            out.i64[row] = qn_is_valid(column, row) ? column->i64[row] : value.i64;
    }
    *column = out;
    return QN_OK;
}

static qn_code impute_apply(const struct qn_etl_step *step, struct qn_etl_step_ctx *ctx, void *run,
                            const bool *live, struct qn_batch *batch, struct qn_err *err)
{
    const struct impute *impute = step->impl;
    const struct impute_run *self = run;
    for (uint32_t i = 0; i < impute->n; i++) {
        const struct filled *filled = &impute->columns[i];
        struct qn_column *column = &batch->columns[filled->column];
        struct qn_imputed *imputed = &ctx->imputed[filled->slot];
        uint32_t missing = 0;
        if (live[filled->column] && self->values[i].valid)
            missing = batch->n_rows - qn_column_count_valid(column, batch->n_rows);
        if (missing == 0)
            continue;
        imputed->origins = qn_arena_alloc(ctx->arena, missing * sizeof *imputed->origins);
        if (!imputed->origins)
            return qn_err_nomem(err, "imputed rows");
        for (uint32_t row = 0; row < batch->n_rows; row++)
            if (!qn_is_valid(column, row))
                imputed->origins[imputed->n++] = batch->origin[row];
        if (filled->type.id == QN_TEXT)
            QN_TRY(fill_text(ctx, self->values[i].text, batch->n_rows, column, err));
        else
            QN_TRY(fill_fixed(ctx, self->values[i], batch->n_rows, column, err));
    }
    return QN_OK;
}

static const struct qn_etl_step_ops impute_ops = {
    .name = "impute",
    .needs = qn_etl_step_needs_same,
    .open = impute_open,
    .apply = impute_apply,
    .fit = &impute_fit,
};

/* --- compiling ------------------------------------------------------------------------------- */

static bool read_constant(struct qn_etl_build *build, const struct qn_pair *pair,
                          struct filled *filled)
{
    const struct qn_node *value = qn_node_get(&pair->value, "value");
    char type[QN_TYPE_NAME];
    if (!value || value->kind != QN_NODE_SCALAR) {
        qn_diags_add(build->env->diags, pair->key_span, "value: ...", NULL,
                     "strategy constant of column '%s' needs a value", filled->name);
        return false;
    }
    if (!qn_cell_parse(filled->type, value->text, &filled->constant)) {
        qn_diags_add(build->env->diags, value->span, qn_type_name(filled->type, type), NULL,
                     "'%.*s' is no value of column '%s'", QN_STRV_ARG(value->text), filled->name);
        return false;
    }
    return true;
}

static bool read_strategy(struct qn_etl_build *build, const struct qn_pair *pair,
                          struct filled *filled)
{
    struct qn_strv name = qn_strv_from(qn_node_text(qn_node_get(&pair->value, "strategy"), ""));
    bool numeric = qn_type_is_numeric(filled->type);
    bool ordered = numeric || filled->type.id == QN_DATE || filled->type.id == QN_TIMESTAMP;
    const struct qn_node *round = qn_node_get(&pair->value, "round");
    if (round && !numeric)
        qn_diags_add(build->env->diags, round->span, NULL, NULL,
                     "round is for numbers, column '%s' holds none", filled->name);
    filled->places = (int)qn_node_i64(round, -1);
    if (qn_strv_is(name, "constant")) {
        filled->strategy = CONSTANT;
        return read_constant(build, pair, filled);
    }
    filled->strategy = qn_strv_is(name, "mean")     ? MEAN
                       : qn_strv_is(name, "median") ? MEDIAN
                                                    : MOST_FREQUENT;
    char type[QN_TYPE_NAME];
    if ((filled->strategy == MEAN && !numeric) || (filled->strategy == MEDIAN && !ordered)) {
        qn_diags_add(build->env->diags, pair->key_span, NULL, "use most_frequent or constant",
                     "column '%s' is %s and has no %.*s", filled->name,
                     qn_type_name(filled->type, type), QN_STRV_ARG(name));
        return false;
    }
    return true;
}

void qn_etl_build_impute(struct qn_etl_build *build, const struct qn_node *node)
{
    struct impute *impute = QN_BUILD_ARRAY(build, struct impute, 1);
    struct filled *columns = QN_BUILD_ARRAY(build, struct filled, node->n);
    const char **names = QN_BUILD_ARRAY(build, const char *, node->n);
    if (!impute || !columns || !names)
        return;
    *impute = (struct impute){.columns = columns};
    bool fitted = false;
    for (uint32_t i = 0; i < node->n; i++) {
        const struct qn_pair *pair = &node->pairs[i];
        int32_t column = qn_etl_build_find(build, build->schema, pair->key, pair->key_span);
        if (column < 0)
            continue;
        const struct qn_field *field = &build->schema->fields[column];
        struct filled *filled = &columns[impute->n];
        *filled = (struct filled){.column = (uint32_t)column,
                                  .slot = impute->n,
                                  .type = field->type,
                                  .name = field->name};
        if (!read_strategy(build, pair, filled))
            continue;
        fitted = fitted || filled->strategy != CONSTANT;
        names[impute->n++] = field->name;
    }
    if (impute->n == 0)
        return;
    struct qn_etl_step *step = qn_etl_build_step(build, &impute_ops, build->schema, impute);
    if (step)
        step->fitted = fitted;
    build->etl->imputed = names;
    build->etl->n_imputed = impute->n;
}
