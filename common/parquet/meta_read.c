#include "parquet/meta_read.h"

#include "base/limits.h"

enum {
    MAX_ELEMENTS = 16 * QN_MAX_COLUMNS, /* of a schema: nesting takes some */
    MIN_ELEMENT_BYTES = 4,
    MIN_PAIR_BYTES = 4,
    MIN_COLUMN_BYTES = 12,
    MIN_SORTING_BYTES = 4,
    MAX_ENCODING = 31,
};

struct meta_reader {
    struct qn_thrift in;
    struct qn_arena *arena;
    uint32_t n_leaves;
    bool no_memory;
};

static void *new_list(struct meta_reader *r, uint32_t n, size_t bytes)
{
    void *list = qn_arena_zalloc(r->arena, n ? n : 1, bytes);
    if (!list) {
        r->no_memory = true;
        qn_thrift_fail(&r->in, "no memory");
    }
    return list;
}

/* A list whose elements take min_bytes at least. */
static uint32_t take_list(struct meta_reader *r, const struct qn_thrift_field *field,
                          enum qn_thrift_type type, size_t min_bytes)
{
    uint32_t n = qn_thrift_list(&r->in, field, type);
    if (n > (size_t)(r->in.end - r->in.at) / min_bytes)
        qn_thrift_fail(&r->in, "a list has more elements than there are bytes left");
    return r->in.why ? 0 : n;
}

/* --- schema ---------------------------------------------------------------------------------- */

/* Which of a union's fields is set; what they hold is passed over. */
static int32_t read_union(struct qn_thrift *in, const struct qn_thrift_field *field)
{
    struct qn_thrift_field inner = {0};
    int32_t id = 0;
    if (!qn_thrift_struct(in, field))
        return 0;
    while (qn_thrift_field(in, &inner)) {
        id = inner.id;
        qn_thrift_skip(in, inner.type);
    }
    return id;
}

static void read_logical_parameters(struct qn_thrift *in, struct qn_pq_logical *out)
{
    struct qn_thrift_field field = {0};
    while (qn_thrift_field(in, &field)) {
        bool time = out->id == QN_PQ_LOGICAL_TIME || out->id == QN_PQ_LOGICAL_TIMESTAMP;
        if (out->id == QN_PQ_LOGICAL_DECIMAL && field.id == 1)
            out->scale = qn_thrift_i32(in, &field);
        else if (out->id == QN_PQ_LOGICAL_DECIMAL && field.id == 2)
            out->precision = qn_thrift_i32(in, &field);
        else if (out->id == QN_PQ_LOGICAL_INTEGER && field.id == 1)
            out->bits = qn_thrift_i32(in, &field);
        else if (out->id == QN_PQ_LOGICAL_INTEGER && field.id == 2)
            out->is_signed = qn_thrift_bool(in, &field);
        else if (time && field.id == 1)
            out->is_utc = qn_thrift_bool(in, &field);
        else if (time && field.id == 2)
            out->unit = read_union(in, &field);
        else
            qn_thrift_skip(in, field.type);
    }
}

static void read_logical(struct qn_thrift *in, const struct qn_thrift_field *field,
                         struct qn_pq_logical *out)
{
    struct qn_thrift_field inner = {0};
    if (!qn_thrift_struct(in, field))
        return;
    while (qn_thrift_field(in, &inner)) {
        *out = (struct qn_pq_logical){.id = inner.id};
        if (qn_thrift_struct(in, &inner))
            read_logical_parameters(in, out);
    }
}

static void read_element(struct qn_thrift *in, struct qn_pq_element *out)
{
    *out = (struct qn_pq_element){.type = QN_PQ_NONE,
                                  .repetition = QN_PQ_NONE,
                                  .converted = QN_PQ_NONE,
                                  .field_id = QN_PQ_NONE};
    struct qn_thrift_field field = {0};
    while (qn_thrift_field(in, &field))
        switch (field.id) {
        case 1: out->type = qn_thrift_i32(in, &field); break;
        case 2: out->type_length = qn_thrift_i32(in, &field); break;
        case 3: out->repetition = qn_thrift_i32(in, &field); break;
        case 4: out->name = qn_thrift_binary(in, &field); break;
        case 5: out->n_children = qn_thrift_i32(in, &field); break;
        case 6: out->converted = qn_thrift_i32(in, &field); break;
        case 7: out->scale = qn_thrift_i32(in, &field); break;
        case 8: out->precision = qn_thrift_i32(in, &field); break;
        case 9: out->field_id = qn_thrift_i32(in, &field); break;
        case 10: read_logical(in, &field, &out->logical); break;
        default: qn_thrift_skip(in, field.type);
        }
    if (out->type != QN_PQ_NONE && (out->type < QN_PQ_BOOLEAN || out->type > QN_PQ_FIXED))
        qn_thrift_fail(in, "a column of the schema has a physical type that there is not");
    if (out->repetition != QN_PQ_NONE &&
        (out->repetition < QN_PQ_REQUIRED || out->repetition > QN_PQ_REPEATED))
        qn_thrift_fail(in, "a column of the schema has a repetition that there is not");
}

static void read_schema(struct meta_reader *r, const struct qn_thrift_field *field,
                        struct qn_pq_file_meta *out)
{
    uint32_t n = take_list(r, field, QN_THRIFT_STRUCT, MIN_ELEMENT_BYTES);
    if (n > MAX_ELEMENTS)
        qn_thrift_fail(&r->in, "the schema has more than 32000 elements");
    if (r->in.why)
        return;
    struct qn_pq_element *schema = new_list(r, n, sizeof *schema);
    for (uint32_t i = 0; schema && i < n && !r->in.why; i++) {
        read_element(&r->in, &schema[i]);
        r->n_leaves += schema[i].type != QN_PQ_NONE;
    }
    out->schema = schema;
    out->n_schema = n;
}

/* --- row groups ------------------------------------------------------------------------------ */

static void read_statistics(struct qn_thrift *in, const struct qn_thrift_field *field,
                            struct qn_pq_statistics *out)
{
    struct qn_thrift_field inner = {0};
    if (!qn_thrift_struct(in, field))
        return;
    while (qn_thrift_field(in, &inner))
        switch (inner.id) {
        case 1: out->max = qn_thrift_binary(in, &inner); break;
        case 2: out->min = qn_thrift_binary(in, &inner); break;
        case 3: out->null_count = qn_thrift_i64(in, &inner); break;
        case 4: out->distinct_count = qn_thrift_i64(in, &inner); break;
        case 5: out->max_value = qn_thrift_binary(in, &inner); break;
        case 6: out->min_value = qn_thrift_binary(in, &inner); break;
        case 7: out->is_max_exact = qn_thrift_bool(in, &inner); break;
        case 8: out->is_min_exact = qn_thrift_bool(in, &inner); break;
        case 9: out->nan_count = qn_thrift_i64(in, &inner); break;
        default: qn_thrift_skip(in, inner.type);
        }
}

static const struct qn_pq_statistics no_statistics = {.null_count = QN_PQ_NONE,
                                                      .distinct_count = QN_PQ_NONE,
                                                      .nan_count = QN_PQ_NONE,
                                                      .is_min_exact = QN_PQ_NONE,
                                                      .is_max_exact = QN_PQ_NONE};

static void read_encodings(struct meta_reader *r, const struct qn_thrift_field *field,
                           uint32_t *encodings)
{
    uint32_t n = take_list(r, field, QN_THRIFT_I32, 1);
    for (uint32_t i = 0; i < n && !r->in.why; i++) {
        int64_t encoding = qn_thrift_i64_element(&r->in);
        if (encoding >= 0 && encoding <= MAX_ENCODING)
            *encodings |= UINT32_C(1) << encoding;
    }
}

static void read_path(struct meta_reader *r, const struct qn_thrift_field *field,
                      struct qn_pq_column_meta *out)
{
    uint32_t n = take_list(r, field, QN_THRIFT_BINARY, 1);
    if (n > QN_MAX_COLUMNS)
        qn_thrift_fail(&r->in, "a column's path has too many parts");
    struct qn_strv *path = r->in.why ? NULL : new_list(r, n, sizeof *path);
    for (uint32_t i = 0; path && i < n && !r->in.why; i++)
        path[i] = qn_thrift_binary_element(&r->in);
    out->path = path;
    out->n_path = path ? n : 0;
}

static void read_column_meta(struct meta_reader *r, const struct qn_thrift_field *field,
                             struct qn_pq_column_meta *out)
{
    struct qn_thrift *in = &r->in;
    struct qn_thrift_field inner = {0};
    if (!qn_thrift_struct(in, field))
        return;
    while (qn_thrift_field(in, &inner))
        switch (inner.id) {
        case 1: out->type = qn_thrift_i32(in, &inner); break;
        case 2: read_encodings(r, &inner, &out->encodings); break;
        case 3: read_path(r, &inner, out); break;
        case 4: out->codec = qn_thrift_i32(in, &inner); break;
        case 5: out->n_values = qn_thrift_i64(in, &inner); break;
        case 6: out->plain_bytes = qn_thrift_i64(in, &inner); break;
        case 7: out->stored_bytes = qn_thrift_i64(in, &inner); break;
        case 9: out->data_page_offset = qn_thrift_i64(in, &inner); break;
        case 10: out->index_page_offset = qn_thrift_i64(in, &inner); break;
        case 11: out->dictionary_page_offset = qn_thrift_i64(in, &inner); break;
        case 12: read_statistics(in, &inner, &out->statistics); break;
        case 14: out->bloom_offset = qn_thrift_i64(in, &inner); break;
        case 15: /* something else before it was standardised */
            if (inner.type == QN_THRIFT_I32)
                out->bloom_bytes = qn_thrift_i32(in, &inner);
            else
                qn_thrift_skip(in, inner.type);
            break;
        default: qn_thrift_skip(in, inner.type);
        }
}

static void read_column(struct meta_reader *r, struct qn_pq_column_chunk *out)
{
    struct qn_thrift *in = &r->in;
    *out = (struct qn_pq_column_chunk){.meta = {.data_page_offset = QN_PQ_NONE,
                                                .dictionary_page_offset = QN_PQ_NONE,
                                                .index_page_offset = QN_PQ_NONE,
                                                .bloom_offset = QN_PQ_NONE,
                                                .bloom_bytes = QN_PQ_NONE,
                                                .n_values = QN_PQ_NONE,
                                                .statistics = no_statistics},
                                       .offset_index_offset = QN_PQ_NONE,
                                       .column_index_offset = QN_PQ_NONE};
    struct qn_thrift_field field = {0};
    while (qn_thrift_field(in, &field))
        switch (field.id) {
        case 1: out->file_path = qn_thrift_binary(in, &field); break;
        case 2: out->file_offset = qn_thrift_i64(in, &field); break;
        case 3:
            out->has_meta = true;
            read_column_meta(r, &field, &out->meta);
            break;
        case 4: out->offset_index_offset = qn_thrift_i64(in, &field); break;
        case 5: out->offset_index_bytes = qn_thrift_i32(in, &field); break;
        case 6: out->column_index_offset = qn_thrift_i64(in, &field); break;
        case 7: out->column_index_bytes = qn_thrift_i32(in, &field); break;
        case 8:
            out->is_encrypted = true;
            qn_thrift_skip(in, field.type);
            break;
        default: qn_thrift_skip(in, field.type);
        }
    if (!out->has_meta && !out->is_encrypted)
        qn_thrift_fail(in, "a column of a row group has no metadata");
}

static void read_columns(struct meta_reader *r, const struct qn_thrift_field *field,
                         struct qn_pq_row_group *out)
{
    uint32_t n = take_list(r, field, QN_THRIFT_STRUCT, 1);
    if (n != r->n_leaves)
        qn_thrift_fail(&r->in, "a row group has other columns than the schema");
    struct qn_pq_column_chunk *columns = r->in.why ? NULL : new_list(r, n, sizeof *columns);
    for (uint32_t i = 0; columns && i < n && !r->in.why; i++)
        read_column(r, &columns[i]);
    out->columns = columns;
    out->n_columns = columns ? n : 0;
}

static void read_sorting(struct meta_reader *r, const struct qn_thrift_field *field,
                         struct qn_pq_row_group *out)
{
    uint32_t n = take_list(r, field, QN_THRIFT_STRUCT, MIN_SORTING_BYTES);
    struct qn_pq_sorting *sorting = r->in.why ? NULL : new_list(r, n, sizeof *sorting);
    for (uint32_t i = 0; sorting && i < n && !r->in.why; i++) {
        struct qn_thrift_field inner = {0};
        while (qn_thrift_field(&r->in, &inner))
            switch (inner.id) {
            case 1: sorting[i].column = qn_thrift_i32(&r->in, &inner); break;
            case 2: sorting[i].descending = qn_thrift_bool(&r->in, &inner); break;
            case 3: sorting[i].nulls_first = qn_thrift_bool(&r->in, &inner); break;
            default: qn_thrift_skip(&r->in, inner.type);
            }
    }
    out->sorting = sorting;
    out->n_sorting = sorting ? n : 0;
}

static void read_group(struct meta_reader *r, struct qn_pq_row_group *out)
{
    struct qn_thrift *in = &r->in;
    *out = (struct qn_pq_row_group){
        .n_rows = QN_PQ_NONE, .file_offset = QN_PQ_NONE, .ordinal = QN_PQ_NONE};
    struct qn_thrift_field field = {0};
    while (qn_thrift_field(in, &field))
        switch (field.id) {
        case 1: read_columns(r, &field, out); break;
        case 2: out->plain_bytes = qn_thrift_i64(in, &field); break;
        case 3: out->n_rows = qn_thrift_i64(in, &field); break;
        case 4: read_sorting(r, &field, out); break;
        case 5: out->file_offset = qn_thrift_i64(in, &field); break;
        case 6: out->stored_bytes = qn_thrift_i64(in, &field); break;
        case 7: out->ordinal = qn_thrift_i32(in, &field); break;
        default: qn_thrift_skip(in, field.type);
        }
    if (out->n_rows < 0 || !out->columns)
        qn_thrift_fail(in, "a row group does not say its rows or its columns");
}

static void read_groups(struct meta_reader *r, const struct qn_thrift_field *field,
                        struct qn_pq_file_meta *out)
{
    size_t min_bytes = 1 + (size_t)r->n_leaves * MIN_COLUMN_BYTES;
    uint32_t n = take_list(r, field, QN_THRIFT_STRUCT, min_bytes);
    struct qn_pq_row_group *groups = r->in.why ? NULL : new_list(r, n, sizeof *groups);
    for (uint32_t i = 0; groups && i < n && !r->in.why; i++)
        read_group(r, &groups[i]);
    out->groups = groups;
    out->n_groups = groups ? n : 0;
}

/* --- the file -------------------------------------------------------------------------------- */

static void read_pairs(struct meta_reader *r, const struct qn_thrift_field *field,
                       struct qn_pq_file_meta *out)
{
    uint32_t n = take_list(r, field, QN_THRIFT_STRUCT, MIN_PAIR_BYTES);
    struct qn_pq_key_value *pairs = r->in.why ? NULL : new_list(r, n, sizeof *pairs);
    for (uint32_t i = 0; pairs && i < n && !r->in.why; i++) {
        struct qn_thrift_field inner = {0};
        while (qn_thrift_field(&r->in, &inner))
            switch (inner.id) {
            case 1: pairs[i].key = qn_thrift_binary(&r->in, &inner); break;
            case 2: pairs[i].value = qn_thrift_binary(&r->in, &inner); break;
            default: qn_thrift_skip(&r->in, inner.type);
            }
    }
    out->pairs = pairs;
    out->n_pairs = pairs ? n : 0;
}

static void read_orders(struct meta_reader *r, const struct qn_thrift_field *field,
                        struct qn_pq_file_meta *out)
{
    static const struct qn_thrift_field element = {.type = QN_THRIFT_STRUCT};
    uint32_t n = take_list(r, field, QN_THRIFT_STRUCT, 1);
    int8_t *orders = r->in.why ? NULL : new_list(r, n, sizeof *orders);
    for (uint32_t i = 0; orders && i < n && !r->in.why; i++) {
        int32_t order = read_union(&r->in, &element);
        orders[i] = order > 0 && order < INT8_MAX ? (int8_t)order : 0;
    }
    out->orders = orders;
    out->n_orders = orders ? n : 0;
}

static void read_file(struct meta_reader *r, struct qn_pq_file_meta *out)
{
    struct qn_thrift *in = &r->in;
    struct qn_thrift_field field = {0};
    while (qn_thrift_field(in, &field))
        switch (field.id) {
        case 1: out->version = qn_thrift_i32(in, &field); break;
        case 2: read_schema(r, &field, out); break;
        case 3: out->n_rows = qn_thrift_i64(in, &field); break;
        case 4: read_groups(r, &field, out); break;
        case 5: read_pairs(r, &field, out); break;
        case 6: out->created_by = qn_thrift_binary(in, &field); break;
        case 7: read_orders(r, &field, out); break;
        case 8:
            out->is_encrypted = true;
            qn_thrift_skip(in, field.type);
            break;
        default: qn_thrift_skip(in, field.type);
        }
    if (!out->schema || !out->n_schema)
        qn_thrift_fail(in, "it has no schema");
}

qn_code qn_pq_file_meta_read(struct qn_strv footer, struct qn_arena *arena,
                             struct qn_pq_file_meta *out, struct qn_err *err)
{
    struct meta_reader r = {.in = qn_thrift_from(footer.data, footer.len), .arena = arena};
    *out = (struct qn_pq_file_meta){.n_rows = QN_PQ_NONE};
    read_file(&r, out);
    if (r.no_memory)
        return qn_err_nomem(err, "Parquet metadata");
    if (r.in.why)
        return qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT, "the Parquet footer cannot be read: %s",
                          r.in.why);
    return QN_OK;
}

/* --- pages ----------------------------------------------------------------------------------- */

static void read_data_v1(struct qn_thrift *in, struct qn_pq_page_header *out)
{
    struct qn_thrift_field field = {0};
    while (qn_thrift_field(in, &field))
        switch (field.id) {
        case 1: out->n_values = qn_thrift_i32(in, &field); break;
        case 2: out->encoding = qn_thrift_i32(in, &field); break;
        case 3: out->definition_encoding = qn_thrift_i32(in, &field); break;
        case 4: out->repetition_encoding = qn_thrift_i32(in, &field); break;
        case 5: read_statistics(in, &field, &out->statistics); break;
        default: qn_thrift_skip(in, field.type);
        }
}

static void read_data_v2(struct qn_thrift *in, struct qn_pq_page_header *out)
{
    struct qn_thrift_field field = {0};
    out->is_compressed = true;
    while (qn_thrift_field(in, &field))
        switch (field.id) {
        case 1: out->n_values = qn_thrift_i32(in, &field); break;
        case 2: out->n_nulls = qn_thrift_i32(in, &field); break;
        case 3: out->n_rows = qn_thrift_i32(in, &field); break;
        case 4: out->encoding = qn_thrift_i32(in, &field); break;
        case 5: out->definition_bytes = qn_thrift_i32(in, &field); break;
        case 6: out->repetition_bytes = qn_thrift_i32(in, &field); break;
        case 7: out->is_compressed = qn_thrift_bool(in, &field); break;
        case 8: read_statistics(in, &field, &out->statistics); break;
        default: qn_thrift_skip(in, field.type);
        }
}

static void read_dictionary(struct qn_thrift *in, struct qn_pq_page_header *out)
{
    struct qn_thrift_field field = {0};
    while (qn_thrift_field(in, &field))
        switch (field.id) {
        case 1: out->n_values = qn_thrift_i32(in, &field); break;
        case 2: out->encoding = qn_thrift_i32(in, &field); break;
        case 3: out->is_sorted = qn_thrift_bool(in, &field); break;
        default: qn_thrift_skip(in, field.type);
        }
}

/* The header of the page's own kind. */
static void read_kind(struct qn_thrift *in, const struct qn_thrift_field *field,
                      struct qn_pq_page_header *out)
{
    if (!qn_thrift_struct(in, field))
        return;
    if (field->id == 5)
        read_data_v1(in, out);
    else if (field->id == 7)
        read_dictionary(in, out);
    else
        read_data_v2(in, out);
}

void qn_pq_page_header_read(struct qn_thrift *in, struct qn_pq_page_header *out)
{
    static const int32_t kinds[] = {[QN_PQ_DATA_PAGE] = 5,
                                    [QN_PQ_INDEX_PAGE] = 0,
                                    [QN_PQ_DICTIONARY_PAGE] = 7,
                                    [QN_PQ_DATA_PAGE_V2] = 8};
    *out = (struct qn_pq_page_header){
        .type = QN_PQ_NONE, .n_values = QN_PQ_NONE, .statistics = no_statistics};
    struct qn_thrift_field field = {0};
    int32_t kind = 0;
    while (qn_thrift_field(in, &field))
        switch (field.id) {
        case 1: out->type = qn_thrift_i32(in, &field); break;
        case 2: out->plain_bytes = qn_thrift_i32(in, &field); break;
        case 3: out->stored_bytes = qn_thrift_i32(in, &field); break;
        case 4:
            out->has_crc = true;
            out->crc = (uint32_t)qn_thrift_i32(in, &field);
            break;
        case 5:
        case 7:
        case 8:
            kind = field.id;
            read_kind(in, &field, out);
            break;
        default: qn_thrift_skip(in, field.type);
        }
    if (in->why)
        return;
    if (out->type < QN_PQ_DATA_PAGE || out->type > QN_PQ_DATA_PAGE_V2)
        qn_thrift_fail(in, "a page has a type that there is not");
    else if (kinds[out->type] && kinds[out->type] != kind)
        qn_thrift_fail(in, "a page has the header of another type");
    else if (out->plain_bytes < 0 || out->stored_bytes < 0)
        qn_thrift_fail(in, "a page has a negative size");
    else if (kinds[out->type] && out->n_values < 0)
        qn_thrift_fail(in, "a page has a negative number of values");
}

void qn_pq_bloom_header_read(struct qn_thrift *in, struct qn_pq_bloom_header *out)
{
    struct qn_thrift_field field = {0};
    bool known = true;
    *out = (struct qn_pq_bloom_header){0};
    while (qn_thrift_field(in, &field))
        switch (field.id) {
        case 1: out->n_bytes = qn_thrift_i32(in, &field); break;
        case 2:
        case 3:
        case 4: known &= read_union(in, &field) == 1; break;
        default: qn_thrift_skip(in, field.type);
        }
    out->is_known = known && !in->why;
}
