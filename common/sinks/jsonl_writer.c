/* JSON lines: an object a row, all columns in it, NULL as null. Numbers, decimals among them, are
 * numbers; dates and timestamps are texts. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "flow/value.h"
#include "flow/writer.h"
#include "sinks/value_text.h"

/* Of a byte of text: most stay as they are. */
enum { ESCAPED_BYTES = 6 };

struct jsonl_writer {
    struct qn_writer base;
    const struct qn_schema *schema;
    struct qn_buf keys;   /* {"a":  ,"b":  ... one after another */
    uint32_t *key_starts; /* n_fields + 1 */
};

static struct jsonl_writer *jsonl_of(struct qn_writer *writer)
{
    return (struct jsonl_writer *)(void *)writer;
}

/* --- values ---------------------------------------------------------------------------------- */

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c != '"' && c != '\\' && c != 0x7F;
}

static char *put_escape(unsigned char c, char *out)
{
    static const char hex[] = "0123456789abcdef";
    *out++ = '\\';
    switch (c) {
    case '"':
    case '\\': *out++ = (char)c; return out;
    case '\n': *out++ = 'n'; return out;
    case '\r': *out++ = 'r'; return out;
    case '\t': *out++ = 't'; return out;
    default: break;
    }
    memcpy(out, "u00", 3);
    out[3] = hex[c >> 4];
    out[4] = hex[c & 15];
    return out + 5;
}

static char *put_text(struct qn_strv text, char *out)
{
    *out++ = '"';
    for (size_t at = 0; at < text.len;) {
        size_t begin = at;
        while (at < text.len && is_plain((unsigned char)text.data[at]))
            at++;
        qn_copy_text(out, text.data + begin, at - begin);
        out += at - begin;
        if (at < text.len)
            out = put_escape((unsigned char)text.data[at++], out);
    }
    *out++ = '"';
    return out;
}

static char *put_value(const struct qn_column *column, uint32_t row, char *out)
{
    if (!qn_is_valid(column, row)) {
        memcpy(out, "null", 4);
        return out + 4;
    }
    if (column->type.id == QN_TEXT)
        return put_text(qn_text_at(column, row), out);
    bool quoted = column->type.id == QN_DATE || column->type.id == QN_TIMESTAMP;
    if (quoted)
        *out++ = '"';
    out = qn_value_put(column, row, out);
    if (quoted)
        *out++ = '"';
    return out;
}

static char *put_row(const struct jsonl_writer *self, const struct qn_batch *batch, uint32_t row,
                     char *out)
{
    const char *keys = (const char *)self->keys.data;
    for (uint32_t c = 0; c < batch->schema->n_fields; c++) {
        uint32_t begin = self->key_starts[c], n = self->key_starts[c + 1] - begin;
        qn_copy_text(out, keys + begin, n);
        out = put_value(&batch->columns[c], row, out + n);
    }
    memcpy(out, "}\n", 2);
    return out + 2;
}

/* --- operations ------------------------------------------------------------------------------ */

/* JSON has no word for them, and a null would lose what was there. */
static qn_code check_finite(const struct jsonl_writer *self, const struct qn_batch *batch,
                            struct qn_err *err)
{
    for (uint32_t c = 0; c < batch->schema->n_fields; c++) {
        const struct qn_column *column = &batch->columns[c];
        if (column->type.id != QN_DOUBLE)
            continue;
        for (uint32_t row = 0; row < batch->n_rows; row++)
            if (!isfinite(column->f64[row]) && qn_is_valid(column, row))
                return qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT,
                                  "column %s holds %s, which JSON has no word for: filter or "
                                  "replace it, or write CSV or Parquet",
                                  self->schema->fields[c].name,
                                  isnan(column->f64[row]) ? "nan" : "inf");
    }
    return QN_OK;
}

static qn_code jsonl_write(struct qn_writer *writer, const struct qn_batch *batch,
                           struct qn_buf *out, struct qn_err *err)
{
    const struct jsonl_writer *self = jsonl_of(writer);
    QN_TRY(check_finite(self, batch, err));
    size_t row_most = self->keys.len + batch->schema->n_fields * ((size_t)QN_VALUE_TEXT + 2) + 2;
    char *begin = (char *)qn_buf_reserve(out, ESCAPED_BYTES * qn_value_text_bytes(batch) +
                                                  (size_t)batch->n_rows * row_most);
    if (!begin)
        return qn_err_nomem(err, "rows of JSON");
    char *at = begin;
    for (uint32_t row = 0; row < batch->n_rows; row++)
        at = put_row(self, batch, row, at);
    out->len += (size_t)(at - begin);
    return QN_OK;
}

static qn_code jsonl_finish(struct qn_writer *writer, struct qn_buf *out, struct qn_buf *meta,
                            struct qn_err *err)
{
    (void)writer;
    (void)meta;
    return qn_buf_check(out, "rows of JSON", err);
}

static void jsonl_close(struct qn_writer *writer)
{
    struct jsonl_writer *self = jsonl_of(writer);
    qn_buf_fini(&self->keys);
    free(self->key_starts);
    free(self);
}

static qn_code jsonl_head(const struct qn_schema *schema, const struct qn_writer_options *options,
                          struct qn_buf *out, struct qn_err *err)
{
    (void)schema;
    (void)options;
    return qn_buf_check(out, "a JSON file", err);
}

static qn_code jsonl_tail(const struct qn_schema *schema, const struct qn_writer_options *options,
                          const struct qn_segment *segments, uint32_t n, struct qn_buf *out,
                          struct qn_err *err)
{
    (void)segments;
    (void)n;
    return jsonl_head(schema, options, out, err);
}

static qn_code jsonl_unwrap(struct qn_strv file, const struct qn_schema *schema,
                            const struct qn_writer_options *options, struct qn_unwrapped *out,
                            struct qn_buf *meta, struct qn_err *err)
{
    (void)schema;
    (void)options;
    (void)meta;
    *out = (struct qn_unwrapped){.bytes = file.len};
    if (file.len == 0 || file.data[file.len - 1] == '\n')
        return QN_OK;
    return qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT, "its last line is not whole");
}

static qn_code put_keys(struct jsonl_writer *self, struct qn_err *err)
{
    uint32_t n = self->schema->n_fields;
    self->key_starts = calloc((size_t)n + 1, sizeof *self->key_starts);
    if (!self->key_starts)
        return qn_err_nomem(err, "a JSON writer");
    for (uint32_t c = 0; c < n; c++) {
        qn_buf_put_u8(&self->keys, c ? ',' : '{');
        qn_json_put_text(&self->keys, qn_strv_from(self->schema->fields[c].name));
        qn_buf_put_u8(&self->keys, ':');
        self->key_starts[c + 1] = (uint32_t)self->keys.len;
    }
    return qn_buf_check(&self->keys, "a JSON writer", err);
}

static qn_code jsonl_open(const struct qn_schema *schema, const struct qn_writer_options *options,
                          struct qn_writer **out, struct qn_err *err);

static const char *const suffixes[] = {".jsonl", ".ndjson", NULL};

const struct qn_writer_ops qn_writer_jsonl = {
    .format = "jsonl",
    .suffixes = suffixes,
    .open = jsonl_open,
    .write = jsonl_write,
    .finish = jsonl_finish,
    .close = jsonl_close,
    .head = jsonl_head,
    .tail = jsonl_tail,
    .unwrap = jsonl_unwrap,
};

static qn_code jsonl_open(const struct qn_schema *schema, const struct qn_writer_options *options,
                          struct qn_writer **out, struct qn_err *err)
{
    (void)options;
    struct jsonl_writer *self = calloc(1, sizeof *self);
    if (!self)
        return qn_err_nomem(err, "a JSON writer");
    self->base.ops = &qn_writer_jsonl;
    self->schema = schema;
    qn_buf_init(&self->keys);
    qn_code code = put_keys(self, err);
    if (code != QN_OK)
        jsonl_close(&self->base);
    else
        *out = &self->base;
    return code;
}
