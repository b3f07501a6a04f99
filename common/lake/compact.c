#include "lake/compact.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/disk.h"
#include "flow/value.h"
#include "flow/writer.h"
#include "lake/dataset.h"
#include "lake/facts.h"
#include "lake/load.h"

/* Files that become one: `next` chains them, in order. */
struct group {
    uint32_t first, last, n; /* in the manifest's files */
    uint64_t bytes;
    struct qn_lake_file joined;
    bool placed;
};

struct compaction {
    const char *folder;
    uint64_t file_bytes;
    const struct qn_writer_ops *writer;
    struct qn_arena arena;
    struct qn_lake_manifest base;
    struct qn_schema columns; /* of the files */
    char id[QN_CLOCK_ID];
    struct qn_load load;
    struct group *groups; /* by their first file; only those of two and more are joined */
    uint32_t n_groups;
    uint32_t *next, *group_of; /* by file: the next of its group, its group */
};

static const uint32_t NONE = UINT32_MAX;

/* --- which ----------------------------------------------------------------------------------- */

static bool same_folder(const struct compaction *self, uint32_t a, uint32_t b)
{
    const struct qn_lake_file *files = self->base.files;
    for (uint32_t i = 0; i < self->base.n_partition; i++) {
        const char *x = files[a].partition[i], *y = files[b].partition[i];
        if (!x != !y || (x && strcmp(x, y) != 0))
            return false;
    }
    return true;
}

/* The last group of the file's folder; NONE: it has none yet. Folders are found by their first
 * group, from the newest on: files of one folder tend to stand together. */
static uint32_t find_group(const struct compaction *self, uint32_t file)
{
    for (uint32_t g = self->n_groups; g-- > 0;)
        if (same_folder(self, self->groups[g].first, file))
            return g;
    return NONE;
}

static void choose(struct compaction *self)
{
    for (uint32_t f = 0; f < self->base.n_files; f++) {
        uint64_t bytes = self->base.files[f].bytes;
        uint32_t g = find_group(self, f);
        self->next[f] = NONE;
        if (g == NONE || self->groups[g].bytes + bytes > self->file_bytes) {
            self->groups[self->n_groups] = (struct group){.first = f, .last = f, .n = 1};
            g = self->n_groups++;
        } else {
            self->next[self->groups[g].last] = f;
            self->groups[g].last = f;
            self->groups[g].n++;
        }
        self->groups[g].bytes += bytes;
        self->group_of[f] = g;
    }
}

/* --- what is known of a joined file ---------------------------------------------------------- */

/* A bound over both; NULL (not told) where one is not told although the file has values. */
static const char *join_bound(struct qn_type type, int sign, const struct qn_lake_file *a,
                              const char *x, const struct qn_lake_file *b, const char *y,
                              uint32_t c)
{
    struct qn_lake_value left, right;
    if (!x || !y)
        return x && b->nulls[c] == b->rows ? x : y && a->nulls[c] == a->rows ? y : NULL;
    if (!qn_lake_value_parse(type, x, &left) || !qn_lake_value_parse(type, y, &right))
        return NULL;
    return qn_lake_value_compare(type, &left, &right) * sign <= 0 ? x : y;
}

static bool join_facts(struct compaction *self, struct qn_lake_file *joined,
                       const struct qn_lake_file *more)
{
    uint32_t n = self->columns.n_fields;
    const char **least = QN_NEW_ARRAY(&self->arena, const char *, n);
    const char **greatest = QN_NEW_ARRAY(&self->arena, const char *, n);
    uint64_t *nulls = QN_NEW_ARRAY(&self->arena, uint64_t, n);
    if (!least || !greatest || !nulls)
        return false;
    for (uint32_t c = 0; c < n; c++) {
        struct qn_type type = self->columns.fields[c].type;
        least[c] = join_bound(type, 1, joined, joined->min[c], more, more->min[c], c);
        greatest[c] = join_bound(type, -1, joined, joined->max[c], more, more->max[c], c);
        nulls[c] = joined->nulls[c] + more->nulls[c];
    }
    joined->rows += more->rows;
    joined->min = least;
    joined->max = greatest;
    joined->nulls = nulls;
    return true;
}

/* --- joining --------------------------------------------------------------------------------- */

struct output {
    int fd;
    const char *path;
    uint64_t bytes;
    struct qn_segment *segments;
    uint32_t n;
};

/* The dataset's, so that what a writer puts at a file's ends is what its loads have there. */
static struct qn_writer_options options_of(const struct compaction *self)
{
    return (struct qn_writer_options){.codec = self->base.codec, .level = self->base.level};
}

static qn_code append_mapped(struct compaction *self, struct output *out, int fd,
                             struct qn_strv file, uint64_t rows, struct qn_err *err)
{
    struct qn_writer_options options = options_of(self);
    struct qn_unwrapped at;
    struct qn_buf meta;
    qn_buf_init(&meta);
    qn_code code = self->writer->unwrap(file, &self->columns, &options, &at, &meta, err);
    char *copy = code == QN_OK ? qn_arena_strdup(&self->arena, qn_buf_strv(&meta)) : NULL;
    if (code == QN_OK && (!copy || meta.failed))
        code = qn_err_nomem(err, "a file's segment");
    if (code == QN_OK)
        code = qn_disk_copy(fd, at.offset, out->fd, out->bytes, at.bytes, out->path, err);
    if (code == QN_OK) {
        out->bytes += at.bytes;
        out->segments[out->n++] = (struct qn_segment){at.bytes, rows, {copy, meta.len}};
    }
    qn_buf_fini(&meta);
    return code;
}

static qn_code append_file(struct compaction *self, struct output *out,
                           const struct qn_lake_file *file, struct qn_err *err)
{
    const char *path = qn_arena_printf(&self->arena, "%s/%s", self->folder, file->path);
    struct stat at;
    if (!path)
        return qn_err_nomem(err, "a path");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &at) != 0) {
        qn_code code = qn_err_io(err, "read", path);
        if (fd >= 0)
            close(fd);
        return code;
    }
    size_t n = (size_t)at.st_size;
    void *map = n ? mmap(NULL, n, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
    qn_code code = map == MAP_FAILED
                       ? qn_err_io(err, "map", path)
                       : append_mapped(self, out, fd, (struct qn_strv){map, n}, file->rows, err);
    if (code != QN_OK)
        qn_err_at(err, path, 0, 0);
    if (map && map != MAP_FAILED)
        munmap(map, n);
    close(fd);
    return code;
}

static qn_code put_ends(struct compaction *self, struct output *out, bool head, struct qn_err *err)
{
    struct qn_writer_options options = options_of(self);
    struct qn_buf text;
    qn_buf_init(&text);
    qn_code code =
        head ? self->writer->head(&self->columns, &options, &text, err)
             : self->writer->tail(&self->columns, &options, out->segments, out->n, &text, err);
    if (code == QN_OK)
        code = qn_disk_put(out->fd, out->path, qn_buf_strv(&text), out->bytes, err);
    out->bytes += text.len;
    qn_buf_fini(&text);
    return code;
}

static qn_code write_group(struct compaction *self, struct group *group, struct output *out,
                           struct qn_err *err)
{
    const struct qn_lake_file *files = self->base.files;
    group->joined = files[group->first];
    QN_TRY(put_ends(self, out, true, err));
    for (uint32_t f = group->first; f != NONE; f = self->next[f]) {
        QN_TRY(append_file(self, out, &files[f], err));
        if (f != group->first && !join_facts(self, &group->joined, &files[f]))
            return qn_err_nomem(err, "a manifest");
    }
    QN_TRY(put_ends(self, out, false, err));
    group->joined.bytes = out->bytes;
    return fsync(out->fd) == 0 ? QN_OK : qn_err_io(err, "sync", out->path);
}

/* The place of the group's first file, under the compaction's name. */
static qn_code name_joined(struct compaction *self, struct group *group, uint32_t number,
                           struct qn_err *err)
{
    const char *path = self->base.files[group->first].path, *slash = strrchr(path, '/');
    int n = slash ? (int)(slash + 1 - path) : 0;
    group->joined.path = qn_arena_printf(&self->arena, "%.*s%s-%05u%s", n, path, self->id, number,
                                         self->writer->suffixes[0]);
    return group->joined.path ? QN_OK : qn_err_nomem(err, "a file's name");
}

static qn_code join_group(struct compaction *self, uint32_t number, struct qn_err *err)
{
    struct group *group = &self->groups[number];
    struct output out = {
        .fd = -1,
        .path = qn_arena_printf(&self->arena, "%s/%u.load", self->load.staging, number),
        .segments = QN_NEW_ARRAY(&self->arena, struct qn_segment, group->n)};
    if (!out.path || !out.segments)
        return qn_err_nomem(err, "a joined file");
    out.fd = open(out.path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (out.fd < 0)
        return qn_err_io(err, "create", out.path);
    qn_code code = write_group(self, group, &out, err);
    close(out.fd);
    QN_TRY(code);
    QN_TRY(name_joined(self, group, number, err));
    QN_TRY(qn_load_place(&self->load, out.path, group->joined.path, err));
    group->placed = true;
    return QN_OK;
}

static qn_code sync_group(const struct compaction *self, const struct group *group,
                          struct qn_err *err)
{
    char path[4096];
    const char *slash = strrchr(group->joined.path, '/');
    int n = slash ? (int)(slash - group->joined.path) : 0;
    snprintf(path, sizeof path, "%s/%.*s", self->folder, n, group->joined.path);
    return qn_disk_sync_folder(path, err);
}

static qn_code join_all(struct compaction *self, struct qn_err *err)
{
    for (uint32_t g = 0; g < self->n_groups; g++)
        if (self->groups[g].n > 1)
            QN_TRY(join_group(self, g, err));
    for (uint32_t g = 0; g < self->n_groups; g++)
        if (self->groups[g].n > 1)
            QN_TRY(sync_group(self, &self->groups[g], err));
    return QN_OK;
}

/* --- the snapshot ---------------------------------------------------------------------------- */

/* Files of a dataset are told by their paths, which are never used twice. A load may have added
 * files since; none of those that were joined may be gone. */
static qn_code rebase(void *context, const struct qn_lake_manifest *now, struct qn_arena *arena,
                      struct qn_lake_manifest *next, struct qn_err *err)
{
    const struct compaction *self = context;
    const struct qn_lake_manifest *base = &self->base;
    uint32_t n = 0, known = base->n_files;
    struct qn_lake_file *files =
        now ? QN_NEW_ARRAY(arena, struct qn_lake_file, now->n_files) : NULL;
    if (now && !files)
        return qn_err_nomem(err, "a manifest");
    for (uint32_t f = 0; f < known; f++)
        if (!now || f >= now->n_files || strcmp(now->files[f].path, base->files[f].path) != 0)
            return qn_err_set(err, QN_EINPUT, QN_BLAME_JOB,
                              "another writer changed the files of %s meanwhile: nothing was "
                              "joined; compact again",
                              self->folder);
    for (uint32_t f = 0; now && f < now->n_files; f++) {
        const struct group *group = f < known ? &self->groups[self->group_of[f]] : NULL;
        if (!group || group->n == 1)
            files[n++] = now->files[f];
        else if (group->first == f)
            files[n++] = group->joined;
    }
    *next = *now;
    next->operation = "compact";
    next->run = self->id;
    next->job = NULL;
    next->spec_sha256 = NULL;
    next->engine = QN_VERSION;
    next->files = files;
    next->n_files = n;
    return QN_OK;
}

/* --- the whole ------------------------------------------------------------------------------- */

static qn_code setup(struct compaction *self, struct qn_err *err)
{
    const struct qn_lake_manifest *base = &self->base;
    struct qn_field *fields =
        QN_NEW_ARRAY(&self->arena, struct qn_field, qn_manifest_file_columns(base));
    self->groups = QN_NEW_ARRAY(&self->arena, struct group, base->n_files);
    self->next = QN_NEW_ARRAY(&self->arena, uint32_t, base->n_files);
    self->group_of = QN_NEW_ARRAY(&self->arena, uint32_t, base->n_files);
    if (!fields || !self->groups || !self->next || !self->group_of)
        return qn_err_nomem(err, "a compaction");
    for (uint32_t c = 0; c < base->columns.n_fields; c++)
        if (!qn_manifest_is_partition(base, c))
            fields[self->columns.n_fields++] = base->columns.fields[c];
    self->columns.fields = fields;
    self->writer = qn_writer_find(base->format);
    if (self->writer && self->writer->unwrap)
        return QN_OK;
    return qn_err_set(err, QN_ENOTSUP, QN_BLAME_JOB, "files of format %s are not joined",
                      base->format);
}

static qn_code compact(struct compaction *self, struct qn_compact_result *out, struct qn_err *err)
{
    QN_TRY(qn_dataset_read(self->folder, 0, &self->arena, &self->base, err));
    QN_TRY(setup(self, err));
    choose(self);
    *out = (struct qn_compact_result){.snapshot = self->base.number,
                                      .files_before = self->base.n_files,
                                      .files_after = self->n_groups};
    if (self->n_groups == self->base.n_files)
        return QN_OK;
    qn_clock_id(self->id);
    QN_TRY(qn_load_begin(&self->load, self->folder, self->id, &self->arena, err));
    QN_TRY(join_all(self, err));
    return qn_dataset_commit(self->folder, rebase, self, &out->snapshot, err);
}

/* Files in their places that no snapshot came to name. */
static void drop_placed(struct compaction *self)
{
    for (uint32_t g = 0; g < self->n_groups; g++) {
        const struct group *group = &self->groups[g];
        const char *path =
            group->placed ? qn_arena_printf(&self->arena, "%s/%s", self->folder, group->joined.path)
                          : NULL;
        if (path)
            unlink(path);
    }
}

qn_code qn_dataset_compact(const char *folder, uint64_t file_bytes, struct qn_compact_result *out,
                           struct qn_err *err)
{
    struct compaction self = {.folder = folder, .file_bytes = file_bytes, .load = {.lock = -1}};
    qn_arena_init(&self.arena);
    qn_code code = compact(&self, out, err);
    if (code != QN_OK)
        drop_placed(&self);
    qn_load_end(&self.load);
    qn_load_close(&self.load);
    qn_arena_fini(&self.arena);
    return code;
}
