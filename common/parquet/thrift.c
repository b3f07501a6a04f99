#include "parquet/thrift.h"

#include <stddef.h>

enum { MAX_DEPTH = 32, VARINT_BITS = 64 };

void qn_thrift_fail(struct qn_thrift *in, const char *why)
{
    if (!in->why)
        in->why = why;
    in->at = in->end;
}

static uint8_t take_byte(struct qn_thrift *in)
{
    if (in->at == in->end) {
        qn_thrift_fail(in, "it ends too early");
        return 0;
    }
    return *in->at++;
}

static uint64_t take_varint(struct qn_thrift *in)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < VARINT_BITS; shift += 7) {
        uint8_t byte = take_byte(in);
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return value;
    }
    qn_thrift_fail(in, "an integer has more than ten bytes");
    return 0;
}

static int64_t take_zigzag(struct qn_thrift *in)
{
    uint64_t value = take_varint(in);
    return (int64_t)(value >> 1 ^ (~(value & 1) + 1));
}

static void take_bytes(struct qn_thrift *in, uint64_t n, struct qn_strv *out)
{
    if (n > (uint64_t)(in->end - in->at)) {
        qn_thrift_fail(in, "a text is longer than what is left");
        n = 0;
    }
    *out = (struct qn_strv){(const char *)in->at, n};
    in->at += n;
}

bool qn_thrift_field(struct qn_thrift *in, struct qn_thrift_field *field)
{
    uint8_t byte = take_byte(in);
    field->type = byte & 0x0f;
    if (in->why || field->type == QN_THRIFT_STOP)
        return false;
    int64_t id = byte >> 4 ? field->id + (byte >> 4) : take_zigzag(in);
    if (id < INT16_MIN || id > INT16_MAX || field->type > QN_THRIFT_UUID)
        qn_thrift_fail(in, "a field has a number or a type that there is not");
    field->id = (int32_t)id;
    return !in->why;
}

static bool is_integer(uint8_t type)
{
    return type >= QN_THRIFT_I16 && type <= QN_THRIFT_I64;
}

int64_t qn_thrift_i64(struct qn_thrift *in, const struct qn_thrift_field *field)
{
    if (field->type == QN_THRIFT_I8)
        return (int8_t)take_byte(in);
    if (is_integer(field->type))
        return take_zigzag(in);
    qn_thrift_fail(in, "expected an integer");
    return 0;
}

int32_t qn_thrift_i32(struct qn_thrift *in, const struct qn_thrift_field *field)
{
    int64_t value = qn_thrift_i64(in, field);
    if (value < INT32_MIN || value > INT32_MAX)
        qn_thrift_fail(in, "an integer is out of range");
    return in->why ? 0 : (int32_t)value;
}

bool qn_thrift_bool(struct qn_thrift *in, const struct qn_thrift_field *field)
{
    if (field->type != QN_THRIFT_TRUE && field->type != QN_THRIFT_FALSE)
        qn_thrift_fail(in, "expected a boolean");
    return field->type == QN_THRIFT_TRUE;
}

struct qn_strv qn_thrift_binary(struct qn_thrift *in, const struct qn_thrift_field *field)
{
    if (field->type != QN_THRIFT_BINARY)
        qn_thrift_fail(in, "expected a text");
    return qn_thrift_binary_element(in);
}

bool qn_thrift_struct(struct qn_thrift *in, const struct qn_thrift_field *field)
{
    if (field->type != QN_THRIFT_STRUCT)
        qn_thrift_fail(in, "expected a struct");
    return !in->why;
}

static uint32_t take_list(struct qn_thrift *in, uint8_t *type)
{
    uint8_t byte = take_byte(in);
    uint64_t n = byte >> 4 == 15 ? take_varint(in) : byte >> 4;
    *type = byte & 0x0f;
    if (n > (uint64_t)(in->end - in->at) || n > UINT32_MAX)
        qn_thrift_fail(in, "a list has more elements than there are bytes left");
    return in->why ? 0 : (uint32_t)n;
}

uint32_t qn_thrift_list(struct qn_thrift *in, const struct qn_thrift_field *field,
                        enum qn_thrift_type type)
{
    uint8_t found = 0;
    if (field->type != QN_THRIFT_LIST)
        qn_thrift_fail(in, "expected a list");
    uint32_t n = take_list(in, &found);
    if (found == QN_THRIFT_FALSE) /* booleans of either kind are the same type of elements */
        found = QN_THRIFT_TRUE;
    if (n && found != type)
        qn_thrift_fail(in, "a list has elements of another type than expected");
    return in->why ? 0 : n;
}

bool qn_thrift_bool_element(struct qn_thrift *in)
{
    return take_byte(in) == QN_THRIFT_TRUE;
}

int64_t qn_thrift_i64_element(struct qn_thrift *in)
{
    return take_zigzag(in);
}

struct qn_strv qn_thrift_binary_element(struct qn_thrift *in)
{
    struct qn_strv text;
    take_bytes(in, take_varint(in), &text);
    return in->why ? (struct qn_strv){0} : text;
}

static void skip(struct qn_thrift *in, uint8_t type, bool element, unsigned depth);

static void skip_struct(struct qn_thrift *in, unsigned depth)
{
    struct qn_thrift_field field = {0};
    while (qn_thrift_field(in, &field))
        skip(in, field.type, false, depth + 1);
}

static void skip_map(struct qn_thrift *in, unsigned depth)
{
    uint64_t n = take_varint(in);
    uint8_t types = n ? take_byte(in) : 0;
    if (n > (uint64_t)(in->end - in->at))
        qn_thrift_fail(in, "a map has more elements than there are bytes left");
    for (uint64_t i = 0; i < n && !in->why; i++) {
        skip(in, types >> 4, true, depth + 1);
        skip(in, types & 0x0f, true, depth + 1);
    }
}

static void skip_list(struct qn_thrift *in, unsigned depth)
{
    uint8_t type;
    uint32_t n = take_list(in, &type);
    for (uint32_t i = 0; i < n && !in->why; i++)
        skip(in, type, true, depth + 1);
}

/* Booleans of a struct are in their field's type; elements take a byte. */
static void skip(struct qn_thrift *in, uint8_t type, bool element, unsigned depth)
{
    struct qn_strv bytes;
    if (depth > MAX_DEPTH)
        qn_thrift_fail(in, "it is nested too deeply");
    switch (in->why ? QN_THRIFT_TRUE : type) {
    case QN_THRIFT_TRUE:
    case QN_THRIFT_FALSE:
        if (element)
            take_byte(in);
        break;
    case QN_THRIFT_I8: take_byte(in); break;
    case QN_THRIFT_I16:
    case QN_THRIFT_I32:
    case QN_THRIFT_I64: take_varint(in); break;
    case QN_THRIFT_DOUBLE: take_bytes(in, 8, &bytes); break;
    case QN_THRIFT_BINARY: qn_thrift_binary_element(in); break;
    case QN_THRIFT_LIST:
    case QN_THRIFT_SET: skip_list(in, depth); break;
    case QN_THRIFT_MAP: skip_map(in, depth); break;
    case QN_THRIFT_STRUCT: skip_struct(in, depth); break;
    case QN_THRIFT_UUID: take_bytes(in, 16, &bytes); break;
    default: qn_thrift_fail(in, "a field has a type that there is not");
    }
}

void qn_thrift_skip(struct qn_thrift *in, uint8_t type)
{
    skip(in, type, false, 0);
}
