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

const struct qn_node *qn_into_table(const struct qn_node *node)
{
    return node && node->kind == QN_NODE_SCALAR ? node : qn_node_get(node, "table");
}

static bool is_reserved(struct qn_strv name)
{
    static const char *const prefixes[] = {"_quern_", "sqlite_"};
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        size_t n = strlen(prefixes[i]);
        if (name.len >= n &&
            qn_strv_eq_nocase((struct qn_strv){name.data, n}, qn_strv_from(prefixes[i])))
            return true;
    }
    return false;
}

void qn_into_read(const struct qn_node *node, struct qn_diags *diags, struct qn_into *out)
{
    const struct qn_node *table = qn_into_table(node);
    const char *how = qn_node_text(qn_node_get(node, "write_disposition"), "replace");
    out->table = qn_node_text(table, NULL);
    out->disposition = strcmp(how, "append") == 0 ? QN_WRITE_APPEND : QN_WRITE_REPLACE;
    if (table && table == node && !qn_strv_is_identifier(node->text))
        qn_diags_add(diags, node->span, "letters, digits and _, at most 63", NULL,
                     "'%s' is no table name", out->table);
    else if (out->table && is_reserved(table->text))
        qn_diags_add(diags, table->span, NULL, "choose another name",
                     "names of tables that start with _quern_ or sqlite_ are reserved");
}
