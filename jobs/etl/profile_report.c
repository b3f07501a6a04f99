/* What a profile has to say of each column, in words and JSON. */
#include <math.h>
#include <stdlib.h>

#include "base/radix.h"
#include "jobs/etl/profile.h"
#include "jobs/etl/profile_histogram.h"

enum { TOP = 5 };

struct counted {
    struct qn_cell cell;
    uint64_t n;
    uint64_t hash; /* tells texts apart that were cut to the same */
};

/* Sampled values of one column without NULLs, in order: texts, or ranks of any others. */
struct values {
    struct qn_strv *texts;
    uint64_t *ranks;
    uint32_t n;
    struct qn_type type;
};

static int compare_texts(const void *a, const void *b)
{
    return qn_strv_cmp(*(const struct qn_strv *)a, *(const struct qn_strv *)b);
}

static qn_code values_read(const struct qn_row_sample *sample, uint32_t column, struct values *out,
                           struct qn_arena *arena, struct qn_err *err)
{
    const struct qn_column *sampled = &sample->columns[column].column;
    bool are_texts = sampled->type.id == QN_TEXT;
    *out = (struct values){.type = sampled->type};
    if (are_texts)
        out->texts = QN_NEW_ARRAY(arena, struct qn_strv, sample->bottom.n);
    else
        out->ranks = QN_NEW_ARRAY(arena, uint64_t, sample->bottom.n);
    if (!out->texts && !out->ranks)
        return qn_err_nomem(err, "a profile");
    for (uint32_t i = 0; i < sample->bottom.n; i++) {
        struct qn_cell cell = qn_cell_at(sampled, (uint32_t)sample->bottom.entries[i].value);
        if (cell.valid && are_texts)
            out->texts[out->n++] = cell.text;
        else if (cell.valid)
            out->ranks[out->n++] = qn_cell_rank(out->type, cell);
    }
    if (!are_texts)
        return qn_radix_sort(out->ranks, out->n, err);
    qsort(out->texts, out->n, sizeof *out->texts, compare_texts);
    return QN_OK;
}

static struct qn_cell values_at(const struct values *values, uint32_t i)
{
    return values->texts ? (struct qn_cell){.valid = true, .text = values->texts[i]}
                         : qn_cell_of_rank(values->type, values->ranks[i]);
}

static bool values_eq(const struct values *values, uint32_t i, uint32_t j)
{
    return values->texts ? qn_strv_eq(values->texts[i], values->texts[j])
                         : values->ranks[i] == values->ranks[j];
}

static const char *cell_text(struct qn_arena *arena, struct qn_type type, struct qn_cell cell)
{
    struct qn_buf buf;
    qn_buf_init(&buf);
    qn_cell_format(&buf, type, cell);
    char *text = buf.failed ? NULL : qn_arena_strdup(arena, qn_buf_strv(&buf));
    qn_buf_fini(&buf);
    return text;
}

/* Nearest ranks of the sample between the exact ends. */
static const char *quantiles(struct qn_arena *arena, const struct values *values,
                             struct qn_cell min, struct qn_cell max)
{
    struct qn_buf buf;
    qn_buf_init(&buf);
    qn_buf_put_u8(&buf, '[');
    qn_cell_json(&buf, values->type, min);
    for (uint32_t q = 1; q <= 3; q++) {
        uint32_t rank = (uint32_t)((uint64_t)(values->n - 1) * q / 4);
        qn_buf_put_u8(&buf, ',');
        qn_cell_json(&buf, values->type, values_at(values, rank));
    }
    qn_buf_put_u8(&buf, ',');
    qn_cell_json(&buf, values->type, max);
    qn_buf_put_u8(&buf, ']');
    char *text = buf.failed ? NULL : qn_arena_strdup(arena, qn_buf_strv(&buf));
    qn_buf_fini(&buf);
    return text;
}

/* --- top values ------------------------------------------------------------------------------ */

/* More frequent, or as frequent and smaller. */
static bool is_above(struct qn_type type, const struct counted *a, const struct counted *b)
{
    if (a->n != b->n)
        return a->n > b->n;
    int order = qn_cell_cmp(type, a->cell, b->cell);
    return order ? order < 0 : a->hash < b->hash;
}

struct top {
    struct counted at[TOP]; /* most frequent first */
    uint32_t n;
};

static void top_add(struct top *top, struct qn_type type, struct counted value)
{
    uint32_t at = top->n < TOP ? top->n++ : TOP;
    for (; at > 0 && is_above(type, &value, &top->at[at - 1]); at--)
        if (at < TOP)
            top->at[at] = top->at[at - 1];
    if (at < TOP)
        top->at[at] = value;
}

/* Every value was counted. */
static struct top top_of_all(const struct qn_values *values)
{
    struct top top = {0};
    for (uint32_t i = 0; i < values->sketch.n; i++) {
        const struct qn_sketch_entry *entry = &values->sketch.entries[i];
        top_add(&top, values->kept.column.type,
                (struct counted){qn_cell_at(&values->kept.column, i), entry->count, entry->hash});
    }
    return top;
}

/* From a sample, scaled up by `scale`. What it holds once may be anything: it is left out. */
static struct top top_of_sample(const struct values *values, double scale)
{
    struct top top = {0};
    for (uint32_t i = 0, n; i < values->n; i += n) {
        for (n = 1; i + n < values->n && values_eq(values, i, i + n);)
            n++;
        if (n > 1)
            top_add(&top, values->type, (struct counted){.cell = values_at(values, i), .n = n});
    }
    for (uint32_t i = 0; i < top.n; i++)
        top.at[i].n = (uint64_t)fmin(round((double)top.at[i].n * scale), 0x1p63);
    return top;
}

static const char *top_json(struct qn_arena *arena, struct qn_type type, const struct top *top)
{
    struct qn_buf buf;
    qn_buf_init(&buf);
    qn_buf_put_u8(&buf, '[');
    for (uint32_t i = 0; i < top->n; i++) {
        qn_buf_printf(&buf, "%s[", i ? "," : "");
        qn_cell_json(&buf, type, top->at[i].cell);
        qn_buf_printf(&buf, ",%llu]", (unsigned long long)top->at[i].n);
    }
    qn_buf_put_u8(&buf, ']');
    char *text = buf.failed ? NULL : qn_arena_strdup(arena, qn_buf_strv(&buf));
    qn_buf_fini(&buf);
    return text;
}

/* --- a column -------------------------------------------------------------------------------- */

static struct qn_cell extreme(const struct qn_column_profile *column, struct qn_type type, bool max)
{
    struct qn_cell cell = {.valid = column->any};
    if (type.id == QN_TEXT)
        cell.text = qn_buf_strv(max ? &column->max_text : &column->min_text);
    else
        cell.i64 = max ? column->max_i64 : column->min_i64;
    return cell;
}

/* An estimate may be too large, but never more than there are rows. */
static uint64_t distinct_count(const struct qn_profile *profile,
                               const struct qn_column_profile *column)
{
    uint64_t count = qn_sketch_count(&column->values.sketch);
    return count < profile->rows ? count : profile->rows;
}

static qn_code report_column(struct qn_profile *profile, uint32_t index,
                             struct qn_profile_finding *out, struct qn_arena *arena,
                             struct qn_err *err)
{
    const struct qn_column_profile *column = &profile->columns[index];
    const struct qn_field *field = &profile->schema->fields[index];
    struct qn_cell min = extreme(column, field->type, false);
    struct qn_cell max = extreme(column, field->type, true);
    char type[QN_TYPE_NAME];
    bool is_exact = qn_sketch_is_exact(&column->values.sketch);
    bool numeric = qn_type_is_numeric(field->type);
    *out = (struct qn_profile_finding){
        .column = qn_arena_strdup(arena, qn_strv_from(field->name)),
        .type = qn_arena_strdup(arena, qn_strv_from(qn_type_name(field->type, type))),
        .rows = profile->rows,
        .nulls = column->nulls,
        .imputed = column->imputed,
        .distinct_count = distinct_count(profile, column),
        .distinct_approximate = !is_exact,
        .mean = numeric ? qn_moments_mean(&column->moments, field->type) : (double)NAN,
        .stddev = numeric ? qn_moments_stddev(&column->moments, field->type) : (double)NAN,
    };
    if (!out->column || !out->type)
        return qn_err_nomem(err, "a profile");
    if (!column->any)
        return QN_OK;
    out->min = cell_text(arena, field->type, min);
    out->max = cell_text(arena, field->type, max);
    struct values values = {0};
    bool counted = qn_values_are_counted(&column->values);
    if (!counted || field->type.id != QN_TEXT)
        QN_TRY(values_read(&profile->sample, index, &values, arena, err));
    if (values.n && field->type.id != QN_TEXT && field->type.id != QN_BOOL) {
        out->histogram = qn_profile_histogram(arena, field->type, values.ranks, values.n, min, max);
        out->quantiles = quantiles(arena, &values, min, max);
    }
    double scale = (double)profile->rows / (double)profile->sample.bottom.n;
    struct top top = counted ? top_of_all(&column->values) : top_of_sample(&values, scale);
    out->top_values = top_json(arena, field->type, &top);
    return out->min && out->max ? QN_OK : qn_err_nomem(err, "a profile");
}

qn_code qn_profile_report(struct qn_profile *profile, struct qn_findings *findings,
                          struct qn_err *err)
{
    uint32_t n = profile->schema->n_fields;
    struct qn_profile_finding *all = QN_NEW_ARRAY(findings->arena, struct qn_profile_finding, n);
    if (!all)
        return qn_err_nomem(err, "a profile");
    qn_bottom_sort(&profile->sample.bottom);
    for (uint32_t c = 0; c < n; c++)
        QN_TRY(report_column(profile, c, &all[c], findings->arena, err));
    findings->profiles = all;
    findings->n_profiles = n;
    return QN_OK;
}
