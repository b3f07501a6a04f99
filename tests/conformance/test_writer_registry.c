/* What every format of the writers' registry must hold: how rows are cut into batches does not
 * matter, segments join to one file, a file is taken apart again, and where there is a source of
 * the same format, every value comes back as it was. */
#include <fcntl.h>
#include <math.h>
#include <sys/stat.h>

#include "flow/value.h"
#include "flow/writer.h"
#include "tests/support/sources.h"
#include "tests/unit/wire/random.h"

static const struct qn_field fields[] = {
    {"flag", {.id = QN_BOOL}},           {"id", {.id = QN_INT64}},
    {"ratio", {.id = QN_DOUBLE}},        {"price", {.id = QN_DECIMAL, .precision = 18, .scale = 4}},
    {"Full, \"Name\"", {.id = QN_TEXT}}, {"day", {.id = QN_DATE}},
    {"at", {.id = QN_TIMESTAMP}},        {"note", {.id = QN_TEXT}},
};
enum { N_FIELDS = sizeof fields / sizeof *fields, N_ROWS = 3000, N_SEGMENTS = 3 };
static const struct qn_schema schema = {fields, N_FIELDS};

/* --- rows ------------------------------------------------------------------------------------ */

static double random_double(struct random *random)
{
    static const double corners[] = {0.0,  -0.0,    0.1,    1e15,   1e16,    123456.789, 1e-5,
                                     1e-4, 5e-324,  1e300,  -1e300, 2.0 / 3, 0x1p53,     -7.0,
                                     1e22, 1.5e-10, 0x1p-3, 100.0,  4.35,    0.3};
    union {
        uint64_t bits;
        double value;
    } any = {.bits = random_next(random)};
    switch (random_below(random, 4)) {
    case 0: return corners[random_below(random, sizeof corners / sizeof *corners)];
    case 1: return (double)(int64_t)random_below(random, 2000000) / 100 - 10000;
    case 2: return (double)(int64_t)(random_u64(random) >> 1) / 1000;
    default: return isfinite(any.value) ? any.value : 1.0;
    }
}

static struct qn_strv random_text(struct random *random, char room[64])
{
    static const char *const words[] = {"",       " ",      "a,b",  "say \"hi\"", "line\nend",
                                        "cr\r",   "Grüße",  "日本", "🌲",          "NULL",
                                        "null",   "'x'",    "#1",   "\\",         "\\\"",
                                        "\x7f",   "\x01\t", "true", "007",        "-",
                                        "  pad ", "a\\",    "\"",   "{\"k\":1}",  "\xEF\xBB\xBFx"};
    if (random_below(random, 3))
        return qn_strv_from(words[random_below(random, sizeof words / sizeof *words)]);
    size_t n = (size_t)random_below(random, 64);
    for (size_t i = 0; i < n; i++)
        room[i] = (char)(' ' + random_below(random, 95));
    return (struct qn_strv){room, n};
}

static void random_row(struct random *random, struct qn_batch_builder *rows)
{
    const int64_t days = qn_days_from_civil(9999, 12, 31) - qn_days_from_civil(1, 1, 1);
    const int64_t first = qn_days_from_civil(1, 1, 1), day_us = INT64_C(86400000000);
    char room[64];
    for (uint32_t c = 0; c < N_FIELDS; c++) {
        if (random_below(random, 7) == 0)
            continue; /* NULL */
        int64_t day = first + (int64_t)random_below(random, (uint64_t)days);
        switch ((enum qn_type_id)fields[c].type.id) {
        case QN_BOOL: qn_builder_bool(rows, c, random_below(random, 2)); break;
        case QN_INT64: qn_builder_i64(rows, c, (int64_t)random_u64(random)); break;
        case QN_DOUBLE: qn_builder_f64(rows, c, random_double(random)); break;
        case QN_DECIMAL:
            qn_builder_i64(rows, c, (int64_t)random_below(random, UINT64_C(1000000000000000000)));
            break;
        case QN_TEXT: qn_builder_text(rows, c, random_text(random, room)); break;
        case QN_DATE: qn_builder_i64(rows, c, day); break;
        case QN_TIMESTAMP:
            qn_builder_i64(rows, c,
                           day * day_us + (int64_t)random_below(random, 86400) * 1000000 +
                               (int64_t)random_below(random, 3) * 1234);
            break;
        }
    }
    assert_int_equal(qn_builder_row(rows, NULL), QN_OK);
}

static struct qn_batch_builder *random_rows(uint64_t seed, uint32_t n)
{
    struct random random = {seed};
    struct qn_batch_builder *rows;
    assert_int_equal(qn_builder_new(&schema, &rows, NULL), QN_OK);
    for (uint32_t i = 0; i < n; i++)
        random_row(&random, rows);
    return rows;
}

/* --- files ----------------------------------------------------------------------------------- */

/* A file of N_SEGMENTS segments, each written in batches of `step` rows. */
static void write_file(const struct qn_writer_ops *ops, const struct qn_batch *all, uint32_t step,
                       struct qn_buf *file)
{
    struct qn_writer_options options = {0};
    struct qn_segment segments[N_SEGMENTS];
    struct qn_buf metas[N_SEGMENTS];
    struct qn_writer *writer;
    struct qn_arena arena;
    struct qn_err err = {0};
    qn_arena_init(&arena);
    assert_ok(ops->head(&schema, &options, file, &err), &err);
    assert_ok(ops->open(&schema, &options, &writer, &err), &err);
    for (uint32_t s = 0; s < N_SEGMENTS; s++) {
        uint32_t at = all->n_rows * s / N_SEGMENTS, end = all->n_rows * (s + 1) / N_SEGMENTS;
        size_t before = file->len;
        segments[s] = (struct qn_segment){.rows = end - at};
        qn_buf_init(&metas[s]);
        while (at < end) {
            uint32_t rows[N_ROWS], n = end - at < step ? end - at : step;
            struct qn_batch batch;
            for (uint32_t i = 0; i < n; i++)
                rows[i] = at + i;
            assert_ok(qn_batch_take(&arena, all, rows, n, &batch, &err), &err);
            assert_ok(ops->write(writer, &batch, file, &err), &err);
            at += n;
        }
        assert_ok(ops->finish(writer, file, &metas[s], &err), &err);
        segments[s].bytes = file->len - before;
        segments[s].meta = qn_buf_strv(&metas[s]);
    }
    ops->close(writer);
    assert_ok(ops->tail(&schema, &options, segments, N_SEGMENTS, file, &err), &err);
    for (uint32_t s = 0; s < N_SEGMENTS; s++)
        qn_buf_fini(&metas[s]);
    qn_arena_fini(&arena);
}

static void how_rows_are_cut_into_batches_does_not_matter(void **state)
{
    (void)state;
    for (const struct qn_writer_ops *const *ops = qn_writer_all(); *ops; ops++) {
        struct qn_batch_builder *rows = random_rows(1, N_ROWS);
        struct qn_batch all;
        struct qn_buf one, other;
        qn_builder_batch(rows, &all);
        qn_buf_init(&one);
        write_file(*ops, &all, N_ROWS, &one);
        for (uint32_t step = 1; step < N_ROWS; step = step * 7 + 6) {
            qn_buf_init(&other);
            write_file(*ops, &all, step, &other);
            assert_true(qn_strv_eq(qn_buf_strv(&one), qn_buf_strv(&other)));
            qn_buf_fini(&other);
        }
        qn_buf_fini(&one);
        qn_builder_free(rows);
    }
}

/* A file taken as one segment and joined alone is the same file. */
static void files_are_taken_apart_again(void **state)
{
    (void)state;
    struct qn_writer_options options = {0};
    struct qn_err err = {0};
    for (const struct qn_writer_ops *const *ops = qn_writer_all(); *ops; ops++) {
        if (!(*ops)->unwrap)
            continue;
        struct qn_batch_builder *rows = random_rows(2, N_ROWS);
        struct qn_batch all;
        struct qn_buf file, again, meta;
        qn_buf_init(&file);
        qn_buf_init(&again);
        qn_buf_init(&meta);
        qn_builder_batch(rows, &all);
        write_file(*ops, &all, 500, &file);
        struct qn_unwrapped at;
        assert_ok((*ops)->unwrap(qn_buf_strv(&file), &schema, &options, &at, &meta, &err), &err);
        assert_true(at.offset + at.bytes <= file.len);
        struct qn_segment segment = {at.bytes, N_ROWS, qn_buf_strv(&meta)};
        assert_ok((*ops)->head(&schema, &options, &again, &err), &err);
        qn_buf_put(&again, file.data + at.offset, (size_t)at.bytes);
        assert_ok((*ops)->tail(&schema, &options, &segment, 1, &again, &err), &err);
        assert_true(qn_strv_eq(qn_buf_strv(&file), qn_buf_strv(&again)));
        qn_buf_fini(&file);
        qn_buf_fini(&again);
        qn_buf_fini(&meta);
        qn_builder_free(rows);
    }
}

/* --- and back -------------------------------------------------------------------------------- */

static struct qn_source_options declared(const char *const *path, struct qn_column_decl *columns)
{
    struct qn_source_options options = options_for(path, 1);
    for (uint32_t c = 0; c < N_FIELDS; c++)
        columns[c] = (struct qn_column_decl){.name = fields[c].name, .type = fields[c].type};
    options.columns = columns;
    options.n_columns = N_FIELDS;
    return options;
}

/* Doubles are compared by their bits. */
static bool same_value(const struct qn_column *a, uint32_t i, const struct qn_column *b, uint32_t k)
{
    if (qn_is_valid(a, i) != qn_is_valid(b, k) || !qn_is_valid(a, i))
        return qn_is_valid(a, i) == qn_is_valid(b, k);
    switch (qn_type_layout(a->type)) {
    case QN_LAYOUT_BOOL: return a->bools[i] == b->bools[k];
    case QN_LAYOUT_I64:
    case QN_LAYOUT_F64: return a->i64[i] == b->i64[k];
    case QN_LAYOUT_TEXT: return qn_strv_eq(qn_text_at(a, i), qn_text_at(b, k));
    }
    return false;
}

static void assert_rows(const struct qn_batch *all, uint32_t first, const struct qn_batch *read)
{
    for (uint32_t c = 0; c < N_FIELDS; c++) {
        int32_t at = qn_schema_find(read->schema, qn_strv_from(fields[c].name));
        assert_true(at >= 0);
        for (uint32_t i = 0; i < read->n_rows; i++)
            if (!same_value(&all->columns[c], first + i, &read->columns[at], i)) {
                struct qn_buf text;
                qn_buf_init(&text);
                qn_value_format(&text, &all->columns[c], first + i);
                qn_buf_printf(&text, "| became |");
                qn_value_format(&text, &read->columns[at], i);
                fail_msg("%s, row %u: |%.*s|", fields[c].name, first + i, (int)text.len,
                         (const char *)text.data);
            }
    }
}

static void read_back(const struct qn_source_ops *ops, const char *path, const struct qn_batch *all)
{
    struct qn_column_decl columns[N_FIELDS];
    struct qn_source_options options = declared(&path, columns);
    struct qn_source_info info;
    struct qn_chunk *chunks = NULL;
    struct qn_arena arena;
    struct qn_err err = {0};
    uint32_t n = 0, seen = 0;
    qn_arena_init(&arena);
    assert_ok(ops->inspect(&options, &arena, &info, &err), &err);
    assert_ok(ops->chunks(&options, &info, 0, &arena, &chunks, &n, &err), &err);
    for (uint32_t k = 0; k < n; k++) {
        struct qn_reader *reader;
        struct qn_rejects rejects;
        struct qn_batch batch;
        assert_ok(qn_rejects_init(&rejects, &err), &err);
        assert_ok(ops->open(&info, &chunks[k], NULL, &reader, &err), &err);
        for (;;) {
            assert_ok(reader->ops->next(reader, &batch, &rejects, &err), &err);
            if (batch.n_rows == 0)
                break;
            assert_rows(all, seen, &batch);
            seen += batch.n_rows;
        }
        assert_int_equal(qn_rejects_count(&rejects), 0);
        reader->ops->close(reader);
        qn_rejects_fini(&rejects);
    }
    assert_int_equal(seen, all->n_rows);
    qn_arena_fini(&arena);
}

static void values_come_back_as_they_were(void **state)
{
    (void)state;
    for (const struct qn_writer_ops *const *ops = qn_writer_all(); *ops; ops++) {
        const struct qn_source_ops *source = qn_source_find((*ops)->format);
        for (uint64_t seed = 3; source && seed < 8; seed++) {
            struct qn_batch_builder *rows = random_rows(seed, N_ROWS);
            struct qn_batch all;
            struct qn_buf file;
            qn_buf_init(&file);
            qn_builder_batch(rows, &all);
            write_file(*ops, &all, 1000, &file);
            char *path = make_file((*ops)->suffixes[0], qn_buf_strv(&file));
            read_back(source, path, &all);
            drop_file(path);
            qn_buf_fini(&file);
            qn_builder_free(rows);
        }
    }
}

static void formats_are_found_by_name_and_suffix(void **state)
{
    (void)state;
    for (const struct qn_writer_ops *const *ops = qn_writer_all(); *ops; ops++) {
        char path[64];
        assert_ptr_equal(qn_writer_find((*ops)->format), *ops);
        for (size_t i = 0; (*ops)->suffixes[i]; i++) {
            snprintf(path, sizeof path, "folder/a%s", (*ops)->suffixes[i]);
            assert_ptr_equal(qn_writer_by_suffix(path), *ops);
        }
    }
    assert_null(qn_writer_find("tsvx"));
    assert_null(qn_writer_by_suffix("folder/.csvx"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats_are_found_by_name_and_suffix),
        cmocka_unit_test(how_rows_are_cut_into_batches_does_not_matter),
        cmocka_unit_test(files_are_taken_apart_again),
        cmocka_unit_test(values_come_back_as_they_were),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
