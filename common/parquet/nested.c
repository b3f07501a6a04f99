#include "parquet/nested.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/limits.h"
#include "parquet/text.h"

enum {
    BLOCK = 128, /* levels and values looked at ahead */
    MAX_TEXT_BYTES = 4 << 20,
};

/* A leaf's levels and values, one after the other. */
struct leaf_stream {
    const struct qn_pq_node *leaf;
    struct qn_pq_pages pages;
    struct qn_pq_page page;
    struct qn_pq_values values;
    uint32_t page_left;
    uint32_t n, at; /* levels of the block, the next of them */
    uint32_t repetition[BLOCK], definition[BLOCK];
    uint32_t n_values, value; /* values of the block, the next of them */
    union {
        int64_t i64[BLOCK];
        double f64[BLOCK];
        struct qn_strv bytes[BLOCK];
    } raw;
    /* The dictionary's values, as they come out of pages. */
    void *entries;
    uint32_t n_entries;
    uint32_t indexes[BLOCK];
    struct qn_arena arena;
};

struct qn_pq_nested {
    const struct qn_pq_file *file;
    const struct qn_pq_node *node;
    struct leaf_stream *streams; /* of the leaves below the node */
    uint32_t capacity, n;
    uint64_t *validity;
    uint32_t *offsets;
    struct qn_buf text;
    struct qn_arena arena;
};

/* --- a leaf ---------------------------------------------------------------------------------- */

static qn_code complain(const struct leaf_stream *s, struct qn_err *err, const char *why)
{
    return qn_pq_pages_complain(&s->pages, err, why);
}

static size_t raw_bytes(const struct leaf_stream *s)
{
    return qn_pq_form_of(s->leaf) == QN_PQ_FORM_BYTES ? sizeof(struct qn_strv) : 8;
}

static const char too_long[] = "a list has more than 16 MiB of text";

static bool take_raw(struct leaf_stream *s, uint32_t n, void *out)
{
    switch (qn_pq_form_of(s->leaf)) {
    case QN_PQ_FORM_I64: return qn_pq_values_i64(&s->values, n, out);
    case QN_PQ_FORM_F64: return qn_pq_values_f64(&s->values, n, out);
    case QN_PQ_FORM_BYTES: break;
    }
    if (n && qn_pq_values_bytes(&s->values, n, SIZE_MAX / 2, out) != n)
        return false;
    const struct qn_strv *texts = out;
    for (uint32_t i = 0; i < n; i++)
        if (texts[i].len > QN_MAX_FIELD_BYTES) {
            s->values.why = too_long;
            return false;
        }
    return true;
}

static qn_code read_dictionary(struct leaf_stream *s, struct qn_err *err)
{
    uint32_t n = (uint32_t)s->page.header.n_values;
    qn_arena_clear(&s->arena);
    s->n_entries = n;
    s->page.header.encoding = QN_PQ_PLAIN;
    if (n > qn_pq_values_most(s->leaf, s->page.values.len) ||
        !qn_pq_values_open(&s->values, &s->page, s->leaf))
        return complain(s, err, "its dictionary cannot be read");
    s->entries = qn_arena_alloc(&s->arena, (n + 1U) * raw_bytes(s));
    if (!s->entries)
        return qn_err_nomem(err, "Parquet dictionary");
    return take_raw(s, n, s->entries) ? QN_OK : complain(s, err, s->values.why);
}

static qn_code next_page(struct leaf_stream *s, bool *found, struct qn_err *err)
{
    while (s->page_left == 0) {
        QN_TRY(qn_pq_pages_next(&s->pages, &s->page, found, err));
        if (!*found)
            return QN_OK;
        QN_TRY(qn_pq_pages_take(&s->pages, &s->page, err));
        if (s->page.header.type == QN_PQ_DICTIONARY_PAGE) {
            QN_TRY(read_dictionary(s, err));
            continue;
        }
        if (!qn_pq_values_open(&s->values, &s->page, s->leaf))
            return complain(s, err, s->values.why);
        s->page_left = (uint32_t)s->page.header.n_values;
    }
    *found = true;
    return QN_OK;
}

static bool take_levels(struct qn_pq_rle *rle, uint8_t max, uint32_t n, uint32_t *out)
{
    if (max == 0)
        memset(out, 0, n * sizeof *out);
    else if (!qn_pq_rle_take(rle, n, out))
        return false;
    for (uint32_t i = 0; i < n; i++)
        if (out[i] > max)
            return false;
    return true;
}

static qn_code take_coded(struct leaf_stream *s, uint32_t n, struct qn_err *err)
{
    if (!qn_pq_rle_take(&s->values.rle, n, s->indexes))
        return complain(s, err, "a page has fewer values than it says, or damaged ones");
    for (uint32_t i = 0; i < n; i++) {
        if (s->indexes[i] >= s->n_entries)
            return complain(s, err, "a page names values that its dictionary does not have");
        memcpy((char *)&s->raw + i * raw_bytes(s),
               (char *)s->entries + s->indexes[i] * raw_bytes(s), raw_bytes(s));
    }
    return QN_OK;
}

/* The next block of levels and values, never of two pages. n 0: the group's end. */
static qn_code refill(struct leaf_stream *s, struct qn_err *err)
{
    bool found = true;
    s->n = s->at = s->n_values = s->value = 0;
    QN_TRY(next_page(s, &found, err));
    if (!found)
        return QN_OK;
    uint32_t n = s->page_left < BLOCK ? s->page_left : BLOCK, n_values = 0;
    if (!take_levels(&s->page.repetition, s->leaf->repetition, n, s->repetition) ||
        !take_levels(&s->page.definition, s->leaf->definition, n, s->definition))
        return complain(s, err, "the levels of a page are damaged, or fewer than it says");
    for (uint32_t i = 0; i < n; i++)
        n_values += s->definition[i] == s->leaf->definition;
    if (qn_pq_values_coded(&s->values))
        QN_TRY(take_coded(s, n_values, err));
    else if (!take_raw(s, n_values, &s->raw))
        return complain(s, err, s->values.why);
    s->n = n;
    s->n_values = n_values;
    s->page_left -= n;
    return QN_OK;
}

/* Levels of the next place, which stays the next; repetition 0 after the last. */
static qn_code peek(struct leaf_stream *s, uint32_t *repetition, uint32_t *definition, bool *ended,
                    struct qn_err *err)
{
    if (s->at == s->n)
        QN_TRY(refill(s, err));
    *ended = s->n == 0;
    *repetition = *ended ? 0 : s->repetition[s->at];
    *definition = *ended ? 0 : s->definition[s->at];
    return QN_OK;
}

static union qn_pq_raw value_at(const struct leaf_stream *s, uint32_t i)
{
    union qn_pq_raw raw;
    switch (qn_pq_form_of(s->leaf)) {
    case QN_PQ_FORM_I64: raw.i64 = s->raw.i64[i]; break;
    case QN_PQ_FORM_F64: raw.f64 = s->raw.f64[i]; break;
    case QN_PQ_FORM_BYTES: raw.bytes = s->raw.bytes[i]; break;
    }
    return raw;
}

/* --- a row ----------------------------------------------------------------------------------- */

static bool is_bare(const struct qn_pq_node *leaf, union qn_pq_raw raw)
{
    switch ((enum qn_pq_kind)leaf->kind) {
    case QN_PQ_KIND_BOOL:
    case QN_PQ_KIND_INT:
    case QN_PQ_KIND_UINT:
    case QN_PQ_KIND_DECIMAL: return true;
    case QN_PQ_KIND_FLOAT:
    case QN_PQ_KIND_DOUBLE: return __builtin_isfinite(raw.f64);
    case QN_PQ_KIND_FLOAT16: return __builtin_isfinite(qn_pq_float16(raw.bytes));
    default: return false;
    }
}

static void put_value(struct qn_buf *out, const struct qn_pq_node *leaf, union qn_pq_raw raw,
                      bool quoted)
{
    if (!quoted && is_bare(leaf, raw)) {
        (void)qn_pq_text_put(out, leaf, raw);
        return;
    }
    struct qn_buf text;
    qn_buf_init(&text);
    (void)qn_pq_text_put(&text, leaf, raw);
    qn_json_put_text(out, qn_buf_strv(&text));
    out->failed |= text.failed;
    qn_buf_fini(&text);
}

static const struct qn_pq_node *node_at(const struct qn_pq_nested *d, uint32_t at)
{
    return &d->file->tree.nodes[at];
}

static struct leaf_stream *stream_of(struct qn_pq_nested *d, const struct qn_pq_node *node)
{
    return &d->streams[node->first_leaf - d->node->first_leaf];
}

static qn_code put_node(struct qn_pq_nested *d, const struct qn_pq_node *node, bool quoted,
                        struct qn_err *err);

/* Passes the places of all leaves of a node that is not there. */
static qn_code pass_missing(struct qn_pq_nested *d, const struct qn_pq_node *node,
                            struct qn_err *err)
{
    for (uint32_t i = 0; i < node->n_leaves; i++) {
        struct leaf_stream *s = &d->streams[node->first_leaf - d->node->first_leaf + i];
        uint32_t repetition, definition;
        bool ended;
        QN_TRY(peek(s, &repetition, &definition, &ended, err));
        if (ended)
            return complain(s, err, "it has fewer values than its list needs");
        if (definition >= node->definition)
            return complain(s, err, "its levels do not fit those of the other columns of its list");
        s->at++;
    }
    return QN_OK;
}

/* Keys and values that stand in `pair`, as one entry of an object. */
static qn_code put_pair(struct qn_pq_nested *d, const struct qn_pq_node *pair, struct qn_err *err)
{
    const struct qn_pq_node *key = node_at(d, pair->first_child);
    QN_TRY(put_node(d, key, true, err));
    qn_buf_put_u8(&d->text, ':');
    return put_node(d, node_at(d, key->sibling), false, err);
}

static qn_code put_struct(struct qn_pq_nested *d, const struct qn_pq_node *node, struct qn_err *err)
{
    bool first = true;
    qn_buf_put_u8(&d->text, '{');
    for (uint32_t at = node->first_child; at; at = node_at(d, at)->sibling) {
        const struct qn_pq_node *child = node_at(d, at);
        if (child->n_leaves == 0)
            continue;
        if (!first)
            qn_buf_put_u8(&d->text, ',');
        first = false;
        qn_json_put_text(&d->text, child->name);
        qn_buf_put_u8(&d->text, ':');
        QN_TRY(put_node(d, child, false, err));
    }
    qn_buf_put_u8(&d->text, '}');
    return QN_OK;
}

static qn_code put_repeated(struct qn_pq_nested *d, const struct qn_pq_node *node,
                            const struct qn_pq_node *around, struct qn_err *err);

/* One element of a repeated node, without its brackets. The old ways to write lists have no group
 * around the element; the rules of parquet-format's LogicalTypes tell which. */
static qn_code put_element(struct qn_pq_nested *d, const struct qn_pq_node *node,
                           const struct qn_pq_node *around, struct qn_err *err)
{
    if (qn_pq_is_leaf(node)) {
        struct leaf_stream *s = stream_of(d, node);
        s->at++;
        put_value(&d->text, node, value_at(s, s->value++), false);
        return QN_OK;
    }
    const struct qn_pq_node *child = node->first_child ? node_at(d, node->first_child) : NULL;
    bool alone = child && child->sibling == 0;
    bool is_tuple = qn_strv_is(node->name, "array") ||
                    (around->name.len + 6 == node->name.len &&
                     memcmp(node->name.data, around->name.data, around->name.len) == 0 &&
                     memcmp(node->name.data + around->name.len, "_tuple", 6) == 0);
    if (alone && (qn_pq_is_list(node) || qn_pq_is_map(node)) &&
        child->element->repetition == QN_PQ_REPEATED)
        return put_repeated(d, child, node, err); /* the element is a list itself */
    if (around != node && qn_pq_is_list(around) && alone && !is_tuple)
        return put_node(d, child, false, err);
    if (around != node && qn_pq_is_map(around) && alone)
        return put_node(d, child, false, err); /* keys only */
    return put_struct(d, node, err);
}

/* All elements of a repeated node; `around` is the annotated group, or the node itself. */
static qn_code put_repeated(struct qn_pq_nested *d, const struct qn_pq_node *node,
                            const struct qn_pq_node *around, struct qn_err *err)
{
    const struct qn_pq_node *key = node->first_child ? node_at(d, node->first_child) : NULL;
    bool object = around != node && qn_pq_is_map(around) && key && qn_pq_is_leaf(key) &&
                  key->repetition == node->repetition && key->sibling &&
                  node_at(d, key->sibling)->sibling == 0;
    struct leaf_stream *s = stream_of(d, node);
    uint32_t repetition, definition;
    bool ended, first = true;
    qn_buf_put_u8(&d->text, object ? '{' : '[');
    QN_TRY(peek(s, &repetition, &definition, &ended, err));
    if (definition < node->definition || ended) {
        QN_TRY(pass_missing(d, node, err));
    } else {
        do {
            if (!first)
                qn_buf_put_u8(&d->text, ',');
            first = false;
            QN_TRY(object ? put_pair(d, node, err) : put_element(d, node, around, err));
            if (d->text.len - d->offsets[d->n] > QN_MAX_FIELD_BYTES)
                return complain(s, err, too_long);
            QN_TRY(peek(s, &repetition, &definition, &ended, err));
        } while (!ended && repetition == node->repetition);
    }
    qn_buf_put_u8(&d->text, object ? '}' : ']');
    return QN_OK;
}

/* A node in its place, NULL when it is not there. */
static qn_code put_node(struct qn_pq_nested *d, const struct qn_pq_node *node, bool quoted,
                        struct qn_err *err)
{
    if (node->element->repetition == QN_PQ_REPEATED)
        return put_repeated(d, node, node, err);
    struct leaf_stream *s = stream_of(d, node);
    uint32_t repetition, definition;
    bool ended;
    QN_TRY(peek(s, &repetition, &definition, &ended, err));
    if (definition < node->definition || ended) {
        qn_buf_put(&d->text, "null", 4);
        return pass_missing(d, node, err);
    }
    if (qn_pq_is_leaf(node)) {
        s->at++;
        put_value(&d->text, node, value_at(s, s->value++), quoted);
        return QN_OK;
    }
    const struct qn_pq_node *child = node->first_child ? node_at(d, node->first_child) : NULL;
    if ((qn_pq_is_list(node) || qn_pq_is_map(node)) && child && child->sibling == 0 &&
        child->element->repetition == QN_PQ_REPEATED)
        return put_repeated(d, child, node, err);
    return put_struct(d, node, err);
}

/* The next row, with what is NULL at the top as a NULL. */
static qn_code put_row(struct qn_pq_nested *d, struct qn_err *err)
{
    for (uint32_t i = 0; i < d->node->n_leaves; i++) {
        uint32_t repetition, definition;
        bool ended;
        QN_TRY(peek(&d->streams[i], &repetition, &definition, &ended, err));
        if (ended)
            return complain(&d->streams[i], err, "its pages have fewer rows than the row group");
        if (repetition)
            return complain(&d->streams[i], err, "a row begins in the middle of a list");
    }
    const struct leaf_stream *s = &d->streams[0];
    bool there = s->definition[s->at] >= d->node->definition ||
                 d->node->element->repetition == QN_PQ_REPEATED;
    /* A repeated node is only missing when what is around it is. */
    if (d->node->element->repetition == QN_PQ_REPEATED)
        there = s->definition[s->at] + 1U >= d->node->definition;
    size_t before = d->text.len;
    QN_TRY(put_node(d, d->node, false, err));
    if (!there)
        d->text.len = before;
    if (there)
        qn_valid_set(d->validity, d->n);
    else
        qn_valid_clear(d->validity, d->n);
    if (d->text.failed)
        return qn_err_nomem(err, "JSON text");
    d->offsets[++d->n] = (uint32_t)d->text.len;
    return QN_OK;
}

/* --- for the reader -------------------------------------------------------------------------- */

qn_code qn_pq_nested_new(const struct qn_pq_file *file, const struct qn_pq_node *node,
                         uint32_t capacity, struct qn_pq_nested **out, struct qn_err *err)
{
    struct qn_pq_nested *d = *out = calloc(1, sizeof *d);
    if (!d)
        return qn_err_nomem(err, "Parquet column");
    *d = (struct qn_pq_nested){.file = file, .node = node, .capacity = capacity};
    qn_arena_init(&d->arena);
    d->streams = calloc(node->n_leaves + 1U, sizeof *d->streams);
    d->validity = qn_validity_new(&d->arena, capacity, false);
    d->offsets = QN_NEW_ARRAY(&d->arena, uint32_t, capacity + 1U);
    if (!d->streams || !d->validity || !d->offsets)
        return qn_err_nomem(err, "Parquet column");
    for (uint32_t i = 0; i < node->n_leaves; i++) {
        d->streams[i].leaf = &file->tree.nodes[file->tree.leaves[node->first_leaf + i]];
        qn_arena_init(&d->streams[i].arena);
    }
    return QN_OK;
}

void qn_pq_nested_free(struct qn_pq_nested *d)
{
    if (!d)
        return;
    for (uint32_t i = 0; d->streams && i < d->node->n_leaves; i++) {
        qn_pq_pages_fini(&d->streams[i].pages);
        qn_pq_values_fini(&d->streams[i].values);
        qn_arena_fini(&d->streams[i].arena);
    }
    free(d->streams);
    qn_buf_fini(&d->text);
    qn_arena_fini(&d->arena);
    free(d);
}

qn_code qn_pq_nested_open(struct qn_pq_nested *d, const struct qn_pq_row_group *group,
                          struct qn_block_state *blocks, size_t window_bytes, struct qn_err *err)
{
    for (uint32_t i = 0; i < d->node->n_leaves; i++) {
        struct leaf_stream *s = &d->streams[i];
        s->page_left = s->n = s->at = s->n_entries = 0;
        QN_TRY(qn_pq_pages_open(&s->pages, d->file, group, d->node->first_leaf + i, blocks,
                                window_bytes, err));
    }
    return QN_OK;
}

qn_code qn_pq_nested_fill(struct qn_pq_nested *d, uint32_t n, struct qn_err *err)
{
    while (d->n < n && (d->n == 0 || d->text.len < MAX_TEXT_BYTES))
        QN_TRY(put_row(d, err));
    return QN_OK;
}

qn_code qn_pq_nested_skip(struct qn_pq_nested *d, uint64_t n, struct qn_err *err)
{
    for (; n > 0; n--) {
        QN_TRY(put_row(d, err));
        qn_pq_nested_drop(d, d->n);
    }
    return QN_OK;
}

uint32_t qn_pq_nested_rows(const struct qn_pq_nested *d)
{
    return d->n;
}

void qn_pq_nested_view(struct qn_pq_nested *d, struct qn_column *out)
{
    static char none[1];
    *out = (struct qn_column){.type = {.id = QN_TEXT},
                              .validity = d->validity,
                              .bytes = d->text.data ? (char *)d->text.data : none,
                              .offsets = d->offsets};
}

void qn_pq_nested_drop(struct qn_pq_nested *d, uint32_t n)
{
    uint32_t rest = d->n - n, base = d->offsets[n];
    d->text.len -= base;
    if (base)
        memmove(d->text.data, d->text.data + base, d->text.len);
    for (uint32_t i = 0; i < rest; i++)
        if (d->validity[(n + i) >> 6] >> ((n + i) & 63) & 1)
            qn_valid_set(d->validity, i);
        else
            qn_valid_clear(d->validity, i);
    for (uint32_t i = 0; i <= rest; i++)
        d->offsets[i] = d->offsets[n + i] - base;
    d->n = rest;
}
