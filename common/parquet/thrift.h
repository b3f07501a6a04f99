/* thrift: reads the compact protocol of Apache Thrift, in which Parquet writes its metadata.
 *
 *     struct qn_thrift_field field = {0};
 *     while (qn_thrift_field(in, &field))
 *         switch (field.id) {
 *         case 1: n = qn_thrift_i32(in, &field); break;
 *         default: qn_thrift_skip(in, field.type);
 *         }
 *
 * The bytes are hostile: a read that does not fit them (or the field's type) sets `why` and gives
 * zeros from then on; the caller looks once at the end. Every element takes a byte at least, so
 * counts are bounded by the bytes that are left. */
#ifndef QN_PARQUET_THRIFT_H
#define QN_PARQUET_THRIFT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/strv.h"

enum qn_thrift_type {
    QN_THRIFT_STOP,
    QN_THRIFT_TRUE,
    QN_THRIFT_FALSE,
    QN_THRIFT_I8,
    QN_THRIFT_I16,
    QN_THRIFT_I32,
    QN_THRIFT_I64,
    QN_THRIFT_DOUBLE,
    QN_THRIFT_BINARY,
    QN_THRIFT_LIST,
    QN_THRIFT_SET,
    QN_THRIFT_MAP,
    QN_THRIFT_STRUCT,
    QN_THRIFT_UUID,
};

struct qn_thrift {
    const uint8_t *at, *end;
    const char *why; /* NULL: all is well */
};

struct qn_thrift_field {
    int32_t id;   /* of the field before, too: ids are written as differences */
    uint8_t type; /* enum qn_thrift_type */
};

static inline struct qn_thrift qn_thrift_from(const void *bytes, size_t n)
{
    return (struct qn_thrift){.at = bytes, .end = (const uint8_t *)bytes + n};
}

/* The next field of a struct; false at its end or after a failure. */
bool qn_thrift_field(struct qn_thrift *in, struct qn_thrift_field *field);

/* Values of fields. Integers of any width are taken where they fit the range. */
int64_t qn_thrift_i64(struct qn_thrift *in, const struct qn_thrift_field *field);
int32_t qn_thrift_i32(struct qn_thrift *in, const struct qn_thrift_field *field);
bool qn_thrift_bool(struct qn_thrift *in, const struct qn_thrift_field *field);
struct qn_strv qn_thrift_binary(struct qn_thrift *in, const struct qn_thrift_field *field);
/* True when the field is a struct; its fields follow. */
bool qn_thrift_struct(struct qn_thrift *in, const struct qn_thrift_field *field);
/* Elements of a list of `type`s; 0 (and a failure) when it is something else. */
uint32_t qn_thrift_list(struct qn_thrift *in, const struct qn_thrift_field *field,
                        enum qn_thrift_type type);

/* Elements of a list. Booleans take a byte each there, which is 1 for true. */
bool qn_thrift_bool_element(struct qn_thrift *in);
int64_t qn_thrift_i64_element(struct qn_thrift *in);
struct qn_strv qn_thrift_binary_element(struct qn_thrift *in);

/* Passes over a value, however deep within reason. */
void qn_thrift_skip(struct qn_thrift *in, uint8_t type);

/* Sets `why` unless it is set: for complaints about the values themselves. */
void qn_thrift_fail(struct qn_thrift *in, const char *why);

#endif
