#include "sources/sqlite_select.h"

#include <string.h>

#include "base/limits.h"

enum { VERSION = 1 };

/* --- packed ---------------------------------------------------------------------------------- */

static void put_name(struct qn_buf *out, const char *name)
{
    qn_buf_put_u8(out, name != NULL);
    qn_buf_put_str(out, qn_strv_from(name));
}

void qn_sqlite_select_pack(struct qn_buf *out, const struct qn_sqlite_select *select)
{
    qn_buf_put_u8(out, VERSION);
    put_name(out, select->table);
    put_name(out, select->query);
    put_name(out, select->key);
    qn_buf_put_u32(out, select->n);
    for (uint32_t i = 0; i < select->n; i++) {
        put_name(out, select->names[i]);
        qn_null_texts_pack(out, &select->nulls[i]);
    }
    qn_buf_put_u32(out, select->n_files);
    for (uint32_t i = 0; i < select->n_files; i++) {
        qn_buf_put_u64(out, select->files[i].stamp.low);
        qn_buf_put_u64(out, select->files[i].stamp.high);
        qn_buf_put_u64(out, (uint64_t)select->files[i].low);
        qn_buf_put_u64(out, select->files[i].end);
    }
}

static const char *take_name(struct qn_unpack *in, struct qn_arena *arena)
{
    bool there = qn_unpack_u8(in) != 0;
    struct qn_strv name = qn_unpack_str(in);
    if (in->failed || (name.len && memchr(name.data, 0, name.len))) {
        in->failed = true;
        return NULL;
    }
    return there ? qn_arena_strdup(arena, name) : NULL;
}

static qn_code take_columns(struct qn_unpack *in, struct qn_arena *arena,
                            struct qn_sqlite_select *out, struct qn_err *err)
{
    const char **names = QN_NEW_ARRAY(arena, const char *, out->n + 1U);
    struct qn_null_texts *nulls = QN_NEW_ARRAY(arena, struct qn_null_texts, out->n + 1U);
    if (!names || !nulls)
        return qn_err_nomem(err, "sqlite columns");
    for (uint32_t i = 0; i < out->n; i++) {
        names[i] = take_name(in, arena);
        QN_TRY(qn_null_texts_unpack(in, arena, &nulls[i], err));
        if (!names[i])
            in->failed = true;
    }
    out->names = names;
    out->nulls = nulls;
    return QN_OK;
}

static qn_code take_files(struct qn_unpack *in, struct qn_arena *arena,
                          struct qn_sqlite_select *out, struct qn_err *err)
{
    out->n_files = qn_unpack_count(in, 32);
    struct qn_sqlite_file *files = QN_NEW_ARRAY(arena, struct qn_sqlite_file, out->n_files + 1U);
    if (!files)
        return qn_err_nomem(err, "sqlite files");
    for (uint32_t i = 0; i < out->n_files; i++) {
        files[i].stamp.low = qn_unpack_u64(in);
        files[i].stamp.high = qn_unpack_u64(in);
        files[i].low = (int64_t)qn_unpack_u64(in);
        files[i].end = qn_unpack_u64(in);
    }
    out->files = files;
    return QN_OK;
}

qn_code qn_sqlite_select_unpack(struct qn_strv bytes, uint32_t n_columns, struct qn_arena *arena,
                                struct qn_sqlite_select *out, struct qn_err *err)
{
    struct qn_unpack in = qn_unpack_from(bytes);
    uint8_t version = qn_unpack_u8(&in);
    *out = (struct qn_sqlite_select){.table = take_name(&in, arena)};
    out->query = take_name(&in, arena);
    out->key = take_name(&in, arena);
    out->n = qn_unpack_u32(&in);
    if (in.failed || version != VERSION || out->n != n_columns || out->n == 0 ||
        out->n > QN_MAX_COLUMNS || (!out->table) == (!out->query))
        return qn_err_set(err, QN_EWIRE, QN_BLAME_COORDINATOR,
                          "sqlite dialect: version %u, %u columns for %u", version, out->n,
                          n_columns);
    QN_TRY(take_columns(&in, arena, out, err));
    QN_TRY(take_files(&in, arena, out, err));
    return qn_unpack_end(&in, "sqlite dialect", err);
}

/* --- SQL ------------------------------------------------------------------------------------- */

void qn_sqlite_select_quote(struct qn_buf *sql, const char *name)
{
    qn_buf_put_u8(sql, '"');
    for (const char *c = name; *c; c++) {
        if (*c == '"')
            qn_buf_put_u8(sql, '"');
        qn_buf_put_u8(sql, (uint8_t)*c);
    }
    qn_buf_put_u8(sql, '"');
}

void qn_sqlite_select_from(struct qn_buf *sql, const struct qn_sqlite_select *select)
{
    if (select->table)
        qn_sqlite_select_quote(sql, select->table);
    else
        qn_buf_printf(sql, "(%s\n)", select->query); /* it may end in a comment */
}

static void put_key(struct qn_buf *sql, const struct qn_sqlite_select *select)
{
    if (!select->key)
        qn_buf_printf(sql, "0");
    else if (strcmp(select->key, "rowid") == 0)
        qn_buf_printf(sql, "rowid");
    else
        qn_sqlite_select_quote(sql, select->key);
}

void qn_sqlite_select_sql(struct qn_buf *sql, const struct qn_sqlite_select *select,
                          const bool *wanted)
{
    qn_buf_printf(sql, "SELECT ");
    put_key(sql, select);
    for (uint32_t i = 0; i < select->n; i++) {
        if (wanted && !wanted[i])
            continue;
        qn_buf_printf(sql, ", ");
        qn_sqlite_select_quote(sql, select->names[i]);
    }
    qn_buf_printf(sql, " FROM ");
    qn_sqlite_select_from(sql, select);
    if (select->key) {
        qn_buf_printf(sql, " WHERE ");
        put_key(sql, select);
        qn_buf_printf(sql, " BETWEEN ?1 AND ?2 ORDER BY ");
        put_key(sql, select);
    }
    qn_buf_put_u8(sql, 0);
}
