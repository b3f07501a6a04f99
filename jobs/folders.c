#include "jobs/folders.h"

#include <string.h>

#include "base/limits.h"
#include "flow/value.h"
#include "lake/hive.h"

/* --- paths ----------------------------------------------------------------------------------- */

/* The folder before `end` in a path, without slashes; empty: none. */
static struct qn_strv folder_before(const char *path, size_t end)
{
    size_t begin = end;
    while (begin && path[begin - 1] != '/')
        begin--;
    return (struct qn_strv){path + begin, end - begin};
}

static size_t parent_end(const char *path, size_t end)
{
    while (end && path[end - 1] != '/')
        end--;
    return end ? end - 1 : 0;
}

/* The value of the innermost folder that names the column; false: there is none. */
static bool find_value(const char *path, struct qn_strv column, struct qn_buf *value, bool *is_null)
{
    for (size_t end = parent_end(path, strlen(path)); end; end = parent_end(path, end)) {
        struct qn_strv name;
        qn_buf_clear(value);
        if (qn_hive_parse(folder_before(path, end), &name, value, is_null) &&
            qn_hive_names(name, column))
            return true;
    }
    return false;
}

/* --- values ---------------------------------------------------------------------------------- */

struct value {
    bool is_null;
    int64_t i64;
    double f64;
    struct qn_strv text;
};

static bool parse_value(struct qn_type type, struct qn_strv text, struct value *out)
{
    bool flag = false;
    out->text = text;
    switch ((enum qn_type_id)type.id) {
    case QN_BOOL:
        if (!qn_parse_bool(text, &flag))
            return false;
        out->i64 = flag;
        return true;
    case QN_INT64: return qn_strv_to_i64(text, &out->i64);
    case QN_DOUBLE: return qn_parse_any_double(text, &out->f64);
    case QN_DECIMAL: return qn_parse_decimal(text, type.precision, type.scale, &out->i64);
    case QN_DATE: return qn_parse_date(text, &out->i64);
    case QN_TIMESTAMP: return qn_parse_timestamp(text, &out->i64);
    case QN_TEXT: return qn_utf8_valid(text);
    }
    return false;
}

/* A dictionary of the one text. */
static bool number_text(struct qn_column *column, struct qn_strv text, uint32_t n_rows,
                        struct qn_arena *arena)
{
    struct qn_dictionary *dictionary = QN_NEW(arena, struct qn_dictionary);
    struct qn_strv *texts = QN_NEW_ARRAY(arena, struct qn_strv, 2);
    uint16_t *codes = QN_NEW_ARRAY(arena, uint16_t, n_rows); /* all QN_CODE_NULL */
    if (!dictionary || !texts || !codes)
        return false;
    texts[1] = (struct qn_strv){column->bytes, text.len};
    for (uint32_t i = 0; i < n_rows && !column->validity; i++)
        codes[i] = 1;
    *dictionary = (struct qn_dictionary){.id = qn_dictionary_new_id(), .n = 2, .texts = texts};
    column->dictionary = dictionary;
    column->codes = codes;
    return true;
}

static qn_code fill_text(struct qn_column *column, struct qn_strv text, uint32_t n_rows,
                         struct qn_arena *arena, struct qn_err *err)
{
    if (text.len > UINT32_MAX / ((size_t)n_rows + 1))
        return qn_err_set(err, QN_ELIMIT, QN_BLAME_INPUT, "a folder's value has %zu bytes",
                          text.len);
    column->bytes = qn_arena_alloc(arena, text.len * n_rows + 1);
    if (!column->bytes)
        return qn_err_nomem(err, "a folder's value");
    for (uint32_t i = 0; i < n_rows; i++) {
        if (text.len)
            memcpy(column->bytes + (size_t)i * text.len, text.data, text.len);
        column->offsets[i + 1] = (uint32_t)((i + 1) * text.len);
    }
    if (!number_text(column, text, n_rows, arena))
        return qn_err_nomem(err, "a folder's value");
    return QN_OK;
}

static qn_code fill(struct qn_column *column, const struct value *value, uint32_t n_rows,
                    struct qn_arena *arena, struct qn_err *err)
{
    if (value->is_null) {
        column->validity = qn_validity_new(arena, n_rows, false);
        if (qn_type_layout(column->type) == QN_LAYOUT_TEXT)
            QN_TRY(fill_text(column, (struct qn_strv){"", 0}, n_rows, arena, err));
        return column->validity ? QN_OK : qn_err_nomem(err, "a folder's value");
    }
    switch (qn_type_layout(column->type)) {
    case QN_LAYOUT_BOOL: memset(column->bools, value->i64 != 0, n_rows); return QN_OK;
    case QN_LAYOUT_TEXT: return fill_text(column, value->text, n_rows, arena, err);
    case QN_LAYOUT_F64:
        for (uint32_t i = 0; i < n_rows; i++)
            column->f64[i] = value->f64;
        return QN_OK;
    case QN_LAYOUT_I64:
        for (uint32_t i = 0; i < n_rows; i++)
            column->i64[i] = value->i64;
        return QN_OK;
    }
    return QN_OK;
}

static qn_code refuse(const char *path, const char *what, const struct qn_field *field,
                      struct qn_err *err)
{
    char type[QN_TYPE_NAME];
    qn_code code = qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT, "%s for column %s (%s)", what,
                              field->name, qn_type_name(field->type, type));
    qn_err_at(err, path, 0, 0);
    return code;
}

static qn_code read_column(const struct qn_field *field, const char *path, uint32_t n_rows,
                           struct qn_buf *text, struct qn_arena *arena, struct qn_column *out,
                           struct qn_err *err)
{
    struct value value = {0};
    if (!find_value(path, qn_strv_from(field->name), text, &value.is_null))
        return refuse(path, "no folder has a value", field, err);
    if (!value.is_null && !parse_value(field->type, qn_buf_strv(text), &value))
        return refuse(path, "the folder's value does not do", field, err);
    QN_TRY(qn_buf_check(text, "a folder's value", err));
    QN_TRY(qn_column_new(arena, field->type, n_rows, out, err));
    return fill(out, &value, n_rows, arena, err);
}

qn_code qn_folders_read(const struct qn_schema *columns, const char *path, uint32_t n_rows,
                        struct qn_arena *arena, struct qn_column *out, struct qn_err *err)
{
    struct qn_buf text;
    qn_code code = QN_OK;
    qn_buf_init(&text);
    for (uint32_t i = 0; i < columns->n_fields && code == QN_OK; i++)
        code = read_column(&columns->fields[i], path, n_rows, &text, arena, &out[i], err);
    qn_buf_fini(&text);
    return code;
}

/* --- what there is --------------------------------------------------------------------------- */

/* Folders just above the file that are NAME=VALUE, outermost first. */
static uint32_t list_names(const char *path, struct qn_strv names[QN_MAX_PARTITION_COLUMNS])
{
    struct qn_buf value;
    uint32_t n = 0;
    bool is_null;
    qn_buf_init(&value);
    for (size_t end = parent_end(path, strlen(path)); end && n < QN_MAX_PARTITION_COLUMNS;
         end = parent_end(path, end))
        if (!qn_hive_parse(folder_before(path, end), &names[n], &value, &is_null))
            break;
        else
            n++;
    for (uint32_t i = 0; i < n / 2; i++) {
        struct qn_strv name = names[i];
        names[i] = names[n - 1 - i];
        names[n - 1 - i] = name;
    }
    qn_buf_fini(&value);
    return n;
}

/* The narrowest of integer, date, timestamp and text that all values so far have. */
static void narrow(struct qn_strv text, bool can[3])
{
    struct value value;
    static const struct qn_type types[3] = {
        {.id = QN_INT64}, {.id = QN_DATE}, {.id = QN_TIMESTAMP}};
    for (int i = 0; i < 3; i++)
        can[i] = can[i] && parse_value(types[i], text, &value);
    /* 007 is a name. */
    size_t sign = text.len && text.data[0] == '-';
    if (text.len > sign + 1 && text.data[sign] == '0')
        can[0] = false;
}

static struct qn_type infer_type(const char *const *paths, uint32_t n_paths, struct qn_strv name)
{
    bool can[3] = {true, true, true}, seen = false, is_null;
    struct qn_buf text;
    qn_buf_init(&text);
    for (uint32_t i = 0; i < n_paths; i++) {
        if (!find_value(paths[i], name, &text, &is_null) || is_null)
            continue;
        seen = true;
        narrow(qn_buf_strv(&text), can);
    }
    qn_buf_fini(&text);
    return (struct qn_type){.id = !seen    ? QN_TEXT
                                  : can[0] ? QN_INT64
                                  : can[1] ? QN_DATE
                                  : can[2] ? QN_TIMESTAMP
                                           : QN_TEXT};
}

static bool same_names(const struct qn_strv *a, const struct qn_strv *b, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (!qn_strv_eq(a[i], b[i]))
            return false;
    return true;
}

qn_code qn_folders_infer(const char *const *paths, uint32_t n_paths, struct qn_arena *arena,
                         struct qn_schema *columns, struct qn_err *err)
{
    struct qn_strv names[QN_MAX_PARTITION_COLUMNS], other[QN_MAX_PARTITION_COLUMNS];
    *columns = (struct qn_schema){0};
    uint32_t n = n_paths ? list_names(paths[0], names) : 0;
    for (uint32_t i = 1; i < n_paths; i++)
        if (list_names(paths[i], other) != n || !same_names(names, other, n))
            return qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT,
                              "%s lies in other folders than %s: columns that folders name have to "
                              "be the same for all files",
                              paths[i], paths[0]);
    struct qn_field *fields = QN_NEW_ARRAY(arena, struct qn_field, n);
    if (!fields)
        return qn_err_nomem(err, "a source's folders");
    struct qn_buf name;
    qn_buf_init(&name);
    for (uint32_t i = 0; i < n; i++) {
        qn_buf_clear(&name);
        qn_hive_unescape(names[i], &name);
        fields[i].name = qn_arena_strdup(arena, qn_buf_strv(&name));
        fields[i].type = infer_type(paths, n_paths, qn_buf_strv(&name));
    }
    qn_buf_fini(&name);
    for (uint32_t i = 0; i < n; i++)
        if (!fields[i].name)
            return qn_err_nomem(err, "a source's folders");
    *columns = (struct qn_schema){fields, n};
    return QN_OK;
}

/* --- rows ------------------------------------------------------------------------------------ */

static void add_column(struct qn_field *fields, int32_t *from, uint32_t *n,
                       const struct qn_field *field, int32_t place)
{
    fields[*n] = *field;
    from[(*n)++] = place;
}

/* The place of a column by its name: a folder's goes before a file's. */
static bool find_place(const struct qn_folders *folders, const struct qn_schema *files,
                       const char *name, int32_t *place)
{
    int32_t at = qn_schema_find(&folders->columns, qn_strv_from(name));
    *place = at >= 0 ? -1 - at : qn_schema_find(files, qn_strv_from(name));
    return at >= 0 || *place >= 0;
}

qn_code qn_folders_join(struct qn_folders *folders, const struct qn_schema *files,
                        const struct qn_schema *order, struct qn_arena *arena, struct qn_err *err)
{
    uint32_t most = files->n_fields + folders->columns.n_fields, n = 0;
    struct qn_field *fields = QN_NEW_ARRAY(arena, struct qn_field, most);
    int32_t *from = QN_NEW_ARRAY(arena, int32_t, most);
    int32_t place;
    if (!fields || !from)
        return qn_err_nomem(err, "a source's columns");
    for (uint32_t c = 0; order && c < order->n_fields && n < most; c++)
        if (find_place(folders, files, order->fields[c].name, &place))
            add_column(fields, from, &n, &order->fields[c], place);
    for (uint32_t c = 0; !order && c < files->n_fields; c++)
        if (find_place(folders, files, files->fields[c].name, &place) && place >= 0)
            add_column(fields, from, &n, &files->fields[c], (int32_t)c);
    for (uint32_t c = 0; !order && c < folders->columns.n_fields; c++)
        add_column(fields, from, &n, &folders->columns.fields[c], -1 - (int32_t)c);
    folders->rows = (struct qn_schema){fields, n};
    folders->from = from;
    return QN_OK;
}

/* --- as bytes -------------------------------------------------------------------------------- */

void qn_folders_pack(const struct qn_folders *folders, struct qn_buf *out)
{
    qn_buf_put_u32(out, folders->columns.n_fields);
    if (folders->columns.n_fields == 0)
        return;
    qn_schema_pack(out, &folders->columns);
    qn_schema_pack(out, &folders->rows);
    for (uint32_t c = 0; c < folders->rows.n_fields; c++)
        qn_buf_put_u32(out, (uint32_t)folders->from[c]);
}

qn_code qn_folders_unpack(struct qn_unpack *in, const struct qn_schema *files,
                          struct qn_arena *arena, struct qn_folders *out, struct qn_err *err)
{
    *out = (struct qn_folders){0};
    if (qn_unpack_u32(in) == 0)
        return QN_OK;
    QN_TRY(qn_schema_unpack(in, arena, &out->columns, err));
    QN_TRY(qn_schema_unpack(in, arena, &out->rows, err));
    int32_t *from = QN_NEW_ARRAY(arena, int32_t, out->rows.n_fields);
    if (!from)
        return qn_err_nomem(err, "a source's columns");
    for (uint32_t c = 0; c < out->rows.n_fields; c++) {
        from[c] = (int32_t)qn_unpack_u32(in);
        if (from[c] >= (int32_t)files->n_fields || -1 - from[c] >= (int32_t)out->columns.n_fields)
            return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER, "a source's columns do not fit");
    }
    out->from = from;
    return QN_OK;
}
