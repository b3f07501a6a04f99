#include "jobs/into.h"

#include <string.h>

#include "base/limits.h"
#include "jobs/lookup.h"

static const char *const dispositions[] = {"append", "replace", NULL};
static const char *const later[] = {"merge", NULL};

static const struct qn_key keys[] = {
    {.name = "table", .shape = QN_SHAPE_IDENTIFIER, .doc = "in the warehouse"},
    {.name = "lake", .shape = QN_SHAPE_IDENTIFIER, .doc = "a dataset: a folder in the lake"},
    {.name = "file", .shape = QN_SHAPE_TEXT, .doc = "one file; relative to the spec's folder"},
    {.name = "write_disposition",
     .shape = QN_SHAPE_ENUM,
     .values = dispositions,
     .unsupported_values = later,
     .doc = "append, or replace (default)"},
    {.name = "indexes",
     .shape = QN_SHAPE_LIST,
     .item = QN_SHAPE_LIST,
     .doc = "of a table, made when the rows are in: lists of columns"},
    {.name = "format",
     .shape = QN_SHAPE_TEXT,
     .doc = "of files: parquet (default of a dataset), csv, jsonl; of a file by its suffix"},
    {.name = "codec", .shape = QN_SHAPE_TEXT, .doc = "how files of the format are compressed"},
    {.name = "level",
     .shape = QN_SHAPE_INT,
     .min = 1,
     .max = 22,
     .doc = "how hard the codec tries; its own when left out"},
    {.name = "bloom",
     .shape = QN_SHAPE_LIST,
     .item = QN_SHAPE_TEXT,
     .or_single = true,
     .doc = "columns that get bloom filters (parquet), for = and IN of values that are few"},
    {.name = "partition_by",
     .shape = QN_SHAPE_LIST,
     .item = QN_SHAPE_TEXT,
     .or_single = true,
     .doc = "columns of a dataset whose values name its folders"},
    {.name = "file_size",
     .shape = QN_SHAPE_BYTES,
     .min = 1,
     .max = 0x1p53,
     .doc = "what files of a dataset grow to; 128MiB when left out"},
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

/* --- where to -------------------------------------------------------------------------------- */

/* Keys that make sense with some places only. */
static const struct use {
    const char *key, *places[3];
} uses[] = {
    {"indexes", {"table"}},      {"format", {"lake", "file"}}, {"codec", {"lake", "file"}},
    {"level", {"lake", "file"}}, {"partition_by", {"lake"}},   {"file_size", {"lake"}},
    {"bloom", {"lake", "file"}},
};

static void check_uses(const struct qn_node *node, const char *place, struct qn_diags *diags)
{
    for (size_t i = 0; i < sizeof uses / sizeof uses[0]; i++) {
        const struct qn_pair *pair = qn_node_pair(node, uses[i].key);
        bool fits = false;
        for (size_t k = 0; k < 3 && uses[i].places[k]; k++)
            fits |= strcmp(uses[i].places[k], place) == 0;
        if (pair && !fits)
            qn_diags_add(diags, pair->key_span, NULL, NULL, "'%s' says nothing of a %s",
                         uses[i].key, strcmp(place, "lake") == 0 ? "dataset of the lake" : place);
    }
}

/* One of table, lake and file. */
static void check_place(const struct qn_node *node, struct qn_diags *diags)
{
    static const char *const places[] = {"table", "lake", "file"};
    const char *found = NULL;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        const struct qn_pair *pair = qn_node_pair(node, places[i]);
        if (pair && found)
            qn_diags_add(diags, pair->key_span, NULL, "make two jobs of it",
                         "rows go to a %s already", found);
        else if (pair)
            found = places[i];
    }
    if (found)
        check_uses(node, found, diags);
    else if (node->kind == QN_NODE_MAP)
        qn_diags_add(diags, node->span, "one of: table, lake, file", NULL,
                     "'into' does not say where rows go");
}

void qn_into_read(const struct qn_node *node, struct qn_diags *diags, struct qn_into *out)
{
    const struct qn_node *table = qn_into_table(node);
    const char *how = qn_node_text(qn_node_get(node, "write_disposition"), "replace");
    out->table = qn_node_text(table, NULL);
    out->disposition = strcmp(how, "append") == 0 ? QN_WRITE_APPEND : QN_WRITE_REPLACE;
    if (node && node->kind == QN_NODE_MAP)
        check_place(node, diags);
    if (table && table == node && !qn_strv_is_identifier(node->text))
        qn_diags_add(diags, node->span, "letters, digits and _, at most 63", NULL,
                     "'%s' is no table name", out->table);
    else if (out->table && is_reserved(table->text))
        qn_diags_add(diags, table->span, NULL, "choose another name",
                     "names of tables that start with _quern_ or sqlite_ are reserved");
}

/* --- indexes ---------------------------------------------------------------------------------- */

/* The columns of one index as the schema spells them; false after a complaint. */
static bool read_columns(const struct qn_node *node, const struct qn_job *job,
                         struct qn_diags *diags, const char **columns)
{
    if (node->n == 0 || node->n > QN_MAX_INDEXES) {
        qn_diags_add(diags, node->span, NULL, NULL, "an index has %u columns; 1 to %d are possible",
                     node->n, QN_MAX_INDEXES);
        return false;
    }
    for (uint32_t i = 0; i < node->n; i++) {
        const struct qn_node *item = &node->items[i];
        int32_t at =
            qn_lookup_column(&job->out, job->gaps, item->text, item->span, " in the rows", diags);
        if (at < 0)
            return false;
        columns[i] = job->out.fields[at].name;
        for (uint32_t before = 0; before < i; before++)
            if (columns[before] == columns[i]) {
                qn_diags_add(diags, item->span, NULL, NULL, "column %s is in the index already",
                             columns[i]);
                return false;
            }
    }
    return true;
}

/* "ix_TABLE__COLUMN__COLUMN": two underscores, since names have single ones. */
static const char *name_of(const char *table, const char *const *columns, uint32_t n,
                           struct qn_arena *arena)
{
    const char *name = qn_arena_printf(arena, "ix_%s", table);
    for (uint32_t i = 0; name && i < n; i++)
        name = qn_arena_printf(arena, "%s__%s", name, columns[i]);
    return name;
}

static qn_code read_index(const struct qn_node *node, struct qn_job *job, struct qn_arena *arena,
                          struct qn_diags *diags, struct qn_index *indexes, struct qn_err *err)
{
    struct qn_into *out = &job->into;
    const char **columns = QN_NEW_ARRAY(arena, const char *, node->n);
    if (!columns)
        return qn_err_nomem(err, "an index");
    if (!read_columns(node, job, diags, columns))
        return QN_OK;
    const char *name = name_of(out->table, columns, node->n, arena);
    if (!name)
        return qn_err_nomem(err, "an index");
    for (uint32_t i = 0; i < out->n_indexes; i++)
        if (qn_strv_eq_nocase(qn_strv_from(indexes[i].name), qn_strv_from(name))) {
            qn_diags_add(diags, node->span, NULL, NULL, "index %s is there already", name);
            return QN_OK;
        }
    indexes[out->n_indexes++] = (struct qn_index){name, columns, node->n};
    return QN_OK;
}

qn_code qn_into_read_indexes(const struct qn_node *node, struct qn_job *job, struct qn_arena *arena,
                             struct qn_diags *diags, struct qn_err *err)
{
    struct qn_into *out = &job->into;
    const struct qn_node *list = qn_node_get(node, "indexes");
    if (!list || !out->table)
        return QN_OK;
    if (list->n > QN_MAX_INDEXES) {
        qn_diags_add(diags, list->span, NULL, NULL, "%u indexes; at most %d are possible", list->n,
                     QN_MAX_INDEXES);
        return QN_OK;
    }
    struct qn_index *indexes = QN_NEW_ARRAY(arena, struct qn_index, list->n);
    if (!indexes)
        return qn_err_nomem(err, "indexes");
    out->indexes = indexes;
    for (uint32_t i = 0; i < list->n; i++)
        QN_TRY(read_index(&list->items[i], job, arena, diags, indexes, err));
    return QN_OK;
}
