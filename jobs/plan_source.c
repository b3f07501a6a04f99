/* Sources of a plan: what their files are, and what is complained of them. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "jobs/lookup.h"
#include "jobs/plan_internal.h"
#include "jobs/source_files.h"
#include "spec/node.h"

static uint64_t bytes_of_files(const struct qn_source_options *options)
{
    uint64_t total = 0;
    struct stat at;
    for (uint32_t i = 0; i < options->n_paths; i++)
        if (stat(options->paths[i], &at) == 0)
            total += (uint64_t)at.st_size;
    return total;
}

static const struct qn_source_ops *format_of(const struct qn_spec_source *source)
{
    if (source->options.format)
        return qn_source_find(source->options.format);
    return source->options.n_paths ? qn_source_by_suffix(source->options.paths[0]) : NULL;
}

/* The file's columns with the types that are declared for them. */
static bool retype(struct qn_plan *plan, const struct qn_source_options *options,
                   struct qn_schema *schema)
{
    struct qn_field *fields = QN_NEW_ARRAY(&plan->arena, struct qn_field, schema->n_fields);
    if (!fields)
        return false;
    memcpy(fields, schema->fields, schema->n_fields * sizeof *fields);
    for (uint32_t i = 0; i < options->n_columns; i++) {
        int32_t at = qn_schema_find(schema, qn_strv_from(options->columns[i].name));
        if (at >= 0)
            fields[at].type = options->columns[i].type;
    }
    schema->fields = fields;
    return true;
}

/* Declared columns that the file's header does not have: each is a complaint at its own place. Jobs
 * are checked against the columns that the file has. False: something else is wrong. */
static bool complain_columns(struct qn_plan *plan, const struct qn_source_options *options,
                             struct qn_plan_source *planned)
{
    struct qn_source_options bare = *options;
    struct qn_source_info info;
    struct qn_err err;
    char where[300];
    struct qn_gaps *gaps = QN_NEW(&plan->arena, struct qn_gaps);
    const char **names = QN_NEW_ARRAY(&plan->arena, const char *, options->n_columns + 1U);
    bare.columns = NULL;
    bare.n_columns = 0;
    if (!gaps || !names || planned->ops->inspect(&bare, &plan->arena, &info, &err) != QN_OK ||
        strcmp(info.schema.fields[0].name, "column0") == 0 || /* it has no header */
        !retype(plan, options, &info.schema))
        return false;
    snprintf(where, sizeof where, " in the header of %s", info.told_by);
    for (uint32_t i = 0; i < options->n_columns; i++) {
        const struct qn_column_decl *column = &options->columns[i];
        if (qn_lookup_column(&info.schema, NULL, qn_strv_from(column->name), column->span, where,
                             &plan->spec.diags) < 0)
            names[gaps->n_names++] = column->name;
    }
    gaps->names = names;
    planned->gaps = gaps;
    planned->info.schema = planned->schema = info.schema;
    return gaps->n_names > 0;
}

/* Complaints of inspect are about a file: they are shown at the source's path in the spec. */
static void complain_source(struct qn_plan *plan, const struct qn_spec_source *source,
                            struct qn_plan_source *planned, struct qn_err *err)
{
    char text[1024];
    planned->info.schema = planned->schema = (struct qn_schema){0};
    if (source->options.n_columns && complain_columns(plan, &source->options, planned))
        return;
    planned->gaps = NULL;
    planned->info.schema = planned->schema = (struct qn_schema){0};
    err->n_frames = 0; /* a complaint is one line, and says where by itself */
    qn_err_format(err, text, sizeof text);
    qn_diags_add(&plan->spec.diags, (source->path ? source->path : source->lake)->span, NULL, NULL,
                 "source %s: %s", source->name, text);
}

/* Files without a byte are what a writer leaves on a day without rows, or when it fails. */
static void warn_of_empty_files(struct qn_plan *plan, const struct qn_spec_source *source,
                                const struct qn_source_info *info)
{
    struct qn_diags *diags = &plan->spec.diags;
    if (!source->path)
        return;
    if (info->n_empty == 1)
        qn_diags_warn(diags, source->path->span, "source %s: %s is empty and gives no rows",
                      source->name, info->first_empty);
    else if (info->n_empty)
        qn_diags_warn(diags, source->path->span,
                      "source %s: %u of %u files are empty and give no rows, %s the first of them",
                      source->name, info->n_empty, source->options.n_paths, info->first_empty);
}

static qn_code declared_schema(const struct qn_source_options *options, struct qn_arena *arena,
                               struct qn_schema *out, struct qn_err *err)
{
    struct qn_field *fields = QN_NEW_ARRAY(arena, struct qn_field, options->n_columns);
    if (!fields)
        return qn_err_nomem(err, "a schema");
    for (uint32_t i = 0; i < options->n_columns; i++)
        fields[i] = (struct qn_field){options->columns[i].name, options->columns[i].type};
    *out = (struct qn_schema){fields, options->n_columns};
    return QN_OK;
}

/* What the files are, by a look at them. */
static qn_code inspect_files(struct qn_plan *plan, const struct qn_spec_source *source,
                             struct qn_plan_source *planned, const struct qn_schema *order,
                             struct qn_err *err)
{
    struct qn_schema *schema = &planned->info.schema;
    if (source->options.n_paths) {
        QN_TRY(planned->ops->inspect(&source->options, &plan->arena, &planned->info, err));
    } else { /* a dataset without rows */
        planned->info =
            (struct qn_source_info){.name = source->name, .format = planned->ops->format};
        QN_TRY(declared_schema(&source->options, &plan->arena, schema, err));
    }
    planned->schema = *schema;
    if (planned->folders.columns.n_fields) {
        QN_TRY(qn_folders_join(&planned->folders, schema, order, &plan->arena, err));
        planned->schema = planned->folders.rows;
    }
    return QN_OK;
}

void qn_plan_inspect(struct qn_plan *plan, uint32_t index)
{
    struct qn_spec_source *source = &plan->spec.sources[index];
    struct qn_plan_source *planned = &plan->sources[index];
    const struct qn_schema *order;
    if (!qn_source_files_find(plan, source, planned, &order))
        return;
    const struct qn_span span = (source->path ? source->path : source->lake)->span;
    planned->bytes = bytes_of_files(&source->options);
    planned->ops = format_of(source);
    if (!planned->ops && source->options.format) {
        qn_diags_add(&plan->spec.diags, span, NULL, NULL,
                     "source %s: files of format %s cannot be read by this version", source->name,
                     source->options.format);
        return;
    }
    if (!planned->ops) {
        qn_diags_add(&plan->spec.diags, span, NULL, "add `format: csv`",
                     "the suffix of %s does not tell the format of source %s",
                     source->options.paths[0], source->name);
        return;
    }
    struct qn_err err;
    if (inspect_files(plan, source, planned, order, &err) != QN_OK) {
        complain_source(plan, source, planned, &err);
        return;
    }
    planned->ready = true;
    warn_of_empty_files(plan, source, &planned->info);
}
