#include "sources/jsonl_reader.h"

#include <stdlib.h>

#include "base/limits.h"
#include "sources/jsonl_fault.h"
#include "sources/jsonl_head.h"
#include "sources/jsonl_locate.h"
#include "sources/text_lines.h"
#include "sources/text_quarantine.h"

enum {
    WINDOW_BYTES = 256 << 10,  /* stays in a second-level cache between scan and decode */
    READ_PAST_BYTES = 4 << 10, /* what a chunk's last record usually needs past its end */
    MAX_BLOCK_ROWS = 256,      /* whose bytes stay in a first-level cache from column to column */
    BLOCK_CELLS = 16 << 10,
    MAX_BATCH_CELLS = 1 << 20, /* wide tables get shorter batches */
};

struct jsonl_reader {
    struct qn_reader reader;
    struct qn_arena arena;
    struct qn_chunk chunk;
    struct qn_jsonl_dialect dialect;
    struct qn_schema schema; /* of the wanted columns */
    enum qn_on_malformed on_malformed;
    struct qn_text_window window;
    struct qn_text_locator locator;
    struct qn_jsonl_decoder decoder;
    struct qn_column *columns;
    struct qn_jsonl_rows rows; /* over the window */
    uint64_t pos;              /* next record or blank line */
    uint64_t lines;            /* line ends before the window's first byte */
    size_t want;               /* bytes of the next fill */
    bool scanning, ended;
    struct qn_chunk_result result;
};

/* --- refused records ------------------------------------------------------------------------- */

/* The error is for the user's eyes, so it gets the line in the file, which the chunk's reader does
 * not know: lines before the chunk are counted once. */
static qn_code lines_before(struct jsonl_reader *r, uint64_t *out, struct qn_err *err)
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
    QN_TRY(lines_before(r, &before, err));
    qn_jsonl_fault_place(r->rows.frame.bytes, refused->at, refused->spot.at, &line, &column);
    line = r->rows.frame.framing == QN_JSONL_LINES ? 0 : line;
    qn_code code = qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT, "%s%s%s%s%s", complaint->message,
                              complaint->column[0] ? " (column " : "", complaint->column,
                              complaint->column[0] ? ")" : "", advice);
    qn_err_at(err, r->chunk.path, before + r->lines + refused->line + line + 1, column);
    return code;
}

static qn_code quarantine_record(struct jsonl_reader *r, const struct qn_jsonl_refused *refused,
                                 const struct qn_jsonl_complaint *complaint,
                                 struct qn_rejects *rejects, struct qn_err *err)
{
    const struct qn_reject reject = {.line = r->lines + refused->line,
                                     .column = qn_strv_from(complaint->column),
                                     .rule = qn_strv_from(complaint->rule),
                                     .message = qn_strv_from(complaint->message)};
    return qn_text_quarantine(rejects, &r->window, refused->at, refused->end, reject, err);
}

static enum qn_on_malformed verdict_on(const struct jsonl_reader *r, enum qn_json_fault fault)
{
    return fault == QN_JSON_UNKNOWN                          ? r->dialect.on_unknown_key
           : fault == QN_JSON_TYPE || fault == QN_JSON_SHAPE ? r->dialect.on_wrong_type
                                                             : r->on_malformed;
}

static qn_code refuse_record(struct jsonl_reader *r, const struct qn_jsonl_refused *refused,
                             const struct qn_column_store *column, struct qn_jsonl_cell cell,
                             struct qn_rejects *rejects, struct qn_err *err)
{
    enum qn_on_malformed verdict = verdict_on(r, refused->spot.fault);
    if (verdict == QN_MALFORMED_SKIP) {
        r->result.skipped++;
        return QN_OK;
    }
    struct qn_jsonl_complaint complaint;
    qn_jsonl_fault_describe(r->rows.frame.bytes, refused->end, refused->spot, refused->node, column,
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
    bool found = r->locator.record(NULL, &r->window, at, &record);
    return found ? at + record.len : r->window.len;
}

/* A good record that has a wrong value. */
static qn_code refuse_value(struct jsonl_reader *r, uint32_t row, struct qn_rejects *rejects,
                            struct qn_err *err)
{
    uint32_t column = r->decoder.wrong[row] - 1U;
    struct qn_jsonl_cell cell = qn_jsonl_rows_column(&r->rows, column)[row];
    struct qn_jsonl_refused refused = {.at = r->rows.starts[row],
                                       .end = end_of_row(r, row),
                                       .line = r->rows.lines[row],
                                       .spot = {QN_JSON_TYPE, cell.at}};
    return refuse_record(r, &refused, &r->decoder.columns[column], cell, rejects, err);
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
        if (n_wrong && i < r->rows.n && r->decoder.wrong[i])
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
    struct qn_jsonl_refused refused = {.end = r->window.len, .spot = {QN_JSON_LONG_RECORD, 0}};
    struct qn_jsonl_frame *frame = &r->rows.frame;
    frame->spot = refused.spot;
    if (frame->framing != QN_JSONL_LINES)
        return fail_document(r, err);
    r->result.records++;
    QN_TRY(refuse_record(r, &refused, NULL, (struct qn_jsonl_cell){0}, rejects, err));
    r->want = WINDOW_BYTES;
    for (;;) {
        const char *lf = r->window.len ? memchr(r->window.data, '\n', r->window.len) : NULL;
        r->pos = qn_text_window_offset(&r->window,
                                       lf ? (size_t)(lf + 1 - r->window.data) : r->window.len);
        r->lines += lf != NULL;
        if (lf || qn_text_window_final(&r->window))
            return QN_OK;
        QN_TRY(qn_text_window_fill(&r->window, r->pos, WINDOW_BYTES, err));
    }
}

/* --- reading --------------------------------------------------------------------------------- */

static qn_code refill(struct jsonl_reader *r, struct qn_err *err)
{
    QN_TRY(qn_text_window_fill(&r->window, r->pos, r->want, err));
    qn_jsonl_rows_over(&r->rows, r->window.data, r->window.len,
                       qn_text_window_position(&r->window, r->chunk.end),
                       qn_text_window_final(&r->window));
    r->scanning = true;
    return QN_OK;
}

/* Nothing more can be taken from what the window holds. */
static qn_code move_on(struct jsonl_reader *r, struct qn_rejects *rejects, struct qn_err *err)
{
    r->scanning = false;
    r->lines += r->rows.frame.lines;
    if (r->rows.frame.pos > 0)
        r->want = WINDOW_BYTES;
    else if (r->want < QN_MAX_RECORD_BYTES)
        r->want *= 2;
    else
        return refuse_long(r, rejects, err);
    return QN_OK;
}

static bool at_end(const struct jsonl_reader *r)
{
    bool past = r->pos >= r->chunk.end || r->pos >= r->window.text_bytes;
    return past && !r->rows.in_list;
}

static qn_code end_chunk(struct jsonl_reader *r)
{
    r->lines += r->scanning ? r->rows.frame.lines : 0;
    r->scanning = false;
    r->ended = true;
    return QN_OK;
}

static qn_code read_block(struct jsonl_reader *r, struct qn_rejects *rejects, struct qn_err *err)
{
    bool is_lines = r->rows.frame.framing == QN_JSONL_LINES;
    if (is_lines && at_end(r))
        return end_chunk(r);
    if (!r->scanning)
        QN_TRY(refill(r, err));
    if (is_lines && at_end(r)) /* of compressed text, which is known only now */
        return end_chunk(r);
    struct qn_jsonl_decoder *decoder = &r->decoder;
    uint32_t limit = decoder->capacity - decoder->n;
    if (limit > r->rows.capacity)
        limit = r->rows.capacity;
    enum qn_jsonl_step step = qn_jsonl_rows_next(&r->rows, limit);
    r->result.records += r->rows.n + r->rows.n_refused;
    QN_TRY(qn_buf_check(&r->rows.parser.made, "unknown keys", err));
    uint32_t n_wrong = qn_jsonl_decoder_typed(decoder, &r->rows);
    if (n_wrong || r->rows.n_refused)
        QN_TRY(refuse_block(r, n_wrong, rejects, err));
    QN_TRY(qn_jsonl_decoder_finish(decoder, &r->rows, n_wrong,
                                   (uint32_t)(r->window.offset - r->reader.base), err));
    if (step == QN_JSONL_BROKEN)
        return fail_document(r, err);
    r->pos = qn_text_window_offset(&r->window, r->rows.frame.pos);
    r->ended = !is_lines && step == QN_JSONL_STOP && qn_text_window_final(&r->window);
    return step == QN_JSONL_FULL ? QN_OK : move_on(r, rejects, err);
}

static qn_code jsonl_next(struct qn_reader *reader, struct qn_batch *batch,
                          struct qn_rejects *rejects, struct qn_err *err)
{
    struct jsonl_reader *r = (struct jsonl_reader *)reader;
    qn_jsonl_decoder_clear(&r->decoder);
    if (!r->ended)
        QN_TRY(qn_text_marks_add(&r->locator.marks, r->pos,
                                 r->lines + (r->scanning ? r->rows.frame.lines : 0), err));
    uint64_t begin = r->pos;
    while (!r->ended && r->decoder.n < r->decoder.capacity &&
           qn_text_batch_goes_on(&r->window, r->decoder.n, r->pos - begin,
                                 qn_jsonl_decoder_text_bytes(&r->decoder))) {
        if (r->decoder.n == 0 && r->pos - reader->base > QN_TEXT_BASE_BYTES)
            reader->base = r->pos;
        QN_TRY(read_block(r, rejects, err));
    }
    if (r->ended)
        QN_TRY(qn_text_window_settle(&r->window, err));
    batch->schema = &r->schema;
    qn_jsonl_decoder_batch(&r->decoder, r->columns, batch);
    return QN_OK;
}

static qn_code jsonl_locate(struct qn_reader *reader, uint32_t origin, struct qn_location *out,
                            struct qn_err *err)
{
    struct jsonl_reader *r = (struct jsonl_reader *)reader;
    return qn_text_locator_find(&r->locator, reader->base + origin, out, err);
}

static void jsonl_result(const struct qn_reader *reader, struct qn_chunk_result *out)
{
    const struct jsonl_reader *r = (const struct jsonl_reader *)reader;
    *out = r->result;
    out->next_start = r->pos;
    out->lines = r->lines;
}

static void jsonl_close(struct qn_reader *reader)
{
    struct jsonl_reader *r = (struct jsonl_reader *)reader;
    qn_jsonl_decoder_fini(&r->decoder);
    qn_jsonl_rows_fini(&r->rows);
    qn_text_locator_fini(&r->locator);
    qn_text_window_close(&r->window);
    qn_arena_fini(&r->arena);
    free(r);
}

static const struct qn_reader_ops jsonl_reader_ops = {
    .next = jsonl_next, .locate = jsonl_locate, .result = jsonl_result, .close = jsonl_close};

/* --- opening --------------------------------------------------------------------------------- */

static qn_code project(struct jsonl_reader *r, const struct qn_source_info *info,
                       const bool *wanted, struct qn_err *err)
{
    struct qn_field *fields = QN_NEW_ARRAY(&r->arena, struct qn_field, info->schema.n_fields);
    if (!fields)
        return qn_err_nomem(err, "json columns");
    for (uint32_t i = 0; i < info->schema.n_fields; i++)
        if (!wanted || wanted[i])
            fields[r->schema.n_fields++] = info->schema.fields[i];
    r->schema.fields = fields;
    r->columns = QN_NEW_ARRAY(&r->arena, struct qn_column, r->schema.n_fields + 1U);
    return r->columns ? QN_OK : qn_err_nomem(err, "json columns");
}

static uint32_t at_most(uint64_t value, uint32_t limit)
{
    return value < limit ? (uint32_t)value : limit;
}

static qn_code make_tables(struct jsonl_reader *r, const struct qn_source_info *info,
                           const bool *wanted, struct qn_err *err)
{
    uint32_t n_columns = r->schema.n_fields + 1;
    uint32_t capacity = at_most(qn_text_chunk_bytes(&r->chunk) + 1, QN_BATCH_ROWS);
    capacity = at_most(MAX_BATCH_CELLS / n_columns, capacity);
    uint32_t block = at_most(BLOCK_CELLS / n_columns + 1, at_most(capacity, MAX_BLOCK_ROWS));
    QN_TRY(qn_jsonl_rows_init(&r->rows, &r->dialect, wanted, block, &r->arena, err));
    return qn_jsonl_decoder_init(&r->decoder, &r->dialect, &info->schema, wanted, capacity,
                                 &r->arena, err);
}

/* The first line that begins at or after the chunk's begin; a byte order mark is of none. */
static qn_code find_line(struct jsonl_reader *r, struct qn_err *err)
{
    uint64_t from = r->chunk.begin - 1;
    if (r->chunk.begin <= 3) {
        struct qn_jsonl_head head;
        QN_TRY(qn_jsonl_head_read(&r->window, &head, err));
        r->pos = head.start;
        if (r->pos >= r->chunk.begin)
            return QN_OK;
    }
    for (;;) {
        QN_TRY(qn_text_window_fill(&r->window, from, READ_PAST_BYTES, err));
        const char *lf = r->window.len ? memchr(r->window.data, '\n', r->window.len) : NULL;
        from = qn_text_window_offset(&r->window,
                                     lf ? (size_t)(lf + 1 - r->window.data) : r->window.len);
        if (lf || qn_text_window_final(&r->window))
            break;
    }
    r->pos = from;
    return QN_OK;
}

static qn_code find_start(struct jsonl_reader *r, struct qn_err *err)
{
    struct qn_jsonl_head head = {.framing = QN_JSONL_LINES};
    if (r->chunk.begin == 0) {
        QN_TRY(qn_jsonl_head_read(&r->window, &head, err));
        r->pos = head.start;
    } else if (r->chunk.start == QN_START_UNKNOWN) {
        QN_TRY(find_line(r, err));
        r->result.first_start = r->pos;
    } else {
        r->pos = r->result.first_start = r->chunk.start;
    }
    r->rows.frame.framing = head.framing;
    if (head.framing != QN_JSONL_LINES || r->dialect.records.n)
        r->locator.record = qn_jsonl_value_at;
    r->locator.marks.lone_cr = head.framing != QN_JSONL_LINES;
    return QN_OK;
}

static qn_code open_reader(struct jsonl_reader *r, const struct qn_source_info *info,
                           const bool *wanted, struct qn_err *err)
{
    QN_TRY(
        qn_jsonl_dialect_unpack(info->dialect, info->schema.n_fields, &r->arena, &r->dialect, err));
    QN_TRY(project(r, info, wanted, err));
    QN_TRY(make_tables(r, info, wanted, err));
    QN_TRY(qn_text_window_open_chunk(&r->window, &r->chunk, err));
    return find_start(r, err);
}

qn_code qn_jsonl_reader_open(const struct qn_source_info *info, const struct qn_chunk *chunk,
                             const bool *wanted, struct qn_reader **out, struct qn_err *err)
{
    struct jsonl_reader *r = calloc(1, sizeof *r);
    if (!r)
        return qn_err_nomem(err, "json reader");
    r->chunk = *chunk;
    r->on_malformed = info->on_malformed;
    r->window.fd = -1;
    r->want = at_most(qn_text_chunk_bytes(chunk) + READ_PAST_BYTES, WINDOW_BYTES);
    qn_arena_init(&r->arena);
    qn_text_locator_init(&r->locator, &r->chunk, qn_jsonl_line_at, NULL);
    r->reader = (struct qn_reader){.ops = &jsonl_reader_ops,
                                   .schema = &r->schema,
                                   .base = chunk->begin,
                                   .file_index = chunk->file_index,
                                   .file = chunk->path};
    qn_code code = open_reader(r, info, wanted, err);
    if (code != QN_OK) {
        jsonl_close(&r->reader);
        return code;
    }
    *out = &r->reader;
    return QN_OK;
}
