/* The writer itself: codes of a reader change nothing, bounds in statistics hold, what does not fit
 * is refused. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/utf8.h"
#include "parquet/footer.h"
#include "parquet/meta_read.h"
#include "parquet/range.h"
#include "parquet/writer.h"
#include "tests/support/test.h"
#include "tests/unit/wire/random.h"

enum { ROWS = QN_BATCH_ROWS, BATCHES = 3 };

/* A file of one text column in batches; `coded` with a dictionary as CSV's reader has one, which
 * goes away before the last batch when it is `lost`. */
static void write_texts(uint32_t n_texts, bool coded, bool lost, struct qn_buf *file)
{
    static const struct qn_field field = {"kind", {.id = QN_TEXT}};
    static const struct qn_schema schema = {&field, 1};
    static char room[QN_DICTIONARY_TEXTS][16], bytes[ROWS * 16];
    static struct qn_strv texts[QN_DICTIONARY_TEXTS];
    static uint16_t codes[ROWS];
    static uint32_t offsets[ROWS + 1];
    struct qn_pq_write_options options = {.encoding = QN_PQ_NONE, .codec = QN_BLOCK_SNAPPY};
    struct qn_dictionary dictionary = {.id = 7, .n = n_texts + 1, .texts = texts};
    struct qn_pq_writer *writer;
    struct qn_buf meta = {0};
    struct qn_err err = {0};
    struct random random = {n_texts};
    for (uint32_t k = 1; k <= n_texts; k++)
        texts[k] = (struct qn_strv){room[k], (size_t)snprintf(room[k], 16, "text %u", k * 7)};
    assert_ok(qn_pq_writer_new(&schema, &options, &writer, &err), &err);
    for (unsigned b = 0; b < BATCHES; b++) {
        uint64_t validity[ROWS / 64] = {0};
        for (uint32_t i = 0, at = 0; i < ROWS; i++) {
            codes[i] = (uint16_t)random_below(&random, n_texts + 1);
            offsets[i] = at;
            if (codes[i]) {
                qn_valid_set(validity, i);
                memcpy(bytes + at, texts[codes[i]].data, texts[codes[i]].len);
                at += (uint32_t)texts[codes[i]].len;
            }
            offsets[i + 1] = at;
        }
        bool has = coded && !(lost && b + 1 == BATCHES);
        struct qn_column column = {.type = field.type,
                                   .validity = validity,
                                   .bytes = bytes,
                                   .offsets = offsets,
                                   .codes = has ? codes : NULL,
                                   .dictionary = has ? &dictionary : NULL};
        struct qn_batch batch = {.schema = &schema, .columns = &column, .n_rows = ROWS};
        assert_ok(qn_pq_writer_put(writer, &batch, file, &err), &err);
    }
    assert_ok(qn_pq_writer_end(writer, file, &meta, &err), &err);
    qn_buf_put(file, meta.data, meta.len);
    qn_buf_fini(&meta);
    qn_pq_writer_free(writer);
}

static void codes_do_not_change_a_byte(void **state)
{
    (void)state;
    static const uint32_t counts[] = {1, 5, 100, 300, 3000};
    for (unsigned k = 0; k < sizeof counts / sizeof *counts; k++) {
        struct qn_buf plain = {0}, coded = {0}, lost = {0};
        write_texts(counts[k], false, false, &plain);
        write_texts(counts[k], true, false, &coded);
        write_texts(counts[k], true, true, &lost);
        assert_true(qn_strv_eq(qn_buf_strv(&plain), qn_buf_strv(&coded)));
        assert_true(qn_strv_eq(qn_buf_strv(&plain), qn_buf_strv(&lost)));
        qn_buf_fini(&plain);
        qn_buf_fini(&coded);
        qn_buf_fini(&lost);
    }
}

/* 64 rows of NULL in a row once counted as 64 values. */
static void nulls_have_no_values(void **state)
{
    (void)state;
    static const struct qn_field field = {"n", {.id = QN_INT64}};
    static const struct qn_schema schema = {&field, 1};
    static int64_t values[ROWS];
    struct qn_pq_write_options options = {.encoding = QN_PQ_NONE};
    uint64_t validity[ROWS / 64] = {0};
    struct qn_column column = {.type = field.type, .validity = validity, .i64 = values};
    struct qn_batch batch = {.schema = &schema, .columns = &column, .n_rows = 1000};
    struct qn_pq_writer *writer;
    struct qn_pq_file_meta meta;
    struct qn_buf out = {0}, bytes = {0};
    struct qn_arena arena;
    struct qn_err err = {0};
    qn_arena_init(&arena);
    assert_ok(qn_pq_writer_new(&schema, &options, &writer, &err), &err);
    assert_ok(qn_pq_writer_put(writer, &batch, &out, &err), &err);
    assert_ok(qn_pq_writer_end(writer, &out, &bytes, &err), &err);
    assert_ok(qn_pq_file_meta_read(qn_buf_strv(&bytes), &arena, &meta, &err), &err);
    const struct qn_pq_statistics *statistics = &meta.groups[0].columns[0].meta.statistics;
    assert_int_equal(statistics->null_count, 1000);
    assert_null(statistics->min_value.data);
    assert_null(statistics->max_value.data);
    qn_pq_writer_free(writer);
    qn_buf_fini(&out);
    qn_buf_fini(&bytes);
    qn_arena_fini(&arena);
}

static void values_past_the_physical_type_are_refused(void **state)
{
    (void)state;
    static const struct qn_field field = {"day", {.id = QN_DATE}};
    static const struct qn_schema schema = {&field, 1};
    struct qn_pq_write_options options = {.encoding = QN_PQ_NONE};
    int64_t values[] = {0, INT64_C(1) << 31};
    struct qn_column column = {.type = field.type, .i64 = values};
    struct qn_batch batch = {.schema = &schema, .columns = &column, .n_rows = 2};
    struct qn_pq_writer *writer;
    struct qn_buf out = {0}, meta = {0};
    struct qn_err err = {0};
    assert_ok(qn_pq_writer_new(&schema, &options, &writer, &err), &err);
    assert_ok(qn_pq_writer_put(writer, &batch, &out, &err), &err);
    assert_int_equal(qn_pq_writer_end(writer, &out, &meta, &err), QN_EINPUT);
    assert_non_null(strstr(err.message, "2147483648"));
    qn_pq_writer_free(writer);
    qn_buf_fini(&out);
    qn_buf_fini(&meta);
}

static void another_schema_is_not_joined(void **state)
{
    (void)state;
    static const struct qn_field fields[] = {{"a", {.id = QN_INT64}}, {"a", {.id = QN_DOUBLE}}};
    static const struct qn_schema one = {&fields[0], 1}, other = {&fields[1], 1};
    struct qn_pq_write_options options = {.encoding = QN_PQ_NONE};
    struct qn_pq_writer *writer;
    struct qn_buf out = {0}, meta = {0}, tail = {0};
    struct qn_err err = {0};
    assert_ok(qn_pq_writer_new(&one, &options, &writer, &err), &err);
    assert_ok(qn_pq_writer_end(writer, &out, &meta, &err), &err);
    struct qn_pq_segment segment = {0, qn_buf_strv(&meta)};
    assert_ok(qn_pq_file_tail(&one, &segment, 1, &tail, &err), &err);
    assert_int_equal(qn_pq_file_tail(&other, &segment, 1, &tail, &err), QN_EINPUT);
    for (size_t n = 0; n < meta.len; n++) { /* cut anywhere */
        segment.meta.len = n;
        assert_int_equal(qn_pq_file_tail(&one, &segment, 1, &tail, &err), QN_EINPUT);
    }
    qn_pq_writer_free(writer);
    qn_buf_fini(&out);
    qn_buf_fini(&meta);
    qn_buf_fini(&tail);
}

/* --- statistics ------------------------------------------------------------------------------ */

static void doubles_leave_nan_out_and_widen_zeros(void **state)
{
    (void)state;
    const double values[] = {(double)NAN, 0.0, 3.5, (double)NAN}, none[] = {(double)NAN};
    const double zeros[] = {-0.0, -1.0};
    struct qn_pq_range range = qn_pq_range_doubles(values, 4);
    assert_true(range.is_known && signbit(range.doubles[0]) && range.doubles[1] == 3.5);
    range = qn_pq_range_doubles(zeros, 2);
    assert_true(range.doubles[0] == -1.0 && !signbit(range.doubles[1]));
    assert_false(qn_pq_range_doubles(none, 1).is_known);
}

static struct qn_pq_statistics bounds_of(const char *text, uint8_t room[2][QN_PQ_BOUND_BYTES])
{
    struct qn_pq_statistics out = {.is_min_exact = QN_PQ_NONE, .is_max_exact = QN_PQ_NONE};
    struct qn_pq_range range = {.is_known = true};
    range.texts[0] = range.texts[1] = qn_strv_from(text);
    qn_pq_range_write(&range, (struct qn_type){.id = QN_TEXT}, false, room, &out);
    return out;
}

static void long_texts_are_cut_to_bounds_that_hold(void **state)
{
    (void)state;
    static const char *const ends[] = {"a",           "z", "\x7f", "\xC3\xBC", "\xED\x9F\xBF",
                                       "\xEF\xBF\xBF"};
    for (unsigned k = 0; k < sizeof ends / sizeof *ends; k++) {
        char text[400] = "";
        uint8_t room[2][QN_PQ_BOUND_BYTES];
        for (unsigned i = 0; i < 60; i++)
            strcat(text, ends[k]);
        strcat(text, "more than a bound holds");
        struct qn_pq_statistics bounds = bounds_of(text, room);
        struct qn_strv whole = qn_strv_from(text);
        assert_true(qn_strv_cmp(bounds.min_value, whole) < 0);
        assert_true(qn_strv_cmp(whole, bounds.max_value) < 0);
        assert_true(qn_utf8_valid(bounds.min_value) && qn_utf8_valid(bounds.max_value));
        assert_int_equal(bounds.is_min_exact, 0);
        assert_int_equal(bounds.is_max_exact, 0);
    }
    char last[100] = "";
    uint8_t room[2][QN_PQ_BOUND_BYTES];
    for (unsigned i = 0; i < 20; i++)
        strcat(last, "\xF4\x8F\xBF\xBF"); /* nothing comes after U+10FFFF */
    struct qn_pq_statistics bounds = bounds_of(last, room);
    assert_non_null(bounds.min_value.data);
    assert_null(bounds.max_value.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_do_not_change_a_byte),
        cmocka_unit_test(nulls_have_no_values),
        cmocka_unit_test(values_past_the_physical_type_are_refused),
        cmocka_unit_test(another_schema_is_not_joined),
        cmocka_unit_test(doubles_leave_nan_out_and_widen_zeros),
        cmocka_unit_test(long_texts_are_cut_to_bounds_that_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
