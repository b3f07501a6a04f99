#include "jobs/train/measured.h"

const char *qn_train_split_name(int split)
{
    if (split < QN_N_SIDES)
        return qn_side_name((enum qn_side)split);
    return split == QN_TRAIN_COMPARED ? "compared" : "against";
}

static uint32_t most_slices(const struct qn_train *train)
{
    return train->n_slices * (QN_MOST_SLICES + 2) * QN_N_SIDES;
}

qn_code qn_train_measured_init(struct qn_train_measured *measured, const struct qn_train *train,
                               struct qn_arena *arena, struct qn_err *err)
{
    *measured = (struct qn_train_measured){
        .splits = QN_NEW_ARRAY(arena, struct qn_train_split_measured, QN_TRAIN_N_SPLITS),
        .slices = QN_NEW_ARRAY(arena, struct qn_train_slice, most_slices(train)),
        .results = QN_NEW_ARRAY(arena, struct qn_paired_result, train->n_rules)};
    return measured->splits && measured->slices && measured->results ? QN_OK
                                                                     : qn_err_nomem(err, "metrics");
}

/* --- one form for both ways ------------------------------------------------------------------- */

/* Numbers are put when `out` is there, else read. */
struct pass {
    struct qn_buf *out;
    struct qn_unpack *in;
};

static void f64(const struct pass *pass, double *value)
{
    if (pass->out)
        qn_buf_put_f64(pass->out, *value);
    else
        *value = qn_unpack_f64(pass->in);
}

static void u64(const struct pass *pass, uint64_t *value)
{
    if (pass->out)
        qn_buf_put_u64(pass->out, *value);
    else
        *value = qn_unpack_u64(pass->in);
}

/* A count of at most `most`. */
static void count(const struct pass *pass, uint32_t most, uint32_t *value)
{
    if (pass->out)
        qn_buf_put_u32(pass->out, *value);
    else
        *value = qn_unpack_u32(pass->in);
    if (pass->in && *value > most) {
        pass->in->failed = true;
        *value = 0;
    }
}

static void bin(const struct pass *pass, struct qn_bin *value)
{
    count(pass, QN_MOST_BINS, &value->number);
    u64(pass, &value->rows);
    u64(pass, &value->positives);
    f64(pass, &value->low);
    f64(pass, &value->high);
    f64(pass, &value->mean_score);
    f64(pass, &value->lift);
    f64(pass, &value->gain);
}

static void split(const struct pass *pass, struct qn_train_split_measured *value)
{
    struct qn_threshold_result *threshold = &value->threshold;
    for (int i = 0; i < QN_N_METRICS; i++)
        f64(pass, &value->metrics[i]);
    f64(pass, &threshold->threshold);
    f64(pass, &threshold->share);
    f64(pass, &threshold->precision);
    f64(pass, &threshold->recall);
    f64(pass, &threshold->cost);
    for (int kind = 0; kind < QN_N_BIN_KINDS; kind++) {
        count(pass, QN_MOST_BINS, &value->n_bins[kind]);
        for (uint32_t i = 0; i < value->n_bins[kind]; i++)
            bin(pass, &value->bins[kind][i]);
    }
    count(pass, QN_MOST_POINTS, &value->n_points);
    for (uint32_t i = 0; i < value->n_points; i++) {
        f64(pass, &value->points[i].threshold);
        u64(pass, &value->points[i].true_positives);
        u64(pass, &value->points[i].false_positives);
    }
}

static void slice(const struct pass *pass, uint32_t n_columns, struct qn_train_slice *value)
{
    uint32_t side = value->side, present = value->value.data != NULL;
    count(pass, n_columns - 1, &value->column);
    count(pass, QN_N_SIDES - 1, &side);
    count(pass, 1, &present);
    value->side = (uint8_t)side;
    if (pass->out)
        qn_buf_put_str(pass->out, value->value);
    else
        value->value = qn_unpack_str(pass->in);
    if (!present)
        value->value = (struct qn_strv){0};
    for (int i = 0; i < QN_N_METRICS; i++)
        f64(pass, &value->metrics[i]);
}

static void result(const struct pass *pass, struct qn_paired_result *value)
{
    for (int model = 0; model < 2; model++)
        f64(pass, &value->value[model]);
    f64(pass, &value->difference);
    f64(pass, &value->std_error);
    if (pass->in)
        pass->in->failed |= !(value->std_error >= 0);
}

static void all(const struct pass *pass, const struct qn_train *train,
                struct qn_train_measured *value)
{
    uint32_t compared = value->compared;
    for (int i = 0; i < QN_TRAIN_N_SPLITS; i++)
        split(pass, &value->splits[i]);
    count(pass, most_slices(train), &value->n_slices);
    for (uint32_t i = 0; i < value->n_slices; i++)
        slice(pass, train->n_slices, &value->slices[i]);
    for (int c = 0; c < 2; c++)
        u64(pass, &value->shared[c]);
    count(pass, 1, &compared);
    value->compared = compared == 1;
    for (uint32_t i = 0; value->compared && i < train->n_rules; i++)
        result(pass, &value->results[i]);
}

void qn_train_measured_pack(struct qn_buf *out, const struct qn_train *train,
                            const struct qn_train_measured *measured)
{
    struct qn_train_measured copy = *measured; /* nothing behind its pointers changes */
    all(&(struct pass){.out = out}, train, &copy);
}

qn_code qn_train_measured_unpack(struct qn_strv bytes, const struct qn_train *train,
                                 struct qn_arena *arena, struct qn_train_measured *measured,
                                 struct qn_err *err)
{
    struct qn_unpack in = qn_unpack_from(bytes);
    QN_TRY(qn_train_measured_init(measured, train, arena, err));
    all(&(struct pass){.in = &in}, train, measured);
    return qn_unpack_end(&in, "metrics", err);
}
