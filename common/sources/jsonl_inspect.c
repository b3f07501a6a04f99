#include "sources/jsonl_inspect.h"

#include "base/limits.h"
#include "sources/column_names.h"
#include "sources/jsonl_fault.h"
#include "sources/jsonl_head.h"
#include "sources/jsonl_infer.h"
#include "sources/text_chunks.h"
#include "sources/text_refuse.h"

enum {
    HEAD_BYTES = 1 << 20,   /* of the first file */
    SPOT_BYTES = 64 << 10,  /* at its middle and end, and at the start of others */
    FAR_BYTES = 8 << 20,    /* where a spot of compressed text is looked at instead */
    MAX_OTHER_FILES = 256,  /* whose records are looked at */
    REFUSE_BYTES = 4 << 10, /* that tell another format */
};

/* A column before it has a name. */
struct column {
    enum qn_jsonl_role role;
    const struct qn_jsonl_node *node;  /* QN_JSONL_VALUE */
    const struct qn_column_decl *decl; /* NULL: inferred */
    const char *name;                  /* the others */
};

struct inspection {
    struct qn_source_options options; /* of the files from the first that is not empty on */
    uint32_t n_skipped;               /* empty files before it */
    uint32_t n_empty;                 /* and anywhere */
    const char *first_empty;
    const char *compression;
    struct qn_arena *arena;
    struct qn_jsonl_sample sample;
    const struct qn_column_decl **declared; /* by node id */
    bool *holds;                            /* by node id: some column below it is declared */
    struct qn_jsonl_path records;
    struct column *columns;
    uint32_t n, room;
    bool broken; /* the sample has a record that cannot be read: the first is */
    struct qn_err why;
};

/* --- what the spec says ---------------------------------------------------------------------- */

static qn_code refuse_option(const struct qn_source_options *options, const char *key,
                             struct qn_err *err)
{
    return qn_err_set(err, QN_EINPUT, QN_BLAME_JOB,
                      "source %s: '%s' means nothing for JSON (format: jsonl)", options->name, key);
}

static qn_code check_options(const struct qn_source_options *o, struct qn_err *err)
{
    const char *const foreign[] = {
        o->delimiter ? "delimiter" : NULL, o->quote || o->no_quote ? "quote" : NULL,
        o->escape ? "escape" : NULL,       o->comment ? "comment" : NULL,
        o->header >= 0 ? "header" : NULL,  o->skip_rows >= 0 ? "skip_rows" : NULL};
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++)
        if (foreign[i])
            return refuse_option(o, foreign[i], err);
    enum qn_text_encoding encoding = QN_TEXT_UTF8;
    bool either;
    if (o->encoding &&
        (!qn_text_encoding_find(qn_strv_from(o->encoding), &encoding, &either) || encoding))
        return qn_err_set(err, QN_ENOTSUP, QN_BLAME_JOB,
                          "source %s: JSON is UTF-8, not '%s'; convert with: iconv -f %s -t UTF-8 "
                          "FILE",
                          o->name, o->encoding, o->encoding);
    return QN_OK;
}

/* "order.items" to its keys. */
static qn_code split_path(const char *text, struct qn_arena *arena, struct qn_jsonl_path *out,
                          struct qn_err *err)
{
    struct qn_strv *keys = QN_NEW_ARRAY(arena, struct qn_strv, QN_JSONL_MAX_PATH);
    if (!keys)
        return qn_err_nomem(err, "column names");
    *out = (struct qn_jsonl_path){.keys = keys};
    for (const char *at = text; out->n < QN_JSONL_MAX_PATH; at++) {
        const char *dot = strchr(at, '.');
        keys[out->n++] = (struct qn_strv){at, dot ? (size_t)(dot - at) : strlen(at)};
        if (!dot)
            return QN_OK;
        at = dot;
    }
    return qn_err_set(err, QN_ELIMIT, QN_BLAME_JOB, "'%s' names more than %d keys", text,
                      QN_JSONL_MAX_PATH);
}

static qn_code take_records(struct inspection *in, struct qn_err *err)
{
    struct qn_jsonl_node *node = in->sample.tree.root;
    if (!in->options.records)
        return QN_OK;
    QN_TRY(split_path(in->options.records, in->arena, &in->records, err));
    for (uint32_t i = 0; node && i < in->records.n; i++)
        node = qn_jsonl_node_add(&in->sample.tree, node, in->records.keys[i]);
    if (!node)
        return qn_err_nomem(err, "column names");
    node->is_records = true;
    return QN_OK;
}

/* --- the sample ------------------------------------------------------------------------------ */

static void note_broken(struct inspection *in, const char *path, const char *bytes, size_t at,
                        size_t end, uint64_t line, struct qn_json_spot spot)
{
    struct qn_jsonl_complaint complaint;
    uint64_t more, column;
    if (in->broken)
        return;
    in->broken = true;
    qn_jsonl_fault_describe(bytes, end, spot, NULL, NULL, (struct qn_jsonl_cell){0}, &complaint);
    qn_jsonl_fault_place(bytes, at, spot.at, &more, &column);
    (void)qn_err_set(&in->why, QN_EINPUT, QN_BLAME_INPUT, "%s", complaint.message);
    qn_err_at(&in->why, path, line + more + 1, column);
}

/* The records of a window from `start` on; `line`: line ends before it, when they are known. */
static qn_code add_window(struct inspection *in, const struct qn_text_window *window,
                          enum qn_jsonl_framing framing, size_t start, bool from_start,
                          struct qn_err *err)
{
    struct qn_jsonl_frame frame = {.framing = framing};
    struct qn_json_spot spot;
    enum qn_jsonl_step step;
    size_t at, end;
    uint32_t line;
    if (!window->data)
        return QN_OK;
    const char *bytes = window->data + start;
    qn_jsonl_frame_over(&frame, bytes, window->len - start, SIZE_MAX, qn_text_window_final(window));
    while ((step = qn_jsonl_frame_next(&frame, &at, &end, &line)) == QN_JSONL_RECORD)
        if (!qn_jsonl_sample_add(&in->sample, bytes, at, end, &spot) && from_start)
            note_broken(in, window->path, bytes, at, end, line, spot);
    if (step == QN_JSONL_BROKEN && from_start)
        note_broken(in, window->path, bytes, frame.pos, frame.len, frame.lines, frame.spot);
    return in->sample.failed ? qn_err_nomem(err, "type inference") : QN_OK;
}

/* Lines around one place of the first file. */
static qn_code look_at(struct inspection *in, const struct qn_text_window *first, uint64_t offset,
                       struct qn_err *err)
{
    struct qn_text_window spot;
    QN_TRY(qn_text_window_open(&spot, first->path, first->file_bytes, err));
    qn_code code = qn_text_window_fill(&spot, offset, SPOT_BYTES, err);
    if (code == QN_OK && spot.codec &&
        spot.text_bytes < offset + SPOT_BYTES) /* compressed: it ends before */
        code = qn_text_window_fill(&spot, spot.text_bytes - SPOT_BYTES, SPOT_BYTES, err);
    const char *lf = code == QN_OK && spot.len ? memchr(spot.data, '\n', spot.len) : NULL;
    if (lf)
        code = add_window(in, &spot, QN_JSONL_LINES, (size_t)(lf + 1 - spot.data), false, err);
    qn_text_window_close(&spot);
    return code;
}

static qn_code look_at_first(struct inspection *in, struct qn_text_window *window,
                             const struct qn_jsonl_head *head, struct qn_err *err)
{
    QN_TRY(qn_text_window_fill(window, 0, HEAD_BYTES, err));
    QN_TRY(add_window(in, window, head->framing, head->start, true, err));
    if (qn_text_window_final(window) || head->framing != QN_JSONL_LINES)
        return QN_OK;
    if (window->codec) /* its middle and end are too far to go */
        return look_at(in, window, FAR_BYTES, err);
    uint64_t seen = qn_text_window_end(window), middle = window->text_bytes / 2;
    uint64_t end = window->text_bytes - SPOT_BYTES;
    if (middle > seen)
        QN_TRY(look_at(in, window, middle, err));
    return look_at(in, window, end > seen ? end : seen - 1, err);
}

/* Opens the first file that is not empty and looks at it; when all are, at none. */
static qn_code take_first(struct inspection *in, struct qn_err *err)
{
    for (;; in->options.paths++, in->options.n_paths--, in->n_skipped++) {
        struct qn_text_window window;
        struct qn_jsonl_head head = {0};
        QN_TRY(qn_text_window_open(&window, in->options.paths[0], UINT64_MAX, err));
        qn_code code = qn_jsonl_head_read(&window, &head, err);
        if (code == QN_OK && window.codec)
            in->compression = qn_text_compression(&in->options, &window, in->arena);
        if (code == QN_OK && !head.empty)
            code = look_at_first(in, &window, &head, err);
        qn_text_window_close(&window);
        if (code != QN_OK || !head.empty)
            return code;
        in->first_empty = in->n_empty++ ? in->first_empty : in->options.paths[0];
        if (in->options.n_paths == 1)
            return QN_OK;
    }
}

static qn_code look_at_other(struct inspection *in, const char *path, bool look, struct qn_err *err)
{
    struct qn_text_window window;
    struct qn_jsonl_head head = {0};
    QN_TRY(qn_text_window_open(&window, path, UINT64_MAX, err));
    qn_code code;
    if (look) {
        code = qn_jsonl_head_read(&window, &head, err);
        if (code == QN_OK)
            code = add_window(in, &window, head.framing, head.start, false, err);
    } else {
        code = qn_text_window_fill(&window, 0, REFUSE_BYTES, err);
        if (code == QN_OK && window.len)
            code = qn_text_refuse_foreign(path, "JSON", window.data, window.len, QN_TEXT_UTF8, err);
        head.empty = code == QN_OK && qn_text_window_final(&window) && window.len == 0;
    }
    qn_text_window_close(&window);
    if (head.empty)
        in->first_empty = in->n_empty++ ? in->first_empty : path;
    return code;
}

static qn_code look_at_others(struct inspection *in, struct qn_err *err)
{
    uint32_t step = 1 + in->options.n_paths / MAX_OTHER_FILES;
    for (uint32_t f = 1; f < in->options.n_paths; f++)
        QN_TRY(look_at_other(in, in->options.paths[f], f % step == 0, err));
    return QN_OK;
}

/* --- columns --------------------------------------------------------------------------------- */

/* The node that a name means: keys may hold dots themselves. */
static struct qn_jsonl_node *find_path(struct qn_jsonl_node *node, struct qn_strv name)
{
    for (uint32_t i = 0; i < node->n; i++) {
        struct qn_jsonl_node *child = node->children[i];
        size_t len = child->key.len;
        if (name.len < len || memcmp(name.data, child->key.data, len) != 0)
            continue;
        if (name.len == len)
            return child;
        struct qn_jsonl_node *found =
            name.data[len] == '.'
                ? find_path(child, (struct qn_strv){name.data + len + 1, name.len - len - 1})
                : NULL;
        if (found)
            return found;
    }
    return NULL;
}

static struct qn_jsonl_node *declared_node(struct inspection *in, const char *name,
                                           struct qn_err *err)
{
    struct qn_jsonl_node *root = in->sample.tree.root;
    struct qn_jsonl_node *node = find_path(root, qn_strv_from(name));
    struct qn_jsonl_path path;
    if (!node && strcmp(name, "value") == 0 && in->sample.records && root->n == 0)
        return root; /* records that are no objects */
    if (node || split_path(name, in->arena, &path, err) != QN_OK)
        return node;
    node = root;
    for (uint32_t i = 0; node && i < path.n; i++)
        node = qn_jsonl_node_add(&in->sample.tree, node, path.keys[i]);
    if (!node)
        (void)qn_err_nomem(err, "column names");
    return node;
}

static qn_code match_declared(struct inspection *in, struct qn_err *err)
{
    const struct qn_source_options *o = &in->options;
    struct qn_jsonl_node **nodes =
        QN_NEW_ARRAY(in->arena, struct qn_jsonl_node *, o->n_columns + 1U);
    if (!nodes)
        return qn_err_nomem(err, "column names");
    for (uint32_t d = 0; d < o->n_columns; d++) {
        nodes[d] = declared_node(in, o->columns[d].name, err);
        if (!nodes[d])
            return err ? err->code : QN_ENOMEM;
    }
    uint32_t n = in->sample.tree.n;
    in->declared = QN_NEW_ARRAY(in->arena, const struct qn_column_decl *, n);
    in->holds = QN_NEW_ARRAY(in->arena, bool, n);
    struct qn_jsonl_evidence *evidence = QN_NEW_ARRAY(in->arena, struct qn_jsonl_evidence, n);
    if (!in->declared || !in->holds || !evidence)
        return qn_err_nomem(err, "column names");
    memcpy(evidence, in->sample.evidence,
           (n < in->sample.room ? n : in->sample.room) * sizeof *evidence);
    in->sample.evidence = evidence;
    for (uint32_t d = 0; d < o->n_columns; d++) {
        in->declared[nodes[d]->id] = &o->columns[d];
        for (const struct qn_jsonl_node *up = nodes[d]->parent; up; up = up->parent)
            in->holds[up->id] = true;
    }
    return QN_OK;
}

static qn_code add_column(struct inspection *in, struct column column, struct qn_err *err)
{
    if (in->n == QN_MAX_COLUMNS)
        return qn_err_set(err, QN_ELIMIT, QN_BLAME_INPUT,
                          "%s: more than %d columns; declare the object whose keys they are as one "
                          "column of type text",
                          in->options.paths[0], QN_MAX_COLUMNS);
    if (in->n == in->room) {
        uint32_t room = in->room ? in->room * 2 : 64;
        struct column *grown = QN_NEW_ARRAY(in->arena, struct column, room);
        if (!grown)
            return qn_err_nomem(err, "columns");
        if (in->n)
            memcpy(grown, in->columns, in->n * sizeof *grown);
        in->columns = grown;
        in->room = room;
    }
    in->columns[in->n++] = column;
    return QN_OK;
}

/* Columns in the order in which their keys came up. */
static qn_code add_columns(struct inspection *in, const struct qn_jsonl_node *node,
                           struct qn_err *err)
{
    const struct qn_column_decl *decl = in->declared[node->id];
    bool holds = in->holds[node->id];
    if (decl && holds)
        return qn_err_set(err, QN_EINPUT, QN_BLAME_JOB,
                          "source %s: column '%s' is the whole object, so that columns of its keys "
                          "cannot be declared beside it",
                          in->options.name, decl->name);
    bool is_parent = holds || (node->is_records && node->n) ||
                     (!node->parent && (node->n || !in->sample.records));
    if (decl || (!is_parent && qn_jsonl_sample_is_leaf(&in->sample, node)))
        return add_column(in, (struct column){.node = node, .decl = decl}, err);
    for (uint32_t i = 0; i < node->n; i++)
        QN_TRY(add_columns(in, node->children[i], err));
    return QN_OK;
}

static qn_code add_others(struct inspection *in, struct qn_err *err)
{
    const struct qn_source_options *o = &in->options;
    if (o->records)
        QN_TRY(add_column(in, (struct column){.role = QN_JSONL_ORDINAL, .name = "_index"}, err));
    if (o->columns_contract == QN_CONTRACT_EVOLVE)
        QN_TRY(add_column(in, (struct column){.role = QN_JSONL_EXTRA, .name = "_extra"}, err));
    if (o->raw)
        QN_TRY(add_column(in, (struct column){.role = QN_JSONL_RAW, .name = o->raw}, err));
    return QN_OK;
}

static qn_code name_columns(struct inspection *in, const char **names, struct qn_err *err)
{
    struct qn_strv *texts = QN_NEW_ARRAY(in->arena, struct qn_strv, in->n);
    if (!texts)
        return qn_err_nomem(err, "column names");
    for (uint32_t i = 0; i < in->n; i++) {
        const struct column *column = &in->columns[i];
        struct qn_buf path;
        qn_buf_init(&path);
        if (column->decl || column->name)
            qn_buf_printf(&path, "%s", column->decl ? column->decl->name : column->name);
        else if (!column->node->parent)
            qn_buf_printf(&path, "value");
        else
            qn_jsonl_node_put_path(column->node, &path);
        texts[i] = (struct qn_strv){qn_arena_strdup(in->arena, qn_buf_strv(&path)), path.len};
        bool whole = !path.failed && texts[i].data;
        qn_buf_fini(&path);
        if (!whole)
            return qn_err_nomem(err, "column names");
    }
    QN_TRY(qn_column_names(texts, in->n, in->arena, names, err));
    for (uint32_t i = 0; i < in->n; i++)
        if ((in->columns[i].decl || in->columns[i].name) && !qn_strv_is(texts[i], names[i]))
            return qn_err_set(err, QN_EINPUT, QN_BLAME_JOB,
                              "source %s: there are two columns '%s' (letters compare without "
                              "case); give another name",
                              in->options.name, texts[i].data);
    return QN_OK;
}

/* --- all together ---------------------------------------------------------------------------- */

static qn_code take_path(struct inspection *in, const struct qn_jsonl_node *node,
                         struct qn_jsonl_path *out, struct qn_err *err)
{
    struct qn_strv *keys = QN_NEW_ARRAY(in->arena, struct qn_strv, node->depth + 1U);
    if (!keys)
        return qn_err_nomem(err, "columns");
    *out = (struct qn_jsonl_path){.n = node->depth, .keys = keys};
    for (; node->parent; node = node->parent)
        keys[node->depth - 1] = node->key;
    return QN_OK;
}

static enum qn_on_malformed verdict_of(enum qn_contract contract, enum qn_on_malformed otherwise)
{
    return contract == QN_CONTRACT_FREEZE       ? QN_MALFORMED_FAIL
           : contract == QN_CONTRACT_QUARANTINE ? QN_MALFORMED_QUARANTINE
                                                : otherwise;
}

static qn_code pack_dialect(struct inspection *in, struct qn_strv *out, struct qn_err *err)
{
    const struct qn_source_options *o = &in->options;
    struct qn_jsonl_column *columns = QN_NEW_ARRAY(in->arena, struct qn_jsonl_column, in->n);
    struct qn_jsonl_dialect dialect = {
        .n_columns = in->n,
        .columns = columns,
        .records = in->records,
        .on_unknown_key = verdict_of(o->columns_contract, o->on_malformed),
        .on_wrong_type = verdict_of(o->data_type_contract, o->on_malformed)};
    if (!columns)
        return qn_err_nomem(err, "json dialect");
    for (uint32_t i = 0; i < in->n; i++) {
        columns[i].role = in->columns[i].role;
        if (in->columns[i].role != QN_JSONL_VALUE)
            continue;
        QN_TRY(take_path(in, in->columns[i].node, &columns[i].path, err));
        QN_TRY(qn_null_texts_take(o, in->columns[i].decl, in->arena, &columns[i].nulls, err));
    }
    struct qn_buf packed;
    qn_buf_init(&packed);
    qn_jsonl_dialect_pack(&packed, &dialect);
    qn_code code = qn_buf_check(&packed, "json dialect", err);
    *out = (struct qn_strv){qn_arena_strdup(in->arena, qn_buf_strv(&packed)), packed.len};
    qn_buf_fini(&packed);
    return code == QN_OK && !out->data ? qn_err_nomem(err, "json dialect") : code;
}

static struct qn_type type_of(const struct inspection *in, const struct column *column)
{
    if (column->decl)
        return column->decl->type;
    if (column->role == QN_JSONL_ORDINAL)
        return (struct qn_type){.id = QN_INT64};
    if (column->role != QN_JSONL_VALUE)
        return (struct qn_type){.id = QN_TEXT};
    return qn_jsonl_sample_type(&in->sample, column->node);
}

static qn_code fill_info(struct inspection *in, struct qn_source_info *info, struct qn_err *err)
{
    struct qn_field *fields = QN_NEW_ARRAY(in->arena, struct qn_field, in->n);
    const char **names = QN_NEW_ARRAY(in->arena, const char *, in->n);
    struct qn_strv dialect;
    if (!fields || !names)
        return qn_err_nomem(err, "schema");
    QN_TRY(name_columns(in, names, err));
    for (uint32_t i = 0; i < in->n; i++)
        fields[i] = (struct qn_field){names[i], type_of(in, &in->columns[i])};
    QN_TRY(pack_dialect(in, &dialect, err));
    *info =
        (struct qn_source_info){.name = qn_arena_strdup(in->arena, qn_strv_from(in->options.name)),
                                .format = "jsonl",
                                .schema = {fields, in->n},
                                .dialect = dialect,
                                .on_malformed = in->options.on_malformed,
                                .told_by = in->options.paths[0],
                                .compression = in->compression,
                                .n_empty = in->n_empty,
                                .first_empty = in->first_empty};
    return info->name ? QN_OK : qn_err_nomem(err, "schema");
}

static qn_code refuse_nothing(const struct inspection *in, struct qn_err *err)
{
    if (in->broken) {
        if (err)
            *err = in->why;
        return in->why.code;
    }
    qn_code code = in->n_skipped ? qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT,
                                              "all %u files are empty and no columns are declared",
                                              in->n_empty)
                                 : qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT,
                                              "file has no record and no columns are declared");
    qn_err_at(err, in->options.paths[0], 0, 0);
    return code;
}

static qn_code inspect(struct inspection *in, struct qn_source_info *info, struct qn_err *err)
{
    QN_TRY(check_options(&in->options, err));
    QN_TRY(qn_jsonl_sample_init(&in->sample, &in->options, in->arena, err));
    QN_TRY(take_records(in, err));
    QN_TRY(take_first(in, err));
    QN_TRY(look_at_others(in, err));
    QN_TRY(match_declared(in, err));
    QN_TRY(add_columns(in, in->sample.tree.root, err));
    if (in->n == 0)
        return refuse_nothing(in, err);
    QN_TRY(add_others(in, err));
    return fill_info(in, info, err);
}

qn_code qn_jsonl_inspect(const struct qn_source_options *options, struct qn_arena *arena,
                         struct qn_source_info *info, struct qn_err *err)
{
    if (options->n_paths == 0)
        return qn_err_set(err, QN_EINPUT, QN_BLAME_JOB, "source %s has no files", options->name);
    struct inspection in = {.options = *options, .arena = arena};
    qn_code code = inspect(&in, info, err);
    if (code != QN_OK)
        qn_err_frame(err, "while inspecting source %s", options->name);
    return code;
}
