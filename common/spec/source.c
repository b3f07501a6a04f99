#include "spec/source.h"

#include <stdio.h>
#include <string.h>

/* --- what a source may hold ------------------------------------------------------------------ */

static const char *const on_malformed[] = {"quarantine", "fail", "skip", NULL};

static const struct qn_key column_keys[] = {
    {.name = "name",
     .shape = QN_SHAPE_TEXT,
     .required = true,
     .doc = "as the header has it; without a header, columns are declared in file order"},
    {.name = "type",
     .shape = QN_SHAPE_TYPE,
     .doc = "integer, double, decimal(p,s), text, boolean, date or timestamp; inferred when left "
            "out"},
    {.name = "null_values",
     .shape = QN_SHAPE_LIST,
     .item = QN_SHAPE_ANY,
     .or_single = true,
     .doc = "texts that mean NULL in this column"},
    {.name = "data_tests",
     .shape = QN_SHAPE_COLUMN_TESTS,
     .doc = "tests that every job reading the source runs on this column"},
};
static const struct qn_spec_keys column_object = QN_KEYS("column", column_keys);

static const char *const columns_contracts[] = {"evolve", "freeze", "quarantine", NULL};
static const char *const type_contracts[] = {"freeze", "quarantine", NULL};

static const struct qn_key contract_keys[] = {
    {.name = "columns",
     .shape = QN_SHAPE_ENUM,
     .values = columns_contracts,
     .doc = "keys that are no columns: keep them in a column _extra (evolve), fail the run "
            "(freeze), or quarantine the record; as on_malformed has it when left out"},
    {.name = "data_type",
     .shape = QN_SHAPE_ENUM,
     .values = type_contracts,
     .doc = "values of another type: fail the run (freeze) or quarantine the record; as "
            "on_malformed has it when left out"},
};
static const struct qn_spec_keys contract_object = QN_KEYS("schema_contract", contract_keys);

static const struct qn_key source_keys[] = {
    {.name = "path",
     .shape = QN_SHAPE_LIST,
     .item = QN_SHAPE_TEXT,
     .or_single = true,
     .doc = "file, glob, folder, or a list of them; relative to the spec's folder"},
    {.name = "lake",
     .shape = QN_SHAPE_IDENTIFIER,
     .doc = "instead of path: the name of a dataset of the lake"},
    {.name = "snapshot",
     .shape = QN_SHAPE_INT,
     .min = 1,
     .max = 0x1p53,
     .doc = "of a dataset: the number of a snapshot; the newest when left out"},
    {.name = "as_of",
     .shape = QN_SHAPE_TEXT,
     .doc = "of a dataset: the newest snapshot that is no younger, as in 2026-01-31T12:00:00Z"},
    {.name = "format",
     .shape = QN_SHAPE_ENUM,
     .doc = "how the files are written; by their suffix when left out"},
    {.name = "delimiter", .shape = QN_SHAPE_TEXT, .doc = "one character; sniffed when left out"},
    {.name = "quote",
     .shape = QN_SHAPE_TEXT,
     .doc = "one character, or '' for none; sniffed when left out"},
    {.name = "escape",
     .shape = QN_SHAPE_TEXT,
     .doc = "one character before a quote inside quotes; quotes are doubled when left out"},
    {.name = "comment", .shape = QN_SHAPE_TEXT, .doc = "lines that start with it are passed over"},
    {.name = "header",
     .shape = QN_SHAPE_BOOL,
     .doc = "whether the first line names the columns; sniffed when left out"},
    {.name = "encoding",
     .shape = QN_SHAPE_TEXT,
     .doc = "utf-8, utf-16, latin-1 or windows-1252; sniffed: utf-8 or utf-16"},
    {.name = "skip_rows",
     .shape = QN_SHAPE_INT,
     .min = 0,
     .max = 0x1p53,
     .doc = "lines to pass over before the header"},
    {.name = "chunk_size",
     .shape = QN_SHAPE_BYTES,
     .min = 1,
     .max = 0x1p53,
     .doc = "bytes of a file that one task reads; 16MiB when left out"},
    {.name = "table",
     .shape = QN_SHAPE_TEXT,
     .doc = "of a sqlite database: the table or view to read; when left out, its only one"},
    {.name = "query",
     .shape = QN_SHAPE_TEXT,
     .doc = "of a sqlite database: a SELECT to read instead of a table"},
    {.name = "key",
     .shape = QN_SHAPE_TEXT,
     .doc = "of a sqlite view or query: a column of unique integers to split it by"},
    {.name = "on_malformed",
     .shape = QN_SHAPE_ENUM,
     .values = on_malformed,
     .doc =
         "what becomes of rows that cannot be read: quarantine (default), fail the run, or skip"},
    {.name = "null_values",
     .shape = QN_SHAPE_LIST,
     .item = QN_SHAPE_ANY,
     .or_single = true,
     .doc = "texts that mean NULL in columns that do not list their own"},
    {.name = "columns",
     .shape = QN_SHAPE_LIST,
     .item = QN_SHAPE_OBJECT,
     .object = &column_object,
     .doc = "declared columns; those left out are inferred from a sample"},
    {.name = "schema_contract",
     .shape = QN_SHAPE_OBJECT,
     .object = &contract_object,
     .doc = "JSON: what becomes of what the schema does not have"},
    {.name = "records",
     .shape = QN_SHAPE_TEXT,
     .doc = "JSON: path of the array whose elements are the rows (order.items)"},
    {.name = "raw",
     .shape = QN_SHAPE_TEXT,
     .doc = "JSON: name of a column that holds each record as it stands"},
    {.name = "incremental", .shape = QN_SHAPE_ANY, .unsupported = true},
};
const struct qn_spec_keys qn_source_keys = QN_KEYS("source", source_keys);

/* --- reading --------------------------------------------------------------------------------- */

static const char *read_format(struct qn_spec *spec, const struct qn_node *node)
{
    const char *names[32] = {NULL};
    char expected[256], hint[QN_HINT_BYTES];
    size_t n = 0, at = 0;
    if (!node || node->kind != QN_NODE_SCALAR)
        return NULL;
    for (; spec->formats[n] && n < sizeof names / sizeof names[0]; n++) {
        names[n] = spec->formats[n]->format;
        if (qn_strv_is(node->text, names[n]))
            return names[n];
        if (at < sizeof expected)
            at += (size_t)snprintf(expected + at, sizeof expected - at, "%s%s", n ? ", " : "",
                                   names[n]);
    }
    qn_diags_add(&spec->diags, node->span, n ? expected : NULL,
                 qn_did_you_mean(node->text, names, n, hint), "there is no format '%s'",
                 node->text.data);
    return NULL;
}

/* A single byte of ASCII, '\0' when there is none; "\t" and "tab" mean the tab. */
static char read_character(struct qn_spec *spec, const struct qn_node *source, const char *key)
{
    const struct qn_node *node = qn_node_get(source, key);
    const char *text = qn_node_text(node, "");
    if (strcmp(text, "\\t") == 0 || strcmp(text, "tab") == 0)
        return '\t';
    if (!node || node->kind != QN_NODE_SCALAR ||
        (strlen(text) == 1 && text[0] > 0 && text[0] != '\n' && text[0] != '\r'))
        return text[0];
    bool may_be_empty = strcmp(key, "quote") == 0;
    if (text[0] || !may_be_empty)
        qn_diags_add(&spec->diags, node->span,
                     may_be_empty ? "one ASCII character, or '' for none" : "one ASCII character",
                     NULL, "'%s' cannot be '%s'", key, text);
    return '\0';
}

/* Words for NULL: `null` and `~` are taken as they are written. */
static const char *const *read_texts(struct qn_spec *spec, const struct qn_node *node, uint32_t *n)
{
    const struct qn_node *items = qn_node_items(node, n);
    const char **texts = QN_NEW_ARRAY(&spec->arena, const char *, *n + 1U);
    for (uint32_t i = 0; texts && i < *n; i++) {
        if (items[i].kind == QN_NODE_LIST || items[i].kind == QN_NODE_MAP)
            qn_diags_add(&spec->diags, items[i].span, "a text", NULL,
                         "'null_values' cannot hold %s", qn_node_what(&items[i]));
        texts[i] = items[i].text.data ? items[i].text.data : "";
    }
    return node && texts ? texts : NULL;
}

static void check_column(struct qn_spec *spec, const struct qn_source_options *options,
                         const struct qn_node *column, const struct qn_node *name, bool typed)
{
    const struct qn_pair *nulls = qn_node_pair(column, "null_values");
    if (typed || qn_node_get(column, "type"))
        return;
    if (nulls)
        qn_diags_add(&spec->diags, nulls->key_span, NULL, NULL,
                     "null_values of a column need its type beside them");
    if (options->header == 0)
        qn_diags_add(&spec->diags, name->span, NULL, NULL,
                     "column %s needs a type: without a header, columns go by their position",
                     name->text.data);
}

static bool is_declared(const struct qn_source_options *options, const char *name)
{
    for (uint32_t i = 0; i < options->n_columns; i++)
        if (strcmp(options->columns[i].name, name) == 0)
            return true;
    return false;
}

static void read_columns(struct qn_spec *spec, struct qn_source_options *options,
                         const struct qn_node *list)
{
    uint32_t n = list && list->kind == QN_NODE_LIST ? list->n : 0;
    struct qn_column_decl *columns = QN_NEW_ARRAY(&spec->arena, struct qn_column_decl, n);
    options->columns = n ? columns : NULL;
    for (uint32_t i = 0; columns && i < n; i++) {
        const struct qn_node *item = &list->items[i];
        const struct qn_node *name = qn_node_get(item, "name"), *type = qn_node_get(item, "type");
        struct qn_column_decl *column = &columns[options->n_columns];
        *column = (struct qn_column_decl){.name = qn_node_text(name, NULL)};
        if (!column->name)
            continue; /* said already */
        column->span = name->span;
        column->null_values =
            read_texts(spec, qn_node_get(item, "null_values"), &column->n_null_values);
        bool typed =
            type && type->kind == QN_NODE_SCALAR && qn_type_parse(type->text, &column->type);
        if (is_declared(options, column->name))
            qn_diags_add(&spec->diags, name->span, NULL, NULL, "column %s is declared twice",
                         column->name);
        else if (typed)
            options->n_columns++;
        check_column(spec, options, item, name, typed);
    }
}

static void read_dialect(struct qn_spec *spec, const struct qn_node *node,
                         struct qn_source_options *options)
{
    const struct qn_node *header = qn_node_get(node, "header");
    const struct qn_node *quote = qn_node_get(node, "quote");
    options->format = read_format(spec, qn_node_get(node, "format"));
    options->delimiter = read_character(spec, node, "delimiter");
    options->quote = read_character(spec, node, "quote");
    options->no_quote = quote && quote->kind == QN_NODE_SCALAR && quote->text.len == 0;
    options->escape = read_character(spec, node, "escape");
    options->comment = read_character(spec, node, "comment");
    options->header = header ? qn_node_bool(header, true) : -1;
    options->encoding = qn_node_text(qn_node_get(node, "encoding"), NULL);
    options->skip_rows = qn_node_i64(qn_node_get(node, "skip_rows"), -1);
    options->chunk_bytes = qn_node_bytes(qn_node_get(node, "chunk_size"), 0);
    options->table = qn_node_text(qn_node_get(node, "table"), NULL);
    options->query = qn_node_text(qn_node_get(node, "query"), NULL);
    options->key = qn_node_text(qn_node_get(node, "key"), NULL);
    options->null_values =
        read_texts(spec, qn_node_get(node, "null_values"), &options->n_null_values);
}

static enum qn_contract read_contract(const struct qn_node *contract, const char *key)
{
    const char *text = qn_node_text(qn_node_get(contract, key), "");
    return strcmp(text, "evolve") == 0       ? QN_CONTRACT_EVOLVE
           : strcmp(text, "freeze") == 0     ? QN_CONTRACT_FREEZE
           : strcmp(text, "quarantine") == 0 ? QN_CONTRACT_QUARANTINE
                                             : QN_CONTRACT_NONE;
}

static void read_json(const struct qn_node *node, struct qn_source_options *options)
{
    const struct qn_node *contract = qn_node_get(node, "schema_contract");
    options->columns_contract = read_contract(contract, "columns");
    options->data_type_contract = read_contract(contract, "data_type");
    options->records = qn_node_text(qn_node_get(node, "records"), NULL);
    options->raw = qn_node_text(qn_node_get(node, "raw"), NULL);
}

/* Files, or a dataset at one of its snapshots. */
static void read_place(struct qn_spec *spec, const struct qn_node *node, struct qn_spec_source *out)
{
    const struct qn_node *snapshot = qn_node_get(node, "snapshot");
    const struct qn_pair *as_of = qn_node_pair(node, "as_of");
    int64_t number = qn_node_i64(snapshot, 0);
    out->path = qn_node_get(node, "path");
    out->lake = qn_node_get(node, "lake");
    out->snapshot = number > 0 ? (uint64_t)number : 0;
    out->as_of = as_of ? qn_node_text(&as_of->value, NULL) : NULL;
    if (node->kind == QN_NODE_MAP && !out->path && !out->lake)
        qn_diags_add(&spec->diags, node->span, NULL, NULL, "source %s needs path", out->name);
    if (out->path && out->lake)
        qn_diags_add(&spec->diags, qn_node_pair(node, "lake")->key_span, NULL, NULL,
                     "source %s has a path already", out->name);
    if (snapshot && as_of)
        qn_diags_add(&spec->diags, as_of->key_span, NULL, NULL,
                     "source %s names a snapshot already", out->name);
    out->usable &= (out->path || out->lake) && !(out->path && out->lake);
}

void qn_spec_source_read(struct qn_spec *spec, const struct qn_pair *pair,
                         struct qn_spec_source *out)
{
    const struct qn_node *node = &pair->value;
    *out = (struct qn_spec_source){.name = pair->key.data, .node = node};
    struct qn_source_options *options = &out->options;
    options->name = out->name;
    out->usable =
        qn_keys_check_with(&qn_source_keys, NULL, node, out->name, &spec->diags) != QN_FORM_BAD;
    read_place(spec, node, out);
    const char *malformed = qn_node_text(qn_node_get(node, "on_malformed"), "quarantine");
    options->on_malformed = strcmp(malformed, "fail") == 0   ? QN_MALFORMED_FAIL
                            : strcmp(malformed, "skip") == 0 ? QN_MALFORMED_SKIP
                                                             : QN_MALFORMED_QUARANTINE;
    read_dialect(spec, node, options);
    read_json(node, options);
    read_columns(spec, options, qn_node_get(node, "columns"));
}
