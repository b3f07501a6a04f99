#include "sources/parquet_reader.h"

#include <stdlib.h>

#include "base/limits.h"
#include "sources/parquet_locate.h"
#include "sources/parquet_place.h"
#include "sources/parquet_plan.h"
#include "sources/parquet_sieve.h"

struct parquet_reader {
    struct qn_reader reader;
    struct qn_arena arena, batch_arena;
    struct qn_chunk chunk;
    struct qn_pq_file file;
    bool file_open;
    enum qn_on_malformed on_malformed;
    struct qn_schema schema; /* of the wanted columns */
    struct qn_pq_reader rows;
    struct qn_column *columns;
    uint32_t *origin;
    uint64_t first, end; /* rows of the file */
    struct qn_parquet_locator locator;
    struct qn_pq_subject *subjects; /* n_subjects, by column of the source's schema */
    uint32_t n_subjects;
    struct qn_parquet_sieve sieve;
    struct qn_chunk_result result;
};

/* --- refused rows ---------------------------------------------------------------------------- */

/* The first complaint about each row, by row; NULL: none. */
static qn_code gather_complaints(struct parquet_reader *r, uint32_t n,
                                 const struct qn_pq_complaint ***of_row, uint32_t **column_of,
                                 uint32_t *n_bad, struct qn_err *err)
{
    *of_row = QN_NEW_ARRAY(&r->batch_arena, const struct qn_pq_complaint *, n);
    *column_of = QN_NEW_ARRAY(&r->batch_arena, uint32_t, n);
    if (!*of_row || !*column_of)
        return qn_err_nomem(err, "refused rows");
    for (uint32_t i = 0; i < r->rows.n_columns; i++) {
        const struct qn_pq_column *column = r->rows.columns[i].flat;
        for (uint32_t k = 0; column && k < column->n_complaints; k++) {
            uint32_t row = column->complaints[k].row;
            if (row >= n || (*of_row)[row])
                continue;
            (*of_row)[row] = &column->complaints[k];
            (*column_of)[row] = i;
            ++*n_bad;
        }
    }
    return QN_OK;
}

static qn_code refuse(struct parquet_reader *r, uint64_t row, const char *column,
                      const struct qn_pq_complaint *complaint, struct qn_rejects *rejects,
                      struct qn_err *err)
{
    if (r->on_malformed == QN_MALFORMED_SKIP) {
        r->result.skipped++;
        return QN_OK;
    }
    if (r->on_malformed == QN_MALFORMED_FAIL) {
        qn_code code = qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT, "%s (column %s)",
                                  complaint->message, column);
        qn_err_at(err, r->chunk.path, row + 1, 0);
        return code;
    }
    struct qn_reject reject = {.byte_offset = row,
                               .line = row - r->first,
                               .file = qn_strv_from(r->chunk.path),
                               .column = qn_strv_from(column),
                               .rule = qn_strv_from(complaint->rule),
                               .message = qn_strv_from(complaint->message)};
    QN_TRY(qn_parquet_locator_find(&r->locator, &r->file, row, &reject.raw, err));
    return qn_rejects_add(rejects, &reject, err);
}

/* Rows with bad values to the rejects, the others to `out`. */
static qn_code sort_out(struct parquet_reader *r, const struct qn_batch *all, uint64_t first,
                        struct qn_rejects *rejects, struct qn_batch *out, struct qn_err *err)
{
    const struct qn_pq_complaint **of_row = NULL;
    uint32_t *column_of = NULL, n_bad = 0, n_good = 0;
    QN_TRY(gather_complaints(r, all->n_rows, &of_row, &column_of, &n_bad, err));
    uint32_t *good = QN_NEW_ARRAY(&r->batch_arena, uint32_t, all->n_rows + 1U);
    if (!good)
        return qn_err_nomem(err, "refused rows");
    for (uint32_t row = 0; row < all->n_rows; row++)
        if (of_row[row])
            QN_TRY(refuse(r, first + row, r->schema.fields[column_of[row]].name, of_row[row],
                          rejects, err));
        else
            good[n_good++] = row;
    *out = *all;
    return n_bad ? qn_batch_take(&r->batch_arena, all, good, n_good, out, err) : QN_OK;
}

static bool has_complaints(const struct parquet_reader *r)
{
    for (uint32_t i = 0; i < r->rows.n_columns; i++)
        if (r->rows.columns[i].flat && r->rows.columns[i].flat->n_complaints)
            return true;
    return false;
}

/* --- the calls ------------------------------------------------------------------------------- */

static qn_code parquet_next(struct qn_reader *reader, struct qn_batch *batch,
                            struct qn_rejects *rejects, struct qn_err *err)
{
    struct parquet_reader *r = (struct parquet_reader *)reader;
    *batch = (struct qn_batch){.schema = &r->schema, .columns = r->columns, .origin = r->origin};
    qn_arena_clear(&r->batch_arena);
    do {
        uint32_t n = 0;
        QN_TRY(qn_pq_reader_next(&r->rows, r->columns, &n, err));
        uint64_t first = r->rows.row - n; /* groups may have been passed over */
        struct qn_batch all = {&r->schema, r->columns, n, r->origin};
        uint32_t *origin = r->origin, from = (uint32_t)(first - r->first);
        for (uint32_t i = 0; i < n; i++)
            origin[i] = from + i;
        r->result.records += n;
        *batch = all;
        if (n == 0)
            break;
        if (has_complaints(r))
            QN_TRY(sort_out(r, &all, first, rejects, batch, err));
    } while (batch->n_rows == 0);
    return QN_OK;
}

static qn_code parquet_locate(struct qn_reader *reader, uint32_t origin, struct qn_location *out,
                              struct qn_err *err)
{
    struct parquet_reader *r = (struct parquet_reader *)reader;
    uint64_t row = r->first + origin;
    *out = (struct qn_location){.byte_offset = row, .line = origin};
    if (row >= r->end)
        return qn_err_set(err, QN_ESTATE, QN_BLAME_WORKER, "%s: row %llu is not of this chunk",
                          r->chunk.path, (unsigned long long)row + 1);
    return qn_parquet_locator_find(&r->locator, &r->file, row, &out->raw, err);
}

static void parquet_result(const struct qn_reader *reader, struct qn_chunk_result *out)
{
    const struct parquet_reader *r = (const struct parquet_reader *)reader;
    *out = r->result;
    out->records += r->rows.passed;
    out->skipped += r->rows.passed;
}

static void parquet_close(struct qn_reader *reader)
{
    struct parquet_reader *r = (struct parquet_reader *)reader;
    qn_parquet_locator_fini(&r->locator);
    qn_parquet_sieve_fini(&r->sieve);
    qn_pq_reader_fini(&r->rows);
    if (r->file_open)
        qn_pq_file_close(&r->file);
    qn_arena_fini(&r->batch_arena);
    qn_arena_fini(&r->arena);
    free(r);
}

static qn_code parquet_only(struct qn_reader *reader, const struct qn_condition *condition,
                            struct qn_err *err)
{
    struct parquet_reader *r = (struct parquet_reader *)reader;
    qn_parquet_sieve_fini(&r->sieve); /* of what was wanted so far */
    r->rows.gaps_found = false;
    r->rows.context = &r->sieve;
    r->rows.passes_over = qn_parquet_sieve_passes_over;
    r->rows.find_gaps = qn_parquet_sieve_find_gaps;
    return qn_parquet_sieve_init(&r->sieve, condition, &r->file, r->subjects, r->n_subjects, err);
}

static const struct qn_reader_ops reader_ops = {.only = parquet_only,
                                                .next = parquet_next,
                                                .locate = parquet_locate,
                                                .result = parquet_result,
                                                .close = parquet_close};

/* --- opening --------------------------------------------------------------------------------- */

/* A chunk came over a network. */
static qn_code check_chunk(const struct parquet_reader *r, struct qn_err *err)
{
    const struct qn_chunk *chunk = &r->chunk;
    if (chunk->file_bytes != r->file.bytes) {
        qn_code code =
            qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT,
                       "the file has %llu bytes; it had %llu when the run was planned",
                       (unsigned long long)r->file.bytes, (unsigned long long)chunk->file_bytes);
        qn_err_at(err, chunk->path, 0, 0);
        return code;
    }
    if (chunk->begin > chunk->end || chunk->end > chunk->file_bytes ||
        (chunk->start != QN_START_UNKNOWN && chunk->start != chunk->begin))
        return qn_err_set(err, QN_EWIRE, QN_BLAME_COORDINATOR,
                          "%s: bytes %llu to %llu are no chunk of the file", chunk->path,
                          (unsigned long long)chunk->begin, (unsigned long long)chunk->end);
    return QN_OK;
}

static const struct qn_pq_node *find_field(const struct qn_pq_field *fields, uint32_t n,
                                           struct qn_strv path, uint32_t likely)
{
    if (likely < n && qn_strv_is(path, fields[likely].name))
        return fields[likely].node;
    for (uint32_t i = 0; i < n; i++)
        if (qn_strv_is(path, fields[i].name))
            return fields[i].node;
    return NULL;
}

/* The wanted columns, found by name in this file. */
static qn_code choose_columns(struct parquet_reader *r, const struct qn_source_info *info,
                              const bool *wanted, struct qn_err *err)
{
    uint32_t n = info->schema.n_fields, n_fields, n_chosen = 0;
    struct qn_pq_field *fields;
    struct qn_parquet_plan plan;
    QN_TRY(qn_parquet_plan_unpack(info->dialect, n, &r->arena, &plan, err));
    QN_TRY(qn_pq_fields_list(&r->file.tree, &r->arena, &fields, &n_fields, err));
    struct qn_field *schema = QN_NEW_ARRAY(&r->arena, struct qn_field, n + 1U);
    struct qn_pq_wanted *chosen = QN_NEW_ARRAY(&r->arena, struct qn_pq_wanted, n + 1U);
    r->columns = QN_NEW_ARRAY(&r->arena, struct qn_column, n + 1U);
    r->origin = QN_NEW_ARRAY(&r->arena, uint32_t, QN_BATCH_ROWS);
    r->subjects = QN_NEW_ARRAY(&r->arena, struct qn_pq_subject, n + 1U);
    r->n_subjects = n;
    if (!r->subjects || !schema || !chosen || !r->columns || !r->origin)
        return qn_err_nomem(err, "Parquet reader");
    for (uint32_t i = 0; i < n; i++) {
        if (wanted && !wanted[i])
            continue;
        schema[n_chosen] = info->schema.fields[i];
        chosen[n_chosen] =
            (struct qn_pq_wanted){.node = find_field(fields, n_fields, plan.columns[i].path, i),
                                  .type = info->schema.fields[i].type,
                                  .nulls = plan.columns[i].nulls,
                                  .n_nulls = plan.columns[i].n_nulls};
        if (chosen[n_chosen].node && qn_pq_is_nested(chosen[n_chosen].node) &&
            chosen[n_chosen].type.id != QN_TEXT)
            return qn_err_set(err, QN_EWIRE, QN_BLAME_COORDINATOR,
                              "%s: column %s is a list and planned as something else",
                              r->chunk.path, schema[n_chosen].name);
        r->subjects[i] = (struct qn_pq_subject){chosen[n_chosen].node, chosen[n_chosen].type,
                                                chosen[n_chosen].n_nulls > 0};
        n_chosen++;
    }
    r->schema = (struct qn_schema){schema, n_chosen};
    return qn_pq_reader_init(&r->rows, &r->file, chosen, n_chosen, err);
}

static qn_code open_chunk(struct parquet_reader *r, const struct qn_source_info *info,
                          const bool *wanted, struct qn_err *err)
{
    QN_TRY(qn_pq_file_open(&r->file, r->chunk.path, err));
    r->file_open = true;
    QN_TRY(check_chunk(r, err));
    QN_TRY(choose_columns(r, info, wanted, err));
    uint64_t n_rows = 0;
    for (uint32_t g = 0; g < r->file.meta.n_groups; g++)
        n_rows += (uint64_t)r->file.meta.groups[g].n_rows;
    r->first = qn_parquet_row_at(r->chunk.begin, n_rows, r->chunk.file_bytes);
    r->end = qn_parquet_row_at(r->chunk.end, n_rows, r->chunk.file_bytes);
    if (r->end - r->first > UINT32_MAX)
        return qn_err_set(err, QN_ELIMIT, QN_BLAME_JOB,
                          "%s: a chunk of more than 2^32 rows; choose a smaller chunk_size",
                          r->chunk.path);
    qn_pq_reader_seek(&r->rows, r->first, r->end);
    r->result = (struct qn_chunk_result){
        .first_start = r->chunk.begin, .next_start = r->chunk.end, .lines = r->end - r->first};
    r->reader = (struct qn_reader){.ops = &reader_ops,
                                   .schema = &r->schema,
                                   .base = r->first,
                                   .file_index = r->chunk.file_index,
                                   .file = r->chunk.path};
    return QN_OK;
}

qn_code qn_parquet_reader_open(const struct qn_source_info *info, const struct qn_chunk *chunk,
                               const bool *wanted, struct qn_reader **out, struct qn_err *err)
{
    struct parquet_reader *r = calloc(1, sizeof *r);
    if (!r)
        return qn_err_nomem(err, "Parquet reader");
    qn_arena_init(&r->arena);
    qn_arena_init(&r->batch_arena);
    r->chunk = *chunk;
    r->on_malformed = info->on_malformed;
    qn_code code = open_chunk(r, info, wanted, err);
    if (code != QN_OK) {
        parquet_close(&r->reader);
        return code;
    }
    *out = &r->reader;
    return QN_OK;
}
