/* expand: ${param:NAME} and ${env:NAME} in the values of a spec. */
#ifndef QN_SPEC_EXPAND_H
#define QN_SPEC_EXPAND_H

#include "spec/node.h"
#include "spec/spec.h"

/* A copy of the tree with every reference replaced. `params` is the spec's own mapping (or NULL);
 * settings come before it. Complaints go to diags. NULL when out of memory. */
const struct qn_node *qn_expand(const struct qn_node *root, const struct qn_node *params,
                                const struct qn_setting *settings, uint32_t n_settings,
                                struct qn_arena *arena, struct qn_diags *diags);

#endif
