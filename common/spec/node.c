#include "spec/node.h"

#include <math.h>

#include "base/utf8.h"
#include "flow/value.h"

const struct qn_pair *qn_node_pair(const struct qn_node *node, const char *key)
{
    if (!node || node->kind != QN_NODE_MAP)
        return NULL;
    for (uint32_t i = 0; i < node->n; i++)
        if (qn_strv_is(node->pairs[i].key, key))
            return &node->pairs[i];
    return NULL;
}

const struct qn_node *qn_node_get(const struct qn_node *node, const char *key)
{
    const struct qn_pair *pair = qn_node_pair(node, key);
    return pair ? &pair->value : NULL;
}

const struct qn_node *qn_node_items(const struct qn_node *node, uint32_t *n)
{
    if (!node || node->kind == QN_NODE_NULL) {
        *n = 0;
        return NULL;
    }
    *n = node->kind == QN_NODE_LIST ? node->n : 1;
    return node->kind == QN_NODE_LIST ? node->items : node;
}

const char *qn_node_what(const struct qn_node *node)
{
    switch (node ? node->kind : QN_NODE_NULL) {
    case QN_NODE_SCALAR: return "a text";
    case QN_NODE_LIST: return "a list";
    case QN_NODE_MAP: return "a mapping";
    case QN_NODE_NULL: break;
    }
    return "nothing";
}

static bool is_plain(const struct qn_node *node)
{
    return node && node->kind == QN_NODE_SCALAR && !node->quoted;
}

bool qn_node_is_i64(const struct qn_node *node, int64_t *out)
{
    return is_plain(node) && qn_strv_to_i64(node->text, out);
}

bool qn_node_is_f64(const struct qn_node *node, double *out)
{
    return is_plain(node) && qn_parse_double(node->text, out) && isfinite(*out);
}

bool qn_node_is_bool(const struct qn_node *node, bool *out)
{
    if (!is_plain(node))
        return false;
    *out = qn_strv_eq_nocase(node->text, QN_STRV_LIT("true"));
    return *out || qn_strv_eq_nocase(node->text, QN_STRV_LIT("false"));
}

bool qn_node_is_bytes(const struct qn_node *node, uint64_t *out)
{
    return node && node->kind == QN_NODE_SCALAR && qn_parse_bytes(node->text, out);
}

const char *qn_node_text(const struct qn_node *node, const char *missing)
{
    return node && node->kind == QN_NODE_SCALAR && node->text.data ? node->text.data : missing;
}

int64_t qn_node_i64(const struct qn_node *node, int64_t missing)
{
    int64_t value;
    return qn_node_is_i64(node, &value) ? value : missing;
}

double qn_node_f64(const struct qn_node *node, double missing)
{
    double value;
    return qn_node_is_f64(node, &value) ? value : missing;
}

bool qn_node_bool(const struct qn_node *node, bool missing)
{
    bool value;
    return qn_node_is_bool(node, &value) ? value : missing;
}

uint64_t qn_node_bytes(const struct qn_node *node, uint64_t missing)
{
    uint64_t value;
    return qn_node_is_bytes(node, &value) ? value : missing;
}

/* Walks a scalar's source beside its text. */
struct walk {
    struct qn_strv source;
    size_t at;             /* byte of source */
    uint32_t line, column; /* of that byte */
    char quote;            /* ' or ", or 0 */
};

static void walk_step(struct walk *walk)
{
    if (walk->source.data[walk->at] == '\n') {
        walk->line++;
        walk->column = 1;
        walk->at++;
        return;
    }
    walk->column += walk->source.data[walk->at] != '\r';
    qn_utf8_next(walk->source, &walk->at);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Moves to the source of the text's next character `c` (a blank may stand for a folded line end,
 * indentation is passed over). False where an escape makes that a guess. */
static bool walk_to(struct walk *walk, char c)
{
    if (walk->quote == '"' && walk->at < walk->source.len && walk->source.data[walk->at] == '\\') {
        char escaped = walk->at + 1 < walk->source.len ? walk->source.data[walk->at + 1] : '\0';
        if (escaped != c || (c != '"' && c != '\\' && c != '/'))
            return false;
        walk_step(walk);
        return true;
    }
    if (walk->at < walk->source.len && c == ' ' && is_space(walk->source.data[walk->at]))
        return true;
    while (walk->at < walk->source.len && walk->source.data[walk->at] != c) {
        bool doubled = walk->quote == '\'' && walk->at > 0 && walk->source.data[walk->at] == '\'';
        if (!doubled && !is_space(walk->source.data[walk->at]))
            return false;
        walk_step(walk);
    }
    return walk->at < walk->source.len;
}

/* Past the quote, or past the header line of a block. */
static struct walk walk_start(const struct qn_node *node)
{
    struct walk walk = {node->source, 0, node->span.line, node->span.column, '\0'};
    if (!node->quoted || node->source.len == 0)
        return walk;
    char first = node->source.data[0];
    if (first == '"' || first == '\'') {
        walk.quote = first;
        walk_step(&walk);
        return walk;
    }
    while (walk.at < walk.source.len && walk.source.data[walk.at] != '\n')
        walk_step(&walk);
    return walk;
}

struct qn_span qn_node_span_at(const struct qn_node *node, size_t offset, size_t width)
{
    if (node->kind != QN_NODE_SCALAR || node->expanded || offset > node->text.len)
        return node->span;
    struct walk walk = walk_start(node);
    for (size_t i = 0; i < offset; i++) {
        if (((unsigned char)node->text.data[i] & 0xC0) == 0x80)
            continue; /* a whole code point was passed with its first byte */
        if (!walk_to(&walk, node->text.data[i]))
            return node->span;
        walk_step(&walk);
    }
    if (offset < node->text.len && !walk_to(&walk, node->text.data[offset]))
        return node->span;
    size_t end = offset + width < node->text.len ? offset + width : node->text.len;
    struct qn_strv marked = {node->text.data + offset, 0};
    while (offset + marked.len < end && marked.data[marked.len] != '\n')
        marked.len++;
    size_t points = marked.len ? qn_utf8_count(marked) : 0;
    return (struct qn_span){walk.line, walk.column, points ? (uint32_t)points : 1};
}
