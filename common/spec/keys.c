#include "spec/keys.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "flow/schema.h"
#include "spec/tests.h"

/* A check under way. Complaints about one mapping and everything in it share it. */
struct check {
    struct qn_diags *diags;
    enum qn_form form;
    bool in_list; /* the value is an item of the list that the key names */
};

enum { LIST_BYTES = 1024, MAX_CANDIDATES = 64 };

const char *qn_did_you_mean(struct qn_strv word, const char *const *candidates, size_t n,
                            char out[QN_HINT_BYTES])
{
    const char *closest = qn_strv_closest(word, candidates, n);
    if (!closest)
        return NULL;
    snprintf(out, QN_HINT_BYTES, "did you mean '%s'?", closest);
    return out;
}

static void worsen(struct check *check, enum qn_form form)
{
    if (check->form < form)
        check->form = form;
}

/* Texts longer than a line are cut where complaints quote them. */
static struct qn_strv shorten(struct qn_strv text)
{
    enum { QUOTED_BYTES = 60 };
    if (text.len <= QUOTED_BYTES)
        return text;
    size_t n = QUOTED_BYTES;
    while (n > 0 && ((unsigned char)text.data[n] & 0xC0) == 0x80)
        n--;
    return (struct qn_strv){text.data, n};
}

/* "a, b, c" */
static const char *join_words(const char *lead, const char *const *words, size_t n,
                              char out[LIST_BYTES])
{
    size_t at = (size_t)snprintf(out, LIST_BYTES, "%s", lead);
    for (size_t i = 0; i < n && at < LIST_BYTES; i++)
        at += (size_t)snprintf(out + at, LIST_BYTES - at, "%s%s", i ? ", " : "", words[i]);
    return out;
}

static size_t count_words(const char *const *words)
{
    size_t n = 0;
    while (words && words[n])
        n++;
    return n;
}

/* Without a value of these shapes a reader falls back to what holds when it is left out: the
 * columns stay the same, so that nothing further is wrong. */
static bool is_leaf(enum qn_shape shape)
{
    return shape != QN_SHAPE_OBJECT && shape != QN_SHAPE_LIST && shape != QN_SHAPE_MAP &&
           shape != QN_SHAPE_ANY;
}

/* --- scalars --------------------------------------------------------------------------------- */

static void complain_not(struct check *check, const struct qn_key *key, const struct qn_node *node,
                         const char *wanted, const char *hint)
{
    /* An unknown word where one of a few must stand can be left out of the account. */
    bool word = key->shape == QN_SHAPE_ENUM && node->kind == QN_NODE_SCALAR;
    bool slip = is_leaf(key->shape) && (!key->required || word);
    worsen(check, slip ? QN_FORM_SLIPS : QN_FORM_BAD);
    const char *item = check->in_list ? "an item of " : "";
    if (node->kind == QN_NODE_SCALAR)
        qn_diags_add(check->diags, node->span, wanted, hint, "%s'%s' cannot be '%.*s'", item,
                     key->name, QN_STRV_ARG(shorten(node->text)));
    else if (node->kind == QN_NODE_NULL)
        qn_diags_add(check->diags, node->span, wanted, hint, "%s'%s' has no value", item,
                     key->name);
    else
        qn_diags_add(check->diags, node->span, wanted, hint, "%s'%s' cannot be %s", item, key->name,
                     qn_node_what(node));
}

static bool has_range(const struct qn_key *key)
{
    return key->max > key->min || (key->max == key->min && key->max != 0);
}

static void check_number(struct check *check, const struct qn_key *key, const struct qn_node *node,
                         bool whole)
{
    char wanted[96];
    int64_t integer;
    double value = 0;
    const char *kind = whole ? "an integer" : "a number";
    bool good = whole ? qn_node_is_i64(node, &integer) : qn_node_is_f64(node, &value);
    if (good && whole)
        value = (double)integer;
    if (good && (!has_range(key) || (value >= key->min && value <= key->max)))
        return;
    bool in_quotes = node->quoted && !good;
    if (!has_range(key))
        snprintf(wanted, sizeof wanted, "%s", kind);
    else if (key->max == key->min)
        snprintf(wanted, sizeof wanted, "%.15g", key->min);
    else if (key->max >= 0x1p53)
        snprintf(wanted, sizeof wanted, "%s of at least %.15g", kind, key->min);
    else
        snprintf(wanted, sizeof wanted, "%s from %.15g to %.15g", kind, key->min, key->max);
    complain_not(check, key, node, wanted, in_quotes ? "write it without quotes" : NULL);
}

static void check_bool(struct check *check, const struct qn_key *key, const struct qn_node *node)
{
    bool value, yes = false;
    if (qn_node_is_bool(node, &value))
        return;
    const char *hint = NULL;
    if (node->kind == QN_NODE_SCALAR) {
        yes = qn_strv_eq_nocase(node->text, QN_STRV_LIT("yes")) ||
              qn_strv_eq_nocase(node->text, QN_STRV_LIT("on")) || qn_strv_is(node->text, "1");
        bool no = qn_strv_eq_nocase(node->text, QN_STRV_LIT("no")) ||
                  qn_strv_eq_nocase(node->text, QN_STRV_LIT("off")) || qn_strv_is(node->text, "0");
        hint = yes            ? "write true"
               : no           ? "write false"
               : node->quoted ? "leave the quotes out"
                              : NULL;
    }
    complain_not(check, key, node, "true or false", hint);
}

static void check_enum(struct check *check, const struct qn_key *key, const struct qn_node *node)
{
    size_t n = count_words(key->values);
    char wanted[LIST_BYTES], hint[QN_HINT_BYTES];
    join_words(n == 1 ? "" : "one of: ", key->values, n, wanted);
    if (node->kind != QN_NODE_SCALAR) {
        complain_not(check, key, node, n ? wanted : "a text", NULL);
        return;
    }
    if (n == 0)
        return;
    for (size_t i = 0; i < n; i++)
        if (qn_strv_is(node->text, key->values[i]))
            return;
    for (size_t i = 0; i < count_words(key->unsupported_values); i++)
        if (qn_strv_is(node->text, key->unsupported_values[i])) {
            worsen(check, QN_FORM_SLIPS);
            qn_diags_add(check->diags, node->span, wanted, NULL,
                         "%s '%.*s' is not supported by this version", key->name,
                         QN_STRV_ARG(node->text));
            return;
        }
    complain_not(check, key, node, wanted, qn_did_you_mean(node->text, key->values, n, hint));
}

static void check_type(struct check *check, const struct qn_key *key, const struct qn_node *node)
{
    static const char *const types[] = {"integer",       "double", "text",     "boolean",
                                        "decimal(10,2)", "date",   "timestamp"};
    /* What other tools call them. */
    static const struct {
        const char *theirs, *ours;
    } aliases[] = {{"str", "text"},
                   {"object", "text"},
                   {"category", "text"},
                   {"long", "integer"},
                   {"int8", "integer"},
                   {"int16", "integer"},
                   {"int32", "integer"},
                   {"int64", "integer"},
                   {"number", "double"},
                   {"float32", "double"},
                   {"float64", "double"},
                   {"money", "decimal(18,2)"},
                   {"datetime64", "timestamp"}};
    struct qn_type type;
    char hint[QN_HINT_BYTES];
    if (node->kind == QN_NODE_SCALAR && qn_type_parse(node->text, &type))
        return;
    const char *advice = NULL;
    struct qn_strv text = node->kind == QN_NODE_SCALAR ? node->text : (struct qn_strv){"", 0};
    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0] && !advice; i++)
        if (qn_strv_eq_nocase(text, qn_strv_from(aliases[i].theirs)))
            advice = qn_did_you_mean(qn_strv_from(aliases[i].ours), &aliases[i].ours, 1, hint);
    if (!advice && text.len >= 7 && memcmp(text.data, "decimal", 7) == 0)
        advice = "decimal(p,s) has p digits, from 1 to 18, s of them after the point";
    if (!advice)
        advice = qn_did_you_mean(text, types, sizeof types / sizeof types[0], hint);
    complain_not(check, key, node,
                 "a type: integer, double, decimal(p,s), text, boolean, date or timestamp", advice);
}

static void check_text(struct check *check, const struct qn_key *key, const struct qn_node *node,
                       const char *wanted)
{
    if (node->kind != QN_NODE_SCALAR || (key->shape == QN_SHAPE_EXPR && node->text.len == 0))
        complain_not(check, key, node, wanted, NULL);
}

static const char name_rule[] =
    "a name of letters, digits and '_' that starts with no digit, 63 at most";

/* The text with what cannot stand in a name replaced by '_'; NULL when that is no name either. */
static const char *suggest_name(struct qn_strv text, char hint[QN_HINT_BYTES])
{
    char name[64];
    if (text.len == 0 || text.len >= sizeof name)
        return NULL;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        name[i] = fits ? c : '_';
        if (c < 0)
            return NULL;
    }
    name[text.len] = '\0';
    if (!qn_strv_is_identifier(qn_strv_from(name)))
        return NULL;
    snprintf(hint, QN_HINT_BYTES, "did you mean '%s'?", name);
    return hint;
}

static void check_identifier(struct check *check, const struct qn_key *key,
                             const struct qn_node *node)
{
    char hint[QN_HINT_BYTES];
    bool text = node->kind == QN_NODE_SCALAR;
    if (!text || !qn_strv_is_identifier(node->text))
        complain_not(check, key, node, name_rule, text ? suggest_name(node->text, hint) : NULL);
}

static void check_bytes(struct check *check, const struct qn_key *key, const struct qn_node *node)
{
    uint64_t bytes;
    bool good = qn_node_is_bytes(node, &bytes);
    if (good && has_range(key))
        good = (double)bytes >= key->min && (double)bytes <= key->max;
    if (!good)
        complain_not(check, key, node, "a size such as 1048576, 64KiB or 16MiB", NULL);
}

/* --- collections ----------------------------------------------------------------------------- */

static bool holds(struct qn_strv text, char c)
{
    return text.len && memchr(text.data, c, text.len);
}

/* `{type: decimal(10,2)}` without quotes is cut at the comma, and "2)" becomes a key without a
 * value. One complaint says so; returns how many keys after pair i are pieces of its value. */
static uint32_t cut_pieces(struct check *check, const struct qn_node *map, uint32_t i)
{
    const struct qn_node *value = &map->pairs[i].value;
    if (value->kind != QN_NODE_SCALAR || value->quoted || !holds(value->text, '('))
        return 0;
    for (uint32_t last = i + 1; last < map->n; last++) {
        const struct qn_pair *piece = &map->pairs[last];
        if (piece->value.kind != QN_NODE_NULL || piece->value.source.len)
            return 0;
        if (!holds(piece->key, ')'))
            continue;
        worsen(check, QN_FORM_BAD);
        qn_diags_add(check->diags, value->span, NULL, "put the whole value in quotes",
                     "inside { }, the ',' ends this value");
        return last - i;
    }
    return 0;
}

static void check_value(struct check *check, const struct qn_key *key, const struct qn_node *node);
static void check_map(struct check *check, const struct qn_spec_keys *keys,
                      const struct qn_spec_keys *also, const struct qn_node *node,
                      const char *name);

/* The key as one of its own items. */
static struct qn_key item_of(const struct qn_key *key)
{
    struct qn_key item = *key;
    item.shape = key->item;
    item.item = key->item == QN_SHAPE_LIST ? QN_SHAPE_TEXT : QN_SHAPE_ANY;
    item.or_single = item.or_text = false;
    return item;
}

static void check_list(struct check *check, const struct qn_key *key, const struct qn_node *node)
{
    struct qn_key item = item_of(key);
    bool single = key->or_single && node->kind != QN_NODE_NULL &&
                  (node->kind == QN_NODE_SCALAR || key->item == QN_SHAPE_OBJECT);
    if (node->kind != QN_NODE_LIST && !single) {
        complain_not(check, key, node, "a list", NULL);
        return;
    }
    uint32_t n;
    const struct qn_node *items = qn_node_items(node, &n);
    if (n == 0 && key->required) {
        worsen(check, QN_FORM_BAD);
        qn_diags_add(check->diags, node->span, NULL, NULL, "'%s' is an empty list", key->name);
    }
    for (uint32_t i = 0; i < n; i++) {
        check->in_list = node->kind == QN_NODE_LIST;
        check_value(check, &item, &items[i]);
    }
    check->in_list = false;
}

/* The other form of a number that may be a list. */
static void check_scalars(struct check *check, const struct qn_key *key, const struct qn_node *node)
{
    const struct qn_key list = {
        .name = key->name, .shape = QN_SHAPE_LIST, .item = QN_SHAPE_SCALAR, .required = true};
    check_list(check, &list, node);
}

static void check_free_map(struct check *check, const struct qn_key *key,
                           const struct qn_node *node)
{
    if (node->kind != QN_NODE_MAP) {
        complain_not(check, key, node, "a mapping", NULL);
        return;
    }
    struct qn_key item = item_of(key);
    for (uint32_t i = 0; i < node->n; i++) {
        const struct qn_pair *pair = &node->pairs[i];
        uint32_t pieces = cut_pieces(check, node, i);
        if (pieces) {
            i += pieces;
            continue;
        }
        item.name = pair->key.data;
        if (key->identifiers && !qn_strv_is_identifier(pair->key)) {
            char hint[QN_HINT_BYTES];
            worsen(check, QN_FORM_BAD);
            qn_diags_add(check->diags, pair->key_span, name_rule, suggest_name(pair->key, hint),
                         "'%.*s' cannot be a name", QN_STRV_ARG(shorten(pair->key)));
        }
        check_value(check, &item, &pair->value);
    }
}

static void check_object(struct check *check, const struct qn_key *key, const struct qn_node *node)
{
    if (node->kind == QN_NODE_MAP && key->object)
        check_map(check, key->object, NULL, node, NULL);
    else if (node->kind != QN_NODE_MAP && !(key->or_text && node->kind == QN_NODE_SCALAR))
        complain_not(check, key, node, key->or_text ? "a text or a mapping" : "a mapping", NULL);
}

static void check_tests(struct check *check, const struct qn_key *key, const struct qn_node *node)
{
    if (!qn_tests_check(node, key->shape == QN_SHAPE_COLUMN_TESTS, check->diags))
        worsen(check, QN_FORM_SLIPS);
}

static void check_value(struct check *check, const struct qn_key *key, const struct qn_node *node)
{
    switch (key->shape) {
    case QN_SHAPE_TEXT: check_text(check, key, node, "a text"); break;
    case QN_SHAPE_EXPR: check_text(check, key, node, "an expression"); break;
    case QN_SHAPE_SCALAR: check_text(check, key, node, "a text, a number, true or false"); break;
    case QN_SHAPE_IDENTIFIER: check_identifier(check, key, node); break;
    case QN_SHAPE_INT: check_number(check, key, node, true); break;
    case QN_SHAPE_NUMBER:
        if (key->or_list && node->kind == QN_NODE_LIST)
            check_scalars(check, key, node);
        else
            check_number(check, key, node, false);
        break;
    case QN_SHAPE_BOOL: check_bool(check, key, node); break;
    case QN_SHAPE_BYTES: check_bytes(check, key, node); break;
    case QN_SHAPE_ENUM: check_enum(check, key, node); break;
    case QN_SHAPE_TYPE: check_type(check, key, node); break;
    case QN_SHAPE_OBJECT: check_object(check, key, node); break;
    case QN_SHAPE_LIST: check_list(check, key, node); break;
    case QN_SHAPE_MAP: check_free_map(check, key, node); break;
    case QN_SHAPE_TESTS:
    case QN_SHAPE_COLUMN_TESTS: check_tests(check, key, node); break;
    case QN_SHAPE_ANY: break;
    }
}

/* --- mappings -------------------------------------------------------------------------------- */

static const struct qn_key *find_key(const struct qn_spec_keys *keys, struct qn_strv name)
{
    for (size_t i = 0; keys && i < keys->n; i++)
        if (qn_strv_is(name, keys->keys[i].name))
            return &keys->keys[i];
    return NULL;
}

static size_t add_names(const struct qn_spec_keys *keys, const struct qn_node *node, bool unused,
                        const char **out, size_t n)
{
    for (size_t i = 0; keys && i < keys->n && n < MAX_CANDIDATES; i++) {
        const struct qn_key *key = &keys->keys[i];
        if (!key->unsupported && !(unused && qn_node_get(node, key->name)))
            out[n++] = key->name;
    }
    return n;
}

static const char *in_name(const char *name)
{
    return name ? name : "";
}

static void complain_unknown(struct check *check, const struct qn_spec_keys *keys,
                             const struct qn_spec_keys *also, const struct qn_node *node,
                             const struct qn_pair *pair, const char *name)
{
    const char *names[MAX_CANDIDATES];
    char wanted[LIST_BYTES], hint[QN_HINT_BYTES];
    size_t n = add_names(also, node, true, names, add_names(keys, node, true, names, 0));
    const char *closest = qn_strv_closest(pair->key, names, n);
    const struct qn_key *meant = closest ? find_key(keys, qn_strv_from(closest)) : NULL;
    bool slip = !meant || (is_leaf(meant->shape) && (name || !meant->required));
    worsen(check, slip ? QN_FORM_SLIPS : QN_FORM_BAD);
    const char *advice = qn_did_you_mean(pair->key, names, n, hint);
    n = add_names(also, node, false, names, add_names(keys, node, false, names, 0));
    qn_diags_add(check->diags, pair->key_span, join_words("one of: ", names, n, wanted), advice,
                 "unknown key '%.*s' in %s%s%s", QN_STRV_ARG(shorten(pair->key)), keys->what,
                 name ? " " : "", in_name(name));
}

/* A key that was meant but misspelt is not missing too. */
static bool is_misspelt(const struct qn_spec_keys *keys, const struct qn_spec_keys *also,
                        const struct qn_node *node, const char *missing)
{
    for (uint32_t i = 0; i < node->n; i++) {
        const struct qn_pair *pair = &node->pairs[i];
        if (!find_key(keys, pair->key) && !find_key(also, pair->key) &&
            qn_strv_closest(pair->key, &missing, 1))
            return true;
    }
    return false;
}

static size_t add_missing(const struct qn_spec_keys *keys, const struct qn_spec_keys *also,
                          const struct qn_node *node, const char **out, size_t n)
{
    for (size_t i = 0; keys && i < keys->n && n < MAX_CANDIDATES; i++) {
        const struct qn_key *key = &keys->keys[i];
        if (key->required && !qn_node_get(node, key->name) &&
            !is_misspelt(keys, also, node, key->name))
            out[n++] = key->name;
    }
    return n;
}

/* All keys that a mapping lacks are one complaint: they share its place. Readers of a job or a
 * source do without; those of what stands inside may count on them. */
static void check_missing(struct check *check, const struct qn_spec_keys *keys,
                          const struct qn_spec_keys *also, const struct qn_node *node,
                          const char *name)
{
    const char *names[MAX_CANDIDATES];
    size_t n = add_missing(keys, also, node, names, 0);
    if (also)
        n = add_missing(also, keys, node, names, n);
    if (n == 0)
        return;
    char list[LIST_BYTES];
    worsen(check, name ? QN_FORM_SLIPS : QN_FORM_BAD);
    qn_diags_add(check->diags, node->span, NULL, NULL, "%s%s%s needs %s", keys->what,
                 name ? " " : "", in_name(name), join_words("", names, n, list));
}

static void check_map(struct check *check, const struct qn_spec_keys *keys,
                      const struct qn_spec_keys *also, const struct qn_node *node, const char *name)
{
    check->in_list = false;
    check_missing(check, keys, also, node, name);
    for (uint32_t i = 0; i < node->n; i++) {
        const struct qn_pair *pair = &node->pairs[i];
        uint32_t pieces = cut_pieces(check, node, i);
        if (pieces) {
            i += pieces;
            continue;
        }
        const struct qn_key *key = find_key(keys, pair->key);
        if (!key)
            key = find_key(also, pair->key);
        if (!key) {
            complain_unknown(check, keys, also, node, pair, name);
        } else if (key->unsupported) {
            worsen(check, QN_FORM_SLIPS);
            qn_diags_add(check->diags, pair->key_span, NULL, NULL,
                         "'%s' is not supported by this version", key->name);
        } else {
            check_value(check, key, &pair->value);
        }
    }
}

enum qn_form qn_keys_check_with(const struct qn_spec_keys *keys, const struct qn_spec_keys *also,
                                const struct qn_node *node, const char *name,
                                struct qn_diags *diags)
{
    struct check check = {.diags = diags, .form = QN_FORM_GOOD};
    if (node->kind != QN_NODE_MAP) {
        bool nothing = node->kind == QN_NODE_NULL;
        qn_diags_add(diags, node->span, "a mapping", NULL, "%s%s%s %s%s", keys->what,
                     name ? " " : "", in_name(name), nothing ? "is empty" : "cannot be ",
                     nothing ? "" : qn_node_what(node));
        return QN_FORM_BAD;
    }
    check_map(&check, keys, also, node, name);
    return check.form;
}

bool qn_keys_check(const struct qn_spec_keys *keys, const struct qn_node *node, const char *name,
                   struct qn_diags *diags)
{
    return qn_keys_check_with(keys, NULL, node, name, diags) == QN_FORM_GOOD;
}
