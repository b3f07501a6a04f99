#include "spec/spec.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "spec/expand.h"
#include "spec/keys.h"
#include "spec/tests.h"

/* --- what the top and a source may hold ------------------------------------------------------ */

static const char *const formats_text[] = {"csv", NULL};
static const char *const on_malformed[] = {"quarantine", "fail", "skip", NULL};

static const struct qn_key column_keys[] = {
    {.name = "name", .shape = QN_SHAPE_TEXT, .required = true, .doc = "as the header has it"},
    {.name = "type", .shape = QN_SHAPE_TYPE, .doc = "its type; inferred when left out"},
    {.name = "null_values",
     .shape = QN_SHAPE_LIST,
     .item = QN_SHAPE_SCALAR,
     .or_single = true,
     .doc = "texts that mean NULL"},
    {.name = "data_tests", .shape = QN_SHAPE_ANY, .doc = "tests of this column"},
};
static const struct qn_spec_keys column_object = QN_KEYS("column", column_keys);

static const struct qn_key source_keys[] = {
    {.name = "path",
     .shape = QN_SHAPE_LIST,
     .item = QN_SHAPE_TEXT,
     .or_single = true,
     .required = true,
     .doc = "file, glob, folder, or a list of them"},
    {.name = "format",
     .shape = QN_SHAPE_ENUM,
     .values = formats_text,
     .doc = "from the suffix when left out"},
    {.name = "delimiter", .shape = QN_SHAPE_TEXT, .doc = "one character; sniffed when left out"},
    {.name = "quote", .shape = QN_SHAPE_TEXT, .doc = "one character, or '' for none"},
    {.name = "escape", .shape = QN_SHAPE_TEXT, .doc = "one character"},
    {.name = "comment", .shape = QN_SHAPE_TEXT, .doc = "lines that start with it are skipped"},
    {.name = "header", .shape = QN_SHAPE_BOOL, .doc = "whether the first line names the columns"},
    {.name = "encoding", .shape = QN_SHAPE_TEXT, .doc = "utf-8 when left out"},
    {.name = "skip_rows", .shape = QN_SHAPE_INT, .max = 1e9, .doc = "lines before the header"},
    {.name = "chunk_size", .shape = QN_SHAPE_BYTES, .doc = "16MiB when left out"},
    {.name = "on_malformed",
     .shape = QN_SHAPE_ENUM,
     .values = on_malformed,
     .doc = "what happens to rows that cannot be read"},
    {.name = "null_values",
     .shape = QN_SHAPE_LIST,
     .item = QN_SHAPE_SCALAR,
     .or_single = true,
     .doc = "texts that mean NULL in every column"},
    {.name = "columns",
     .shape = QN_SHAPE_LIST,
     .item = QN_SHAPE_OBJECT,
     .object = &column_object,
     .doc = "declared columns; the others are inferred"},
};
static const struct qn_spec_keys source_object = QN_KEYS("source", source_keys);

static const struct qn_key top_keys[] = {
    {.name = "version", .shape = QN_SHAPE_INT, .required = true, .min = 1, .max = 1.5, .doc = "1"},
    {.name = "name", .shape = QN_SHAPE_IDENTIFIER, .required = true, .doc = "of this pipeline"},
    {.name = "seed", .shape = QN_SHAPE_INT, .max = 9e18, .doc = "of all random choice (0)"},
    {.name = "warehouse", .shape = QN_SHAPE_TEXT, .doc = "SQLite file; NAME.db when left out"},
    {.name = "params",
     .shape = QN_SHAPE_MAP,
     .item = QN_SHAPE_SCALAR,
     .doc = "values for ${param:NAME}, overridden by --set"},
    {.name = "sources",
     .shape = QN_SHAPE_MAP,
     .item = QN_SHAPE_OBJECT,
     .object = &source_object,
     .required = true,
     .doc = "where rows come from"},
    {.name = "jobs",
     .shape = QN_SHAPE_MAP,
     .item = QN_SHAPE_ANY,
     .required = true,
     .doc = "what is done with them"},
};
static const struct qn_spec_keys top_object = QN_KEYS("the spec", top_keys);

/* --- the file -------------------------------------------------------------------------------- */

static qn_code read_file(struct qn_spec *spec, const char *path, struct qn_err *err)
{
    struct stat at;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &at) != 0)
        return qn_err_io(err, "read", path);
    size_t room = (size_t)QN_MAX_SPEC_BYTES + 2, used = 0;
    char *text = qn_arena_alloc(&spec->arena, room);
    ssize_t n = text ? 1 : 0;
    while (n > 0 && used < room - 1) {
        n = read(fd, text + used, room - 1 - used);
        used += n > 0 ? (size_t)n : 0;
    }
    close(fd);
    if (!text)
        return qn_err_nomem(err, "the spec");
    if (n < 0)
        return qn_err_io(err, "read", path);
    text[used] = '\0';
    spec->text = (struct qn_strv){text, used};
    return QN_OK;
}

static qn_code find_folder(struct qn_spec *spec, struct qn_err *err)
{
    char *whole = realpath(spec->path, NULL);
    char *slash = whole ? strrchr(whole, '/') : NULL;
    if (!slash) {
        free(whole);
        return qn_err_io(err, "find", spec->path);
    }
    spec->folder = qn_arena_strdup(
        &spec->arena, (struct qn_strv){whole, slash == whole ? 1 : (size_t)(slash - whole)});
    free(whole);
    return spec->folder ? QN_OK : qn_err_nomem(err, "the spec");
}

static void hash_spec(struct qn_spec *spec, const struct qn_setting *settings, uint32_t n)
{
    struct qn_sha256 sha;
    qn_sha256_init(&sha);
    qn_sha256_update(&sha, spec->text.data, spec->text.len);
    for (uint32_t i = 0; i < n; i++) {
        qn_sha256_update(&sha, settings[i].key, strlen(settings[i].key) + 1);
        qn_sha256_update(&sha, settings[i].value, strlen(settings[i].value) + 1);
    }
    qn_sha256_hex(&sha, spec->sha256);
}

/* --- sources --------------------------------------------------------------------------------- */

static char one_char(struct qn_spec *spec, const struct qn_node *node)
{
    const char *text = qn_node_text(node, "");
    if (strcmp(text, "\\t") == 0)
        return '\t';
    if (node && strlen(text) != 1 && text[0])
        qn_diags_add(&spec->diags, node->span, "one character", NULL, "'%s' is not one character",
                     text);
    return text[0];
}

static const char *const *read_texts(struct qn_spec *spec, const struct qn_node *node, uint32_t *n)
{
    const struct qn_node *items = qn_node_items(node, n);
    const char **texts = QN_NEW_ARRAY(&spec->arena, const char *, *n + 1U);
    for (uint32_t i = 0; texts && i < *n; i++)
        texts[i] = qn_node_text(&items[i], items[i].text.data ? items[i].text.data : "");
    return node && texts ? texts : NULL;
}

static void read_columns(struct qn_spec *spec, struct qn_source_options *options,
                         const struct qn_node *list)
{
    uint32_t n;
    const struct qn_node *items = qn_node_items(list, &n);
    struct qn_column_decl *columns = QN_NEW_ARRAY(&spec->arena, struct qn_column_decl, n);
    options->columns = columns;
    for (uint32_t i = 0; columns && i < n; i++) {
        const struct qn_node *type = qn_node_get(&items[i], "type");
        const struct qn_node *tests = qn_node_get(&items[i], "data_tests");
        const struct qn_node *name = qn_node_get(&items[i], "name");
        struct qn_column_decl *column = &columns[options->n_columns];
        column->name = qn_node_text(name, NULL);
        column->span = name ? name->span : items[i].span;
        if (tests)
            qn_tests_check(tests, true, &spec->diags);
        column->null_values =
            read_texts(spec, qn_node_get(&items[i], "null_values"), &column->n_null_values);
        bool typed =
            type && type->kind == QN_NODE_SCALAR && qn_type_parse(type->text, &column->type);
        /* Without a type a column is inferred; its tests are still the job's to read. */
        options->n_columns += typed && column->name;
    }
}

static void read_source(struct qn_spec *spec, const struct qn_pair *pair,
                        struct qn_spec_source *out)
{
    const struct qn_node *node = &pair->value;
    struct qn_source_options *options = &out->options;
    out->name = options->name = pair->key.data;
    out->node = node;
    out->path = qn_node_get(node, "path");
    options->format = qn_node_text(qn_node_get(node, "format"), NULL);
    options->delimiter = one_char(spec, qn_node_get(node, "delimiter"));
    options->quote = one_char(spec, qn_node_get(node, "quote"));
    options->no_quote = qn_node_get(node, "quote") && !options->quote;
    options->escape = one_char(spec, qn_node_get(node, "escape"));
    options->comment = one_char(spec, qn_node_get(node, "comment"));
    const struct qn_node *header = qn_node_get(node, "header");
    options->header = header ? qn_node_bool(header, true) : -1;
    options->encoding = qn_node_text(qn_node_get(node, "encoding"), NULL);
    options->skip_rows = qn_node_i64(qn_node_get(node, "skip_rows"), -1);
    options->chunk_bytes = qn_node_bytes(qn_node_get(node, "chunk_size"), 0);
    const char *malformed = qn_node_text(qn_node_get(node, "on_malformed"), "quarantine");
    options->on_malformed = strcmp(malformed, "fail") == 0   ? QN_MALFORMED_FAIL
                            : strcmp(malformed, "skip") == 0 ? QN_MALFORMED_SKIP
                                                             : QN_MALFORMED_QUARANTINE;
    options->null_values =
        read_texts(spec, qn_node_get(node, "null_values"), &options->n_null_values);
    read_columns(spec, options, qn_node_get(node, "columns"));
}

/* --- jobs ------------------------------------------------------------------------------------ */

static const struct qn_job_ops *find_kind(struct qn_spec *spec, const struct qn_pair *pair,
                                          const struct qn_job_ops *const *kinds)
{
    const struct qn_node *kind = qn_node_get(&pair->value, "kind");
    const char *names[64];
    char expected[256] = "one of: ", hint[96];
    size_t n = 0;
    if (!kind) {
        qn_diags_add(&spec->diags, pair->key_span, "kind: etl, for one", NULL,
                     "job %s does not say its kind", pair->key.data);
        return NULL;
    }
    for (; kinds[n] && n < 64; n++) {
        if (kind->kind == QN_NODE_SCALAR && qn_strv_is(kind->text, kinds[n]->kind))
            return kinds[n];
        names[n] = kinds[n]->kind;
        strncat(expected, n ? ", " : "", sizeof expected - strlen(expected) - 1);
        strncat(expected, names[n], sizeof expected - strlen(expected) - 1);
    }
    const char *near = qn_strv_closest(kind->text, names, n);
    if (near)
        snprintf(hint, sizeof hint, "did you mean '%s'?", near);
    qn_diags_add(&spec->diags, kind->span, expected, near ? hint : NULL,
                 "there is no kind of job '%s'", qn_node_text(kind, ""));
    return NULL;
}

static void read_job(struct qn_spec *spec, const struct qn_pair *pair,
                     const struct qn_job_ops *const *kinds, struct qn_spec_job *out)
{
    *out = (struct qn_spec_job){
        .name = pair->key.data, .name_span = pair->key_span, .node = &pair->value};
    if (!qn_strv_is_identifier(pair->key))
        qn_diags_add(&spec->diags, pair->key_span, "letters, digits and '_'", NULL,
                     "'%s' cannot name a job", pair->key.data);
    if (pair->value.kind != QN_NODE_MAP) {
        qn_diags_add(&spec->diags, pair->value.span, "a mapping with its kind", NULL,
                     "job %s is %s", pair->key.data, qn_node_what(&pair->value));
        return;
    }
    out->ops = find_kind(spec, pair, kinds);
    if (out->ops)
        qn_keys_check(out->ops->keys, &pair->value, pair->key.data, &spec->diags);
}

/* --- the whole ------------------------------------------------------------------------------- */

static qn_code read_members(struct qn_spec *spec, const struct qn_node *root,
                            const struct qn_job_ops *const *kinds, struct qn_err *err)
{
    const struct qn_node *sources = qn_node_get(root, "sources");
    const struct qn_node *jobs = qn_node_get(root, "jobs");
    spec->name = qn_node_text(qn_node_get(root, "name"), "unnamed");
    spec->seed = (uint64_t)qn_node_i64(qn_node_get(root, "seed"), 0);
    const char *file = qn_node_text(qn_node_get(root, "warehouse"), NULL);
    spec->warehouse = file && file[0] == '/'
                          ? file
                          : qn_arena_printf(&spec->arena, "%s/%s%s", spec->folder,
                                            file ? file : spec->name, file ? "" : ".db");
    uint32_t n_sources = sources && sources->kind == QN_NODE_MAP ? sources->n : 0;
    uint32_t n_jobs = jobs && jobs->kind == QN_NODE_MAP ? jobs->n : 0;
    spec->sources = QN_NEW_ARRAY(&spec->arena, struct qn_spec_source, n_sources);
    spec->jobs = QN_NEW_ARRAY(&spec->arena, struct qn_spec_job, n_jobs);
    if (!spec->warehouse || !spec->sources || !spec->jobs)
        return qn_err_nomem(err, "the spec");
    if (n_sources > QN_MAX_SOURCES || n_jobs > QN_MAX_JOBS) {
        qn_diags_add(&spec->diags, root->span, NULL, NULL, "more than %d sources or %d jobs",
                     QN_MAX_SOURCES, QN_MAX_JOBS);
        return QN_OK;
    }
    for (; spec->n_sources < n_sources; spec->n_sources++)
        read_source(spec, &sources->pairs[spec->n_sources], &spec->sources[spec->n_sources]);
    for (; spec->n_jobs < n_jobs; spec->n_jobs++)
        read_job(spec, &jobs->pairs[spec->n_jobs], kinds, &spec->jobs[spec->n_jobs]);
    return QN_OK;
}

qn_code qn_spec_read(struct qn_spec *spec, const char *path, struct qn_strv text,
                     const char *folder, const struct qn_setting *settings, uint32_t n_settings,
                     const struct qn_job_ops *const *kinds,
                     const struct qn_source_ops *const *formats, struct qn_err *err)
{
    (void)formats;
    *spec = (struct qn_spec){.path = path, .text = text, .folder = folder};
    qn_arena_init(&spec->arena);
    qn_diags_init(&spec->diags, path, text);
    if (!text.data) {
        QN_TRY(read_file(spec, path, err));
        QN_TRY(find_folder(spec, err));
        spec->diags.text = spec->text;
    }
    hash_spec(spec, settings, n_settings);
    const struct qn_node *root;
    qn_code code = qn_node_read(spec->text, &spec->arena, &spec->diags, &root, err);
    if (code != QN_OK && code != QN_EINPUT)
        return code;
    if (root) {
        root = qn_expand(root, qn_node_get(root, "params"), settings, n_settings, &spec->arena,
                         &spec->diags);
        if (!root)
            return qn_err_nomem(err, "the spec");
        qn_keys_check(&top_object, root, NULL, &spec->diags);
        QN_TRY(read_members(spec, root, kinds, err));
    }
    return spec->diags.n_errors ? qn_err_set(err, QN_EINPUT, QN_BLAME_JOB, "%s has mistakes", path)
                                : QN_OK;
}

void qn_spec_fini(struct qn_spec *spec)
{
    qn_diags_fini(&spec->diags);
    qn_arena_fini(&spec->arena);
}
