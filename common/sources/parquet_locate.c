#include "sources/parquet_locate.h"

#include "base/json.h"

enum { MAX_RAW_BYTES = 1 << 20 };

void qn_parquet_locator_fini(struct qn_parquet_locator *l)
{
    if (!l->open)
        return;
    qn_pq_reader_fini(&l->reader);
    qn_arena_fini(&l->arena);
    qn_buf_fini(&l->raw);
}

static qn_code open_reader(struct qn_parquet_locator *l, const struct qn_pq_file *file,
                           struct qn_err *err)
{
    qn_arena_init(&l->arena);
    l->open = true;
    QN_TRY(qn_pq_fields_list(&file->tree, &l->arena, &l->fields, &l->n_fields, err));
    struct qn_pq_wanted *wanted = QN_NEW_ARRAY(&l->arena, struct qn_pq_wanted, l->n_fields + 1U);
    l->columns = QN_NEW_ARRAY(&l->arena, struct qn_column, l->n_fields + 1U);
    if (!wanted || !l->columns)
        return qn_err_nomem(err, "Parquet row");
    for (uint32_t i = 0; i < l->n_fields; i++)
        wanted[i] = (struct qn_pq_wanted){
            .node = l->fields[i].node, .type = {.id = QN_TEXT}, .shows_all = true};
    return qn_pq_reader_init(&l->reader, file, wanted, l->n_fields, err);
}

/* Numbers and lists stand as they are. */
static bool is_bare(const struct qn_pq_node *node, struct qn_strv text)
{
    if (qn_pq_is_nested(node))
        return true;
    switch ((enum qn_pq_kind)node->kind) {
    case QN_PQ_KIND_BOOL:
    case QN_PQ_KIND_INT:
    case QN_PQ_KIND_UINT:
    case QN_PQ_KIND_DECIMAL: return true;
    case QN_PQ_KIND_FLOAT:
    case QN_PQ_KIND_DOUBLE:
    case QN_PQ_KIND_FLOAT16:
        return !memchr(text.data, 'N', text.len) && !memchr(text.data, 'i', text.len);
    default: return false;
    }
}

static void put_row(struct qn_parquet_locator *l, uint32_t row)
{
    qn_buf_clear(&l->raw);
    for (uint32_t i = 0; i < l->n_fields && l->raw.len < MAX_RAW_BYTES; i++) {
        qn_buf_put_u8(&l->raw, i ? ',' : '{');
        qn_json_put_text(&l->raw, qn_strv_from(l->fields[i].name));
        qn_buf_put_u8(&l->raw, ':');
        struct qn_strv text = {"null", 4};
        bool bare = true;
        if (qn_is_valid(&l->columns[i], row)) {
            text = qn_text_at(&l->columns[i], row);
            bare = is_bare(l->fields[i].node, text);
        }
        if (bare)
            qn_buf_put(&l->raw, text.data, text.len);
        else
            qn_json_put_text(&l->raw, text);
    }
    qn_buf_put_u8(&l->raw, '}');
}

qn_code qn_parquet_locator_find(struct qn_parquet_locator *l, const struct qn_pq_file *file,
                                uint64_t row, struct qn_strv *out, struct qn_err *err)
{
    if (!l->open) {
        QN_TRY(open_reader(l, file, err));
        qn_pq_reader_seek(&l->reader, row, UINT64_MAX);
        l->first = row;
    } else if (row < l->first || row > l->first + l->n + QN_BATCH_ROWS) {
        qn_pq_reader_seek(&l->reader, row, UINT64_MAX);
        l->first = row;
        l->n = 0;
    }
    while (row >= l->first + l->n) {
        l->first += l->n;
        QN_TRY(qn_pq_reader_next(&l->reader, l->columns, &l->n, err));
        if (l->n == 0)
            return qn_err_set(err, QN_ESTATE, QN_BLAME_WORKER, "%s: there is no row %llu",
                              file->path, (unsigned long long)row + 1);
    }
    put_row(l, (uint32_t)(row - l->first));
    QN_TRY(qn_buf_check(&l->raw, "Parquet row", err));
    *out = qn_buf_strv(&l->raw);
    if (out->len > MAX_RAW_BYTES)
        out->len = qn_utf8_prefix((struct qn_strv){out->data, MAX_RAW_BYTES});
    return QN_OK;
}
