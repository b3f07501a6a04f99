#include "coordinator/scratch.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

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

struct qn_removal {
    pthread_t thread;
    const char *state_folder, *run_id;
};

static void *run_removal(void *context)
{
    const struct qn_removal *removal = context;
    qn_scratch_remove(removal->state_folder, removal->run_id);
    return NULL;
}

struct qn_removal *qn_scratch_remove_begin(const char *state_folder, const char *run_id)
{
    struct qn_removal *removal = malloc(sizeof *removal);
    if (removal) {
        *removal = (struct qn_removal){.state_folder = state_folder, .run_id = run_id};
        if (pthread_create(&removal->thread, NULL, run_removal, removal) == 0)
            return removal;
    }
    free(removal);
    qn_scratch_remove(state_folder, run_id);
    return NULL;
}

void qn_scratch_remove_end(struct qn_removal *removal)
{
    if (removal)
        pthread_join(removal->thread, NULL);
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
