#include "parquet/footer.h"

#include <string.h>

#include "parquet/meta_read.h"
#include "parquet/meta_write.h"
#include "parquet/storage.h"

/* The build is a word that readers look for: they know bugs of writers by it. */
#define CREATED_BY "quern version " QN_VERSION " (build 0)"
#define CREATED_BY_US "quern version "

qn_code qn_pq_footer_begin(const struct qn_schema *schema, struct qn_arena *arena,
                           struct qn_pq_file_meta *out, struct qn_err *err)
{
    struct qn_pq_element *elements =
        QN_NEW_ARRAY(arena, struct qn_pq_element, schema->n_fields + 1);
    int8_t *orders = QN_NEW_ARRAY(arena, int8_t, schema->n_fields);
    if (!elements || !orders)
        return qn_err_nomem(err, "a Parquet footer");
    elements[0] = (struct qn_pq_element){.name = QN_STRV_LIT("schema"),
                                         .type = QN_PQ_NONE,
                                         .repetition = QN_PQ_NONE,
                                         .converted = QN_PQ_NONE,
                                         .field_id = QN_PQ_NONE,
                                         .n_children = (int32_t)schema->n_fields};
    for (uint32_t i = 0; i < schema->n_fields; i++) {
        elements[i + 1] = qn_pq_storage_element(&schema->fields[i]);
        orders[i] = 1; /* the order of the type */
    }
    *out = (struct qn_pq_file_meta){.version = 2,
                                    .schema = elements,
                                    .n_schema = schema->n_fields + 1,
                                    .created_by =
                                        QN_STRV_LIT("quern version " QN_VERSION " (build 0)"),
                                    .orders = orders,
                                    .n_orders = schema->n_fields};
    return QN_OK;
}

static bool same_element(const struct qn_pq_element *a, const struct qn_pq_element *b)
{
    const struct qn_pq_logical *x = &a->logical, *y = &b->logical;
    return qn_strv_eq(a->name, b->name) && a->type == b->type && a->repetition == b->repetition &&
           a->n_children == b->n_children && x->id == y->id && x->scale == y->scale &&
           x->precision == y->precision && x->unit == y->unit && x->is_utc == y->is_utc;
}

static qn_code check_schema(const struct qn_pq_file_meta *meta, const struct qn_pq_file_meta *own,
                            struct qn_err *err)
{
    bool same = meta->n_schema == own->n_schema && meta->n_rows >= 0;
    for (uint32_t i = 0; same && i < meta->n_schema; i++)
        same = same_element(&meta->schema[i], &own->schema[i]);
    if (same)
        return QN_OK;
    return qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT,
                      "the Parquet file or segment does not have the columns that it should have");
}

void qn_pq_file_head(struct qn_buf *out)
{
    qn_buf_put(out, QN_PQ_MAGIC, QN_PQ_MAGIC_BYTES);
}

static void move(int64_t *offset, int64_t by)
{
    if (*offset != QN_PQ_NONE)
        *offset += by;
}

/* Its columns, moved, go to `columns`. */
static void move_group(struct qn_pq_row_group *group, struct qn_pq_column_chunk *columns,
                       int64_t by)
{
    for (uint32_t k = 0; k < group->n_columns; k++) {
        columns[k] = group->columns[k];
        move(&columns[k].meta.data_page_offset, by);
        move(&columns[k].meta.dictionary_page_offset, by);
        move(&columns[k].meta.bloom_offset, by);
    }
    group->columns = columns;
    move(&group->file_offset, by);
}

/* Row groups of one segment, which begins at `base`, behind those that are there. */
static qn_code add_segment(const struct qn_pq_segment *segment, int64_t base,
                           struct qn_pq_file_meta *file, struct qn_buf *groups,
                           struct qn_arena *arena, struct qn_err *err)
{
    struct qn_pq_file_meta meta;
    QN_TRY(qn_pq_file_meta_read(segment->meta, arena, &meta, err));
    QN_TRY(check_schema(&meta, file, err));
    for (uint32_t i = 0; i < meta.n_groups; i++) {
        struct qn_pq_row_group group = meta.groups[i];
        struct qn_pq_column_chunk *columns =
            QN_NEW_ARRAY(arena, struct qn_pq_column_chunk, group.n_columns);
        if (!columns)
            return qn_err_nomem(err, "a Parquet footer");
        move_group(&group, columns, base);
        if (groups->len / sizeof group <= INT16_MAX)
            group.ordinal = (int32_t)(groups->len / sizeof group);
        qn_buf_put(groups, &group, sizeof group);
    }
    file->n_rows += meta.n_rows;
    return qn_buf_check(groups, "a Parquet footer", err);
}

static qn_code add_segments(const struct qn_pq_segment *segments, uint32_t n,
                            struct qn_pq_file_meta *file, struct qn_buf *groups,
                            struct qn_arena *arena, struct qn_err *err)
{
    int64_t base = QN_PQ_MAGIC_BYTES;
    for (uint32_t i = 0; i < n; i++) {
        QN_TRY(add_segment(&segments[i], base, file, groups, arena, err));
        base += (int64_t)segments[i].bytes;
    }
    return QN_OK;
}

qn_code qn_pq_file_tail(const struct qn_schema *schema, const struct qn_pq_segment *segments,
                        uint32_t n, struct qn_buf *out, struct qn_err *err)
{
    struct qn_arena arena;
    struct qn_buf groups = {0};
    struct qn_pq_file_meta file;
    qn_arena_init(&arena);
    qn_code code = qn_pq_footer_begin(schema, &arena, &file, err);
    if (code == QN_OK)
        code = add_segments(segments, n, &file, &groups, &arena, err);
    if (code == QN_OK) {
        size_t start = out->len;
        file.groups = (const struct qn_pq_row_group *)(const void *)groups.data;
        file.n_groups = (uint32_t)(groups.len / sizeof *file.groups);
        qn_pq_file_meta_write(&file, out);
        qn_buf_put_u32(out, (uint32_t)(out->len - start));
        qn_buf_put(out, QN_PQ_MAGIC, QN_PQ_MAGIC_BYTES);
        code = qn_buf_check(out, "a Parquet footer", err);
    }
    qn_buf_fini(&groups);
    qn_arena_fini(&arena);
    return code;
}

/* --- a file as a segment ---------------------------------------------------------------------- */

static qn_code not_ours(struct qn_err *err, const char *why)
{
    return qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT, "it is no Parquet file that Quern wrote: %s",
                      why);
}

/* The footer's bytes, which end right before the file's last eight. */
static qn_code find_footer(struct qn_strv file, struct qn_strv *out, struct qn_err *err)
{
    uint32_t bytes;
    if (file.len < QN_PQ_MAGIC_BYTES + QN_PQ_FOOTER_BYTES ||
        memcmp(file.data, QN_PQ_MAGIC, QN_PQ_MAGIC_BYTES) != 0 ||
        memcmp(file.data + file.len - QN_PQ_MAGIC_BYTES, QN_PQ_MAGIC, QN_PQ_MAGIC_BYTES) != 0)
        return not_ours(err, "it does not begin and end with " QN_PQ_MAGIC);
    memcpy(&bytes, file.data + file.len - QN_PQ_FOOTER_BYTES, sizeof bytes);
    if (bytes > file.len - QN_PQ_MAGIC_BYTES - QN_PQ_FOOTER_BYTES)
        return not_ours(err, "its footer is longer than the file");
    *out = (struct qn_strv){file.data + file.len - QN_PQ_FOOTER_BYTES - bytes, bytes};
    return QN_OK;
}

static qn_code unwrap(struct qn_strv footer, const struct qn_schema *schema, struct qn_arena *arena,
                      struct qn_buf *out, uint64_t *rows, struct qn_err *err)
{
    struct qn_pq_file_meta meta, own;
    QN_TRY(qn_pq_footer_begin(schema, arena, &own, err));
    QN_TRY(qn_pq_file_meta_read(footer, arena, &meta, err));
    QN_TRY(check_schema(&meta, &own, err));
    if (meta.created_by.len < strlen(CREATED_BY_US) ||
        memcmp(meta.created_by.data, CREATED_BY_US, strlen(CREATED_BY_US)) != 0)
        return not_ours(err, "another program made it");
    struct qn_pq_row_group *groups = QN_NEW_ARRAY(arena, struct qn_pq_row_group, meta.n_groups);
    for (uint32_t i = 0; groups && i < meta.n_groups; i++) {
        groups[i] = meta.groups[i];
        struct qn_pq_column_chunk *columns =
            QN_NEW_ARRAY(arena, struct qn_pq_column_chunk, groups[i].n_columns);
        if (!columns)
            return qn_err_nomem(err, "a Parquet footer");
        move_group(&groups[i], columns, -QN_PQ_MAGIC_BYTES);
    }
    if (meta.n_groups && !groups)
        return qn_err_nomem(err, "a Parquet footer");
    own.groups = groups;
    own.n_groups = meta.n_groups;
    own.n_rows = meta.n_rows;
    *rows = (uint64_t)meta.n_rows;
    qn_pq_file_meta_write(&own, out);
    return qn_buf_check(out, "a segment's metadata", err);
}

qn_code qn_pq_file_unwrap(struct qn_strv file, const struct qn_schema *schema, uint64_t *offset,
                          uint64_t *bytes, uint64_t *rows, struct qn_buf *meta, struct qn_err *err)
{
    struct qn_arena arena;
    struct qn_strv footer;
    QN_TRY(find_footer(file, &footer, err));
    qn_arena_init(&arena);
    qn_code code = unwrap(footer, schema, &arena, meta, rows, err);
    qn_arena_fini(&arena);
    *offset = QN_PQ_MAGIC_BYTES;
    *bytes = (uint64_t)(footer.data - file.data) - QN_PQ_MAGIC_BYTES;
    return code;
}
