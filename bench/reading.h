/* reading: how fast a source's reader decodes one chunk: all columns, none, half of them, each
 * alone. */
#ifndef QN_BENCH_READING_H
#define QN_BENCH_READING_H

#include <string.h>

#include "base/clock.h"
#include "bench/check.h"
#include "flow/source.h"

enum { ROUNDS = 3 };

/* One file in one chunk. */
static inline struct qn_source_options whole_file(const char *const *path)
{
    return (struct qn_source_options){.name = "bench",
                                      .paths = path,
                                      .n_paths = 1,
                                      .header = -1,
                                      .skip_rows = -1,
                                      .chunk_bytes = UINT64_C(1) << 30};
}

static inline uint64_t read_all(const struct qn_source_ops *ops, const struct qn_source_info *info,
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

static inline void bench_wanted(const struct qn_source_ops *ops, const struct qn_source_info *info,
                                const struct qn_chunk *chunk, const bool *wanted, const char *name,
                                const char *note)
{
    int64_t best = INT64_MAX;
    uint64_t rows = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        int64_t start = qn_clock_us();
        rows = read_all(ops, info, chunk, wanted);
        int64_t took = qn_clock_us() - start;
        best = took < best ? took : best;
    }
    printf("%-20s %8.2f GB/s %7.1f M rows/s  %s\n", name, (double)chunk->end / (double)best / 1e3,
           (double)rows / (double)best, note);
}

static inline void bench_columns(const struct qn_source_ops *ops, const struct qn_source_info *info,
                                 const struct qn_chunk *chunk)
{
    uint32_t n = info->schema.n_fields;
    bool *wanted = calloc(n, sizeof *wanted);
    char note[QN_TYPE_NAME + 32];
    if (!wanted)
        exit(1);
    bench_wanted(ops, info, chunk, NULL, "all columns", "");
    bench_wanted(ops, info, chunk, wanted, "no column", "");
    for (uint32_t i = 0; i < (n + 1) / 2; i++)
        wanted[i] = true;
    snprintf(note, sizeof note, "%u of %u", (n + 1) / 2, n);
    bench_wanted(ops, info, chunk, wanted, "half of them", note);
    for (uint32_t i = 0; i < n; i++) {
        memset(wanted, 0, n);
        wanted[i] = true;
        bench_wanted(ops, info, chunk, wanted, info->schema.fields[i].name,
                     qn_type_name(info->schema.fields[i].type, note));
    }
    free(wanted);
}

#endif
