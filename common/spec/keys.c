#include "spec/keys.h"

#include <stdio.h>
#include <string.h>

#include "flow/schema.h"
#include "spec/tests.h"

enum { LIST_TEXT = 900, HINT_TEXT = 128 };

static void join_keys(const struct qn_spec_keys *keys, char *out, size_t room)
{
    size_t used = (size_t)snprintf(out, room, "one of: ");
    for (size_t i = 0; i < keys->n && used < room; i++)
        used +=
            (size_t)snprintf(out + used, room - used, "%s%s", i ? ", " : "", keys->keys[i].name);
}

static void complain_unknown(const struct qn_spec_keys *keys, const struct qn_pair *pair,
                             const char *name, struct qn_diags *diags)
{
    const char *names[128];
    size_t n = 0;
    for (; n < keys->n && n < 128; n++)
        names[n] = keys->keys[n].name;
    const char *near = qn_strv_closest(pair->key, names, n);
    char expected[LIST_TEXT], hint[HINT_TEXT];
    join_keys(keys, expected, sizeof expected);
    if (near)
        snprintf(hint, sizeof hint, "did you mean '%s'?", near);
    qn_diags_add(diags, pair->key_span, expected, near ? hint : NULL,
                 "unknown key '%.*s' in %s%s%s", QN_STRV_ARG(pair->key), keys->what,
                 name ? " " : "", name ? name : "");
}

static void complain_shape(const struct qn_key *key, const struct qn_node *node,
                           const char *expected, struct qn_diags *diags)
{
    qn_diags_add(diags, node->span, expected, NULL, "%s of '%s' is %s%.*s%s",
                 node->kind == QN_NODE_SCALAR ? "the value" : "what stands under", key->name,
                 node->kind == QN_NODE_SCALAR ? "'" : qn_node_what(node),
                 node->kind == QN_NODE_SCALAR ? (int)node->text.len : 0,
                 node->kind == QN_NODE_SCALAR ? node->text.data : "",
                 node->kind == QN_NODE_SCALAR ? "'" : "");
}

static bool check_enum(const struct qn_key *key, const struct qn_node *node, struct qn_diags *diags)
{
    size_t n = 0, used = 0;
    char expected[LIST_TEXT] = "", hint[HINT_TEXT];
    for (; key->values[n]; n++) {
        if (node->kind == QN_NODE_SCALAR && qn_strv_is(node->text, key->values[n]))
            return true;
        if (used < sizeof expected)
            used += (size_t)snprintf(expected + used, sizeof expected - used, "%s%s",
                                     n ? ", " : "one of: ", key->values[n]);
    }
    if (node->kind != QN_NODE_SCALAR) {
        complain_shape(key, node, expected, diags);
        return false;
    }
    const char *near = qn_strv_closest(node->text, key->values, n);
    if (near)
        snprintf(hint, sizeof hint, "did you mean '%s'?", near);
    qn_diags_add(diags, node->span, expected, near ? hint : NULL, "'%.*s' is no value of '%s'",
                 QN_STRV_ARG(node->text), key->name);
    return false;
}

static bool in_range(const struct qn_key *key, double value)
{
    return key->max <= key->min || (value >= key->min && value <= key->max);
}

static bool check_number(const struct qn_key *key, const struct qn_node *node, bool whole,
                         struct qn_diags *diags)
{
    int64_t integer;
    double number = 0;
    bool fits = whole ? qn_node_is_i64(node, &integer) : qn_node_is_f64(node, &number);
    if (fits && in_range(key, whole ? (double)integer : number))
        return true;
    char expected[96];
    if (key->max > key->min)
        snprintf(expected, sizeof expected, "a %snumber from %g to %g", whole ? "whole " : "",
                 key->min, key->max);
    else
        snprintf(expected, sizeof expected, "a %snumber", whole ? "whole " : "");
    complain_shape(key, node, expected, diags);
    return false;
}

static bool is_scalar(const struct qn_key *key, const struct qn_node *node, const char *expected,
                      struct qn_diags *diags)
{
    if (node->kind == QN_NODE_SCALAR)
        return true;
    complain_shape(key, node, expected, diags);
    return false;
}

static bool expect(bool holds, const struct qn_key *key, const struct qn_node *node,
                   const char *expected, struct qn_diags *diags)
{
    if (!holds)
        complain_shape(key, node, expected, diags);
    return holds;
}

static bool check_scalar(const struct qn_key *key, enum qn_shape shape, const struct qn_node *node,
                         struct qn_diags *diags)
{
    bool flag;
    uint64_t bytes;
    struct qn_type type;
    switch (shape) {
    case QN_SHAPE_TEXT: return is_scalar(key, node, "a text", diags);
    case QN_SHAPE_SCALAR: return is_scalar(key, node, "a text, number or boolean", diags);
    case QN_SHAPE_EXPR: return is_scalar(key, node, "an expression", diags);
    case QN_SHAPE_IDENTIFIER:
        return is_scalar(key, node, "a name", diags) &&
               expect(qn_strv_is_identifier(node->text), key, node,
                      "a name of letters, digits and '_', at most 63, not starting with a digit",
                      diags);
    case QN_SHAPE_INT: return check_number(key, node, true, diags);
    case QN_SHAPE_NUMBER: return check_number(key, node, false, diags);
    case QN_SHAPE_BOOL:
        return expect(qn_node_is_bool(node, &flag), key, node, "true or false", diags);
    case QN_SHAPE_BYTES:
        return expect(qn_node_is_bytes(node, &bytes), key, node, "a size such as 64KiB or 16MiB",
                      diags);
    case QN_SHAPE_TYPE:
        return is_scalar(key, node, "a column type", diags) &&
               expect(qn_type_parse(node->text, &type), key, node,
                      "a type: text, integer, decimal(p,s), double, boolean, date or timestamp",
                      diags);
    case QN_SHAPE_ENUM: return check_enum(key, node, diags);
    default: return true;
    }
}

static bool check_shape(const struct qn_key *key, enum qn_shape shape, const struct qn_node *node,
                        struct qn_diags *diags);

static bool check_list(const struct qn_key *key, const struct qn_node *node, struct qn_diags *diags)
{
    bool good = true;
    if (node->kind != QN_NODE_LIST && !(key->or_single && node->kind != QN_NODE_NULL))
        return expect(false, key, node, "a list", diags);
    uint32_t n;
    const struct qn_node *items = qn_node_items(node, &n);
    for (uint32_t i = 0; i < n; i++)
        good &= check_shape(key, key->item, &items[i], diags);
    return good;
}

static bool check_map(const struct qn_key *key, const struct qn_node *node, struct qn_diags *diags)
{
    bool good = expect(node->kind == QN_NODE_MAP, key, node, "a mapping", diags);
    for (uint32_t i = 0; node->kind == QN_NODE_MAP && i < node->n; i++) {
        const struct qn_pair *pair = &node->pairs[i];
        good &= check_shape(key, key->item, &pair->value, diags);
    }
    return good;
}

static bool check_shape(const struct qn_key *key, enum qn_shape shape, const struct qn_node *node,
                        struct qn_diags *diags)
{
    switch (shape) {
    case QN_SHAPE_OBJECT:
        if (key->or_text && node->kind == QN_NODE_SCALAR)
            return true;
        if (node->kind != QN_NODE_MAP)
            return expect(false, key, node, "a mapping", diags);
        return qn_keys_check(key->object, node, NULL, diags);
    case QN_SHAPE_LIST: return check_list(key, node, diags);
    case QN_SHAPE_MAP: return check_map(key, node, diags);
    case QN_SHAPE_TESTS: return qn_tests_check(node, false, diags);
    case QN_SHAPE_ANY: return true;
    default: return check_scalar(key, shape, node, diags);
    }
}

static const struct qn_key *find_key(const struct qn_spec_keys *keys, struct qn_strv name)
{
    for (size_t i = 0; i < keys->n; i++)
        if (qn_strv_is(name, keys->keys[i].name))
            return &keys->keys[i];
    return NULL;
}

bool qn_keys_check(const struct qn_spec_keys *keys, const struct qn_node *node, const char *name,
                   struct qn_diags *diags)
{
    size_t before = diags->n_errors;
    if (node->kind != QN_NODE_MAP) {
        qn_diags_add(diags, node->span, "a mapping", NULL, "%s%s%s is %s", keys->what,
                     name ? " " : "", name ? name : "", qn_node_what(node));
        return false;
    }
    for (uint32_t i = 0; i < node->n; i++) {
        const struct qn_pair *pair = &node->pairs[i];
        const struct qn_key *key = find_key(keys, pair->key);
        if (!key)
            complain_unknown(keys, pair, name, diags);
        else
            check_shape(key, key->shape, &pair->value, diags);
    }
    for (size_t i = 0; i < keys->n; i++)
        if (keys->keys[i].required && !qn_node_pair(node, keys->keys[i].name))
            qn_diags_add(diags, node->span, NULL, NULL, "%s%s%s lacks '%s' (%s)", keys->what,
                         name ? " " : "", name ? name : "", keys->keys[i].name,
                         keys->keys[i].doc ? keys->keys[i].doc : "required");
    return diags->n_errors == before;
}
