#include "parquet/meta_write.h"

#include "parquet/thrift_write.h"

/* --- schema ---------------------------------------------------------------------------------- */

static void put_empty_struct(struct qn_thrift_out *out, int32_t id)
{
    struct qn_thrift_out inner = qn_thrift_put_struct(out, id);
    qn_thrift_put_end(&inner);
}

static void put_parameters(struct qn_thrift_out *out, const struct qn_pq_logical *logical)
{
    switch (logical->id) {
    case QN_PQ_LOGICAL_DECIMAL:
        qn_thrift_put_i32(out, 1, logical->scale);
        qn_thrift_put_i32(out, 2, logical->precision);
        break;
    case QN_PQ_LOGICAL_INTEGER:
        qn_thrift_put_i8(out, 1, (int8_t)logical->bits);
        qn_thrift_put_bool(out, 2, logical->is_signed);
        break;
    case QN_PQ_LOGICAL_TIME:
    case QN_PQ_LOGICAL_TIMESTAMP: {
        qn_thrift_put_bool(out, 1, logical->is_utc);
        struct qn_thrift_out unit = qn_thrift_put_struct(out, 2);
        put_empty_struct(&unit, logical->unit);
        qn_thrift_put_end(&unit);
        break;
    }
    default: break;
    }
}

static void put_element(struct qn_thrift_out *list, const struct qn_pq_element *element)
{
    struct qn_thrift_out out = qn_thrift_put_struct_element(list);
    if (element->type != QN_PQ_NONE)
        qn_thrift_put_i32(&out, 1, element->type);
    if (element->type_length)
        qn_thrift_put_i32(&out, 2, element->type_length);
    if (element->repetition != QN_PQ_NONE)
        qn_thrift_put_i32(&out, 3, element->repetition);
    qn_thrift_put_binary(&out, 4, element->name);
    if (element->type == QN_PQ_NONE)
        qn_thrift_put_i32(&out, 5, element->n_children);
    if (element->converted != QN_PQ_NONE)
        qn_thrift_put_i32(&out, 6, element->converted);
    if (element->converted == QN_PQ_CONVERTED_DECIMAL) {
        qn_thrift_put_i32(&out, 7, element->scale);
        qn_thrift_put_i32(&out, 8, element->precision);
    }
    if (element->field_id != QN_PQ_NONE)
        qn_thrift_put_i32(&out, 9, element->field_id);
    if (element->logical.id != QN_PQ_LOGICAL_NONE) {
        struct qn_thrift_out of = qn_thrift_put_struct(&out, 10);
        struct qn_thrift_out logical = qn_thrift_put_struct(&of, element->logical.id);
        put_parameters(&logical, &element->logical);
        qn_thrift_put_end(&logical);
        qn_thrift_put_end(&of);
    }
    qn_thrift_put_end(&out);
}

/* --- row groups ------------------------------------------------------------------------------ */

static void put_bytes_if(struct qn_thrift_out *out, int32_t id, struct qn_strv bytes)
{
    if (bytes.data)
        qn_thrift_put_binary(out, id, bytes);
}

static void put_i64_if(struct qn_thrift_out *out, int32_t id, int64_t value)
{
    if (value != QN_PQ_NONE)
        qn_thrift_put_i64(out, id, value);
}

static void put_statistics(struct qn_thrift_out *parent, int32_t id,
                           const struct qn_pq_statistics *statistics)
{
    struct qn_thrift_out out = qn_thrift_put_struct(parent, id);
    put_bytes_if(&out, 1, statistics->max);
    put_bytes_if(&out, 2, statistics->min);
    put_i64_if(&out, 3, statistics->null_count);
    put_i64_if(&out, 4, statistics->distinct_count);
    put_bytes_if(&out, 5, statistics->max_value);
    put_bytes_if(&out, 6, statistics->min_value);
    if (statistics->is_max_exact != QN_PQ_NONE)
        qn_thrift_put_bool(&out, 7, statistics->is_max_exact);
    if (statistics->is_min_exact != QN_PQ_NONE)
        qn_thrift_put_bool(&out, 8, statistics->is_min_exact);
    put_i64_if(&out, 9, statistics->nan_count);
    qn_thrift_put_end(&out);
}

static void put_encodings(struct qn_thrift_out *out, uint32_t encodings)
{
    qn_thrift_put_list(out, 2, QN_THRIFT_I32, (uint32_t)__builtin_popcount(encodings));
    for (; encodings; encodings &= encodings - 1)
        qn_thrift_put_i32_element(out, __builtin_ctz(encodings));
}

static void put_column_meta(struct qn_thrift_out *parent, const struct qn_pq_column_meta *meta)
{
    struct qn_thrift_out out = qn_thrift_put_struct(parent, 3);
    qn_thrift_put_i32(&out, 1, meta->type);
    put_encodings(&out, meta->encodings);
    qn_thrift_put_list(&out, 3, QN_THRIFT_BINARY, meta->n_path);
    for (uint32_t i = 0; i < meta->n_path; i++)
        qn_thrift_put_binary_element(&out, meta->path[i]);
    qn_thrift_put_i32(&out, 4, meta->codec);
    qn_thrift_put_i64(&out, 5, meta->n_values);
    qn_thrift_put_i64(&out, 6, meta->plain_bytes);
    qn_thrift_put_i64(&out, 7, meta->stored_bytes);
    qn_thrift_put_i64(&out, 9, meta->data_page_offset);
    put_i64_if(&out, 10, meta->index_page_offset);
    put_i64_if(&out, 11, meta->dictionary_page_offset);
    put_statistics(&out, 12, &meta->statistics);
    put_i64_if(&out, 14, meta->bloom_offset);
    if (meta->bloom_bytes != QN_PQ_NONE)
        qn_thrift_put_i32(&out, 15, (int32_t)meta->bloom_bytes);
    qn_thrift_put_end(&out);
}

static void put_column(struct qn_thrift_out *list, const struct qn_pq_column_chunk *column)
{
    struct qn_thrift_out out = qn_thrift_put_struct_element(list);
    put_bytes_if(&out, 1, column->file_path);
    qn_thrift_put_i64(&out, 2, column->file_offset);
    if (column->has_meta)
        put_column_meta(&out, &column->meta);
    if (column->offset_index_offset != QN_PQ_NONE) {
        qn_thrift_put_i64(&out, 4, column->offset_index_offset);
        qn_thrift_put_i32(&out, 5, column->offset_index_bytes);
    }
    if (column->column_index_offset != QN_PQ_NONE) {
        qn_thrift_put_i64(&out, 6, column->column_index_offset);
        qn_thrift_put_i32(&out, 7, column->column_index_bytes);
    }
    qn_thrift_put_end(&out);
}

static void put_sorting(struct qn_thrift_out *parent, const struct qn_pq_row_group *group)
{
    qn_thrift_put_list(parent, 4, QN_THRIFT_STRUCT, group->n_sorting);
    for (uint32_t i = 0; i < group->n_sorting; i++) {
        struct qn_thrift_out out = qn_thrift_put_struct_element(parent);
        qn_thrift_put_i32(&out, 1, group->sorting[i].column);
        qn_thrift_put_bool(&out, 2, group->sorting[i].descending);
        qn_thrift_put_bool(&out, 3, group->sorting[i].nulls_first);
        qn_thrift_put_end(&out);
    }
}

static void put_group(struct qn_thrift_out *list, const struct qn_pq_row_group *group)
{
    struct qn_thrift_out out = qn_thrift_put_struct_element(list);
    qn_thrift_put_list(&out, 1, QN_THRIFT_STRUCT, group->n_columns);
    for (uint32_t i = 0; i < group->n_columns; i++)
        put_column(&out, &group->columns[i]);
    qn_thrift_put_i64(&out, 2, group->plain_bytes);
    qn_thrift_put_i64(&out, 3, group->n_rows);
    if (group->n_sorting)
        put_sorting(&out, group);
    put_i64_if(&out, 5, group->file_offset);
    qn_thrift_put_i64(&out, 6, group->stored_bytes);
    if (group->ordinal != QN_PQ_NONE)
        qn_thrift_put_i16(&out, 7, group->ordinal);
    qn_thrift_put_end(&out);
}

/* --- the file -------------------------------------------------------------------------------- */

static void put_pairs(struct qn_thrift_out *out, const struct qn_pq_file_meta *meta)
{
    qn_thrift_put_list(out, 5, QN_THRIFT_STRUCT, meta->n_pairs);
    for (uint32_t i = 0; i < meta->n_pairs; i++) {
        struct qn_thrift_out pair = qn_thrift_put_struct_element(out);
        qn_thrift_put_binary(&pair, 1, meta->pairs[i].key);
        put_bytes_if(&pair, 2, meta->pairs[i].value);
        qn_thrift_put_end(&pair);
    }
}

static void put_orders(struct qn_thrift_out *out, const struct qn_pq_file_meta *meta)
{
    qn_thrift_put_list(out, 7, QN_THRIFT_STRUCT, meta->n_orders);
    for (uint32_t i = 0; i < meta->n_orders; i++) {
        struct qn_thrift_out order = qn_thrift_put_struct_element(out);
        put_empty_struct(&order, meta->orders[i]);
        qn_thrift_put_end(&order);
    }
}

void qn_pq_file_meta_write(const struct qn_pq_file_meta *meta, struct qn_buf *buf)
{
    struct qn_thrift_out out = {buf, 0};
    qn_thrift_put_i32(&out, 1, meta->version);
    qn_thrift_put_list(&out, 2, QN_THRIFT_STRUCT, meta->n_schema);
    for (uint32_t i = 0; i < meta->n_schema; i++)
        put_element(&out, &meta->schema[i]);
    qn_thrift_put_i64(&out, 3, meta->n_rows);
    qn_thrift_put_list(&out, 4, QN_THRIFT_STRUCT, meta->n_groups);
    for (uint32_t i = 0; i < meta->n_groups; i++)
        put_group(&out, &meta->groups[i]);
    if (meta->n_pairs)
        put_pairs(&out, meta);
    put_bytes_if(&out, 6, meta->created_by);
    if (meta->n_orders)
        put_orders(&out, meta);
    qn_thrift_put_end(&out);
}

/* --- pages ----------------------------------------------------------------------------------- */

static void put_data_v1(struct qn_thrift_out *parent, const struct qn_pq_page_header *header)
{
    struct qn_thrift_out out = qn_thrift_put_struct(parent, 5);
    qn_thrift_put_i32(&out, 1, header->n_values);
    qn_thrift_put_i32(&out, 2, header->encoding);
    qn_thrift_put_i32(&out, 3, header->definition_encoding);
    qn_thrift_put_i32(&out, 4, header->repetition_encoding);
    qn_thrift_put_end(&out);
}

static void put_data_v2(struct qn_thrift_out *parent, const struct qn_pq_page_header *header)
{
    struct qn_thrift_out out = qn_thrift_put_struct(parent, 8);
    qn_thrift_put_i32(&out, 1, header->n_values);
    qn_thrift_put_i32(&out, 2, header->n_nulls);
    qn_thrift_put_i32(&out, 3, header->n_rows);
    qn_thrift_put_i32(&out, 4, header->encoding);
    qn_thrift_put_i32(&out, 5, header->definition_bytes);
    qn_thrift_put_i32(&out, 6, header->repetition_bytes);
    qn_thrift_put_bool(&out, 7, header->is_compressed);
    qn_thrift_put_end(&out);
}

static void put_dictionary(struct qn_thrift_out *parent, const struct qn_pq_page_header *header)
{
    struct qn_thrift_out out = qn_thrift_put_struct(parent, 7);
    qn_thrift_put_i32(&out, 1, header->n_values);
    qn_thrift_put_i32(&out, 2, header->encoding);
    qn_thrift_put_bool(&out, 3, header->is_sorted);
    qn_thrift_put_end(&out);
}

void qn_pq_page_header_write(const struct qn_pq_page_header *header, struct qn_buf *buf)
{
    struct qn_thrift_out out = {buf, 0};
    qn_thrift_put_i32(&out, 1, header->type);
    qn_thrift_put_i32(&out, 2, header->plain_bytes);
    qn_thrift_put_i32(&out, 3, header->stored_bytes);
    if (header->has_crc)
        qn_thrift_put_i32(&out, 4, (int32_t)header->crc);
    if (header->type == QN_PQ_DATA_PAGE)
        put_data_v1(&out, header);
    else if (header->type == QN_PQ_DICTIONARY_PAGE)
        put_dictionary(&out, header);
    else
        put_data_v2(&out, header);
    qn_thrift_put_end(&out);
}
