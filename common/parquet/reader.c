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
    return QN_OK;
}

/* Rows of the open group: those at hand go first. */
static qn_code skip_rows(struct qn_pq_reader *r, uint64_t n, struct qn_err *err)
{
    for (uint32_t i = 0; i < r->n_columns; i++) {
        struct qn_pq_any *any = &r->columns[i];
        uint32_t have = any->flat ? any->flat->n : any->nested ? qn_pq_nested_rows(any->nested) : 0;
        have = have < n ? have : (uint32_t)n;
        if (any->flat) {
            qn_pq_column_drop(any->flat, have);
            any->flat->pages.window_bytes = SKIP_WINDOW_BYTES;
            QN_TRY(qn_pq_column_skip(any->flat, n - have, err));
            any->flat->pages.window_bytes = r->window_bytes;
        } else if (any->nested) {
            qn_pq_nested_drop(any->nested, have);
            QN_TRY(qn_pq_nested_skip(any->nested, n - have, err));
        }
    }
    r->group_left -= n;
    r->row += n;
    r->passed += n;
    return QN_OK;
}

/* Passes the gap that the next row lies in, if it does. *until: so many rows come before another
 * one. */
static qn_code pass_gap(struct qn_pq_reader *r, uint64_t *until, struct qn_err *err)
{
    uint64_t at = (uint64_t)r->file->meta.groups[r->group].n_rows - r->group_left;
    *until = r->group_left;
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
    if (r->n_gaps && r->gaps->first > at)
        *until = r->gaps->first - at;
    if (!r->n_gaps || r->gaps->first > at)
        return QN_OK;
    uint64_t rows = r->gaps->end - at, wanted = r->end - r->row;
    *until = 0;
    return skip_rows(r, rows < wanted ? rows : wanted, err);
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

static void drop_given(struct qn_pq_reader *r)
{
    for (uint32_t i = 0; r->given && i < r->n_columns; i++) {
        struct qn_pq_any *any = &r->columns[i];
        if (any->flat)
            qn_pq_column_drop(any->flat, r->given);
        else if (any->nested)
            qn_pq_nested_drop(any->nested, r->given);
    }
    r->given = 0;
}

static qn_code fill(struct qn_pq_reader *r, uint32_t want, uint32_t *n, struct qn_err *err)
{
    *n = want;
    for (uint32_t i = 0; i < r->n_columns; i++) {
        struct qn_pq_any *any = &r->columns[i];
        uint32_t have = *n;
        if (any->flat) {
            QN_TRY(qn_pq_column_fill(any->flat, *n, err));
            have = any->flat->n;
        } else if (any->nested) {
            QN_TRY(qn_pq_nested_fill(any->nested, *n, err));
            have = qn_pq_nested_rows(any->nested);
        }
        *n = have < *n ? have : *n;
    }
    return QN_OK;
}

qn_code qn_pq_reader_next(struct qn_pq_reader *r, struct qn_column *columns, uint32_t *n,
                          struct qn_err *err)
{
    bool found = false;
    uint64_t until = 0;
    *n = 0;
    drop_given(r);
    while (until == 0) {
        QN_TRY(find_group(r, &found, err));
        if (!found)
            return QN_OK;
        QN_TRY(pass_gap(r, &until, err));
    }
    uint64_t want = r->capacity < until ? r->capacity : until;
    want = want < r->end - r->row ? want : r->end - r->row;
    QN_TRY(fill(r, (uint32_t)want, n, err));
    for (uint32_t i = 0; i < r->n_columns; i++) {
        struct qn_pq_any *any = &r->columns[i];
        if (any->flat)
            qn_pq_column_view(any->flat, &columns[i]);
        else if (any->nested)
            qn_pq_nested_view(any->nested, &columns[i]);
        else
            columns[i] = any->missing;
    }
    r->given = *n;
    r->row += *n;
    r->group_left -= *n;
    return QN_OK;
}
