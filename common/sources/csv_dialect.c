#include "sources/csv_dialect.h"

#include "base/limits.h"

enum { VERSION = 1 };

static bool is_usable(char c)
{
    return (unsigned char)c < 0x80 && c != '\n' && c != '\r';
}

const char *qn_csv_dialect_complaint(const struct qn_csv_dialect *d)
{
    if (!d->delimiter || !is_usable(d->delimiter) || !is_usable(d->quote) ||
        !is_usable(d->escape) || !is_usable(d->comment))
        return "delimiter, quote, escape and comment must be ASCII characters other than line ends";
    if (d->quote == d->delimiter)
        return "delimiter and quote are the same character";
    if (d->escape && (d->escape == d->delimiter || !d->quote))
        return d->quote ? "delimiter and escape are the same character"
                        : "an escape character needs a quote character";
    if (d->comment && (d->comment == d->delimiter || d->comment == d->quote))
        return "the comment character is the delimiter or the quote";
    return NULL;
}

void qn_csv_dialect_describe(const struct qn_csv_dialect *d, struct qn_buf *out)
{
    if (d->delimiter == '\t')
        qn_buf_printf(out, "delimiter tab");
    else
        qn_buf_printf(out, "delimiter '%c'", d->delimiter);
    if (!d->quote)
        qn_buf_printf(out, ", no quotes");
    else if (d->escape)
        qn_buf_printf(out, ", quote '%c', escape '%c'", d->quote, d->escape);
    else
        qn_buf_printf(out, ", quote '%c', doubled", d->quote);
    if (d->comment)
        qn_buf_printf(out, ", comment '%c'", d->comment);
    if (d->skip_rows)
        qn_buf_printf(out, ", skip_rows %llu", (unsigned long long)d->skip_rows);
    qn_buf_printf(out, ", %s, %s", d->header ? "header" : "no header",
                  qn_text_encoding_name(d->encoding));
}

void qn_csv_dialect_pack(struct qn_buf *buf, const struct qn_csv_dialect *d)
{
    qn_buf_put_u8(buf, VERSION);
    qn_buf_put_u8(buf, (uint8_t)d->delimiter);
    qn_buf_put_u8(buf, (uint8_t)d->quote);
    qn_buf_put_u8(buf, (uint8_t)d->escape);
    qn_buf_put_u8(buf, (uint8_t)d->comment);
    qn_buf_put_u8(buf, d->header);
    qn_buf_put_u8(buf, (uint8_t)d->encoding);
    qn_buf_put_u64(buf, d->skip_rows);
    qn_buf_put_u32(buf, d->n_fields);
    for (uint32_t i = 0; i < d->n_fields; i++)
        qn_null_texts_pack(buf, &d->nulls[i]);
    qn_buf_put_u32(buf, d->n_orders);
    for (uint32_t i = 0; i < d->n_orders; i++) {
        qn_buf_put_u32(buf, d->orders[i].file_index);
        for (uint32_t k = 0; k < d->n_fields; k++)
            qn_buf_put_u32(buf, d->orders[i].field_of[k]);
    }
}

/* A permutation of 0 .. n-1, or the bytes are not ours. */
static qn_code unpack_order(struct qn_unpack *in, uint32_t n, struct qn_arena *arena,
                            struct qn_csv_order *out, struct qn_err *err)
{
    out->file_index = qn_unpack_u32(in);
    uint32_t *field_of = QN_NEW_ARRAY(arena, uint32_t, n);
    bool *seen = QN_NEW_ARRAY(arena, bool, n);
    if (!field_of || !seen)
        return qn_err_nomem(err, "csv dialect");
    for (uint32_t k = 0; k < n; k++) {
        field_of[k] = qn_unpack_u32(in);
        if (in->failed || field_of[k] >= n || seen[field_of[k]])
            return qn_err_set(err, QN_EWIRE, QN_BLAME_COORDINATOR, "csv dialect: bad column order");
        seen[field_of[k]] = true;
    }
    out->field_of = field_of;
    return QN_OK;
}

static qn_code unpack_orders(struct qn_unpack *in, struct qn_arena *arena,
                             struct qn_csv_dialect *out, struct qn_err *err)
{
    out->n_orders = qn_unpack_count(in, 4 + 4 * (size_t)out->n_fields);
    struct qn_csv_order *orders =
        QN_NEW_ARRAY(arena, struct qn_csv_order, out->n_orders ? out->n_orders : 1);
    if (!orders)
        return qn_err_nomem(err, "csv dialect");
    for (uint32_t i = 0; i < out->n_orders; i++)
        QN_TRY(unpack_order(in, out->n_fields, arena, &orders[i], err));
    out->orders = orders;
    return qn_unpack_end(in, "csv dialect", err);
}

qn_code qn_csv_dialect_unpack(struct qn_strv bytes, uint32_t n_columns, struct qn_arena *arena,
                              struct qn_csv_dialect *out, struct qn_err *err)
{
    struct qn_unpack in = qn_unpack_from(bytes);
    uint8_t version = qn_unpack_u8(&in);
    *out = (struct qn_csv_dialect){.delimiter = (char)qn_unpack_u8(&in)};
    out->quote = (char)qn_unpack_u8(&in);
    out->escape = (char)qn_unpack_u8(&in);
    out->comment = (char)qn_unpack_u8(&in);
    out->header = qn_unpack_u8(&in) != 0;
    uint8_t encoding = qn_unpack_u8(&in);
    out->encoding = (enum qn_text_encoding)encoding;
    out->skip_rows = qn_unpack_u64(&in);
    out->n_fields = qn_unpack_u32(&in);
    if (in.failed || version != VERSION || encoding >= QN_TEXT_ENCODINGS || out->n_fields == 0 ||
        out->n_fields > QN_MAX_COLUMNS || out->n_fields != n_columns)
        return qn_err_set(err, QN_EWIRE, QN_BLAME_COORDINATOR,
                          "csv dialect: version %u, %u fields for %u columns", version,
                          out->n_fields, n_columns);
    const char *complaint = qn_csv_dialect_complaint(out);
    if (complaint)
        return qn_err_set(err, QN_EWIRE, QN_BLAME_COORDINATOR, "csv dialect: %s", complaint);
    struct qn_null_texts *nulls = QN_NEW_ARRAY(arena, struct qn_null_texts, out->n_fields);
    if (!nulls)
        return qn_err_nomem(err, "csv dialect");
    for (uint32_t i = 0; i < out->n_fields; i++)
        QN_TRY(qn_null_texts_unpack(&in, arena, &nulls[i], err));
    out->nulls = nulls;
    return unpack_orders(&in, arena, out, err);
}
