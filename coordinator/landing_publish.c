/* The end of a load: its files take their places, and a manifest makes them count. */
#include <stdio.h>
#include <string.h>

#include "base/disk.h"
#include "base/log.h"
#include "coordinator/landing_internal.h"
#include "lake/dataset.h"

/* --- what a snapshot says of the files ------------------------------------------------------- */

/* A bound as text; NULL when it is not told, or holds a NUL, which no text of a manifest can. */
static const char *text_of(struct qn_arena *arena, bool told, struct qn_buf *text, bool *failed)
{
    bool whole = told && (!text->len || !memchr(text->data, 0, text->len));
    char *copy = whole ? qn_arena_strdup(arena, qn_buf_strv(text)) : NULL;
    *failed |= text->failed || (whole && !copy);
    qn_buf_clear(text);
    return copy;
}

static qn_code describe_file(const struct qn_landing *self, const struct qn_landing_file *file,
                             struct qn_arena *arena, struct qn_lake_file *out, struct qn_err *err)
{
    const struct qn_schema *columns = &self->files->columns;
    const char **least = QN_NEW_ARRAY(arena, const char *, columns->n_fields);
    const char **greatest = QN_NEW_ARRAY(arena, const char *, columns->n_fields);
    uint64_t *nulls = QN_NEW_ARRAY(arena, uint64_t, columns->n_fields);
    bool failed = !least || !greatest || !nulls;
    struct qn_buf text;
    qn_buf_init(&text);
    for (uint32_t c = 0; c < columns->n_fields && !failed; c++) {
        struct qn_type type = columns->fields[c].type;
        const struct qn_bounds *bounds = &file->bounds[c];
        least[c] = text_of(arena, qn_bounds_min(bounds, type, &text), &text, &failed);
        greatest[c] = text_of(arena, qn_bounds_max(bounds, type, &text), &text, &failed);
        nulls[c] = bounds->nulls;
    }
    qn_buf_fini(&text);
    *out = (struct qn_lake_file){.path = file->name,
                                 .rows = file->rows,
                                 .bytes = file->bytes,
                                 .partition = file->place->values,
                                 .min = least,
                                 .max = greatest,
                                 .nulls = nulls};
    return failed ? qn_err_nomem(err, "a manifest") : QN_OK;
}

/* --- what it is added to --------------------------------------------------------------------- */

static qn_code does_not_fit(const struct qn_landing *self, const char *what, struct qn_err *err)
{
    return qn_err_set(err, QN_EINPUT, QN_BLAME_JOB,
                      "rows of job %s cannot be appended to dataset %s: %s; write_disposition: "
                      "replace makes it anew",
                      self->options.job->name, self->files->dataset, what);
}

static qn_code check_columns(const struct qn_landing *self, const struct qn_lake_manifest *base,
                             struct qn_err *err)
{
    const struct qn_schema *mine = &self->options.job->out;
    char what[300], type[QN_TYPE_NAME], other[QN_TYPE_NAME];
    for (uint32_t c = 0; c < mine->n_fields && c < base->columns.n_fields; c++) {
        const struct qn_field *a = &base->columns.fields[c], *b = &mine->fields[c];
        if (strcmp(a->name, b->name) == 0 && qn_type_eq(a->type, b->type))
            continue;
        snprintf(what, sizeof what, "its column %u is %.80s %s, not %.80s %s", c + 1, a->name,
                 qn_type_name(a->type, type), b->name, qn_type_name(b->type, other));
        return does_not_fit(self, what, err);
    }
    if (mine->n_fields == base->columns.n_fields)
        return QN_OK;
    snprintf(what, sizeof what, "it has %u columns, not %u", base->columns.n_fields,
             mine->n_fields);
    return does_not_fit(self, what, err);
}

static qn_code check_base(const struct qn_landing *self, const struct qn_lake_manifest *base,
                          struct qn_err *err)
{
    const struct qn_into_files *files = self->files;
    char what[120];
    QN_TRY(check_columns(self, base, err));
    if (strcmp(base->format, files->writer->format) != 0) {
        snprintf(what, sizeof what, "its files are %.40s, not %.40s", base->format,
                 files->writer->format);
        return does_not_fit(self, what, err);
    }
    bool same = base->n_partition == files->n_partition;
    for (uint32_t i = 0; same && i < files->n_partition; i++)
        same = base->partition[i] == files->partition[i];
    return same ? QN_OK : does_not_fit(self, "other columns name its folders", err);
}

qn_code qn_landing_check_fit(const struct qn_landing *self, struct qn_err *err)
{
    struct qn_arena arena;
    struct qn_lake_manifest base;
    if (self->options.job->into.disposition != QN_WRITE_APPEND)
        return QN_OK;
    qn_arena_init(&arena);
    qn_code code = qn_dataset_read(self->files->path, 0, &arena, &base, err);
    if (code == QN_OK)
        code = check_base(self, &base, err);
    else if (code == QN_ENOTFOUND)
        code = QN_OK;
    qn_arena_fini(&arena);
    return code;
}

/* --- the snapshot ---------------------------------------------------------------------------- */

static qn_code rebase(void *context, const struct qn_lake_manifest *base, struct qn_arena *arena,
                      struct qn_lake_manifest *next, struct qn_err *err)
{
    const struct qn_landing *self = context;
    const struct qn_into_files *files = self->files;
    bool appends = self->options.job->into.disposition == QN_WRITE_APPEND;
    uint32_t before = appends && base ? base->n_files : 0;
    struct qn_lake_file *list = QN_NEW_ARRAY(arena, struct qn_lake_file, before + self->n_files);
    if (!list)
        return qn_err_nomem(err, "a manifest");
    if (appends && base)
        QN_TRY(check_base(self, base, err));
    for (uint32_t i = 0; i < before; i++)
        list[i] = base->files[i];
    for (uint32_t i = 0; i < self->n_files; i++)
        QN_TRY(describe_file(self, self->all[i], arena, &list[before + i], err));
    *next = (struct qn_lake_manifest){.operation = appends ? "append" : "replace",
                                      .run = self->options.run_id,
                                      .job = self->options.job->name,
                                      .spec_sha256 = self->options.spec_sha256,
                                      .engine = QN_VERSION,
                                      .format = files->writer->format,
                                      .codec = files->options.codec,
                                      .level = files->options.level,
                                      .columns = self->options.job->out,
                                      .partition = files->partition,
                                      .n_partition = files->n_partition,
                                      .files = list,
                                      .n_files = before + self->n_files};
    return QN_OK;
}

/* --- files to their places ------------------------------------------------------------------- */

/* Each folder once, after its last file. */
static qn_code sync_places(struct qn_landing *self, struct qn_err *err)
{
    for (uint32_t i = 0; i < self->n_files; i++) {
        const struct qn_landing_place *place = self->all[i]->place;
        const char *folder =
            qn_arena_printf(&self->unit_arena, "%s/%s", self->files->path, place->folder);
        if (place->growing != self->all[i])
            continue;
        if (!folder)
            return qn_err_nomem(err, "a path");
        QN_TRY(qn_disk_sync_folder(folder, err));
    }
    return QN_OK;
}

static qn_code publish_dataset(struct qn_landing *self, struct qn_err *err)
{
    uint64_t number;
    for (uint32_t i = 0; i < self->n_files; i++)
        QN_TRY(qn_load_place(&self->load, self->all[i]->staged, self->all[i]->name, err));
    QN_TRY(sync_places(self, err));
    return qn_dataset_commit(self->files->path, rebase, self, &number, err);
}

static qn_code publish_file(struct qn_landing *self, struct qn_err *err)
{
    if (rename(self->all[0]->staged, self->files->path) != 0) {
        qn_code code = qn_err_io(err, "put in place", self->files->path);
        err->blame = QN_BLAME_COORDINATOR;
        return code;
    }
    /* Everybody sees it already: what fails now must not make the job fail. */
    if (qn_disk_sync_folder(self->load.staging, err) != QN_OK)
        qn_log_warn("%s is published, but may be lost if the power fails now: %s",
                    self->files->path, err->message);
    return QN_OK;
}

qn_code qn_landing_publish(struct qn_landing *self, struct qn_err *err)
{
    qn_arena_clear(&self->unit_arena);
    if (!self->published) {
        if (!self->files->dataset)
            QN_TRY(qn_landing_need_one(self, err));
        for (uint32_t i = 0; i < self->n_files; i++)
            QN_TRY(qn_landing_finish_file(self, self->all[i], err));
        QN_TRY(self->files->dataset ? publish_dataset(self, err) : publish_file(self, err));
    }
    self->published = true;
    qn_landing_discard(self);
    return QN_OK;
}
