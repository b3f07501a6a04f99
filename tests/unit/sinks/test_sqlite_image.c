/* What SQLite itself says of an image: its integrity, its values, and that records are copied whole
 * instead of being made anew. */
#include <stdio.h>

#include "base/limits.h"
#include "sinks/sqlite_image.h"
#include "tests/support/test.h"

struct fixture {
    sqlite3 *db;
    struct qn_sqlite_image image;
    struct qn_batch_builder *builder;
    struct qn_err err;
};

static void start(struct fixture *f, const struct qn_schema *schema)
{
    memset(f, 0, sizeof *f);
    assert_int_equal(sqlite3_open(":memory:", &f->db), SQLITE_OK);
    assert_ok(qn_builder_new(schema, &f->builder, &f->err), &f->err);
    qn_sqlite_image_init(&f->image);
}

static void stop(struct fixture *f)
{
    qn_builder_free(f->builder);
    assert_int_equal(qn_sqlite_image_detach(f->db), SQLITE_OK);
    qn_sqlite_image_fini(&f->image);
    sqlite3_close(f->db);
}

static void row(struct fixture *f)
{
    assert_ok(qn_builder_row(f->builder, &f->err), &f->err);
}

/* Brings what the builder holds into the image. */
static void put(struct fixture *f)
{
    struct qn_batch batch;
    qn_builder_batch(f->builder, &batch);
    assert_ok(qn_sqlite_image_put(&f->image, &batch, &f->err), &f->err);
    qn_builder_clear(f->builder);
}

static void attach(struct fixture *f, const char *columns)
{
    assert_ok(qn_sqlite_image_finish(&f->image, qn_strv_from(columns), &f->err), &f->err);
    assert_int_equal(qn_sqlite_image_attach(&f->image, f->db), SQLITE_OK);
}

/* The first column of every row, joined by '|'. */
static void assert_sql(struct fixture *f, const char *sql, const char *want)
{
    struct qn_buf got;
    sqlite3_stmt *stmt;
    qn_buf_init(&got);
    if (sqlite3_prepare_v2(f->db, sql, -1, &stmt, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(f->db));
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(stmt, 0);
        qn_buf_printf(&got, "%s%s", got.len ? "|" : "", text ? text : "NULL");
    }
    assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
    qn_buf_put_u8(&got, 0);
    assert_string_equal((const char *)got.data, want);
    qn_buf_fini(&got);
}

static void assert_whole(struct fixture *f)
{
    assert_sql(f, "PRAGMA " QN_SQLITE_IMAGE ".integrity_check", "ok");
}

static const struct qn_field number_fields[] = {{"n", {.id = QN_INT64}}, {"x", {.id = QN_DOUBLE}}};
static const struct qn_schema numbers = {number_fields, 2};
static const struct qn_field text_fields[] = {{"s", {.id = QN_TEXT}}};
static const struct qn_schema texts = {text_fields, 1};

static void no_rows_make_an_empty_table(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, &texts);
    attach(&f, "(s TEXT)STRICT");
    assert_whole(&f);
    assert_sql(&f, "SELECT count(*) FROM " QN_SQLITE_IMAGE_TABLE, "0");
    stop(&f);
}

/* Around every power of two a width ends, on both sides of zero. */
static void numbers_of_every_width_come_back(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, &numbers);
    int64_t want[64 * 6];
    uint32_t n = 0;
    for (unsigned bit = 0; bit < 63; bit++)
        for (int64_t off = -1; off <= 1; off++) {
            want[n++] = (INT64_C(1) << bit) + off;
            want[n++] = -(INT64_C(1) << bit) + off;
        }
    want[n++] = INT64_MAX;
    want[n++] = INT64_MIN;
    for (uint32_t i = 0; i < n; i++) {
        qn_builder_i64(f.builder, 0, want[i]);
        qn_builder_f64(f.builder, 1, (double)want[i] / (i % 3 ? 1 : 8));
        row(&f);
    }
    put(&f);
    attach(&f, "(n INTEGER,x REAL)STRICT");
    assert_whole(&f);
    sqlite3_stmt *stmt;
    assert_int_equal(
        sqlite3_prepare_v2(f.db, "SELECT n, x FROM " QN_SQLITE_IMAGE_TABLE, -1, &stmt, NULL),
        SQLITE_OK);
    for (uint32_t i = 0; i < n; i++) {
        assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
        assert_true(sqlite3_column_int64(stmt, 0) == want[i]);
        assert_int_equal(sqlite3_column_type(stmt, 1), SQLITE_FLOAT);
        double x = sqlite3_column_double(stmt, 1), expected = (double)want[i] / (i % 3 ? 1 : 8);
        assert_memory_equal(&x, &expected, sizeof x);
    }
    sqlite3_finalize(stmt);
    stop(&f);
}

/* Lengths about those at which a record leaves its page, then a page more, then another. */
static void long_records_go_on_in_other_pages(void **state)
{
    (void)state;
    static const uint32_t middles[] = {60, 127, 4000, 32733, 32768, 32768 * 2, 32768 * 3 + 4000};
    struct fixture f;
    start(&f, &texts);
    struct qn_buf long_text;
    qn_buf_init(&long_text);
    for (uint32_t i = 0; i < 110000; i++)
        qn_buf_put_u8(&long_text, (uint8_t)('a' + i % 26));
    uint64_t total = 0;
    uint32_t n = 0;
    for (uint32_t m = 0; m < sizeof middles / sizeof *middles; m++)
        for (uint32_t len = middles[m] - 40; len <= middles[m] + 40; len++, n++) {
            qn_builder_text(f.builder, 0, (struct qn_strv){(const char *)long_text.data, len});
            row(&f);
            total += len;
        }
    put(&f);
    attach(&f, "(s TEXT)STRICT");
    assert_whole(&f);
    char want[80];
    snprintf(want, sizeof want, "%u %llu 0", n, (unsigned long long)total);
    /* Every text is its length of the alphabet over and over. */
    assert_sql(&f,
               "SELECT printf('%d %d %d', count(*), sum(length(s)), "
               "sum(substr(s, -1) <> char(97 + (length(s) - 1) % 26))) "
               "FROM " QN_SQLITE_IMAGE_TABLE,
               want);
    qn_buf_fini(&long_text);
    stop(&f);
}

/* A page holds 2,183 children: one more makes a level more, and no page of a single child. */
static void many_pages_make_levels(void **state)
{
    (void)state;
    static const uint32_t leaves[] = {1, 2, 2183, 2184, 2185, 4367};
    static char filler[20000];
    memset(filler, 'x', sizeof filler);
    for (uint32_t i = 0; i < sizeof leaves / sizeof *leaves; i++) {
        struct fixture f;
        start(&f, &texts);
        for (uint32_t at = 0; at < leaves[i]; at++) {
            qn_builder_text(f.builder, 0, (struct qn_strv){filler, sizeof filler});
            row(&f);
            if (at % 64 == 63 || at + 1 == leaves[i])
                put(&f);
        }
        attach(&f, "(s TEXT)STRICT");
        assert_whole(&f);
        char want[40];
        snprintf(want, sizeof want, "%u", leaves[i]);
        assert_sql(&f, "SELECT count(*) FROM " QN_SQLITE_IMAGE_TABLE " WHERE length(s) = 20000",
                   want);
        snprintf(want, sizeof want, "%u", leaves[i]);
        assert_sql(&f, "SELECT max(rowid) FROM " QN_SQLITE_IMAGE_TABLE, want);
        stop(&f);
    }
}

static void the_widest_table_fits(void **state)
{
    (void)state;
    static struct qn_field fields[QN_MAX_COLUMNS];
    struct qn_buf columns;
    qn_buf_init(&columns);
    for (uint32_t i = 0; i < QN_MAX_COLUMNS; i++) {
        fields[i] = (struct qn_field){"a", {.id = QN_INT64}};
        qn_buf_printf(&columns, "%cc%u INTEGER", i ? ',' : '(', i);
    }
    qn_buf_printf(&columns, ")STRICT");
    qn_buf_put_u8(&columns, 0);
    const struct qn_schema wide = {fields, QN_MAX_COLUMNS};
    struct fixture f;
    start(&f, &wide);
    for (uint32_t i = 0; i < QN_MAX_COLUMNS; i++)
        qn_builder_i64(f.builder, i, i);
    row(&f);
    put(&f);
    attach(&f, (const char *)columns.data);
    assert_whole(&f);
    assert_sql(&f, "SELECT c0 + c1999 FROM " QN_SQLITE_IMAGE_TABLE, "1999");
    qn_buf_fini(&columns);
    stop(&f);
}

/* Without it a load would still be right, and several times slower. */
static void records_are_copied_whole(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, &numbers);
    attach(&f, "(n INTEGER,x REAL)STRICT");
    assert_int_equal(sqlite3_exec(f.db, "CREATE TABLE t(\"other\" INTEGER, \"names\" REAL) STRICT",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_stmt *stmt;
    assert_int_equal(
        sqlite3_prepare_v2(f.db, "EXPLAIN INSERT INTO main.t SELECT * FROM " QN_SQLITE_IMAGE_TABLE,
                           -1, &stmt, NULL),
        SQLITE_OK);
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        const char *opcode = (const char *)sqlite3_column_text(stmt, 1);
        assert_string_not_equal(opcode, "Column");
        assert_string_not_equal(opcode, "MakeRecord");
    }
    sqlite3_finalize(stmt);
    stop(&f);
}

/* An image is used again after each flush. */
static void a_cleared_image_holds_new_rows_only(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, &texts);
    for (int round = 0; round < 3; round++) {
        assert_int_equal(qn_sqlite_image_detach(f.db), SQLITE_OK);
        qn_sqlite_image_clear(&f.image);
        qn_builder_text(f.builder, 0, QN_STRV_LIT("x"));
        for (int i = 0; i <= round; i++)
            row(&f);
        put(&f);
        attach(&f, "(s TEXT)STRICT");
        assert_whole(&f);
        char want[16];
        snprintf(want, sizeof want, "%d", round + 1);
        assert_sql(&f, "SELECT count(*) FROM " QN_SQLITE_IMAGE_TABLE, want);
    }
    stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_rows_make_an_empty_table),
        cmocka_unit_test(numbers_of_every_width_come_back),
        cmocka_unit_test(long_records_go_on_in_other_pages),
        cmocka_unit_test(many_pages_make_levels),
        cmocka_unit_test(the_widest_table_fits),
        cmocka_unit_test(records_are_copied_whole),
        cmocka_unit_test(a_cleared_image_holds_new_rows_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
