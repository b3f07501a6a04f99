#include "jobs/into.h"

#include <string.h>

static const char *const dispositions[] = {"append", "replace", NULL};
static const char *const later[] = {"merge", NULL};

static const struct qn_key keys[] = {
    {.name = "table", .shape = QN_SHAPE_IDENTIFIER, .required = true, .doc = "in the warehouse"},
    {.name = "write_disposition",
     .shape = QN_SHAPE_ENUM,
     .values = dispositions,
     .unsupported_values = later,
     .doc = "append, or replace (default)"},
};
const struct qn_spec_keys qn_into_keys = QN_KEYS("into", keys);

void qn_into_read(const struct qn_node *node, struct qn_diags *diags, struct qn_into *out)
{
    bool is_name = node && node->kind == QN_NODE_SCALAR;
    const char *how = qn_node_text(qn_node_get(node, "write_disposition"), "replace");
    out->table = qn_node_text(is_name ? node : qn_node_get(node, "table"), NULL);
    out->disposition = strcmp(how, "append") == 0 ? QN_WRITE_APPEND : QN_WRITE_REPLACE;
    if (is_name && !qn_strv_is_identifier(node->text))
        qn_diags_add(diags, node->span, "letters, digits and _, at most 63", NULL,
                     "'%s' is no table name", out->table);
}
