/* Writes Parquet files of every type, encoding, codec and version of pages, for other programs to
 * read:
 *
 *     interop.parquet_cases FOLDER
 *
 * FOLDER/CASE.rows is what the files FOLDER/CASE.ENCODING.CODEC.VERSION.parquet hold, a line a row
 * (rows_text.h). FOLDER/columns.txt has a column and its type a line. */
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "parquet/footer.h"
#include "parquet/writer.h"
#include "tests/interop/rows_text.h"
#include "tests/unit/wire/random.h"

static const struct qn_field fields[] = {
    {"flag", {.id = QN_BOOL}},
    {"id", {.id = QN_INT64}},
    {"ratio", {.id = QN_DOUBLE}},
    {"price", {.id = QN_DECIMAL, .precision = 9, .scale = 2}},
    {"total", {.id = QN_DECIMAL, .precision = 18, .scale = 4}},
    {"day", {.id = QN_DATE}},
    {"at", {.id = QN_TIMESTAMP}},
    {"name", {.id = QN_TEXT}},
};
enum { N_FIELDS = sizeof fields / sizeof *fields };
static const struct qn_schema schema = {fields, N_FIELDS};

static const struct {
    const char *name;
    int32_t encoding;
} encodings[] = {
    {"chosen", QN_PQ_NONE},
    {"plain", QN_PQ_PLAIN},
    {"dictionary", QN_PQ_RLE_DICTIONARY},
    {"rle", QN_PQ_RLE},
    {"delta", QN_PQ_DELTA_BINARY_PACKED},
    {"delta_length", QN_PQ_DELTA_LENGTH_BYTE_ARRAY},
    {"delta_bytes", QN_PQ_DELTA_BYTE_ARRAY},
    {"split", QN_PQ_BYTE_STREAM_SPLIT},
};
enum { N_ENCODINGS = sizeof encodings / sizeof *encodings };

/* --- values ---------------------------------------------------------------------------------- */

enum shape { ANY, EXTREME, RUNS, ASCENDING, LONG_TEXTS };

struct test_case {
    const char *name;
    enum shape shape;
    uint32_t n_rows;
    uint32_t nulls_of_8; /* so many values of 8 are NULL */
    uint32_t group_rows, page_rows;
    uint32_t segments;
};

static const struct test_case cases[] = {
    {"empty", ANY, 0, 0, 0, 0, 1},
    {"no_segment", ANY, 0, 0, 0, 0, 0},
    {"one_row", ANY, 1, 0, 0, 0, 1},
    {"one_null", ANY, 1, 8, 0, 0, 1},
    {"full", ANY, 1000, 0, 0, 0, 1},
    {"some_nulls", ANY, 1000, 3, 0, 96, 1},
    {"all_nulls", ANY, 1000, 8, 0, 0, 1},
    {"many_groups", ANY, 3001, 1, 333, 40, 3},
    {"extreme", EXTREME, 777, 1, 0, 200, 1},
    {"runs", RUNS, 5000, 0, 2048, 1000, 2},
    {"runs_nulls", RUNS, 5000, 2, 0, 1000, 1},
    {"ascending", ASCENDING, 4097, 1, 0, 520, 2},
    {"long_texts", LONG_TEXTS, 40, 1, 0, 0, 1},
};
enum { N_CASES = sizeof cases / sizeof *cases };

enum { FIRST_DAY = -719162, LAST_DAY = 2932896 }; /* 0001-01-01, 9999-12-31 */
static const int64_t day_us = INT64_C(86400000000);

/* Integers in [low, high] of the case's shape. */
static int64_t draw(struct random *random, const struct test_case *c, uint32_t row, int64_t low,
                    int64_t high)
{
    uint64_t width = (uint64_t)high - (uint64_t)low;
    uint64_t any = random_next(random);
    switch (c->shape) {
    case EXTREME: return any % 3 == 0 ? low : any % 3 == 1 ? high : any % 5 == 0 ? 0 : -1;
    case RUNS: return row / 300 % 5 + (any % 97 == 0);
    case ASCENDING: return low / 2 + (int64_t)row * 1000 + (int64_t)(any % 7);
    default: return low + (int64_t)(width == UINT64_MAX ? any : any % (width + 1));
    }
}

static double draw_double(struct random *random, const struct test_case *c, uint32_t row)
{
    static const double odd[] = {0.0,     -0.0,    (double)NAN, (double)INFINITY,
                                 1.5,     DBL_MAX, -DBL_MAX,    -(double)INFINITY,
                                 DBL_MIN, 5e-324,  -1e-310,     0.1};
    uint64_t any = random_next(random);
    if (c->shape == EXTREME || any % 50 == 0)
        return odd[any / 50 % (sizeof odd / sizeof *odd)];
    if (c->shape == RUNS)
        return (double)(row / 100 % 4) / 4;
    return (double)(int64_t)any / 1e9;
}

static void put_text(struct random *random, const struct test_case *c, uint32_t row,
                     struct qn_batch_builder *rows, uint32_t column)
{
    static const char *const words[] = {
        "",   "a",    "Grüße",        "日本語",          "🌲🌲", "tab\tand\nline",
        "zz", "\x7f", "\xEF\xBF\xBF", "\xF4\x8F\xBF\xBF"};
    static char room[60000];
    uint64_t any = random_next(random);
    size_t n = 0;
    if (c->shape == RUNS)
        n = (size_t)snprintf(room, sizeof room, "%s", words[row / 200 % 10]);
    else if (c->shape == ASCENDING)
        n = (size_t)snprintf(room, sizeof room, "key-%08u/%llu", row / 2,
                             (unsigned long long)any % 10);
    else if (c->shape == LONG_TEXTS)
        for (size_t end = any % sizeof room; n < end; n++)
            room[n] = (char)('a' + (any >> n % 50) % 26);
    else
        for (uint64_t k = any % 4; k > 0; k--)
            n += (size_t)snprintf(room + n, sizeof room - n, "%s", words[random_below(random, 10)]);
    if (c->shape == EXTREME && any % 4 == 0) /* bounds that have to be cut */
        for (n = 0; n < 80; n += 4)
            memcpy(room + n, "\xF4\x8F\xBF\xBF", 4);
    qn_builder_text(rows, column, (struct qn_strv){room, n});
}

static void put_value(struct random *random, const struct test_case *c, uint32_t row,
                      struct qn_batch_builder *rows, uint32_t column)
{
    int64_t day = draw(random, c, row, FIRST_DAY, LAST_DAY);
    switch ((enum qn_type_id)fields[column].type.id) {
    case QN_BOOL:
        qn_builder_bool(rows, column, c->shape == RUNS ? row / 700 % 2 : random_below(random, 2));
        break;
    case QN_INT64: qn_builder_i64(rows, column, draw(random, c, row, INT64_MIN, INT64_MAX)); break;
    case QN_DECIMAL: {
        int64_t most = column == 3 ? 999999999 : INT64_C(999999999999999999);
        qn_builder_i64(rows, column, draw(random, c, row, -most, most));
        break;
    }
    case QN_DOUBLE: qn_builder_f64(rows, column, draw_double(random, c, row)); break;
    case QN_DATE: qn_builder_i64(rows, column, day < LAST_DAY ? day : LAST_DAY); break;
    case QN_TIMESTAMP:
        qn_builder_i64(rows, column,
                       draw(random, c, row, FIRST_DAY * day_us, (LAST_DAY + 1) * day_us - 1));
        break;
    case QN_TEXT: put_text(random, c, row, rows, column); break;
    }
}

static void check(qn_code code, const struct qn_err *err)
{
    char text[1024];
    if (code == QN_OK)
        return;
    qn_err_format(err, text, sizeof text);
    fprintf(stderr, "interop.parquet_cases: %s\n", text);
    exit(1);
}

static struct qn_batch_builder *make_rows(const struct test_case *c)
{
    struct random random = {c->n_rows + c->nulls_of_8};
    struct qn_batch_builder *rows;
    struct qn_err err = {0};
    check(qn_builder_new(&schema, &rows, &err), &err);
    for (uint32_t row = 0; row < c->n_rows; row++) {
        for (uint32_t column = 0; column < N_FIELDS; column++)
            if (random_below(&random, 8) >= c->nulls_of_8)
                put_value(&random, c, row, rows, column);
        check(qn_builder_row(rows, &err), &err);
    }
    return rows;
}

/* --- files ----------------------------------------------------------------------------------- */

/* Rows [from, to) of the batch, as a segment. */
static void write_segment(struct qn_pq_writer *writer, const struct qn_batch *all, uint32_t from,
                          uint32_t to, struct qn_buf *file, struct qn_buf *meta)
{
    struct qn_arena arena;
    struct qn_batch batch;
    struct qn_err err = {0};
    uint32_t *rows = calloc(to - from + 1, sizeof *rows);
    if (!rows)
        exit(1);
    for (uint32_t i = from; i < to; i++)
        rows[i - from] = i;
    qn_arena_init(&arena);
    check(qn_batch_take(&arena, all, rows, to - from, &batch, &err), &err);
    check(qn_pq_writer_put(writer, &batch, file, &err), &err);
    check(qn_pq_writer_end(writer, file, meta, &err), &err);
    qn_arena_fini(&arena);
    free(rows);
}

static void write_file(const char *path, const struct test_case *c, const struct qn_batch *all,
                       const struct qn_pq_write_options *options)
{
    struct qn_pq_segment segments[3];
    struct qn_buf metas[3] = {{0}}, file = {0};
    struct qn_pq_writer *writer;
    struct qn_err err = {0};
    check(qn_pq_writer_new(&schema, options, &writer, &err), &err);
    qn_pq_file_head(&file);
    for (uint32_t s = 0; s < c->segments; s++) {
        size_t before = file.len;
        write_segment(writer, all, all->n_rows * s / c->segments,
                      all->n_rows * (s + 1) / c->segments, &file, &metas[s]);
        segments[s] = (struct qn_pq_segment){file.len - before, qn_buf_strv(&metas[s])};
    }
    check(qn_pq_file_tail(&schema, segments, c->segments, &file, &err), &err);
    FILE *out = fopen(path, "wb");
    if (!out || fwrite(file.data, 1, file.len, out) != file.len || fclose(out) != 0)
        exit(1);
    for (uint32_t s = 0; s < c->segments; s++)
        qn_buf_fini(&metas[s]);
    qn_buf_fini(&file);
    qn_pq_writer_free(writer);
}

/* Every column with a filter; booleans have none whatever is asked. */
static void write_blooms(const char *folder, const struct test_case *c, const struct qn_batch *all,
                         enum qn_block_codec codec)
{
    char path[1024];
    const char *names[N_FIELDS];
    struct qn_pq_write_options options = {.codec = codec,
                                          .encoding = QN_PQ_NONE,
                                          .group_rows = c->group_rows,
                                          .page_rows = c->page_rows,
                                          .bloom = names,
                                          .n_bloom = N_FIELDS};
    for (uint32_t i = 0; i < N_FIELDS; i++)
        names[i] = fields[i].name;
    snprintf(path, sizeof path, "%s/%s.bloom.%s.v1.parquet", folder, c->name,
             qn_block_codec_name(codec));
    write_file(path, c, all, &options);
}

static void write_case(const char *folder, const struct test_case *c)
{
    char path[1024];
    struct qn_batch all;
    struct qn_batch_builder *rows = make_rows(c);
    qn_builder_batch(rows, &all);
    snprintf(path, sizeof path, "%s/%s.rows", folder, c->name);
    FILE *out = fopen(path, "wb");
    if (!out)
        exit(1);
    print_rows(out, &all);
    fclose(out);
    for (int codec = QN_BLOCK_NONE; codec < QN_BLOCK_LZ4_FRAMED; codec++) {
        for (int e = 0; e < N_ENCODINGS; e++)
            for (int version = 1; version <= 2; version++) {
                struct qn_pq_write_options options = {.codec = (enum qn_block_codec)codec,
                                                      .encoding = encodings[e].encoding,
                                                      .data_page_v2 = version == 2,
                                                      .group_rows = c->group_rows,
                                                      .page_rows = c->page_rows};
                snprintf(path, sizeof path, "%s/%s.%s.%s.v%d.parquet", folder, c->name,
                         encodings[e].name, qn_block_codec_name(options.codec), version);
                write_file(path, c, &all, &options);
            }
        write_blooms(folder, c, &all, (enum qn_block_codec)codec);
    }
    qn_builder_free(rows);
}

int main(int argc, char **argv)
{
    char path[1024], type[QN_TYPE_NAME];
    if (argc != 2) {
        fprintf(stderr, "usage: interop.parquet_cases FOLDER\n");
        return 2;
    }
    snprintf(path, sizeof path, "%s/columns.txt", argv[1]);
    FILE *out = fopen(path, "wb");
    if (!out)
        return 1;
    for (int i = 0; i < N_FIELDS; i++)
        fprintf(out, "%s\t%s\n", fields[i].name, qn_type_name(fields[i].type, type));
    fclose(out);
    for (int i = 0; i < N_CASES; i++)
        write_case(argv[1], &cases[i]);
    return 0;
}
