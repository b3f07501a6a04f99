#include <math.h>

#include "cli/file.h"
#include "jobs/etl/profile.h"
#include "jobs/etl/step.h"

static const char usage[] = "usage: quern stats FILE [--json | --csv]\n"
                            "What each column of a file holds: type, rows, NULLs, distinct values "
                            "(or about how many), ends,\n"
                            "mean, quantiles and top values. Reads all of it; rows that cannot be "
                            "read are counted on stderr.\n"
                            "  --json   one object a column\n"
                            "  --csv    with a header\n"
                            "example: quern stats shop.db#orders\n";

enum { COLUMN, TYPE, ROWS, NULLS, DISTINCT, APPROXIMATE, MIN, MAX, MEAN, STDDEV, QUANTILES, TOP };

static const struct qn_field fields[] = {
    {"column", {.id = QN_TEXT}},   {"type", {.id = QN_TEXT}},      {"rows", {.id = QN_INT64}},
    {"nulls", {.id = QN_INT64}},   {"distinct", {.id = QN_INT64}}, {"approximate", {.id = QN_BOOL}},
    {"min", {.id = QN_TEXT}},      {"max", {.id = QN_TEXT}},       {"mean", {.id = QN_DOUBLE}},
    {"stddev", {.id = QN_DOUBLE}}, {"quantiles", {.id = QN_TEXT}}, {"top_values", {.id = QN_TEXT}},
};
static const struct qn_schema schema = {fields, sizeof fields / sizeof fields[0]};

/* The profile of all rows, as jobs make it of theirs. */
static qn_code gather(struct qn_file *file, struct qn_profile *profile, struct qn_err *err)
{
    struct qn_arena arena;
    struct qn_task_in in = {0};
    struct qn_etl_step_ctx ctx = {.in = &in, .arena = &arena};
    struct qn_batch batch;
    qn_code code;
    qn_arena_init(&arena);
    while ((code = qn_file_next(file, &batch, err)) == QN_OK && batch.n_rows) {
        qn_arena_clear(&arena);
        ctx.base = file->reader->base;
        if ((code = qn_profile_add(profile, &ctx, &batch, err)) != QN_OK)
            break;
    }
    qn_arena_fini(&arena);
    return code;
}

static void put_text(struct qn_batch_builder *out, uint32_t column, const char *text)
{
    if (text)
        qn_builder_text(out, column, qn_strv_from(text));
}

static void put_finding(struct qn_batch_builder *out, const struct qn_profile_finding *f)
{
    put_text(out, COLUMN, f->column);
    put_text(out, TYPE, f->type);
    qn_builder_i64(out, ROWS, (int64_t)f->rows);
    qn_builder_i64(out, NULLS, (int64_t)f->nulls);
    qn_builder_i64(out, DISTINCT, (int64_t)f->distinct_count);
    qn_builder_bool(out, APPROXIMATE, f->distinct_approximate);
    put_text(out, MIN, f->min);
    put_text(out, MAX, f->max);
    if (isfinite(f->mean))
        qn_builder_f64(out, MEAN, f->mean);
    if (isfinite(f->stddev))
        qn_builder_f64(out, STDDEV, f->stddev);
    put_text(out, QUANTILES, f->quantiles);
    put_text(out, TOP, f->top_values);
}

static qn_code report(const struct qn_findings *findings, const struct qn_file_command *command,
                      struct qn_answer *answer, struct qn_err *err)
{
    struct qn_batch_builder *rows;
    struct qn_batch batch;
    QN_TRY(qn_answer_begin(answer, &schema, qn_file_command_format(command), NULL, err));
    QN_TRY(qn_builder_new(&schema, &rows, err));
    qn_code code = QN_OK;
    for (uint32_t i = 0; i < findings->n_profiles && code == QN_OK; i++) {
        put_finding(rows, &findings->profiles[i]);
        code = qn_builder_row(rows, err);
    }
    qn_builder_batch(rows, &batch);
    if (code == QN_OK)
        code = qn_answer_rows(answer, &batch, err);
    if (code == QN_OK)
        code = qn_answer_end(answer, err);
    qn_builder_free(rows);
    return code;
}

static qn_code show(struct qn_file *file, const struct qn_file_command *command,
                    struct qn_answer *answer, struct qn_err *err)
{
    struct qn_profile profile = {0};
    QN_TRY(qn_file_open(file, command->name, err));
    struct qn_findings findings = {.arena = &file->arena};
    qn_code code = qn_profile_init(&profile, &file->info.schema, err);
    if (code == QN_OK)
        code = gather(file, &profile, err);
    if (code == QN_OK)
        code = qn_profile_report(&profile, &findings, err);
    if (code == QN_OK)
        code = report(&findings, command, answer, err);
    qn_profile_fini(&profile);
    return code;
}

int qn_cli_stats(int argc, char **argv)
{
    return qn_file_command_run(argc, argv, usage, show);
}
