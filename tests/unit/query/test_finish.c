/* Rows that are ordered, cut and put together: from part files, as jobs leave them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "flow/value.h"
#include "query/finish.h"
#include "tests/support/test.h"
#include "wire/part_writer.h"

static const struct qn_field fields[] = {
    {"a", {.id = QN_INT64}}, {"b", {.id = QN_TEXT}}, {"x", {.id = QN_DOUBLE}}};
static const struct qn_schema schema = {fields, 3};
static char folder[] = "/tmp/quern-finish-XXXXXX";

static int setup(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (int i = 0; i < 8; i++) {
        char path[80];
        snprintf(path, sizeof path, "%s/%d.part", folder, i);
        unlink(path);
    }
    return rmdir(folder);
}

/* "1 a 2.5;- - -": a dash is NULL. */
static void fill(struct qn_batch_builder *builder, const char *text)
{
    struct qn_err err;
    char a[16], b[16], x[16];
    int used;
    for (; sscanf(text, "%15s %15s %15[^;]%n", a, b, x, &used) == 3; text += used + 1) {
        if (a[0] != '-' || a[1])
            qn_builder_i64(builder, 0, atoll(a));
        if (b[0] != '-')
            qn_builder_text(builder, 1, qn_strv_from(b));
        if (x[0] != '-' || x[1])
            qn_builder_f64(builder, 2, atof(x));
        assert_ok(qn_builder_row(builder, &err), &err);
        if (!text[used])
            break;
    }
}

static void write_part(int number, const char *text, char path[80])
{
    struct qn_batch_builder *builder;
    struct qn_part_writer writer;
    struct qn_batch batch;
    struct qn_err err;
    struct qn_hash128 digest;
    uint64_t bytes;
    bool in_file;
    assert_ok(qn_builder_new(&schema, &builder, &err), &err);
    fill(builder, text);
    qn_builder_batch(builder, &batch);
    qn_part_writer_init(&writer);
    qn_part_writer_begin(&writer, NULL);
    assert_ok(qn_part_writer_put(&writer, QN_PART_ROWS, 0, &batch, &err), &err);
    assert_ok(qn_part_writer_end(&writer, &in_file, &bytes, &digest, &err), &err);
    snprintf(path, 80, "%s/%d.part", folder, number);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(writer.bytes.data, 1, writer.bytes.len, file), writer.bytes.len);
    assert_int_equal(fclose(file), 0);
    qn_part_writer_fini(&writer);
    qn_builder_free(builder);
}

static qn_code show(void *context, const struct qn_batch *batch, struct qn_err *err)
{
    (void)err;
    for (uint32_t row = 0; row < batch->n_rows; row++)
        for (uint32_t c = 0; c < batch->schema->n_fields; c++) {
            qn_value_format(context, &batch->columns[c], row);
            qn_buf_put_u8(context, c + 1 < batch->schema->n_fields ? ' ' : ';');
        }
    return QN_OK;
}

/* Gives the parts of jobs "l" and "r" to a phase; the rows that came out are compared. */
static void check(const struct qn_query_phase *phase, const char *const *l, const char *const *r,
                  const char *expected)
{
    struct qn_err err = {0};
    struct qn_finish *finish;
    struct qn_buf said;
    bool enough = false;
    int number = 0;
    qn_buf_init(&said);
    assert_ok(qn_finish_new(phase, &(struct qn_finish_options){1 << 20, folder, NULL, show, &said},
                            &finish, &err),
              &err);
    for (int side = 0; side < 2; side++)
        for (const char *const *part = side ? r : l; part && *part && !enough; part++) {
            char path[80];
            write_part(number++, *part, path);
            assert_ok(qn_finish_part(finish, side ? "r" : "l", path, &enough, &err), &err);
        }
    assert_ok(qn_finish_end(finish, &err), &err);
    qn_buf_put_u8(&said, 0);
    assert_string_equal((const char *)said.data, expected);
    qn_finish_free(finish);
    qn_buf_fini(&said);
}

static const struct qn_query_tree left = {.job = "l"}, right = {.job = "r"};
static const char *const rows[] = {"3 c 1;1 a 2;- b 3", "2 - 4;1 b -", NULL};

static void rows_pass_in_order(void **state)
{
    (void)state;
    const struct qn_query_phase phase = {.tree = &left, .schema = schema, .n_shown = 2};
    check(&phase, rows, NULL, "3 c;1 a; b;2 ;1 b;");
}

static void limit_ends_early(void **state)
{
    (void)state;
    const struct qn_query_phase phase = {
        .tree = &left, .schema = schema, .n_shown = 1, .has_limit = true, .limit = 2, .offset = 1};
    struct qn_err err;
    struct qn_finish *finish;
    struct qn_buf said;
    char path[80];
    bool enough;
    qn_buf_init(&said);
    assert_ok(qn_finish_new(&phase, &(struct qn_finish_options){1 << 20, folder, NULL, show, &said},
                            &finish, &err),
              &err);
    write_part(0, rows[0], path);
    assert_ok(qn_finish_part(finish, "other", path, &enough, &err), &err);
    assert_false(enough);
    assert_ok(qn_finish_part(finish, "l", path, &enough, &err), &err);
    assert_true(enough);
    assert_ok(qn_finish_end(finish, &err), &err);
    qn_buf_put_u8(&said, 0);
    assert_string_equal((const char *)said.data, "1;;");
    qn_finish_free(finish);
    qn_buf_fini(&said);
}

static void orders_by_keys(void **state)
{
    (void)state;
    static const struct {
        struct qn_sort_key keys[2];
        const char *expected;
    } cases[] = {
        {{{0, false, true}, {1, false, true}}, " b;1 a;1 b;2 ;3 c;"},
        {{{0, false, false}, {1, true, false}}, "1 b;1 a;2 ;3 c; b;"},
        {{{1, false, true}, {0, true, true}}, "2 ;1 a; b;1 b;3 c;"},
        {{{2, true, false}, {0, false, true}}, "2 ; b;1 a;3 c;1 b;"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct qn_query_phase phase = {
            .tree = &left, .schema = schema, .n_shown = 2, .keys = cases[i].keys, .n_keys = 2};
        check(&phase, rows, NULL, cases[i].expected);
    }
}

static void equal_keys_stay_as_they_came(void **state)
{
    (void)state;
    static const struct qn_sort_key key = {2, false, true};
    const struct qn_query_phase phase = {
        .tree = &left, .schema = schema, .n_shown = 1, .keys = &key, .n_keys = 1};
    static const char *const ties[] = {"5 a 1;4 a 0;3 a 1", "2 a 0;1 a 1", NULL};
    check(&phase, ties, NULL, "4;2;5;3;1;");
}

static void a_raised_flag_ends_it(void **state)
{
    (void)state;
    static const struct qn_sort_key key = {0, false, true};
    const struct qn_query_phase phase = {
        .tree = &left, .schema = schema, .n_shown = 1, .keys = &key, .n_keys = 1};
    volatile sig_atomic_t stop = 0;
    struct qn_finish *finish;
    struct qn_buf said;
    struct qn_err err;
    char path[80];
    bool enough;
    qn_buf_init(&said);
    const struct qn_finish_options options = {1, folder, &stop, show, &said};
    assert_ok(qn_finish_new(&phase, &options, &finish, &err), &err);
    write_part(0, rows[0], path);
    assert_ok(qn_finish_part(finish, "l", path, &enough, &err), &err);
    stop = 1;
    assert_int_equal(qn_finish_part(finish, "l", path, &enough, &err), QN_ECANCEL);
    assert_int_equal(qn_finish_end(finish, &err), QN_ECANCEL);
    assert_int_equal(said.len, 0);
    qn_finish_free(finish);
    qn_buf_fini(&said);
}

static void puts_sets_together(void **state)
{
    (void)state;
    static const struct {
        enum qn_query_op op;
        bool all;
        const char *expected;
    } cases[] = {
        {QN_QUERY_UNION, true, "1 a;1 a;2 -;1 a;- b;1 a;2 -;3 c;"},
        {QN_QUERY_UNION, false, "1 a;2 -;- b;3 c;"},
        {QN_QUERY_INTERSECT, false, "1 a;2 -;"},
        {QN_QUERY_INTERSECT, true, "1 a;2 -;"},
        {QN_QUERY_EXCEPT, false, "- b;"},
        {QN_QUERY_EXCEPT, true, "1 a;1 a;- b;"},
    };
    static const char *const l[] = {"1 a 0;1 a -0;2 n 0", "1 a 0;- b 0", NULL};
    static const char *const r[] = {"1 a 0;2 n 0;3 c 0", NULL};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct qn_query_tree tree = {
            .op = cases[i].op, .all = cases[i].all, .left = &left, .right = &right};
        const struct qn_query_phase phase = {.tree = &tree, .schema = schema, .n_shown = 2};
        char expected[80];
        size_t n = 0;
        for (const char *at = cases[i].expected; *at; at++) /* - stands for nothing or for n */
            if (*at != '-')
                expected[n++] = *at;
            else if (at[1] == ';')
                expected[n++] = 'n';
        expected[n] = '\0';
        check(&phase, l, r, expected);
    }
}

/* Rows from `first` to before `end`, every third of them twice. */
static void number_rows(int first, int end, struct qn_buf *out)
{
    for (int i = first; i < end; i++)
        for (int k = 0; k < (i % 3 ? 1 : 2); k++)
            qn_buf_printf(out, "%s%d b%d %d", out->len ? ";" : "", i, i % 7, k);
    qn_buf_put_u8(out, 0);
}

/* What comes out of both parts, with this memory. */
static void put_together(const struct qn_query_tree *tree, uint64_t memory_bytes,
                         struct qn_buf *said)
{
    const struct qn_query_phase phase = {.tree = tree, .schema = schema, .n_shown = 2};
    const struct qn_finish_options options = {memory_bytes, folder, NULL, show, said};
    struct qn_err err = {0};
    struct qn_finish *finish;
    bool enough;
    assert_ok(qn_finish_new(&phase, &options, &finish, &err), &err);
    for (int side = 0; side < 2; side++) {
        char path[80];
        snprintf(path, sizeof path, "%s/%d.part", folder, side);
        assert_ok(qn_finish_part(finish, side ? "r" : "l", path, &enough, &err), &err);
    }
    assert_ok(qn_finish_end(finish, &err), &err);
    qn_finish_free(finish);
}

static void sets_do_with_little_memory(void **state)
{
    (void)state;
    struct qn_buf l, r;
    char path[80];
    qn_buf_init(&l);
    qn_buf_init(&r);
    number_rows(0, 2500, &l);
    number_rows(1000, 3500, &r);
    write_part(0, (const char *)l.data, path);
    write_part(1, (const char *)r.data, path);
    for (int i = 0; i < 12; i++) {
        const struct qn_query_tree inner = {
            .op = QN_QUERY_EXCEPT, .all = i >= 6, .left = &right, .right = &left};
        const struct qn_query_tree tree = {.op = (enum qn_query_op)(QN_QUERY_UNION + i / 2 % 3),
                                           .all = i % 2,
                                           .left = i >= 6 ? &inner : &left,
                                           .right = &right};
        struct qn_buf much, little;
        qn_buf_init(&much);
        qn_buf_init(&little);
        put_together(&tree, 1 << 30, &much);
        put_together(&tree, 1, &little); /* 512 different rows at once */
        assert_int_equal(much.len, little.len);
        assert_true(much.len > 0 || tree.op == QN_QUERY_EXCEPT);
        assert_true(much.len == 0 || memcmp(much.data, little.data, much.len) == 0);
        qn_buf_fini(&much);
        qn_buf_fini(&little);
    }
    qn_buf_fini(&l);
    qn_buf_fini(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(rows_pass_in_order),
                                       cmocka_unit_test(limit_ends_early),
                                       cmocka_unit_test(orders_by_keys),
                                       cmocka_unit_test(equal_keys_stay_as_they_came),
                                       cmocka_unit_test(a_raised_flag_ends_it),
                                       cmocka_unit_test(puts_sets_together),
                                       cmocka_unit_test(sets_do_with_little_memory)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
