#include "wire/segments.h"

#include <stdlib.h>

#include "wire/part.h"
#include "wire/part_file.h"

/* --- the table ------------------------------------------------------------------------------- */

void qn_segments_pack(const struct qn_part_segment *segments, uint32_t n,
                      const struct qn_schema *columns, struct qn_buf *out)
{
    qn_buf_put_u32(out, n);
    for (uint32_t i = 0; i < n; i++) {
        qn_buf_put_str(out, segments[i].key);
        qn_buf_put_u64(out, segments[i].segment.rows);
        qn_buf_put_u64(out, segments[i].segment.bytes);
        qn_buf_put_str(out, segments[i].segment.meta);
        for (uint32_t c = 0; c < columns->n_fields; c++)
            qn_bounds_pack(&segments[i].bounds[c], columns->fields[c].type, out);
    }
}

void qn_segment_key_put(struct qn_buf *key, bool is_null, struct qn_strv text)
{
    qn_buf_put_u8(key, !is_null);
    if (!is_null)
        qn_buf_put_str(key, text);
}

bool qn_segment_key_next(struct qn_unpack *in, struct qn_strv *text)
{
    bool has_value = qn_unpack_u8(in);
    *text = has_value ? qn_unpack_str(in) : (struct qn_strv){0};
    return has_value;
}

static struct qn_strv keep(struct qn_arena *arena, struct qn_strv text, bool *failed)
{
    char *copy = qn_arena_strdup(arena, text);
    *failed |= !copy;
    return (struct qn_strv){copy, text.len};
}

static qn_code unpack(struct qn_strv table, const struct qn_schema *columns, struct qn_arena *arena,
                      struct qn_part_segment **out, uint32_t *n, struct qn_err *err)
{
    enum { LEAST_BYTES = 4 + 8 + 8 + 4 };
    struct qn_unpack in = qn_unpack_from(table);
    uint32_t count = qn_unpack_count(&in, LEAST_BYTES);
    struct qn_part_segment *segments = QN_NEW_ARRAY(arena, struct qn_part_segment, count);
    bool failed = !segments;
    for (uint32_t i = 0; i < count && !failed && !in.failed; i++) {
        struct qn_part_segment *segment = &segments[i];
        segment->key = keep(arena, qn_unpack_str(&in), &failed);
        segment->segment.rows = qn_unpack_u64(&in);
        segment->segment.bytes = qn_unpack_u64(&in);
        segment->segment.meta = keep(arena, qn_unpack_str(&in), &failed);
        segment->bounds = QN_NEW_ARRAY(arena, struct qn_bounds, columns->n_fields);
        failed |= !segment->bounds;
        for (uint32_t c = 0; c < columns->n_fields && !failed; c++)
            qn_bounds_unpack(&in, columns->fields[c].type, &segment->bounds[c]);
    }
    if (failed)
        return qn_err_nomem(err, "a part's segments");
    *out = segments;
    *n = count;
    return qn_unpack_end(&in, "a part's segments", err);
}

qn_code qn_segments_read(const char *path, const struct qn_schema *columns, struct qn_arena *arena,
                         struct qn_part_segment **out, uint32_t *n, struct qn_err *err)
{
    static const struct qn_part_query query = {.kinds = 1U << QN_PART_SEGMENTS, .end = 1};
    struct qn_part_file file;
    uint8_t kind;
    struct qn_strv table;
    *n = 0;
    *out = NULL;
    qn_part_file_init(&file);
    qn_code code = qn_part_file_open(&file, path, err);
    if (code == QN_OK)
        code = qn_part_file_next(&file, &query, &kind, &table, err);
    if (code == QN_OK)
        code = unpack(table, columns, arena, out, n, err);
    else if (code == QN_ENOTFOUND)
        code = QN_OK;
    qn_part_file_fini(&file);
    return code;
}

/* --- their bytes ----------------------------------------------------------------------------- */

static qn_code walk(struct qn_part_file *file, const struct qn_part_segment *segments, uint32_t n,
                    uint64_t *seen, qn_segment_fn each, void *context, struct qn_err *err)
{
    const struct qn_part_query query = {.kinds = 1U << QN_PART_SEGMENT, .end = n};
    uint32_t number, bytes;
    uint64_t offset;
    qn_code code;
    while ((code = qn_part_file_next_place(file, &query, &number, &offset, &bytes, err)) == QN_OK) {
        seen[number] += bytes;
        QN_TRY(each(context, number, file->fd, offset, bytes, err));
    }
    if (code != QN_ENOTFOUND)
        return code;
    for (uint32_t i = 0; i < n; i++)
        if (seen[i] != segments[i].segment.bytes)
            return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER,
                              "%s has %llu of %llu bytes of segment %u", file->path,
                              (unsigned long long)seen[i],
                              (unsigned long long)segments[i].segment.bytes, i);
    return QN_OK;
}

qn_code qn_segments_each(const char *path, const struct qn_part_segment *segments, uint32_t n,
                         qn_segment_fn each, void *context, struct qn_err *err)
{
    struct qn_part_file file;
    uint64_t *seen = calloc((size_t)n + 1, sizeof *seen);
    if (!seen)
        return qn_err_nomem(err, "a part's segments");
    qn_part_file_init(&file);
    qn_code code = qn_part_file_open(&file, path, err);
    if (code == QN_OK)
        code = walk(&file, segments, n, seen, each, context, err);
    qn_part_file_fini(&file);
    free(seen);
    return code;
}
