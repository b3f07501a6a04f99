#include "coordinator/fingerprint.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 64 * 1024 };

/* A block of a file of `bytes`, or what there is of it. */
static size_t read_block(int fd, uint64_t at, uint64_t bytes, uint8_t *out)
{
    size_t most = bytes - at < BLOCK ? (size_t)(bytes - at) : BLOCK;
    ssize_t n = pread(fd, out, most, (off_t)at);
    return n < 0 ? 0 : (size_t)n;
}

/* The newest rows of a database may stand in its write-ahead log. */
static uint64_t hash_log(const char *path, uint8_t *blocks)
{
    char log[4096];
    struct stat at;
    if (memcmp(blocks, "SQLite format 3", 16) != 0 ||
        snprintf(log, sizeof log, "%s-wal", path) >= (int)sizeof log)
        return 0;
    int fd = open(log, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    size_t n = 0;
    if (fstat(fd, &at) == 0 && at.st_size > 0) {
        uint64_t bytes = (uint64_t)at.st_size;
        n = read_block(fd, 0, bytes, blocks);
        n += read_block(fd, bytes > BLOCK ? bytes - BLOCK : 0, bytes, blocks + n);
    }
    close(fd);
    return n ? qn_hash64(blocks, n, (uint64_t)at.st_size) : 0;
}

static qn_code hash_file(int fd, const char *path, uint64_t bytes, struct qn_hash128 *out,
                         struct qn_err *err)
{
    uint8_t *blocks = malloc(3 * (size_t)BLOCK);
    if (!blocks)
        return qn_err_nomem(err, "a fingerprint");
    size_t n = read_block(fd, 0, bytes, blocks);
    if (bytes > 2 * (uint64_t)BLOCK)
        n += read_block(fd, bytes / 2, bytes, blocks + n);
    if (bytes > BLOCK)
        n += read_block(fd, bytes - BLOCK, bytes, blocks + n);
    *out = qn_hash128(blocks, n, bytes);
    out->low ^= n >= 16 ? hash_log(path, blocks) : 0;
    free(blocks);
    return QN_OK;
}

/* Of a file's first *bytes, or of all it has, which is less. */
static qn_code hash_path(const char *path, char out[QN_FINGERPRINT_HEX], uint64_t *bytes,
                         struct qn_err *err)
{
    struct stat at;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &at) != 0) {
        if (fd >= 0)
            close(fd);
        return qn_err_io(err, "read", path);
    }
    struct qn_hash128 hash = {0};
    *bytes = (uint64_t)at.st_size < *bytes ? (uint64_t)at.st_size : *bytes;
    qn_code code = hash_file(fd, path, *bytes, &hash, err);
    close(fd);
    if (code == QN_OK)
        snprintf(out, QN_FINGERPRINT_HEX, "%016llx%016llx", (unsigned long long)hash.high,
                 (unsigned long long)hash.low);
    return code;
}

qn_code qn_fingerprint_file(const char *path, char out[QN_FINGERPRINT_HEX], uint64_t *bytes,
                            struct qn_err *err)
{
    *bytes = UINT64_MAX;
    return hash_path(path, out, bytes, err);
}

qn_code qn_fingerprint_prefix(const char *path, uint64_t bytes, char out[QN_FINGERPRINT_HEX],
                              struct qn_err *err)
{
    return hash_path(path, out, &bytes, err);
}

static qn_code add_file(struct qn_sha256 *sha, const char *path, struct qn_err *err)
{
    char fingerprint[QN_FINGERPRINT_HEX];
    uint64_t bytes;
    struct stat at;
    QN_TRY(qn_fingerprint_file(path, fingerprint, &bytes, err));
    if (stat(path, &at) != 0)
        return qn_err_io(err, "read", path);
    char line[160];
    int n = snprintf(line, sizeof line, " %s %lld.%09ld\n", fingerprint,
                     (long long)at.st_mtim.tv_sec, at.st_mtim.tv_nsec);
    qn_sha256_update(sha, path, strlen(path));
    qn_sha256_update(sha, line, (size_t)n);
    return QN_OK;
}

qn_code qn_fingerprint_plan(const struct qn_plan *plan, struct qn_strv plan_bytes,
                            char out[QN_SHA256_HEX], struct qn_err *err)
{
    struct qn_sha256 sha;
    qn_sha256_init(&sha);
    qn_sha256_update(&sha, plan_bytes.data, plan_bytes.len);
    for (uint32_t i = 0; i < plan->spec.n_sources; i++) {
        const struct qn_source_options *options = &plan->spec.sources[i].options;
        for (uint32_t file = 0; file < options->n_paths; file++)
            QN_TRY(add_file(&sha, options->paths[file], err));
    }
    qn_sha256_hex(&sha, out);
    return QN_OK;
}
