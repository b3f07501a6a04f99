/* CSV as RFC 4180 has it, but for its line ends: commas, LF, a header. NULL is an empty field, an
 * empty text is "". Quoted is what would not come back as it was without quotes, in our reader and
 * in others that guess. */
#include <stdlib.h>
#include <string.h>

#include "flow/value.h"
#include "flow/writer.h"
#include "sinks/value_text.h"

/* --- fields ---------------------------------------------------------------------------------- */

/* Bytes that cannot stand in a field without quotes, and what readers that guess take for something
 * else at the beginning of a field: other quotes, a comment, a byte order mark. */
enum { SPECIAL = 1, ODD_START = 2 };
static const uint8_t kinds[256] = {
    [','] = SPECIAL,    ['"'] = SPECIAL,   ['\n'] = SPECIAL,  ['\r'] = SPECIAL,
    ['\''] = ODD_START, ['#'] = ODD_START, [0xEF] = ODD_START};

static bool needs_quotes(struct qn_strv text)
{
    uint8_t seen = 0;
    if (text.len == 0 || kinds[(unsigned char)text.data[0]])
        return true;
    for (size_t i = 1; i < text.len; i++)
        seen |= kinds[(unsigned char)text.data[i]];
    return seen & SPECIAL;
}

/* Room for twice the text and two more at `out`. */
static char *put_text(struct qn_strv text, char *out)
{
    if (!needs_quotes(text)) {
        qn_copy_text(out, text.data, text.len);
        return out + text.len;
    }
    *out++ = '"';
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '"')
            *out++ = '"';
        *out++ = text.data[i];
    }
    *out++ = '"';
    return out;
}

static char *put_row(const struct qn_batch *batch, uint32_t row, char *out)
{
    for (uint32_t c = 0; c < batch->schema->n_fields; c++) {
        const struct qn_column *column = &batch->columns[c];
        if (c)
            *out++ = ',';
        if (!qn_is_valid(column, row))
            continue;
        out = column->type.id == QN_TEXT ? put_text(qn_text_at(column, row), out)
                                         : qn_value_put(column, row, out);
    }
    *out++ = '\n';
    return out;
}

/* --- operations ------------------------------------------------------------------------------ */

static qn_code csv_write(struct qn_writer *writer, const struct qn_batch *batch, struct qn_buf *out,
                         struct qn_err *err)
{
    (void)writer;
    size_t most = 2 * qn_value_text_bytes(batch) +
                  (size_t)batch->n_rows * (batch->schema->n_fields * (size_t)QN_VALUE_TEXT + 1);
    char *begin = (char *)qn_buf_reserve(out, most);
    if (!begin)
        return qn_err_nomem(err, "rows of CSV");
    char *at = begin;
    for (uint32_t row = 0; row < batch->n_rows; row++)
        at = put_row(batch, row, at);
    out->len += (size_t)(at - begin);
    return QN_OK;
}

static qn_code csv_finish(struct qn_writer *writer, struct qn_buf *out, struct qn_buf *meta,
                          struct qn_err *err)
{
    (void)writer;
    (void)meta;
    return qn_buf_check(out, "rows of CSV", err);
}

static void csv_close(struct qn_writer *writer)
{
    free(writer);
}

static qn_code csv_head(const struct qn_schema *schema, const struct qn_writer_options *options,
                        struct qn_buf *out, struct qn_err *err)
{
    (void)options;
    for (uint32_t c = 0; c < schema->n_fields; c++) {
        struct qn_strv name = qn_strv_from(schema->fields[c].name);
        char *at = (char *)qn_buf_reserve(out, 2 * name.len + 3);
        if (!at)
            break;
        char *end = at;
        if (c)
            *end++ = ',';
        end = put_text(name, end);
        out->len += (size_t)(end - at);
    }
    qn_buf_put_u8(out, '\n');
    return qn_buf_check(out, "a CSV header", err);
}

static qn_code csv_tail(const struct qn_schema *schema, const struct qn_writer_options *options,
                        const struct qn_segment *segments, uint32_t n, struct qn_buf *out,
                        struct qn_err *err)
{
    (void)schema;
    (void)options;
    (void)segments;
    (void)n;
    return qn_buf_check(out, "a CSV file", err);
}

/* Records are not counted: whoever asks knows the file's rows. */
static qn_code csv_unwrap(struct qn_strv file, const struct qn_schema *schema,
                          const struct qn_writer_options *options, struct qn_unwrapped *out,
                          struct qn_buf *meta, struct qn_err *err)
{
    struct qn_buf head;
    (void)meta;
    qn_buf_init(&head);
    qn_code code = csv_head(schema, options, &head, err);
    bool same =
        code == QN_OK && file.len >= head.len && memcmp(file.data, head.data, head.len) == 0;
    *out = (struct qn_unwrapped){.offset = head.len, .bytes = file.len - head.len};
    qn_buf_fini(&head);
    if (code != QN_OK || same)
        return code;
    return qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT, "the header is not that of the columns");
}

static qn_code csv_open(const struct qn_schema *schema, const struct qn_writer_options *options,
                        struct qn_writer **out, struct qn_err *err);

static const char *const suffixes[] = {".csv", NULL};

const struct qn_writer_ops qn_writer_csv = {
    .format = "csv",
    .suffixes = suffixes,
    .open = csv_open,
    .write = csv_write,
    .finish = csv_finish,
    .close = csv_close,
    .head = csv_head,
    .tail = csv_tail,
    .unwrap = csv_unwrap,
};

static qn_code csv_open(const struct qn_schema *schema, const struct qn_writer_options *options,
                        struct qn_writer **out, struct qn_err *err)
{
    (void)schema;
    (void)options;
    *out = calloc(1, sizeof **out);
    if (!*out)
        return qn_err_nomem(err, "a CSV writer");
    (*out)->ops = &qn_writer_csv;
    return QN_OK;
}
