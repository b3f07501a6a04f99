#include "parquet/fields.h"

#include "base/hash.h"
#include "base/limits.h"
#include "parquet/pages.h"

struct lister {
    const struct qn_pq_tree *tree;
    struct qn_arena *arena;
    struct qn_pq_field *fields;
    uint64_t *hashes; /* of the names */
    uint32_t n;
};

static bool is_taken(const struct lister *l, const char *name, uint64_t hash)
{
    for (uint32_t i = 0; i < l->n; i++)
        if (l->hashes[i] == hash && strcmp(l->fields[i].name, name) == 0)
            return true;
    return false;
}

/* As CSV's are: nothing becomes columnN, and what was there before gets _1, _2, ... Letters count
 * as they are. */
static const char *unique_name(const struct lister *l, struct qn_strv text, uint64_t *hash)
{
    const char *base =
        text.len ? qn_arena_strdup(l->arena, text) : qn_arena_printf(l->arena, "column%u", l->n);
    const char *name = base;
    for (unsigned k = 1; name; k++) {
        *hash = qn_hash_xxh64(name, strlen(name));
        if (!is_taken(l, name, *hash))
            break;
        name = qn_arena_printf(l->arena, "%s_%u", base, k);
    }
    return name;
}

static qn_code add_field(struct lister *l, const struct qn_pq_node *node, struct qn_err *err)
{
    if (l->n == QN_MAX_COLUMNS)
        return qn_err_set(err, QN_ELIMIT, QN_BLAME_INPUT, "more than %d columns", QN_MAX_COLUMNS);
    struct qn_buf name;
    qn_buf_init(&name);
    qn_pq_node_path(l->tree, node, &name);
    struct qn_strv text = qn_buf_strv(&name);
    bool good = qn_utf8_valid(text) && (text.len == 0 || !memchr(text.data, 0, text.len));
    const char *copy = name.failed || !good ? NULL : unique_name(l, text, &l->hashes[l->n]);
    qn_buf_fini(&name);
    if (!good)
        return qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT, "column %u has a name that is no text",
                          l->n + 1);
    if (!copy)
        return qn_err_nomem(err, "column names");
    l->fields[l->n++] = (struct qn_pq_field){copy, node};
    return QN_OK;
}

static qn_code list(struct lister *l, uint32_t at, struct qn_err *err)
{
    const struct qn_pq_node *node = &l->tree->nodes[at];
    bool whole =
        node->element->repetition == QN_PQ_REPEATED || qn_pq_is_list(node) || qn_pq_is_map(node);
    if (node->n_leaves == 0)
        return QN_OK; /* a group without columns has nothing to read */
    if (at > 0 && (whole || qn_pq_is_leaf(node)))
        return add_field(l, node, err);
    for (uint32_t child = node->first_child; child; child = l->tree->nodes[child].sibling)
        QN_TRY(list(l, child, err));
    return QN_OK;
}

qn_code qn_pq_fields_list(const struct qn_pq_tree *tree, struct qn_arena *arena,
                          struct qn_pq_field **out, uint32_t *n, struct qn_err *err)
{
    uint32_t most = tree->n_leaves < QN_MAX_COLUMNS ? tree->n_leaves : QN_MAX_COLUMNS;
    struct lister l = {tree, arena, QN_NEW_ARRAY(arena, struct qn_pq_field, most + 1U),
                       QN_NEW_ARRAY(arena, uint64_t, most + 1U), 0};
    if (!l.fields || !l.hashes)
        return qn_err_nomem(err, "column names");
    QN_TRY(list(&l, 0, err));
    *out = l.fields;
    *n = l.n;
    return QN_OK;
}
