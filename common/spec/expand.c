#include "spec/expand.h"

#include <stdio.h>
#include <stdlib.h>

#include "spec/keys.h"

enum { MAX_NAMES = 64, NAME_BYTES = 128, LIST_BYTES = 512 };

struct expander {
    const struct qn_node *params; /* as written; NULL: none */
    const struct qn_setting *settings;
    uint32_t n_settings;
    struct qn_arena *arena;
    struct qn_diags *diags;
    struct qn_settings *used;
    bool in_params; /* a param cannot stand for another */
    bool no_memory;
};

static const char *find_setting(const struct expander *self, const char *key)
{
    for (uint32_t i = self->n_settings; i > 0; i--)
        if (strcmp(self->settings[i - 1].key, key) == 0)
            return self->settings[i - 1].value;
    return NULL;
}

/* --- what was used --------------------------------------------------------------------------- */

static void grow_used(struct expander *self)
{
    struct qn_settings *used = self->used;
    if (used->n < used->capacity)
        return;
    uint32_t capacity = used->capacity ? used->capacity * 2 : 8;
    struct qn_setting *items = QN_NEW_ARRAY(self->arena, struct qn_setting, capacity);
    if (!items) {
        self->no_memory = true;
        return;
    }
    for (uint32_t i = 0; i < used->n; i++)
        items[i] = used->items[i];
    used->items = items;
    used->capacity = capacity;
}

/* Keeps the list sorted, each name once. */
static void note_used(struct expander *self, const char *key, const char *value)
{
    struct qn_settings *used = self->used;
    uint32_t at = 0;
    while (at < used->n && strcmp(used->items[at].key, key) < 0)
        at++;
    if (at < used->n && strcmp(used->items[at].key, key) == 0)
        return;
    grow_used(self);
    struct qn_setting fresh = {qn_arena_strdup(self->arena, qn_strv_from(key)),
                               qn_arena_strdup(self->arena, qn_strv_from(value))};
    self->no_memory |= !fresh.key || !fresh.value;
    if (self->no_memory)
        return;
    for (uint32_t i = used->n++; i > at; i--)
        used->items[i] = used->items[i - 1];
    used->items[at] = fresh;
}

/* --- names that params declares -------------------------------------------------------------- */

static size_t param_names(const struct expander *self, const char *names[MAX_NAMES])
{
    size_t n = 0;
    if (self->params && self->params->kind == QN_NODE_MAP)
        for (; n < self->params->n && n < MAX_NAMES; n++)
            names[n] = self->params->pairs[n].key.data;
    return n;
}

static void complain_undeclared(struct expander *self, struct qn_span span, struct qn_strv name,
                                const char *lead)
{
    const char *names[MAX_NAMES];
    char expected[LIST_BYTES] = "a declared param: ", hint[QN_HINT_BYTES];
    size_t n = param_names(self, names), at = strlen(expected);
    for (size_t i = 0; i < n && at < sizeof expected; i++)
        at +=
            (size_t)snprintf(expected + at, sizeof expected - at, "%s%s", i ? ", " : "", names[i]);
    const char *advice = qn_did_you_mean(name, names, n, hint);
    if (!advice) {
        snprintf(hint, sizeof hint, "declare it: `params: {%.*s: ...}`",
                 name.len < 60 ? (int)name.len : 60, name.data);
        advice = hint;
    }
    qn_diags_add(self->diags, span, n ? expected : NULL, advice, "%sparams has no '%.*s'", lead,
                 QN_STRV_ARG(name));
}

static void check_settings(struct expander *self)
{
    for (uint32_t i = 0; i < self->n_settings; i++) {
        const char *key = self->settings[i].key;
        char lead[NAME_BYTES + 16];
        if (strncmp(key, "env:", 4) == 0 || qn_node_pair(self->params, key))
            continue;
        snprintf(lead, sizeof lead, "--set %.100s: ", key);
        complain_undeclared(self, (struct qn_span){0}, qn_strv_from(key), lead);
    }
}

/* --- references ------------------------------------------------------------------------------ */

static const char *param_value(struct expander *self, const struct qn_node *node, const char *name)
{
    if (self->in_params) {
        qn_diags_add(self->diags, node->span, NULL, NULL, "a param cannot use another param");
        return NULL;
    }
    const char *value = find_setting(self, name);
    const struct qn_pair *declared = qn_node_pair(self->params, name);
    if (!declared) {
        complain_undeclared(self, node->span, qn_strv_from(name), "");
        return NULL;
    }
    if (!value)
        value = qn_node_text(&declared->value, NULL);
    if (!value) {
        char hint[NAME_BYTES + 32];
        snprintf(hint, sizeof hint, "give it one: --set %s=VALUE", name);
        qn_diags_add(self->diags, node->span, NULL, hint, "param '%s' has no value", name);
    }
    return value;
}

static const char *env_value(struct expander *self, const struct qn_node *node, const char *key)
{
    const char *name = key + 4; /* behind "env:" */
    const char *value = find_setting(self, key);
    if (!value)
        value = getenv(name);
    if (value)
        note_used(self, key, value);
    else
        qn_diags_add(self->diags, node->span, NULL, NULL,
                     "the environment variable '%s' is not set", name);
    return value;
}

/* The value of "param:NAME" or "env:NAME"; NULL after a complaint. */
static const char *look_up(struct expander *self, const struct qn_node *node, struct qn_strv ref)
{
    char text[NAME_BYTES];
    snprintf(text, sizeof text, "%.*s", ref.len < sizeof text ? (int)ref.len : 0, ref.data);
    if (strncmp(text, "param:", 6) == 0 && text[6])
        return param_value(self, node, text + 6);
    if (strncmp(text, "env:", 4) == 0 && text[4])
        return env_value(self, node, text);
    if (strncmp(text, "secret:", 7) == 0)
        qn_diags_add(self->diags, node->span, NULL, NULL,
                     "secrets are not supported by this version");
    else
        qn_diags_add(self->diags, node->span, "${param:NAME} or ${env:NAME}",
                     "write $${ where a plain ${ is meant", "'${%.*s}' stands for nothing",
                     ref.len < 60 ? (int)ref.len : 60, ref.data);
    return NULL;
}

/* Copies up to the next reference; false at the end of the text. */
static bool next_reference(struct expander *self, const struct qn_node *node, struct qn_strv *rest,
                           struct qn_buf *out, struct qn_strv *ref)
{
    const char *found = memmem(rest->data, rest->len, "${", 2);
    size_t before = found ? (size_t)(found - rest->data) : rest->len;
    bool escaped = found && before > 0 && found[-1] == '$';
    qn_buf_put(out, rest->data, before - escaped);
    if (!found)
        return false;
    const char *close = memchr(found, '}', rest->len - before);
    if (!escaped && !close) {
        qn_diags_add(self->diags, node->span, NULL, "write $${ where a plain ${ is meant",
                     "'${' is not closed by '}'");
        return false;
    }
    if (escaped) {
        qn_buf_put(out, "${", 2);
        *ref = (struct qn_strv){0};
        close = found + 1;
    } else {
        *ref = (struct qn_strv){found + 2, (size_t)(close - found) - 2};
    }
    size_t passed = (size_t)(close + 1 - rest->data);
    *rest = (struct qn_strv){close + 1, rest->len - passed};
    return true;
}

static bool is_secret(struct qn_strv text)
{
    return text.len > 7 && memcmp(text.data, "secret:", 7) == 0 &&
           qn_strv_is_identifier((struct qn_strv){text.data + 7, text.len - 7});
}

/* A text that is one reference and nothing else: in [ ] and { } YAML wants it in quotes, which then
 * say nothing of the value's type. */
static bool is_reference(struct qn_strv text)
{
    const char *close = text.len > 2 ? memchr(text.data, '}', text.len) : NULL;
    return close == text.data + text.len - 1 && text.data[0] == '$' && text.data[1] == '{';
}

static void expand_text(struct expander *self, struct qn_node *node)
{
    struct qn_strv rest = node->text, ref;
    if (is_secret(rest))
        qn_diags_add(self->diags, node->span, NULL, NULL,
                     "secrets are not supported by this version");
    if (!memmem(rest.data, rest.len, "${", 2))
        return;
    struct qn_buf out;
    qn_buf_init(&out);
    bool good = true;
    struct qn_span whole = node->span, wrong = whole;
    while (next_reference(self, node, &rest, &out, &ref)) {
        if (ref.data)
            node->span =
                qn_node_span_at(node, (size_t)(ref.data - node->text.data) - 2, ref.len + 3);
        const char *value = ref.data ? look_up(self, node, ref) : "";
        if (!value && good)
            wrong = node->span;
        node->span = whole;
        good &= value != NULL;
        if (value)
            qn_buf_put(&out, value, strlen(value));
    }
    node->span = wrong;
    node->expanded = true;
    node->quoted &= !is_reference(node->text);
    if (good) { /* else the text stays, so that what else is said of it is said of the same span */
        node->text = (struct qn_strv){qn_arena_strdup(self->arena, qn_buf_strv(&out)), out.len};
        self->no_memory |= !node->text.data || out.failed;
    }
    qn_buf_fini(&out);
}

/* --- the tree -------------------------------------------------------------------------------- */

static struct qn_node copy_node(struct expander *self, const struct qn_node *from)
{
    struct qn_node node = *from;
    if (node.kind == QN_NODE_SCALAR) {
        expand_text(self, &node);
    } else if (node.kind == QN_NODE_LIST) {
        struct qn_node *items = QN_NEW_ARRAY(self->arena, struct qn_node, node.n);
        self->no_memory |= !items;
        for (uint32_t i = 0; items && i < node.n; i++)
            items[i] = copy_node(self, &from->items[i]);
        node.items = items;
    } else if (node.kind == QN_NODE_MAP) {
        struct qn_pair *pairs = QN_NEW_ARRAY(self->arena, struct qn_pair, node.n);
        self->no_memory |= !pairs;
        for (uint32_t i = 0; pairs && i < node.n; i++) {
            pairs[i] = from->pairs[i];
            pairs[i].value = copy_node(self, &from->pairs[i].value);
        }
        node.pairs = pairs;
    }
    return node;
}

/* Params first: other values take what they expand to. */
static const struct qn_node *expand_params(struct expander *self, const struct qn_node *root)
{
    const struct qn_node *written = qn_node_get(root, "params");
    struct qn_node *params = written ? QN_NEW(self->arena, struct qn_node) : NULL;
    self->no_memory |= written && !params;
    if (!params)
        return NULL;
    self->in_params = true;
    *params = copy_node(self, written);
    self->in_params = false;
    return params;
}

const struct qn_node *qn_expand(const struct qn_node *root, const struct qn_setting *settings,
                                uint32_t n_settings, struct qn_arena *arena, struct qn_diags *diags,
                                struct qn_settings *used)
{
    struct expander self = {.settings = settings,
                            .n_settings = n_settings,
                            .arena = arena,
                            .diags = diags,
                            .used = used};
    struct qn_node *out = QN_NEW(arena, struct qn_node);
    if (!out)
        return NULL;
    self.params = expand_params(&self, root);
    check_settings(&self);
    for (uint32_t i = n_settings; i > 0; i--)
        note_used(&self, settings[i - 1].key, settings[i - 1].value);
    *out = copy_node(&self, root);
    return self.no_memory ? NULL : out;
}
