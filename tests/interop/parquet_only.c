/* Parquet files that others wrote, under random filters: what comes through must not depend on
 * whether row groups are passed over by the others' statistics and bloom filters.
 *
 *     interop.parquet_only < PATHS */
#include <math.h>

#include "tests/support/only.h"

enum { FILTERS = 12 };

static bool check_file(const char *path, uint64_t seed, struct only_tally *tally)
{
    const struct qn_source_ops *ops = qn_source_find("parquet");
    struct qn_source_options options = {.name = "rows",
                                        .paths = &path,
                                        .n_paths = 1,
                                        .header = -1,
                                        .skip_rows = -1,
                                        .chunk_bytes = UINT64_C(1) << 40};
    struct qn_source_info info;
    struct qn_arena arena;
    struct qn_err err = {0};
    bool same = true;
    qn_arena_init(&arena);
    if (ops->inspect(&options, &arena, &info, &err) == QN_OK)
        same = only_check(ops, &options, &info, FILTERS, seed, tally);
    qn_arena_fini(&arena);
    return same;
}

int main(void)
{
    static char path[4096];
    struct only_tally tally = {0};
    uint64_t n = 0, failures = 0;
    while (fgets(path, sizeof path, stdin)) {
        path[strcspn(path, "\n")] = 0;
        failures += !check_file(path, ++n, &tally);
    }
    printf("filtered: %llu files x %d filters, %llu rows not read, %llu failures\n",
           (unsigned long long)n, FILTERS, (unsigned long long)tally.left_out,
           (unsigned long long)failures);
    return failures || !n || !tally.left_out;
}
