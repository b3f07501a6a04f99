/* Writes small Parquet files by hand: what the reader is told is what a test put down, byte by
 * byte, whatever a writer would have made of it. */
#ifndef QN_TESTS_SUPPORT_PARQUET_FILE_H
#define QN_TESTS_SUPPORT_PARQUET_FILE_H

#include <string.h>

#include "base/buf.h"
#include "parquet/meta.h"
#include "parquet/page_header.h"
#include "parquet/thrift.h"

/* --- thrift ---------------------------------------------------------------------------------- */

static inline void put_varint(struct qn_buf *out, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        qn_buf_put_u8(out, (uint8_t)(value | 0x80));
    qn_buf_put_u8(out, (uint8_t)value);
}

static inline void put_zigzag(struct qn_buf *out, int64_t value)
{
    put_varint(out, (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0));
}

/* Fields are always written with their whole number. */
static inline void put_field(struct qn_buf *out, int id, enum qn_thrift_type type)
{
    qn_buf_put_u8(out, (uint8_t)type);
    put_zigzag(out, id);
}

static inline void put_integer(struct qn_buf *out, int id, int64_t value)
{
    put_field(out, id, QN_THRIFT_I64);
    put_zigzag(out, value);
}

static inline void put_bytes(struct qn_buf *out, const void *bytes, size_t n)
{
    put_varint(out, n);
    qn_buf_put(out, bytes, n);
}

static inline void put_list(struct qn_buf *out, int id, enum qn_thrift_type type, uint32_t n)
{
    put_field(out, id, QN_THRIFT_LIST);
    qn_buf_put_u8(out, (uint8_t)(0xf0 | type));
    put_varint(out, n);
}

static inline void put_stop(struct qn_buf *out)
{
    qn_buf_put_u8(out, QN_THRIFT_STOP);
}

/* --- pages and files ------------------------------------------------------------------------- */

struct hand_column {
    const char *name;
    enum qn_pq_type type;
    enum qn_pq_repetition repetition;
    int converted; /* QN_PQ_NONE */
};

struct hand_chunk {
    uint64_t begin, bytes;
    int64_t n_values;
    struct hand_part {
        int64_t begin, bytes; /* 0: there is none */
    } offset_index, column_index;
};

enum { HAND_GROUPS = 64, HAND_COLUMNS = 8 };

struct hand_file {
    struct qn_buf *out;
    const struct hand_column *columns;
    uint32_t n_columns;
    struct hand_chunk chunks[HAND_GROUPS][HAND_COLUMNS];
    int64_t rows[HAND_GROUPS];
    uint32_t n_groups;
    bool has_orders; /* bounds are in the order of their types */
};

static inline void hand_begin(struct hand_file *file, struct qn_buf *out,
                              const struct hand_column *columns, uint32_t n)
{
    memset(file, 0, sizeof *file);
    file->out = out;
    file->columns = columns;
    file->n_columns = n;
    qn_buf_put(out, QN_PQ_MAGIC, 4);
}

/* A v1 data page, not compressed: what follows the header is `body`. */
static inline void hand_page(struct hand_file *file, uint32_t column, int64_t n_values,
                             enum qn_pq_encoding encoding, struct qn_strv body)
{
    struct hand_chunk *chunk = &file->chunks[file->n_groups][column];
    struct qn_buf *out = file->out;
    if (!chunk->begin)
        chunk->begin = out->len;
    put_integer(out, 1, QN_PQ_DATA_PAGE);
    put_integer(out, 2, (int64_t)body.len);
    put_integer(out, 3, (int64_t)body.len);
    put_field(out, 5, QN_THRIFT_STRUCT);
    put_integer(out, 1, n_values);
    put_integer(out, 2, encoding);
    put_integer(out, 3, QN_PQ_RLE);
    put_integer(out, 4, QN_PQ_RLE);
    put_stop(out);
    put_stop(out);
    qn_buf_put(out, body.data, body.len);
    chunk->bytes = out->len - chunk->begin;
    chunk->n_values += n_values;
}

/* The row group whose pages came before. */
static inline void hand_group(struct hand_file *file, int64_t rows)
{
    file->rows[file->n_groups++] = rows;
}

static inline void hand_chunk_meta(struct hand_file *file, uint32_t group, uint32_t column)
{
    const struct hand_chunk *chunk = &file->chunks[group][column];
    struct qn_buf *out = file->out;
    put_field(out, 3, QN_THRIFT_STRUCT);
    put_integer(out, 1, file->columns[column].type);
    put_list(out, 3, QN_THRIFT_BINARY, 1);
    put_bytes(out, file->columns[column].name, strlen(file->columns[column].name));
    put_integer(out, 4, QN_PQ_UNCOMPRESSED);
    put_integer(out, 5, chunk->n_values);
    put_integer(out, 6, (int64_t)chunk->bytes);
    put_integer(out, 7, (int64_t)chunk->bytes);
    put_integer(out, 9, (int64_t)chunk->begin);
    put_stop(out);
    if (chunk->offset_index.bytes) {
        put_integer(out, 4, chunk->offset_index.begin);
        put_integer(out, 5, chunk->offset_index.bytes);
        put_integer(out, 6, chunk->column_index.begin);
        put_integer(out, 7, chunk->column_index.bytes);
    }
    put_stop(out);
}

static inline void hand_schema(struct hand_file *file)
{
    struct qn_buf *out = file->out;
    put_list(out, 2, QN_THRIFT_STRUCT, file->n_columns + 1);
    put_field(out, 4, QN_THRIFT_BINARY);
    put_bytes(out, "schema", 6);
    put_integer(out, 5, file->n_columns);
    put_stop(out);
    for (uint32_t c = 0; c < file->n_columns; c++) {
        const struct hand_column *column = &file->columns[c];
        put_integer(out, 1, column->type);
        put_integer(out, 3, column->repetition);
        put_field(out, 4, QN_THRIFT_BINARY);
        put_bytes(out, column->name, strlen(column->name));
        if (column->converted != QN_PQ_NONE)
            put_integer(out, 6, column->converted);
        put_stop(out);
    }
}

static inline void hand_end(struct hand_file *file)
{
    struct qn_buf *out = file->out;
    size_t begin = out->len;
    int64_t rows = 0;
    for (uint32_t g = 0; g < file->n_groups; g++)
        rows += file->rows[g];
    put_integer(out, 1, 1);
    hand_schema(file);
    put_integer(out, 3, rows);
    put_list(out, 4, QN_THRIFT_STRUCT, file->n_groups);
    for (uint32_t g = 0; g < file->n_groups; g++) {
        put_list(out, 1, QN_THRIFT_STRUCT, file->n_columns);
        for (uint32_t c = 0; c < file->n_columns; c++)
            hand_chunk_meta(file, g, c);
        put_integer(out, 3, file->rows[g]);
        put_stop(out);
    }
    if (file->has_orders) {
        put_list(out, 7, QN_THRIFT_STRUCT, file->n_columns);
        for (uint32_t c = 0; c < file->n_columns; c++) {
            put_field(out, 1, QN_THRIFT_STRUCT);
            put_stop(out);
            put_stop(out);
        }
    }
    put_stop(out);
    qn_buf_put_u32(out, (uint32_t)(out->len - begin));
    qn_buf_put(out, QN_PQ_MAGIC, 4);
}

#endif
