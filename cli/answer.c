#include "cli/answer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/utf8.h"
#include "flow/value.h"

enum {
    HELD_ROWS = 1000, /* that decide how wide a table's columns are */
    WIDEST = 60,      /* longer values stand out */
    WRITE_BYTES = 1 << 18
};

/* --- bytes ----------------------------------------------------------------------------------- */

static qn_code write_out(struct qn_answer *answer, struct qn_err *err)
{
    struct qn_buf *bytes = &answer->bytes;
    QN_TRY(qn_buf_check(bytes, "rows on their way out", err));
    if (!answer->closed && bytes->len &&
        fwrite(bytes->data, 1, bytes->len, answer->out) != bytes->len) {
        if (errno != EPIPE || answer->path)
            return qn_err_io(err, "write", answer->path ? answer->path : "stdout");
        answer->closed = true; /* `| head` has seen enough */
    }
    answer->n_bytes += bytes->len;
    qn_buf_clear(bytes);
    return QN_OK;
}

/* --- tables ---------------------------------------------------------------------------------- */

static uint32_t points(struct qn_strv text)
{
    uint32_t n = 0;
    for (size_t i = 0; i < text.len; i++)
        n += ((unsigned char)text.data[i] & 0xC0) != 0x80;
    return n;
}

/* A value on one line, without what would move the cursor. */
static void put_visible(struct qn_buf *out, struct qn_strv text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c == '\n')
            qn_buf_printf(out, "\\n");
        else if (c == '\t')
            qn_buf_printf(out, "\\t");
        else if (c < 0x20 || c == 0x7F)
            qn_buf_printf(out, "\\x%02x", c);
        else
            qn_buf_put_u8(out, c);
    }
}

static void put_value(struct qn_buf *out, const struct qn_column *column, uint32_t row)
{
    if (!qn_is_valid(column, row))
        qn_buf_printf(out, "NULL");
    else if (column->type.id == QN_TEXT)
        put_visible(out, qn_text_at(column, row));
    else
        qn_value_format(out, column, row);
}

static bool is_right(struct qn_type type)
{
    return qn_type_is_numeric(type);
}

/* Numbers stand to the right, like their names. */
static void put_cell(struct qn_answer *answer, uint32_t column, struct qn_strv text)
{
    const struct qn_schema *schema = answer->schema;
    uint32_t width = answer->widths[column], used = points(text);
    bool right = is_right(schema->fields[column].type);
    uint32_t blanks = used < width ? width - used : 0;
    if (column)
        qn_buf_put(&answer->bytes, "  ", 2);
    for (uint32_t i = 0; right && i < blanks; i++)
        qn_buf_put_u8(&answer->bytes, ' ');
    qn_buf_put(&answer->bytes, text.data, text.len);
    for (uint32_t i = 0; !right && column + 1 < schema->n_fields && i < blanks; i++)
        qn_buf_put_u8(&answer->bytes, ' ');
}

static void put_row(struct qn_answer *answer, const struct qn_batch *batch, uint32_t row,
                    struct qn_buf *cell)
{
    for (uint32_t c = 0; c < answer->schema->n_fields; c++) {
        qn_buf_clear(cell);
        put_value(cell, &batch->columns[c], row);
        put_cell(answer, c, qn_buf_strv(cell));
    }
    qn_buf_put_u8(&answer->bytes, '\n');
}

static qn_code put_batch(struct qn_answer *answer, const struct qn_batch *batch, struct qn_err *err)
{
    struct qn_buf cell;
    qn_buf_init(&cell);
    for (uint32_t row = 0; row < batch->n_rows; row++)
        put_row(answer, batch, row, &cell);
    qn_code code = qn_buf_check(&cell, "a row", err);
    qn_buf_fini(&cell);
    return code == QN_OK && answer->bytes.len >= WRITE_BYTES ? write_out(answer, err) : code;
}

static void widen(struct qn_answer *answer, uint32_t column, struct qn_strv text)
{
    uint32_t n = points(text);
    n = n < WIDEST ? n : WIDEST;
    if (answer->widths[column] < n)
        answer->widths[column] = n;
}

static void put_header(struct qn_answer *answer)
{
    for (uint32_t c = 0; c < answer->schema->n_fields; c++)
        put_cell(answer, c, qn_strv_from(answer->schema->fields[c].name));
    qn_buf_put_u8(&answer->bytes, '\n');
    for (uint32_t c = 0; c < answer->schema->n_fields; c++) {
        qn_buf_printf(&answer->bytes, "%s", c ? "  " : "");
        for (uint32_t i = 0; i < answer->widths[c]; i++)
            qn_buf_put_u8(&answer->bytes, '-');
    }
    qn_buf_put_u8(&answer->bytes, '\n');
}

/* The rows held so far say how wide columns are; from here on they go out as they come. */
static qn_code begin_table(struct qn_answer *answer, struct qn_err *err)
{
    struct qn_buf cell;
    const struct qn_schema *schema = answer->schema;
    answer->widths = QN_NEW_ARRAY(&answer->arena, uint32_t, schema->n_fields);
    if (!answer->widths)
        return qn_err_nomem(err, "a table");
    qn_buf_init(&cell);
    for (uint32_t c = 0; c < schema->n_fields; c++) {
        widen(answer, c, qn_strv_from(schema->fields[c].name));
        for (uint32_t b = 0; b < answer->n_held; b++)
            for (uint32_t row = 0; row < answer->held[b].n_rows && row < HELD_ROWS; row++) {
                qn_buf_clear(&cell);
                put_value(&cell, &answer->held[b].columns[c], row);
                widen(answer, c, qn_buf_strv(&cell));
            }
    }
    qn_buf_fini(&cell);
    put_header(answer);
    for (uint32_t b = 0; b < answer->n_held; b++)
        QN_TRY(put_batch(answer, &answer->held[b], err));
    answer->n_held = 0;
    return QN_OK;
}

static qn_code table_rows(struct qn_answer *answer, const struct qn_batch *batch,
                          struct qn_err *err)
{
    if (answer->widths)
        return put_batch(answer, batch, err);
    struct qn_batch *held = QN_NEW_ARRAY(&answer->arena, struct qn_batch, answer->n_held + 1);
    if (!held)
        return qn_err_nomem(err, "a table");
    for (uint32_t i = 0; i < answer->n_held; i++)
        held[i] = answer->held[i];
    QN_TRY(qn_batch_copy(&answer->arena, batch, &held[answer->n_held], err));
    held[answer->n_held].schema = answer->schema; /* its own ends with its reader */
    answer->held = held;
    answer->n_held++;
    answer->held_rows += batch->n_rows;
    return answer->held_rows >= HELD_ROWS ? begin_table(answer, err) : QN_OK;
}

/* --- formats --------------------------------------------------------------------------------- */

static qn_code open_file(struct qn_answer *answer, struct qn_err *err)
{
    answer->out = stdout;
    if (!answer->path)
        return QN_OK;
    answer->partial = qn_arena_printf(&answer->arena, "%s.%d.partial", answer->path, (int)getpid());
    if (!answer->partial)
        return qn_err_nomem(err, "a path");
    answer->out = fopen(answer->partial, "wb");
    return answer->out ? QN_OK : qn_err_io(err, "write", answer->partial);
}

/* What stands before the first row. */
static qn_code begin_output(struct qn_answer *answer, struct qn_err *err)
{
    if (answer->out)
        return QN_OK;
    QN_TRY(open_file(answer, err));
    if (!answer->format)
        return QN_OK;
    QN_TRY(answer->format->head(answer->schema, &answer->options, &answer->bytes, err));
    QN_TRY(write_out(answer, err));
    answer->n_bytes = 0; /* of the segment */
    return answer->format->open(answer->schema, &answer->options, &answer->writer, err);
}

static qn_code end_format(struct qn_answer *answer, struct qn_err *err)
{
    struct qn_buf meta;
    qn_buf_init(&meta);
    qn_code code = answer->writer->ops->finish(answer->writer, &answer->bytes, &meta, err);
    if (code == QN_OK)
        code = write_out(answer, err);
    if (code == QN_OK) {
        const struct qn_segment segment = {answer->n_bytes, answer->n_rows, qn_buf_strv(&meta)};
        code = answer->format->tail(answer->schema, &answer->options, &segment, 1, &answer->bytes,
                                    err);
    }
    qn_buf_fini(&meta);
    return code;
}

/* --- the whole ------------------------------------------------------------------------------- */

qn_code qn_answer_begin(struct qn_answer *answer, const struct qn_schema *schema,
                        const struct qn_writer_ops *format, const char *path, struct qn_err *err)
{
    (void)err;
    *answer = (struct qn_answer){.schema = schema, .format = format, .path = path};
    qn_buf_init(&answer->bytes);
    qn_arena_init(&answer->arena);
    return QN_OK;
}

qn_code qn_answer_rows(struct qn_answer *answer, const struct qn_batch *batch, struct qn_err *err)
{
    QN_TRY(begin_output(answer, err));
    answer->n_rows += batch->n_rows;
    if (!answer->format)
        return table_rows(answer, batch, err);
    QN_TRY(answer->writer->ops->write(answer->writer, batch, &answer->bytes, err));
    return answer->bytes.len >= WRITE_BYTES ? write_out(answer, err) : QN_OK;
}

qn_code qn_answer_end(struct qn_answer *answer, struct qn_err *err)
{
    QN_TRY(begin_output(answer, err));
    if (answer->format)
        QN_TRY(end_format(answer, err));
    else if (!answer->widths)
        QN_TRY(begin_table(answer, err));
    QN_TRY(write_out(answer, err));
    if (!answer->closed && fflush(answer->out) != 0 && (errno != EPIPE || answer->path))
        return qn_err_io(err, "write", answer->path ? answer->path : "stdout");
    if (!answer->path)
        return QN_OK;
    int failed = fclose(answer->out);
    answer->out = NULL;
    if (failed || rename(answer->partial, answer->path) != 0)
        return qn_err_io(err, "write", answer->path);
    answer->partial = NULL;
    return QN_OK;
}

void qn_answer_fini(struct qn_answer *answer)
{
    if (answer->writer)
        answer->writer->ops->close(answer->writer);
    if (answer->path && answer->out)
        fclose(answer->out);
    if (answer->partial)
        unlink(answer->partial);
    qn_buf_fini(&answer->bytes);
    qn_arena_fini(&answer->arena);
}
