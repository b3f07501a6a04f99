/* Rate at which CSV is read, beside what this machine allows: memory summed, the file copied from
 * the page cache; then places of fields found with each kind of instructions (8 MiB that stay in
 * memory), all columns decoded, no column, each column alone, the first half of them.
 *
 *     bench.csv [FILE]
 *
 * Without FILE: a generated one of 128 MiB with seven columns of every type. */
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/hash.h"
#include "base/simd.h"
#include "bench/reading.h"
#include "sources/csv_dialect.h"
#include "sources/csv_rows.h"
#include "sources/text_window.h"

enum { GENERATED_BYTES = 128 << 20, PLACES_BYTES = 8 << 20 };

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

/* The whole file through a buffer of the reader's size. */
static void pass(const struct qn_chunk *chunk)
{
    static uint64_t buffer[(256 << 10) / 8];
    FILE *file = fopen(chunk->path, "rb");
    size_t n;
    if (!file || setvbuf(file, NULL, _IONBF, 0) != 0)
        exit(1);
    while ((n = fread(buffer, 1, sizeof buffer, file)) > 0)
        ;
    fclose(file);
}

/* Memory read: bytes that no cache holds, summed. */
static uint64_t memory_sum(const uint64_t *bytes, size_t words)
{
    uint64_t sums[4] = {0};
    for (size_t i = 0; i + 4 <= words; i += 4)
        for (unsigned k = 0; k < 4; k++)
            sums[k] += bytes[i + k];
    return sums[0] + sums[1] + sums[2] + sums[3];
}

static void bench_memory(uint64_t bytes)
{
    uint64_t *words = malloc(bytes), kept = 0;
    int64_t best = INT64_MAX;
    if (!words)
        exit(1);
    memset(words, 1, bytes);
    for (unsigned round = 0; round < ROUNDS; round++) {
        int64_t start = qn_clock_us();
        kept += memory_sum(words, bytes / 8);
        int64_t took = qn_clock_us() - start;
        best = took < best ? took : best;
    }
    printf("%-20s %8.2f GB/s   (%llx)\n", "memory read", (double)bytes / (double)best / 1e3,
           (unsigned long long)kept & 0xF);
    free(words);
}

static void bench_file(const struct qn_chunk *chunk)
{
    int64_t best = INT64_MAX;
    for (unsigned round = 0; round < ROUNDS; round++) {
        int64_t start = qn_clock_us();
        pass(chunk);
        int64_t took = qn_clock_us() - start;
        best = took < best ? took : best;
    }
    printf("%-20s %8.2f GB/s\n", "file read", (double)chunk->end / (double)best / 1e3);
}

/* Places of all fields of bytes that are in memory, record by record and by blocks. */
static void bench_places(const struct qn_source_info *info, const struct qn_chunk *chunk)
{
    struct qn_err err = {0};
    struct qn_arena arena;
    struct qn_csv_dialect dialect;
    struct qn_text_window window;
    struct qn_csv_rows rows;
    qn_arena_init(&arena);
    check(qn_csv_dialect_unpack(info->dialect, info->schema.n_fields, &arena, &dialect, &err),
          &err);
    check(qn_text_window_open(&window, chunk->path, chunk->file_bytes, &err), &err);
    check(qn_text_window_fill(&window, 0, PLACES_BYTES, &err), &err);
    check(qn_csv_rows_init(&rows, dialect.n_fields, 1024, &arena, &err), &err);
    for (int level = 0; level <= (int)qn_simd_available(); level++) {
        int64_t best = INT64_MAX;
        (void)qn_simd_limit((enum qn_simd)level);
        for (unsigned round = 0; round < 5 * ROUNDS; round++) {
            int64_t start = qn_clock_us();
            qn_csv_rows_over(&rows, &dialect, window.data, window.len, window.len, true);
            while (qn_csv_rows_next(&rows, 1024) == QN_CSV_FULL)
                ;
            int64_t took = qn_clock_us() - start;
            best = took < best ? took : best;
        }
        printf("places, %-12s %8.2f GB/s\n", qn_simd_name((enum qn_simd)level),
               (double)window.len / (double)best / 1e3);
    }
    qn_text_window_close(&window);
    qn_arena_fini(&arena);
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
    struct qn_source_options options = whole_file(&path);
    struct qn_source_info info;
    struct qn_chunk *chunks = NULL;
    uint32_t n = 0;
    int64_t start = qn_clock_us();
    check(ops->inspect(&options, &arena, &info, &err), &err);
    printf("inspect         %8.2f ms\n", (double)(qn_clock_us() - start) / 1e3);
    check(ops->chunks(&options, &info, 0, &arena, &chunks, &n, &err), &err);
    bench_memory(chunks[0].end);
    bench_file(&chunks[0]);
    bench_places(&info, &chunks[0]);
    bench_columns(ops, &info, &chunks[0]);
    if (argc == 1)
        unlink(path);
    qn_arena_fini(&arena);
    return 0;
}
