#include "parquet/tree.h"

#include "base/limits.h"

enum { MAX_BYTES_OF_FIXED = 1 << 20 };

/* --- what leaves mean ------------------------------------------------------------------------ */

static void be_integer(struct qn_pq_node *node, int32_t bits, bool is_signed)
{
    node->kind = is_signed ? QN_PQ_KIND_INT : QN_PQ_KIND_UINT;
    node->bits = (uint8_t)bits;
}

static void be_decimal(struct qn_pq_node *node, int32_t precision, int32_t scale)
{
    node->kind = QN_PQ_KIND_DECIMAL;
    node->precision = precision;
    node->scale = scale;
}

static void be_moment(struct qn_pq_node *node, enum qn_pq_kind kind, int32_t unit, bool is_utc)
{
    node->kind = (uint8_t)kind;
    node->unit = (uint8_t)unit;
    node->is_utc = is_utc;
}

static void mean_physical(struct qn_pq_node *node, int32_t type)
{
    static const uint8_t kinds[] = {
        [QN_PQ_BOOLEAN] = QN_PQ_KIND_BOOL,     [QN_PQ_INT32] = QN_PQ_KIND_INT,
        [QN_PQ_INT64] = QN_PQ_KIND_INT,        [QN_PQ_INT96] = QN_PQ_KIND_INT96,
        [QN_PQ_FLOAT] = QN_PQ_KIND_FLOAT,      [QN_PQ_DOUBLE] = QN_PQ_KIND_DOUBLE,
        [QN_PQ_BYTE_ARRAY] = QN_PQ_KIND_BYTES, [QN_PQ_FIXED] = QN_PQ_KIND_BYTES};
    node->kind = kinds[type];
    node->bits = type == QN_PQ_INT32 ? 32 : 64;
}

static void mean_converted(struct qn_pq_node *node, const struct qn_pq_element *element)
{
    switch (element->converted) {
    case QN_PQ_CONVERTED_UTF8:
    case QN_PQ_CONVERTED_ENUM:
    case QN_PQ_CONVERTED_JSON: node->kind = QN_PQ_KIND_TEXT; break;
    case QN_PQ_CONVERTED_DECIMAL: be_decimal(node, element->precision, element->scale); break;
    case QN_PQ_CONVERTED_DATE: node->kind = QN_PQ_KIND_DATE; break;
    case QN_PQ_CONVERTED_TIME_MILLIS: be_moment(node, QN_PQ_KIND_TIME, QN_PQ_MILLIS, true); break;
    case QN_PQ_CONVERTED_TIME_MICROS: be_moment(node, QN_PQ_KIND_TIME, QN_PQ_MICROS, true); break;
    case QN_PQ_CONVERTED_TIMESTAMP_MILLIS:
        be_moment(node, QN_PQ_KIND_TIMESTAMP, QN_PQ_MILLIS, true);
        break;
    case QN_PQ_CONVERTED_TIMESTAMP_MICROS:
        be_moment(node, QN_PQ_KIND_TIMESTAMP, QN_PQ_MICROS, true);
        break;
    case QN_PQ_CONVERTED_UINT_8: be_integer(node, 8, false); break;
    case QN_PQ_CONVERTED_UINT_16: be_integer(node, 16, false); break;
    case QN_PQ_CONVERTED_UINT_32: be_integer(node, 32, false); break;
    case QN_PQ_CONVERTED_UINT_64: be_integer(node, 64, false); break;
    case QN_PQ_CONVERTED_INT_8: be_integer(node, 8, true); break;
    case QN_PQ_CONVERTED_INT_16: be_integer(node, 16, true); break;
    case QN_PQ_CONVERTED_INT_32: be_integer(node, 32, true); break;
    case QN_PQ_CONVERTED_INT_64: be_integer(node, 64, true); break;
    case QN_PQ_CONVERTED_INTERVAL: node->kind = QN_PQ_KIND_INTERVAL; break;
    default: break; /* BSON: bytes */
    }
}

static void mean_logical(struct qn_pq_node *node, const struct qn_pq_logical *logical)
{
    switch (logical->id) {
    case QN_PQ_LOGICAL_STRING:
    case QN_PQ_LOGICAL_ENUM:
    case QN_PQ_LOGICAL_JSON: node->kind = QN_PQ_KIND_TEXT; break;
    case QN_PQ_LOGICAL_DECIMAL: be_decimal(node, logical->precision, logical->scale); break;
    case QN_PQ_LOGICAL_DATE: node->kind = QN_PQ_KIND_DATE; break;
    case QN_PQ_LOGICAL_TIME:
        be_moment(node, QN_PQ_KIND_TIME, logical->unit, logical->is_utc);
        break;
    case QN_PQ_LOGICAL_TIMESTAMP:
        be_moment(node, QN_PQ_KIND_TIMESTAMP, logical->unit, logical->is_utc);
        break;
    case QN_PQ_LOGICAL_INTEGER: be_integer(node, logical->bits, logical->is_signed); break;
    case QN_PQ_LOGICAL_UNKNOWN: node->kind = QN_PQ_KIND_NOTHING; break;
    case QN_PQ_LOGICAL_BSON: break;
    case QN_PQ_LOGICAL_UUID: node->kind = QN_PQ_KIND_UUID; break;
    case QN_PQ_LOGICAL_FLOAT16: node->kind = QN_PQ_KIND_FLOAT16; break;
    default: break; /* of what it is made of nothing is lost */
    }
}

/* Does the physical type carry what the annotation says? */
static bool fits(const struct qn_pq_node *node, int32_t type, int32_t type_length)
{
    bool is_int = type == QN_PQ_INT32 || type == QN_PQ_INT64;
    bool is_bytes = type == QN_PQ_BYTE_ARRAY || type == QN_PQ_FIXED;
    bool unit = node->unit >= QN_PQ_MILLIS && node->unit <= QN_PQ_NANOS;
    switch ((enum qn_pq_kind)node->kind) {
    case QN_PQ_KIND_INT:
    case QN_PQ_KIND_UINT:
        return is_int && (node->bits == 8 || node->bits == 16 || node->bits == 32 ||
                          (node->bits == 64 && type == QN_PQ_INT64));
    case QN_PQ_KIND_DECIMAL:
        return (is_int || is_bytes) && node->precision > 0 && node->scale >= 0 &&
               node->scale <= node->precision && node->precision <= 1000;
    case QN_PQ_KIND_DATE: return type == QN_PQ_INT32;
    case QN_PQ_KIND_TIME:
        return unit && (type == QN_PQ_INT64) == (node->unit != QN_PQ_MILLIS) && is_int;
    case QN_PQ_KIND_TIMESTAMP: return unit && type == QN_PQ_INT64;
    case QN_PQ_KIND_TEXT: return is_bytes;
    case QN_PQ_KIND_UUID: return type == QN_PQ_FIXED && type_length == 16;
    case QN_PQ_KIND_FLOAT16: return type == QN_PQ_FIXED && type_length == 2;
    case QN_PQ_KIND_INTERVAL: return type == QN_PQ_FIXED && type_length == 12;
    default: return true;
    }
}

static void mean(struct qn_pq_node *node)
{
    const struct qn_pq_element *element = node->element;
    mean_physical(node, element->type);
    if (element->logical.id != QN_PQ_LOGICAL_NONE)
        mean_logical(node, &element->logical);
    else
        mean_converted(node, element);
    if (!fits(node, element->type, element->type_length))
        mean_physical(node, element->type); /* an annotation that cannot be meant */
}

bool qn_pq_is_list(const struct qn_pq_node *node)
{
    return node->element->logical.id == QN_PQ_LOGICAL_LIST ||
           node->element->converted == QN_PQ_CONVERTED_LIST;
}

bool qn_pq_is_map(const struct qn_pq_node *node)
{
    return node->element->logical.id == QN_PQ_LOGICAL_MAP ||
           node->element->converted == QN_PQ_CONVERTED_MAP ||
           node->element->converted == QN_PQ_CONVERTED_MAP_KEY_VALUE;
}

/* --- the tree -------------------------------------------------------------------------------- */

struct builder {
    const struct qn_pq_file_meta *meta;
    struct qn_pq_node *nodes;
    uint32_t *leaves;
    uint32_t n_nodes, n_leaves;
    const char *why;
};

static uint32_t add_node(struct builder *b, uint32_t parent, unsigned depth);

static void add_children(struct builder *b, uint32_t at, int32_t n, unsigned depth)
{
    uint32_t last = 0;
    for (int32_t i = 0; i < n && !b->why; i++) {
        uint32_t child = add_node(b, at, depth);
        if (last)
            b->nodes[last].sibling = child;
        else
            b->nodes[at].first_child = child;
        last = child;
    }
}

static void complain(struct builder *b, const char *why)
{
    if (!b->why)
        b->why = why;
}

static uint32_t add_node(struct builder *b, uint32_t parent, unsigned depth)
{
    if (b->n_nodes == b->meta->n_schema || depth > QN_PQ_MAX_DEPTH) {
        complain(b, depth > QN_PQ_MAX_DEPTH ? "it is nested more than 24 deep"
                                            : "it has fewer columns than it says");
        return 0;
    }
    uint32_t at = b->n_nodes++;
    struct qn_pq_node *node = &b->nodes[at];
    const struct qn_pq_element *element = node->element = &b->meta->schema[at];
    node->name = element->name;
    node->parent = parent;
    node->depth = (uint8_t)depth;
    node->first_leaf = b->n_leaves;
    if (at > 0) {
        const struct qn_pq_node *above = &b->nodes[parent];
        node->definition = (uint8_t)(above->definition + (element->repetition != QN_PQ_REQUIRED));
        node->repetition = (uint8_t)(above->repetition + (element->repetition == QN_PQ_REPEATED));
        if (element->repetition == QN_PQ_NONE)
            complain(b, "a column does not say whether it may be missing");
    }
    bool leaf = element->type != QN_PQ_NONE;
    if (at > 0 && leaf) {
        if (element->n_children)
            complain(b, "a column has a type and children");
        if (element->type == QN_PQ_FIXED &&
            (element->type_length <= 0 || element->type_length > MAX_BYTES_OF_FIXED))
            complain(b, "a column of fixed length has no length, or one past 1 MiB");
        mean(node);
        b->leaves[b->n_leaves++] = at;
    } else {
        add_children(b, at, element->n_children, depth + 1);
    }
    node->n_leaves = b->n_leaves - node->first_leaf;
    return at;
}

qn_code qn_pq_tree_build(const struct qn_pq_file_meta *meta, struct qn_arena *arena,
                         struct qn_pq_tree *out, struct qn_err *err)
{
    struct builder b = {.meta = meta,
                        .nodes = QN_NEW_ARRAY(arena, struct qn_pq_node, meta->n_schema + 1U),
                        .leaves = QN_NEW_ARRAY(arena, uint32_t, meta->n_schema + 1U)};
    if (!b.nodes || !b.leaves)
        return qn_err_nomem(err, "Parquet schema");
    if (meta->schema[0].type != QN_PQ_NONE)
        complain(&b, "its root is no group");
    else
        add_node(&b, 0, 0);
    if (b.n_nodes != meta->n_schema)
        complain(&b, "it has more columns than it says");
    if (b.why)
        return qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT, "the Parquet schema cannot be read: %s",
                          b.why);
    *out = (struct qn_pq_tree){b.nodes, b.n_nodes, b.leaves, b.n_leaves};
    return QN_OK;
}
