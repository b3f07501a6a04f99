#include "parquet/storage.h"

enum { NARROW_DECIMAL = 9 }; /* digits that INT32 holds */

int32_t qn_pq_storage_type(struct qn_type type)
{
    switch (type.id) {
    case QN_BOOL: return QN_PQ_BOOLEAN;
    case QN_DOUBLE: return QN_PQ_DOUBLE;
    case QN_DECIMAL: return type.precision <= NARROW_DECIMAL ? QN_PQ_INT32 : QN_PQ_INT64;
    case QN_DATE: return QN_PQ_INT32;
    case QN_TEXT: return QN_PQ_BYTE_ARRAY;
    default: return QN_PQ_INT64;
    }
}

/* The old converted types where they say the same; the old timestamp would mean UTC. */
struct qn_pq_element qn_pq_storage_element(const struct qn_field *field)
{
    struct qn_pq_element element = {.name = qn_strv_from(field->name),
                                    .type = qn_pq_storage_type(field->type),
                                    .repetition = QN_PQ_OPTIONAL,
                                    .converted = QN_PQ_NONE,
                                    .field_id = QN_PQ_NONE};
    switch (field->type.id) {
    case QN_DECIMAL:
        element.converted = QN_PQ_CONVERTED_DECIMAL;
        element.precision = field->type.precision;
        element.scale = field->type.scale;
        element.logical = (struct qn_pq_logical){.id = QN_PQ_LOGICAL_DECIMAL,
                                                 .precision = field->type.precision,
                                                 .scale = field->type.scale};
        break;
    case QN_TEXT:
        element.converted = QN_PQ_CONVERTED_UTF8;
        element.logical.id = QN_PQ_LOGICAL_STRING;
        break;
    case QN_DATE:
        element.converted = QN_PQ_CONVERTED_DATE;
        element.logical.id = QN_PQ_LOGICAL_DATE;
        break;
    case QN_TIMESTAMP:
        element.logical =
            (struct qn_pq_logical){.id = QN_PQ_LOGICAL_TIMESTAMP, .unit = QN_PQ_MICROS};
        break;
    default: break;
    }
    return element;
}

bool qn_pq_storage_takes(struct qn_type type, int32_t encoding)
{
    switch (encoding) {
    case QN_PQ_PLAIN: return true;
    case QN_PQ_RLE_DICTIONARY: return type.id != QN_BOOL;
    case QN_PQ_RLE: return type.id == QN_BOOL;
    case QN_PQ_BYTE_STREAM_SPLIT: return type.id == QN_DOUBLE;
    case QN_PQ_DELTA_BINARY_PACKED: return qn_type_layout(type) == QN_LAYOUT_I64;
    case QN_PQ_DELTA_LENGTH_BYTE_ARRAY:
    case QN_PQ_DELTA_BYTE_ARRAY: return type.id == QN_TEXT;
    default: return false;
    }
}

static void encode_texts(struct qn_pq_texts texts, int32_t encoding, struct qn_buf *out)
{
    if (encoding == QN_PQ_DELTA_LENGTH_BYTE_ARRAY)
        qn_pq_encode_delta_length(out, texts);
    else if (encoding == QN_PQ_DELTA_BYTE_ARRAY)
        qn_pq_encode_delta_texts(out, texts);
    else
        qn_pq_encode_plain_texts(out, texts);
}

void qn_pq_storage_encode(const struct qn_pq_gather *gather, int32_t encoding, uint32_t from,
                          uint32_t n, struct qn_buf *out)
{
    bool narrow = qn_pq_storage_type(gather->type) == QN_PQ_INT32;
    switch (qn_type_layout(gather->type)) {
    case QN_LAYOUT_TEXT: encode_texts(qn_pq_gather_texts(gather, from, n), encoding, out); break;
    case QN_LAYOUT_BOOL:
        if (encoding == QN_PQ_RLE)
            qn_pq_encode_rle_bools(out, gather->values.data + from, n);
        else
            qn_pq_encode_plain_bools(out, gather->values.data + from, n);
        break;
    case QN_LAYOUT_F64:
    case QN_LAYOUT_I64:
        if (encoding == QN_PQ_BYTE_STREAM_SPLIT)
            qn_pq_encode_split(out, qn_pq_gather_ints(gather) + from, n);
        else if (encoding == QN_PQ_DELTA_BINARY_PACKED)
            qn_pq_encode_delta(out, qn_pq_gather_ints(gather) + from, n, narrow);
        else
            qn_pq_encode_plain_ints(out, qn_pq_gather_ints(gather) + from, n, narrow);
        break;
    }
}
