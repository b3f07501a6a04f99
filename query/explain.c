#include "query/explain.h"

#include <string.h>

static void put_tree(struct qn_buf *out, const struct qn_query_tree *tree)
{
    static const char *const ops[] = {[QN_QUERY_UNION] = "union",
                                      [QN_QUERY_INTERSECT] = "intersect",
                                      [QN_QUERY_EXCEPT] = "except"};
    if (tree->op == QN_QUERY_ROWS) {
        qn_buf_printf(out, "%s", tree->job);
        return;
    }
    qn_buf_printf(out, "(");
    put_tree(out, tree->left);
    qn_buf_printf(out, " %s%s ", ops[tree->op], tree->all ? " all" : "");
    put_tree(out, tree->right);
    qn_buf_printf(out, ")");
}

static void put_order(struct qn_buf *out, const struct qn_query_phase *phase)
{
    for (uint32_t i = 0; i < phase->n_keys; i++) {
        const struct qn_sort_key *key = &phase->keys[i];
        qn_buf_printf(out, "%s%s%s%s", i ? ", " : "; order by ",
                      phase->schema.fields[key->column].name, key->descending ? " desc" : "",
                      key->nulls_first == key->descending
                          ? (key->nulls_first ? " nulls first" : " nulls last")
                          : "");
    }
    if (phase->has_limit)
        qn_buf_printf(out, "; limit %llu", (unsigned long long)phase->limit);
    if (phase->offset)
        qn_buf_printf(out, "; offset %llu", (unsigned long long)phase->offset);
}

static void put_columns(struct qn_buf *out, const struct qn_query_phase *phase)
{
    for (uint32_t i = 0; i < phase->n_shown; i++) {
        char type[QN_TYPE_NAME];
        const char *name = phase->schema.fields[i].name;
        qn_buf_printf(out, "%s%s %s", i ? ", " : "", name,
                      qn_type_name(phase->schema.fields[i].type, type));
        if (phase->shown && strcmp(phase->shown[i], name) != 0)
            qn_buf_printf(out, " (shown as %s)", phase->shown[i]);
    }
}

static void put_sqlite(struct qn_buf *out, const struct qn_query_sqlite *sqlite)
{
    qn_buf_printf(out, "# SQLite answers:\n#   %s\n", sqlite->sql);
    for (uint32_t i = 0; i < sqlite->n_tables; i++) {
        const struct qn_query_staged *table = &sqlite->tables[i];
        qn_buf_printf(out, "# %s: rows of %s", table->table, table->job);
        for (uint32_t c = 0; c < table->schema.n_fields; c++)
            qn_buf_printf(out, "%s%s is %s", c ? ", " : "; ", table->columns[c],
                          table->schema.fields[c].name);
        qn_buf_printf(out, "\n");
    }
    for (uint32_t i = 0; i < sqlite->n_scalars; i++)
        qn_buf_printf(out, "# qn(%u, ...): %s, of a0, a1, ...\n", i, sqlite->scalars[i].text);
}

static void put_phase(struct qn_buf *out, const struct qn_query_phase *phase)
{
    if (!phase->spec && !phase->sqlite) {
        qn_buf_printf(out, "# one row, for a SELECT without FROM: %s\n", phase->file);
        return;
    }
    qn_buf_printf(out, "%s", phase->spec ? phase->spec : "");
    if (phase->sqlite)
        put_sqlite(out, phase->sqlite);
    qn_buf_printf(out, "# rows of ");
    if (phase->sqlite)
        qn_buf_printf(out, "SQLite");
    else
        put_tree(out, phase->tree);
    put_order(out, phase);
    qn_buf_printf(out, "\n# columns: ");
    put_columns(out, phase);
    if (phase->file)
        qn_buf_printf(out, "\n# into: %s", phase->file);
    qn_buf_printf(out, "\n");
}

void qn_query_explain(const struct qn_query *query, struct qn_buf *out)
{
    for (uint32_t i = 0; i < query->n_phases; i++) {
        if (query->n_phases > 1)
            qn_buf_printf(out, "%s# phase %u of %u\n", i ? "---\n" : "", i + 1, query->n_phases);
        put_phase(out, &query->phases[i]);
    }
}
