/* What writing Parquet costs: each encoding of typical columns, rows and bytes a second on one
 * core; with FILE, that CSV file as Parquet, as `quern convert` cuts it.
 *
 *     bench.parquet [FILE.csv [OUT.parquet [CODEC [LEVEL]]]]
 *     cmake --build build --target bench.parquet && build/bench.parquet */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/limits.h"
#include "flow/source.h"
#include "parquet/footer.h"
#include "parquet/storage.h"
#include "parquet/writer.h"

enum { ROWS = QN_BATCH_ROWS, BATCHES = 150, ROUNDS = 5, MAX_SEGMENTS = 100000 };

static void check(qn_code code, const struct qn_err *err)
{
    char text[1024];
    if (code == QN_OK)
        return;
    qn_err_format(err, text, sizeof text);
    fprintf(stderr, "bench.parquet: %s\n", text);
    exit(1);
}

static enum qn_block_codec codec_named(const char *name)
{
    for (int codec = QN_BLOCK_NONE; codec < QN_BLOCK_LZ4_FRAMED; codec++)
        if (strcmp(qn_block_codec_name((enum qn_block_codec)codec), name) == 0)
            return (enum qn_block_codec)codec;
    fprintf(stderr, "bench.parquet: no codec '%s'\n", name);
    exit(2);
}

/* --- a CSV file ------------------------------------------------------------------------------ */

struct conversion {
    const struct qn_source_ops *source;
    struct qn_source_info info;
    struct qn_pq_writer *writer;
    FILE *out;
    struct qn_buf bytes;
    struct qn_pq_segment *segments;
    uint32_t n_segments;
    uint64_t rows;
    int64_t read_us, write_us; /* of the processor */
};

static void convert_batches(struct conversion *c, struct qn_reader *reader,
                            struct qn_rejects *rejects)
{
    struct qn_err err = {0};
    struct qn_batch batch;
    for (;;) {
        int64_t start = qn_clock_thread_us();
        check(reader->ops->next(reader, &batch, rejects, &err), &err);
        int64_t middle = qn_clock_thread_us();
        c->read_us += middle - start;
        if (!batch.n_rows)
            return;
        c->rows += batch.n_rows;
        check(qn_pq_writer_put(c->writer, &batch, &c->bytes, &err), &err);
        c->write_us += qn_clock_thread_us() - middle;
    }
}

static void convert_chunk(struct conversion *c, const struct qn_chunk *chunk)
{
    struct qn_err err = {0};
    struct qn_reader *reader;
    struct qn_rejects rejects;
    struct qn_buf meta = {0};
    qn_buf_clear(&c->bytes);
    check(qn_rejects_init(&rejects, &err), &err);
    check(c->source->open(&c->info, chunk, NULL, &reader, &err), &err);
    convert_batches(c, reader, &rejects);
    int64_t start = qn_clock_thread_us();
    check(qn_pq_writer_end(c->writer, &c->bytes, &meta, &err), &err);
    c->write_us += qn_clock_thread_us() - start;
    reader->ops->close(reader);
    qn_rejects_fini(&rejects);
    if (c->out)
        fwrite(c->bytes.data, 1, c->bytes.len, c->out);
    c->segments[c->n_segments++] =
        (struct qn_pq_segment){.bytes = c->bytes.len, .meta = qn_buf_strv(&meta)};
}

static void convert(const char *path, const char *out, struct qn_pq_write_options options)
{
    struct qn_err err = {0};
    struct qn_arena arena;
    struct qn_chunk *chunks = NULL;
    uint32_t n = 0;
    struct qn_source_options source = {
        .name = "bench", .paths = &path, .n_paths = 1, .header = -1, .skip_rows = -1};
    struct conversion c = {.source = qn_source_find("csv"), .out = out ? fopen(out, "wb") : NULL};
    qn_arena_init(&arena);
    check(c.source->inspect(&source, &arena, &c.info, &err), &err);
    check(c.source->chunks(&source, &c.info, 0, &arena, &chunks, &n, &err), &err);
    c.segments = calloc(n, sizeof *c.segments);
    check(qn_pq_writer_new(&c.info.schema, &options, &c.writer, &err), &err);
    qn_pq_file_head(&c.bytes);
    if (c.out)
        fwrite(c.bytes.data, 1, c.bytes.len, c.out);
    for (uint32_t i = 0; i < n; i++)
        convert_chunk(&c, &chunks[i]);
    qn_buf_clear(&c.bytes);
    check(qn_pq_file_tail(&c.info.schema, c.segments, c.n_segments, &c.bytes, &err), &err);
    uint64_t bytes = QN_PQ_MAGIC_BYTES + c.bytes.len;
    for (uint32_t i = 0; i < c.n_segments; i++)
        bytes += c.segments[i].bytes;
    if (c.out)
        fwrite(c.bytes.data, 1, c.bytes.len, c.out);
    if (c.out && fclose(c.out) != 0)
        exit(1);
    printf("%llu rows, %llu bytes; reading %.2f s, writing %.2f s: %.0f ns a row\n",
           (unsigned long long)c.rows, (unsigned long long)bytes, (double)c.read_us / 1e6,
           (double)c.write_us / 1e6, (double)c.write_us * 1e3 / (double)c.rows);
    qn_pq_writer_free(c.writer);
    qn_arena_fini(&arena);
}

/* --- one encoding at a time ------------------------------------------------------------------ */

static const struct bench_column {
    const char *name;
    struct qn_type type;
    uint64_t different; /* 0: ascending */
} columns[] = {
    {"integers, ascending", {.id = QN_INT64}, 0},
    {"integers, 10 thousand", {.id = QN_INT64}, 10000},
    {"doubles, any", {.id = QN_DOUBLE}, UINT64_MAX},
    {"booleans", {.id = QN_BOOL}, 2},
    {"texts, ascending", {.id = QN_TEXT}, 0},
    {"texts, 5 thousand", {.id = QN_TEXT}, 5000},
    {"texts, any", {.id = QN_TEXT}, UINT64_MAX},
};
enum { N_COLUMNS = sizeof columns / sizeof *columns };

static const struct {
    const char *name;
    int32_t encoding;
} encodings[] = {
    {"plain", QN_PQ_PLAIN},
    {"dictionary", QN_PQ_RLE_DICTIONARY},
    {"rle", QN_PQ_RLE},
    {"delta", QN_PQ_DELTA_BINARY_PACKED},
    {"delta length", QN_PQ_DELTA_LENGTH_BYTE_ARRAY},
    {"delta bytes", QN_PQ_DELTA_BYTE_ARRAY},
    {"split", QN_PQ_BYTE_STREAM_SPLIT},
    {"chosen", QN_PQ_NONE},
};
enum { N_ENCODINGS = sizeof encodings / sizeof *encodings };

/* A batch of one column, as the b-th of them has it. */
static void fill(const struct bench_column *of, uint64_t b, struct qn_batch_builder *rows)
{
    char text[32];
    struct qn_err err = {0};
    qn_builder_clear(rows);
    for (uint64_t i = b * ROWS; i < (b + 1) * ROWS; i++) {
        uint64_t any = qn_mix64(i), value = of->different ? any % of->different : i * 3 + any % 3;
        if (of->type.id == QN_TEXT)
            qn_builder_text(
                rows, 0,
                (struct qn_strv){text, (size_t)snprintf(text, sizeof text, "K%09llu",
                                                        (unsigned long long)value % 1000000000)});
        else if (of->type.id == QN_DOUBLE)
            qn_builder_f64(rows, 0, (double)value / 1e6);
        else if (of->type.id == QN_BOOL)
            qn_builder_bool(rows, 0, value & 1);
        else
            qn_builder_i64(rows, 0, (int64_t)value);
        check(qn_builder_row(rows, &err), &err);
    }
}

/* Microseconds of the best round. */
static int64_t write_once(const struct qn_schema *schema, const struct qn_batch *batches,
                          int32_t encoding, size_t *bytes)
{
    struct qn_pq_write_options options = {.encoding = encoding};
    struct qn_pq_writer *writer;
    struct qn_buf out = {0}, meta = {0};
    struct qn_err err = {0};
    int64_t best = INT64_MAX;
    check(qn_pq_writer_new(schema, &options, &writer, &err), &err);
    for (int round = 0; round < ROUNDS; round++) {
        qn_buf_clear(&out);
        int64_t start = qn_clock_thread_us();
        for (int b = 0; b < BATCHES; b++)
            check(qn_pq_writer_put(writer, &batches[b], &out, &err), &err);
        check(qn_pq_writer_end(writer, &out, &meta, &err), &err);
        int64_t took = qn_clock_thread_us() - start;
        best = took < best ? took : best;
    }
    *bytes = out.len;
    qn_pq_writer_free(writer);
    qn_buf_fini(&out);
    qn_buf_fini(&meta);
    return best;
}

static void bench_column(const struct bench_column *of)
{
    static struct qn_batch batches[BATCHES];
    const struct qn_field field = {of->name, of->type};
    const struct qn_schema schema = {&field, 1};
    struct qn_batch_builder *rows;
    struct qn_arena arena;
    struct qn_err err = {0};
    qn_arena_init(&arena);
    check(qn_builder_new(&schema, &rows, &err), &err);
    for (uint64_t b = 0; b < BATCHES; b++) {
        struct qn_batch batch;
        fill(of, b, rows);
        qn_builder_batch(rows, &batch);
        check(qn_batch_copy(&arena, &batch, &batches[b], &err), &err);
    }
    double width = of->type.id == QN_TEXT ? 14 : of->type.id == QN_BOOL ? 1 : 8;
    for (int e = 0; e < N_ENCODINGS; e++) {
        size_t bytes;
        if (encodings[e].encoding != QN_PQ_NONE &&
            !qn_pq_storage_takes(of->type, encodings[e].encoding))
            continue;
        int64_t us = write_once(&schema, batches, encodings[e].encoding, &bytes);
        double n = (double)ROWS * BATCHES;
        printf("%-22s %-13s %8.1f M rows/s %8.0f MB/s %6.2f bytes a value\n", of->name,
               encodings[e].name, n / (double)us, n * width / (double)us, (double)bytes / n);
    }
    qn_builder_free(rows);
    qn_arena_fini(&arena);
}

int main(int argc, char **argv)
{
    struct qn_pq_write_options options = {.encoding = QN_PQ_NONE, .codec = QN_BLOCK_SNAPPY};
    if (argc > 3)
        options.codec = codec_named(argv[3]);
    if (argc > 4)
        options.level = atoi(argv[4]);
    if (argc > 1)
        convert(argv[1], argc > 2 ? argv[2] : NULL, options);
    for (int i = 0; i < N_COLUMNS && argc == 1; i++)
        bench_column(&columns[i]);
    return 0;
}
