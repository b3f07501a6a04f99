#include "sources/csv_reader.h"

#include <stdlib.h>

#include "sources/csv_decode.h"
#include "sources/csv_fault.h"
#include "sources/csv_guess.h"
#include "sources/csv_locate.h"
#include "sources/csv_preamble.h"
#include "sources/text_lines.h"
#include "sources/text_reader.h"

enum { GUESS_BYTES = 64 << 10, MAX_BLOCK_ROWS = 1024 };

struct csv_reader {
    struct qn_text_reader text;
    struct qn_csv_dialect dialect;
    struct qn_csv_decoder decoder;
    struct qn_csv_rows rows; /* over the window */
};

/* --- refused records ------------------------------------------------------------------------- */

/* Under on_malformed: fail the error is for the user's eyes, so it gets the line in the file; and
 * a wrong guess of where the chunk begins must not fail a good file. Both need the file from its
 * start, which is read here once. *misguessed ends the chunk without a complaint: its result will
 * not fit the chunk before, and it is read again from the right place. */
static qn_code fail_record(struct csv_reader *r, const struct qn_csv_record *record,
                           const struct qn_csv_complaint *complaint, bool *misguessed,
                           struct qn_err *err)
{
    uint64_t lines_before = 0;
    const struct qn_chunk *chunk = &r->text.chunk;
    if (chunk->begin > 0) {
        struct qn_text_window window;
        QN_TRY(qn_text_window_open(&window, chunk->path, chunk->file_bytes, err));
        struct qn_csv_preamble preamble = {0};
        uint64_t start = 0;
        window.encoding = r->dialect.encoding;
        qn_code code = qn_csv_preamble_read(&window, &r->dialect, NULL, 0, &preamble, err);
        if (code == QN_OK)
            code = qn_csv_walk(&window, &r->dialect, preamble.end, chunk->begin, &start,
                               &lines_before, err);
        qn_text_window_close(&window);
        QN_TRY(code);
        lines_before += preamble.lines;
        *misguessed = start != r->text.result.first_start;
        if (*misguessed)
            return QN_OK;
    }
    uint64_t line, column;
    qn_csv_fault_place(r->rows.scanner.bytes, record, &line, &column);
    qn_code code =
        qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT, "%s%s%s%s", complaint->message,
                   complaint->column ? " (column " : "", complaint->column ? complaint->column : "",
                   complaint->column ? ")" : "");
    qn_err_at(err, chunk->path, lines_before + r->text.lines + record->line + line + 1, column);
    return code;
}

static qn_code quarantine_record(struct csv_reader *r, const struct qn_csv_record *record,
                                 const struct qn_csv_complaint *complaint,
                                 struct qn_rejects *rejects, struct qn_err *err)
{
    const struct qn_reject reject = {.line = record->line,
                                     .column = qn_strv_from(complaint->column),
                                     .rule = qn_strv_from(complaint->rule),
                                     .message = qn_strv_from(complaint->message)};
    return qn_text_reader_quarantine(&r->text, rejects, record->at, record->end, reject, err);
}

static qn_code refuse_record(struct csv_reader *r, const struct qn_csv_record *record,
                             struct qn_csv_field field, struct qn_rejects *rejects,
                             struct qn_err *err)
{
    if (r->text.on_malformed == QN_MALFORMED_SKIP) {
        r->text.result.skipped++;
        return QN_OK;
    }
    const struct qn_field *of =
        record->fault == QN_CSV_TYPE ? &r->text.rows.schema.fields[record->fault_column] : NULL;
    struct qn_csv_complaint complaint;
    qn_csv_fault_describe(&r->dialect, r->rows.scanner.bytes, record, of, field, &complaint);
    if (r->text.on_malformed == QN_MALFORMED_FAIL)
        return fail_record(r, record, &complaint, &r->text.ended, err);
    return quarantine_record(r, record, &complaint, rejects, err);
}

/* A good record that has a wrong value. `seen` is where lines have been counted to. */
static qn_code refuse_value(struct csv_reader *r, uint32_t row, struct qn_csv_record *seen,
                            struct qn_rejects *rejects, struct qn_err *err)
{
    struct qn_csv_record record = qn_csv_rows_record(&r->rows, row);
    bool after_cr = false;
    record.line = seen->line + (uint32_t)qn_text_count_lines(r->rows.scanner.bytes + seen->at,
                                                             record.at - seen->at, &after_cr);
    *seen = record;
    record.fault = QN_CSV_TYPE;
    record.fault_column = r->text.rows.wrong[row] - 1U;
    struct qn_csv_field field =
        qn_csv_rows_field(&r->rows, row, r->decoder.columns[record.fault_column].field);
    record.fault_at = field.at;
    return refuse_record(r, &record, field, rejects, err);
}

/* All refused records of the block, in file order. */
static qn_code refuse_block(struct csv_reader *r, uint32_t n_wrong, struct qn_rejects *rejects,
                            struct qn_err *err)
{
    uint32_t next = 0;
    struct qn_csv_record seen = {.at = (uint32_t)r->rows.from, .line = r->rows.line};
    for (uint32_t i = 0; i <= r->rows.n && !r->text.ended; i++) {
        for (; next < r->rows.n_faulty && r->rows.before[next] == i && !r->text.ended; next++)
            QN_TRY(refuse_record(r, &r->rows.faulty[next], (struct qn_csv_field){0}, rejects, err));
        if (n_wrong && i < r->rows.n && r->text.rows.wrong[i] && !r->text.ended)
            QN_TRY(refuse_value(r, i, &seen, rejects, err));
    }
    return QN_OK;
}

/* The record at pos does not end within QN_MAX_RECORD_BYTES. Its first line is refused and reading
 * goes on behind that: a quote left open must not swallow the rest of the file. */
static qn_code refuse_long(struct csv_reader *r, struct qn_rejects *rejects, struct qn_err *err)
{
    struct qn_text_reader *text = &r->text;
    struct qn_csv_record record = {.fault = QN_CSV_LONG_RECORD};
    record.end = (uint32_t)qn_text_find_line_end(text->window.data, text->window.len);
    text->result.records++;
    QN_TRY(refuse_record(r, &record, (struct qn_csv_field){0}, rejects, err));
    return qn_csv_skip_line(&text->window, &text->pos, &text->lines, err);
}

/* --- reading --------------------------------------------------------------------------------- */

static qn_code refill(struct csv_reader *r, struct qn_err *err)
{
    struct qn_text_window *window = &r->text.window;
    QN_TRY(qn_text_reader_fill(&r->text, err));
    qn_csv_rows_over(&r->rows, &r->dialect, window->data, window->len,
                     qn_text_window_position(window, r->text.chunk.end),
                     qn_text_window_final(window));
    return QN_OK;
}

/* Origins as offsets of the file, for rows from `first` on, which have positions. */
static void place_origins(struct qn_text_reader *text, uint32_t first)
{
    uint32_t *origin = text->rows.origin;
    for (uint32_t i = first; i < text->rows.n; i++)
        origin[i] = (uint32_t)(qn_text_window_offset(&text->window, origin[i]) - text->reader.base);
}

static qn_code read_block(struct qn_text_reader *text, struct qn_rejects *rejects,
                          struct qn_err *err)
{
    struct csv_reader *r = (struct csv_reader *)text;
    if (qn_text_reader_at_end(text))
        return qn_text_reader_end(text, err);
    if (!text->scanning)
        QN_TRY(refill(r, err));
    if (qn_text_reader_at_end(text)) /* of compressed text, which is known only now */
        return qn_text_reader_end(text, err);
    uint32_t room = qn_text_reader_room(text), first = text->rows.n;
    enum qn_csv_step step =
        qn_csv_rows_next(&r->rows, room < r->rows.capacity ? room : r->rows.capacity);
    text->result.records += r->rows.n + r->rows.n_faulty;
    uint32_t n_wrong = qn_csv_decoder_typed(&r->decoder, &r->rows);
    if (n_wrong || r->rows.n_faulty)
        QN_TRY(refuse_block(r, n_wrong, rejects, err));
    bool turned = r->dialect.encoding != QN_TEXT_UTF8;
    uint32_t base = turned ? 0 : (uint32_t)(text->window.offset - text->reader.base);
    QN_TRY(qn_csv_decoder_finish(&r->decoder, &r->rows, n_wrong, base, err));
    if (turned)
        place_origins(text, first);
    text->pos = qn_text_window_offset(&text->window, r->rows.scanner.pos);
    text->scanned = r->rows.scanner.lines;
    if (step == QN_CSV_FULL || qn_text_reader_move_on(text, r->rows.scanner.pos > 0))
        return QN_OK;
    return refuse_long(r, rejects, err);
}

static qn_code csv_next(struct qn_reader *reader, struct qn_batch *batch,
                        struct qn_rejects *rejects, struct qn_err *err)
{
    return qn_text_reader_next((struct qn_text_reader *)reader, read_block, batch, rejects, err);
}

static void csv_close(struct qn_reader *reader)
{
    struct csv_reader *r = (struct csv_reader *)reader;
    qn_text_reader_fini(&r->text);
    free(r);
}

static const struct qn_reader_ops csv_reader_ops = {.next = csv_next,
                                                    .locate = qn_text_reader_locate,
                                                    .result = qn_text_reader_result,
                                                    .close = csv_close};

/* --- opening --------------------------------------------------------------------------------- */

static const uint32_t *order_of_file(const struct qn_csv_dialect *dialect, uint32_t file_index)
{
    for (uint32_t i = 0; i < dialect->n_orders; i++)
        if (dialect->orders[i].file_index == file_index)
            return dialect->orders[i].field_of;
    return NULL;
}

static qn_code make_tables(struct csv_reader *r, const struct qn_source_info *info,
                           const bool *wanted, struct qn_err *err)
{
    struct qn_text_reader *text = &r->text;
    uint32_t n_fields = r->dialect.n_fields;
    QN_TRY(qn_text_reader_make_rows(text, &info->schema, wanted, n_fields, err));
    QN_TRY(qn_csv_rows_init(&r->rows, n_fields,
                            qn_text_reader_block_rows(text, n_fields, MAX_BLOCK_ROWS), &text->arena,
                            err));
    return qn_csv_decoder_init(&r->decoder, &r->dialect, wanted,
                               order_of_file(&r->dialect, text->chunk.file_index),
                               info->schema.n_fields, &text->rows, &text->arena, err);
}

/* Where the chunk's first record begins: known, told by the file's start, or guessed. */
static qn_code find_start(struct csv_reader *r, struct qn_err *err)
{
    struct qn_text_reader *text = &r->text;
    const struct qn_chunk *chunk = &text->chunk;
    if (chunk->begin == 0) {
        struct qn_csv_preamble preamble;
        QN_TRY(qn_csv_preamble_read(&text->window, &r->dialect, NULL, 0, &preamble, err));
        text->pos = preamble.end;
        text->lines = preamble.lines;
        return QN_OK;
    }
    text->pos = chunk->start;
    if (chunk->start == QN_START_UNKNOWN) {
        uint64_t unit = qn_text_encoding_unit(r->dialect.encoding);
        uint64_t first = (chunk->begin + unit - 1) / unit * unit; /* of a character, or the end */
        QN_TRY(qn_text_window_fill(&text->window, first - unit, GUESS_BYTES, err));
        size_t start = qn_csv_guess_start(&r->dialect, text->window.data, text->window.len,
                                          qn_text_window_final(&text->window));
        text->pos = qn_text_window_offset(&text->window, start);
    }
    text->result.first_start = text->pos;
    return QN_OK;
}

static qn_code open_reader(struct csv_reader *r, const struct qn_source_info *info,
                           const bool *wanted, struct qn_err *err)
{
    struct qn_text_reader *text = &r->text;
    QN_TRY(qn_csv_dialect_unpack(info->dialect, info->schema.n_fields, &text->arena, &r->dialect,
                                 err));
    QN_TRY(make_tables(r, info, wanted, err));
    QN_TRY(qn_text_window_open_chunk(&text->window, &text->chunk, err));
    text->window.encoding = text->locator.encoding = r->dialect.encoding;
    return find_start(r, err);
}

qn_code qn_csv_reader_open(const struct qn_source_info *info, const struct qn_chunk *chunk,
                           const bool *wanted, struct qn_reader **out, struct qn_err *err)
{
    struct csv_reader *r = calloc(1, sizeof *r);
    if (!r)
        return qn_err_nomem(err, "csv reader");
    qn_text_reader_init(&r->text, &csv_reader_ops, info, chunk, qn_csv_record_at, &r->dialect);
    qn_code code = open_reader(r, info, wanted, err);
    if (code != QN_OK) {
        csv_close(&r->text.reader);
        return code;
    }
    *out = &r->text.reader;
    return QN_OK;
}
