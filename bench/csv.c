/* Rate at which CSV is read: scanned only, all columns decoded, each column alone.
 *
 *     bench.csv [FILE]
 *
 * Without FILE: a generated one of 128 MiB with seven columns of every type. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/hash.h"
#include "flow/source.h"
#include "sources/csv_dialect.h"
#include "sources/csv_preamble.h"

enum { GENERATED_BYTES = 128 << 20, ROUNDS = 3 };

static void generate(const char *path)
{
    static const char *const kinds[] = {"call", "sms", "data", "roaming, abroad", "visit"};
    FILE *file = fopen(path, "wb");
    if (!file)
        exit(1);
    fprintf(file, "event_id,customer,kind,at,amount,score,ok\n");
    for (uint64_t i = 0, bytes = 0; bytes < GENERATED_BYTES; i++) {
        uint64_t h = qn_mix64(i);
        const char *kind = kinds[h % 5];
        int n = fprintf(
            file, "%llu,C%06llu,%s%s%s,2024-%02u-%02u %02u:%02u:%02u,%llu.%02llu,%.6f,%s\n",
            (unsigned long long)i, (unsigned long long)(h >> 20) % 1000000, h % 5 == 3 ? "\"" : "",
            kind, h % 5 == 3 ? "\"" : "", (unsigned)(1 + h % 12), (unsigned)(1 + (h >> 8) % 28),
            (unsigned)((h >> 16) % 24), (unsigned)((h >> 24) % 60), (unsigned)((h >> 32) % 60),
            (unsigned long long)(h >> 40) % 1000, (unsigned long long)(h >> 50) % 100,
            (double)(h >> 11) * 0x1p-53, h & 1 ? "true" : "false");
        bytes += (uint64_t)n;
    }
    fclose(file);
}

static uint64_t check(qn_code code, const struct qn_err *err)
{
    if (code == QN_OK)
        return 0;
    char text[1024];
    qn_err_format(err, text, sizeof text);
    fprintf(stderr, "%s\n", text);
    exit(1);
}

static uint64_t read_all(const struct qn_source_ops *ops, const struct qn_source_info *info,
                         const struct qn_chunk *chunk, const bool *wanted)
{
    struct qn_err err = {0};
    struct qn_reader *reader;
    struct qn_rejects rejects;
    struct qn_batch batch;
    uint64_t rows = 0;
    check(ops->open(info, chunk, wanted, &reader, &err), &err);
    check(qn_rejects_init(&rejects, &err), &err);
    do {
        check(reader->ops->next(reader, &batch, &rejects, &err), &err);
        rows += batch.n_rows;
    } while (batch.n_rows);
    rows += qn_rejects_count(&rejects);
    qn_rejects_fini(&rejects);
    reader->ops->close(reader);
    return rows;
}

static uint64_t walk(const struct qn_source_info *info, const struct qn_chunk *chunk)
{
    struct qn_err err = {0};
    struct qn_arena arena;
    struct qn_csv_dialect dialect;
    struct qn_csv_window window;
    uint64_t next, lines;
    qn_arena_init(&arena);
    check(qn_csv_dialect_unpack(info->dialect, info->schema.n_fields, &arena, &dialect, &err),
          &err);
    check(qn_csv_window_open(&window, chunk->path, chunk->file_bytes, &err), &err);
    check(qn_csv_walk(&window, &dialect, 0, chunk->file_bytes, &next, &lines, &err), &err);
    qn_csv_window_close(&window);
    qn_arena_fini(&arena);
    return lines;
}

int main(int argc, char **argv)
{
    char made[] = "bench-csv-XXXXXX";
    const char *path = argc > 1 ? argv[1] : made;
    if (argc == 1) {
        int fd = mkstemp(made);
        if (fd < 0)
            return 1;
        close(fd);
        generate(path);
    }
    struct qn_err err = {0};
    struct qn_arena arena;
    qn_arena_init(&arena);
    const struct qn_source_ops *ops = qn_source_find("csv");
    struct qn_source_options options = {.name = "bench",
                                        .paths = &path,
                                        .n_paths = 1,
                                        .header = -1,
                                        .skip_rows = -1,
                                        .chunk_bytes = UINT64_C(1) << 30};
    struct qn_source_info info;
    struct qn_chunk *chunks = NULL;
    uint32_t n = 0;
    int64_t start = qn_clock_us();
    check(ops->inspect(&options, &arena, &info, &err), &err);
    printf("inspect         %8.2f ms\n", (double)(qn_clock_us() - start) / 1e3);
    check(ops->chunks(&options, &info, 0, &arena, &chunks, &n, &err), &err);
    bool *one = calloc(info.schema.n_fields, sizeof *one);
    static const char *const names[] = {"scan", "all columns", "first column"};
    for (unsigned what = 0; one && what < 2 + info.schema.n_fields; what++) {
        int64_t best = INT64_MAX;
        uint64_t rows = 0;
        memset(one, 0, info.schema.n_fields);
        if (what >= 2)
            one[what - 2] = true;
        for (unsigned round = 0; round < ROUNDS; round++) {
            start = qn_clock_us();
            rows = what == 0 ? walk(&info, &chunks[0])
                             : read_all(ops, &info, &chunks[0], what == 1 ? NULL : one);
            int64_t took = qn_clock_us() - start;
            best = took < best ? took : best;
        }
        char type[QN_TYPE_NAME];
        printf("%-15s %8.2f GB/s %7.1f M rows/s  %s\n",
               what < 2 ? names[what] : info.schema.fields[what - 2].name,
               (double)chunks[0].end / (double)best / 1e3, (double)rows / (double)best,
               what < 2 ? "" : qn_type_name(info.schema.fields[what - 2].type, type));
    }
    free(one);
    if (argc == 1)
        unlink(path);
    qn_arena_fini(&arena);
    return 0;
}
