#include "sources/text_reader.h"

#include "base/limits.h"
#include "sources/text_lines.h"

enum {
    WINDOW_BYTES = 256 << 10,  /* stays in a second-level cache between scan and decode */
    READ_PAST_BYTES = 4 << 10, /* what a chunk's last record usually needs past its end */
    BLOCK_CELLS = 16 << 10,    /* fields found before they are decoded: 64 KiB of places */
    MAX_BATCH_CELLS = 1 << 20, /* wide tables get shorter batches */
    MAX_RAW_BYTES = 1 << 20,   /* of a refused record are kept */
};

static uint32_t at_most(uint64_t value, uint32_t limit)
{
    return value < limit ? (uint32_t)value : limit;
}

/* --- life ------------------------------------------------------------------------------------ */

void qn_text_reader_init(struct qn_text_reader *r, const struct qn_reader_ops *ops,
                         const struct qn_source_info *info, const struct qn_chunk *chunk,
                         qn_text_record_fn record, const void *format)
{
    r->chunk = *chunk;
    r->on_malformed = info->on_malformed;
    r->window.fd = -1;
    r->want = at_most(qn_text_chunk_bytes(chunk) + READ_PAST_BYTES, WINDOW_BYTES);
    qn_arena_init(&r->arena);
    qn_text_locator_init(&r->locator, &r->chunk, record, format);
    r->reader = (struct qn_reader){.ops = ops,
                                   .schema = &r->rows.schema,
                                   .base = chunk->begin,
                                   .file_index = chunk->file_index,
                                   .file = chunk->path};
}

void qn_text_reader_fini(struct qn_text_reader *r)
{
    qn_row_store_fini(&r->rows);
    qn_text_locator_fini(&r->locator);
    qn_text_window_close(&r->window);
    qn_arena_fini(&r->arena);
}

qn_code qn_text_reader_make_rows(struct qn_text_reader *r, const struct qn_schema *schema,
                                 const bool *wanted, uint32_t n_cells, struct qn_err *err)
{
    uint32_t capacity = at_most(qn_text_chunk_bytes(&r->chunk) + 1, QN_BATCH_ROWS);
    capacity = at_most(MAX_BATCH_CELLS / n_cells, capacity);
    return qn_row_store_init(&r->rows, schema, wanted, capacity, &r->arena, err);
}

uint32_t qn_text_reader_block_rows(const struct qn_text_reader *r, uint32_t n_cells, uint32_t limit)
{
    return at_most(BLOCK_CELLS / n_cells + 1, at_most(r->rows.capacity, limit));
}

/* --- the window ------------------------------------------------------------------------------ */

bool qn_text_reader_at_end(const struct qn_text_reader *r)
{
    return r->pos >= r->chunk.end || r->pos >= r->window.text_bytes;
}

/* Leaves the window. */
static void count_lines(struct qn_text_reader *r)
{
    r->lines += r->scanned;
    r->scanned = 0;
    r->scanning = false;
}

qn_code qn_text_reader_end(struct qn_text_reader *r, struct qn_err *err)
{
    count_lines(r);
    r->ended = true;
    return qn_text_window_settle(&r->window, err);
}

qn_code qn_text_reader_fill(struct qn_text_reader *r, struct qn_err *err)
{
    r->scanning = true;
    return qn_text_window_fill(&r->window, r->pos, r->want, err);
}

bool qn_text_reader_move_on(struct qn_text_reader *r, bool took_any)
{
    count_lines(r);
    bool endless = !took_any && r->want >= QN_MAX_RECORD_BYTES;
    r->want = took_any || endless ? (size_t)WINDOW_BYTES : r->want * 2;
    return !endless;
}

/* --- refused records ------------------------------------------------------------------------- */

qn_code qn_text_reader_quarantine(struct qn_text_reader *r, struct qn_rejects *rejects, size_t at,
                                  size_t end, struct qn_reject reject, struct qn_err *err)
{
    size_t n = end - at;
    struct qn_buf raw;
    qn_buf_init(&raw);
    qn_text_clean(&raw,
                  (struct qn_strv){r->window.data + at, n < MAX_RAW_BYTES ? n : MAX_RAW_BYTES});
    reject.line += r->lines;
    reject.byte_offset = qn_text_window_offset(&r->window, at);
    reject.file = qn_strv_from(r->window.path);
    reject.raw = qn_buf_strv(&raw);
    qn_code code = qn_buf_check(&raw, "a refused record", err);
    if (code == QN_OK)
        code = qn_rejects_add(rejects, &reject, err);
    qn_buf_fini(&raw);
    return code;
}

/* --- reading --------------------------------------------------------------------------------- */

qn_code qn_text_reader_next(struct qn_text_reader *r, qn_text_block_fn read_block,
                            struct qn_batch *batch, struct qn_rejects *rejects, struct qn_err *err)
{
    qn_row_store_clear(&r->rows);
    if (!r->ended)
        QN_TRY(qn_text_marks_add(&r->locator.marks, r->pos, r->lines + r->scanned, err));
    uint64_t begin = r->pos;
    while (!r->ended && qn_text_reader_room(r) &&
           qn_text_batch_goes_on(&r->window, r->rows.n, r->pos - begin,
                                 qn_row_store_text_bytes(&r->rows))) {
        if (r->rows.n == 0 && r->pos - r->reader.base > QN_TEXT_BASE_BYTES)
            r->reader.base = r->pos;
        QN_TRY(read_block(r, rejects, err));
    }
    qn_row_store_view(&r->rows, batch);
    return QN_OK;
}

qn_code qn_text_reader_locate(struct qn_reader *reader, uint32_t origin, struct qn_location *out,
                              struct qn_err *err)
{
    struct qn_text_reader *r = (struct qn_text_reader *)reader;
    return qn_text_locator_find(&r->locator, reader->base + origin, out, err);
}

void qn_text_reader_result(const struct qn_reader *reader, struct qn_chunk_result *out)
{
    const struct qn_text_reader *r = (const struct qn_text_reader *)reader;
    *out = r->result;
    out->next_start = r->pos;
    out->lines = r->lines;
}
