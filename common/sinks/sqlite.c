/* The warehouse's tables in SQLite.
 *
 * Rows gather in "_quern_stage_<table>", a STRICT table without indexes, and publish() renames it
 * or copies its records as they are: to append, or because they are few, for a rename has SQLite
 * read every table's definition anew. A table whose rows all come with its publishing is made at
 * once.
 *
 * Types: integer and boolean are INTEGER, double and decimal REAL (the nearest double), text, date
 * and timestamp TEXT ("2026-01-31", "2026-01-31 12:00:00"). A NaN becomes NULL, for SQLite has
 * none; infinities are kept. */
#include <stdlib.h>
#include <string.h>

#include "flow/sink.h"
#include "sinks/sqlite_db.h"
#include "sinks/sqlite_image.h"

/* So many staged rows are copied in less time than a rename takes. */
enum { FEW_ROWS = 4096 };

/* --- types ------------------------------------------------------------------------------------ */

struct qn_sink {
    sqlite3 *db;
    struct qn_arena arena; /* owns the texts and the schema */
    const char *table, *stage;
    struct qn_schema schema;
    enum qn_write_disposition disposition;
    struct qn_sqlite_image image; /* what was written since the last flush */
    bool pending;                 /* the image waits for a flush */
    bool staged;                  /* the staging table is there, */
    uint64_t staged_rows;         /* with so many rows; UINT64_MAX: an earlier life's, too */
};

static const char *column_type(struct qn_type type)
{
    switch (qn_type_layout(type)) {
    case QN_LAYOUT_F64: return "REAL";
    case QN_LAYOUT_TEXT: return "TEXT";
    case QN_LAYOUT_BOOL: return "INTEGER";
    case QN_LAYOUT_I64: break;
    }
    if (type.id == QN_DECIMAL)
        return "REAL";
    return type.id == QN_INT64 ? "INTEGER" : "TEXT";
}

/* --- what may be made ------------------------------------------------------------------------- */

static bool has_prefix(struct qn_strv name, const char *prefix)
{
    size_t n = strlen(prefix);
    return name.len >= n && qn_strv_eq_nocase((struct qn_strv){name.data, n}, qn_strv_from(prefix));
}

static qn_code check_name(const char *table, struct qn_err *err)
{
    struct qn_strv name = qn_strv_from(table);
    if (!qn_strv_is_identifier(name))
        return qn_err_set(err, QN_EINPUT, QN_BLAME_JOB,
                          "'%s' cannot name a table: letters, digits and '_' only, at most 63, "
                          "not beginning with a digit",
                          table);
    if (has_prefix(name, "_quern_") || has_prefix(name, "sqlite_"))
        return qn_err_set(err, QN_EINPUT, QN_BLAME_JOB,
                          "table %s: names that start with _quern_ or sqlite_ are reserved", table);
    return QN_OK;
}

static int compare_names(const void *a, const void *b)
{
    return sqlite3_stricmp(*(const char *const *)a, *(const char *const *)b);
}

/* SQLite's column names are the same when they differ in the case of ASCII letters only. */
static qn_code check_columns(struct qn_sink *sink, struct qn_err *err)
{
    const struct qn_schema *schema = &sink->schema;
    if (schema->n_fields == 0 || schema->n_fields > QN_MAX_COLUMNS)
        return qn_err_set(err, QN_EINPUT, QN_BLAME_JOB,
                          "table %s: %u columns; 1 to %d are possible", sink->table,
                          schema->n_fields, QN_MAX_COLUMNS);
    const char **names = QN_NEW_ARRAY(&sink->arena, const char *, schema->n_fields);
    if (!names)
        return qn_err_nomem(err, "column names");
    for (uint32_t i = 0; i < schema->n_fields; i++)
        names[i] = schema->fields[i].name;
    qsort(names, schema->n_fields, sizeof names[0], compare_names);
    for (uint32_t i = 1; i < schema->n_fields; i++)
        if (compare_names(&names[i - 1], &names[i]) == 0)
            return qn_err_set(
                err, QN_EINPUT, QN_BLAME_JOB,
                "table %s: columns '%s' and '%s' have the same name for SQLite, which "
                "ignores case; rename one",
                sink->table, names[i - 1], names[i]);
    return QN_OK;
}

/* Whether a table of that name exists; anything else of that name is refused. */
static qn_code find_table(struct qn_sink *sink, const char *name, bool *found, struct qn_err *err)
{
    static const char sql[] = "SELECT type, rootpage FROM sqlite_schema "
                              "WHERE name = ?1 COLLATE NOCASE AND type <> 'trigger'";
    static const char doing[] = "look for a table";
    sqlite3_stmt *stmt;
    QN_TRY(qn_sqlite_prepare(sink->db, sql, doing, &stmt, err));
    struct qn_sqlite_args args = qn_sqlite_args_of(stmt);
    qn_sqlite_text(&args, name);
    qn_code code = qn_sqlite_next(&args, found, doing, err);
    if (code == QN_OK && *found) {
        struct qn_strv type = qn_sqlite_column_strv(stmt, 0);
        bool is_table = qn_strv_is(type, "table");
        bool is_virtual = is_table && sqlite3_column_int64(stmt, 1) == 0;
        if (!is_table || is_virtual)
            code = qn_err_set(err, QN_EINPUT, QN_BLAME_JOB,
                              "table %s: the warehouse has %s %s%.*s of that name", name,
                              qn_strv_is(type, "index") ? "an" : "a", is_virtual ? "virtual " : "",
                              QN_STRV_ARG(type));
    }
    sqlite3_finalize(stmt);
    return code;
}

/* --- fitting an existing table ---------------------------------------------------------------- */

struct fit {
    bool *seen; /* by field of the schema */
    bool same_order;
    bool strict;
};

static qn_code fit_column(struct qn_sink *sink, const char *name, struct qn_strv type,
                          uint32_t position, struct fit *fit, struct qn_err *err)
{
    for (uint32_t i = 0; i < sink->schema.n_fields; i++) {
        const struct qn_field *field = &sink->schema.fields[i];
        if (sqlite3_stricmp(field->name, name) != 0)
            continue;
        struct qn_strv want = qn_strv_from(column_type(field->type));
        bool fits = !fit->strict || qn_strv_eq_nocase(type, want) || qn_strv_is(type, "ANY") ||
                    (qn_strv_is(want, "INTEGER") && qn_strv_eq_nocase(type, QN_STRV_LIT("INT")));
        if (!fits)
            return qn_err_set(err, QN_EINPUT, QN_BLAME_JOB,
                              "cannot append to table %s: its column %s is %.*s, the rows have %s",
                              sink->table, name, QN_STRV_ARG(type), want.data);
        fit->seen[i] = true;
        fit->same_order = fit->same_order && i == position;
        return QN_OK;
    }
    return qn_err_set(err, QN_EINPUT, QN_BLAME_JOB,
                      "cannot append to table %s: the rows lack its column %s", sink->table, name);
}

static qn_code fit_columns(struct qn_sink *sink, sqlite3_stmt *stmt, const char *table,
                           struct fit *fit, struct qn_err *err)
{
    static const char doing[] = "read a table's columns";
    struct qn_sqlite_args args = qn_sqlite_args_of(stmt);
    qn_sqlite_text(&args, table);
    for (uint32_t position = 0;; position++) {
        bool row;
        QN_TRY(qn_sqlite_next(&args, &row, doing, err));
        if (!row)
            break;
        fit->strict = sqlite3_column_int(stmt, 3) != 0;
        if (sqlite3_column_int(stmt, 2) != 0) { /* generated: makes its own values */
            fit->same_order = false;
            continue;
        }
        const char *name = (const char *)sqlite3_column_text(stmt, 0);
        if (!name)
            return qn_err_nomem(err, "a column name");
        QN_TRY(fit_column(sink, name, qn_sqlite_column_strv(stmt, 1), position, fit, err));
    }
    for (uint32_t i = 0; i < sink->schema.n_fields; i++)
        if (!fit->seen[i])
            return qn_err_set(err, QN_EINPUT, QN_BLAME_JOB,
                              "cannot append to table %s: it has no column %s", sink->table,
                              sink->schema.fields[i].name);
    return QN_OK;
}

/* QN_EINPUT unless `table` has the sink's columns; *same_order when `SELECT *` fits too. */
static qn_code check_fit(struct qn_sink *sink, const char *table, bool *same_order,
                         struct qn_err *err)
{
    static const char sql[] = "SELECT c.name, c.type, c.hidden, t.strict FROM "
                              "pragma_table_xinfo(?1) AS c JOIN pragma_table_list AS t "
                              "WHERE t.schema = 'main' AND t.name = ?1 COLLATE NOCASE";
    struct fit fit = {.same_order = true,
                      .seen = QN_NEW_ARRAY(&sink->arena, bool, sink->schema.n_fields)};
    if (!fit.seen)
        return qn_err_nomem(err, "columns");
    sqlite3_stmt *stmt;
    QN_TRY(qn_sqlite_prepare(sink->db, sql, "read a table's columns", &stmt, err));
    qn_code code = fit_columns(sink, stmt, table, &fit, err);
    sqlite3_finalize(stmt);
    *same_order = fit.same_order;
    return code;
}

/* --- staging ---------------------------------------------------------------------------------- */

static qn_code create_table(struct qn_sink *sink, const char *name, struct qn_err *err)
{
    struct qn_buf sql;
    qn_buf_init(&sql);
    qn_buf_printf(&sql, "CREATE TABLE ");
    qn_sqlite_quote(&sql, name);
    for (uint32_t i = 0; i < sink->schema.n_fields; i++) {
        qn_buf_put(&sql, i ? ", " : "(", i ? 2 : 1);
        qn_sqlite_quote(&sql, sink->schema.fields[i].name);
        qn_buf_printf(&sql, " %s", column_type(sink->schema.fields[i].type));
    }
    qn_buf_printf(&sql, ") STRICT");
    qn_code code = qn_sqlite_exec_buf(sink->db, &sql, "create a table", err);
    qn_buf_fini(&sql);
    return code;
}

/* Rows of an earlier life of the run, if there are any. */
static qn_code find_stage(struct qn_sink *sink, struct qn_err *err)
{
    bool same_order = true;
    QN_TRY(find_table(sink, sink->stage, &sink->staged, err));
    if (!sink->staged)
        return QN_OK;
    qn_code code = check_fit(sink, sink->stage, &same_order, err);
    if (code == QN_EINPUT || (code == QN_OK && !same_order))
        return qn_err_set(err, QN_ESTATE, QN_BLAME_COORDINATOR,
                          "%s holds rows of another run with other columns", sink->stage);
    sink->staged_rows = UINT64_MAX;
    return code;
}

static qn_code make_stage(struct qn_sink *sink, struct qn_err *err)
{
    if (!sink->staged)
        QN_TRY(create_table(sink, sink->stage, err));
    sink->staged = true;
    return QN_OK;
}

static qn_code drop(struct qn_sink *sink, const char *table, struct qn_err *err)
{
    struct qn_buf sql;
    qn_buf_init(&sql);
    qn_buf_printf(&sql, "DROP TABLE IF EXISTS ");
    qn_sqlite_quote(&sql, table);
    qn_code code = qn_sqlite_exec_buf(sink->db, &sql, "drop a table", err);
    qn_buf_fini(&sql);
    return code;
}

/* --- operations ------------------------------------------------------------------------------- */

static void sqlite_close(struct qn_sink *sink)
{
    if (!sink)
        return;
    /* It fails only in the transaction that copied the image, which SQLite then reads no more. */
    (void)qn_sqlite_image_detach(sink->db);
    qn_sqlite_image_fini(&sink->image);
    qn_arena_fini(&sink->arena);
    free(sink);
}

static qn_code setup(struct qn_sink *sink, const char *table, const struct qn_schema *schema,
                     struct qn_err *err)
{
    QN_TRY(check_name(table, err));
    sink->table = qn_arena_strdup(&sink->arena, qn_strv_from(table));
    sink->stage = qn_arena_printf(&sink->arena, "_quern_stage_%s", table);
    if (!sink->table || !sink->stage)
        return qn_err_nomem(err, "a table's name");
    QN_TRY(qn_schema_copy(&sink->arena, schema, &sink->schema, err));
    QN_TRY(check_columns(sink, err));
    bool found;
    bool same_order;
    QN_TRY(find_table(sink, table, &found, err));
    if (found && sink->disposition == QN_WRITE_APPEND)
        QN_TRY(check_fit(sink, table, &same_order, err));
    return find_stage(sink, err);
}

static qn_code sqlite_prepare(void *store, const char *table, const struct qn_schema *schema,
                              enum qn_write_disposition disposition, struct qn_sink **out,
                              struct qn_err *err)
{
    *out = NULL;
    struct qn_sink *sink = calloc(1, sizeof *sink);
    if (!sink)
        return qn_err_nomem(err, "a sink");
    sink->db = store;
    sink->disposition = disposition;
    qn_arena_init(&sink->arena);
    qn_sqlite_image_init(&sink->image);
    qn_code code = setup(sink, table, schema, err);
    if (code != QN_OK) {
        sqlite_close(sink);
        return code;
    }
    *out = sink;
    return QN_OK;
}

/* What SQLite was shown must not change under it. */
static qn_code begin_image(struct qn_sink *sink, struct qn_err *err)
{
    int rc = qn_sqlite_image_detach(sink->db);
    if (rc != SQLITE_OK)
        return qn_sqlite_fail(sink->db, rc, "write rows after a flush", err);
    qn_sqlite_image_clear(&sink->image);
    sink->pending = true;
    return QN_OK;
}

static qn_code sqlite_write(struct qn_sink *sink, const struct qn_batch *batch, struct qn_err *err)
{
    bool fits = batch->schema->n_fields == sink->schema.n_fields;
    for (uint32_t i = 0; fits && i < sink->schema.n_fields; i++)
        fits = qn_type_eq(batch->columns[i].type, sink->schema.fields[i].type);
    if (!fits)
        return qn_err_set(err, QN_ESTATE, QN_BLAME_COORDINATOR,
                          "rows for table %s have other columns than it was prepared for",
                          sink->table);
    if (!sink->pending)
        QN_TRY(begin_image(sink, err));
    qn_code code = qn_sqlite_image_put(&sink->image, batch, err);
    if (code != QN_OK)
        qn_err_frame(err, "while writing %u rows for table %s", batch->n_rows, sink->table);
    return code;
}

static size_t sqlite_pending(const struct qn_sink *sink)
{
    return sink->pending ? qn_sqlite_image_bytes(&sink->image) : 0;
}

/* By position: the names are not copied, and short ones fit the image's first page. */
static qn_code finish_image(struct qn_sink *sink, struct qn_err *err)
{
    struct qn_buf columns;
    qn_buf_init(&columns);
    for (uint32_t i = 0; i < sink->schema.n_fields; i++)
        qn_buf_printf(&columns, "%cc%u %s", i ? ',' : '(', i,
                      column_type(sink->schema.fields[i].type));
    qn_buf_printf(&columns, ")STRICT");
    qn_code code = qn_buf_check(&columns, "a table's columns", err);
    if (code == QN_OK)
        code = qn_sqlite_image_finish(&sink->image, qn_buf_strv(&columns), err);
    qn_buf_fini(&columns);
    return code;
}

static qn_code copy_image(struct qn_sink *sink, const char *table, struct qn_err *err)
{
    static const char doing[] = "write rows";
    QN_TRY(finish_image(sink, err));
    int rc = qn_sqlite_image_attach(&sink->image, sink->db);
    if (rc != SQLITE_OK)
        return qn_sqlite_fail(sink->db, rc, doing, err);
    struct qn_buf sql;
    qn_buf_init(&sql);
    qn_buf_printf(&sql, "INSERT INTO main.");
    qn_sqlite_quote(&sql, table);
    qn_buf_printf(&sql, " SELECT * FROM " QN_SQLITE_IMAGE_TABLE);
    qn_code code = qn_sqlite_exec_buf(sink->db, &sql, doing, err);
    qn_buf_fini(&sql);
    return code;
}

/* The records are copied as they are: see docs/adr/0003. */
static qn_code flush_into(struct qn_sink *sink, const char *table, struct qn_err *err)
{
    if (!sink->pending)
        return QN_OK;
    sink->pending = false;
    QN_TRY(copy_image(sink, table, err));
    uint64_t copied = (uint64_t)sqlite3_changes64(sink->db);
    if (copied == sink->image.n_rows)
        return QN_OK;
    return qn_err_set(err, QN_ESTATE, QN_BLAME_COORDINATOR,
                      "SQLite took %llu of %llu rows for table %s", (unsigned long long)copied,
                      (unsigned long long)sink->image.n_rows, sink->table);
}

static qn_code sqlite_flush(struct qn_sink *sink, struct qn_err *err)
{
    if (!sink->pending)
        return QN_OK;
    QN_TRY(make_stage(sink, err));
    if (sink->staged_rows != UINT64_MAX)
        sink->staged_rows += sink->image.n_rows;
    return flush_into(sink, sink->stage, err);
}

static qn_code rename_stage(struct qn_sink *sink, struct qn_err *err)
{
    struct qn_buf sql;
    qn_buf_init(&sql);
    qn_buf_printf(&sql, "ALTER TABLE ");
    qn_sqlite_quote(&sql, sink->stage);
    qn_buf_printf(&sql, " RENAME TO ");
    qn_sqlite_quote(&sql, sink->table);
    qn_code code = qn_sqlite_exec_buf(sink->db, &sql, "publish a table", err);
    qn_buf_fini(&sql);
    return code;
}

static void put_columns(struct qn_buf *sql, const struct qn_schema *schema)
{
    for (uint32_t i = 0; i < schema->n_fields; i++) {
        if (i)
            qn_buf_put_u8(sql, ',');
        qn_sqlite_quote(sql, schema->fields[i].name);
    }
}

/* Between tables of the same columns, `SELECT *` moves records without taking them apart. */
static qn_code move_stage(struct qn_sink *sink, bool same_order, struct qn_err *err)
{
    struct qn_buf sql;
    qn_buf_init(&sql);
    qn_buf_printf(&sql, "INSERT INTO ");
    qn_sqlite_quote(&sql, sink->table);
    if (same_order) {
        qn_buf_printf(&sql, " SELECT *");
    } else {
        qn_buf_put_u8(&sql, '(');
        put_columns(&sql, &sink->schema);
        qn_buf_printf(&sql, ") SELECT ");
        put_columns(&sql, &sink->schema);
    }
    qn_buf_printf(&sql, " FROM ");
    qn_sqlite_quote(&sql, sink->stage);
    qn_code code = qn_sqlite_exec_buf(sink->db, &sql, "append to a table", err);
    qn_buf_fini(&sql);
    if (code == QN_OK)
        code = drop(sink, sink->stage, err);
    return code;
}

static qn_code publish_rows(struct qn_sink *sink, struct qn_err *err)
{
    bool found = false, same_order;
    QN_TRY(find_table(sink, sink->table, &found, err));
    if (found && sink->disposition == QN_WRITE_APPEND) {
        QN_TRY(make_stage(sink, err));
        QN_TRY(sqlite_flush(sink, err));
        QN_TRY(check_fit(sink, sink->table, &same_order, err));
        return move_stage(sink, same_order, err);
    }
    if (found)
        QN_TRY(drop(sink, sink->table, err));
    if (!sink->staged) {
        QN_TRY(create_table(sink, sink->table, err));
        return flush_into(sink, sink->table, err);
    }
    QN_TRY(sqlite_flush(sink, err));
    if (sink->staged_rows > FEW_ROWS)
        return rename_stage(sink, err);
    QN_TRY(create_table(sink, sink->table, err));
    return move_stage(sink, true, err);
}

/* All of it or nothing, for the caller may commit what else it told in this transaction. */
static qn_code sqlite_publish(struct qn_sink *sink, struct qn_err *err)
{
    QN_TRY(qn_sqlite_exec(sink->db, "SAVEPOINT quern_publish", "publish a table", err));
    qn_code code = publish_rows(sink, err);
    if (code == QN_OK)
        return qn_sqlite_exec(sink->db, "RELEASE quern_publish", "publish a table", err);
    qn_err_frame(err, "while publishing table %s", sink->table);
    /* Fails only where SQLite has rolled back the whole transaction already. */
    (void)sqlite3_exec(sink->db, "ROLLBACK TO quern_publish; RELEASE quern_publish", NULL, NULL,
                       NULL);
    return code;
}

/* Whether the index is there as `sql` would make it; another one of its name is refused. */
static qn_code find_index(struct qn_sink *sink, const char *name, struct qn_strv sql, bool *found,
                          struct qn_err *err)
{
    static const char doing[] = "look for an index";
    sqlite3_stmt *stmt;
    QN_TRY(qn_sqlite_prepare(sink->db,
                             "SELECT sql FROM sqlite_schema WHERE name = ?1 COLLATE "
                             "NOCASE AND type <> 'trigger'",
                             doing, &stmt, err));
    struct qn_sqlite_args args = qn_sqlite_args_of(stmt);
    qn_sqlite_text(&args, name);
    qn_code code = qn_sqlite_next(&args, found, doing, err);
    if (code == QN_OK && *found && !qn_strv_eq(qn_sqlite_column_strv(stmt, 0), sql))
        code = qn_err_set(err, QN_EINPUT, QN_BLAME_JOB,
                          "cannot make index %s of table %s: the warehouse has something else of "
                          "that name; drop or rename it",
                          name, sink->table);
    sqlite3_finalize(stmt);
    return code;
}

/* An appended table has it from before, and SQLite kept it as rows came. */
static qn_code sqlite_index(struct qn_sink *sink, const struct qn_index *index, struct qn_err *err)
{
    struct qn_buf sql;
    bool found = false;
    qn_buf_init(&sql);
    qn_buf_printf(&sql, "CREATE INDEX ");
    qn_sqlite_quote(&sql, index->name);
    qn_buf_printf(&sql, " ON ");
    qn_sqlite_quote(&sql, sink->table);
    for (uint32_t i = 0; i < index->n_columns; i++) {
        qn_buf_put_u8(&sql, i ? ',' : '(');
        qn_sqlite_quote(&sql, index->columns[i]);
    }
    qn_buf_put_u8(&sql, ')');
    qn_code code = qn_buf_check(&sql, "an index", err);
    if (code == QN_OK)
        code = find_index(sink, index->name, qn_buf_strv(&sql), &found, err);
    if (code == QN_OK && !found)
        code = qn_sqlite_exec_buf(sink->db, &sql, "make an index", err);
    qn_buf_fini(&sql);
    return code;
}

static qn_code sqlite_discard(struct qn_sink *sink, struct qn_err *err)
{
    sink->pending = false;
    return drop(sink, sink->stage, err);
}

const struct qn_sink_ops qn_sink_sqlite = {
    .name = "sqlite",
    .prepare = sqlite_prepare,
    .write = sqlite_write,
    .flush = sqlite_flush,
    .pending = sqlite_pending,
    .publish = sqlite_publish,
    .index = sqlite_index,
    .discard = sqlite_discard,
    .close = sqlite_close,
};
