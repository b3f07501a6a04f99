#include "sources/csv_reader.h"

#include <stdlib.h>

#include "base/limits.h"
#include "sources/csv_fault.h"
#include "sources/csv_guess.h"
#include "sources/csv_locate.h"
#include "sources/csv_preamble.h"
#include "sources/text_lines.h"
#include "sources/text_quarantine.h"

enum {
    WINDOW_BYTES = 256 << 10,  /* stays in a second-level cache between scan and decode */
    READ_PAST_BYTES = 4 << 10, /* what a chunk's last record usually needs past its end */
    GUESS_BYTES = 64 << 10,
    BLOCK_CELLS = 16 << 10, /* fields found before they are decoded: 64 KiB of places */
    MAX_BLOCK_ROWS = 1024,
    MAX_BATCH_CELLS = 1 << 20, /* wide tables get shorter batches */
};

struct csv_reader {
    struct qn_reader reader;
    struct qn_arena arena;
    struct qn_chunk chunk;
    struct qn_csv_dialect dialect;
    struct qn_schema schema; /* of the wanted columns */
    enum qn_on_malformed on_malformed;
    struct qn_text_window window;
    struct qn_text_locator locator;
    struct qn_csv_decoder decoder;
    struct qn_column *columns;
    struct qn_csv_rows rows; /* over the window */
    uint64_t pos;            /* next record, blank or comment line */
    uint64_t lines;          /* line ends before the scanner's first byte */
    size_t want;             /* bytes of the next fill */
    bool scanning, ended;
    struct qn_chunk_result result;
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
    if (r->chunk.begin > 0) {
        struct qn_text_window window;
        QN_TRY(qn_text_window_open(&window, r->chunk.path, r->chunk.file_bytes, err));
        struct qn_csv_preamble preamble = {0};
        uint64_t start = 0;
        window.encoding = r->dialect.encoding;
        qn_code code = qn_csv_preamble_read(&window, &r->dialect, NULL, 0, &preamble, err);
        if (code == QN_OK)
            code = qn_csv_walk(&window, &r->dialect, preamble.end, r->chunk.begin, &start,
                               &lines_before, err);
        qn_text_window_close(&window);
        QN_TRY(code);
        lines_before += preamble.lines;
        *misguessed = start != r->result.first_start;
        if (*misguessed)
            return QN_OK;
    }
    uint64_t line, column;
    qn_csv_fault_place(r->rows.scanner.bytes, record, &line, &column);
    qn_code code =
        qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT, "%s%s%s%s", complaint->message,
                   complaint->column ? " (column " : "", complaint->column ? complaint->column : "",
                   complaint->column ? ")" : "");
    qn_err_at(err, r->chunk.path, lines_before + r->lines + record->line + line + 1, column);
    return code;
}

static qn_code quarantine_record(struct csv_reader *r, const struct qn_csv_record *record,
                                 const struct qn_csv_complaint *complaint,
                                 struct qn_rejects *rejects, struct qn_err *err)
{
    const struct qn_reject reject = {.line = r->lines + record->line,
                                     .column = qn_strv_from(complaint->column),
                                     .rule = qn_strv_from(complaint->rule),
                                     .message = qn_strv_from(complaint->message)};
    return qn_text_quarantine(rejects, &r->window, record->at, record->end, reject, err);
}

static qn_code refuse_record(struct csv_reader *r, const struct qn_csv_record *record,
                             struct qn_csv_field field, struct qn_rejects *rejects,
                             struct qn_err *err)
{
    if (r->on_malformed == QN_MALFORMED_SKIP) {
        r->result.skipped++;
        return QN_OK;
    }
    const struct qn_csv_column *column =
        record->fault == QN_CSV_TYPE ? &r->decoder.columns[record->fault_column] : NULL;
    struct qn_csv_complaint complaint;
    qn_csv_fault_describe(&r->dialect, r->rows.scanner.bytes, record, column, field, &complaint);
    if (r->on_malformed == QN_MALFORMED_FAIL)
        return fail_record(r, record, &complaint, &r->ended, err);
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
    record.fault_column = r->decoder.wrong[row] - 1U;
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
    for (uint32_t i = 0; i <= r->rows.n && !r->ended; i++) {
        for (; next < r->rows.n_faulty && r->rows.before[next] == i && !r->ended; next++)
            QN_TRY(refuse_record(r, &r->rows.faulty[next], (struct qn_csv_field){0}, rejects, err));
        if (n_wrong && i < r->rows.n && r->decoder.wrong[i] && !r->ended)
            QN_TRY(refuse_value(r, i, &seen, rejects, err));
    }
    return QN_OK;
}

/* The record at pos does not end within QN_MAX_RECORD_BYTES. Its first line is refused and reading
 * goes on behind that: a quote left open must not swallow the rest of the file. */
static qn_code refuse_long(struct csv_reader *r, struct qn_rejects *rejects, struct qn_err *err)
{
    struct qn_csv_record record = {.fault = QN_CSV_LONG_RECORD};
    record.end = (uint32_t)qn_text_find_line_end(r->window.data, r->window.len);
    r->result.records++;
    QN_TRY(refuse_record(r, &record, (struct qn_csv_field){0}, rejects, err));
    r->want = WINDOW_BYTES;
    return qn_csv_skip_line(&r->window, &r->pos, &r->lines, err);
}

/* --- reading --------------------------------------------------------------------------------- */

static qn_code refill(struct csv_reader *r, struct qn_err *err)
{
    QN_TRY(qn_text_window_fill(&r->window, r->pos, r->want, err));
    qn_csv_rows_over(&r->rows, &r->dialect, r->window.data, r->window.len,
                     qn_text_window_position(&r->window, r->chunk.end),
                     qn_text_window_final(&r->window));
    r->scanning = true;
    return QN_OK;
}

static bool at_end(const struct csv_reader *r)
{
    return r->pos >= r->chunk.end || r->pos >= r->window.text_bytes;
}

static qn_code end_chunk(struct csv_reader *r, struct qn_err *err)
{
    r->lines += r->scanning ? r->rows.scanner.lines : 0;
    r->scanning = false;
    r->ended = true;
    return qn_text_window_settle(&r->window, err);
}

/* The scanner can do no more with what the window holds. */
static qn_code move_on(struct csv_reader *r, struct qn_rejects *rejects, struct qn_err *err)
{
    r->scanning = false;
    r->lines += r->rows.scanner.lines;
    if (r->rows.scanner.pos > 0)
        r->want = WINDOW_BYTES;
    else if (r->want < QN_MAX_RECORD_BYTES)
        r->want *= 2;
    else
        return refuse_long(r, rejects, err);
    return QN_OK;
}

static qn_code read_block(struct csv_reader *r, struct qn_rejects *rejects, struct qn_err *err)
{
    if (at_end(r))
        return end_chunk(r, err);
    if (!r->scanning)
        QN_TRY(refill(r, err));
    if (at_end(r)) /* of compressed text, which is known only now */
        return end_chunk(r, err);
    struct qn_csv_decoder *decoder = &r->decoder;
    uint32_t limit = decoder->capacity - decoder->n;
    if (limit > r->rows.capacity)
        limit = r->rows.capacity;
    enum qn_csv_step step = qn_csv_rows_next(&r->rows, limit);
    r->result.records += r->rows.n + r->rows.n_faulty;
    uint32_t n_wrong = qn_csv_decoder_typed(decoder, &r->rows);
    if (n_wrong || r->rows.n_faulty)
        QN_TRY(refuse_block(r, n_wrong, rejects, err));
    uint32_t first = decoder->n;
    bool turned = r->dialect.encoding != QN_TEXT_UTF8;
    uint32_t base = turned ? 0 : (uint32_t)(r->window.offset - r->reader.base);
    QN_TRY(qn_csv_decoder_finish(decoder, &r->rows, n_wrong, base, err));
    for (uint32_t i = first; turned && i < decoder->n; i++)
        decoder->origin[i] =
            (uint32_t)(qn_text_window_offset(&r->window, decoder->origin[i]) - r->reader.base);
    r->pos = qn_text_window_offset(&r->window, r->rows.scanner.pos);
    return step == QN_CSV_FULL ? QN_OK : move_on(r, rejects, err);
}

static qn_code csv_next(struct qn_reader *reader, struct qn_batch *batch,
                        struct qn_rejects *rejects, struct qn_err *err)
{
    struct csv_reader *r = (struct csv_reader *)reader;
    qn_csv_decoder_clear(&r->decoder);
    if (!r->ended)
        QN_TRY(qn_text_marks_add(&r->locator.marks, r->pos,
                                 r->lines + (r->scanning ? r->rows.scanner.lines : 0), err));
    uint64_t begin = r->pos;
    while (!r->ended && r->decoder.n < r->decoder.capacity &&
           qn_text_batch_goes_on(&r->window, r->decoder.n, r->pos - begin,
                                 qn_csv_decoder_text_bytes(&r->decoder))) {
        if (r->decoder.n == 0 && r->pos - reader->base > QN_TEXT_BASE_BYTES)
            reader->base = r->pos;
        QN_TRY(read_block(r, rejects, err));
    }
    batch->schema = &r->schema;
    qn_csv_decoder_batch(&r->decoder, r->columns, batch);
    return QN_OK;
}

static qn_code csv_locate(struct qn_reader *reader, uint32_t origin, struct qn_location *out,
                          struct qn_err *err)
{
    struct csv_reader *r = (struct csv_reader *)reader;
    return qn_text_locator_find(&r->locator, reader->base + origin, out, err);
}

static void csv_result(const struct qn_reader *reader, struct qn_chunk_result *out)
{
    const struct csv_reader *r = (const struct csv_reader *)reader;
    *out = r->result;
    out->next_start = r->pos;
    out->lines = r->lines;
}

static void csv_close(struct qn_reader *reader)
{
    struct csv_reader *r = (struct csv_reader *)reader;
    qn_csv_decoder_fini(&r->decoder);
    qn_text_locator_fini(&r->locator);
    qn_text_window_close(&r->window);
    qn_arena_fini(&r->arena);
    free(r);
}

static const struct qn_reader_ops csv_reader_ops = {
    .next = csv_next, .locate = csv_locate, .result = csv_result, .close = csv_close};

/* --- opening --------------------------------------------------------------------------------- */

static qn_code project(struct csv_reader *r, const struct qn_source_info *info, const bool *wanted,
                       struct qn_err *err)
{
    struct qn_field *fields = QN_NEW_ARRAY(&r->arena, struct qn_field, info->schema.n_fields);
    if (!fields)
        return qn_err_nomem(err, "csv columns");
    for (uint32_t i = 0; i < info->schema.n_fields; i++)
        if (!wanted || wanted[i])
            fields[r->schema.n_fields++] = info->schema.fields[i];
    r->schema.fields = fields;
    r->columns = QN_NEW_ARRAY(&r->arena, struct qn_column, r->schema.n_fields + 1U);
    return r->columns ? QN_OK : qn_err_nomem(err, "csv columns");
}

static const uint32_t *order_of_file(const struct qn_csv_dialect *dialect, uint32_t file_index)
{
    for (uint32_t i = 0; i < dialect->n_orders; i++)
        if (dialect->orders[i].file_index == file_index)
            return dialect->orders[i].field_of;
    return NULL;
}

static uint32_t at_most(uint64_t value, uint32_t limit)
{
    return value < limit ? (uint32_t)value : limit;
}

static qn_code make_tables(struct csv_reader *r, const struct qn_source_info *info,
                           const bool *wanted, struct qn_err *err)
{
    uint32_t n_fields = r->dialect.n_fields;
    uint32_t capacity = at_most(qn_text_chunk_bytes(&r->chunk) + 1, QN_BATCH_ROWS);
    capacity = at_most(MAX_BATCH_CELLS / n_fields, capacity);
    uint32_t block = at_most(BLOCK_CELLS / n_fields + 1, at_most(capacity, MAX_BLOCK_ROWS));
    QN_TRY(qn_csv_rows_init(&r->rows, n_fields, block, &r->arena, err));
    return qn_csv_decoder_init(&r->decoder, &r->dialect, &info->schema, wanted,
                               order_of_file(&r->dialect, r->chunk.file_index), capacity, &r->arena,
                               err);
}

/* Where the chunk's first record begins: known, told by the file's start, or guessed. */
static qn_code find_start(struct csv_reader *r, struct qn_err *err)
{
    const struct qn_chunk *chunk = &r->chunk;
    if (chunk->begin == 0) {
        struct qn_csv_preamble preamble;
        QN_TRY(qn_csv_preamble_read(&r->window, &r->dialect, NULL, 0, &preamble, err));
        r->pos = preamble.end;
        r->lines = preamble.lines;
        return QN_OK;
    }
    r->pos = chunk->start;
    if (chunk->start == QN_START_UNKNOWN) {
        uint64_t unit = qn_text_encoding_unit(r->dialect.encoding);
        uint64_t first = (chunk->begin + unit - 1) / unit * unit; /* of a character, or the end */
        QN_TRY(qn_text_window_fill(&r->window, first - unit, GUESS_BYTES, err));
        size_t start = qn_csv_guess_start(&r->dialect, r->window.data, r->window.len,
                                          qn_text_window_final(&r->window));
        r->pos = qn_text_window_offset(&r->window, start);
    }
    r->result.first_start = r->pos;
    return QN_OK;
}

static qn_code open_reader(struct csv_reader *r, const struct qn_source_info *info,
                           const bool *wanted, struct qn_err *err)
{
    QN_TRY(
        qn_csv_dialect_unpack(info->dialect, info->schema.n_fields, &r->arena, &r->dialect, err));
    QN_TRY(project(r, info, wanted, err));
    QN_TRY(make_tables(r, info, wanted, err));
    QN_TRY(qn_text_window_open_chunk(&r->window, &r->chunk, err));
    r->window.encoding = r->locator.encoding = r->dialect.encoding;
    return find_start(r, err);
}

qn_code qn_csv_reader_open(const struct qn_source_info *info, const struct qn_chunk *chunk,
                           const bool *wanted, struct qn_reader **out, struct qn_err *err)
{
    struct csv_reader *r = calloc(1, sizeof *r);
    if (!r)
        return qn_err_nomem(err, "csv reader");
    r->chunk = *chunk;
    r->on_malformed = info->on_malformed;
    r->window.fd = -1;
    r->want = at_most(qn_text_chunk_bytes(chunk) + READ_PAST_BYTES, WINDOW_BYTES);
    qn_arena_init(&r->arena);
    qn_text_locator_init(&r->locator, &r->chunk, qn_csv_record_at, &r->dialect);
    r->reader = (struct qn_reader){.ops = &csv_reader_ops,
                                   .schema = &r->schema,
                                   .base = chunk->begin,
                                   .file_index = chunk->file_index,
                                   .file = chunk->path};
    qn_code code = open_reader(r, info, wanted, err);
    if (code != QN_OK) {
        csv_close(&r->reader);
        return code;
    }
    *out = &r->reader;
    return QN_OK;
}
