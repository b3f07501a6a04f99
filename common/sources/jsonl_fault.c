#include "sources/jsonl_fault.h"

#include <stdio.h>

#include "base/limits.h"
#include "sources/text_lines.h"

enum { MAX_SHOWN_BYTES = 60, SHOWN = 3 * MAX_SHOWN_BYTES + 8 };

/* The start of a text, as people can read it in one line. */
static void show(struct qn_strv s, char out[SHOWN])
{
    bool cut = s.len > MAX_SHOWN_BYTES;
    if (cut) {
        s.len = MAX_SHOWN_BYTES;
        while (s.len && ((unsigned char)s.data[s.len] & 0xC0) == 0x80)
            s.len--; /* not in the middle of a character */
    }
    struct qn_buf clean;
    qn_buf_init(&clean);
    qn_text_clean(&clean, s);
    snprintf(out, SHOWN, "%.*s%s", QN_STRV_ARG(qn_buf_strv(&clean)), cut ? "..." : "");
    qn_buf_fini(&clean);
    for (char *c = out; *c; c++)
        if ((unsigned char)*c < 0x20)
            *c = ' ';
}

/* What stands at the place of a mistake in the syntax: a word, a mark, or nothing more. */
static void show_found(const char *bytes, size_t end, size_t at, char out[SHOWN + 4])
{
    char text[SHOWN];
    size_t n = 0;
    if (at >= end) {
        snprintf(out, SHOWN + 4, "the end of the record");
        return;
    }
    while (at + n < end && n < 16 &&
           (bytes[at + n] & 0x80 || (bytes[at + n] | 0x20) >= 'a' ||
            (bytes[at + n] >= '0' && bytes[at + n] <= '9')))
        n++;
    if (n == 0 && (unsigned char)bytes[at] < 0x20) {
        snprintf(out, SHOWN + 4, "the control character 0x%02X", (unsigned char)bytes[at]);
        return;
    }
    show((struct qn_strv){bytes + at, n ? n : 1}, text);
    snprintf(out, SHOWN + 4, "'%s'", text);
}

/* What was expected where the syntax is wrong; NULL: nothing in particular. */
static const char *expected_of(enum qn_json_fault fault)
{
    switch (fault) {
    case QN_JSON_VALUE: return "a value";
    case QN_JSON_KEY: return "a key in double quotes";
    case QN_JSON_COLON: return "':' behind the key";
    case QN_JSON_NEXT: return "',' or the closing bracket";
    case QN_JSON_COMMA: return "a value behind the comma";
    case QN_JSON_WORD: return "true, false or null";
    case QN_JSON_NUMBER: return "a number as JSON writes it";
    case QN_JSON_ESCAPE: return "an escape that JSON has";
    case QN_JSON_AFTER: return "nothing behind the record";
    default: return NULL;
    }
}

static void describe_type(const char *bytes, struct qn_json_spot spot, size_t end,
                          const struct qn_jsonl_node *node, const struct qn_field *of,
                          struct qn_jsonl_cell cell, struct qn_jsonl_complaint *out)
{
    char type[QN_TYPE_NAME], value[SHOWN];
    if (!of) {
        show((struct qn_strv){bytes + spot.at, end - spot.at}, value);
        snprintf(out->message, QN_JSONL_MESSAGE, "expected %s, got %s",
                 node && node->is_records && bytes[spot.at] != '[' && node->n == 0 ? "an array"
                 : node && node->is_records ? "an array of objects"
                                            : "an object",
                 value);
        return;
    }
    bool text =
        qn_jsonl_cell_kind(cell) == QN_JSONL_STRING || qn_jsonl_cell_kind(cell) == QN_JSONL_ESCAPED;
    show((struct qn_strv){bytes + cell.at, cell.is & QN_JSONL_LENGTH}, value);
    snprintf(out->column, QN_JSONL_NAME, "%s", of->name);
    snprintf(out->message, QN_JSONL_MESSAGE, "expected %s, got %s%s%s",
             qn_type_name(of->type, type), text ? "'" : "", value, text ? "'" : "");
}

/* The path of a node, and of a key in it that it does not know. */
static void put_name(const struct qn_jsonl_node *node, struct qn_strv key, char out[QN_JSONL_NAME])
{
    struct qn_buf path;
    qn_buf_init(&path);
    qn_jsonl_node_put_path(node, &path);
    if (key.data && node->parent)
        qn_buf_put_u8(&path, '.');
    qn_text_clean(&path, key);
    snprintf(out, QN_JSONL_NAME, "%.*s", QN_STRV_ARG(qn_buf_strv(&path)));
    qn_buf_fini(&path);
}

static void describe_unknown(const char *bytes, struct qn_json_spot spot, size_t end,
                             const struct qn_jsonl_node *node, struct qn_jsonl_complaint *out)
{
    struct qn_json_spot ignored;
    bool escaped;
    size_t behind = qn_json_string(bytes, spot.at, end, &escaped, &ignored);
    struct qn_strv key = {bytes + spot.at + 1, behind - spot.at - 2};
    char shown[SHOWN];
    out->rule = "key";
    put_name(node, key, out->column);
    show(qn_strv_from(out->column), shown);
    snprintf(out->message, QN_JSONL_MESSAGE,
             "key '%s' is not in the schema: declare the column, or keep such keys with "
             "schema_contract: {columns: evolve}",
             shown);
}

void qn_jsonl_fault_describe(const char *bytes, size_t end, struct qn_json_spot spot,
                             const struct qn_jsonl_node *node, const struct qn_field *of,
                             struct qn_jsonl_cell cell, struct qn_jsonl_complaint *out)
{
    char found[SHOWN + 4];
    *out = (struct qn_jsonl_complaint){.rule = "syntax"};
    switch (spot.fault) {
    case QN_JSON_OPEN: snprintf(out->message, QN_JSONL_MESSAGE, "string is never closed"); return;
    case QN_JSON_CONTROL:
        snprintf(out->message, QN_JSONL_MESSAGE,
                 "control character 0x%02X in a string (JSON writes \\u%04x)",
                 (unsigned char)bytes[spot.at], (unsigned char)bytes[spot.at]);
        return;
    case QN_JSON_SURROGATE:
        out->rule = "encoding";
        snprintf(out->message, QN_JSONL_MESSAGE, "half of a character (%.6s)", bytes + spot.at);
        return;
    case QN_JSON_NOT_UTF8:
        out->rule = "encoding";
        snprintf(out->message, QN_JSONL_MESSAGE, "not valid UTF-8 (byte 0x%02X)",
                 (unsigned char)bytes[spot.at]);
        return;
    case QN_JSON_DEEP:
        out->rule = "limit";
        snprintf(out->message, QN_JSONL_MESSAGE, "more than %d arrays and objects in each other",
                 QN_JSON_MAX_DEPTH);
        return;
    case QN_JSON_LONG_FIELD:
        out->rule = "limit";
        put_name(node, (struct qn_strv){0}, out->column);
        snprintf(out->message, QN_JSONL_MESSAGE, "value longer than %d bytes", QN_MAX_FIELD_BYTES);
        return;
    case QN_JSON_LONG_RECORD:
        out->rule = "limit";
        snprintf(out->message, QN_JSONL_MESSAGE, "record longer than %d bytes",
                 QN_MAX_RECORD_BYTES);
        return;
    case QN_JSON_SHAPE:
        out->rule = "type";
        show((struct qn_strv){bytes + spot.at, end - spot.at}, found);
        snprintf(out->message, QN_JSONL_MESSAGE, "expected an object, got %s", found);
        return;
    case QN_JSON_UNKNOWN: describe_unknown(bytes, spot, end, node, out); return;
    case QN_JSON_TYPE:
        out->rule = "type";
        if (node)
            put_name(node, (struct qn_strv){0}, out->column);
        describe_type(bytes, spot, end, node, of, cell, out);
        return;
    default:
        show_found(bytes, end, spot.at, found);
        snprintf(out->message, QN_JSONL_MESSAGE, "expected %s, got %s", expected_of(spot.fault),
                 found);
    }
}

void qn_jsonl_fault_place(const char *bytes, size_t at, size_t fault_at, uint64_t *line,
                          uint64_t *column)
{
    bool after_cr = false;
    fault_at = fault_at > at ? fault_at : at;
    *line = qn_text_count_lines(bytes + at, fault_at - at, &after_cr);
    *column = 1;
    for (size_t i = fault_at; i > 0 && bytes[i - 1] != '\n' && bytes[i - 1] != '\r'; i--)
        *column += ((unsigned char)bytes[i - 1] & 0xC0) != 0x80;
}
