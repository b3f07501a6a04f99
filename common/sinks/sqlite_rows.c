#include "sinks/sqlite_rows.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/limits.h"
#include "flow/value.h"

struct table {
    sqlite3_vtab base;
    struct qn_sqlite_rows *rows;
};

struct cursor {
    sqlite3_vtab_cursor base;
    uint32_t row;
};

/* --- life of the table ------------------------------------------------------------------------ */

static int rows_connect(sqlite3 *db, void *context, int argc, const char *const *argv,
                        sqlite3_vtab **out, char **message)
{
    (void)argc, (void)argv, (void)message;
    struct qn_sqlite_rows *rows = context;
    /* The columns go by position: short names keep hostile ones out of this text. */
    struct qn_buf sql;
    qn_buf_init(&sql);
    qn_buf_printf(&sql, "CREATE TABLE x(");
    for (uint32_t i = 0; i < rows->schema->n_fields; i++)
        qn_buf_printf(&sql, "%sc%u", i ? "," : "", i);
    qn_buf_printf(&sql, ")");
    qn_buf_put_u8(&sql, 0);
    struct table *table = sql.failed ? NULL : calloc(1, sizeof *table);
    int rc = SQLITE_NOMEM;
    if (table)
        rc = sqlite3_declare_vtab(db, (const char *)sql.data);
    qn_buf_fini(&sql);
    if (rc == SQLITE_OK)
        rc = sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY);
    if (rc != SQLITE_OK) {
        free(table);
        return rc;
    }
    table->rows = rows;
    *out = &table->base;
    return SQLITE_OK;
}

static int rows_disconnect(sqlite3_vtab *table)
{
    free(table);
    return SQLITE_OK;
}

static int rows_best_index(sqlite3_vtab *table, sqlite3_index_info *info)
{
    (void)table;
    info->estimatedCost = QN_BATCH_ROWS;
    info->estimatedRows = QN_BATCH_ROWS;
    return SQLITE_OK;
}

/* --- one scan --------------------------------------------------------------------------------- */

static int rows_open(sqlite3_vtab *table, sqlite3_vtab_cursor **out)
{
    (void)table;
    struct cursor *cursor = calloc(1, sizeof *cursor);
    if (!cursor)
        return SQLITE_NOMEM;
    *out = &cursor->base;
    return SQLITE_OK;
}

static int rows_close(sqlite3_vtab_cursor *base)
{
    free(base);
    return SQLITE_OK;
}

static int rows_filter(sqlite3_vtab_cursor *base, int index, const char *name, int argc,
                       sqlite3_value **argv)
{
    (void)index, (void)name, (void)argc, (void)argv;
    ((struct cursor *)base)->row = 0;
    return SQLITE_OK;
}

static int rows_next(sqlite3_vtab_cursor *base)
{
    ((struct cursor *)base)->row++;
    return SQLITE_OK;
}

static int rows_eof(sqlite3_vtab_cursor *base)
{
    const struct qn_batch *batch = ((struct table *)base->pVtab)->rows->batch;
    return !batch || ((struct cursor *)base)->row >= batch->n_rows;
}

static void give_text(sqlite3_context *out, struct qn_strv text)
{
    sqlite3_result_text64(out, text.len ? text.data : "", text.len, SQLITE_STATIC, SQLITE_UTF8);
}

static int rows_column(sqlite3_vtab_cursor *base, sqlite3_context *out, int index)
{
    const struct qn_batch *batch = ((struct table *)base->pVtab)->rows->batch;
    const struct qn_column *column = &batch->columns[index];
    uint32_t row = ((struct cursor *)base)->row;
    char text[QN_VALUE_TEXT];
    if (!qn_is_valid(column, row)) {
        sqlite3_result_null(out);
        return SQLITE_OK;
    }
    switch ((enum qn_type_id)column->type.id) {
    case QN_BOOL: sqlite3_result_int(out, column->bools[row] != 0); break;
    case QN_INT64: sqlite3_result_int64(out, column->i64[row]); break;
    case QN_DOUBLE: sqlite3_result_double(out, column->f64[row]); break;
    case QN_DECIMAL:
        sqlite3_result_double(out, qn_decimal_to_double(column->i64[row], column->type.scale));
        break;
    case QN_TEXT: give_text(out, qn_text_at(column, row)); break;
    case QN_DATE:
        sqlite3_result_text64(out, text, qn_format_date(column->i64[row], text), SQLITE_TRANSIENT,
                              SQLITE_UTF8);
        break;
    case QN_TIMESTAMP:
        sqlite3_result_text64(out, text, qn_format_timestamp(column->i64[row], text),
                              SQLITE_TRANSIENT, SQLITE_UTF8);
        break;
    }
    return SQLITE_OK;
}

static int rows_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out)
{
    *out = ((struct cursor *)base)->row;
    return SQLITE_OK;
}

/* --- registration ----------------------------------------------------------------------------- */

/* Without xCreate the module is its own only table, of the same name, and is in no schema. */
static const sqlite3_module rows_module = {
    .xConnect = rows_connect,
    .xBestIndex = rows_best_index,
    .xDisconnect = rows_disconnect,
    .xOpen = rows_open,
    .xClose = rows_close,
    .xFilter = rows_filter,
    .xNext = rows_next,
    .xEof = rows_eof,
    .xColumn = rows_column,
    .xRowid = rows_rowid,
};

int qn_sqlite_rows_register(sqlite3 *db, const char *name, struct qn_sqlite_rows *rows)
{
    return sqlite3_create_module_v2(db, name, &rows_module, rows, NULL);
}

void qn_sqlite_rows_remove(sqlite3 *db, const char *name)
{
    (void)sqlite3_create_module_v2(db, name, NULL, NULL, NULL);
}
