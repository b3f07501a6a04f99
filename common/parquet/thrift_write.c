#include "parquet/thrift_write.h"

enum { SHORT_STEP = 15, SHORT_LIST = 14 };

static void put_varint(struct qn_buf *buf, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        qn_buf_put_u8(buf, (uint8_t)(value | 0x80));
    qn_buf_put_u8(buf, (uint8_t)value);
}

static void put_number(struct qn_buf *buf, int64_t value)
{
    put_varint(buf, (uint64_t)value << 1 ^ (uint64_t)(value >> 63));
}

static void put_field(struct qn_thrift_out *out, int32_t id, enum qn_thrift_type type)
{
    int32_t step = id - out->last;
    if (step > 0 && step <= SHORT_STEP) {
        qn_buf_put_u8(out->buf, (uint8_t)(step << 4 | (int)type));
    } else {
        qn_buf_put_u8(out->buf, (uint8_t)type);
        put_number(out->buf, id);
    }
    out->last = id;
}

void qn_thrift_put_i8(struct qn_thrift_out *out, int32_t id, int8_t value)
{
    put_field(out, id, QN_THRIFT_I8);
    qn_buf_put_u8(out->buf, (uint8_t)value);
}

void qn_thrift_put_i16(struct qn_thrift_out *out, int32_t id, int32_t value)
{
    put_field(out, id, QN_THRIFT_I16);
    put_number(out->buf, value);
}

void qn_thrift_put_i32(struct qn_thrift_out *out, int32_t id, int32_t value)
{
    put_field(out, id, QN_THRIFT_I32);
    put_number(out->buf, value);
}

void qn_thrift_put_i64(struct qn_thrift_out *out, int32_t id, int64_t value)
{
    put_field(out, id, QN_THRIFT_I64);
    put_number(out->buf, value);
}

void qn_thrift_put_bool(struct qn_thrift_out *out, int32_t id, bool value)
{
    put_field(out, id, value ? QN_THRIFT_TRUE : QN_THRIFT_FALSE);
}

void qn_thrift_put_binary(struct qn_thrift_out *out, int32_t id, struct qn_strv bytes)
{
    put_field(out, id, QN_THRIFT_BINARY);
    qn_thrift_put_binary_element(out, bytes);
}

struct qn_thrift_out qn_thrift_put_struct(struct qn_thrift_out *out, int32_t id)
{
    put_field(out, id, QN_THRIFT_STRUCT);
    return qn_thrift_put_struct_element(out);
}

void qn_thrift_put_list(struct qn_thrift_out *out, int32_t id, enum qn_thrift_type type, uint32_t n)
{
    put_field(out, id, QN_THRIFT_LIST);
    if (n <= SHORT_LIST) {
        qn_buf_put_u8(out->buf, (uint8_t)(n << 4 | (unsigned)type));
    } else {
        qn_buf_put_u8(out->buf, (uint8_t)(0xF0 | (unsigned)type));
        put_varint(out->buf, n);
    }
}

void qn_thrift_put_end(struct qn_thrift_out *out)
{
    qn_buf_put_u8(out->buf, QN_THRIFT_STOP);
}

void qn_thrift_put_i32_element(struct qn_thrift_out *out, int32_t value)
{
    put_number(out->buf, value);
}

void qn_thrift_put_binary_element(struct qn_thrift_out *out, struct qn_strv bytes)
{
    put_varint(out->buf, bytes.len);
    qn_buf_put(out->buf, bytes.data, bytes.len);
}

struct qn_thrift_out qn_thrift_put_struct_element(struct qn_thrift_out *out)
{
    return (struct qn_thrift_out){out->buf, 0};
}
