#include "spec/expand.h"

#include <stdio.h>
#include <stdlib.h>

struct expander {
    const struct qn_node *params;
    const struct qn_setting *settings;
    uint32_t n_settings;
    struct qn_arena *arena;
    struct qn_diags *diags;
    bool no_memory;
};

static const char *find_param(const struct expander *self, struct qn_strv name)
{
    for (uint32_t i = 0; i < self->n_settings; i++)
        if (qn_strv_is(name, self->settings[i].key))
            return self->settings[i].value;
    for (uint32_t i = 0; self->params && i < self->params->n; i++)
        if (self->params->kind == QN_NODE_MAP && qn_strv_eq(self->params->pairs[i].key, name))
            return qn_node_text(&self->params->pairs[i].value, NULL);
    return NULL;
}

static const char *look_up(struct expander *self, const struct qn_node *node, struct qn_strv ref)
{
    char hint[128];
    if (ref.len > 6 && memcmp(ref.data, "param:", 6) == 0) {
        struct qn_strv name = {ref.data + 6, ref.len - 6};
        const char *value = find_param(self, name);
        if (!value) {
            snprintf(hint, sizeof hint, "give it by --set %.*s=VALUE or under params",
                     QN_STRV_ARG(name));
            qn_diags_add(self->diags, node->span, NULL, hint, "param '%.*s' has no value",
                         QN_STRV_ARG(name));
        }
        return value;
    }
    if (ref.len > 4 && memcmp(ref.data, "env:", 4) == 0) {
        char name[128];
        snprintf(name, sizeof name, "%.*s", (int)(ref.len - 4), ref.data + 4);
        const char *value = getenv(name);
        if (!value)
            qn_diags_add(self->diags, node->span, NULL, NULL, "environment variable %s is not set",
                         name);
        return value;
    }
    qn_diags_add(self->diags, node->span, "${param:NAME} or ${env:NAME}", NULL,
                 "'${%.*s}' refers to nothing", QN_STRV_ARG(ref));
    return NULL;
}

static void expand_text(struct expander *self, struct qn_node *node)
{
    struct qn_buf out;
    struct qn_strv rest = node->text;
    const char *dollar;
    if (!memmem(rest.data, rest.len, "${", 2))
        return;
    qn_buf_init(&out);
    while ((dollar = memmem(rest.data, rest.len, "${", 2))) {
        size_t before = (size_t)(dollar - rest.data);
        const char *close = memchr(dollar, '}', rest.len - before);
        if (!close)
            break;
        qn_buf_put(&out, rest.data, before);
        const char *value =
            look_up(self, node, (struct qn_strv){dollar + 2, (size_t)(close - dollar) - 2});
        if (value)
            qn_buf_put(&out, value, strlen(value));
        rest = (struct qn_strv){close + 1, rest.len - (size_t)(close + 1 - rest.data)};
    }
    qn_buf_put(&out, rest.data, rest.len);
    node->text = (struct qn_strv){qn_arena_strdup(self->arena, qn_buf_strv(&out)), out.len};
    node->expanded = true;
    self->no_memory |= !node->text.data || out.failed;
    qn_buf_fini(&out);
}

static struct qn_node copy(struct expander *self, const struct qn_node *from)
{
    struct qn_node node = *from;
    if (node.kind == QN_NODE_SCALAR)
        expand_text(self, &node);
    if (node.kind == QN_NODE_LIST) {
        struct qn_node *items = QN_NEW_ARRAY(self->arena, struct qn_node, node.n);
        self->no_memory |= !items;
        for (uint32_t i = 0; items && i < node.n; i++)
            items[i] = copy(self, &from->items[i]);
        node.items = items;
    }
    if (node.kind == QN_NODE_MAP) {
        struct qn_pair *pairs = QN_NEW_ARRAY(self->arena, struct qn_pair, node.n);
        self->no_memory |= !pairs;
        for (uint32_t i = 0; pairs && i < node.n; i++) {
            pairs[i] = from->pairs[i];
            pairs[i].value = copy(self, &from->pairs[i].value);
        }
        node.pairs = pairs;
    }
    return node;
}

static void check_settings(struct expander *self)
{
    for (uint32_t i = 0; i < self->n_settings; i++)
        if (!qn_node_get(self->params, self->settings[i].key))
            qn_diags_add(self->diags, (struct qn_span){0}, NULL,
                         "declare it under params, or check its name",
                         "--set %s: the spec has no such param", self->settings[i].key);
}

const struct qn_node *qn_expand(const struct qn_node *root, const struct qn_node *params,
                                const struct qn_setting *settings, uint32_t n_settings,
                                struct qn_arena *arena, struct qn_diags *diags)
{
    struct expander self = {.params = params,
                            .settings = settings,
                            .n_settings = n_settings,
                            .arena = arena,
                            .diags = diags};
    check_settings(&self);
    struct qn_node *out = QN_NEW(arena, struct qn_node);
    if (!out)
        return NULL;
    *out = copy(&self, root);
    return self.no_memory ? NULL : out;
}
