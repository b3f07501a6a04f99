#include "jobs/etl/cell.h"

#include <string.h>

#include "base/radix.h"
#include "flow/value.h"

int qn_cell_cmp(struct qn_type type, struct qn_cell a, struct qn_cell b)
{
    if (!a.valid || !b.valid)
        return (int)a.valid - (int)b.valid;
    switch (qn_type_layout(type)) {
    case QN_LAYOUT_F64: return (a.f64 > b.f64) - (a.f64 < b.f64);
    case QN_LAYOUT_TEXT: return qn_strv_cmp(a.text, b.text);
    default: return (a.i64 > b.i64) - (a.i64 < b.i64);
    }
}

static const uint64_t SIGN = UINT64_C(1) << 63;

uint64_t qn_cell_rank(struct qn_type type, struct qn_cell cell)
{
    return qn_type_layout(type) == QN_LAYOUT_F64 ? qn_radix_of_double(cell.f64)
                                                 : (uint64_t)cell.i64 ^ SIGN;
}

struct qn_cell qn_cell_of_rank(struct qn_type type, uint64_t rank)
{
    struct qn_cell cell = {.valid = true};
    if (qn_type_layout(type) == QN_LAYOUT_F64)
        cell.f64 = qn_radix_to_double(rank);
    else
        cell.i64 = (int64_t)(rank ^ SIGN);
    return cell;
}

bool qn_cell_parse(struct qn_type type, struct qn_strv text, struct qn_cell *out)
{
    *out = (struct qn_cell){.valid = true};
    bool flag;
    switch ((enum qn_type_id)type.id) {
    case QN_BOOL:
        if (!qn_parse_bool(text, &flag))
            return false;
        out->i64 = flag;
        return true;
    case QN_INT64: return qn_strv_to_i64(text, &out->i64);
    case QN_DOUBLE: return qn_parse_double(text, &out->f64);
    case QN_DECIMAL: return qn_parse_decimal(text, QN_DECIMAL_MAX_PRECISION, type.scale, &out->i64);
    case QN_DATE: return qn_parse_date(text, &out->i64);
    case QN_TIMESTAMP: return qn_parse_timestamp(text, &out->i64);
    case QN_TEXT: out->text = text; return true;
    }
    return false;
}

/* A column of one row over the cell's own memory, for the formatter of flow. */
void qn_cell_format(struct qn_buf *buf, struct qn_type type, struct qn_cell cell)
{
    if (!cell.valid)
        return;
    uint8_t flag = cell.i64 != 0;
    struct qn_column column = {.type = type};
    switch (qn_type_layout(type)) {
    case QN_LAYOUT_BOOL: column.bools = &flag; break;
    case QN_LAYOUT_I64: column.i64 = &cell.i64; break;
    case QN_LAYOUT_F64: column.f64 = &cell.f64; break;
    case QN_LAYOUT_TEXT: qn_buf_put(buf, cell.text.data, cell.text.len); return;
    }
    qn_value_format(buf, &column, 0);
}

void qn_json_text(struct qn_buf *buf, struct qn_strv text)
{
    qn_buf_put_u8(buf, '"');
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c == '"' || c == '\\')
            qn_buf_printf(buf, "\\%c", c);
        else if (c < 0x20)
            qn_buf_printf(buf, "\\u%04x", c);
        else
            qn_buf_put_u8(buf, c);
    }
    qn_buf_put_u8(buf, '"');
}

void qn_cell_json(struct qn_buf *buf, struct qn_type type, struct qn_cell cell)
{
    if (!cell.valid) {
        qn_buf_put(buf, "null", 4);
    } else if (type.id == QN_TEXT) {
        qn_json_text(buf, cell.text);
    } else {
        bool quoted = type.id == QN_DATE || type.id == QN_TIMESTAMP;
        if (quoted)
            qn_buf_put_u8(buf, '"');
        qn_cell_format(buf, type, cell);
        if (quoted)
            qn_buf_put_u8(buf, '"');
    }
}

void qn_cell_pack(struct qn_buf *buf, struct qn_type type, struct qn_cell cell)
{
    qn_buf_put_u8(buf, cell.valid);
    if (!cell.valid)
        return;
    switch (qn_type_layout(type)) {
    case QN_LAYOUT_BOOL: qn_buf_put_u8(buf, cell.i64 != 0); break;
    case QN_LAYOUT_I64: qn_buf_put_i64(buf, cell.i64); break;
    case QN_LAYOUT_F64: qn_buf_put_f64(buf, cell.f64); break;
    case QN_LAYOUT_TEXT: qn_buf_put_str(buf, cell.text); break;
    }
}

struct qn_cell qn_cell_unpack(struct qn_unpack *in, struct qn_type type)
{
    struct qn_cell cell = {0};
    uint8_t valid = qn_unpack_u8(in);
    if (valid > 1)
        in->failed = true;
    if (in->failed || !valid)
        return cell;
    cell.valid = true;
    switch (qn_type_layout(type)) {
    case QN_LAYOUT_BOOL: cell.i64 = qn_unpack_u8(in) != 0; break;
    case QN_LAYOUT_I64: cell.i64 = qn_unpack_i64(in); break;
    case QN_LAYOUT_F64: cell.f64 = qn_unpack_f64(in); break;
    case QN_LAYOUT_TEXT: cell.text = qn_unpack_str(in); break;
    }
    return cell;
}

qn_code qn_cell_copy(struct qn_arena *arena, struct qn_cell cell, struct qn_cell *out,
                     struct qn_err *err)
{
    *out = cell;
    if (!cell.text.data)
        return QN_OK;
    out->text.data = qn_arena_strdup(arena, cell.text);
    return out->text.data ? QN_OK : qn_err_nomem(err, "a value");
}
