/* libyaml's events to a tree of qn_node. Events, not documents, because only they can go on past an
 * alias or a tag, and never expand anything. */
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/hash.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "spec/node.h"
#include "spec/syntax.h"

struct reader {
    yaml_parser_t parser;
    struct qn_strv text;
    struct qn_arena *arena;
    struct qn_diags *diags;
    size_t mark_index, mark_byte; /* the last mark, in code points and bytes: marks move on */
    struct qn_pair *stack;        /* children of the collections that are still open */
    size_t n_stack, stack_capacity;
    uint32_t n_nodes;
    bool ended; /* by a syntax error or a limit: what is read so far is the tree */
    bool no_memory;
};

static const struct qn_span no_place = {0, 0, 0};

static uint32_t clamp_u32(size_t n)
{
    return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

/* The byte of a mark. libyaml counts code points; marks mostly grow, so the way is short. */
static size_t byte_of(struct reader *reader, const yaml_mark_t *mark)
{
    while (reader->mark_index < mark->index && reader->mark_byte < reader->text.len) {
        qn_utf8_next(reader->text, &reader->mark_byte);
        reader->mark_index++;
    }
    while (reader->mark_index > mark->index && reader->mark_byte > 0) {
        do
            reader->mark_byte--;
        while (reader->mark_byte > 0 &&
               ((unsigned char)reader->text.data[reader->mark_byte] & 0xC0) == 0x80);
        reader->mark_index--;
    }
    return reader->mark_byte;
}

static struct qn_span span_of_mark(const yaml_mark_t *mark, uint32_t width)
{
    return (struct qn_span){clamp_u32(mark->line + 1), clamp_u32(mark->column + 1), width};
}

static struct qn_strv source_of(struct reader *reader, const yaml_event_t *event)
{
    size_t begin = byte_of(reader, &event->start_mark);
    size_t end = byte_of(reader, &event->end_mark);
    return (struct qn_strv){reader->text.data + begin, end > begin ? end - begin : 0};
}

/* The part of a scalar's source on its first line. */
static struct qn_span span_of_scalar(const yaml_event_t *event, struct qn_strv source)
{
    bool block = event->data.scalar.style == YAML_LITERAL_SCALAR_STYLE ||
                 event->data.scalar.style == YAML_FOLDED_SCALAR_STYLE;
    size_t n = 0;
    while (n < source.len && source.data[n] != '\n' && source.data[n] != '\r')
        n++;
    size_t points = block ? 1 : qn_utf8_count(qn_strv_trim((struct qn_strv){source.data, n}));
    return span_of_mark(&event->start_mark, points ? clamp_u32(points) : 1);
}

/* The next event; false when there is none because of a syntax error. */
static bool next_event(struct reader *reader, yaml_event_t *event)
{
    if (reader->ended || reader->no_memory)
        return false;
    if (yaml_parser_parse(&reader->parser, event))
        return true;
    reader->ended = true;
    if (reader->parser.error == YAML_MEMORY_ERROR)
        reader->no_memory = true;
    else
        qn_syntax_complain(&reader->parser, reader->text, reader->diags);
    return false;
}

/* Ends the reading: libyaml's time grows with the square of the depth. */
static void refuse_depth(struct reader *reader, const yaml_event_t *event)
{
    qn_diags_add(reader->diags, span_of_mark(&event->start_mark, 1), NULL, NULL,
                 "nested more than %d levels deep", QN_MAX_SPEC_DEPTH);
    reader->ended = true;
}

/* Passes over the rest of a collection whose start was just read. */
static void skip_collection(struct reader *reader)
{
    yaml_event_t event;
    for (size_t open = 1; open > 0 && next_event(reader, &event);) {
        if (event.type == YAML_SEQUENCE_START_EVENT || event.type == YAML_MAPPING_START_EVENT)
            open++;
        if (event.type == YAML_SEQUENCE_END_EVENT || event.type == YAML_MAPPING_END_EVENT)
            open--;
        if (open > QN_MAX_SPEC_DEPTH)
            refuse_depth(reader, &event);
        yaml_event_delete(&event);
    }
}

static bool push(struct reader *reader, const struct qn_pair *pair)
{
    if (reader->n_stack == reader->stack_capacity) {
        size_t capacity = reader->stack_capacity ? reader->stack_capacity * 2 : 64;
        struct qn_pair *grown = realloc(reader->stack, capacity * sizeof *grown);
        if (!grown) {
            reader->no_memory = true;
            return false;
        }
        reader->stack = grown;
        reader->stack_capacity = capacity;
    }
    reader->stack[reader->n_stack++] = *pair;
    return true;
}

/* Anchors and tags are refused by name; the value itself is still read. */
static void refuse_properties(struct reader *reader, const yaml_event_t *event,
                              const yaml_char_t *anchor, const yaml_char_t *tag)
{
    if (anchor)
        qn_diags_add(reader->diags,
                     span_of_mark(&event->start_mark, clamp_u32(strlen((const char *)anchor) + 1)),
                     NULL, "write the value out where it is used, or make it a param",
                     "anchors such as '&%s' are not allowed in a spec", (const char *)anchor);
    else if (tag)
        qn_diags_add(reader->diags, span_of_mark(&event->start_mark, 1), NULL,
                     "leave the tag out; put a value in quotes to make it a text",
                     "tags such as '%s' are not allowed in a spec", (const char *)tag);
}

static bool is_null_word(struct qn_strv text)
{
    return text.len == 0 || qn_strv_is(text, "~") || qn_strv_is(text, "null") ||
           qn_strv_is(text, "Null") || qn_strv_is(text, "NULL");
}

static void read_scalar(struct reader *reader, const yaml_event_t *event, struct qn_node *out)
{
    struct qn_strv text = {(const char *)event->data.scalar.value, event->data.scalar.length};
    refuse_properties(reader, event, event->data.scalar.anchor, event->data.scalar.tag);
    out->kind = QN_NODE_SCALAR;
    out->source = source_of(reader, event);
    out->span = span_of_scalar(event, out->source);
    out->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    out->text = (struct qn_strv){qn_arena_strdup(reader->arena, text), text.len};
    if (!out->text.data)
        reader->no_memory = true;
    if (!out->quoted && is_null_word(text))
        out->kind = QN_NODE_NULL;
    if (memchr(text.data, '\0', text.len))
        qn_diags_add(reader->diags, out->span, NULL, NULL, "a text cannot hold a NUL character");
}

static void read_node(struct reader *reader, const yaml_event_t *event, unsigned depth,
                      const struct qn_span *key, struct qn_node *out);

static bool is_block(const yaml_event_t *event)
{
    return event->type == YAML_SEQUENCE_START_EVENT
               ? event->data.sequence_start.style == YAML_BLOCK_SEQUENCE_STYLE
               : event->data.mapping_start.style == YAML_BLOCK_MAPPING_STYLE;
}

/* Where a collection is shown. A block collection starts at its first key or item, which has
 * complaints of its own: so the key above it, or the dash before it, stands for the whole. */
static struct qn_span span_of_collection(struct reader *reader, const yaml_event_t *event,
                                         const struct qn_span *key)
{
    if (!is_block(event))
        return span_of_mark(&event->start_mark, 1);
    if (key)
        return *key;
    size_t begin = byte_of(reader, &event->start_mark), at = begin;
    while (at > 0 && reader->text.data[at - 1] == ' ')
        at--;
    struct qn_span span = span_of_mark(&event->start_mark, 0);
    if (at > 0 && at < begin && reader->text.data[at - 1] == '-') {
        span.column -= clamp_u32(begin - at + 1);
        span.width = 1;
    }
    return span;
}

/* Moves the children above `base` to the arena. */
static void close_list(struct reader *reader, size_t base, struct qn_node *out)
{
    size_t n = reader->n_stack - base;
    struct qn_node *items = QN_NEW_ARRAY(reader->arena, struct qn_node, n ? n : 1);
    reader->n_stack = base;
    if (!items) {
        reader->no_memory = true;
        return;
    }
    for (size_t i = 0; i < n; i++)
        items[i] = reader->stack[base + i].value;
    out->items = items;
    out->n = clamp_u32(n);
}

static void read_list(struct reader *reader, unsigned depth, struct qn_node *out)
{
    size_t base = reader->n_stack;
    yaml_event_t event;
    out->kind = QN_NODE_LIST;
    while (next_event(reader, &event)) {
        struct qn_pair item = {0};
        bool end = event.type == YAML_SEQUENCE_END_EVENT;
        if (!end) {
            read_node(reader, &event, depth, NULL, &item.value);
            push(reader, &item);
        }
        yaml_event_delete(&event);
        if (end)
            break;
    }
    close_list(reader, base, out);
}

static void complain_twice(struct reader *reader, const struct qn_pair *first,
                           const struct qn_pair *again)
{
    qn_diags_add(reader->diags, again->key_span, NULL, "keep one of them",
                 "key '%.*s' is written twice; first on line %u", QN_STRV_ARG(again->key),
                 first->key_span.line);
}

/* Keeps the first of pairs with the same key. A table by hash, because a hostile mapping may have
 * tens of thousands of keys. */
static size_t keep_unique(struct reader *reader, struct qn_pair *pairs, size_t n)
{
    size_t slots = 16;
    while (slots < n * 2)
        slots *= 2;
    uint32_t *table = calloc(slots, sizeof *table); /* position + 1 of a kept pair; 0: free */
    if (!table) {
        reader->no_memory = true;
        return 0;
    }
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        size_t slot = qn_hash64(pairs[i].key.data, pairs[i].key.len, 0) & (slots - 1);
        while (table[slot] && !qn_strv_eq(pairs[table[slot] - 1].key, pairs[i].key))
            slot = (slot + 1) & (slots - 1);
        if (table[slot]) {
            complain_twice(reader, &pairs[table[slot] - 1], &pairs[i]);
            continue;
        }
        pairs[kept++] = pairs[i];
        table[slot] = clamp_u32(kept);
    }
    free(table);
    return kept;
}

static void close_map(struct reader *reader, size_t base, struct qn_node *out)
{
    size_t n = reader->n_stack - base;
    reader->n_stack = base;
    n = n ? keep_unique(reader, reader->stack + base, n) : 0;
    struct qn_pair *pairs = QN_NEW_ARRAY(reader->arena, struct qn_pair, n ? n : 1);
    if (!pairs) {
        reader->no_memory = true;
        return;
    }
    if (n)
        memcpy(pairs, reader->stack + base, n * sizeof *pairs);
    out->pairs = pairs;
    out->n = clamp_u32(n);
}

/* Reads a key; false when it is none that a spec can have (said). */
static bool read_key(struct reader *reader, const yaml_event_t *event, struct qn_pair *out)
{
    if (event->type != YAML_SCALAR_EVENT) {
        bool alias = event->type == YAML_ALIAS_EVENT;
        qn_diags_add(reader->diags, span_of_mark(&event->start_mark, 1), NULL,
                     alias ? NULL : "put '{{ ... }}' and the like in quotes",
                     alias ? "an alias cannot be a key" : "a key must be a text");
        if (!alias)
            skip_collection(reader);
        return false;
    }
    struct qn_node key = {0};
    read_scalar(reader, event, &key);
    /* libyaml knows YAML 1.1, where "?x" in brackets is a key x; in 1.2 it is a text. */
    if (key.source.data > reader->text.data && key.source.data[-1] == '?')
        qn_diags_add(reader->diags, key.span, NULL, "put it in quotes",
                     "a text cannot start with '?'");
    out->key = key.text;
    out->key_span = key.span;
    if (key.text.len == 0) {
        qn_diags_add(reader->diags, key.span, NULL, NULL, "a key is missing before ':'");
        return false;
    }
    if (!key.quoted && qn_strv_is(key.text, "<<")) {
        qn_diags_add(reader->diags, key.span, NULL, "write the keys out",
                     "merge keys ('<<') are not allowed in a spec");
        return false;
    }
    return true;
}

/* What a pair without a value is: nothing, shown at its key. */
static void place_empty_value(struct qn_pair *pair)
{
    if (pair->value.kind == QN_NODE_NULL && pair->value.source.len == 0)
        pair->value.span = pair->key_span;
}

static void read_map(struct reader *reader, unsigned depth, struct qn_node *out)
{
    size_t base = reader->n_stack;
    yaml_event_t event;
    out->kind = QN_NODE_MAP;
    while (next_event(reader, &event)) {
        struct qn_pair pair = {0};
        bool end = event.type == YAML_MAPPING_END_EVENT;
        bool good = !end && read_key(reader, &event, &pair);
        yaml_event_delete(&event);
        if (end || !next_event(reader, &event))
            break;
        read_node(reader, &event, depth, good ? &pair.key_span : NULL, &pair.value);
        yaml_event_delete(&event);
        place_empty_value(&pair);
        if (good)
            push(reader, &pair);
    }
    close_map(reader, base, out);
}

static void read_collection(struct reader *reader, const yaml_event_t *event, unsigned depth,
                            const struct qn_span *key, struct qn_node *out)
{
    bool list = event->type == YAML_SEQUENCE_START_EVENT;
    if (list)
        refuse_properties(reader, event, event->data.sequence_start.anchor,
                          event->data.sequence_start.tag);
    else
        refuse_properties(reader, event, event->data.mapping_start.anchor,
                          event->data.mapping_start.tag);
    out->span = span_of_collection(reader, event, key);
    if (depth >= QN_MAX_SPEC_DEPTH) {
        refuse_depth(reader, event);
    } else if (list) {
        read_list(reader, depth + 1, out);
    } else {
        read_map(reader, depth + 1, out);
    }
}

/* The node that starts with `event`. `key` is the span of the key it stands under, or NULL. */
static void read_node(struct reader *reader, const yaml_event_t *event, unsigned depth,
                      const struct qn_span *key, struct qn_node *out)
{
    *out = (struct qn_node){.kind = QN_NODE_NULL, .text = {"", 0}};
    if (++reader->n_nodes > QN_MAX_SPEC_NODES && !reader->ended) {
        qn_diags_add(reader->diags, span_of_mark(&event->start_mark, 1), NULL, NULL,
                     "a spec can hold %d values; this is one more", QN_MAX_SPEC_NODES);
        reader->ended = true;
    }
    if (event->type == YAML_SCALAR_EVENT) {
        read_scalar(reader, event, out);
    } else if (event->type == YAML_ALIAS_EVENT) {
        const char *name = (const char *)event->data.alias.anchor;
        out->source = source_of(reader, event);
        out->span = span_of_mark(&event->start_mark, clamp_u32(strlen(name) + 1));
        qn_diags_add(reader->diags, out->span, NULL,
                     "write the value out, make it a param, or quote it if '*' is meant",
                     "aliases such as '*%s' are not allowed in a spec", name);
    } else {
        read_collection(reader, event, depth, key, out);
    }
}

/* What may stand around the one document: directives are judged, a second document refused. */
static bool start_document(struct reader *reader, const yaml_event_t *event, bool second)
{
    if (second) {
        qn_diags_add(reader->diags, span_of_mark(&event->start_mark, 3), NULL,
                     "put it in a file of its own", "a spec is one document; a second starts here");
        return false;
    }
    if (event->data.document_start.tag_directives.start !=
        event->data.document_start.tag_directives.end)
        qn_diags_add(reader->diags, span_of_mark(&event->start_mark, 1), NULL, NULL,
                     "%%TAG directives are not allowed in a spec");
    return true;
}

static const struct qn_node *read_stream(struct reader *reader)
{
    struct qn_node *root = NULL;
    yaml_event_t event;
    for (bool more = true; more && next_event(reader, &event);) {
        if (event.type == YAML_STREAM_END_EVENT) {
            more = false;
        } else if (event.type == YAML_DOCUMENT_START_EVENT) {
            more = start_document(reader, &event, root != NULL);
        } else if (event.type != YAML_STREAM_START_EVENT && event.type != YAML_DOCUMENT_END_EVENT) {
            root = QN_NEW(reader->arena, struct qn_node);
            if (root)
                read_node(reader, &event, 0, NULL, root);
            reader->no_memory |= !root;
        }
        yaml_event_delete(&event);
    }
    return root;
}

qn_code qn_node_read(struct qn_strv text, struct qn_arena *arena, struct qn_diags *diags,
                     const struct qn_node **out, struct qn_err *err)
{
    size_t errors = diags->n_errors;
    *out = NULL;
    if (!qn_syntax_check_text(text, diags))
        return qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT, "the spec is no text");
    struct reader reader = {.text = text, .arena = arena, .diags = diags};
    if (!yaml_parser_initialize(&reader.parser))
        return qn_err_nomem(err, "the YAML parser");
    if (text.len >= 3 && memcmp(text.data, "\xEF\xBB\xBF", 3) == 0)
        reader.mark_byte = 3; /* libyaml's marks count from behind a BOM */
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser,
                                 (const unsigned char *)text.data + reader.mark_byte,
                                 text.len - reader.mark_byte);
    *out = read_stream(&reader);
    free(reader.stack);
    yaml_parser_delete(&reader.parser);
    if (reader.no_memory)
        return qn_err_nomem(err, "the spec");
    if (reader.ended)
        *out = NULL; /* half a tree would be complained of for what it lacks */
    else if (!*out && diags->n_errors == errors)
        qn_diags_add(diags, no_place, NULL, NULL, "the spec is empty");
    return diags->n_errors == errors ? QN_OK
                                     : qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT,
                                                  "the spec is not valid YAML of the kind "
                                                  "that specs are written in");
}
