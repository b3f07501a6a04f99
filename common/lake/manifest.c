#include "lake/manifest.h"

#include <jansson.h>
#include <limits.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"

/* Counts up when a reader of today would misread what is written. */
enum { MANIFEST_VERSION = 1 };

bool qn_manifest_is_partition(const struct qn_lake_manifest *manifest, uint32_t column)
{
    for (uint32_t i = 0; i < manifest->n_partition; i++)
        if (manifest->partition[i] == column)
            return true;
    return false;
}

uint32_t qn_manifest_file_columns(const struct qn_lake_manifest *manifest)
{
    return manifest->columns.n_fields - manifest->n_partition;
}

uint64_t qn_manifest_rows(const struct qn_lake_manifest *manifest)
{
    uint64_t rows = 0;
    for (uint32_t i = 0; i < manifest->n_files; i++)
        rows += manifest->files[i].rows;
    return rows;
}

uint64_t qn_manifest_bytes(const struct qn_lake_manifest *manifest)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < manifest->n_files; i++)
        bytes += manifest->files[i].bytes;
    return bytes;
}

/* --- writing --------------------------------------------------------------------------------- */

static void put_text(struct qn_buf *out, const char *text)
{
    if (text)
        qn_json_put_text(out, qn_strv_from(text));
    else
        qn_buf_printf(out, "null");
}

static void put_member(struct qn_buf *out, const char *key, const char *text)
{
    qn_buf_printf(out, "  \"%s\": ", key);
    put_text(out, text);
    qn_buf_printf(out, ",\n");
}

static void put_number(struct qn_buf *out, const char *key, uint64_t value)
{
    qn_buf_printf(out, "  \"%s\": %llu,\n", key, (unsigned long long)value);
}

static void put_texts(struct qn_buf *out, const char *key, const char *const *texts, uint32_t n)
{
    qn_buf_printf(out, ", \"%s\": [", key);
    for (uint32_t i = 0; i < n; i++) {
        if (i)
            qn_buf_printf(out, ", ");
        put_text(out, texts[i]);
    }
    qn_buf_printf(out, "]");
}

static void put_columns(struct qn_buf *out, const struct qn_lake_manifest *manifest)
{
    char type[QN_TYPE_NAME];
    qn_buf_printf(out, "  \"columns\": [");
    for (uint32_t c = 0; c < manifest->columns.n_fields; c++) {
        const struct qn_field *field = &manifest->columns.fields[c];
        qn_buf_printf(out, "%s\n    {\"name\": ", c ? "," : "");
        put_text(out, field->name);
        qn_buf_printf(out, ", \"type\": \"%s\"}", qn_type_name(field->type, type));
    }
    qn_buf_printf(out, "\n  ],\n  \"partition_by\": [");
    for (uint32_t i = 0; i < manifest->n_partition; i++) {
        if (i)
            qn_buf_printf(out, ", ");
        put_text(out, manifest->columns.fields[manifest->partition[i]].name);
    }
    qn_buf_printf(out, "],\n");
}

static void put_file(struct qn_buf *out, const struct qn_lake_manifest *manifest,
                     const struct qn_lake_file *file)
{
    uint32_t n = qn_manifest_file_columns(manifest);
    qn_buf_printf(out, "    {\"path\": ");
    put_text(out, file->path);
    qn_buf_printf(out, ", \"rows\": %llu, \"bytes\": %llu", (unsigned long long)file->rows,
                  (unsigned long long)file->bytes);
    put_texts(out, "partition", file->partition, manifest->n_partition);
    put_texts(out, "min", file->min, n);
    put_texts(out, "max", file->max, n);
    qn_buf_printf(out, ", \"nulls\": [");
    for (uint32_t c = 0; c < n; c++)
        qn_buf_printf(out, "%s%llu", c ? ", " : "", (unsigned long long)file->nulls[c]);
    qn_buf_printf(out, "]}");
}

void qn_manifest_put(const struct qn_lake_manifest *manifest, struct qn_buf *out)
{
    qn_buf_printf(out, "{\n");
    put_number(out, "version", MANIFEST_VERSION);
    put_number(out, "snapshot", manifest->number);
    put_number(out, "parent", manifest->parent);
    put_member(out, "operation", manifest->operation);
    put_member(out, "time", manifest->time);
    put_member(out, "run", manifest->run);
    put_member(out, "job", manifest->job);
    put_member(out, "spec_sha256", manifest->spec_sha256);
    put_member(out, "engine", manifest->engine);
    put_member(out, "format", manifest->format);
    if (manifest->codec)
        put_member(out, "codec", manifest->codec);
    if (manifest->level > 0)
        put_number(out, "level", (uint64_t)manifest->level);
    put_number(out, "rows", qn_manifest_rows(manifest));
    put_number(out, "bytes", qn_manifest_bytes(manifest));
    put_columns(out, manifest);
    qn_buf_printf(out, "  \"files\": [");
    for (uint32_t i = 0; i < manifest->n_files; i++) {
        qn_buf_printf(out, "%s\n", i ? "," : "");
        put_file(out, manifest, &manifest->files[i]);
    }
    qn_buf_printf(out, "\n  ]\n}\n");
}

/* --- reading --------------------------------------------------------------------------------- */

struct parse {
    struct qn_arena *arena;
    const char *name;
    struct qn_err *err;
    bool nomem;
};

static qn_code refuse(struct parse *parse, const char *what)
{
    qn_code code = qn_err_set(parse->err, QN_EINPUT, QN_BLAME_INPUT,
                              "%s is no manifest of a dataset: %s", parse->name, what);
    return code;
}

/* NULL: not there, or no text. */
static const char *text_of(struct parse *parse, const json_t *value)
{
    if (!json_is_string(value))
        return NULL;
    const char *text = qn_arena_strdup(
        parse->arena, (struct qn_strv){json_string_value(value), json_string_length(value)});
    parse->nomem |= !text;
    return text;
}

static bool read_u64(const json_t *value, uint64_t *out)
{
    json_int_t number = json_integer_value(value);
    *out = number > 0 ? (uint64_t)number : 0;
    return json_is_integer(value) && number >= 0;
}

static const char *const *read_texts(struct parse *parse, const json_t *list, uint32_t n)
{
    const char **texts = QN_NEW_ARRAY(parse->arena, const char *, n);
    parse->nomem |= !texts;
    if (!texts || json_array_size(list) != n)
        return NULL;
    for (uint32_t i = 0; i < n; i++)
        texts[i] = text_of(parse, json_array_get(list, i));
    return texts;
}

static const uint64_t *read_counts(struct parse *parse, const json_t *list, uint32_t n)
{
    uint64_t *counts = QN_NEW_ARRAY(parse->arena, uint64_t, n);
    parse->nomem |= !counts;
    if (!counts || json_array_size(list) != n)
        return NULL;
    for (uint32_t i = 0; i < n; i++)
        if (!read_u64(json_array_get(list, i), &counts[i]))
            return NULL;
    return counts;
}

/* Below the dataset's folder, whoever wrote the manifest. */
static bool is_inside(const char *path)
{
    if (path[0] == '/' || path[0] == '\0')
        return false;
    for (const char *at = path; at; at = strchr(at, '/')) {
        at += *at == '/';
        size_t n = strcspn(at, "/");
        if (n == 0 || (n == 1 && at[0] == '.') || (n == 2 && at[0] == '.' && at[1] == '.'))
            return false;
    }
    return true;
}

static qn_code read_columns(struct parse *parse, const json_t *root, struct qn_lake_manifest *out)
{
    const json_t *list = json_object_get(root, "columns");
    size_t n = json_array_size(list);
    struct qn_field *fields = QN_NEW_ARRAY(parse->arena, struct qn_field, n);
    if (!fields)
        return qn_err_nomem(parse->err, "a manifest");
    if (n == 0 || n > QN_MAX_COLUMNS)
        return refuse(parse, "it has no columns");
    for (size_t c = 0; c < n; c++) {
        const json_t *item = json_array_get(list, c);
        const char *type = text_of(parse, json_object_get(item, "type"));
        fields[c].name = text_of(parse, json_object_get(item, "name"));
        if (!fields[c].name || !type || !qn_type_parse(qn_strv_from(type), &fields[c].type))
            return refuse(parse, "a column without name or type");
    }
    out->columns = (struct qn_schema){fields, (uint32_t)n};
    return QN_OK;
}

static qn_code read_partition(struct parse *parse, const json_t *root, struct qn_lake_manifest *out)
{
    const json_t *list = json_object_get(root, "partition_by");
    size_t n = json_array_size(list);
    uint32_t *columns = QN_NEW_ARRAY(parse->arena, uint32_t, n);
    if (!columns)
        return qn_err_nomem(parse->err, "a manifest");
    if (n > QN_MAX_PARTITION_COLUMNS || n >= out->columns.n_fields)
        return refuse(parse, "too many columns name folders");
    for (size_t i = 0; i < n; i++) {
        const char *name = json_string_value(json_array_get(list, i));
        int32_t at = name ? qn_schema_find(&out->columns, qn_strv_from(name)) : -1;
        if (at < 0)
            return refuse(parse, "partition_by names no column");
        columns[i] = (uint32_t)at;
    }
    out->partition = columns;
    out->n_partition = (uint32_t)n;
    return QN_OK;
}

static qn_code read_file(struct parse *parse, const json_t *item,
                         const struct qn_lake_manifest *manifest, struct qn_lake_file *out)
{
    uint32_t n = qn_manifest_file_columns(manifest);
    out->path = text_of(parse, json_object_get(item, "path"));
    out->partition = read_texts(parse, json_object_get(item, "partition"), manifest->n_partition);
    out->min = read_texts(parse, json_object_get(item, "min"), n);
    out->max = read_texts(parse, json_object_get(item, "max"), n);
    out->nulls = read_counts(parse, json_object_get(item, "nulls"), n);
    if (parse->nomem)
        return qn_err_nomem(parse->err, "a manifest");
    if (!out->path || !is_inside(out->path))
        return refuse(parse, "a file lies outside of its folder");
    bool whole = out->partition && out->min && out->max && out->nulls &&
                 read_u64(json_object_get(item, "rows"), &out->rows) &&
                 read_u64(json_object_get(item, "bytes"), &out->bytes);
    return whole ? QN_OK : refuse(parse, "a file's entry is not whole");
}

static qn_code read_files(struct parse *parse, const json_t *root, struct qn_lake_manifest *out)
{
    const json_t *list = json_object_get(root, "files");
    size_t n = json_array_size(list);
    struct qn_lake_file *files = QN_NEW_ARRAY(parse->arena, struct qn_lake_file, n);
    if (!files)
        return qn_err_nomem(parse->err, "a manifest");
    if (!json_is_array(list) || n > UINT32_MAX)
        return refuse(parse, "it lists no files");
    for (size_t i = 0; i < n; i++)
        QN_TRY(read_file(parse, json_array_get(list, i), out, &files[i]));
    out->files = files;
    out->n_files = (uint32_t)n;
    return QN_OK;
}

static qn_code read_root(struct parse *parse, const json_t *root, struct qn_lake_manifest *out)
{
    uint64_t version = 0, level = 0;
    if (!json_is_object(root) || !read_u64(json_object_get(root, "version"), &version))
        return refuse(parse, "it tells no version");
    if (version != MANIFEST_VERSION)
        return qn_err_set(parse->err, QN_EINPUT, QN_BLAME_INPUT,
                          "%s is a manifest of version %llu, this quern reads %d: use a newer one",
                          parse->name, (unsigned long long)version, MANIFEST_VERSION);
    out->operation = text_of(parse, json_object_get(root, "operation"));
    out->time = text_of(parse, json_object_get(root, "time"));
    out->run = text_of(parse, json_object_get(root, "run"));
    out->job = text_of(parse, json_object_get(root, "job"));
    out->spec_sha256 = text_of(parse, json_object_get(root, "spec_sha256"));
    out->engine = text_of(parse, json_object_get(root, "engine"));
    out->format = text_of(parse, json_object_get(root, "format"));
    out->codec = text_of(parse, json_object_get(root, "codec"));
    if (read_u64(json_object_get(root, "level"), &level) && level <= INT_MAX)
        out->level = (int)level;
    if (!out->operation || !out->time || !out->format ||
        !read_u64(json_object_get(root, "snapshot"), &out->number) ||
        !read_u64(json_object_get(root, "parent"), &out->parent))
        return refuse(parse, "it is not whole");
    QN_TRY(read_columns(parse, root, out));
    QN_TRY(read_partition(parse, root, out));
    return read_files(parse, root, out);
}

qn_code qn_manifest_parse(struct qn_strv text, const char *name, struct qn_arena *arena,
                          struct qn_lake_manifest *out, struct qn_err *err)
{
    struct parse parse = {.arena = arena, .name = name, .err = err};
    json_error_t error;
    *out = (struct qn_lake_manifest){0};
    json_t *root = json_loadb(text.data ? text.data : "", text.len,
                              JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (!root)
        return refuse(&parse, error.text);
    qn_code code = read_root(&parse, root, out);
    json_decref(root);
    return code;
}
