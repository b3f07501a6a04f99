#include "sources/jsonl_infer.h"

#include "base/limits.h"

enum {
    FIRST_ROOM = 64,
    MAX_NODES = 20 * QN_MAX_COLUMNS, /* keys that are data would make no end of them */
    MAX_KEYS = 200                   /* an object with more of them is a map, kept as JSON text */
};

qn_code qn_jsonl_sample_init(struct qn_jsonl_sample *sample,
                             const struct qn_source_options *options, struct qn_arena *arena,
                             struct qn_err *err)
{
    *sample = (struct qn_jsonl_sample){.options = options, .room = FIRST_ROOM};
    sample->evidence = QN_NEW_ARRAY(arena, struct qn_jsonl_evidence, FIRST_ROOM);
    if (!sample->evidence)
        return qn_err_nomem(err, "type inference");
    return qn_jsonl_tree_init(&sample->tree, arena, err);
}

static struct qn_jsonl_evidence *evidence_of(struct qn_jsonl_sample *s,
                                             const struct qn_jsonl_node *node)
{
    if (node->id < s->room)
        return &s->evidence[node->id];
    uint32_t room = s->room * 2;
    while (room <= node->id)
        room *= 2;
    struct qn_jsonl_evidence *grown = QN_NEW_ARRAY(s->tree.arena, struct qn_jsonl_evidence, room);
    if (!grown) {
        s->failed = true;
        return &s->evidence[0];
    }
    memcpy(grown, s->evidence, s->room * sizeof *grown);
    s->evidence = grown;
    s->room = room;
    return &s->evidence[node->id];
}

/* --- one record ------------------------------------------------------------------------------ */

static void add_single(struct qn_jsonl_sample *s, const struct qn_jsonl_node *node, size_t from,
                       size_t to)
{
    char plain[QN_TEXT_LONGEST_TYPED];
    struct qn_jsonl_evidence *e = evidence_of(s, node);
    char c = s->bytes[from];
    struct qn_strv text = {s->bytes + from, to - from};
    if (c == 'n')
        return;
    if (c == '"') {
        text = (struct qn_strv){text.data + 1, text.len - 2};
        if (text.len <= sizeof plain && memchr(text.data, '\\', text.len))
            text = (struct qn_strv){plain, qn_json_unescape(text, plain)};
        for (uint32_t i = 0; i < s->options->n_null_values; i++)
            if (qn_strv_is(text, s->options->null_values[i]))
                return;
    }
    *(c == '"' ? &e->strings : c == 't' || c == 'f' ? &e->words : &e->numbers) = true;
    qn_text_evidence_add(&e->texts, text);
}

static size_t add_value(struct qn_jsonl_sample *s, struct qn_jsonl_node *node, size_t at,
                        size_t end, bool element);

/* The text is well-formed: nothing can go wrong but memory. */
static size_t add_object(struct qn_jsonl_sample *s, struct qn_jsonl_node *node, size_t at,
                         size_t end)
{
    struct qn_json_spot spot;
    bool escaped;
    at = qn_json_blanks(s->bytes, at + 1, end);
    *(s->bytes[at] == '}' ? &evidence_of(s, node)->empty_objects : &evidence_of(s, node)->objects) =
        true;
    while (s->bytes[at] != '}') {
        size_t behind = qn_json_string(s->bytes, at, end, &escaped, &spot);
        struct qn_strv key = {s->bytes + at + 1, behind - at - 2};
        if (escaped) {
            char *room = qn_arena_alloc(s->tree.arena, key.len + 1);
            s->failed = s->failed || !room;
            if (room)
                key = (struct qn_strv){room, qn_json_unescape(key, room)};
        }
        at = qn_json_blanks(s->bytes, behind, end);
        at = qn_json_blanks(s->bytes, at + 1, end);
        struct qn_jsonl_node *child = s->tree.n < MAX_NODES ? qn_jsonl_node_add(&s->tree, node, key)
                                                            : qn_jsonl_node_find(node, key);
        at =
            child ? add_value(s, child, at, end, false) : qn_json_skip(s->bytes, at, end, 0, &spot);
        at = qn_json_blanks(s->bytes, at, end);
        if (s->bytes[at] == ',')
            at = qn_json_blanks(s->bytes, at + 1, end);
    }
    return at + 1;
}

static size_t add_elements(struct qn_jsonl_sample *s, struct qn_jsonl_node *node, size_t at,
                           size_t end)
{
    for (at = qn_json_blanks(s->bytes, at + 1, end); s->bytes[at] != ']';) {
        at = qn_json_blanks(s->bytes, add_value(s, node, at, end, true), end);
        if (s->bytes[at] == ',')
            at = qn_json_blanks(s->bytes, at + 1, end);
    }
    return at + 1;
}

static size_t add_value(struct qn_jsonl_sample *s, struct qn_jsonl_node *node, size_t at,
                        size_t end, bool element)
{
    struct qn_json_spot spot;
    char c = s->bytes[at];
    if (c == '{' && node->depth < QN_JSONL_MAX_PATH && node->n <= MAX_KEYS)
        return add_object(s, node, at, end);
    if (c == '[' && node->is_records && !element)
        return add_elements(s, node, at, end);
    size_t behind = qn_json_skip(s->bytes, at, end, 0, &spot);
    if (c == '[' || (c == '{' && node->depth == QN_JSONL_MAX_PATH))
        evidence_of(s, node)->arrays = true;
    else if (c != '{' && !(node->is_records && !element))
        add_single(s, node, at, behind);
    return behind;
}

bool qn_jsonl_sample_add(struct qn_jsonl_sample *s, const char *bytes, size_t at, size_t end,
                         struct qn_json_spot *spot)
{
    struct qn_strv all = {bytes + at, end - at};
    size_t good = qn_utf8_prefix(all);
    if (good < all.len) {
        *spot = (struct qn_json_spot){QN_JSON_NOT_UTF8, at + good};
        return false;
    }
    at = qn_json_blanks(bytes, at, end);
    size_t behind = qn_json_skip(bytes, at, end, 0, spot);
    if (behind && qn_json_blanks(bytes, behind, end) < end) {
        *spot = (struct qn_json_spot){QN_JSON_AFTER, qn_json_blanks(bytes, behind, end)};
        behind = 0;
    }
    if (!behind)
        return false;
    s->bytes = bytes;
    s->records++;
    (void)add_value(s, s->tree.root, at, end, false);
    return true;
}

/* --- what it says ---------------------------------------------------------------------------- */

bool qn_jsonl_sample_is_leaf(const struct qn_jsonl_sample *s, const struct qn_jsonl_node *node)
{
    const struct qn_jsonl_evidence *e = &s->evidence[node->id];
    if (!e->objects || node->n > MAX_KEYS)
        return true;
    return node->parent && (e->strings || e->numbers || e->words || e->arrays);
}

struct qn_type qn_jsonl_sample_type(const struct qn_jsonl_sample *s,
                                    const struct qn_jsonl_node *node)
{
    const struct qn_jsonl_evidence *e = &s->evidence[node->id];
    struct qn_type text = {.id = QN_TEXT}, type = qn_text_evidence_type(&e->texts);
    if (e->arrays || e->objects || e->empty_objects || e->strings + e->numbers + e->words > 1)
        return text;
    if (e->strings) /* quotes say that it is no number */
        return type.id == QN_DATE || type.id == QN_TIMESTAMP ? type : text;
    if (type.id == QN_DECIMAL)
        return (struct qn_type){.id = QN_DOUBLE};
    return type;
}
