/* A spec read into its struct: values, params, what is usable, and how long it takes. (What is said
 * of wrong ones: golden/spec.) */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/support/spec.h"

static const char page[] =
    "version: 1\n"
    "name: shop\n"
    "seed: 42\n"
    "params: {folder: data, share: 0.2, must: }\n"
    "sources:\n"
    "  orders:\n"
    "    path: [\"${param:folder}/orders.csv\", more/*.csv]\n"
    "    format: csv\n"
    "    delimiter: \"\\t\"\n"
    "    quote: \"\"\n"
    "    header: false\n"
    "    encoding: latin-1\n"
    "    skip_rows: 2\n"
    "    chunk_size: 1MiB\n"
    "    on_malformed: skip\n"
    "    null_values: NA\n"
    "    columns:\n"
    "      - {name: id, type: integer, data_tests: [not_null]}\n"
    "      - {name: \"Amount due\", type: \"decimal(10,2)\", null_values: [\"\", NULL, ~]}\n"
    "jobs:\n"
    "  clean:\n"
    "    kind: etl\n"
    "    from: orders\n"
    "    filter: id > 0 and note <> '$${x}'\n"
    "    derive: {a: id + 1, b: id * 2}\n"
    "    into: clean\n"
    "  model: {kind: train, from: clean, label: a, test: \"${param:share}\"}\n";

static struct qn_spec read_good(const char *text, const struct qn_setting *settings, uint32_t n)
{
    struct qn_spec spec;
    qn_code code = fake_read(&spec, qn_strv_from(text), settings, n);
    if (code != QN_OK) {
        struct qn_buf out;
        qn_buf_init(&out);
        qn_diags_render(&spec.diags, &out, false);
        fprintf(stderr, "%.*s", (int)out.len, (const char *)out.data);
        qn_buf_fini(&out);
    }
    assert_int_equal(code, QN_OK);
    return spec;
}

static void fills_the_struct(void **state)
{
    (void)state;
    struct qn_spec spec = read_good(page, NULL, 0);
    assert_string_equal(spec.name, "shop");
    assert_int_equal(spec.seed, 42);
    assert_string_equal(spec.folder, "/specs");
    assert_string_equal(spec.warehouse, "/specs/shop.db");
    assert_int_equal(strlen(spec.sha256), 64);
    assert_int_equal(spec.n_sources, 1);
    assert_true(spec.sources[0].usable);
    const struct qn_source_options *options = &spec.sources[0].options;
    assert_string_equal(options->name, "orders");
    assert_string_equal(options->format, "csv");
    assert_int_equal(options->delimiter, '\t');
    assert_true(options->no_quote);
    assert_int_equal(options->header, 0);
    assert_string_equal(options->encoding, "latin-1");
    assert_int_equal(options->skip_rows, 2);
    assert_int_equal(options->chunk_bytes, 1 << 20);
    assert_int_equal(options->on_malformed, QN_MALFORMED_SKIP);
    assert_int_equal(options->n_null_values, 1);
    assert_string_equal(options->null_values[0], "NA");
    assert_int_equal(options->n_columns, 2);
    assert_int_equal(options->columns[0].type.id, QN_INT64);
    assert_null(options->columns[0].null_values);
    assert_string_equal(options->columns[1].name, "Amount due");
    assert_int_equal(options->columns[1].n_null_values, 3);
    assert_string_equal(options->columns[1].null_values[1], "NULL");
    assert_string_equal(options->columns[1].null_values[2], "~");
    assert_int_equal(options->columns[1].span.line, 19);
    assert_int_equal(spec.n_jobs, 2);
    assert_string_equal(spec.jobs[0].name, "clean");
    assert_ptr_equal(spec.jobs[0].ops, &fake_etl_ops);
    assert_string_equal(qn_node_text(qn_node_get(spec.jobs[0].node, "filter"), ""),
                        "id > 0 and note <> '${x}'");
    assert_true(qn_node_f64(qn_node_get(spec.jobs[1].node, "test"), 0) > 0.19);
    qn_spec_fini(&spec);
}

static void leaves_out_what_the_spec_leaves_out(void **state)
{
    (void)state;
    struct qn_spec spec = read_good("version: 1\nname: a\nwarehouse: /w/x.db\n"
                                    "sources: {s: {path: x.csv}}\njobs: {j: {kind: etl, from: s}}",
                                    NULL, 0);
    const struct qn_source_options *options = &spec.sources[0].options;
    assert_string_equal(spec.warehouse, "/w/x.db");
    assert_int_equal(spec.seed, 0);
    assert_null(options->format);
    assert_int_equal(options->delimiter, 0);
    assert_false(options->no_quote);
    assert_int_equal(options->header, -1);
    assert_int_equal(options->skip_rows, -1);
    assert_int_equal(options->chunk_bytes, 0);
    assert_int_equal(options->on_malformed, QN_MALFORMED_QUARANTINE);
    assert_null(options->columns);
    assert_null(options->null_values);
    qn_spec_fini(&spec);
}

static void settings_override_params(void **state)
{
    (void)state;
    struct qn_setting settings[] = {{"folder", "a"}, {"folder", "/else where"}, {"must", "x"}};
    struct qn_spec spec = read_good(page, settings, 3);
    assert_string_equal(qn_node_text(&spec.sources[0].path->items[0], ""),
                        "/else where/orders.csv");
    assert_int_equal(spec.n_settings, 2);
    assert_string_equal(spec.settings[0].value, "/else where");
    qn_spec_fini(&spec);
}

static void the_hash_is_of_all_that_matters(void **state)
{
    (void)state;
    struct qn_setting ab[] = {{"folder", "a"}, {"must", "b"}};
    struct qn_setting ba[] = {{"must", "b"}, {"folder", "a"}};
    struct qn_setting joined[] = {{"folder", "amust"}, {"must", "b"}};
    struct qn_spec none = read_good(page, NULL, 0), one = read_good(page, ab, 2);
    struct qn_spec same = read_good(page, ba, 2), other = read_good(page, joined, 2);
    assert_string_equal(one.sha256, same.sha256);
    assert_string_not_equal(one.sha256, none.sha256);
    assert_string_not_equal(one.sha256, other.sha256);
    qn_spec_fini(&none);
    qn_spec_fini(&one);
    qn_spec_fini(&same);
    qn_spec_fini(&other);
}

/* What came from the environment goes along, so that a worker elsewhere reads the same. */
static void pins_the_environment(void **state)
{
    (void)state;
    static const char text[] =
        "version: 1\nname: a\nsources: {s: {path: \"${env:QN_TEST_X}.csv\"}}\n"
        "jobs: {j: {kind: etl, from: s}}";
    assert_int_equal(setenv("QN_TEST_X", "here", 1), 0);
    struct qn_spec spec = read_good(text, NULL, 0);
    assert_int_equal(spec.n_settings, 1);
    assert_string_equal(spec.settings[0].key, "env:QN_TEST_X");
    assert_int_equal(setenv("QN_TEST_X", "elsewhere", 1), 0);
    struct qn_spec again = read_good(text, spec.settings, spec.n_settings);
    assert_string_equal(qn_node_text(again.sources[0].path, ""), "here.csv");
    assert_string_equal(spec.sha256, again.sha256);
    struct qn_spec moved = read_good(text, NULL, 0);
    assert_string_not_equal(spec.sha256, moved.sha256);
    qn_spec_fini(&spec);
    qn_spec_fini(&again);
    qn_spec_fini(&moved);
    unsetenv("QN_TEST_X");
}

/* A job is compiled only where what is wrong with it has no consequences. */
static void holds_back_what_would_be_misread(void **state)
{
    (void)state;
    struct qn_spec spec;
    qn_code code = fake_read(
        &spec,
        qn_strv_from("version: 1\nname: a\n"
                     "sources:\n"
                     "  slip: {path: x.csv, heder: true, skip_rows: x}\n"
                     "  bad: {path: x.csv, columns: x}\n"
                     "jobs:\n"
                     "  slip: {kind: etl, from: x, fliter: a, data_tests: [nope], other: 1}\n"
                     "  misspelt: {kind: etl, from: x, deriv: {a: b}}\n"
                     "  lacks: {kind: etl}\n"
                     "  shape: {kind: etl, from: x, drop: {a: b}}\n"
                     "  kind: {kind: what}\n"),
        NULL, 0);
    assert_int_equal(code, QN_EINPUT);
    assert_true(spec.sources[0].usable);
    assert_false(spec.sources[1].usable);
    assert_non_null(spec.jobs[0].ops); /* slip */
    assert_null(spec.jobs[1].ops);     /* misspelt */
    assert_non_null(spec.jobs[2].ops); /* lacks: what else is wrong with it is said too */
    assert_null(spec.jobs[3].ops);
    assert_null(spec.jobs[4].ops);
    assert_int_equal(spec.diags.n_errors, 11);
    qn_spec_fini(&spec);
}

static void reads_a_file_and_finds_its_folder(void **state)
{
    (void)state;
    char folder[] = "/tmp/quern-spec-XXXXXX", path[64];
    struct qn_spec spec;
    struct qn_err err = {0};
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/a.yaml", folder);
    FILE *file = fopen(path, "w");
    fputs("version: 1\nname: a\nsources: {s: {path: .}}\njobs: {j: {kind: etl, from: s}}", file);
    fclose(file);
    snprintf(path, sizeof path, "%s/./a.yaml", folder);
    assert_ok(qn_spec_read(&spec, path, (struct qn_strv){0}, NULL, NULL, 0, fake_kinds,
                           fake_formats, &err),
              &err);
    assert_string_equal(spec.folder, folder);
    assert_false(qn_spec_resolve_paths(&spec, &spec.sources[0])); /* no data in it */
    qn_spec_fini(&spec);
    unlink(path);
    rmdir(folder);
    assert_int_equal(qn_spec_read(&spec, path, (struct qn_strv){0}, NULL, NULL, 0, fake_kinds,
                                  fake_formats, &err),
                     QN_EIO);
    qn_spec_fini(&spec);
}

static void touch(const char *folder, const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
}

static void finds_files_sorted_and_once(void **state)
{
    (void)state;
    static const char *const names[] = {"b.csv",     "a.csv",       "B.csv",
                                        "notes.txt", ".hidden.csv", "x[1].csv"};
    char folder[] = "/tmp/quern-[spec]-XXXXXX", path[64];
    struct qn_spec spec;
    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        touch(folder, names[i]);
    struct qn_strv text =
        QN_STRV_LIT("version: 1\nname: a\nsources:\n"
                    "  all: {path: .}\n"
                    "  glob: {path: \"?.csv\"}\n"
                    "  odd: {path: [\"x[1].csv\", \"./a.csv\", a.csv, \"*.txt\"]}\n"
                    "jobs: {j: {kind: etl, from: all}}");
    assert_int_equal(
        qn_spec_read(&spec, "spec.yaml", text, folder, NULL, 0, fake_kinds, fake_formats, NULL),
        QN_OK);
    static const char *const wanted[3][5] = {{"B.csv", "a.csv", "b.csv", "x[1].csv"},
                                             {"B.csv", "a.csv", "b.csv"},
                                             {"a.csv", "notes.txt", "x[1].csv"}};
    for (uint32_t s = 0; s < 3; s++) {
        const struct qn_source_options *options = &spec.sources[s].options;
        assert_true(qn_spec_resolve_paths(&spec, &spec.sources[s]));
        for (uint32_t i = 0; i < options->n_paths; i++) {
            assert_non_null(wanted[s][i]);
            snprintf(path, sizeof path, "%s/%s", folder, wanted[s][i]);
            assert_string_equal(options->paths[i], path);
        }
        assert_null(wanted[s][options->n_paths]);
    }
    qn_spec_fini(&spec);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
}

/* Measured at about 0.1 ms in a Release build; the bound leaves room for sanitizers. */
static void reads_a_page_in_no_time(void **state)
{
    (void)state;
    enum { ROUNDS = 100 };
    struct qn_spec spec;
    int64_t begin = qn_clock_us();
    for (int i = 0; i < ROUNDS; i++) {
        assert_int_equal(fake_read(&spec, qn_strv_from(page), NULL, 0), QN_OK);
        qn_spec_fini(&spec);
    }
    double each_ms = (double)(qn_clock_us() - begin) / 1e3 / ROUNDS;
    fprintf(stderr, "a spec of %zu bytes is read in %.3f ms\n", strlen(page), each_ms);
    assert_true(each_ms < 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills_the_struct),
        cmocka_unit_test(leaves_out_what_the_spec_leaves_out),
        cmocka_unit_test(settings_override_params),
        cmocka_unit_test(the_hash_is_of_all_that_matters),
        cmocka_unit_test(pins_the_environment),
        cmocka_unit_test(holds_back_what_would_be_misread),
        cmocka_unit_test(reads_a_file_and_finds_its_folder),
        cmocka_unit_test(finds_files_sorted_and_once),
        cmocka_unit_test(reads_a_page_in_no_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
