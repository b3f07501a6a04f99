#include "sources/sqlite_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "sources/row_store.h"
#include "sources/sqlite_open.h"
#include "sources/sqlite_select.h"
#include "sources/sqlite_value.h"

enum { MAX_BATCH_TEXT_BYTES = 4 << 20, MESSAGE = 480, SHOWN = 60 };

struct sqlite_reader {
    struct qn_reader reader;
    struct qn_arena arena;
    struct qn_chunk chunk;
    struct qn_sqlite_select select;
    const struct qn_sqlite_file *file;
    enum qn_on_malformed on_malformed;
    struct qn_row_store batch;
    const struct qn_null_texts **nulls; /* of its columns */
    uint64_t *numbers; /* of the batch's rows: their place among the chunk's records */
    sqlite3 *db;
    sqlite3_stmt *rows, *one; /* one: by position, made when first asked for */
    bool held, ended;         /* held: `rows` stands on a row that goes to the next batch */
    uint64_t at;              /* position of that row */
    int64_t last_key;
    struct qn_buf raw;
    struct qn_chunk_result result;
};

/* --- refused rows ---------------------------------------------------------------------------- */

/* The row as a JSON object of the columns that are read. */
static qn_code show_row(struct sqlite_reader *r, sqlite3_stmt *stmt, struct qn_err *err)
{
    qn_buf_clear(&r->raw);
    qn_buf_put_u8(&r->raw, '{');
    for (uint32_t i = 0; i < r->batch.schema.n_fields; i++) {
        if (i)
            qn_buf_put(&r->raw, ", ", 2);
        qn_json_put_text(&r->raw, qn_strv_from(r->batch.schema.fields[i].name));
        qn_buf_put(&r->raw, ": ", 2);
        qn_sqlite_value_show(&r->raw, sqlite3_column_value(stmt, (int)i + 1));
    }
    qn_buf_put_u8(&r->raw, '}');
    return qn_buf_check(&r->raw, "a row", err);
}

static void name_row(const struct sqlite_reader *r, char *out, size_t room)
{
    const char *table = r->select.table;
    if (r->select.key)
        snprintf(out, room, "%s%.100s%s%.60s %lld", table ? "table " : "query", table ? table : "",
                 ", ", r->select.key, (long long)qn_sqlite_key(r->file, r->at));
    else
        snprintf(out, room, "%s%.100s, row %llu", table ? "table " : "query", table ? table : "",
                 (unsigned long long)r->at + 1);
}

static const char *complain(const struct sqlite_reader *r, uint32_t column, enum qn_sqlite_fit fit,
                            char message[MESSAGE])
{
    char type[QN_TYPE_NAME], row[200];
    name_row(r, row, sizeof row);
    struct qn_buf value;
    qn_buf_init(&value);
    if (fit == QN_SQLITE_WRONG_TYPE)
        qn_sqlite_value_show(&value, sqlite3_column_value(r->rows, (int)column + 1));
    if (value.len > SHOWN) {
        value.len = SHOWN;
        while (value.len && (value.data[value.len] & 0xC0) == 0x80)
            value.len--; /* not in the middle of a character */
    }
    if (fit == QN_SQLITE_WRONG_TYPE)
        snprintf(message, MESSAGE, "expected %s, got %.*s (%s)",
                 qn_type_name(r->batch.schema.fields[column].type, type),
                 QN_STRV_ARG(qn_buf_strv(&value)), row);
    else if (fit == QN_SQLITE_NOT_UTF8)
        snprintf(message, MESSAGE, "not valid UTF-8, or it holds a NUL (%s)", row);
    else
        snprintf(message, MESSAGE, "field longer than %d bytes (%s)", QN_MAX_FIELD_BYTES, row);
    qn_buf_fini(&value);
    return fit == QN_SQLITE_WRONG_TYPE ? "type" : fit == QN_SQLITE_NOT_UTF8 ? "encoding" : "limit";
}

static qn_code refuse_row(struct sqlite_reader *r, uint32_t column, enum qn_sqlite_fit fit,
                          struct qn_rejects *rejects, struct qn_err *err)
{
    char message[MESSAGE];
    if (r->on_malformed == QN_MALFORMED_SKIP) {
        r->result.skipped++;
        return QN_OK;
    }
    const char *rule = complain(r, column, fit, message),
               *name = r->batch.schema.fields[column].name;
    if (r->on_malformed == QN_MALFORMED_FAIL) {
        qn_code code = qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT, "%s (column %s)", message, name);
        qn_err_at(err, r->chunk.path, 0, 0);
        return code;
    }
    QN_TRY(show_row(r, r->rows, err));
    struct qn_reject reject = {.byte_offset = r->at,
                               .line = r->result.records - 1,
                               .file = qn_strv_from(r->chunk.path),
                               .column = qn_strv_from(name),
                               .rule = qn_strv_from(rule),
                               .message = qn_strv_from(message),
                               .raw = qn_buf_strv(&r->raw)};
    return qn_rejects_add(rejects, &reject, err);
}

/* --- reading --------------------------------------------------------------------------------- */

static qn_code changed(const struct sqlite_reader *r, struct qn_err *err)
{
    qn_code code = qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT,
                              "the database changed since the run was planned: read a copy, or run "
                              "again when nobody writes to it");
    qn_err_at(err, r->chunk.path, 0, 0);
    return code;
}

static qn_code check_stamp(struct sqlite_reader *r, struct qn_err *err)
{
    struct qn_hash128 now;
    QN_TRY(qn_sqlite_source_stamp(r->db, r->chunk.path, &now, err));
    bool same = now.low == r->file->stamp.low && now.high == r->file->stamp.high;
    return same ? QN_OK : changed(r, err);
}

/* Steps to the next row; its position goes to r->at. */
static qn_code step(struct sqlite_reader *r, struct qn_err *err)
{
    int rc = sqlite3_step(r->rows);
    if (rc == SQLITE_DONE) {
        r->ended = true;
        return check_stamp(r, err);
    }
    if (rc != SQLITE_ROW)
        return qn_sqlite_source_fail(r->db, r->chunk.path, "read", err);
    if (!r->select.key) {
        r->at = r->result.records;
        return QN_OK;
    }
    int64_t key = sqlite3_column_int64(r->rows, 0);
    if (sqlite3_column_type(r->rows, 0) != SQLITE_INTEGER)
        return changed(r, err);
    if (r->result.records && key == r->last_key) {
        qn_code code = qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT,
                                  "the key %s is %lld in two rows: a key must be unique",
                                  r->select.key, (long long)key);
        qn_err_at(err, r->chunk.path, 0, 0);
        return code;
    }
    r->last_key = key;
    r->at = qn_sqlite_position(r->file, key);
    return QN_OK;
}

static qn_code take_row(struct sqlite_reader *r, struct qn_rejects *rejects, struct qn_err *err)
{
    struct qn_row_store *batch = &r->batch;
    uint32_t row = batch->n;
    r->result.records++;
    for (uint32_t i = 0; i < batch->schema.n_fields; i++) {
        enum qn_sqlite_fit fit = qn_sqlite_value_take(&batch->columns[i], row, r->nulls[i],
                                                      sqlite3_column_value(r->rows, (int)i + 1));
        if (fit == QN_SQLITE_FITS)
            continue;
        for (uint32_t k = 0; k <= i; k++)
            qn_column_store_unmark(&batch->columns[k], row, row + 1);
        return fit == QN_SQLITE_NO_MEMORY ? qn_err_nomem(err, "a row")
                                          : refuse_row(r, i, fit, rejects, err);
    }
    batch->origin[row] = (uint32_t)(r->at - r->reader.base);
    r->numbers[row] = r->result.records - 1;
    batch->n++;
    return QN_OK;
}

static bool has_room(const struct qn_row_store *batch)
{
    return batch->n < batch->capacity && qn_row_store_text_bytes(batch) < MAX_BATCH_TEXT_BYTES;
}

/* Origins are 32 bits wide, keys are not: a batch ends before they are too far from its base. */
static qn_code sqlite_next(struct qn_reader *reader, struct qn_batch *batch,
                           struct qn_rejects *rejects, struct qn_err *err)
{
    struct sqlite_reader *r = (struct sqlite_reader *)reader;
    qn_row_store_clear(&r->batch);
    while (!r->ended && has_room(&r->batch)) {
        if (!r->held)
            QN_TRY(step(r, err));
        r->held = false;
        if (r->ended)
            break;
        if (r->at - reader->base > UINT32_MAX) {
            r->held = r->batch.n > 0;
            if (r->held)
                break;
            reader->base = r->at;
        }
        QN_TRY(take_row(r, rejects, err));
    }
    for (uint32_t i = 0; i < r->batch.schema.n_fields; i++)
        if (!r->batch.columns[i].values)
            qn_column_store_encode(&r->batch.columns[i], 0, r->batch.n);
    qn_row_store_view(&r->batch, batch);
    return QN_OK;
}

/* --- locating -------------------------------------------------------------------------------- */

/* By key, or by number. */
static qn_code find_row(struct sqlite_reader *r, uint64_t position, struct qn_err *err)
{
    if (!r->one) {
        struct qn_buf sql;
        qn_buf_init(&sql);
        bool *wanted = QN_NEW_ARRAY(&r->arena, bool, r->select.n);
        for (uint32_t i = 0; wanted && i < r->select.n; i++)
            for (uint32_t k = 0; k < r->batch.schema.n_fields; k++)
                wanted[i] |= strcmp(r->select.names[i], r->batch.schema.fields[k].name) == 0;
        qn_sqlite_select_sql(&sql, &r->select, wanted);
        if (!r->select.key && !sql.failed) {
            sql.len--;
            qn_buf_printf(&sql, " LIMIT 1 OFFSET ?1");
            qn_buf_put_u8(&sql, 0);
        }
        qn_code code = wanted ? qn_buf_check(&sql, "a query", err) : qn_err_nomem(err, "a query");
        if (code == QN_OK)
            code = qn_sqlite_source_prepare(r->db, r->chunk.path, (const char *)sql.data, &r->one,
                                            err);
        qn_buf_fini(&sql);
        QN_TRY(code);
    }
    int64_t key = r->select.key ? qn_sqlite_key(r->file, position) : (int64_t)position;
    sqlite3_reset(r->one);
    sqlite3_bind_int64(r->one, 1, key);
    if (r->select.key)
        sqlite3_bind_int64(r->one, 2, key);
    return sqlite3_step(r->one) == SQLITE_ROW ? QN_OK : changed(r, err);
}

static qn_code sqlite_locate(struct qn_reader *reader, uint32_t origin, struct qn_location *out,
                             struct qn_err *err)
{
    struct sqlite_reader *r = (struct sqlite_reader *)reader;
    const uint32_t *origins = r->batch.origin;
    uint32_t low = 0, high = r->batch.n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (origins[middle] < origin)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == r->batch.n || origins[low] != origin)
        return qn_err_set(err, QN_ESTATE, QN_BLAME_WORKER, "%s: no row %u in the last batch",
                          r->chunk.path, origin);
    QN_TRY(find_row(r, reader->base + origin, err));
    QN_TRY(show_row(r, r->one, err));
    sqlite3_reset(r->one);
    *out = (struct qn_location){
        .byte_offset = reader->base + origin, .line = r->numbers[low], .raw = qn_buf_strv(&r->raw)};
    return QN_OK;
}

static void sqlite_result(const struct qn_reader *reader, struct qn_chunk_result *out)
{
    const struct sqlite_reader *r = (const struct sqlite_reader *)reader;
    *out = r->result;
    out->first_start = r->chunk.begin;
    out->next_start = r->chunk.end;
    out->lines = r->result.records; /* a row is a line */
}

static void sqlite_close(struct qn_reader *reader)
{
    struct sqlite_reader *r = (struct sqlite_reader *)reader;
    qn_row_store_fini(&r->batch);
    sqlite3_finalize(r->rows);
    sqlite3_finalize(r->one);
    qn_sqlite_source_close(r->db);
    qn_buf_fini(&r->raw);
    qn_arena_fini(&r->arena);
    free(r);
}

static const struct qn_reader_ops sqlite_reader_ops = {
    .next = sqlite_next, .locate = sqlite_locate, .result = sqlite_result, .close = sqlite_close};

/* --- opening --------------------------------------------------------------------------------- */

static qn_code check_chunk(const struct sqlite_reader *r, struct qn_err *err)
{
    const struct qn_chunk *chunk = &r->chunk;
    if (chunk->file_index < r->select.n_files && chunk->begin <= chunk->end &&
        chunk->end <= r->select.files[chunk->file_index].end &&
        (chunk->start == QN_START_UNKNOWN || chunk->start == chunk->begin))
        return QN_OK;
    return qn_err_set(err, QN_EWIRE, QN_BLAME_COORDINATOR,
                      "chunk %llu-%llu (start %llu) of file %u, %s, makes no sense",
                      (unsigned long long)chunk->begin, (unsigned long long)chunk->end,
                      (unsigned long long)chunk->start, chunk->file_index, chunk->path);
}

static qn_code make_tables(struct sqlite_reader *r, const struct qn_source_info *info,
                           const bool *wanted, struct qn_err *err)
{
    QN_TRY(qn_row_store_init(&r->batch, &info->schema, wanted, QN_BATCH_ROWS, &r->arena, err));
    r->nulls = QN_NEW_ARRAY(&r->arena, const struct qn_null_texts *, r->batch.schema.n_fields + 1U);
    r->numbers = QN_NEW_ARRAY(&r->arena, uint64_t, QN_BATCH_ROWS);
    if (!r->nulls || !r->numbers)
        return qn_err_nomem(err, "sqlite reader");
    for (uint32_t i = 0, c = 0; i < info->schema.n_fields; i++)
        if (!wanted || wanted[i])
            r->nulls[c++] = &r->select.nulls[i];
    return QN_OK;
}

static qn_code begin_rows(struct sqlite_reader *r, const bool *wanted, struct qn_err *err)
{
    struct qn_buf sql;
    qn_buf_init(&sql);
    qn_sqlite_select_sql(&sql, &r->select, wanted);
    qn_code code = qn_buf_check(&sql, "a query", err);
    if (code == QN_OK)
        code =
            qn_sqlite_source_prepare(r->db, r->chunk.path, (const char *)sql.data, &r->rows, err);
    qn_buf_fini(&sql);
    QN_TRY(code);
    r->ended = r->chunk.begin == r->chunk.end;
    if (r->select.key && !r->ended) {
        sqlite3_bind_int64(r->rows, 1, qn_sqlite_key(r->file, r->chunk.begin));
        sqlite3_bind_int64(r->rows, 2, qn_sqlite_key(r->file, r->chunk.end - 1));
    }
    return check_stamp(r, err);
}

static qn_code open_reader(struct sqlite_reader *r, const struct qn_source_info *info,
                           const bool *wanted, struct qn_err *err)
{
    QN_TRY(
        qn_sqlite_select_unpack(info->dialect, info->schema.n_fields, &r->arena, &r->select, err));
    QN_TRY(check_chunk(r, err));
    r->file = &r->select.files[r->chunk.file_index];
    QN_TRY(make_tables(r, info, wanted, err));
    QN_TRY(qn_sqlite_source_open(r->chunk.path, &r->db, err));
    return begin_rows(r, wanted, err);
}

qn_code qn_sqlite_reader_open(const struct qn_source_info *info, const struct qn_chunk *chunk,
                              const bool *wanted, struct qn_reader **out, struct qn_err *err)
{
    struct sqlite_reader *r = calloc(1, sizeof *r);
    if (!r)
        return qn_err_nomem(err, "sqlite reader");
    r->chunk = *chunk;
    r->on_malformed = info->on_malformed;
    qn_arena_init(&r->arena);
    qn_buf_init(&r->raw);
    r->reader = (struct qn_reader){.ops = &sqlite_reader_ops,
                                   .schema = &r->batch.schema,
                                   .base = chunk->begin,
                                   .file_index = chunk->file_index,
                                   .file = chunk->path};
    qn_code code = open_reader(r, info, wanted, err);
    if (code != QN_OK) {
        sqlite_close(&r->reader);
        return code;
    }
    *out = &r->reader;
    return QN_OK;
}
