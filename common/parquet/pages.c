#include "parquet/pages.h"

#include <stdio.h>

#include "parquet/meta_read.h"

enum {
    HEADER_BYTES = 512,          /* nearly all headers are shorter */
    MAX_HEADER_BYTES = 16 << 20, /* statistics of long texts stand in them */
    MAX_PAGE_BYTES = 128 << 20,  /* pages of a mebibyte are usual, of a hundred are found */
};

void qn_pq_node_path(const struct qn_pq_tree *tree, const struct qn_pq_node *node,
                     struct qn_buf *out)
{
    if (node->depth > 1) {
        qn_pq_node_path(tree, &tree->nodes[node->parent], out);
        qn_buf_put_u8(out, '.');
    }
    qn_buf_put(out, node->name.data, node->name.len);
}

qn_code qn_pq_pages_complain(const struct qn_pq_pages *pages, struct qn_err *err, const char *why)
{
    struct qn_buf name;
    qn_buf_init(&name);
    qn_pq_node_path(&pages->file->tree, pages->leaf, &name);
    qn_code code = qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT, "column %.*s: %s",
                              QN_STRV_ARG(qn_buf_strv(&name)), why);
    qn_err_at(err, pages->file->path, 0, 0);
    qn_buf_fini(&name);
    return code;
}

/* The codec's own complaint, with file and column before it. */
static qn_code complain_block(const struct qn_pq_pages *pages, qn_code code, struct qn_err *err)
{
    char why[QN_ERR_MESSAGE];
    if (!err || code == QN_ENOMEM)
        return code;
    memcpy(why, err->message, sizeof why);
    return qn_pq_pages_complain(pages, err, why);
}

static qn_code find_codec(struct qn_pq_pages *pages, struct qn_err *err)
{
    static const struct {
        const char *name;
        int codec;
    } codecs[] = {[QN_PQ_UNCOMPRESSED] = {"none", QN_BLOCK_NONE},
                  [QN_PQ_SNAPPY] = {"snappy", QN_BLOCK_SNAPPY},
                  [QN_PQ_GZIP] = {"gzip", QN_BLOCK_GZIP},
                  [QN_PQ_LZO] = {"LZO", -1},
                  [QN_PQ_BROTLI] = {"Brotli", -1},
                  [QN_PQ_LZ4] = {"LZ4", QN_BLOCK_LZ4_FRAMED},
                  [QN_PQ_ZSTD] = {"zstd", QN_BLOCK_ZSTD},
                  [QN_PQ_LZ4_RAW] = {"LZ4_RAW", QN_BLOCK_LZ4}};
    int32_t codec = pages->meta->codec;
    bool known = codec >= 0 && codec < (int32_t)(sizeof codecs / sizeof codecs[0]);
    if (known && codecs[codec].codec >= 0) {
        pages->codec = (enum qn_block_codec)codecs[codec].codec;
        return QN_OK;
    }
    char why[160];
    if (known)
        snprintf(why, sizeof why,
                 "its compression, %s, is not supported; write the file with snappy, zstd, gzip or "
                 "lz4_raw",
                 codecs[codec].name);
    else
        snprintf(why, sizeof why, "its compression has number %d, which is not known", codec);
    qn_pq_pages_complain(pages, err, why);
    if (err)
        err->code = QN_ENOTSUP;
    return QN_ENOTSUP;
}

qn_code qn_pq_pages_open(struct qn_pq_pages *pages, const struct qn_pq_file *file,
                         const struct qn_pq_row_group *group, uint32_t leaf,
                         struct qn_block_state *blocks, size_t window_bytes, struct qn_err *err)
{
    const struct qn_pq_column_meta *meta = &group->columns[leaf].meta;
    int64_t begin = meta->data_page_offset;
    if (meta->dictionary_page_offset > 0 && meta->dictionary_page_offset < begin)
        begin = meta->dictionary_page_offset;
    pages->file = file;
    pages->meta = meta;
    pages->leaf = &file->tree.nodes[file->tree.leaves[leaf]];
    pages->blocks = blocks;
    pages->next = (uint64_t)begin;
    pages->likely = (uint64_t)begin + (uint64_t)meta->stored_bytes;
    pages->left = meta->n_values;
    pages->window_bytes = window_bytes;
    pages->window_at = 0;
    pages->has_dictionary = false;
    qn_buf_clear(&pages->window);
    return find_codec(pages, err);
}

void qn_pq_pages_fini(struct qn_pq_pages *pages)
{
    qn_buf_fini(&pages->window);
    qn_buf_fini(&pages->plain);
    qn_buf_fini(&pages->dictionary);
}

/* --- bytes of the file ----------------------------------------------------------------------- */

/* Fills the window with `want` bytes from `at` on; what it holds of them is kept. */
static qn_code fill_window(struct qn_pq_pages *pages, uint64_t at, size_t want, struct qn_err *err)
{
    struct qn_buf *window = &pages->window;
    uint64_t end = pages->window_at + window->len;
    size_t kept = at >= pages->window_at && at < end ? (size_t)(end - at) : 0;
    if (kept)
        memmove(window->data, window->data + (at - pages->window_at), kept);
    window->len = kept;
    pages->window_at = at;
    uint8_t *room = qn_buf_reserve(window, want - kept + QN_PQ_SLACK);
    if (!room)
        return qn_err_nomem(err, "Parquet pages");
    QN_TRY(qn_pq_file_read(pages->file, at + kept, room, want - kept, err));
    memset(room + (want - kept), 0, QN_PQ_SLACK);
    window->len = want;
    return QN_OK;
}

/* Bytes [at, at + n), fewer where the file ends; more is read ahead. */
static qn_code look_at(struct qn_pq_pages *pages, uint64_t at, size_t n, struct qn_strv *out,
                       struct qn_err *err)
{
    struct qn_buf *window = &pages->window;
    uint64_t end = pages->file->bytes;
    n = at > end ? 0 : n < end - at ? n : (size_t)(end - at);
    if (at < pages->window_at || at + n > pages->window_at + window->len) {
        uint64_t likely = pages->likely + HEADER_BYTES < end ? pages->likely + HEADER_BYTES : end;
        size_t want = pages->window_bytes;
        if (at < likely && likely - at < want)
            want = (size_t)(likely - at);
        want = want < n ? n : want;
        want = want < end - at ? want : (size_t)(end - at);
        QN_TRY(fill_window(pages, at, want, err));
    }
    *out = (struct qn_strv){(const char *)window->data + (at - pages->window_at), n};
    return QN_OK;
}

static qn_code read_header(struct qn_pq_pages *pages, struct qn_pq_page_header *out,
                           struct qn_err *err)
{
    for (size_t want = HEADER_BYTES;; want *= 8) {
        struct qn_strv bytes = {0};
        QN_TRY(look_at(pages, pages->next, want, &bytes, err));
        struct qn_thrift in = qn_thrift_from(bytes.data, bytes.len);
        qn_pq_page_header_read(&in, out);
        if (!in.why) {
            pages->next += (uint64_t)((const char *)in.at - bytes.data);
            return QN_OK;
        }
        if (bytes.len < want || want >= MAX_HEADER_BYTES)
            break;
    }
    return qn_pq_pages_complain(pages, err, "the header of a page cannot be read");
}

static qn_code check_header(struct qn_pq_pages *pages, const struct qn_pq_page_header *header,
                            struct qn_err *err)
{
    uint64_t rest = pages->file->bytes - pages->next;
    if (header->stored_bytes > MAX_PAGE_BYTES || header->plain_bytes > MAX_PAGE_BYTES)
        return qn_pq_pages_complain(pages, err, "a page is longer than 128 MiB");
    if ((uint64_t)header->stored_bytes > rest)
        return qn_pq_pages_complain(pages, err, "a page is longer than the rest of the file");
    if ((uint64_t)header->plain_bytes > qn_block_most(pages->codec, (uint64_t)header->stored_bytes))
        return qn_pq_pages_complain(pages, err,
                                    "a page says it holds more than its bytes can hold");
    bool data = header->type == QN_PQ_DATA_PAGE || header->type == QN_PQ_DATA_PAGE_V2;
    if (data && header->n_values > pages->left)
        return qn_pq_pages_complain(pages, err, "its pages have more values than it has");
    if (header->type == QN_PQ_DATA_PAGE_V2 &&
        (header->definition_bytes < 0 || header->repetition_bytes < 0 ||
         header->definition_bytes > header->plain_bytes ||
         header->repetition_bytes > header->plain_bytes - header->definition_bytes ||
         header->definition_bytes + header->repetition_bytes > header->stored_bytes))
        return qn_pq_pages_complain(pages, err, "the levels of a page are longer than the page");
    return QN_OK;
}

qn_code qn_pq_pages_next(struct qn_pq_pages *pages, struct qn_pq_page *page, bool *found,
                         struct qn_err *err)
{
    struct qn_pq_page_header *header = &page->header;
    for (;;) {
        *found = pages->left > 0;
        if (!*found)
            return QN_OK;
        if (pages->next >= pages->file->bytes)
            return qn_pq_pages_complain(pages, err, "its pages have fewer values than it has");
        QN_TRY(read_header(pages, header, err));
        QN_TRY(check_header(pages, header, err));
        pages->next += (uint64_t)header->stored_bytes;
        if (header->type == QN_PQ_DICTIONARY_PAGE && pages->has_dictionary)
            return qn_pq_pages_complain(pages, err, "it has two dictionaries");
        if (header->type == QN_PQ_DICTIONARY_PAGE)
            return QN_OK;
        if (header->type != QN_PQ_INDEX_PAGE) {
            pages->left -= header->n_values;
            return QN_OK;
        }
    }
}

/* --- a page's bytes -------------------------------------------------------------------------- */

static qn_code decompress(struct qn_pq_pages *pages, struct qn_strv stored, size_t n,
                          struct qn_buf *into, struct qn_strv *out, struct qn_err *err)
{
    qn_buf_clear(into);
    uint8_t *room = qn_buf_reserve(into, n + QN_PQ_SLACK);
    if (!room)
        return qn_err_nomem(err, "Parquet page");
    if (n || stored.len) {
        qn_code code = qn_block_decompress(pages->blocks, pages->codec, stored, room, n, err);
        if (code != QN_OK)
            return complain_block(pages, code, err);
    }
    memset(room + n, 0, QN_PQ_SLACK);
    into->len = n;
    *out = (struct qn_strv){(const char *)room, n};
    return QN_OK;
}

static bool cut(struct qn_strv *from, size_t n, struct qn_strv *out)
{
    if (n > from->len)
        return false;
    *out = (struct qn_strv){from->data, n};
    *from = (struct qn_strv){from->data + n, from->len - n};
    return true;
}

/* Levels of a v1 page: run-length encoded behind their length, or packed from the top. */
static bool cut_levels(struct qn_strv *from, uint8_t max, int32_t encoding, int32_t n_values,
                       struct qn_pq_rle *out)
{
    struct qn_strv length, levels;
    unsigned width = qn_pq_width_of(max);
    if (max == 0)
        return true;
    if (encoding == QN_PQ_BIT_PACKED) {
        if (!cut(from, ((size_t)n_values * width + 7) / 8, &levels))
            return false;
        *out = qn_pq_rle_from(levels, width);
        out->from_top = true;
        return true;
    }
    if (encoding != QN_PQ_RLE || !cut(from, 4, &length) ||
        !cut(from, qn_pq_load32((const uint8_t *)length.data), &levels))
        return false;
    *out = qn_pq_rle_from(levels, width);
    return true;
}

static qn_code take_v1(struct qn_pq_pages *pages, struct qn_strv stored, struct qn_pq_page *page,
                       struct qn_err *err)
{
    const struct qn_pq_page_header *header = &page->header;
    struct qn_strv plain = stored;
    if (pages->codec != QN_BLOCK_NONE)
        QN_TRY(decompress(pages, stored, (size_t)header->plain_bytes, &pages->plain, &plain, err));
    if (!cut_levels(&plain, pages->leaf->repetition, header->repetition_encoding, header->n_values,
                    &page->repetition) ||
        !cut_levels(&plain, pages->leaf->definition, header->definition_encoding, header->n_values,
                    &page->definition))
        return qn_pq_pages_complain(pages, err, "the levels of a page cannot be read");
    page->values = plain;
    return QN_OK;
}

static qn_code take_v2(struct qn_pq_pages *pages, struct qn_strv stored, struct qn_pq_page *page,
                       struct qn_err *err)
{
    const struct qn_pq_page_header *header = &page->header;
    struct qn_strv repetition, definition;
    if (!cut(&stored, (size_t)header->repetition_bytes, &repetition) ||
        !cut(&stored, (size_t)header->definition_bytes, &definition))
        return qn_pq_pages_complain(pages, err, "the levels of a page are longer than the page");
    page->repetition = qn_pq_rle_from(repetition, qn_pq_width_of(pages->leaf->repetition));
    page->definition = qn_pq_rle_from(definition, qn_pq_width_of(pages->leaf->definition));
    page->values = stored;
    size_t n = (size_t)(header->plain_bytes - header->repetition_bytes - header->definition_bytes);
    if (pages->codec == QN_BLOCK_NONE || !header->is_compressed)
        return QN_OK;
    /* Some write nothing at all where no value is. */
    if (n == 0 && stored.len == 0) {
        page->values.len = 0;
        return QN_OK;
    }
    return decompress(pages, stored, n, &pages->plain, &page->values, err);
}

static qn_code take_dictionary(struct qn_pq_pages *pages, struct qn_strv stored,
                               struct qn_pq_page *page, struct qn_err *err)
{
    pages->has_dictionary = true;
    return decompress(pages, stored, (size_t)page->header.plain_bytes, &pages->dictionary,
                      &page->values, err);
}

qn_code qn_pq_pages_take(struct qn_pq_pages *pages, struct qn_pq_page *page, struct qn_err *err)
{
    const struct qn_pq_page_header *header = &page->header;
    size_t n = (size_t)header->stored_bytes;
    struct qn_strv stored = {0};
    QN_TRY(look_at(pages, pages->next - n, n, &stored, err));
    if (stored.len != n)
        return qn_pq_pages_complain(pages, err, "a page is longer than the rest of the file");
    if (header->has_crc && header->crc != qn_block_crc32(stored))
        return qn_pq_pages_complain(
            pages, err, "a page does not have the checksum that was written for it: it is damaged");
    page->repetition = page->definition = (struct qn_pq_rle){0};
    if (header->type == QN_PQ_DICTIONARY_PAGE)
        return take_dictionary(pages, stored, page, err);
    if (header->type == QN_PQ_DATA_PAGE)
        return take_v1(pages, stored, page, err);
    return take_v2(pages, stored, page, err);
}
