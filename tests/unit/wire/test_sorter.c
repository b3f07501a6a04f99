/* Rows in order: the same from memory as from files, whatever the budget, against qsort of all. */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/limits.h"
#include "tests/support/test.h"
#include "wire/sorter.h"

static const struct qn_field fields[] = {{"n", {.id = QN_INT64}},
                                         {"k", {.id = QN_INT64}},
                                         {"x", {.id = QN_DOUBLE}},
                                         {"s", {.id = QN_TEXT}},
                                         {"b", {.id = QN_BOOL}}};
static const struct qn_schema schema = {fields, 5};
static char folder[] = "/tmp/quern-sorter-XXXXXX";

/* --- rows ------------------------------------------------------------------------------------ */

static uint64_t draw(uint64_t *state, uint64_t n)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    return qn_mix64(*state) % n;
}

/* Few different values, so that there are ties; n numbers the rows. */
static void put_row(struct qn_batch_builder *builder, uint64_t *state, int64_t n)
{
    static const char *const texts[] = {"", "a", "abcdefgh", "abcdefghi", "abcdefgha", "z"};
    static const double doubles[] = {-1.5, -0.0, 0.0, 2, 1e300, INFINITY, -INFINITY, NAN};
    static const int64_t numbers[] = {INT64_MIN, -1, 0, 1, 2, INT64_MAX};
    struct qn_err err;
    qn_builder_i64(builder, 0, n);
    if (draw(state, 8))
        qn_builder_i64(builder, 1, numbers[draw(state, 6)]);
    if (draw(state, 8))
        qn_builder_f64(builder, 2, doubles[draw(state, 8)]);
    if (draw(state, 8))
        qn_builder_text(builder, 3, qn_strv_from(texts[draw(state, 6)]));
    if (draw(state, 8))
        qn_builder_bool(builder, 4, draw(state, 2));
    assert_ok(qn_builder_row(builder, &err), &err);
}

/* All rows of a seed, in one batch. */
static struct qn_batch_builder *draw_rows(uint64_t seed, uint32_t n, struct qn_batch *out)
{
    struct qn_batch_builder *builder;
    struct qn_err err;
    assert_ok(qn_builder_new(&schema, &builder, &err), &err);
    for (uint32_t i = 0; i < n; i++)
        put_row(builder, &seed, i);
    qn_builder_batch(builder, out);
    return builder;
}

/* --- what is expected ------------------------------------------------------------------------ */

static const struct qn_batch *all;
static const struct qn_sort_order *by;

static int compare(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    int order = qn_sort_compare(by, all, a, all, b);
    return order ? order : (a > b) - (a < b);
}

/* The numbers of the rows, in order. */
static uint32_t *expect(const struct qn_batch *batch, const struct qn_sort_order *order)
{
    uint32_t *rows = calloc(batch->n_rows + 1, sizeof *rows);
    assert_non_null(rows);
    for (uint32_t i = 0; i < batch->n_rows; i++)
        rows[i] = i;
    all = batch;
    by = order;
    qsort(rows, batch->n_rows, sizeof *rows, compare);
    return rows;
}

/* --- what comes out -------------------------------------------------------------------------- */

struct seen {
    const uint32_t *expected;
    const struct qn_batch *rows;
    uint64_t n;
    uint32_t largest;
};

static qn_code see(void *context, const struct qn_batch *batch, struct qn_err *err)
{
    struct seen *seen = context;
    (void)err;
    seen->largest = batch->n_rows > seen->largest ? batch->n_rows : seen->largest;
    for (uint32_t row = 0; row < batch->n_rows; row++) {
        uint32_t from = seen->expected[seen->n++];
        assert_int_equal(batch->columns[0].i64[row], from);
        assert_true(qn_is_valid(&batch->columns[3], row) ==
                    qn_is_valid(&seen->rows->columns[3], from));
        if (qn_is_valid(&batch->columns[3], row))
            assert_true(qn_strv_eq(qn_text_at(&batch->columns[3], row),
                                   qn_text_at(&seen->rows->columns[3], from)));
    }
    return QN_OK;
}

static void add_all(struct qn_sorter *sorter, const struct qn_batch *batch, uint32_t at_once)
{
    struct qn_err err;
    for (uint32_t at = 0; at < batch->n_rows; at += at_once) {
        struct qn_arena arena;
        struct qn_batch some;
        uint32_t rows[QN_BATCH_ROWS], n = 0;
        for (; n < at_once && at + n < batch->n_rows; n++)
            rows[n] = at + n;
        qn_arena_init(&arena);
        assert_ok(qn_batch_take(&arena, batch, rows, n, &some, &err), &err);
        assert_ok(qn_sorter_add(sorter, &some, &err), &err);
        qn_arena_fini(&arena);
    }
}

static uint32_t files_in(const char *path)
{
    DIR *dir = opendir(path);
    uint32_t n = 0;
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));)
        n += entry->d_name[0] != '.';
    closedir(dir);
    return n;
}

/* Sorts the rows; *n_runs: how many runs were set aside in the end. */
static void check(const struct qn_batch *batch, const struct qn_sort_order *order, uint64_t most,
                  uint64_t memory_bytes, uint32_t at_once, uint32_t *n_runs)
{
    const struct qn_sorter_options options = {.schema = &schema,
                                              .order = *order,
                                              .most = most,
                                              .memory_bytes = memory_bytes,
                                              .folder = folder};
    uint32_t *expected = expect(batch, order);
    struct seen seen = {.expected = expected, .rows = batch};
    struct qn_sorter sorter;
    struct qn_err err;
    qn_sorter_init(&sorter, &options);
    add_all(&sorter, batch, at_once);
    assert_int_equal(files_in(folder), 0); /* files have no names */
    *n_runs = sorter.n_runs;
    assert_ok(qn_sorter_each(&sorter, see, &seen, &err), &err);
    assert_int_equal(seen.n, most < batch->n_rows ? most : batch->n_rows);
    assert_true(seen.largest <= QN_BATCH_ROWS);
    qn_sorter_fini(&sorter);
    free(expected);
}

/* --- tests ----------------------------------------------------------------------------------- */

static const struct qn_sort_key keys[][2] = {
    {{1, false, true}, {3, true, false}},  {{3, false, false}, {1, false, true}},
    {{2, true, true}, {4, false, false}},  {{4, true, false}, {3, false, true}},
    {{2, false, false}, {2, false, true}}, {{3, true, true}, {0, true, true}},
};
enum { N_KEYS = sizeof keys / sizeof keys[0] };

static void files_give_what_memory_gives(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < N_KEYS * 2; i++) {
        const struct qn_sort_order order = {keys[i / 2], 1 + i % 2};
        struct qn_batch batch;
        struct qn_batch_builder *builder = draw_rows(i, 5000, &batch);
        uint32_t n_runs;
        check(&batch, &order, UINT64_MAX, 64 << 20, 777, &n_runs);
        assert_int_equal(n_runs, 0);
        check(&batch, &order, UINT64_MAX, 100 << 10, 777, &n_runs);
        assert_in_range(n_runs, 2, 15);
        check(&batch, &order, UINT64_MAX, 1, 10, &n_runs); /* a run a batch, merged in levels */
        assert_in_range(n_runs, 2, 45);
        qn_builder_free(builder);
    }
}

static void limits_give_the_first(void **state)
{
    (void)state;
    static const uint64_t limits[] = {0, 1, 7, 600, 5000, 9000};
    for (uint32_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        const struct qn_sort_order order = {keys[i % N_KEYS], 2};
        struct qn_batch batch;
        struct qn_batch_builder *builder = draw_rows(100 + i, 40000, &batch);
        uint32_t n_runs;
        check(&batch, &order, limits[i], 64 << 20, 900, &n_runs);
        assert_int_equal(n_runs, 0);
        check(&batch, &order, limits[i], 300 << 10, 900, &n_runs);
        check(&batch, &order, limits[i], 1, 900, &n_runs);
        qn_builder_free(builder);
    }
}

/* The first k of many rows take memory for little more than k, and no file. */
static void first_of_many(void **state)
{
    (void)state;
    const struct qn_sort_order order = {keys[0], 1};
    const struct qn_sorter_options options = {.schema = &schema,
                                              .order = order,
                                              .most = 3,
                                              .memory_bytes = UINT64_C(4) << 20,
                                              .folder = "/nowhere"};
    struct qn_sorter sorter;
    struct qn_batch batch;
    struct qn_batch_builder *builder = draw_rows(7, 60000, &batch);
    uint32_t *expected = expect(&batch, &order);
    struct seen seen = {.expected = expected, .rows = &batch};
    struct qn_err err;
    qn_sorter_init(&sorter, &options);
    for (int i = 0; i < 10; i++) /* what comes again comes too late */
        add_all(&sorter, &batch, 1000);
    assert_in_range(sorter.n_rows, 3, 20000);
    assert_ok(qn_sorter_each(&sorter, see, &seen, &err), &err);
    assert_int_equal(seen.n, 3);
    qn_sorter_fini(&sorter);
    qn_builder_free(builder);
    free(expected);
}

static void a_folder_that_is_not_there_is_said(void **state)
{
    (void)state;
    const struct qn_sorter_options options = {
        .schema = &schema, .order = {keys[0], 1}, .most = UINT64_MAX, .folder = "/nowhere/at/all"};
    struct qn_sorter sorter;
    struct qn_batch batch;
    struct qn_batch_builder *builder = draw_rows(1, 10, &batch);
    struct qn_err err = {0};
    qn_sorter_init(&sorter, &options);
    assert_int_equal(qn_sorter_add(&sorter, &batch, &err), QN_EIO);
    assert_non_null(strstr(err.message, "/nowhere/at/all"));
    qn_sorter_fini(&sorter);
    qn_builder_free(builder);
}

static qn_code refuse(void *context, const struct qn_batch *batch, struct qn_err *err)
{
    (void)context;
    (void)batch;
    return qn_err_set(err, QN_ECANCEL, QN_BLAME_NONE, "enough");
}

static void who_takes_rows_may_stop(void **state)
{
    (void)state;
    for (int files = 0; files < 2; files++) {
        const struct qn_sorter_options options = {.schema = &schema,
                                                  .order = {keys[0], 1},
                                                  .most = UINT64_MAX,
                                                  .memory_bytes = files ? 1 : 1 << 20,
                                                  .folder = folder};
        struct qn_sorter sorter;
        struct qn_batch batch;
        struct qn_batch_builder *builder = draw_rows(1, 100, &batch);
        struct qn_err err;
        qn_sorter_init(&sorter, &options);
        add_all(&sorter, &batch, 10);
        assert_int_equal(qn_sorter_each(&sorter, refuse, NULL, &err), QN_ECANCEL);
        qn_sorter_fini(&sorter);
        qn_builder_free(builder);
    }
}

static int setup(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_give_what_memory_gives),
        cmocka_unit_test(limits_give_the_first),
        cmocka_unit_test(first_of_many),
        cmocka_unit_test(a_folder_that_is_not_there_is_said),
        cmocka_unit_test(who_takes_rows_may_stop),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
