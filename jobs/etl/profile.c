#include "jobs/etl/etl.h"

#include <math.h>

static qn_code widen(struct qn_profile *profile, struct qn_arena *arena, struct qn_type type,
                     struct qn_cell cell, struct qn_err *err)
{
    if (!cell.valid)
        return QN_OK;
    if (!profile->min.valid || qn_cell_cmp(type, cell, profile->min) < 0)
        QN_TRY(qn_cell_copy(arena, cell, &profile->min, err));
    if (!profile->max.valid || qn_cell_cmp(type, cell, profile->max) > 0)
        QN_TRY(qn_cell_copy(arena, cell, &profile->max, err));
    return QN_OK;
}

/* Welford's update: mean and sum of squared deviations in one pass. */
static void add_number(struct qn_profile *profile, double value)
{
    double delta = value - profile->mean;
    profile->mean += delta / (double)profile->present;
    profile->m2 += delta * (value - profile->mean);
}

qn_code qn_profile_add(struct qn_profile *profile, struct qn_arena *arena,
                       const struct qn_column *column, uint32_t n_rows, struct qn_err *err)
{
    bool numeric = qn_type_is_numeric(column->type);
    struct qn_cell low = {0}, high = {0};
    profile->rows += n_rows;
    for (uint32_t row = 0; row < n_rows; row++) {
        struct qn_cell cell = qn_cell_at(column, row);
        if (!cell.valid)
            continue;
        profile->present++;
        if (!low.valid || qn_cell_cmp(column->type, cell, low) < 0)
            low = cell;
        if (!high.valid || qn_cell_cmp(column->type, cell, high) > 0)
            high = cell;
        if (numeric)
            add_number(profile, qn_cell_f64(column->type, cell));
    }
    QN_TRY(widen(profile, arena, column->type, low, err));
    return widen(profile, arena, column->type, high, err);
}

void qn_profile_pack(const struct qn_profile *profile, struct qn_type type, struct qn_buf *buf)
{
    qn_buf_put_u64(buf, profile->rows);
    qn_buf_put_u64(buf, profile->nulls);
    qn_buf_put_u64(buf, profile->imputed);
    qn_buf_put_u64(buf, profile->present);
    qn_cell_pack(buf, type, profile->min);
    qn_cell_pack(buf, type, profile->max);
    qn_buf_put_f64(buf, profile->mean);
    qn_buf_put_f64(buf, profile->m2);
}

qn_code qn_profile_merge(struct qn_profile *profile, struct qn_arena *arena, struct qn_type type,
                         struct qn_unpack *in, struct qn_err *err)
{
    profile->rows += qn_unpack_u64(in);
    profile->nulls += qn_unpack_u64(in);
    profile->imputed += qn_unpack_u64(in);
    uint64_t present = qn_unpack_u64(in);
    struct qn_cell low = qn_cell_unpack(in, type), high = qn_cell_unpack(in, type);
    double mean = qn_unpack_f64(in), m2 = qn_unpack_f64(in);
    if (in->failed)
        return QN_OK; /* the caller's qn_unpack_end says so */
    QN_TRY(widen(profile, arena, type, low, err));
    QN_TRY(widen(profile, arena, type, high, err));
    if (present == 0)
        return QN_OK;
    /* Chan, Golub and LeVeque's merge of two (n, mean, M2). */
    double a = (double)profile->present, b = (double)present, delta = mean - profile->mean;
    profile->mean += delta * b / (a + b);
    profile->m2 += m2 + delta * delta * a * b / (a + b);
    profile->present += present;
    return QN_OK;
}

static const char *text_of(struct qn_arena *arena, struct qn_type type, struct qn_cell cell)
{
    struct qn_buf buf;
    if (!cell.valid)
        return NULL;
    qn_buf_init(&buf);
    qn_cell_format(&buf, type, cell);
    const char *text = buf.failed ? NULL : qn_arena_strdup(arena, qn_buf_strv(&buf));
    qn_buf_fini(&buf);
    return text;
}

qn_code qn_profile_report(const struct qn_profile *profile, const char *column, struct qn_type type,
                          struct qn_arena *arena, struct qn_profile_finding *out,
                          struct qn_err *err)
{
    char name[QN_TYPE_NAME];
    bool numeric = qn_type_is_numeric(type) && profile->present > 0;
    *out = (struct qn_profile_finding){
        .column = column,
        .type = qn_arena_strdup(arena, qn_strv_from(qn_type_name(type, name))),
        .rows = profile->rows,
        .nulls = profile->nulls,
        .imputed = profile->imputed,
        .min = text_of(arena, type, profile->min),
        .max = text_of(arena, type, profile->max),
        .mean = numeric ? profile->mean : (double)NAN,
        .stddev = numeric && profile->present > 1
                      ? sqrt(profile->m2 / (double)(profile->present - 1))
                      : (double)NAN};
    return out->type ? QN_OK : qn_err_nomem(err, "a profile");
}
