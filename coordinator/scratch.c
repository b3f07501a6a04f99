#include "coordinator/scratch.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"

/* --- making ---------------------------------------------------------------------------------- */

static qn_code make_folder(struct qn_arena *arena, char **out, const char *parent, const char *name,
                           struct qn_err *err)
{
    *out = qn_arena_printf(arena, "%s/%s", parent, name);
    if (!*out)
        return qn_err_nomem(err, "a path");
    if (mkdir(*out, 0755) != 0 && access(*out, W_OK) != 0)
        return qn_err_io(err, "make folder", *out);
    return QN_OK;
}

qn_code qn_scratch_make(const char *state_folder, const char *run_id, struct qn_arena *arena,
                        char **spool, char **parts, struct qn_err *err)
{
    char *folder;
    QN_TRY(make_folder(arena, &folder, state_folder, run_id, err));
    QN_TRY(make_folder(arena, spool, folder, "spool", err));
    return make_folder(arena, parts, folder, "parts", err);
}

/* --- removing -------------------------------------------------------------------------------- */

static int open_folder(int parent, const char *name)
{
    return openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* A folder of files. */
static void remove_folder(int parent, const char *name)
{
    int fd = open_folder(parent, name);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;
    if (!dir) {
        if (fd >= 0)
            close(fd);
        return;
    }
    while ((entry = readdir(dir)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            unlinkat(fd, entry->d_name, 0);
    closedir(dir);
    unlinkat(parent, name, AT_REMOVEDIR);
}

void qn_scratch_remove(const char *state_folder, const char *run_id)
{
    int state = open(state_folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int folder = state < 0 ? -1 : open_folder(state, run_id);
    if (folder >= 0) {
        remove_folder(folder, "spool");
        remove_folder(folder, "parts");
        close(folder);
        remove_folder(state, run_id);
    }
    if (state >= 0)
        close(state);
}

/* What takes long is giving back the memory that the kernel has a file in, a file a thread; of few
 * bytes, starting threads. */
enum { REMOVERS = 4, REMOVER_BYTES = 16 << 20 };

struct remover {
    pthread_t thread;
    const struct qn_removal *removal;
    uint32_t share;
};

struct qn_removal {
    const char *state_folder, *run_id;
    struct remover removers[REMOVERS];
    uint32_t n, shares; /* n: as many as could be started */
};

static int open_parts(const struct qn_removal *removal)
{
    int state = open(removal->state_folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int folder = state < 0 ? -1 : open_folder(state, removal->run_id);
    int parts = folder < 0 ? -1 : open_folder(folder, "parts");
    if (folder >= 0)
        close(folder);
    if (state >= 0)
        close(state);
    return parts;
}

/* The parts whose names fall to this one. */
static void *remove_share(void *context)
{
    const struct remover *remover = context;
    int fd = open_parts(remover->removal);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;
    while (dir && (entry = readdir(dir)))
        if (entry->d_name[0] != '.' &&
            qn_hash64(entry->d_name, strlen(entry->d_name), 0) % remover->removal->shares ==
                remover->share)
            unlinkat(fd, entry->d_name, 0);
    if (dir)
        closedir(dir);
    else if (fd >= 0)
        close(fd);
    return NULL;
}

static uint32_t removers_for(const struct qn_removal *removal)
{
    int fd = open_parts(removal);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;
    struct stat stat;
    off_t bytes = 0;
    while (dir && bytes < REMOVERS * (off_t)REMOVER_BYTES && (entry = readdir(dir)))
        bytes += fstatat(fd, entry->d_name, &stat, AT_SYMLINK_NOFOLLOW) == 0 ? stat.st_size : 0;
    if (dir)
        closedir(dir);
    else if (fd >= 0)
        close(fd);
    off_t wanted = 1 + bytes / REMOVER_BYTES;
    return wanted < REMOVERS ? (uint32_t)wanted : REMOVERS;
}

struct qn_removal *qn_scratch_remove_begin(const char *state_folder, const char *run_id)
{
    struct qn_removal *removal = calloc(1, sizeof *removal);
    if (!removal) {
        qn_scratch_remove(state_folder, run_id);
        return NULL;
    }
    removal->state_folder = state_folder;
    removal->run_id = run_id;
    removal->shares = removers_for(removal);
    for (; removal->n < removal->shares; removal->n++) {
        struct remover *remover = &removal->removers[removal->n];
        *remover = (struct remover){.removal = removal, .share = removal->n};
        if (pthread_create(&remover->thread, NULL, remove_share, remover) != 0)
            break;
    }
    return removal;
}

void qn_scratch_remove_end(struct qn_removal *removal)
{
    for (uint32_t i = 0; removal && i < removal->n; i++)
        pthread_join(removal->removers[i].thread, NULL);
    if (removal) /* folders, and what is left in them */
        qn_scratch_remove(removal->state_folder, removal->run_id);
    free(removal);
}

/* --- finding --------------------------------------------------------------------------------- */

/* Other things may lie in a state folder; only what a run was named is a run's. */
static bool is_run_id(const char *name)
{
    return strlen(name) == QN_CLOCK_ID - 1 && qn_clock_is_id(name);
}

qn_code qn_scratch_each(const char *state_folder,
                        qn_code (*each)(void *context, const char *run_id, struct qn_err *err),
                        void *context, struct qn_err *err)
{
    DIR *dir = opendir(state_folder);
    struct dirent *entry;
    qn_code code = QN_OK;
    if (!dir)
        return qn_err_io(err, "read folder", state_folder);
    while (code == QN_OK && (entry = readdir(dir)))
        if (is_run_id(entry->d_name))
            code = each(context, entry->d_name, err);
    closedir(dir);
    return code;
}
