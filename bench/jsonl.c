/* Rate at which JSON lines are read, beside a library: places of values found with each kind of
 * instructions (8 MiB that stay in memory), all columns decoded, no column, half of them, each
 * column alone; and every line made a tree of by jansson, with one member of it looked up.
 *
 *     bench.jsonl FILE MEMBER
 *
 * bench/simdjson.cpp does the same with simdjson. */
#include <jansson.h>

#include "base/arena.h"
#include "base/simd.h"
#include "bench/reading.h"
#include "sources/jsonl_index.h"
#include "sources/text_window.h"

enum { PLACES_BYTES = 8 << 20, PLACES = 1 << 20, LIBRARY_BYTES = 64 << 20 };

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
    struct qn_source_options options = whole_file(&path);
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
    bench_columns(ops, &info, &chunks[0]);
    bench_jansson(&window, argv[2]);
    qn_text_window_close(&window);
    qn_arena_fini(&arena);
    return 0;
}
