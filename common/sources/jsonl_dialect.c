#include "sources/jsonl_dialect.h"

#include "base/limits.h"

enum { VERSION = 1 };

static const char *const verdicts[] = {"quarantined", "fail the run", "skipped"};

int32_t qn_jsonl_dialect_role(const struct qn_jsonl_dialect *dialect, enum qn_jsonl_role role)
{
    for (uint32_t i = 0; i < dialect->n_columns; i++)
        if (dialect->columns[i].role == role)
            return (int32_t)i;
    return -1;
}

void qn_jsonl_dialect_describe(const struct qn_jsonl_dialect *d, struct qn_buf *out)
{
    qn_buf_printf(out, "utf-8");
    for (uint32_t i = 0; i < d->records.n; i++)
        qn_buf_printf(out, "%s%.*s", i ? "." : ", a row for each of ",
                      QN_STRV_ARG(d->records.keys[i]));
    if (qn_jsonl_dialect_role(d, QN_JSONL_EXTRA) >= 0)
        qn_buf_printf(out, ", unknown keys kept");
    else
        qn_buf_printf(out, ", unknown keys %s", verdicts[d->on_unknown_key]);
}

/* --- packing --------------------------------------------------------------------------------- */

static void pack_path(struct qn_buf *buf, const struct qn_jsonl_path *path)
{
    qn_buf_put_u32(buf, path->n);
    for (uint32_t i = 0; i < path->n; i++)
        qn_buf_put_str(buf, path->keys[i]);
}

void qn_jsonl_dialect_pack(struct qn_buf *buf, const struct qn_jsonl_dialect *d)
{
    qn_buf_put_u8(buf, VERSION);
    qn_buf_put_u8(buf, (uint8_t)d->on_unknown_key);
    qn_buf_put_u8(buf, (uint8_t)d->on_wrong_type);
    pack_path(buf, &d->records);
    qn_buf_put_u32(buf, d->n_columns);
    for (uint32_t i = 0; i < d->n_columns; i++) {
        qn_buf_put_u8(buf, (uint8_t)d->columns[i].role);
        pack_path(buf, &d->columns[i].path);
        qn_null_texts_pack(buf, &d->columns[i].nulls);
    }
}

static qn_code bad_dialect(struct qn_err *err, const char *what)
{
    return qn_err_set(err, QN_EWIRE, QN_BLAME_COORDINATOR, "jsonl dialect: %s", what);
}

static qn_code unpack_path(struct qn_unpack *in, struct qn_arena *arena, struct qn_jsonl_path *out,
                           struct qn_err *err)
{
    out->n = qn_unpack_count(in, 4);
    if (in->failed || out->n > QN_JSONL_MAX_PATH)
        return bad_dialect(err, "bad path");
    struct qn_strv *keys = QN_NEW_ARRAY(arena, struct qn_strv, out->n + 1U);
    if (!keys)
        return qn_err_nomem(err, "jsonl dialect");
    for (uint32_t i = 0; i < out->n; i++) {
        struct qn_strv key = qn_unpack_str(in);
        keys[i] = (struct qn_strv){qn_arena_strdup(arena, key), key.len};
        if (!keys[i].data)
            return qn_err_nomem(err, "jsonl dialect");
    }
    out->keys = keys;
    return QN_OK;
}

static qn_code unpack_columns(struct qn_unpack *in, struct qn_arena *arena,
                              struct qn_jsonl_dialect *out, struct qn_err *err)
{
    struct qn_jsonl_column *columns = QN_NEW_ARRAY(arena, struct qn_jsonl_column, out->n_columns);
    if (!columns)
        return qn_err_nomem(err, "jsonl dialect");
    for (uint32_t i = 0; i < out->n_columns; i++) {
        uint8_t role = qn_unpack_u8(in);
        if (role >= QN_JSONL_ROLES)
            return bad_dialect(err, "bad role");
        columns[i].role = (enum qn_jsonl_role)role;
        QN_TRY(unpack_path(in, arena, &columns[i].path, err));
        QN_TRY(qn_null_texts_unpack(in, arena, &columns[i].nulls, err));
    }
    out->columns = columns;
    return qn_unpack_end(in, "jsonl dialect", err);
}

qn_code qn_jsonl_dialect_unpack(struct qn_strv bytes, uint32_t n_columns, struct qn_arena *arena,
                                struct qn_jsonl_dialect *out, struct qn_err *err)
{
    struct qn_unpack in = qn_unpack_from(bytes);
    uint8_t version = qn_unpack_u8(&in), unknown = qn_unpack_u8(&in), wrong = qn_unpack_u8(&in);
    if (in.failed || version != VERSION || unknown > QN_MALFORMED_SKIP || wrong > QN_MALFORMED_SKIP)
        return bad_dialect(err, "another version");
    *out = (struct qn_jsonl_dialect){.on_unknown_key = (enum qn_on_malformed)unknown,
                                     .on_wrong_type = (enum qn_on_malformed)wrong};
    QN_TRY(unpack_path(&in, arena, &out->records, err));
    out->n_columns = qn_unpack_u32(&in);
    if (in.failed || out->n_columns == 0 || out->n_columns > QN_MAX_COLUMNS ||
        out->n_columns != n_columns)
        return bad_dialect(err, "another number of columns");
    return unpack_columns(&in, arena, out, err);
}

/* --- as a tree ------------------------------------------------------------------------------- */

static struct qn_jsonl_node *add_path(struct qn_jsonl_tree *tree, const struct qn_jsonl_path *path)
{
    struct qn_jsonl_node *node = tree->root;
    for (uint32_t i = 0; node && i < path->n; i++)
        node = qn_jsonl_node_add(tree, node, path->keys[i]);
    return node;
}

qn_code qn_jsonl_dialect_tree(const struct qn_jsonl_dialect *dialect, const bool *wanted,
                              struct qn_arena *arena, struct qn_jsonl_tree *out,
                              int32_t slots[QN_JSONL_ROLES], struct qn_err *err)
{
    int32_t slot = 0;
    QN_TRY(qn_jsonl_tree_init(out, arena, err));
    for (unsigned role = 0; role < QN_JSONL_ROLES; role++)
        slots[role] = -1;
    if (dialect->records.n) {
        struct qn_jsonl_node *node = add_path(out, &dialect->records);
        if (!node)
            return qn_err_nomem(err, "jsonl columns");
        node->is_records = true;
    }
    for (uint32_t i = 0; i < dialect->n_columns; i++) {
        const struct qn_jsonl_column *column = &dialect->columns[i];
        int32_t place = !wanted || wanted[i] ? slot++ : -1;
        if (column->role != QN_JSONL_VALUE) {
            slots[column->role] = place;
            continue;
        }
        struct qn_jsonl_node *node = add_path(out, &column->path);
        if (!node)
            return qn_err_nomem(err, "jsonl columns");
        node->column = (int32_t)i;
        node->slot = place;
    }
    return QN_OK;
}
