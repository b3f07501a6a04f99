/* Rate at which JSON lines are read, beside a library: places of values found with each kind of
 * instructions (8 MiB that stay in memory), all columns decoded, no column, each column alone; and
 * every line made a tree of by jansson, with one member of it looked up.
 *
 *     bench.jsonl FILE MEMBER
 *
 * bench/simdjson.cpp does the same with simdjson. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/simd.h"
#include "flow/source.h"
#include "sources/jsonl_index.h"
#include "sources/text_window.h"

enum { ROUNDS = 3, PLACES_BYTES = 8 << 20, PLACES = 1 << 20, LIBRARY_BYTES = 64 << 20 };

static void check(qn_code code, const struct qn_err *err)
{
    char text[1024];
    if (code == QN_OK)
        return;
    qn_err_format(err, text, sizeof text);
    fprintf(stderr, "%s\n", text);
    exit(1);
}

static void print_rate(const char *name, uint64_t bytes, uint64_t rows, int64_t us)
{
    printf("%-20s %8.0f MB/s", name, (double)bytes / (double)us);
    if (rows)
        printf(" %7.1f M records/s", (double)rows / (double)us);
    printf("\n");
}

static void bench_places(const struct qn_text_window *window)
{
    static uint32_t places[3][PLACES + QN_JSONL_INDEX_ROOM];
    struct qn_jsonl_index index = {
        .ends = places[0], .breaks = places[1], .quotes = places[2], .capacity = PLACES};
    size_t len = window->len < PLACES_BYTES ? window->len : PLACES_BYTES;
    for (int level = 0; level <= (int)qn_simd_available(); level++) {
        int64_t best = INT64_MAX;
        char name[32];
        (void)qn_simd_limit((enum qn_simd)level);
        for (unsigned round = 0; round < 5 * ROUNDS; round++) {
            int64_t start = qn_clock_us();
            qn_jsonl_index_fill(&index, window->data, 0, len);
            int64_t took = qn_clock_us() - start;
            best = took < best ? took : best;
        }
        snprintf(name, sizeof name, "places, %s", qn_simd_name((enum qn_simd)level));
        print_rate(name, len, index.n_breaks, best);
    }
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

static void bench_wanted(const struct qn_source_ops *ops, const struct qn_source_info *info,
                         const struct qn_chunk *chunk, const bool *wanted, const char *name)
{
    int64_t best = INT64_MAX;
    uint64_t rows = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        int64_t start = qn_clock_us();
        rows = read_all(ops, info, chunk, wanted);
        int64_t took = qn_clock_us() - start;
        best = took < best ? took : best;
    }
    print_rate(name, chunk->end, rows, best);
}

static void bench_jansson(const struct qn_text_window *window, const char *member)
{
    size_t len = window->len < LIBRARY_BYTES ? window->len : LIBRARY_BYTES;
    uint64_t rows = 0, found = 0;
    int64_t start = qn_clock_us();
    for (const char *at = window->data, *lf; at < window->data + len; at = lf + 1) {
        lf = memchr(at, '\n', (size_t)(window->data + len - at));
        if (!lf)
            break;
        json_t *record = json_loadb(at, (size_t)(lf - at), 0, NULL);
        found += json_object_get(record, member) != NULL;
        json_decref(record);
        rows++;
    }
    print_rate("jansson", len, rows, qn_clock_us() - start);
    if (!found)
        fprintf(stderr, "no record has a member %s\n", member);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: bench.jsonl FILE MEMBER\n");
        return 2;
    }
    const char *path = argv[1];
    struct qn_err err = {0};
    struct qn_arena arena;
    struct qn_source_options options = {.name = "bench",
                                        .paths = &path,
                                        .n_paths = 1,
                                        .header = -1,
                                        .skip_rows = -1,
                                        .chunk_bytes = UINT64_C(1) << 30};
    const struct qn_source_ops *ops = qn_source_find("jsonl");
    struct qn_source_info info;
    struct qn_text_window window;
    struct qn_chunk *chunks = NULL;
    uint32_t n = 0;
    qn_arena_init(&arena);
    int64_t start = qn_clock_us();
    check(ops->inspect(&options, &arena, &info, &err), &err);
    printf("%-20s %8.2f ms\n", "inspect", (double)(qn_clock_us() - start) / 1e3);
    check(ops->chunks(&options, &info, 0, &arena, &chunks, &n, &err), &err);
    check(qn_text_window_open(&window, path, UINT64_MAX, &err), &err);
    check(qn_text_window_fill(&window, 0, LIBRARY_BYTES, &err), &err);
    bench_places(&window);
    bool *wanted = calloc(info.schema.n_fields, sizeof *wanted);
    if (!wanted)
        return 1;
    bench_wanted(ops, &info, &chunks[0], NULL, "all columns");
    bench_wanted(ops, &info, &chunks[0], wanted, "no column");
    for (uint32_t i = 0; i < info.schema.n_fields; i++) {
        memset(wanted, 0, info.schema.n_fields);
        wanted[i] = true;
        bench_wanted(ops, &info, &chunks[0], wanted, info.schema.fields[i].name);
    }
    bench_jansson(&window, argv[2]);
    free(wanted);
    qn_text_window_close(&window);
    qn_arena_fini(&arena);
    return 0;
}
