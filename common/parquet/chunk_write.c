#include "parquet/chunk_write.h"

#include <limits.h>
#include <string.h>

#include "base/limits.h"
#include "parquet/bloom_write.h"
#include "parquet/meta_write.h"
#include "parquet/range.h"
#include "parquet/storage.h"

enum {
    PAGE_ROWS_STEP = 8,    /* so that pages begin at whole bytes of the validity */
    HUGE_BYTES = 32 << 20, /* of so many rows; of fewer, where texts are huge: readers have limits,
                                our own among them */
    MAX_ENTRIES_BYTES = 64 << 20, /* of a dictionary, which is one page */
};

void qn_pq_chunk_writer_init(struct qn_pq_chunk_writer *writer,
                             const struct qn_pq_write_options *options)
{
    *writer = (struct qn_pq_chunk_writer){.options = options};
    writer->chooser.options = options;
    writer->chooser.blocks = &writer->blocks;
}

void qn_pq_chunk_writer_fini(struct qn_pq_chunk_writer *writer)
{
    qn_block_state_fini(&writer->blocks);
    qn_pq_chooser_fini(&writer->chooser);
    qn_buf_fini(&writer->page);
    qn_buf_fini(&writer->packed);
    qn_buf_fini(&writer->entries);
    qn_buf_fini(&writer->offsets);
    qn_buf_fini(&writer->blooms);
}

/* A chunk being written. */
struct chunk {
    struct qn_pq_chunk_writer *writer;
    struct qn_pq_gather *gather;
    struct qn_pq_choice choice;
    struct qn_buf *to;
    size_t start; /* of the chunk in `to` */
    struct qn_pq_column_meta *meta;
};

/* --- pages ----------------------------------------------------------------------------------- */

static qn_code compress(struct qn_pq_chunk_writer *writer, struct qn_strv bytes,
                        struct qn_strv *out, struct qn_err *err)
{
    const struct qn_pq_write_options *options = writer->options;
    *out = bytes;
    if (options->codec == QN_BLOCK_NONE)
        return QN_OK;
    qn_buf_clear(&writer->packed);
    QN_TRY(qn_block_compress(&writer->blocks, options->codec, options->level, bytes,
                             &writer->packed, err));
    *out = qn_buf_strv(&writer->packed);
    return QN_OK;
}

/* The header is complete but for sizes and checksum. `levels` stand before the rest and are not
 * compressed. */
static qn_code put_page(struct chunk *chunk, struct qn_pq_page_header *header, size_t levels,
                        struct qn_err *err)
{
    struct qn_pq_chunk_writer *writer = chunk->writer;
    struct qn_buf *page = &writer->page;
    QN_TRY(qn_buf_check(page, "a page", err));
    struct qn_strv plain = {(const char *)page->data + levels, page->len - levels}, stored;
    if (page->len > INT32_MAX)
        return qn_err_set(err, QN_ELIMIT, QN_BLAME_INPUT,
                          "a page takes %zu bytes; Parquet's pages have 2 GiB at most", page->len);
    QN_TRY(compress(writer, plain, &stored, err));
    header->is_compressed = stored.len < plain.len;
    if (header->type == QN_PQ_DATA_PAGE_V2 && !header->is_compressed)
        stored = plain;
    header->plain_bytes = (int32_t)page->len;
    header->stored_bytes = (int32_t)(levels + stored.len);
    size_t head = chunk->to->len;
    if (!writer->options->no_crc) {
        header->has_crc = true;
        header->crc = qn_block_crc32_more(
            qn_block_crc32((struct qn_strv){(const char *)page->data, levels}), stored);
    }
    qn_pq_page_header_write(header, chunk->to);
    head = chunk->to->len - head;
    qn_buf_put(chunk->to, page->data, levels);
    qn_buf_put(chunk->to, stored.data, stored.len);
    chunk->meta->plain_bytes += (int64_t)(head + page->len);
    return qn_buf_check(chunk->to, "a column chunk", err);
}

/* One run, or bits as they are, with the length before it that the first version has. */
static void put_levels(const struct chunk *chunk, uint32_t from, uint32_t n)
{
    struct qn_buf *page = &chunk->writer->page;
    bool has_length = !chunk->writer->options->data_page_v2;
    if (has_length)
        qn_buf_put_u32(page, 0);
    size_t start = page->len;
    const uint64_t *bits = (const uint64_t *)(const void *)chunk->gather->validity.data;
    uint64_t few = bits[from / 64] >> from % 64; /* of a page of huge texts, within a byte */
    if (from % PAGE_ROWS_STEP)
        qn_pq_encode_hybrid_bits(page, &few, 0, n);
    else
        qn_pq_encode_hybrid_bits(page, bits, from, n);
    uint32_t bytes = (uint32_t)(page->len - start);
    if (has_length && !page->failed)
        memcpy(page->data + start - sizeof bytes, &bytes, sizeof bytes);
}

struct span {
    uint32_t from, n;
};

static qn_code put_data_page(struct chunk *chunk, struct span rows, struct span values,
                             struct qn_err *err)
{
    struct qn_buf *page = &chunk->writer->page;
    const struct qn_pq_choice *choice = &chunk->choice;
    bool v2 = chunk->writer->options->data_page_v2;
    qn_buf_clear(page);
    put_levels(chunk, rows.from, rows.n);
    size_t levels = v2 ? page->len : 0;
    if (choice->indexes)
        qn_pq_encode_indexes(page, choice->indexes + values.from, values.n, choice->n_entries);
    else
        qn_pq_storage_encode(chunk->gather, choice->encoding, values.from, values.n, page);
    struct qn_pq_page_header header = {.type = v2 ? QN_PQ_DATA_PAGE_V2 : QN_PQ_DATA_PAGE,
                                       .n_values = (int32_t)rows.n,
                                       .encoding = choice->encoding,
                                       .definition_encoding = QN_PQ_RLE,
                                       .repetition_encoding = QN_PQ_RLE,
                                       .n_nulls = (int32_t)(rows.n - values.n),
                                       .n_rows = (int32_t)rows.n,
                                       .definition_bytes = (int32_t)levels};
    return put_page(chunk, &header, levels, err);
}

/* --- where pages end ------------------------------------------------------------------------- */

/* Encoded bytes of a value at most, about. */
static double value_bytes(const struct chunk *chunk)
{
    const struct qn_pq_gather *gather = chunk->gather;
    if (chunk->choice.indexes)
        return qn_pq_index_width(chunk->choice.n_entries) / 8.0;
    if (gather->type.id == QN_TEXT)
        return (double)(gather->values.len + gather->offsets.len) / (gather->n_values + 1);
    return gather->type.id == QN_BOOL ? 1 / 8.0 : 8;
}

static size_t page_bytes(const struct chunk *chunk)
{
    size_t bytes = chunk->writer->options->page_bytes;
    return bytes ? bytes : QN_PQ_PAGE_BYTES;
}

static uint32_t usual_page_rows(const struct chunk *chunk)
{
    uint32_t most = chunk->writer->options->page_rows;
    double fits = (double)page_bytes(chunk) / value_bytes(chunk);
    uint32_t rows = fits < chunk->gather->n_rows ? (uint32_t)fits : chunk->gather->n_rows;
    rows = most && most < rows ? most : rows;
    rows = (rows + PAGE_ROWS_STEP - 1) / PAGE_ROWS_STEP * PAGE_ROWS_STEP;
    return rows ? rows : PAGE_ROWS_STEP;
}

static uint32_t count_values(const struct qn_pq_gather *gather, struct span rows)
{
    const uint8_t *bits = gather->validity.data + rows.from / 8;
    uint32_t n = 0, from = rows.from % PAGE_ROWS_STEP;
    if (from) /* all within a byte */
        return (uint32_t)__builtin_popcount((unsigned)bits[0] >> from & ((1U << rows.n) - 1));
    for (uint32_t i = 0; i < rows.n / 8; i++)
        n += (uint32_t)__builtin_popcount(bits[i]);
    if (rows.n % 8)
        n += (uint32_t)__builtin_popcount(bits[rows.n / 8] & ((1U << rows.n % 8) - 1));
    return n;
}

static size_t text_bytes(const struct chunk *chunk, struct span values)
{
    if (chunk->choice.indexes || chunk->gather->type.id != QN_TEXT || !values.n)
        return 0;
    struct qn_pq_texts texts = qn_pq_gather_texts(chunk->gather, values.from, values.n);
    return texts.offsets[values.n] - texts.offsets[0];
}

/* Halves a page that a few long texts make too large. One that begins within a byte of the validity
 * ends with it. */
static struct span page_values(const struct chunk *chunk, struct span *rows, uint32_t first)
{
    uint32_t within = rows->from % PAGE_ROWS_STEP, to_step = PAGE_ROWS_STEP - within;
    rows->n = within && rows->n > to_step ? to_step : rows->n;
    struct span values = {first, count_values(chunk->gather, *rows)};
    while (rows->n > PAGE_ROWS_STEP && text_bytes(chunk, values) > 2 * page_bytes(chunk)) {
        rows->n = (rows->n / 2 + PAGE_ROWS_STEP - 1) / PAGE_ROWS_STEP * PAGE_ROWS_STEP;
        values.n = count_values(chunk->gather, *rows);
    }
    while (rows->n > 1 && text_bytes(chunk, values) > HUGE_BYTES) {
        rows->n /= 2;
        values.n = count_values(chunk->gather, *rows);
    }
    return values;
}

static qn_code put_data_pages(struct chunk *chunk, struct qn_err *err)
{
    uint32_t most = usual_page_rows(chunk), row = 0, value = 0;
    while (row < chunk->gather->n_rows) {
        uint32_t left = chunk->gather->n_rows - row;
        struct span rows = {row, left < most ? left : most};
        struct span values = page_values(chunk, &rows, value);
        QN_TRY(put_data_page(chunk, rows, values, err));
        row += rows.n;
        value += values.n;
    }
    return QN_OK;
}

/* --- the dictionary -------------------------------------------------------------------------- */

/* The entries as values of a column of their own, so that encoding and range take either. */
static qn_code collect_entries(struct chunk *chunk, struct qn_pq_gather *out, struct qn_err *err)
{
    struct qn_pq_chunk_writer *writer = chunk->writer;
    const struct qn_pq_choice *choice = &chunk->choice;
    *out = *chunk->gather;
    out->n_values = choice->n_entries;
    out->is_coded = false;
    if (chunk->gather->is_coded)
        return QN_OK;
    qn_buf_clear(&writer->entries);
    qn_buf_clear(&writer->offsets);
    for (uint32_t i = 0; i < choice->n_entries && out->type.id == QN_TEXT; i++) {
        struct qn_pq_texts text = qn_pq_gather_texts(chunk->gather, choice->firsts[i], 1);
        qn_buf_put_u32(&writer->offsets, (uint32_t)writer->entries.len);
        qn_buf_put(&writer->entries, text.bytes + text.offsets[0],
                   text.offsets[1] - text.offsets[0]);
    }
    for (uint32_t i = 0; i < choice->n_entries && out->type.id != QN_TEXT; i++)
        qn_buf_put_i64(&writer->entries, qn_pq_gather_ints(chunk->gather)[choice->firsts[i]]);
    qn_buf_put_u32(&writer->offsets, (uint32_t)writer->entries.len);
    static const char slack[QN_PQ_TEXT_SLACK];
    qn_buf_put(&writer->entries, slack, sizeof slack);
    out->values = writer->entries;
    out->offsets = writer->offsets;
    QN_TRY(qn_buf_check(&writer->entries, "a dictionary", err));
    return qn_buf_check(&writer->offsets, "a dictionary", err);
}

static qn_code put_dictionary_page(struct chunk *chunk, const struct qn_pq_gather *entries,
                                   struct qn_err *err)
{
    struct qn_buf *page = &chunk->writer->page;
    qn_buf_clear(page);
    qn_pq_storage_encode(entries, QN_PQ_PLAIN, 0, entries->n_values, page);
    struct qn_pq_page_header header = {.type = QN_PQ_DICTIONARY_PAGE,
                                       .n_values = (int32_t)entries->n_values,
                                       .encoding = QN_PQ_PLAIN};
    chunk->meta->dictionary_page_offset = chunk->meta->data_page_offset;
    QN_TRY(put_page(chunk, &header, 0, err));
    chunk->meta->data_page_offset += (int64_t)(chunk->to->len - chunk->start);
    chunk->meta->encodings |= 1U << QN_PQ_PLAIN;
    return QN_OK;
}

/* --- statistics ------------------------------------------------------------------------------ */

static struct qn_pq_range range_of(const struct qn_pq_gather *values)
{
    uint32_t n = values->n_values;
    switch (qn_type_layout(values->type)) {
    case QN_LAYOUT_TEXT: return qn_pq_range_texts(qn_pq_gather_texts(values, 0, n));
    case QN_LAYOUT_BOOL: return qn_pq_range_bools(values->values.data, n);
    case QN_LAYOUT_F64:
        return qn_pq_range_doubles((const double *)(const void *)values->values.data, n);
    default: return qn_pq_range_ints(qn_pq_gather_ints(values), n);
    }
}

static qn_code put_statistics(const struct chunk *chunk, const struct qn_pq_range *range,
                              struct qn_arena *arena, struct qn_err *err)
{
    struct qn_pq_statistics *statistics = &chunk->meta->statistics;
    if (chunk->writer->options->no_statistics)
        return QN_OK;
    uint8_t(*bounds)[QN_PQ_BOUND_BYTES] = qn_arena_alloc(arena, 2 * sizeof *bounds);
    if (!bounds)
        return qn_err_nomem(err, "statistics of a column chunk");
    statistics->null_count = chunk->gather->n_rows - chunk->gather->n_values;
    if (chunk->choice.indexes)
        statistics->distinct_count = chunk->choice.n_entries;
    qn_pq_range_write(range, chunk->gather->type, chunk->meta->type == QN_PQ_INT32, bounds,
                      statistics);
    return QN_OK;
}

/* The physical type may be narrower than ours. */
static qn_code check_width(const struct qn_pq_gather *gather, const struct qn_pq_range *range,
                           struct qn_err *err)
{
    if (qn_pq_storage_type(gather->type) != QN_PQ_INT32 || !range->is_known ||
        (range->ints[0] >= INT32_MIN && range->ints[1] <= INT32_MAX))
        return QN_OK;
    char name[QN_TYPE_NAME];
    int64_t odd = range->ints[0] < INT32_MIN ? range->ints[0] : range->ints[1];
    return qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT,
                      "a value of type %s does not fit the 32 bits that Parquet has for it "
                      "(stored as %lld)",
                      qn_type_name(gather->type, name), (long long)odd);
}

/* --- the chunk ------------------------------------------------------------------------------- */

static const struct qn_pq_column_chunk no_chunk = {
    .has_meta = true,
    .offset_index_offset = QN_PQ_NONE,
    .column_index_offset = QN_PQ_NONE,
    .meta = {.index_page_offset = QN_PQ_NONE,
             .dictionary_page_offset = QN_PQ_NONE,
             .bloom_offset = QN_PQ_NONE,
             .bloom_bytes = QN_PQ_NONE,
             .statistics = {.null_count = QN_PQ_NONE,
                            .distinct_count = QN_PQ_NONE,
                            .nan_count = QN_PQ_NONE,
                            .is_min_exact = QN_PQ_NONE,
                            .is_max_exact = QN_PQ_NONE}}};

static int32_t codec_number(enum qn_block_codec codec)
{
    switch (codec) {
    case QN_BLOCK_SNAPPY: return QN_PQ_SNAPPY;
    case QN_BLOCK_GZIP: return QN_PQ_GZIP;
    case QN_BLOCK_ZSTD: return QN_PQ_ZSTD;
    case QN_BLOCK_LZ4: return QN_PQ_LZ4_RAW;
    default: return QN_PQ_UNCOMPRESSED;
    }
}

static void begin_meta(const struct chunk *chunk, uint64_t offset)
{
    struct qn_pq_column_meta *meta = chunk->meta;
    meta->type = qn_pq_storage_type(chunk->gather->type);
    meta->codec = codec_number(chunk->writer->options->codec);
    meta->n_values = chunk->gather->n_rows;
    meta->encodings = 1U << QN_PQ_RLE | 1U << chunk->choice.encoding; /* RLE: of the levels */
    meta->data_page_offset = (int64_t)offset;
}

/* A dictionary that is too large for a page is none. */
static qn_code drop_huge_dictionary(struct chunk *chunk, const struct qn_pq_gather *entries,
                                    struct qn_err *err)
{
    if (!chunk->choice.indexes || entries->type.id != QN_TEXT ||
        entries->values.len <= MAX_ENTRIES_BYTES)
        return QN_OK;
    chunk->choice = (struct qn_pq_choice){.encoding = QN_PQ_PLAIN};
    return qn_pq_gather_spell_out(chunk->gather, err);
}

/* No longer than what readers take, ours among them. */
static qn_code check_lengths(const struct qn_pq_gather *texts, struct qn_err *err)
{
    if (texts->type.id != QN_TEXT || texts->values.len <= QN_MAX_FIELD_BYTES)
        return QN_OK;
    struct qn_pq_texts all = qn_pq_gather_texts(texts, 0, texts->n_values);
    for (uint32_t i = 0; i < all.n; i++)
        if (all.offsets[i + 1] - all.offsets[i] > QN_MAX_FIELD_BYTES)
            return qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT,
                              "a text of %u bytes is too long to be written: %d at most",
                              all.offsets[i + 1] - all.offsets[i], QN_MAX_FIELD_BYTES);
    return QN_OK;
}

/* What is known of all values before any is written. Integers: from the values, for choosing needs
 * it; else from the entries of a dictionary when there is one. */
static qn_code look(struct chunk *chunk, struct qn_pq_gather *entries, struct qn_pq_range *range,
                    struct qn_err *err)
{
    struct qn_pq_gather *gather = chunk->gather;
    bool is_int = qn_type_layout(gather->type) == QN_LAYOUT_I64;
    *range = is_int ? range_of(gather) : (struct qn_pq_range){0};
    QN_TRY(check_width(gather, range, err));
    QN_TRY(qn_pq_choose(&chunk->writer->chooser, gather, range->ints, &chunk->choice, err));
    if (chunk->choice.indexes)
        QN_TRY(collect_entries(chunk, entries, err));
    QN_TRY(drop_huge_dictionary(chunk, entries, err));
    QN_TRY(check_lengths(chunk->choice.indexes ? entries : gather, err));
    if (!is_int)
        *range = range_of(chunk->choice.indexes ? entries : gather);
    return QN_OK;
}

static qn_code put_bloom(struct chunk *chunk, const struct qn_pq_gather *values, struct qn_err *err)
{
    struct qn_buf *blooms = &chunk->writer->blooms;
    size_t before = blooms->len;
    qn_pq_bloom_write(values, blooms);
    if (blooms->len > before) {
        chunk->meta->bloom_offset = (int64_t)before;
        chunk->meta->bloom_bytes = (int64_t)(blooms->len - before);
    }
    return qn_buf_check(blooms, "a bloom filter", err);
}

qn_code qn_pq_chunk_write(struct qn_pq_chunk_writer *writer, struct qn_pq_gather *gather,
                          uint64_t offset, bool bloom, struct qn_buf *to, struct qn_arena *arena,
                          struct qn_pq_column_chunk *out, struct qn_err *err)
{
    *out = no_chunk;
    struct chunk chunk = {
        .writer = writer, .gather = gather, .to = to, .start = to->len, .meta = &out->meta};
    struct qn_pq_gather entries;
    struct qn_pq_range range;
    QN_TRY(look(&chunk, &entries, &range, err));
    begin_meta(&chunk, offset);
    QN_TRY(put_statistics(&chunk, &range, arena, err));
    if (chunk.choice.indexes)
        QN_TRY(put_dictionary_page(&chunk, &entries, err));
    QN_TRY(put_data_pages(&chunk, err));
    out->meta.stored_bytes = (int64_t)(to->len - chunk.start);
    return bloom ? put_bloom(&chunk, chunk.choice.indexes ? &entries : gather, err) : QN_OK;
}
