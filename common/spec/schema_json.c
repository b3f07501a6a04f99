/* The spec's tables as JSON Schema (2020-12), for editors. The reader is the judge: it knows more
 * (columns, names of jobs, expressions), and takes a reference for a kind or format, which an
 * editor could not go by. */
#include <stdio.h>

#include "base/json.h"
#include "spec/source.h"
#include "spec/spec.h"
#include "spec/test_keys.h"
#include "spec/top.h"

static const char identifier_pattern[] = "^[A-Za-z_][A-Za-z0-9_]{0,62}$";

/* Writes JSON a member a line, so that two versions of it can be compared. */
struct writer {
    struct qn_buf *out;
    const struct qn_source_ops *const *formats;
    unsigned depth;
    bool first; /* in the object or array under way */
};

static void new_line(struct writer *writer)
{
    qn_buf_printf(writer->out, "%s\n%*s", writer->first ? "" : ",", (int)(writer->depth * 2), "");
    writer->first = false;
}

static void put_name(struct writer *writer, const char *name)
{
    new_line(writer);
    qn_json_put_text(writer->out, qn_strv_from(name));
    qn_buf_printf(writer->out, ": ");
}

static void open_as(struct writer *writer, char bracket)
{
    qn_buf_put(writer->out, &bracket, 1);
    writer->depth++;
    writer->first = true;
}

static void open_member(struct writer *writer, const char *name, char bracket)
{
    put_name(writer, name);
    open_as(writer, bracket);
}

static void open_item(struct writer *writer)
{
    new_line(writer);
    open_as(writer, '{');
}

static void close_as(struct writer *writer, char bracket)
{
    writer->depth--;
    if (!writer->first)
        qn_buf_printf(writer->out, "\n%*s", (int)(writer->depth * 2), "");
    qn_buf_put(writer->out, &bracket, 1);
    writer->first = false;
}

static void put_text(struct writer *writer, const char *name, const char *text)
{
    put_name(writer, name);
    qn_json_put_text(writer->out, qn_strv_from(text));
}

static void put_raw(struct writer *writer, const char *name, const char *json)
{
    put_name(writer, name);
    qn_buf_put(writer->out, json, strlen(json));
}

static void put_ref(struct writer *writer, const char *name)
{
    put_name(writer, "$ref");
    qn_buf_printf(writer->out, "\"#/$defs/%s\"", name);
}

/* --- shapes ---------------------------------------------------------------------------------- */

static void put_shape(struct writer *writer, const struct qn_key *key, enum qn_shape shape);
static void put_object(struct writer *writer, const struct qn_spec_keys *keys,
                       const struct qn_spec_keys *also);

/* Anything that is no text may be written as one: "${param:NAME}". */
static void open_or_reference(struct writer *writer)
{
    open_member(writer, "anyOf", '[');
    open_item(writer);
    put_ref(writer, "reference");
    close_as(writer, '}');
    open_item(writer);
}

static void close_or_reference(struct writer *writer)
{
    close_as(writer, '}');
    close_as(writer, ']');
}

static void put_bounds(struct writer *writer, const struct qn_key *key)
{
    char number[32];
    if (key->max < key->min || (key->max == key->min && key->max == 0))
        return;
    snprintf(number, sizeof number, "%.15g", key->min);
    put_raw(writer, "minimum", number);
    snprintf(number, sizeof number, "%.15g", key->max);
    if (key->max < 0x1p53)
        put_raw(writer, "maximum", number);
}

static void put_simple(struct writer *writer, const struct qn_key *key, const char *type)
{
    open_or_reference(writer);
    put_text(writer, "type", type);
    put_bounds(writer, key);
    close_or_reference(writer);
}

static void put_enum(struct writer *writer, const struct qn_key *key)
{
    if (!key->values && !writer->formats[0]) {
        put_text(writer, "type", "string");
        return;
    }
    if (key->values)
        open_or_reference(writer);
    open_member(writer, "enum", '[');
    for (size_t i = 0; key->values && key->values[i]; i++) {
        new_line(writer);
        qn_json_put_text(writer->out, qn_strv_from(key->values[i]));
    }
    for (size_t i = 0; !key->values && writer->formats[i]; i++) {
        new_line(writer);
        qn_json_put_text(writer->out, qn_strv_from(writer->formats[i]->format));
    }
    close_as(writer, ']');
    if (key->values)
        close_or_reference(writer);
}

/* What a list's item looks like; of a list of lists, those of texts. */
static void put_item(struct writer *writer, const struct qn_key *key)
{
    struct qn_key inner = {.name = key->name, .shape = QN_SHAPE_LIST, .item = QN_SHAPE_TEXT};
    put_shape(writer, key->item == QN_SHAPE_LIST ? &inner : key, key->item);
}

static void put_list(struct writer *writer, const struct qn_key *key)
{
    bool single = key->or_single;
    if (single) {
        open_member(writer, "anyOf", '[');
        open_item(writer);
        put_item(writer, key);
        close_as(writer, '}');
        open_item(writer);
    }
    put_text(writer, "type", "array");
    open_member(writer, "items", '{');
    put_item(writer, key);
    close_as(writer, '}');
    if (single) {
        close_as(writer, '}');
        close_as(writer, ']');
    }
}

static void put_map(struct writer *writer, const struct qn_key *key)
{
    put_text(writer, "type", "object");
    if (key->identifiers) {
        open_member(writer, "propertyNames", '{');
        put_text(writer, "pattern", identifier_pattern);
        close_as(writer, '}');
    }
    open_member(writer, "additionalProperties", '{');
    put_shape(writer, key, key->item);
    close_as(writer, '}');
}

static void put_object_shape(struct writer *writer, const struct qn_key *key)
{
    if (!key->or_text) {
        put_object(writer, key->object, NULL);
        return;
    }
    open_member(writer, "anyOf", '[');
    open_item(writer);
    put_text(writer, "type", "string");
    close_as(writer, '}');
    open_item(writer);
    put_object(writer, key->object, NULL);
    close_as(writer, '}');
    close_as(writer, ']');
}

static void put_tests(struct writer *writer, const char *definition)
{
    put_text(writer, "type", "array");
    open_member(writer, "items", '{');
    put_ref(writer, definition);
    close_as(writer, '}');
}

static void put_number(struct writer *writer, const struct qn_key *key)
{
    const struct qn_key list = {.name = key->name, .shape = QN_SHAPE_LIST, .item = QN_SHAPE_SCALAR};
    if (!key->or_list) {
        put_simple(writer, key, "number");
        return;
    }
    open_member(writer, "anyOf", '[');
    open_item(writer);
    put_simple(writer, key, "number");
    close_as(writer, '}');
    open_item(writer);
    put_list(writer, &list);
    close_as(writer, '}');
    close_as(writer, ']');
}

static void put_shape(struct writer *writer, const struct qn_key *key, enum qn_shape shape)
{
    static const char scalar[] = "[\"string\", \"number\", \"boolean\"]";
    switch (shape) {
    case QN_SHAPE_IDENTIFIER:
        put_text(writer, "type", "string");
        put_text(writer, "pattern", "^([A-Za-z_][A-Za-z0-9_]{0,62}|.*\\$\\{.*)$");
        break;
    case QN_SHAPE_INT: put_simple(writer, key, "integer"); break;
    case QN_SHAPE_NUMBER: put_number(writer, key); break;
    case QN_SHAPE_BOOL: put_simple(writer, key, "boolean"); break;
    case QN_SHAPE_BYTES: put_raw(writer, "type", "[\"integer\", \"string\"]"); break;
    case QN_SHAPE_ENUM: put_enum(writer, key); break;
    case QN_SHAPE_TYPE: put_text(writer, "type", "string"); break;
    case QN_SHAPE_TEXT:
    case QN_SHAPE_EXPR:
    case QN_SHAPE_SCALAR: put_raw(writer, "type", scalar); break;
    case QN_SHAPE_OBJECT: put_object_shape(writer, key); break;
    case QN_SHAPE_LIST: put_list(writer, key); break;
    case QN_SHAPE_MAP: put_map(writer, key); break;
    case QN_SHAPE_TESTS: put_tests(writer, "job_test"); break;
    case QN_SHAPE_COLUMN_TESTS: put_tests(writer, "column_test"); break;
    case QN_SHAPE_ANY: break;
    }
}

/* --- mappings -------------------------------------------------------------------------------- */

static void put_required(struct writer *writer, const struct qn_spec_keys *keys)
{
    for (size_t i = 0; keys && i < keys->n; i++) {
        if (!keys->keys[i].required)
            continue;
        new_line(writer);
        qn_json_put_text(writer->out, qn_strv_from(keys->keys[i].name));
    }
}

static void put_properties(struct writer *writer, const struct qn_spec_keys *keys)
{
    for (size_t i = 0; keys && i < keys->n; i++) {
        const struct qn_key *key = &keys->keys[i];
        if (key->unsupported)
            continue;
        open_member(writer, key->name, '{');
        if (key->doc)
            put_text(writer, "description", key->doc);
        put_shape(writer, key, key->shape);
        close_as(writer, '}');
    }
}

static bool any_required(const struct qn_spec_keys *keys)
{
    for (size_t i = 0; keys && i < keys->n; i++)
        if (keys->keys[i].required)
            return true;
    return false;
}

static void put_object(struct writer *writer, const struct qn_spec_keys *keys,
                       const struct qn_spec_keys *also)
{
    put_text(writer, "type", "object");
    open_member(writer, "properties", '{');
    put_properties(writer, keys);
    put_properties(writer, also);
    close_as(writer, '}');
    if (any_required(keys) || any_required(also)) {
        open_member(writer, "required", '[');
        put_required(writer, keys);
        put_required(writer, also);
        close_as(writer, ']');
    }
    put_raw(writer, "additionalProperties", "false");
}

/* --- definitions ----------------------------------------------------------------------------- */

/* A bare name where a test needs nothing else, or one name with its arguments. */
static void put_test(struct writer *writer, const char *definition, bool under_column)
{
    size_t n;
    const struct qn_test_form *forms = qn_test_forms(&n);
    open_member(writer, definition, '{');
    open_member(writer, "anyOf", '[');
    for (size_t i = 0; i < n; i++) {
        const struct qn_test_form *form = &forms[i];
        if (form->of_rows && under_column)
            continue;
        if (under_column && !form->needs_arguments) {
            open_item(writer);
            put_text(writer, "const", form->keys.what);
            put_text(writer, "description", form->doc);
            close_as(writer, '}');
        }
        open_item(writer);
        put_text(writer, "type", "object");
        open_member(writer, "properties", '{');
        open_member(writer, form->keys.what, '{');
        put_text(writer, "description", form->doc);
        put_object(writer, &form->keys, qn_test_shared_keys(under_column || form->of_rows));
        close_as(writer, '}');
        close_as(writer, '}');
        put_raw(writer, "minProperties", "1");
        put_raw(writer, "additionalProperties", "false");
        close_as(writer, '}');
    }
    close_as(writer, ']');
    close_as(writer, '}');
}

static void put_kinds(struct writer *writer, const struct qn_job_ops *const *kinds)
{
    put_text(writer, "type", "object");
    open_member(writer, "properties", '{');
    open_member(writer, "kind", '{');
    open_member(writer, "enum", '[');
    for (size_t i = 0; kinds[i]; i++) {
        new_line(writer);
        qn_json_put_text(writer->out, qn_strv_from(kinds[i]->kind));
    }
    close_as(writer, ']');
    close_as(writer, '}');
    close_as(writer, '}');
    open_member(writer, "required", '[');
    new_line(writer);
    qn_buf_printf(writer->out, "\"kind\"");
    close_as(writer, ']');
}

/* By `kind`, the table that holds: so that an editor offers only what fits. */
static void put_job(struct writer *writer, const struct qn_job_ops *const *kinds)
{
    open_member(writer, "job", '{');
    put_kinds(writer, kinds);
    open_member(writer, "allOf", '[');
    for (size_t i = 0; kinds[i]; i++) {
        open_item(writer);
        open_member(writer, "if", '{');
        open_member(writer, "properties", '{');
        open_member(writer, "kind", '{');
        put_text(writer, "const", kinds[i]->kind);
        close_as(writer, '}');
        close_as(writer, '}');
        close_as(writer, '}');
        open_member(writer, "then", '{');
        if (kinds[i]->summary)
            put_text(writer, "description", kinds[i]->summary);
        put_object(writer, kinds[i]->keys, NULL);
        close_as(writer, '}');
        close_as(writer, '}');
    }
    close_as(writer, ']');
    close_as(writer, '}');
}

static void put_definitions(struct writer *writer, const struct qn_job_ops *const *kinds)
{
    open_member(writer, "$defs", '{');
    open_member(writer, "reference", '{');
    put_text(writer, "type", "string");
    put_text(writer, "pattern", "\\$\\{(param|env):");
    close_as(writer, '}');
    put_test(writer, "column_test", true);
    put_test(writer, "job_test", false);
    open_member(writer, "source", '{');
    put_object(writer, &qn_source_keys, NULL);
    close_as(writer, '}');
    put_job(writer, kinds);
    close_as(writer, '}');
}

/* The root's own table says "anything" of sources and jobs; their definitions say more. */
static void put_members(struct writer *writer)
{
    static const struct {
        const char *member, *definition;
    } members[] = {{"sources", "source"}, {"jobs", "job"}};
    open_member(writer, "allOf", '[');
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        open_item(writer);
        open_member(writer, "properties", '{');
        open_member(writer, members[i].member, '{');
        open_member(writer, "additionalProperties", '{');
        put_ref(writer, members[i].definition);
        close_as(writer, '}');
        close_as(writer, '}');
        close_as(writer, '}');
        close_as(writer, '}');
    }
    close_as(writer, ']');
}

qn_code qn_spec_json_schema(const struct qn_job_ops *const *kinds,
                            const struct qn_source_ops *const *formats, struct qn_buf *out,
                            struct qn_err *err)
{
    struct writer writer = {.out = out, .formats = formats};
    open_as(&writer, '{');
    put_text(&writer, "$schema", "https://json-schema.org/draft/2020-12/schema");
    put_text(&writer, "title", "Quern spec");
    put_object(&writer, &qn_top_keys, NULL);
    put_members(&writer);
    put_definitions(&writer, kinds);
    close_as(&writer, '}');
    qn_buf_printf(out, "\n");
    return qn_buf_check(out, "the JSON Schema", err);
}
