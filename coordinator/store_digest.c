/* Digests of what users own: tables and models. Two warehouses hold the same answer exactly when
 * their lists of digests are the same.
 *
 * Of a table: SHA-256 over, all integers little-endian,
 *     "quern-table-1\n", u32 columns, per column: name, declared type (each u32 length, bytes)
 *     per row in rowid order, per value: 0 | 1 i64 | 2 f64 bits | 3 u32 length, text | 4 u32
 *     length, blob
 * The table's own name is not in it. Of a model version: SHA-256 of the artefact. System tables
 * are left out: they hold times and names of runs. */
#include <inttypes.h>
#include <stdio.h>

#include "coordinator/store_internal.h"

enum { FLUSH_BYTES = 64 << 10 };

typedef qn_code (*each_fn)(void *context, const char *kind, const char *name, const char *sha256);

/* --- one table -------------------------------------------------------------------------------- */

struct hasher {
    struct qn_sha256 sha;
    struct qn_buf buf; /* not hashed yet */
};

static void flush(struct hasher *hasher)
{
    qn_sha256_update(&hasher->sha, hasher->buf.data, hasher->buf.len);
    qn_buf_clear(&hasher->buf);
}

static void put_value(struct qn_buf *buf, sqlite3_stmt *stmt, int column)
{
    switch (sqlite3_column_type(stmt, column)) {
    case SQLITE_INTEGER:
        qn_buf_put_u8(buf, 1);
        qn_buf_put_i64(buf, sqlite3_column_int64(stmt, column));
        break;
    case SQLITE_FLOAT:
        qn_buf_put_u8(buf, 2);
        qn_buf_put_f64(buf, sqlite3_column_double(stmt, column));
        break;
    case SQLITE_TEXT:
        qn_buf_put_u8(buf, 3);
        qn_buf_put_str(buf, qn_sqlite_column_strv(stmt, column));
        break;
    case SQLITE_BLOB: {
        const void *blob = sqlite3_column_blob(stmt, column);
        qn_buf_put_u8(buf, 4);
        qn_buf_put_str(
            buf, (struct qn_strv){blob, blob ? (size_t)sqlite3_column_bytes(stmt, column) : 0});
        break;
    }
    default: qn_buf_put_u8(buf, 0); break;
    }
}

static void put_header(struct qn_buf *buf, sqlite3_stmt *stmt)
{
    int n = sqlite3_column_count(stmt);
    qn_buf_printf(buf, "quern-table-1\n");
    qn_buf_put_u32(buf, (uint32_t)n);
    for (int i = 0; i < n; i++) {
        qn_buf_put_str(buf, qn_strv_from(sqlite3_column_name(stmt, i)));
        qn_buf_put_str(buf, qn_strv_from(sqlite3_column_decltype(stmt, i)));
    }
}

static qn_code hash_rows(sqlite3_stmt *stmt, struct hasher *hasher, struct qn_err *err)
{
    struct qn_sqlite_args args = qn_sqlite_args_of(stmt);
    int n = sqlite3_column_count(stmt);
    put_header(&hasher->buf, stmt);
    for (;;) {
        bool row;
        QN_TRY(qn_sqlite_next(&args, &row, "read a table", err));
        if (!row)
            break;
        for (int i = 0; i < n; i++)
            put_value(&hasher->buf, stmt, i);
        if (hasher->buf.len >= FLUSH_BYTES) {
            QN_TRY(qn_buf_check(&hasher->buf, "a digest", err));
            flush(hasher);
        }
    }
    QN_TRY(qn_buf_check(&hasher->buf, "a digest", err));
    flush(hasher);
    return QN_OK;
}

static qn_code hash_table(struct qn_store *store, const char *name, char out[QN_SHA256_HEX],
                          struct qn_err *err)
{
    struct qn_buf sql;
    qn_buf_init(&sql);
    /* Without an index in the way, a scan is in rowid (or primary key) order; "ORDER BY rowid"
     * could name a column of the user's. */
    qn_buf_printf(&sql, "SELECT * FROM main.");
    qn_sqlite_quote(&sql, name);
    qn_buf_printf(&sql, " NOT INDEXED");
    qn_buf_put_u8(&sql, 0);
    sqlite3_stmt *stmt = NULL;
    qn_code code = qn_buf_check(&sql, "a digest", err);
    if (code == QN_OK)
        code = qn_sqlite_prepare(store->db, (const char *)sql.data, "read a table", &stmt, err);
    qn_buf_fini(&sql);
    if (code != QN_OK)
        return code;
    struct hasher hasher;
    qn_sha256_init(&hasher.sha);
    qn_buf_init(&hasher.buf);
    code = hash_rows(stmt, &hasher, err);
    qn_sha256_hex(&hasher.sha, out);
    qn_buf_fini(&hasher.buf);
    sqlite3_finalize(stmt);
    if (code != QN_OK)
        qn_err_frame(err, "while digesting table %s", name);
    return code;
}

/* --- all of them ------------------------------------------------------------------------------ */

static qn_code digest_models(struct qn_store *store, each_fn each, void *context,
                             struct qn_err *err)
{
    static const char sql[] = "SELECT name, version, artefact FROM _quern_models "
                              "ORDER BY name, version";
    static const char doing[] = "read the models";
    struct qn_sqlite_args args;
    QN_TRY(qn_store_args(store, sql, doing, &args, err));
    for (;;) {
        bool row;
        QN_TRY(qn_sqlite_next(&args, &row, doing, err));
        if (!row)
            return QN_OK;
        const void *blob = sqlite3_column_blob(args.stmt, 2);
        struct qn_strv bytes = {blob, blob ? (size_t)sqlite3_column_bytes(args.stmt, 2) : 0};
        char name[256];
        char hex[QN_SHA256_HEX];
        snprintf(name, sizeof name, "%s:%" PRId64, sqlite3_column_text(args.stmt, 0),
                 (int64_t)sqlite3_column_int64(args.stmt, 1));
        qn_sha256_of(bytes, hex);
        qn_code code = each(context, "model", name, hex);
        if (code != QN_OK) {
            qn_sqlite_rewind(&args);
            return code;
        }
    }
}

static qn_code digest_tables(struct qn_store *store, each_fn each, void *context,
                             struct qn_err *err)
{
    static const char sql[] =
        "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' "
        "AND name NOT LIKE '\\_quern\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' "
        "ORDER BY name";
    static const char doing[] = "list the tables";
    struct qn_sqlite_args args;
    QN_TRY(qn_store_args(store, sql, doing, &args, err));
    for (;;) {
        bool row;
        QN_TRY(qn_sqlite_next(&args, &row, doing, err));
        if (!row)
            return QN_OK;
        const char *name = (const char *)sqlite3_column_text(args.stmt, 0);
        char hex[QN_SHA256_HEX];
        qn_code code = name ? hash_table(store, name, hex, err) : qn_err_nomem(err, "a name");
        if (code == QN_OK)
            code = each(context, "table", name, hex);
        if (code != QN_OK) {
            qn_sqlite_rewind(&args);
            return code;
        }
    }
}

qn_code qn_store_digest(struct qn_store *store, each_fn each, void *context, struct qn_err *err)
{
    /* One snapshot for all of it, unless the caller has one. */
    bool own = sqlite3_get_autocommit(store->db) != 0;
    if (own)
        QN_TRY(qn_sqlite_exec(store->db, "BEGIN", "read the warehouse", err));
    qn_code code = digest_models(store, each, context, err);
    if (code == QN_OK)
        code = digest_tables(store, each, context, err);
    if (own)
        qn_store_rollback(store);
    return code;
}
