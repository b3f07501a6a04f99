#include "parquet/reader.h"

#include <stdlib.h>

#include "parquet/fields.h"

enum {
    MAX_BATCH_CELLS = 1 << 20, /* wide tables get shorter batches */
    MIN_ROWS = 64,
    ALL_WINDOWS_BYTES = 32 << 20, /* of all columns together */
    MAX_WINDOW_BYTES = 1 << 20,
    MIN_WINDOW_BYTES = 64 << 10,
    SKIP_WINDOW_BYTES = 4 << 10, /* of pages that are passed over only the headers are read */
    LOOKS = 4, /* at batches of a group that were all wanted, before no more are looked at */
};

static qn_code add_missing(struct qn_pq_reader *r, struct qn_pq_any *any, struct qn_type type,
                           struct qn_err *err)
{
    QN_TRY(qn_column_new(&r->arena, type, r->capacity, &any->missing, err));
    static char none[1];
    if (type.id == QN_TEXT)
        any->missing.bytes = none;
    any->missing.validity = qn_validity_new(&r->arena, r->capacity, false);
    return any->missing.validity ? QN_OK : qn_err_nomem(err, "Parquet column");
}

static qn_code add_column(struct qn_pq_reader *r, struct qn_pq_any *any,
                          const struct qn_pq_wanted *wanted, struct qn_err *err)
{
    if (!wanted->node)
        return add_missing(r, any, wanted->type, err);
    if (qn_pq_is_nested(wanted->node))
        return qn_pq_nested_new(r->file, wanted->node, r->capacity, &any->nested, err);
    any->flat = QN_NEW(&r->arena, struct qn_pq_column);
    if (!any->flat)
        return qn_err_nomem(err, "Parquet column");
    qn_code code = qn_pq_column_init(any->flat, wanted->node, wanted->type, wanted->nulls,
                                     wanted->n_nulls, r->capacity, r->scratch, err);
    any->flat->convert.shows_all = wanted->shows_all;
    return code;
}

qn_code qn_pq_reader_init(struct qn_pq_reader *r, const struct qn_pq_file *file,
                          const struct qn_pq_wanted *wanted, uint32_t n, struct qn_err *err)
{
    *r = (struct qn_pq_reader){.file = file, .n_columns = n};
    qn_arena_init(&r->arena);
    r->scratch = malloc(sizeof *r->scratch);
    r->columns = QN_NEW_ARRAY(&r->arena, struct qn_pq_any, n + 1U);
    if (!r->scratch || !r->columns)
        return qn_err_nomem(err, "Parquet reader");
    uint32_t rows = MAX_BATCH_CELLS / (n + 1) & ~UINT32_C(63),
             windows = ALL_WINDOWS_BYTES / (n + 1);
    r->capacity = rows < MIN_ROWS ? MIN_ROWS : rows < QN_BATCH_ROWS ? rows : QN_BATCH_ROWS;
    r->window_bytes = windows < MIN_WINDOW_BYTES   ? MIN_WINDOW_BYTES
                      : windows < MAX_WINDOW_BYTES ? windows
                                                   : MAX_WINDOW_BYTES;
    for (uint32_t i = 0; i < n; i++)
        QN_TRY(add_column(r, &r->columns[i], &wanted[i], err));
    return QN_OK;
}

void qn_pq_reader_fini(struct qn_pq_reader *r)
{
    for (uint32_t i = 0; r->columns && i < r->n_columns; i++) {
        if (r->columns[i].flat)
            qn_pq_column_fini(r->columns[i].flat);
        qn_pq_nested_free(r->columns[i].nested);
    }
    free(r->scratch);
    qn_block_state_fini(&r->blocks);
    qn_arena_fini(&r->arena);
}

void qn_pq_reader_seek(struct qn_pq_reader *r, uint64_t row, uint64_t end)
{
    const struct qn_pq_file_meta *meta = &r->file->meta;
    uint64_t first = 0;
    for (r->group = 0; r->group < meta->n_groups; r->group++) {
        uint64_t rows = (uint64_t)meta->groups[r->group].n_rows;
        if (row < first + rows)
            break;
        first += rows;
    }
    r->row = row;
    r->end = end;
    r->skip = row - first;
    r->group_left = 0;
    r->group_open = false;
    r->given = 0;
}

static qn_code open_group(struct qn_pq_reader *r, struct qn_err *err)
{
    const struct qn_pq_row_group *group = &r->file->meta.groups[r->group];
    for (uint32_t i = 0; i < r->n_columns; i++) {
        struct qn_pq_any *any = &r->columns[i];
        any->behind = 0;
        if (any->flat) {
            qn_pq_column_drop(any->flat, any->flat->n);
            size_t window = r->skip ? SKIP_WINDOW_BYTES : r->window_bytes;
            QN_TRY(qn_pq_column_open(any->flat, r->file, group, &r->blocks, window, err));
            QN_TRY(qn_pq_column_skip(any->flat, r->skip, err));
            any->flat->pages.window_bytes = r->window_bytes;
        } else if (any->nested) {
            qn_pq_nested_drop(any->nested, qn_pq_nested_rows(any->nested));
            QN_TRY(qn_pq_nested_open(any->nested, group, &r->blocks, r->window_bytes, err));
            QN_TRY(qn_pq_nested_skip(any->nested, r->skip, err));
        }
    }
    r->group_left = (uint64_t)group->n_rows - r->skip;
    r->skip = 0;
    r->group_open = true;
    r->gaps_found = false;
    r->all_wanted = 0;
    return QN_OK;
}

/* Rows of the open group, which its columns pass over when they are next asked. */
static void pass_rows(struct qn_pq_reader *r, uint64_t n)
{
    for (uint32_t i = 0; i < r->n_columns; i++)
        r->columns[i].behind += n;
    r->group_left -= n;
    r->row += n;
    r->passed += n;
}

/* Passes the gap that the next row lies in, if it does. Returns how many rows come before another
 * one, or before the end of the group. */
static uint64_t pass_gap(struct qn_pq_reader *r)
{
    uint64_t at = (uint64_t)r->file->meta.groups[r->group].n_rows - r->group_left;
    if (!r->gaps_found) {
        r->n_gaps = 0;
        if (r->find_gaps)
            r->find_gaps(r->context, r->group, &r->gaps, &r->n_gaps);
        r->gaps_found = true;
    }
    while (r->n_gaps && r->gaps->end <= at) {
        r->gaps++;
        r->n_gaps--;
    }
    if (!r->n_gaps)
        return r->group_left;
    if (r->gaps->first > at)
        return r->gaps->first - at;
    uint64_t rows = r->gaps->end - at, wanted = r->end - r->row;
    pass_rows(r, rows < wanted ? rows : wanted);
    return 0;
}

/* As if its rows had been read. */
static void pass_group(struct qn_pq_reader *r)
{
    uint64_t rows = (uint64_t)r->file->meta.groups[r->group].n_rows - r->skip;
    uint64_t wanted = rows < r->end - r->row ? rows : r->end - r->row;
    r->passed += wanted;
    r->row += wanted;
    r->group++;
    r->skip = 0;
}

/* The next group that has rows; false: there is none. */
static qn_code find_group(struct qn_pq_reader *r, bool *found, struct qn_err *err)
{
    *found = false;
    if (r->row >= r->end)
        return QN_OK;
    while (!r->group_open || r->group_left == 0) {
        if (r->group_open)
            r->group++;
        r->group_open = false;
        if (r->group >= r->file->meta.n_groups || r->row >= r->end)
            return QN_OK;
        if (r->passes_over && r->passes_over(r->context, r->group))
            pass_group(r);
        else
            QN_TRY(open_group(r, err));
    }
    *found = true;
    return QN_OK;
}

static uint32_t rows_of(const struct qn_pq_any *any)
{
    return any->flat ? any->flat->n : any->nested ? qn_pq_nested_rows(any->nested) : 0;
}

static void drop(struct qn_pq_any *any, uint32_t n)
{
    if (any->flat)
        qn_pq_column_drop(any->flat, n);
    else if (any->nested)
        qn_pq_nested_drop(any->nested, n);
}

static void drop_given(struct qn_pq_reader *r)
{
    for (uint32_t i = 0; r->given && i < r->n_columns; i++)
        drop(&r->columns[i], r->given);
    r->given = 0;
}

/* Passes over the rows that it is behind. */
static qn_code catch_up(struct qn_pq_reader *r, struct qn_pq_any *any, struct qn_err *err)
{
    uint32_t held = rows_of(any);
    held = held < any->behind ? held : (uint32_t)any->behind;
    if (held)
        drop(any, held);
    uint64_t n = any->behind - held;
    any->behind = 0;
    if (!n || !any->flat)
        return n && any->nested ? qn_pq_nested_skip(any->nested, n, err) : QN_OK;
    any->flat->pages.window_bytes = SKIP_WINDOW_BYTES;
    qn_code code = qn_pq_column_skip(any->flat, n, err);
    any->flat->pages.window_bytes = r->window_bytes;
    return code;
}

/* The next *n rows of all columns, or of the early ones alone; *n is what all of them have. */
static qn_code fill(struct qn_pq_reader *r, bool early, uint32_t *n, struct qn_err *err)
{
    for (uint32_t i = 0; i < r->n_columns; i++) {
        struct qn_pq_any *any = &r->columns[i];
        if (early && !any->early)
            continue;
        QN_TRY(catch_up(r, any, err));
        if (any->flat)
            QN_TRY(qn_pq_column_fill(any->flat, *n, err));
        else if (any->nested)
            QN_TRY(qn_pq_nested_fill(any->nested, *n, err));
        else
            continue;
        *n = rows_of(any) < *n ? rows_of(any) : *n;
    }
    return QN_OK;
}

static void view(struct qn_pq_reader *r, bool early, struct qn_column *columns)
{
    for (uint32_t i = 0; i < r->n_columns; i++) {
        struct qn_pq_any *any = &r->columns[i];
        if (early && !any->early)
            continue;
        if (any->flat)
            qn_pq_column_view(any->flat, &columns[i]);
        else if (any->nested)
            qn_pq_nested_view(any->nested, &columns[i]);
        else
            columns[i] = any->missing;
    }
}

/* Rows with values that their columns cannot take are for somebody else to judge. */
static bool has_complaints(const struct qn_pq_reader *r)
{
    for (uint32_t i = 0; i < r->n_columns; i++)
        if (r->columns[i].early && r->columns[i].flat && r->columns[i].flat->n_complaints)
            return true;
    return false;
}

/* Whether the next *n rows are not wanted, by their early columns. Where all that was looked at was
 * wanted, the rest of the group is read as it stands. */
static qn_code are_passed(struct qn_pq_reader *r, struct qn_column *columns, uint32_t *n,
                          bool *passed, struct qn_err *err)
{
    *passed = false;
    if (!r->wants || r->all_wanted == LOOKS)
        return QN_OK;
    QN_TRY(fill(r, true, n, err));
    view(r, true, columns);
    *passed = !has_complaints(r) && !r->wants(r->context, columns, *n);
    r->all_wanted = *passed ? 0 : r->all_wanted + 1;
    if (*passed)
        pass_rows(r, *n);
    return QN_OK;
}

void qn_pq_reader_read_early(struct qn_pq_reader *r, const bool *early)
{
    for (uint32_t i = 0; i < r->n_columns; i++)
        r->columns[i].early = early[i];
    r->all_wanted = 0;
}

/* The rows that come next; *n 0: there are no more. */
static qn_code find_rows(struct qn_pq_reader *r, uint32_t *n, struct qn_err *err)
{
    uint64_t want = 0;
    *n = 0;
    while (want == 0) {
        bool found;
        QN_TRY(find_group(r, &found, err));
        if (!found)
            return QN_OK;
        want = pass_gap(r);
    }
    want = want < r->capacity ? want : r->capacity;
    *n = (uint32_t)(want < r->end - r->row ? want : r->end - r->row);
    return QN_OK;
}

qn_code qn_pq_reader_next(struct qn_pq_reader *r, struct qn_column *columns, uint32_t *n,
                          struct qn_err *err)
{
    bool passed;
    drop_given(r);
    do {
        QN_TRY(find_rows(r, n, err));
        if (*n == 0)
            return QN_OK;
        QN_TRY(are_passed(r, columns, n, &passed, err));
    } while (passed);
    QN_TRY(fill(r, false, n, err));
    view(r, false, columns);
    r->given = *n;
    r->row += *n;
    r->group_left -= *n;
    return QN_OK;
}
