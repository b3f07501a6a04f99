#include "coordinator/landing.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/disk.h"
#include "base/hash.h"
#include "coordinator/landing_internal.h"
#include "lake/dataset.h"
#include "lake/hive.h"
#include "wire/segments.h"

/* --- places ---------------------------------------------------------------------------------- */

static qn_code name_place(struct qn_landing *self, struct qn_landing_place *place,
                          struct qn_err *err)
{
    const struct qn_into_files *files = self->files;
    const char **values = QN_NEW_ARRAY(&self->arena, const char *, files->n_partition);
    struct qn_unpack in = qn_unpack_from(place->key);
    struct qn_buf folder;
    if (!values)
        return qn_err_nomem(err, "a folder's name");
    qn_buf_init(&folder);
    for (uint32_t i = 0; i < files->n_partition; i++) {
        struct qn_strv text;
        const char *column = self->options.job->out.fields[files->partition[i]].name;
        bool has_value = qn_segment_key_next(&in, &text);
        qn_hive_put(&folder, qn_strv_from(column), has_value ? text : (struct qn_strv){0});
        values[i] = has_value ? qn_arena_strdup(&self->arena, text) : NULL;
        folder.failed |= has_value && !values[i];
    }
    place->values = values;
    place->folder = qn_arena_strdup(&self->arena, qn_buf_strv(&folder));
    qn_code code = qn_buf_check(&folder, "a folder's name", err);
    qn_buf_fini(&folder);
    if (code == QN_OK && !place->folder)
        code = qn_err_nomem(err, "a folder's name");
    return code == QN_OK ? qn_unpack_end(&in, "a partition's key", err) : code;
}

static qn_code find_place(struct qn_landing *self, struct qn_strv key,
                          struct qn_landing_place **out, struct qn_err *err)
{
    uint64_t hash = qn_hash64(key.data, key.len, 0);
    struct qn_landing_place *first = qn_id_map_get(&self->places, hash);
    for (*out = first; *out; *out = (*out)->same_hash)
        if (qn_strv_eq((*out)->key, key))
            return QN_OK;
    struct qn_landing_place *place = QN_NEW(&self->arena, struct qn_landing_place);
    char *copy = qn_arena_strdup(&self->arena, key);
    if (!place || !copy)
        return qn_err_nomem(err, "a folder of the lake");
    place->key = (struct qn_strv){copy, key.len};
    QN_TRY(name_place(self, place, err));
    *out = place;
    if (!first)
        return qn_id_map_put(&self->places, hash, place, err);
    place->same_hash = first->same_hash;
    first->same_hash = place;
    return QN_OK;
}

/* --- files ----------------------------------------------------------------------------------- */

static qn_code put_at_end(struct qn_landing_file *file, struct qn_strv bytes, int flags,
                          bool durable, struct qn_err *err)
{
    int fd = open(file->staged, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0644);
    if (fd < 0) {
        qn_code code = qn_err_io(err, "create", file->staged);
        err->blame = QN_BLAME_COORDINATOR;
        return code;
    }
    qn_code code = qn_disk_put(fd, file->staged, bytes, file->bytes, err);
    file->bytes += bytes.len;
    if (code == QN_OK && durable && fsync(fd) != 0) {
        code = qn_err_io(err, "sync", file->staged);
        err->blame = QN_BLAME_COORDINATOR;
    }
    close(fd);
    return code;
}

static qn_code write_head(struct qn_landing *self, struct qn_landing_file *file, struct qn_err *err)
{
    const struct qn_into_files *files = self->files;
    struct qn_buf head;
    qn_buf_init(&head);
    qn_code code = files->writer->head(&files->columns, &files->options, &head, err);
    if (code == QN_OK)
        code = put_at_end(file, qn_buf_strv(&head), O_TRUNC, false, err);
    qn_buf_fini(&head);
    return code;
}

static qn_code name_file(struct qn_landing *self, struct qn_landing_file *file, uint32_t unit,
                         struct qn_err *err)
{
    const struct qn_into_files *files = self->files;
    if (files->dataset) {
        file->name = qn_arena_printf(&self->arena, "%s%s-%05u%s", file->place->folder,
                                     self->options.run_id, unit, files->writer->suffixes[0]);
        file->staged =
            qn_arena_printf(&self->arena, "%s/%u.load", self->load.staging, self->n_files);
    } else {
        file->name = files->path;
        file->staged = qn_arena_printf(&self->arena, "%s/.%s.%s", self->load.staging,
                                       strrchr(files->path, '/') + 1, self->options.run_id);
    }
    return file->name && file->staged ? QN_OK : qn_err_nomem(err, "a file's name");
}

static bool keep_file(struct qn_landing *self, struct qn_landing_file *file)
{
    if (self->n_files == self->capacity) {
        uint32_t capacity = self->capacity ? self->capacity * 2 : 64;
        struct qn_landing_file **grown =
            realloc(self->all, capacity * sizeof(struct qn_landing_file *));
        if (!grown)
            return false;
        self->all = grown;
        self->capacity = capacity;
    }
    self->all[self->n_files++] = file;
    return true;
}

/* Tells other runs that a file which grows beside its place is not left over. Where files cannot be
 * locked, they leave it alone. */
static void hold(struct qn_landing *self, const struct qn_landing_file *file)
{
    qn_load_close(&self->load);
    self->load.lock = open(file->staged, O_RDWR | O_CLOEXEC);
    if (self->load.lock >= 0)
        (void)flock(self->load.lock, LOCK_EX | LOCK_NB);
}

static qn_code begin_file(struct qn_landing *self, struct qn_landing_place *place, uint32_t unit,
                          struct qn_err *err)
{
    struct qn_landing_file *file = QN_NEW(&self->arena, struct qn_landing_file);
    uint32_t n = self->files->columns.n_fields;
    struct qn_bounds *bounds = QN_NEW_ARRAY(&self->arena, struct qn_bounds, n);
    if (!file || !bounds)
        return qn_err_nomem(err, "a file of the lake");
    file->place = place;
    file->bounds = bounds;
    QN_TRY(name_file(self, file, unit, err));
    if (!keep_file(self, file))
        return qn_err_nomem(err, "a file of the lake");
    place->growing = file;
    QN_TRY(write_head(self, file, err));
    if (!self->files->dataset)
        hold(self, file);
    return QN_OK;
}

qn_code qn_landing_finish_file(struct qn_landing *self, struct qn_landing_file *file,
                               struct qn_err *err)
{
    const struct qn_into_files *files = self->files;
    struct qn_buf tail;
    if (file->whole)
        return QN_OK;
    qn_buf_init(&tail);
    qn_code code = files->writer->tail(&files->columns, &files->options, file->segments,
                                       file->n_segments, &tail, err);
    if (code == QN_OK)
        code = put_at_end(file, qn_buf_strv(&tail), 0, true, err);
    qn_buf_fini(&tail);
    file->whole = code == QN_OK;
    free(file->segments);
    file->segments = NULL;
    return code;
}

qn_code qn_landing_need_one(struct qn_landing *self, struct qn_err *err)
{
    struct qn_landing_place *place;
    if (self->n_files)
        return QN_OK;
    QN_TRY(find_place(self, (struct qn_strv){"", 0}, &place, err));
    return begin_file(self, place, 0, err);
}

/* --- a unit more ----------------------------------------------------------------------------- */

/* What a file has to know of a segment when it ends. */
static qn_code note_segment(struct qn_landing *self, struct qn_landing_file *file,
                            const struct qn_part_segment *more, struct qn_err *err)
{
    const struct qn_schema *columns = &self->files->columns;
    if (file->n_segments == file->capacity) {
        uint32_t capacity = file->capacity ? file->capacity * 2 : 8;
        struct qn_segment *grown = realloc(file->segments, capacity * sizeof *grown);
        if (!grown)
            return qn_err_nomem(err, "a file's segments");
        file->segments = grown;
        file->capacity = capacity;
    }
    char *meta = qn_arena_strdup(&self->arena, more->segment.meta);
    if (!meta)
        return qn_err_nomem(err, "a file's segments");
    struct qn_segment *segment = &file->segments[file->n_segments++];
    *segment = more->segment;
    segment->meta.data = meta;
    file->rows += more->segment.rows;
    for (uint32_t c = 0; c < columns->n_fields; c++)
        qn_bounds_merge(&file->bounds[c], columns->fields[c].type, &more->bounds[c]);
    return QN_OK;
}

/* By sizes alone: the same files in every life of the run. */
static bool is_full(const struct qn_landing *self, const struct qn_landing_file *file,
                    uint64_t more)
{
    uint64_t most = self->files->dataset ? self->files->file_bytes : UINT64_MAX;
    return file->n_segments && (file->bytes >= most || more > most - file->bytes);
}

static qn_code choose_file(struct qn_landing *self, uint32_t unit,
                           const struct qn_part_segment *segment, struct qn_landing_file **out,
                           struct qn_err *err)
{
    struct qn_landing_place *place;
    QN_TRY(find_place(self, segment->key, &place, err));
    if (place->growing && is_full(self, place->growing, segment->segment.bytes)) {
        QN_TRY(qn_landing_finish_file(self, place->growing, err));
        place->growing = NULL;
    }
    if (!place->growing)
        QN_TRY(begin_file(self, place, unit, err));
    *out = place->growing;
    return note_segment(self, *out, segment, err);
}

static qn_code copy_piece(void *context, uint32_t number, int fd, uint64_t offset, uint32_t bytes,
                          struct qn_err *err)
{
    struct qn_landing_file *file = ((struct qn_landing_file **)context)[number];
    int to = open(file->staged, O_WRONLY | O_CLOEXEC);
    if (to < 0) {
        qn_code code = qn_err_io(err, "open", file->staged);
        err->blame = QN_BLAME_COORDINATOR;
        return code;
    }
    qn_code code = qn_disk_copy(fd, offset, to, file->bytes, bytes, file->staged, err);
    file->bytes += bytes;
    close(to);
    return code;
}

qn_code qn_landing_add(struct qn_landing *self, uint32_t unit, const char *part, struct qn_err *err)
{
    struct qn_part_segment *segments;
    uint32_t n;
    if (self->published)
        return QN_OK;
    qn_arena_clear(&self->unit_arena);
    QN_TRY(qn_segments_read(part, &self->files->columns, &self->unit_arena, &segments, &n, err));
    struct qn_landing_file **files = QN_NEW_ARRAY(&self->unit_arena, struct qn_landing_file *, n);
    if (!files)
        return qn_err_nomem(err, "a unit's segments");
    for (uint32_t i = 0; i < n; i++)
        QN_TRY(choose_file(self, unit, &segments[i], &files[i], err));
    return n ? qn_segments_each(part, segments, n, copy_piece, files, err) : QN_OK;
}

/* --- life ------------------------------------------------------------------------------------ */

static qn_code open_dataset(struct qn_landing *self, struct qn_err *err)
{
    uint64_t number;
    const char *path = self->files->path;
    QN_TRY(qn_dataset_make(path, err));
    qn_code code =
        qn_dataset_find_run(path, self->options.run_id, self->options.job->name, &number, err);
    self->published = code == QN_OK;
    if (code != QN_OK && code != QN_ENOTFOUND)
        return code;
    if (!self->published)
        QN_TRY(qn_landing_check_fit(self, err));
    return qn_load_begin(&self->load, path, self->options.run_id, &self->arena, err);
}

/* .NAME.RUN of a run that was given up: nobody holds it. */
static void drop_dead(const char *folder, const char *name, const char *own)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    size_t n = strlen(name);
    while (dir && (entry = readdir(dir))) { /* NOLINT(concurrency-mt-unsafe) */
        const char *at = entry->d_name;
        if (at[0] != '.' || strncmp(at + 1, name, n) != 0 || at[n + 1] != '.' ||
            strlen(at + n + 2) != QN_CLOCK_ID - 1 || !qn_clock_is_id(at + n + 2) ||
            strcmp(at + n + 2, own) == 0)
            continue;
        int fd = openat(dirfd(dir), at, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
        if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
            unlinkat(dirfd(dir), at, 0);
        if (fd >= 0)
            close(fd);
    }
    if (dir)
        closedir(dir);
}

static qn_code open_file(struct qn_landing *self, struct qn_err *err)
{
    const char *path = self->files->path, *slash = strrchr(path, '/');
    size_t n = slash == path ? 1 : (size_t)(slash - path);
    self->load.staging = qn_arena_strdup(&self->arena, (struct qn_strv){path, n});
    if (!self->load.staging)
        return qn_err_nomem(err, "a path");
    QN_TRY(qn_disk_make_folders(self->load.staging, err));
    drop_dead(self->load.staging, slash + 1, self->options.run_id);
    return QN_OK;
}

qn_code qn_landing_open(const struct qn_landing_options *options, struct qn_landing **out,
                        struct qn_err *err)
{
    struct qn_landing *self = calloc(1, sizeof *self);
    *out = NULL;
    if (!self)
        return qn_err_nomem(err, "a load");
    self->options = *options;
    self->files = &options->job->into.files;
    self->load.lock = -1;
    qn_arena_init(&self->arena);
    qn_arena_init(&self->unit_arena);
    qn_id_map_init(&self->places);
    qn_code code = self->files->dataset ? open_dataset(self, err) : open_file(self, err);
    if (code != QN_OK)
        qn_landing_close(self);
    else
        *out = self;
    return code;
}

void qn_landing_discard(struct qn_landing *self)
{
    for (uint32_t i = 0; i < self->n_files; i++)
        unlink(self->all[i]->staged);
    if (self->files->dataset)
        qn_load_end(&self->load);
}

void qn_landing_close(struct qn_landing *self)
{
    if (!self)
        return;
    for (uint32_t i = 0; i < self->n_files; i++)
        free(self->all[i]->segments);
    free(self->all);
    qn_load_close(&self->load);
    qn_id_map_fini(&self->places);
    qn_arena_fini(&self->arena);
    qn_arena_fini(&self->unit_arena);
    free(self);
}
