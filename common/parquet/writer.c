#include "parquet/writer.h"

#include <stdlib.h>
#include <string.h>

#include "parquet/chunk_write.h"
#include "parquet/footer.h"
#include "parquet/meta_write.h"

struct qn_pq_writer {
    struct qn_pq_write_options options;
    struct qn_arena arena; /* as long as the writer: schema */
    struct qn_schema schema;
    const struct qn_strv *names;
    struct qn_pq_gather *gathers; /* by column */
    struct qn_pq_chunk_writer chunks;
    uint32_t n_rows;               /* gathered */
    struct qn_arena segment_arena; /* metadata of the segment's row groups */
    struct qn_buf groups;          /* struct qn_pq_row_group */
    uint64_t segment_bytes, segment_rows;
};

/* --- life ------------------------------------------------------------------------------------ */

static qn_code begin_columns(struct qn_pq_writer *writer, const struct qn_schema *schema,
                             struct qn_err *err)
{
    QN_TRY(qn_schema_copy(&writer->arena, schema, &writer->schema, err));
    struct qn_strv *names = QN_NEW_ARRAY(&writer->arena, struct qn_strv, schema->n_fields);
    writer->gathers = QN_NEW_ARRAY(&writer->arena, struct qn_pq_gather, schema->n_fields);
    if (!names || !writer->gathers)
        return qn_err_nomem(err, "a Parquet writer");
    int32_t told = writer->options.encoding;
    for (uint32_t i = 0; i < schema->n_fields; i++) {
        names[i] = qn_strv_from(writer->schema.fields[i].name);
        qn_pq_gather_init(&writer->gathers[i], schema->fields[i].type,
                          told == QN_PQ_NONE || told == QN_PQ_RLE_DICTIONARY);
    }
    writer->names = names;
    return QN_OK;
}

static void set_defaults(struct qn_pq_write_options *options)
{
    if (!options->group_rows)
        options->group_rows = QN_PQ_GROUP_ROWS;
    if (!options->group_bytes)
        options->group_bytes = QN_PQ_GROUP_BYTES;
}

qn_code qn_pq_writer_new(const struct qn_schema *schema, const struct qn_pq_write_options *options,
                         struct qn_pq_writer **out, struct qn_err *err)
{
    if (options->codec == QN_BLOCK_LZ4_FRAMED)
        return qn_err_set(err, QN_ENOTSUP, QN_BLAME_JOB,
                          "Parquet is not written with framed LZ4; use lz4");
    struct qn_pq_writer *writer = calloc(1, sizeof *writer);
    if (!writer)
        return qn_err_nomem(err, "a Parquet writer");
    writer->options = *options;
    set_defaults(&writer->options);
    qn_arena_init(&writer->arena);
    qn_arena_init(&writer->segment_arena);
    qn_pq_chunk_writer_init(&writer->chunks, &writer->options);
    qn_code code = begin_columns(writer, schema, err);
    if (code != QN_OK) {
        qn_pq_writer_free(writer);
        return code;
    }
    *out = writer;
    return QN_OK;
}

void qn_pq_writer_free(struct qn_pq_writer *writer)
{
    if (!writer)
        return;
    for (uint32_t i = 0; writer->gathers && i < writer->schema.n_fields; i++)
        qn_pq_gather_fini(&writer->gathers[i]);
    qn_pq_chunk_writer_fini(&writer->chunks);
    qn_buf_fini(&writer->groups);
    qn_arena_fini(&writer->segment_arena);
    qn_arena_fini(&writer->arena);
    free(writer);
}

/* --- row groups ------------------------------------------------------------------------------ */

static bool has_bloom(const struct qn_pq_writer *writer, uint32_t column)
{
    for (uint32_t i = 0; i < writer->options.n_bloom; i++)
        if (strcmp(writer->options.bloom[i], writer->schema.fields[column].name) == 0)
            return true;
    return false;
}

/* Filters stand behind the columns of their group. */
static qn_code write_blooms(struct qn_pq_writer *writer, struct qn_pq_column_chunk *columns,
                            struct qn_buf *out, struct qn_err *err)
{
    struct qn_buf *blooms = &writer->chunks.blooms;
    for (uint32_t i = 0; i < writer->schema.n_fields; i++)
        if (columns[i].meta.bloom_offset != QN_PQ_NONE)
            columns[i].meta.bloom_offset += (int64_t)writer->segment_bytes;
    qn_buf_put(out, blooms->data, blooms->len);
    writer->segment_bytes += blooms->len;
    qn_buf_clear(blooms);
    return qn_buf_check(out, "bloom filters", err);
}

static qn_code write_columns(struct qn_pq_writer *writer, struct qn_buf *out,
                             struct qn_pq_row_group *group, struct qn_err *err)
{
    struct qn_pq_column_chunk *columns =
        QN_NEW_ARRAY(&writer->segment_arena, struct qn_pq_column_chunk, writer->schema.n_fields);
    if (!columns)
        return qn_err_nomem(err, "metadata of a row group");
    for (uint32_t i = 0; i < writer->schema.n_fields; i++) {
        size_t before = out->len;
        qn_code code =
            qn_pq_chunk_write(&writer->chunks, &writer->gathers[i], writer->segment_bytes,
                              has_bloom(writer, i), out, &writer->segment_arena, &columns[i], err);
        if (code != QN_OK) {
            qn_err_frame(err, "while writing column '%s' as Parquet",
                         writer->schema.fields[i].name);
            return code;
        }
        columns[i].meta.path = &writer->names[i];
        columns[i].meta.n_path = 1;
        group->plain_bytes += columns[i].meta.plain_bytes;
        writer->segment_bytes += out->len - before;
        qn_pq_gather_clear(&writer->gathers[i]);
    }
    group->columns = columns;
    group->n_columns = writer->schema.n_fields;
    group->stored_bytes = (int64_t)writer->segment_bytes - group->file_offset;
    return write_blooms(writer, columns, out, err);
}

static qn_code write_group(struct qn_pq_writer *writer, struct qn_buf *out, struct qn_err *err)
{
    if (!writer->n_rows)
        return QN_OK;
    uint64_t start = writer->segment_bytes;
    struct qn_pq_row_group group = {
        .n_rows = writer->n_rows, .file_offset = (int64_t)start, .ordinal = QN_PQ_NONE};
    QN_TRY(write_columns(writer, out, &group, err));
    qn_buf_put(&writer->groups, &group, sizeof group);
    writer->segment_rows += writer->n_rows;
    writer->n_rows = 0;
    return qn_buf_check(&writer->groups, "row groups", err);
}

static bool fits(const struct qn_pq_writer *writer, const struct qn_batch *batch, uint32_t from,
                 uint32_t n)
{
    bool all = true;
    for (uint32_t i = 0; i < writer->schema.n_fields && all; i++)
        all = qn_pq_gather_fits(&writer->gathers[i], &batch->columns[i], from, n);
    return all;
}

static bool is_full(const struct qn_pq_writer *writer)
{
    if (writer->n_rows >= writer->options.group_rows)
        return true;
    if (writer->n_rows % QN_PQ_SLICE_ROWS)
        return false;
    size_t bytes = 0;
    for (uint32_t i = 0; i < writer->schema.n_fields; i++)
        bytes += qn_pq_gather_bytes(&writer->gathers[i]);
    return bytes >= writer->options.group_bytes;
}

/* Rows up to where a group may end: that place depends on the rows of the group alone. */
static uint32_t slice(const struct qn_pq_writer *writer, uint32_t left)
{
    uint32_t to_group = writer->options.group_rows - writer->n_rows;
    uint32_t to_slice = QN_PQ_SLICE_ROWS - writer->n_rows % QN_PQ_SLICE_ROWS;
    uint32_t most = to_group < to_slice ? to_group : to_slice;
    return left < most ? left : most;
}

qn_code qn_pq_writer_put(struct qn_pq_writer *writer, const struct qn_batch *batch,
                         struct qn_buf *out, struct qn_err *err)
{
    for (uint32_t row = 0; row < batch->n_rows;) {
        uint32_t n = slice(writer, batch->n_rows - row);
        if (!fits(writer, batch, row, n))
            QN_TRY(write_group(writer, out, err));
        for (uint32_t i = 0; i < writer->schema.n_fields; i++)
            QN_TRY(qn_pq_gather_put(&writer->gathers[i], &batch->columns[i], row, n, err));
        writer->n_rows += n;
        row += n;
        if (is_full(writer))
            QN_TRY(write_group(writer, out, err));
    }
    return QN_OK;
}

/* --- the end of a segment -------------------------------------------------------------------- */

qn_code qn_pq_writer_end(struct qn_pq_writer *writer, struct qn_buf *out, struct qn_buf *meta,
                         struct qn_err *err)
{
    struct qn_pq_file_meta segment;
    QN_TRY(write_group(writer, out, err));
    QN_TRY(qn_pq_footer_begin(&writer->schema, &writer->segment_arena, &segment, err));
    segment.n_rows = (int64_t)writer->segment_rows;
    segment.groups = (const struct qn_pq_row_group *)(const void *)writer->groups.data;
    segment.n_groups = (uint32_t)(writer->groups.len / sizeof *segment.groups);
    qn_pq_file_meta_write(&segment, meta);
    qn_buf_clear(&writer->groups);
    qn_arena_clear(&writer->segment_arena);
    writer->segment_bytes = writer->segment_rows = 0;
    return qn_buf_check(meta, "a segment's metadata", err);
}
