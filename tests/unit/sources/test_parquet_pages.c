/* Pages are passed over by their index, whatever the pages of the other columns; an index that is
 * wrong in itself is as good as none. */
#include "expr/condition.h"
#include "tests/support/parquet_file.h"
#include "tests/support/sources.h"

enum { ROWS = 1000, ID_PAGE = 100, NOTE_PAGE = 70, LATER = 3 };

static const struct hand_column id_note[] = {
    {"id", QN_PQ_INT64, QN_PQ_REQUIRED, QN_PQ_NONE},
    {"note", QN_PQ_BYTE_ARRAY, QN_PQ_REQUIRED, QN_PQ_CONVERTED_UTF8}};

/* --- files ----------------------------------------------------------------------------------- */

/* What is wrong with an index. */
enum wrong {
    NOTHING,
    TOO_FEW_BOUNDS,
    FIRST_ROWS_DESCEND,
    FIRST_ROW_IS_NOT_0,
    PAST_THE_GROUP,
    MORE_NULLS_THAN_ROWS,
    NO_BOUNDS,
    ALL_NULL,
    IS_CUT,
    PAST_THE_FILE,
    N_WRONGS
};

static void write_pages(struct hand_file *file, struct qn_buf *body, bool notes)
{
    for (uint32_t row = 0; row < ROWS;) {
        uint32_t end = row + (notes ? NOTE_PAGE : ID_PAGE), first = row;
        qn_buf_clear(body);
        for (; row < end && row < ROWS; row++)
            if (notes)
                qn_buf_put_str(body, row % 2 ? QN_STRV_LIT("odd") : QN_STRV_LIT("even"));
            else
                qn_buf_put_i64(body, row);
        hand_page(file, notes, row - first, QN_PQ_PLAIN, qn_buf_strv(body));
    }
}

static struct hand_part write_offset_index(struct qn_buf *out, enum wrong wrong)
{
    size_t begin = out->len;
    put_list(out, 1, QN_THRIFT_STRUCT, ROWS / ID_PAGE);
    for (int64_t page = 0; page < ROWS / ID_PAGE; page++) {
        int64_t first = page * ID_PAGE;
        if (wrong == FIRST_ROWS_DESCEND && page == 3)
            first = 1;
        if (wrong == FIRST_ROW_IS_NOT_0 && page == 0)
            first = 1;
        if (wrong == PAST_THE_GROUP && page == 9)
            first = ROWS + 1;
        put_integer(out, 1, 4);
        put_integer(out, 2, 100);
        put_integer(out, 3, first);
        put_stop(out);
    }
    put_stop(out);
    return (struct hand_part){(int64_t)begin, (int64_t)(out->len - begin)};
}

static struct hand_part write_column_index(struct qn_buf *out, enum wrong wrong)
{
    uint32_t n = ROWS / ID_PAGE;
    size_t begin = out->len;
    put_list(out, 1, QN_THRIFT_FALSE, n);
    for (uint32_t page = 0; page < n; page++)
        qn_buf_put_u8(out, wrong == ALL_NULL ? QN_THRIFT_TRUE : QN_THRIFT_FALSE);
    for (int bound = 2; bound <= 3 && wrong != NO_BOUNDS; bound++) {
        put_list(out, bound, QN_THRIFT_BINARY, n - (wrong == TOO_FEW_BOUNDS));
        for (uint32_t page = wrong == TOO_FEW_BOUNDS; page < n; page++) {
            int64_t value = bound == 2 ? page * ID_PAGE : (page + 1) * ID_PAGE - 1;
            put_bytes(out, &value, sizeof value);
        }
    }
    put_integer(out, 4, 1);
    put_list(out, 5, QN_THRIFT_I64, n);
    for (uint32_t page = 0; page < n; page++)
        put_zigzag(out, wrong == MORE_NULLS_THAN_ROWS ? ID_PAGE + 1
                        : wrong == ALL_NULL           ? ID_PAGE
                                                      : 0);
    put_stop(out);
    return (struct hand_part){(int64_t)begin,
                              (int64_t)(out->len - begin) - (wrong == IS_CUT ? 30 : 0)};
}

/* `groups` times the rows 0 to 999, with an index of the ids. */
static char *make_pages(uint32_t groups, enum wrong wrong)
{
    struct qn_buf out, body;
    static struct hand_file file;
    qn_buf_init(&out);
    qn_buf_init(&body);
    hand_begin(&file, &out, id_note, 2);
    file.has_orders = true;
    for (uint32_t g = 0; g < groups; g++) {
        write_pages(&file, &body, false);
        write_pages(&file, &body, true);
        file.chunks[g][0].offset_index = write_offset_index(&out, wrong);
        file.chunks[g][0].column_index = write_column_index(&out, wrong);
        if (wrong == PAST_THE_FILE)
            file.chunks[g][0].column_index.begin = 1 << 20;
        hand_group(&file, ROWS);
    }
    hand_end(&file);
    char *path = make_file(".parquet", qn_buf_strv(&out));
    qn_buf_fini(&out);
    qn_buf_fini(&body);
    return path;
}

/* --- reading --------------------------------------------------------------------------------- */

struct seen {
    uint64_t rows, sum, skipped, records;
};

static void see(const struct qn_batch *batch, struct seen *seen)
{
    for (uint32_t i = 0; i < batch->n_rows; i++) {
        int64_t id = batch->columns[0].i64[i];
        struct qn_strv note = qn_text_at(&batch->columns[1], i);
        assert_true(qn_strv_is(note, id % 2 ? "odd" : "even"));
        assert_int_equal(batch->origin[i] % ROWS, id);
        seen->sum += (uint64_t)id;
        seen->rows++;
    }
}

/* Rows that come when those that meet the condition are asked for; other ones, from the second
 * batch on, when `later` is not NULL. */
static struct seen read_pages(const char *path, const char *where, const char *later)
{
    const struct qn_source_ops *ops = qn_source_find("parquet");
    const char *const paths[] = {path};
    struct qn_source_options options = options_for(paths, 1);
    struct qn_source_info info;
    struct qn_arena arena;
    struct qn_chunk *chunks = NULL;
    struct qn_err err = {0};
    struct seen seen = {0};
    uint32_t n = 0;
    qn_arena_init(&arena);
    options.chunk_bytes = 1 << 30;
    assert_ok(ops->inspect(&options, &arena, &info, &err), &err);
    assert_ok(ops->chunks(&options, &info, 0, &arena, &chunks, &n, &err), &err);
    assert_int_equal(n, 1);
    struct qn_reader *reader;
    struct qn_rejects rejects;
    struct qn_batch batch;
    struct qn_chunk_result result;
    assert_ok(qn_rejects_init(&rejects, &err), &err);
    assert_ok(ops->open(&info, &chunks[0], NULL, &reader, &err), &err);
    for (const char *text = where;; text = later) {
        struct qn_expr *filter;
        struct qn_expr_complaint complaint;
        const struct qn_condition *condition;
        if (text) {
            assert_int_equal(
                qn_expr_compile(&arena, qn_strv_from(text), &info.schema, &filter, &complaint),
                QN_OK);
            assert_ok(qn_expr_condition(filter, &arena, &condition, &err), &err);
            assert_ok(reader->ops->only(reader, condition, &err), &err);
        }
        assert_ok(reader->ops->next(reader, &batch, &rejects, &err), &err);
        if (batch.n_rows == 0)
            break;
        see(&batch, &seen);
    }
    reader->ops->result(reader, &result);
    seen.skipped = result.skipped;
    seen.records = result.records;
    reader->ops->close(reader);
    qn_rejects_fini(&rejects);
    qn_arena_fini(&arena);
    return seen;
}

static uint64_t sum_of(uint64_t first, uint64_t end)
{
    return (end - first) * (first + end - 1) / 2;
}

/* --- tests ----------------------------------------------------------------------------------- */

static void pages_are_passed_over(void **state)
{
    (void)state;
    char *path = make_pages(2, NOTHING);
    static const struct {
        const char *where;
        uint64_t first, end, more_first, more_end; /* rows of pages that may have some */
    } cases[] = {
        {"id >= 250 and id < 330", 200, 400, 0, 0},
        {"id < 100", 0, 100, 0, 0},
        {"id > 899", 900, 1000, 0, 0},
        {"id = 5 or id = 995", 0, 100, 900, 1000},
        {"not (id between 100 and 799)", 0, 100, 800, 1000},
        {"id < 200 and note = 'odd'", 0, 200, 0, 0},
        {"id < 200 or note = 'odd'", 0, 1000, 0, 0},
        {"id is null", 0, 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct seen seen = read_pages(path, cases[i].where, NULL);
        uint64_t rows = cases[i].end - cases[i].first + cases[i].more_end - cases[i].more_first;
        uint64_t sum = rows ? sum_of(cases[i].first, cases[i].end) : 0;
        if (cases[i].more_end)
            sum += sum_of(cases[i].more_first, cases[i].more_end);
        assert_int_equal(seen.rows, 2 * rows);
        assert_int_equal(seen.sum, 2 * sum);
        assert_int_equal(seen.skipped, 2 * (ROWS - rows));
        assert_int_equal(seen.records, 2 * ROWS);
    }
    drop_file(path);
}

/* What is asked for may change between batches: the rest of the group goes by the new. */
static void the_condition_may_change(void **state)
{
    (void)state;
    char *path = make_pages(LATER, NOTHING);
    struct seen seen = read_pages(path, "id < 100 or id >= 900", "id >= 500 and id < 600");
    assert_int_equal(seen.rows, 100 + LATER * 100);
    assert_int_equal(seen.records, LATER * ROWS);
    drop_file(path);
}

static void an_index_that_is_wrong_is_not_believed(void **state)
{
    (void)state;
    for (int wrong = NOTHING + 1; wrong < N_WRONGS; wrong++) {
        char *path = make_pages(1, (enum wrong)wrong);
        struct seen seen = read_pages(path, "id < 100", NULL);
        assert_int_equal(seen.rows, ROWS);
        assert_int_equal(seen.sum, sum_of(0, ROWS));
        drop_file(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(pages_are_passed_over),
                                       cmocka_unit_test(the_condition_may_change),
                                       cmocka_unit_test(an_index_that_is_wrong_is_not_believed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
