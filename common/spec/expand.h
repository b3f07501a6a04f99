/* expand: ${param:NAME} and ${env:NAME} in the values of a spec. */
#ifndef QN_SPEC_EXPAND_H
#define QN_SPEC_EXPAND_H

#include "spec/node.h"
#include "spec/spec.h"

/* The values that were used, sorted by name: the settings, and "env:NAME" for what came from the
 * environment. With them the same text reads the same on another machine. */
struct qn_settings {
    struct qn_setting *items;
    uint32_t n, capacity;
};

/* A copy of the tree with every reference replaced; `$${` stands for a plain `${`. Params are
 * declared under the root's `params`; settings come before their values there (the last of a name
 * counts), a setting "env:NAME" before the environment. Complaints go to diags. NULL when out of
 * memory. */
const struct qn_node *qn_expand(const struct qn_node *root, const struct qn_setting *settings,
                                uint32_t n_settings, struct qn_arena *arena, struct qn_diags *diags,
                                struct qn_settings *used);

#endif
