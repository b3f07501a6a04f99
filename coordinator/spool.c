#include "coordinator/spool.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wire/part.h"

/* An attempt whose part is not whole yet. Few at a time: at most one a slot sends. */
struct incoming {
    struct incoming *next;
    struct qn_token token;
    struct qn_buf small; /* what came, until it is too much */
    int fd;              /* -1: all in memory */
    uint64_t bytes;
};

struct qn_spool {
    char *folder;
    char proof[40]; /* name of an empty file in the folder */
    struct incoming *first;
};

static void remove_files(const char *folder)
{
    DIR *dir = opendir(folder);
    if (!dir)
        return;
    struct dirent *entry;
    while ((entry = readdir(dir)))
        if (entry->d_name[0] != '.')
            unlinkat(dirfd(dir), entry->d_name, 0);
    closedir(dir);
}

/* A name that nobody can guess: who finds it sees the same folder. */
static qn_code make_proof(struct qn_spool *spool, struct qn_err *err)
{
    char path[4096];
    uint64_t salt[2];
    if (getrandom(salt, sizeof salt, 0) != (ssize_t)sizeof salt)
        return qn_err_io(err, "read", "random bytes");
    snprintf(spool->proof, sizeof spool->proof, ".%016llx%016llx", (unsigned long long)salt[0],
             (unsigned long long)salt[1]);
    snprintf(path, sizeof path, "%s/%s", spool->folder, spool->proof);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0)
        return qn_err_io(err, "create", path);
    close(fd);
    return QN_OK;
}

qn_code qn_spool_new(const char *folder, struct qn_spool **out, struct qn_err *err)
{
    struct qn_spool *spool = calloc(1, sizeof *spool);
    char *copy = spool ? strdup(folder) : NULL;
    if (!copy) {
        free(spool);
        return qn_err_nomem(err, "a spool");
    }
    remove_files(folder);
    spool->folder = copy;
    *out = spool;
    return make_proof(spool, err);
}

const char *qn_spool_folder(const struct qn_spool *spool)
{
    return spool->folder;
}

const char *qn_spool_proof(const struct qn_spool *spool)
{
    return spool->proof;
}

void qn_spool_free(struct qn_spool *spool)
{
    while (spool && spool->first)
        qn_spool_drop(spool, &spool->first->token);
    if (spool)
        free(spool->folder);
    free(spool);
}

void qn_spool_path(const struct qn_spool *spool, const struct qn_token *token, char *out,
                   size_t room)
{
    char name[QN_PART_NAME];
    snprintf(out, room, "%s/%s", spool->folder, qn_part_name(token, name));
}

static struct incoming **find(struct qn_spool *spool, const struct qn_token *token)
{
    struct incoming **link = &spool->first;
    while (*link && !qn_token_eq(&(*link)->token, token))
        link = &(*link)->next;
    return link;
}

static qn_code begin(struct qn_spool *spool, const struct qn_token *token, struct incoming **out,
                     struct qn_err *err)
{
    struct incoming *part = calloc(1, sizeof *part);
    if (!part)
        return qn_err_nomem(err, "an incoming part");
    part->token = *token;
    part->fd = -1;
    qn_buf_init(&part->small);
    part->next = spool->first;
    spool->first = part;
    *out = part;
    return QN_OK;
}

static qn_code write_all(int fd, struct qn_strv bytes, struct qn_err *err)
{
    while (bytes.len) {
        ssize_t n = write(fd, bytes.data, bytes.len);
        if (n < 0)
            return qn_err_io(err, "write a part to", "the state folder");
        bytes.data += n;
        bytes.len -= (size_t)n;
    }
    return QN_OK;
}

static void forget(struct incoming **link)
{
    struct incoming *part = *link;
    *link = part->next;
    if (part->fd >= 0)
        close(part->fd);
    qn_buf_fini(&part->small);
    free(part);
}

static qn_code create(const char *path, int *fd, struct qn_err *err)
{
    *fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    return *fd >= 0 ? QN_OK : qn_err_io(err, "create", path);
}

/* From memory to a file. */
static qn_code spill(struct qn_spool *spool, struct incoming *part, struct qn_err *err)
{
    char path[4096];
    qn_spool_path(spool, &part->token, path, sizeof path);
    QN_TRY(create(path, &part->fd, err));
    QN_TRY(write_all(part->fd, qn_buf_strv(&part->small), err));
    qn_buf_fini(&part->small);
    return QN_OK;
}

qn_code qn_spool_put(struct qn_spool *spool, const struct qn_token *token, uint64_t offset,
                     struct qn_strv bytes, size_t in_memory_bytes, struct qn_err *err)
{
    struct incoming *part = *find(spool, token);
    if (!part && offset == 0)
        QN_TRY(begin(spool, token, &part, err));
    if (!part || part->bytes != offset)
        return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER, "a part's pieces do not follow");
    part->bytes += bytes.len;
    if (part->fd < 0 && part->bytes <= in_memory_bytes) {
        qn_buf_put(&part->small, bytes.data, bytes.len);
        return qn_buf_check(&part->small, "an incoming part", err);
    }
    if (part->fd < 0)
        QN_TRY(spill(spool, part, err));
    return write_all(part->fd, bytes, err);
}

/* Its worker wrote the file. What is in it is checked by whoever reads it, as ever; that it is
 * whole, by its size here and by its digest when a run is resumed. */
static qn_code check_left(const struct qn_spool *spool, const struct qn_msg *done,
                          struct qn_err *err)
{
    char path[4096];
    struct stat status;
    qn_spool_path(spool, &done->done.token, path, sizeof path);
    if (stat(path, &status) != 0 || !S_ISREG(status.st_mode) ||
        (uint64_t)status.st_size != done->done.bytes)
        return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER, "a part is not where its worker left it");
    return QN_OK;
}

static qn_code digest_of(const struct qn_spool *spool, const struct incoming *part,
                         struct qn_hash128 *digest, struct qn_err *err)
{
    char path[4096];
    uint64_t bytes;
    if (part->fd < 0) {
        *digest = qn_hash128(part->small.data, part->small.len, 0);
        return QN_OK;
    }
    qn_spool_path(spool, &part->token, path, sizeof path);
    return qn_part_digest(path, &bytes, digest, err);
}

qn_code qn_spool_close(struct qn_spool *spool, const struct qn_msg *done, struct qn_buf *small,
                       struct qn_err *err)
{
    if (done->done.left)
        return check_left(spool, done, err);
    struct incoming **link = find(spool, &done->done.token);
    struct incoming *part = *link;
    if (!part)
        return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER, "a part without bytes");
    struct qn_hash128 digest;
    qn_code code = digest_of(spool, part, &digest, err);
    bool whole = part->bytes == done->done.bytes && digest.low == done->done.digest.low &&
                 digest.high == done->done.digest.high;
    if (code == QN_OK && !whole) {
        qn_spool_drop(spool, &done->done.token);
        return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER, "a part arrived damaged");
    }
    if (part->fd < 0) {
        *small = part->small;
        qn_buf_init(&part->small);
    }
    forget(link);
    return code;
}

void qn_spool_drop(struct qn_spool *spool, const struct qn_token *token)
{
    struct qn_token gone = *token; /* may be the entry's own */
    struct incoming **link = find(spool, &gone);
    if (*link)
        forget(link);
    char path[4096];
    qn_spool_path(spool, &gone, path, sizeof path);
    unlink(path);
}

/* --- whole parts ----------------------------------------------------------------------------- */

qn_code qn_spooled_count(const struct qn_spooled *part, uint64_t *shuffled_rows, struct qn_err *err)
{
    return part->bytes.data ? qn_part_count_shuffled_in(part->bytes, shuffled_rows, err)
                            : qn_part_count_shuffled(part->path, shuffled_rows, err);
}

qn_code qn_spooled_partial(const struct qn_spooled *part, qn_part_take_fn take, void *context,
                           struct qn_err *err)
{
    return part->bytes.data ? qn_part_partial_in(part->bytes, take, context, err)
                            : qn_part_partial(part->path, take, context, err);
}

qn_code qn_spooled_read(const struct qn_spooled *part, struct qn_buf *room, struct qn_strv *bytes,
                        struct qn_err *err)
{
    enum { READ_BYTES = 256 << 10 };
    *bytes = part->bytes;
    if (part->bytes.data)
        return QN_OK;
    int fd = open(part->path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? 1 : -1;
    while (n > 0) {
        uint8_t *at = qn_buf_reserve(room, READ_BYTES);
        n = at ? read(fd, at, READ_BYTES) : 0;
        room->len += n > 0 ? (size_t)n : 0;
    }
    if (fd >= 0)
        close(fd);
    *bytes = qn_buf_strv(room);
    if (n < 0)
        return qn_err_set(err, QN_ELOST, QN_BLAME_WORKER, "cannot read %s", part->path);
    return qn_buf_check(room, "a part", err);
}

qn_code qn_spooled_keep(const struct qn_spooled *part, const char *path, struct qn_err *err)
{
    if (!part->bytes.data)
        return rename(part->path, path) == 0 ? QN_OK : qn_err_io(err, "keep", path);
    int fd;
    QN_TRY(create(path, &fd, err));
    qn_code code = write_all(fd, part->bytes, err);
    close(fd);
    return code;
}

qn_code qn_spooled_discard(const struct qn_spooled *part, struct qn_err *err)
{
    if (part->bytes.data)
        return QN_OK;
    return unlink(part->path) == 0 ? QN_OK : qn_err_io(err, "remove", part->path);
}
