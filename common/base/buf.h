/* buf: a growing run of bytes that owns its memory, with little-endian writers;
 * unpack: the checked reader for the same encoding, for bytes that a peer sent.
 *
 * Writers that fail for lack of memory set `failed` and later writes do nothing, so
 * that a long encoder checks once at its end. */
#ifndef QN_BASE_BUF_H
#define QN_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strv.h"

struct qn_buf {
    uint8_t *data;
    size_t len, capacity; /* bytes */
    bool failed;          /* memory ran out: the content is not whole */
};

void qn_buf_init(struct qn_buf *buf);
void qn_buf_fini(struct qn_buf *buf);
void qn_buf_clear(struct qn_buf *buf); /* keeps the memory */

/* Room for `bytes` more at the end without changing len; NULL (and failed) when out of memory. */
uint8_t *qn_buf_reserve(struct qn_buf *buf, size_t bytes);

void qn_buf_put(struct qn_buf *buf, const void *bytes, size_t n);
void qn_buf_put_u8(struct qn_buf *buf, uint8_t value);
void qn_buf_put_u32(struct qn_buf *buf, uint32_t value);
void qn_buf_put_u64(struct qn_buf *buf, uint64_t value);
void qn_buf_put_i64(struct qn_buf *buf, int64_t value);
void qn_buf_put_f64(struct qn_buf *buf, double value);        /* IEEE bits */
void qn_buf_put_str(struct qn_buf *buf, struct qn_strv text); /* u32 length, bytes */
void qn_buf_printf(struct qn_buf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static inline struct qn_strv qn_buf_strv(const struct qn_buf *buf)
{
    return (struct qn_strv){(const char *)buf->data, buf->len};
}

/* QN_ENOMEM when any write failed. */
QN_CHECK qn_code qn_buf_check(const struct qn_buf *buf, const char *what, struct qn_err *err);

/* Reads what the writers wrote. A read past the end returns 0 (or an empty text) and sets
 * `failed`; the caller checks once with qn_unpack_end(). Texts are borrowed from the bytes. */
struct qn_unpack {
    const uint8_t *at, *end;
    bool failed;
};

struct qn_unpack qn_unpack_from(struct qn_strv bytes);
uint8_t qn_unpack_u8(struct qn_unpack *in);
uint32_t qn_unpack_u32(struct qn_unpack *in);
uint64_t qn_unpack_u64(struct qn_unpack *in);
int64_t qn_unpack_i64(struct qn_unpack *in);
double qn_unpack_f64(struct qn_unpack *in);
struct qn_strv qn_unpack_str(struct qn_unpack *in);
struct qn_strv qn_unpack_bytes(struct qn_unpack *in, size_t n);

/* A count of items of at least `item_bytes` each: fails when the rest cannot hold them. */
uint32_t qn_unpack_count(struct qn_unpack *in, size_t item_bytes);

/* QN_EWIRE unless everything was read, whole and without a rest. */
QN_CHECK qn_code qn_unpack_end(const struct qn_unpack *in, const char *what, struct qn_err *err);

#endif
