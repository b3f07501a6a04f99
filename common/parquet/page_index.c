#include "parquet/page_index.h"

#include "parquet/thrift.h"

enum {
    MAX_INDEX_BYTES = 4 << 20,
    MAX_PAGES = 1 << 16,
};

/* --- one half each --------------------------------------------------------------------------- */

struct page {
    uint64_t first; /* row */
    bool is_null;   /* nothing but NULL */
    struct qn_pq_statistics statistics;
};

struct index_reader {
    struct qn_thrift in;
    struct page *pages;
    uint32_t n;
};

/* A list with an element for each page; the first one that is read says how many there are. */
static uint32_t take_list(struct index_reader *r, const struct qn_thrift_field *field,
                          enum qn_thrift_type type)
{
    uint32_t n = qn_thrift_list(&r->in, field, type);
    if (n != r->n)
        qn_thrift_fail(&r->in, "a list has another length than there are pages");
    return r->in.why ? 0 : n;
}

static void read_location(struct qn_thrift *in, struct page *page)
{
    struct qn_thrift_field field = {0};
    int64_t first = QN_PQ_NONE;
    while (qn_thrift_field(in, &field))
        if (field.id == 3)
            first = qn_thrift_i64(in, &field);
        else
            qn_thrift_skip(in, field.type);
    if (first < 0)
        qn_thrift_fail(in, "a page does not say its first row");
    page->first = (uint64_t)first;
}

static qn_code read_offsets(struct index_reader *r, struct qn_arena *arena, struct qn_err *err)
{
    struct qn_thrift_field field = {0};
    while (qn_thrift_field(&r->in, &field)) {
        if (field.id != 1 || r->pages) {
            qn_thrift_skip(&r->in, field.type);
            continue;
        }
        r->n = qn_thrift_list(&r->in, &field, QN_THRIFT_STRUCT);
        if (r->n == 0 || r->n > MAX_PAGES) {
            qn_thrift_fail(&r->in, "no pages, or too many");
            break;
        }
        r->pages = QN_NEW_ARRAY(arena, struct page, r->n);
        if (!r->pages)
            return qn_err_nomem(err, "a page index");
        for (uint32_t i = 0; i < r->n && !r->in.why; i++)
            read_location(&r->in, &r->pages[i]);
    }
    return QN_OK;
}

static void read_flags(struct index_reader *r, const struct qn_thrift_field *field)
{
    uint32_t n = take_list(r, field, QN_THRIFT_TRUE);
    for (uint32_t i = 0; i < n; i++)
        r->pages[i].is_null = qn_thrift_bool_element(&r->in);
}

static void read_bounds(struct index_reader *r)
{
    struct qn_thrift_field field = {0};
    uint32_t n, seen = 0;
    while (qn_thrift_field(&r->in, &field)) {
        bool known = field.id == 1 || field.id == 2 || field.id == 3 || field.id == 5;
        if (known)
            seen |= UINT32_C(1) << field.id;
        switch (field.id) {
        case 1: read_flags(r, &field); break;
        case 2:
            n = take_list(r, &field, QN_THRIFT_BINARY);
            for (uint32_t i = 0; i < n; i++)
                r->pages[i].statistics.min_value = qn_thrift_binary_element(&r->in);
            break;
        case 3:
            n = take_list(r, &field, QN_THRIFT_BINARY);
            for (uint32_t i = 0; i < n; i++)
                r->pages[i].statistics.max_value = qn_thrift_binary_element(&r->in);
            break;
        case 5:
            n = take_list(r, &field, QN_THRIFT_I64);
            for (uint32_t i = 0; i < n; i++)
                r->pages[i].statistics.null_count = qn_thrift_i64_element(&r->in);
            break;
        default: qn_thrift_skip(&r->in, field.type);
        }
    }
    if ((seen & 0xE) != 0xE)
        qn_thrift_fail(&r->in, "it does not say the bounds of its pages");
}

/* --- both ------------------------------------------------------------------------------------ */

/* NULL and a size of 0: it is not there. */
static qn_code read_bytes(const struct qn_pq_file *file, int64_t offset, int32_t bytes,
                          struct qn_arena *arena, struct qn_thrift *out, struct qn_err *err)
{
    *out = (struct qn_thrift){.why = "there is none"};
    if (offset < QN_PQ_MAGIC_BYTES || bytes <= 0 || bytes > MAX_INDEX_BYTES ||
        (uint64_t)offset > file->bytes || (uint64_t)bytes > file->bytes - (uint64_t)offset)
        return QN_OK;
    char *room = qn_arena_alloc(arena, (size_t)bytes);
    if (!room)
        return qn_err_nomem(err, "a page index");
    if (qn_pq_file_read(file, (uint64_t)offset, room, (size_t)bytes, NULL) == QN_OK)
        *out = qn_thrift_from(room, (size_t)bytes);
    return QN_OK;
}

static uint64_t rows_of(const struct index_reader *r, uint32_t page, uint64_t n_rows)
{
    return (page + 1 < r->n ? r->pages[page + 1].first : n_rows) - r->pages[page].first;
}

/* Writers are known that call pages NULL which they know nothing of: the NULLs have to be as many
 * as the column chunk says of itself. */
static bool is_sound(const struct index_reader *r, uint64_t n_rows, int64_t n_nulls)
{
    uint64_t sum = 0;
    bool counted = true;
    for (uint32_t i = 0; i < r->n; i++) {
        const struct page *page = &r->pages[i];
        uint64_t end = i + 1 < r->n ? r->pages[i + 1].first : n_rows;
        int64_t nulls = page->statistics.null_count;
        if (end < page->first || (nulls > 0 && (uint64_t)nulls > end - page->first) ||
            (page->is_null && nulls >= 0 && (uint64_t)nulls != end - page->first))
            return false;
        counted &= nulls >= 0 || page->is_null;
        sum += page->is_null ? end - page->first : nulls > 0 ? (uint64_t)nulls : 0;
    }
    return r->n && r->pages[0].first == 0 && n_nulls >= 0 &&
           (counted ? sum == (uint64_t)n_nulls : sum <= (uint64_t)n_nulls);
}

static qn_code give(const struct index_reader *r, uint64_t n_rows, struct qn_arena *arena,
                    struct qn_pq_page_index *out, struct qn_err *err)
{
    uint64_t *first = QN_NEW_ARRAY(arena, uint64_t, r->n + 1U);
    struct qn_pq_statistics *statistics = QN_NEW_ARRAY(arena, struct qn_pq_statistics, r->n);
    if (!first || !statistics)
        return qn_err_nomem(err, "a page index");
    first[r->n] = n_rows;
    for (uint32_t i = 0; i < r->n; i++) {
        const struct page *page = &r->pages[i];
        first[i] = page->first;
        statistics[i] = page->statistics;
        if (page->is_null) { /* its bounds are empty, and none */
            statistics[i].min_value = statistics[i].max_value = (struct qn_strv){0};
            statistics[i].null_count = (int64_t)rows_of(r, i, n_rows);
        }
    }
    *out = (struct qn_pq_page_index){r->n, first, statistics};
    return QN_OK;
}

qn_code qn_pq_page_index_read(const struct qn_pq_file *file, uint32_t group, uint32_t leaf,
                              struct qn_arena *arena, struct qn_pq_page_index *out,
                              struct qn_err *err)
{
    const struct qn_pq_row_group *rows = &file->meta.groups[group];
    const struct qn_pq_column_chunk *chunk = &rows->columns[leaf];
    bool is_cut = chunk->meta.type == QN_PQ_BYTE_ARRAY; /* perhaps: it is not said of which */
    struct index_reader r = {0};
    *out = (struct qn_pq_page_index){0};
    QN_TRY(
        read_bytes(file, chunk->offset_index_offset, chunk->offset_index_bytes, arena, &r.in, err));
    QN_TRY(read_offsets(&r, arena, err));
    if (r.in.why || !r.pages)
        return QN_OK;
    for (uint32_t i = 0; i < r.n; i++)
        r.pages[i].statistics = (struct qn_pq_statistics){.null_count = QN_PQ_NONE,
                                                          .distinct_count = QN_PQ_NONE,
                                                          .nan_count = QN_PQ_NONE,
                                                          .is_min_exact = !is_cut,
                                                          .is_max_exact = !is_cut};
    QN_TRY(
        read_bytes(file, chunk->column_index_offset, chunk->column_index_bytes, arena, &r.in, err));
    read_bounds(&r);
    bool required = file->tree.nodes[file->tree.leaves[leaf]].definition == 0;
    int64_t n_nulls = required ? 0 : chunk->meta.statistics.null_count;
    bool sound = !r.in.why && is_sound(&r, (uint64_t)rows->n_rows, n_nulls);
    return sound ? give(&r, (uint64_t)rows->n_rows, arena, out, err) : QN_OK;
}
