#include "lake/dataset.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/disk.h"
#include "base/log.h"
#include "flow/value.h"

enum { NUMBER_DIGITS = 20, PATH_BYTES = 4096 };
/* A manifest of a million files; more is none of ours. */
static const off_t MAX_MANIFEST_BYTES = (off_t)1 << 30;

/* --- names ----------------------------------------------------------------------------------- */

static qn_code path_of(const char *folder, const char *below, const char *name,
                       char out[PATH_BYTES], struct qn_err *err)
{
    int n = snprintf(out, PATH_BYTES, "%s/%s%s%s", folder, below, name[0] ? "/" : "", name);
    if (n > 0 && n < PATH_BYTES)
        return QN_OK;
    return qn_err_set(err, QN_ELIMIT, QN_BLAME_JOB, "the path %.60s... is too long", folder);
}

static void name_of(uint64_t number, char out[NUMBER_DIGITS + 6])
{
    snprintf(out, NUMBER_DIGITS + 6, "%020llu.json", (unsigned long long)number);
}

/* 00000000000000000012.json; 0 when it is no such name. */
static uint64_t number_of(const char *name)
{
    int64_t number;
    size_t n = strlen(name);
    if (n != NUMBER_DIGITS + 5 || strcmp(name + NUMBER_DIGITS, ".json") != 0 ||
        !qn_strv_to_i64((struct qn_strv){name, NUMBER_DIGITS}, &number) || number < 1)
        return 0;
    return (uint64_t)number;
}

bool qn_dataset_is(const char *folder)
{
    char path[PATH_BYTES];
    struct stat at;
    return path_of(folder, QN_LAKE_SNAPSHOTS, "", path, NULL) == QN_OK && stat(path, &at) == 0 &&
           S_ISDIR(at.st_mode);
}

qn_code qn_dataset_make(const char *folder, struct qn_err *err)
{
    char path[PATH_BYTES];
    QN_TRY(path_of(folder, QN_LAKE_SNAPSHOTS, "", path, err));
    QN_TRY(qn_disk_make_folders(path, err));
    QN_TRY(path_of(folder, QN_LAKE_LOADS, "", path, err));
    return qn_disk_make_folders(path, err);
}

/* --- what there is --------------------------------------------------------------------------- */

struct numbers {
    uint64_t *items;
    uint32_t n, capacity;
    uint64_t greatest; /* expired ones too */
};

static bool keep_number(struct numbers *numbers, uint64_t number)
{
    if (numbers->n == numbers->capacity) {
        uint32_t capacity = numbers->capacity ? numbers->capacity * 2 : 64;
        uint64_t *grown = realloc(numbers->items, capacity * sizeof *grown);
        if (!grown)
            return false;
        numbers->items = grown;
        numbers->capacity = capacity;
    }
    numbers->items[numbers->n++] = number;
    return true;
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Snapshots ascending; those that are expired have no bytes. */
static qn_code scan(const char *folder, struct numbers *out, struct qn_err *err)
{
    char path[PATH_BYTES];
    struct dirent *entry;
    bool good = true;
    *out = (struct numbers){0};
    QN_TRY(path_of(folder, QN_LAKE_SNAPSHOTS, "", path, err));
    DIR *dir = opendir(path);
    if (!dir)
        return errno == ENOENT ? QN_OK : qn_err_io(err, "read folder", path);
    while (good && (entry = readdir(dir))) { /* NOLINT(concurrency-mt-unsafe) */
        struct stat at;
        uint64_t number = number_of(entry->d_name);
        if (number == 0 || fstatat(dirfd(dir), entry->d_name, &at, 0) != 0)
            continue;
        if (number > out->greatest)
            out->greatest = number;
        if (at.st_size > 0)
            good = keep_number(out, number);
    }
    closedir(dir);
    if (out->n)
        qsort(out->items, out->n, sizeof *out->items, by_number);
    return good ? QN_OK : qn_err_nomem(err, "a dataset's snapshots");
}

qn_code qn_dataset_list(const char *folder, struct qn_arena *arena, uint64_t **numbers, uint32_t *n,
                        struct qn_err *err)
{
    struct numbers found;
    qn_code code = scan(folder, &found, err);
    *n = code == QN_OK ? found.n : 0;
    *numbers = QN_NEW_ARRAY(arena, uint64_t, *n);
    if (code == QN_OK && !*numbers)
        code = qn_err_nomem(err, "a dataset's snapshots");
    if (code == QN_OK && *n)
        memcpy(*numbers, found.items, *n * sizeof **numbers);
    free(found.items);
    return code;
}

/* --- reading --------------------------------------------------------------------------------- */

static qn_code read_all(int fd, const char *path, struct qn_arena *arena, struct qn_strv *text,
                        struct qn_err *err)
{
    struct stat at;
    if (fstat(fd, &at) != 0)
        return qn_err_io(err, "read", path);
    if (at.st_size > MAX_MANIFEST_BYTES)
        return qn_err_set(err, QN_ELIMIT, QN_BLAME_INPUT, "%s has %lld bytes", path,
                          (long long)at.st_size);
    size_t bytes = (size_t)at.st_size, used = 0;
    char *room = qn_arena_alloc(arena, bytes + 1);
    if (!room)
        return qn_err_nomem(err, "a manifest");
    while (used < bytes) {
        ssize_t n = read(fd, room + used, bytes - used);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        used += (size_t)n;
    }
    *text = (struct qn_strv){room, used};
    return used == bytes ? QN_OK : qn_err_io(err, "read", path);
}

/* QN_ENOTFOUND: expired, or never there. */
static qn_code read_number(const char *folder, uint64_t number, struct qn_arena *arena,
                           struct qn_lake_manifest *out, struct qn_err *err)
{
    char path[PATH_BYTES], name[NUMBER_DIGITS + 6];
    struct qn_strv text;
    name_of(number, name);
    QN_TRY(path_of(folder, QN_LAKE_SNAPSHOTS, name, path, err));
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? QN_ENOTFOUND : qn_err_io(err, "open", path);
    qn_code code = read_all(fd, path, arena, &text, err);
    close(fd);
    QN_TRY(code);
    if (text.len == 0)
        return QN_ENOTFOUND;
    QN_TRY(qn_manifest_parse(text, path, arena, out, err));
    if (out->number == number)
        return QN_OK;
    return qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT, "%s says that it is snapshot %llu", path,
                      (unsigned long long)out->number);
}

static qn_code none_there(const char *folder, struct qn_err *err)
{
    bool is_dataset = qn_dataset_is(folder);
    return qn_err_set(err, QN_ENOTFOUND, QN_BLAME_INPUT, "%s %s", folder,
                      is_dataset ? "has no snapshot yet" : "is no dataset of a lake");
}

static qn_code not_there(const char *folder, uint64_t number, const struct numbers *found,
                         struct qn_err *err)
{
    return qn_err_set(err, QN_ENOTFOUND, QN_BLAME_INPUT,
                      "%s has no snapshot %llu; it has %u, from %llu to %llu", folder,
                      (unsigned long long)number, found->n, (unsigned long long)found->items[0],
                      (unsigned long long)found->items[found->n - 1]);
}

/* The newest is never expired, but may cease to be the newest while we look. */
static qn_code read_newest(const char *folder, struct qn_arena *arena, struct numbers *found,
                           struct qn_lake_manifest *out, struct qn_err *err)
{
    for (;;) {
        QN_TRY(scan(folder, found, err));
        if (found->n == 0)
            return none_there(folder, err);
        qn_code code = read_number(folder, found->items[found->n - 1], arena, out, err);
        if (code != QN_ENOTFOUND)
            return code;
        free(found->items);
        found->items = NULL;
    }
}

qn_code qn_dataset_read(const char *folder, uint64_t number, struct qn_arena *arena,
                        struct qn_lake_manifest *out, struct qn_err *err)
{
    struct numbers found = {0};
    qn_code code =
        number ? scan(folder, &found, err) : read_newest(folder, arena, &found, out, err);
    if (code == QN_OK && number && found.n == 0)
        code = none_there(folder, err);
    else if (code == QN_OK && number) {
        code = read_number(folder, number, arena, out, err);
        if (code == QN_ENOTFOUND)
            code = not_there(folder, number, &found, err);
    }
    free(found.items);
    return code;
}

static qn_code read_before(const char *folder, const struct numbers *found, const char *time,
                           struct qn_arena *arena, struct qn_lake_manifest *out, struct qn_err *err)
{
    int64_t wanted, made;
    if (!qn_parse_timestamp(qn_strv_from(time), &wanted))
        return qn_err_set(err, QN_EINPUT, QN_BLAME_JOB,
                          "'%s' is no time; write it as 2026-01-31T12:00:00Z", time);
    for (uint32_t i = found->n; i-- > 0;) {
        qn_code code = read_number(folder, found->items[i], arena, out, err);
        if (code == QN_ENOTFOUND)
            continue;
        QN_TRY(code);
        if (qn_parse_timestamp(qn_strv_from(out->time), &made) && made <= wanted)
            return QN_OK;
    }
    return qn_err_set(err, QN_ENOTFOUND, QN_BLAME_INPUT,
                      "%s has no snapshot from before %s; the oldest is of %s", folder, time,
                      out->time ? out->time : "later");
}

qn_code qn_dataset_read_as_of(const char *folder, const char *time, struct qn_arena *arena,
                              struct qn_lake_manifest *out, struct qn_err *err)
{
    struct numbers found;
    *out = (struct qn_lake_manifest){0};
    qn_code code = scan(folder, &found, err);
    if (code == QN_OK && found.n == 0)
        code = none_there(folder, err);
    else if (code == QN_OK)
        code = read_before(folder, &found, time, arena, out, err);
    free(found.items);
    return code;
}

/* --- making one ------------------------------------------------------------------------------ */

/* A file with the bytes under a name that nobody else has. */
static qn_code write_unnamed(const char *folder, struct qn_strv bytes, char path[PATH_BYTES],
                             struct qn_err *err)
{
    char name[40];
    uint64_t salt[2];
    if (getrandom(salt, sizeof salt, 0) != (ssize_t)sizeof salt)
        return qn_err_io(err, "read", "random bytes");
    snprintf(name, sizeof name, ".%016llx%016llx", (unsigned long long)salt[0],
             (unsigned long long)salt[1]);
    QN_TRY(path_of(folder, QN_LAKE_SNAPSHOTS, name, path, err));
    return qn_disk_write_file(path, bytes, err);
}

/* Once it has its number everybody sees the snapshot: a load that failed then would be there all
 * the same. */
static void sync_numbers(const char *snapshots, const char *named)
{
    struct qn_err err;
    if (qn_disk_sync_folder(snapshots, &err) != QN_OK)
        qn_log_warn("snapshot %s is published, but may be lost if the power fails now: %s", named,
                    err.message);
}

/* QN_EEXISTS: another writer has the number. */
static qn_code take_number(const char *folder, uint64_t number, struct qn_strv bytes,
                           struct qn_err *err)
{
    char unnamed[PATH_BYTES], named[PATH_BYTES], snapshots[PATH_BYTES], name[NUMBER_DIGITS + 6];
    name_of(number, name);
    QN_TRY(path_of(folder, QN_LAKE_SNAPSHOTS, name, named, err));
    QN_TRY(path_of(folder, QN_LAKE_SNAPSHOTS, "", snapshots, err));
    QN_TRY(write_unnamed(folder, bytes, unnamed, err));
    qn_code code = QN_OK;
    if (link(unnamed, named) != 0) {
        code = errno == EEXIST ? QN_EEXISTS : qn_err_io(err, "create", named);
        if (code != QN_EEXISTS && err)
            err->blame = QN_BLAME_COORDINATOR;
    }
    unlink(unnamed);
    if (code == QN_OK)
        sync_numbers(snapshots, named);
    return code;
}

/* Never before its parent's, whatever the clocks of two machines say. */
static const char *time_after(const struct qn_lake_manifest *base, char now[QN_CLOCK_ISO])
{
    qn_clock_iso(now);
    return base && strcmp(base->time, now) > 0 ? base->time : now;
}

static qn_code try_commit(const char *folder, qn_rebase_fn rebase, void *context,
                          struct qn_arena *arena, uint64_t *number, struct qn_err *err)
{
    struct numbers found = {0};
    struct qn_lake_manifest base, next = {0};
    char now[QN_CLOCK_ISO];
    qn_code code = read_newest(folder, arena, &found, &base, err);
    bool none = code == QN_ENOTFOUND;
    free(found.items);
    if (code != QN_OK && !none)
        return code;
    *number = none ? 0 : base.number;
    QN_TRY(rebase(context, none ? NULL : &base, arena, &next, err));
    next.parent = *number;
    next.number = found.greatest + 1; /* numbers of what expired, or never came, are spent */
    next.time = time_after(none ? NULL : &base, now);
    struct qn_buf text;
    qn_buf_init(&text);
    qn_manifest_put(&next, &text);
    code = qn_buf_check(&text, "a manifest", err);
    if (code == QN_OK)
        code = take_number(folder, next.number, qn_buf_strv(&text), err);
    qn_buf_fini(&text);
    if (code == QN_OK)
        *number = next.number;
    return code == QN_EEXISTS ? QN_ESTATE : code;
}

qn_code qn_dataset_commit(const char *folder, qn_rebase_fn rebase, void *context, uint64_t *number,
                          struct qn_err *err)
{
    struct qn_arena arena;
    qn_code code;
    QN_TRY(qn_dataset_make(folder, err));
    qn_arena_init(&arena);
    do { /* each time in vain, somebody else got on */
        qn_arena_clear(&arena);
        code = try_commit(folder, rebase, context, &arena, number, err);
    } while (code == QN_ESTATE);
    qn_arena_fini(&arena);
    return code == QN_EEXISTS ? QN_OK : code;
}

/* --- whose it is ----------------------------------------------------------------------------- */

static bool is(const char *text, const char *wanted)
{
    return text && strcmp(text, wanted) == 0;
}

qn_code qn_dataset_find_run(const char *folder, const char *run, const char *job, uint64_t *number,
                            struct qn_err *err)
{
    struct numbers found;
    struct qn_arena arena;
    struct qn_lake_manifest manifest;
    qn_code code = scan(folder, &found, err);
    *number = 0;
    qn_arena_init(&arena);
    for (uint32_t i = found.n; code == QN_OK && i-- > 0 && !*number;) {
        qn_arena_clear(&arena);
        qn_code read = read_number(folder, found.items[i], &arena, &manifest, err);
        if (read == QN_OK && is(manifest.run, run) && is(manifest.job, job))
            *number = manifest.number;
        else if (read != QN_OK && read != QN_ENOTFOUND)
            code = read;
    }
    qn_arena_fini(&arena);
    free(found.items);
    return code == QN_OK && !*number ? QN_ENOTFOUND : code;
}
