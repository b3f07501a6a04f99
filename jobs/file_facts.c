#include "jobs/file_facts.h"

#include <string.h>

#include "lake/facts.h"

bool qn_file_facts_any(const struct qn_plan_source *source)
{
    return source->folders.columns.n_fields > 0 || source->manifest;
}

/* A value that all rows have. */
static qn_code from_folder(const struct qn_column *value, struct qn_arena *arena,
                           struct qn_facts *out, struct qn_err *err)
{
    static const uint32_t twice[2] = {0, 0};
    *out = (struct qn_facts){.no_nulls = qn_is_valid(value, 0), .all_null = !qn_is_valid(value, 0)};
    if (out->all_null)
        return QN_OK;
    QN_TRY(qn_column_take(arena, value, 1, twice, 2, &out->bounds, err));
    out->has_min = out->has_max = true;
    if (value->type.id != QN_BOOL)
        return QN_OK;
    int64_t flag = value->bools[0];
    QN_TRY(qn_column_new(arena, (struct qn_type){.id = QN_INT64}, 2, &out->bounds, err));
    out->bounds.i64[0] = out->bounds.i64[1] = flag;
    return QN_OK;
}

static qn_code from_manifest(const struct qn_plan_source *source, const struct qn_field *field,
                             uint32_t file, struct qn_arena *arena, struct qn_facts *out,
                             struct qn_err *err)
{
    const struct qn_lake_manifest *manifest = source->manifest;
    for (uint32_t c = 0, at = 0; c < manifest->columns.n_fields; c++) {
        if (qn_manifest_is_partition(manifest, c))
            continue;
        const struct qn_field *known = &manifest->columns.fields[c];
        if (strcmp(known->name, field->name) == 0 && qn_type_eq(known->type, field->type))
            return qn_lake_file_facts(manifest, &manifest->files[file], at, field->type, arena, out,
                                      err);
        at++;
    }
    return QN_OK;
}

qn_code qn_file_facts_find(const struct qn_plan_source *source, const char *path, uint32_t file,
                           struct qn_arena *arena, struct qn_facts **out, struct qn_err *err)
{
    const struct qn_folders *folders = &source->folders;
    const struct qn_schema *rows = &source->schema;
    bool in_folders = folders->columns.n_fields > 0;
    struct qn_facts *facts = QN_NEW_ARRAY(arena, struct qn_facts, rows->n_fields);
    struct qn_column *values = QN_NEW_ARRAY(arena, struct qn_column, folders->columns.n_fields);
    if (!facts || !values)
        return qn_err_nomem(err, "a file's columns");
    if (in_folders)
        QN_TRY(qn_folders_read(&folders->columns, path, 1, arena, values, err));
    for (uint32_t c = 0; c < rows->n_fields; c++)
        if (in_folders && folders->from[c] < 0)
            QN_TRY(from_folder(&values[-1 - folders->from[c]], arena, &facts[c], err));
        else if (source->manifest)
            QN_TRY(from_manifest(source, &rows->fields[c], file, arena, &facts[c], err));
    *out = facts;
    return QN_OK;
}
