#include "jobs/source_files.h"

#include <string.h>
#include <sys/stat.h>

#include "lake/dataset.h"

/* Where complaints about the files are shown. */
static struct qn_span place_of(const struct qn_spec_source *source)
{
    return source->path ? source->path->span : source->lake->span;
}

static void complain(struct qn_plan *plan, const struct qn_spec_source *source,
                     const struct qn_err *err)
{
    qn_diags_add(&plan->spec.diags, place_of(source), NULL, NULL, "source %s: %s", source->name,
                 err->message);
}

/* --- datasets -------------------------------------------------------------------------------- */

/* The dataset's folder: by its name in the lake, or where `path` is one; NULL: neither. */
static const char *dataset_of(struct qn_plan *plan, const struct qn_spec_source *source)
{
    const struct qn_node *node = source->lake ? source->lake : source->path;
    const char *text = node->kind == QN_NODE_SCALAR ? qn_node_text(node, "") : "";
    const char *folder = source->lake || text[0] == '/'
                             ? text
                             : qn_arena_printf(&plan->arena, "%s/%s", plan->spec.folder, text);
    if (source->lake)
        return qn_arena_printf(&plan->arena, "%s/%s", plan->spec.lake, text);
    return folder && text[0] && qn_dataset_is(folder) ? folder : NULL;
}

static qn_code read_manifest(struct qn_plan *plan, const struct qn_spec_source *source,
                             const char *folder, struct qn_lake_manifest *out, struct qn_err *err)
{
    if (source->as_of)
        return qn_dataset_read_as_of(folder, source->as_of, &plan->arena, out, err);
    return qn_dataset_read(folder, source->snapshot, &plan->arena, out, err);
}

/* Files of Quern's own: nothing of them has to be guessed. */
static bool declare(struct qn_plan *plan, struct qn_source_options *options,
                    const struct qn_lake_manifest *manifest, struct qn_plan_source *planned)
{
    uint32_t n = qn_manifest_file_columns(manifest);
    struct qn_column_decl *columns = QN_NEW_ARRAY(&plan->arena, struct qn_column_decl, n);
    struct qn_field *folders = QN_NEW_ARRAY(&plan->arena, struct qn_field, manifest->n_partition);
    if (!columns || !folders)
        return false;
    for (uint32_t i = 0; i < manifest->n_partition; i++)
        folders[i] = manifest->columns.fields[manifest->partition[i]];
    planned->folders.columns = (struct qn_schema){folders, manifest->n_partition};
    options->n_columns = 0;
    for (uint32_t c = 0; c < manifest->columns.n_fields; c++)
        if (!qn_manifest_is_partition(manifest, c))
            columns[options->n_columns++] = (struct qn_column_decl){
                .name = manifest->columns.fields[c].name, .type = manifest->columns.fields[c].type};
    options->columns = columns;
    options->format = manifest->format;
    if (strcmp(manifest->format, "csv") == 0) {
        options->delimiter = ',';
        options->quote = '"';
        options->header = 1;
        options->encoding = "utf-8";
        options->skip_rows = 0;
    }
    return true;
}

static bool list_files(struct qn_plan *plan, const char *folder,
                       const struct qn_lake_manifest *manifest, struct qn_source_options *options)
{
    const char **paths = QN_NEW_ARRAY(&plan->arena, const char *, manifest->n_files);
    for (uint32_t i = 0; paths && i < manifest->n_files; i++) {
        paths[i] = qn_arena_printf(&plan->arena, "%s/%s", folder, manifest->files[i].path);
        if (!paths[i])
            return false;
    }
    options->paths = paths;
    options->n_paths = manifest->n_files;
    return paths != NULL;
}

/* What the spec declares too must be what the dataset has. */
static void check_declared(struct qn_plan *plan, const struct qn_source_options *options,
                           const struct qn_lake_manifest *manifest)
{
    char type[QN_TYPE_NAME];
    for (uint32_t i = 0; i < options->n_columns; i++) {
        const struct qn_column_decl *column = &options->columns[i];
        int32_t at = qn_schema_find(&manifest->columns, qn_strv_from(column->name));
        if (at < 0)
            qn_diags_add(&plan->spec.diags, column->span, NULL, NULL,
                         "the dataset has no column %s", column->name);
        else if (!qn_type_eq(column->type, manifest->columns.fields[at].type))
            qn_diags_add(&plan->spec.diags, column->span, NULL, "leave the type out",
                         "column %s is %s in the dataset", column->name,
                         qn_type_name(manifest->columns.fields[at].type, type));
    }
}

static bool find_in_dataset(struct qn_plan *plan, struct qn_spec_source *source,
                            struct qn_plan_source *planned, const char *folder,
                            const struct qn_schema **order)
{
    struct qn_lake_manifest *manifest = QN_NEW(&plan->arena, struct qn_lake_manifest);
    struct qn_err err = {0};
    qn_code code = manifest ? read_manifest(plan, source, folder, manifest, &err)
                            : qn_err_nomem(&err, "a dataset");
    if (code == QN_OK)
        check_declared(plan, &source->options, manifest);
    if (code == QN_OK && (!declare(plan, &source->options, manifest, planned) ||
                          !list_files(plan, folder, manifest, &source->options)))
        code = qn_err_nomem(&err, "a dataset");
    if (code != QN_OK)
        complain(plan, source, &err);
    else {
        *order = &manifest->columns;
        planned->manifest = manifest;
    }
    return code == QN_OK;
}

/* --- paths ----------------------------------------------------------------------------------- */

/* Columns that folders name are not looked for in the files; their types may be declared. */
static bool take_declared(struct qn_plan *plan, struct qn_source_options *options,
                          struct qn_schema *folders)
{
    struct qn_field *fields = QN_NEW_ARRAY(&plan->arena, struct qn_field, folders->n_fields);
    struct qn_column_decl *left =
        QN_NEW_ARRAY(&plan->arena, struct qn_column_decl, options->n_columns);
    uint32_t n = 0;
    if (!fields || !left)
        return false;
    if (folders->n_fields)
        memcpy(fields, folders->fields, folders->n_fields * sizeof *fields);
    for (uint32_t i = 0; i < options->n_columns; i++) {
        int32_t at = qn_schema_find(folders, qn_strv_from(options->columns[i].name));
        if (at >= 0)
            fields[at].type = options->columns[i].type;
        else
            left[n++] = options->columns[i];
    }
    folders->fields = fields;
    options->columns = n ? left : NULL;
    options->n_columns = n;
    return true;
}

static bool find_in_paths(struct qn_plan *plan, struct qn_spec_source *source,
                          struct qn_plan_source *planned)
{
    struct qn_err err = {0};
    if (!qn_spec_resolve_paths(&plan->spec, source))
        return false;
    if (!source->in_folders)
        return true;
    struct qn_schema *columns = &planned->folders.columns;
    qn_code code = qn_folders_infer(source->options.paths, source->options.n_paths, &plan->arena,
                                    columns, &err);
    if (code == QN_OK && !take_declared(plan, &source->options, columns))
        code = qn_err_nomem(&err, "a source's folders");
    if (code != QN_OK)
        complain(plan, source, &err);
    return code == QN_OK;
}

bool qn_source_files_find(struct qn_plan *plan, struct qn_spec_source *source,
                          struct qn_plan_source *planned, const struct qn_schema **order)
{
    *order = NULL;
    if (!source->usable || (!source->path && !source->lake))
        return false;
    const char *folder = dataset_of(plan, source);
    if (folder)
        return find_in_dataset(plan, source, planned, folder, order);
    if (!source->snapshot && !source->as_of)
        return find_in_paths(plan, source, planned);
    qn_diags_add(&plan->spec.diags, place_of(source), NULL, NULL,
                 "source %s is no dataset of a lake: it has no snapshots", source->name);
    return false;
}
