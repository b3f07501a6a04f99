#include "sources/jsonl_record.h"

#include "base/json.h"
#include "base/limits.h"

qn_code qn_jsonl_parser_init(struct qn_jsonl_parser *p, const struct qn_jsonl_dialect *dialect,
                             const bool *wanted, struct qn_arena *arena, struct qn_err *err)
{
    *p = (struct qn_jsonl_parser){.dialect = dialect};
    qn_buf_init(&p->made);
    qn_buf_init(&p->key);
    for (uint32_t i = 0; i < dialect->n_columns; i++)
        p->n_cells += !wanted || wanted[i];
    p->max_places = dialect->n_columns;
    p->cells = QN_NEW_ARRAY(arena, struct qn_jsonl_cell, p->n_cells + 1U);
    p->parent = QN_NEW_ARRAY(arena, struct qn_jsonl_cell, p->n_cells + 1U);
    p->places = QN_NEW_ARRAY(arena, struct qn_jsonl_place_of, p->max_places);
    if (!p->cells || !p->parent || !p->places)
        return qn_err_nomem(err, "jsonl columns");
    return qn_jsonl_dialect_tree(dialect, wanted, arena, &p->tree, p->slots, err);
}

void qn_jsonl_parser_fini(struct qn_jsonl_parser *p)
{
    qn_buf_fini(&p->made);
    qn_buf_fini(&p->key);
}

void qn_jsonl_parser_over(struct qn_jsonl_parser *p, const char *bytes)
{
    p->bytes = bytes;
    qn_buf_clear(&p->made);
}

static size_t fail(struct qn_jsonl_parser *p, enum qn_json_fault fault, size_t at,
                   const struct qn_jsonl_node *node)
{
    p->spot = (struct qn_json_spot){fault, at};
    p->node = node;
    return 0;
}

/* --- values ---------------------------------------------------------------------------------- */

static inline void set(struct qn_jsonl_parser *p, const struct qn_jsonl_node *node,
                       struct qn_jsonl_cell cell)
{
    if (node->slot >= 0)
        p->cells[node->slot] = cell;
}

static void note_place(struct qn_jsonl_parser *p, size_t from, size_t to, int32_t slot)
{
    if (p->n_places < p->max_places)
        p->places[p->n_places++] = (struct qn_jsonl_place_of){(uint32_t)from, (uint32_t)to, slot};
    else
        p->regular = false;
}

/* A value that a column takes whole. Returns the place behind it, or 0. */
static size_t read_leaf(struct qn_jsonl_parser *p, const struct qn_jsonl_node *node, size_t at,
                        size_t end)
{
    bool escaped;
    enum qn_jsonl_kind kind = QN_JSONL_NUMBER;
    size_t behind, from = at;
    char c = p->bytes[at];
    if (c == '"') {
        behind = qn_json_string(p->bytes, at, end, &escaped, &p->spot);
        kind = escaped ? QN_JSONL_ESCAPED : QN_JSONL_STRING;
        from++;
    } else if (c == '{' || c == '[') {
        behind = qn_json_skip(p->bytes, at, end, node->depth, &p->spot);
        kind = QN_JSONL_NESTED;
        p->regular = false;
    } else {
        behind = qn_json_scalar(p->bytes, at, end, &p->spot);
        kind = c == 't' ? QN_JSONL_TRUE : c == 'f' ? QN_JSONL_FALSE : kind;
        kind = c == 'n' ? QN_JSONL_NOTHING : kind;
    }
    if (!behind)
        return 0;
    if (behind - at > QN_MAX_FIELD_BYTES)
        return fail(p, QN_JSON_LONG_FIELD, at, node);
    note_place(p, at, behind, node->slot);
    set(p, node,
        qn_jsonl_cell(kind, from, kind == QN_JSONL_NOTHING ? 0 : behind - at - 2U * (c == '"')));
    return behind;
}

static size_t read_object(struct qn_jsonl_parser *p, const struct qn_jsonl_node *node, size_t at,
                          size_t end);

static void clear_below(struct qn_jsonl_parser *p, const struct qn_jsonl_node *node)
{
    set(p, node, qn_jsonl_cell(QN_JSONL_NOTHING, 0, 0));
    for (uint32_t i = 0; i < node->n; i++)
        clear_below(p, node->children[i]);
}

static size_t read_list(struct qn_jsonl_parser *p, const struct qn_jsonl_node *node, size_t at,
                        size_t end)
{
    size_t behind = qn_json_skip(p->bytes, at, end, node->depth, &p->spot);
    p->regular = false;
    if (!behind)
        return 0;
    p->list_at = p->list_end = 0;
    if (p->bytes[at] == 'n')
        return behind;
    if (p->bytes[at] != '[')
        return fail(p, QN_JSON_TYPE, at, node);
    p->list_end = behind - 1;
    p->list_at = qn_json_blanks(p->bytes, at + 1, p->list_end);
    return behind;
}

/* The value at `at`, of a path that the schema knows. */
static size_t read_value(struct qn_jsonl_parser *p, const struct qn_jsonl_node *node, size_t at,
                         size_t end, bool element)
{
    if (at >= end) {
        p->spot = (struct qn_json_spot){QN_JSON_VALUE, end};
        return 0;
    }
    if (node->is_records && !element)
        return read_list(p, node, at, end);
    if (node->n == 0)
        return read_leaf(p, node, at, end);
    if (p->bytes[at] == '{')
        return read_object(p, node, at, end);
    size_t behind = qn_json_skip(p->bytes, at, end, node->depth, &p->spot);
    if (!behind)
        return 0;
    if (p->bytes[at] != 'n')
        return fail(p, node->parent || element ? QN_JSON_TYPE : QN_JSON_SHAPE, at, node);
    p->regular = false;
    clear_below(p, node);
    return behind;
}

/* --- keys ------------------------------------------------------------------------------------ */

/* A key and a value that are no column's: refused, or kept as they stand. */
static size_t read_unknown(struct qn_jsonl_parser *p, const struct qn_jsonl_node *node,
                           struct qn_strv key, size_t key_at, size_t at, size_t end)
{
    size_t behind = qn_json_skip(p->bytes, at, end, node->depth, &p->spot);
    p->regular = false;
    if (!behind)
        return 0;
    if (qn_jsonl_dialect_role(p->dialect, QN_JSONL_EXTRA) < 0)
        return fail(p, QN_JSON_UNKNOWN, key_at, node);
    if (p->slots[QN_JSONL_EXTRA] < 0)
        return behind;
    struct qn_buf name;
    qn_buf_init(&name);
    qn_jsonl_node_put_path(node, &name);
    if (node->parent)
        qn_buf_put_u8(&name, '.');
    qn_buf_put(&name, key.data, key.len);
    struct qn_jsonl_cell *cell = &p->cells[p->slots[QN_JSONL_EXTRA]];
    uint32_t from = cell->is ? cell->at : (uint32_t)p->made.len;
    qn_buf_put_u8(&p->made, cell->is ? ',' : '{');
    qn_json_put_text(&p->made, qn_buf_strv(&name));
    qn_buf_put_u8(&p->made, ':');
    qn_buf_put(&p->made, p->bytes + at, behind - at);
    *cell = qn_jsonl_cell(QN_JSONL_MADE, from, p->made.len - from);
    qn_buf_fini(&name);
    return behind;
}

/* The child that the key names; `hint` is where it was expected, among the children. */
static const struct qn_jsonl_node *find_child(struct qn_jsonl_parser *p,
                                              const struct qn_jsonl_node *node, struct qn_strv *key,
                                              bool escaped, uint32_t *hint)
{
    if (escaped) {
        qn_buf_clear(&p->key);
        uint8_t *room = qn_buf_reserve(&p->key, key->len);
        if (!room)
            return NULL;
        *key = (struct qn_strv){(char *)room, qn_json_unescape(*key, (char *)room)};
        p->regular = false;
    }
    const struct qn_jsonl_node *child =
        *hint < node->n && qn_jsonl_node_is(node->children[*hint], *key)
            ? node->children[*hint]
            : qn_jsonl_node_find(node, *key);
    *hint = child ? child->index + 1 : *hint;
    return child;
}

static size_t read_object(struct qn_jsonl_parser *p, const struct qn_jsonl_node *node, size_t at,
                          size_t end)
{
    const char *bytes = p->bytes;
    uint32_t hint = 0;
    bool escaped;
    at = qn_json_blanks(bytes, at + 1, end);
    if (at < end && bytes[at] == '}') {
        p->regular = false;
        return at + 1;
    }
    for (;;) {
        if (at >= end || bytes[at] != '"')
            return fail(p, at < end && bytes[at] == '}' ? QN_JSON_COMMA : QN_JSON_KEY, at, node);
        size_t key_at = at;
        at = qn_json_string(bytes, at, end, &escaped, &p->spot);
        if (!at)
            return 0;
        struct qn_strv key = {bytes + key_at + 1, at - key_at - 2};
        at = qn_json_blanks(bytes, at, end);
        if (at >= end || bytes[at] != ':')
            return fail(p, QN_JSON_COLON, at, node);
        at = qn_json_blanks(bytes, at + 1, end);
        const struct qn_jsonl_node *child = find_child(p, node, &key, escaped, &hint);
        at = child ? read_value(p, child, at, end, false)
                   : read_unknown(p, node, key, key_at, at, end);
        if (!at)
            return 0;
        at = qn_json_blanks(bytes, at, end);
        if (at < end && bytes[at] == '}')
            return at + 1;
        if (at >= end || bytes[at] != ',')
            return fail(p, QN_JSON_NEXT, at, node);
        at = qn_json_blanks(bytes, at + 1, end);
    }
}

/* --- records --------------------------------------------------------------------------------- */

/* Bytes that are no text explain what else is wrong. */
static bool check_text(struct qn_jsonl_parser *p, size_t at, size_t end)
{
    struct qn_strv all = {p->bytes + at, end - at};
    size_t good = qn_utf8_prefix(all);
    if (good < all.len)
        (void)fail(p, QN_JSON_NOT_UTF8, at + good, NULL);
    else if (all.len > QN_MAX_RECORD_BYTES)
        (void)fail(p, QN_JSON_LONG_RECORD, at, NULL);
    else
        return true;
    return false;
}

static void close_extra(struct qn_jsonl_parser *p)
{
    int32_t slot = p->slots[QN_JSONL_EXTRA];
    if (slot < 0 || !p->cells[slot].is)
        return;
    qn_buf_put_u8(&p->made, '}');
    p->cells[slot].is++;
}

bool qn_jsonl_parser_record(struct qn_jsonl_parser *p, size_t at, size_t end)
{
    memset(p->cells, 0, p->n_cells * sizeof *p->cells);
    p->n_places = 0;
    p->list_at = p->list_end = 0;
    p->regular = p->dialect->records.n == 0;
    p->node = NULL;
    if (!check_text(p, at, end))
        return false;
    size_t first = qn_json_blanks(p->bytes, at, end);
    size_t behind = read_value(p, p->tree.root, first, end, false);
    if (!behind)
        return false;
    behind = qn_json_blanks(p->bytes, behind, end);
    if (behind < end)
        return fail(p, QN_JSON_AFTER, behind, NULL) != 0;
    if (p->slots[QN_JSONL_RAW] >= 0)
        p->cells[p->slots[QN_JSONL_RAW]] = qn_jsonl_cell(QN_JSONL_NESTED, at, end - at);
    if (p->dialect->records.n)
        memcpy(p->parent, p->cells, p->n_cells * sizeof *p->cells);
    else
        close_extra(p);
    return true;
}

/* The parent's unknown keys come before the element's own. */
static void begin_extra(struct qn_jsonl_parser *p)
{
    int32_t slot = p->slots[QN_JSONL_EXTRA];
    if (slot < 0 || !p->parent[slot].is)
        return;
    size_t from = p->made.len, len = p->parent[slot].is & QN_JSONL_LENGTH;
    if (qn_buf_reserve(&p->made, len))
        qn_buf_put(&p->made, p->made.data + p->parent[slot].at, len);
    p->cells[slot] = qn_jsonl_cell(QN_JSONL_MADE, from, len);
}

static const struct qn_jsonl_node *records_node(const struct qn_jsonl_parser *p)
{
    const struct qn_jsonl_node *node = p->tree.root;
    for (uint32_t i = 0; i < p->dialect->records.n; i++)
        node = qn_jsonl_node_find(node, p->dialect->records.keys[i]);
    return node;
}

bool qn_jsonl_parser_element(struct qn_jsonl_parser *p, uint32_t ordinal, size_t *at, size_t *end)
{
    struct qn_json_spot spot;
    memcpy(p->cells, p->parent, p->n_cells * sizeof *p->cells);
    begin_extra(p);
    *at = p->list_at;
    *end = qn_json_skip(p->bytes, p->list_at, p->list_end, 0, &spot);
    p->list_at = qn_json_blanks(p->bytes, *end, p->list_end);
    if (p->list_at < p->list_end)
        p->list_at = qn_json_blanks(p->bytes, p->list_at + 1, p->list_end); /* the comma */
    if (!read_value(p, records_node(p), *at, *end, true))
        return false;
    if (p->slots[QN_JSONL_ORDINAL] >= 0)
        p->cells[p->slots[QN_JSONL_ORDINAL]] = qn_jsonl_cell(QN_JSONL_COUNT, ordinal, 1);
    close_extra(p);
    return true;
}
