/* A reader of files that puts the columns that their folders name beside those that they have. */
#include <stdlib.h>

#include "base/limits.h"
#include "jobs/folders.h"

struct folder_reader {
    struct qn_reader base;
    struct qn_reader *inner;
    const struct qn_folders *folders;
    struct qn_arena arena;
    struct qn_schema projected;  /* of the batches */
    int32_t *from;               /* by column of them: of the inner batch, or -1 - k */
    struct qn_column *constants; /* by column that folders name, QN_BATCH_ROWS long */
    struct qn_column *columns;   /* of the batch at hand */
};

static struct folder_reader *reader_of(struct qn_reader *reader)
{
    return (struct folder_reader *)(void *)reader;
}

/* Of conditions, what folders name is no concern of the files' reader. */
static qn_code folder_only(struct qn_reader *reader, const struct qn_condition *condition,
                           struct qn_err *err)
{
    struct folder_reader *self = reader_of(reader);
    const struct qn_folders *folders = self->folders;
    const struct qn_condition *inner = NULL;
    uint32_t *to = QN_NEW_ARRAY(&self->arena, uint32_t, folders->rows.n_fields);
    if (!to)
        return qn_err_nomem(err, "a condition");
    for (uint32_t c = 0; c < folders->rows.n_fields; c++)
        to[c] = folders->from[c] >= 0 ? (uint32_t)folders->from[c] : UINT32_MAX;
    QN_TRY(qn_condition_map(condition, to, &self->arena, &inner, err));
    bool wanted = inner && self->inner->ops->only;
    return wanted ? self->inner->ops->only(self->inner, inner, err) : QN_OK;
}

static qn_code folder_next(struct qn_reader *reader, struct qn_batch *batch,
                           struct qn_rejects *rejects, struct qn_err *err)
{
    struct folder_reader *self = reader_of(reader);
    struct qn_batch inner;
    QN_TRY(self->inner->ops->next(self->inner, &inner, rejects, err));
    for (uint32_t c = 0; c < self->projected.n_fields; c++) {
        int32_t from = self->from[c];
        self->columns[c] = from >= 0 ? inner.columns[from] : self->constants[-1 - from];
    }
    *batch = (struct qn_batch){.schema = &self->projected,
                               .columns = self->columns,
                               .n_rows = inner.n_rows,
                               .origin = inner.origin};
    return QN_OK;
}

static qn_code folder_locate(struct qn_reader *reader, uint32_t origin, struct qn_location *out,
                             struct qn_err *err)
{
    struct folder_reader *self = reader_of(reader);
    return self->inner->ops->locate(self->inner, origin, out, err);
}

static void folder_result(const struct qn_reader *reader, struct qn_chunk_result *out)
{
    const struct folder_reader *self = (const struct folder_reader *)(const void *)reader;
    self->inner->ops->result(self->inner, out);
}

static void folder_close(struct qn_reader *reader)
{
    struct folder_reader *self = reader_of(reader);
    if (self->inner)
        self->inner->ops->close(self->inner);
    qn_arena_fini(&self->arena);
    free(self);
}

static const struct qn_reader_ops folder_reader_ops = {
    .only = folder_only,
    .next = folder_next,
    .locate = folder_locate,
    .result = folder_result,
    .close = folder_close,
};

/* Columns of the files that are wanted: one at least, for rows are counted by it. */
static bool *wanted_of_files(struct folder_reader *self, const struct qn_schema *files,
                             const bool *wanted)
{
    bool *inner = QN_NEW_ARRAY(&self->arena, bool, files->n_fields);
    bool any = false;
    for (uint32_t c = 0; inner && c < self->folders->rows.n_fields; c++)
        if (self->folders->from[c] >= 0 && (!wanted || wanted[c]))
            any = inner[self->folders->from[c]] = true;
    if (inner && !any && files->n_fields)
        inner[0] = true;
    return inner;
}

/* Batches of the inner reader have the wanted columns alone, in the files' order. */
static qn_code project(struct folder_reader *self, const struct qn_schema *files, const bool *inner,
                       const bool *wanted, struct qn_err *err)
{
    const struct qn_folders *folders = self->folders;
    uint32_t n = folders->rows.n_fields, kept = 0;
    int32_t *places = QN_NEW_ARRAY(&self->arena, int32_t, files->n_fields);
    struct qn_field *fields = QN_NEW_ARRAY(&self->arena, struct qn_field, n);
    self->from = QN_NEW_ARRAY(&self->arena, int32_t, n);
    self->columns = QN_NEW_ARRAY(&self->arena, struct qn_column, n);
    if (!places || !fields || !self->from || !self->columns)
        return qn_err_nomem(err, "a projection");
    for (uint32_t c = 0, at = 0; c < files->n_fields; c++)
        places[c] = inner[c] ? (int32_t)at++ : -1;
    for (uint32_t c = 0; c < n; c++) {
        if (wanted && !wanted[c])
            continue;
        int32_t from = folders->from[c];
        fields[kept] = folders->rows.fields[c];
        self->from[kept++] = from >= 0 ? places[from] : from;
    }
    self->projected = (struct qn_schema){fields, kept};
    return QN_OK;
}

static qn_code setup(struct folder_reader *self, const struct qn_source_ops *ops,
                     const struct qn_source_info *info, const struct qn_chunk *chunk,
                     const bool *wanted, struct qn_err *err)
{
    const struct qn_folders *folders = self->folders;
    const bool *inner = wanted_of_files(self, &info->schema, wanted);
    uint32_t n = folders->columns.n_fields;
    self->constants = QN_NEW_ARRAY(&self->arena, struct qn_column, n);
    if (!inner || !self->constants)
        return qn_err_nomem(err, "a reader");
    QN_TRY(project(self, &info->schema, inner, wanted, err));
    QN_TRY(qn_folders_read(&folders->columns, chunk->path, QN_BATCH_ROWS, &self->arena,
                           self->constants, err));
    QN_TRY(ops->open(info, chunk, inner, &self->inner, err));
    self->base = *self->inner;
    self->base.ops = &folder_reader_ops;
    self->base.schema = &self->projected;
    return QN_OK;
}

qn_code qn_folders_open(const struct qn_folders *folders, const struct qn_source_ops *ops,
                        const struct qn_source_info *info, const struct qn_chunk *chunk,
                        const bool *wanted, struct qn_reader **out, struct qn_err *err)
{
    if (folders->columns.n_fields == 0)
        return ops->open(info, chunk, wanted, out, err);
    struct folder_reader *self = calloc(1, sizeof *self);
    if (!self)
        return qn_err_nomem(err, "a reader");
    self->folders = folders;
    qn_arena_init(&self->arena);
    qn_code code = setup(self, ops, info, chunk, wanted, err);
    if (code != QN_OK)
        folder_close(&self->base);
    else
        *out = &self->base;
    return code;
}
