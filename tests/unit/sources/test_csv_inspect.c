#include <glob.h>
#include <stdlib.h>

#include "sources/csv_dialect.h"
#include "sources/csv_infer.h"
#include "tests/support/sources.h"

static const struct qn_source_ops *ops;

/* --- inference ------------------------------------------------------------------------------- */

static void expect_type(const char *values, const char *expected)
{
    struct qn_text_evidence evidence = {0};
    for (const char *at = values; *at;) {
        size_t len = strcspn(at, ";");
        qn_text_evidence_add(&evidence, (struct qn_strv){at, len});
        at += len + (at[len] == ';');
    }
    char name[QN_TYPE_NAME];
    assert_string_equal(qn_type_name(qn_text_evidence_type(&evidence), name), expected);
}

static void test_types_from_values(void **state)
{
    (void)state;
    expect_type("", "text");
    expect_type("1;-20;0", "integer");
    expect_type("9223372036854775807", "integer");
    expect_type("9223372036854775808", "text");
    expect_type("007;8", "text");
    expect_type("08123", "text");
    expect_type("+49", "text");
    expect_type("1;2.5;17850.0", "decimal(18,1)");
    expect_type("0.001;1234", "decimal(18,3)");
    expect_type("1.1234567", "double");
    expect_type("123456789012345678.5", "double");
    expect_type("1e5;2", "double");
    expect_type("1;x", "text");
    expect_type("true;FALSE", "boolean");
    expect_type("true;1", "text");
    expect_type("yes;no", "text");
    expect_type("2024-01-31;2024-02-29", "date");
    expect_type("2024-01-31;2024-02-29 10:00:00", "timestamp");
    expect_type("2023-02-29", "text");
    expect_type("nan;inf", "text");
    expect_type("1.;.5", "double");
}

/* --- schemas --------------------------------------------------------------------------------- */

struct fixture {
    struct qn_arena arena;
    struct qn_err err;
    struct qn_source_info info;
    struct qn_source_options options;
    char *files[4];
    const char *paths[4];
};

static void begin(struct fixture *f)
{
    *f = (struct fixture){.options = options_for(NULL, 0)};
    f->options.paths = f->paths;
    qn_arena_init(&f->arena);
}

static void add_file(struct fixture *f, const char *suffix, const char *text)
{
    uint32_t i = f->options.n_paths++;
    f->paths[i] = f->files[i] = make_file(suffix, qn_strv_from(text));
}

static void end(struct fixture *f)
{
    for (uint32_t i = 0; i < f->options.n_paths; i++)
        drop_file(f->files[i]);
    qn_arena_fini(&f->arena);
}

static void schema_text(const struct qn_schema *schema, char *out)
{
    char type[QN_TYPE_NAME];
    for (uint32_t i = 0; i < schema->n_fields; i++)
        out += sprintf(out, "%s%s %s", i ? ", " : "", schema->fields[i].name,
                       qn_type_name(schema->fields[i].type, type));
}

static void expect_schema(const char *text, const char *expected)
{
    struct fixture f;
    begin(&f);
    add_file(&f, ".csv", text);
    assert_ok(ops->inspect(&f.options, &f.arena, &f.info, &f.err), &f.err);
    char got[1024];
    schema_text(&f.info.schema, got);
    assert_string_equal(got, expected);
    end(&f);
}

static void test_sniffing(void **state)
{
    (void)state;
    expect_schema("a,b\n1,2\n", "a integer, b integer");
    expect_schema("a;b\n1,5;2\n2,5;3\n", "a text, b integer");
    expect_schema("a\tb\nx y\t2\n", "a text, b integer");
    expect_schema("1|2\n3|4\n", "column0 integer, column1 integer");
    expect_schema("name,city\nann,rome\n", "name text, city text");
    expect_schema("x,x\nx,x\n", "column0 text, column1 text");
    expect_schema("\xEF\xBB\xBFid,n\n1,x\n", "id integer, n text");
    expect_schema("a title\n\nid,n\n1,x\n2,y\n", "id integer, n text");
    expect_schema("# note\nid;n\n1;x\n# note\n2;y\n", "id integer, n text");
    expect_schema("a,a,A,a_1,\n1,2,3,4,5\n",
                  "a integer, a_1 integer, A_2 integer, a_1_1 integer, column4 integer");
    expect_schema(",,\n1,2,x\n", "column0 integer, column1 integer, column2 text");
    expect_schema("id,'t'\n1,'a,b'\n2,'c'\n", "id integer, t text");
    expect_schema("a b, c \n1,2\n", "a b integer,  c  integer");
    expect_schema("a\n1\n\n3\n", "a integer");
    expect_schema("\n\n", "column0 text");
}

static void expect_error(struct fixture *f, const char *expected)
{
    assert_int_not_equal(ops->inspect(&f->options, &f->arena, &f->info, &f->err), QN_OK);
    char got[1024], place[64], wanted[600];
    f->err.n_frames = 0;
    qn_err_format(&f->err, got, sizeof got);
    const char *last = f->files[f->options.n_paths - 1];
    snprintf(place, sizeof place, "%s", last);
    snprintf(wanted, sizeof wanted, "%s%s", place, expected);
    assert_string_equal(got, wanted);
    end(f);
}

static void test_errors_name_the_place(void **state)
{
    (void)state;
    static const struct qn_column_decl columns[] = {{.name = "total", .type = {.id = QN_DOUBLE}},
                                                    {.name = "n", .type = {.id = QN_INT64}}};
    struct fixture f;
    begin(&f);
    add_file(&f, ".csv", "# c\nid,Totl\n1,2\n");
    f.options.columns = columns;
    f.options.n_columns = 1;
    f.options.header = 1;
    f.options.comment = '#';
    expect_error(&f,
                 ":2:1: column 'total' is declared but not in the header; did you mean 'Totl'?");
    begin(&f);
    add_file(&f, ".csv", "a,b\n1,2\n");
    add_file(&f, ".csv", "a,c\n1,2\n");
    expect_error(&f, ":1:3: header differs from the first file's: column 'c' is not expected");
    begin(&f);
    add_file(&f, ".csv", "a,b\n1,2\n");
    add_file(&f, ".csv", "b\n1\n");
    expect_error(&f,
                 ":1:3: header differs from the first file's: expected column 'a', found 1 of 2 "
                 "columns without it");
    begin(&f);
    add_file(&f, ".csv", "\n");
    f.options.header = 1;
    expect_error(&f, ":1:1: expected a header line, found none");
    begin(&f);
    add_file(&f, ".csv", "");
    expect_error(&f, ": file is empty and no columns are declared");
    begin(&f);
    add_file(&f, ".csv", "1,2\n");
    f.options.header = 0;
    f.options.columns = columns;
    f.options.n_columns = 2;
    f.options.delimiter = ';';
    expect_error(&f, ":1:1: expected 2 fields, as many as columns are declared, got 1");
    begin(&f);
    add_file(&f, ".csv", "\x1F\x8B\x08 packed");
    expect_error(&f, ":1:1: expected CSV text in UTF-8, found gzip data (gunzip first)");
    begin(&f);
    add_file(&f, ".csv", "a,b\n1,\"x\"y\n");
    f.options.encoding = "utf-32";
    assert_int_equal(ops->inspect(&f.options, &f.arena, &f.info, &f.err), QN_ENOTSUP);
    end(&f);
}

static void test_missing_file(void **state)
{
    (void)state;
    const char *const paths[] = {"no-such-file.csv"}, *const folder[] = {"."};
    struct qn_source_options options = options_for(paths, 1);
    struct qn_arena arena;
    struct qn_source_info info;
    struct qn_err err = {0};
    qn_arena_init(&arena);
    assert_int_equal(ops->inspect(&options, &arena, &info, &err), QN_ENOTFOUND);
    options.paths = folder;
    assert_int_equal(ops->inspect(&options, &arena, &info, &err), QN_EINPUT);
    qn_arena_fini(&arena);
}

/* Columns by name whatever their order; what is not declared is inferred. */
static void test_column_order_by_file(void **state)
{
    (void)state;
    static const struct qn_column_decl columns[] = {{.name = "b", .type = {.id = QN_TEXT}}};
    struct fixture f;
    begin(&f);
    add_file(&f, ".csv", "a,b,c\n1,2,x\n");
    add_file(&f, ".csv", "c,a,b\ny,3,4\nz,q,5\n");
    f.options.columns = columns;
    f.options.n_columns = 1;
    f.options.header = 1;
    assert_ok(ops->inspect(&f.options, &f.arena, &f.info, &f.err), &f.err);
    struct reading reading;
    reading_init(&reading);
    assert_ok(read_source(ops, f.options, &f.info, 3, false, &reading, &f.err), &f.err);
    assert_string_equal(reading_text(&reading.rows),
                        "0:6 |1| |2| |x|\n1:6 |3| |4| |y|\n1:12 |q| |5| |z|\n");
    reading_fini(&reading);
    end(&f);
}

/* --- files without a byte -------------------------------------------------------------------- */

static void expect_rows(struct fixture *f, const char *expected)
{
    static const uint64_t sizes[] = {1, QN_DEFAULT_CHUNK_BYTES};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct reading reading;
        reading_init(&reading);
        assert_ok(read_source(ops, f->options, &f->info, sizes[i], true, &reading, &f->err),
                  &f->err);
        assert_string_equal(reading_text(&reading.rows), expected);
        assert_string_equal(reading_text(&reading.rejects), "");
        reading_fini(&reading);
    }
}

/* They give no rows wherever they stand, and the first file that has some tells the columns. */
static void test_empty_files(void **state)
{
    (void)state;
    for (int header = -1; header <= 1; header += 2) {
        struct fixture f;
        begin(&f);
        add_file(&f, ".csv", "");
        add_file(&f, ".csv", "a,b\n1,x\n");
        add_file(&f, ".csv", "\xEF\xBB\xBF");
        add_file(&f, ".csv", "b,a\ny,2\n");
        f.options.header = header;
        assert_ok(ops->inspect(&f.options, &f.arena, &f.info, &f.err), &f.err);
        char got[1024];
        schema_text(&f.info.schema, got);
        assert_string_equal(got, "a integer, b text");
        assert_string_equal(f.info.told_by, f.files[1]);
        assert_string_equal(f.info.first_empty, f.files[0]);
        assert_int_equal(f.info.n_empty, 2);
        expect_rows(&f, "1:4 line 2 <1,x> |1| |x|\n3:4 line 2 <y,2> |2| |y|\n");
        end(&f);
    }
    struct fixture f;
    begin(&f);
    add_file(&f, ".csv", "\xEF\xBB\xBF");
    add_file(&f, ".csv", "1,2\n");
    add_file(&f, ".csv", "");
    f.options.header = 0;
    assert_ok(ops->inspect(&f.options, &f.arena, &f.info, &f.err), &f.err);
    expect_rows(&f, "1:0 line 1 <1,2> |1| |2|\n");
    end(&f);
}

static void test_nothing_but_empty_files(void **state)
{
    (void)state;
    static const struct qn_column_decl columns[] = {{.name = "n", .type = {.id = QN_INT64}},
                                                    {.name = "t", .type = {.id = QN_TEXT}}};
    struct fixture f;
    for (int header = -1; header <= 0; header++) {
        begin(&f);
        add_file(&f, ".csv", "");
        add_file(&f, ".csv", "\xEF\xBB\xBF");
        f.options.columns = columns;
        f.options.n_columns = 2;
        f.options.header = header;
        assert_ok(ops->inspect(&f.options, &f.arena, &f.info, &f.err), &f.err);
        char got[1024];
        schema_text(&f.info.schema, got);
        assert_string_equal(got, "n integer, t text");
        assert_int_equal(f.info.n_empty, 2);
        expect_rows(&f, "");
        end(&f);
    }
    begin(&f);
    add_file(&f, ".csv", "");
    f.options.columns = columns;
    f.options.n_columns = 2;
    f.options.header = 1; /* demanded, and not there */
    expect_error(&f, ":1:1: expected a header line, found none");
    begin(&f);
    add_file(&f, ".csv", "");
    add_file(&f, ".csv", "\xEF\xBB\xBF");
    expect_error(&f, ": all 2 files are empty and no columns are declared");
    begin(&f);
    add_file(&f, ".csv", "\xEF\xBB\xBF");
    add_file(&f, ".csv", "# c\n");
    f.options.comment = '#';
    f.options.header = 1;
    expect_error(&f, ":1:1: expected a header line, found none");
}

/* The mark of an empty file is one of its encoding, and must be that of the others. */
static void test_empty_file_of_another_encoding(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    add_file(&f, ".csv", "a,b\n1,2\n");
    add_file(&f, ".csv", "\xFF\xFE");
    expect_error(&f, ":1:1: expected CSV text in UTF-8, found UTF-16 text (iconv -f UTF-16 -t "
                     "UTF-8 first)");
    begin(&f);
    add_file(&f, ".csv", "\xFF\xFE");
    add_file(&f, ".csv", "a,b\n1,2\n");
    assert_int_equal(ops->inspect(&f.options, &f.arena, &f.info, &f.err), QN_ENOTSUP);
    end(&f);
    begin(&f);
    add_file(&f, ".csv", "\xFF\xFE");
    static const struct qn_column_decl columns[] = {{.name = "n", .type = {.id = QN_INT64}}};
    f.options.columns = columns;
    f.options.n_columns = 1;
    assert_ok(ops->inspect(&f.options, &f.arena, &f.info, &f.err), &f.err);
    expect_rows(&f, "");
    end(&f);
}

/* --- dialect --------------------------------------------------------------------------------- */

static void test_dialect_is_checked(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    add_file(&f, ".csv", "a,b\n1,2\n");
    add_file(&f, ".csv", "b,a\n1,2\n");
    static const char *const nulls[] = {"NA", ""};
    f.options.null_values = nulls;
    f.options.n_null_values = 2;
    assert_ok(ops->inspect(&f.options, &f.arena, &f.info, &f.err), &f.err);
    struct qn_csv_dialect dialect;
    struct qn_strv good = f.info.dialect;
    assert_ok(qn_csv_dialect_unpack(good, 2, &f.arena, &dialect, &f.err), &f.err);
    assert_int_equal(dialect.nulls[1].n, 2);
    assert_int_equal(dialect.n_orders, 1);
    assert_int_equal(dialect.orders[0].field_of[0], 1);
    assert_int_equal(qn_csv_dialect_unpack(good, 3, &f.arena, &dialect, &f.err), QN_EWIRE);
    for (size_t len = 0; len < good.len; len++)
        assert_int_equal(
            qn_csv_dialect_unpack((struct qn_strv){good.data, len}, 2, &f.arena, &dialect, &f.err),
            QN_EWIRE);
    char *bytes = malloc(good.len);
    for (size_t i = 0; i < good.len * 256; i++) { /* any byte, any value: refused or usable */
        memcpy(bytes, good.data, good.len);
        bytes[i / 256] = (char)(i % 256);
        qn_code code =
            qn_csv_dialect_unpack((struct qn_strv){bytes, good.len}, 2, &f.arena, &dialect, &f.err);
        assert_true(code == QN_EWIRE || qn_csv_dialect_complaint(&dialect) == NULL);
    }
    free(bytes);
    end(&f);
}

/* --- real files ------------------------------------------------------------------------------ */

static bool data_file(char path[600], const char *name)
{
    const char *root = getenv("QUERN_DATA");
    snprintf(path, 600, "%s/%s", root ? root : "", name);
    if (root && access(path, R_OK) == 0)
        return true;
    fprintf(stderr, "SKIPPED: no %s (QUERN_DATA is the folder of test data)\n", path);
    return false;
}

static void read_real(const char *path, struct fixture *f, struct reading *reading)
{
    f->paths[0] = path;
    f->options.n_paths = 1;
    assert_ok(ops->inspect(&f->options, &f->arena, &f->info, &f->err), &f->err);
    reading_init(reading);
    assert_ok(read_source(ops, f->options, &f->info, 100000, false, reading, &f->err), &f->err);
    f->options.n_paths = 0;
}

static unsigned count(const char *text, const char *what)
{
    unsigned n = 0;
    for (const char *at = text; (at = strstr(at, what)); at += strlen(what))
        n++;
    return n;
}

static void test_telco(void **state)
{
    (void)state;
    char path[600];
    if (!data_file(path, "telco-churn/WA_Fn-UseC_-Telco-Customer-Churn.csv"))
        skip();
    struct fixture f;
    struct reading reading;
    begin(&f);
    read_real(path, &f, &reading);
    int32_t total = qn_schema_find(&f.info.schema, QN_STRV_LIT("TotalCharges"));
    assert_true(total >= 0);
    char type[QN_TYPE_NAME];
    assert_string_equal(qn_type_name(f.info.schema.fields[total].type, type), "decimal(18,2)");
    assert_int_equal(reading.n_rows, 7043);
    assert_int_equal(reading.n_rejects, 0);
    assert_int_equal(reading.n_lines, 7044);
    assert_int_equal(count(reading_text(&reading.rows), " NULL"), 11); /* blank TotalCharges */
    reading_fini(&reading);
    end(&f);
}

static void test_bank_churn(void **state)
{
    (void)state;
    char path[600];
    if (!data_file(path, "bank-churn/Churn_Modelling.cut-short.csv"))
        skip();
    struct fixture f;
    struct reading reading;
    begin(&f);
    read_real(path, &f, &reading);
    assert_int_equal(f.info.schema.n_fields, 14);
    assert_int_equal(reading.n_rows, 9749);
    const char *rejects = reading_text(&reading.rejects);
    assert_int_equal(count(rejects, "\n"), 1);
    assert_non_null(strstr(rejects, " line 9751 () columns: expected 14 fields, got 12 "
                                    "<9750,15767594,Azubuike,"));
    reading_fini(&reading);
    end(&f);
}

/* 219 files under one schema: what is inferred from the sample holds for all of them. */
static void test_retail(void **state)
{
    (void)state;
    char path[600], pattern[700], got[1024];
    if (!data_file(path, "online-retail/by-day"))
        skip();
    snprintf(pattern, sizeof pattern, "%s/*.csv", path);
    glob_t found;
    assert_int_equal(glob(pattern, 0, NULL, &found), 0);
    struct fixture f;
    struct reading reading;
    begin(&f);
    f.options.paths = (const char *const *)found.gl_pathv;
    f.options.n_paths = (uint32_t)found.gl_pathc;
    assert_ok(ops->inspect(&f.options, &f.arena, &f.info, &f.err), &f.err);
    schema_text(&f.info.schema, got);
    assert_string_equal(got, "InvoiceNo text, StockCode text, Description text, Quantity integer, "
                             "InvoiceDate timestamp, UnitPrice decimal(18,3), "
                             "CustomerID decimal(18,1), Country text");
    reading_init(&reading);
    assert_ok(read_source(ops, f.options, &f.info, 50000, false, &reading, &f.err), &f.err);
    assert_int_equal(reading.n_rows, 320705);
    assert_int_equal(reading.n_rejects, 0);
    reading_fini(&reading);
    f.options.n_paths = 0;
    globfree(&found);
    end(&f);
}

int main(void)
{
    ops = qn_source_find("csv");
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_types_from_values),
                                       cmocka_unit_test(test_sniffing),
                                       cmocka_unit_test(test_errors_name_the_place),
                                       cmocka_unit_test(test_missing_file),
                                       cmocka_unit_test(test_column_order_by_file),
                                       cmocka_unit_test(test_empty_files),
                                       cmocka_unit_test(test_nothing_but_empty_files),
                                       cmocka_unit_test(test_empty_file_of_another_encoding),
                                       cmocka_unit_test(test_dialect_is_checked),
                                       cmocka_unit_test(test_telco),
                                       cmocka_unit_test(test_bank_churn),
                                       cmocka_unit_test(test_retail)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
