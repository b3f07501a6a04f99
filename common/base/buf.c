#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void qn_buf_init(struct qn_buf *buf)
{
    *buf = (struct qn_buf){0};
}

void qn_buf_fini(struct qn_buf *buf)
{
    free(buf->data);
    qn_buf_init(buf);
}

void qn_buf_clear(struct qn_buf *buf)
{
    buf->len = 0;
    buf->failed = false;
}

uint8_t *qn_buf_reserve(struct qn_buf *buf, size_t bytes)
{
    if (buf->failed)
        return NULL;
    if (buf->capacity - buf->len >= bytes && buf->data)
        return buf->data + buf->len;
    size_t wanted;
    if (__builtin_add_overflow(buf->len, bytes, &wanted) || wanted > SIZE_MAX / 4) {
        buf->failed = true;
        return NULL;
    }
    size_t capacity = buf->capacity ? buf->capacity * 2 : 256;
    if (capacity < wanted)
        capacity = wanted;
    uint8_t *grown = realloc(buf->data, capacity);
    if (!grown) {
        buf->failed = true;
        return NULL;
    }
    buf->data = grown;
    buf->capacity = capacity;
    return buf->data + buf->len;
}

void qn_buf_put(struct qn_buf *buf, const void *bytes, size_t n)
{
    uint8_t *room = qn_buf_reserve(buf, n);
    if (!room)
        return;
    if (n)
        memcpy(room, bytes, n);
    buf->len += n;
}

void qn_buf_put_u8(struct qn_buf *buf, uint8_t value)
{
    qn_buf_put(buf, &value, 1);
}

static void put_le(struct qn_buf *buf, uint64_t value, size_t bytes)
{
    uint8_t out[8];
    for (size_t i = 0; i < bytes; i++)
        out[i] = (uint8_t)(value >> (8 * i));
    qn_buf_put(buf, out, bytes);
}

void qn_buf_put_u32(struct qn_buf *buf, uint32_t value)
{
    put_le(buf, value, 4);
}

void qn_buf_put_u64(struct qn_buf *buf, uint64_t value)
{
    put_le(buf, value, 8);
}

void qn_buf_put_i64(struct qn_buf *buf, int64_t value)
{
    put_le(buf, (uint64_t)value, 8);
}

void qn_buf_put_f64(struct qn_buf *buf, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_le(buf, bits, 8);
}

void qn_buf_put_str(struct qn_buf *buf, struct qn_strv text)
{
    if (text.len > UINT32_MAX) {
        buf->failed = true;
        return;
    }
    qn_buf_put_u32(buf, (uint32_t)text.len);
    qn_buf_put(buf, text.data, text.len);
}

void qn_buf_printf(struct qn_buf *buf, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    uint8_t *room = len < 0 ? NULL : qn_buf_reserve(buf, (size_t)len + 1);
    if (room) {
        vsnprintf((char *)room, (size_t)len + 1, format, again);
        buf->len += (size_t)len;
    }
    va_end(again);
}

qn_code qn_buf_check(const struct qn_buf *buf, const char *what, struct qn_err *err)
{
    return buf->failed ? qn_err_nomem(err, what) : QN_OK;
}

struct qn_unpack qn_unpack_from(struct qn_strv bytes)
{
    const uint8_t *at = (const uint8_t *)bytes.data;
    return (struct qn_unpack){.at = at, .end = bytes.len ? at + bytes.len : at};
}

struct qn_strv qn_unpack_bytes(struct qn_unpack *in, size_t n)
{
    if (in->failed || (size_t)(in->end - in->at) < n) {
        in->failed = true;
        return (struct qn_strv){0};
    }
    struct qn_strv out = {(const char *)in->at, n};
    in->at += n;
    return out;
}

static uint64_t unpack_le(struct qn_unpack *in, size_t bytes)
{
    struct qn_strv raw = qn_unpack_bytes(in, bytes);
    uint64_t value = 0;
    if (raw.len)
        memcpy(&value, raw.data, bytes); /* little endian, as wire/block.c asserts */
    return value;
}

uint8_t qn_unpack_u8(struct qn_unpack *in)
{
    return (uint8_t)unpack_le(in, 1);
}

uint32_t qn_unpack_u32(struct qn_unpack *in)
{
    return (uint32_t)unpack_le(in, 4);
}

uint64_t qn_unpack_u64(struct qn_unpack *in)
{
    return unpack_le(in, 8);
}

int64_t qn_unpack_i64(struct qn_unpack *in)
{
    return (int64_t)unpack_le(in, 8);
}

double qn_unpack_f64(struct qn_unpack *in)
{
    uint64_t bits = unpack_le(in, 8);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

struct qn_strv qn_unpack_str(struct qn_unpack *in)
{
    return qn_unpack_bytes(in, qn_unpack_u32(in));
}

uint32_t qn_unpack_count(struct qn_unpack *in, size_t item_bytes)
{
    uint32_t n = qn_unpack_u32(in);
    size_t left = in->failed ? 0 : (size_t)(in->end - in->at);
    if (item_bytes && n > left / item_bytes) {
        in->failed = true;
        return 0;
    }
    return n;
}

qn_code qn_unpack_end(const struct qn_unpack *in, const char *what, struct qn_err *err)
{
    if (in->failed)
        return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER, "%s is cut short or corrupt", what);
    if (in->at != in->end)
        return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER, "%s has %zu bytes too many", what,
                          (size_t)(in->end - in->at));
    return QN_OK;
}
