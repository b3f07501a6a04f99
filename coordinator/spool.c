#include "coordinator/spool.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wire/part.h"

/* An attempt whose part is not whole yet. Few at a time: at most one a slot sends. */
struct incoming {
    struct incoming *next;
    struct qn_token token;
    int fd;
    uint64_t bytes;
};

struct qn_spool {
    char *folder;
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
    return QN_OK;
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
    snprintf(out, room, "%s/%u-%u-%u-%u.%llu.%u", spool->folder, token->job, token->stage,
             token->round, token->unit, (unsigned long long)token->epoch, token->attempt);
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
    char path[4096];
    qn_spool_path(spool, token, path, sizeof path);
    struct incoming *part = calloc(1, sizeof *part);
    if (!part)
        return qn_err_nomem(err, "an incoming part");
    part->token = *token;
    part->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (part->fd < 0) {
        free(part);
        return qn_err_io(err, "create", path);
    }
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
            return qn_err_io(err, "write", "a part to the state folder");
        bytes.data += n;
        bytes.len -= (size_t)n;
    }
    return QN_OK;
}

qn_code qn_spool_put(struct qn_spool *spool, const struct qn_token *token, uint64_t offset,
                     struct qn_strv bytes, struct qn_err *err)
{
    struct incoming *part = *find(spool, token);
    if (!part && offset == 0)
        QN_TRY(begin(spool, token, &part, err));
    if (!part || part->bytes != offset)
        return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER, "a part's pieces do not follow");
    QN_TRY(write_all(part->fd, bytes, err));
    part->bytes += bytes.len;
    return QN_OK;
}

qn_code qn_spool_close(struct qn_spool *spool, const struct qn_msg *done, struct qn_err *err)
{
    struct incoming **link = find(spool, &done->done.token);
    struct incoming *part = *link;
    if (!part)
        return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER, "a part without bytes");
    *link = part->next;
    close(part->fd);
    free(part);
    char path[4096];
    uint64_t bytes;
    struct qn_hash128 digest;
    qn_spool_path(spool, &done->done.token, path, sizeof path);
    QN_TRY(qn_part_digest(path, &bytes, &digest, err));
    if (bytes == done->done.bytes && digest.low == done->done.digest.low &&
        digest.high == done->done.digest.high)
        return QN_OK;
    unlink(path);
    return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER, "a part arrived damaged");
}

void qn_spool_drop(struct qn_spool *spool, const struct qn_token *token)
{
    struct qn_token gone = *token; /* may be the entry's own */
    struct incoming **link = find(spool, &gone);
    struct incoming *part = *link;
    if (part) {
        *link = part->next;
        close(part->fd);
        free(part);
    }
    char path[4096];
    qn_spool_path(spool, &gone, path, sizeof path);
    unlink(path);
}
