/* Files that a job's rows go to: of a dataset of the lake, or one. */
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "jobs/into.h"
#include "jobs/lookup.h"

/* What a dataset's files are when nothing is said. */
static const char default_format[] = "parquet";

/* --- format and codec ------------------------------------------------------------------------ */

enum { MAX_FORMATS = 32, WORDS_BYTES = 256 };

static const char *join_words(const char *const *words, size_t n, char out[WORDS_BYTES])
{
    size_t at = 0;
    out[0] = '\0';
    for (size_t i = 0; i < n && at < WORDS_BYTES; i++)
        at += (size_t)snprintf(out + at, WORDS_BYTES - at, "%s%s", i ? ", " : "one of: ", words[i]);
    return out;
}

static void complain_word(struct qn_diags *diags, const struct qn_node *node, const char *what,
                          const char *word, const char *const *words, size_t n)
{
    char wanted[WORDS_BYTES], hint[QN_HINT_BYTES];
    qn_diags_add(diags, node->span, n ? join_words(words, n, wanted) : NULL,
                 qn_did_you_mean(qn_strv_from(word), words, n, hint), "there is no %s '%s'", what,
                 word);
}

static size_t list_formats(const char *out[MAX_FORMATS])
{
    size_t n = 0;
    for (const struct qn_writer_ops *const *ops = qn_writer_all(); *ops && n < MAX_FORMATS; ops++)
        out[n++] = (*ops)->format;
    return n;
}

static const struct qn_writer_ops *find_writer(const struct qn_node *node, const struct qn_node *at,
                                               const char *file, struct qn_diags *diags)
{
    const char *formats[MAX_FORMATS], *format = qn_node_text(node, file ? NULL : default_format);
    const struct qn_writer_ops *ops = format ? qn_writer_find(format) : qn_writer_by_suffix(file);
    if (ops)
        return ops;
    if (format)
        complain_word(diags, node ? node : at, "format to write", format, formats,
                      list_formats(formats));
    else
        qn_diags_add(diags, at->span, NULL, "add `format: csv`",
                     "the suffix of %s does not tell the format", file);
    return NULL;
}

static void read_codec(const struct qn_node *node, struct qn_into_files *files,
                       struct qn_diags *diags)
{
    const struct qn_node *codec = qn_node_get(node, "codec"), *level = qn_node_get(node, "level");
    const char *const *codecs = files->writer->codecs;
    const char *word = qn_node_text(codec, NULL);
    size_t n = 0;
    files->options.level = (int)qn_node_i64(level, 0);
    if ((word || level) && !codecs) {
        qn_diags_add(diags, (word ? codec : level)->span, NULL, NULL,
                     "files of format %s are not compressed", files->writer->format);
        return;
    }
    for (; word && codecs[n]; n++)
        if (strcmp(codecs[n], word) == 0)
            files->options.codec = codecs[n];
    if (word && !files->options.codec)
        complain_word(diags, codec, "codec", word, codecs, n);
}

/* --- columns --------------------------------------------------------------------------------- */

static bool is_in(const uint32_t *list, uint32_t n, uint32_t value)
{
    for (uint32_t i = 0; i < n; i++)
        if (list[i] == value)
            return true;
    return false;
}

static void add_partition(const struct qn_node *item, const struct qn_job *job, uint32_t *columns,
                          uint32_t *n, struct qn_diags *diags)
{
    if (item->kind != QN_NODE_SCALAR)
        return; /* said already */
    int32_t at =
        qn_lookup_column(&job->out, job->gaps, item->text, item->span, " in the rows", diags);
    if (at < 0)
        return;
    if (is_in(columns, *n, (uint32_t)at))
        qn_diags_add(diags, item->span, NULL, NULL, "column %s names folders already",
                     job->out.fields[at].name);
    else if (job->out.fields[at].type.id == QN_DOUBLE)
        qn_diags_add(diags, item->span, NULL, "round or cast it in a column of its own",
                     "column %s is double: its values name no folders", job->out.fields[at].name);
    else if (*n == QN_MAX_PARTITION_COLUMNS)
        qn_diags_add(diags, item->span, NULL, NULL, "at most %d columns name folders",
                     QN_MAX_PARTITION_COLUMNS);
    else
        columns[(*n)++] = (uint32_t)at;
}

static qn_code read_columns(const struct qn_node *node, const struct qn_job *job,
                            struct qn_into_files *files, struct qn_arena *arena,
                            struct qn_diags *diags, struct qn_err *err)
{
    uint32_t n_items = 0, n = job->out.n_fields;
    const struct qn_node *list = qn_node_get(node, "partition_by");
    const struct qn_node *items = qn_node_items(list, &n_items);
    uint32_t *partition = QN_NEW_ARRAY(arena, uint32_t, QN_MAX_PARTITION_COLUMNS);
    uint32_t *in_files = QN_NEW_ARRAY(arena, uint32_t, n);
    struct qn_field *fields = QN_NEW_ARRAY(arena, struct qn_field, n);
    if (!partition || !in_files || !fields)
        return qn_err_nomem(err, "a dataset's columns");
    for (uint32_t i = 0; i < n_items; i++)
        add_partition(&items[i], job, partition, &files->n_partition, diags);
    files->partition = partition;
    files->in_files = in_files;
    files->columns.fields = fields;
    for (uint32_t c = 0; c < n; c++) {
        if (is_in(partition, files->n_partition, c))
            continue;
        in_files[files->columns.n_fields] = c;
        fields[files->columns.n_fields++] = job->out.fields[c];
    }
    if (n && files->columns.n_fields == 0)
        qn_diags_add(diags, list->span, NULL, NULL,
                     "all columns name folders: none is left for the files");
    return QN_OK;
}

static qn_code read_blooms(const struct qn_node *node, const struct qn_job *job,
                           struct qn_into_files *files, struct qn_arena *arena,
                           struct qn_diags *diags, struct qn_err *err)
{
    uint32_t n = 0;
    const struct qn_node *list = qn_node_get(node, "bloom");
    const struct qn_node *items = qn_node_items(list, &n);
    const char **names = QN_NEW_ARRAY(arena, const char *, n);
    if (!names)
        return qn_err_nomem(err, "bloom filters");
    if (list && !files->writer->has_blooms)
        qn_diags_add(diags, list->span, NULL, NULL, "files of format %s have no bloom filters",
                     files->writer->format);
    for (uint32_t i = 0; i < n; i++) {
        if (items[i].kind != QN_NODE_SCALAR)
            continue; /* said already */
        int32_t at = qn_lookup_column(&job->out, job->gaps, items[i].text, items[i].span,
                                      " in the rows", diags);
        if (at >= 0 && is_in(files->partition, files->n_partition, (uint32_t)at))
            qn_diags_add(diags, items[i].span, NULL, NULL,
                         "column %s names folders: it is not in the files",
                         job->out.fields[at].name);
        else if (at >= 0 && job->out.fields[at].type.id == QN_BOOL)
            qn_diags_add(diags, items[i].span, NULL, NULL,
                         "column %s is boolean: it has no bloom filter", job->out.fields[at].name);
        else if (at >= 0)
            names[files->options.n_bloom++] = job->out.fields[at].name;
    }
    files->options.bloom = names;
    return QN_OK;
}

/* --- the whole ------------------------------------------------------------------------------- */

/* A file is there or it is not: nothing can be added to one that others may be reading. */
static void check_disposition(const struct qn_node *node, const struct qn_into *into,
                              struct qn_diags *diags)
{
    if (!into->files.dataset && into->disposition == QN_WRITE_APPEND)
        qn_diags_add(diags, qn_node_get(node, "write_disposition")->span, "replace",
                     "write to a dataset of the lake", "rows cannot be appended to a file");
}

static const char *path_of(const struct qn_spec *spec, const char *dataset, const char *file,
                           struct qn_arena *arena)
{
    if (dataset)
        return qn_arena_printf(arena, "%s/%s", spec->lake, dataset);
    const char *path = file[0] == '/' ? file : qn_arena_printf(arena, "%s/%s", spec->folder, file);
    return path ? qn_spec_tidy_path(arena, path) : NULL;
}

qn_code qn_into_read_files(const struct qn_node *node, struct qn_spec *spec, struct qn_job *job,
                           struct qn_arena *arena, struct qn_err *err)
{
    const struct qn_node *lake = qn_node_get(node, "lake"), *file = qn_node_get(node, "file");
    const struct qn_node *at = lake ? lake : file;
    struct qn_into_files *files = &job->into.files;
    if (!at || at->kind != QN_NODE_SCALAR || job->into.table)
        return QN_OK;
    const char *name = qn_node_text(file, NULL);
    if (!lake && name[0] == '\0') {
        qn_diags_add(&spec->diags, at->span, "a path", NULL, "'file' is empty");
        return QN_OK;
    }
    const struct qn_writer_ops *writer =
        find_writer(qn_node_get(node, "format"), at, lake ? NULL : name, &spec->diags);
    files->dataset = qn_node_text(lake, NULL);
    files->path = path_of(spec, files->dataset, name, arena);
    files->file_bytes = qn_node_bytes(qn_node_get(node, "file_size"), QN_DEFAULT_FILE_BYTES);
    if (!files->path)
        return qn_err_nomem(err, "a path");
    check_disposition(node, &job->into, &spec->diags);
    if (!writer)
        return QN_OK;
    files->writer = writer;
    read_codec(node, files, &spec->diags);
    QN_TRY(read_columns(node, job, files, arena, &spec->diags, err));
    return read_blooms(node, job, files, arena, &spec->diags, err);
}
