#include "lake/expire.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/disk.h"
#include "base/limits.h"
#include "flow/value.h"
#include "lake/dataset.h"
#include "lake/load.h"

enum { PATH_BYTES = 4096 };
/* An empty file keeps an expired snapshot's number from being taken again by a writer that looked
 * before; none looks for so long. */
static const time_t TOMBSTONE_S = 24 * 3600;

struct expiry {
    const char *folder;
    const struct qn_expire_options *options;
    struct qn_expire_result *out;
    struct qn_arena arena;
    const char **files; /* data files that are there, of loads of ours, sorted */
    bool *named;        /* by a snapshot that stays */
    uint32_t n_files, capacity;
};

/* --- data files ------------------------------------------------------------------------------ */

static qn_code keep_path(struct expiry *self, const char *path, struct qn_err *err)
{
    if (self->n_files == self->capacity) {
        uint32_t capacity = self->capacity ? self->capacity * 2 : 256;
        const char **grown = realloc(self->files, capacity * sizeof(const char *));
        if (!grown)
            return qn_err_nomem(err, "a dataset's files");
        self->files = grown;
        self->capacity = capacity;
    }
    self->files[self->n_files] = qn_arena_strdup(&self->arena, qn_strv_from(path));
    return self->files[self->n_files++] ? QN_OK : qn_err_nomem(err, "a dataset's files");
}

/* Files of loads below a folder, which is named from the dataset's; others are not ours. */
static qn_code list_files(struct expiry *self, const char *below, unsigned depth,
                          struct qn_err *err)
{
    char path[PATH_BYTES], id[QN_CLOCK_ID];
    struct dirent *entry;
    qn_code code = QN_OK;
    snprintf(path, sizeof path, "%s/%s", self->folder, below);
    DIR *dir = opendir(path);
    if (!dir)
        return qn_err_io(err, "read folder", path);
    while (code == QN_OK && (entry = readdir(dir))) { /* NOLINT(concurrency-mt-unsafe) */
        struct stat at;
        bool hidden = entry->d_name[0] == '.' || entry->d_name[0] == '_';
        if ((hidden && !strchr(entry->d_name, '=')) ||
            fstatat(dirfd(dir), entry->d_name, &at, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        const char *whole =
            qn_arena_printf(&self->arena, "%s%s%s", below, below[0] ? "/" : "", entry->d_name);
        if (!whole)
            code = qn_err_nomem(err, "a dataset's files");
        else if (S_ISDIR(at.st_mode) && depth < QN_MAX_PARTITION_COLUMNS)
            code = list_files(self, whole, depth + 1, err);
        else if (S_ISREG(at.st_mode) && qn_load_of_file(whole, id))
            code = keep_path(self, whole, err);
    }
    closedir(dir);
    return code;
}

static int by_path(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;
    return strcmp(*x, *y);
}

/* --- loads ----------------------------------------------------------------------------------- */

/* Before manifests are read: a load that is over by then has its manifest. */
static void spare_live_loads(struct expiry *self)
{
    char id[QN_CLOCK_ID], last[QN_CLOCK_ID] = "";
    bool live = false;
    for (uint32_t i = 0; i < self->n_files; i++) {
        if (!qn_load_of_file(self->files[i], id))
            continue;
        if (strcmp(id, last) != 0)
            live = qn_load_is_live(self->folder, id);
        memcpy(last, id, sizeof last);
        self->named[i] = live;
    }
}

/* Folders of loads that nobody goes on with. */
static qn_code drop_dead_loads(struct expiry *self, struct qn_err *err)
{
    char path[PATH_BYTES];
    struct dirent *entry;
    snprintf(path, sizeof path, "%s/" QN_LAKE_LOADS, self->folder);
    DIR *dir = opendir(path);
    if (!dir)
        return errno == ENOENT ? QN_OK : qn_err_io(err, "read folder", path);
    while ((entry = readdir(dir))) /* NOLINT(concurrency-mt-unsafe) */
        if (strlen(entry->d_name) == QN_CLOCK_ID - 1 && qn_clock_is_id(entry->d_name) &&
            !qn_load_is_live(self->folder, entry->d_name))
            (void)qn_load_drop_dead(self->folder, entry->d_name, &self->arena);
    closedir(dir);
    return QN_OK;
}

/* --- snapshots ------------------------------------------------------------------------------- */

static bool is_old(const struct expiry *self, const char *made)
{
    int64_t micros;
    if (self->options->older_than_s == 0)
        return true;
    return qn_parse_timestamp(qn_strv_from(made), &micros) &&
           (int64_t)time(NULL) - micros / 1000000 > self->options->older_than_s;
}

/* A name without content takes the manifest's place at once. */
static qn_code bury(struct expiry *self, uint64_t number, struct qn_err *err)
{
    char empty[PATH_BYTES], path[PATH_BYTES], id[QN_CLOCK_ID];
    qn_clock_id(id);
    snprintf(path, sizeof path, "%s/" QN_LAKE_SNAPSHOTS "/%020llu.json", self->folder,
             (unsigned long long)number);
    snprintf(empty, sizeof empty, "%s/" QN_LAKE_SNAPSHOTS "/.%s", self->folder, id);
    QN_TRY(qn_disk_write_file(empty, (struct qn_strv){0}, err));
    return rename(empty, path) == 0 ? QN_OK : qn_err_io(err, "replace", path);
}

/* Numbers of snapshots long expired, and manifests that a killed writer never named. */
static void clear_graves(const struct expiry *self)
{
    char path[PATH_BYTES];
    struct dirent *entry;
    struct stat at;
    snprintf(path, sizeof path, "%s/" QN_LAKE_SNAPSHOTS, self->folder);
    DIR *dir = opendir(path);
    while (dir && (entry = readdir(dir))) /* NOLINT(concurrency-mt-unsafe) */
        if (fstatat(dirfd(dir), entry->d_name, &at, 0) == 0 && S_ISREG(at.st_mode) &&
            (at.st_size == 0 || entry->d_name[0] == '.') && time(NULL) - at.st_mtime > TOMBSTONE_S)
            unlinkat(dirfd(dir), entry->d_name, 0);
    if (dir)
        closedir(dir);
}

/* What a snapshot names stays. */
static void spare_named(struct expiry *self, const struct qn_lake_manifest *manifest)
{
    for (uint32_t i = 0; i < manifest->n_files; i++) {
        const char **found = self->n_files ? bsearch(&manifest->files[i].path, self->files,
                                                     self->n_files, sizeof *found, by_path)
                                           : NULL;
        if (found)
            self->named[found - self->files] = true;
    }
}

/* Lets go of the snapshot, or spares its files. */
static qn_code judge(struct expiry *self, uint64_t number, bool may_go, struct qn_err *err)
{
    struct qn_arena arena;
    struct qn_lake_manifest manifest;
    qn_arena_init(&arena);
    qn_code code = qn_dataset_read(self->folder, number, &arena, &manifest, err);
    bool gone = code == QN_ENOTFOUND; /* another expiry was faster */
    if (code == QN_OK && may_go && is_old(self, manifest.time)) {
        self->out->snapshots++;
        code = self->options->dry_run ? QN_OK : bury(self, number, err);
    } else if (code == QN_OK) {
        self->out->kept++;
        spare_named(self, &manifest);
    }
    qn_arena_fini(&arena);
    return gone ? QN_OK : code;
}

static qn_code judge_all(struct expiry *self, struct qn_err *err)
{
    char path[PATH_BYTES];
    uint64_t *numbers;
    uint32_t n, keep = self->options->keep ? self->options->keep : 1;
    QN_TRY(qn_dataset_list(self->folder, &self->arena, &numbers, &n, err));
    for (uint32_t i = 0; i < n; i++)
        QN_TRY(judge(self, numbers[i], i + keep < n, err));
    snprintf(path, sizeof path, "%s/" QN_LAKE_SNAPSHOTS, self->folder);
    return qn_disk_sync_folder(path, err); /* before a file goes that they name */
}

/* --- the whole ------------------------------------------------------------------------------- */

static qn_code drop_files(struct expiry *self, struct qn_err *err)
{
    for (uint32_t i = 0; i < self->n_files; i++) {
        struct stat at;
        const char *path = qn_arena_printf(&self->arena, "%s/%s", self->folder, self->files[i]);
        if (self->named[i])
            continue;
        if (!path)
            return qn_err_nomem(err, "a path");
        if (stat(path, &at) != 0)
            continue;
        self->out->files++;
        self->out->bytes += (uint64_t)at.st_size;
        if (!self->options->dry_run && unlink(path) != 0 && errno != ENOENT)
            return qn_err_io(err, "remove", path);
    }
    return QN_OK;
}

/* Files first, then loads, then manifests: a file that was seen belongs to a load that still lives,
 * or to one whose manifest is there by now, or to nobody. */
static qn_code expire(struct expiry *self, struct qn_err *err)
{
    QN_TRY(list_files(self, "", 0, err));
    if (self->n_files)
        qsort(self->files, self->n_files, sizeof *self->files, by_path);
    self->named = QN_NEW_ARRAY(&self->arena, bool, self->n_files);
    if (!self->named)
        return qn_err_nomem(err, "a dataset's files");
    spare_live_loads(self);
    QN_TRY(judge_all(self, err));
    QN_TRY(drop_files(self, err));
    if (self->options->dry_run)
        return QN_OK;
    clear_graves(self);
    return drop_dead_loads(self, err);
}

qn_code qn_dataset_expire(const char *folder, const struct qn_expire_options *options,
                          struct qn_expire_result *out, struct qn_err *err)
{
    struct expiry self = {.folder = folder, .options = options, .out = out};
    *out = (struct qn_expire_result){0};
    if (!qn_dataset_is(folder))
        return qn_err_set(err, QN_ENOTFOUND, QN_BLAME_INPUT, "%s is no dataset of a lake", folder);
    qn_arena_init(&self.arena);
    qn_code code = expire(&self, err);
    free(self.files);
    qn_arena_fini(&self.arena);
    return code;
}
