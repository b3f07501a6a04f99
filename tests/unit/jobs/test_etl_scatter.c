/* Rows scattered to partitions: all of them, in their order, in the same runs whatever the batches
 * they came in. */
#include <stdio.h>

#include "base/hash.h"
#include "flow/batch.h"
#include "jobs/etl/keys.h"
#include "jobs/etl/scatter.h"
#include "tests/support/test.h"

enum { ROWS = 30000, PARTITIONS = 5, COLUMNS = 4 };

static const struct qn_field fields[COLUMNS] = {{"key", {.id = QN_TEXT}},
                                                {"number", {.id = QN_INT64}},
                                                {"real", {.id = QN_DOUBLE}},
                                                {"flag", {.id = QN_BOOL}}};
static const struct qn_schema schema = {(struct qn_field *)(uintptr_t)fields, COLUMNS};

/* Most rows have one key, so that runs fill up within a batch; some have NULLs and long texts. */
static void put_row(struct qn_batch_builder *builder, uint32_t i)
{
    char text[80];
    uint64_t h = qn_mix64(i);
    int length = h % 31 == 0 ? 70 : 5;
    snprintf(text, sizeof text, "%0*u", length, h % 3 ? 0 : (unsigned)(h >> 8) % 900);
    if (h % 17)
        qn_builder_text(builder, 0, qn_strv_from(text));
    if (h % 13)
        qn_builder_i64(builder, 1, i);
    qn_builder_f64(builder, 2, i / 4.0);
    qn_builder_bool(builder, 3, h & 1);
}

/* What came out: of each partition a line a row, and the ends of the runs. */
struct taken {
    struct qn_task_out out; /* first: the callback is handed &out */
    struct qn_buf text[PARTITIONS];
    double last[PARTITIONS]; /* the real number of the row before */
    uint32_t rows;
};

static qn_code take(struct qn_task_out *out, uint32_t partition, const struct qn_batch *batch,
                    struct qn_err *err)
{
    struct taken *taken = (struct taken *)(void *)out;
    struct qn_buf *text = &taken->text[partition];
    for (uint32_t row = 0; row < batch->n_rows; row++) {
        const struct qn_partitioning by = qn_partitioning_of(&schema, 1, PARTITIONS);
        uint64_t hash = qn_keys_hash_row(batch->columns, 1, row);
        assert_int_equal(qn_partition_of(&by, hash), partition);
        assert_true(batch->columns[2].f64[row] > taken->last[partition]);
        taken->last[partition] = batch->columns[2].f64[row];
        for (uint32_t c = 0; c < COLUMNS; c++) {
            qn_buf_put_u8(text, qn_is_valid(&batch->columns[c], row) ? '=' : '!');
            if (qn_is_valid(&batch->columns[c], row))
                qn_value_format(text, &batch->columns[c], row);
        }
        qn_buf_put_u8(text, '\n');
    }
    qn_buf_put_u8(text, '-');
    taken->rows += batch->n_rows;
    return qn_buf_check(text, "text", err);
}

static void scatter_in_batches_of(uint32_t n, struct taken *taken)
{
    static const struct qn_task_out_ops ops = {.raw = take};
    const struct qn_partitioning by = qn_partitioning_of(&schema, 1, PARTITIONS);
    struct qn_batch_builder *builder;
    struct qn_scatter scatter;
    struct qn_arena arena;
    struct qn_batch batch;
    struct qn_err err;
    *taken = (struct taken){.out = {.ops = &ops}};
    for (uint32_t p = 0; p < PARTITIONS; p++) {
        qn_buf_init(&taken->text[p]);
        taken->last[p] = -1;
    }
    qn_arena_init(&arena);
    assert_ok(qn_scatter_init(&scatter, &by, &err), &err);
    assert_ok(qn_builder_new(&schema, &builder, &err), &err);
    for (uint32_t i = 0; i < ROWS; i++) {
        put_row(builder, i);
        assert_ok(qn_builder_row(builder, &err), &err);
        if (qn_builder_rows(builder) < n && i + 1 < ROWS)
            continue;
        qn_builder_batch(builder, &batch);
        assert_ok(qn_scatter_add(&scatter, &batch, &taken->out, &arena, &err), &err);
        qn_builder_clear(builder);
        qn_arena_clear(&arena);
    }
    assert_ok(qn_scatter_flush(&scatter, &taken->out, &err), &err);
    qn_builder_free(builder);
    qn_scatter_fini(&scatter);
    qn_arena_fini(&arena);
}

static void test_runs_do_not_depend_on_batches(void **state)
{
    static const uint32_t sizes[] = {1, 700, 8192};
    struct taken first, other;
    (void)state;
    scatter_in_batches_of(64, &first);
    assert_int_equal(first.rows, ROWS);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        scatter_in_batches_of(sizes[i], &other);
        for (uint32_t p = 0; p < PARTITIONS; p++) {
            assert_int_equal(other.text[p].len, first.text[p].len);
            assert_memory_equal(other.text[p].data, first.text[p].data, first.text[p].len);
            qn_buf_fini(&other.text[p]);
        }
    }
    for (uint32_t p = 0; p < PARTITIONS; p++)
        qn_buf_fini(&first.text[p]);
}

static void test_order_of_partitions(void **state)
{
    uint32_t order[8], starts[PARTITIONS + 1];
    static const uint32_t partition_of[8] = {3, 0, 3, 1, 0, 3, 4, 0};
    static const uint32_t expected[8] = {1, 4, 7, 3, 0, 2, 5, 6};
    (void)state;
    qn_partition_order(partition_of, 8, PARTITIONS, starts, order);
    assert_memory_equal(order, expected, sizeof expected);
    assert_int_equal(starts[2], 4);
    assert_int_equal(starts[PARTITIONS], 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs_do_not_depend_on_batches),
        cmocka_unit_test(test_order_of_partitions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
