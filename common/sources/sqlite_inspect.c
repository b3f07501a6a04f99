#include "sources/sqlite_inspect.h"

#include <string.h>

#include "base/limits.h"
#include "sources/sqlite_open.h"
#include "sources/sqlite_select.h"
#include "sources/text_infer.h"

enum { SAMPLE_ROWS = 10000, MAX_LISTED = 8 };
#define NO_KEYS_END (UINT64_C(1) << 62)

/* What a sample says of a column. */
struct evidence {
    uint64_t integers, reals, texts, blobs;
    struct qn_text_evidence text;
};

struct inspection {
    const struct qn_source_options *options;
    struct qn_arena *arena;
    struct qn_sqlite_select select;
    struct qn_sqlite_file *files;
    struct qn_type *declared; /* by column, as the database says; id 0: it does not */
    struct evidence *evidence;
    /* The file under way: */
    sqlite3 *db;
    const char *path;
    sqlite3_stmt *stmt;
};

static qn_code refuse(const struct inspection *in, struct qn_err *err, const char *format,
                      const char *a, const char *b)
{
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    qn_code code = qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT, format, a, b);
#pragma GCC diagnostic pop
    qn_err_at(err, in->path, 0, 0);
    return code;
}

/* The statement of a text that ends with NUL; the one before is done with. */
static qn_code prepare(struct inspection *in, struct qn_buf *sql, struct qn_err *err)
{
    sqlite3_finalize(in->stmt);
    in->stmt = NULL;
    QN_TRY(qn_buf_check(sql, "a query", err));
    return qn_sqlite_source_prepare(in->db, in->path, (const char *)sql->data, &in->stmt, err);
}

static qn_code step(struct inspection *in, bool *row, struct qn_err *err)
{
    int rc = sqlite3_step(in->stmt);
    *row = rc == SQLITE_ROW;
    return rc == SQLITE_ROW || rc == SQLITE_DONE
               ? QN_OK
               : qn_sqlite_source_fail(in->db, in->path, "read", err);
}

/* --- which table ----------------------------------------------------------------------------- */

/* Lists the tables; the name of the only one goes to *only. */
static qn_code list_tables(struct inspection *in, struct qn_buf *list, const char **only,
                           struct qn_err *err)
{
    struct qn_buf sql;
    uint32_t n = 0;
    qn_buf_init(&sql);
    qn_buf_printf(&sql, "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name "
                        "NOT LIKE 'sqlite\\_%%' ESCAPE '\\' ORDER BY name");
    qn_buf_put_u8(&sql, 0);
    qn_code code = prepare(in, &sql, err);
    bool row = code == QN_OK;
    while (row && (code = step(in, &row, err)) == QN_OK && row) {
        const char *name = (const char *)sqlite3_column_text(in->stmt, 0);
        if (n < MAX_LISTED)
            qn_buf_printf(list, "%s%s", n ? ", " : "", name ? name : "");
        if (n++ == 0)
            *only = qn_arena_strdup(in->arena, qn_strv_from(name));
    }
    if (n > MAX_LISTED)
        qn_buf_printf(list, ", and %u more", n - MAX_LISTED);
    if (n != 1)
        *only = NULL;
    qn_buf_put_u8(list, 0);
    qn_buf_fini(&sql);
    return code == QN_OK ? qn_buf_check(list, "tables", err) : code;
}

static qn_code choose_table(struct inspection *in, struct qn_err *err)
{
    struct qn_buf list;
    const char *only = NULL;
    qn_buf_init(&list);
    qn_code code = list_tables(in, &list, &only, err);
    if (code == QN_OK && !only)
        code = refuse(in, err,
                      "say which table to read (table: NAME, or query: \"SELECT ...\"); "
                      "there are: %s%s",
                      list.len > 1 ? (const char *)list.data : "none", "");
    in->select.table = only;
    qn_buf_fini(&list);
    return code;
}

/* Without a semicolon, behind which nothing may stand; and whole by itself, for it is put in
 * brackets. */
static qn_code take_query(struct inspection *in, struct qn_err *err)
{
    struct qn_strv query = qn_strv_from(in->options->query);
    while (query.len && strchr("; \t\r\n", query.data[query.len - 1]))
        query.len--;
    in->select.query = qn_arena_strdup(in->arena, query);
    if (!in->select.query)
        return qn_err_nomem(err, "a query");
    return qn_sqlite_source_prepare(in->db, in->path, in->select.query, &in->stmt, err);
}

/* --- columns --------------------------------------------------------------------------------- */

static qn_code select_all(struct inspection *in, const char *rest, struct qn_err *err)
{
    struct qn_buf sql;
    qn_buf_init(&sql);
    qn_buf_printf(&sql, "SELECT * FROM ");
    qn_sqlite_select_from(&sql, &in->select);
    qn_buf_printf(&sql, "%s", rest);
    qn_buf_put_u8(&sql, 0);
    qn_code code = prepare(in, &sql, err);
    qn_buf_fini(&sql);
    return code;
}

static qn_code take_names(struct inspection *in, struct qn_err *err)
{
    uint32_t n = (uint32_t)sqlite3_column_count(in->stmt);
    if (n > QN_MAX_COLUMNS)
        return qn_err_set(err, QN_ELIMIT, QN_BLAME_INPUT, "expected at most %d columns, got %u",
                          QN_MAX_COLUMNS, n);
    const char **names = QN_NEW_ARRAY(in->arena, const char *, n + 1U);
    in->declared = QN_NEW_ARRAY(in->arena, struct qn_type, n + 1U);
    in->evidence = QN_NEW_ARRAY(in->arena, struct evidence, n + 1U);
    if (!names || !in->declared || !in->evidence)
        return qn_err_nomem(err, "columns");
    for (uint32_t i = 0; i < n; i++) {
        const char *type = sqlite3_column_decltype(in->stmt, (int)i);
        names[i] = qn_arena_strdup(in->arena, qn_strv_from(sqlite3_column_name(in->stmt, (int)i)));
        if (!names[i])
            return qn_err_nomem(err, "columns");
        if (!type || !qn_type_parse(qn_strv_from(type), &in->declared[i]))
            in->declared[i] = (struct qn_type){0};
    }
    in->select.names = names;
    in->select.n = n;
    return QN_OK;
}

static qn_code check_names(struct inspection *in, struct qn_err *err)
{
    for (uint32_t i = 0; i < in->select.n; i++) {
        const char *name = sqlite3_column_name(in->stmt, (int)i);
        if (!name || strcmp(name, in->select.names[i]) != 0)
            return refuse(in, err, "columns differ from the first file's: expected '%s', found %s",
                          in->select.names[i], name ? name : "no more");
    }
    if (sqlite3_column_count(in->stmt) > (int)in->select.n)
        return refuse(in, err, "columns differ from the first file's: '%s' is not expected%s",
                      sqlite3_column_name(in->stmt, (int)in->select.n), "");
    return QN_OK;
}

/* --- types ----------------------------------------------------------------------------------- */

static void add_value(struct evidence *e, sqlite3_stmt *stmt, int column)
{
    switch (sqlite3_column_type(stmt, column)) {
    case SQLITE_INTEGER: e->integers++; break;
    case SQLITE_FLOAT: e->reals++; break;
    case SQLITE_BLOB: e->blobs++; break;
    case SQLITE_TEXT: {
        const char *text = (const char *)sqlite3_column_text(stmt, column);
        e->texts++;
        qn_text_evidence_add(&e->text,
                             (struct qn_strv){text, (size_t)sqlite3_column_bytes(stmt, column)});
        break;
    }
    default: break;
    }
}

static qn_code take_sample(struct inspection *in, struct qn_err *err)
{
    bool row = true;
    QN_TRY(select_all(in, " LIMIT 10000", err));
    for (uint32_t n = 0; n < SAMPLE_ROWS && row; n++) {
        QN_TRY(step(in, &row, err));
        for (uint32_t i = 0; row && i < in->select.n; i++)
            add_value(&in->evidence[i], in->stmt, (int)i);
    }
    return QN_OK;
}

/* Dates are told by how they are written; numbers that were stored as texts are meant as texts. */
static struct qn_type type_of_texts(const struct evidence *e)
{
    struct qn_type type = qn_text_evidence_type(&e->text);
    bool is_time = type.id == QN_DATE || type.id == QN_TIMESTAMP;
    return is_time ? type : (struct qn_type){.id = QN_TEXT};
}

/* What is declared holds, where values can be of it: SQLite itself demands nothing. */
static struct qn_type type_of(const struct qn_type *declared, const struct evidence *e)
{
    bool numbers = e->integers + e->reals > 0;
    bool is_time = declared->id == QN_DATE || declared->id == QN_TIMESTAMP;
    if (declared->id == QN_TEXT)
        return e->blobs || numbers ? *declared : type_of_texts(e);
    if (declared->id && !(is_time && numbers) && !e->blobs)
        return *declared;
    if (e->blobs || (e->texts && numbers) || (!e->texts && !numbers))
        return (struct qn_type){.id = QN_TEXT};
    if (e->texts)
        return type_of_texts(e);
    return (struct qn_type){.id = e->reals ? QN_DOUBLE : QN_INT64};
}

/* --- keys ------------------------------------------------------------------------------------ */

/* An ordinary table with rowids, and no column that takes their name. */
static bool has_rowids(struct inspection *in)
{
    sqlite3_stmt *stmt = NULL;
    bool found = in->select.table != NULL;
    for (uint32_t i = 0; i < in->select.n && found; i++)
        found = sqlite3_stricmp(in->select.names[i], "rowid") != 0;
    if (!found || sqlite3_prepare_v2(in->db,
                                     "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = "
                                     "?1 COLLATE NOCASE AND sql NOT LIKE 'create virtual%'",
                                     -1, &stmt, NULL) != SQLITE_OK)
        return false;
    sqlite3_bind_text(stmt, 1, in->select.table, -1, SQLITE_STATIC);
    found = sqlite3_step(stmt) == SQLITE_ROW;
    sqlite3_finalize(stmt);
    struct qn_buf sql;
    qn_buf_init(&sql);
    qn_buf_printf(&sql, "SELECT rowid FROM ");
    qn_sqlite_select_from(&sql, &in->select);
    qn_buf_put_u8(&sql, 0);
    stmt = NULL;
    found = found && !sql.failed &&
            sqlite3_prepare_v2(in->db, (const char *)sql.data, -1, &stmt, NULL) == SQLITE_OK;
    sqlite3_finalize(stmt);
    qn_buf_fini(&sql);
    return found;
}

static qn_code take_key(struct inspection *in, struct qn_err *err)
{
    const char *key = in->options->key;
    in->select.key = key ? NULL : has_rowids(in) ? "rowid" : NULL;
    for (uint32_t i = 0; key && i < in->select.n; i++)
        if (strcmp(in->select.names[i], key) == 0)
            in->select.key = in->select.names[i];
    return key && !in->select.key
               ? refuse(in, err, "there is no column '%s' to be the key%s", key, "")
               : QN_OK;
}

static void put_bounds(struct qn_buf *sql, const struct qn_sqlite_select *select)
{
    static const char *const ends[] = {"min", "max"};
    if (strcmp(select->key, "rowid") == 0) { /* each is one look into the tree */
        for (int i = 0; i < 2; i++) {
            qn_buf_printf(sql, "%s(SELECT %s(rowid) FROM ", i ? ", " : "SELECT ", ends[i]);
            qn_sqlite_select_from(sql, select);
            qn_buf_printf(sql, ")");
        }
        qn_buf_printf(sql, ", 0, 0");
    } else {
        for (int i = 0; i < 2; i++) {
            qn_buf_printf(sql, "%s%s(", i ? ", " : "SELECT ", ends[i]);
            qn_sqlite_select_quote(sql, select->key);
            qn_buf_printf(sql, ")");
        }
        qn_buf_printf(sql, ", count(*), sum(typeof(");
        qn_sqlite_select_quote(sql, select->key);
        qn_buf_printf(sql, ") = 'integer') FROM ");
        qn_sqlite_select_from(sql, select);
    }
    qn_buf_put_u8(sql, 0);
}

static qn_code take_bounds(struct inspection *in, struct qn_sqlite_file *file, struct qn_err *err)
{
    struct qn_buf sql;
    bool row;
    file->end = NO_KEYS_END;
    if (!in->select.key)
        return QN_OK;
    qn_buf_init(&sql);
    put_bounds(&sql, &in->select);
    qn_code code = prepare(in, &sql, err);
    qn_buf_fini(&sql);
    QN_TRY(code);
    QN_TRY(step(in, &row, err));
    if (sqlite3_column_int64(in->stmt, 2) != sqlite3_column_int64(in->stmt, 3))
        return refuse(in, err, "the key %s has values that are no integers%s", in->select.key, "");
    int64_t low = sqlite3_column_int64(in->stmt, 0), high = sqlite3_column_int64(in->stmt, 1);
    bool none = sqlite3_column_type(in->stmt, 0) == SQLITE_NULL;
    file->low = low < 0 ? low : 0;
    if (low < 0 && high >= 0 && (uint64_t)high - (uint64_t)low >= UINT64_MAX - 1)
        return refuse(in, err, "the key %s goes from one end of the integers to the other%s",
                      in->select.key, "");
    file->end = none ? 0 : qn_sqlite_position(file, high) + 1;
    return QN_OK;
}

/* --- all together ---------------------------------------------------------------------------- */

static qn_code take_file(struct inspection *in, uint32_t index, struct qn_err *err)
{
    if (index == 0 && in->options->query)
        QN_TRY(take_query(in, err));
    else if (index == 0 && !in->select.table)
        QN_TRY(choose_table(in, err));
    QN_TRY(select_all(in, "", err));
    if (index == 0) {
        QN_TRY(take_names(in, err));
        QN_TRY(take_sample(in, err));
        QN_TRY(take_key(in, err));
    } else {
        QN_TRY(check_names(in, err));
    }
    QN_TRY(take_bounds(in, &in->files[index], err));
    return qn_sqlite_source_stamp(in->db, in->path, &in->files[index].stamp, err);
}

static qn_code take_files(struct inspection *in, struct qn_err *err)
{
    for (uint32_t i = 0; i < in->options->n_paths; i++) {
        in->path = in->options->paths[i];
        QN_TRY(qn_sqlite_source_open(in->path, &in->db, err));
        qn_code code = take_file(in, i, err);
        sqlite3_finalize(in->stmt);
        in->stmt = NULL;
        qn_sqlite_source_close(in->db);
        in->db = NULL;
        QN_TRY(code);
    }
    return QN_OK;
}

static const struct qn_column_decl *declaration(const struct inspection *in, const char *name)
{
    for (uint32_t i = 0; i < in->options->n_columns; i++)
        if (strcmp(in->options->columns[i].name, name) == 0)
            return &in->options->columns[i];
    return NULL;
}

static qn_code take_types(struct inspection *in, struct qn_field *fields,
                          struct qn_null_texts *nulls, struct qn_err *err)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < in->select.n; i++) {
        const struct qn_column_decl *decl = declaration(in, in->select.names[i]);
        found += decl != NULL;
        fields[i] = (struct qn_field){
            in->select.names[i], decl ? decl->type : type_of(&in->declared[i], &in->evidence[i])};
        QN_TRY(qn_null_texts_take(in->options, decl, in->arena, &nulls[i], err));
    }
    for (uint32_t d = 0; d < in->options->n_columns && found < in->options->n_columns; d++) {
        bool there = false;
        for (uint32_t i = 0; i < in->select.n; i++)
            there |= strcmp(in->options->columns[d].name, in->select.names[i]) == 0;
        if (!there)
            return refuse(in, err, "declared column '%s' is not there%s",
                          in->options->columns[d].name, "");
    }
    in->select.nulls = nulls;
    return QN_OK;
}

static qn_code inspect(struct inspection *in, struct qn_source_info *info, struct qn_err *err)
{
    QN_TRY(take_files(in, err));
    struct qn_field *fields = QN_NEW_ARRAY(in->arena, struct qn_field, in->select.n + 1U);
    struct qn_null_texts *nulls = QN_NEW_ARRAY(in->arena, struct qn_null_texts, in->select.n + 1U);
    if (!fields || !nulls)
        return qn_err_nomem(err, "schema");
    QN_TRY(take_types(in, fields, nulls, err));
    in->select.files = in->files;
    in->select.n_files = in->options->n_paths;
    struct qn_buf packed;
    qn_buf_init(&packed);
    qn_sqlite_select_pack(&packed, &in->select);
    qn_code code = qn_buf_check(&packed, "sqlite dialect", err);
    *info = (struct qn_source_info){
        .name = qn_arena_strdup(in->arena, qn_strv_from(in->options->name)),
        .format = "sqlite",
        .schema = {fields, in->select.n},
        .dialect = {qn_arena_strdup(in->arena, qn_buf_strv(&packed)), packed.len},
        .on_malformed = in->options->on_malformed,
        .told_by = in->options->paths[0]};
    qn_buf_fini(&packed);
    if (code == QN_OK && (!info->name || !info->dialect.data))
        code = qn_err_nomem(err, "sqlite dialect");
    return code;
}

qn_code qn_sqlite_inspect(const struct qn_source_options *options, struct qn_arena *arena,
                          struct qn_source_info *info, struct qn_err *err)
{
    if (options->n_paths == 0)
        return qn_err_set(err, QN_EINPUT, QN_BLAME_JOB, "source %s has no files", options->name);
    if (options->table && options->query)
        return qn_err_set(err, QN_EINPUT, QN_BLAME_JOB,
                          "source %s has both table and query: expected one of them",
                          options->name);
    struct inspection in = {.options = options,
                            .arena = arena,
                            .select = {.table = options->table},
                            .files = QN_NEW_ARRAY(arena, struct qn_sqlite_file, options->n_paths)};
    if (!in.files)
        return qn_err_nomem(err, "sqlite files");
    qn_code code = inspect(&in, info, err);
    if (code != QN_OK)
        qn_err_frame(err, "while inspecting source %s", options->name);
    return code;
}
