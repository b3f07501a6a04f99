#include "flow/schema.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"

bool qn_type_eq(struct qn_type a, struct qn_type b)
{
    if (a.id != b.id)
        return false;
    return a.id != QN_DECIMAL || (a.precision == b.precision && a.scale == b.scale);
}

bool qn_type_is_numeric(struct qn_type type)
{
    return type.id == QN_INT64 || type.id == QN_DECIMAL || type.id == QN_DOUBLE;
}

const char *qn_type_name(struct qn_type type, char out[QN_TYPE_NAME])
{
    static const char *const names[] = {
        [QN_BOOL] = "boolean", [QN_INT64] = "integer", [QN_DOUBLE] = "double",
        [QN_TEXT] = "text",    [QN_DATE] = "date",     [QN_TIMESTAMP] = "timestamp",
    };
    if (type.id == QN_DECIMAL)
        snprintf(out, QN_TYPE_NAME, "decimal(%u,%u)", (unsigned)type.precision,
                 (unsigned)type.scale);
    else
        snprintf(out, QN_TYPE_NAME, "%s",
                 type.id >= QN_BOOL && type.id <= QN_TIMESTAMP ? names[type.id] : "unknown");
    return out;
}

/* "(p,s)" or "(p)" after a decimal's name; nothing means the widest without a fraction. */
static bool parse_precision(struct qn_strv text, struct qn_type *out)
{
    out->precision = QN_DECIMAL_MAX_PRECISION;
    out->scale = 0;
    if (text.len == 0)
        return true;
    if (text.len < 3 || text.data[0] != '(' || text.data[text.len - 1] != ')')
        return false;
    struct qn_strv inside = {text.data + 1, text.len - 2};
    const char *comma = memchr(inside.data, ',', inside.len);
    size_t first = comma ? (size_t)(comma - inside.data) : inside.len;
    int64_t precision, scale = 0;
    if (!qn_strv_to_i64(qn_strv_trim((struct qn_strv){inside.data, first}), &precision))
        return false;
    if (comma &&
        !qn_strv_to_i64(qn_strv_trim((struct qn_strv){comma + 1, inside.len - first - 1}), &scale))
        return false;
    if (precision < 1 || precision > QN_DECIMAL_MAX_PRECISION || scale < 0 || scale > precision)
        return false;
    out->precision = (uint8_t)precision;
    out->scale = (uint8_t)scale;
    return true;
}

bool qn_type_parse(struct qn_strv name, struct qn_type *out)
{
    static const struct {
        const char *name;
        uint8_t id;
    } aliases[] = {
        {"boolean", QN_BOOL},        {"bool", QN_BOOL},
        {"integer", QN_INT64},       {"int", QN_INT64},
        {"bigint", QN_INT64},        {"int64", QN_INT64},
        {"double", QN_DOUBLE},       {"float", QN_DOUBLE},
        {"real", QN_DOUBLE},         {"double precision", QN_DOUBLE},
        {"text", QN_TEXT},           {"varchar", QN_TEXT},
        {"string", QN_TEXT},         {"date", QN_DATE},
        {"timestamp", QN_TIMESTAMP}, {"datetime", QN_TIMESTAMP},
    };
    name = qn_strv_trim(name);
    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++)
        if (qn_strv_eq_nocase(name, qn_strv_from(aliases[i].name))) {
            *out = (struct qn_type){.id = aliases[i].id};
            return true;
        }
    *out = (struct qn_type){.id = QN_DECIMAL};
    enum { WORD = 7 }; /* both "decimal" and "numeric" */
    struct qn_strv word = {name.data, name.len < WORD ? name.len : WORD};
    if (!qn_strv_eq_nocase(word, QN_STRV_LIT("decimal")) &&
        !qn_strv_eq_nocase(word, QN_STRV_LIT("numeric")))
        return false;
    return parse_precision(
        qn_strv_trim((struct qn_strv){name.data + word.len, name.len - word.len}), out);
}

int32_t qn_schema_find(const struct qn_schema *schema, struct qn_strv name)
{
    for (uint32_t i = 0; i < schema->n_fields; i++)
        if (qn_strv_is(name, schema->fields[i].name))
            return (int32_t)i;
    return -1;
}

qn_code qn_schema_copy(struct qn_arena *arena, const struct qn_schema *schema,
                       struct qn_schema *out, struct qn_err *err)
{
    struct qn_field *fields = QN_NEW_ARRAY(arena, struct qn_field, schema->n_fields);
    if (!fields)
        return qn_err_nomem(err, "a schema");
    for (uint32_t i = 0; i < schema->n_fields; i++) {
        fields[i].type = schema->fields[i].type;
        fields[i].name = qn_arena_strdup(arena, qn_strv_from(schema->fields[i].name));
        if (!fields[i].name)
            return qn_err_nomem(err, "a schema");
    }
    *out = (struct qn_schema){.fields = fields, .n_fields = schema->n_fields};
    return QN_OK;
}

void qn_schema_pack(struct qn_buf *buf, const struct qn_schema *schema)
{
    qn_buf_put_u32(buf, schema->n_fields);
    for (uint32_t i = 0; i < schema->n_fields; i++) {
        const struct qn_field *field = &schema->fields[i];
        qn_buf_put_str(buf, qn_strv_from(field->name));
        qn_buf_put_u8(buf, field->type.id);
        qn_buf_put_u8(buf, field->type.precision);
        qn_buf_put_u8(buf, field->type.scale);
    }
}

static bool type_is_sound(struct qn_type type)
{
    if (type.id < QN_BOOL || type.id > QN_TIMESTAMP)
        return false;
    return type.id != QN_DECIMAL ||
           (type.precision >= 1 && type.precision <= QN_DECIMAL_MAX_PRECISION &&
            type.scale <= type.precision);
}

qn_code qn_schema_unpack(struct qn_unpack *in, struct qn_arena *arena, struct qn_schema *out,
                         struct qn_err *err)
{
    uint32_t n = qn_unpack_count(in, 7); /* an empty name and its type take 7 bytes */
    if (in->failed || n > QN_MAX_COLUMNS)
        return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER, "a schema of %u columns is refused", n);
    struct qn_field *fields = QN_NEW_ARRAY(arena, struct qn_field, n);
    if (!fields)
        return qn_err_nomem(err, "a schema");
    for (uint32_t i = 0; i < n; i++) {
        struct qn_strv name = qn_unpack_str(in);
        fields[i].type.id = qn_unpack_u8(in);
        fields[i].type.precision = qn_unpack_u8(in);
        fields[i].type.scale = qn_unpack_u8(in);
        if (in->failed || !type_is_sound(fields[i].type))
            return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER, "column %u of a schema is corrupt",
                              i);
        fields[i].name = qn_arena_strdup(arena, name);
        if (!fields[i].name)
            return qn_err_nomem(err, "a schema");
    }
    *out = (struct qn_schema){.fields = fields, .n_fields = n};
    return QN_OK;
}
