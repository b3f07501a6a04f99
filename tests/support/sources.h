/* Reads a source the way the coordinator and its workers do: every chunk on its own with a guessed
 * start, the chain of starts checked, wrong guesses read again. What came out is written down as
 * text, one line a row or reject, so that two readings can be compared byte by byte. */
#ifndef QN_TESTS_SUPPORT_SOURCES_H
#define QN_TESTS_SUPPORT_SOURCES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/limits.h"
#include "flow/source.h"
#include "tests/support/test.h"

struct reading {
    struct qn_buf rows;    /* file, offset, line, then |value| or NULL by column */
    struct qn_buf rejects; /* file, offset, line, column, rule, message, raw */
    uint64_t n_rows, n_rejects, n_records, n_skipped, n_lines;
    uint64_t n_chunks, n_misguessed;
};

static inline void reading_init(struct reading *r)
{
    memset(r, 0, sizeof *r);
    qn_buf_init(&r->rows);
    qn_buf_init(&r->rejects);
}

static inline void reading_fini(struct reading *r)
{
    qn_buf_fini(&r->rows);
    qn_buf_fini(&r->rejects);
}

static inline const char *reading_text(struct qn_buf *buf)
{
    qn_buf_put_u8(buf, 0);
    buf->len--;
    assert_false(buf->failed);
    return (const char *)buf->data;
}

static inline void put_row(struct reading *out, struct qn_reader *reader,
                           const struct qn_batch *batch, uint32_t row, uint64_t line_base,
                           bool locate)
{
    uint64_t offset = reader->base + batch->origin[row];
    qn_buf_printf(&out->rows, "%u:%llu", reader->file_index, (unsigned long long)offset);
    if (locate) {
        struct qn_err err = {0};
        struct qn_location at = {0};
        assert_ok(reader->ops->locate(reader, batch->origin[row], &at, &err), &err);
        assert_int_equal(at.byte_offset, offset);
        assert_true(qn_utf8_valid(at.raw));
        qn_buf_printf(&out->rows, " line %llu <%.*s>", (unsigned long long)(line_base + at.line),
                      QN_STRV_ARG(at.raw));
    }
    for (uint32_t c = 0; c < batch->schema->n_fields; c++) {
        const struct qn_column *column = &batch->columns[c];
        if (!qn_is_valid(column, row)) {
            qn_buf_printf(&out->rows, " NULL");
            continue;
        }
        if (column->type.id == QN_TEXT)
            assert_true(qn_utf8_valid(qn_text_at(column, row)));
        qn_buf_printf(&out->rows, " |");
        qn_value_format(&out->rows, column, row);
        qn_buf_printf(&out->rows, "|");
    }
    qn_buf_printf(&out->rows, "\n");
}

static inline void put_reject(struct reading *out, uint32_t file_index,
                              const struct qn_reject *reject, uint64_t line_base)
{
    assert_true(qn_utf8_valid(reject->raw));
    qn_buf_printf(&out->rejects, "%u:%llu line %llu (%.*s) %.*s: %.*s <%.*s>\n", file_index,
                  (unsigned long long)reject->byte_offset,
                  (unsigned long long)(line_base + reject->line), QN_STRV_ARG(reject->column),
                  QN_STRV_ARG(reject->rule), QN_STRV_ARG(reject->message),
                  QN_STRV_ARG(reject->raw));
}

/* One attempt at one chunk. */
static inline qn_code read_chunk(const struct qn_source_ops *ops, const struct qn_source_info *info,
                                 const struct qn_chunk *chunk, const bool *wanted,
                                 uint64_t line_base, bool locate, struct reading *out,
                                 struct qn_chunk_result *result, struct qn_err *err)
{
    struct qn_reader *reader = NULL;
    QN_TRY(ops->open(info, chunk, wanted, &reader, err));
    struct qn_rejects rejects;
    assert_ok(qn_rejects_init(&rejects, err), err);
    struct qn_batch batch = {0};
    uint64_t rows = 0;
    qn_code code;
    while ((code = reader->ops->next(reader, &batch, &rejects, err)) == QN_OK && batch.n_rows) {
        assert_true(batch.n_rows <= QN_BATCH_ROWS);
        for (uint32_t i = 0; i < batch.n_rows; i++)
            put_row(out, reader, &batch, i, line_base, locate);
        rows += batch.n_rows;
    }
    if (code == QN_OK) {
        reader->ops->result(reader, result);
        uint32_t refused = qn_rejects_count(&rejects);
        assert_int_equal(result->records, rows + refused + result->skipped);
        struct qn_batch view;
        qn_builder_batch(rejects.rows, &view);
        for (uint32_t i = 0; i < refused; i++) {
            struct qn_reject reject = qn_reject_at(&view, i);
            put_reject(out, chunk->file_index, &reject, line_base);
        }
        out->n_rows += rows;
        out->n_rejects += refused;
        out->n_records += result->records;
        out->n_skipped += result->skipped;
        out->n_lines += result->lines;
    }
    qn_rejects_fini(&rejects);
    reader->ops->close(reader);
    return code;
}

/* All chunks of one file, in order. A chunk whose guess does not fit the chunk before is read
 * again; the second time it must fit. */
static inline qn_code read_file(const struct qn_source_ops *ops,
                                const struct qn_source_options *options,
                                const struct qn_source_info *info, uint32_t file,
                                const bool *wanted, bool locate, struct reading *out,
                                struct qn_err *err)
{
    struct qn_arena arena;
    qn_arena_init(&arena);
    struct qn_chunk *chunks = NULL;
    uint32_t n = 0;
    qn_code code = ops->chunks(options, info, file, &arena, &chunks, &n, err);
    if (code != QN_OK) {
        qn_arena_fini(&arena);
        return code;
    }
    bool compressed = n > 0 && chunks[n - 1].file_end > 0;
    assert_true(n > 0 && chunks[0].begin == 0);
    assert_true(compressed || chunks[n - 1].end == chunks[n - 1].file_bytes);
    struct qn_chunk_result before = {0}, result = {0};
    uint64_t lines = 0;
    for (uint32_t k = 0; k < n && code == QN_OK; k++) {
        struct reading saved = *out;
        out->n_chunks++;
        code = read_chunk(ops, info, &chunks[k], wanted, lines + 1, locate, out, &result, err);
        if (code == QN_OK && k > 0 && result.first_start != before.next_start) {
            saved.rows.data = out->rows.data;
            saved.rows.capacity = out->rows.capacity;
            saved.rejects.data = out->rejects.data;
            saved.rejects.capacity = out->rejects.capacity;
            *out = saved;
            out->n_chunks++;
            out->n_misguessed++;
            chunks[k].start = before.next_start;
            code = read_chunk(ops, info, &chunks[k], wanted, lines + 1, locate, out, &result, err);
            if (code == QN_OK)
                assert_int_equal(result.first_start, before.next_start);
        }
        lines += result.lines;
        before = result;
    }
    if (code == QN_OK && !compressed)
        assert_int_equal(result.next_start, chunks[n - 1].file_bytes);
    if (code == QN_OK && compressed && chunks[n - 1].end != UINT64_MAX)
        assert_int_equal(result.next_start, chunks[n - 1].end);
    qn_arena_fini(&arena);
    return code;
}

/* The whole source with chunks of chunk_bytes. The plan is packed, as workers get it. */
static inline qn_code read_source(const struct qn_source_ops *ops, struct qn_source_options options,
                                  const struct qn_source_info *info, uint64_t chunk_bytes,
                                  bool locate, struct reading *out, struct qn_err *err)
{
    options.chunk_bytes = chunk_bytes;
    for (uint32_t f = 0; f < options.n_paths; f++)
        QN_TRY(read_file(ops, &options, info, f, NULL, locate, out, err));
    return QN_OK;
}

static inline void assert_same_reading(struct reading *a, struct reading *b, const char *what,
                                       uint64_t chunk_bytes)
{
    if (strcmp(reading_text(&a->rows), reading_text(&b->rows)) != 0 ||
        strcmp(reading_text(&a->rejects), reading_text(&b->rejects)) != 0)
        fail_msg("%s: chunks of %llu bytes read differently\n--- one chunk\n%s%s--- chunks\n%s%s",
                 what, (unsigned long long)chunk_bytes, (char *)a->rows.data,
                 (char *)a->rejects.data, (char *)b->rows.data, (char *)b->rejects.data);
    assert_int_equal(a->n_records, b->n_records);
    assert_int_equal(a->n_skipped, b->n_skipped);
    assert_int_equal(a->n_lines, b->n_lines);
}

/* Options that leave everything to sniffing. */
static inline struct qn_source_options options_for(const char *const *paths, uint32_t n_paths)
{
    return (struct qn_source_options){.name = "test",
                                      .paths = paths,
                                      .n_paths = n_paths,
                                      .header = -1,
                                      .skip_rows = -1,
                                      .on_malformed = QN_MALFORMED_QUARANTINE};
}

/* The text as a file in the working directory; the caller frees the path with drop_file. */
static inline char *make_file(const char *suffix, struct qn_strv text)
{
    char *path = malloc(64);
    snprintf(path, 64, "source-XXXXXX%s", suffix);
    int fd = mkstemps(path, (int)strlen(suffix));
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text.data, text.len), (ssize_t)text.len);
    close(fd);
    return path;
}

static inline void drop_file(char *path)
{
    unlink(path);
    free(path);
}

#endif
