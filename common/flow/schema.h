/* schema: the types of the engine and the named columns of a table.
 *
 * Seven logical types over four physical layouts, so that kernels stay few (docs/adr/0003):
 *   BOOL                     one byte a value, 0 or 1
 *   INT64, DECIMAL, DATE, TIMESTAMP   int64_t
 *   DOUBLE                   double
 *   TEXT                     uint32_t offsets (n + 1) into bytes, UTF-8 */
#ifndef QN_FLOW_SCHEMA_H
#define QN_FLOW_SCHEMA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum qn_type_id {
    QN_BOOL = 1,
    QN_INT64,
    QN_DOUBLE,
    QN_DECIMAL, /* value x 10^scale; precision at most 18 digits */
    QN_TEXT,
    QN_DATE,      /* days since 1970-01-01 */
    QN_TIMESTAMP, /* microseconds since 1970-01-01T00:00:00, no zone */
};

struct qn_type {
    uint8_t id;        /* enum qn_type_id */
    uint8_t precision; /* DECIMAL only: 1..18 */
    uint8_t scale;     /* DECIMAL only: 0..precision */
};

enum qn_layout { QN_LAYOUT_BOOL, QN_LAYOUT_I64, QN_LAYOUT_F64, QN_LAYOUT_TEXT };

enum { QN_DECIMAL_MAX_PRECISION = 18 };

struct qn_field {
    const char *name;
    struct qn_type type;
};

/* Borrowed arrays; owned by the arena of whoever made it. */
struct qn_schema {
    const struct qn_field *fields;
    uint32_t n_fields;
};

static inline enum qn_layout qn_type_layout(struct qn_type type)
{
    switch (type.id) {
    case QN_BOOL: return QN_LAYOUT_BOOL;
    case QN_DOUBLE: return QN_LAYOUT_F64;
    case QN_TEXT: return QN_LAYOUT_TEXT;
    default: return QN_LAYOUT_I64;
    }
}

/* Of a value in its column's array; of a text, of its offset. */
static inline size_t qn_layout_bytes(enum qn_layout layout)
{
    switch (layout) {
    case QN_LAYOUT_BOOL: return 1;
    case QN_LAYOUT_TEXT: return sizeof(uint32_t);
    default: return sizeof(int64_t);
    }
}

bool qn_type_eq(struct qn_type a, struct qn_type b);
bool qn_type_is_numeric(struct qn_type type); /* integer, decimal, double */

/* "integer", "double", "decimal(10,2)", "text", "boolean", "date", "timestamp". */
enum { QN_TYPE_NAME = 24 };
const char *qn_type_name(struct qn_type type, char out[QN_TYPE_NAME]);

/* Parses such a name, and the usual SQL aliases (int, bigint, real, float, varchar, bool, datetime,
 * numeric(p,s)); false when it is none. */
bool qn_type_parse(struct qn_strv name, struct qn_type *out);

/* Position of the column, or -1. Names compare exactly. */
int32_t qn_schema_find(const struct qn_schema *schema, struct qn_strv name);

/* A deep copy into the arena; QN_ENOMEM. */
QN_CHECK qn_code qn_schema_copy(struct qn_arena *arena, const struct qn_schema *schema,
                                struct qn_schema *out, struct qn_err *err);

void qn_schema_pack(struct qn_buf *buf, const struct qn_schema *schema);
/* Names are copied to the arena. Checked: counts, types, scales. */
QN_CHECK qn_code qn_schema_unpack(struct qn_unpack *in, struct qn_arena *arena,
                                  struct qn_schema *out, struct qn_err *err);

#endif
