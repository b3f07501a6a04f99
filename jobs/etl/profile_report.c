/* What a profile has to say of each column, in words and JSON. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "jobs/etl/profile.h"

enum { TOP = 5 };

struct counted {
    struct qn_cell cell;
    uint64_t n;
};

/* Sampled values of one column, ascending, without NULLs. */
struct values {
    struct counted *runs; /* distinct ones with how often they occur */
    uint32_t n_runs;
    struct qn_cell *cells;
    uint32_t n;
    struct qn_type type;
};

static int compare_values(const void *left, const void *right, void *context)
{
    const struct qn_cell *a = left, *b = right;
    const struct qn_type *type = context;
    return qn_cell_cmp(*type, *a, *b);
}

static qn_code values_read(const struct qn_profile *profile, uint32_t column, struct values *out,
                           struct qn_arena *arena, struct qn_err *err)
{
    const struct qn_colstore *sampled = &profile->sampled[column];
    *out = (struct values){.type = sampled->column.type};
    out->cells = QN_NEW_ARRAY(arena, struct qn_cell, profile->sample.n);
    out->runs = QN_NEW_ARRAY(arena, struct counted, profile->sample.n);
    if (!out->cells || !out->runs)
        return qn_err_nomem(err, "a profile");
    for (uint32_t i = 0; i < profile->sample.n; i++) {
        struct qn_cell cell =
            qn_cell_at(&sampled->column, (uint32_t)profile->sample.entries[i].value);
        if (cell.valid)
            out->cells[out->n++] = cell;
    }
    if (out->n > 1)
        qsort_r(out->cells, out->n, sizeof *out->cells, compare_values, &out->type);
    for (uint32_t i = 0; i < out->n; i++) {
        struct counted *last = out->n_runs ? &out->runs[out->n_runs - 1] : NULL;
        if (last && qn_cell_cmp(out->type, last->cell, out->cells[i]) == 0)
            last->n++;
        else
            out->runs[out->n_runs++] = (struct counted){out->cells[i], 1};
    }
    return QN_OK;
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
        qn_buf_put_u8(&buf, ',');
        qn_cell_json(&buf, values->type, values->cells[(uint64_t)(values->n - 1) * q / 4]);
    }
    qn_buf_put_u8(&buf, ',');
    qn_cell_json(&buf, values->type, max);
    qn_buf_put_u8(&buf, ']');
    char *text = buf.failed ? NULL : qn_arena_strdup(arena, qn_buf_strv(&buf));
    qn_buf_fini(&buf);
    return text;
}

/* The most frequent values, smaller ones first among equals; counts are scaled up from the
 * sample when it is one. */
static const char *top_values(struct qn_arena *arena, const struct values *values, uint64_t rows,
                              uint64_t sampled)
{
    struct qn_buf buf;
    qn_buf_init(&buf);
    for (uint32_t k = 0; k < TOP; k++) {
        struct counted *best = NULL;
        for (uint32_t i = 0; i < values->n_runs; i++)
            if (values->runs[i].n && (!best || values->runs[i].n > best->n))
                best = &values->runs[i];
        if (!best)
            break;
        double scaled = (double)best->n * ((double)rows / (double)sampled);
        qn_buf_printf(&buf, "%s[", k ? "," : "[");
        qn_cell_json(&buf, values->type, best->cell);
        qn_buf_printf(&buf, ",%.0f]", round(scaled));
        best->n = 0;
    }
    qn_buf_put_u8(&buf, ']');
    char *text = buf.failed ? NULL : qn_arena_strdup(arena, qn_buf_strv(&buf));
    qn_buf_fini(&buf);
    return text;
}

static struct qn_cell extreme(const struct qn_column_profile *column, struct qn_type type, bool max)
{
    struct qn_cell cell = {.valid = column->any};
    if (type.id == QN_TEXT)
        cell.text = qn_buf_strv(max ? &column->max_text : &column->min_text);
    else
        cell.i64 = max ? column->max_i64 : column->min_i64;
    return cell;
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
    bool numeric = qn_type_is_numeric(field->type) && column->n;
    *out = (struct qn_profile_finding){
        .column = qn_arena_strdup(arena, qn_strv_from(field->name)),
        .type = qn_arena_strdup(arena, qn_strv_from(qn_type_name(field->type, type))),
        .rows = profile->rows,
        .nulls = column->nulls,
        .imputed = column->imputed,
        .distinct_count = qn_sketch_count(&column->distinct),
        .distinct_approximate = !qn_sketch_is_exact(&column->distinct),
        .mean = numeric ? column->mean : (double)NAN,
        .stddev =
            numeric && column->n > 1 ? sqrt(column->m2 / (double)(column->n - 1)) : (double)NAN,
    };
    if (!out->column || !out->type)
        return qn_err_nomem(err, "a profile");
    if (!column->any)
        return QN_OK;
    out->min = cell_text(arena, field->type, min);
    out->max = cell_text(arena, field->type, max);
    struct values values;
    QN_TRY(values_read(profile, index, &values, arena, err));
    if (values.n && field->type.id != QN_TEXT && field->type.id != QN_BOOL)
        out->quantiles = quantiles(arena, &values, min, max);
    if (values.n)
        out->top_values = top_values(arena, &values, profile->rows, profile->sample.n);
    return out->min && out->max ? QN_OK : qn_err_nomem(err, "a profile");
}

qn_code qn_profile_report(struct qn_profile *profile, struct qn_findings *findings,
                          struct qn_err *err)
{
    uint32_t n = profile->schema->n_fields;
    struct qn_profile_finding *all = QN_NEW_ARRAY(findings->arena, struct qn_profile_finding, n);
    if (!all)
        return qn_err_nomem(err, "a profile");
    qn_bottom_sort(&profile->sample);
    for (uint32_t c = 0; c < n; c++)
        QN_TRY(report_column(profile, c, &all[c], findings->arena, err));
    findings->profiles = all;
    findings->n_profiles = n;
    return QN_OK;
}
