#include "sources/parquet_inspect.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "parquet/bounds.h"
#include "parquet/convert.h"
#include "parquet/fields.h"
#include "sources/parquet_plan.h"

struct column {
    const char *name;
    struct qn_type type;
    bool is_list;   /* or a map: read as JSON text */
    bool too_wide;  /* text only because not all values are known to fit */
    bool is_void;   /* nothing but NULL so far, by the statistics: the type says nothing */
    const char *of; /* the first file that has it */
    const struct qn_column_decl *decl;
};

struct inspection {
    const struct qn_source_options *options;
    struct qn_arena *arena;
    struct column *columns;
    uint32_t n, capacity;
    uint32_t n_files; /* that were looked at before */
    uint64_t plain_bytes;
};

/* --- columns by name ------------------------------------------------------------------------- */

static struct column *find_column(struct inspection *in, const char *name, uint32_t likely)
{
    if (likely < in->n && strcmp(in->columns[likely].name, name) == 0)
        return &in->columns[likely];
    for (uint32_t i = 0; i < in->n; i++)
        if (strcmp(in->columns[i].name, name) == 0)
            return &in->columns[i];
    return NULL;
}

static const struct qn_column_decl *find_decl(const struct qn_source_options *options,
                                              const char *name)
{
    for (uint32_t i = 0; i < options->n_columns; i++)
        if (strcmp(options->columns[i].name, name) == 0)
            return &options->columns[i];
    return NULL;
}

/* The type that holds the values of both; false: there is none. */
static bool unite(struct qn_type a, struct qn_type b, struct qn_type *out)
{
    struct qn_type low = a.id <= b.id ? a : b, high = a.id <= b.id ? b : a;
    if (qn_type_eq(a, b) || (low.id == QN_DATE && high.id == QN_TIMESTAMP) ||
        (low.id == QN_INT64 && high.id == QN_DOUBLE)) {
        *out = high;
        return true;
    }
    if (low.id != QN_DECIMAL || high.id != QN_DECIMAL)
        return false;
    uint8_t scale = a.scale > b.scale ? a.scale : b.scale;
    uint8_t whole = a.precision - a.scale > b.precision - b.scale
                        ? (uint8_t)(a.precision - a.scale)
                        : (uint8_t)(b.precision - b.scale);
    if (whole + scale > QN_DECIMAL_MAX_PRECISION)
        return false;
    *out = (struct qn_type){QN_DECIMAL, (uint8_t)(whole + scale), scale};
    return true;
}

static qn_code differ(const struct column *column, const char *path, struct qn_type type,
                      struct qn_err *err)
{
    char mine[QN_TYPE_NAME], other[QN_TYPE_NAME];
    qn_code code = qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT,
                              "column '%s' is %s here and %s in %s; declare its type in the spec",
                              column->name, qn_type_name(type, other),
                              qn_type_name(column->type, mine), column->of);
    qn_err_at(err, path, 0, 0);
    return code;
}

/* --- the contract ---------------------------------------------------------------------------- */

static qn_code breach(const struct inspection *in, const char *path, const char *key,
                      const char *what, struct qn_err *err)
{
    qn_code code = qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT,
                              "%s, which schema_contract: {%s: freeze} of source %s forbids", what,
                              key, in->options->name);
    qn_err_at(err, path, 0, 0);
    return code;
}

/* The first file says which columns there are. */
static qn_code check_new_column(const struct inspection *in, const char *name, const char *path,
                                struct qn_err *err)
{
    char what[200];
    if (in->n_files == 0 || in->options->columns_contract != QN_CONTRACT_FREEZE)
        return QN_OK;
    snprintf(what, sizeof what, "column '%.80s' is not in %.80s", name, in->options->paths[0]);
    return breach(in, path, "columns", what, err);
}

/* The declaration, or else the first file that has the column, says of which type it is. */
static qn_code check_type(const struct inspection *in, const struct column *known,
                          struct qn_type found, const char *path, struct qn_err *err)
{
    char what[200], mine[QN_TYPE_NAME], other[QN_TYPE_NAME];
    if (in->options->data_type_contract != QN_CONTRACT_FREEZE || qn_type_eq(known->type, found))
        return QN_OK;
    snprintf(what, sizeof what, "column '%.80s' is %s here and %s elsewhere", known->name,
             qn_type_name(found, other), qn_type_name(known->type, mine));
    return breach(in, path, "data_type", what, err);
}

static qn_code check_contract(const struct qn_source_options *options, struct qn_err *err)
{
    if (options->columns_contract != QN_CONTRACT_QUARANTINE)
        return QN_OK;
    return qn_err_set(err, QN_ENOTSUP, QN_BLAME_JOB,
                      "source %s: the rows of a Parquet file all have its columns, so they are not "
                      "quarantined one by one; use schema_contract: {columns: freeze} or evolve",
                      options->name);
}

static enum qn_on_malformed on_malformed(const struct qn_source_options *options)
{
    return options->data_type_contract == QN_CONTRACT_FREEZE       ? QN_MALFORMED_FAIL
           : options->data_type_contract == QN_CONTRACT_QUARANTINE ? QN_MALFORMED_QUARANTINE
                                                                   : options->on_malformed;
}

static qn_code add_column(struct inspection *in, const struct column *column, struct qn_err *err)
{
    if (in->n == QN_MAX_COLUMNS)
        return qn_err_set(err, QN_ELIMIT, QN_BLAME_INPUT,
                          "source %s: the files have more than %d columns together",
                          in->options->name, QN_MAX_COLUMNS);
    if (in->n == in->capacity) {
        uint32_t room = in->capacity ? 2 * in->capacity : 16;
        struct column *grown = QN_NEW_ARRAY(in->arena, struct column, room);
        if (!grown)
            return qn_err_nomem(err, "columns");
        if (in->n)
            memcpy(grown, in->columns, in->n * sizeof *grown);
        in->columns = grown;
        in->capacity = room;
    }
    in->columns[in->n] = *column;
    in->columns[in->n].name = qn_arena_strdup(in->arena, qn_strv_from(column->name));
    return in->columns[in->n++].name ? QN_OK : qn_err_nomem(err, "columns");
}

/* What another file calls the column, and what it was before, become one. */
static qn_code join(struct column *before, const struct column *found,
                    const struct qn_pq_node *node, struct qn_err *err)
{
    bool was_void = before->is_void;
    before->is_void &= found->is_void;
    if (before->too_wide != found->too_wide && !was_void && !found->is_void) {
        /* The same type, whose values are known to fit in one file only: text in both. */
        struct qn_type wide = qn_pq_natural_type(node, false);
        if (wide.id == QN_TEXT && (found->too_wide || before->type.id == QN_TEXT)) {
            before->type = wide;
            before->too_wide = true;
            return QN_OK;
        }
    }
    if (unite(before->type, found->type, &before->type) || found->is_void)
        return QN_OK;
    if (!was_void)
        return differ(before, found->of, found->type, err);
    before->type = found->type;
    before->is_list = found->is_list;
    before->too_wide = found->too_wide;
    return QN_OK;
}

static qn_code take_field(struct inspection *in, const struct qn_pq_file *file,
                          const struct qn_pq_field *field, uint32_t place, struct qn_err *err)
{
    struct column found = {.name = field->name,
                           .of = file->path,
                           .is_list = qn_pq_is_nested(field->node),
                           .is_void = qn_pq_has_no_values(file, field->node),
                           .decl = find_decl(in->options, field->name)};
    bool fits = !found.is_list && !found.decl && qn_pq_values_fit(file, field->node);
    found.type = found.decl      ? found.decl->type
                 : found.is_list ? (struct qn_type){.id = QN_TEXT}
                                 : qn_pq_natural_type(field->node, fits);
    if (found.is_list && found.type.id != QN_TEXT) {
        qn_code code = qn_err_set(err, QN_EINPUT, QN_BLAME_JOB,
                                  "column '%s' is a list or a map, which is read as JSON text; "
                                  "declare it text",
                                  field->name);
        qn_err_at(err, file->path, 0, 0);
        return code;
    }
    found.too_wide = found.type.id == QN_TEXT && !found.is_list && !fits && !found.decl;
    struct column *before = find_column(in, field->name, place);
    bool typed = field->node->kind != QN_PQ_KIND_NOTHING;
    if (found.decl && !found.is_list && typed)
        QN_TRY(check_type(in, &found,
                          qn_pq_natural_type(field->node, qn_pq_values_fit(file, field->node)),
                          file->path, err));
    if (!before) {
        QN_TRY(check_new_column(in, field->name, file->path, err));
        return add_column(in, &found, err);
    }
    if (typed)
        QN_TRY(check_type(in, before, found.type, file->path, err));
    if (in->options->data_type_contract == QN_CONTRACT_QUARANTINE &&
        before->is_list == found.is_list)
        return QN_OK; /* value by value */
    return join(before, &found, field->node, err);
}

/* 8 a value, or what the pages say if that is more: texts that a dictionary holds count little
 * there. Numbers of the file, which may lie: never past UINT64_MAX. */
static void count_plain_bytes(struct inspection *in, const struct qn_pq_file *file)
{
    for (uint32_t g = 0; g < file->meta.n_groups; g++) {
        const struct qn_pq_row_group *group = &file->meta.groups[g];
        for (uint32_t i = 0; i < group->n_columns; i++) {
            const struct qn_pq_column_meta *meta = &group->columns[i].meta;
            uint64_t said = meta->plain_bytes > 0 ? (uint64_t)meta->plain_bytes : 0, wide;
            if (meta->n_values > 0 && !__builtin_mul_overflow((uint64_t)meta->n_values, 8, &wide))
                said = said > wide ? said : wide;
            if (__builtin_add_overflow(in->plain_bytes, said, &in->plain_bytes))
                in->plain_bytes = UINT64_MAX;
        }
    }
}

static qn_code take_file(struct inspection *in, const char *path, struct qn_err *err)
{
    struct qn_pq_file file;
    struct qn_pq_field *fields;
    uint32_t n;
    QN_TRY(qn_pq_file_open(&file, path, err));
    qn_code code = qn_pq_fields_list(&file.tree, &file.arena, &fields, &n, err);
    if (code != QN_OK)
        qn_err_at(err, path, 0, 0);
    for (uint32_t i = 0; i < n && code == QN_OK; i++)
        code = take_field(in, &file, &fields[i], i, err);
    count_plain_bytes(in, &file);
    qn_pq_file_close(&file);
    return code;
}

/* --- the spec's side ------------------------------------------------------------------------- */

static qn_code check_declared(struct inspection *in, struct qn_err *err)
{
    const struct qn_source_options *options = in->options;
    const char **names = QN_NEW_ARRAY(in->arena, const char *, in->n + 1U);
    if (!names)
        return qn_err_nomem(err, "columns");
    for (uint32_t i = 0; i < in->n; i++)
        names[i] = in->columns[i].name;
    for (uint32_t i = 0; i < options->n_columns; i++) {
        const char *wanted = options->columns[i].name;
        if (find_column(in, wanted, i))
            continue;
        const char *closest = qn_strv_closest(qn_strv_from(wanted), names, in->n);
        qn_code code = qn_err_set(
            err, QN_EINPUT, QN_BLAME_INPUT, "column '%s' is declared but not in the file%s%s%s",
            wanted, closest ? "; did you mean '" : "", closest ? closest : "", closest ? "'?" : "");
        qn_err_at(err, options->paths[0], 0, 0);
        return code;
    }
    return QN_OK;
}

static qn_code take_nulls(struct inspection *in, const struct column *column,
                          struct qn_parquet_column *out, struct qn_err *err)
{
    const struct qn_column_decl *decl = column->decl;
    bool own = decl && decl->n_null_values > 0;
    uint32_t n = own ? decl->n_null_values : in->options->n_null_values;
    const char *const *texts = own ? decl->null_values : in->options->null_values;
    struct qn_strv *nulls = QN_NEW_ARRAY(in->arena, struct qn_strv, n + 1U);
    if (!nulls)
        return qn_err_nomem(err, "null values");
    for (uint32_t i = 0; i < n; i++)
        nulls[i] = qn_strv_from(texts[i]);
    *out = (struct qn_parquet_column){qn_strv_from(column->name), nulls, column->is_list ? 0 : n};
    return QN_OK;
}

static qn_code fill_info(struct inspection *in, struct qn_source_info *info, struct qn_err *err)
{
    struct qn_field *fields = QN_NEW_ARRAY(in->arena, struct qn_field, in->n + 1U);
    struct qn_parquet_column *columns =
        QN_NEW_ARRAY(in->arena, struct qn_parquet_column, in->n + 1U);
    if (!fields || !columns)
        return qn_err_nomem(err, "schema");
    for (uint32_t i = 0; i < in->n; i++) {
        fields[i] = (struct qn_field){in->columns[i].name, in->columns[i].type};
        QN_TRY(take_nulls(in, &in->columns[i], &columns[i], err));
    }
    struct qn_buf packed;
    qn_buf_init(&packed);
    qn_parquet_plan_pack(&packed, &(struct qn_parquet_plan){columns, in->n});
    qn_code code = qn_buf_check(&packed, "Parquet columns", err);
    *info = (struct qn_source_info){
        .name = qn_arena_strdup(in->arena, qn_strv_from(in->options->name)),
        .format = "parquet",
        .schema = {fields, in->n},
        .dialect = {qn_arena_strdup(in->arena, qn_buf_strv(&packed)), packed.len},
        .on_malformed = on_malformed(in->options),
        .plain_bytes = in->plain_bytes,
        .told_by = in->options->paths[0]};
    qn_buf_fini(&packed);
    if (code == QN_OK && (!info->name || !info->dialect.data))
        code = qn_err_nomem(err, "Parquet columns");
    return code;
}

static qn_code inspect(struct inspection *in, struct qn_source_info *info, struct qn_err *err)
{
    QN_TRY(check_contract(in->options, err));
    for (; in->n_files < in->options->n_paths; in->n_files++)
        QN_TRY(take_file(in, in->options->paths[in->n_files], err));
    if (in->n == 0) {
        qn_code code = qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT, "the file has no columns");
        qn_err_at(err, in->options->paths[0], 0, 0);
        return code;
    }
    QN_TRY(check_declared(in, err));
    return fill_info(in, info, err);
}

qn_code qn_parquet_inspect(const struct qn_source_options *options, struct qn_arena *arena,
                           struct qn_source_info *info, struct qn_err *err)
{
    if (options->n_paths == 0)
        return qn_err_set(err, QN_EINPUT, QN_BLAME_JOB, "source %s has no files", options->name);
    struct inspection in = {.options = options, .arena = arena};
    qn_code code = inspect(&in, info, err);
    if (code != QN_OK)
        qn_err_frame(err, "while inspecting source %s", options->name);
    return code;
}
