/* thrift_write: fields of a struct in the compact protocol of Apache Thrift, in ascending order.
 *
 *     struct qn_thrift_out at = {out, 0};
 *     qn_thrift_put_i32(&at, 1, n);
 *     qn_thrift_put_end(&at); */
#ifndef QN_PARQUET_THRIFT_WRITE_H
#define QN_PARQUET_THRIFT_WRITE_H

#include "base/buf.h"
#include "parquet/thrift.h"

struct qn_thrift_out {
    struct qn_buf *buf;
    int32_t last; /* field's number */
};

void qn_thrift_put_i32(struct qn_thrift_out *out, int32_t id, int32_t value);
void qn_thrift_put_i64(struct qn_thrift_out *out, int32_t id, int64_t value);
void qn_thrift_put_i16(struct qn_thrift_out *out, int32_t id, int32_t value);
void qn_thrift_put_i8(struct qn_thrift_out *out, int32_t id, int8_t value);
void qn_thrift_put_bool(struct qn_thrift_out *out, int32_t id, bool value);
void qn_thrift_put_binary(struct qn_thrift_out *out, int32_t id, struct qn_strv bytes);
/* The struct's fields follow, then its end. */
struct qn_thrift_out qn_thrift_put_struct(struct qn_thrift_out *out, int32_t id);
void qn_thrift_put_list(struct qn_thrift_out *out, int32_t id, enum qn_thrift_type type,
                        uint32_t n);
void qn_thrift_put_end(struct qn_thrift_out *out);

/* Elements of a list; a struct's are its fields and its end. */
void qn_thrift_put_i32_element(struct qn_thrift_out *out, int32_t value);
void qn_thrift_put_binary_element(struct qn_thrift_out *out, struct qn_strv bytes);
struct qn_thrift_out qn_thrift_put_struct_element(struct qn_thrift_out *out);

#endif
