#include "sources/jsonl_reader.h"

#include <stdlib.h>

#include "sources/jsonl_decode.h"
#include "sources/jsonl_fault.h"
#include "sources/jsonl_head.h"
#include "sources/jsonl_locate.h"
#include "sources/text_reader.h"

enum {
    SEEK_BYTES = 4 << 10, /* what the end of a line before the chunk usually needs */
    MAX_BLOCK_ROWS = 256, /* whose bytes stay in a first-level cache from column to column */
};

struct jsonl_reader {
    struct qn_text_reader text;
    struct qn_jsonl_dialect dialect;
    struct qn_jsonl_decoder decoder;
    struct qn_jsonl_rows rows; /* over the window */
};

/* Behind the next line end of the window; *found false: it holds none, so behind all of it. */
static uint64_t behind_line(struct qn_text_window *window, bool *found)
{
    const char *lf = window->len ? memchr(window->data, '\n', window->len) : NULL;
    *found = lf != NULL;
    return qn_text_window_offset(window, lf ? (size_t)(lf + 1 - window->data) : window->len);
}

/* --- refused records ------------------------------------------------------------------------- */

/* The error is for the user's eyes, so it gets the line in the file, which the chunk's reader does
 * not know: lines before the chunk are counted once. */
static qn_code lines_before(const struct qn_text_reader *r, uint64_t *out, struct qn_err *err)
{
    struct qn_text_marks marks;
    struct qn_text_window window;
    *out = 0;
    if (r->chunk.begin == 0)
        return QN_OK;
    QN_TRY(qn_text_window_open(&window, r->chunk.path, r->chunk.file_bytes, err));
    qn_text_marks_init(&marks, false);
    qn_code code = qn_text_marks_count(&marks, &window, r->result.first_start, err);
    *out = marks.line;
    qn_text_marks_fini(&marks);
    qn_text_window_close(&window);
    return code;
}

static qn_code fail_at(struct jsonl_reader *r, const struct qn_jsonl_refused *refused,
                       const struct qn_jsonl_complaint *complaint, const char *advice,
                       struct qn_err *err)
{
    uint64_t before, line, column;
    QN_TRY(lines_before(&r->text, &before, err));
    qn_jsonl_fault_place(r->rows.frame.bytes, refused->at, refused->spot.at, &line, &column);
    line = r->rows.frame.framing == QN_JSONL_LINES ? 0 : line;
    qn_code code = qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT, "%s%s%s%s%s", complaint->message,
                              complaint->column[0] ? " (column " : "", complaint->column,
                              complaint->column[0] ? ")" : "", advice);
    qn_err_at(err, r->text.chunk.path, before + r->text.lines + refused->line + line + 1, column);
    return code;
}

static qn_code quarantine_record(struct jsonl_reader *r, const struct qn_jsonl_refused *refused,
                                 const struct qn_jsonl_complaint *complaint,
                                 struct qn_rejects *rejects, struct qn_err *err)
{
    const struct qn_reject reject = {.line = refused->line,
                                     .column = qn_strv_from(complaint->column),
                                     .rule = qn_strv_from(complaint->rule),
                                     .message = qn_strv_from(complaint->message)};
    return qn_text_reader_quarantine(&r->text, rejects, refused->at, refused->end, reject, err);
}

static enum qn_on_malformed verdict_on(const struct jsonl_reader *r, enum qn_json_fault fault)
{
    return fault == QN_JSON_UNKNOWN                          ? r->dialect.on_unknown_key
           : fault == QN_JSON_TYPE || fault == QN_JSON_SHAPE ? r->dialect.on_wrong_type
                                                             : r->text.on_malformed;
}

static qn_code refuse_record(struct jsonl_reader *r, const struct qn_jsonl_refused *refused,
                             const struct qn_field *of, struct qn_jsonl_cell cell,
                             struct qn_rejects *rejects, struct qn_err *err)
{
    enum qn_on_malformed verdict = verdict_on(r, refused->spot.fault);
    if (verdict == QN_MALFORMED_SKIP) {
        r->text.result.skipped++;
        return QN_OK;
    }
    struct qn_jsonl_complaint complaint;
    qn_jsonl_fault_describe(r->rows.frame.bytes, refused->end, refused->spot, refused->node, of,
                            cell, &complaint);
    if (verdict == QN_MALFORMED_FAIL)
        return fail_at(r, refused, &complaint, "", err);
    return quarantine_record(r, refused, &complaint, rejects, err);
}

/* Where the record of a row ends, which only rows that are refused need to know. */
static size_t end_of_row(const struct jsonl_reader *r, uint32_t row)
{
    size_t at = r->rows.starts[row];
    struct qn_strv record;
    bool found = r->text.locator.record(NULL, &r->text.window, at, &record);
    return found ? at + record.len : r->text.window.len;
}

/* A good record that has a wrong value. */
static qn_code refuse_value(struct jsonl_reader *r, uint32_t row, struct qn_rejects *rejects,
                            struct qn_err *err)
{
    uint32_t column = r->text.rows.wrong[row] - 1U;
    struct qn_jsonl_cell cell = qn_jsonl_rows_column(&r->rows, column)[row];
    struct qn_jsonl_refused refused = {.at = r->rows.starts[row],
                                       .end = end_of_row(r, row),
                                       .line = r->rows.lines[row],
                                       .spot = {QN_JSON_TYPE, cell.at}};
    return refuse_record(r, &refused, &r->text.rows.schema.fields[column], cell, rejects, err);
}

/* All refused records of the block, in file order. */
static qn_code refuse_block(struct jsonl_reader *r, uint32_t n_wrong, struct qn_rejects *rejects,
                            struct qn_err *err)
{
    const struct qn_jsonl_cell none = {0};
    uint32_t next = 0;
    for (uint32_t i = 0; i <= r->rows.n; i++) {
        for (; next < r->rows.n_refused && r->rows.refused[next].before == i; next++)
            QN_TRY(refuse_record(r, &r->rows.refused[next], NULL, none, rejects, err));
        if (n_wrong && i < r->rows.n && r->text.rows.wrong[i])
            QN_TRY(refuse_value(r, i, rejects, err));
    }
    return QN_OK;
}

/* A document that cannot be read on: what follows the mistake is no record by itself. */
static qn_code fail_document(struct jsonl_reader *r, struct qn_err *err)
{
    const struct qn_jsonl_frame *frame = &r->rows.frame;
    struct qn_jsonl_complaint complaint;
    struct qn_jsonl_refused refused = {
        .at = frame->pos, .end = frame->len, .line = frame->lines, .spot = frame->spot};
    qn_jsonl_fault_describe(frame->bytes, frame->len, frame->spot, NULL, NULL,
                            (struct qn_jsonl_cell){0}, &complaint);
    return fail_at(r, &refused, &complaint,
                   "; the file is one document, whose rest cannot be told apart: correct it, or "
                   "write a record a line",
                   err);
}

/* The record at pos does not end within QN_MAX_RECORD_BYTES. */
static qn_code refuse_long(struct jsonl_reader *r, struct qn_rejects *rejects, struct qn_err *err)
{
    struct qn_text_reader *text = &r->text;
    struct qn_text_window *window = &text->window;
    struct qn_jsonl_refused refused = {.end = window->len, .spot = {QN_JSON_LONG_RECORD, 0}};
    struct qn_jsonl_frame *frame = &r->rows.frame;
    frame->spot = refused.spot;
    if (frame->framing != QN_JSONL_LINES)
        return fail_document(r, err);
    text->result.records++;
    QN_TRY(refuse_record(r, &refused, NULL, (struct qn_jsonl_cell){0}, rejects, err));
    bool found = false;
    while (!found) {
        text->pos = behind_line(window, &found);
        text->lines += found;
        if (!found && qn_text_window_final(window))
            return QN_OK;
        if (!found)
            QN_TRY(qn_text_window_fill(window, text->pos, text->want, err));
    }
    return QN_OK;
}

/* --- reading --------------------------------------------------------------------------------- */

static qn_code refill(struct jsonl_reader *r, struct qn_err *err)
{
    struct qn_text_window *window = &r->text.window;
    QN_TRY(qn_text_reader_fill(&r->text, err));
    qn_jsonl_rows_over(&r->rows, window->data, window->len,
                       qn_text_window_position(window, r->text.chunk.end),
                       qn_text_window_final(window));
    return QN_OK;
}

/* A document ends where its list does, not where the chunk does. */
static bool at_end(const struct jsonl_reader *r)
{
    return r->rows.frame.framing == QN_JSONL_LINES && !r->rows.in_list &&
           qn_text_reader_at_end(&r->text);
}

static qn_code read_block(struct qn_text_reader *text, struct qn_rejects *rejects,
                          struct qn_err *err)
{
    struct jsonl_reader *r = (struct jsonl_reader *)text;
    if (at_end(r))
        return qn_text_reader_end(text, err);
    if (!text->scanning)
        QN_TRY(refill(r, err));
    if (at_end(r)) /* of compressed text, which is known only now */
        return qn_text_reader_end(text, err);
    uint32_t room = qn_text_reader_room(text);
    enum qn_jsonl_step step =
        qn_jsonl_rows_next(&r->rows, room < r->rows.capacity ? room : r->rows.capacity);
    text->result.records += r->rows.n + r->rows.n_refused;
    QN_TRY(qn_buf_check(&r->rows.parser.made, "unknown keys", err));
    uint32_t n_wrong = qn_jsonl_decoder_typed(&r->decoder, &r->rows);
    if (n_wrong || r->rows.n_refused)
        QN_TRY(refuse_block(r, n_wrong, rejects, err));
    QN_TRY(qn_jsonl_decoder_finish(&r->decoder, &r->rows, n_wrong,
                                   (uint32_t)(text->window.offset - text->reader.base), err));
    if (step == QN_JSONL_BROKEN)
        return fail_document(r, err);
    text->pos = qn_text_window_offset(&text->window, r->rows.frame.pos);
    text->scanned = r->rows.frame.lines;
    if (r->rows.frame.framing != QN_JSONL_LINES && step == QN_JSONL_STOP &&
        qn_text_window_final(&text->window))
        return qn_text_reader_end(text, err);
    if (step == QN_JSONL_FULL || qn_text_reader_move_on(text, r->rows.frame.pos > 0))
        return QN_OK;
    return refuse_long(r, rejects, err);
}

static qn_code jsonl_next(struct qn_reader *reader, struct qn_batch *batch,
                          struct qn_rejects *rejects, struct qn_err *err)
{
    return qn_text_reader_next((struct qn_text_reader *)reader, read_block, batch, rejects, err);
}

static void jsonl_close(struct qn_reader *reader)
{
    struct jsonl_reader *r = (struct jsonl_reader *)reader;
    qn_jsonl_rows_fini(&r->rows);
    qn_text_reader_fini(&r->text);
    free(r);
}

static const struct qn_reader_ops jsonl_reader_ops = {.next = jsonl_next,
                                                      .locate = qn_text_reader_locate,
                                                      .result = qn_text_reader_result,
                                                      .close = jsonl_close};

/* --- opening --------------------------------------------------------------------------------- */

static qn_code make_tables(struct jsonl_reader *r, const struct qn_source_info *info,
                           const bool *wanted, struct qn_err *err)
{
    struct qn_text_reader *text = &r->text;
    uint32_t n_cells = 1;
    for (uint32_t i = 0; i < info->schema.n_fields; i++)
        n_cells += !wanted || wanted[i];
    QN_TRY(qn_text_reader_make_rows(text, &info->schema, wanted, n_cells, err));
    QN_TRY(qn_jsonl_rows_init(&r->rows, &r->dialect, wanted,
                              qn_text_reader_block_rows(text, n_cells, MAX_BLOCK_ROWS),
                              &text->arena, err));
    return qn_jsonl_decoder_init(&r->decoder, &r->dialect, wanted, info->schema.n_fields,
                                 &text->rows, &text->arena, err);
}

/* The first line that begins at or after the chunk's begin; a byte order mark is of none. */
static qn_code find_line(struct qn_text_reader *text, struct qn_err *err)
{
    uint64_t begin = text->chunk.begin;
    if (begin <= 3) {
        struct qn_jsonl_head head;
        QN_TRY(qn_jsonl_head_read(&text->window, &head, err));
        text->pos = head.start;
        if (text->pos >= begin)
            return QN_OK;
    }
    text->pos = begin - 1;
    for (bool found = false; !found;) {
        QN_TRY(qn_text_window_fill(&text->window, text->pos, SEEK_BYTES, err));
        text->pos = behind_line(&text->window, &found);
        if (qn_text_window_final(&text->window))
            return QN_OK;
    }
    return QN_OK;
}

static qn_code find_start(struct jsonl_reader *r, struct qn_err *err)
{
    struct qn_text_reader *text = &r->text;
    struct qn_jsonl_head head = {.framing = QN_JSONL_LINES};
    if (text->chunk.begin == 0) {
        QN_TRY(qn_jsonl_head_read(&text->window, &head, err));
        text->pos = head.start;
    } else if (text->chunk.start == QN_START_UNKNOWN) {
        QN_TRY(find_line(text, err));
        text->result.first_start = text->pos;
    } else {
        text->pos = text->result.first_start = text->chunk.start;
    }
    r->rows.frame.framing = head.framing;
    if (head.framing != QN_JSONL_LINES || r->dialect.records.n)
        text->locator.record = qn_jsonl_value_at;
    text->locator.marks.lone_cr = head.framing != QN_JSONL_LINES;
    return QN_OK;
}

static qn_code open_reader(struct jsonl_reader *r, const struct qn_source_info *info,
                           const bool *wanted, struct qn_err *err)
{
    struct qn_text_reader *text = &r->text;
    QN_TRY(qn_jsonl_dialect_unpack(info->dialect, info->schema.n_fields, &text->arena, &r->dialect,
                                   err));
    QN_TRY(make_tables(r, info, wanted, err));
    QN_TRY(qn_text_window_open_chunk(&text->window, &text->chunk, err));
    return find_start(r, err);
}

qn_code qn_jsonl_reader_open(const struct qn_source_info *info, const struct qn_chunk *chunk,
                             const bool *wanted, struct qn_reader **out, struct qn_err *err)
{
    struct jsonl_reader *r = calloc(1, sizeof *r);
    if (!r)
        return qn_err_nomem(err, "json reader");
    qn_text_reader_init(&r->text, &jsonl_reader_ops, info, chunk, qn_jsonl_line_at, NULL);
    qn_code code = open_reader(r, info, wanted, err);
    if (code != QN_OK) {
        jsonl_close(&r->text.reader);
        return code;
    }
    *out = &r->text.reader;
    return QN_OK;
}
