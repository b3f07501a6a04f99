#include "sources/csv_inspect.h"

#include "base/limits.h"
#include "sources/csv_fault.h"
#include "sources/csv_guess.h"
#include "sources/csv_header.h"
#include "sources/csv_preamble.h"
#include "sources/csv_sniff.h"
#include "sources/text_chunks.h"
#include "sources/text_refuse.h"

enum {
    HEAD_BYTES = 1 << 20,      /* of the first file */
    SPOT_BYTES = 64 << 10,     /* at its middle and end, and at the start of others */
    FAR_BYTES = 8 << 20,       /* where a spot of compressed text is looked at instead */
    MAX_OTHER_FILES = 256,     /* whose values are looked at: 16 MiB in all; headers of all are */
    REFUSE_BYTES = 4 << 10,    /* that tell another format or encoding */
    HEADER_CHECK_RECORDS = 200 /* after the first, to tell a header */
};

struct inspection {
    struct qn_source_options options; /* of the files from the first that is not empty on */
    uint32_t n_skipped;               /* empty files before it */
    uint32_t n_empty;                 /* and anywhere */
    const char *first_empty;
    struct qn_arena *arena;
    struct qn_csv_dialect dialect;
    struct qn_text_window window; /* of the first file */
    struct qn_csv_preamble preamble;
    uint32_t n;                  /* columns */
    struct qn_csv_field *fields; /* QN_MAX_COLUMNS of them */
    const char **names;
    int32_t *decl_of;
    struct qn_null_texts *nulls;
    struct qn_text_evidence *evidence;
};

static qn_code at_file(struct qn_err *err, const char *path, uint64_t line, const char *message)
{
    qn_code code = qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT, "%s", message);
    qn_err_at(err, path, line, line ? 1 : 0);
    return code;
}

/* --- dialect --------------------------------------------------------------------------------- */

/* Declared, or told by the file's first bytes. */
static qn_code take_encoding(struct inspection *in, struct qn_err *err)
{
    struct qn_strv name = qn_strv_from(in->options.encoding);
    bool either = name.len == 0;
    in->dialect.encoding = QN_TEXT_UTF8;
    if (name.len && !qn_text_encoding_find(name, &in->dialect.encoding, &either))
        return qn_err_set(err, QN_ENOTSUP, QN_BLAME_JOB,
                          "source %s: encoding '%s' is not supported (utf-8, utf-16, latin-1 and "
                          "windows-1252 are); convert with: iconv -f %s -t UTF-8 FILE",
                          in->options.name, in->options.encoding, in->options.encoding);
    QN_TRY(qn_text_window_fill(&in->window, 0, SPOT_BYTES, err));
    const char *bytes = in->window.data ? in->window.data : "";
    if (either) {
        enum qn_text_encoding sniffed = qn_text_encoding_sniff(bytes, in->window.len);
        if (sniffed != QN_TEXT_UTF8)
            in->dialect.encoding = sniffed;
    }
    QN_TRY(qn_text_refuse_foreign(in->options.paths[0], "CSV", bytes, in->window.len,
                                  in->dialect.encoding, err));
    in->window.encoding = in->dialect.encoding;
    return QN_OK;
}

/* Nothing but a byte order mark. The window holds the file's head in its encoding. */
static bool is_empty(const struct qn_text_window *window)
{
    bool mark = window->len == 3 && memcmp(window->data, "\xEF\xBB\xBF", 3) == 0;
    return qn_text_window_final(window) && (window->len == 0 || mark);
}

static void note_empty(struct inspection *in, const char *path)
{
    if (in->n_empty++ == 0)
        in->first_empty = path;
}

/* Opens the first file that is not empty; when all are, the last. */
static qn_code open_first(struct inspection *in, struct qn_err *err)
{
    for (;; in->options.paths++, in->options.n_paths--, in->n_skipped++) {
        QN_TRY(qn_text_window_open(&in->window, in->options.paths[0], UINT64_MAX, err));
        QN_TRY(take_encoding(in, err));
        QN_TRY(qn_text_window_fill(&in->window, 0, SPOT_BYTES, err));
        if (!is_empty(&in->window))
            return QN_OK;
        note_empty(in, in->options.paths[0]);
        if (in->options.n_paths == 1)
            return QN_OK;
        qn_text_window_close(&in->window);
    }
}

/* Characters and header line of the first file. Leaves the first record's fields in in->fields. */
static qn_code take_dialect(struct inspection *in, struct qn_err *err)
{
    const struct qn_source_options *options = &in->options;
    in->dialect.skip_rows = options->skip_rows > 0 ? (uint64_t)options->skip_rows : 0;
    in->dialect.header = false;
    /* Sniff past what is skipped, with no dialect yet that the skipping would depend on. */
    in->dialect.delimiter = ',';
    QN_TRY(qn_csv_preamble_read(&in->window, &in->dialect, NULL, 0, &in->preamble, err));
    QN_TRY(qn_text_window_fill(&in->window, 0, HEAD_BYTES, err));
    size_t skip = in->preamble.end_position;
    const char *bytes = in->window.data ? in->window.data + skip : "";
    qn_csv_sniff(options, bytes, in->window.len - skip, qn_text_window_final(&in->window),
                 &in->dialect, &in->n);
    const char *complaint = qn_csv_dialect_complaint(&in->dialect);
    if (complaint)
        return qn_err_set(err, QN_EINPUT, QN_BLAME_JOB, "source %s: %s", options->name, complaint);
    in->dialect.header = true;
    QN_TRY(qn_csv_preamble_read(&in->window, &in->dialect, in->fields, QN_MAX_COLUMNS,
                                &in->preamble, err));
    return qn_text_window_fill(&in->window, 0, HEAD_BYTES, err);
}

/* --- header ---------------------------------------------------------------------------------- */

static qn_code first_texts(struct inspection *in, struct qn_strv **out, struct qn_err *err)
{
    uint32_t n = in->preamble.header.n_fields;
    if (n > QN_MAX_COLUMNS) {
        qn_code code = qn_err_set(err, QN_ELIMIT, QN_BLAME_INPUT,
                                  "expected at most %d columns, got %u", QN_MAX_COLUMNS, n);
        qn_err_at(err, in->options.paths[0], in->preamble.header_line + 1, 1);
        return code;
    }
    *out = QN_NEW_ARRAY(in->arena, struct qn_strv, n + 1U);
    for (uint32_t i = 0; *out && i < n; i++) {
        (*out)[i] = qn_csv_field_text(&in->dialect, in->window.data, in->fields[i], in->arena);
        if (!(*out)[i].data)
            return qn_err_nomem(err, "column names");
    }
    return *out ? QN_OK : qn_err_nomem(err, "column names");
}

static bool any_declared(const struct inspection *in, const struct qn_strv *texts)
{
    for (uint32_t d = 0; d < in->options.n_columns; d++)
        for (uint32_t i = 0; i < in->preamble.header.n_fields; i++)
            if (qn_strv_is(texts[i], in->options.columns[d].name))
                return true;
    return false;
}

/* With declarations the names tell; without, the types do. */
static qn_code tell_header(struct inspection *in, const struct qn_strv *texts, bool *header,
                           struct qn_err *err)
{
    uint32_t n = in->preamble.header.n_fields;
    *header = any_declared(in, texts);
    if (*header)
        return QN_OK;
    struct qn_text_evidence *rest = QN_NEW_ARRAY(in->arena, struct qn_text_evidence, n + 1U);
    struct qn_null_texts *nulls = QN_NEW_ARRAY(in->arena, struct qn_null_texts, n + 1U);
    if (!rest || !nulls)
        return qn_err_nomem(err, "header check");
    for (uint32_t i = 0; i < n; i++)
        rest[i].first = texts[i];
    struct qn_csv_dialect dialect = in->dialect;
    dialect.n_fields = n;
    dialect.nulls = nulls;
    size_t skip = in->preamble.end_position;
    qn_csv_evidence_scan(&dialect, in->window.data + skip, in->window.len - skip,
                         qn_text_window_final(&in->window), NULL, HEADER_CHECK_RECORDS, in->fields,
                         rest);
    *header = qn_csv_sniff_header(texts, rest, n);
    return QN_OK;
}

static qn_code refuse_header(struct inspection *in, struct qn_err *err)
{
    struct qn_csv_complaint complaint;
    qn_csv_fault_describe(&in->dialect, in->window.data, &in->preamble.header, NULL,
                          (struct qn_csv_field){0}, &complaint);
    uint64_t line, column;
    qn_csv_fault_place(in->window.data, &in->preamble.header, &line, &column);
    const char *hint = in->preamble.header.fault == QN_CSV_NOT_UTF8
                           ? "; say encoding: latin-1 when it is that, or convert the file"
                           : "";
    qn_code code =
        qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT, "header: %s%s", complaint.message, hint);
    qn_err_at(err, in->options.paths[0], in->preamble.header_line + line + 1, column);
    return code;
}

static qn_code refuse_empty(const struct inspection *in, struct qn_err *err)
{
    if (in->n_skipped == 0)
        return at_file(err, in->options.paths[0], 0, "file is empty and no columns are declared");
    qn_code code = qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT,
                              "all %u files are empty and no columns are declared", in->n_empty);
    qn_err_at(err, in->options.paths[0], 0, 0);
    return code;
}

/* Settles header or not, the number of columns and their names. */
static qn_code take_names(struct inspection *in, struct qn_err *err)
{
    const struct qn_source_options *options = &in->options;
    struct qn_strv *texts = NULL;
    bool header = options->header == 1;
    if (is_empty(&in->window)) {
        if (header) /* demanded, and no file has one */
            return at_file(err, options->paths[0], 1, "expected a header line, found none");
        if (!options->n_columns)
            return refuse_empty(in, err);
        in->n = options->n_columns;
    } else if (!in->preamble.has_header) {
        if (header)
            return at_file(err, options->paths[0], 1, "expected a header line, found none");
        in->n = options->n_columns ? options->n_columns : 1;
    } else if (options->header != 0) {
        if (in->preamble.header.fault)
            return refuse_header(in, err);
        QN_TRY(first_texts(in, &texts, err));
        if (!header)
            QN_TRY(tell_header(in, texts, &header, err));
        if (header)
            in->n = in->preamble.header.n_fields;
    }
    if (!header)
        texts = NULL;
    in->dialect.header = header;
    in->dialect.n_fields = in->n;
    in->names = QN_NEW_ARRAY(in->arena, const char *, in->n);
    in->decl_of = QN_NEW_ARRAY(in->arena, int32_t, in->n);
    if (!in->names || !in->decl_of)
        return qn_err_nomem(err, "column names");
    QN_TRY(qn_column_names(texts, in->n, in->arena, in->names, err));
    return qn_csv_match_declared(options, header, in->names, in->n, in->preamble.header_line,
                                 in->decl_of, err);
}

/* --- null texts ------------------------------------------------------------------------------ */

static qn_code take_nulls(struct inspection *in, struct qn_err *err)
{
    const struct qn_source_options *options = &in->options;
    in->nulls = QN_NEW_ARRAY(in->arena, struct qn_null_texts, in->n);
    if (!in->nulls)
        return qn_err_nomem(err, "null values");
    for (uint32_t i = 0; i < in->n; i++) {
        const struct qn_column_decl *decl =
            in->decl_of[i] >= 0 ? &options->columns[in->decl_of[i]] : NULL;
        QN_TRY(qn_null_texts_take(options, decl, in->arena, &in->nulls[i], err));
    }
    in->dialect.nulls = in->nulls;
    return QN_OK;
}

/* --- values and the other files -------------------------------------------------------------- */

/* Values of what a window holds, from a guessed record start on. */
static void look_through(struct inspection *in, const struct qn_text_window *spot)
{
    bool final = qn_text_window_final(spot);
    size_t start = qn_csv_guess_start(&in->dialect, spot->data, spot->len, final);
    qn_csv_evidence_scan(&in->dialect, spot->data + start, spot->len - start, final, NULL,
                         UINT64_MAX, in->fields, in->evidence);
}

/* Values around one place of the first file; of compressed text, if it ends before, its last. */
static qn_code look_at(struct inspection *in, uint64_t offset, struct qn_err *err)
{
    struct qn_text_window spot;
    QN_TRY(qn_text_window_open(&spot, in->options.paths[0], in->window.file_bytes, err));
    spot.encoding = in->dialect.encoding;
    qn_code code = qn_text_window_fill(&spot, offset, SPOT_BYTES, err);
    if (code == QN_OK && spot.codec && spot.text_bytes < offset + SPOT_BYTES)
        code = qn_text_window_fill(&spot, spot.text_bytes - SPOT_BYTES, SPOT_BYTES, err);
    if (code == QN_OK)
        look_through(in, &spot);
    qn_text_window_close(&spot);
    return code;
}

static qn_code look_at_first(struct inspection *in, struct qn_err *err)
{
    in->evidence = QN_NEW_ARRAY(in->arena, struct qn_text_evidence, in->n);
    if (!in->evidence)
        return qn_err_nomem(err, "type inference");
    /* The dialect is whole now: where the records begin may differ from what was assumed. */
    QN_TRY(qn_csv_preamble_read(&in->window, &in->dialect, NULL, 0, &in->preamble, err));
    QN_TRY(qn_text_window_fill(&in->window, 0, HEAD_BYTES, err));
    if (!in->window.data)
        return QN_OK;
    size_t skip = in->preamble.end_position;
    qn_csv_evidence_scan(&in->dialect, in->window.data + skip, in->window.len - skip,
                         qn_text_window_final(&in->window), NULL, UINT64_MAX, in->fields,
                         in->evidence);
    if (qn_text_window_final(&in->window))
        return QN_OK;
    uint64_t seen = qn_text_window_end(&in->window);
    if (in->window.codec)
        return look_at(in, FAR_BYTES, err); /* its middle and end are too far to go */
    uint64_t middle = in->window.text_bytes / 2, end = in->window.text_bytes - SPOT_BYTES;
    if (middle > seen)
        QN_TRY(look_at(in, middle, err));
    return look_at(in, end > seen ? end : seen - 1, err);
}

/* All files of a source are written in one encoding; none is another format. */
static qn_code refuse_other_encoding(struct inspection *in, const char *path, struct qn_err *err)
{
    struct qn_text_window plain;
    QN_TRY(qn_text_window_open(&plain, path, UINT64_MAX, err));
    qn_code code = qn_text_window_fill(&plain, 0, REFUSE_BYTES, err);
    if (code == QN_OK && plain.len)
        code =
            qn_text_refuse_foreign(path, "CSV", plain.data, plain.len, in->dialect.encoding, err);
    qn_text_window_close(&plain);
    return code;
}

/* Header of another file against the first's; *field_of NULL when it has the same order. */
static qn_code check_header(struct inspection *in, const char *path, struct qn_text_window *window,
                            struct qn_csv_preamble *preamble, const uint32_t **field_of,
                            struct qn_err *err)
{
    QN_TRY(refuse_other_encoding(in, path, err));
    QN_TRY(qn_csv_preamble_read(window, &in->dialect, in->fields, QN_MAX_COLUMNS, preamble, err));
    *field_of = NULL;
    if (is_empty(window)) {
        note_empty(in, path);
        return QN_OK;
    }
    if (!in->dialect.header)
        return QN_OK;
    uint32_t n_found = preamble->header.n_fields;
    if (!preamble->has_header || preamble->header.fault || n_found > QN_MAX_COLUMNS)
        return at_file(err, path, preamble->header_line + 1,
                       preamble->has_header ? "header is not readable"
                                            : "expected a header line, found none");
    struct qn_strv texts[64], *all = texts;
    if (n_found > 64)
        all = QN_NEW_ARRAY(in->arena, struct qn_strv, n_found);
    const char **found = QN_NEW_ARRAY(in->arena, const char *, n_found + 1U);
    uint32_t *order = QN_NEW_ARRAY(in->arena, uint32_t, in->n);
    if (!all || !found || !order)
        return qn_err_nomem(err, "header check");
    for (uint32_t i = 0; i < n_found; i++)
        all[i] = qn_csv_field_text(&in->dialect, window->data, in->fields[i], in->arena);
    QN_TRY(qn_column_names(all, n_found, in->arena, found, err));
    bool same;
    QN_TRY(qn_csv_match_header(path, preamble->header_line, in->names, in->n, found, n_found, order,
                               &same, err));
    *field_of = same ? NULL : order;
    return QN_OK;
}

static qn_code check_file(struct inspection *in, const char *path, bool look,
                          const uint32_t **field_of, struct qn_err *err)
{
    struct qn_text_window window;
    QN_TRY(qn_text_window_open(&window, path, UINT64_MAX, err));
    window.encoding = in->dialect.encoding;
    struct qn_csv_preamble preamble;
    qn_code code = check_header(in, path, &window, &preamble, field_of, err);
    if (code == QN_OK && look && window.data && preamble.end_position < window.len) {
        size_t skip = preamble.end_position;
        qn_csv_evidence_scan(&in->dialect, window.data + skip, window.len - skip,
                             qn_text_window_final(&window), *field_of, UINT64_MAX, in->fields,
                             in->evidence);
    }
    qn_text_window_close(&window);
    return code;
}

static qn_code check_other_files(struct inspection *in, struct qn_err *err)
{
    uint32_t n_paths = in->options.n_paths;
    struct qn_csv_order *orders = QN_NEW_ARRAY(in->arena, struct qn_csv_order, n_paths);
    if (!orders)
        return qn_err_nomem(err, "header check");
    for (uint32_t f = 1; f <= in->n_skipped; f++)
        QN_TRY(refuse_other_encoding(in, in->options.paths[-(ptrdiff_t)f], err));
    uint32_t step = 1 + n_paths / MAX_OTHER_FILES;
    for (uint32_t f = 1; f < n_paths; f++) {
        const uint32_t *field_of;
        QN_TRY(check_file(in, in->options.paths[f], f % step == 0, &field_of, err));
        if (field_of)
            orders[in->dialect.n_orders++] = (struct qn_csv_order){in->n_skipped + f, field_of};
    }
    in->dialect.orders = orders;
    return QN_OK;
}

/* --- all together ---------------------------------------------------------------------------- */

static qn_code fill_info(struct inspection *in, struct qn_source_info *info, struct qn_err *err)
{
    struct qn_field *fields = QN_NEW_ARRAY(in->arena, struct qn_field, in->n);
    if (!fields)
        return qn_err_nomem(err, "schema");
    for (uint32_t i = 0; i < in->n; i++) {
        const struct qn_column_decl *decl =
            in->decl_of[i] >= 0 ? &in->options.columns[in->decl_of[i]] : NULL;
        fields[i].name = decl ? qn_arena_strdup(in->arena, qn_strv_from(decl->name)) : in->names[i];
        fields[i].type = decl ? decl->type : qn_text_evidence_type(&in->evidence[i]);
        if (!fields[i].name)
            return qn_err_nomem(err, "schema");
    }
    struct qn_buf packed;
    qn_buf_init(&packed);
    qn_csv_dialect_pack(&packed, &in->dialect);
    qn_code code = qn_buf_check(&packed, "csv dialect", err);
    *info = (struct qn_source_info){
        .name = qn_arena_strdup(in->arena, qn_strv_from(in->options.name)),
        .format = "csv",
        .schema = {fields, in->n},
        .dialect = {qn_arena_strdup(in->arena, qn_buf_strv(&packed)), packed.len},
        .on_malformed = in->options.on_malformed,
        .told_by = in->options.paths[0],
        .n_empty = in->n_empty,
        .first_empty = in->first_empty,
        .compression =
            in->window.codec ? qn_text_compression(&in->options, &in->window, in->arena) : NULL};
    qn_buf_fini(&packed);
    if (code == QN_OK && (!info->name || !info->dialect.data))
        code = qn_err_nomem(err, "csv dialect");
    return code;
}

static qn_code check_options(const struct qn_source_options *options, struct qn_err *err)
{
    const char *foreign = options->raw       ? "raw"
                          : options->records ? "records"
                          : options->columns_contract || options->data_type_contract
                              ? "schema_contract"
                              : NULL;
    if (!foreign)
        return QN_OK;
    return qn_err_set(err, QN_EINPUT, QN_BLAME_JOB, "source %s: '%s' means nothing for CSV",
                      options->name, foreign);
}

static qn_code inspect(struct inspection *in, struct qn_source_info *info, struct qn_err *err)
{
    QN_TRY(check_options(&in->options, err));
    QN_TRY(open_first(in, err));
    QN_TRY(take_dialect(in, err));
    QN_TRY(take_names(in, err));
    QN_TRY(take_nulls(in, err));
    QN_TRY(look_at_first(in, err));
    QN_TRY(check_other_files(in, err));
    return fill_info(in, info, err);
}

qn_code qn_csv_inspect(const struct qn_source_options *options, struct qn_arena *arena,
                       struct qn_source_info *info, struct qn_err *err)
{
    if (options->n_paths == 0)
        return qn_err_set(err, QN_EINPUT, QN_BLAME_JOB, "source %s has no files", options->name);
    struct inspection in = {.options = *options,
                            .arena = arena,
                            .fields = QN_NEW_ARRAY(arena, struct qn_csv_field, QN_MAX_COLUMNS)};
    if (!in.fields)
        return qn_err_nomem(err, "csv inspection");
    qn_code code = inspect(&in, info, err);
    qn_text_window_close(&in.window);
    if (code != QN_OK)
        qn_err_frame(err, "while inspecting source %s", options->name);
    return code;
}
