#include "query/sqlite_run.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "expr/expr.h"
#include "flow/value.h"
#include "query/sqlite_one.h"
#include "query/sqlite_sum.h"
#include "query/sqlite_texts.h"
#include "sinks/sqlite_db.h"
#include "wire/part.h"

enum { STEPS_BETWEEN_LOOKS = 10000, MOST_ARGUMENTS = 64 };

struct qn_sqlite_run {
    const struct qn_query_phase *phase;
    const struct qn_query_sqlite *plan;
    const volatile sig_atomic_t *stop;
    sqlite3 *db;
    struct qn_arena arena; /* of the value at hand */
};

static const char doing[] = "answer in SQLite";
#define TOO_LARGE "; write CAST(... AS double) where values are that large"

/* --- values ---------------------------------------------------------------------------------- */

static int bind(sqlite3_stmt *stmt, int at, const struct qn_column *column, uint32_t row)
{
    if (!qn_is_valid(column, row))
        return sqlite3_bind_null(stmt, at);
    switch (qn_type_layout(column->type)) {
    case QN_LAYOUT_BOOL: return sqlite3_bind_int64(stmt, at, column->bools[row] != 0);
    case QN_LAYOUT_I64: return sqlite3_bind_int64(stmt, at, column->i64[row]);
    case QN_LAYOUT_F64: return sqlite3_bind_double(stmt, at, column->f64[row]);
    case QN_LAYOUT_TEXT: {
        struct qn_strv text = qn_text_at(column, row);
        return sqlite3_bind_text(stmt, at, text.len ? text.data : "", (int)text.len, SQLITE_STATIC);
    }
    }
    return SQLITE_MISUSE;
}

/* A sum of decimals may be past 18 digits, and still within SQLite's 64 bits. */
static bool holds(struct qn_type type, int kind, int64_t value)
{
    int64_t end = qn_pow10(QN_DECIMAL_MAX_PRECISION);
    return kind == SQLITE_INTEGER && (type.id != QN_DECIMAL || (value < end && value > -end));
}

/* Into row 0 of a column of one row; false: it is no value of the type. */
static bool read_value(sqlite3_value *value, struct qn_column *column, uint64_t *validity)
{
    int kind = sqlite3_value_type(value);
    *validity = kind != SQLITE_NULL;
    if (kind == SQLITE_NULL)
        return true;
    switch (qn_type_layout(column->type)) {
    case QN_LAYOUT_BOOL:
        column->bools[0] = sqlite3_value_int64(value) != 0;
        return kind == SQLITE_INTEGER;
    case QN_LAYOUT_I64:
        column->i64[0] = sqlite3_value_int64(value);
        return holds(column->type, kind, column->i64[0]);
    case QN_LAYOUT_F64:
        column->f64[0] = sqlite3_value_double(value);
        return kind == SQLITE_INTEGER || kind == SQLITE_FLOAT;
    case QN_LAYOUT_TEXT: {
        const unsigned char *bytes = sqlite3_value_text(value);
        column->offsets[0] = 0;
        column->offsets[1] = (uint32_t)sqlite3_value_bytes(value);
        column->bytes = (char *)(uintptr_t)bytes;
        return kind == SQLITE_TEXT && bytes;
    }
    }
    return false;
}

/* --- our own expressions --------------------------------------------------------------------- */

static void give_result(sqlite3_context *context, const struct qn_column *column)
{
    if (!qn_is_valid(column, 0)) {
        sqlite3_result_null(context);
        return;
    }
    switch (qn_type_layout(column->type)) {
    case QN_LAYOUT_BOOL: sqlite3_result_int64(context, column->bools[0] != 0); break;
    case QN_LAYOUT_I64: sqlite3_result_int64(context, column->i64[0]); break;
    case QN_LAYOUT_F64: sqlite3_result_double(context, column->f64[0]); break;
    case QN_LAYOUT_TEXT: {
        struct qn_strv text = qn_text_at(column, 0);
        sqlite3_result_text(context, text.len ? text.data : "", (int)text.len, SQLITE_TRANSIENT);
    }
    }
}

/* The arguments as a batch of one row; NULL: one is not what the plan says. */
static struct qn_batch *read_arguments(struct qn_sqlite_run *run,
                                       const struct qn_query_scalar *scalar, int n,
                                       sqlite3_value **args)
{
    struct qn_err err;
    struct qn_batch *batch = QN_NEW(&run->arena, struct qn_batch);
    struct qn_column *columns = QN_NEW_ARRAY(&run->arena, struct qn_column, (size_t)n + 1);
    uint64_t *validity = QN_NEW_ARRAY(&run->arena, uint64_t, (size_t)n + 1);
    if (!batch || !columns || !validity || (uint32_t)n != scalar->schema.n_fields)
        return NULL;
    for (int i = 0; i < n; i++) {
        struct qn_type type = scalar->schema.fields[i].type;
        if (qn_column_new(&run->arena, type, 1, &columns[i], &err) != QN_OK ||
            !read_value(args[i], &columns[i], &validity[i]))
            return NULL;
        columns[i].validity = &validity[i];
    }
    *batch = (struct qn_batch){.schema = &scalar->schema, .columns = columns, .n_rows = 1};
    return batch;
}

/* qn(k, arguments...) */
static void evaluate(sqlite3_context *context, int n, sqlite3_value **args)
{
    struct qn_sqlite_run *run = sqlite3_user_data(context);
    sqlite3_int64 k = n ? sqlite3_value_int64(args[0]) : -1;
    struct qn_column result;
    struct qn_err err;
    if (k < 0 || k >= (sqlite3_int64)run->plan->n_scalars) {
        sqlite3_result_error(context, "there is no such expression", -1);
        return;
    }
    const struct qn_query_scalar *scalar = &run->plan->scalars[k];
    qn_arena_clear(&run->arena);
    struct qn_batch *batch = read_arguments(run, scalar, n - 1, args + 1);
    if (!batch)
        sqlite3_result_error(context, "a value past what its type holds" TOO_LARGE, -1);
    else if (qn_expr_eval(scalar->expr, batch, &run->arena, &result, &err) != QN_OK)
        sqlite3_result_error_nomem(context);
    else
        give_result(context, &result);
}

/* --- tables ---------------------------------------------------------------------------------- */

static int look(void *context)
{
    const struct qn_sqlite_run *run = context;
    return run->stop && *run->stop;
}

static qn_code fail(struct qn_sqlite_run *run, int rc, struct qn_err *err)
{
    if (look(run))
        return qn_err_set(err, QN_ECANCEL, QN_BLAME_NONE, "interrupted");
    if ((rc & 0xff) == SQLITE_ERROR)
        return qn_err_set(err, QN_ELIMIT, QN_BLAME_JOB, "%.200s%s", sqlite3_errmsg(run->db),
                          strstr(sqlite3_errmsg(run->db), "does not fit") ? TOO_LARGE : "");
    return qn_sqlite_fail(run->db, rc, doing, err);
}

/* Columns without types: values stay as they are given. */
static qn_code make_table(struct qn_sqlite_run *run, const struct qn_query_staged *table,
                          struct qn_err *err)
{
    struct qn_buf sql;
    qn_buf_init(&sql);
    qn_buf_printf(&sql, "CREATE TABLE %s(", table->table);
    for (uint32_t i = 0; i < table->schema.n_fields; i++)
        qn_buf_printf(&sql, "%s%s", i ? ", " : "", table->columns[i]);
    qn_buf_printf(&sql, ")");
    qn_code code = qn_sqlite_exec_buf(run->db, &sql, doing, err);
    qn_buf_fini(&sql);
    return code;
}

/* A cache holds pages of the tables, and each sort keeps as much as that before it writes a run. */
static qn_code open_database(struct qn_sqlite_run *run, const struct qn_sqlite_run_options *options,
                             struct qn_err *err)
{
    char pragmas[200];
    snprintf(
        pragmas, sizeof pragmas,
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA temp_store = FILE; PRAGMA "
        "cache_size = -%llu",
        (unsigned long long)(options->memory_bytes / 4 >> 10));
    sqlite3_free(sqlite3_temp_directory); /* SQLite's own way to say it: for all databases */
    sqlite3_temp_directory = sqlite3_mprintf("%s", options->folder);
    sqlite3_soft_heap_limit64((sqlite3_int64)(options->memory_bytes / 2));
    QN_TRY(qn_sqlite_open(options->path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, 0, "scratch",
                          &run->db, err));
    return qn_sqlite_exec(run->db, pragmas, doing, err);
}

static qn_code setup(struct qn_sqlite_run *run, const struct qn_sqlite_run_options *options,
                     struct qn_err *err)
{
    QN_TRY(open_database(run, options, err));
    int rc = sqlite3_create_function(run->db, "qn", -1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, run,
                                     evaluate, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = qn_sqlite_sum_register(run->db);
    if (rc == SQLITE_OK)
        rc = qn_sqlite_texts_register(run->db);
    if (rc == SQLITE_OK)
        rc = qn_sqlite_one_register(run->db);
    if (rc != SQLITE_OK)
        return qn_sqlite_fail(run->db, rc, doing, err);
    sqlite3_progress_handler(run->db, STEPS_BETWEEN_LOOKS, look, run);
    for (uint32_t i = 0; i < run->plan->n_tables; i++)
        QN_TRY(make_table(run, &run->plan->tables[i], err));
    return qn_sqlite_exec(run->db, "BEGIN", doing, err);
}

qn_code qn_sqlite_run_new(const struct qn_query_phase *phase,
                          const struct qn_sqlite_run_options *options, struct qn_sqlite_run **out,
                          struct qn_err *err)
{
    struct qn_sqlite_run *run = *out = calloc(1, sizeof *run);
    if (!run)
        return qn_err_nomem(err, "rows for SQLite");
    *run = (struct qn_sqlite_run){.phase = phase, .plan = phase->sqlite, .stop = options->stop};
    qn_arena_init(&run->arena);
    return setup(run, options, err);
}

void qn_sqlite_run_free(struct qn_sqlite_run *run)
{
    if (!run)
        return;
    sqlite3_close(run->db);
    qn_arena_fini(&run->arena);
    free(run);
}

static qn_code insert_batch(struct qn_sqlite_run *run, sqlite3_stmt *stmt,
                            const struct qn_query_staged *table, const struct qn_batch *batch,
                            struct qn_err *err)
{
    for (uint32_t row = 0; row < batch->n_rows; row++) {
        int rc = SQLITE_OK;
        for (uint32_t c = 0; c < table->schema.n_fields && rc == SQLITE_OK; c++) {
            const struct qn_column *column = &batch->columns[c];
            if (column->type.id == QN_DOUBLE && qn_is_valid(column, row) &&
                column->f64[row] != column->f64[row])
                return qn_err_set(err, QN_ENOTSUP, QN_BLAME_JOB,
                                  "column %s has a NaN, which SQLite takes for NULL; filter such "
                                  "rows in a subquery of FROM",
                                  table->schema.fields[c].name);
            rc = bind(stmt, (int)c + 1, column, row);
        }
        if (rc == SQLITE_OK)
            rc = sqlite3_step(stmt);
        sqlite3_reset(stmt);
        if (rc != SQLITE_DONE)
            return fail(run, rc, err);
    }
    return QN_OK;
}

static qn_code insert_part(struct qn_sqlite_run *run, const struct qn_query_staged *table,
                           const char *path, struct qn_err *err)
{
    const struct qn_part_want want = {.kind = QN_PART_ROWS, .schema = &table->schema};
    struct qn_reader *reader;
    struct qn_batch batch;
    sqlite3_stmt *stmt;
    struct qn_buf sql;
    qn_buf_init(&sql);
    qn_buf_printf(&sql, "INSERT INTO %s VALUES(", table->table);
    for (uint32_t i = 0; i < table->schema.n_fields; i++)
        qn_buf_printf(&sql, "%s", i ? ", ?" : "?");
    qn_buf_printf(&sql, ")");
    qn_buf_put_u8(&sql, 0);
    qn_code code = qn_buf_check(&sql, "a statement", err);
    if (code == QN_OK)
        code = qn_sqlite_prepare(run->db, (const char *)sql.data, doing, &stmt, err);
    qn_buf_fini(&sql);
    QN_TRY(code);
    code = qn_part_open(&path, 1, &want, &reader, err);
    if (code == QN_OK) {
        while ((code = reader->ops->next(reader, &batch, NULL, err)) == QN_OK && batch.n_rows)
            if ((code = insert_batch(run, stmt, table, &batch, err)) != QN_OK)
                break;
        reader->ops->close(reader);
    }
    sqlite3_finalize(stmt);
    return code;
}

qn_code qn_sqlite_run_part(struct qn_sqlite_run *run, const char *job, const char *path,
                           struct qn_err *err)
{
    for (uint32_t i = 0; i < run->plan->n_tables; i++)
        if (strcmp(run->plan->tables[i].job, job) == 0)
            QN_TRY(insert_part(run, &run->plan->tables[i], path, err));
    return QN_OK;
}

/* --- the answer ------------------------------------------------------------------------------ */

static bool put_column(struct qn_batch_builder *builder, uint32_t c, struct qn_type type,
                       sqlite3_stmt *stmt)
{
    int at = (int)c, kind = sqlite3_column_type(stmt, at);
    if (kind == SQLITE_NULL)
        return true;
    switch (qn_type_layout(type)) {
    case QN_LAYOUT_BOOL:
        qn_builder_bool(builder, c, sqlite3_column_int64(stmt, at) != 0);
        return kind == SQLITE_INTEGER;
    case QN_LAYOUT_I64:
        qn_builder_i64(builder, c, sqlite3_column_int64(stmt, at));
        return holds(type, kind, sqlite3_column_int64(stmt, at));
    case QN_LAYOUT_F64:
        qn_builder_f64(builder, c, sqlite3_column_double(stmt, at));
        return kind == SQLITE_INTEGER || kind == SQLITE_FLOAT;
    case QN_LAYOUT_TEXT:
        qn_builder_text(builder, c, qn_sqlite_column_strv(stmt, at));
        return kind == SQLITE_TEXT;
    }
    return false;
}

static qn_code put_row(struct qn_sqlite_run *run, struct qn_batch_builder *builder,
                       sqlite3_stmt *stmt, struct qn_err *err)
{
    const struct qn_schema *schema = &run->phase->schema;
    for (uint32_t c = 0; c < schema->n_fields; c++)
        if (!put_column(builder, c, schema->fields[c].type, stmt))
            return qn_err_set(
                err, QN_ELIMIT, QN_BLAME_JOB,
                "column %u of the answer has a value past what its type holds" TOO_LARGE, c + 1);
    return qn_builder_row(builder, err);
}

static qn_code give_rows(struct qn_sqlite_run *run, struct qn_batch_builder *builder,
                         sqlite3_stmt *stmt, qn_finish_fn take, void *context, struct qn_err *err)
{
    struct qn_batch batch;
    int rc;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        QN_TRY(put_row(run, builder, stmt, err));
        if (qn_builder_rows(builder) < QN_BATCH_ROWS)
            continue;
        qn_builder_batch(builder, &batch);
        QN_TRY(take(context, &batch, err));
        qn_builder_clear(builder);
    }
    if (rc != SQLITE_DONE)
        return fail(run, rc, err);
    qn_builder_batch(builder, &batch);
    return batch.n_rows ? take(context, &batch, err) : QN_OK;
}

qn_code qn_sqlite_run_rows(struct qn_sqlite_run *run, qn_finish_fn take, void *context,
                           struct qn_err *err)
{
    struct qn_batch_builder *builder;
    sqlite3_stmt *stmt;
    if (run->plan->indexes)
        QN_TRY(qn_sqlite_exec(run->db, run->plan->indexes, doing, err));
    QN_TRY(qn_sqlite_exec(run->db, "COMMIT", doing, err));
    QN_TRY(qn_sqlite_prepare(run->db, run->plan->sql, doing, &stmt, err));
    qn_code code = qn_builder_new(&run->phase->schema, &builder, err);
    if (code == QN_OK) {
        code = give_rows(run, builder, stmt, take, context, err);
        qn_builder_free(builder);
    }
    sqlite3_finalize(stmt);
    return code;
}
