#include "lake/load.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/disk.h"
#include "lake/dataset.h"

static const char lock_name[] = ".lock";
enum { PATH_BYTES = 4096 };
/* Where files cannot be locked, a load that nobody touched for so long is over. */
static const time_t DEAD_AFTER_S = 24 * 3600;

bool qn_load_of_file(const char *path, char id[QN_CLOCK_ID])
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    if (!qn_clock_is_id(name) || name[QN_CLOCK_ID - 1] != '-')
        return false;
    memcpy(id, name, QN_CLOCK_ID - 1);
    id[QN_CLOCK_ID - 1] = '\0';
    return true;
}

/* Files that an earlier life left; the lock stays. */
static void empty(const struct qn_load *load)
{
    DIR *dir = opendir(load->staging);
    struct dirent *entry;
    while (dir && (entry = readdir(dir))) /* NOLINT(concurrency-mt-unsafe) */
        if (entry->d_name[0] != '.')
            unlinkat(dirfd(dir), entry->d_name, 0);
    if (dir)
        closedir(dir);
}

void qn_load_close(struct qn_load *load)
{
    if (load->lock >= 0)
        close(load->lock);
    load->lock = -1;
}

/* Whether the lock that is held is the file that has its name: an expiry may have removed the one
 * that was opened. */
static bool is_named(int lock, const char *path)
{
    struct stat held, named;
    return fstat(lock, &held) == 0 && stat(path, &named) == 0 && held.st_ino == named.st_ino &&
           held.st_dev == named.st_dev;
}

/* One try: QN_ENOTFOUND when an expiry came between, QN_ESTATE when somebody has the lock. */
static qn_code try_lock(struct qn_load *load, const char *path, struct qn_err *err)
{
    QN_TRY(qn_disk_make_folders(load->staging, err));
    load->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (load->lock < 0)
        return errno == ENOENT ? QN_ENOTFOUND : qn_err_io(err, "create", path);
    bool taken = flock(load->lock, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (!taken && is_named(load->lock, path))
        return QN_OK;
    qn_load_close(load);
    return taken ? QN_ESTATE : QN_ENOTFOUND;
}

qn_code qn_load_begin(struct qn_load *load, const char *folder, const char *id,
                      struct qn_arena *arena, struct qn_err *err)
{
    enum { TRIES = 200 };
    const struct timespec pause = {.tv_nsec = 10000000}; /* an expiry looks for an instant */
    *load = (struct qn_load){.folder = folder, .lock = -1};
    load->staging = qn_arena_printf(arena, "%s/" QN_LAKE_LOADS "/%s", folder, id);
    const char *path = qn_arena_printf(arena, "%s/%s", load->staging, lock_name);
    if (!load->staging || !path)
        return qn_err_nomem(err, "a path");
    qn_code code = QN_ENOTFOUND;
    for (int i = 0; i < TRIES && (code == QN_ENOTFOUND || code == QN_ESTATE); i++) {
        code = try_lock(load, path, err);
        if (code == QN_ESTATE)
            nanosleep(&pause, NULL);
    }
    if (code == QN_ESTATE || code == QN_ENOTFOUND)
        return qn_err_set(err, QN_ESTATE, QN_BLAME_COORDINATOR,
                          "%s is being written by another process", load->staging);
    if (code == QN_OK)
        empty(load);
    return code;
}

bool qn_load_drop_dead(const char *folder, const char *id, struct qn_arena *arena)
{
    struct qn_load load = {.folder = folder, .lock = -1};
    load.staging = qn_arena_printf(arena, "%s/" QN_LAKE_LOADS "/%s", folder, id);
    const char *path = qn_arena_printf(arena, "%s/%s", load.staging, lock_name);
    if (!load.staging || !path)
        return false;
    load.lock = open(path, O_RDWR | O_CLOEXEC);
    bool dead =
        load.lock >= 0 && flock(load.lock, LOCK_EX | LOCK_NB) == 0 && is_named(load.lock, path);
    if (dead)
        qn_load_end(&load);
    qn_load_close(&load);
    return dead;
}

qn_code qn_load_place(const struct qn_load *load, const char *staged, const char *name,
                      struct qn_err *err)
{
    char path[PATH_BYTES], folder[PATH_BYTES];
    const char *slash = strrchr(name, '/');
    int n = snprintf(path, sizeof path, "%s/%s", load->folder, name);
    if (n < 0 || (size_t)n >= sizeof path)
        return qn_err_set(err, QN_ELIMIT, QN_BLAME_JOB, "the path %.60s... is too long", name);
    if (slash) {
        snprintf(folder, sizeof folder, "%s/%.*s", load->folder, (int)(slash - name), name);
        QN_TRY(qn_disk_make_folders(folder, err));
    }
    if (rename(staged, path) == 0)
        return QN_OK;
    qn_code code = qn_err_io(err, "put in place", path);
    if (err)
        err->blame = QN_BLAME_COORDINATOR;
    return code;
}

void qn_load_end(struct qn_load *load)
{
    char path[PATH_BYTES];
    if (!load->staging)
        return;
    empty(load);
    int n = snprintf(path, sizeof path, "%s/%s", load->staging, lock_name);
    if (n > 0 && (size_t)n < sizeof path)
        unlink(path);
    rmdir(load->staging);
}

/* Whoever takes the lock of a dead load gives it back at once. */
bool qn_load_is_live(const char *folder, const char *id)
{
    char path[PATH_BYTES];
    struct stat at;
    int n = snprintf(path, sizeof path, "%s/" QN_LAKE_LOADS "/%s/%s", folder, id, lock_name);
    int fd = n > 0 && (size_t)n < sizeof path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return false;
    bool live = flock(fd, LOCK_EX | LOCK_NB) != 0;
    if (live && errno != EWOULDBLOCK)
        live = fstat(fd, &at) == 0 && time(NULL) - at.st_mtime < DEAD_AFTER_S;
    close(fd);
    return live;
}
